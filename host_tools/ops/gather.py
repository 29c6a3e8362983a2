"""Ops that pick rows by index: GATHER, MIRROR_PAD, REVERSE_V2, RESIZE_NEAREST_NEIGHBOR; the gather kernel."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from ..assembler.constants import Constants
from ..ir import Op, Tensor
from ..record import GATHER
from .core import CONSTANTS, EXPORT, Lowering, Step, Unsupported, constant_flags, lowers, raw_constant


def take(ctx: Lowering, name: str, x: Tensor, indices: dict[int, list[int]], y: Tensor) -> None:
    """y = x with the rows `indices[axis]` of every axis named, two axes per step; the others whole."""
    axes = sorted(indices)
    current = x
    while axes:
        pair, axes = axes[:2], axes[2:]
        shape = [len(indices[a]) if a in pair else d for a, d in enumerate(current.shape)]
        out = ctx.temporary(name, tuple(shape), x) if axes else y
        first = pair[0]
        last = pair[-1]
        two = len(pair) == 2
        lead, middle = prod(current.shape[:first]), prod(current.shape[first + 1 : last]) if two else 1
        run = prod(current.shape[last + 1 :]) * x.item_bytes
        inner = middle * (current.shape[last] if two else 1) * run  # bytes of one row of the first axis
        k = Constants()
        row_table = k.add(np.array(indices[first], "<i4"))
        column_table = k.add(np.array(indices[last] if two else [0], "<i4"))
        source = ctx.activation(current)
        emit(ctx, name, source, ctx.new_buffer(out), k, row_table, columns_offset=column_table,
             a=lead, j=len(indices[first]), b=middle, k=len(indices[last]) if two else 1, c=run,
             a_stride=current.shape[first] * inner, row_stride=inner, b_stride=current.shape[last] * run if two else 0,
             column_stride=run, rows=current.shape[first], columns=current.shape[last] if two else 1)  # fmt: skip
        current = out


def emit(ctx: Lowering, name: str, source: str | int, target: str, constants: Constants, index: int | str, *,
         x_at: int = 0, x2_at: int = 0, y_at: int = 0, partial: bool = False, **words: int) -> None:  # fmt: skip
    """A gather record: y[a, j, b, k, c] = x[a, index[j], b, columns[k], c]; c bytes, strides in bytes.

    `source`, `index`: an offset in the constants, or a buffer; `index` of int32. words: those of its layout.
    """
    record = GATHER.words(**words, flags=constant_flags(source, index))
    ctx.emit(Step("gather", name, source, target, record, bytes(constants.data), x2=index, x_at=x_at, x2_at=x2_at,
                  y_at=y_at, partial=partial))  # fmt: skip


@lowers("GATHER")
def gather(ctx: Lowering, op: Op) -> None:
    x, index, y = ctx.two(op)
    rank = len(x.shape)
    axis, batch = op.attrs["axis"] % rank, op.attrs["batch_dims"] % max(1, len(index.shape) + 1)
    if batch > axis or index.shape[:batch] != x.shape[:batch]:
        raise Unsupported(f"batch_dims {batch} of {x.shape} and indices {index.shape}", EXPORT)
    if index.constant:
        low, high = (int(f(index.values, initial=0)) for f in (np.min, np.max))
        if low < 0 or high >= x.shape[axis]:
            raise Unsupported(f"indices from {low} to {high} leave axis {axis} of {x.shape}", EXPORT)
    elif index.dtype != "int32":
        raise Unsupported(f"indices '{index.id}' are {index.dtype} and computed at run time", "use int32")
    if y.shape != x.shape[:axis] + index.shape[batch:] + x.shape[axis + 1 :]:
        raise Unsupported(f"{x.shape} and indices {index.shape} do not make {y.shape}", EXPORT)
    run = prod(x.shape[axis + 1 :]) * x.item_bytes
    count, batches = prod(index.shape[batch:]), prod(x.shape[:batch])
    lead = prod(x.shape[batch:axis])
    in_file = x.constant and x.id not in ctx.place and batches == 1  # a table of embeddings
    buffer = "" if in_file else ctx.activation(x)
    rows = "" if index.constant else ctx.activation(index)
    target = ctx.new_buffer(y)
    if batches > 64:
        raise Unsupported(f"{batches} batches of indices", "gather without batch_dims")
    for i in range(batches):
        k = Constants()
        source = k.add(raw_constant(x)) if in_file else buffer
        table = k.add(np.ascontiguousarray(index.values.reshape(batches, -1)[i], "<i4")) if index.constant else rows
        columns = k.add(np.zeros(1, "<i4"))
        emit(ctx, op.name, source, target, k, table, columns_offset=columns, a=lead, j=count, b=1, k=1, c=run,
             a_stride=x.shape[axis] * run, row_stride=run, b_stride=0, column_stride=0, rows=x.shape[axis], columns=1,
             x_at=i * lead * x.shape[axis] * run, x2_at=0 if index.constant else 4 * i * count,
             y_at=i * lead * count * run, partial=i > 0)  # fmt: skip


@lowers("EMBEDDING_LOOKUP")
def embedding_lookup(ctx: Lowering, op: Op) -> None:
    """GATHER of rows. An index outside, at which TFLM stops, is taken as the nearest inside."""
    index = ctx.input(op, 0)
    if len(index.shape) != 1:
        raise Unsupported(f"indices of shape {index.shape}", "use a row of them")
    gather(ctx, replace(op, inputs=op.inputs[::-1]).with_attrs(axis=0, batch_dims=0))


@lowers("GATHER_ND")
def gather_nd(ctx: Lowering, op: Op) -> None:
    """Constant indices become one index of the dimensions they cover."""
    x, index, y = ctx.two(op)
    depth = index.shape[-1]
    covered = x.shape[:depth]
    run = prod(x.shape[depth:]) * x.item_bytes
    if y.shape != index.shape[:-1] + x.shape[depth:]:
        raise Unsupported(f"{x.shape} and indices {index.shape} do not make {y.shape}", EXPORT)
    source = ctx.activation(x)
    k = Constants()
    if index.constant:
        flat = index.values.reshape(-1, depth).astype(np.int64)
        if (flat < 0).any() or (flat >= np.array(covered)).any():
            raise Unsupported(f"indices outside of {x.shape}", EXPORT)
        rows: int | str = k.add(np.ravel_multi_index(flat.T, covered).astype("<i4"))
    elif depth == 1 and index.dtype == "int32":
        rows = ctx.activation(index)
    else:
        raise Unsupported("its indices are computed at run time", "make them constants, or index one dimension")
    columns = k.add(np.zeros(1, "<i4"))
    emit(ctx, op.name, source, ctx.new_buffer(y), k, rows, columns_offset=columns, a=1, j=prod(index.shape[:-1]), b=1,
         k=1, c=run, a_stride=0, row_stride=run, b_stride=0, column_stride=0, rows=prod(covered),
         columns=1)  # fmt: skip


@lowers("REVERSE_V2")
def reverse(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    chosen = {a % len(x.shape) for a in ctx.integers(op, 1, "axes are", CONSTANTS)}
    turned = {a: list(range(x.shape[a] - 1, -1, -1)) for a in chosen if x.shape[a] > 1}
    if not turned:
        ctx.alias(y, x)
    else:
        take(ctx, op.name, x, turned, y)


@lowers("MIRROR_PAD")
def mirror_pad(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    pads = ctx.integers(op, 1, "paddings are", CONSTANTS)
    edge = 0 if op.attrs["mode"] == "SYMMETRIC" else 1
    indices = {}
    for axis, (before, after) in enumerate(zip(pads[0::2], pads[1::2])):
        d = x.shape[axis]
        if not (0 <= before <= d - edge and 0 <= after <= d - edge) or y.shape[axis] != before + d + after:
            raise Unsupported(f"paddings {before} and {after} on axis {axis} of {x.shape}", EXPORT)
        if before or after:
            indices[axis] = [*range(before - 1 + edge, edge - 1, -1), *range(d),
                             *range(d - 1 - edge, d - 1 - edge - after, -1)]  # fmt: skip
    if not indices:
        ctx.alias(y, x)
    else:
        take(ctx, op.name, x, indices, y)


def nearest(size: int, out: int, align_corners: bool, half_pixel_centers: bool) -> list[int]:
    """Input row for each output row, in float32. internal/reference/resize_nearest_neighbor.h GetNearestNeighbor."""
    f = np.float32
    scale = f(size - 1) / f(out - 1) if align_corners and out > 1 else f(size) / f(out)
    rows = []
    for i in range(out):
        at = f(f(i) + f(0.5 if half_pixel_centers else 0)) * scale
        row = int(np.floor(float(at) + 0.5)) if align_corners else int(np.floor(at))
        rows.append(max(0, min(row, size - 1)))
    return rows


@lowers("RESIZE_NEAREST_NEIGHBOR")
def resize_nearest(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    if len(x.shape) != 4 or x.shape[0] != y.shape[0] or x.shape[3] != y.shape[3]:
        raise Unsupported(f"{x.shape} becomes {y.shape}", EXPORT)
    options = op.attrs["align_corners"], op.attrs["half_pixel_centers"]
    indices = {axis: nearest(x.shape[axis], y.shape[axis], *options) for axis in (1, 2)}
    indices = {axis: rows for axis, rows in indices.items() if rows != list(range(x.shape[axis]))}
    if not indices:
        ctx.alias(y, x)
    else:
        take(ctx, op.name, x, indices, y)
