"""Mean, largest and smallest, and where, in viper. See viper for the rules, ref/reduce.py for the meaning, viper/conv.py for
requantize."""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_A = const(8)
_R = const(9)
_R1 = const(9)
_ARG_C = const(10)
_B = const(10)
_ARG_SMALLEST = const(11)
_R2 = const(11)
_EXTREME_C = const(12)
_REDUCTION_C = const(12)
_ACC_OFFSET = const(13)
_EXTREME_SMALLEST = const(13)
_MULTIPLIER = const(14)
_LEFT_SHIFT = const(15)
_RIGHT_SHIFT = const(16)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
# end of words


@micropython.viper
def mean(x: ptr8, acc: ptr8, constants: ptr8):
    """See ref.reduce.mean. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    outer = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    r1 = rec[_R1]
    b = rec[_B]
    r2 = rec[_R2]
    c = rec[_REDUCTION_C]
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


@micropython.viper
def reduce(x: ptr8, best: ptr8, constants: ptr8):
    """See ref.reduce.reduce. The arguments are record, arena, constants.

    Values are compared as x + 128, for the smallest as 127 - x.
    """
    rec = ptr32(x)
    arena = int(best)
    outer = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    r2 = rec[_R2]
    c = rec[_EXTREME_C]
    turn = 128
    if rec[_EXTREME_SMALLEST]:
        turn = 127
    ia = rec[_A]
    while ia > 0:
        ia -= 1
        inner = outer
        ib = rec[_B]
        while ib > 0:
            ib -= 1
            ic = 0
            while ic < c:
                best = ptr8(0)
                row = inner + ic
                i1 = rec[_R1]
                while i1 > 0:
                    i1 -= 1
                    x = ptr8(row)
                    i2 = r2
                    while i2 > 0:
                        i2 -= 1
                        if x[0] ^ turn > int(best):
                            best = ptr8(x[0] ^ turn)
                        x = ptr8(int(x) + c)
                    row += rec[_B] * r2 * c
                y[0] = int(best) ^ turn
                y = ptr8(int(y) + 1)
                ic += 1
            inner += r2 * c
        outer += rec[_R1] * rec[_B] * r2 * c


@micropython.viper
def arg(x: ptr8, best: ptr8, constants: ptr8):
    """See ref.reduce.arg. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(best)
    outer = arena + rec[_X_OFFSET]
    y = ptr32(arena + rec[_Y_OFFSET])
    r = rec[_R]
    c = rec[_ARG_C]
    turn = 128
    if rec[_ARG_SMALLEST]:
        turn = 127
    ia = rec[_A]
    while ia > 0:
        ia -= 1
        ic = 0
        while ic < c:
            x = ptr8(outer + ic)
            best = ptr8(x[0] ^ turn)
            index = 0
            i = 1
            while i < r:
                x = ptr8(int(x) + c)
                if x[0] ^ turn > int(best):
                    best = ptr8(x[0] ^ turn)
                    index = i
                i += 1
            y[0] = index
            y = ptr32(int(y) + 4)
            ic += 1
        outer += r * c


kernels = {6: mean, 13: reduce, 14: arg}
