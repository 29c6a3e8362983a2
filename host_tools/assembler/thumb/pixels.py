"""Two pixels in a word: the arithmetic of conv and depthwise.

A word holds x[pixel 0] + (x[pixel 1] << 16), int8 each. Times w, and summed over k as long as a pixel's sum fits int16
(the host proves for how many), it holds both sums, the low one borrowing from the high one where it is negative.
"""

from __future__ import annotations

from .writer import Function


def load_two(f: Function, first: str, second: str, pair: str) -> None:
    """The first of the pair = x[0] + x[1] * 2^16, int8 at r0 + first and r0 + second; the other is lost."""
    word, other = pair.split()
    f.ldrsb(word, "r0", first)
    f.ldrsb(other, "r0", second)
    f.lsl(other, other, 16)
    f.add(word, other, note="x[0] + x[1] * 2^16, Q0")


def flush(f: Function, total: str, high: str, word: str) -> None:
    """X = total += word (mod 2^32); Y = high += word's upper half, repaired: asr leaves the borrow in the carry."""
    f.add(total, word, note="X")
    f.asr(word, word, 16, note="borrow in C")
    f.adc(high, word, note="Y")


def low_sum(f: Function, total: str, high: str, t: str) -> None:
    """total = the low pixel's sum: X - (Y << 16)."""
    f.lsl(t, high, 16)
    f.sub(total, t, note="sum 0 = X - (Y << 16)")
