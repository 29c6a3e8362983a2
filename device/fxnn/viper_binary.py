"""Functions of two tensors beyond sums and products: binary, in viper. See viper.py for the rules, ref_binary.py."""

import micropython


@micropython.viper
def binary(x1: ptr8, x2: ptr8, constants: ptr8):
    """See ref_binary.binary. The arguments are record, arena, constants."""
    rec = ptr32(x1)
    arena = int(x2)
    to = arena + rec[6]
    at1 = arena
    if rec[23] & 1:
        at1 = int(constants)
    at1 += rec[5]
    at2 = arena
    if rec[23] & 2:
        at2 = int(constants)
    at2 += rec[7]
    f = rec[29]
    turn = 128
    if f == 1:
        turn = 127
    z1 = ((rec[27] & 0xFFFF) ^ 0x8000) - 0x8000
    z2 = ((rec[28] & 0xFFFF) ^ 0x8000) - 0x8000
    table1 = ptr32(constants)
    table2 = ptr32(constants)
    if f < 7:
        table1 = ptr32(int(constants) + rec[27])
    if f != 7:
        table2 = ptr32(int(constants) + rec[28])
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
                x1 = ptr8(at1 + i0 * rec[12] + i1 * rec[13] + i2 * rec[14])
                x2 = ptr8(at2 + i0 * rec[16] + i1 * rec[17] + i2 * rec[18])
                end = to + rec[11]
                while to < end:
                    a = x1[0]
                    b = x2[0]
                    x1 = ptr8(int(x1) + rec[15])
                    x2 = ptr8(int(x2) + rec[19])
                    if f < 2:
                        if (a ^ turn) < (b ^ turn):
                            a = b
                    elif f < 6:
                        b = table2[b] << wide >> wide
                        t = table1[a] << wide >> wide
                        a = 0
                        if t == b:
                            if f == 2 or f == 5:
                                a = 1
                        elif f == 3:
                            a = 1
                        elif t < b and f > 3:
                            a = 1
                    else:
                        m = rec[20]
                        left = rec[21]
                        right = rec[22]
                        passes = 1
                        if f == 6:
                            a = (table1[a] - table2[b]) << wide >> wide
                            a *= a
                        elif f == 7:
                            a = (a ^ 128) - 128 - z1
                            if a < 0:
                                a *= (b ^ 128) - 128 - z2
                                m = rec[30]
                                left = rec[31]
                                right = rec[32]
                        else:
                            a = (a ^ 128) - 128 - z1
                            m = table2[b + b]
                            t = table2[b + b + 1]
                            if t & 256:
                                a = 0 - a
                            left = 31
                            b = a ^ (a >> 31)
                            while b:
                                b >>= 1
                                left -= 1
                            right = (((right & 0xFFFF) ^ 0x8000) - 0x8000) + (t & 255) + left
                            if right > 31:
                                right = 31
                            passes = 2
                        a = a << left << wide >> wide
                        while passes:
                            passes -= 1
                            # high_mul; see viper_element.py
                            lo = a & 0xFFFF
                            a >>= 16
                            ml = m & 0xFFFF
                            m >>= 16
                            t = ((lo * ml) >> 16) & 0xFFFF
                            lo *= m
                            ml *= a
                            t += (ml & 0x7FFF) + (lo & 0x7FFF) + 0x4000
                            a = a * m * 2 + (ml >> 15) + (lo >> 15) + (t >> 15)
                            m = rec[20]
                        if right > 0:
                            a = (((a + (a >> 31)) >> (right - 1)) + 1) >> 1
                        a = (a + y_zero) << wide >> wide
                        if a < low:
                            a = low
                        if a > high:
                            a = high
                    ptr8(to)[0] = a
                    to += 1
                i2 += 1
            i1 += 1
        i0 += 1


kernels = {15: binary}
