"""Running sums of int8, and arithmetic with whole numbers of 16 and 32 bits, in viper. See viper for the rules,
ref/integer.py for the meaning."""

import micropython

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_A = const(8)
_DIMS = const(8)
_N = const(9)
_C = const(10)
_MODE = const(11)
_X1_STRIDES = const(12)
_MULTIPLIER = const(14)
_LEFT_SHIFT = const(15)
_RIGHT_SHIFT = const(16)
_X2_STRIDES = const(16)
_X_ZERO_POINT = const(18)
_FLAGS = const(23)
_Y_ZERO_POINT = const(24)
_FUNCTION = const(29)
_ELEMENT_BYTES = const(30)
# end of words
# Bits of the word mode.
_WITHOUT_ITSELF = const(1)
_FROM_END = const(2)
# The word function; equal to less or equal give a bool, and lie side by side.
_MAXIMUM = const(0)
_MINIMUM = const(1)
_EQUAL = const(2)
_NOT_EQUAL = const(3)  # 4: less
_LESS_EQUAL = const(5)
_SQUARED_DIFFERENCE = const(6)
_SUM = const(7)
_DIFFERENCE = const(8)
_PRODUCT = const(9)  # 10: quotient


@micropython.viper
def cumsum(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.integer.cumsum. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    n = rec[_N]
    c = rec[_C]
    mode = rec[_MODE]
    zero = ((rec[_X_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    right = rec[_RIGHT_SHIFT]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    line = 0
    while line < rec[_A] * c:
        at = line // c * n * c + line % c
        step = c
        if mode & _FROM_END:
            at += (n - 1) * c
            step = 0 - c
        x = ptr8(arena + rec[_X_OFFSET] + at)
        y = ptr8(arena + rec[_Y_OFFSET] + at)
        total = 0 - zero
        i = n
        while i > 0:
            i -= 1
            a = total
            total += (x[0] ^ 128) - 128 - zero
            if not mode & _WITHOUT_ITSELF:
                a = total
            x = ptr8(int(x) + step)
            # requantize
            a = a << rec[_LEFT_SHIFT] << wide >> wide
            ah = a >> 16
            a &= 0xFFFF
            mh = rec[_MULTIPLIER]
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
    """See ref.integer.numbers. The arguments are record, arena, constants."""
    rec = ptr32(x1)
    arena = int(x2)
    y = arena + rec[_Y_OFFSET]
    at1 = arena
    if rec[_FLAGS] & _X_CONSTANT:
        at1 = int(constants)
    at1 += rec[_X_OFFSET]
    at2 = arena
    if rec[_FLAGS] & _X2_CONSTANT:
        at2 = int(constants)
    at2 += rec[_X2_OFFSET]
    f = rec[_FUNCTION]
    item = rec[_ELEMENT_BYTES]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    i0 = 0
    while i0 < rec[_DIMS]:
        i1 = 0
        while i1 < rec[_DIMS + 1]:
            i2 = 0
            while i2 < rec[_DIMS + 2]:
                x1 = ptr16(at1 + i0 * rec[_X1_STRIDES] + i1 * rec[_X1_STRIDES + 1] + i2 * rec[_X1_STRIDES + 2])
                x2 = ptr16(at2 + i0 * rec[_X2_STRIDES] + i1 * rec[_X2_STRIDES + 1] + i2 * rec[_X2_STRIDES + 2])
                i3 = rec[_DIMS + 3]
                while i3 > 0:
                    i3 -= 1
                    if item == 4:
                        a = (x1[0] | x1[1] << 16) << wide >> wide
                        b = (x2[0] | x2[1] << 16) << wide >> wide
                    else:
                        a = (x1[0] ^ 0x8000) - 0x8000
                        b = (x2[0] ^ 0x8000) - 0x8000
                    x1 = ptr16(int(x1) + rec[_X1_STRIDES + 3])
                    x2 = ptr16(int(x2) + rec[_X2_STRIDES + 3])
                    if f < _EQUAL:
                        if f == _MAXIMUM and a < b or f == _MINIMUM and b < a:
                            a = b
                    elif f < _SQUARED_DIFFERENCE:
                        t = 0
                        if a == b:
                            if f == _EQUAL or f == _LESS_EQUAL:
                                t = 1
                        elif f == _NOT_EQUAL or f > _NOT_EQUAL and a < b:
                            t = 1
                        ptr8(y)[0] = t
                        y += 1
                        continue
                    elif f == _SQUARED_DIFFERENCE:
                        a -= b
                        a *= a
                    elif f == _SUM:
                        a += b
                    elif f == _DIFFERENCE:
                        a -= b
                    elif f == _PRODUCT:
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
