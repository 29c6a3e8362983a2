"""Unquantized integers (indices of ARG_MAX, counters), with which TFLM computes as they are; what it compares of raw
int16; casts; running sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..assembler.constants import Constants
from ..ir import Op, Quant, Tensor
from ..record import INTEGERS, SUMS, X2_CONSTANT
from ..record import TABLE as LOOKUP
from .boxes import copy_box
from .core import Lowering, Step, Unsupported, check_activation, lowers
from .elementwise import pairwise
from .lookup import lut
from .reduce import around_axis, running_sum
from .table import TABLE


@lowers("ADD", "SUB", "MUL", "DIV", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM", "EQUAL", "NOT_EQUAL", "LESS",
        "LESS_EQUAL", "GREATER", "GREATER_EQUAL", int32=True)  # fmt: skip
def arithmetic(ctx: Lowering, op: Op) -> None:
    """Modulo 2**32; DIV towards zero, and 0 where TFLM stops at a division by 0."""
    row = TABLE[op.kind]
    x, x2, y = ctx.two(op)
    if x.dtype != x2.dtype or y.dtype != (row.makes or "int32"):
        raise Unsupported(f"{x.dtype} and {x2.dtype} become {y.dtype}", "use int32 on both sides")
    if op.attrs.get("activation", "NONE") != "NONE":
        raise Unsupported("a fused activation of int32", "put the activation into its own layer")
    if op.kind == "DIV" and x2.constant and not x2.values.all():
        raise Unsupported(f"'{x2.id}' holds zeros", "divide by what is not 0")
    op = replace(op, inputs=op.inputs[::-1]) if row.swaps else op
    pairwise(ctx, op, "numbers", Constants(), INTEGERS.words(function=row.functions["numbers"], element_bytes=4))


@lowers("MAXIMUM", "MINIMUM", int16=True)
def extreme(ctx: Lowering, op: Op) -> None:
    """Raw values are compared, whatever the scales: maximum_minimum.h."""
    for t in ctx.two(op):
        check_activation(t, ("int16",))
    words = INTEGERS.words(function=TABLE[op.kind].functions["numbers"], element_bytes=2)
    pairwise(ctx, op, "numbers", Constants(), words)


@lowers("CUMSUM")
def cumsum(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    _, (outer, n, inner) = around_axis(ctx, op)
    mode = op.attrs["exclusive"] + 2 * op.attrs["reverse"]
    words = SUMS.words(a=outer, n=n, c=inner, mode=mode, x_zero_point=x.zero_point, **running_sum(x, y))
    source = ctx.activation(x)
    ctx.emit(Step("cumsum", op.name, source, ctx.new_buffer(y), words, inplace=(source,)))


@lowers("CAST")
def cast(ctx: Lowering, op: Op) -> None:
    """Between bool, int8, int16 and int32 without arithmetic: bytes copied, the sign by a table."""
    x, y = ctx.one(op)
    n, item, wide = x.size, x.item_bytes, y.item_bytes
    if x.dtype == y.dtype or (x.dtype == "bool" and y.dtype == "int8"):
        ctx.alias(y, x)
    elif (x.dtype, y.dtype) == ("int8", "bool"):
        lut(ctx, op, np.arange(256) != 0)
    elif y.dtype == "bool":  # not equal to the 0 in the constants
        words = INTEGERS.words(dims=(1, 1, 1, n), x1_strides=(0, 0, 0, item), x2_strides=(0, 0, 0, 0),
                               flags=X2_CONSTANT, function=TABLE["NOT_EQUAL"].functions["numbers"],
                               element_bytes=item)  # fmt: skip
        ctx.emit(Step("numbers", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(4), x2=0))
    else:  # the low bytes, and above them the sign's
        source, target = ctx.activation(x), ctx.new_buffer(y)
        low = min(item, wide)
        grows = wide > item
        signed = grows and x.dtype != "bool"
        copy_box(ctx, op.name, _raw(x, n * item), target, [n, low], [item, 1], [wide, 1],
                 fill=(y.bytes, 0) if grows and not signed else (0, 0), x_is=source)  # fmt: skip
        if signed:
            signs = _signs(ctx, op, x, source)
            copy_box(ctx, op.name, signs, target, [n, wide - item], [1, 0], [wide, 1], y_at=item, partial=True)


def _signs(ctx: Lowering, op: Op, x: Tensor, source: str) -> Tensor:
    """A byte per element of x: 0, or 255 where it is negative."""
    n, item = x.size, x.item_bytes
    signs = ctx.temporary(op.name, (n,), _raw(x, n))
    buffer = ctx.new_buffer(signs)
    copy_box(ctx, op.name, _raw(x, n * item), buffer, [n], [item], [1], x_at=item - 1, x_is=source)
    table = np.where(np.arange(256) < 128, 0, 255).astype(np.uint8).tobytes()
    ctx.emit(Step("lut", op.name, buffer, buffer, LOOKUP.words(count=n, table_offset=0), table, inplace=(buffer,)))
    return signs


def _raw(x: Tensor, n: int) -> Tensor:
    """x as bytes."""
    return replace(x, dtype="int8", shape=(n,), quant=Quant((1.0,), (0,)), data=None)
