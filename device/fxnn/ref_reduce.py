"""Largest and smallest, and where: reduce, arg, in plain ints. See ref.py for the rules."""

from .ref import signed


def reduce(record, arena, constants):
    """y[a, b, c] = max (word 13 is 0) or min over r1 and r2 of x[a, r1, b, r2, c]. reduce.h ReduceGeneric."""
    a, r1, b, r2, c = record[8:13]
    y = record[6]
    for ia in range(a):
        for ib in range(b):
            for ic in range(c):
                values = [
                    signed(arena[record[5] + (((ia * r1 + i1) * b + ib) * r2 + i2) * c + ic])
                    for i1 in range(r1)
                    for i2 in range(r2)
                ]
                arena[y] = (min(values) if record[13] else max(values)) & 0xFF
                y += 1


def arg(record, arena, constants):
    """y[a, c] (int32) = the first r with the largest (word 11 is 0) or smallest x[a, r, c]. arg_min_max.h."""
    a, r, c = record[8:11]
    y = record[6]
    for ia in range(a):
        for ic in range(c):
            values = [signed(arena[record[5] + (ia * r + i) * c + ic]) for i in range(r)]
            best = values.index(min(values) if record[11] else max(values))
            for i in range(4):
                arena[y + i] = best >> 8 * i & 0xFF
            y += 4


kernels = {13: reduce, 14: arg}
