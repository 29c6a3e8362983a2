"""Drawn DEPTHWISE_CONV_2D."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw.core import Source, fused_activation, int8_input, int32_bias, output_quantization, weights_and_scales
from tests.helpers.tflite_builder import Builder


def _depthwise_conv_2d(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    padding = s.choice(("SAME", "VALID"))
    if source is None:
        source = int8_input(s, b, (s.choice((1, 1, 2)), s.integer(1, 9), s.integer(1, 9), s.integer(1, 11)), x)
    _, h, w, c = b.tensors[source].shape
    (kh, sh, dh), (kw, sw, dw) = (s.shapes.window(d, 5, True, padding) for d in (h, w))
    multiplier = s.choice((1, 1, 2, 3, 4))
    per_channel = s.note(per_channel=s.boolean())
    data, scales = weights_and_scales(s, (1, kh, kw, c * multiplier), c * multiplier, 3, per_channel)
    x_scale = np.float32(b.tensors[source].scales[0])
    bias = int32_bias(s, b, c * multiplier, kh * kw, np.resize(x_scale * scales, c * multiplier if per_channel else 1))
    out = output_quantization(s, float(x_scale * scales.max()), kh * kw)
    activation = fused_activation(s, out["scale"])
    s.note(kernel=(kh, kw), stride=(sh, sw), dilation=(dh, dw), padding=padding, depth_multiplier=multiplier,
           y=(out["scale"], out["zero_point"]))  # fmt: skip
    return b.depthwise_conv_2d(source, b.constant(data, scales, axis=3), bias, **out, stride=(sh, sw),
                               dilation=(dh, dw), padding=padding, activation=activation)  # fmt: skip


OPS: dict[str, Callable] = {"depthwise_conv_2d": _depthwise_conv_2d}
