"""Scales at whose quotient a result lies at a rounding tie: where float32 and float64 quotients differ by one.

Random models meet such scales once in 10,000, so these are looked for.
"""

import numpy as np
import pytest

from host_tools.compiler.convert import convert_bytes
from host_tools.exact import run as exact_run
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

SUB_SCALES = (
    (0.03315252810716629, 0.008756677620112896, 0.01965222880244255),
    (0.029702913016080856, 0.008731456473469734, 0.056202568113803864),
    (0.009375088848173618, 0.005040548741817474, 0.011235948652029037),
)
HARD_SWISH_SCALES = (
    (0.14984296262264252, 0.05693080648779869),
    (0.011971927247941494, 0.007281328085809946),
    (0.04447128251194954, 0.015821969136595726),
)
ALL = np.arange(256, dtype=np.uint8).view(np.int8).reshape(1, 256)


def same(b: Builder, y: int, *inputs: np.ndarray) -> None:
    tflite = b.finish([y])
    want = Oracle(tflite, prefer="tflm").run(list(inputs))[0]
    got = exact_run.run(packed.read(convert_bytes(tflite)), list(inputs))[0]
    assert (got == want).all(), np.argwhere(got != want)[:5]


def ties(count: int) -> list[tuple[float, float]]:
    """(x_scale, y_scale) where a multiple of their quotient rounds to another integer in float32 than in float64."""
    random = np.random.default_rng(0)
    x = (2.0 ** random.uniform(-8, 0, 100_000)).astype(np.float32)
    y = (x * 2.0 ** random.uniform(-2, 2, x.size)).astype(np.float32)
    exact, rounded = x.astype(np.float64) / y, (x / y).astype(np.float64)
    found = []
    for i in range(0, x.size, 10_000):
        part = slice(i, i + 10_000)
        values = [np.floor(q[part, None] * np.arange(1, 128) + 0.5) for q in (exact, rounded)]
        found += [
            (float(x[i + p]), float(y[i + p])) for p, _ in np.argwhere((values[0] != values[1]) & (values[0] < 127))
        ]
    return found[:count]


@pytest.mark.parametrize("kind", ("RELU", "LEAKY_RELU", "ABS"))
def test_of_one_tensor(kind):
    pairs = ties(10)
    assert len(pairs) == 10
    for x_scale, y_scale in pairs:
        b = Builder()
        x = b.input(ALL.shape, scale=x_scale)
        y = b.output(x, ALL.shape, y_scale, 0)
        b.op(kind, [x], [y], *(["LeakyReluOptions"] if kind == "LEAKY_RELU" else []))
        same(b, y, ALL)


@pytest.mark.parametrize("scales", SUB_SCALES)
def test_sub(scales):
    b = Builder()
    x, x2 = b.input((1, 256), scale=scales[0]), b.input((256, 1), scale=scales[1])
    same(b, b.sub(x, x2, scale=scales[2]), ALL, ALL.reshape(256, 1))


@pytest.mark.parametrize("scales", HARD_SWISH_SCALES)
def test_hard_swish(scales):
    b = Builder()
    x = b.input(ALL.shape, scale=scales[0])
    y = b.output(x, ALL.shape, scales[1], 0)
    b.op("HARD_SWISH", [x], [y])
    same(b, y, ALL)
