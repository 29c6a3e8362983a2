"""Whole networks of the families that remember, and of BATCH_MATMUL and TRANSPOSE_CONV, on the virtual Pico and on 32-bit
RISC-V: several inferences in a row, the heap locked (tests/helpers/batch.py), answers of TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np
import pytest

from host_tools.compiler.convert import convert_bytes
from host_tools.emulators.qemu_rv32 import why_not
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from tests.helpers import batch
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

RNG = np.random.default_rng(9)


def raw(*shape, dtype=np.int8) -> np.ndarray:
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max + 1, shape).astype(dtype)


def svdf(b: Builder, x: int, units: int, rank: int, memory: int, state: str, scale: float) -> int:
    inputs = b.tensors[x].shape[1]
    state_scale, time_scale = (0.06, 0.01) if state == "int8" else (0.06 / 256, 0.01 / 256)
    product = float(np.float32(np.float32(state_scale) * np.float32(time_scale)))
    return b.svdf(x, b.constant(raw(rank * units, inputs) // 4, 0.02), b.constant(raw(rank * units, memory, dtype=np.dtype(state)), time_scale),
                  b.constant(RNG.integers(-500, 500, units).astype(np.int32), product),
                  b.variable((1, rank * units * memory), state, state_scale, 0), rank=rank, scale=scale, zero_point=-3)  # fmt: skip


def keyword_spotting() -> bytes:
    """A frame of 20 features goes in, the word that the last frames make comes out: two SVDF layers, as streaming keyword
    spotters on microcontrollers have them."""
    b = Builder()
    x = b.input((1, 20), scale=0.05, zero_point=4)
    x = svdf(b, x, 16, 2, 8, "int16", 0.08)
    x = svdf(b, b.relu(x), 8, 1, 10, "int8", 0.05)
    return b.finish([b.softmax(b.fully_connected(x, b.constant(raw(4, 8), 0.01), scale=0.05))])


def recurrent() -> bytes:
    """An LSTM over five steps, its last output classified."""
    b = Builder()
    x = b.input((1, 5, 6), scale=2.0**-6, zero_point=-1)
    weights = [b.constant(raw(9, 6), 0.006) for _ in range(4)]
    states = [b.constant(raw(9, 9), 0.005) for _ in range(4)]
    biases = [b.constant(RNG.integers(-3000, 3000, 9).astype(np.int32), 2.0**-6 * 0.006) for _ in range(4)]
    y = b.lstm(x, weights, states, biases, b.variable((1, 9), "int8", 2.0**-7), b.variable((1, 9), "int16", 2.0**-11))
    last = b.tensor((1, 1, 9), "int8", 2.0**-7)
    b.op(
        "SLICE",
        [y, b.constant(np.array([0, 4, 0], np.int32)), b.constant(np.array([1, 1, 9], np.int32))],
        [last],
        "SliceOptions",
    )
    return b.finish([b.fully_connected(b.reshape(last, (1, 9)), b.constant(raw(3, 9), 0.01), scale=0.02)])


def attention() -> bytes:
    """Softmax of queries with keys, times values; then a picture of it, twice as large."""
    b = Builder()
    x = b.input((2, 6, 8), scale=0.05, zero_point=4)
    keys = b.fully_connected(x, b.constant(raw(8, 8), 0.01), scale=0.1, keep_num_dims=True)
    weights = b.softmax(b.batch_matmul(x, keys, scale=0.5, adj_y=True))
    y = b.batch_matmul(weights, b.batch_matmul(x, b.constant(raw(8, 4), 0.01), scale=0.1), scale=0.03, zero_point=-7)
    image = b.reshape(y, (1, 6, 8, 1))
    w = b.constant(raw(2, 3, 3, 1), [0.01, 0.02])
    return b.finish([b.transpose_conv(image, w, shape=(1, 12, 16, 2), scale=0.01, stride=(2, 2), activation="RELU")])


NETWORKS = {"keyword spotting": keyword_spotting, "recurrent": recurrent, "attention": attention}
FRAMES = 12


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    """(packed model, frames, what TFLM answers to them one after the other)."""
    tflite = NETWORKS[request.param]()
    model, oracle = convert_bytes(tflite, request.param), Oracle(tflite)
    (t,) = packed.read(model).inputs
    frames = [raw(*t.shape) for _ in range(FRAMES)]
    answers = [oracle.run([x])[0].tobytes() for x in frames]
    assert len(set(answers)) > FRAMES // 2
    return model, frames, b"".join(answers)


def test_host(network):
    model, frames, want = network
    state = exact.first_state(packed.read(model))
    assert b"".join(exact.run(packed.read(model), [x], state=state)[0].tobytes() for x in frames) == want


@pytest.mark.pico
@pytest.mark.parametrize("backend", ("viper", "thumb"))
def test_pico(network, backend):
    model, frames, want = network
    assert batch.run_pico([(model, frames)], backend) == [want]


@pytest.mark.skipif(bool(why_not()), reason=str(why_not()))
def test_rv32(network):
    model, frames, want = network
    assert batch.run_qemu_rv32([(model, frames)], "viper") == [want]
