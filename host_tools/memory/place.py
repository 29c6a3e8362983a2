"""Where constants lie in the file: one after the other, or so that what a kernel call reads never crosses a littlefs block.

The second way lets a board use them in place in its mapped flash, and read them piece by piece where there is no such
flash. Ops with more constants than a block holds are cut by output channels (FORMAT.md, pieces).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..assembler.constants import Constants
from ..fileformat.littlefs import BLOCK_BYTES, room
from ..ops.core import Program, Step
from ..record import BY_NAME

# What every block but the first holds at least: 9 pointers, in files up to 512 blocks.
SAFE_BYTES = BLOCK_BYTES - 36
# A first piece smaller than this is not worth a call: it waits for the next block.
_LEAST_BYTES = 512


@dataclass(frozen=True)
class Piece:
    """One call's channels. words: what it replaces of the record's offsets of tables. offset: in the file."""

    offset: int
    bytes: int
    first: int
    channels: int
    words: Mapping[int, int]


@dataclass(frozen=True)
class Placed:
    """A step's constants. offset: in the file; bytes: to the end of the last piece; pieces: none where it is not cut."""

    offset: int
    bytes: int
    pieces: tuple[Piece, ...] = ()


def cut_large(program: Program, cut: bool) -> Program:
    """`program`, its steps marked (Step.cut) that will be cut: those with more constants than a block holds."""
    steps = (s if cut and len(s.constants) > SAFE_BYTES else replace(s, cut=None) for s in program.steps)
    return replace(program, steps=tuple(steps), blocks=cut)


def place(program: Program, start: int) -> tuple[bytes, list[Placed]]:
    """The constants from file offset `start` on, and where each step's lie. The same bytes are stored once."""
    out = bytearray()
    known: dict[tuple[bytes, bool], Placed] = {}
    placed = []
    for step in program.steps:
        key = (step.constants, step.cut is not None)
        if key not in known or not step.constants:
            known[key] = _place_step(step, out, start, program.blocks)
        placed.append(known[key])
    return bytes(out), placed


def _place_step(step: Step, out: bytearray, start: int, blocks: bool) -> Placed:
    size = -(-len(step.constants) // 4) * 4
    at = start + len(out)
    if blocks and step.cut and size > SAFE_BYTES:
        pieces = _cut(step, step.cut, at)
        if pieces:
            for piece in pieces:
                out += bytes(piece.offset - start - len(out))
                out += step.cut.part(piece.first, piece.first + piece.channels)[0]
            end = pieces[-1].offset + pieces[-1].bytes
            return Placed(pieces[0].offset, end - pieces[0].offset, pieces)
    if blocks and room(at) < size <= room(at + room(at)):
        out += bytes(room(at))
    at = start + len(out)
    out += step.constants + bytes(size - len(step.constants))
    return Placed(at, size)


def _cut(step: Step, cut: Constants, at: int) -> tuple[Piece, ...]:
    """The pieces, as large as blocks allow; none where a block does not hold the fewest channels of a piece."""
    layout = BY_NAME[step.kernel].layout
    tables = [layout.weights_offset, layout.channels_offset]
    if step.words.get(layout.packed_offset):
        tables.append(layout.packed_offset)
    channels = step.words[layout.out_c]
    pieces: list[Piece] = []
    first = 0
    while first < channels:
        size, count = _fitting(step, cut, first, room(at))
        if not count or (not pieces and size < _LEAST_BYTES):
            if room(at) > SAFE_BYTES:
                return ()
            at += room(at)
            continue
        _, offsets = cut.part(first, first + count)
        words = {word: offsets[step.words[word]] for word in tables}
        pieces.append(Piece(at, size, first, count, words))
        first += count
        at += size
    return tuple(pieces)


def _fitting(step: Step, cut: Constants, first: int, limit: int) -> tuple[int, int]:
    """(bytes, channels) of the largest piece from channel `first` on that fits."""
    channels = step.words[BY_NAME[step.kernel].layout.out_c]
    left = channels - first
    count = min(left, limit * channels // len(step.constants) + step.granule)
    while count > 0:
        if count < left:
            count -= count % step.granule
        if count <= 0:
            break
        size = len(cut.part(first, first + count)[0])
        if size <= limit:
            return size, count
        count -= 1
    return 0, 0
