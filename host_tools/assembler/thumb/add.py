"""add, for operands without broadcast in the last dimension: a row of neighbours at a time."""

from __future__ import annotations

from .macros import ARRAY, power, put, spread, state_array
from .records import words as record
from .requantize import clamp
from .writer import Function, device_file, driver, words

STATE = words(
    "r2", "multiplier", ("rounding", "2^(right_shift - 1) + (y_zero_point << right_shift)"), "right_shift", "y",
    ("table1", "of x1"), ("table2", "of x2"), "clamp_min", "clamp_max", ("x1_end", "end of x1"),
)  # fmt: skip
FRAME = words("sp", "clamp_min", "clamp_max", "x1_end", "unused")
HEAD = "Addition in Thumb, for operands without broadcast in the last dimension. See ref.add for the meaning."
DOC = """
    y[i] = eq. (3) of table1[x1[i]] + table2[x2[i]]; reference: ref.add.
    In   r0 *x1 | r1 *x2 | r2 *state    Uses r2, r4-r6 temporary | r3, r7 tables | r8, r9 halves of the multiplier
         r10 2^14 | r11 rounding and zero point | r12 y | lr right_shift    Stack 32: clamps, end
    Bounds |acc| < 2^29 (FORMAT.md: operands times 2^20, each below 2^28), so the middle products fit 32 bits.
    Cost 55 cycles an element (counted).
"""


def add_row() -> Function:
    f = Function("add_row", "r0 r1 r2", DOC)
    f.enter("r4 r5 r6 r7", FRAME)
    spread(f, "r4", STATE, x1_end=FRAME.x1_end, clamp_min=FRAME.clamp_min, clamp_max=FRAME.clamp_max, multiplier="r4")
    f.uxth("r5", "r4")
    f.mov("r8", "r5", note="low half of the multiplier")
    f.lsr("r4", "r4", 16)
    f.mov("r9", "r4", note="high half")
    power(f, "r4", 14)
    f.mov("r10", "r4")
    spread(f, "r4", STATE, rounding="r11", right_shift="lr", y="r12")
    f.ldr("r3", STATE.table1)
    f.ldr("r7", STATE.table2)
    with f.loop("NEXT"):
        _operand(f, "r4", "r0", "r3")
        _operand(f, "r5", "r1", "r7")
        f.add("r4", "r5", note="acc, below 2^29")
        _high_mul(f)
        f.asr("r4", "r2", 31, note="-1 where it is negative: half away from zero")
        f.add("r2", "r4")
        f.add("r2", "r11", note="a half, and y_zero_point")
        f.mov("r4", "lr")
        f.asr("r2", "r4")
        clamp(f, "r2", FRAME.clamp_min, FRAME.clamp_max, "r4")
        put(f, "r2", "r12", "r4")
        f.ldr("r4", FRAME.x1_end)
        f.cmp("r0", "r4")
    f.leave("r1 r2 r3 r4")
    return f


def _operand(f: Function, to: str, x: str, table: str) -> None:
    """to = table[*x++], Q20 on the common scale."""
    f.ldrb(to, x, 0)
    f.add(x, 1)
    f.lsl(to, to, 2)
    f.ldr(to, table, to)


def _high_mul(f: Function) -> None:
    """r2 = (acc * multiplier + 2^30) >> 31, eq. (2), of acc in r4: below 2^29 no middle product needs 64 bits."""
    f.sxth("r5", "r4", note="acc = r4 * 2^16 + r5, both with their signs")
    f.sub("r4", "r5")
    f.asr("r4", "r4", 16)
    f.mov("r6", "r8")
    f.mul("r6", "r5", note="low * m_low")
    f.asr("r6", "r6", 16, note="units of 2^16 from here")
    f.mov("r2", "r9")
    f.mul("r5", "r2", note="low * m_high")
    f.add("r6", "r5")
    f.mul("r2", "r4", note="high * m_high, units of 2^32")
    f.mov("r5", "r8")
    f.mul("r5", "r4", note="high * m_low")
    f.add("r6", "r5")
    f.add("r6", "r10", note="2^30: eq. (2) rounds")
    f.asr("r6", "r6", 15)
    f.lsl("r2", "r2", 1, note="units of 2^31")
    f.add("r2", "r6", note="high_mul")


def file() -> str:
    parts = [state_array("add_row", STATE), add_row(), driver("add")]
    return device_file(HEAD, parts, ARRAY, record("pairwise"), STATE)
