"""Drawn int16x8 models. int16 tensors are symmetric."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.draw import gather, move, resize
from tests.draw.conv import transpose_conv
from tests.draw.core import (
    Source,
    any_shape,
    bool_input,
    fused_activation,
    int16_input,
    int32_constant,
    output_like,
    rescaling,
    weights_and_scales,
)
from tests.draw.integer import integer_operands
from tests.draw.matmul import matmul_shapes
from tests.draw.move import cast
from tests.draw.recurrent import lstm
from tests.helpers.tflite_builder import Builder


def _out_scale(s: Source, unit: float, depth: int) -> float:
    """A scale for int16 outputs of sums of `depth` products; the shift to the left is at most 7."""
    real = rescaling(s, (-16, -6), 24 + math.ceil(math.log2(depth + 1)), least=-24, most=6)
    s.note(rescaling=f"2**{real:.2f}")
    return float(np.float32(unit * 2.0**-real))


def _bias16(s: Source, b: Builder, channels: int, depth: int, scales, wide_only: bool = False) -> int | None:
    kind = s.note(bias=s.choice(("none", "int64", "large int64", "int64" if wide_only else "int32")))
    if kind == "none":
        return None
    if kind == "int32":
        return b.constant(s.array((channels,), np.int32, -10000, 10000), scale=scales)
    limit = 100000 if kind == "int64" else 1 << 36
    return b.constant(s.array((channels,), np.int64, -limit, limit), scale=scales)


def _window_op(kind: str):
    def op(s: Source, b: Builder, x: list) -> int:
        padding = s.choice(("SAME", "VALID"))
        source = int16_input(s, b, (s.choice((1, 1, 2)), s.integer(1, 7), s.integer(1, 7), s.integer(1, 9)), x)
        _, h, w, c = b.tensors[source].shape
        (kh, sh, dh), (kw, sw, dw) = (s.shapes.window(d, 5, True, padding) for d in (h, w))
        times = s.choice((1, 1, 2, 3))
        depthwise = kind == "depthwise_conv_2d"
        out_c = c * times if depthwise else s.integer(1, 7)
        depth = kh * kw * (1 if depthwise else c)
        per_channel = s.note(per_channel=s.boolean())
        shape = (1, kh, kw, out_c) if depthwise else (out_c, kh, kw, c)
        data, scales = weights_and_scales(s, shape, out_c, 3 if depthwise else 0, per_channel)
        x_scale = np.float32(b.tensors[source].scales[0])
        bias = _bias16(s, b, out_c, depth, np.resize(x_scale * scales, out_c if per_channel else 1), depthwise)
        scale = _out_scale(s, float(x_scale * scales.max()), depth)
        s.note(kernel=(kh, kw), stride=(sh, sw), dilation=(dh, dw), padding=padding, out_c=out_c, y=scale)
        return getattr(b, kind)(source, b.constant(data, scales, axis=3 if depthwise else 0), bias, scale=scale, stride=(sh, sw),
                                dilation=(dh, dw), padding=padding, activation=fused_activation(s, scale))  # fmt: skip

    return op


def _fully_connected(s: Source, b: Builder, x: list) -> int:
    depth = s.choice((s.integer(1, 9), s.integer(1, 70), 300))
    source = int16_input(s, b, s.choice(((1, depth), (s.integer(1, 3), depth), (1, 1, 2, depth))), x)
    units = s.integer(1, 12)
    per_channel = s.note(per_channel=s.boolean())
    data, scales = weights_and_scales(s, (units, depth), units, 0, per_channel)
    x_scale = np.float32(b.tensors[source].scales[0])
    bias = _bias16(s, b, units, depth, np.resize(x_scale * scales, units if per_channel else 1))
    scale = _out_scale(s, float(x_scale * scales.max()), depth)
    return b.fully_connected(source, b.constant(data, scales), bias, scale=scale, activation=fused_activation(s, scale))


def _pool(kind: str):
    def pool(s: Source, b: Builder, x: list) -> int:
        padding = s.choice(("SAME", "VALID"))
        source = int16_input(s, b, (s.choice((1, 2)), s.integer(1, 9), s.integer(1, 9), s.integer(1, 7)), x)
        _, h, w, _ = b.tensors[source].shape
        (kh, sh, _), (kw, sw, _) = (s.shapes.window(d, 6, False, padding) for d in (h, w))
        s.note(kernel=(kh, kw), stride=(sh, sw), padding=padding)
        return getattr(b, kind)(source, kernel=(kh, kw), stride=(sh, sw), padding=padding,
                                activation=fused_activation(s, b.tensors[source].scales[0]))  # fmt: skip

    return pool


def _mean(s: Source, b: Builder, x: list) -> int:
    source = int16_input(s, b, [s.integer(1, 7) for _ in range(4)], x)
    axes = s.note(axes=s.choice(((1, 2), (1,), (3,), (0, 2))))
    ratio = rescaling(s, (-2, 2), 26, least=-20)
    return b.mean(
        source, axes, scale=float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio)), keep_dims=s.boolean()
    )


def _sum(s: Source, b: Builder, x: list) -> int:
    source = int16_input(s, b, [s.integer(1, 7) for _ in range(3)], x)
    axes = s.note(axes=s.choice(((1,), (0, 2))))
    shape = [1 if i in axes else d for i, d in enumerate(b.tensors[source].shape)]
    ratio = rescaling(s, (-4, 0), 22, least=-20, most=6)
    y = b.tensor(shape, "int16", float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio)))
    return b.op("SUM", [source, b.constant(np.array(axes, np.int32))], [y], "ReducerOptions", KeepDims=True)[0]


def _pairwise(kind: str):
    def op(s: Source, b: Builder, x: list) -> int:
        shape = [s.integer(1, 5) for _ in range(s.integer(1, 4))]
        other = s.choice((shape, [1], [d if s.boolean() else 1 for d in shape]))
        first = int16_input(s, b, shape, x)
        scale = float(np.float32(b.tensors[first].scales[0] * s.scale(-6, 6)))
        if s.note(constant=s.integer(0, 3) == 0):
            second = b.constant(s.array(other, np.int16), scale)
        else:
            second = int16_input(s, b, other, x, scale)
        if kind == "mul":
            unit = b.tensors[first].scales[0] * scale
            out = float(np.float32(unit * 2.0 ** -rescaling(s, (-18, -10), 30, least=-34, most=0)))
        else:
            out = float(
                np.float32(max(b.tensors[first].scales[0], scale) * s.choice((s.scale(-2, 2), s.scale(-12, 8))))
            )
        pair = (first, second) if s.boolean() else (second, first)
        s.note(y=out)
        return getattr(b, kind)(*pair, scale=out, activation=fused_activation(s, out))

    return op


def _values(s: Source, b: Builder, x: list, low: float, high: float, shape=(1, 700)) -> int:
    """Every 94th of all values in an order of its own, and the ends."""
    scale = s.scale(low, high)
    values = (np.arange(700, dtype=np.int64) * 94 + s.integer(0, 93) - 32768).clip(-32768, 32767)
    values[:2] = -32768, 32767
    x.append(values.astype(np.int16).reshape(shape))
    s.note(x0=scale)
    return b.input(shape, "int16", scale)


def _sigmoid(kind: str):
    def op(s: Source, b: Builder, x: list) -> int:
        source = _values(s, b, x, -18, 0) if s.boolean() else _values(s, b, x, s.choice((-12, -11)), -10)
        return getattr(b, kind)(source, scale=2.0**-15, zero_point=0)

    return op


def _softmax(s: Source, b: Builder, x: list) -> int:
    source = int16_input(s, b, (s.integer(1, 3), s.choice((s.integer(1, 12), s.integer(1, 300)))), x, s.scale(-16, -2))
    return b.softmax(source, beta=s.note(beta=s.choice((1.0, 1.0, 0.5, 2.0))), scale=2.0**-15, zero_point=0)


def _relu(kind: str):
    def op(s: Source, b: Builder, x: list) -> int:
        source = _values(s, b, x, -16, -6)
        scale = float(np.float32(b.tensors[source].scales[0] * s.choice((1.0, s.scale(-3, 6), s.scale(-12, 12)))))
        s.note(y=scale)
        if kind == "leaky_relu":
            return b.leaky_relu(source, s.note(alpha=s.choice((0.0, 0.1, 0.3, 1.5))), scale=scale)
        return getattr(b, kind)(source, scale=scale)

    return op


def _quantize(s: Source, b: Builder, x: list) -> int:
    x_dtype, y_dtype = s.note(dtypes=s.choice((("int8", "int16"), ("int16", "int8"), ("int16", "int16"))))
    if x_dtype == "int16":
        source = _values(s, b, x, -16, -6)
    else:
        x.append(np.arange(256, dtype=np.uint8).view(np.int8).reshape(1, 256))
        source = b.input((1, 256), scale=s.scale(-10, 0), zero_point=s.zero_point())
    ratio = s.choice((s.integer(-3, 3), s.integer(-20, 12 if x_dtype == "int16" else 20)))
    scale = float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio * (1 + s.integer(0, 1000) / 1024)))
    zero_point = s.zero_point() if y_dtype == "int8" else 0
    return b.quantize(source, scale=scale, zero_point=s.note(y=scale, zero_point=zero_point), dtype=y_dtype)


def _concatenation(s: Source, b: Builder, x: list) -> int:
    shape, scale = [s.integer(1, 5) for _ in range(s.integer(1, 4))], s.scale(-16, -6)
    axis = s.integer(-len(shape), len(shape) - 1)
    parts = []
    for _ in range(s.choice((1, 2, 3))):
        part = list(shape)
        part[axis] = s.integer(1, 5)
        constant = parts and s.integer(0, 3) == 0
        parts.append(b.constant(s.array(part, np.int16), scale) if constant else int16_input(s, b, part, x, scale))
    return b.concatenation(parts, axis)


def _pad(kind: str):
    def op(s: Source, b: Builder, x: list) -> int:
        source = int16_input(s, b, [s.integer(1, 5) for _ in range(s.integer(1, 4))], x)
        paddings = s.note(paddings=[(s.integer(0, 3), s.integer(0, 3)) for _ in b.tensors[source].shape])
        return (
            b.pad(source, paddings)
            if kind == "pad"
            else b.pad_v2(source, paddings, s.note(value=s.integer(-32768, 32767)))
        )

    return op


def _reshape(s: Source, b: Builder, x: list) -> int:
    return b.reshape(int16_input(s, b, [s.integer(1, 5) for _ in range(3)], x), (1, -1))


_MOVES = ("transpose", "slice", "strided_slice", "split", "split_v", "unpack", "reverse_v2", "squeeze", "expand_dims")


def _moves(kind: str):
    """What only moves elements: the op's own models, on int16."""

    def op(s: Source, b: Builder, x: list):
        shape = [s.integer(1, 5) for _ in range(s.integer(2, 4))]
        if kind == "squeeze":
            shape = [1, s.integer(1, 5), 1, s.integer(1, 5)]
        return (move.OPS | gather.OPS)[kind](s, b, x, int16_input(s, b, shape, x))

    return op


def _batch_matmul(s: Source, b: Builder, x: list) -> int:
    first, second, adj_x, adj_y = matmul_shapes(s)
    a = int16_input(s, b, first, x)
    scale = s.scale(-16, -6)
    c = (
        b.constant(s.array(second, np.int16), scale)
        if s.note(constant=s.boolean())
        else int16_input(s, b, second, x, scale)
    )
    real = rescaling(s, (-18, -10), 34, least=-26, most=4)
    out = float(np.float32(b.tensors[a].scales[0] * scale * 2.0**-real))
    return b.batch_matmul(a, c, scale=out, adj_x=adj_x, adj_y=adj_y)


def _transpose_conv(s: Source, b: Builder, x: list) -> int:
    return transpose_conv(
        s, b, int16_input(s, b, (s.choice((1, 2)), s.integer(1, 5), s.integer(1, 5), s.integer(1, 6)), x)
    )


def _extreme_16(s: Source, b: Builder, x: list) -> int:
    scale = s.scale(-16, -6)
    first, second, shape = integer_operands(s, b, x, "int16", scale)
    y = b.tensor(shape, "int16", scale)
    b.op(s.note(kind=s.choice(("MAXIMUM", "MINIMUM"))), [first, second], [y], "MaximumMinimumOptions")
    return y


def _select_16(s: Source, b: Builder, x: list) -> int:
    shape, scale = any_shape(s), s.scale(-16, -6)

    def part():
        return s.choice((shape, [1] * len(shape), [d if s.boolean() else 1 for d in shape]))

    source = int16_input(s, b, shape, x, scale)
    other = b.constant(s.array(part(), np.int16), scale) if s.boolean() else int16_input(s, b, part(), x, scale)
    condition = bool_input(s, b, x, part())
    y = output_like(b, source, shape)
    b.op("SELECT_V2", [condition, *((source, other) if s.boolean() else (other, source))], [y], "SelectV2Options")
    return y


def _resize_nearest_16(s: Source, b: Builder, x: list) -> int:
    shape = (s.choice((1, 1, 2)), s.integer(1, 8), s.integer(1, 8), s.integer(1, 4))
    return resize.OPS["resize_nearest_neighbor"](s, b, x, int16_input(s, b, shape, x))


def _cast_16(s: Source, b: Builder, x: list) -> int:
    return cast(
        s,
        b,
        x,
        None,
        (
            ("int16", "int32"),
            ("int16", "int8"),
            ("int8", "int16"),
            ("bool", "int16"),
            ("int32", "int16"),
            ("int16", "bool"),
            ("int32", "bool"),
        ),
    )


def _squared_difference_16(s: Source, b: Builder, x: list) -> int:
    """Half of the output scales where the squares of random values fit."""
    scale = s.scale(-14, -6)
    first, second, shape = integer_operands(s, b, x, "int16", scale)
    out = float(np.float32(scale * scale * s.choice((s.scale(8, 17), s.scale(0, 20)))))
    y = b.tensor(shape, "int16", s.note(y=out))
    b.op("SQUARED_DIFFERENCE", [first, second], [y])
    return y


def _prelu_16(s: Source, b: Builder, x: list) -> int:
    shape = any_shape(s)
    source = int16_input(s, b, shape, x)
    alpha_shape = s.note(alpha=s.choice((shape[-1:], [1], shape)))
    alpha = b.constant(s.array(alpha_shape), s.scale(-10, -1), s.zero_point())
    y = b.tensor(
        shape, "int16", s.note(y=float(np.float32(b.tensors[source].scales[0] * s.choice((1.0, s.scale(-6, 6))))))
    )
    b.op("PRELU", [source, alpha], [y])
    return y


def _abs_16(s: Source, b: Builder, x: list) -> int:
    source = _values(s, b, x, -16, -6)
    t = b.tensors[source]
    y = b.tensor(
        t.shape, "int16", s.note(y=float(np.float32(t.scales[0] * s.choice((1.0, s.scale(-3, 6), s.scale(-12, 12))))))
    )
    b.op("ABS", [source], [y], "AbsOptions")
    return y


def _rsqrt_16(s: Source, b: Builder, x: list) -> int:
    """Inputs from 0 up: TFLM stops at others."""
    values = np.unique(np.concatenate([np.arange(20), s.array((60,), np.int16, 0, 32767), [32767]])).astype(np.int16)
    x.append(values)
    source = b.input(values.shape, "int16", s.note(x0=s.scale(-20, -4)))
    root = (b.tensors[source].scales[0] * 2.0 ** s.integer(0, 15)) ** -0.5  # of some value
    y = b.tensor(values.shape, "int16", s.note(y=float(np.float32(root * s.scale(-15, -8)))))
    b.op("RSQRT", [source], [y])
    return y


def _layer_normalization_16(s: Source, b: Builder, x: list) -> int:
    """LayerNormalization as TFLiteConverter writes it with 16x8 quantization."""
    shape, scale = (s.integer(1, 3), s.integer(2, 9)), s.scale(-14, -10)
    source = int16_input(s, b, shape, x, scale)
    axis, row = int32_constant(b, [1]), (shape[0], 1)
    mean = b.tensor(row, "int16", scale)
    b.op("MEAN", [source, axis], [mean], "ReducerOptions", KeepDims=True)
    square = b.tensor(shape, "int16", float(np.float32(scale * scale * 2.0**16)))
    b.op("SQUARED_DIFFERENCE", [source, mean], [square])
    variance = b.tensor(row, "int16", b.tensors[square].scales[0])
    b.op("MEAN", [square, axis], [variance], "ReducerOptions", KeepDims=True)
    wider = b.add(
        variance, b.constant(np.int16(s.integer(1, 300)).reshape(()), 2.0**-20), scale=b.tensors[square].scales[0]
    )
    root = b.tensor(row, "int16", float(np.float32(b.tensors[wider].scales[0] ** -0.5 / 2.0**14)))
    b.op("RSQRT", [wider], [root])
    factor = b.mul(root, b.constant(s.array((1, shape[1]), np.int16, 1), 2.0**-14), scale=b.tensors[root].scales[0])
    return b.mul(
        b.sub(source, mean, scale=scale * 2),
        factor,
        scale=float(np.float32(b.tensors[factor].scales[0] * scale * 2.0**14)),
    )


OPS: dict[str, Callable] = {
    "conv_2d_16": _window_op("conv_2d"),
    "depthwise_conv_2d_16": _window_op("depthwise_conv_2d"),
    "fully_connected_16": _fully_connected,
    "max_pool_2d_16": _pool("max_pool_2d"),
    "average_pool_2d_16": _pool("average_pool_2d"),
    "mean_16": _mean,
    "sum_16": _sum,
    "add_16": _pairwise("add"),
    "sub_16": _pairwise("sub"),
    "mul_16": _pairwise("mul"),
    "logistic_16": _sigmoid("logistic"),
    "tanh_16": _sigmoid("tanh"),
    "softmax_16": _softmax,
    "relu_16": _relu("relu"),
    "relu6_16": _relu("relu6"),
    "leaky_relu_16": _relu("leaky_relu"),
    "quantize_16": _quantize,
    "reshape_16": _reshape,
    **{f"{kind}_16": _moves(kind) for kind in _MOVES},
    "concatenation_16": _concatenation,
    "pad_16": _pad("pad"),
    "pad_v2_16": _pad("pad_v2"),
    "batch_matmul_16": _batch_matmul,
    "transpose_conv_16": _transpose_conv,
    "extremes_16": _extreme_16,
    "select_v2_16": _select_16,
    "resize_nearest_neighbor_16": _resize_nearest_16,
    "cast_16": _cast_16,
    "squared_difference_16": _squared_difference_16,
    "abs_16": _abs_16,
    "prelu_16": _prelu_16,
    "rsqrt_16": _rsqrt_16,
    "layer_normalization_16": _layer_normalization_16,
}
STATEFUL: dict[str, Callable] = {"lstm_16": lambda s, b, x: lstm(s, b, x, "int16")}
