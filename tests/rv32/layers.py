"""The five benchmark layers of issue 3 as .tflite files: random weights (normal, sigma 36), outputs that fill int8."""

import numpy as np

from tests.helpers.tflite_builder import Builder

# h, w, in_c, out_c, kernel_h, kernel_w, stride
SHAPES = {
    "conv 3x3 16->16": (16, 16, 16, 16, 3, 3, 1),
    "conv 1x1 64->64": (25, 5, 64, 64, 1, 1, 1),
    "depthwise 3x3": (25, 5, 64, 64, 3, 3, 1),
    "fully connected 640->128": (1, 1, 640, 128, 1, 1, 1),
    "conv 10x4 s2 1->64": (49, 10, 1, 64, 10, 4, 2),
}


def model(name: str, seed: int = 1, sigma: float = 36) -> bytes:
    h, w, in_c, out_c, kh, kw, stride = SHAPES[name]
    depthwise = name.startswith("depthwise")
    r = np.random.default_rng([seed, *map(ord, name)])
    b = Builder()
    shape = (1, in_c) if name.startswith("fully") else (1, h, w, in_c)
    x = b.input(shape, scale=0.05, zero_point=-7)
    depth = kh * kw * (1 if depthwise else in_c)
    dims = (out_c, in_c) if name.startswith("fully") else (1, kh, kw, out_c) if depthwise else (out_c, kh, kw, in_c)
    data = np.clip(np.round(r.normal(0, sigma, dims)), -127, 127).astype(np.int8)
    scales = 0.01 * r.uniform(0.5, 1, out_c)
    bias = b.constant(r.integers(-3000, 3000, out_c).astype(np.int32), 0.05 * scales)
    out = dict(scale=0.05 * 0.0075 * 74 * sigma * float(np.sqrt(depth)) / 60, zero_point=-5)
    weights = b.constant(data, scales, axis=3 if depthwise else 0)
    if name.startswith("fully"):
        return b.finish([b.fully_connected(x, weights, bias, **out)])
    make = b.depthwise_conv_2d if depthwise else b.conv_2d
    return b.finish([make(x, weights, bias, **out, stride=(stride, stride))])
