"""The float interpreter against LiteRT's float kernels, op by op, and several samples at once against one at a time."""

import numpy as np
import pytest

from host_tools.compiler import passes
from host_tools.errors import ToolError
from host_tools.floats import float_graph
from host_tools.ir import Op
from host_tools.readers import tflite
from tests.helpers.float_ops import CASES
from tests.helpers.tflite_builder import Builder

interpreter = pytest.importorskip("ai_edge_litert.interpreter")


@pytest.mark.parametrize("name", CASES)
def test_op_is_litert_s(name):
    b = Builder()
    y = CASES[name](b, b.input((1, 7, 6, 4), "float32"))
    outputs = y if isinstance(y, list) else [y]
    data = b.finish(outputs)
    x = np.random.default_rng(3).normal(size=(3, 7, 6, 4)).astype(np.float32) * np.float32(3)
    got = float_graph.run(passes.fold_constants(tflite.read(data, name)), [x])
    oracle = interpreter.Interpreter(model_content=data)
    oracle.allocate_tensors()
    for n in range(len(x)):
        oracle.reset_all_variables()
        oracle.set_tensor(oracle.get_input_details()[0]["index"], x[n : n + 1])
        oracle.invoke()
        for y, detail in zip(got, oracle.get_output_details(), strict=True):
            want = oracle.get_tensor(detail["index"])
            assert y[n].shape == want.shape and y.dtype == want.dtype
            np.testing.assert_allclose(y[n], want, rtol=1e-4, atol=2e-5)


def test_what_after_returns_takes_the_tensor_s_place():
    b = Builder()
    graph = tflite.read(b.finish([b.relu(b.input((1, 4), "float32"))]), "t")
    seen = []

    def after(id, x):
        seen.append(id)
        return -x if id == "input0" else None

    (y,) = float_graph.run(graph, [np.array([[1, -2, 3, -4]], np.float32)], after)
    assert y.tolist() == [[[0, 2, 0, 4]]] and seen == ["input0", graph.outputs[0]]


def test_unknown_op_is_named():
    b = Builder()
    graph = tflite.read(b.finish([b.relu(b.input((1, 4), "float32"))]), "t")
    with pytest.raises(ToolError, match="FFT 'f'"):
        float_graph.run_op(graph, Op("FFT", "f", (), graph.outputs), {})
