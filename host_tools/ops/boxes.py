"""Boxes of elements: walks of at most four dimensions, as copy, pairwise and select records hold them; and copies."""

from __future__ import annotations

from collections.abc import Sequence

from ..assembler.constants import Constants
from ..ir import Tensor
from ..record import BOX
from .core import Lowering, Step, Unsupported, constant_flags

_RANK = 4  # dimensions of a box record
_MOST_BOXES = 256  # records that one op may become


def dense_strides(shape: Sequence[int]) -> list[int]:
    """Strides, in elements, of a dense tensor."""
    strides, step = [], 1
    for d in reversed(shape):
        strides.append(step)
        step *= d
    return strides[::-1]


def broadcast_strides(shape: tuple[int, ...], out: tuple[int, ...]) -> list[int]:
    """Strides, in elements, of a dense tensor of `shape` seen as `out`: 0 where it is broadcast."""
    padded = (1,) * (len(out) - len(shape)) + shape
    if len(shape) > len(out) or any(d not in (1, o) for d, o in zip(padded, out)):
        raise Unsupported(f"shapes {shape} and {out} do not broadcast", "make the shapes fit")
    return [0 if d == 1 else s for d, s in zip(padded, dense_strides(padded))]


def merged(dims, strides: list[list[int]]) -> list[list[int]]:
    """The same walk as [dim, stride of operand 0, of operand 1, ...] in as few dimensions as there can be.

    Ones are dropped, neighbours merged where all operands allow it."""
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


def boxes(
    kept: list[list[int]], operands: int, unroll_outermost: bool = False
) -> tuple[list[list[int]], list[list[int]]]:
    """(dimensions, starts): boxes of at most four dimensions that make up `kept`, and the operands' offsets of each.

    The smallest dimensions are unrolled, or the outermost ones. Unsupported where that makes too many boxes.
    """
    kept = list(kept)
    starts = [[0] * operands]
    while len(kept) > _RANK:
        at = 0 if unroll_outermost else min(range(len(kept)), key=lambda i: kept[i][0])
        d, *strides = kept.pop(at)
        starts = [[o + i * s for o, s in zip(start, strides)] for start in starts for i in range(d)]
    if len(starts) > _MOST_BOXES:
        raise Unsupported(f"{len(starts)} boxes of four dimensions", "use fewer dimensions that cannot be merged")
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
    kept, starts = boxes([] if empty else merged(dims, [source, to]), 2)
    k = Constants()
    x_ref = x_is or ctx.operand(k, x)
    box, strides = four(kept, 2)
    if empty:
        box = [0] * _RANK
    for x_start, y_start in starts:
        words = BOX.words(dims=box, x_strides=strides[0], y_strides=strides[1], fill_bytes=fill[0], fill_value=fill[1],
                          start=y_at * item + y_start, flags=constant_flags(x_ref))  # fmt: skip
        ctx.emit(Step("copy", name, x_ref, target, words, bytes(k.data), x_at=x_at * item + x_start, partial=partial))
        fill, partial = (0, 0), True


def broadcast_copy(ctx: Lowering, name: str, x: Tensor, y: Tensor, target: str, source: str | None) -> None:
    """y = x, repeated where x has fewer or shorter dimensions."""
    copy_box(ctx, name, x, target, y.shape, broadcast_strides(x.shape, y.shape), dense_strides(y.shape), x_is=source)


def join(ctx: Lowering, name: str, parts: list[Tensor], y: Tensor, outer: int) -> None:
    """y[outer, ...] = the parts[outer, ...] one after the other: CONCATENATION and PACK."""
    row = y.size // outer
    sources = []
    for x in parts:  # activations first, so that what brings constants into the arena stands before ours
        sources.append(None if x.constant else ctx.activation(x))
    target = ctx.new_buffer(y)
    start = 0
    for x, source in zip(parts, sources):
        run = x.size // outer
        copy_box(ctx, name, x, target, [outer, run], [run, 1], [row, 1], y_at=start, partial=start > 0, x_is=source)
        start += run
