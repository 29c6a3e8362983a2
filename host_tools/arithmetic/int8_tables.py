"""Tables of int8 functions as TensorFlow Lite Micro computes them, indexed by the raw byte of x: logistic, tanh, relu,
rescalings, softmax's exponentials, the inputs of ADD. Conventions and equation numbers: `fixed_point.py`.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import ToolError
from .fixed_point import (
    ADD_LEFT_SHIFT,
    INT8_MAX,
    INT8_MIN,
    f32,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    quantized_bound,
    round_half_away,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    signed,
    wrap32,
)
from .gemmlowp import SOFTMAX_INTEGER_BITS, exp_on_negative_values, logistic, tanh


def _table(function) -> np.ndarray:
    """uint8[256]: table[raw byte of x] = raw byte of function(x), x from -128 to 127."""
    return np.array([function(signed(raw)) & 0xFF for raw in range(256)], np.uint8)


def _clamp8(x: int) -> int:
    return max(INT8_MIN, min(INT8_MAX, x))


def _input_radius(integer_bits: int, left_shift: int) -> int:
    """The largest |x| whose rescaled value fits Q(integer_bits): quantization_util.cc CalculateInputRadius."""
    return (((1 << integer_bits) - 1) << (31 - integer_bits)) >> left_shift


def _sigmoid_table(scale: float, zero_point: int, function, output_bits: int, offset: int) -> np.ndarray:
    multiplier, shift = math.frexp(f32(scale) * (1 << 27))  # Q4.27
    multiplier = round_half_away(multiplier * (1 << 31))
    if shift < 0:
        raise ToolError(
            f"input scale {scale:g} is too small for a table",
            "TensorFlow Lite Micro needs at least 2**-28 for LOGISTIC and TANH",
            "check the scale in the trained model",
        )
    radius = _input_radius(4, shift)

    def value(x: int) -> int:
        x -= zero_point
        if x <= -radius:  # before the next test: with a radius of 0, 0 itself goes to the minimum
            return INT8_MIN
        if x >= radius:
            return INT8_MAX
        y = function(multiply_by_quantized_multiplier(x, multiplier, shift))
        return _clamp8(rounding_divide_by_pot(y, output_bits) + offset)

    return _table(value)


def logistic_table(scale: float, zero_point: int) -> np.ndarray:
    """uint8[256] for LOGISTIC; the output scale is 1/256, its zero point -128.

    Source: micro/kernels/logistic_common.cc, internal/reference/integer_ops/logistic.h.
    """
    return _sigmoid_table(scale, zero_point, logistic, 31 - 8, -128)


def tanh_table(scale: float, zero_point: int) -> np.ndarray:
    """uint8[256] for TANH; the output scale is 1/128, its zero point 0 (TFLM does not look at them).

    Source: micro/kernels/tanh.cc, internal/reference/integer_ops/tanh.h.
    """
    return _sigmoid_table(scale, zero_point, tanh, 31 - 7, 0)


def relu_table(kind: str, x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int) -> np.ndarray:
    """uint8[256] for an op RELU or RELU6 (not a fused one).

    RELU rescales by the float64 quotient x_scale / y_scale (TFLM up to August 2026: float32; see `tables.py`). RELU6
    clamps the raw value to [x_zero_point, six] in the input's quantization and does not look at the output's.
    Source: micro/kernels/activations_common.cc, activations.h.
    """
    if kind == "RELU6":
        six = _clamp8(quantized_bound(6.0, x_scale) + x_zero_point)
        return _table(lambda x: six if x > six else max(x, x_zero_point))
    if kind != "RELU":
        raise ToolError(f"{kind} has no table", "TensorFlow Lite Micro has RELU and RELU6", "use one of them")
    multiplier, shift = quantize_multiplier(f32(x_scale) / f32(y_scale))
    low = max(INT8_MIN, y_zero_point)

    def value(x: int) -> int:
        y = wrap32(y_zero_point + multiply_by_quantized_multiplier(x - x_zero_point, multiplier, shift))
        return min(max(low, y), INT8_MAX)

    return _table(value)


def requantize_table(
    x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int, x_dtype: str = "int8", y_dtype: str = "int8"
) -> np.ndarray:
    """uint8[256] for QUANTIZE between int8 and uint8, raw bytes in and out.

    Source: micro/kernels/quantize_common.cc, internal/reference/requantize.h (whose shortcut for a change of the
    zero point by 128 alone gives the same numbers).
    """
    multiplier, shift = quantize_multiplier(f32(x_scale) / f32(y_scale))
    low, high = (INT8_MIN, INT8_MAX) if y_dtype == "int8" else (0, 255)

    def value(x: int) -> int:
        if x_dtype == "uint8":
            x &= 0xFF
        y = wrap32(multiply_by_quantized_multiplier(x - x_zero_point, multiplier, shift) + y_zero_point)
        return max(min(y, high), low)

    return _table(value)


def softmax_multiplier(beta: float, scale: float) -> tuple[int, int]:
    """(multiplier, shift) of a difference of logits to Q5.26: beta * scale * 2**26, at most 2**31 - 1.

    Source: internal/quantization_util.cc PreprocessSoftmaxScaling.
    """
    real = min(f32(beta) * f32(scale) * (1 << 26), float((1 << 31) - 1))
    if not real > 1:
        raise ToolError(
            f"SOFTMAX: beta {beta:g} times the input scale {scale:g} is too small",
            "TensorFlow Lite Micro needs more than 2**-26",
            "check the scale of the logits in the trained model",
        )
    return quantize_multiplier(real)


def exp_table(beta: float, scale: float) -> np.ndarray:
    """int32[n], Q0.31, 1 <= n <= 256: table[d] = exp(-d * beta * scale) for SOFTMAX; beyond it 0. Eq. (5).

    Source: internal/quantization_util.cc PreprocessSoftmaxScaling and CalculateInputRadius (diff_min is minus
    that), internal/reference/softmax.h.
    """
    multiplier, shift = softmax_multiplier(beta, scale)
    count = min(256, _input_radius(SOFTMAX_INTEGER_BITS, shift) + 1)

    def value(d: int) -> int:  # shift is 1 to 31 here, and count keeps d << shift <= 31 * 2**26: no wrap
        return exp_on_negative_values(saturating_rounding_doubling_high_mul(-d << shift, multiplier))

    return np.array([value(d) for d in range(count)], np.int32)


def add_table(zero_point: int, multiplier: int, shift: int) -> np.ndarray:
    """int32[256] for one input of ADD: (x - zero_point) * 2**20 times the input's multiplier, by raw byte.

    (multiplier, shift) from add_multipliers(). |table[x]| <= 255 * 2**19, so a sum of two stays below 2**28.
    Source: internal/reference/integer_ops/add.h AddFunc.
    """
    return np.array(
        [
            multiply_by_quantized_multiplier((signed(raw) - zero_point) << ADD_LEFT_SHIFT, multiplier, shift)
            for raw in range(256)
        ],
        np.int32,
    )
