"""Drawn convolutions: CONV_2D, Conv1D as Keras lowers it, and TRANSPOSE_CONV."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw.core import (
    Source,
    fused_activation,
    int8_input,
    int32_bias,
    output_quantization,
    rescaling,
    weights_and_scales,
)
from tests.helpers.tflite_builder import Builder, window_output


def _conv_2d(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    padding = s.choice(("SAME", "VALID"))
    if source is None:
        source = int8_input(s, b, (s.choice((1, 1, 2)), s.integer(1, 9), s.integer(1, 9), s.integer(1, 9)), x)
    _, h, w, c = b.tensors[source].shape
    (kh, sh, dh), (kw, sw, dw) = (s.shapes.window(d, 5, True, padding) for d in (h, w))
    out_c = s.integer(1, 9)
    per_channel = s.note(per_channel=s.boolean())
    data, scales = weights_and_scales(s, (out_c, kh, kw, c), out_c, 0, per_channel)
    x_scale = np.float32(b.tensors[source].scales[0])
    bias = int32_bias(s, b, out_c, kh * kw * c, np.resize(x_scale * scales, out_c if per_channel else 1))
    out = output_quantization(s, float(x_scale * scales.max()), kh * kw * c)
    activation = fused_activation(s, out["scale"])
    s.note(kernel=(kh, kw), stride=(sh, sw), dilation=(dh, dw), padding=padding, out_c=out_c,
           y=(out["scale"], out["zero_point"]))  # fmt: skip
    return b.conv_2d(source, b.constant(data, scales), bias, **out, stride=(sh, sw), dilation=(dh, dw),
                     padding=padding, activation=activation)  # fmt: skip


def _conv_1d(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Conv1D as Keras lowers it: EXPAND_DIMS, CONV_2D, and a RESHAPE (or SQUEEZE) back."""
    steps, c = s.integer(3, 20), s.integer(1, 6)
    source = int8_input(s, b, (1, steps, c), x)
    wide = b.expand_dims(source, s.choice((1, -3)))
    padding = s.choice(("SAME", "VALID"))
    kernel, stride, dilation = s.shapes.window(steps, 5, True, padding)
    data = s.array((s.integer(1, 6), 1, kernel, c))
    t = b.tensors[source]
    scale = s.scale(-9, -4)
    y = b.conv_2d(wide, b.constant(data, scale), None, scale=float(np.float32(t.scales[0] * scale * 2.0 ** s.integer(4, 9))),
                  zero_point=s.zero_point(), stride=(1, stride), dilation=(1, dilation), padding=padding,
                  activation=s.choice(("NONE", "RELU")))  # fmt: skip
    s.note(kernel=kernel, stride=stride, dilation=dilation, padding=padding)
    out = window_output(steps, kernel, stride, dilation, padding)
    return b.squeeze(y, (1,)) if s.boolean() else b.reshape(y, (1, out, data.shape[0]))


def _transpose_conv(s: Source, b: Builder, x: list) -> int:
    source = int8_input(s, b, (s.choice((1, 1, 2)), s.integer(1, 5), s.integer(1, 5), s.integer(1, 6)), x)
    return transpose_conv(s, b, source)


def transpose_conv(s: Source, b: Builder, source: int) -> int:
    """On an input of int8 or int16."""
    n, h, w, c = b.tensors[source].shape
    wide = b.tensors[source].dtype == "int16"
    padding = s.choice(("SAME", "VALID"))
    (kh, sh), (kw, sw) = ((s.integer(1, 4), s.integer(1, 3)) for _ in range(2))

    def size(d, k, stride):
        """An output whose forward convolution gives d: SAME: ceil(y / stride), VALID: (y - k) / stride + 1."""
        spare = s.integer(0, stride - 1)
        return max(1, d * stride - spare) if padding == "SAME" else (d - 1) * stride + k + spare

    out_c = s.integer(1, 5)
    data = s.array((out_c, kh, kw, c))
    base = s.scale(-12, -3)
    per_channel = s.note(per_channel=s.boolean())
    scales = (base * 2.0 ** (np.array([s.integer(-32, 0) for _ in range(out_c)]) / 16)).astype(np.float32)
    if not per_channel:
        scales = np.array([base], np.float32)
    x_scale = np.float32(b.tensors[source].scales[0])
    unit = float(x_scale * scales.max())
    shape = (n, size(h, kh, sh), size(w, kw, sw), out_c)
    if wide:
        out = {"scale": float(np.float32(unit * 2.0 ** -rescaling(s, (-14, -4), 24, least=-20, most=6)))}
        bias = None
        if s.boolean():
            bias = b.constant(s.array((out_c,), np.int64, -100000, 100000), scale=np.resize(x_scale * scales, out_c))
    else:
        out = output_quantization(s, unit, kh * kw * c)
        bias = int32_bias(s, b, out_c, kh * kw * c, np.resize(x_scale * scales, out_c if per_channel else 1))
    activation = fused_activation(s, out["scale"])
    s.note(kernel=(kh, kw), stride=(sh, sw), padding=padding, shape=shape, y=out)
    return b.transpose_conv(source, b.constant(data, scales), bias, shape=shape, **out, stride=(sh, sw), padding=padding,
                            activation=activation)  # fmt: skip


OPS: dict[str, Callable] = {"conv_2d": _conv_2d, "conv_1d": _conv_1d, "transpose_conv": _transpose_conv}
