"""lut and copy: bytes through a table, boxes of bytes from one place to another."""

from __future__ import annotations

from .assembler import Function

LUT = """
    y[i] = table[x[i]]: reference: ref.lut.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses four bytes: a2 table | a3 x | a4 y | a6 end of fours | t0-t3 bytes
         elsewhere: a5 end of x
    Stack {frame}
    Cost 4.8 a byte, 60
"""

COPY = """
    A box of bytes from x to y, both with strides, y's bytes before it filled first: reference: ref.copy.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses a row: a0 record | a3 x | a4 y | t0 bytes | t1 step of x | t2 of y | t3 byte or word | t4 end of words
         elsewhere: a5 y; t0-t4 and the rows' starts on the stack
    Stack {frame}
    Cost 6 a word where steps are 1 and addresses multiples of 4, else 7 a byte; 50 a row
"""

REC, X, Y, LEFT0, LEFT1, LEFT2 = (4 * i for i in range(6))


def lut() -> Function:
    f = Function("lut", LUT, 0)
    f.enter()
    for word, to, base in ((9, "a2", "a2"), (5, "a3", "a1"), (6, "a4", "a1"), (8, "a5", "a3")):
        f.lw("t0", 4 * word, "a0")
        f.add(to, base, "t0")
    f.andi("t0", "t0", -4)
    f.add("a6", "a3", "t0")
    f.beq("a6", "a3", "ONES")
    f.label("FOUR")
    for i in range(4):
        f.lbu(f"t{i}", i, "a3")
    for i in range(4):
        f.add(f"t{i}", f"t{i}", "a2")
    for i in range(4):
        f.lbu(f"t{i}", 0, f"t{i}")
    for i in range(4):
        f.sb(f"t{i}", i, "a4")
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


def copy() -> Function:
    f = Function("copy", COPY, 4 * 6)
    f.enter()
    f.sw("a0", REC, "sp")
    f.lw("t0", 92, "a0")
    f.andi("t0", "t0", 1)
    f.mv("t1", "a1")
    f.beq("t0", "zero", "ARENA")
    f.mv("t1", "a2")
    f.label("ARENA")
    f.lw("t0", 20, "a0")
    f.add("t1", "t1", "t0")
    f.sw("t1", X, "sp")
    f.lw("a5", 24, "a0")
    f.add("a5", "a5", "a1")
    f.title("What is filled with one value")
    f.lw("t1", 80, "a0")
    f.lw("t2", 84, "a0")
    f.mv("t0", "a5")
    f.add("t1", "t1", "a5")
    f.beq("t0", "t1", "FILLED")
    f.label("FILL")
    f.sb("t2", 0, "t0")
    f.addi("t0", "t0", 1)
    f.bne("t0", "t1", "FILL")
    f.label("FILLED")
    f.lw("t0", 88, "a0")
    f.add("a5", "a5", "t0")
    f.sw("a5", Y, "sp")
    f.title("Three dimensions of rows, as in add")
    for i, slot in enumerate((LEFT0, LEFT1, LEFT2)):
        f.lw("t0", 32 + 4 * i, "a0")
        f.sw("t0", slot, "sp")
        f.bne("t0", "zero", f"SOME{i}")
        f.jal("zero", "DONE")
        f.label(f"SOME{i}")
    f.label("ROW")
    f.lw("a0", REC, "sp")
    f.lw("a3", X, "sp")
    f.lw("a4", Y, "sp")
    f.lw("t0", 44, "a0")
    f.lw("t1", 60, "a0")
    f.lw("t2", 76, "a0")
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
    f.label("BYTES")
    f.beq("t0", "zero", "ROW_DONE")
    f.label("BYTE")
    f.lbu("t3", 0, "a3")
    f.add("a3", "a3", "t1")
    f.sb("t3", 0, "a4")
    f.add("a4", "a4", "t2")
    f.addi("t0", "t0", -1)
    f.bne("t0", "zero", "BYTE")
    f.label("ROW_DONE")
    for dimension, slot in ((2, LEFT2), (1, LEFT1), (0, LEFT0)):
        f.lw("t2", 48 + 4 * dimension, "a0")
        f.lw("t3", 64 + 4 * dimension, "a0")
        for at, stride in ((X, "t2"), (Y, "t3")):
            f.lw("t0", at, "sp")
            f.add("t0", "t0", stride)
            f.sw("t0", at, "sp")
        f.lw("t0", slot, "sp")
        f.addi("t0", "t0", -1)
        f.sw("t0", slot, "sp")
        f.beq("t0", "zero", f"DIMENSION{dimension}")
        f.jal("zero", "ROW")
        f.label(f"DIMENSION{dimension}")
        if dimension:
            f.lw("t0", 32 + 4 * dimension, "a0")
            f.sw("t0", slot, "sp")
            for at, stride in ((X, "t2"), (Y, "t3")):
                f.mul("t1", stride, "t0")
                f.lw("t4", at, "sp")
                f.sub("t4", "t4", "t1")
                f.sw("t4", at, "sp")
    f.label("DONE")
    f.leave()
    return f
