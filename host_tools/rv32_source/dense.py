"""fully_connected: rows of weights as they lie in the file, two products a multiplication in its middle lane."""

from __future__ import annotations

from .assembler import Function, POOL
from .conv import requantize

REC, X_AT, Y_AT, CONST, TABLE, TABLE_END, ROWS, GROUP_AT, LEFT, K4, REC_BYTES, LOW, HIGH, Y_STEP = (4 * i for i in range(14))
ENTRY = 20  # bytes of scratch a window
HEAD = 32 + 8 * 16  # first sums and requantizers of eight channels

DOC = """
    y = requantize(bias + sum((x - x_zero_point) * w)): FORMAT.md eq. (2), (3); reference: ref.fully_connected.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses products: ra t0 t1 t2 s0 s1 a0 a1 sums of eight channels | a2-a7 s2 s3 their rows | s4 s5 x, two lanes each
         s6 s7 what is added | s8 table | s9 its end | s10 segments | s11 mask | t3 t4 w | t5 t6 temporary
         elsewhere: as each part says
    Stack {frame}
    Numbers x Q0 int8; w + 128 Q0 as the file has it, four a word: even, odd = word & 0x00FF00FF, word >> 8 & 0x00FF00FF.
         even * (x2 + x0 * 2^16) = x2 w0 + (x0 w0 + x2 w2) * 2^16 modulo 2^32, odd with x3, x1 alike; what the 128s add
         depends on x alone, the table has it: c. T = both + c: low lane + 0x7F00 in [0, 2^16), high lane - 256 in
         [-2^15, 2^15) where the host proves it for a segment of 16 inputs and 8 channels, else even and odd apart.
         sum += T >> 16. requantize: as rv32_conv
    Cost 2.69 instructions a product, 3.5 in segments that are split; 5.5 an input; 17 an output
"""


def fully_connected() -> Function:
    f = Function("fully_connected", DOC, 4 * 14)
    f.enter()
    _setup(f)
    _table(f)
    _groups(f)
    _segments(f)
    _outputs(f)
    f.leave()
    return f


def _setup(f: Function) -> None:
    f.title("Addresses and sizes.")
    f.keep(REC, ((5, X_AT), (6, Y_AT), (7, TABLE)), CONST)
    f.lw("t1", 44, "a0")
    f.addi("t1", "t1", 3)
    f.srli("t1", "t1", 2)
    f.slli("t2", "t1", 2)
    f.sw("t2", K4, "sp")
    f.text("segments of 4 windows")
    f.addi("t1", "t1", 3)
    f.srli("t1", "t1", 2)
    f.li("t2", 4 * ENTRY)
    f.mul("t2", "t2", "t1")
    f.add("t0", "t0", "t2")
    f.sw("t0", TABLE_END, "sp")
    f.text("a group record: a byte a segment")
    f.addi("t1", "t1", HEAD + 3)
    f.srli("t1", "t1", 2)
    f.slli("t1", "t1", 2)
    f.sw("t1", REC_BYTES, "sp")
    f.lw("t0", 100, "a0")
    f.sw("t0", LOW, "sp")
    f.lw("t0", 104, "a0")
    f.sw("t0", HIGH, "sp")
    f.text("y_step, or out_c")
    f.lw("t0", 128, "a0")
    f.bne("t0", "zero", "A_PIECE")
    f.lw("t0", 56, "a0")
    f.label("A_PIECE")
    f.sw("t0", Y_STEP, "sp")
    f.lw("t0", 32, "a0")
    f.lw("t1", 48, "a0")
    f.mul("t0", "t0", "t1")
    f.lw("t1", 52, "a0")
    f.mul("t0", "t0", "t1")
    f.bne("t0", "zero", "ROWS")
    f.jal("zero", "DONE")
    f.label("ROWS")
    f.text("a later piece of an op of one row finds its table there")
    f.sw("t0", ROWS, "sp")
    f.addi("t0", "t0", -1)
    f.bne("t0", "zero", "ROW")
    f.lw("t1", 132, "a0")
    f.beq("t1", "zero", "ROW")
    f.jal("zero", "TABLE_DONE")


def _table(f: Function) -> None:
    f.title("A row of x as a table: {x2 + x0 << 16, x3 + x1 << 16, c of both, c of even, c of odd} a window of four.")
    f.title("a0 x | a1 inputs left | a2 table | a3 its end | a4 128 * 65537 | a5 C | a6 4 | t0 t1 t2 t3 x | t4 t5 t6 temporary")
    f.label("ROW")
    f.lw("a0", X_AT, "sp")
    f.lw("a1", REC, "sp")
    f.lw("a1", 44, "a1")
    f.lw("a2", TABLE, "sp")
    f.lw("a3", TABLE_END, "sp")
    f.li("a4", 0x00800080)
    f.li("a5", -(1 << 24) + 0x7F00)
    f.li("a6", 4)
    f.label("TABLE")
    f.blt("a1", "a6", "NOT_FOUR")
    f.lb("t0", 0, "a0")
    f.lb("t1", 1, "a0")
    f.lb("t2", 2, "a0")
    f.lb("t3", 3, "a0")
    f.label("FOUR")
    f.slli("t0", "t0", 16)
    f.slli("t1", "t1", 16)
    f.add("t0", "t0", "t2")
    f.add("t1", "t1", "t3")
    f.mul("t4", "t0", "a4")
    f.mul("t5", "t1", "a4")
    f.sw("t0", 0, "a2")
    f.sw("t1", 4, "a2")
    f.sub("t4", "a5", "t4")
    f.sub("t6", "t4", "t5")
    f.sub("t5", "a5", "t5")
    f.sw("t6", 8, "a2")
    f.sw("t4", 12, "a2")
    f.sw("t5", 16, "a2")
    f.addi("a0", "a0", 4)
    f.addi("a1", "a1", -4)
    f.addi("a2", "a2", ENTRY)
    f.bne("a2", "a3", "TABLE")
    f.jal("zero", "TABLE_DONE")
    f.title("The last inputs, and nothing to the end of the segment.")
    f.label("NOT_FOUR")
    for i in range(4):
        f.li(f"t{i}", 0)
    for i in range(3):
        f.li("t4", i + 1)
        f.blt("a1", "t4", "FOUR")
        f.lb(f"t{i}", i, "a0")
    f.jal("zero", "FOUR")
    f.label("TABLE_DONE")


SUM, ROW, XS, ADD = POOL[:8], POOL[8:16], POOL[16:18], POOL[18:20]
TABLE_AT, END, FLAGS, MASK, W, T = POOL[20], POOL[21], POOL[22], POOL[23], POOL[24:26], POOL[26:28]


def _groups(f: Function) -> None:
    f.lw("t0", REC, "sp")
    f.lw("t1", 56, "t0")
    f.addi("t1", "t1", 7)
    f.srli("t1", "t1", 3)
    f.sw("t1", LEFT, "sp")
    f.lw("t1", CONST, "sp")
    f.lw("t0", 120, "t0")
    f.add("t0", "t0", "t1")
    f.sw("t0", GROUP_AT, "sp")
    f.title("Eight channels.")
    f.label("GROUP")
    f.lw(T[0], GROUP_AT, "sp")
    f.lw(W[0], CONST, "sp")
    f.lw(W[1], REC, "sp")
    f.lw(W[1], 108, W[1])
    f.add(W[0], W[0], W[1])
    f.lw(W[1], K4, "sp")
    for i in range(8):
        f.lw(T[1], 32 + 16 * i + 12, T[0])
        f.lw(SUM[i], 4 * i, T[0])
        f.mul(T[1], T[1], W[1])
        f.add(ROW[i], T[1], W[0])
    f.addi(FLAGS, T[0], HEAD)
    f.lw(TABLE_AT, TABLE, "sp")
    f.lw(END, TABLE_END, "sp")
    f.li(MASK, 0x00FF00FF)


def _segments(f: Function) -> None:
    f.label("SEGMENT")
    f.lbu(T[0], 0, FLAGS)
    f.addi(FLAGS, FLAGS, 1)
    f.lw(W[0], 0, ROW[0])
    f.beq(T[0], "zero", "WHOLE")
    f.jal("zero", "SPLIT")
    f.label("WHOLE")
    for window in range(4):
        f.lw(XS[0], ENTRY * window, TABLE_AT)
        f.lw(XS[1], ENTRY * window + 4, TABLE_AT)
        f.lw(ADD[0], ENTRY * window + 8, TABLE_AT)
        for i in range(8):
            w, following = W[i % 2], W[1 - i % 2]
            f.and_(T[0], w, MASK)
            f.srli(w, w, 8)
            f.mul(T[0], T[0], XS[0])
            f.and_(w, w, MASK)
            if i < 7:
                f.lw(following, 4 * window, ROW[i + 1])
            elif window < 3:
                f.lw(following, 4 * window + 4, ROW[0])
            f.mul(w, w, XS[1])
            f.add(T[0], T[0], ADD[0])
            f.add(T[0], T[0], w)
            f.srai(T[0], T[0], 16)
            f.add(SUM[i], SUM[i], T[0])
    for row in ROW:
        f.addi(row, row, 16)
    f.addi(TABLE_AT, TABLE_AT, 4 * ENTRY)
    f.label("SEGMENT_DONE")
    f.beq(TABLE_AT, END, "SUMS")
    f.jal("zero", "SEGMENT")
    f.label("SPLIT")
    f.addi(T[1], TABLE_AT, 4 * ENTRY)
    f.label("SPLIT4")
    f.lw(XS[0], 0, TABLE_AT)
    f.lw(XS[1], 4, TABLE_AT)
    f.lw(ADD[0], 12, TABLE_AT)
    f.lw(ADD[1], 16, TABLE_AT)
    f.addi(TABLE_AT, TABLE_AT, ENTRY)
    for i in range(8):
        w, t = W[0], T[0]
        f.lw(w, 0, ROW[i])
        f.addi(ROW[i], ROW[i], 4)
        f.and_(t, w, MASK)
        f.srli(w, w, 8)
        f.and_(w, w, MASK)
        f.mul(t, t, XS[0])
        f.mul(w, w, XS[1])
        f.add(t, t, ADD[0])
        f.srai(t, t, 16)
        f.add(SUM[i], SUM[i], t)
        f.add(w, w, ADD[1])
        f.srai(w, w, 16)
        f.add(SUM[i], SUM[i], w)
    f.bne(TABLE_AT, T[1], "SPLIT4")
    f.jal("zero", "SEGMENT_DONE")


def _outputs(f: Function) -> None:
    free = [r for r in POOL if r not in SUM]
    multiplier, c, pre, shift, fix, low, high, out, y, t, group = free[:11]
    f.title(f"{multiplier} multiplier | {c} c | {pre} pre | {shift} shift | {fix} fix | {low} {high} clamps | {out} {y} y | {t} temporary | {group} group")
    f.label("SUMS")
    f.lw(group, GROUP_AT, "sp")
    f.lw(y, Y_AT, "sp")
    f.lw(low, LOW, "sp")
    f.lw(high, HIGH, "sp")
    late = []
    for i in range(8):
        at = 32 + 16 * i
        f.lw(out, at + 12, group)
        f.lw(multiplier, at, group)
        f.lbu(pre, at + 8, group)
        f.lw(c, at + 4, group)
        f.lbu(shift, at + 9, group)
        f.lb(fix, at + 10, group)
        f.add(out, out, y)
        late += requantize(f, SUM[i], str(i), multiplier, c, pre, shift, fix, low, high, out, t)
    f.jal("zero", "GROUP_DONE")
    for label, acc, bound, back in late:
        f.label(label)
        f.mv(acc, bound)
        f.jal("zero", back)
    f.label("GROUP_DONE")
    f.lw("t0", REC_BYTES, "sp")
    f.add("t0", "t0", group)
    f.sw("t0", GROUP_AT, "sp")
    f.lw("t0", LEFT, "sp")
    f.addi("t0", "t0", -1)
    f.sw("t0", LEFT, "sp")
    f.beq("t0", "zero", "GROUPS_DONE")
    f.jal("zero", "GROUP")
    f.label("GROUPS_DONE")
    f.title("The next row.")
    f.lw("t1", REC, "sp")
    f.lw("t2", 44, "t1")
    f.lw("t0", X_AT, "sp")
    f.add("t0", "t0", "t2")
    f.sw("t0", X_AT, "sp")
    f.lw("t2", Y_STEP, "sp")
    f.lw("t0", Y_AT, "sp")
    f.add("t0", "t0", "t2")
    f.sw("t0", Y_AT, "sp")
    f.lw("t0", ROWS, "sp")
    f.addi("t0", "t0", -1)
    f.sw("t0", ROWS, "sp")
    f.beq("t0", "zero", "DONE")
    f.jal("zero", "ROW")
    f.label("DONE")
