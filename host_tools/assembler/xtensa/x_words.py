"""Activations as X words: two uint16 4 * (x + 128) each, in the order in which MAC16 uses them."""

from __future__ import annotations

from .writer import Function


def group(f: Function, source: str, to: str, t: tuple[str, str, str], flip: str, mask: str) -> None:
    """Four inputs at `source` to two X words at `to`, (x3 low, x0 high) and (x2, x1); both addresses move on.

    t: three registers, lost. flip: 0x80808080; mask: 0x03FC03FC. SAR: 16.
    """
    x, even, odd = t
    f.l32i(x, source, 0)
    f.addi(source, source, 4)
    f.xor(x, x, flip, note="x + 128, uint8")
    f.slli(even, x, 2)
    f.srli(odd, x, 6)
    f.and_(even, even, mask, note="4 (x0 + 128), 4 (x2 + 128): at most 1020")
    f.and_(odd, odd, mask, note="4 (x1 + 128), 4 (x3 + 128)")
    f.src(x, even, odd, note="x3 low, x0 high")
    f.src(even, odd, even, note="x2, x1")
    f.s32i(x, to, 0)
    f.s32i(even, to, 4)
    f.addi(to, to, 8)
