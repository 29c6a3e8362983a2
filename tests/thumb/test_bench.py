"""No kernel of the RP2040 has become slower: cycles on the virtual Pico, which repeat exactly, against tests/bench.json."""

import json

import pytest

from tests import bench

pytestmark = [pytest.mark.pico, pytest.mark.slow]

KEPT = json.loads(bench.FIGURES.read_text())
SLOWER = 1.02


@pytest.mark.parametrize("name", [*bench.LAYERS, *bench.NETWORKS])
def test_not_slower_than_before(name):
    found = bench.measure(name, "thumb")
    if found is None:
        pytest.skip(f"{bench.NETWORKS[name]} is not in ../shared/models beside the repository")
    kept = KEPT["cycles"][name]["thumb"]
    change = f"{name}: {found['cycles']:,} cycles, {kept:,} are kept in tests/bench.json ({found['cycles'] / kept:.3f})"
    print(change)
    assert found["cycles"] <= kept * SLOWER, f"{change}; make bench keeps new figures"


def test_viper_is_not_slower_than_before():
    name = next(iter(bench.LAYERS))
    assert bench.measure(name, "viper")["cycles"] <= KEPT["cycles"][name]["viper"] * SLOWER


def test_readme_has_the_figures():
    readme = (bench.ROOT / "README.md").read_text()
    assert bench.table(KEPT) in readme, "make bench prints the table"
