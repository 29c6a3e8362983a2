"""add: rows of neighbours through the two tables."""

from __future__ import annotations

from .assembler import Function
from .conv import requantize

REC, X1, X2, Y, LEFT0, LEFT1, LEFT2 = (4 * i for i in range(7))

DOC = """
    y = requantize(table1[x1] + table2[x2]): FORMAT.md pairwise, eq. (2), (3); reference: ref.add.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses a row: a3 x1 | a4 x2 | a5 y | a6 end of y | s0 s1 tables | s2 multiplier | s3 c | s4 shift | s5 2 | s6 -2
         s7 s8 clamps | t0 sum | t1 temporary
         elsewhere: t0-t4 and the rows' starts on the stack
    Stack {frame}
    Numbers table entries Q20 of the common scale, |entry| < 2^28: sum << 2 fits; requantize: as rv32_conv, with
         c = 1 + 2^e + (y_zero_point << e + 1), shift = e + 1 of right_shift e, 1 to 21
    Cost 23 an output; 45 a row
"""


def add() -> Function:
    f = Function("add", DOC, 4 * 7)
    f.enter()
    f.keep(REC, ((5, X1), (7, X2), (6, Y)))
    for word, to in ((27, "s0"), (28, "s1")):
        f.lw(to, 4 * word, "a0")
        f.add(to, to, "a2")
    f.lw("s2", 80, "a0")
    f.lw("t0", 88, "a0")
    f.li("t1", 1)
    f.sll("s3", "t1", "t0")
    f.addi("s3", "s3", 1)
    f.addi("s4", "t0", 1)
    f.lw("t0", 96, "a0")
    f.sll("t0", "t0", "s4")
    f.add("s3", "s3", "t0")
    f.li("s5", 2)
    f.li("s6", -2)
    f.lw("s7", 100, "a0")
    f.lw("s8", 104, "a0")
    f.title("Three dimensions of rows; their strides bring x1 and x2 back where a dimension ends.")
    for i, slot in enumerate((LEFT0, LEFT1, LEFT2)):
        f.lw("t0", 32 + 4 * i, "a0")
        f.sw("t0", slot, "sp")
        f.bne("t0", "zero", f"SOME{i}")
        f.jal("zero", "DONE")
        f.label(f"SOME{i}")
    f.lw("a5", Y, "sp")
    f.label("ROW")
    f.lw("a0", REC, "sp")
    f.lw("a3", X1, "sp")
    f.lw("a4", X2, "sp")
    f.lw("t0", 44, "a0")
    f.add("a6", "a5", "t0")
    f.beq("a6", "a5", "ROW_DONE")
    f.label("OUTPUT")
    f.lbu("t0", 0, "a3")
    f.lbu("t1", 0, "a4")
    f.addi("a3", "a3", 1)
    f.addi("a4", "a4", 1)
    f.slli("t0", "t0", 2)
    f.slli("t1", "t1", 2)
    f.add("t0", "t0", "s0")
    f.add("t1", "t1", "s1")
    f.lw("t0", 0, "t0")
    f.lw("t1", 0, "t1")
    f.add("t0", "t0", "t1")
    late = requantize(f, "t0", "", "s2", "s3", "s5", "s4", "s6", "s7", "s8", "a5", "t1")
    f.addi("a5", "a5", 1)
    f.bne("a5", "a6", "OUTPUT")
    f.jal("zero", "ROW_DONE")
    for label, acc, bound, back in late:
        f.label(label)
        f.mv(acc, bound)
        f.jal("zero", back)
    f.label("ROW_DONE")
    for dimension, slot in ((2, LEFT2), (1, LEFT1), (0, LEFT0)):
        f.lw("t2", 48 + 4 * dimension, "a0")
        f.lw("t3", 64 + 4 * dimension, "a0")
        for at, stride in ((X1, "t2"), (X2, "t3")):
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
            for at, stride in ((X1, "t2"), (X2, "t3")):
                f.mul("t1", stride, "t0")
                f.lw("t4", at, "sp")
                f.sub("t4", "t4", "t1")
                f.sw("t4", at, "sp")
    f.label("DONE")
    f.leave()
    return f
