"""Drawn models of two or three ops: what the converter fuses or places in memory, and must not get wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw import conv, dense, depthwise, elementwise, lookup, move, pool, reduce, softmax
from tests.draw.core import ACTIVATIONS, Source, int8_input
from tests.helpers.tflite_builder import Builder

_OPS = (conv.OPS | dense.OPS | depthwise.OPS | elementwise.OPS | lookup.OPS | move.OPS | pool.OPS | reduce.OPS
        | softmax.OPS)  # fmt: skip
_WINDOWS = ("conv_2d", "depthwise_conv_2d")


def _one_of(s: Source, *ops: str) -> Callable:
    return _OPS[s.choice(ops)]


def _pairs(s: Source, b: Builder, x: list) -> int | list[int]:
    """Two or three ops: what the converter fuses or places in memory, and must not get wrong."""
    kind = s.note(pair=s.choice(("window then table", "pad then window", "residual", "two outputs", "any two")))
    s.moderate = True
    window = _one_of(s, *_WINDOWS)
    if kind == "window then table":
        return _one_of(s, "relu", "relu6", "logistic", "tanh")(s, b, x, window(s, b, x))
    if kind == "pad then window":
        source = int8_input(s, b, (1, s.integer(1, 7), s.integer(1, 7), s.integer(1, 5)), x)
        pads = s.note(paddings=[(0, 0), *((s.integer(0, 3), s.integer(0, 3)) for _ in range(2)), (0, 0)])
        if s.boolean():
            padded = b.pad(source, pads)
        else:
            zero_point = b.tensors[source].zero_points[0]
            padded = b.pad_v2(source, pads, s.note(value=s.choice((zero_point, s.integer(-128, 127)))))
        return window(s, b, x, padded)
    if kind == "residual":
        source = int8_input(s, b, (1, s.integer(1, 6), s.integer(1, 6), s.integer(1, 5)), x)
        c = b.tensors[source].shape[3]
        scale = s.scale(-6, -1)
        weights = b.constant(s.array((c, 3, 3, c)), 0.01)
        y = b.conv_2d(source, weights, scale=scale, zero_point=s.zero_point(), activation=s.choice(ACTIVATIONS))
        quant = {"scale": float(np.float32(scale * s.scale(-1, 2))), "zero_point": s.zero_point()}
        total = b.add(source, y, **quant) if s.boolean() else b.add(y, source, **quant)
        return s.choice(([total], [total, y]))
    if kind == "two outputs":
        first = _one_of(s, *_WINDOWS, "max_pool_2d")(s, b, x)
        one, other = _one_of(s, "relu", "pad", "mean"), _one_of(s, "tanh", "concatenation")
        return [one(s, b, x, first), other(s, b, x, first)]
    first = _one_of(s, *_WINDOWS, "average_pool_2d")(s, b, x)
    second = _one_of(s, *_WINDOWS, "max_pool_2d", "mean", "fully_connected", "reshape", "softmax", "concatenation", "add",
                     "mul", "quantize")  # fmt: skip
    return second(s, b, x, first)


OPS: dict[str, Callable] = {"pairs": _pairs}
