"""Where constants are used from, on the virtual Pico with stock firmware: in its flash, streamed, in RAM."""

import json
import re

import pytest

from host_tools.record import CONV
from tests.helpers.command_line import fxnn
from tests.helpers.paths import PUBLIC_MODELS
from tests.helpers.runners import run_pico
from tests.helpers.small_networks import many_weights, packed_case, public_case
from tests.helpers.virtual_boards import package_for, pico

pytestmark = pytest.mark.pico
# Of a heap of 240 kB: what is left is what an ESP32 without PSRAM has.
BLOCKED_BYTES = 130_000


@pytest.mark.slow
def test_whatever_happens_to_the_file():
    network, x, y = packed_case(many_weights(1, 8), "small", placing="flash")
    assert {op.kernel for op in network.ops if op.words[CONV.piece_count]} == {
        "conv_2d",
        "depthwise_conv_2d",
        "fully_connected",
    }
    other = packed_case(many_weights(2, 8), "other", placing="flash")[0]
    files = {"net.fxnn": network.data, "other.fxnn": other.data, "input.bin": x, "output.bin": y}
    assert run_pico("places.py", files).endswith("\nok\n")


def measured(printed: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"^(\w+) (\d+)$", printed, re.M)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ("ad_autoencoder", "vww_mobilenet"))
def test_networks_larger_than_the_heap_run_in_the_flash(name):
    network, x, y = public_case(name)
    assert network.resident_bytes > 240_000
    printed = run_pico("large.py", {"net.fxnn": network.data, "input.bin": x, "output.bin": y}, PLACE="flash")
    figures = measured(printed)
    assert printed.endswith("ok\n")
    assert figures["load_us"] < 500_000, figures
    assert figures["free_bytes"] > 100_000, figures


@pytest.mark.slow
@pytest.mark.parametrize("name", ("ad_autoencoder", "vww_mobilenet", "ic_resnet8", "kws_dscnn"))
def test_every_network_runs_on_a_heap_of_110_kb(name):
    network, x, y = public_case(name, placing="flash", prefer="ram")
    files = {"net.fxnn": network.data, "input.bin": x, "output.bin": y}
    printed = run_pico("large.py", files, PLACE="stream", BLOCKED_BYTES=BLOCKED_BYTES)
    assert printed.endswith("ok\n"), printed


@pytest.mark.slow
def test_deploy_verifies_and_profiles_a_network_larger_than_the_heap(tmp_path):
    """From a trained model to a board that runs it in its flash. Copying 300 kB to the emulated flash takes minutes: the
    files lie there already, so that deploy has only to plan, to test and to say so."""
    network, *_ = public_case("ad_autoencoder")
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
