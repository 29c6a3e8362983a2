"""int16 activations but for convolutions, in viper. See viper.py for the rules, ref_wide.py for the meaning, viper_conv.py
for eq. (2)."""

import micropython


@micropython.viper
def pool_2d_16(x: ptr16, acc: ptr8, constants: ptr8):
    """See ref_wide.max_pool_2d_16 and average_pool_2d_16. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    image = arena + rec[5]
    y = ptr16(arena + rec[6])
    in_h = rec[9]
    in_w = rec[10]
    in_c = rec[11]
    x_row = in_w * in_c * 2
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
                pixel = image + iy * x_row + ix * in_c * 2
                c = in_c
                while c > 0:
                    c -= 1
                    row = pixel
                    ky_left = ky
                    total = 0
                    best = 0
                    while ky_left > 0:
                        ky_left -= 1
                        x = ptr16(row)
                        kx_left = kx
                        while kx_left > 0:
                            kx_left -= 1
                            v = x[0] ^ 0x8000
                            total += v - 0x8000
                            if v > best:
                                best = v
                            x = ptr16(int(x) + in_c * 2)
                        row += x_row
                    if rec[0] == 38:
                        v = best - 0x8000
                    elif total < 0:
                        v = 0 - ((count >> 1) - total) // count
                    elif count > 0:
                        v = ((count >> 1) + total) // count
                    else:
                        v = 0
                    if v < low:
                        v = low
                    if v > high:
                        v = high
                    y[0] = v
                    y = ptr16(int(y) + 2)
                    pixel += 2
                ix0 += rec[18]
            iy0 += rec[17]
        image += in_h * x_row


@micropython.viper
def pairwise_16(x1: ptr16, x2: ptr16, constants: ptr8):
    """See ref_wide.pairwise_16. The arguments are record, arena, constants.

    Three rescalings at most: of x1, of x2 and of what comes of them, by the same instructions.
    """
    rec = ptr32(x1)
    y = ptr16(int(x2) + rec[6])
    at1 = int(x2)
    if rec[23] & 1:
        at1 = int(constants)
    at1 += rec[5]
    at2 = int(x2)
    if rec[23] & 2:
        at2 = int(constants)
    at2 += rec[7]
    kind = rec[31]
    up = 15
    if kind == 3:
        up = 0
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    i0 = 0
    while i0 < rec[8]:
        i1 = 0
        while i1 < rec[9]:
            i2 = 0
            while i2 < rec[10]:
                x1 = ptr16(at1 + i0 * rec[12] + i1 * rec[13] + i2 * rec[14])
                x2 = ptr16(at2 + i0 * rec[16] + i1 * rec[17] + i2 * rec[18])
                i3 = rec[11]
                while i3 > 0:
                    i3 -= 1
                    a = (x1[0] ^ 0x8000) - 0x8000
                    b = (x2[0] ^ 0x8000) - 0x8000
                    x1 = ptr16(int(x1) + rec[15])
                    x2 = ptr16(int(x2) + rec[19])
                    step = 0
                    first = 0
                    place = 20
                    if kind == 0:
                        a *= b
                        step = 2
                    if kind == 4:
                        step = 2
                        place = 27
                        if a < 0:
                            a *= b
                            place = 20
                    while step < 3:
                        if step == 0:
                            m = rec[27]
                            right = rec[29]
                            a <<= up
                        elif step == 1:
                            m = rec[28]
                            right = rec[30]
                            first = a
                            a = b << up
                        else:
                            if kind == 1:
                                a = first + a
                            elif kind == 2 or kind == 3:
                                a = first - a
                            if kind == 3:
                                a *= a
                            m = rec[place]
                            right = rec[place + 2]
                            a = a << rec[place + 1] << wide >> wide
                        al = a & 0xFFFF
                        ah = a >> 16
                        ml = m & 0xFFFF
                        m >>= 16
                        t = ((al * ml) >> 16) & 0xFFFF
                        al *= m
                        ml *= ah
                        t += (ml & 0x7FFF) + (al & 0x7FFF) + 0x4000
                        a = ah * m * 2 + (ml >> 15) + (al >> 15) + (t >> 15)
                        if right > 0:
                            a = (((a + (a >> 31)) >> (right - 1)) + 1) >> 1
                        step += 1
                    a = a << wide >> wide
                    if a < low:
                        a = low
                    if a > high:
                        a = high
                    y[0] = a
                    y = ptr16(int(y) + 2)
                i2 += 1
            i1 += 1
        i0 += 1


@micropython.viper
def rescale(x: ptr16, y: ptr16, constants: ptr8):
    """See ref_wide.rescale and ref_wide.mean_16. The arguments are record, arena, constants.

    A mean is a rescaling of sums: word 0 tells them apart.
    """
    rec = ptr32(x)
    arena = int(y)
    at = arena + rec[5]
    to = arena + rec[6]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    x_bytes = 2
    y_bytes = 2
    zero = 0
    count = rec[8] * rec[10] * rec[12]
    mean = 0
    if rec[0] == 40:
        mean = 1
        y_zero = 0
    else:
        x_bytes = rec[9]
        y_bytes = rec[10]
        zero = ((rec[11] & 0xFFFF) ^ 0x8000) - 0x8000
        count = rec[8]
    ib = 0
    ic = 0
    place = 14
    while count > 0:
        count -= 1
        if mean:
            a = 0
            r1 = 0
            while r1 < rec[9]:
                x = ptr16(at + ((r1 * rec[10] + ib) * rec[11] * rec[12] + ic) * 2)
                r2 = rec[11]
                while r2 > 0:
                    r2 -= 1
                    a += (x[0] ^ 0x8000) - 0x8000
                    x = ptr16(int(x) + rec[12] * 2)
                r1 += 1
            ic += 1
            if ic == rec[12]:
                ic = 0
                ib += 1
                if ib == rec[10]:
                    ib = 0
                    at += rec[9] * rec[10] * rec[11] * rec[12] * 2
        else:
            if x_bytes == 1:
                a = (ptr8(at)[0] ^ 0x80) - 0x80 - zero
            else:
                a = (ptr16(at)[0] ^ 0x8000) - 0x8000 - zero
            at += x_bytes
            place = 12
            if a < 0:
                place = 15
        m = rec[place] << wide >> wide
        a = a << rec[place + 1] << wide >> wide
        al = a & 0xFFFF
        ah = a >> 16
        ml = m & 0xFFFF
        m >>= 16
        t = ((al * ml) >> 16) & 0xFFFF
        al *= m
        ml *= ah
        t += (ml & 0x7FFF) + (al & 0x7FFF) + 0x4000
        a = ah * m * 2 + (ml >> 15) + (al >> 15) + (t >> 15)
        m = rec[place + 2]
        if m > 0:
            a = (((a + (a >> 31)) >> (m - 1)) + 1) >> 1
        a = (a + y_zero) << wide >> wide
        if a < low:
            a = low
        if a > high:
            a = high
        if y_bytes == 1:
            ptr8(to)[0] = a
        else:
            ptr16(to)[0] = a
        to += y_bytes


@micropython.viper
def sigmoid_16(x: ptr16, y: ptr16, constants: ptr8):
    """See ref_wide.sigmoid16, eq. (7). The arguments are record, arena, constants. y may lie over x."""
    rec = ptr32(x)
    arena = int(y)
    table = ptr16(int(constants) + rec[12])
    x = ptr16(arena + rec[5])
    y = ptr16(arena + rec[6])
    end = int(x) + rec[8] * 2
    multiplier = rec[9]
    shift = rec[10]
    is_tanh = rec[11]
    rounding = (1 << shift) >> 1  # shift is 0 to 30
    bits = 9 - is_tanh
    while int(x) < end:
        t = (((x[0] ^ 0x8000) - 0x8000) * multiplier + rounding) >> shift
        a = t
        if a < 0:
            a = 0 - a
        i = a >> bits
        if i >= 255:
            v = 0x1FFFC00 - is_tanh * 0xFFFD00
        else:
            v = table[i]
            v = (v << bits) + (a - (i << bits)) * (table[i + 1] - v)
        if is_tanh:
            v -= 0x800000
            if t >= 0:
                v = (v + 128) >> 8
            else:
                v = (127 - v) >> 8
        elif t >= 0:
            v = (v + 512) >> 10
        else:
            v = (0x20001FF - v) >> 10
        y[0] = v
        x = ptr16(int(x) + 2)
        y = ptr16(int(y) + 2)


@micropython.viper
def softmax_16(x: ptr16, y: ptr16, constants: ptr8):
    """See ref_wide.softmax_16, eq. (8). The arguments are record, arena, constants. y may lie over x.

    y first holds the exponentials. The last element of a row is followed by one round of the loop for the reciprocal.
    """
    rec = ptr32(x)
    arena = int(y)
    at = arena + rec[5]
    to = arena + rec[6]
    rows = rec[8]
    depth = rec[9]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    right = rec[12]
    while rows > 0:
        rows -= 1
        end = at + depth * 2
        top = 0
        x = ptr16(at)
        while int(x) < end:
            if x[0] ^ 0x8000 > top:
                top = x[0] ^ 0x8000
            x = ptr16(int(x) + 2)
        total = 0
        shift = 0
        v = 0
        x = ptr16(at)
        y = ptr16(to)
        while int(x) <= end:
            if int(x) < end:
                table = ptr16(int(constants) + rec[13])
                a = ((x[0] ^ 0x8000) - top) << rec[11] << wide >> wide
                al = a & 0xFFFF
                ah = a >> 16
                m = rec[10]
                ml = m & 0xFFFF
                m >>= 16
                t = ((al * ml) >> 16) & 0xFFFF
                al *= m
                ml *= ah
                t += (ml & 0x7FFF) + (al & 0x7FFF) + 0x4000
                a = ah * m * 2 + (ml >> 15) + (al >> 15) + (t >> 15)
                if right > 0:
                    a = (((a + (a >> 31)) >> (right - 1)) + 1) >> 1
                a = (a + 0x7FFF) << wide >> wide
            else:
                table = ptr16(int(constants) + rec[14])
                while total >> (shift + 15) > 0:
                    shift += 1
                a = total << (16 - shift)
                a = (a >> 14) + ((a >> 13) & 1) - 0x18000
            if a < -0x8000:
                a = -0x8000
            if a > 0x7FFF:
                a = 0x7FFF
            # the table at a, interpolated
            i = (a >> 7) + 256
            v = (table[i] ^ 0x8000) - 0x8000
            v += (((table[i + 1] ^ 0x8000) - 0x8000 - v) * (a & 127) + 64) >> 7
            if int(x) < end:
                y[0] = v
                total += v
                y = ptr16(int(y) + 2)
            x = ptr16(int(x) + 2)
        shift += 14
        y = ptr16(to)
        to += depth * 2
        while int(y) < to:
            a = (((y[0] ^ 0x8000) - 0x8000) * v + (1 << (shift - 1))) >> shift
            if a < 0:
                a = 0
            if a > 0x7FFF:
                a = 0x7FFF
            y[0] = a
            y = ptr16(int(y) + 2)
        at = end


kernels = {38: pool_2d_16, 39: pool_2d_16, 40: rescale, 41: pairwise_16, 42: rescale, 43: sigmoid_16, 44: softmax_16}
