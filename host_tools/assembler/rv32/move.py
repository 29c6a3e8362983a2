"""copy: boxes of bytes from one address to another."""

from __future__ import annotations

from ...record import BOX
from . import rows
from .writer import Function, device_file

DOC = """
    A box of bytes from x to y, both with strides, y's bytes before it filled first: reference: ref.copy.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses a row: a0 record | a3 x | a4 y | t0 bytes | t1 step of x | t2 of y | t3 byte or word | t4 end of words
         elsewhere: a5 y; t0-t4 and the rows' starts on the stack
    Stack {frame}
    Cost 6 per word where steps are 1 and addresses multiples of 4, else 7 per byte; 50 per row
"""


def file() -> str:
    return device_file("copy in RV32IMC assembler: words where addresses allow it.", copy(), "kernels = {9: copy}")


def copy() -> Function:
    f = Function("copy", DOC, BOX, "record x y left0 left1 left2")
    f.enter()
    f.put("a0", "record")
    f.word("t0", "flags")
    f.andi("t0", "t0", 1)
    f.mv("t1", "a1")
    f.beq("t0", "zero", "ARENA")
    f.mv("t1", "a2")
    f.label("ARENA")
    f.by_word("add", "t1", "t0", "x_offset")
    f.put("t1", "x")
    f.word("a5", "y_offset")
    f.add("a5", "a5", "a1")
    f.title("What is filled with one value")
    f.word(t1="fill_bytes", t2="fill_value")
    f.mv("t0", "a5")
    f.add("t1", "t1", "a5")
    f.beq("t0", "t1", "FILLED")
    f.label("FILL")
    f.sb("t2", 0, "t0")
    f.addi("t0", "t0", 1)
    f.bne("t0", "t1", "FILL")
    f.label("FILLED")
    f.by_word("add", "a5", "t0", "start")
    f.put("a5", "y")
    f.title("Three dimensions of rows, as in add")
    rows.start(f)
    f.label("ROW")
    f.get(a0="record", a3="x", a4="y")
    f.word(t0="dims3", t1="x_strides3", t2="y_strides3")
    _words(f)
    f.label("BYTES")
    f.beq("t0", "zero", "ROW_DONE")
    f.label("BYTE")
    f.lbu("t3", 0, "a3")
    f.add("a3", "a3", "t1")
    f.sb("t3", 0, "a4")
    f.add("a4", "a4", "t2")
    f.addi("t0", "t0", -1)
    f.bne("t0", "zero", "BYTE")
    rows.end(f, ("x", "x_strides"), ("y", "y_strides"))
    f.label("DONE")
    f.leave()
    return f


def _words(f: Function) -> None:
    """Where both steps are 1 and both addresses multiples of 4: words, and 0 to 3 bytes are left in t0."""
    f.li("t3", 1)
    f.bne("t1", "t3", "BYTES")
    f.bne("t2", "t3", "BYTES")
    f.or_("t3", "a3", "a4")
    f.andi("t3", "t3", 3)
    f.bne("t3", "zero", "BYTES")
    f.andi("t4", "t0", -4)
    f.andi("t0", "t0", 3)
    f.add("t4", "t4", "a4")
    f.beq("t4", "a4", "BYTES")
    f.label("WORD")
    f.lw("t3", 0, "a3")
    f.addi("a3", "a3", 4)
    f.sw("t3", 0, "a4")
    f.addi("a4", "a4", 4)
    f.bne("a4", "t4", "WORD")
