"""Rows of neighbours in the order of their dimensions, as add and copy have them: three loops around a row."""

from __future__ import annotations

from .writer import Function

LEFT = ("left0", "left1", "left2")  # slots: how often each of the three dimensions is still to come


def start(f: Function) -> None:
    """Slots left0 to left2 from the record; to DONE where one is 0."""
    for i, slot in enumerate(LEFT):
        f.words_to_slots((f"dims{i}", slot))
        f.goto_unless("bne", "t0", "zero", "DONE", f"SOME{i}")


def end(f: Function, *addresses: tuple[str, str]) -> None:
    """Slots of addresses a row further, each by strides, words of the record named so and 0, 1, 2; to ROW.

    Where a dimension ends, its strides times its size bring them back. t0 to t4 are lost; a0: the record.
    """
    f.label("ROW_DONE")
    moved = [(slot, stride, register) for (slot, stride), register in zip(addresses, ("t2", "t3"))]
    for i in (2, 1, 0):
        for _, stride, register in moved:
            f.word(register, f"{stride}{i}")
        for slot, _, register in moved:
            f.bump(slot, register)
        f.count_down(LEFT[i], "ROW", f"DIMENSION{i}")
        if i:
            f.words_to_slots((f"dims{i}", LEFT[i]))
            for slot, _, register in moved:
                f.mul("t1", register, "t0")
                f.get("t4", slot)
                f.sub("t4", "t4", "t1")
                f.put("t4", slot)
