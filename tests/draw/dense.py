"""Drawn FULLY_CONNECTED."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw.core import Source, fused_activation, int8_input, int32_bias, output_quantization, weights_and_scales
from tests.helpers.tflite_builder import Builder


def _fully_connected(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        depth = s.choice((s.integer(1, 9), s.integer(1, 70), 300))
        shape = s.choice(((1, depth), (s.integer(1, 3), depth), (1, 1, 2, depth), (2, 3, depth)))
        source = int8_input(s, b, shape, x)
    depth = b.tensors[source].shape[-1]
    units = s.integer(1, 20)
    per_channel = s.note(per_channel=s.boolean())
    data, scales = weights_and_scales(s, (units, depth), units, 0, per_channel)
    x_scale = np.float32(b.tensors[source].scales[0])
    bias = int32_bias(s, b, units, depth, np.resize(x_scale * scales, units if per_channel else 1))
    # TFLM refuses a bias where 2**-24, float32's error of the product of scales, times the rescaling passes 0.02.
    out = output_quantization(s, float(x_scale * scales.max()), depth, 17)
    activation, keep = fused_activation(s, out["scale"]), s.boolean()
    s.note(units=units, keep_num_dims=keep, y=(out["scale"], out["zero_point"]))
    return b.fully_connected(source, b.constant(data, scales), bias, **out, activation=activation, keep_num_dims=keep,
                             bias_slot=s.boolean())  # fmt: skip


OPS: dict[str, Callable] = {"fully_connected": _fully_connected}
