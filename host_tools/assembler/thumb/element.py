"""lut, channel_lut, copy and mul: bytes one by one, or as many at a time as addresses allow."""

from __future__ import annotations

from ...record import BOX, CHANNEL_TABLES, MUL, TABLE
from ..fields import words
from .macros import counted, put, rounded, spread, state_array
from .requantize import clamp
from .writer import Function, described, device_file, driver, kernel

STATE = words(
    "r0", ("boxes", "dimension 0"), ("planes", "dimension 1"), ("rows", "dimension 2"), ("row", "elements of a row"),
    ("x_step", "x: bytes from an element to the next"), ("x_after_row", "from the end of a row to what follows"),
    ("x_after_plane", "of dimension 2"), ("x_after_box", "of dimension 1"),
    ("y_step", "the same of y, or of mul's x2"), "y_after_row", "y_after_plane", "y_after_box",
    ("neighbours", "not 0: rows of neighbours, in x and in y"),
    ("m0", "mul: multiplier = m1 * 2^16 + m0, Q31: m0 in -2^15 to 2^15 - 1"), ("m1", "<= 2^15"), "right_shift",
    ("rounding", "2^(right_shift - 1) + (y_zero_point << right_shift)"), "clamp_min", "clamp_max", "y",
    ("minus_z1", "-zero points"), "minus_z2", ("planes_again", "as planes"),
)  # fmt: skip
HEAD = f"""
Element by element in Thumb: lookup tables, copies of boxes, mul. See ref/lookup.py, move.py, elementwise.py.

Blocks of bytes are read before they are written, in rising order: the plan may have laid y over x for that order.

State, byte offsets:
{described(STATE)}
"""
TABLES = words("r2", "which", "tables", "a", "which_end", "c")
TABLES_FRAME = words("sp", "state")
PRODUCT = words("sp", "state", "x_step", "x2_step", "clamp_min", "clamp_max", "rows")


@kernel("r0 r1 r2 r3")
def table(f: Function) -> None:
    """
    y[i] = table[x[i]], raw bytes; reference: ref.lut.
    In   r0 *x | r1 *y | r2 *table u8[256] | r3 bytes    Uses r4, r5 temporary    Stack 0
    Cost 53 cycles eight bytes, 12 each of the up to seven before them (counted).
    """
    f.mov("r4", 7)
    f.and_("r4", "r3")
    f.beq("EIGHTS")
    with f.loop("ONE", count="r4", note="12 cycles a byte"):
        _look_up(f, "r5", 1)
    f.label("EIGHTS").lsr("r3", "r3", 3)
    f.beq("END")
    with f.loop("EIGHT", count="r3", note="53 cycles eight bytes"):
        _look_up(f, "r4", 8)
    f.label("END")


def _look_up(f: Function, t: str, count: int) -> None:
    for i in range(count):
        f.ldrb(t, "r0", i).ldrb(t, "r2", t, note="table[x]").strb(t, "r1", i)
    f.add(r0=count, r1=count)


@kernel("r0 r1 r2", frame=TABLES_FRAME)
def tables(f: Function) -> None:
    """
    y[a, b, c] = table[which[b]][x[a, b, c]], none of the dimensions 0; reference: ref.lookup.channel_lut.
    In   r0 *x | r1 *y | r2 *{which u16[b], tables, a, end of which, c}
    Uses r2, r3 which, its end | r4 table, temporary | r5, r7 bytes left, c | r6 temporary | r12 planes left | lr tables
    Stack 4
    Cost 11 cycles a byte, 9 an index (counted).
    """
    f.str("r2", TABLES_FRAME.state)
    spread(f, "r4", TABLES, a="r12", tables="lr")
    f.ldr("r7", TABLES.c)
    with counted(f, "PLANE", "r12", "r4"):
        f.ldr(r4=TABLES_FRAME.state, r2=TABLES.at("r4").which, r3=TABLES.at("r4").which_end)
        with f.loop("INDEX", until=("r2", "r3"), note="20 cycles where it has one byte"):
            f.ldrh("r4", "r2", 0, note="which").add("r2", 2)
            f.lsl("r4", "r4", 8, note="256 bytes a table").add("r4", "lr")
            f.mov("r5", "r7", note="c")
            with f.loop("BYTE", count="r5", note="11 cycles"):
                f.ldrb("r6", "r0", 0).add("r0", 1)
                f.ldrb("r6", "r4", "r6", note="table[x]")
                put(f, "r6", "r1")


@kernel("r0 r1 r2")
def fill(f: Function) -> None:
    """
    y[i] = value; reference: ref.copy.
    In   r0 *y | r1 value, 0 to 255 | r2 bytes    Uses r1, r3-r5 value four times | r3 temporary    Stack 0
    Cost 8 cycles 16 bytes (counted).
    """
    for bits in (8, 16):
        f.lsl("r3", "r1", bits).orr("r1", "r3")
    f.b("HEAD")
    f.label("BYTE", note="9 cycles a byte, until y is a multiple of 4")
    put(f, "r1", "r0")
    f.sub("r2", 1)
    f.label("HEAD").beq("r2", 0, "END")
    f.lsl("r3", "r0", 30, note="bits 0 and 1 of y").bne("BYTE")
    f.sub("r2", 16).bmi("AFTER")
    f.mov(r3="r1", r4="r1", r5="r1")
    with f.loop("WORDS", count="r2", by=16, go="bpl", note="8 cycles 16 bytes"):
        f.stm("r0", "r1 r3 r4 r5")
    f.label("AFTER").add("r2", 16).beq("END")
    with f.loop("LAST", count="r2", note="6 cycles a byte"):
        put(f, "r1", "r0")
    f.label("END")


@kernel("r0 r1 r2", "r4 r5 r6 r7")
def box(f: Function) -> None:
    """
    A box of four dimensions, none of them 0; reference: ref.copy.
    In   r0 *state | r1 *x | r2 *y
    Uses r3 bytes left | r4-r7 bytes and words | r4, r5 steps | r0, r6 temporary | r8, r9 from row to row
         r10 *state | r11, r12, lr what is left of dimensions 2, 1, 0    Stack 16
    Cost 13 cycles 16 bytes where x and y are words apart, 5.25 a byte where not, 6.75 with steps; about 40 a row
         (counted).
    """
    f.mov("r10", "r0")
    spread(f, "r3", STATE, x_after_row="r8", y_after_row="r9", boxes="lr")
    with counted(f, "BOX", "lr", "r3"):
        spread(f, "r3", STATE, planes="r12")
        with counted(f, "PLANE", "r12", "r3"):
            spread(f, "r3", STATE, rows="r11")
            with counted(f, "ROW", "r11", "r3"):
                _row(f)
                f.add(r1="r8", r2="r9")
            f.mov("r0", "r10")
            _after(f, "plane", "r3")
        _after(f, "box", "r3")


def _after(f: Function, what: str, via: str) -> None:
    """From the end of a row, plane or box to what follows: x, and y or x2."""
    f.add("r1", getattr(STATE, f"x_after_{what}"), via=via)
    f.add("r2", getattr(STATE, f"y_after_{what}"), via=via)


def _row(f: Function) -> None:
    """Copies a row: neighbours as words where x and y lie alike, else four bytes at a time; others by their steps."""
    f.mov("r0", "r10")
    f.ldr(r3=STATE.row, r4=STATE.x_step, r5=STATE.y_step, r6=STATE.neighbours)
    f.beq("r6", 0, "STEPS")
    f.bcc("r3", 4, "REST")
    f.mov("r6", "r1").eor("r6", "r2").lsl("r6", "r6", 30, note="do they lie alike").bne("APART")
    f.b("HEAD")
    f.label("BYTE", note="13 cycles a byte")
    _copy_byte(f, 1, 1)
    f.sub("r3", 1)
    f.label("HEAD").lsl("r6", "r2", 30, note="bits 0 and 1 of y").bne("BYTE")
    f.sub("r3", 16).bmi("WORDS")
    with f.loop("SIXTEEN", count="r3", by=16, go="bpl", note="13 cycles 16 bytes"):
        f.ldm("r1", "r4 r5 r6 r7").stm("r2", "r4 r5 r6 r7")
    f.label("WORDS").add("r3", 12, note="16 - 4: whole words left, less one").bmi("AFTER")
    with f.loop("WORD", count="r3", by=4, go="bpl", note="7 cycles 4 bytes"):
        f.ldm("r1", "r4").stm("r2", "r4")
    f.b("AFTER")
    f.label("APART", note="x and y apart by no multiple of 4").sub("r3", 4)
    with f.loop("FOUR", count="r3", by=4, go="bpl", note="21 cycles 4 bytes"):
        for move, at in ((f.ldrb, "r1"), (f.strb, "r2")):
            for i in range(4):
                move(f"r{4 + i}", at, i)
        f.add(r1=4, r2=4)
    f.label("AFTER").mov(r4=1, r5=1, note="steps of what is left of neighbours").b("FEW")
    f.label("STEPS").sub("r3", 4).bmi("FEW")
    with f.loop("STEP", count="r3", by=4, go="bpl", note="27 cycles 4 bytes"):
        for _ in range(4):
            _copy_byte(f, "r4", "r5")
    f.label("FEW").add("r3", 4).beq("ROW_DONE")
    with f.loop("REST", count="r3", note="9 cycles a byte"):
        _copy_byte(f, "r4", "r5")
    f.label("ROW_DONE")


def _copy_byte(f: Function, x_step: str | int, y_step: str | int) -> None:
    f.ldrb("r6", "r1", 0).strb("r6", "r2", 0)
    f.add(r1=x_step, r2=y_step)


@kernel("r0 r1 r2", "r4 r5 r6 r7", PRODUCT)
def product(f: Function) -> None:
    """
    y[i] = eq. (3) of (x1[i] - z1) * (x2[i] - z2), none of the dimensions 0; reference: ref.mul.
    In   r0 *state | r1 *x1 | r2 *x2
    Uses r0 0, *state | r3 y, r12 its end in this row | r4, r5 temporary | r6, r7 m0, m1 | r8, r9 -zero points
         r10 2^14 | r11 rounding and zero point | lr right_shift
    Stack 40: state, steps, clamps, rows left
    Bounds |acc| <= 65025, so |acc * m0| and |acc * m1| <= 2130739200 and with 2^14 + 2^15 less than 2^31: exact is
         (acc * m1 + (acc * m0 >> 16) + 2^14) >> 15, for 2^30 of eq. (2) is 2^14 * 2^16.
    Cost 44 cycles an element, 28 a row (counted).
    """
    f.str("r0", PRODUCT.state)
    spread(f, "r3", STATE, x_step=PRODUCT.x_step, y_step=PRODUCT.x2_step)
    spread(f, "r3", STATE, clamp_min=PRODUCT.clamp_min, clamp_max=PRODUCT.clamp_max)
    spread(f, "r3", STATE, minus_z1="r8", minus_z2="r9", rounding="r11", right_shift="lr")
    f.mov("r3", 1).lsl("r3", "r3", 14, note="2^14").mov("r10", "r3")
    f.ldr(r6=STATE.m0, r7=STATE.m1, r3=STATE.y)
    f.label("PLANE").copy(PRODUCT.rows, STATE.rows, "r4")
    with counted(f, "ROW", PRODUCT.rows, "r4"):
        f.ldr(r0=PRODUCT.state, r4=STATE.row)
        f.add("r4", "r3")
        f.mov(r12="r4", r0=0, note="end of y in this row")
        with f.loop("NEXT", until=("r3", "r12"), note="44 cycles an element"):
            f.ldrsb("r4", "r1", "r0")
            f.add("r1", PRODUCT.x_step, via="r5")
            f.ldrsb("r5", "r2", "r0")
            f.add(r4="r8", r5="r9", note="x1 - z1, x2 - z2 Q0")
            f.mul("r4", "r5", note="|acc| <= 255 * 255")
            f.add("r2", PRODUCT.x2_step, via="r5")
            f.mov("r5", "r6").mul("r5", "r4", note="acc * m0").asr("r5", "r5", 16)
            f.mul("r4", "r7", note="acc * m1, units of 2^16")
            f.add("r4", "r5").add("r4", "r10", note="2^30: eq. (2) rounds")
            f.asr("r4", "r4", 15, note="high_mul")
            rounded(f, "r4", "r5")
            clamp(f, "r4", PRODUCT.clamp_min, PRODUCT.clamp_max, "r5")
            put(f, "r4", "r3")
        f.ldr("r0", PRODUCT.state)
        _after(f, "row", "r4")
    _after(f, "plane", "r4")
    f.again("PLANE", STATE.planes, "r4")
    _after(f, "box", "r4")
    f.copy(STATE.planes, STATE.planes_again, "r4")
    f.again("PLANE", STATE.boxes, "r4")


def file() -> str:
    names = {f"t_{name}": TABLES.word(name) for name in TABLES.names()}
    names |= {**MUL.names, **BOX.names, **TABLE.names, **CHANNEL_TABLES.names}
    parts = [table(), tables(), fill(), box(), product(), driver("element")]
    return device_file(HEAD, parts, state_array(STATE), names, STATE)
