"""Ops that only move bytes: PAD and CONCATENATION by the copy kernel; reshapes are another name for the same bytes."""

from __future__ import annotations

import numpy as np

from ..assembler.constants import Constants
from ..ir import Op, Tensor
from .core import Lowering, Step, Unsupported, check_activation, lowers, raw_constant

_RANK = 4  # dimensions of a copy or pairwise record
_MOST_PIECES = 256  # records that one op may become


def dense_strides(shape: tuple[int, ...]) -> list[int]:
    """Byte strides of a dense int8 tensor."""
    strides, step = [], 1
    for d in reversed(shape):
        strides.append(step)
        step *= d
    return strides[::-1]


def merged(dims, strides: list[list[int]]) -> list[list[int]]:
    """The same walk as [dim, stride of operand 0, of operand 1, ...] in as few dimensions as there can be: ones dropped,
    neighbours merged where all operands allow it."""
    kept: list[list[int]] = []
    for d, *s in zip(dims, *strides):
        if d == 1:
            continue
        if kept and all(outer == inner * d for outer, inner in zip(kept[-1][1:], s)):
            kept[-1] = [kept[-1][0] * d, *s]
        else:
            kept.append([d, *s])
    return kept


def four(kept: list[list[int]], operands: int) -> tuple[list[int], list[list[int]]]:
    """(dimensions, strides of each operand) of at most four merged dimensions, filled up to four."""
    kept = [[1] + [0] * operands] * (_RANK - len(kept)) + kept
    return [k[0] for k in kept], [[k[i + 1] for k in kept] for i in range(operands)]


def pieces(kept: list[list[int]], operands: int, unroll_outermost: bool = False):
    """(dimensions, starts): walks of at most four dimensions that make up `kept`, each with the offsets of the operands where it starts.

    The smallest dimensions are unrolled, or the outermost ones. Unsupported where that makes too many pieces.
    """
    kept = list(kept)
    starts = [[0] * operands]
    while len(kept) > _RANK:
        at = 0 if unroll_outermost else min(range(len(kept)), key=lambda i: kept[i][0])
        d, *strides = kept.pop(at)
        starts = [[o + i * s for o, s in zip(start, strides)] for start in starts for i in range(d)]
    if len(starts) > _MOST_PIECES:
        raise Unsupported(f"{len(starts)} pieces of four dimensions", "use fewer dimensions that cannot be merged")
    return kept, starts


def copy_box(ctx: Lowering, name: str, x: Tensor, target: str, dims, source, to, *, x_at: int = 0, y_at: int = 0,
             fill: tuple[int, int] = (0, 0), partial: bool = False, x_is: str | None = None) -> None:  # fmt: skip
    """Steps that copy a box of elements of `x` into the buffer `target`. dims, strides and offsets in elements of x.

    `fill`: bytes of y to fill first, and the raw byte. `x_is`: the buffer of x, if it is not its own.
    """
    item = x.item_bytes
    dims, source, to = list(dims), [s * item for s in source], [s * item for s in to]
    if item > 1:
        dims, source, to = [*dims, item], [*source, 1], [*to, 1]
    empty = 0 in dims
    kept, starts = pieces([] if empty else merged(dims, [source, to]), 2)
    k, flags = Constants(), 0
    if x_is is None and x.constant and x.id not in ctx.place:
        x_ref: str | int = k.add(raw_constant(x))
        flags = 1
    else:
        x_ref = x_is or ctx.activation(x)
    box, strides = four(kept, 2)
    if empty:
        box = [0] * _RANK
    for x_start, y_start in starts:
        words = dict(enumerate([*box, *strides[0], *strides[1], *fill, y_at * item + y_start, flags], 8))
        ctx.emit(Step("copy", name, x_ref, target, words, bytes(k.data), x_at=x_at * item + x_start, partial=partial))
        fill, partial = (0, 0), True


@lowers("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if x.size != y.size:
        raise Unsupported(f"shape {x.shape} does not hold as many values as {y.shape}", "fix the batch size to 1")
    ctx.alias(y, x)


@lowers("PAD", "PADV2")
@lowers("PAD", "PADV2", int16=True)
def pad(ctx: Lowering, op: Op) -> None:
    """A fill where all bytes of the value are equal, else a copy of it to every place; then the box."""
    x, pads, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])
    if not pads.constant:
        raise Unsupported("its paddings are computed at run time", "make them constants")
    if x.dtype != y.dtype:
        raise Unsupported(f"{x.dtype} becomes {y.dtype}", "export the model again")
    if x.dtype in ("int8", "int16"):
        check_activation(y, (x.dtype,))
    raw, constant = bytes([(y.quant.zero_point if y.dtype == "int8" else 0) & 0xFF]), None
    if len(op.inputs) > 2 and op.inputs[2] is not None:
        constant = ctx.tensor(op.inputs[2])
        if not constant.constant or constant.size != 1:
            raise Unsupported("its value is computed at run time", "make it a constant")
        raw = raw_constant(constant)
    same = len(set(raw)) == 1
    before = [int(b) for b, _ in pads.data.reshape(-1, 2)]
    after = [int(a) for _, a in pads.data.reshape(-1, 2)]
    if tuple(b + d + a for b, d, a in zip(before, x.shape, after)) != y.shape or min(before + after) < 0:
        raise Unsupported(f"paddings do not lead from {x.shape} to {y.shape}", "export the model again")
    strides = dense_strides(y.shape)
    start = sum(b * s for b, s in zip(before, strides))
    source = None if x.constant else ctx.activation(x)
    target = ctx.new_buffer(y)
    if not same:
        copy_box(ctx, op.name, constant, target, [y.size], [0], [1])
    copy_box(ctx, op.name, x, target, x.shape, dense_strides(x.shape), strides, y_at=start,
             fill=(y.bytes, raw[0]) if same else (0, 0), partial=not same, x_is=source)  # fmt: skip


@lowers("FILL")
def fill(ctx: Lowering, op: Op) -> None:
    """y = one value that is computed at run time, everywhere; of a constant it has been folded."""
    value, y = ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])
    if value.size != 1 or value.dtype != y.dtype:
        raise Unsupported(
            f"it fills {y.dtype} with {value.dtype} {value.shape}", "fill with one value of the same type"
        )
    source = ctx.activation(value)
    copy_box(ctx, op.name, value, ctx.new_buffer(y), [y.size], [0], [1], x_is=source)


@lowers("DYNAMIC_UPDATE_SLICE")
def update_slice(ctx: Lowering, op: Op) -> None:
    """y = x with a box of it replaced, whose start is kept inside: micro/kernels/dynamic_update_slice.cc."""
    x, update, start, y = (ctx.tensor(i) for i in (*op.inputs, op.outputs[0]))
    if not start.constant:
        raise Unsupported("its start is computed at run time", "make it a constant; for a cache that is written in turn, "
                          "shift a tf.Variable by a SLICE and a CONCATENATION")  # fmt: skip
    if x.shape != y.shape or len(update.shape) != len(x.shape) or {x.dtype, update.dtype} != {y.dtype}:
        raise Unsupported(f"{update.dtype} {update.shape} in {x.dtype} {x.shape} does not make {y.dtype} {y.shape}",
                          "export the model again")  # fmt: skip
    if update.size == x.size:
        ctx.alias(y, update)
        return
    at = [min(max(0, int(s)), d - u) for s, d, u in zip(start.data.reshape(-1), x.shape, update.shape)]
    if min(at) < 0:
        raise Unsupported(f"{update.shape} is larger than {x.shape}", "export the model again")
    strides = dense_strides(x.shape)
    sources = [None if t.constant else ctx.activation(t) for t in (x, update)]
    target = ctx.new_buffer(y)
    copy_box(ctx, op.name, x, target, [x.size], [1], [1], x_is=sources[0])
    copy_box(ctx, op.name, update, target, update.shape, dense_strides(update.shape), strides,
             y_at=sum(a * s for a, s in zip(at, strides)), partial=True, x_is=sources[1])  # fmt: skip


@lowers("CONCATENATION")
def concatenation(ctx: Lowering, op: Op) -> None:
    y = ctx.tensor(op.outputs[0])
    axis = op.attrs["axis"] % len(y.shape)
    parts = [ctx.tensor(i) for i in op.inputs]
    if op.attrs.get("activation", "NONE") != "NONE":
        raise Unsupported("a fused activation", "put the activation into its own layer")
    for x in parts:
        if y.dtype == "int8" and (x.quant.scale, x.quant.zero_point) != (y.quant.scale, y.quant.zero_point):
            raise Unsupported(
                f"'{x.id}' has another scale or zero point than the result (TFLM refuses it as well)",
                "export again with TFLiteConverter, which puts a QUANTIZE in between",
            )
        if len(x.shape) != len(y.shape) or any(a != b for i, (a, b) in enumerate(zip(x.shape, y.shape)) if i != axis):
            raise Unsupported(f"'{x.id}' with shape {x.shape} does not fit {y.shape}", "export the model again")
    if sum(x.shape[axis] for x in parts) != y.shape[axis]:
        raise Unsupported("its inputs do not fill its output", "export the model again")
    join(ctx, op.name, parts, y, int(np.prod(y.shape[:axis], dtype=int)))


def join(ctx: Lowering, name: str, parts: list[Tensor], y: Tensor, outer: int) -> None:
    """y[outer, ...] = the parts[outer, ...] behind each other: CONCATENATION and PACK."""
    row = y.size // outer
    sources = []
    for x in parts:  # constants first get their place, so that their copies stand before ours
        sources.append(None if x.constant else ctx.activation(x))
    target = ctx.new_buffer(y)
    start = 0
    for x, source in zip(parts, sources):
        run = x.size // outer
        copy_box(ctx, name, x, target, [outer, run], [run, 1], [row, 1], y_at=start, partial=start > 0, x_is=source)
        start += run
