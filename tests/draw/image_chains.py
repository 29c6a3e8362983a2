"""Random whole networks: image chains with branches, as outputs over inputs and stripes meet them. Their scales keep the
values spread out, so that a wrong byte anywhere shows at the end."""

from __future__ import annotations

import zlib

import numpy as np

from tests.draw import Case, RandomSource, expected
from tests.helpers.tflite_builder import Builder

_SCALE = 0.05  # of the input; layers keep it


class _Network:
    def __init__(self, seed: str):
        self.s, self.b, self.x = RandomSource(seed), Builder(), []
        self.random = np.random.default_rng(zlib.crc32(seed.encode()))

    def array(self, shape) -> np.ndarray:
        return self.random.integers(-128, 128, shape).astype(np.int8)

    def input(self, shape) -> int:
        self.x.append(self.array(shape))
        return self.b.input(shape, scale=_SCALE, zero_point=self.s.integer(-20, 20))

    def window(self, t: int) -> dict:
        """kernel, stride and padding with at least one output."""
        _, h, w, _ = self.b.tensors[t].shape
        kernel, stride, padding = (
            self.s.choice((1, 2, 3, 3, 3, 5)),
            self.s.choice((1, 1, 2)),
            self.s.choice(("SAME", "VALID")),
        )
        if kernel > min(h, w):
            kernel, padding = 1, "SAME"
        return {"kernel": (kernel, kernel), "stride": (stride, stride), "padding": padding}

    def layer(self, t: int, depth: int) -> tuple[float, dict]:
        """(scale of the weights, quantization of the output): the sum of `depth` products of random int8, each with a
        standard deviation of 74, gets one of about 50."""
        out = {"scale": self.b.tensors[t].scales[0], "zero_point": self.s.integer(-20, 20)}
        return float(np.float32(1 / (110 * depth**0.5))), out

    def conv(self, t: int, same: bool = False) -> int:
        c = self.b.tensors[t].shape[3]
        window = {"kernel": (3, 3), "stride": (1, 1), "padding": "SAME"} if same else self.window(t)
        kh, kw = window.pop("kernel")
        weight_scale, out = self.layer(t, kh * kw * c)
        weights = self.b.constant(
            self.array((c if same else self.s.choice((2, 3, 4, 8, 8, 16)), kh, kw, c)), weight_scale
        )
        return self.b.conv_2d(t, weights, **out, **window, activation=self.s.choice(("NONE", "RELU")))

    def depthwise(self, t: int) -> int:
        window, c = self.window(t), self.b.tensors[t].shape[3]
        kh, kw = window.pop("kernel")
        m = self.s.choice((1, 1, 1, 1, 2)) if c < 32 else 1
        weight_scale, out = self.layer(t, kh * kw)
        weights = self.b.constant(self.array((1, kh, kw, c * m)), weight_scale, axis=3)
        return self.b.depthwise_conv_2d(t, weights, **out, **window, activation=self.s.choice(("NONE", "RELU")))

    def residual(self, t: int) -> int:
        y = self.conv(t, same=True)
        return self.b.add(t, y, scale=self.b.tensors[t].scales[0], zero_point=self.s.integer(-20, 20))

    def pool(self, t: int) -> int:
        return self.s.choice((self.b.max_pool_2d, self.b.average_pool_2d))(t, **self.window(t))

    def pad(self, t: int) -> int:
        return self.b.pad(t, [(0, 0), *((self.s.integer(0, 2), self.s.integer(0, 2)) for _ in range(2)), (0, 0)])

    def join(self, t: int) -> int:
        tensor = self.b.tensors[t]
        return self.b.concatenation([t, t], 3, scale=tensor.scales[0], zero_point=tensor.zero_points[0])

    def build(self, most_side: int) -> list[int]:
        shape = (1, self.s.integer(6, most_side), self.s.integer(6, most_side), self.s.integer(1, 6))
        t = self.input(shape)
        steps = (
            self.conv,
            self.conv,
            self.depthwise,
            self.depthwise,
            self.pool,
            self.residual,
            self.pad,
            self.join,
            self.b.relu,
        )
        for _ in range(self.s.integer(3, 7)):
            t = self.s.choice(steps)(t)
        if self.s.boolean():
            return [t]
        tensor = self.b.tensors[t]
        return [self.b.mean(t, [1, 2], scale=tensor.scales[0] / 4, zero_point=tensor.zero_points[0]), t]


def build(seed: str, most_side: int = 24) -> Case:
    """A network of 3 to 8 ops over an image, without outputs."""
    network = _Network(seed)
    outputs = network.build(most_side)
    return Case(f"network/{seed}", "network", network.b.finish(outputs), tuple(network.x), {})


def generate(count: int, seed: int, most_side: int = 24) -> list[Case]:
    """`count` networks with the oracle's outputs, always the same."""
    return [expected(build(f"{seed}/{i}", most_side)) for i in range(count)]
