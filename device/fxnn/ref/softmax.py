"""Softmax in plain ints. See ref for the rules."""

from . import _i32, high_mul, rounding_divide_by_pot, signed

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_ROWS = const(8)
_TABLE_OFFSET = const(11)
# end of words
_POT_SOFTMAX_SUM = const(12)  # the sum of exponentials is Q12.19


def reciprocal(total):
    """(1 / total in Q0.31 after normalization, clz(total)). common.h GetReciprocal; total is int32, positive.

    With s = total * 2^(clz - 1) in [2^30, 2^31), Q0.31 in [1/2, 1), three Newton-Raphson steps in Q2.29 go from
    48/17 - 32/17 * s to 1/s: gemmlowp one_over_one_plus_x_for_x_in_0_1. Its half_denominator is s itself.
    """
    zeros = 1
    while not total >> 30:
        total <<= 1
        zeros += 1
    x = 1515870810 + high_mul(-1010580540, total)
    for _ in range(3):
        x += high_mul((1 << 29) - high_mul(x, total), x) << 2
    return min(x << 1, 0x7FFFFFFF), zeros


def softmax(record, arena, constants):
    """y = exp(x - max) / sum(exp(x - max)) a row, with the scale 1/256 and the zero point -128: eq. (5). softmax.h"""
    rows, depth, count, table = record[_ROWS : _TABLE_OFFSET + 1]
    for row in range(rows):
        x = record[_X_OFFSET] + row * depth
        y = record[_Y_OFFSET] + row * depth
        values = [signed(arena[x + i]) for i in range(depth)]
        top = max(values)
        exps = [_i32(constants, table + 4 * (top - v)) if top - v < count else 0 for v in values]
        scale, zeros = reciprocal(sum([rounding_divide_by_pot(e, _POT_SOFTMAX_SUM) for e in exps]))
        for i in range(depth):
            q = rounding_divide_by_pot(high_mul(scale, exps[i]), 31 - 8 + _POT_SOFTMAX_SUM - zeros) - 128
            arena[y + i] = min(127, q) & 0xFF


kernels = {10: softmax}
