"""Ops that only move bytes: PAD and CONCATENATION by the copy kernel; reshapes are another name for the same bytes."""

from __future__ import annotations

import numpy as np

from ..ir import Op, Tensor
from . import Constants, Lowering, Step, Unsupported, lowers

_RANK = 4  # dimensions of a copy or pairwise record


def dense_strides(shape: tuple[int, ...]) -> list[int]:
    """Byte strides of a dense int8 tensor."""
    strides, step = [], 1
    for d in reversed(shape):
        strides.append(step)
        step *= d
    return strides[::-1]


def collapse(dims: tuple[int, ...], strides: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """The same walk in exactly four dimensions: ones dropped, neighbours merged where all operands allow it.

    Unsupported if more than four remain.
    """
    kept: list[list[int]] = []  # [dim, stride of operand 0, of operand 1, ...]
    for d, *s in zip(dims, *strides):
        if d == 1:
            continue
        if kept and all(outer == inner * d for outer, inner in zip(kept[-1][1:], s)):
            kept[-1] = [kept[-1][0] * d, *s]
        else:
            kept.append([d, *s])
    if len(kept) > _RANK:
        raise Unsupported(f"{len(kept)} dimensions that cannot be merged", f"use at most {_RANK}")
    kept = [[1] + [0] * len(strides)] * (_RANK - len(kept)) + kept
    return [k[0] for k in kept], [[k[i + 1] for k in kept] for i in range(len(strides))]


def _copy_words(dims, source_strides, y_strides, start: int = 0, fill: tuple[int, int] = (0, 0)) -> dict[int, int]:
    """Words 8 to 23 of a box record (FORMAT.md). `fill`: bytes of y to fill first, and the raw byte."""
    dims, (source, target) = collapse(tuple(dims), [list(source_strides), list(y_strides)])
    return dict(enumerate([*dims, *source, *target, *fill, start, 0], 8))


def copy_constant(ctx: Lowering, tensor: Tensor) -> None:
    """A step that brings a constant into the arena, for the kernels that read only there."""
    k = Constants()
    at = k.add(tensor.data.astype(np.int8))
    words = {**_copy_words([tensor.size], [1], [1]), 23: 1}
    ctx.emit(Step("copy", tensor.id, at, ctx.new_buffer(tensor), words, bytes(k.data)))


@lowers("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if x.size != y.size:
        raise Unsupported(f"shape {x.shape} does not hold as many values as {y.shape}", "fix the batch size to 1")
    ctx.alias(y, x)


@lowers("PAD", "PADV2")
def pad(ctx: Lowering, op: Op) -> None:
    x, pads, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])
    if not pads.constant:
        raise Unsupported("its paddings are computed at run time", "make them constants")
    value = y.quant.zero_point
    if len(op.inputs) > 2 and op.inputs[2] is not None:
        constant = ctx.tensor(op.inputs[2])
        if not constant.constant or constant.size != 1:
            raise Unsupported("its value is computed at run time", "make it a constant")
        value = int(constant.data.reshape(-1)[0])
    before = [int(b) for b, _ in pads.data.reshape(-1, 2)]
    after = [int(a) for _, a in pads.data.reshape(-1, 2)]
    if tuple(b + d + a for b, d, a in zip(before, x.shape, after)) != y.shape or min(before + after) < 0:
        raise Unsupported(f"paddings do not lead from {x.shape} to {y.shape}", "export the model again")
    strides = dense_strides(y.shape)
    start = sum(b * s for b, s in zip(before, strides))
    words = _copy_words(x.shape, dense_strides(x.shape), strides, start, (y.size, value & 0xFF))
    ctx.emit(Step("copy", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("CONCATENATION")
def concatenation(ctx: Lowering, op: Op) -> None:
    y = ctx.tensor(op.outputs[0])
    axis = op.attrs["axis"] % len(y.shape)
    parts = [ctx.tensor(i) for i in op.inputs]
    if op.attrs.get("activation", "NONE") != "NONE":
        raise Unsupported("a fused activation", "put the activation into its own layer")
    for x in parts:
        if (x.quant.scale, x.quant.zero_point) != (y.quant.scale, y.quant.zero_point):
            raise Unsupported(
                f"'{x.id}' has another scale or zero point than the result (TFLM refuses it as well)",
                "export again with TFLiteConverter, which puts a QUANTIZE in between",
            )
        if len(x.shape) != len(y.shape) or any(a != b for i, (a, b) in enumerate(zip(x.shape, y.shape)) if i != axis):
            raise Unsupported(f"'{x.id}' with shape {x.shape} does not fit {y.shape}", "export the model again")
    if sum(x.shape[axis] for x in parts) != y.shape[axis]:
        raise Unsupported("its inputs do not fill its output", "export the model again")
    outer = int(np.prod(y.shape[:axis], dtype=int))
    row = int(np.prod(y.shape[axis:], dtype=int))
    sources = []
    for x in parts:  # constants first get their place, so that their copies stand before ours
        sources.append(None if x.constant else ctx.activation(x))
    target = ctx.new_buffer(y)
    start = 0
    for x, source in zip(parts, sources):
        run = x.size // outer
        words = _copy_words([outer, run], [run, 1], [row, 1], start)
        if source is None:
            k = Constants()
            at = k.add(x.data.astype(np.int8))
            ctx.emit(Step("copy", op.name, at, target, {**words, 23: 1}, bytes(k.data), partial=start > 0))
        else:
            ctx.emit(Step("copy", op.name, source, target, words, partial=start > 0))
        start += run
