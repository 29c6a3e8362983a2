"""No kernel of the RP2040 has become slower: cycles on the virtual Pico, which repeat exactly, against tests/kept/bench.json."""

import json

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.fileformat import packed
from host_tools.targets import open_target
from tests import draw
from tests.helpers.tflite_builder import Builder
from tests.tools import bench

pytestmark = [pytest.mark.pico, pytest.mark.slow]

KEPT = json.loads(bench.FIGURES.read_text())
SLOWER = 1.02
KEPT_EACH = {"lut": 6.81, "mul": 42.72, "copy": 3.72, "fully_connected": 4.27}


@pytest.mark.parametrize("name", [*bench.LAYERS, *bench.NETWORKS])
def test_not_slower_than_before(name):
    found = bench.measure(name, "thumb")
    if found is None:
        pytest.skip(f"{bench.NETWORKS[name]} is not in ../shared/models beside the repository")
    kept = KEPT["cycles"][name]["thumb"]
    change = (
        f"{name}: {found['cycles']:,} cycles, {kept:,} are kept in tests/kept/bench.json ({found['cycles'] / kept:.3f})"
    )
    print(change)
    assert found["cycles"] <= kept * SLOWER, f"{change}; make bench keeps new figures"


def test_viper_is_not_slower_than_before():
    name = next(iter(bench.LAYERS))
    assert bench.measure(name, "viper")["cycles"] <= KEPT["cycles"][name]["viper"] * SLOWER


def test_four_bits_and_elements_are_not_slower_than_before():
    """Cycles a MAC, or a byte of output: what was measured, and 5 %. Each takes a tenth to a third of what viper takes."""
    random = np.random.default_rng(1)
    b = Builder()
    x = b.input((1, 24, 24, 16), scale=0.05, zero_point=-7)  # 9,216 bytes, as all that follow
    gate = b.input((1, 1, 1, 16), scale=1 / 256, zero_point=-128)
    scaled = b.mul(b.logistic(x), gate, scale=1 / 256, zero_point=-128)
    again = b.mul(scaled, gate, scale=1 / 256, zero_point=-128)
    elements = convert.convert_bytes(b.finish([b.concatenation([scaled, again], axis=3)]), "elements", selftest=0)
    b = Builder()
    x = b.input((1, 640), scale=0.05, zero_point=-7)
    w = b.constant(random.integers(-128, 128, (128, 640)).astype(np.int8), 0.01)
    y = b.fully_connected(x, w, b.constant(np.zeros(128, np.int32), 0.0005), scale=1.0, zero_point=3)
    dense = draw.four_bits(draw.Case("dense", "fully_connected", b.finish([y]), (), {}))
    found: dict[str, float] = {}
    with open_target("pico") as pico:
        pico.backend = "thumb"
        for model in (elements, dense):
            network = packed.read(model)
            for record, op in zip(network.ops, pico.profile(network).ops):
                found[record.kernel] = max(found.get(record.kernel, 0), op.cycles / (op.macs or 9216))
    print(found)
    assert found.keys() == KEPT_EACH.keys() and all(found[k] < 1.05 * KEPT_EACH[k] for k in found), found


def test_page_has_the_figures():
    page = bench.PAGE.read_text()
    assert bench.table(KEPT) in page, "make bench prints the table"
