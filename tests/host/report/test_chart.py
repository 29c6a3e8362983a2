"""The lifetime chart says what the plan says, though it is worked out from the records alone."""

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.report import chart
from tests import draw
from tests.draw import image_chains
from tests.helpers.paths import ROOT


@pytest.fixture(scope="module")
def converted():
    found = [convert.convert(c.tflite, c.name, selftest=0, prefer=p, placing="ram")
             for c in image_chains.generate(8, 3) for p in ("ram", "speed")]  # fmt: skip
    return [(packed.read(c.data), c.plan) for c in found]


def test_alive_bytes_are_those_of_the_plan(converted):
    """What the chart finds alive the plan keeps; what the plan keeps is dead in the chart only where nobody reads it."""
    for network, found in converted:
        held = chart.holds(network)
        for i, step in enumerate(found.program.steps):
            kept = np.zeros(network.arena_bytes, bool)
            for low, high in found.held(i):
                kept[low:high] = True
            assert not ((held[i] != chart.FREE) & ~kept).any(), (network.name, step.name)
            unread = kept & (held[i] == chart.FREE)
            assert unread.sum() <= kept.sum() / 2, (network.name, step.name)  # rows that VALID windows leave out
        assert (held == chart.SCRATCH).any() == any(s.scratch_bytes for s in found.program.steps)


def test_output_over_input_shows(converted):
    shown = [(chart.holds(network) == chart.BOTH).any(1).sum() for network, _ in converted]
    assert sum(shown) > len(converted) and all(s <= p.inplace for s, (_, p) in zip(shown, converted))


def test_the_input_is_free_once_it_is_read():
    network = packed.read((ROOT / "models/digits/digits.fxnn").read_bytes())
    held = chart.holds(network)
    assert (held[0] == chart.INPUT).any() or (held[0] == chart.BOTH).any()
    assert not (held[1:] == chart.INPUT).any()
    rows = chart.lines(network)
    assert len(rows) == len(network.ops) + 1 and all(len(row.plain.split()[2]) == 64 for row in rows[1:])


def test_an_output_at_offset_0_is_written():
    """... of an op without scratch, whose record names no bytes there, either."""
    case = draw.generate("max_pool_2d", 1, seed=5)[0]
    network = packed.read(convert.convert(case.tflite, "pool", selftest=0).data)
    (output,) = network.outputs
    writes = chart.access(network.ops[0], network.arena_bytes).writes
    assert output.arena_offset == 0 and writes[: output.bytes].all() and not writes[output.bytes :].any()


def test_png(tmp_path):
    image = pytest.importorskip("PIL.Image")
    network = packed.read((ROOT / "models/digits/digits.fxnn").read_bytes())
    chart.draw(network, tmp_path / "arena.png")
    drawn = np.asarray(image.open(tmp_path / "arena.png"))
    assert drawn.shape[0] > 18 * len(network.ops) and len(np.unique(drawn.reshape(-1, 3), axis=0)) > 6
    with pytest.raises(ToolError, match="cannot write"):
        chart.draw(network, tmp_path / "nowhere" / "arena.png")
