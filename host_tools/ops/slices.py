"""Ops that move values in boxes: slices, splits, transposes, tiles, blocks of space and depth. All of them are copies."""

from __future__ import annotations

from itertools import product
from math import prod

from ..ir import Op, Tensor
from .core import Lowering, Unsupported, lowers
from .gather import take
from .movement import copy_box, dense_strides, join

_EXPORT = "export the model again"
_COMPUTED = "make it a constant"


def constant(ctx: Lowering, id: str | None, what: str) -> list[int]:
    """The integers of an input that has to be a constant."""
    tensor = ctx.tensor(id)
    if not tensor.constant:
        raise Unsupported(f"its {what} is computed at run time", _COMPUTED)
    return [int(v) for v in tensor.data.reshape(-1)]


def _check_shape(got, y: Tensor, x: Tensor) -> None:
    if tuple(got) != y.shape:
        raise Unsupported(f"{x.shape} becomes {tuple(got)}, but its output is {y.shape}", _EXPORT)


@lowers("SLICE")
def slice_(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    begin, size = constant(ctx, op.inputs[1], "begin"), constant(ctx, op.inputs[2], "size")
    size = [d - b if s == -1 else s for d, b, s in zip(x.shape, begin, size)]
    if any(b < 0 or s < 1 or b + s > d for d, b, s in zip(x.shape, begin, size)):
        raise Unsupported(f"begin {begin} and size {size} leave {x.shape}", _EXPORT)
    _check_shape(size, y, x)
    _box(ctx, op.name, x, y, size, begin, [1] * len(size))


def _box(ctx: Lowering, name: str, x: Tensor, y: Tensor, counts, starts, steps) -> None:
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
    forward = ctx.temporary(name, counts, x)
    copy_box(ctx, name, x, ctx.new_buffer(forward), counts, [s * abs(t) for s, t in zip(strides, steps)],
             dense_strides(counts), x_at=sum(b * s for b, s in zip(first, strides)), x_is=source)  # fmt: skip
    take(ctx, name, forward, turned, y)


def strided(shape, begin, end, step, attrs) -> tuple[list[int], list[int], list[int], tuple[int, ...]]:
    """(starts, counts, steps, output shape) of STRIDED_SLICE with all its masks, one entry a dimension of x.

    kernels/internal/strided_slice_logic.h; Python's own slices clamp in the same way.
    """
    bit = lambda name, i: attrs[name] >> i & 1  # noqa: E731
    specs = len(begin)
    used = sum(1 for i in range(specs) if not bit("EllipsisMask", i) and not bit("NewAxisMask", i))
    starts, counts, steps, out = [], [], [], []

    def whole(d):
        starts.append(0), counts.append(d), steps.append(1), out.append(d)

    for i in range(specs):
        if bit("EllipsisMask", i):
            for _ in range(len(shape) - used):
                whole(shape[len(starts)])
            used = len(shape)
            continue
        if bit("NewAxisMask", i):
            out.append(1)
            continue
        d = shape[len(starts)]
        if bit("ShrinkAxisMask", i):
            at = begin[i] + (d if begin[i] < 0 else 0)
            if not 0 <= at < d:
                raise Unsupported(f"index {begin[i]} is outside of {d}", _EXPORT)
            starts.append(at), counts.append(1), steps.append(1)
            continue
        stop = begin[i] + end[i] if attrs.get("Offset") else end[i]
        chosen = range(*slice(None if bit("BeginMask", i) else begin[i], None if bit("EndMask", i) else stop,
                              step[i]).indices(d))  # fmt: skip
        starts.append(chosen.start), counts.append(len(chosen)), steps.append(step[i]), out.append(len(chosen))
    while len(starts) < len(shape):
        whole(shape[len(starts)])
    return starts, counts, steps, tuple(out)


@lowers("STRIDED_SLICE")
def strided_slice(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    begin, end, step = (constant(ctx, i, what) for i, what in zip(op.inputs[1:4], ("begin", "end", "strides")))
    starts, counts, steps, out = strided(x.shape, begin, end, step, op.attrs)
    _check_shape(out, y, x)
    _box(ctx, op.name, x, y, counts, starts, steps)


def _parts(ctx: Lowering, op: Op, x: Tensor, axis: int, sizes: list[int]) -> None:
    if sum(sizes) != x.shape[axis] or len(sizes) != len(op.outputs):
        raise Unsupported(f"{sizes} do not split {x.shape} on axis {axis}", _EXPORT)
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
    x = ctx.tensor(op.inputs[1])
    axis = constant(ctx, op.inputs[0], "axis")[0] % len(x.shape)
    n = len(op.outputs)
    _parts(ctx, op, x, axis, [x.shape[axis] // n] * n)


@lowers("SPLIT_V")
def split_v(ctx: Lowering, op: Op) -> None:
    x = ctx.tensor(op.inputs[0])
    axis = constant(ctx, op.inputs[2], "axis")[0] % len(x.shape)
    sizes = constant(ctx, op.inputs[1], "sizes")
    _parts(ctx, op, x, axis, [x.shape[axis] - sum(s for s in sizes if s >= 0) if s < 0 else s for s in sizes])


@lowers("UNPACK")
def unpack(ctx: Lowering, op: Op) -> None:
    x = ctx.tensor(op.inputs[0])
    axis = op.attrs["axis"] % len(x.shape)
    if len(op.outputs) != x.shape[axis]:
        raise Unsupported(f"{len(op.outputs)} outputs of {x.shape} on axis {axis}", _EXPORT)
    outer, row = prod(x.shape[:axis]), prod(x.shape[axis:])
    inner = prod(x.shape[axis + 1 :])
    source = ctx.activation(x)
    for i, id in enumerate(op.outputs):
        y = ctx.tensor(id)
        _check_shape(x.shape[:axis] + x.shape[axis + 1 :], y, x)
        copy_box(ctx, id, x, ctx.new_buffer(y), [outer, inner], [row, 1], [inner, 1], x_at=i * inner, x_is=source)


@lowers("PACK")
def pack(ctx: Lowering, op: Op) -> None:
    y, parts = ctx.tensor(op.outputs[0]), [ctx.tensor(i) for i in op.inputs]
    axis = op.attrs["axis"] % len(y.shape)
    for x in parts:
        _check_shape((*x.shape[:axis], len(parts), *x.shape[axis:]), y, x)
    join(ctx, op.name, parts, y, prod(y.shape[:axis]))


@lowers("TRANSPOSE")
def transpose(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    order = [a % len(x.shape) for a in constant(ctx, op.inputs[1], "order")]
    _check_shape([x.shape[a] for a in order], y, x)
    moved = [a for a in order if x.shape[a] != 1]
    if moved == sorted(moved):  # only ones change their place: another name for the same bytes
        ctx.alias(y, x)
        return
    strides, source = dense_strides(x.shape), ctx.activation(x)
    copy_box(
        ctx, op.name, x, ctx.new_buffer(y), y.shape, [strides[a] for a in order], dense_strides(y.shape), x_is=source
    )


@lowers("TILE")
def tile(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    times = constant(ctx, op.inputs[1], "multiples")
    _check_shape([d * t for d, t in zip(x.shape, times)], y, x)
    dims, sources = [], []
    for d, t, s in zip(x.shape, times, dense_strides(x.shape)):
        dims += [t, d]
        sources += [0, s]
    source = ctx.activation(x)
    copy_box(ctx, op.name, x, ctx.new_buffer(y), dims, sources, dense_strides(dims), x_is=source)


@lowers("BROADCAST_TO")
def broadcast_to(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    source = ctx.activation(x)
    broadcast_copy(ctx, op.name, x, y, ctx.new_buffer(y), source)


def broadcast_copy(ctx: Lowering, name: str, x: Tensor, y: Tensor, target: str, source: str | None) -> None:
    """y = x, repeated where x has fewer or shorter dimensions."""
    from .elementwise import broadcast_strides

    copy_box(ctx, name, x, target, y.shape, broadcast_strides(x.shape, y.shape), dense_strides(y.shape), x_is=source)


@lowers("SPACE_TO_DEPTH", "DEPTH_TO_SPACE")
def blocks(ctx: Lowering, op: Op) -> None:
    """y[n, h, w, by, bx, c] = x[n, h, by, w, bx, c] or the other way round; b the block size, c the smaller depth."""
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    b = op.attrs["block_size"]
    small, large = (y, x) if op.kind == "SPACE_TO_DEPTH" else (x, y)  # in rows and columns
    n, h, w, depth = small.shape
    _check_shape((n, h * b, w * b, depth // (b * b)), large, small)
    c = depth // (b * b)
    dims = [n, h, b, w, b, c]
    wide = dense_strides((n, h, b, w, b, c))
    deep = [dense_strides((n, h, w, b, b, c))[i] for i in (0, 1, 3, 2, 4, 5)]
    source = ctx.activation(x)
    strides = (wide, deep) if op.kind == "SPACE_TO_DEPTH" else (deep, wide)
    copy_box(ctx, op.name, x, ctx.new_buffer(y), dims, *strides, x_is=source)


@lowers("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")
def batches(ctx: Lowering, op: Op) -> None:
    """A strided copy for each position in the block; what pads is y's zero point, what is cropped is not read."""
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    block = constant(ctx, op.inputs[1], "block shape")
    edges = constant(ctx, op.inputs[2], "paddings or crops")
    to_batch = op.kind == "SPACE_TO_BATCH_ND"
    space, batch = (x, y) if to_batch else (y, x)  # the one with the large image, the one with many batches
    m = len(block)
    rest = prod(space.shape[m + 1 :])
    images, small = space.shape[0], batch.shape[1 : m + 1]
    before = edges[0::2]
    if (batch.shape[0] != images * prod(block) or batch.shape[m + 1 :] != space.shape[m + 1 :] or min(edges) < 0
            or any(s * b != d + edges[2 * i] + edges[2 * i + 1]
                   for i, (s, b, d) in enumerate(zip(small, block, space.shape[1:])))):  # fmt: skip
        raise Unsupported(f"blocks {block} do not lead from {x.shape} to {y.shape}", _EXPORT)
    wide, deep = dense_strides((*space.shape[: m + 1], rest)), dense_strides((*batch.shape[: m + 1], rest))
    source, target = ctx.activation(x), ctx.new_buffer(y)
    fill = (y.bytes, y.quant.zero_point & 0xFF) if to_batch and any(edges) else (0, 0)
    done = False
    for index, place in enumerate(product(*(range(b) for b in block))):
        counts, first_small, first_wide = [], [], []
        for i in range(m):  # rows s with 0 <= s * block + place - before < the image's size
            low = max(0, -(-(before[i] - place[i]) // block[i]))
            high = min(small[i], -(-(space.shape[i + 1] + before[i] - place[i]) // block[i]))
            counts.append(max(0, high - low))
            first_small.append(low)
            first_wide.append(low * block[i] + place[i] - before[i])
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
