"""run, verify and profile on the emulated Pico: booted for the run (`--on pico`), and as a board on a serial port."""

import json

import numpy as np
import pytest

from host_tools.compiler.convert import convert_bytes
from host_tools.emulators.virtual_pico import VirtualPico, make_image, read_image
from host_tools.package.board_files import package_files
from tests.helpers.command_line import done, fxnn
from tests.helpers.small_networks import small_network

pytestmark = pytest.mark.pico


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pico")
    (folder / "net.tflite").write_bytes(small_network())
    (folder / "net.fxnn").write_bytes(convert_bytes(small_network(), "small"))
    np.savez(folder / "in.npz", x0=np.random.default_rng(3).integers(-128, 128, (3, 6, 6, 1)).astype(np.int8))
    done("run", folder / "net.fxnn", "--on", "host", "--input", folder / "in.npz", "--output", folder / "host.npz")
    return folder


@pytest.fixture(scope="module")
def port(tmp_path_factory, files):
    """A board with the package on it, but not the network; nothing that run, verify and profile do stays there."""
    image = tmp_path_factory.mktemp("board") / "flash.img"
    on_board = {file.path.lstrip("/"): file.data for file in package_files("armv6m")}
    make_image(on_board, image)
    with VirtualPico(image) as pico:
        yield pico.port
    assert read_image(image) == on_board


@pytest.fixture(params=["pico", "PORT"])
def on(request):
    return "pico" if request.param == "pico" else request.getfixturevalue("port")


def test_run(files, tmp_path, on):
    text = done("run", files / "net.fxnn", "--on", on, "--input", files / "in.npz", "--output", tmp_path / "out.npz")
    assert "3 inferences" in text and "(thumb)" in text
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["y0"], np.load(files / "host.npz")["y0"])


def test_verify(files, on):
    text = done("verify", files / "net.fxnn", "--against", files / "net.tflite", "--on", on, "-n", 6)
    assert "same: 6 inputs, 18 output values" in text


def test_verify_finds_a_difference(files, tmp_path):
    (tmp_path / "other.tflite").write_bytes(small_network(-90))
    result = fxnn("verify", files / "net.fxnn", "--against", tmp_path / "other.tflite", "--on", "pico", "-n", 4)
    assert result.returncode == 1 and "op 0 conv_2d 'first_conv" in result.stdout


def test_profile(files, on):
    report = json.loads(done("profile", files / "net.fxnn", "--on", on, "--json", "-"))
    assert [op["kind"] for op in report["ops"]] == ["conv_2d", "max_pool_2d", "fully_connected", "softmax"]
    assert report["backend"] == "thumb" and report["heap_peak_bytes"] > report["arena_bytes"]
    assert all(op["time_us"] > 0 for op in report["ops"])
    if on == "pico":
        assert report["clock_hz"] == 125_000_000
        conv = report["ops"][0]
        # counted by SysTick, not made of microseconds: more than them by their calls at most
        assert 0 <= conv["cycles"] - (conv["time_us"] - 1) * 125 < 1250
        assert 1 < conv["cycles_per_mac"] < 1000 and report["ops"][1]["cycles_per_mac"] is None
    else:
        assert "cycles" not in report["total"]


def test_a_board_without_the_package_gets_it_over_the_wire(files, tmp_path):
    image = tmp_path / "flash.img"
    make_image({"main.py": b"print(1)\n"}, image)
    with VirtualPico(image) as pico:
        text = done("verify", files / "net.fxnn", "--against", files / "net.tflite", "--on", pico.port, "-n", 2)
    assert "same: 2 inputs" in text
    assert set(read_image(image)) == {"main.py"}


def test_too_large_for_the_board_is_said(tmp_path):
    from tests.helpers.tflite_builder import Builder

    b = Builder()
    big = tmp_path / "big.fxnn"
    big.write_bytes(convert_bytes(b.finish([b.tanh(b.input((1, 500, 500, 1), scale=0.1))]), "big", selftest=0))
    result = fxnn("profile", big, "--on", "pico")
    assert result.returncode == 1 and "MemoryError: model: needs" in result.stderr and "free" in result.stderr
