"""Reductions over axes: MEAN, SUM, ADD_N, REDUCE_MAX and the like, ARG_MAX and ARG_MIN."""

from __future__ import annotations

from math import prod

from ..arithmetic import fixed_point
from ..arithmetic import tables as fixed_tables
from ..ir import Op, Tensor
from ..record import ARG, EXTREME, REDUCTION
from .boxes import join
from .core import CONSTANTS, EXPORT, Lowering, Step, Unsupported, clamps, lowers
from .table import TABLE


def five_dims(ctx: Lowering, op: Op) -> tuple[list[int], dict[str, int]]:
    """(axes, {a, r1, b, r2, c} of a reduction record): neighbours both kept, or both reduced, are one dimension."""
    shape = ctx.input(op, 0).shape
    axes = sorted({a % len(shape) for a in ctx.integers(op, 1, "axes are", CONSTANTS)})
    groups: list[list[int]] = []  # [reduced, size]
    for i, d in enumerate(shape):
        if d == 1:
            continue
        if groups and groups[-1][0] == (i in axes):
            groups[-1][1] *= d
        else:
            groups.append([i in axes, d])
    dims = [1] * 5
    position = 0
    for reduced, size in groups:
        if position % 2 != reduced:
            position += 1
        if position > 4:
            raise Unsupported(f"axes {axes} of {shape} alternate too often", "reduce in two steps")
        dims[position] = size
        position += 1
    return axes, dict(zip(("a", "r1", "b", "r2", "c"), dims))


@lowers("MEAN", "SUM")
def mean(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    axes, dims = five_dims(ctx, op)
    n = dims["r1"] * dims["r2"]
    if y.size * n != x.size:
        raise Unsupported(f"shape {x.shape} over axes {axes} does not make {y.shape}", EXPORT)
    multiplier, shift = fixed_point.mean_multiplier(x.scale, y.scale, n if op.kind == "MEAN" else 1)
    left, right = fixed_point.split_shift(shift)
    low, high = clamps(op, y)
    words = REDUCTION.words(**dims, acc_offset=-(x.zero_point + 128) * n, multiplier=multiplier, left_shift=left,
                            right_shift=right, y_zero_point=y.zero_point, clamp_min=low, clamp_max=high)  # fmt: skip
    ctx.emit(Step("mean", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("ADD_N")
def add_n(ctx: Lowering, op: Op) -> None:
    """The inputs one after the other, and a mean over them that is not divided: reference/add_n.h.

    TFLM adds values times 2**19, which the shift to the left makes of their sum, and one that is 0.
    """
    parts, y = [ctx.input(op, n) for n in range(len(op.inputs))], ctx.output(op)
    first = parts[0]
    for x in parts:
        if x.shape != y.shape or x.quant != first.quant:
            raise Unsupported(
                f"'{x.id}' has another shape, scale or zero point than '{first.id}' (TFLM refuses it as well)", EXPORT
            )
    n = len(parts)
    stacked = ctx.temporary(op.name, (n, *y.shape), first)
    join(ctx, op.name, parts, stacked, 1)
    words = REDUCTION.words(a=1, r1=n, b=1, r2=1, c=y.size, acc_offset=-(first.zero_point + 128) * n - first.zero_point,
                            **running_sum(first, y))  # fmt: skip
    ctx.emit(Step("mean", op.name, ctx.activation(stacked), ctx.new_buffer(y), words))


def running_sum(x: Tensor, y: Tensor) -> dict[str, int]:
    """The words of a sum of int8 that TFLM keeps times 2**20, halved: reference/add_n.h, cumsum.h."""
    multiplier, shift = fixed_tables.running_multiplier(x.scale, y.scale)
    return {"multiplier": multiplier, "left_shift": 19, "right_shift": -shift, "y_zero_point": y.zero_point,
            "clamp_min": -128, "clamp_max": 127}  # fmt: skip


@lowers("REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL", "REDUCE_ANY")
def extremes(ctx: Lowering, op: Op) -> None:
    """Raw values are compared; TFLM refuses another scale for the result. Bools are bytes of 0 and 1."""
    x, y = ctx.one(op)
    axes, dims = five_dims(ctx, op)
    if x.dtype == "int8" and x.scale != y.scale:
        raise Unsupported("its input and output have different scales", EXPORT)
    n = dims["r1"] * dims["r2"]
    if y.size * n != x.size:
        raise Unsupported(f"shape {x.shape} over axes {axes} does not make {y.shape}", EXPORT)
    if n == 1:
        ctx.alias(y, x)
        return
    words = EXTREME.words(**dims, smallest=TABLE[op.kind].functions["reduce"])
    ctx.emit(Step("reduce", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("ARG_MAX", "ARG_MIN")
def arg(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    if x.dtype != "int8" or y.dtype != "int32":
        raise Unsupported(f"it makes {y.dtype} of {x.dtype}", "int32 of int8 is there")
    axis, (outer, r, inner) = around_axis(ctx, op)
    if y.size != outer * inner:
        raise Unsupported(f"shape {x.shape} over axis {axis} does not make {y.shape}", EXPORT)
    words = ARG.words(a=outer, r=r, c=inner, smallest=TABLE[op.kind].functions["arg"])
    ctx.emit(Step("arg", op.name, ctx.activation(x), ctx.new_buffer(y), words))


def around_axis(ctx: Lowering, op: Op) -> tuple[int, tuple[int, int, int]]:
    """(the axis that input 1 names, (sizes before it, its size, sizes after it))."""
    axes = ctx.integers(op, 1, "axis is")
    if len(axes) != 1:
        raise Unsupported(f"it has {len(axes)} axes", "use one")
    shape = ctx.input(op, 0).shape
    axis = axes[0] % len(shape)
    return axis, (prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]))
