"""Layers as Keras lowers them, op by op: GRU (unrolled), Bidirectional, Conv1D, BatchNormalization, UpSampling, attention.

The converter's own graphs, written with the builder (no TensorFlow here), held against TensorFlow Lite Micro.
"""

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from tests.helpers import batch
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

RNG = np.random.default_rng(11)
SIGMOID, TANH = {"scale": 1 / 256, "zero_point": -128}, {"scale": 1 / 128, "zero_point": 0}


def dense(b: Builder, x: int, units: int, scale: float = 0.05) -> int:
    depth = b.tensors[x].shape[-1]
    w = b.constant(RNG.integers(-127, 128, (units, depth)).astype(np.int8), 0.01)
    bias = b.constant(RNG.integers(-500, 500, units).astype(np.int32), b.tensors[x].scales[0] * 0.01)
    return b.fully_connected(x, w, bias, scale=scale, zero_point=3)


def move(b: Builder, kind: str, x: int, shape, *more: int, options: str | None = None, **fields) -> int:
    t = b.tensors[x]
    y = b.tensor(shape, t.dtype, t.scales, t.zero_points)
    b.op(kind, [x, *more], [y], options, **fields)
    return y


def split(b: Builder, x: int, n: int, axis: int) -> list[int]:
    t = b.tensors[x]
    shape = [d // n if i == axis else d for i, d in enumerate(t.shape)]
    outs = [b.tensor(shape, "int8", t.scales, t.zero_points) for _ in range(n)]
    b.op("SPLIT", [b.constant(np.int32(axis)), x], outs, "SplitOptions", NumSplits=n)
    return outs


def gru(b: Builder, x: int, units: int) -> list[int]:
    """The states after each step of a GRU with reset_after=True, unroll=True: TRANSPOSE, UNPACK, and per step two
    FULLY_CONNECTED, SPLIT, the gates."""
    n, steps, depth = b.tensors[x].shape
    swapped = move(b, "TRANSPOSE", x, (steps, n, depth), b.constant(np.array([1, 0, 2], np.int32)))
    t = b.tensors[x]
    frames = [b.tensor((n, depth), "int8", t.scales, t.zero_points) for _ in range(steps)]
    b.op("UNPACK", [swapped], frames, "UnpackOptions", Num=steps, Axis=0)
    h = b.constant(np.zeros((n, units), np.int8), **TANH)
    one = b.constant(np.array(127, np.int8), 1 / 127)
    states = []
    kernel = RNG.integers(-127, 128, (3 * units, depth)).astype(np.int8)
    recurrent = RNG.integers(-127, 128, (3 * units, units)).astype(np.int8)
    for k, frame in enumerate(frames):
        xs = split(b, b.fully_connected(frame, b.constant(kernel, 0.01), scale=0.06, zero_point=2), 3, 1)
        if k == 0:  # the first state is a constant: the converter has folded its product
            hs = [b.constant(np.full((n, units), -4, np.int8), 0.05, -4) for _ in range(3)]
        else:
            hs = split(b, b.fully_connected(h, b.constant(recurrent, 0.01), scale=0.05, zero_point=-4), 3, 1)
        z = b.logistic(b.add(xs[0], hs[0], scale=0.08))
        r = b.logistic(b.add(xs[1], hs[1], scale=0.08))
        candidate = b.tanh(b.add(xs[2], b.mul(r, hs[2], scale=0.05), scale=0.08))
        keep = b.mul(z, h, **TANH)
        new = b.mul(b.sub(one, z, **SIGMOID), candidate, **TANH)
        h = b.add(keep, new, **TANH)
        states.append(h)
    return states


def held(b: Builder, outputs, tmp_path, *inputs: np.ndarray) -> packed.Packed:
    """The network, whose outputs for the inputs are TFLM's on the host and on the unix port."""
    tflite = b.finish(outputs)
    want = Oracle(tflite, prefer="tflm").run(list(inputs))
    model = convert.convert_bytes(tflite, selftest=0)
    got = exact.run(packed.read(model), list(inputs))
    assert all((a == w).all() for a, w in zip(got, want))
    assert len(np.unique(np.concatenate([w.reshape(-1) for w in want]))) > 4
    assert batch.run_unix([(model, inputs)], tmp_path) == [b"".join(w.tobytes() for w in want)]
    return packed.read(model)


def random(*shape) -> np.ndarray:
    return RNG.integers(-128, 128, shape).astype(np.int8)


def test_gru_unrolled(tmp_path):
    b = Builder()
    states = gru(b, b.input((1, 4, 5), scale=0.05, zero_point=-7), 6)
    held(b, [dense(b, states[-1], 24)], tmp_path, random(1, 4, 5))


def test_bidirectional_gru_that_returns_sequences(tmp_path):
    b = Builder()
    x = b.input((1, 4, 5), scale=0.05)
    backward = move(b, "REVERSE_V2", x, (1, 4, 5), b.constant(np.array([1], np.int32)))
    sides = []
    for source in (x, backward):
        states = gru(b, source, 4)
        packed_states = b.tensor((4, 1, 4), "int8", **TANH)
        b.op("PACK", states, [packed_states], "PackOptions", ValuesCount=4, Axis=0)
        order = b.constant(np.array([1, 0, 2], np.int32))
        sides.append(move(b, "TRANSPOSE", packed_states, (1, 4, 4), order))
    sides[1] = move(b, "REVERSE_V2", sides[1], (1, 4, 4), b.constant(np.array([1], np.int32)))
    held(b, [b.concatenation(sides, 2)], tmp_path, random(1, 4, 5))


def test_conv_1d_network(tmp_path):
    """Two Conv1D, MaxPooling1D, GlobalAveragePooling1D, Dense, Softmax; the second with dilation."""
    b = Builder()
    y = b.input((1, 24, 3), scale=0.05, zero_point=4)
    for out, dilation in ((6, 1), (8, 2)):
        wide = b.expand_dims(y, -3)
        w = b.constant(random(out, 1, 3, b.tensors[y].shape[-1]), [0.01] * out)
        y = b.squeeze(b.conv_2d(wide, w, scale=0.09, zero_point=-128, dilation=(1, dilation), activation="RELU"), (-3,))
    pooled = b.max_pool_2d(b.expand_dims(y, 2), kernel=(2, 1))
    mean = b.mean(b.squeeze(pooled, (2,)), [1], scale=0.05, zero_point=-128)
    logits = dense(b, mean, 12, 0.3)
    network = held(b, [b.softmax(logits), logits], tmp_path, random(1, 24, 3))
    assert {op.kernel for op in network.ops} == {"conv_2d", "max_pool_2d", "mean", "fully_connected", "softmax"}


def test_layer_normalization_and_attention(tmp_path):
    """MEAN, SQUARED_DIFFERENCE, MEAN, RSQRT, MUL, SUB, ADD; a gate of LOGISTIC; SOFTMAX over time, a weighted SUM."""
    b = Builder()
    x = b.input((1, 6, 8), scale=0.05, zero_point=2)
    mean = b.mean(x, [2], scale=0.02, keep_dims=True)
    square = b.tensor((1, 6, 8), "int8", 0.1, -128)
    b.op("SQUARED_DIFFERENCE", [x, mean], [square])
    variance = b.mean(square, [2], scale=0.05, zero_point=-128, keep_dims=True)
    inverse = b.tensor((1, 6, 1), "int8", 0.03, -128)
    b.op("RSQRT", [variance], [inverse])
    scaled = b.mul(inverse, b.constant(random(8), 0.01), scale=0.02)
    y = b.add(
        b.mul(x, scaled, scale=0.06),
        b.sub(b.constant(random(8), 0.01), b.mul(mean, scaled, scale=0.02), scale=0.03),
        scale=0.07,
    )
    gate = b.softmax(b.reshape(dense(b, y, 1), (1, 6)))
    weighted = b.mul(y, b.reshape(gate, (1, 6, 1)), scale=0.03)
    total = b.tensor((1, 8), "int8", 0.05, 1)
    b.op("SUM", [weighted, b.constant(np.array([1], np.int32))], [total], "ReducerOptions")
    held(b, [total], tmp_path, random(1, 6, 8))


def test_u_net_piece(tmp_path):
    """Conv2D, MaxPooling2D, UpSampling2D (nearest and bilinear), Concatenate, PReLU, Cropping2D, ARG_MAX over classes."""
    b = Builder()
    x = b.input((1, 8, 8, 3), scale=0.05)
    w = b.constant(random(6, 3, 3, 3), [0.01] * 6)
    skip = b.conv_2d(x, w, scale=0.1, zero_point=-20)
    alpha = b.constant(random(1, 1, 6), 0.003)
    bent = b.output(skip, (1, 8, 8, 6), 0.1, -60)
    b.op("PRELU", [skip, alpha], [bent])
    small = b.max_pool_2d(bent, kernel=(2, 2))
    size = b.constant(np.array([8, 8], np.int32))
    one = move(b, "RESIZE_NEAREST_NEIGHBOR", small, (1, 8, 8, 6), size, options="ResizeNearestNeighborOptions")
    two = move(b, "RESIZE_BILINEAR", small, (1, 8, 8, 6), size, options="ResizeBilinearOptions", HalfPixelCenters=True)
    joined = b.concatenation([bent, one, two], 3)
    cut = move(b, "STRIDED_SLICE", joined, (1, 6, 6, 18), *(b.constant(np.array(v, np.int32)) for v in (
        [0, 1, 1, 0], [0, -1, -1, 0], [1, 1, 1, 1])), options="StridedSliceOptions", BeginMask=9, EndMask=9)  # fmt: skip
    logits = b.conv_2d(cut, b.constant(random(5, 1, 1, 18), 0.01), scale=0.2)
    classes = b.tensor((1, 6, 6), "int32")
    b.op("ARG_MAX", [logits, b.constant(np.array(3, np.int32))], [classes], "ArgMaxOptions", OutputType=2)
    network = held(b, [classes, logits], tmp_path, random(1, 8, 8, 3))
    assert network.outputs[0].dtype == "int32" and "channel_lut" in {op.kernel for op in network.ops}


def test_a_loop_is_refused_with_the_way_out():
    b = Builder()
    x = b.input((1, 4, 5), scale=0.05)
    y = b.tensor((1, 6), "int8", 1 / 128)
    b.op("WHILE", [x], [y], "WhileOptions", CondSubgraphIndex=1, BodySubgraphIndex=2)
    with pytest.raises(ToolError) as e:
        convert.convert_bytes(b.finish([y]))
    assert "WHILE" in str(e.value) and "unroll=True" in str(e.value) and "usually from: LSTM, GRU" in str(e.value)
