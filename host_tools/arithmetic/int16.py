"""TensorFlow Lite Micro's arithmetic with int16 activations, and that of LSTM and SVDF: fixed_point.py's younger half.

Same conventions: `shift` is TFLM's (positive: to the left), sources are named relative to `tensorflow/lite/`.
All int16 tensors are symmetric: their zero point is 0.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import ToolError
from .fixed_point import quantize_multiplier, round_half_away

INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1
ACC_LIMIT = 1 << 47  # |accumulator| of the wide requantization: internal/common.cc asserts it
MAX_WIDE_SHIFT = 7  # likewise
GATE_SCALE = 2.0**-12  # micro/kernels/lstm_eval_common.cc: what goes into a gate's nonlinearity is Q3.12
UNIT_SCALE = 2.0**-15  # and what comes out is Q0.15
ADD16_LEFT_SHIFT = 15  # micro/kernels/add_common.cc: |x| <= 2**15, so x * 2**15 <= 2**30

# sigmoid(i / 24) in Q0.16, as trained models are run with: internal/common.h sigmoid_table_uint16. Not the rounded
# values (44 of 256 are one above), so it is copied and not computed.
_SIGMOID = (
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794, 41432, 42064, 42688,
    43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443, 48964, 49475, 49975, 50464, 50942, 51409,
    51865, 52311, 52745, 53169, 53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433,
    57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110,
    61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990, 63090, 63186,
    63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030, 64090, 64148, 64204, 64257, 64308,
    64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900,
    64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208,
    65221, 65234, 65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367,
    65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433, 65438, 65442, 65445, 65449,
    65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491,
    65493, 65495, 65497, 65498, 65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513,
    65514, 65515, 65516, 65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530,
    65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
    65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
)  # fmt: skip


def limits(dtype: str) -> tuple[int, int]:
    """(lowest, highest) of int8, uint8 or int16."""
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def activation_range16(activation: str, scale: float) -> tuple[int, int]:
    """(clamp_min, clamp_max) in int16 of a fused activation. Source: kernels/kernel_util.cc
    CalculateActivationRangeQuantized; ToolError as activation_range()."""

    def quantize(real: float) -> int:
        quotient = float(np.float32(real) / np.float32(scale))
        if not abs(quotient) < 1 << 31:
            raise ToolError(f"an activation bounded by {real:g} at scale {scale:g} is out of range", "",
                            "check the scale in the trained model")  # fmt: skip
        return round_half_away(quotient)

    if activation == "NONE":
        return INT16_MIN, INT16_MAX
    if activation == "RELU":
        return 0, INT16_MAX
    if activation == "RELU6":
        return 0, min(INT16_MAX, quantize(6.0))
    if activation == "RELU_N1_TO_1":
        return max(INT16_MIN, quantize(-1.0)), min(INT16_MAX, quantize(1.0))
    raise ToolError(f"fused activation {activation} is not supported",
                    "TensorFlow Lite Micro has NONE, RELU, RELU6 and RELU_N1_TO_1",
                    "make the activation an op of its own")  # fmt: skip


def reduced_multiplier(multiplier: int, shift: int) -> tuple[int, int]:
    """(multiplier in 15 bits, total right shift 8 to 46) of the requantization of a 64-bit accumulator; eq. (6).

    ToolError above a shift of 7, which TFLM's own assertion forbids.
    Source: internal/common.cc MultiplyByQuantizedMultiplier(int64_t, ...).
    """
    if shift > MAX_WIDE_SHIFT:
        raise ToolError(f"a rescaling by 2**{shift} or more is too large", "at most 2**7 is defined with int16 activations",
                        "check the scales in the trained model")  # fmt: skip
    return (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF, 15 - shift


def requantize_wide(acc, multiplier, shift):
    """floor((acc * multiplier + 2**(shift - 1)) / 2**shift) modulo 2**32; eq. (6). Arrays broadcast, int64.

    |acc| < 2**47, multiplier and shift of reduced_multiplier(). Source: as there.
    """
    shift = np.asarray(shift, np.int64)
    scaled = (np.asarray(acc, np.int64) * np.asarray(multiplier, np.int64) + (np.int64(1) << (shift - 1))) >> shift
    return ((scaled + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def product_multiplier(x1_scale: float, x2_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of a product: x1_scale * x2_scale / y_scale, float64.
    Source: micro/kernels/lstm_eval_common.cc CreateInterGateMulParams."""
    return quantize_multiplier(_f32(x1_scale) * _f32(x2_scale) / _f32(y_scale))


def matmul_multiplier(x1_scale: float, x2_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of BATCH_MATMUL. Source: kernels/kernel_util.cc GetQuantizedConvolutionMultipler without a
    bias."""
    return quantize_multiplier(_f32(x1_scale) * _f32(x2_scale) / _f32(y_scale))


def add16_multipliers(kind: str, x1_scale: float, x2_scale: float, y_scale: float) -> tuple[tuple[int, int], ...]:
    """(multiplier, shift) of x1, x2 and the sum or difference of int16 ADD or SUB; all shifts are <= 0.

    In float64 (SUB up to August 2026: float32, as fixed_tables.py says of its int8 form). ToolError where the output's scale is too small: TFLM aborts there.
    Source: micro/kernels/add_common.cc, sub_common.cc.
    """
    a, b, y = (_f32(s) for s in (x1_scale, x2_scale, y_scale))
    twice = 2 * max(a, b)
    result = tuple(quantize_multiplier(r) for r in (a / twice, b / twice, twice / ((1 << ADD16_LEFT_SHIFT) * y)))
    if any(shift > 0 for _, shift in result):
        raise ToolError(f"{kind}: the output's scale {y_scale:g} is too small for inputs of scale {x1_scale:g} and {x2_scale:g}",
                        "the larger input scale may be at most 2**14 times the output's",
                        "check the scales in the trained model")  # fmt: skip
    return result


def requantize_multiplier(x_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of QUANTIZE: x_scale / y_scale in float64. Source: micro/kernels/quantize_common.cc."""
    return quantize_multiplier(_f32(x_scale) / _f32(y_scale))


def relu16_multiplier(x_scale: float, y_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of RELU: x_scale / y_scale in float64 (see fixed_tables.py).
    Source: micro/kernels/activations_common.cc CalculateReluOpData."""
    return quantize_multiplier(_f32(x_scale) / _f32(y_scale))


def leaky_relu_multipliers(x_scale: float, y_scale: float, alpha: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """(multiplier, shift) of LEAKY_RELU from 0 up, and below 0; in float64.

    TFLM up to August 2026 divided in float32; the package of October 2026 does not (by test: 3 of 180 random int16
    models differ). Source: micro/kernels/leaky_relu_common.cc.
    """
    x, y = _f32(x_scale), _f32(y_scale)
    return quantize_multiplier(x / y), quantize_multiplier(x * _f32(alpha) / y)


def six16(scale: float) -> int:
    """The raw 6 of an int16 RELU6. Source: micro/kernels/activation_utils.h FloatToQuantizedType."""
    quotient = float(np.float32(6.0) / np.float32(scale))
    if quotient >= 1 << 31:
        raise ToolError(f"RELU6 at scale {scale:g} is out of range", fix="check the scale in the trained model")
    return min(INT16_MAX, round_half_away(quotient))


# -------------------------------------------------------------------------------------- nonlinearities of int16


def sigmoid_table() -> np.ndarray:
    """uint16[256]: sigmoid(i / 24) in Q0.16, for logistic16() and tanh16()."""
    return np.array(_SIGMOID, np.uint16)


def sigmoid16_input(kind: str, scale: float) -> tuple[int, int]:
    """(multiplier, right shift) that take an int16 input to 2**17 = 10.7, the table's unit; multiplier <= 2**16.

    Source: micro/kernels/logistic_common.cc, tanh.cc: a power of two of 2**-12 (TANH: 2**-11 too) multiplies by 3,
    anything else is a float64 product with 3 * 4096, doubled to 15 bits and truncated.
    """
    log2, power_of_two = _checked_log2(scale)
    up = 12 + log2
    if power_of_two and up in ((0,) if kind == "LOGISTIC" else (0, 1)):
        return 3 << up, 0
    multiplier, shift = _f32(scale) * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and shift <= 30:
        shift += 1
        multiplier *= 2.0
    if multiplier > 32767 or shift > 30:
        raise ToolError(f"{kind}: input scale {scale:g} is out of range", "TensorFlow Lite Micro takes int16 scales up to 2.66",
                        "check the scale in the trained model")  # fmt: skip
    return int(multiplier), shift


def cell_tanh_input(cell_scale: float) -> tuple[int, int]:
    """(multiplier, right shift) for tanh of an LSTM's cell state, whose scale must be a power of two up to 1.
    Source: micro/kernels/lstm_eval.cc Tanh, lstm_eval_common.cc CreateLstmCellStateInfo."""
    power, power_of_two = _checked_log2(cell_scale)
    if not power_of_two or not -27 <= power <= 0:
        raise ToolError(f"LSTM: the cell state's scale {cell_scale:g} is no power of two from 2**-27 to 1",
                        fix="export the model again with TFLiteConverter")  # fmt: skip
    up = 12 + power
    return (3, -up) if up < 0 else (3 << up, 0)


def _checked_log2(x: float) -> tuple[int, bool]:
    """(log2(x) rounded, whether x is a power of two, to 0.07 %). Source: kernels/kernel_util.h CheckedLog2."""
    log2 = float(np.float32(math.log(_f32(x))) * (np.float32(1) / np.float32(math.log(2.0))))
    return round_half_away(log2), abs(log2 - round_half_away(log2)) < 1e-3


def is_power16(scale: float, exponent: int) -> bool:
    """Whether a scale counts as 2**exponent."""
    return _checked_log2(scale) == (exponent, True)


def _table_input(x, multiplier: int, shift: int) -> np.ndarray:
    rounding = 1 << (shift - 1) if shift > 0 else 0
    return (np.asarray(x, np.int64) * multiplier + rounding) >> shift


def logistic16(x, multiplier: int, shift: int) -> np.ndarray:
    """logistic of int16, Q0.15, by interpolation; eq. (7).
    Source: internal/reference/integer_ops/logistic.h (int16)."""
    t = _table_input(x, multiplier, shift)
    a, table = np.abs(t), np.append(sigmoid_table().astype(np.int64), 0)
    at = np.minimum(a >> 9, 255)
    value = np.where(a >> 9 >= 255, 0x7FFF << 10, (table[at] << 9) + (a & 0x1FF) * (table[at + 1] - table[at]))
    return np.where(t >= 0, value + (1 << 9), (1 << 25) - value + (1 << 9) - 1) >> 10


def tanh16(x, multiplier: int, shift: int) -> np.ndarray:
    """tanh of int16, Q0.15, by interpolation; eq. (7). Source: internal/reference/integer_ops/tanh.h (int16)."""
    t = _table_input(x, multiplier, shift)
    a, table = np.abs(t), np.append(sigmoid_table().astype(np.int64), 0)
    at = np.minimum(a >> 8, 255)
    value = np.where(a >> 8 >= 255, 0xFFFF << 8, (table[at] << 8) + (a & 0xFF) * (table[at + 1] - table[at]))
    return np.where(t >= 0, value - (1 << 23) + (1 << 7), -value + (1 << 23) + (1 << 7) - 1) >> 8


def _lut513(function, x_scale: float, x_zero_point: int, y_scale: float) -> np.ndarray:
    """int16[513]: 512 steps and the end, with half of the error in the middle of each step taken away. All in float32.
    Source: internal/common.h LUTPopulateInt16."""
    f = np.float32
    f_scale, y = f(x_scale), f(y_scale)
    low, high = f_scale * f(INT16_MIN - x_zero_point), f_scale * f(INT16_MAX - x_zero_point)
    step = (high - low) / f(512)
    half = step / f(2)
    scaling = f(65536) / (y * f(INT16_MAX) - y * f(INT16_MIN))

    def rounded(v):
        return f(round_half_away(float(v)))

    table = []
    for i in range(512):
        value = function(low + f(i) * step)
        middle = function(low + f(i) * step + half)
        after = function(low + f(i + 1) * step)
        sample = rounded(value * scaling)
        between = rounded((after * scaling + rounded(value * scaling)) / f(2))
        bias = rounded((between - rounded(middle * scaling)) / f(2))
        table.append(int(min(max(sample - bias, f(INT16_MIN)), f(INT16_MAX))))
    table.append(int(min(max(rounded(function(high) * scaling), f(INT16_MIN)), f(INT16_MAX))))
    return np.array(table, np.int16)


def softmax16_tables() -> tuple[np.ndarray, np.ndarray]:
    """(exp over -10 to 0, 1 / (1 + x) over 0 to 1), int16[513] each, Q0.15.
    Source: micro/kernels/softmax_common.cc InitializeLutForInt16."""
    f = np.float32
    unit, span = f(2.0) / f(65535), f(65535)
    exp = _lut513(lambda v: f(math.exp(float(v))), f(10.0) / span, INT16_MAX, unit)
    return exp, _lut513(lambda v: f(1.0) / (f(1.0) + v), f(1.0) / span, INT16_MIN, unit)


def softmax16_multiplier(beta: float, scale: float) -> tuple[int, int]:
    """(multiplier, shift) that scale differences so that 65535 is 10. Source: micro/kernels/softmax_common.cc."""
    return quantize_multiplier(_f32(scale) * _f32(beta) / (10.0 / 65535.0))


def lut513_lookup(x, table) -> np.ndarray:
    """table at int16 x, interpolated; Source: internal/common.h LUTLookup(int16_t)."""
    x, table = np.asarray(x, np.int64), np.asarray(table, np.int64)
    at = 256 + (x >> 7)
    slope = ((table[at + 1] - table[at] + (1 << 15)) & 0xFFFF) - (1 << 15)
    return ((table[at] + ((slope * (x & 0x7F) + 64) >> 7) + (1 << 15)) & 0xFFFF) - (1 << 15)


# --------------------------------------------------------------------------------------------------- LSTM and SVDF


def gate_multiplier(x_scale: float, w_scale: float) -> tuple[int, int]:
    """(multiplier, shift) of one of a gate's two products, to Q3.12.
    Source: micro/kernels/lstm_eval_common.cc CreateGateParams."""
    return quantize_multiplier(_f32(x_scale) * _f32(w_scale) / GATE_SCALE)


def cell_clip16(cell_clip: float, cell_scale: float) -> int:
    """The raw bound of the cell state, 0: none. Source: micro/kernels/lstm_eval_common.cc CreateLstmCellStateInfo."""
    return int(min(max(_f32(cell_clip) / _f32(cell_scale), -32768.0), 32767.0)) if cell_clip > 0 else 0


def svdf_multipliers(x_scale: float, feature_scale: float, state_scale: float, time_scale: float,
                     y_scale: float) -> tuple[tuple[int, int], tuple[int, int]]:  # fmt: skip
    """(multiplier, shift) into the state and into the output.

    Source: micro/kernels/svdf_common.cc PrepareSvdf; its products were float32 ones up to August 2026, the package of
    October 2026 multiplies in float64 (by test: tests/host/test_state.py, a model at a tie)."""
    x, feature, state, time, y = (_f32(s) for s in (x_scale, feature_scale, state_scale, time_scale, y_scale))
    return quantize_multiplier(x * feature / state), quantize_multiplier(state * time / y)


def _f32(x: float) -> float:
    return float(np.float32(x))
