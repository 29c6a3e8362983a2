"""The float interpreter against LiteRT's float kernels, op by op, and several samples at once against one at a time."""

import numpy as np
import pytest

from host_tools import float_graph, passes
from host_tools.errors import ToolError
from host_tools.ir import Op
from host_tools.readers import tflite
from tests.tflite_builder import Builder

interpreter = pytest.importorskip("ai_edge_litert.interpreter")
F = np.float32
RANDOM = np.random.default_rng(3)


def r(*shape):
    return RANDOM.normal(size=shape).astype(F)


def window(kind, **options):
    def make(b, x):
        w = r(5, 3, 2, 4) if kind == "conv_2d" else r(1, 3, 2, 8)
        return getattr(b, kind)(x, b.constant(w), b.constant(r(w.shape[0] if kind == "conv_2d" else 8)), scale=None, **options)

    return make


def pool(kind, **options):
    return lambda b, x: getattr(b, kind)(x, **options)


CASES = {
    "conv": window("conv_2d", stride=(2, 1), padding="SAME", activation="RELU6"),
    "conv dilated": window("conv_2d", dilation=(2, 2), padding="VALID"),
    "depthwise": window("depthwise_conv_2d", stride=(1, 2), padding="SAME", activation="RELU"),
    "depthwise dilated": window("depthwise_conv_2d", dilation=(1, 2), padding="VALID", activation="RELU_N1_TO_1"),
    "dense": lambda b, x: b.fully_connected(b.reshape(x, (1, 7 * 6 * 4)), b.constant(r(9, 168)), b.constant(r(9)), scale=None),
    "dense rows": lambda b, x: b.fully_connected(b.reshape(x, (42, 4)), b.constant(r(3, 4)), scale=None, bias_slot=False),
    "max pool": pool("max_pool_2d", kernel=(3, 2), stride=(2, 2), padding="SAME"),
    "average pool": pool("average_pool_2d", kernel=(2, 3), stride=(1, 2), padding="SAME", activation="RELU"),
    "mean": lambda b, x: b.mean(x, (1, -2), scale=None),
    "mean of channels": lambda b, x: b.mean(x, (3,), scale=None, keep_dims=True),
    "add": lambda b, x: b.add(x, b.relu(x), scale=None, activation="RELU6"),
    "add constant": lambda b, x: b.add(x, b.constant(r(4)), scale=None),
    "add of other rank": lambda b, x: b.add(x, b.mean(x, (1, 2), scale=None), scale=None),
    "mul": lambda b, x: b.mul(b.constant(r(1, 1, 6, 1)), x, scale=None),
    "concatenation": lambda b, x: b.concatenation([x, b.constant(r(1, 7, 6, 2)), b.relu(x)], 3),
    "pad": lambda b, x: b.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))),
    "softmax": lambda b, x: b.softmax(x, beta=0.5, scale=None),
    "logistic": lambda b, x: b.logistic(x, scale=None),
    "tanh": lambda b, x: b.tanh(x, scale=None),
    "relu6": lambda b, x: b.relu6(x),
    "sub": lambda b, x: b.sub(b.constant(r(4)), x, scale=None, activation="RELU"),
    "sum": lambda b, x: b.op("SUM", [x, b.constant(np.array([1, 3], np.int32))], [b.tensor((1, 6), "float32")], "ReducerOptions")[0],
    "leaky relu": lambda b, x: b.op("LEAKY_RELU", [x], [b.tensor((1, 7, 6, 4), "float32")], "LeakyReluOptions", Alpha=0.2)[0],
    "elu": lambda b, x: b.op("ELU", [x], [b.tensor((1, 7, 6, 4), "float32")])[0],
    "gelu": lambda b, x: b.op("GELU", [x], [b.tensor((1, 7, 6, 4), "float32")], "GeluOptions", Approximate=True)[0],
    "hard swish": lambda b, x: b.op("HARD_SWISH", [x], [b.tensor((1, 7, 6, 4), "float32")])[0],
    "abs": lambda b, x: b.op("ABS", [x], [b.tensor((1, 7, 6, 4), "float32")])[0],
    "transpose": lambda b, x: b.op("TRANSPOSE", [x, b.constant(np.array([0, 3, 1, 2], np.int32))], [b.tensor((1, 4, 7, 6), "float32")])[0],
    "slice": lambda b, x: b.op("SLICE", [x, b.constant(np.array([0, 1, 2, 0], np.int32)), b.constant(np.array([1, 3, -1, 2], np.int32))],
                               [b.tensor((1, 3, 4, 2), "float32")])[0],  # fmt: skip
    "strided slice": lambda b, x: b.op("STRIDED_SLICE", [x, *(b.constant(np.array(v, np.int32)) for v in
                                       ([0, 6, 0, 1], [1, 0, 6, 4], [1, -2, 1, 3]))], [b.tensor((1, 3, 6, 1), "float32")],
                                       "StridedSliceOptions", BeginMask=1, EndMask=1)[0],  # fmt: skip
    "nearest": lambda b, x: b.op("RESIZE_NEAREST_NEIGHBOR", [x, b.constant(np.array([3, 12], np.int32))],
                                 [b.tensor((1, 3, 12, 4), "float32")], "ResizeNearestNeighborOptions")[0],  # fmt: skip
    "squeeze": lambda b, x: b.squeeze(b.expand_dims(x, 1), (1,)),
}


@pytest.mark.parametrize("name", CASES)
def test_op_is_litert_s(name):
    b = Builder()
    y = CASES[name](b, b.input((1, 7, 6, 4), "float32"))
    data = b.finish([y])
    x = r(5, 7, 6, 4) * F(3)
    got = float_graph.run(passes.fold_constants(tflite.read(data, name)), [x])[0]
    oracle = interpreter.Interpreter(model_content=data)
    oracle.allocate_tensors()
    for n in range(5):
        oracle.set_tensor(oracle.get_input_details()[0]["index"], x[n : n + 1])
        oracle.invoke()
        want = oracle.get_tensor(oracle.get_output_details()[0]["index"])
        assert got[n].shape == want.shape
        np.testing.assert_allclose(got[n], want, rtol=1e-4, atol=2e-5)


def test_what_after_returns_takes_the_tensor_s_place():
    b = Builder()
    graph = tflite.read(b.finish([b.relu(b.input((1, 4), "float32"))]), "t")
    seen = []

    def after(id, x):
        seen.append(id)
        return -x if id == "input0" else None

    (y,) = float_graph.run(graph, [np.array([[1, -2, 3, -4]], F)], after)
    assert y.tolist() == [[[0, 2, 0, 4]]] and seen == ["input0", graph.outputs[0]]


def test_unknown_op_is_named():
    b = Builder()
    graph = tflite.read(b.finish([b.relu(b.input((1, 4), "float32"))]), "t")
    with pytest.raises(ToolError, match="FFT 'f'"):
        float_graph.run_op(graph, Op("FFT", "f", (), graph.outputs), {})
