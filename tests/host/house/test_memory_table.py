"""The tables of docs/memory.md: RAM and flash, TensorFlow Lite Micro's column measured here by its own package; and of arena and time."""

import json

import pytest

from tests.tools import memory_table

KEPT = json.loads(memory_table.FIGURES.read_text())
SLOWER = 1.02


def needs(name):
    if not memory_table.NETWORKS[name].exists():
        pytest.skip(f"{memory_table.NETWORKS[name].name} is not in ../shared/models beside the repository")


@pytest.mark.slow
@pytest.mark.parametrize("name", memory_table.NETWORKS)
def test_page_says_what_networks_take(name):
    pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")
    needs(name)
    text = memory_table.PAGE.read_text()
    start = text.index(memory_table.START)
    written = text[start : text.index(memory_table.END, start)]
    assert memory_table.HEAD in written
    line = memory_table.row(name)
    assert line in written, line
    # With constants in the flash, or streamed, no network takes more RAM than TFLM's arena of the same network, but
    # for the smallest, whose records weigh more than its tensors.
    _, _, _, _, in_flash, least, tflm, *_ = (cell.strip().replace(",", "") for cell in line.split("|"))
    if int(tflm) > 10_000:
        assert int(least) < int(tflm) and int(in_flash) < int(tflm), line


def test_page_has_the_kept_arenas_and_cycles():
    text = memory_table.PAGE.read_text()
    assert memory_table.time_table(KEPT) in text, "python -m tests.tools.memory_table --write"
    assert list(KEPT) == list(memory_table.NETWORKS)[1:] and all(
        {"tflm", "--prefer ram", "default", "--prefer speed"} <= set(r) for r in KEPT.values()
    )
    for name, row in KEPT.items():
        assert row["--prefer ram"]["arena"] < row["default"]["arena"] <= row["tflm"], name


@pytest.mark.slow
@pytest.mark.pico
@pytest.mark.parametrize(
    "name, how", (("DS-CNN", "--prefer ram"), ("DS-CNN", "--prefer speed"), ("autoencoder", "default"))
)
def test_arena_and_cycles_are_those_kept(name, how):
    """The networks by default are in tests/kept/bench.json, too; the plans of the larger ones in test_plan_networks.py."""
    needs(name)
    found, kept = memory_table.measure(name, how), KEPT[name][how]
    assert found["arena"] <= kept["arena"] * SLOWER and found["cycles"] <= kept["cycles"] * SLOWER, (found, kept)
