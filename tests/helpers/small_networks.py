"""Networks that several tests deploy and run: one of a few bytes, one of many weights, the public ones."""

from __future__ import annotations

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from tests.helpers.paths import PUBLIC_MODELS
from tests.helpers.tflite_builder import Builder


def small_network(weight_change=0):
    """6x6x1 -> conv, pool, dense -> 3 classes, with a softmax."""
    random = np.random.default_rng(1)
    b = Builder()
    x = b.input((1, 6, 6, 1), scale=0.05, zero_point=-4)
    w = random.integers(-127, 128, (2, 3, 3, 1)).astype(np.int8)
    w[0, 1, 1, 0] = weight_change or 90
    x = b.conv_2d(x, b.constant(w, scale=[0.01, 0.02], zero_point=0),
                  b.constant(np.array([100, -50], np.int32), scale=[0.0005, 0.001]), scale=0.07, zero_point=3,
                  activation="RELU", name="first_conv")  # fmt: skip
    x = b.max_pool_2d(x, kernel=(2, 2), name="pool")
    x = b.reshape(x, (1, 18))
    w = b.constant(random.integers(-127, 128, (3, 18)).astype(np.int8), scale=0.02)
    x = b.fully_connected(
        x, w, b.constant(np.array([5, 6, 7], np.int32), scale=0.0014), scale=0.3, zero_point=1, name="dense"
    )
    return b.finish([b.softmax(x, name="answer")])


def many_weights(seed: int, size: int = 12) -> bytes:
    """Convolutions, a depthwise one and a fully connected layer with 47 kB of weights (of 12 x 12 pixels); each is cut."""
    random = np.random.default_rng(seed)
    b = Builder()

    def constant(*shape, scale=0.01, axis=0):
        weights = random.integers(-127, 128, shape).astype(np.int8)
        return b.constant(weights, [scale] * shape[axis], axis=axis)

    def bias(n, scale):
        return b.constant(random.integers(-999, 999, n).astype(np.int32), [scale] * n)

    x = b.input((1, size, size, 8), scale=0.1, zero_point=-3)
    y = b.conv_2d(x, constant(144, 3, 3, 8), bias(144, 0.001), scale=0.3, zero_point=1)
    y = b.depthwise_conv_2d(y, constant(1, 3, 3, 144, axis=3), bias(144, 0.003), scale=0.2, zero_point=2)
    y = b.conv_2d(y, constant(32, 1, 1, 144), bias(32, 0.002), scale=0.3, zero_point=0, stride=(2, 2))
    y = b.fully_connected(
        b.reshape(y, (1, 8 * size * size)), constant(20, 8 * size * size), bias(20, 0.003), scale=2.0, zero_point=5
    )
    return b.finish([y])


def packed_case(tflite: bytes, name: str, **options):
    """(packed network, raw input, raw output of the host's exact kernels)"""
    network = packed.read(convert.convert_bytes(tflite, name, selftest=1, **options))
    random = np.random.default_rng(0)
    x = [random.integers(0, 256, t.shape, np.uint8).view(t.dtype) for t in network.inputs]
    y = exact.run(network, x)
    return network, b"".join(a.tobytes() for a in x), b"".join(a.tobytes() for a in y)


def public_case(name: str, **options):
    path = PUBLIC_MODELS / f"{name}_int8.tflite"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    return packed_case(path.read_bytes(), name, source=path.name, **options)
