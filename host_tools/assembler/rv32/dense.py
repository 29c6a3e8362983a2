"""fully_connected: rows of weights as they lie in the file, two products per multiplication in its middle lane."""

from __future__ import annotations

from ...record import DENSE
from .isa import POOL
from .requantize import SLOT_BYTES, Slot, clamps
from .writer import Function, device_file

CHANNELS = 8  # at a time
ENTRY = 20  # bytes of the table's entry for a window of four inputs
HEAD = 4 * CHANNELS + SLOT_BYTES * CHANNELS  # of a group record: first sums and slots, then a byte per segment
LANES = 0x00FF00FF
C = -(1 << 24) + 0x7F00  # T = sum of 4 products + C: lanes that do not touch
SLOTS = "record x y constants table table_end rows group left k4 group_bytes low high y_step"

DOC = """
    y = requantize(bias + sum((x - x_zero_point) * w)): FORMAT.md eq. (2), (3); reference: ref.fully_connected.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses products: ra t0 t1 t2 s0 s1 a0 a1 sums of eight channels | a2-a7 s2 s3 their rows | s4 s5 x, two lanes each
         s6 s7 what is added | s8 table | s9 its end | s10 segments | s11 mask | t3 t4 w | t5 t6 temporary
         elsewhere: as each part says
    Stack {frame}
    Numbers x Q0 int8; w + 128 Q0 as the file has it, four a word: even = word & 0x00FF00FF, odd = word >> 8 & the same.
         even * (x2 + x0 * 2^16) = x2 w0 + (x0 w0 + x2 w2) * 2^16 modulo 2^32, odd with x3, x1 alike; what the 128s add
         depends on x alone, the table has it: c. T = both + c: low lane + 0x7F00 in [0, 2^16), high lane - 256 in
         [-2^15, 2^15) where the host proves it for a segment of 16 inputs and 8 channels, else even and odd apart.
         sum += T >> 16. requantize: as rv32.conv
    Cost 2.69 instructions per product, 3.5 in segments that are split; 5.5 per input; 17 per output
"""

SUM, ROW, XS, ADD = POOL[:8], POOL[8:16], POOL[16:18], POOL[18:20]
TABLE_AT, END, FLAGS, MASK, W, T = POOL[20], POOL[21], POOL[22], POOL[23], POOL[24:26], POOL[26:28]


def file() -> str:
    return device_file(
        "fully_connected in RV32IMC assembler: four weights a word, two products per multiplication.",
        fully_connected(),
        "# A convolution of one or two pixels, 1 x 1, is one too.\nkernels = {1: fully_connected, 3: fully_connected}",
    )


def fully_connected() -> Function:
    f = Function("fully_connected", DOC, DENSE, SLOTS)
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
    f.keep(("x_offset", "x"), ("y_offset", "y"), ("scratch_offset", "table"), constants=True)
    f.word("t1", "in_c")
    f.addi("t1", "t1", 3)
    f.srli("t1", "t1", 2)
    f.slli("t2", "t1", 2)
    f.put("t2", "k4")
    f.addi("t1", "t1", 3, note="segments of 4 windows")
    f.srli("t1", "t1", 2)
    f.li("t2", 4 * ENTRY)
    f.mul("t2", "t2", "t1")
    f.add("t0", "t0", "t2")
    f.put("t0", "table_end")
    f.addi("t1", "t1", HEAD + 3, note="a group record: a byte per segment")
    f.srli("t1", "t1", 2)
    f.slli("t1", "t1", 2)
    f.put("t1", "group_bytes")
    f.words_to_slots(("clamp_min", "low"), ("clamp_max", "high"))
    f.y_step("y_step")
    f.word("t0", "batches")
    f.by_word("mul", "t0", "t1", "out_h", "out_w")
    f.goto_unless("bne", "t0", "zero", "DONE", "ROWS")
    f.put("t0", "rows", note="a later piece of an op of one row finds its table there")
    f.addi("t0", "t0", -1)
    f.bne("t0", "zero", "ROW")
    f.word("t1", "piece_count")
    f.beq("t1", "zero", "ROW")
    f.goto("TABLE_DONE")


def _table(f: Function) -> None:
    f.title("A row of x as a table: {x2 + x0 << 16, x3 + x1 << 16, c of both, c of even, c of odd} a window of four.")
    f.title(
        "a0 x | a1 inputs left | a2 table | a3 its end | a4 128 * 65537 | a5 C | a6 4 | t0 t1 t2 t3 x"
        " | t4 t5 t6 temporary"
    )
    x = ("t0", "t1", "t2", "t3")
    f.label("ROW")
    f.get(a0="x", a1="record")
    f.word("a1", "in_c", "a1")
    f.get(a2="table", a3="table_end")
    f.li("a4", 128 * 65537)
    f.li("a5", C)
    f.li("a6", 4)
    f.label("TABLE")
    f.blt("a1", "a6", "NOT_FOUR")
    for i in range(4):
        f.lb(x[i], i, "a0")
    f.label("FOUR")
    for i in range(2):
        f.slli(x[i], x[i], 16)
    for i in range(2):
        f.add(x[i], x[i], x[i + 2])
    for t, pair in (("t4", x[0]), ("t5", x[1])):
        f.mul(t, pair, "a4")
    f.sw(x[0], 0, "a2")
    f.sw(x[1], 4, "a2")
    f.sub("t4", "a5", "t4")
    f.sub("t6", "t4", "t5")
    f.sub("t5", "a5", "t5")
    for i, c in enumerate(("t6", "t4", "t5")):
        f.sw(c, 8 + 4 * i, "a2")
    f.addi("a0", "a0", 4)
    f.addi("a1", "a1", -4)
    f.addi("a2", "a2", ENTRY)
    f.bne("a2", "a3", "TABLE")
    f.goto("TABLE_DONE")
    f.title("The last inputs, and nothing to the end of the segment.")
    f.label("NOT_FOUR")
    for i in range(4):
        f.li(x[i], 0)
    for i in range(3):
        f.li("t4", i + 1)
        f.blt("a1", "t4", "FOUR")
        f.lb(x[i], i, "a0")
    f.goto("FOUR")
    f.label("TABLE_DONE")


def _groups(f: Function) -> None:
    f.get("t0", "record")
    f.word("t1", "out_c", "t0")
    f.addi("t1", "t1", CHANNELS - 1)
    f.srli("t1", "t1", 3)
    f.put("t1", "left")
    f.get("t1", "constants")
    f.word("t0", "packed_offset", "t0")
    f.add("t0", "t0", "t1")
    f.put("t0", "group")
    f.title("Eight channels.")
    f.label("GROUP")
    f.get(T[0], "group")
    f.get(W[0], "constants")
    f.get(W[1], "record")
    f.word(W[1], "weights_offset", W[1])
    f.add(W[0], W[0], W[1])
    f.get(W[1], "k4")
    for i in range(CHANNELS):
        f.lw(T[1], 4 * CHANNELS + SLOT_BYTES * i + 12, T[0])
        f.lw(SUM[i], 4 * i, T[0])
        f.mul(T[1], T[1], W[1])
        f.add(ROW[i], T[1], W[0])
    f.addi(FLAGS, T[0], HEAD)
    f.get(TABLE_AT, "table")
    f.get(END, "table_end")
    f.li(MASK, LANES)


def _segments(f: Function) -> None:
    """16 inputs of eight channels: where the host proves that both products' lanes fit, four at once; else two."""
    f.label("SEGMENT")
    f.lbu(T[0], 0, FLAGS)
    f.addi(FLAGS, FLAGS, 1)
    f.lw(W[0], 0, ROW[0])
    f.goto_unless("beq", T[0], "zero", "SPLIT", "WHOLE")
    for window in range(4):
        for i, to in enumerate((*XS, ADD[0])):
            f.lw(to, ENTRY * window + 4 * i, TABLE_AT)
        for i in range(CHANNELS):
            w, following = W[i % 2], W[1 - i % 2]
            f.and_(T[0], w, MASK)
            f.srli(w, w, 8)
            f.mul(T[0], T[0], XS[0])
            f.and_(w, w, MASK)
            if i + 1 < CHANNELS:
                f.lw(following, 4 * window, ROW[i + 1])
            elif window < 3:
                f.lw(following, 4 * window + 4, ROW[0])
            f.mul(w, w, XS[1])
            f.add(T[0], T[0], ADD[0])
            f.add(T[0], T[0], w)
            _high_lane(f, T[0], SUM[i])
    for row in ROW:
        f.addi(row, row, 16)
    f.addi(TABLE_AT, TABLE_AT, 4 * ENTRY)
    f.label("SEGMENT_DONE")
    f.beq(TABLE_AT, END, "SUMS")
    f.goto("SEGMENT")
    f.label("SPLIT")
    f.addi(T[1], TABLE_AT, 4 * ENTRY)
    f.label("SPLIT4")
    for to, at in ((XS[0], 0), (XS[1], 4), (ADD[0], 12), (ADD[1], 16)):
        f.lw(to, at, TABLE_AT)
    f.addi(TABLE_AT, TABLE_AT, ENTRY)
    for i in range(CHANNELS):
        w, t = W[0], T[0]
        f.lw(w, 0, ROW[i])
        f.addi(ROW[i], ROW[i], 4)
        f.and_(t, w, MASK)
        f.srli(w, w, 8)
        f.and_(w, w, MASK)
        f.mul(t, t, XS[0])
        f.mul(w, w, XS[1])
        for lanes, c in ((t, ADD[0]), (w, ADD[1])):
            f.add(lanes, lanes, c)
            _high_lane(f, lanes, SUM[i])
    f.bne(TABLE_AT, T[1], "SPLIT4")
    f.goto("SEGMENT_DONE")


def _high_lane(f: Function, lanes: str, total: str) -> None:
    f.srai(lanes, lanes, 16)
    f.add(total, total, lanes)


def _outputs(f: Function) -> None:
    free = [r for r in POOL if r not in SUM]
    slot, y, group = Slot(*free[:8], t=free[9]), free[8], free[10]
    f.title(
        f"{slot.multiplier} multiplier | {slot.c} c | {slot.pre} pre | {slot.shift} shift | {slot.fix} fix"
        f" | {slot.low} {slot.high} clamps | {slot.out} {y} y | {slot.t} temporary | {group} group"
    )
    f.label("SUMS")
    f.get(group, "group")
    f.get(y, "y")
    f.get(slot.low, "low")
    f.get(slot.high, "high")
    late = []
    for i in range(CHANNELS):
        slot.load(f, 4 * CHANNELS + SLOT_BYTES * i, group, f"channel={slot.out} multiplier pre c shift fix")
        f.add(slot.out, slot.out, y)
        late += slot.requantize(f, SUM[i], str(i))
    f.goto("GROUP_DONE")
    clamps(f, late)
    f.label("GROUP_DONE")
    f.get("t0", "group_bytes")
    f.add("t0", "t0", group)
    f.put("t0", "group")
    f.count_down("left", "GROUP", "GROUPS_DONE")
    f.title("The next row.")
    f.get("t1", "record")
    f.word("t2", "in_c", "t1")
    f.bump("x", "t2")
    f.get("t2", "y_step")
    f.bump("y", "t2")
    f.count_down("rows", "ROW", "DONE")
