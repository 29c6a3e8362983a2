"""The fixed-point arithmetic of TensorFlow Lite Micro (TFLM), to the last bit: one home for each formula.

Equation numbers are those of `models/FORMAT.md`. `shift` is always TFLM's: positive is to the left, a real
multiplier is `multiplier / 2**31 * 2**shift`. Sources are named by file, relative to `tensorflow/lite/` in TFLM,
or by function in gemmlowp's `fixedpoint.h`. "Q5.26" has 5 integer bits, 26 fraction bits and a sign.

Scales are the float32 numbers of the trained model; where TFLM computes in float32, so does this file.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import ToolError

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
INT8_MIN, INT8_MAX = -128, 127
_Q31 = 1 << 31

ADD_LEFT_SHIFT = 20  # micro/kernels/add_common.cc: headroom of ADD, |x - z| <= 255, so 255 * 2**20 < 2**28
MAX_LEFT_SHIFT = 30  # C's 1 << 31 is not an int32: beyond this TFLM's own result is undefined


# ---------------------------------------------------------------------------------------------- plain-int helpers


def round_half_away(x: float) -> int:
    """x rounded to the nearest integer, halves away from zero: TfLiteRound, internal/cppmath.h."""
    whole = math.floor(abs(x))  # the subtraction below is exact, x + 0.5 would not be
    whole += abs(x) - whole >= 0.5
    return -whole if x < 0 else whole


def wrap32(x: int) -> int:
    """x modulo 2**32, as an int32."""
    return ((x + _Q31) & 0xFFFFFFFF) - _Q31


def saturating_rounding_doubling_high_mul(a: int, b: int) -> int:
    """round(a * b / 2**31), halves towards plus infinity; the product of two Q0.31 numbers. int32 in and out.

    -1 * -1 saturates to 2**31 - 1. gemmlowp writes it as a division truncated towards zero with a nudge of the
    product's sign; floor((a * b + 2**30) / 2**31) is the same number for every int32 a and b.
    Source: gemmlowp SaturatingRoundingDoublingHighMul; eq. (2).
    """
    if a == INT32_MIN and b == INT32_MIN:
        return INT32_MAX
    return (a * b + (1 << 30)) >> 31


def rounding_divide_by_pot(x: int, exponent: int) -> int:
    """x / 2**exponent rounded to the nearest, halves away from zero; 0 <= exponent <= 31.

    Source: gemmlowp RoundingDivideByPOT; eq. (2).
    """
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def saturating_shift_left(x: int, exponent: int) -> int:
    """clamp(x * 2**exponent) to int32. Source: gemmlowp SaturatingRoundingMultiplyByPOT, positive exponent."""
    return max(INT32_MIN, min(INT32_MAX, x << exponent))


def signed(raw: int) -> int:
    """The int8 that a raw byte (0 to 255) stands for."""
    return (raw ^ 0x80) - 0x80


def multiply_by_quantized_multiplier(x: int, multiplier: int, shift: int) -> int:
    """requantize() for one plain int: x times `multiplier / 2**31 * 2**shift`, rounded twice; eq. (2).

    Source: internal/common.cc MultiplyByQuantizedMultiplier, double rounding.
    """
    left, right = split_shift(shift)
    return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(wrap32(x << left), multiplier), right)


# ------------------------------------------------------------------------------------------ multipliers and shifts


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) with real ~ multiplier / 2**31 * 2**shift; multiplier in [2**30, 2**31) or 0.

    A fraction that rounds up to 2**31 becomes 2**30 with one more shift; below about 2**-32 the result is (0, 0),
    as every product would be shifted out. `real` must be finite and not negative.
    Source: internal/quantization_util.cc QuantizeMultiplier.
    """
    if not (math.isfinite(real) and real >= 0):
        raise ToolError(
            f"a rescaling by {real} cannot be quantized",
            "scales must be positive, finite numbers",
            "check the scales of the tensors of this op in the trained model",
        )
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)  # fraction in [0.5, 1)
    multiplier = round_half_away(fraction * _Q31)
    if multiplier == _Q31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def split_shift(shift: int) -> tuple[int, int]:
    """(left_shift, right_shift) of a signed shift: what the op records hold. At most one is not 0.

    Raises ToolError above 30: there TFLM's `1 << shift` leaves int32 and its result is undefined.
    """
    if shift > MAX_LEFT_SHIFT:
        raise ToolError(
            f"a rescaling by 2**{shift} or more is too large",
            f"at most 2**{MAX_LEFT_SHIFT} is defined: the scales of this op's tensors are too far apart",
            "check the scales in the trained model; a representative dataset that is all zeros gives such scales",
        )
    return (shift, 0) if shift > 0 else (0, -shift)


def short_multiplier(multiplier: int, shift: int) -> tuple[int, int]:
    """(m, shift) with m * 2**15 the multiplier rounded to 16 bits: m in [2**15, 2**16) or 0. For int4 weights, whose
    scales are the quantizer's own: 2**-17 of a scale is nothing to them, and the record is shorter.
    """
    m = (multiplier + (1 << 14)) >> 15
    return (1 << 15, shift + 1) if m == 1 << 16 else (m, shift)


def pack_int4(weights: np.ndarray) -> np.ndarray:
    """Rows of int4 weights, [rows, n] int8 of -8 to 7, as bytes: weight + 8 in four bits, the even ones in the low half;
    each row padded with weights of 0 to a multiple of 4 bytes.
    """
    rows, n = weights.shape
    padded = np.zeros((rows, -(-n // 8) * 8), np.int16)
    padded[:, :n] = weights
    padded = (padded + 8).astype(np.uint8)
    return padded[:, 0::2] | padded[:, 1::2] << 4


def unpack_int4(packed: np.ndarray) -> np.ndarray:
    """pack_int4() undone: uint8[rows, bytes] -> int8[rows, 2 * bytes]."""
    halves = np.stack([packed & 15, packed >> 4], -1).astype(np.int8) - 8
    return halves.reshape(len(packed), -1)


def conv_multiplier(x_scale: float, w_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of one output channel of CONV_2D and DEPTHWISE_CONV_2D: x_scale * w_scale / y_scale, in
    float64, in this order. Source: kernels/kernel_util.cc PopulateConvolutionQuantizationParams.
    """
    return quantize_multiplier(f32(x_scale) * f32(w_scale) / f32(y_scale))


def fully_connected_multiplier(x_scale: float, w_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of FULLY_CONNECTED, with one scale or one for each channel: as conv_multiplier().

    TFLM up to August 2026 rounded the product of the scales to float32 where all weights share one scale; the
    package of October 2026 does not (read from its machine code, and by test). The two differ by less than 2**-24
    of the multiplier: of 3,000 random models one had one output one apart.
    Source: kernels/kernel_util.cc GetQuantizedConvolutionMultipler; micro/kernels/fully_connected_common.cc.
    """
    return conv_multiplier(x_scale, w_scale, y_scale)


def mul_multiplier(x1_scale: float, x2_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of MUL: x1_scale * x2_scale / y_scale in float64. Source: micro/kernels/mul_common.cc."""
    return quantize_multiplier(f32(x1_scale) * f32(x2_scale) / f32(y_scale))


def add_multipliers(x1_scale: float, x2_scale: float, y_scale: float) -> tuple[tuple[int, int], ...]:
    """(multiplier, shift) of x1, of x2 and of the sum for ADD; all shifts are <= 0.

    Both inputs, times 2**20, are rescaled to twice the larger scale; the sum goes from there to y's scale.
    Raises ToolError where y_scale is 2**19 times smaller than the larger input's: TFLM aborts there.
    Source: micro/kernels/add_common.cc CalculateOpDataAdd.
    """
    twice_max = 2 * max(f32(x1_scale), f32(x2_scale))
    y_real = twice_max / ((1 << ADD_LEFT_SHIFT) * f32(y_scale))
    result = tuple(quantize_multiplier(r) for r in (f32(x1_scale) / twice_max, f32(x2_scale) / twice_max, y_real))
    if y_real >= 1 or result[2][1] > 0:
        raise ToolError(
            f"ADD: the output's scale {y_scale:g} is too small for inputs of scale {x1_scale:g} and {x2_scale:g}",
            "the larger input scale may be at most 2**19 times the output's",
            "check the scales in the trained model",
        )
    return result


def mean_multiplier(x_scale: float, y_scale: float, count: int) -> tuple[int, int]:
    """(multiplier, shift) of MEAN over `count` values; multiplier in [0, 2**31), often below 2**30.

    The multiplier of x_scale / y_scale is divided by count (truncated) after a shift to the left by
    floor(log2(count)), at most 32 and never so far that the shift to the right would pass 31.
    Source: internal/reference/reduce.h QuantizedMeanOrSum.
    """
    multiplier, shift = quantize_multiplier(f32(x_scale) / f32(y_scale))
    up = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << up) // count, shift - up


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """(clamp_min, clamp_max) in int8 of a fused activation: NONE, RELU, RELU6 or RELU_N1_TO_1; eq. (3).

    The division is a float32 one. ToolError for other activations, which TFLM would silently leave out, and for a
    bound that is no int32, which TFLM refuses.
    Source: kernels/kernel_util.cc CalculateActivationRangeQuantized.
    """

    def quantize(real: float) -> int:
        return zero_point + quantized_bound(real, scale)

    if activation == "NONE":
        return INT8_MIN, INT8_MAX
    if activation == "RELU":
        return max(INT8_MIN, zero_point), INT8_MAX
    if activation == "RELU6":
        return max(INT8_MIN, zero_point), min(INT8_MAX, quantize(6.0))
    if activation == "RELU_N1_TO_1":
        return max(INT8_MIN, quantize(-1.0)), min(INT8_MAX, quantize(1.0))
    raise ToolError(
        f"fused activation {activation} is not supported",
        "TensorFlow Lite Micro has NONE, RELU, RELU6 and RELU_N1_TO_1",
        "make the activation an op of its own",
    )


def quantized_bound(real: float, scale: float) -> int:
    """round(real / scale), the division in float32; ToolError where it leaves int32 (scale below about 2**-28)."""
    quotient = float(np.float32(real) / np.float32(scale))
    if not abs(quotient) < _Q31:
        raise ToolError(
            f"an activation bounded by {real:g} at scale {scale:g} is out of range",
            f"{real:g} / {scale:g} is no int32, TensorFlow Lite Micro refuses it",
            "check the scale in the trained model",
        )
    return round_half_away(quotient)


def f32(x: float) -> float:
    """x rounded to float32, as a float64: a scale as the file holds it."""
    return float(np.float32(x))


# ------------------------------------------------------------------------------------------------- arrays (int64)


def requantize(acc, multiplier, left_shift, right_shift):
    """acc * multiplier / 2**31 * 2**(left_shift - right_shift), rounded twice; eq. (2). Arrays broadcast.

    acc: integers of any size, taken modulo 2**32; multiplier: Q31, 0 <= multiplier < 2**31; shifts: 0 to 31.
    The result is int64 with values in int32. Source: internal/common.cc MultiplyByQuantizedMultiplier.
    """
    left_shift = np.asarray(left_shift, np.int64)
    right_shift = np.asarray(right_shift, np.int64)
    a = wrap32_array(np.asarray(acc, np.int64) << left_shift)
    high = (a * np.asarray(multiplier, np.int64) + (1 << 30)) >> 31  # |a * multiplier| < 2**62
    mask = (np.int64(1) << right_shift) - 1
    return (high >> right_shift) + ((high & mask) > (mask >> 1) + (high < 0))


def wrap32_array(x: np.ndarray) -> np.ndarray:
    """int64 array modulo 2**32, as int32 values in int64."""
    return ((x + _Q31) & 0xFFFFFFFF) - _Q31


def affine_quantize(real, scale: float, zero_point: int, dtype) -> np.ndarray:
    """round(real / scale) + zero_point, saturated to dtype; eq. (1) solved for q. The division is a float32 one.

    Infinities saturate (TFLM's cast is undefined there). Source: internal/reference/quantize.h AffineQuantize.
    """
    with np.errstate(over="ignore"):
        quotient = (np.asarray(real, np.float32) / np.float32(scale)).astype(np.float64)
    whole = np.floor(np.abs(quotient) + 0.5) * np.sign(quotient)  # exact: a float32 and a half fit a float64
    limits = np.iinfo(dtype)
    return np.clip(whole + zero_point, limits.min, limits.max).astype(dtype)


def affine_dequantize(raw, scale: float, zero_point: int) -> np.ndarray:
    """scale * (raw - zero_point) as float32; eq. (1). Computed in float64 and rounded once.

    Source: micro/kernels/dequantize.cc, internal/reference/dequantize.h.
    """
    return (f32(scale) * (np.asarray(raw, np.int64) - zero_point)).astype(np.float32)
