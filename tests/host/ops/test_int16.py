"""int16x8 beyond single ops: whole networks, the converter's own forms, refusals, and the int16 border of every target."""

import numpy as np
import pytest

from host_tools.compiler.convert import convert, convert_bytes
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from host_tools.targets import open_target
from tests.helpers import batch, runners
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")


def network(border: str = "int16") -> bytes:
    """What TFLiteConverter makes of a small Keras network with 16x8 quantization: convolutions, pools, a residual sum,
    a dense layer, softmax. border: int16, or int8 or float32 with QUANTIZE and DEQUANTIZE."""
    random = np.random.default_rng(1)
    b = Builder()

    def weights(*shape):
        return b.constant(random.integers(-127, 128, shape).astype(np.int8), [0.01] * shape[0 if len(shape) != 4 or shape[0] > 1 else 3],
                          axis=0 if len(shape) != 4 or shape[0] > 1 else 3)  # fmt: skip

    def bias(n, scale):
        return b.constant(random.integers(-4000, 4000, n).astype(np.int64), [scale * 0.01] * n)

    s = 2.0**-12
    if border == "int16":
        x = b.input((1, 9, 7, 2), "int16", s)
    else:
        x = b.input((1, 9, 7, 2), border, *(() if border == "float32" else (0.02, -3)))
        x = b.quantize(x, scale=s, dtype="int16")
    x = b.conv_2d(x, weights(6, 3, 3, 2), bias(6, s), scale=s, activation="RELU")
    y = b.depthwise_conv_2d(x, weights(1, 3, 3, 6), bias(6, s), scale=s, activation="RELU6")
    y = b.conv_2d(y, weights(6, 1, 1, 6), bias(6, s), scale=s)
    x = b.relu(b.add(x, y, scale=s))
    x = b.max_pool_2d(x, kernel=(2, 2))
    x = b.concatenation([x, b.average_pool_2d(x, kernel=(2, 2), stride=(1, 1), padding="SAME")], 3)
    x = b.mul(b.mean(x, (1, 2), scale=s), b.constant(np.full((12,), 9000, np.int16), 2.0**-14), scale=s)
    x = b.tanh(b.reshape(x, (1, 12)), scale=2.0**-15, zero_point=0)
    x = b.fully_connected(x, weights(5, 12), bias(5, 2.0**-15), scale=2.0**-13)
    x = b.softmax(x, scale=2.0**-15, zero_point=0)
    if border == "float32":
        return b.finish([b.dequantize(x)])
    return b.finish([x if border == "int16" else b.quantize(x, scale=1 / 256, zero_point=-128, dtype="int8")])


def frames(tflite: bytes, count: int) -> list[np.ndarray]:
    (t,) = packed.read(convert_bytes(tflite, "m", selftest=0)).inputs
    random = np.random.default_rng(2)
    info = np.iinfo(t.dtype)
    return [
        np.full(t.shape, info.min, t.dtype),
        *(random.integers(info.min, info.max + 1, t.shape).astype(t.dtype) for _ in range(count)),
    ]


@pytest.mark.parametrize("border", ("int16", "int8"))
def test_network_is_exact_on_host_ref_and_unix(border, tmp_path):
    tflite = network(border)
    model, inputs, oracle = convert_bytes(tflite, "net"), frames(tflite, 4), Oracle(tflite)
    want = [oracle.run([x])[0].tobytes() for x in inputs]
    assert len(set(want)) > 3
    assert [exact.run(packed.read(model), [x])[0].tobytes() for x in inputs] == want
    for run in (batch.run_ref, batch.run_unix):
        assert run([(model, [x]) for x in inputs], tmp_path) == want


@pytest.mark.pico
@pytest.mark.parametrize("backend", ("viper", "thumb"))
def test_network_on_the_pico(backend):
    tflite = network("int8")
    model, inputs, oracle = convert_bytes(tflite, "net"), frames(tflite, 2), Oracle(tflite)
    assert batch.run_pico([(model, [x]) for x in inputs], backend) == [oracle.run([x])[0].tobytes() for x in inputs]


@pytest.mark.parametrize("name", ("host", "ref", "unix"))
def test_real_numbers_in_and_out(name):
    """The QUANTIZE and DEQUANTIZE of the border are the API's, with 16 bits too."""
    tflite = network("float32")
    model = packed.read(convert_bytes(tflite, "net"))
    assert model.inputs[0].dtype == model.outputs[0].dtype == "int16" and model.inputs[0].real_border
    x = frames(tflite, 3)
    real = [(v * np.float32(2.0**-12)).astype(np.float32) for v in x]
    oracle = Oracle(tflite)
    with open_target(name) as target:
        outputs, _ = target.run(model, (np.stack([v[0] for v in x]),))
    for got, r in zip(outputs[0], real):
        assert (got * np.float32(2.0**-15) == oracle.run([r])[0].reshape(-1)).all()


def test_activations_are_fused():
    assert convert(network("int16"), "net").fused["fuse_activations"] == 1


@pytest.mark.parametrize(
    "kind, words", (("zero point", "zero point"), ("int8 weights", "int8"), ("op", "int16, not int8"))
)
def test_what_int16_cannot_be_is_refused(kind, words):
    b = Builder()
    x = b.input((1, 4), "int16", 0.1, 3 if kind == "zero point" else 0)
    if kind == "int8 weights":
        y = b.fully_connected(x, b.constant(np.ones((2, 4), np.int16), 0.1), scale=0.1)
    elif kind == "op":
        y = b.op("HARD_SWISH", [x], [b.tensor((1, 4), "int16", 0.1)])[0]
    else:
        y = b.logistic(x, scale=2.0**-15, zero_point=0)
    with pytest.raises(ToolError, match=words):
        convert_bytes(b.finish([y]), "m")


def test_sums_that_leave_48_bits_are_refused():
    b = Builder()
    x = b.input((1, 4), "int16", 0.1)
    bias = b.constant(np.full(2, 1 << 47, np.int64), [0.01] * 2)
    y = b.fully_connected(x, b.constant(np.ones((2, 4), np.int8), 0.1), bias, scale=0.1)
    with pytest.raises(ToolError, match="48 bits"):
        convert_bytes(b.finish([y]), "m")


BOARD = """\
import fxnn
import micropython
net = fxnn.load('model.fxnn')
net.invoke()
micropython.heap_lock()
net.invoke()
micropython.heap_unlock()
net.input[:] = [0] * len(net.input)
net.input[3] = -12345
net.input[1:3] = (32767, -32768)
print(net.input[0:5], len(net.input), net.selftest())
print(net.predict([0.25] * len(net.input)) == [y * net.output.scale for y in net.output])
try:
    net.input[0] = 32768
except ValueError as e:
    print(e)
"""


def test_the_board_api_takes_int16(tmp_path):
    files = {"model.fxnn": convert_bytes(network("int16"), "net")}
    assert runners.run_unix(BOARD, files, tmp_path).splitlines() == [
        "array('h', [0, 32767, -32768, -12345, 0]) 126 3", "True", "input0: 32768 does not fit int16",
    ]  # fmt: skip
