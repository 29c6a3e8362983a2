"""Whole numbers: int32 that are not scaled (places of ARG_MAX, counters), where TFLM computes with them as they are, and
what it compares of raw int16."""

from __future__ import annotations

from ..assembler.constants import Constants
from ..ir import Op
from .core import Lowering, Unsupported, check_activation, lowers
from .elementwise import pairwise, two

# f of the numbers kernel, and whether x1 and x2 change places
_FUNCTIONS = {
    "MAXIMUM": (0, False), "MINIMUM": (1, False), "EQUAL": (2, False), "NOT_EQUAL": (3, False), "LESS": (4, False),
    "LESS_EQUAL": (5, False), "GREATER": (4, True), "GREATER_EQUAL": (5, True), "SQUARED_DIFFERENCE": (6, False),
    "ADD": (7, False), "SUB": (8, False), "MUL": (9, False), "DIV": (10, False),
}  # fmt: skip


@lowers(*_FUNCTIONS, int32=True)
def arithmetic(ctx: Lowering, op: Op) -> None:
    """Modulo 2**32; DIV towards zero, and 0 where TFLM stops at a division by 0."""
    function, swapped = _FUNCTIONS[op.kind]
    x, x2, y = two(ctx, op)
    if x.dtype != x2.dtype or y.dtype != ("bool" if 2 <= function <= 5 else "int32"):
        raise Unsupported(f"{x.dtype} and {x2.dtype} become {y.dtype}", "use int32 on both sides")
    if op.attrs.get("activation", "NONE") != "NONE":
        raise Unsupported("a fused activation of int32", "put the activation into its own layer")
    if op.kind == "DIV" and x2.constant and not x2.data.all():
        raise Unsupported(f"'{x2.id}' holds zeros", "divide by what is not 0")
    from dataclasses import replace

    op = replace(op, inputs=op.inputs[::-1]) if swapped else op
    pairwise(ctx, op, "numbers", Constants(), {29: function, 30: 4})


@lowers("MAXIMUM", "MINIMUM", int16=True)
def extreme(ctx: Lowering, op: Op) -> None:
    """Raw values are compared, whatever the scales: maximum_minimum.h."""
    for t in two(ctx, op):
        check_activation(t, ("int16",))
    pairwise(ctx, op, "numbers", Constants(), {29: _FUNCTIONS[op.kind][0], 30: 2})
