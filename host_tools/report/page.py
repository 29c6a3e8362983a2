"""The report's page: facts in, one HTML file out, which needs nothing from the network."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from ..version import __version__
from .facts import BINS, Life, Operator

_ROW = 46  # of the graph: pixels from one op to the next
_LETTER = 7  # of the memory plan: width of a letter
_MOST_TICKS = 24
_CHART_HEIGHT = 320  # of the memory plan, in its own units
_HUES = (210, 32, 140, 280, 0, 175, 50, 320, 95, 245)


def render(facts: dict) -> str:
    """The page for what `report.build` found."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(n=_number, kb=_kilobytes, percent=_percent, bars=_bars, breaks=_breaks)
    template = environment.from_string(Path(__file__).with_name("page.html.j2").read_text("utf-8"))
    return template.render(
        **facts,
        graph=_graph(facts["operators"]),
        memory=_memory(facts["lives"], facts["network"].arena_bytes, len(facts["network"].ops)),
        version=__version__,
        date=datetime.date.today().isoformat(),
    )


def _number(value, digits: int = 0) -> str:
    return f"{value:,.{digits}f}"


def _kilobytes(value: int) -> str:
    return f"{value / 1000:,.1f} kB" if value >= 1000 else f"{value} B"


def _percent(part: float | None, digits: int = 1) -> str:
    return "" if part is None else f"{100 * part:.{digits}f} %"


def _breaks(text: str) -> Markup:
    """A long name that may break after each of its parts."""
    return Markup("").join(
        Markup("{}<wbr>").format(part) if part in "/_" else escape(part) for part in re.split("([/_])", text) if part
    )


def _bars(counts: tuple[int, ...]) -> list[tuple[int, float]]:
    """(x, height from 0 to 1) of a histogram's bars; the square root, so that thin tails are seen."""
    top = max(counts) or 1
    return [(i, (max(n, 0) / top) ** 0.5) for i, n in enumerate(counts) if n > 0]


def _graph(operators: list[Operator]) -> dict:
    """Boxes in a column, and curves on the left for what skips over ops."""
    boxes = [{"y": _ROW * (op.index + 1), "op": op} for op in operators]
    skips, straight, lanes = [], [], []
    for op in operators:
        for source in op.inputs:
            if source == op.index - 1:
                straight.append(_ROW * (op.index + 1))
                continue
            lane = next((i for i, end in enumerate(lanes) if end <= source), len(lanes))
            lanes[lane:] = [op.index, *lanes[lane + 1 :]]
            skips.append({"lane": lane, "from": _ROW * (source + 1) + 17, "to": _ROW * (op.index + 1) + 17})
    return {"boxes": boxes, "skips": skips, "straight": straight, "left": 24 + 14 * len(lanes),
            "height": _ROW * (len(operators) + 1)}  # fmt: skip


def _memory(lives: list[Life], arena_bytes: int, records: int) -> dict:
    """Rectangles in a chart of `records` + 1 columns; the arena's first byte is at the bottom."""
    scale = _CHART_HEIGHT / max(arena_bytes, 1)
    width = 960 / (records + 1)
    rectangles = [
        {
            "x": (life.first + 1) * width, "width": (life.last - life.first + 1) * width,
            "y": _CHART_HEIGHT - (life.offset + life.bytes) * scale, "height": max(life.bytes * scale, 1),
            "life": life, "hue": _HUES[i % len(_HUES)],
            "label": _label(life.name if life.kind == "tensor" else "scratch", (life.last - life.first + 1) * width),
        }
        for i, life in enumerate(lives)
    ]  # fmt: skip
    every = -(-records // _MOST_TICKS)
    ticks = [{"x": (i + 1.5) * width, "call": i} for i in range(0, records, every)]
    return {"rectangles": rectangles, "height": _CHART_HEIGHT, "column": width, "records": records, "ticks": ticks,
            "peaks": peaks(lives, records)}  # fmt: skip


def _label(name: str, width: float) -> str:
    """As much of a name as a box of this width holds, or nothing."""
    letters = int((width - 8) / _LETTER)
    return name if len(name) <= letters else f"{name[: letters - 1]}…" if letters >= 5 else ""


def peaks(lives: list[Life], records: int) -> list[tuple[int, int]]:
    """(record, bytes alive while it runs), the three highest first."""
    alive = [(i, _covered([life for life in lives if life.first <= i <= life.last])) for i in range(records)]
    return sorted(alive, key=lambda pair: -pair[1])[:3]


def _covered(lives: list[Life]) -> int:
    """Bytes that they take together: an output may lie over its op's input."""
    total = end = 0
    for life in sorted(lives, key=lambda life: life.offset):
        first = max(life.offset, end)
        end = max(end, life.offset + life.bytes)
        total += max(0, end - first)
    return total


__all__ = ["BINS", "render"]
