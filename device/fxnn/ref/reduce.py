"""Mean, largest and smallest, and where, in plain ints. See ref for the rules."""

from . import _output, signed

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_A = const(8)
_ARG_C = const(10)
_ARG_SMALLEST = const(11)
_EXTREME_C = const(12)
_REDUCTION_C = const(12)
_ACC_OFFSET = const(13)
_EXTREME_SMALLEST = const(13)
_MULTIPLIER = const(14)
_RIGHT_SHIFT = const(16)
# end of words


def mean(record, arena, constants):
    """y[a, b, c] = eq. (3) of offset + sum(x[a, r1, b, r2, c] + 128 over r1, r2). reduce.h QuantizedMeanOrSum."""
    a, r1, b, r2, c = record[_A : _REDUCTION_C + 1]
    factors = record[_MULTIPLIER : _RIGHT_SHIFT + 1]
    y = record[_Y_OFFSET]
    for ia in range(a):
        for ib in range(b):
            for ic in range(c):
                acc = record[_ACC_OFFSET]
                for i1 in range(r1):
                    for i2 in range(r2):
                        acc += arena[record[_X_OFFSET] + (((ia * r1 + i1) * b + ib) * r2 + i2) * c + ic] ^ 0x80
                arena[y] = _output(record, acc, *factors)
                y += 1


def reduce(record, arena, constants):
    """y[a, b, c] = max, or min where smallest is 1, over r1 and r2 of x[a, r1, b, r2, c]. reduce.h ReduceGeneric."""
    a, r1, b, r2, c = record[_A : _EXTREME_C + 1]
    y = record[_Y_OFFSET]
    for ia in range(a):
        for ib in range(b):
            for ic in range(c):
                values = [
                    signed(arena[record[_X_OFFSET] + (((ia * r1 + i1) * b + ib) * r2 + i2) * c + ic])
                    for i1 in range(r1)
                    for i2 in range(r2)
                ]
                arena[y] = (min(values) if record[_EXTREME_SMALLEST] else max(values)) & 0xFF
                y += 1


def arg(record, arena, constants):
    """y[a, c] (int32) = the first r with the largest x[a, r, c], or the smallest where that is 1. arg_min_max.h."""
    a, r, c = record[_A : _ARG_C + 1]
    y = record[_Y_OFFSET]
    for ia in range(a):
        for ic in range(c):
            values = [signed(arena[record[_X_OFFSET] + (ia * r + i) * c + ic]) for i in range(r)]
            best = values.index(min(values) if record[_ARG_SMALLEST] else max(values))
            for i in range(4):
                arena[y + i] = best >> 8 * i & 0xFF
            y += 4


kernels = {6: mean, 13: reduce, 14: arg}
