"""Element by element: add, mul, copy, lut, in viper. See viper.py for the rules, ref.py for the meaning."""

import micropython


@micropython.viper
def pairwise(x1: ptr8, x2: ptr8, constants: ptr8):
    """See ref.add and ref.mul. The arguments are record, arena, constants.

    One function for both: requantize is most of the time and most of the size.
    """
    rec = ptr32(x1)
    arena = int(x2)
    y = ptr8(arena + rec[6])
    at1 = arena
    if rec[23] & 1:
        at1 = int(constants)
    at1 += rec[5]
    at2 = arena
    if rec[23] & 2:
        at2 = int(constants)
    at2 += rec[7]
    is_add = 0
    z1 = 0
    z2 = 0
    table1 = ptr32(constants)
    table2 = ptr32(constants)
    if rec[0] == 7:
        is_add = 1
        table1 = ptr32(int(constants) + rec[27])
        table2 = ptr32(int(constants) + rec[28])
    else:
        z1 = (rec[27] + 128) & 255
        z2 = (rec[28] + 128) & 255
    step1 = rec[15]
    step2 = rec[19]
    left = rec[21]
    right = rec[22]
    mh = rec[20]
    ml = mh & 0xFFFF
    mh >>= 16
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    i0 = 0
    while i0 < rec[8]:
        i1 = 0
        while i1 < rec[9]:
            i2 = 0
            while i2 < rec[10]:
                p1 = at1 + i0 * rec[12] + i1 * rec[13] + i2 * rec[14]
                p2 = at2 + i0 * rec[16] + i1 * rec[17] + i2 * rec[18]
                i3 = rec[11]
                while i3 > 0:
                    i3 -= 1
                    x1 = ptr8(p1)
                    x2 = ptr8(p2)
                    p1 += step1
                    p2 += step2
                    if is_add:
                        a = (table1[x1[0]] + table2[x2[0]]) << left << wide >> wide
                    else:
                        a = (((x1[0] ^ 128) - z1) * ((x2[0] ^ 128) - z2)) << left << wide >> wide
                    # requantize; x1 and x2 are a's halves and what comes of them
                    x1 = ptr8(a & 0xFFFF)
                    x2 = ptr8(a >> 16)
                    t = ((int(x1) * ml) >> 16) & 0xFFFF
                    x1 = ptr8(int(x1) * mh)
                    a = ml * int(x2)
                    t += (a & 0x7FFF) + (int(x1) & 0x7FFF) + 0x4000
                    x2 = ptr8(int(x2) * mh * 2 + (a >> 15) + (int(x1) >> 15) + (t >> 15))
                    if right > 0:
                        x2 = ptr8((((int(x2) + (int(x2) >> 31)) >> (right - 1)) + 1) >> 1)
                    x2 = ptr8((int(x2) + y_zero) << wide >> wide)
                    if int(x2) < low:
                        x2 = ptr8(low)
                    if int(x2) > high:
                        x2 = ptr8(high)
                    y[0] = int(x2)
                    y = ptr8(int(y) + 1)
                i2 += 1
            i1 += 1
        i0 += 1


@micropython.viper
def copy(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.copy. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    at = arena
    if rec[23] & 1:
        at = int(constants)
    at += rec[5]
    to = arena + rec[6]
    y = ptr8(to)
    end = to + rec[20]
    value = rec[21]
    while int(y) < end:
        y[0] = value
        y = ptr8(int(y) + 1)
    to += rec[22]
    step = rec[15]
    y_step = rec[19]
    i0 = 0
    while i0 < rec[8]:
        i1 = 0
        while i1 < rec[9]:
            i2 = 0
            while i2 < rec[10]:
                x = ptr8(at + i0 * rec[12] + i1 * rec[13] + i2 * rec[14])
                y = ptr8(to + i0 * rec[16] + i1 * rec[17] + i2 * rec[18])
                i3 = rec[11]
                while i3 > 0:
                    i3 -= 1
                    y[0] = x[0]
                    x = ptr8(int(x) + step)
                    y = ptr8(int(y) + y_step)
                i2 += 1
            i1 += 1
        i0 += 1


@micropython.viper
def lut(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.lut. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    table = ptr8(int(constants) + rec[9])
    x = ptr8(arena + rec[5])
    y = ptr8(arena + rec[6])
    end = int(x) + rec[8]
    while int(x) < end:
        y[0] = table[x[0]]
        x = ptr8(int(x) + 1)
        y = ptr8(int(y) + 1)


kernels = {7: pairwise, 8: pairwise, 9: copy, 11: lut}
