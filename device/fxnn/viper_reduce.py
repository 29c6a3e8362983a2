"""Largest and smallest, and where: reduce, arg, in viper. See viper.py for the rules, ref_reduce.py."""

import micropython


@micropython.viper
def reduce(x: ptr8, best: ptr8, constants: ptr8):
    """See ref_reduce.reduce. The arguments are record, arena, constants.

    Values are compared as x + 128, for the smallest as 127 - x.
    """
    rec = ptr32(x)
    arena = int(best)
    outer = arena + rec[5]
    y = ptr8(arena + rec[6])
    r2 = rec[11]
    c = rec[12]
    turn = 128
    if rec[13]:
        turn = 127
    ia = rec[8]
    while ia > 0:
        ia -= 1
        inner = outer
        ib = rec[10]
        while ib > 0:
            ib -= 1
            ic = 0
            while ic < c:
                best = ptr8(0)
                row = inner + ic
                i1 = rec[9]
                while i1 > 0:
                    i1 -= 1
                    x = ptr8(row)
                    i2 = r2
                    while i2 > 0:
                        i2 -= 1
                        if x[0] ^ turn > int(best):
                            best = ptr8(x[0] ^ turn)
                        x = ptr8(int(x) + c)
                    row += rec[10] * r2 * c
                y[0] = int(best) ^ turn
                y = ptr8(int(y) + 1)
                ic += 1
            inner += r2 * c
        outer += rec[9] * rec[10] * r2 * c


@micropython.viper
def arg(x: ptr8, best: ptr8, constants: ptr8):
    """See ref_reduce.arg. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(best)
    outer = arena + rec[5]
    y = ptr32(arena + rec[6])
    r = rec[9]
    c = rec[10]
    turn = 128
    if rec[11]:
        turn = 127
    ia = rec[8]
    while ia > 0:
        ia -= 1
        ic = 0
        while ic < c:
            x = ptr8(outer + ic)
            best = ptr8(x[0] ^ turn)
            place = 0
            i = 1
            while i < r:
                x = ptr8(int(x) + c)
                if x[0] ^ turn > int(best):
                    best = ptr8(x[0] ^ turn)
                    place = i
                i += 1
            y[0] = place
            y = ptr32(int(y) + 4)
            ic += 1
        outer += r * c


kernels = {13: reduce, 14: arg}
