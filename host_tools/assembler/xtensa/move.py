"""copy: bytes from one address to another, both with steps."""

from __future__ import annotations

from .writer import Function

MOVE = """
    y[i * y_step] = x[i * x_step] for n bytes, rising: reference: ref.copy. Words where steps are 1 and addresses allow.
    In   a5 args: x, y, n, x_step, y_step
    Uses a2 x | a3 y | a4 n, n & 3 | a5 args, y_step | a6 x_step | a7 byte, word | a8 n / 4
    Cost 4 per byte or word, 20
"""


def move() -> Function:
    f = Function("move", MOVE)
    f.take_numbers("a2", "a3", "a4", "a6", "a5")
    f.addi("a7", "a6", -1)
    f.addi("a8", "a5", -1)
    f.or_("a7", "a7", "a8")
    f.bnez("a7", "BYTES")
    f.or_("a8", "a2", "a3")
    f.extui("a8", "a8", 0, 2)
    f.bnez("a8", "BYTES")
    f.srli("a8", "a4", 2)
    f.extui("a4", "a4", 0, 2)
    with f.loopnez("a8", "WORD"):
        f.l32i("a7", "a2", 0)
        f.addi("a2", "a2", 4)
        f.s32i("a7", "a3", 0)
        f.addi("a3", "a3", 4)
    f.label("BYTES")
    with f.loopnez("a4", "BYTE"):
        f.l8ui("a7", "a2", 0)
        f.add("a2", "a2", "a6")
        f.s8i("a7", "a3", 0)
        f.add("a3", "a3", "a5")
    f.done()
    return f
