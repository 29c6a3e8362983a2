"""How far each op record reaches: what a reader checks before anything runs, and what a report shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ..assembler.targets import TARGETS
from ..record import BY_NAME, RECORD, WORDS, in_constants
from .expressions import Evaluate, OutsideConstants, compiled
from .operands import EXTENTS, NAMED, UNBOUND, Operand

Span = tuple[int, int]
MOST = (1 << 31) - 1


@dataclass(frozen=True)
class Stretch:
    """An operand of a record: bytes `offset` to `offset + bytes` of the arena, or of the record's constants."""

    operand: Operand
    offset: int
    bytes: int
    in_constants: bool

    @property
    def read(self) -> bool:
        return "r" in self.operand.access

    @property
    def written(self) -> bool:
        return "w" in self.operand.access


@dataclass(frozen=True)
class _Compiled:
    """A kernel's row of EXTENTS as functions of (words, constants)."""

    operands: tuple[tuple[Operand, Evaluate, Evaluate, Evaluate | None], ...]  # operand, at, bytes, when
    ranges: tuple[tuple[slice, int, int], ...]  # of words: their least, their most
    needs: tuple[Evaluate, ...]
    unused: tuple[int, ...]
    packed: bool


@cache
def _row(kernel: str) -> _Compiled:
    layout, row = BY_NAME[kernel].layout, EXTENTS[kernel]

    def function(text: str) -> Evaluate:
        return compiled(text, layout)

    used = {n for word in layout.table for n in range(word.number, word.number + word.count)}
    ranges = [
        (layout.slice(*words), least, MOST)
        for least, found in ((0, row.not_negative), (1, row.positive))
        for words in found
    ]
    for word in layout.table:
        for name, (least, most) in NAMED.items():
            if f"_{word.name}".endswith(f"_{name}") and (kernel, word.name) not in UNBOUND:
                ranges.append((layout.slice(word.name), least, most))
    return _Compiled(
        tuple((o, function(o.at), function(o.bytes), function(o.when) if o.when else None) for o in row.operands),
        tuple(ranges),
        tuple(function(need) for need in row.needs),
        tuple(n for n in range(WORDS) if n not in used),
        row.packed,
    )  # fmt: skip


def _target(kernel: str, words: Sequence[int], target: str):
    """The module of the packed variant that a record has for `target`; None where it has none."""
    return TARGETS.get(target) if _row(kernel).packed and words[BY_NAME[kernel].layout.packed_offset] else None


def scratch_bytes(kernel: str, words: Sequence[int], target: str) -> int:
    """Bytes of scratch at word 7 (FORMAT.md: one im2col column, or what the packed variant of `target` takes if more)."""
    for operand, _, size, _ in _row(kernel).operands:
        if operand.name == "scratch":
            variant = _target(kernel, words, target)
            return max(size(words, b""), variant.scratch_bytes(kernel, words) if variant else 0)
    return 0


def problem(kernel: str, words: Sequence[int], arena_bytes: int, target: str, constants: bytes = b"") -> str | None:
    """None, or where a record reaches outside: "arena" or "constants"; "ops" where words that it does not have are not 0.
    words: the record's 40; target: whose packed variants the file holds; constants: the record's."""
    if any(words[n] for n in _row(kernel).unused):
        return "ops"
    reached = stretches(kernel, words, target, constants)
    if isinstance(reached, str):
        return reached
    for where, limit in (("arena", arena_bytes), ("constants", words[RECORD.const_bytes])):
        for s in reached:
            if s.in_constants == (where == "constants") and (
                s.offset < 0 or s.bytes < 0 or s.offset + s.bytes > limit or s.bytes and s.offset % s.operand.alignment
            ):
                return where
    return None


def stretches(kernel: str, words: Sequence[int], target: str, constants: bytes = b"") -> list[Stretch] | str:
    """What a record reads and writes, in the table's order; "arena", "constants" where words make no sense."""
    row = _row(kernel)
    if any(min(words[part]) < least or max(words[part]) > most for part, least, most in row.ranges):
        return "arena"
    try:
        if not all(need(words, constants) for need in row.needs):
            return "arena"
        found = [
            Stretch(o, at(words, constants), size(words, constants), o.constants or in_constants(kernel, words, o.name))
            for o, at, size, when in row.operands
            if when is None or when(words, constants)
        ]
    except OutsideConstants:
        return "constants"
    variant = _target(kernel, words, target)
    if variant:
        scratch = scratch_bytes(kernel, words, target)
        found = [Stretch(s.operand, s.offset, scratch, False) if s.operand.name == "scratch" else s for s in found]
        table = Operand("packed", "packed_offset", "", constants=True)
        found += [Stretch(table, offset, size, True) for offset, size in variant.constants(kernel, words)]
    return found


def reach(
    kernel: str, words: Sequence[int], target: str, constants: bytes = b""
) -> tuple[list[Span], list[Span]] | str:
    """(spans in the arena, spans in the constants), each (offset, bytes); or "arena", "constants" where words make no sense.
    The output is the last span that starts at word 6, scratch lies at word 7, all else is read."""
    found = stretches(kernel, words, target, constants)
    if isinstance(found, str):
        return found
    inputs_first = sorted(found, key=lambda s: s.written)
    spans = [[(s.offset, s.bytes) for s in inputs_first if s.in_constants == where] for where in (False, True)]
    return spans[0], spans[1]
