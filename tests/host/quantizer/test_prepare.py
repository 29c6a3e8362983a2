"""What the quantizer does to a graph first: what is folded, what is refused, what is read as floats."""

import numpy as np
import pytest

from host_tools.errors import ToolError
from host_tools.floats import float_graph
from host_tools.measure import quantize_file
from host_tools.quantizer import equalize, prepare, quantize
from host_tools.readers import tflite
from tests.helpers.paths import DIGITS
from tests.helpers.quantizing import OFF, network
from tests.helpers.tflite_builder import Builder

F = np.float32


def test_batch_norms_written_out_are_folded():
    """conv, * m, + a, RELU: one op after it, the same numbers."""
    random = np.random.default_rng(2)
    b = Builder()
    x = b.input((1, 6, 6, 3), "float32")
    y = b.conv_2d(x, b.constant(random.normal(size=(4, 3, 3, 3)).astype(F)), scale=None)
    y = b.mul(y, b.constant(random.normal(size=4).astype(F)), scale=None)
    y = b.add(b.constant(random.normal(size=(1, 1, 1, 4)).astype(F)), y, scale=None)
    y = b.relu(y)
    y = b.depthwise_conv_2d(y, b.constant(random.normal(size=(1, 2, 2, 8)).astype(F)), scale=None)
    y = b.sub(y, b.constant(random.normal(size=8).astype(F)), scale=None)
    graph = tflite.read(b.finish([y]), "bn")
    folded = prepare.prepare(graph)
    assert [op.kind for op in folded.ops] == ["CONV_2D", "DEPTHWISE_CONV_2D"] and folded.ops[0].attrs[
        "activation"
    ] == "RELU"
    x = random.normal(size=(4, 6, 6, 3)).astype(F)
    np.testing.assert_allclose(float_graph.run(folded, [x])[0], float_graph.run(graph, [x])[0], rtol=1e-4, atol=1e-4)


def test_the_transpose_of_pytorchs_flatten_is_folded():
    """conv (NHWC), TRANSPOSE to NCHW, RESHAPE, dense: the dense op's columns are put in NHWC order instead."""
    random = np.random.default_rng(6)
    b = Builder()
    y = b.conv_2d(b.input((1, 5, 4, 2), "float32"), b.constant(random.normal(size=(3, 2, 2, 2)).astype(F)), scale=None)
    order = b.constant(np.array([0, 3, 1, 2], np.int32))
    y = b.op("TRANSPOSE", [y, order], [b.tensor((1, 3, 5, 4), "float32", name="nchw")])[0]
    y = b.fully_connected(b.reshape(y, (1, 60)), b.constant(random.normal(size=(7, 60)).astype(F)), scale=None)
    graph = tflite.read(b.finish([y]), "torch")
    folded = prepare.prepare(graph)
    assert [op.kind for op in folded.ops] == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]
    x = random.normal(size=(4, 5, 4, 2)).astype(F)
    np.testing.assert_allclose(float_graph.run(folded, [x])[0], float_graph.run(graph, [x])[0], rtol=1e-4, atol=1e-4)
    assert len(equalize.pairs(folded)) == 1
    made = quantize(graph, [random.normal(size=(40, 5, 4, 2)).astype(F)], OFF)
    assert [op.kernel for op in network(made.graph).form.ops] == ["conv_2d", "fully_connected"]


def test_a_tensor_used_twice_is_not_folded_away():
    b = Builder()
    x = b.input((1, 4), "float32")
    y = b.fully_connected(x, b.constant(np.eye(4, dtype=F)), scale=None)
    z = b.mul(y, b.constant(np.full(4, 2, F)), scale=None)
    graph = prepare.prepare(tflite.read(b.finish([b.add(y, z, scale=None)]), "twice"))
    assert [op.kind for op in graph.ops] == ["FULLY_CONNECTED", "MUL", "ADD"]
    assert float_graph.run(graph, [np.ones((1, 4), F)])[0].tolist() == [[[3, 3, 3, 3]]]


def test_every_op_that_cannot_be_quantized_is_named():
    b = Builder()
    x = b.input((1, 4), "float32")
    y = b.op("ATAN2", [x, x], [b.tensor((1, 4), "float32", name="angle")])[0]
    z = b.op("SIGN", [y], [b.tensor((1, 4), "float32", name="sign")])[0]
    with pytest.raises(ToolError) as e:
        quantize(tflite.read(b.finish([z]), "waves"), [np.ones((4, 4), F)])
    text = str(e.value)
    assert (
        "2 ops cannot be quantized" in text and "ATAN2 'angle'" in text and "SIGN 'sign'" in text and "CONV_2D" in text
    )


def test_hybrid_and_float16_weights_become_real():
    """int8 weights with float activations ("dynamic range"), float16 weights behind a DEQUANTIZE."""
    w = np.array([[1, -2], [3, 4]], F)
    b = Builder()
    x = b.input((1, 2), "float32")
    y = b.fully_connected(x, b.constant(w.astype(np.int8), scale=[0.5, 0.25], axis=0), scale=None)
    half = b.dequantize(b.constant(w.astype(np.float16)))
    graph = prepare.prepare(tflite.read(b.finish([b.fully_connected(y, half, scale=None)]), "hybrid"))
    got = float_graph.run(graph, [np.array([[1, 1]], F)])[0]
    np.testing.assert_allclose(got[0, 0], w @ (np.array([[0.5], [0.25]]) * w @ [1, 1]))


@pytest.mark.parametrize("name", ["digits"])
def test_a_full_int8_model_keeps_its_own_scales(name, tmp_path):
    done = quantize_file.quantize_file(
        DIGITS / "digits.tflite", None, tmp_path / "d.fxnn", name="digits", labels=DIGITS / "labels.txt"
    )
    assert done.quantized is None and "keeps its own scales" in done.lines()[0]
    assert (tmp_path / "d.fxnn").read_bytes() == (DIGITS / "digits.fxnn").read_bytes()
