"""Where constants are used from, on the virtual Pico with stock firmware: in its flash, streamed, in RAM."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from tests.host.test_cli import fxnn
from tests.host.test_deploy import package_for, pico
from tests.micropython.boards import run_pico
from tests.tflite_builder import Builder

pytestmark = pytest.mark.pico
PUBLIC_MODELS = Path(__file__).resolve().parents[3] / "shared" / "models"
# Of a heap of 240 kB: what is left is what an ESP32 without PSRAM has.
BLOCKED_BYTES = 130_000


def small_network(seed: int, size: int = 12) -> bytes:
    """Convolutions, a depthwise one and a fully connected layer with 47 kB of weights (of 12 x 12 pixels); each is cut."""
    random = np.random.default_rng(seed)
    b = Builder()

    def constant(*shape, scale=0.01, axis=0):
        weights = random.integers(-127, 128, shape).astype(np.int8)
        return b.constant(weights, [scale] * shape[axis], axis=axis)

    def bias(n, scale):
        return b.constant(random.integers(-999, 999, n).astype(np.int32), [scale] * n)

    x = b.input((1, size, size, 8), scale=0.1, zero_point=-3)
    y = b.conv_2d(x, constant(144, 3, 3, 8), bias(144, 0.001), scale=0.3, zero_point=1)
    y = b.depthwise_conv_2d(y, constant(1, 3, 3, 144, axis=3), bias(144, 0.003), scale=0.2, zero_point=2)
    y = b.conv_2d(y, constant(32, 1, 1, 144), bias(32, 0.002), scale=0.3, zero_point=0, stride=(2, 2))
    y = b.fully_connected(
        b.reshape(y, (1, 8 * size * size)), constant(20, 8 * size * size), bias(20, 0.003), scale=2.0, zero_point=5
    )
    return b.finish([y])


def case(tflite: bytes, name: str, **options):
    """(packed network, raw input, raw output of the host's exact kernels)"""
    network = packed.read(convert.convert_bytes(tflite, name, selftest=1, **options))
    random = np.random.default_rng(0)
    x = [random.integers(0, 256, t.shape, np.uint8).view(t.dtype) for t in network.inputs]
    y = exact.run(network, x)
    return network, b"".join(a.tobytes() for a in x), b"".join(a.tobytes() for a in y)


def public(name: str, **options):
    path = PUBLIC_MODELS / f"{name}_int8.tflite"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    return case(path.read_bytes(), name, source=path.name, **options)


@pytest.mark.slow
def test_whatever_happens_to_the_file():
    network, x, y = case(small_network(1, 8), "small", placing="flash")
    assert {op.kernel for op in network.ops if op.words[33]} == {"conv_2d", "depthwise_conv_2d", "fully_connected"}
    other = case(small_network(2, 8), "other", placing="flash")[0]
    files = {"net.fxnn": network.data, "other.fxnn": other.data, "input.bin": x, "output.bin": y}
    assert run_pico("places.py", files).endswith("\nok\n")


def measured(printed: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"^(\w+) (\d+)$", printed, re.M)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ("ad_autoencoder", "vww_mobilenet"))
def test_networks_larger_than_the_heap_run_in_the_flash(name):
    network, x, y = public(name)
    assert network.resident_bytes > 240_000
    printed = run_pico("large.py", {"net.fxnn": network.data, "input.bin": x, "output.bin": y}, PLACE="flash")
    figures = measured(printed)
    assert printed.endswith("ok\n")
    assert figures["load_us"] < 500_000, figures
    assert figures["free_bytes"] > 100_000, figures


@pytest.mark.slow
@pytest.mark.parametrize("name", ("ad_autoencoder", "vww_mobilenet", "ic_resnet8", "kws_dscnn"))
def test_every_network_runs_on_a_heap_of_110_kb(name):
    network, x, y = public(name, placing="flash", prefer="ram")
    files = {"net.fxnn": network.data, "input.bin": x, "output.bin": y}
    printed = run_pico("large.py", files, PLACE="stream", BLOCKED_BYTES=BLOCKED_BYTES)
    assert printed.endswith("ok\n"), printed


@pytest.mark.slow
def test_deploy_verifies_and_profiles_a_network_larger_than_the_heap(tmp_path):
    """From a trained model to a board that runs it in its flash. Copying 300 kB to the emulated flash takes minutes: the
    files lie there already, so that deploy has only to plan, to test and to say so."""
    network, *_ = public("ad_autoencoder")
    assert network.pieces
    path = tmp_path / "anomaly.fxnn"
    path.write_bytes(network.data)
    with pico(tmp_path, {**package_for(network.data), "/models/anomaly.fxnn": network.data}) as board:
        printed = fxnn("deploy", path, "--port", board.port, "--json")
        assert printed.returncode == 0, printed.stderr
        report = json.loads(printed.stdout)
        assert report["place"] == "flash" and report["copy_bytes"] == 0
        assert report["ram_needed_bytes"] < 60_000 and report["selftest"]["vectors"] == 1
        assert report["selftest"]["heap_peak_bytes"] < 60_000
    verified = fxnn(
        "verify", path, "--against", PUBLIC_MODELS / "ad_autoencoder_int8.tflite", "--on", "pico", "-n", "2"
    )
    assert verified.returncode == 0 and "same: 2 inputs" in verified.stdout, verified.stdout + verified.stderr
    report = json.loads(fxnn("profile", path, "--on", "pico", "--json", "-").stdout)
    assert report["weights_in"] == "flash" and report["heap_peak_bytes"] < 60_000
    assert report["total"]["cycles_per_mac"] < 8
