"""The oracle: TensorFlow Lite Micro, LiteRT's reference kernels, and neither."""

import numpy as np
import pytest

from host_tools.errors import ToolError
from host_tools.measure import oracle as module
from host_tools.measure.oracle import Oracle
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")


def two_by_two() -> tuple[bytes, list[np.ndarray]]:
    """Two inputs, two outputs of different shapes, one tensor in between."""
    random = np.random.default_rng(4)
    b = Builder()
    x, z = b.input((1, 5, 6, 3), scale=0.1, zero_point=-3), b.input((1, 1, 1, 4), scale=0.2, zero_point=1)
    weights = b.constant(random.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8), [0.01, 0.02, 0.03, 0.04])
    bias = b.constant(np.array([5, -60, 700, 0], np.int32), [0.001, 0.002, 0.003, 0.004])  # LiteRT wants one
    y = b.conv_2d(x, weights, bias, scale=0.3, zero_point=2, activation="RELU", name="conv")
    total = b.add(y, z, scale=0.4, zero_point=-9, name="total")
    pooled = b.max_pool_2d(y, kernel=(2, 2), name="pooled")
    inputs = [random.integers(-128, 128, s).astype(np.int8) for s in ((1, 5, 6, 3), (1, 1, 1, 4))]
    return b.finish([total, pooled]), inputs


@pytest.mark.parametrize("key, name", (("tflm", "TensorFlow Lite Micro"), ("litert", "LiteRT reference kernels")))
def test_both_run_and_agree(key, name):
    if key == "litert":
        pytest.importorskip("ai_edge_litert", reason="pip install ai-edge-litert")
    tflite, inputs = two_by_two()
    oracle = Oracle(tflite, prefer=key)
    assert (oracle.name, oracle.key) == (name, key)
    assert oracle.input_shapes == [(1, 5, 6, 3), (1, 1, 1, 4)] and oracle.input_dtypes == [np.int8, np.int8]
    outputs = oracle.run(inputs)
    assert [o.shape for o in outputs] == [(1, 5, 6, 4), (1, 2, 3, 4)] and all(o.dtype == np.int8 for o in outputs)
    want = Oracle(tflite, prefer="tflm").run(inputs)
    assert all((a == b).all() for a, b in zip(outputs, want))


@pytest.mark.parametrize("key", ("tflm", "litert"))
def test_every_tensor_by_name(key):
    if key == "litert":
        pytest.importorskip("ai_edge_litert", reason="pip install ai-edge-litert")
    tflite, inputs = two_by_two()
    oracle = Oracle(tflite, prefer=key)
    outputs, tensors = oracle.run_with_tensors(inputs)
    assert set(tensors) == {"input0", "input1", "conv", "total", "pooled"}
    assert (tensors["input0"] == inputs[0]).all() and (tensors["total"] == outputs[0]).all()
    assert tensors["conv"].shape == (1, 5, 6, 4)
    # 2x2 windows of what the convolution left: the tensor is really the one in between
    c = tensors["conv"][:, :4].reshape(1, 2, 2, 3, 2, 4).max((2, 4))
    assert (c == outputs[1]).all()


def test_runs_again_and_answers_stay():
    tflite, inputs = two_by_two()
    oracle = Oracle(tflite)
    first = oracle.run(inputs)
    kept = [o.copy() for o in first]
    oracle.run([x[..., ::-1] for x in inputs])
    assert all((a == b).all() for a, b in zip(first, kept))
    assert all((a == b).all() for a, b in zip(oracle.run(inputs), kept))


def test_an_input_may_lack_the_batch():
    tflite, inputs = two_by_two()
    oracle = Oracle(tflite)
    assert all((a == b).all() for a, b in zip(oracle.run(inputs), oracle.run([inputs[0][0], inputs[1].reshape(4)])))


def test_inputs_that_do_not_fit_are_refused():
    tflite, inputs = two_by_two()
    oracle = Oracle(tflite)
    with pytest.raises(ToolError, match="1 inputs given"):
        oracle.run(inputs[:1])
    with pytest.raises(ToolError, match="input 1 is int32"):
        oracle.run([inputs[0], inputs[1].astype(np.int32)])
    with pytest.raises(ToolError, match="input 0 is int8"):
        oracle.run([inputs[0][:, :2], inputs[1]])


def test_too_small_an_arena_grows():
    tflite, inputs = two_by_two()
    assert all((a == b).all() for a, b in zip(Oracle(tflite, arena_bytes=2000).run(inputs), Oracle(tflite).run(inputs)))


def test_large_activations_fit_although_the_file_is_small():
    b = Builder()
    x = b.input((1, 300, 300, 20), scale=0.1)
    tflite = b.finish([b.max_pool_2d(b.relu(x), kernel=(2, 2))])
    out = Oracle(tflite).run([np.full((1, 300, 300, 20), 7, np.int8)])[0]
    assert out.shape == (1, 150, 150, 20) and (out == 7).all()


@pytest.mark.parametrize("key", ("tflm", "litert"))
def test_a_refused_model_says_so(key):
    if key == "litert":
        pytest.importorskip("ai_edge_litert", reason="pip install ai-edge-litert")
    b = Builder()
    x = b.input((1, 4), scale=0.1)
    y = b.tensor((1, 3), scale=0.1)
    b.op("PAD", [x], [y], "PadOptions")
    with pytest.raises(ToolError, match="refuses the model"):
        Oracle(b.finish([y]), prefer=key)


def test_without_any_package_the_message_names_the_command(monkeypatch):
    monkeypatch.setattr(module, "tflm_runtime", lambda: None)
    monkeypatch.setattr(module, "litert_interpreter", lambda: None)
    tflite, _ = two_by_two()
    with pytest.raises(ToolError) as e:
        Oracle(tflite)
    assert "pip install" in e.value.fix and "tflite-micro" in e.value.why and "ai-edge-litert" in e.value.why


def test_litert_takes_over_where_tflm_is_missing(monkeypatch):
    pytest.importorskip("ai_edge_litert", reason="pip install ai-edge-litert")
    monkeypatch.setattr(module, "tflm_runtime", lambda: None)
    tflite, _ = two_by_two()
    assert Oracle(tflite).key == "litert"
    with pytest.raises(ToolError, match="no TensorFlow Lite kernels"):
        Oracle(tflite, prefer="tflm")
    with pytest.raises(ToolError, match="no oracle named"):
        Oracle(tflite, prefer="tensorflow")
