"""Drawn functions of one tensor, most of which become a table of 256 bytes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.draw.core import Source, all_values, any_shape, bool_input, quantization
from tests.helpers.tflite_builder import Builder


def _relu(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = all_values(s, b, x, source, -10, 1)
    if s.note(same_quantization=s.boolean()):
        return b.relu(source)
    # x_scale / y_scale up to 2**20: |x - z| <= 255 keeps int32 after the shift to the left.
    ratio = s.choice((s.integer(-3, 3), s.integer(-32, 20)))
    scale = float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio * (1 + s.integer(0, 1000) / 1024)))
    return b.relu(source, scale=scale, zero_point=s.note(y_scale=scale, y_zero_point=s.zero_point()))


def _relu6(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = all_values(s, b, x, source, -10, 3)
    return b.relu6(source)


def _logistic(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Input scales from 2**-27: below, TFLM shifts by a negative number."""
    return b.logistic(all_values(s, b, x, source, -26, 6))


def _tanh(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    return b.tanh(all_values(s, b, x, source, -26, 6))


def _quantize(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """int8 to int8 or uint8, uint8 to int8; TFLM has no uint8 to uint8."""
    x_dtype, y_dtype = s.note(dtypes=s.choice((("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"))))
    if source is None:
        quant = quantization(s)
        if x_dtype == "uint8":
            quant["zero_point"] += 128
        x.append(np.arange(256, dtype=np.uint8).view(x_dtype).reshape(1, 256))
        s.note(x0=((1, 256), quant["scale"], quant["zero_point"]))
        source = b.input((1, 256), x_dtype, **quant)
    else:
        y_dtype = "int8"
    ratio = s.choice((0, s.integer(-3, 3), s.integer(-32, 20)))
    fraction = 1 + s.choice((0, s.integer(0, 1000) / 1024))
    scale = float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio * fraction))
    zero_point = s.zero_point() + (128 if y_dtype == "uint8" else 0)
    return b.quantize(source, scale=scale, zero_point=s.note(y_scale=scale, y_zero_point=zero_point), dtype=y_dtype)


def _ratio_output(s: Source, b: Builder, x: int, low: int, high: int) -> dict:
    """An output whose scale is 2**low to 2**high times x's; a third have x's own quantization."""
    t = b.tensors[x]
    if s.integer(0, 2) == 0:
        return {"scale": t.scales[0], "zero_point": t.zero_points[0]}
    return {"scale": float(np.float32(t.scales[0] * s.scale(low, high))), "zero_point": s.zero_point()}


def _unary(kind: str, low: int, high: int, ratio: tuple[int, int] | None, y_scale: tuple[int, int] | None = None,
           options: str | None = None, drawn: Callable | None = None) -> Callable:  # fmt: skip
    """Input scales 2**low to 2**high; the output's relative to it (ratio), or by itself (y_scale)."""

    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        source = all_values(s, b, x, source, low, high)
        quant = (
            _ratio_output(s, b, source, *ratio) if ratio else {"scale": s.scale(*y_scale), "zero_point": s.zero_point()}
        )
        y = b.output(source, b.tensors[source].shape, **quant)
        extra = drawn(s) if drawn else {}
        s.note(y=(quant["scale"], quant["zero_point"]), **extra)
        b.op(kind, [source], [y], options, **extra)
        return y

    return op


def _leaky_alpha(s: Source) -> dict:
    return {"Alpha": s.choice((0.0, 0.1, 0.2, 0.01, 1.0, 1.7, -0.3, s.integer(1, 1000) / 1024))}


def _rsqrt(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Inputs at or above the zero point: TFLM stops elsewhere."""
    quant = {"scale": s.scale(-10, 4), "zero_point": s.integer(-128, 100)}
    values = np.arange(quant["zero_point"], 128, dtype=np.int64).astype(np.int8).reshape(1, -1)
    x.append(values)
    source = b.input(values.shape, **quant)
    y = b.output(source, values.shape, s.scale(-8, 4), s.note(x0=quant, zero_point=s.zero_point()))
    b.op("RSQRT", [source], [y])
    return y


def _positive_log(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """LOG in LiteRT; of 0 and below its table holds the cast of an infinity or of what is no number: left out."""
    quant = {"scale": s.scale(-8, 2), "zero_point": s.integer(-128, 100)}
    values = np.arange(quant["zero_point"] + 1, 128, dtype=np.int64).astype(np.int8).reshape(1, -1)
    x.append(values)
    source = b.input(values.shape, **quant)
    y = b.output(source, values.shape, s.scale(-8, 0), s.note(x0=quant, zero_point=s.zero_point()))
    b.op("LOG", [source], [y])
    return y


def _neg(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Equal scales, zero points of 0: elsewhere LiteRT's is no negative, and refused."""
    values = np.arange(-128, 128).astype(np.int8).reshape(1, -1)
    x.append(values)
    source = b.input(values.shape, scale=s.note(scale=s.scale(-8, 2)))
    y = b.output(source, values.shape)
    b.op("NEG", [source], [y], "NegOptions")
    return y


def _sqrt(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Inputs at or above the zero point: LiteRT stops elsewhere. Half of the scales are squares: whole quotients."""
    zero = s.integer(-128, 100)
    values = np.arange(zero, 128, dtype=np.int64).astype(np.int8).reshape(1, -1)
    x.append(values)
    if s.boolean():
        root = s.integer(1, 60) * 10.0 ** -s.integer(1, 3)
        x_scale, y_scale = float(np.float32(root * root)), float(np.float32(root / s.integer(1, 12)))
    else:
        x_scale = s.scale(-10, 2)
        y_scale = float(np.float32(math.sqrt(128 * x_scale) * s.scale(-9, -5)))
    source = b.input(values.shape, scale=x_scale, zero_point=zero)
    y = b.output(source, values.shape, y_scale, s.note(x0=(x_scale, zero), y=y_scale, zero_point=s.zero_point()))
    b.op("SQRT", [source], [y])
    return y


def _logical_not(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = bool_input(s, b, x, any_shape(s))
    y = b.tensor(b.tensors[source].shape, "bool")
    b.op("LOGICAL_NOT", [source], [y], "LogicalNotOptions")
    return y


def _float(kind: str) -> Callable:
    return lambda s, b, x, source=None: _island(s, b, x, source, kind)


def _island(s: Source, b: Builder, x: list, source: int | None = None, first: str | None = None) -> int:
    """DEQUANTIZE, one to three float ops, QUANTIZE: what a converter leaves of SQRT, SIN and the like."""
    source = all_values(s, b, x, source, -8, 2)
    shape = b.tensors[source].shape
    real = b.dequantize(source)
    kinds = []
    # What the real numbers cannot exceed: beyond int32, what QUANTIZE gives is up to the processor (a cast in C).
    bound = 256 * b.tensors[source].scales[0]  # a zero point at either end
    for _ in range(s.integer(1, 3)):
        kind = s.choice(("SQUARE", "NEG", "ABS", "FLOOR", "CEIL", "ROUND", "EXP", "SIN", "COS", "ADD", "MUL", "RELU", "SQRT",
                         "LOG", "RSQRT"))  # fmt: skip
        kind, first = first or kind, None
        kinds.append(kind)
        out = b.tensor(shape, "float32")
        inputs, options = [real], {}
        if kind in ("ADD", "MUL"):
            inputs.append(b.constant(np.float32(s.integer(-64, 64) / 16).reshape(())))
            options = {"options_type": f"{kind.title()}Options", "FusedActivationFunction": s.choice((0, 1))}
        if kind == "EXP":  # bounded, so that what follows stays a number
            low = b.tensor(shape, "float32")
            b.op("COS", [real], [low])
            inputs = [low]
        if kind in ("SQRT", "LOG", "RSQRT"):  # of what is positive
            low, high = b.tensor(shape, "float32"), b.tensor(shape, "float32")
            b.op("ABS", [real], [low])
            b.op("ADD", [low, b.constant(np.float32(0.25).reshape(()))], [high], "AddOptions")
            inputs = [high]
        b.op(kind, inputs, [out], **options)
        real = out
        bound = {"SQUARE": bound * bound, "ADD": bound + 4, "MUL": bound * 4}.get(kind, max(bound + 1, 3))
    smallest = max(-8, math.ceil(math.log2(bound)) - 29)
    y = b.tensor(shape, "int8", s.scale(smallest, max(smallest, 2)), s.zero_point())
    b.op("QUANTIZE", [real], [y], "QuantizeOptions")
    s.note(kinds=kinds)
    return y


OPS: dict[str, Callable] = {
    "relu": _relu,
    "relu6": _relu6,
    "logistic": _logistic,
    "tanh": _tanh,
    "quantize": _quantize,
    "relu_n1_to_1": _unary("RELU_N1_TO_1", -10, 1, (-2, 2)),
    "relu_0_to_1": _unary("RELU_0_TO_1", -10, 1, (-2, 2)),
    "leaky_relu": _unary("LEAKY_RELU", -10, 2, (-6, 6), None, "LeakyReluOptions", _leaky_alpha),
    "elu": _unary("ELU", -10, 2, (-4, 4)),
    "gelu": _unary("GELU", -8, 0, (-3, 3), None, "GeluOptions", lambda s: {"Approximate": s.boolean()}),
    "hard_swish": _unary("HARD_SWISH", -10, 2, (-6, 6), None, "HardSwishOptions"),
    "exp": _unary("EXP", -10, -5, None, (-6, 2), "ExpOptions"),
    "log": _positive_log,
    "neg": _neg,
    "sqrt": _sqrt,
    "abs": _unary("ABS", -10, 2, (-6, 6), None, "AbsOptions"),
    "rsqrt": _rsqrt,
    "float_island": _island,
    **{f"float_{k.lower()}": _float(k) for k in ("SQRT", "SQUARE", "NEG", "FLOOR", "CEIL", "ROUND", "SIN", "COS")},
    "logical_not": _logical_not,
}
