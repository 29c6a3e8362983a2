"""Ops that only move bytes: pads, slices, splits, joins, transposes, tiles, blocks of space and depth, all by the copy
kernel; reshapes are another name for the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from ..ir import Op, Tensor
from .boxes import broadcast_copy, copy_box, dense_strides, join
from .core import CONSTANT, CONSTANTS, EXPORT, Lowering, Unsupported, check_activation, lowers, raw_constant
from .gather import take
from .slices import strided


@lowers("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    ctx.alias(y, x)


@lowers("PAD", "PADV2")
@lowers("PAD", "PADV2", int16=True)
def pad(ctx: Lowering, op: Op) -> None:
    """A fill where all bytes of the value are equal, else a copy of it to every element; then the box."""
    x, y = ctx.one(op)
    pads = ctx.integers(op, 1, "paddings are", CONSTANTS)
    if x.dtype != y.dtype:
        raise Unsupported(f"{x.dtype} becomes {y.dtype}", EXPORT)
    if x.dtype in ("int8", "int16"):
        check_activation(y, (x.dtype,))
    raw, constant = bytes([(y.zero_point if y.dtype == "int8" else 0) & 0xFF]), None
    if len(op.inputs) > 2 and op.inputs[2] is not None:
        constant = ctx.input(op, 2)
        if not constant.constant or constant.size != 1:
            raise Unsupported("its value is computed at run time", CONSTANT)
        raw = raw_constant(constant)
    same = len(set(raw)) == 1
    before, after = pads[0::2], pads[1::2]
    if tuple(b + d + a for b, d, a in zip(before, x.shape, after)) != y.shape or min(before + after) < 0:
        raise Unsupported(f"paddings do not lead from {x.shape} to {y.shape}", EXPORT)
    strides = dense_strides(y.shape)
    start = sum(b * s for b, s in zip(before, strides))
    source = None if x.constant else ctx.activation(x)
    target = ctx.new_buffer(y)
    if not same and constant is not None:
        copy_box(ctx, op.name, constant, target, [y.size], [0], [1])
    copy_box(ctx, op.name, x, target, x.shape, dense_strides(x.shape), strides, y_at=start,
             fill=(y.bytes, raw[0]) if same else (0, 0), partial=not same, x_is=source)  # fmt: skip


@lowers("FILL")
def fill(ctx: Lowering, op: Op) -> None:
    """y = one value that is computed at run time, everywhere; of a constant it has been folded."""
    value, y = ctx.input(op, 1), ctx.output(op)
    if value.size != 1 or value.dtype != y.dtype:
        raise Unsupported(
            f"it fills {y.dtype} with {value.dtype} {value.shape}", "fill with one value of the same type"
        )
    source = ctx.activation(value)
    copy_box(ctx, op.name, value, ctx.new_buffer(y), [y.size], [0], [1], x_is=source)


@lowers("DYNAMIC_UPDATE_SLICE")
def update_slice(ctx: Lowering, op: Op) -> None:
    """y = x with a box of it replaced, whose start is kept inside: micro/kernels/dynamic_update_slice.cc."""
    x, update, y = ctx.two(op)
    start = ctx.integers(op, 2, "start is", "make it a constant; for a cache that is written in turn, "
                         "shift a tf.Variable by a SLICE and a CONCATENATION")  # fmt: skip
    if x.shape != y.shape or len(update.shape) != len(x.shape) or {x.dtype, update.dtype} != {y.dtype}:
        raise Unsupported(
            f"{update.dtype} {update.shape} in {x.dtype} {x.shape} does not make {y.dtype} {y.shape}", EXPORT
        )
    if update.size == x.size:
        ctx.alias(y, update)
        return
    at = [min(max(0, s), d - u) for s, d, u in zip(start, x.shape, update.shape)]
    if min(at) < 0:
        raise Unsupported(f"{update.shape} is larger than {x.shape}", EXPORT)
    strides = dense_strides(x.shape)
    sources = [None if t.constant else ctx.activation(t) for t in (x, update)]
    target = ctx.new_buffer(y)
    copy_box(ctx, op.name, x, target, [x.size], [1], [1], x_is=sources[0])
    copy_box(ctx, op.name, update, target, update.shape, dense_strides(update.shape), strides,
             y_at=sum(a * s for a, s in zip(at, strides)), partial=True, x_is=sources[1])  # fmt: skip


@lowers("CONCATENATION")
def concatenation(ctx: Lowering, op: Op) -> None:
    y = ctx.output(op)
    axis = op.attrs["axis"] % len(y.shape)
    parts = [ctx.input(op, n) for n in range(len(op.inputs))]
    if op.attrs.get("activation", "NONE") != "NONE":
        raise Unsupported("a fused activation", "put the activation into its own layer")
    for x in parts:
        if y.dtype == "int8" and (x.scale, x.zero_point) != (y.scale, y.zero_point):
            raise Unsupported(
                f"'{x.id}' has another scale or zero point than the result (TFLM refuses it as well)",
                "export again with TFLiteConverter, which puts a QUANTIZE in between",
            )
        if len(x.shape) != len(y.shape) or any(a != b for i, (a, b) in enumerate(zip(x.shape, y.shape)) if i != axis):
            raise Unsupported(f"'{x.id}' with shape {x.shape} does not fit {y.shape}", EXPORT)
    if sum(x.shape[axis] for x in parts) != y.shape[axis]:
        raise Unsupported("its inputs do not fill its output", EXPORT)
    join(ctx, op.name, parts, y, prod(y.shape[:axis]))


@lowers("PACK")
def pack(ctx: Lowering, op: Op) -> None:
    parts, y = [ctx.input(op, n) for n in range(len(op.inputs))], ctx.output(op)
    axis = op.attrs["axis"] % len(y.shape)
    for x in parts:
        _check_shape((*x.shape[:axis], len(parts), *x.shape[axis:]), y, x)
    join(ctx, op.name, parts, y, prod(y.shape[:axis]))


def _check_shape(got: Sequence[int], y: Tensor, x: Tensor) -> None:
    if tuple(got) != y.shape:
        raise Unsupported(f"{x.shape} becomes {tuple(got)}, but its output is {y.shape}", EXPORT)


@lowers("SLICE")
def slice_(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    begin, size = ctx.integers(op, 1, "begin is"), ctx.integers(op, 2, "size is")
    size = [d - b if s == -1 else s for d, b, s in zip(x.shape, begin, size)]
    if any(b < 0 or s < 1 or b + s > d for d, b, s in zip(x.shape, begin, size)):
        raise Unsupported(f"begin {begin} and size {size} leave {x.shape}", EXPORT)
    _check_shape(size, y, x)
    _box(ctx, op.name, x, y, size, begin, [1] * len(size))


def _box(
    ctx: Lowering, name: str, x: Tensor, y: Tensor, counts: Sequence[int], starts: Sequence[int], steps: Sequence[int]
) -> None:
    """y = x[starts + i * steps], i < counts; steps may be negative."""
    strides = dense_strides(x.shape)
    at = sum(b * s for b, s in zip(starts, strides))
    backward = [i for i, (n, s) in enumerate(zip(counts, steps)) if s < 0 and n > 1]
    source = ctx.activation(x)
    if not backward:
        copy_box(ctx, name, x, ctx.new_buffer(y), counts, [s * t for s, t in zip(strides, steps)],
                 dense_strides(counts), x_at=at, x_is=source)  # fmt: skip
        return
    # the same elements forward, then turned round
    first = [b + (n - 1) * s if s < 0 else b for b, n, s in zip(starts, counts, steps)]
    turned = {i: list(range(counts[i] - 1, -1, -1)) for i in backward}
    if list(counts) == list(x.shape):
        take(ctx, name, x, turned, y)
        return
    forward = ctx.temporary(name, tuple(counts), x)
    copy_box(ctx, name, x, ctx.new_buffer(forward), counts, [s * abs(t) for s, t in zip(strides, steps)],
             dense_strides(counts), x_at=sum(b * s for b, s in zip(first, strides)), x_is=source)  # fmt: skip
    take(ctx, name, forward, turned, y)


@lowers("STRIDED_SLICE")
def strided_slice(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    begin, end, step = (ctx.integers(op, n, what) for n, what in ((1, "begin is"), (2, "end is"), (3, "strides are")))
    starts, counts, steps, out = strided(x.shape, begin, end, step, op.attrs)
    _check_shape(out, y, x)
    _box(ctx, op.name, x, y, counts, starts, steps)


def _parts(ctx: Lowering, op: Op, x: Tensor, axis: int, sizes: list[int]) -> None:
    if sum(sizes) != x.shape[axis] or len(sizes) != len(op.outputs):
        raise Unsupported(f"{sizes} do not split {x.shape} on axis {axis}", EXPORT)
    outer, row = prod(x.shape[:axis]), prod(x.shape[axis:])
    inner = prod(x.shape[axis + 1 :])
    source, at = ctx.activation(x), 0
    for id, size in zip(op.outputs, sizes):
        y = ctx.tensor(id)
        _check_shape((*x.shape[:axis], size, *x.shape[axis + 1 :]), y, x)
        copy_box(
            ctx, id, x, ctx.new_buffer(y), [outer, size * inner], [row, 1], [size * inner, 1], x_at=at, x_is=source
        )
        at += size * inner


@lowers("SPLIT")
def split(ctx: Lowering, op: Op) -> None:
    x = ctx.input(op, 1)
    axis = ctx.integers(op, 0, "axis is")[0] % len(x.shape)
    n = len(op.outputs)
    _parts(ctx, op, x, axis, [x.shape[axis] // n] * n)


@lowers("SPLIT_V")
def split_v(ctx: Lowering, op: Op) -> None:
    x = ctx.input(op, 0)
    axis = ctx.integers(op, 2, "axis is")[0] % len(x.shape)
    sizes = ctx.integers(op, 1, "sizes are")
    _parts(ctx, op, x, axis, [x.shape[axis] - sum(s for s in sizes if s >= 0) if s < 0 else s for s in sizes])


@lowers("UNPACK")
def unpack(ctx: Lowering, op: Op) -> None:
    x = ctx.input(op, 0)
    axis = op.attrs["axis"] % len(x.shape)
    if len(op.outputs) != x.shape[axis]:
        raise Unsupported(f"{len(op.outputs)} outputs of {x.shape} on axis {axis}", EXPORT)
    outer, row = prod(x.shape[:axis]), prod(x.shape[axis:])
    inner = prod(x.shape[axis + 1 :])
    source = ctx.activation(x)
    for i, id in enumerate(op.outputs):
        y = ctx.tensor(id)
        _check_shape(x.shape[:axis] + x.shape[axis + 1 :], y, x)
        copy_box(ctx, id, x, ctx.new_buffer(y), [outer, inner], [row, 1], [inner, 1], x_at=i * inner, x_is=source)


@lowers("TRANSPOSE")
def transpose(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    order = [a % len(x.shape) for a in ctx.integers(op, 1, "order is")]
    _check_shape([x.shape[a] for a in order], y, x)
    moved = [a for a in order if x.shape[a] != 1]
    if moved == sorted(moved):  # only dimensions of 1 change their position: another name for the same bytes
        ctx.alias(y, x)
        return
    strides, source = dense_strides(x.shape), ctx.activation(x)
    copy_box(
        ctx, op.name, x, ctx.new_buffer(y), y.shape, [strides[a] for a in order], dense_strides(y.shape), x_is=source
    )


@lowers("TILE")
def tile(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    times = ctx.integers(op, 1, "multiples are")
    _check_shape([d * t for d, t in zip(x.shape, times)], y, x)
    dims, sources = [], []
    for d, t, s in zip(x.shape, times, dense_strides(x.shape)):
        dims += [t, d]
        sources += [0, s]
    source = ctx.activation(x)
    copy_box(ctx, op.name, x, ctx.new_buffer(y), dims, sources, dense_strides(dims), x_is=source)


@lowers("BROADCAST_TO")
def broadcast_to(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    source = ctx.activation(x)
    broadcast_copy(ctx, op.name, x, y, ctx.new_buffer(y), source)


@lowers("SPACE_TO_DEPTH")
def space_to_depth(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    dims, wide, deep = _blocks(small=y, large=x, b=op.attrs["block_size"])
    source = ctx.activation(x)
    copy_box(ctx, op.name, x, ctx.new_buffer(y), dims, wide, deep, x_is=source)


@lowers("DEPTH_TO_SPACE")
def depth_to_space(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    dims, wide, deep = _blocks(small=x, large=y, b=op.attrs["block_size"])
    source = ctx.activation(x)
    copy_box(ctx, op.name, x, ctx.new_buffer(y), dims, deep, wide, x_is=source)


def _blocks(small: Tensor, large: Tensor, b: int) -> tuple[list[int], list[int], list[int]]:
    """(dimensions, strides in `large`, in `small`) of small[n, h, w, by, bx, c] = large[n, h, by, w, bx, c].

    `small` in rows and columns; b: the block size; c: the depth of `large`."""
    n, h, w, depth = small.shape
    c = depth // (b * b)
    _check_shape((n, h * b, w * b, c), large, small)
    deep = dense_strides((n, h, w, b, b, c))
    return [n, h, b, w, b, c], dense_strides((n, h, b, w, b, c)), [deep[i] for i in (0, 1, 3, 2, 4, 5)]


@lowers("SPACE_TO_BATCH_ND")
def space_to_batch(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    _batches(ctx, op, space=x, batch=y, to_batch=True)


@lowers("BATCH_TO_SPACE_ND")
def batch_to_space(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    _batches(ctx, op, space=y, batch=x, to_batch=False)


def _batches(ctx: Lowering, op: Op, space: Tensor, batch: Tensor, to_batch: bool) -> None:
    """A strided copy for each position in the block, between `space`, the large image, and `batch`, the small ones.

    What pads is y's zero point, what is cropped is not read."""
    x, y = ctx.one(op)
    block = ctx.integers(op, 1, "block shape is")
    edges = ctx.integers(op, 2, "paddings or crops are")
    m = len(block)
    rest = prod(space.shape[m + 1 :])
    images, small = space.shape[0], batch.shape[1 : m + 1]
    before = edges[0::2]
    if (batch.shape[0] != images * prod(block) or batch.shape[m + 1 :] != space.shape[m + 1 :] or min(edges) < 0
            or any(s * b != d + edges[2 * i] + edges[2 * i + 1]
                   for i, (s, b, d) in enumerate(zip(small, block, space.shape[1:])))):  # fmt: skip
        raise Unsupported(f"blocks {block} do not lead from {x.shape} to {y.shape}", EXPORT)
    wide, deep = dense_strides((*space.shape[: m + 1], rest)), dense_strides((*batch.shape[: m + 1], rest))
    source, target = ctx.activation(x), ctx.new_buffer(y)
    fill = (y.bytes, y.zero_point & 0xFF) if to_batch and any(edges) else (0, 0)
    done = False
    for index, position in enumerate(product(*(range(b) for b in block))):
        counts, first_small, first_wide = [], [], []
        for i in range(m):  # rows s with 0 <= s * block + position - before < the image's size
            low = max(0, -(-(before[i] - position[i]) // block[i]))
            high = min(small[i], -(-(space.shape[i + 1] + before[i] - position[i]) // block[i]))
            counts.append(max(0, high - low))
            first_small.append(low)
            first_wide.append(low * block[i] + position[i] - before[i])
        if 0 in counts:
            continue
        wide_at = sum(p * s for p, s in zip(first_wide, wide[1:]))
        deep_at = index * images * deep[0] + sum(p * s for p, s in zip(first_small, deep[1:]))
        dims = [images, *counts, rest]
        wide_strides = [wide[0], *(s * b for s, b in zip(wide[1:], block)), 1]
        deep_strides = [*deep[: m + 1], 1]
        strides = (wide_strides, deep_strides) if to_batch else (deep_strides, wide_strides)
        starts = {"x_at": wide_at, "y_at": deep_at} if to_batch else {"x_at": deep_at, "y_at": wide_at}
        copy_box(ctx, op.name, x, target, dims, *strides, **starts, fill=fill, partial=done, x_is=source)
        fill, done = (0, 0), True
