"""Which sums and products of elements the assembler kernels take: the one place where the host holds these conditions.

device/fxnn/{thumb,xtensa,rv32}/__init__.py decide by the same words; tests hold each against its target's runs_in().
"""

from __future__ import annotations

from collections.abc import Sequence

from ..record import PAIRWISE, view

_LEAST_ROW = 4  # elements of a row, which they read as words


def why_not_add(words: Sequence[int], shift_end: int, constants: bool = True) -> str:
    """Why an assembler add does not take a record; "" where it does: rows of neighbours, rescaled to less.

    shift_end: right shifts below it are taken; constants: whether an operand may lie in the constants.
    """
    add = view("add", words)
    if add.all("x1_strides")[-1] != 1 or add.all("x2_strides")[-1] != 1:
        return "an operand is broadcast in the last dimension"
    if add.all("dims")[-1] < _LEAST_ROW:
        return f"rows of less than {_LEAST_ROW}"
    if add.flags and not constants:
        return "an operand is a constant"
    return "" if rescales_to_less(words, shift_end) else "its scales are far apart"


def rescales_to_less(words: Sequence[int], shift_end: int) -> bool:
    """Whether a sum or product is shifted to the right only, by 1 to shift_end - 1 bits."""
    return not words[PAIRWISE.left_shift] and 0 < words[PAIRWISE.right_shift] < shift_end
