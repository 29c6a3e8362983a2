"""What TFLM runs of every op that its package registers, fxnn converts and runs, to the bit; what it refuses is listed here."""

import numpy as np
import pytest
from flatbuffers import flexbuffers

from host_tools.arithmetic import fixed_point
from host_tools.compiler.convert import convert_bytes
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from host_tools.ops import table
from tests.helpers import runners, tflm_ops
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

DTYPES = ("int8", "int16", "int32", "bool")
REFUSED = {
    ("GREATER", "int16"): "int16, not int8",  # the only comparison of int16 there, with scales that it never sets
    ("QUANTIZE", "int32"): "int32, not int8",  # of int32 that are scaled, which no converter writes
    # It reads bytes that are no bools as such.
    **{
        (kind, dtype): f"{dtype}, not bool"
        for kind in ("LOGICAL_AND", "LOGICAL_OR")
        for dtype in ("int8", "int16", "int32")
    },
}


def _reference(tflite: bytes):
    """(inputs, TFLM's outputs), or None where it refuses the model."""
    try:
        inputs = tflm_ops.inputs(tflite)
        return inputs, Oracle(tflite, arena_bytes=1 << 16, prefer="tflm").run(inputs)
    except ToolError:
        return None


def _run(tflite: bytes, inputs) -> list[np.ndarray]:
    network = packed.read(convert_bytes(tflite, "model", selftest=0))
    outputs = exact.run(network, list(inputs))
    return [
        fixed_point.affine_dequantize(y, t.scale, t.zero_point) if t.real_border else y
        for y, t in zip(outputs, network.outputs)
    ]


def test_every_op_has_a_model():
    assert set(tflm_ops.REGISTERED) == set(tflm_ops.MODELS) | set(tflm_ops.ELSEWHERE)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_tflm_runs_fxnn_converts_and_runs(dtype):
    ran = []
    for kind, make in tflm_ops.MODELS.items():
        tflite = make(dtype)
        found = _reference(tflite)
        if found is None:
            continue
        ran.append(kind)
        inputs, want = found
        if (kind, dtype) in REFUSED:
            with pytest.raises(ToolError, match=REFUSED[kind, dtype]):
                convert_bytes(tflite, "model", selftest=0)
            continue
        for got, y in zip(_run(tflite, inputs), want, strict=True):
            assert got.dtype == y.dtype and (got.reshape(y.shape) == y).all(), f"{kind} of {dtype}"
    assert len(ran) >= {"int8": 70, "int16": 40, "int32": 30, "bool": 12}[dtype], ran
    assert {kind for kind, d in REFUSED if d == dtype} <= set(ran), "REFUSED names what TFLM does not run"


@pytest.mark.parametrize("kind", sorted(kind for kind in table.kinds("floats_only") if kind != "POW"))
def test_what_has_floats_only_is_refused_by_all(kind):
    tflite = tflm_ops.MODELS[kind]("int8")
    pytest.importorskip("ai_edge_litert", reason="the second oracle: pip install ai-edge-litert")
    for name in ("tflm", "litert"):
        with pytest.raises(ToolError):
            Oracle(tflite, arena_bytes=1 << 16, prefer=name).run(
                [np.full(tflm_ops.SHAPE, 9, np.int8)]
            )  # some refuse when they run
    with pytest.raises(ToolError) as e:
        convert_bytes(tflite, "model")
    text = str(e.value)
    assert f"{kind} " in text and "int8 1x4x4x4 -> int8 1x" in text and "for floats only" in text
    assert "usually from: " in text and "do: " in text and "nothing was written" in text


@pytest.mark.parametrize("kind, options, words", (
    ("WHILE", "WhileOptions", ("control flow", "usually from: LSTM, GRU", "unroll=True")),
    ("IF", "IfOptions", ("control flow", "tf.cond")),
    ("RFFT2D", "Rfft2dOptions", ("features of a signal", "on the board, in Python")),
    ("FLOOR_DIV", "FloorDivOptions", ("for floats only", "Lambda layer with //")),
    ("ONE_HOT", "OneHotOptions", ("no kernel for this op", "CategoryEncoding", "supported ones: ABS, ADD, ")),
    ("NEG", "NegOptions", ("LiteRT negates the raw int8", "SUB")),
))  # fmt: skip
def test_refusals_say_why_where_from_and_what_to_do(kind, options, words):
    b = Builder()
    x = b.input((1, 4), scale=0.1, zero_point=3)
    y = b.tensor((1, 4), "int8", 0.1, 3, name="made")
    b.op(kind, [x], [y], options)
    with pytest.raises(ToolError) as e:
        convert_bytes(b.finish([y]), "model")
    text = str(e.value)
    for word in (f"{kind} 'made' (int8 1x4 -> int8 1x4): ", "usually from: ", "do: ", *words):
        assert word in text, text


@pytest.mark.parametrize("rows, options", ((3, b""), (5, bytes(flexbuffers.Dumps({"cycles_max": 2}))), (3, b"damaged")))
def test_a_circular_buffer_that_waits_is_refused(rows, options):
    b = Builder()
    y = b.variable((1, rows, 1, 4), scale=0.1)
    b.custom("CIRCULAR_BUFFER", [b.input((1, 1, 1, 4), scale=0.1)], [y], options)
    with pytest.raises(ToolError, match="it ends most inferences early"):
        convert_bytes(b.finish([b.relu(y)]), "model")


def test_an_input_that_nothing_reads_has_a_place_of_its_own():
    b = Builder()
    x, z = b.input((1, 50), scale=0.1), b.input((1, 50), scale=0.1)
    tflite = b.finish([b.relu(x)])
    inputs = [np.arange(-25, 25, dtype=np.int8).reshape(1, 50), np.full((1, 50), 99, np.int8)]
    assert (_run(tflite, inputs)[0] == np.maximum(inputs[0], 0)).all() and z


STREAMED = """\
import fxnn
for place in ('ram', 'stream'):
    net = fxnn.load('model.fxnn', place=place)
    net.input[:] = [499, 0, 7]
    net.invoke()
    print(net.file.where, [(v ^ 128) - 128 for v in net.output.data])
"""


def test_a_table_of_embeddings_stays_in_the_file(tmp_path):
    """Constant rows are gathered from the constants: no arena for them, and they can be streamed."""
    b = Builder()
    table = b.constant((np.arange(8000) * 7 % 251 - 125).astype(np.int8).reshape(500, 16), 0.1)
    y = b.tensor((3, 16), "int8", 0.1)
    b.op("EMBEDDING_LOOKUP", [b.input((3,), "int32"), table], [y])
    tflite = b.finish([y])
    model = convert_bytes(tflite, "model", placing="flash")
    assert packed.read(model).arena_bytes < 200
    index = np.array([499, 0, 7], np.int32)
    want = Oracle(tflite).run([index])[0]
    assert (_run(tflite, [index])[0] == want).all()
    assert runners.run_unix(STREAMED, {"model.fxnn": model}, tmp_path).splitlines() == [
        f"{where} {want.reshape(-1).tolist()}" for where in ("RAM", "streamed")
    ]
