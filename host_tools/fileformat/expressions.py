"""Expressions over a record: `spread(batches * in_h, in_c, 3)`, words by their names in a layout, as operands.py has them."""

from __future__ import annotations

import ast
import struct
from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from ..record import Layout

Evaluate = Callable[[Sequence[int], bytes], int]

PROGRAM_REGISTERS = 16
_SKIP, _VALUE, _LAST_OP = 11, 5, 11  # ops of FORMAT.md's programs
_SHIFTS, _ONE_OPERAND = (3, 4), 6


class OutsideConstants(Exception):
    """A record's table lies outside of its constants."""


def up(n: int, to: int) -> int:
    """n, rounded up to a multiple of `to`."""
    return -(-n // to) * to


def spread(count: int, step: int, size: int) -> int:
    """Bytes from the first of `count` that lie `step` bytes apart to the end of the last, of `size` bytes."""
    return (count - 1) * step + size if count else 0


def walk(size: int, dims: Sequence[int], strides: Sequence[int]) -> int:
    """Bytes from the first to the end of the last element of a box, of `size` bytes each; 0 for an empty one."""
    return size + sum((d - 1) * s for d, s in zip(dims, strides)) if prod(dims) else 0


def i32(constants: bytes, at: int) -> int:
    """The i32 at an offset of the constants."""
    return struct.unpack("<i", _part(constants, at, 4))[0]


def furthest(constants: bytes, at: int, count: int) -> int:
    """Of a table of resize: bytes to the furthest neighbour. -1 where an entry makes no sense."""
    table = np.frombuffer(_part(constants, at, 12 * count), "<i4").reshape(-1, 3)
    if not count:
        return 0
    if table.min() < 0 or (table[:, 0] > table[:, 1]).any() or table[:, 2].max() > 1024:
        return -1
    return int(table[:, 1].max())


def largest(constants: bytes, at: int, count: int) -> int:
    """The largest of `count` u16; 0 of none."""
    return int(np.frombuffer(_part(constants, at, 2 * count), "<u2").max(initial=0))


def program_runs(constants: bytes, at: int, count: int, values: int) -> bool:
    """Whether a fixed-point program (FORMAT.md) has registers, values and instructions that exist, and no others."""
    code = _part(constants, at, 4 * count)
    for n in range(count):
        op, d, a, b = code[4 * n : 4 * n + 4]
        if op > _LAST_OP or a >= (values if op == _VALUE else PROGRAM_REGISTERS):
            return False
        if op == _SKIP and n + d >= count or op != _SKIP and d >= PROGRAM_REGISTERS:
            return False
        if op not in (_VALUE, _ONE_OPERAND) and b >= (32 if op in _SHIFTS else PROGRAM_REGISTERS):
            return False
    return True


def _part(constants: bytes, at: int, size: int) -> bytes:
    if not 0 <= at <= at + size <= len(constants):
        raise OutsideConstants
    return constants[at : at + size]


_FUNCTIONS = {
    f.__name__: f for f in (up, spread, walk, i32, furthest, largest, program_runs, prod, min, max, all)
}  # fmt: skip


class _ByNumber(ast.NodeTransformer):
    """Names of words as what they stand for: `words[9]`, or `words[8:12]` for a word of several."""

    def __init__(self, layout: Layout):
        self.layout = layout

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in _FUNCTIONS or node.id == "constants":
            return node
        part = self.layout.slice(node.id)  # KeyError: no such word
        several = part.stop - part.start > 1
        text = f"words[{part.start}:{part.stop}]" if several else f"words[{part.start}]"
        return ast.parse(text, mode="eval").body


def compiled(text: str, layout: Layout) -> Evaluate:
    """The function of (words, constants) that an expression over a layout's words is. KeyError for an unknown word."""
    tree = _ByNumber(layout).visit(ast.parse(text, mode="eval"))
    arguments = ast.parse("lambda words, constants: 0", mode="eval")
    assert isinstance(arguments.body, ast.Lambda)
    arguments.body.body = tree.body
    return eval(compile(ast.fix_missing_locations(arguments), f"<{layout.name}: {text}>", "eval"), dict(_FUNCTIONS))
