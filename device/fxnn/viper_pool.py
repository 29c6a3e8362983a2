"""Pools and mean, in viper. See viper.py for the rules, ref.py for the meaning, viper_conv.py for requantize."""

import micropython


@micropython.viper
def pool_2d(x: ptr8, acc: ptr8, constants: ptr8):
    """See ref.max_pool_2d and ref.average_pool_2d. The arguments are record, arena, constants.

    Values are taken as x + 128, unsigned. // is a call of a C function: once an output.
    """
    rec = ptr32(x)
    arena = int(acc)
    image = arena + rec[5]
    y = ptr8(arena + rec[6])
    in_h = rec[9]
    in_w = rec[10]
    in_c = rec[11]
    x_row = in_w * in_c
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    n = rec[8]
    while n > 0:
        n -= 1
        iy0 = 0 - rec[21]
        oy = rec[12]
        while oy > 0:
            oy -= 1
            iy = iy0
            ky = rec[15]
            if iy + ky > in_h:
                ky = in_h - iy
            if iy < 0:
                ky += iy
                iy = 0
            ix0 = 0 - rec[22]
            ox = rec[13]
            while ox > 0:
                ox -= 1
                ix = ix0
                kx = rec[16]
                if ix + kx > in_w:
                    kx = in_w - ix
                if ix < 0:
                    kx += ix
                    ix = 0
                count = 0
                if ky > 0 and kx > 0:
                    count = ky * kx
                pixel = image + iy * x_row + ix * in_c
                c = in_c
                while c > 0:
                    c -= 1
                    row = pixel
                    ky_left = ky
                    acc = ptr8(0)
                    if rec[0] == 4:
                        while ky_left > 0:
                            ky_left -= 1
                            x = ptr8(row)
                            kx_left = kx
                            while kx_left > 0:
                                kx_left -= 1
                                if x[0] ^ 128 > int(acc):
                                    acc = ptr8(x[0] ^ 128)
                                x = ptr8(int(x) + in_c)
                            row += x_row
                        v = int(acc) - 128
                    else:
                        while ky_left > 0:
                            ky_left -= 1
                            x = ptr8(row)
                            kx_left = kx
                            while kx_left > 0:
                                kx_left -= 1
                                acc = ptr8((x[0] ^ 128) + int(acc))
                                x = ptr8(int(x) + in_c)
                            row += x_row
                        v = int(acc) - (count << 7)
                        if v < 0:
                            v = 0 - ((count >> 1) - v) // count
                        elif count > 0:
                            v = ((count >> 1) + v) // count
                    if v < low:
                        v = low
                    if v > high:
                        v = high
                    y[0] = v
                    y = ptr8(int(y) + 1)
                    pixel += 1
                ix0 += rec[18]
            iy0 += rec[17]
        image += in_h * x_row


@micropython.viper
def mean(x: ptr8, acc: ptr8, constants: ptr8):
    """See ref.mean. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    outer = arena + rec[5]
    y = ptr8(arena + rec[6])
    r1 = rec[9]
    b = rec[10]
    r2 = rec[11]
    c = rec[12]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    n = rec[8]
    while n > 0:
        n -= 1
        inner = outer
        ib = b
        while ib > 0:
            ib -= 1
            ic = 0
            while ic < c:
                acc = ptr8(rec[13])
                row = inner + ic
                v = r1
                while v > 0:
                    v -= 1
                    x = ptr8(row)
                    t = r2
                    while t > 0:
                        t -= 1
                        acc = ptr8((x[0] ^ 128) + int(acc))
                        x = ptr8(int(x) + c)
                    row += b * r2 * c
                # requantize
                a = int(acc) << rec[15] << wide >> wide
                x = ptr8(a & 0xFFFF)
                acc = ptr8(a >> 16)
                mh = rec[14]
                ml = mh & 0xFFFF
                mh >>= 16
                t = ((int(x) * ml) >> 16) & 0xFFFF
                x = ptr8(int(x) * mh)
                ml *= int(acc)
                t += (ml & 0x7FFF) + (int(x) & 0x7FFF) + 0x4000
                acc = ptr8(int(acc) * mh * 2 + (ml >> 15) + (int(x) >> 15) + (t >> 15))
                v = rec[16]
                if v > 0:
                    acc = ptr8((((int(acc) + (int(acc) >> 31)) >> (v - 1)) + 1) >> 1)
                acc = ptr8((int(acc) + y_zero) << wide >> wide)
                if int(acc) < low:
                    acc = ptr8(low)
                if int(acc) > high:
                    acc = ptr8(high)
                y[0] = int(acc)
                y = ptr8(int(y) + 1)
                ic += 1
            inner += r2 * c
        outer += r1 * b * r2 * c


kernels = {4: pool_2d, 5: pool_2d, 6: mean}
