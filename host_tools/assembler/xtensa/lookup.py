"""lut: bytes through a table."""

from __future__ import annotations

from .writer import Function

LOOK_UP = """
    y[i] = table[x[i]] for n bytes; y may lie over x, from its start on: reference: ref.lut.
    In   a5 args: x, y, table, n
    Uses a2 x | a3 y | a4 table | a5 args, n / 4 | a6 n | a7 to a10 bytes
    Cost 4.5 per byte, 20
"""


def look_up() -> Function:
    f = Function("look_up", LOOK_UP)
    byte = ("a7", "a8", "a9", "a10")
    f.take_numbers("a2", "a3", "a4", "a6")
    f.srli("a5", "a6", 2)
    with f.loopnez("a5", "FOUR"):
        for i, r in enumerate(byte):
            f.l8ui(r, "a2", i)
        f.each("add", byte, "a4")
        f.each("l8ui", byte, 0)
        for i, r in enumerate(byte):
            f.s8i(r, "a3", i)
        f.addi("a2", "a2", 4)
        f.addi("a3", "a3", 4)
    f.extui("a6", "a6", 0, 2)
    with f.loopnez("a6", "ONE"):
        f.l8ui("a7", "a2", 0)
        f.addi("a2", "a2", 1)
        f.add("a7", "a7", "a4")
        f.l8ui("a7", "a7", 0)
        f.s8i("a7", "a3", 0)
        f.addi("a3", "a3", 1)
    f.done()
    return f
