"""gemmlowp's functions of fixed-point numbers, on plain ints: exp, reciprocal, logistic, tanh, and what softmax makes of them.

Sources are functions of gemmlowp's `fixedpoint.h`. "Q5.26" has 5 integer bits, 26 fraction bits and a sign.
"""

from __future__ import annotations

from .fixed_point import (
    INT32_MAX,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    saturating_shift_left,
)

SOFTMAX_INTEGER_BITS = 5  # micro/kernels/softmax_common.cc kScaledDiffIntegerBits: differences are Q5.26
SOFTMAX_SUM_INTEGER_BITS = 12  # internal/reference/softmax.h kAccumulationIntegerBits: the sum is Q12.19
SOFTMAX_MAX_DEPTH = 4095  # each term is at most 2**19 in Q12.19: 4,096 of them would leave int32

_ONE_Q31 = INT32_MAX  # FixedPoint<int32, 0>::One(): 1 itself does not fit in Q0.31
_ONE_Q29 = 1 << 29  # FixedPoint<int32, 2>::One()
_EXP_MINUS_1_8 = 1895147668  # exp(-1/8) Q0.31
_ONE_THIRD = 715827883  # 1/3 Q0.31
# (k, exp(-2**k) in Q0.31): gemmlowp exp_on_negative_values, the barrel shifter's constants.
_EXP_MINUS_POT = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
_48_OVER_17 = 1515870810  # Q2.29, start of Newton-Raphson's division
_MINUS_32_OVER_17 = -1010580540  # Q2.29


def exp_on_negative_values(a: int, integer_bits: int = SOFTMAX_INTEGER_BITS) -> int:
    """exp(a) in Q0.31 for a <= 0, a in Q(integer_bits).(31 - integer_bits), integer_bits 4 or 5.

    a is a multiple of 1/4 plus a rest in [-1/4, 0): the rest goes through a Taylor series about -1/8, each bit of
    the multiple is one multiplication. Source: gemmlowp exp_on_negative_values.
    """
    if a == 0:
        return _ONE_Q31
    mul = saturating_rounding_doubling_high_mul
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    rest = (a & (quarter - 1)) - quarter
    x = saturating_shift_left(rest, integer_bits) + (1 << 28)  # Q0.31, plus 1/8: |x| <= 1/8
    x2 = mul(x, x)
    x3 = mul(x2, x)
    x4 = mul(x2, x2)
    tail = rounding_divide_by_pot(mul(rounding_divide_by_pot(x4, 2) + x3, _ONE_THIRD) + x2, 1)
    result = _EXP_MINUS_1_8 + mul(_EXP_MINUS_1_8, x + tail)
    multiple = rest - a
    for k, factor in _EXP_MINUS_POT:
        if k < integer_bits and multiple >> (fraction_bits + k) & 1:
            result = mul(result, factor)
    return result


def _reciprocal_q29(a: int) -> int:
    """2 / (1 + a) in Q2.29 for a in [0, 1) Q0.31: three Newton-Raphson steps on (1 + a) / 2."""
    mul = saturating_rounding_doubling_high_mul
    half_denominator = (a + _ONE_Q31 + 1) >> 1  # RoundingHalfSum of a number that is not negative
    x = _48_OVER_17 + mul(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        x += saturating_shift_left(mul(x, _ONE_Q29 - mul(half_denominator, x)), 2)
    return x


def one_over_one_plus_x_for_x_in_0_1(a: int) -> int:
    """1 / (1 + a) in Q0.31, a in [0, 1) in Q0.31. Source: gemmlowp, the function of this name; eq. (5)."""
    return saturating_shift_left(_reciprocal_q29(a), 1)


def one_minus_x_over_one_plus_x_for_x_in_0_1(a: int) -> int:
    """(1 - a) / (1 + a) in Q0.31, a in [0, 1) in Q0.31. Source: gemmlowp, the function of this name."""
    return saturating_shift_left(_reciprocal_q29(a) - _ONE_Q29, 2)


def logistic(a: int) -> int:
    """1 / (1 + exp(-a)) in Q0.31, a in Q4.27. Source: gemmlowp logistic on FixedPoint<int32, 4>."""
    if a == 0:
        return 1 << 30
    positive = one_over_one_plus_x_for_x_in_0_1(exp_on_negative_values(-abs(a), 4))
    return positive if a > 0 else _ONE_Q31 - positive


def tanh(a: int) -> int:
    """tanh(a) in Q0.31, a in Q4.27. Source: gemmlowp tanh on FixedPoint<int32, 4>.

    exp(-2a): the raw number stays, read as Q5.26.
    """
    if a == 0:
        return 0
    t = one_minus_x_over_one_plus_x_for_x_in_0_1(exp_on_negative_values(-abs(a), 5))
    return -t if a < 0 else t


def softmax_scale(total: int) -> tuple[int, int]:
    """(reciprocal in Q0.31, exponent) of a sum of exponentials in Q12.19, 2**19 <= total < 2**31; eq. (5).

    The reciprocal is that of total scaled to [1, 2), the exponent the right shift to an output of 8 bits. From
    total = 2**28 (512 equal values in one row) the exponent is 32 or more: there TFLM aborts, and the quotient rounds
    to 0, so every y of the row is -128.
    Source: internal/common.h GetReciprocal, internal/reference/softmax.h.
    """
    leading_zeros = 32 - total.bit_length()
    reciprocal = one_over_one_plus_x_for_x_in_0_1((total << leading_zeros) - (1 << 31))
    return reciprocal, 31 - 8 + SOFTMAX_SUM_INTEGER_BITS - leading_zeros
