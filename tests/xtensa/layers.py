"""The layers that speed is measured on, as models: what their shapes are and how their data is drawn."""

from __future__ import annotations

import numpy as np

from tests.helpers.tflite_builder import Builder

# name: kind, input NHWC, output channels, kernel, stride
LAYERS = {
    "L1": ("conv_2d", (1, 16, 16, 16), 16, (3, 3), 1),
    "L2": ("conv_2d", (1, 25, 5, 64), 64, (1, 1), 1),
    "L3": ("depthwise_conv_2d", (1, 25, 5, 64), 64, (3, 3), 1),
    "L4": ("fully_connected", (1, 640), 128, None, None),
    "L5": ("conv_2d", (1, 49, 10, 1), 64, (10, 4), 2),
    # Depthwise windows of MobileNets, MobileNetV3 and networks over time
    "L6": ("depthwise_conv_2d", (1, 24, 24, 32), 32, (3, 3), 2),
    "L7": ("depthwise_conv_2d", (1, 12, 12, 32), 32, (5, 5), 1),
    "L8": ("depthwise_conv_2d", (1, 12, 12, 32), 32, (5, 5), 2),
    "L9": ("depthwise_conv_2d", (1, 49, 1, 32), 32, (9, 1), 1),
}


def model(name: str, activation: str = "NONE") -> bytes:
    """The .tflite of a layer: random weights, a scale that fills int8, zero points -7 and -5."""
    kind, shape, out_c, kernel, stride = LAYERS[name]
    random = np.random.default_rng(int(name[1]))
    depth = shape[-1] if kind == "fully_connected" else kernel[0] * kernel[1] * (shape[-1] if kind == "conv_2d" else 1)
    size = {"conv_2d": lambda: (out_c, *kernel, shape[-1]), "depthwise_conv_2d": lambda: (1, *kernel, out_c),
            "fully_connected": lambda: (out_c, depth)}[kind]()  # fmt: skip
    weights = np.clip(np.round(random.normal(0, 36, size)), -127, 127).astype(np.int8)
    scales = (0.01 * random.uniform(0.5, 1, out_c)).astype(np.float32)
    b = Builder()
    x = b.input(shape, scale=0.05, zero_point=-7)
    bias = b.constant(random.integers(-3000, 3000, out_c).astype(np.int32), np.float32(0.05) * scales)
    y = {"scale": float(0.05 * 0.0075 * 74 * 36 * depth**0.5 / 45), "zero_point": -5 if activation == "NONE" else -128}
    if kind == "fully_connected":
        out = b.fully_connected(x, b.constant(weights, scales), bias, **y, activation=activation)
    elif kind == "conv_2d":
        out = b.conv_2d(x, b.constant(weights, scales), bias, **y, activation=activation, stride=(stride, stride))
    else:
        out = b.depthwise_conv_2d(
            x, b.constant(weights, scales, axis=3), bias, **y, activation=activation, stride=(stride, stride)
        )
    return b.finish([out])
