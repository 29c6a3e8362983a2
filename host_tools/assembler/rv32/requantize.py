"""Requantization of an accumulator: models/FORMAT.md eq. (2), (3) by a slot of rv32's packed table."""

from __future__ import annotations

from dataclasses import dataclass

from .writer import Function

SLOT_BYTES = 16
_FIELDS = {
    "multiplier": ("lw", 0),
    "c": ("lw", 4),
    "pre": ("lbu", 8),
    "shift": ("lbu", 9),
    "fix": ("lb", 10),
    "channel": ("lw", 12),
}


@dataclass(frozen=True)
class Slot:
    """The registers that hold how a channel is requantized. pre: "" where the sums are shifted already; t is lost."""

    multiplier: str
    c: str
    pre: str
    shift: str
    fix: str
    low: str
    high: str
    out: str
    t: str

    def load(self, f: Function, at: int, base: str, order: str) -> None:
        """Fields of the slot at `base` + at, in an order that hides the loads' delay: field, or field=register."""
        for item in order.split():
            field, _, register = item.partition("=")
            op, offset = _FIELDS[field]
            getattr(f, op)(register or getattr(self, field), at + offset, base)

    def requantize(self, f: Function, acc: str, name: str = "") -> list[tuple[str, str, str, str]]:
        """*out = clamp((q + (q >> 31 & fix) + c) >> shift), q = (acc << pre) * multiplier >> 32, one byte.

        -> what lies out of line, for `clamps`: nothing is spent where no clamp bites. acc: Q0 int32, lost.
        """
        if self.pre:
            f.sll(acc, acc, self.pre)
        f.mulh(acc, acc, self.multiplier)
        f.srai(self.t, acc, 31)
        f.and_(self.t, self.t, self.fix)
        f.add(acc, acc, self.t)
        f.add(acc, acc, self.c)
        f.sra(acc, acc, self.shift)
        f.blt(acc, self.low, f"LOW{name}")
        f.blt(self.high, acc, f"HIGH{name}")
        f.label(f"STORE{name}")
        f.sb(acc, 0, self.out)
        return [
            (f"{side}{name}", acc, bound, f"STORE{name}") for side, bound in (("LOW", self.low), ("HIGH", self.high))
        ]


def clamps(f: Function, late: list[tuple[str, str, str, str]]) -> None:
    """acc = the clamp that bites, and back to the store."""
    for label, acc, bound, back in late:
        f.label(label)
        f.mv(acc, bound)
        f.goto(back)


def byte_four_times(f: Function, name: str, slot: str) -> None:
    """slot = the record's byte in all four bytes of a word. t0, t1 are lost."""
    f.lbu("t0", 4 * f.words[name], "a0", note=f"{name} four times")
    f.slli("t1", "t0", 8)
    f.or_("t0", "t0", "t1")
    f.slli("t1", "t0", 16)
    f.or_("t0", "t0", "t1")
    f.put("t0", slot)
