"""The memory plan as a lifetime chart, from the records alone: what each byte of the arena holds while each op runs.

Liveness is worked out from what the records read and write: a byte is alive from the op that writes it (or from the
start, in an input) to the last op that reads it. A row is an op, a column a stretch of the arena.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ToolError
from ..exact.core import offsets
from ..fileformat import extents
from ..fileformat.packed import OpRecord, Packed
from ..record import BOX, BY_NAME, RECORD, in_constants, view

# What a byte holds while an op runs: the number of the op that wrote it, or
FREE, SCRATCH, INPUT, BOTH = -1, -2, -3, -4  # BOTH: input of this op, and its output where that is already written
_PALETTE = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#9c755f", "#86bc4b", "#d37295",
            "#499894", "#b6992d")  # fmt: skip
_FREE_COLOUR, _SCRATCH_COLOUR, _INPUT_COLOUR, _BOTH_COLOUR = "#f4f4f4", "#8c8c8c", "#222222", "#ff2d95"


@dataclass(frozen=True)
class Access:
    """Masks over the arena's bytes: what one op reads, what it writes. scratch: (first byte, end)."""

    reads: np.ndarray
    writes: np.ndarray
    scratch: tuple[int, int]


def access(op: OpRecord, arena_bytes: int) -> Access:
    """What an op reads and writes. The inputs of a window op, a broadcast or a slice count from the first to the last."""
    reads, writes = np.zeros(arena_bytes, bool), np.zeros(arena_bytes, bool)
    for words, constants in op.calls:
        for s in extents.stretches(op.kernel, words, op.fast_target, constants):
            assert not isinstance(s, str)  # the reader has refused such a file
            if not s.in_constants and s.operand.name != "scratch":
                reads[s.offset : s.offset + s.bytes] |= s.read
                writes[s.offset : s.offset + s.bytes] |= s.written
    if BY_NAME[op.kernel].layout is BOX:  # a box: its very bytes
        reads[:], writes[:] = False, False
        r = view(op.kernel, op.words)
        writes[r.y_offset : r.y_offset + r.fill_bytes] = True
        writes[r.y_offset + r.start + offsets(r.all("dims"), r.all("y_strides"))] = True
        if not in_constants(op.kernel, op.words, "x"):
            reads[r.x_offset + offsets(r.all("dims"), r.all("x_strides"))] = True
    start = op.words[RECORD.scratch_offset]
    size = extents.scratch_bytes(op.kernel, op.words, op.fast_target)
    return Access(reads, writes, (start, start + size) if size else (0, 0))


def holds(network: Packed) -> np.ndarray:
    """int16[ops, arena bytes]: what each byte holds while each op runs."""
    count, size = len(network.ops), network.arena_bytes
    accesses = [access(op, size) for op in network.ops]
    needed = np.zeros(size, bool)
    for t in network.outputs:
        needed[t.arena_offset : t.arena_offset + t.bytes] = True
    after = np.zeros((count, size), bool)  # read by a later op, or part of an output
    for i in range(count - 1, -1, -1):
        after[i] = needed
        needed = needed & ~accesses[i].writes | accesses[i].reads
    writer = np.full(size, FREE, np.int16)
    for t in network.inputs:
        writer[t.arena_offset : t.arena_offset + t.bytes] = INPUT
    chart = np.full((count, size), FREE, np.int16)
    for i, a in enumerate(accesses):
        before = a.reads | after[i] & ~a.writes
        chart[i] = np.where(before, writer, FREE)
        chart[i][a.writes] = i
        chart[i][a.writes & a.reads] = BOTH
        chart[i][slice(*a.scratch)] = SCRATCH
        writer[a.writes] = i
    return chart


def _cells(network: Packed, columns: int) -> np.ndarray:
    """int16[ops, columns]: what most of each column's bytes hold."""
    chart = holds(network)
    edges = np.linspace(0, network.arena_bytes, columns + 1).astype(int)
    cells = np.full((len(chart), columns), FREE, np.int16)
    for row, line in enumerate(chart):
        for k in range(columns):
            values, counts = np.unique(line[edges[k] : max(edges[k + 1], edges[k] + 1)], return_counts=True)
            cells[row, k] = values[counts.argmax()]
    return cells


def _colour(value: int) -> str:
    fixed = {FREE: _FREE_COLOUR, SCRATCH: _SCRATCH_COLOUR, INPUT: _INPUT_COLOUR, BOTH: _BOTH_COLOUR}
    return fixed.get(value) or _PALETTE[value % len(_PALETTE)]


_MARKS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SIGNS = {FREE: ".", SCRATCH: "-", INPUT: "#", BOTH: "*"}


def lines(network: Packed, columns: int = 64):
    """The chart for a terminal: a rich Text per line. A mark says which op wrote the bytes."""
    from rich.text import Text

    if not network.arena_bytes or not network.ops:
        return []
    found = [Text(f"arena, {network.arena_bytes:,} bytes: one line per op, {columns} columns of "
                  f"{network.arena_bytes / columns:,.0f} bytes; # input, the mark of the op that wrote it, "
                  "* written over what the op reads, - scratch, . free")]  # fmt: skip
    for op, row in zip(network.ops, _cells(network, columns)):
        line = Text(f"{op.index:3} {_MARKS[op.index % len(_MARKS)]} ")
        for value in row.tolist():
            mark = _SIGNS.get(value) or _MARKS[value % len(_MARKS)]
            line.append(mark, style="dim" if value == FREE else f"bold {_colour(value)}" if value != INPUT else "bold")
        line.append(f" {op.kernel}")
        found.append(line)
    return found


def draw(network: Packed, path: Path) -> None:
    """The chart as a PNG. ToolError where Pillow is missing or the file cannot be written."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise ToolError(
            "no chart without Pillow",
            "the package is not installed",
            "pip install pillow",
        ) from None
    if not network.arena_bytes or not network.ops:
        raise ToolError(f"{network.name} has no arena to draw")
    row, left, top, columns = 18, 190, 58, 960
    font, small = ImageFont.load_default(14), ImageFont.load_default(11)
    image = Image.new("RGB", (left + columns + 30, top + row * len(network.ops) + 70), "white")
    pen = ImageDraw.Draw(image)
    pen.text((12, 12), f"{network.name}: arena {network.arena_bytes:,} bytes, {len(network.ops)} ops", "black", font)
    cells = _cells(network, columns)
    for i, (op, line) in enumerate(zip(network.ops, cells)):
        y = top + i * row
        pen.text((12, y + 2), f"{op.index:>3}  {op.kernel}", "black", small)
        start = 0
        for k in range(1, columns + 1):
            if k == columns or line[k] != line[start]:
                value = int(line[start])
                pen.rectangle((left + start, y, left + k - 1, y + row - 3), fill=_colour(value))
                if k - start > 26 and value not in (FREE, BOTH):
                    text = {SCRATCH: "scratch", INPUT: "input"}.get(value, str(value))
                    dark = value in (INPUT, SCRATCH) or sum(int(_colour(value)[n : n + 2], 16) for n in (1, 3, 5)) < 400
                    pen.text(
                        (left + (start + k) // 2 - pen.textlength(text, small) // 2, y + 1),
                        text,
                        "white" if dark else "black",
                        small,
                    )
                start = k
    bottom = top + row * len(network.ops)
    step = _tick(network.arena_bytes)
    for at in range(0, network.arena_bytes + 1, step):
        x = left + at * columns // network.arena_bytes
        pen.line((x, top - 6, x, bottom), fill="#bbbbbb")
        pen.text((x - 12, top - 20), f"{at // 1000}k" if step >= 1000 else str(at), "#444444", small)
    x = 12
    for value, text in ((INPUT, "the network's input"), (0, "tensors, with the op that wrote them"),
                        (BOTH, "output over what the op reads"), (SCRATCH, "scratch"), (FREE, "free")):  # fmt: skip
        pen.rectangle((x, bottom + 26, x + 14, bottom + 40), fill=_colour(value), outline="#888888")
        pen.text((x + 20, bottom + 26), text, "black", small)
        x += 44 + int(pen.textlength(text, small))
    try:
        image.save(path, "PNG")
    except OSError as e:
        raise ToolError(f"cannot write {path}", e.strerror or str(e), "give a folder that can be written") from None


def _tick(size: int) -> int:
    """About ten ticks, round."""
    step = 100
    while size // step > 12:
        step *= 2 if str(step)[0] in "15" else 5
        step = {200: 200, 1000: 1000}.get(step, step)
    return step
