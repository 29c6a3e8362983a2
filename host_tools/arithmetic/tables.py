"""Elementwise functions of one or two int8 tensors as TFLM (or, where it has none, LiteRT's reference kernels) computes
them: beside those of `int8_tables.py`. The conventions are those of `fixed_point.py`. Tables are indexed by the raw byte.

TFLM up to August 2026 divided scales in float32 for SUB, RELU, LEAKY_RELU, ABS and HARD_SWISH; the package of October 2026
does so in float64: found by models whose result lies at a rounding tie (tests/host/exact/test_ops_exact.py), where all of them
gave what float64 gives. Rescalings here are float64 ones, but for LiteRT's RELU_N1_TO_1 and RELU_0_TO_1.

Where a kernel computes in C's `float`, so does this file: float32 operations one by one, and functions of libm in float64
rounded once to float32 (which is what a correctly rounded `expf` gives).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..errors import ToolError
from .fixed_point import (
    INT8_MAX,
    INT8_MIN,
    INT32_MAX,
    INT32_MIN,
    f32,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_half_away,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    saturating_shift_left,
    signed,
    wrap32,
)
from .gemmlowp import one_over_one_plus_x_for_x_in_0_1

ALL_INT8 = np.array([signed(raw) for raw in range(256)], np.int64)  # by raw byte


def _ratio(a: float, b: float) -> float:
    """a / b in float32."""
    return float(np.float32(a) / np.float32(b))


def _table(function: Callable[[int], int]) -> np.ndarray:
    return np.array([max(INT8_MIN, min(INT8_MAX, function(int(x)))) & 0xFF for x in ALL_INT8], np.uint8)


# ------------------------------------------------------------------------------------------ through real numbers


def float_table(x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int,
                function: Callable[[float], float]) -> np.ndarray:  # fmt: skip
    """uint8[256]: round(f(x_scale * (x - x_zero_point)) * (1 / y_scale)) + y_zero_point, all of it in float32.

    ELU in TFLM (micro/kernels/elu.cc PopulateLookupTable); EXP, LOG and GELU in LiteRT (kernels/internal/common.h
    LUTPopulate).
    """
    inverse = np.float32(1) / np.float32(y_scale)
    real = np.float32(x_scale) * (ALL_INT8 - x_zero_point).astype(np.float32)
    with np.errstate(all="ignore"):
        values = np.array([function(float(r)) for r in real], np.float64).astype(np.float32) * inverse
        whole = (np.floor(np.abs(values.astype(np.float64)) + 0.5) * np.sign(values)).astype(np.float32)
        total = (whole + np.float32(y_zero_point)).astype(np.float64)
    # the cast of what is no int32 gives INT32_MIN, as x86's cvttss2si does
    inside = np.abs(total) < 2.0**31
    quantized = np.where(inside, np.trunc(np.where(inside, total, 0)), INT32_MIN)
    return np.clip(quantized, INT8_MIN, INT8_MAX).astype(np.int64).astype(np.uint8)


def elu(x: float) -> float:
    return f32(f32(math.exp(x)) - 1.0) if x < 0 else x


def exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def log(x: float) -> float:
    return math.log(x) if x > 0 else (-math.inf if x == 0 else math.nan)


def gelu(x: float) -> float:
    """x * (1 + erf(x / sqrt(2))) / 2, in float32 as reference/gelu.h has it: its roundings decide ties."""
    return f32(f32(0.5 * x) * f32(math.erfc(f32(x * f32(-math.sqrt(0.5))))))


def gelu_approximate(x: float) -> float:
    """x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2, in float32 as reference/gelu.h has it."""
    cubed = f32(f32(f32(f32(0.044715) * x) * x) * x)
    inner = f32(f32(math.sqrt(2 / math.pi)) * f32(x + cubed))
    return f32(f32(0.5 * x) * f32(1 + f32(math.tanh(inner))))


# ------------------------------------------------------------------------------------------ in integers


def bounded_table(low: float | None, high: float | None, x_scale: float, x_zero_point: int, y_scale: float,
                  y_zero_point: int) -> np.ndarray:  # fmt: skip
    """uint8[256] of RELU_N1_TO_1 and RELU_0_TO_1: x rescaled by float32 x_scale / y_scale, within [low, high].

    Source: LiteRT kernels/activations.cc QuantizedReluX, internal/reference/reference_ops.h ReluX.
    """
    multiplier, shift = quantize_multiplier(_ratio(x_scale, y_scale))

    def bound(real: float) -> int:
        return y_zero_point + round_half_away(_ratio(real, y_scale))

    least = INT8_MIN if low is None else max(INT8_MIN, bound(low))
    most = INT8_MAX if high is None else min(INT8_MAX, bound(high))

    def value(x: int) -> int:
        y = wrap32(y_zero_point + multiply_by_quantized_multiplier(x - x_zero_point, multiplier, shift))
        return min(max(y, least), most)

    return _table(value)


def abs_table(x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int) -> np.ndarray:
    """uint8[256] of ABS. Source: micro/kernels/elementwise.cc AbsEvalQuantized."""
    same = np.float32(x_scale) == np.float32(y_scale)
    multiplier, shift = quantize_multiplier(f32(x_scale) / f32(y_scale))

    def value(x: int) -> int:
        y = abs(x - x_zero_point)
        return y_zero_point + (y if same else multiply_by_quantized_multiplier(y, multiplier, shift))

    return _table(lambda x: wrap32(value(x)))


def inverse_sqrt(x: int) -> tuple[int, int]:
    """(multiplier, shift) of 1 / sqrt(x), x >= 0; 0 counts as 1. Five Newton-Raphson steps in Q3.28.

    Source: internal/common.h GetInvSqrtQuantizedMultiplierExp, its shift to the left as everywhere here.
    """
    if x <= 1:
        return INT32_MAX, 0
    mul = saturating_rounding_doubling_high_mul
    right = 11
    while x >= 1 << 29:
        x //= 4
        right += 1
    pairs = (32 - x.bit_length() - 1) // 2 - 1
    right -= pairs
    x <<= 2 * pairs  # in [2**27, 2**29)
    half = rounding_divide_by_pot(x >> 1, 1)
    y = 1 << 28
    for _ in range(5):
        cube = saturating_shift_left(mul(mul(y, y), y), 6)
        y = saturating_shift_left(mul((1 << 28) + (1 << 27), y) - mul(half, cube), 3)
    y = mul(y, 1518500250)  # sqrt(1/2) Q0.31
    if right < 0:
        return wrap32(y << -right), 0
    return y, -right


_RSQRT_BITS = 20  # kShift of RsqrtEvalQuantized


def rsqrt_multiplier(x_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of RSQRT, from Q20 of 1 / sqrt(raw x): 1 / (sqrt(x_scale) * y_scale) in float64.

    ToolError where all would become 0. Source: micro/kernels/elementwise.cc SetRsqrtOutputMultiplier.
    """
    multiplier, shift = quantize_multiplier(1.0 / (math.sqrt(f32(x_scale)) * f32(y_scale)))
    if shift - _RSQRT_BITS < -31:
        raise ToolError(
            "RSQRT: the output's scale is too large", "its values would all be 0", "check the trained model"
        )
    return multiplier, shift - _RSQRT_BITS


def rsqrt_table(x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int) -> np.ndarray:
    """uint8[256] of RSQRT; 127 for 0, and below, where TFLM stops the network. Source: micro/kernels/elementwise.cc."""
    multiplier, shift = rsqrt_multiplier(x_scale, y_scale)

    def value(x: int) -> int:
        if x - x_zero_point <= 0:
            return INT8_MAX
        inverse, inverse_shift = inverse_sqrt(x - x_zero_point)
        data = multiply_by_quantized_multiplier(1, inverse, inverse_shift + _RSQRT_BITS)
        return wrap32(multiply_by_quantized_multiplier(data, multiplier, shift) + y_zero_point)

    return _table(value)


def sqrt_table(x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int) -> np.ndarray:
    """uint8[256] of SQRT: trunc(sqrt(x_scale * (x - x_zero_point)) / y_scale) + y_zero_point, in float32; below x's zero
    point, where LiteRT stops, as of 0.

    LiteRT 2.3's reference kernel; TFLM has none. Found by comparing, 213,750 values of which a part lie at whole quotients:
    float64, or a product with 1 / y_scale, differ there.
    """
    real = np.float32(x_scale) * np.maximum(ALL_INT8 - x_zero_point, 0).astype(np.float32)
    quotient = np.minimum(np.sqrt(real) / np.float32(y_scale), np.float32(1 << 20))  # int8 saturates long before
    return np.clip(np.trunc(quotient).astype(np.int64) + y_zero_point, INT8_MIN, INT8_MAX).astype(np.uint8)


def leaky_relu_table(alpha: float, x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int) -> np.ndarray:
    """uint8[256] of LEAKY_RELU, products and quotients of the scales in float64.

    Source: micro/kernels/leaky_relu_common.cc, internal/reference/leaky_relu.h.
    """
    slope = f32(x_scale) * f32(alpha) / f32(y_scale)
    below, below_shift = quantize_multiplier(abs(slope))
    above, above_shift = quantize_multiplier(f32(x_scale) / f32(y_scale))

    def value(x: int) -> int:
        x -= x_zero_point
        if x >= 0:
            return wrap32(y_zero_point + multiply_by_quantized_multiplier(x, above, above_shift))
        y = multiply_by_quantized_multiplier(x, below, below_shift)
        return wrap32(y_zero_point + (-y if slope < 0 else y))

    return _table(value)


def _int16(x: int) -> int:
    return ((x + 0x8000) & 0xFFFF) - 0x8000


def _saturating_left_16(x: int, amount: int) -> int:
    return max(-0x8000, min(0x7FFF, x << amount))


def _rounding_high_mul_16(a: int, b: int) -> int:
    """gemmlowp SaturatingRoundingDoublingHighMul of int16: halves away from zero, truncated."""
    if a == b == -0x8000:
        return 0x7FFF
    product = a * b
    total = product + ((1 << 14) if product >= 0 else 1 - (1 << 14))
    return int(total / (1 << 15))  # C's division, towards zero: |total| < 2**31 is exact in a float


def _downscale_to_16(multiplier: int) -> int:
    """internal/common.h DownScaleInt32ToInt16Multiplier."""
    if multiplier >= INT32_MAX - (1 << 15):
        return 0x7FFF
    return (multiplier + (1 << 15)) >> 16


def hard_swish_table(x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int) -> np.ndarray:
    """uint8[256] of HARD_SWISH, x * clamp(x + 3, 0, 6) / 6 in 16-bit fixed point.

    Source: micro/kernels/hard_swish_common.cc, internal/reference/hard_swish.h.
    """
    fine = f32(x_scale) / 128
    out32, out_exponent = quantize_multiplier(fine / f32(y_scale))
    reluish32, exponent = quantize_multiplier(fine / (3 / 32768))
    if out_exponent > 0:
        raise ToolError(
            "HARD_SWISH: the output's scale is too small",
            f"the input's scale {x_scale:g} may be at most 128 times the output's, {y_scale:g}: TensorFlow Lite Micro "
            "refuses the rest",
            "check the scales in the trained model",
        )
    out16, reluish16 = _downscale_to_16(out32), _downscale_to_16(reluish32)

    def value(x: int) -> int:
        hires = (x - x_zero_point) << 7
        scaled = _rounding_high_mul_16(hires, out16)
        gate = hires
        if exponent > 0:
            gate = _saturating_left_16(gate, exponent - 1)
        gate = _rounding_high_mul_16(gate, reluish16)
        if exponent > 0:
            gate = _saturating_left_16(gate, 1)
        if exponent < 0:
            gate = rounding_divide_by_pot(gate, -exponent)
        gate = (gate + (1 << 15)) >> 1
        y = int(_int16(gate) * scaled / (1 << 15))  # SaturatingDoublingHighMul: towards zero
        return _int16(rounding_divide_by_pot(y, -out_exponent) + y_zero_point)

    return _table(value)


# ------------------------------------------------------------------------------------------ of two tensors


def _smaller_than_one(real: float, what: str) -> tuple[int, int]:
    """quantize_multiplier for what TFLM takes only below 1: it aborts the process elsewhere."""
    multiplier, shift = quantize_multiplier(real)
    if not 0 < real < 1 or shift > 0:
        raise ToolError(
            f"{what}: a rescaling by {real:g}",
            "TensorFlow Lite Micro needs less than 1",
            "check the scales in the trained model",
        )
    return multiplier, shift


def sub_multipliers(x1_scale: float, x2_scale: float, y_scale: float) -> tuple[tuple[int, int], ...]:
    """(multiplier, shift) of x1, of x2 and of the difference for SUB: as fixed_point.add_multipliers().

    Source: micro/kernels/sub_common.cc CalculateOpDataSub.
    """
    twice = 2 * max(f32(x1_scale), f32(x2_scale))
    reals = f32(x1_scale) / twice, f32(x2_scale) / twice, twice / ((1 << 20) * f32(y_scale))
    return tuple(_smaller_than_one(r, "SUB") for r in reals)


def squared_difference_multipliers(
    x1_scale: float, x2_scale: float, y_scale: float, left: int = 7
) -> tuple[tuple[int, int], ...]:
    """(multiplier, shift) of x1 * 2**left, of x2 * 2**left and of the square for SQUARED_DIFFERENCE; the last any. left: 7 of
    int8, 0 of int16.

    Source: micro/kernels/squared_difference.cc PrepareQuantized.
    """
    twice = 2.0 * max(f32(x1_scale), f32(x2_scale))
    total = twice * twice / float(np.float32(1 << 2 * left) * np.float32(y_scale))
    return (*(_smaller_than_one(f32(s) / twice, "SQUARED_DIFFERENCE") for s in (x1_scale, x2_scale)),
            quantize_multiplier(total))  # fmt: skip


def running_multiplier(x_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of a sum of inputs, each times 2**19, of ADD_N and CUMSUM; the shift is <= 0.

    Source: micro/kernels/add_n.cc, cumsum.cc: twice x_scale / (2**20 * y_scale) in float64. ToolError from 2**19 up.
    """
    return _smaller_than_one(2 * f32(x_scale) / ((1 << 20) * f32(y_scale)), "a running sum")


def comparison_multiplier(scale: float) -> tuple[int, int]:
    """(multiplier, shift) of an operand of EQUAL, LESS and the like: its scale, below 1. comparisons.cc."""
    return _smaller_than_one(f32(scale), "a comparison")


def rescaled_table(zero_point: int, multiplier: int, shift: int, left_shift: int) -> np.ndarray:
    """int32[256]: (x - zero_point) * 2**left_shift, rescaled; an operand of SUB, SQUARED_DIFFERENCE, a comparison.

    Source: MultiplyByQuantizedMultiplierSmallerThanOneExp.
    """
    values = [
        multiply_by_quantized_multiplier((int(x) - zero_point) << left_shift, multiplier, shift) for x in ALL_INT8
    ]
    return np.array(values, np.int32)


def div_multiplier(x1_scale: float, x2_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of DIV: x1 / (x2 * y) in float64. Source: micro/kernels/div.cc CalculateOpDataDiv."""
    return quantize_multiplier(f32(x1_scale) / (f32(x2_scale) * f32(y_scale)))


def reciprocal(x: int) -> tuple[int, int]:
    """(1 / x in Q0.31 after normalization, bits above one), x > 0. Source: internal/common.h GetReciprocal."""
    zeros = 32 - x.bit_length()
    return one_over_one_plus_x_for_x_in_0_1((x << zeros) - (1 << 31)), 31 - zeros
