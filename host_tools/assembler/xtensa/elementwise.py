"""add: rows of neighbours through the two tables."""

from __future__ import annotations

from ...record import ADD
from ..fields import Field
from ..words import numbered
from .requantize import clamp, rounding, short
from .writer import Function

ADD_ROW = """
    y = requantize(table1[x1] + table2[x2]) for n neighbours: FORMAT.md pairwise, eq. (2), (3); reference: ref.add.
    In   a5 args: record, x1, x2, y, table1, table2    left_shift 0, right_shift e of 1 to 21, |table entry| < 2^28
    Uses a2 record, x2's entry | a3 x1 | a4 x2 | a5 y | a6 table1 | a7 table2 | a8 multiplier | a9 constant
         a10 sum, q, y | a11 entry, sign | a12 clamp_min | a13 clamp_max | a14 n    SAR e + 1
    Cost 19 per output, 40
"""


def _word(name: str) -> Field:
    """A word of the record at a2."""
    return Field("a2", 4 * numbered(ADD)[name], name)


def add_row() -> Function:
    f = Function("add_row", ADD_ROW)
    f.take_numbers("a2", "a3", "a4", "a5", "a6", "a7")
    for r, name in (("a8", "multiplier"), ("a10", "right_shift"), ("a9", "y_zero_point")):
        f.l32i(r, _word(name))
    rounding(f, "a9", "a9", "a10")
    for r, name in (("a12", "clamp_min"), ("a13", "clamp_max"), ("a14", "dims3")):
        f.l32i(r, _word(name))
    with f.loopnez("a14", "OUTPUT"):
        f.l8ui("a10", "a3", 0)
        f.l8ui("a11", "a4", 0)
        f.addi("a3", "a3", 1)
        f.addx4("a10", "a10", "a6")
        f.addx4("a11", "a11", "a7")
        f.l32i("a10", "a10", 0)
        f.l32i("a11", "a11", 0)
        f.addi("a4", "a4", 1)
        f.add("a10", "a10", "a11")
        f.slli("a10", "a10", 2, note="4 * sum")
        short(f, "a10", "a8", "a9", "a11")
        clamp(f, "a10", "a12", "a13")
        f.s8i("a10", "a5", 0)
        f.addi("a5", "a5", 1)
    f.done()
    return f
