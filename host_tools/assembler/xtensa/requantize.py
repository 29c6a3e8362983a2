"""Requantization, models/FORMAT.md eq. (2), (3), with the high word of one multiplication where it is enough."""

from __future__ import annotations

from collections.abc import Callable

from ..fields import Field
from .writer import Function

MEANING = """\
The requantizer, FORMAT.md eq. (2), (3), right shift e of 1 to 21: q = high word of 4 acc * multiplier = floor(acc *
multiplier / 2^30); y = (q + 2 * (q < 0 ? -1 : 0) + 1 + (2 * y_zero_point + 1) * 2^e) >> (e + 1): h = (q + 1) >> 1 is
eq. (2)'s, and h < 0 only where q < -1; for q = -1 both give 0. Other shifts and larger sums take the long way,
channel by channel."""
E_MAX = 21  # the largest right shift of the short way


def rounding(f: Function, constant: str, zero: str, e: str) -> None:
    """constant = 1 + (2 zero + 1) * 2^e, less than 2^30 in size; SAR and e = e + 1. zero: y_zero_point, lost."""
    f.ssl(e)
    f.add(zero, zero, zero)
    f.addi(zero, zero, 1)
    f.sll(constant, zero, note="(2 y_zero_point + 1) * 2^e")
    f.addi(constant, constant, 1)
    f.addi(e, e, 1)
    f.ssr(e)


def prepare(f: Function, y_zero_point: Field, done: str) -> None:
    """Which way a channel takes: of the short one a8 = its constant, of the long one a7 negative and a6 = 0; to `done`.

    In: a7 multiplier (bit 31 set: |acc| may reach 2^29), a8 shifts, a9 right, a10 left. a9, a10 are lost.
    """
    f.bnez("a10", "LONG")
    f.beqz("a9", "LONG")
    f.addi("a10", "a9", -(E_MAX + 1))
    f.bgez("a10", "LONG")
    f.l32i("a10", y_zero_point)
    rounding(f, "a8", "a10", "a9")
    f.j(done)
    f.label("LONG")
    f.movi("a6", 0, note="40 bits from 0 on")
    f.wsr_acchi("a6")
    f.movi("a9", 1)
    f.slli("a9", "a9", 31)
    f.or_("a7", "a7", "a9")
    f.label(done)


def short(
    f: Function, acc: str, multiplier: str, constant: str, sign: str, meanwhile: Callable[[], object] | None = None
) -> None:
    """acc = y before its clamps, of acc * 4; SAR: e + 1. meanwhile: an instruction that the product has time for."""
    f.mulsh(acc, acc, multiplier, note="q, Q1")
    if meanwhile:
        meanwhile()
    f.srai(sign, acc, 31)
    f.addx2(acc, sign, acc)
    f.add(acc, acc, constant)
    f.sra(acc, acc)


def unmarked(f: Function, to: str, multiplier: str) -> None:
    """to = the multiplier without its mark in bit 31."""
    f.slli(to, multiplier, 1)
    f.ssai(1)
    f.srl(to, to, note="the multiplier without its mark")


def high(f: Function, acc: str, multiplier: str, low: str) -> None:
    """acc = h = floor((acc * multiplier + 2^30) / 2^31), from all 64 bits."""
    f.mull(low, acc, multiplier)
    f.mulsh(acc, acc, multiplier)
    f.extui(low, low, 30, 2)
    f.addi(low, low, 1)
    f.srli(low, low, 1)
    f.addx2(acc, acc, low, note="h")


def shift_right(f: Function, acc: str, shifts: str, right: str, sign: str) -> None:
    """acc = h / 2^right, halves away from zero; shifts: left_shift + 256 * right_shift. To ZERO where right is 0."""
    f.srli(right, shifts, 8)
    f.beqz(right, "ZERO")
    f.addi(right, right, -1)
    f.ssr(right)
    f.srai(sign, acc, 31)
    f.add(acc, acc, sign, note="h - (h < 0)")
    f.sra(acc, acc)
    f.addi(acc, acc, 1)
    f.srai(acc, acc, 1)
    f.label("ZERO")


def clamp(f: Function, y: str, low: str, high: str) -> None:
    f.max(y, y, low)
    f.min(y, y, high)
