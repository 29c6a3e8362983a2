"""Requantization, FORMAT.md eq. (2) and (3): what stands in six of the eight device files, once.

halves(f, "r4", "r4", "r5")           acc = high * 2^16 + low
high_mul(f)                           r4 = (acc * multiplier + 2^30) >> 31, exact, modulo 2^32
round_shift(f, "r4", "r7", "r0")      rounding_right_shift
clamp(f, "r4", "r10", "r11")          what the clamps bound
"""

from __future__ import annotations

from ..fields import Fields
from .writer import Function

# An entry of the channel table: first accumulator, multiplier Q31 as halves, left_shift, right_shift.
CHANNEL = Fields("r5", {"first": 0, "multiplier_low": 4, "multiplier_high": 6, "left_shift": 8, "right_shift": 9}, 12)
# Of the short one: the multiplier is Q16, its upper half.
SHORT_CHANNEL = Fields("r5", {"first": 0, "multiplier": 4, "left_shift": 6, "right_shift": 7}, 8)
# Of the packed table (records of thumb): lanes.py has the formula.
FAST_CHANNEL = Fields("r5", {"first": 0, "c": 4, "m1": 8, "m2": 10, "s": 12, "j": 13, "f": 14, "kind": 15}, 16)


def halves(f: Function, acc: str, high: str, low: str) -> None:
    """acc = high * 2^16 + low, 0 <= low < 2^16. acc may be either of the two."""
    if acc == high:
        f.uxth(low, acc, note="acc low, u16")
        f.asr(high, acc, 16, note="acc high, s16")
    else:
        f.asr(high, acc, 16, note="acc high, s16")
        f.uxth(low, acc, note="acc low, u16")


def high_mul(f: Function, keep: bool = False, to: str = "r4") -> None:
    """to = (acc * multiplier + 2^30) >> 31, eq. (2), modulo 2^32.

    In   r4, r5 acc = r4 * 2^16 + r5 (halves) | r1, r3 multiplier = r3 * 2^16 + r1, Q31
    Lost r0, r2, r5, r6, r4 where not `to`, and r1 where not `keep` (which takes a cycle).
    Of the products of halves, in units of 2^16, r6 sums what lies below 2^31, so that no carry is lost: at most four
    terms below 2^16. r4 and r5 sum what lies above it, modulo 2^32.
    """
    f.mov("r6", "r5")
    f.mul("r6", "r1", note="low * m_low")
    f.lsr("r6", "r6", 16, note="units of 2^16 from here")
    f.mul("r5", "r3", note="low * m_high")
    _below(f, "r5")
    f.lsr("r5", "r5", 15, note="and above")
    product = "r0" if keep else "r1"
    if keep:
        f.mov("r0", "r4")
        f.mul("r0", "r1", note="high * m_low, signed")
    else:
        f.mul("r1", "r4", note="high * m_low, signed")
    f.asr("r2", product, 15, note="above 2^31")
    f.add("r5", "r2")
    _below(f, product)
    f.mul("r4", "r3", note="high * m_high, units of 2^32")
    f.lsl("r4", "r4", 1, note="units of 2^31 from here")
    f.add("r4", "r5")
    f.mov("r0", 1)
    f.lsl("r0", "r0", 14, note="2^30: eq. (2) rounds")
    f.add("r6", "r0")
    f.lsr("r6", "r6", 15, note="the carry")
    f.add(to, "r4", "r6")


def _below(f: Function, product: str) -> None:
    """r6 += the 15 bits of a product that lie below 2^31."""
    f.lsl("r0", product, 17)
    f.lsr("r0", "r0", 17, note="15 bits below 2^31")
    f.add("r6", "r0")


def round_shift(f: Function, acc: str, right: str, t: str, whole: str = "WHOLE", keep: bool = False) -> None:
    """acc = rounding_right_shift(acc, right), eq. (3): half away from zero. t is lost, and right, if not kept."""
    if keep:
        f.cmp(right, 0)
        f.beq(whole)
    else:
        f.sub(right, 1)
        f.bmi(whole)
    f.asr(t, acc, 31, note="-1 where acc < 0: half away from zero")
    f.add(acc, acc, t)
    if keep:
        f.sub(t, right, 1)
    f.asr(acc, t if keep else right, note="one bit more than y, Q1")
    f.add(acc, 1)
    f.asr(acc, acc, 1)
    f.label(whole)


def clamp(f: Function, y: str, low: str | tuple, high: str | tuple, via: str = "") -> None:
    """low <= y <= high. The clamps in registers, or in memory (fields) by way of `via`."""
    for bound, branch, label in ((low, "bge", "ABOVE"), (high, "ble", "BELOW")):
        if isinstance(bound, tuple):
            f.ldr(via, bound)
            bound = via
        f.cmp(y, bound)
        getattr(f, branch)(label)
        f.mov(y, bound)
        f.label(label)
