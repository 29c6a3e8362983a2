"""Models and files that no converter writes, but somebody will give: a clear error or the right answer, never neither."""

import struct

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from host_tools.record import TABLE
from tests.helpers import batch
from tests.helpers.fxnn_builder import Network
from tests.helpers.paths import DIGITS
from tests.helpers.tflite_builder import Builder

Q = {"scale": 0.05, "zero_point": 3}
RNG = np.random.default_rng(0)


def w(*shape):
    return RNG.integers(-128, 128, shape).astype(np.int8)


def exact_on_ref(data: bytes, tmp_path) -> None:
    model = convert.convert_bytes(data, selftest=0)
    x = [w(*t.shape) for t in packed.read(model).inputs]
    want = b"".join(y.tobytes() for y in Oracle(data).run(x))
    assert batch.run_ref([(model, x)], tmp_path) == [want]


@pytest.mark.parametrize("name", ["scratch 0", "scratch 1", "buffer"])
def test_a_tensor_may_have_any_name(name, tmp_path):
    b = Builder()
    x = b.input((1, 6, 6, 4), **Q, name=name)
    exact_on_ref(b.finish([b.conv_2d(x, b.constant(w(8, 3, 3, 4), 0.01), **Q)]), tmp_path)


def test_names_that_look_like_renamed_ones(tmp_path):
    b = Builder()
    x = b.input((1, 4), **Q, name="a")
    y = b.relu(x, scale=0.02, zero_point=-5, name="a#2")
    z = b.relu(y, scale=0.1, zero_point=7, name="a")
    exact_on_ref(b.finish([b.add(z, y, **Q)]), tmp_path)


@pytest.mark.parametrize("zero_point, scale", [(300, 0.1), (-129, 0.1), (1 << 40, 0.1), (0, 0.0), (0, float("nan"))])
def test_quantization_outside_the_dtype_is_refused(zero_point, scale):
    b = Builder()
    x = b.input((1, 4), scale=scale, zero_point=zero_point)
    with pytest.raises(ToolError, match="zero point outside|no positive number|cannot be"):
        convert.convert_bytes(b.finish([b.mul(x, x, scale=10, zero_point=1)]))


def test_negative_paddings_are_refused():
    b = Builder()
    p = b.pad(b.input((1, 6, 6, 2), **Q), [(0, 0), (-1, -1), (-1, 0), (0, 0)])
    with pytest.raises(ToolError, match="PAD"):
        convert.convert_bytes(b.finish([b.conv_2d(p, b.constant(w(3, 3, 3, 2), 0.01), **Q)]))


def _shaped(kind, x_shapes, y_shape, options_type=None, **options):
    b = Builder()
    xs = [b.input(s, **Q) for s in x_shapes]
    y = b.tensor(y_shape, "int8", 1 / 256 if kind == "SOFTMAX" else 0.05, -128 if kind == "SOFTMAX" else 3)
    b.op(kind, xs, [y], options_type, **options)
    return b.finish([y])


@pytest.mark.parametrize(
    "data",
    [
        _shaped("MAX_POOL_2D", [(1, 6, 6, 2)], (1, 3, 3, 3), "Pool2DOptions", StrideH=2, StrideW=2, FilterHeight=2,
                FilterWidth=2, Padding=1),
        _shaped("ADD", [(1,), (1,)], (3,), "AddOptions"),
        _shaped("RELU", [(1, 4)], (1, 5)),
        _shaped("SOFTMAX", [(1, 4)], (1, 5), "SoftmaxOptions", Beta=1.0),
        _shaped("RELU", [(1, 1, 1, 1, 1, 1, 2)], (1, 1, 1, 1, 1, 1, 2)),
        _shaped("RELU", [(0, 2)], (0, 2)),
        _shaped("MAX_POOL_2D", [(1, 6, 6, 2)], (1, 3, 3, 2), "Pool2DOptions", StrideH=0, StrideW=2, FilterHeight=2,
                FilterWidth=2, Padding=1),
    ],
    ids=["pool channels", "add shape", "table shape", "softmax shape", "rank 7", "empty", "stride 0"],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_refused(data):
    with pytest.raises(ToolError, match="cannot be converted"):
        convert.convert_bytes(data)


def test_options_that_are_left_out_have_their_defaults(tmp_path):
    b = Builder()
    x = b.input((1, 4), **Q)
    y = b.tensor((1, 4), "int8", 0.1, 3)
    b.op("ADD", [x, x], [y])
    exact_on_ref(b.finish([y]), tmp_path)


def test_labels_as_windows_writes_them(tmp_path):

    digits = DIGITS / "digits.tflite"
    (tmp_path / "l.txt").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(b"n%d" % i for i in range(10)))
    convert.convert_file(digits, tmp_path / "d.fxnn", labels=tmp_path / "l.txt")
    assert packed.read_file(tmp_path / "d.fxnn").labels == tuple(f"n{i}" for i in range(10))
    for bad in (b"caf\xe9\n" * 10, b"a\0b\n" * 10):
        (tmp_path / "l.txt").write_bytes(bad)
        with pytest.raises(ToolError, match="text"):
            convert.convert_file(digits, tmp_path / "e.fxnn", labels=tmp_path / "l.txt")


def _lut(y_offset=8, count=8, table=0) -> bytes:
    n = Network(16).op(
        "lut", TABLE.words(x_offset=0, y_offset=y_offset, count=count, table_offset=table), constants=bytes(256)
    )
    return n.tensor("input", 0, (8,)).tensor("output", 8, (8,)).build()


@pytest.mark.parametrize(
    "data, section",
    [(_lut(count=20000), "arena"), (_lut(y_offset=9), "arena"), (_lut(count=-1), "arena"), (_lut(table=4), "constants")],
)  # fmt: skip
def test_records_that_reach_outside_are_refused(data, section):
    packed.read(_lut())
    with pytest.raises(ToolError, match=rf"offset outside the file \({section}\)"):
        packed.read(data)


def test_metadata_that_is_no_object():
    data = bytearray(_lut())
    at = len(data)
    data += b"[1] "
    struct.pack_into("<I", data, 8, len(data))
    struct.pack_into("<II", data, 52, at, 3)
    struct.pack_into("<I", data, 12, packed.crc32(data))
    with pytest.raises(ToolError, match="metadata"):
        packed.read(bytes(data))


def test_planning_a_deep_network_is_quick():
    """212 steps once took 34 s. Bounded by work, not by time: the search makes fewer trials the more blocks there are."""
    b = Builder()
    x = b.input((1, 8, 8, 4), **Q)
    for _ in range(60):
        y = b.conv_2d(x, b.constant(w(8, 1, 1, 4), 0.01), **Q)
        z = b.conv_2d(y, b.constant(w(4, 1, 1, 8), 0.01), **Q)
        x = b.add(x, z, **Q)
    network = packed.read(convert.convert_bytes(b.finish([x]), selftest=0))
    assert len(network.ops) == 180


@pytest.mark.parametrize("word, value", [(11, 3), (14, 5), (21, -1), (27, 1 << 20), (28, -4), (15, 0)])
def test_wide_records_that_reach_outside_are_refused(word, value):
    b = Builder()
    x = b.input((1, 5, 5, 2), "int16", 0.01)
    y = b.depthwise_conv_2d(x, b.constant(w(1, 3, 3, 2), [0.01] * 2, axis=3), scale=0.01)
    data = bytearray(convert.convert_bytes(b.finish([y]), selftest=0))
    struct.pack_into("<i", data, 96 + 4 * word, value)
    struct.pack_into("<I", data, 12, packed.crc32(bytes(data)))
    with pytest.raises(ToolError, match="arena|constants"):
        packed.read(bytes(data))


@pytest.mark.parametrize("change", ["count", "place", "value"])
def test_variables_outside_are_refused(change, tmp_path):
    """On the host and on the board."""
    init = Builder()
    init.assign_variable(init.handle("v"), init.constant(w(1, 8), **Q))
    b = Builder(init)
    y = b.add(b.input((1, 8), **Q), b.read_variable(b.handle("v"), (1, 8), **Q), **Q)
    data = bytearray(convert.convert_bytes(b.finish([y]), selftest=0))
    at = struct.unpack_from("<I", data, 88)[0]
    struct.pack_into("<I", data, at + {"count": 0, "place": 4, "value": 12}[change], 1 << 20)
    struct.pack_into("<I", data, 12, packed.crc32(bytes(data)))
    with pytest.raises(ToolError, match="variables"):
        packed.read(bytes(data))
    (answer,) = batch.run_ref([(bytes(data), [w(1, 8)])], tmp_path)
    assert isinstance(answer, str) and answer.startswith("error")
