"""Largest and smallest, and where: reduce, arg, in viper. See viper for the rules, ref/reduce.py."""

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
_EXTREME_SMALLEST = const(13)
# end of words


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


kernels = {13: reduce, 14: arg}
