"""Functions of two tensors beyond sums and products: binary, select, in viper. See viper for the rules, ref/elementwise.py for
the meaning."""

import micropython

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_DIMS = const(8)
_X1_STRIDES = const(12)
_X2_STRIDES = const(16)
_MULTIPLIER = const(20)
_LEFT_SHIFT = const(21)
_RIGHT_SHIFT = const(22)
_FLAGS = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_TABLE1_OFFSET = const(27)
_X1_ZERO_POINT = const(27)
_TABLE2_OFFSET = const(28)
_X2_ZERO_POINT = const(28)
_FUNCTION = const(29)
_NEGATIVE_MULTIPLIER = const(30)
_NEGATIVE_LEFT_SHIFT = const(31)
_NEGATIVE_RIGHT_SHIFT = const(32)
# end of words
# The word function; equal to less or equal give a bool, and lie side by side.
_MINIMUM = const(1)  # 0: the maximum
_EQUAL = const(2)
_NOT_EQUAL = const(3)
_LESS_EQUAL = const(5)
_SQUARED_DIFFERENCE = const(6)
_PRELU = const(7)  # 8: div


@micropython.viper
def binary(x1: ptr8, x2: ptr8, constants: ptr8):
    """See ref.elementwise.binary. The arguments are record, arena, constants."""
    rec = ptr32(x1)
    arena = int(x2)
    to = arena + rec[_Y_OFFSET]
    at1 = arena
    if rec[_FLAGS] & _X_CONSTANT:
        at1 = int(constants)
    at1 += rec[_X_OFFSET]
    at2 = arena
    if rec[_FLAGS] & _X2_CONSTANT:
        at2 = int(constants)
    at2 += rec[_X2_OFFSET]
    f = rec[_FUNCTION]
    turn = 128
    if f == _MINIMUM:
        turn = 127
    z1 = ((rec[_X1_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    z2 = ((rec[_X2_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    table1 = ptr32(constants)
    table2 = ptr32(constants)
    if f < _PRELU:
        table1 = ptr32(int(constants) + rec[_TABLE1_OFFSET])
    if f != _PRELU:
        table2 = ptr32(int(constants) + rec[_TABLE2_OFFSET])  # or inverses
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    i0 = 0
    while i0 < rec[_DIMS]:
        i1 = 0
        while i1 < rec[_DIMS + 1]:
            i2 = 0
            while i2 < rec[_DIMS + 2]:
                x1 = ptr8(at1 + i0 * rec[_X1_STRIDES] + i1 * rec[_X1_STRIDES + 1] + i2 * rec[_X1_STRIDES + 2])
                x2 = ptr8(at2 + i0 * rec[_X2_STRIDES] + i1 * rec[_X2_STRIDES + 1] + i2 * rec[_X2_STRIDES + 2])
                end = to + rec[_DIMS + 3]
                while to < end:
                    a = x1[0]
                    b = x2[0]
                    x1 = ptr8(int(x1) + rec[_X1_STRIDES + 3])
                    x2 = ptr8(int(x2) + rec[_X2_STRIDES + 3])
                    if f < _EQUAL:
                        if (a ^ turn) < (b ^ turn):
                            a = b
                    elif f < _SQUARED_DIFFERENCE:
                        b = table2[b] << wide >> wide
                        t = table1[a] << wide >> wide
                        a = 0
                        if t == b:
                            if f == _EQUAL or f == _LESS_EQUAL:
                                a = 1
                        elif f == _NOT_EQUAL:
                            a = 1
                        elif t < b and f > _NOT_EQUAL:
                            a = 1
                    else:
                        m = rec[_MULTIPLIER]
                        left = rec[_LEFT_SHIFT]
                        right = rec[_RIGHT_SHIFT]
                        passes = 1
                        if f == _SQUARED_DIFFERENCE:
                            a = (table1[a] - table2[b]) << wide >> wide
                            a *= a
                        elif f == _PRELU:
                            a = (a ^ 128) - 128 - z1
                            if a < 0:
                                a *= (b ^ 128) - 128 - z2
                                m = rec[_NEGATIVE_MULTIPLIER]
                                left = rec[_NEGATIVE_LEFT_SHIFT]
                                right = rec[_NEGATIVE_RIGHT_SHIFT]
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
                            # high_mul; see viper/elementwise.py
                            lo = a & 0xFFFF
                            a >>= 16
                            ml = m & 0xFFFF
                            m >>= 16
                            t = ((lo * ml) >> 16) & 0xFFFF
                            lo *= m
                            ml *= a
                            t += (ml & 0x7FFF) + (lo & 0x7FFF) + 0x4000
                            a = a * m * 2 + (ml >> 15) + (lo >> 15) + (t >> 15)
                            m = rec[_MULTIPLIER]
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


@micropython.viper
def select(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.elementwise.select. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    at = arena
    if rec[_FLAGS] & _X_CONSTANT:
        at = int(constants)
    at += rec[_X_OFFSET]
    condition = arena
    if rec[_FLAGS] & _X2_CONSTANT:
        condition = int(constants)
    condition += rec[_X2_OFFSET]
    step = rec[_X1_STRIDES + 3]
    if_step = rec[_X2_STRIDES + 3]
    to = arena + rec[_Y_OFFSET]
    i0 = 0
    while i0 < rec[_DIMS]:
        i1 = 0
        while i1 < rec[_DIMS + 1]:
            i2 = 0
            while i2 < rec[_DIMS + 2]:
                x = ptr8(at + i0 * rec[_X1_STRIDES] + i1 * rec[_X1_STRIDES + 1] + i2 * rec[_X1_STRIDES + 2])
                y = ptr8(condition + i0 * rec[_X2_STRIDES] + i1 * rec[_X2_STRIDES + 1] + i2 * rec[_X2_STRIDES + 2])
                end = to + rec[_DIMS + 3]
                while to < end:
                    if y[0]:
                        ptr8(to)[0] = x[0]
                    x = ptr8(int(x) + step)
                    y = ptr8(int(y) + if_step)
                    to += 1
                i2 += 1
            i1 += 1
        i0 += 1


kernels = {15: binary, 16: select}
