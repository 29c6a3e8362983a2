"""Pools and mean, in viper. See viper for the rules, ref for the meaning, viper/conv.py for requantize."""

import micropython

# words: written by python -m host_tools.record
_KERNEL = const(0)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_A = const(8)
_BATCHES = const(8)
_IN_H = const(9)
_R1 = const(9)
_B = const(10)
_IN_W = const(10)
_IN_C = const(11)
_R2 = const(11)
_C = const(12)
_OUT_H = const(12)
_ACC_OFFSET = const(13)
_OUT_W = const(13)
_MULTIPLIER = const(14)
_KERNEL_H = const(15)
_LEFT_SHIFT = const(15)
_KERNEL_W = const(16)
_RIGHT_SHIFT = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
# end of words
_MAX_POOL = const(4)  # kernel id


@micropython.viper
def pool_2d(x: ptr8, acc: ptr8, constants: ptr8):
    """See ref.max_pool_2d and ref.average_pool_2d. The arguments are record, arena, constants.

    Values are taken as x + 128, unsigned. // is a call of a C function: once an output.
    """
    rec = ptr32(x)
    arena = int(acc)
    image = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    x_row = in_w * in_c
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    n = rec[_BATCHES]
    while n > 0:
        n -= 1
        iy0 = 0 - rec[_PAD_TOP]
        oy = rec[_OUT_H]
        while oy > 0:
            oy -= 1
            iy = iy0
            ky = rec[_KERNEL_H]
            if iy + ky > in_h:
                ky = in_h - iy
            if iy < 0:
                ky += iy
                iy = 0
            ix0 = 0 - rec[_PAD_LEFT]
            ox = rec[_OUT_W]
            while ox > 0:
                ox -= 1
                ix = ix0
                kx = rec[_KERNEL_W]
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
                    if rec[_KERNEL] == _MAX_POOL:
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
                ix0 += rec[_STRIDE_W]
            iy0 += rec[_STRIDE_H]
        image += in_h * x_row


@micropython.viper
def mean(x: ptr8, acc: ptr8, constants: ptr8):
    """See ref.mean. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    outer = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    r1 = rec[_R1]
    b = rec[_B]
    r2 = rec[_R2]
    c = rec[_C]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    n = rec[_A]
    while n > 0:
        n -= 1
        inner = outer
        ib = b
        while ib > 0:
            ib -= 1
            ic = 0
            while ic < c:
                acc = ptr8(rec[_ACC_OFFSET])
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
                a = int(acc) << rec[_LEFT_SHIFT] << wide >> wide
                x = ptr8(a & 0xFFFF)
                acc = ptr8(a >> 16)
                mh = rec[_MULTIPLIER]
                ml = mh & 0xFFFF
                mh >>= 16
                t = ((int(x) * ml) >> 16) & 0xFFFF
                x = ptr8(int(x) * mh)
                ml *= int(acc)
                t += (ml & 0x7FFF) + (int(x) & 0x7FFF) + 0x4000
                acc = ptr8(int(acc) * mh * 2 + (ml >> 15) + (int(x) >> 15) + (t >> 15))
                v = rec[_RIGHT_SHIFT]
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
