"""add, for operands without broadcast in the last dimension: a row of neighbours at a time."""

from __future__ import annotations

from ...record import ADD
from ..fields import words
from .macros import put, rounded, spread, state_array
from .requantize import clamp
from .writer import Function, device_file, driver, kernel

HEAD = "Addition in Thumb, for operands without broadcast in the last dimension. See ref/elementwise.py."
STATE = words(
    "r2", "multiplier", ("rounding", "2^(right_shift - 1) + (y_zero_point << right_shift)"), "right_shift", "y",
    ("table1", "of x1"), ("table2", "of x2"), "clamp_min", "clamp_max", ("x1_end", "end of x1"),
)  # fmt: skip
FRAME = words("sp", "clamp_min", "clamp_max", "x1_end", "unused")


@kernel("r0 r1 r2", "r4 r5 r6 r7", FRAME, restored="r1 r2 r3 r4")
def add_row(f: Function) -> None:
    """
    y[i] = eq. (3) of table1[x1[i]] + table2[x2[i]]; reference: ref.add.
    In   r0 *x1 | r1 *x2 | r2 *state    Uses r2, r4-r6 temporary | r3, r7 tables | r8, r9 halves of the multiplier
         r10 2^14 | r11 rounding and zero point | r12 y | lr right_shift    Stack 32: clamps, end
    Bounds |acc| < 2^29 (FORMAT.md: operands times 2^20, each below 2^28), so the middle products fit 32 bits.
    Cost 55 cycles an element (counted).
    """
    spread(f, "r4", STATE, x1_end=FRAME.x1_end, clamp_min=FRAME.clamp_min, clamp_max=FRAME.clamp_max, multiplier="r4")
    f.uxth("r5", "r4").mov("r8", "r5", note="low half of the multiplier")
    f.lsr("r4", "r4", 16).mov("r9", "r4", note="high half")
    f.mov("r4", 1).lsl("r4", "r4", 14, note="2^14").mov("r10", "r4")
    spread(f, "r4", STATE, rounding="r11", right_shift="lr", y="r12")
    f.ldr(r3=STATE.table1, r7=STATE.table2)
    with f.loop("NEXT"):
        for operand, x, table in (("r4", "r0", "r3"), ("r5", "r1", "r7")):
            f.ldrb(operand, x, 0).add(x, 1)
            f.lsl(operand, operand, 2)
            f.ldr(operand, table, operand, note="Q20, on the common scale")
        f.add("r4", "r5", note="acc, below 2^29")
        _high_mul(f)
        rounded(f, "r2", "r4")
        clamp(f, "r2", FRAME.clamp_min, FRAME.clamp_max, "r4")
        put(f, "r2", "r12", "r4")
        f.ldr("r4", FRAME.x1_end).cmp("r0", "r4")


def _high_mul(f: Function) -> None:
    """r2 = (acc * multiplier + 2^30) >> 31, eq. (2), of acc in r4: below 2^29 no middle product needs 64 bits."""
    f.sxth("r5", "r4", note="acc = r4 * 2^16 + r5, both with their signs")
    f.sub("r4", "r5").asr("r4", "r4", 16)
    f.mov("r6", "r8").mul("r6", "r5", note="low * m_low")
    f.asr("r6", "r6", 16, note="units of 2^16 from here")
    f.mov("r2", "r9").mul("r5", "r2", note="low * m_high").add("r6", "r5")
    f.mul("r2", "r4", note="high * m_high, units of 2^32")
    f.mov("r5", "r8").mul("r5", "r4", note="high * m_low")
    f.add("r6", "r5").add("r6", "r10", note="2^30: eq. (2) rounds")
    f.asr("r6", "r6", 15)
    f.lsl("r2", "r2", 1, note="units of 2^31")
    f.add("r2", "r6", note="high_mul")


def file() -> str:
    return device_file(HEAD, [add_row(), driver("add")], state_array(STATE, "add_row"), ADD.names, STATE)
