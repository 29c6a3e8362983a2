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
_ONE_Q31 = INT32_MAX  # gemmlowp FixedPoint<int32, 0>::One(): 1 itself does not fit in Q0.31
_ONE_Q29 = 1 << 29  # FixedPoint<int32, 2>::One()
_Q31 = 1 << 31

ADD_LEFT_SHIFT = 20  # micro/kernels/add_common.cc: headroom of ADD, |x - z| <= 255, so 255 * 2**20 < 2**28
SOFTMAX_INTEGER_BITS = 5  # micro/kernels/softmax_common.cc kScaledDiffIntegerBits: differences are Q5.26
SOFTMAX_SUM_INTEGER_BITS = 12  # internal/reference/softmax.h kAccumulationIntegerBits: the sum is Q12.19
SOFTMAX_MAX_DEPTH = 4095  # each term is at most 2**19 in Q12.19: 4,096 of them would leave int32
SOFTMAX_SAFE_DEPTH = 511  # from 512 on a row can sum up to 2**28, where TFLM aborts: see softmax_scale()
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
    return quantize_multiplier(_f32(x_scale) * _f32(w_scale) / _f32(y_scale))


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
    return quantize_multiplier(_f32(x1_scale) * _f32(x2_scale) / _f32(y_scale))


def add_multipliers(x1_scale: float, x2_scale: float, y_scale: float) -> tuple[tuple[int, int], ...]:
    """(multiplier, shift) of x1, of x2 and of the sum for ADD; all shifts are <= 0.

    Both inputs, times 2**20, are rescaled to twice the larger scale; the sum goes from there to y's scale.
    Raises ToolError where y_scale is 2**19 times smaller than the larger input's: TFLM aborts there.
    Source: micro/kernels/add_common.cc CalculateOpDataAdd.
    """
    twice_max = 2 * max(_f32(x1_scale), _f32(x2_scale))
    y_real = twice_max / ((1 << ADD_LEFT_SHIFT) * _f32(y_scale))
    result = tuple(quantize_multiplier(r) for r in (_f32(x1_scale) / twice_max, _f32(x2_scale) / twice_max, y_real))
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
    multiplier, shift = quantize_multiplier(_f32(x_scale) / _f32(y_scale))
    up = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << up) // count, shift - up


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """(clamp_min, clamp_max) in int8 of a fused activation: NONE, RELU, RELU6 or RELU_N1_TO_1; eq. (3).

    The division is a float32 one. ToolError for other activations, which TFLM would silently leave out, and for a
    bound that is no int32, which TFLM refuses.
    Source: kernels/kernel_util.cc CalculateActivationRangeQuantized.
    """

    def quantize(real: float) -> int:
        return zero_point + _quantized_bound(real, scale)

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


def _quantized_bound(real: float, scale: float) -> int:
    """round(real / scale), the division in float32; ToolError where it leaves int32 (scale below about 2**-28)."""
    quotient = float(np.float32(real) / np.float32(scale))
    if not abs(quotient) < _Q31:
        raise ToolError(
            f"an activation bounded by {real:g} at scale {scale:g} is out of range",
            f"{real:g} / {scale:g} is no int32, TensorFlow Lite Micro refuses it",
            "check the scale in the trained model",
        )
    return round_half_away(quotient)


def _f32(x: float) -> float:
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
    return (_f32(scale) * (np.asarray(raw, np.int64) - zero_point)).astype(np.float32)


# -------------------------------------------------------------------------- gemmlowp's functions, on plain ints

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


# ------------------------------------------------------------------------------------ tables, indexed by raw byte


def signed(raw: int) -> int:
    """The int8 that a raw byte (0 to 255) stands for."""
    return (raw ^ 0x80) - 0x80


def _table(function) -> np.ndarray:
    """uint8[256]: table[raw byte of x] = raw byte of function(x), x from -128 to 127."""
    return np.array([function(signed(raw)) & 0xFF for raw in range(256)], np.uint8)


def _clamp8(x: int) -> int:
    return max(INT8_MIN, min(INT8_MAX, x))


def _input_radius(integer_bits: int, left_shift: int) -> int:
    """The largest |x| whose rescaled value fits Q(integer_bits): quantization_util.cc CalculateInputRadius."""
    return (((1 << integer_bits) - 1) << (31 - integer_bits)) >> left_shift


def _sigmoid_table(scale: float, zero_point: int, function, output_bits: int, offset: int) -> np.ndarray:
    multiplier, shift = math.frexp(_f32(scale) * (1 << 27))  # Q4.27
    multiplier = round_half_away(multiplier * _Q31)
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

    RELU rescales by the float64 quotient x_scale / y_scale (TFLM up to August 2026: float32; see fixed_tables.py). RELU6 clamps the raw value to [x_zero_point, six] in
    the input's quantization and does not look at the output's.
    Source: micro/kernels/activations_common.cc, activations.h.
    """
    if kind == "RELU6":
        six = _clamp8(_quantized_bound(6.0, x_scale) + x_zero_point)
        return _table(lambda x: six if x > six else max(x, x_zero_point))
    if kind != "RELU":
        raise ToolError(f"{kind} has no table", "TensorFlow Lite Micro has RELU and RELU6", "use one of them")
    multiplier, shift = quantize_multiplier(_f32(x_scale) / _f32(y_scale))
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
    multiplier, shift = quantize_multiplier(_f32(x_scale) / _f32(y_scale))
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
    real = min(_f32(beta) * _f32(scale) * (1 << 26), float((1 << 31) - 1))
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


# ---------------------------------------------------------------------------------------- softmax, for the kernels


def softmax_scale(total: int) -> tuple[int, int]:
    """(reciprocal in Q0.31, exponent) of a sum of exponentials in Q12.19, 2**19 <= total < 2**31; eq. (5).

    The reciprocal is that of total scaled to [1, 2), the exponent the right shift to an output of 8 bits. From
    total = 2**28 (512 equal values in one row) the exponent is 32 or more: there TFLM aborts, and the quotient rounds
    to 0, so every y of the row is -128.
    Source: internal/common.h GetReciprocal, internal/reference/softmax.h.
    """
    leading_zeros = 32 - total.bit_length()
    reciprocal = one_over_one_plus_x_for_x_in_0_1((total << leading_zeros) - _Q31)
    return reciprocal, 31 - 8 + SOFTMAX_SUM_INTEGER_BITS - leading_zeros
