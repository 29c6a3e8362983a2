"""Conversion as its user sees it: what is fused, what is refused and how, files whole or not at all."""

import json
import struct
import sys

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from host_tools.record import RECORD
from tests.helpers.paths import PUBLIC_MODELS, ROOT

PUBLIC_INT8 = ("kws_dscnn_int8", "ic_resnet8_int8", "ad_autoencoder_int8", "vww_mobilenet_int8")
public = pytest.mark.skipif(not PUBLIC_MODELS.is_dir(), reason="the public networks (../shared/models) are not here")
TFLM_ARENA = {
    "kws_dscnn_int8": 24272,
    "ic_resnet8_int8": 55984,
    "ad_autoencoder_int8": 3984,
    "vww_mobilenet_int8": 103680,
}


@public
@pytest.mark.parametrize("name", PUBLIC_INT8)
def test_public_networks_are_exact_and_smaller_than_tflm(name):
    data = (PUBLIC_MODELS / f"{name}.tflite").read_bytes()
    network = packed.read(convert.convert_bytes(data, name))
    oracle = Oracle(data)
    random = np.random.default_rng(7)
    shape = network.inputs[0].shape
    for x in (random.integers(-128, 128, shape), np.full(shape, -128), np.full(shape, 127)):
        want = oracle.run([x.astype(np.int8)])[0]
        got = exact.run(network, [x.astype(np.int8)])[0]
        np.testing.assert_array_equal(got.reshape(-1), want.reshape(-1))
    assert network.arena_bytes <= TFLM_ARENA[name]


@public
def test_float_network_is_refused_with_every_op_named():
    with pytest.raises(ToolError) as e:
        convert.convert_bytes((PUBLIC_MODELS / "kws_dscnn_float32.tflite").read_bytes(), "kws")
    text = str(e.value)
    assert text.count("CONV_2D") >= 9 and "float32" in text and "TFLITE_BUILTINS_INT8" in text


@pytest.fixture(scope="module")
def digits() -> bytes:
    return (ROOT / "models/digits/digits.tflite").read_bytes()


def test_same_input_same_bytes(digits):
    assert convert.convert_bytes(digits, "digits") == convert.convert_bytes(digits, "digits")


def test_options_are_one_record(digits):
    """Given as it is, by keywords, or both: the same file. What there is not is said before anything is read."""
    options = convert.ConvertOptions(board="esp32", prefer="ram", selftest=1)
    by_record = convert.convert(digits, "digits", options=options)
    assert by_record.data == convert.convert_bytes(digits, "digits", board="esp32", prefer="ram", selftest=1)
    changed = packed.read(convert.convert(digits, "digits", options, board="any").data)
    assert (changed.fast_target, len(changed.selftest)) == ("none", 1)
    with pytest.raises(ToolError, match="placing 'rom' is unknown"):
        convert.convert_bytes(b"", placing="rom")


def test_the_committed_network_is_what_convert_makes(digits, tmp_path):
    folder = ROOT / "models/digits"
    convert.convert_file(folder / "digits.tflite", tmp_path / "digits.fxnn", labels=folder / "labels.txt")
    fresh = (tmp_path / "digits.fxnn").read_bytes()
    assert fresh == (folder / "digits.fxnn").read_bytes(), (
        "run: fxnn convert models/digits/digits.tflite -o ... --labels ..."
    )


def test_selftest_vectors_are_the_oracles_answers(digits):
    network = packed.read(convert.convert_bytes(digits, "digits", selftest=3))
    assert len(network.selftest) == 3
    n = network.inputs[0].bytes
    for vector in network.selftest:
        x = np.frombuffer(vector[:n], np.int8).reshape(network.inputs[0].shape)
        assert Oracle(digits).run([x])[0].tobytes() == vector[n:]


def test_metadata_names_the_source(digits, tmp_path):
    (tmp_path / "d.tflite").write_bytes(digits)
    convert.convert_file(tmp_path / "d.tflite", tmp_path / "d.fxnn", name="digits")
    meta = packed.read_file(tmp_path / "d.fxnn").metadata
    assert meta["name"] == "digits" and meta["source"] == "d.tflite" and len(meta["source_sha256"]) == 64


def test_wrong_number_of_labels(digits):
    with pytest.raises(ToolError, match="3 labels for 10 outputs"):
        convert.convert_bytes(digits, "digits", labels=("a", "b", "c"))


@pytest.mark.parametrize("junk", [b"", b"hello", b"\x00" * 100, b"\x10\0\0\0TFL3" + b"\xff" * 200])
def test_not_a_tflite_file(junk):
    with pytest.raises(ToolError):
        convert.convert_bytes(junk, "junk")


def test_a_failed_conversion_leaves_the_old_file(digits, tmp_path):
    out = tmp_path / "d.fxnn"
    out.write_bytes(b"old")
    (tmp_path / "bad.tflite").write_bytes(digits[: len(digits) // 2])
    with pytest.raises(ToolError):
        convert.convert_file(tmp_path / "bad.tflite", out)
    assert out.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 2


def test_unwritable_place(digits, tmp_path):
    (tmp_path / "d.tflite").write_bytes(digits)
    with pytest.raises(ToolError, match="cannot write"):
        convert.convert_file(tmp_path / "d.tflite", tmp_path / "no/such/folder/d.fxnn")


# ---- damaged packed files: each damage its own message


def _patched(data: bytes, offset: int, value: int, fmt: str = "<I", fix_crc: bool = True) -> bytes:
    raw = bytearray(data)
    struct.pack_into(fmt, raw, offset, value)
    if fix_crc:
        struct.pack_into("<I", raw, 12, packed.crc32(raw))
    return bytes(raw)


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda d: b"UF2\n" + d[4:], "not an fxnn file"),
        (lambda d: d[:40], "not an fxnn file"),
        (lambda d: _patched(d, 4, 2, "<H"), "version 2, need 3"),
        (lambda d: _patched(d, 4, 4, "<H"), "version 4, need 3"),
        (lambda d: _patched(d, 96 + 4 * RECORD.variants, 0), "variant 0 of kernel 1 unknown"),
        (lambda d: d[:-10], "truncated"),
        (lambda d: d + b"\0", "truncated"),
        (lambda d: d[:200] + bytes([d[200] ^ 1]) + d[201:], "bad crc"),
        (lambda d: _patched(d, 24, 1 << 20), r"offset outside the file \(ops\)"),
        (lambda d: _patched(d, 32, 1 << 20), r"offset outside the file \(tensors\)"),
        (lambda d: _patched(d, 52, 1 << 20), r"offset outside the file \(metadata\)"),
        (lambda d: _patched(d, 44, 1 << 20), r"offset outside the file \(labels\)"),
        (lambda d: _patched(d, 60, 1 << 20), r"offset outside the file \(selftest\)"),
        (lambda d: _patched(d, 68, 1 << 20), r"offset outside the file \(strings\)"),
        (lambda d: _patched(d, 16, 1 << 20), r"offset outside the file"),
        (lambda d: _patched(d, 76, 1 << 28), "kernel 28 unknown"),
        (lambda d: _patched(d, 96, 28), "kernel 28 unknown"),
        (lambda d: _patched(d, 96 + 8, 1 << 20), r"offset outside the file \(constants\)"),
        (lambda d: _patched(d, 96 + 24, 1 << 20), r"offset outside the file \(arena\)"),
    ],
)
def test_damaged_packed_file(digits, damage, message):
    with pytest.raises(ToolError, match=message):
        packed.read(damage(convert.convert_bytes(digits, "digits", labels=tuple("0123456789"))))


def test_conversion_needs_no_tensorflow(digits, tmp_path):
    import subprocess

    (tmp_path / "d.tflite").write_bytes(digits)
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from host_tools.compiler import convert\n"
        f"convert.convert_file({str(tmp_path / 'd.tflite')!r}, {str(tmp_path / 'd.fxnn')!r})\n"
        "assert not any(m.startswith('tensorflow.') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    assert json.loads(json.dumps(packed.read_file(tmp_path / "d.fxnn").metadata))
