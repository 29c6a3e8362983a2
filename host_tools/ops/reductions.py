"""MEAN, SUM and SOFTMAX."""

from __future__ import annotations

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import tables as fixed_tables
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from .core import Lowering, Step, Unsupported, lowers
from .elementwise import clamps
from .movement import join


def _five_dims(shape: tuple[int, ...], axes: set[int]) -> list[int]:
    """[a, r1, b, r2, c] of a reduction record: neighbours that are both kept or both reduced are one dimension."""
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
            raise Unsupported(f"axes {sorted(axes)} of {shape} alternate too often", "reduce in two steps")
        dims[position] = size
        position += 1
    return dims


@lowers("MEAN", "SUM")
def mean(ctx: Lowering, op: Op) -> None:
    x, axes, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])
    if not axes.constant:
        raise Unsupported("its axes are computed at run time", "make them constants")
    reduced = {int(a) % len(x.shape) for a in axes.data.reshape(-1)}
    dims = _five_dims(x.shape, reduced)
    n = dims[1] * dims[3]
    if y.size * n != x.size:
        raise Unsupported(
            f"shape {x.shape} over axes {sorted(reduced)} does not make {y.shape}", "export the model again"
        )
    multiplier, shift = fixed_point.mean_multiplier(x.quant.scale, y.quant.scale, n if op.kind == "MEAN" else 1)
    left, right = fixed_point.split_shift(shift)
    words = dict(enumerate([*dims, -(x.quant.zero_point + 128) * n, multiplier, left, right], 8))
    low, high = clamps(op, y)
    words.update({24: y.quant.zero_point, 25: low, 26: high})
    ctx.emit(Step("mean", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("ADD_N")
def add_n(ctx: Lowering, op: Op) -> None:
    """The inputs behind each other, and a mean over them that is not divided: reference/add_n.h.

    TFLM adds numbers times 2**19, which the shift to the left makes of their sum, and one that is 0.
    """
    parts, y = [ctx.tensor(i) for i in op.inputs], ctx.tensor(op.outputs[0])
    first = parts[0]
    for x in parts:
        if x.shape != y.shape or x.quant != first.quant:
            raise Unsupported(f"'{x.id}' has another shape, scale or zero point than '{first.id}' (TFLM refuses it as well)",
                              "export the model again")  # fmt: skip
    n = len(parts)
    multiplier, right = _running(first, y)
    stacked = ctx.temporary(op.name, (n, *y.shape), first)
    join(ctx, op.name, parts, stacked, 1)
    words = dict(enumerate([1, n, 1, 1, y.size, -(first.quant.zero_point + 128) * n - first.quant.zero_point, multiplier,
                            _RUNNING_SHIFT, right], 8))  # fmt: skip
    words.update({24: y.quant.zero_point, 25: -128, 26: 127})
    ctx.emit(Step("mean", op.name, ctx.activation(stacked), ctx.new_buffer(y), words))


@lowers("CUMSUM")
def cumsum(ctx: Lowering, op: Op) -> None:
    x, axis, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])
    if not axis.constant or axis.size != 1:
        raise Unsupported("its axis is computed at run time", "make it a constant")
    if x.shape != y.shape or not x.shape:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", "export the model again")
    at = int(axis.data.reshape(-1)[0]) % len(x.shape)
    outer, n, inner = (int(np.prod(d, dtype=int)) for d in (x.shape[:at], x.shape[at], x.shape[at + 1 :]))
    multiplier, right = _running(x, y)
    words = {8: outer, 9: n, 10: inner, 11: op.attrs["exclusive"] + 2 * op.attrs["reverse"], 14: multiplier,
             15: _RUNNING_SHIFT, 16: right, 18: x.quant.zero_point, 24: y.quant.zero_point, 25: -128, 26: 127}  # fmt: skip
    source = ctx.activation(x)
    ctx.emit(Step("cumsum", op.name, source, ctx.new_buffer(y), words, inplace=(source,)))


_RUNNING_SHIFT = 19  # reference/add_n.h, cumsum.h: x * 2**20, halved


def _running(x: Tensor, y: Tensor) -> tuple[int, int]:
    """(multiplier, shift to the right) from sums times 2**19 to y."""
    multiplier, shift = fixed_tables.running_multiplier(x.quant.scale, y.quant.scale)
    return multiplier, -shift


@lowers("REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL", "REDUCE_ANY")
def extremes(ctx: Lowering, op: Op) -> None:
    """Raw values are compared; TFLM refuses another scale for the result. Bools are bytes of 0 and 1."""
    x, axes, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])
    if not axes.constant:
        raise Unsupported("its axes are computed at run time", "make them constants")
    if x.dtype == "int8" and x.quant.scale != y.quant.scale:
        raise Unsupported("its input and output have different scales", "export the model again")
    reduced = {int(a) % len(x.shape) for a in axes.data.reshape(-1)}
    dims = _five_dims(x.shape, reduced)
    if y.size * dims[1] * dims[3] != x.size:
        raise Unsupported(
            f"shape {x.shape} over axes {sorted(reduced)} does not make {y.shape}", "export the model again"
        )
    if dims[1] * dims[3] == 1:
        ctx.alias(y, x)
        return
    words = dict(enumerate([*dims, op.kind in ("REDUCE_MIN", "REDUCE_ALL")], 8))
    ctx.emit(Step("reduce", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("ARG_MAX", "ARG_MIN")
def arg(ctx: Lowering, op: Op) -> None:
    x, axis, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])
    if not axis.constant or axis.size != 1:
        raise Unsupported("its axis is computed at run time", "make it a constant")
    if x.dtype != "int8" or y.dtype != "int32":
        raise Unsupported(f"it makes {y.dtype} of {x.dtype}", "int32 of int8 is there")
    at = int(axis.data.reshape(-1)[0]) % len(x.shape)
    outer, r, inner = (int(np.prod(d, dtype=int)) for d in (x.shape[:at], x.shape[at], x.shape[at + 1 :]))
    if y.size != outer * inner:
        raise Unsupported(f"shape {x.shape} over axis {at} does not make {y.shape}", "export the model again")
    words = {8: outer, 9: r, 10: inner, 11: op.kind == "ARG_MIN"}
    ctx.emit(Step("arg", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("SOFTMAX")
def softmax(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if y.quant.scale != 1 / 256 or y.quant.zero_point != -128:
        raise Unsupported("its output is not quantized to scale 1/256, zero point -128", "export the model again")
    table = np.asarray(fixed_point.exp_table(op.attrs.get("beta", 1.0), x.quant.scale)).astype("<i4")
    if x.shape != y.shape:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", "export the model again")
    depth = x.shape[-1]
    if depth >= 4096:  # the sum of exponentials is Q12.19
        raise Unsupported(f"{depth} classes", "use fewer than 4096")
    k = Constants()
    words = {8: x.size // depth, 9: depth, 10: len(table), 11: k.add(table)}
    source = ctx.activation(x)
    ctx.emit(Step("softmax", op.name, source, ctx.new_buffer(y), words, bytes(k.data), inplace=(source,)))
