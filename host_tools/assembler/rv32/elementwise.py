"""add: rows of neighbours through the two tables."""

from __future__ import annotations

from ...record import ADD
from . import rows
from .requantize import Slot, clamps
from .writer import Function, device_file

DOC = """
    y = requantize(table1[x1] + table2[x2]): FORMAT.md pairwise, eq. (2), (3); reference: ref.add.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses a row: a3 x1 | a4 x2 | a5 y | a6 end of y | s0 s1 tables | s2 multiplier | s3 c | s4 shift | s5 2 | s6 -2
         s7 s8 clamps | t0 sum | t1 temporary
         elsewhere: t0-t4 and the rows' starts on the stack
    Stack {frame}
    Numbers table entries Q20 of the common scale, |entry| < 2^28: sum << 2 fits; requantize: as rv32.conv, with
         c = 1 + 2^e + (y_zero_point << e + 1), shift = e + 1 of right_shift e, 1 to 21
    Cost 23 per output; 45 per row
"""


def file() -> str:
    return device_file("add in RV32IMC assembler: rows of neighbours, rescaled to less.", add(), "kernels = {7: add}")


def add() -> Function:
    f = Function("add", DOC, ADD, "record x1 x2 y left0 left1 left2")
    slot = Slot("s2", "s3", "s5", "s4", "s6", "s7", "s8", "a5", "t1")
    f.enter()
    f.keep(("x_offset", "x1"), ("x2_offset", "x2"), ("y_offset", "y"))
    for name, table in (("table1_offset", "s0"), ("table2_offset", "s1")):
        f.word(table, name)
        f.add(table, table, "a2")
    f.word(slot.multiplier, "multiplier")
    f.word("t0", "right_shift")
    f.li("t1", 1)
    f.sll(slot.c, "t1", "t0")
    f.addi(slot.c, slot.c, 1)
    f.addi(slot.shift, "t0", 1)
    f.word("t0", "y_zero_point")
    f.sll("t0", "t0", slot.shift)
    f.add(slot.c, slot.c, "t0")
    f.li(slot.pre, 2)
    f.li(slot.fix, -2)
    f.word(slot.low, "clamp_min")
    f.word(slot.high, "clamp_max")
    f.title("Three dimensions of rows; their strides bring x1 and x2 back where a dimension ends.")
    rows.start(f)
    f.get("a5", "y")
    f.label("ROW")
    f.get(a0="record", a3="x1", a4="x2")
    f.word("t0", "dims3")
    f.add("a6", "a5", "t0")
    f.beq("a6", "a5", "ROW_DONE")
    f.label("OUTPUT")
    entries = (("t0", "a3", "s0"), ("t1", "a4", "s1"))  # sum and temporary as: byte, its table's entry
    for entry, x, _ in entries:
        f.lbu(entry, 0, x)
    for _, x, _ in entries:
        f.addi(x, x, 1)
    for entry, _, _ in entries:
        f.slli(entry, entry, 2)
    for entry, _, table in entries:
        f.add(entry, entry, table)
    for entry, _, _ in entries:
        f.lw(entry, 0, entry)
    f.add("t0", "t0", "t1")
    late = slot.requantize(f, "t0")
    f.addi("a5", "a5", 1)
    f.bne("a5", "a6", "OUTPUT")
    f.goto("ROW_DONE")
    clamps(f, late)
    rows.end(f, ("x1", "x1_strides"), ("x2", "x2_strides"))
    f.label("DONE")
    f.leave()
    return f
