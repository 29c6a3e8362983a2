"""Every op that can be quantized from float: the packed integers against the float network, and the specification's scales."""

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.floats import float_graph
from host_tools.measure import evaluate, metrics
from host_tools.measure.datasets import Dataset
from host_tools.ops import lowering as lower
from host_tools.quantizer import Options, prepare, quantize, refuse
from host_tools.quantizer.rules import COMPARISONS, REAL_ONLY, RULES
from host_tools.readers import tflite
from tests.helpers.float_ops import CASES
from tests.helpers.tflite_builder import Builder

F = np.float32
OFF = Options(ranges="minmax", equalize="off", bias_correction="off", adaptive="off")
X = np.random.default_rng(3).normal(size=(48, 7, 6, 4)).astype(F) * F(3)
# dB; what is not named: 30. Steps of 1/256 or 1/128 whatever the signal; functions that are steep, or step themselves.
LEAST_DB = {
    "softmax": 25,
    "batch matmul": 20,
    "floor": 15,
    "ceil": 15,
    "round": 15,
    "div": 25,
    "log softmax": 25,
    "sin": 20,
    "cos": 20,
    "exp": 20,
    "select": 15,
}


def built(name):
    """(the case's float network as a graph, the packed int8 network, the quantizer's result)."""
    b = Builder()
    y = CASES[name](b, b.input((1, 7, 6, 4), "float32"))
    made = quantize(tflite.read(b.finish(y if isinstance(y, list) else [y]), name), [X], OFF)
    return made, evaluate.Network(name, packed.read(convert.convert_graph(made.graph, name, selftest=0).data))


@pytest.mark.parametrize("name", CASES)
def test_op_keeps_its_numbers(name):
    made, net = built(name)
    few = X[:6]
    got = evaluate.answers(net, Dataset((few,)))
    want = float_graph.run(made.real, [few])
    for y, z in zip(got, want, strict=True):
        if z.dtype == np.int32:  # ARG_MAX: where two are closer than a step, either
            assert (y.reshape(z.shape) == z).mean() > 0.97
        else:
            found = metrics.sqnr_db(y.reshape(len(y), -1), z.reshape(len(z), -1))
            assert found > LEAST_DB.get(name, 30), f"{found:.1f} dB"
    _check_scales(made)


def _check_scales(made):
    tensors = made.graph.tensors
    fixed = {"SOFTMAX": (1 / 256, -128), "LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0), "L2_NORMALIZATION": (1 / 128, 0),
             "LOG_SOFTMAX": (1 / 16, 127)}  # fmt: skip
    for op in made.graph.ops:
        quants = [tensors[i].quant for i in (*op.inputs, *op.outputs) if i and tensors[i].dtype == "int8"]
        if op.kind in fixed:
            assert (quants[-1].scale, quants[-1].zero_point) == fixed[op.kind]
        elif RULES.get(op.kind) == "same":
            assert len(set(quants)) == 1, op
        if op.kind == "TRANSPOSE_CONV":
            x, w, bias = (tensors[op.inputs[n]] for n in (2, 1, 3))
            assert w.quant.axis == 0 and len(w.quant.scales) == w.shape[0] == bias.size and bias.dtype == "int32"
            assert set(w.quant.zero_points) == {0} and np.abs(w.data.astype(int)).max() == 127
            np.testing.assert_allclose(bias.quant.scales, np.array(w.quant.scales) * x.quant.scale, rtol=1e-6)
        if op.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM":
            x, y, hidden, cell = (tensors[i] for i in (op.inputs[0], op.outputs[0], op.inputs[18], op.inputs[19]))
            assert (
                hidden.quant == y.quant
                and cell.dtype == "int16"
                and np.log2(cell.quant.scale).is_integer()
                and cell.quant.zero_point == 0
            )
            for own, back, bias in ((1, 5, 12), (2, 6, 13), (3, 7, 14), (4, 8, 15)):
                w, b = tensors[op.inputs[own]], tensors[op.inputs[bias]]
                assert (
                    w.dtype == tensors[op.inputs[back]].dtype == "int8"
                    and b.dtype == "int32"
                    and not w.quant.per_channel
                )
                assert b.quant.scale == pytest.approx(w.quant.scale * x.quant.scale)


def test_nearly_all_that_convert_takes_quantize_takes():
    """What is left needs to know an order of the samples, or is no op of real numbers; each refusal says what to do."""
    left = set(lower.supported()) - set(RULES)
    assert {
        "SVDF",
        "VAR_HANDLE",
        "CALL_ONCE",
        "READ_VARIABLE",
        "ASSIGN_VARIABLE",
        "CAST",
        "DEQUANTIZE",
        "TABLE",
    } <= left
    assert len(left) < 20, f"convert takes these, quantize refuses them: {sorted(left)}"
    for kind in left & {"SVDF", "VAR_HANDLE", "CALL_ONCE", "READ_VARIABLE", "ASSIGN_VARIABLE"}:
        assert "then `fxnn convert`" in refuse.why_not(kind)
    covered = set()
    for name in CASES:
        b = Builder()
        y = CASES[name](b, b.input((1, 7, 6, 4), "float32"))
        covered |= {op.kind for op in tflite.read(b.finish(y if isinstance(y, list) else [y]), name).ops}
    same_code = {
        *COMPARISONS,
        "ARG_MIN",
        "LOGICAL_AND",
        "LOGICAL_OR",
        "LOGICAL_NOT",
        "REDUCE_ALL",
        "REDUCE_ANY",
        "SELECT",
    }
    assert (
        set(RULES)
        - covered
        - same_code
        - {"PADV2", "QUANTIZE", "EMBEDDING_LOOKUP", "FILL", "RELU_0_TO_1", "RELU_N1_TO_1"}
        == set()
    )
    assert set(REAL_ONLY) <= covered


def test_a_division_by_a_constant_becomes_weights_or_a_multiplication():
    b = Builder()
    x = b.input((1, 7, 6, 4), "float32")
    half = b.constant(np.full(4, 2, F))
    y = b.op("DIV", [b.relu(x), half], [b.tensor((1, 7, 6, 4), "float32")], "DivOptions")[0]
    w = np.random.default_rng(0).normal(size=(4, 1, 1, 4)).astype(F)
    z = b.op("DIV", [b.conv_2d(y, b.constant(w), scale=None), half], [b.tensor((1, 7, 6, 4), "float32")], "DivOptions")[
        0
    ]
    graph = prepare.prepare(tflite.read(b.finish([z]), "halves"))
    assert [op.kind for op in graph.ops] == ["RELU", "MUL", "CONV_2D"]
    np.testing.assert_allclose(
        float_graph.run(graph, [X[:2]])[0], np.maximum(X[:2, None], 0) / 4 @ w[:, 0, 0].T, atol=1e-5
    )


def test_an_embedding_takes_whole_numbers():
    """int32 indices in, a table in its output's scale, and calibration data that are the indices."""
    random = np.random.default_rng(5)
    b = Builder()
    x = b.input((1, 6), "int32")
    table = b.constant(random.normal(size=(20, 4)).astype(F))
    y = b.op("GATHER", [table, x], [b.tensor((1, 6, 4), "float32")], "GatherOptions")[0]
    y = b.fully_connected(b.reshape(y, (1, 24)), b.constant(random.normal(size=(3, 24)).astype(F)), scale=None)
    texts = random.integers(0, 20, (40, 6))
    made = quantize(tflite.read(b.finish([y]), "words"), [texts], OFF)
    net = evaluate.Network("words", packed.read(convert.convert_graph(made.graph, "words", selftest=0).data))
    got, want = evaluate.answers(net, Dataset((texts[:8],)))[0], float_graph.run(made.real, [texts[:8]])[0]
    assert metrics.sqnr_db(got.reshape(8, 3), want.reshape(8, 3)) > 30
    assert net.form.inputs[0].dtype == "int32"


@pytest.mark.parametrize(
    "kind, says", [("WHILE", "unroll=True"), ("SVDF", "representative_dataset"), ("CAST", "float32 throughout")]
)
def test_refusals_name_the_way_out(kind, says):
    b = Builder()
    y = b.op(kind, [b.input((1, 4), "float32")], [b.tensor((1, 4), "float32", name="y")])[0]
    with pytest.raises(ToolError, match="1 op cannot be quantized") as e:
        quantize(tflite.read(b.finish([y]), "n"), [np.ones((4, 4), F)])
    assert f"{kind} 'y'" in str(e.value) and says in str(e.value)


def weights(*shape):
    return (np.random.default_rng(shape).normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(F)


def unet():
    """Down, up by a TRANSPOSE_CONV and by a RESIZE_BILINEAR, each beside what was there on the way down."""
    b = Builder()
    x = b.input((1, 16, 16, 2), "float32")

    def conv(x, n, c):
        kernel, bias = b.constant(weights(n, 3, 3, c) * F(1.5)), b.constant(weights(n) * F(0.1))
        return b.conv_2d(x, kernel, bias, scale=None, activation="RELU")

    wide = conv(x, 8, 2)
    middle = conv(b.max_pool_2d(wide, kernel=(2, 2)), 12, 8)
    deep = conv(b.max_pool_2d(middle, kernel=(2, 2)), 16, 12)
    up = b.transpose_conv(deep, b.constant(weights(12, 3, 3, 16) * F(1.5)), b.constant(weights(12) * F(0.1)), shape=(1, 8, 8, 12), scale=None,
                          stride=(2, 2))  # fmt: skip
    up = b.mul(up, b.constant(np.linspace(0.5, 2, 12).astype(F)), scale=None)  # a batch norm behind it
    up = conv(b.concatenation([b.relu(up), middle], 3), 8, 24)
    size = b.constant(np.array([16, 16], np.int32))
    up = b.op(
        "RESIZE_BILINEAR",
        [up, size],
        [b.tensor((1, 16, 16, 8), "float32")],
        "ResizeBilinearOptions",
        HalfPixelCenters=True,
    )[0]
    up = conv(b.concatenation([up, wide], 3), 8, 16)
    return b.finish([b.logistic(b.conv_2d(up, b.constant(weights(1, 1, 1, 8)), scale=None), scale=None)])


@pytest.mark.parametrize("options", [OFF, Options(ranges="mse", equalize="on")], ids=["plain", "all"])
def test_a_unet(options):
    graph = tflite.read(unet(), "unet")
    x = np.random.default_rng(0).random((40, 16, 16, 2)).astype(F)
    made = quantize(graph, [x[:32]], options)
    assert [op.kind for op in made.real.ops].count("MUL") == 0 and "TRANSPOSE_CONV" in {
        op.kind for op in made.graph.ops
    }
    net = evaluate.Network("unet", packed.read(convert.convert_graph(made.graph, "unet", selftest=0).data))
    got = evaluate.answers(net, Dataset((x[32:],)))
    figures = evaluate.compare(got, float_graph.run(made.real, [x[32:]]))
    assert figures["sqnr_db"] > 35 and "agreement" not in figures, figures
