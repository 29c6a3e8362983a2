"""Running sums of int8, and arithmetic with whole numbers of 16 and 32 bits, in viper. See viper.py for the rules,
ref_numbers.py for the meaning."""

import micropython


@micropython.viper
def cumsum(x: ptr8, y: ptr8, constants: ptr8):
    """See ref_numbers.cumsum. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    n = rec[9]
    c = rec[10]
    mode = rec[11]
    zero = ((rec[18] & 0xFFFF) ^ 0x8000) - 0x8000
    y_zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    right = rec[16]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    line = 0
    while line < rec[8] * c:
        at = line // c * n * c + line % c
        step = c
        if mode & 2:
            at += (n - 1) * c
            step = 0 - c
        x = ptr8(arena + rec[5] + at)
        y = ptr8(arena + rec[6] + at)
        total = 0 - zero
        i = n
        while i > 0:
            i -= 1
            a = total
            total += (x[0] ^ 128) - 128 - zero
            if not mode & 1:
                a = total
            x = ptr8(int(x) + step)
            # requantize
            a = a << rec[15] << wide >> wide
            ah = a >> 16
            a &= 0xFFFF
            mh = rec[14]
            ml = mh & 0xFFFF
            mh >>= 16
            t = ((a * ml) >> 16) & 0xFFFF
            a *= mh
            ml *= ah
            t += (ml & 0x7FFF) + (a & 0x7FFF) + 0x4000
            a = ah * mh * 2 + (ml >> 15) + (a >> 15) + (t >> 15)
            if right > 0:
                a = (((a + (a >> 31)) >> (right - 1)) + 1) >> 1
            a = (a + y_zero) << wide >> wide
            if a < 0 - 128:
                a = 0 - 128
            if a > 127:
                a = 127
            y[0] = a
            y = ptr8(int(y) + step)
        line += 1


@micropython.viper
def numbers(x1: ptr16, x2: ptr16, constants: ptr8):
    """See ref_numbers.numbers. The arguments are record, arena, constants."""
    rec = ptr32(x1)
    arena = int(x2)
    y = arena + rec[6]
    at1 = arena
    if rec[23] & 1:
        at1 = int(constants)
    at1 += rec[5]
    at2 = arena
    if rec[23] & 2:
        at2 = int(constants)
    at2 += rec[7]
    f = rec[29]
    item = rec[30]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
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
                    if item == 4:
                        a = (x1[0] | x1[1] << 16) << wide >> wide
                        b = (x2[0] | x2[1] << 16) << wide >> wide
                    else:
                        a = (x1[0] ^ 0x8000) - 0x8000
                        b = (x2[0] ^ 0x8000) - 0x8000
                    x1 = ptr16(int(x1) + rec[15])
                    x2 = ptr16(int(x2) + rec[19])
                    if f < 2:
                        if f == 0 and a < b or f == 1 and b < a:
                            a = b
                    elif f < 6:
                        t = 0
                        if a == b:
                            if f == 2 or f == 5:
                                t = 1
                        elif f == 3 or f > 3 and a < b:
                            t = 1
                        ptr8(y)[0] = t
                        y += 1
                        continue
                    elif f == 6:
                        a -= b
                        a *= a
                    elif f == 7:
                        a += b
                    elif f == 8:
                        a -= b
                    elif f == 9:
                        a *= b
                    else:
                        # towards zero, and 0 where b is 0. Of two negative numbers // is the machine's own division;
                        # elsewhere MicroPython adds them first, which leaves 32 bits
                        t = a ^ b
                        if a > 0:
                            a = 0 - a
                        if b > 0:
                            b = 0 - b
                        if b:
                            a = a // b
                        else:
                            a = 0
                        if t < 0:
                            a = 0 - a
                    ptr16(y)[0] = a
                    if item == 4:
                        ptr16(y)[1] = a >> 16
                    y += item
                i2 += 1
            i1 += 1
        i0 += 1


kernels = {45: cumsum, 46: numbers}
