"""lut: bytes through a table."""

from __future__ import annotations

from ...record import TABLE
from .writer import Function, device_file

DOC = """
    y[i] = table[x[i]]: reference: ref.lut.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses four bytes: a2 table | a3 x | a4 y | a6 end of fours | t0-t3 bytes
         elsewhere: a5 end of x
    Stack {frame}
    Cost 4.8 per byte, 60
"""


def file() -> str:
    return device_file("lut in RV32IMC assembler: four bytes at a time.", lut(), "kernels = {11: lut}")


def lut() -> Function:
    f = Function("lut", DOC, TABLE)
    f.enter()
    for name, to, base in (
        ("table_offset", "a2", "a2"),
        ("x_offset", "a3", "a1"),
        ("y_offset", "a4", "a1"),
        ("count", "a5", "a3"),
    ):
        f.word("t0", name)
        f.add(to, base, "t0")
    f.andi("t0", "t0", -4)
    f.add("a6", "a3", "t0")
    f.beq("a6", "a3", "ONES")
    f.label("FOUR")
    byte = ("t0", "t1", "t2", "t3")
    for i, r in enumerate(byte):
        f.lbu(r, i, "a3")
    for r in byte:
        f.add(r, r, "a2")
    for r in byte:
        f.lbu(r, 0, r)
    for i, r in enumerate(byte):
        f.sb(r, i, "a4")
    f.addi("a3", "a3", 4)
    f.addi("a4", "a4", 4)
    f.bne("a3", "a6", "FOUR")
    f.label("ONES")
    f.beq("a3", "a5", "DONE")
    f.label("ONE")
    f.lbu("t0", 0, "a3")
    f.addi("a3", "a3", 1)
    f.add("t0", "t0", "a2")
    f.lbu("t0", 0, "t0")
    f.sb("t0", 0, "a4")
    f.addi("a4", "a4", 1)
    f.bne("a3", "a5", "ONE")
    f.label("DONE")
    f.leave()
    return f
