"""`import fxnn` on the computer: the board's API, held to the device package by running one program on both; functions."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import host_tools as fxnn
from host_tools.compiler.convert import convert_bytes
from tests.helpers.fxnn_networks import malformed, tiny, two
from tests.helpers.paths import DIGITS, ROOT, SCRIPTS
from tests.helpers.runners import run_cpython, run_unix_sources
from tests.helpers.tflite_builder import Builder

Q = {"scale": 0.5, "zero_point": 3}


def counter() -> bytes:
    """y = x + variable; variable = y: it remembers, from -7 on."""
    init = Builder()
    init.assign_variable(init.handle("sum"), init.constant(np.full((1, 4), -7, np.int8), **Q))
    b = Builder(init)
    x = b.input((1, 4), **Q)
    handle = b.handle("sum")
    y = b.add(x, b.read_variable(handle, (1, 4), **Q), **Q)
    b.assign_variable(handle, y)
    return b.finish([y])


def wide() -> bytes:
    """int16 in and out."""
    b = Builder()
    x = b.tanh(b.relu(b.input((1, 3, 5), "int16", 2.0**-12)), scale=2.0**-15, zero_point=0)
    return b.finish([b.reshape(x, (1, 15))])


def picks() -> bytes:
    """int8 in, the index of the largest out, an int32; a dense layer with tiles of constants first."""
    random = np.random.default_rng(3)
    b = Builder()
    w = b.constant(random.integers(-127, 128, (6, 12)).astype(np.int8), 0.02)
    bias = b.constant(np.arange(6, dtype=np.int32), 0.02 * 0.04)
    x = b.fully_connected(b.input((1, 12), scale=0.04, zero_point=-5), w, bias, scale=0.3, zero_point=1)
    y = b.tensor((1,), "int32")
    b.op("ARG_MAX", [x, b.constant(np.array([1], np.int32))], [y], "ArgMaxOptions", OutputType=2)
    return b.finish([y])


@pytest.fixture(scope="module")
def networks() -> dict[str, bytes]:
    return {
        "digits.fxnn": (DIGITS / "digits.fxnn").read_bytes(),
        "tiny.fxnn": tiny(),
        "two.fxnn": two(),
        "counter.fxnn": convert_bytes(counter(), "counter"),
        "wide.fxnn": convert_bytes(wide(), "wide"),
        "picks.fxnn": convert_bytes(picks(), "picks", labels=tuple("abcdef"), placing="flash"),
    }


def run_host(script: str, files: dict[str, bytes], folder: Path) -> str:
    """What the script prints with the computer's fxnn."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "host_tools/editable")}
    result = subprocess.run([sys.executable, str(SCRIPTS / script)], cwd=folder, env=environment, capture_output=True,
                            text=True, timeout=300)  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("run", (run_cpython, run_unix_sources))
def test_one_program_on_computer_and_board(run, networks, tmp_path):
    """Results, shapes, reprs, reports, states, self-tests and errors: everything that the program prints."""
    (tmp_path / "host").mkdir(), (tmp_path / "device").mkdir()
    here = run_host("program.py", networks, tmp_path / "host").splitlines()
    there = run("program.py", networks, tmp_path / "device").splitlines()
    assert len(here) > 40 * len(networks)
    assert [pair for pair in zip(here, there) if pair[0] != pair[1]] == [] and len(here) == len(there)


def test_the_errors_of_damaged_files():
    """The board's class and text for every line of FORMAT.md's table. Which section is named first is the reader's own."""
    checked = 0
    for want, data in malformed():
        if want.startswith("MemoryError"):
            continue
        got = "none"
        try:
            fxnn.load(data)
        except ValueError as e:
            got = f"ValueError: {e}"
        sections = "offset outside the file" in want
        assert (got.partition(" (")[0] == want.partition(" (")[0]) if sections else got == want
        checked += 1
    assert checked > 50


def test_numpy_arrays_are_taken(networks):
    net = fxnn.load(networks["digits.fxnn"])
    with np.load(DIGITS / "test.npz") as data:
        x, labels = data["x0"], data["labels"]
    assert [net.classify(x[i])[0] for i in range(20)] == [str(n) for n in labels[:20]]
    raw = np.arange(64, dtype=np.int8).reshape(8, 8, 1)
    net.input[:] = raw
    assert list(net.input) == list(range(64))
    with pytest.raises(TypeError):
        net.input[:] = x[0]  # floats are for quantize()
    with pytest.raises(ValueError, match="NaN"):
        net.predict(np.full(64, np.nan))


def test_real_numbers_are_quantized_in_single_precision(networks):
    """As boards and TensorFlow Lite Micro do it, where CPython's own doubles round the other way."""
    from host_tools.fileformat.quantized_io import quantize

    net = fxnn.load(convert_bytes(picks(), "picks"))
    x = net.input
    ties = [(k + 0.5) * x.scale for k in range(-6, 6)]
    x.quantize(ties)
    assert list(x) == quantize(np.array(ties), x.scale, x.zero_point, "int8").tolist()


def test_functions_for_notebooks(tmp_path):
    done = fxnn.convert(
        DIGITS / "digits.tflite", tmp_path / "d.fxnn", labels=DIGITS / "labels.txt", board="esp32", prefer="ram"
    )
    assert (tmp_path / "d.fxnn").read_bytes() == done.data and "data" not in repr(done) and "arena" in done.lines()[1]
    net = fxnn.load(tmp_path / "d.fxnn")
    assert net.name == "d" and net.labels == tuple("0123456789") and net.file.packed.fast_target == "xtensa"
    assert (
        fxnn.load(fxnn.convert((DIGITS / "digits.tflite").read_bytes(), labels=tuple("0123456789")).data).selftest()
        == 3
    )

    with np.load(DIGITS / "test.npz") as data:
        x, labels = data["x0"][:50], data["labels"][:50]
    y = fxnn.run(net, x)
    assert y.shape == (50, 10) and y.dtype == np.float32
    np.testing.assert_array_equal(y[7], np.float32(net.predict(x[7])))
    np.testing.assert_array_equal(fxnn.run(tmp_path / "d.fxnn", x[:3], on="ref"), y[:3])
    raw = fxnn.run(net, (x * 256 - 128).clip(-128, 127).astype(np.int8))
    assert raw.dtype == np.int8 and (raw.argmax(1) == y.argmax(1)).all()

    figures = fxnn.evaluate(net, x, labels, against=DIGITS / "digits_float.tflite")
    assert figures["figures"]["top1"] == np.mean(y.argmax(1) == labels) and figures["compared"]["agreement"] > 0.9
    from_file = fxnn.evaluate(tmp_path / "d.fxnn", DIGITS / "test.npz", count=40, top=2)
    assert from_file["figures"]["samples"] == 40 and from_file["figures"]["k"] == 2


def test_quantize_in_a_notebook(tmp_path):
    with np.load(DIGITS / "calibration.npz") as data:
        x = data["x0"][:40]
    how = {"ranges": "minmax", "equalize": "off", "adaptive": "off", "board": "any", "selftest": 1}
    done = fxnn.quantize(DIGITS / "digits_float.tflite", x, tmp_path / "q.fxnn", labels=DIGITS / "labels.txt", **how)
    assert done.quantized.samples == 40 and done.checked["agreement"] > 0.8
    assert (tmp_path / "q.fxnn").read_bytes() == done.conversion.data
    assert fxnn.load(done.conversion.data).labels == tuple("0123456789")
    np.savez(tmp_path / "x.npz", x0=x)
    assert fxnn.quantize(DIGITS / "digits_float.tflite", tmp_path / "x.npz", name="q", labels=tuple("0123456789"), **how).conversion.data \
        == done.conversion.data  # fmt: skip


def test_report_is_a_function_whatever_was_imported(tmp_path, networks):
    import host_tools.report.build  # noqa: F401  (the room of that name)

    (tmp_path / "digits.fxnn").write_bytes(networks["digits.fxnn"])
    out = fxnn.report(tmp_path / "digits.fxnn", tmp_path / "page.html", on=None)
    assert out.read_text().startswith("<!") and callable(fxnn.report)


@pytest.mark.parametrize(
    "call, text",
    (
        (lambda: fxnn.convert("missing.tflite"), "cannot read missing.tflite"),
        (lambda: fxnn.convert(DIGITS / "digits.tflite", board="pico3"), "board 'pico3' is unknown"),
        (lambda: fxnn.convert(DIGITS / "digits.tflite", prefer="size"), "prefer 'size' is unknown"),
        (lambda: fxnn.convert(DIGITS / "digits.tflite", ram=0), "ram: 0 bytes"),
        (lambda: fxnn.convert(DIGITS / "digits.tflite", selftest=-1), "selftest: -1 vectors"),
        (lambda: fxnn.convert(DIGITS / "digits.tflite", DIGITS / "digits.tflite"), "would be overwritten"),
        (lambda: fxnn.run(DIGITS / "digits.fxnn", np.zeros((8, 8, 1), np.float32)), "x0 has shape"),
        (lambda: fxnn.run(DIGITS / "digits.fxnn"), "no array x0"),
        (lambda: fxnn.evaluate(DIGITS / "digits.fxnn", np.zeros((2, 8, 8, 1))), "nothing to measure by"),
        (lambda: fxnn.evaluate(DIGITS / "digits.fxnn", np.zeros((2, 8, 8, 1)), [1]), "1 labels for 2 samples"),
        (lambda: fxnn.quantize(DIGITS / "digits_float.tflite", None), "calibration data is needed"),
        (lambda: fxnn.report(DIGITS / "labels.txt", "page.html"), "not an fxnn file"),
    ),
)
def test_mistakes_are_tool_errors(call, text):
    with pytest.raises(fxnn.ToolError) as e:
        call()
    assert text in str(e.value)


def test_unknown_names_are_said():
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        fxnn.lod  # noqa: B018
    with pytest.raises(TypeError, match="bord"):
        fxnn.convert(DIGITS / "digits.tflite", bord="pico")
    assert set(dir(fxnn)) >= {"load", "convert", "quantize", "evaluate", "report", "run", "ToolError"}


def test_importing_it_imports_nothing_heavy():
    code = "import sys, fxnn; print(sorted(m for m in sys.modules if m.split('.')[0] in ('numpy', 'fxnn', 'click')))"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "host_tools/editable")}
    printed = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert printed.strip() == "['fxnn', 'fxnn.report', 'fxnn.version']"
