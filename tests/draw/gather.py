"""Drawn ops that take elements by their indices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw.core import Source, any_shape, int8_input, int32_constant, output_like, source_or_input
from tests.helpers.tflite_builder import Builder


def _strided_slice(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Not empty; a mask only where TFLM has it (begin, end, shrink)."""
    source = source_or_input(s, b, x, source, 1, 4, 7)
    shape = b.tensors[source].shape
    begin, end, step, masks, out = [], [], [], [0, 0, 0], []
    for i, d in enumerate(shape):
        stride = s.choice((1, 1, 2, 3, -1, -2))
        while True:
            a, e = s.integer(-d, d - 1), s.integer(-d - 2, d + 2)
            use = [s.integer(0, 3) == 0 for _ in range(3)]
            if use[2]:
                stride, count = 1, 1
                e = a + 1
                use[:2] = [False, False]
            else:
                count = len(range(*slice(None if use[0] else a, None if use[1] else e, stride).indices(d)))
            if count:
                break
            stride = 1 if s.boolean() else -1
        begin.append(a), end.append(e), step.append(stride)
        for k in range(3):
            masks[k] |= use[k] << i
        if not use[2]:
            out.append(count)
    s.note(begin=begin, end=end, strides=step, masks=masks)
    y = output_like(b, source, out)
    b.op("STRIDED_SLICE", [source, int32_constant(b, begin), int32_constant(b, end), int32_constant(b, step)], [y], "StridedSliceOptions",
         BeginMask=masks[0], EndMask=masks[1], ShrinkAxisMask=masks[2])  # fmt: skip
    return y


def _gather(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Indices inside: TFLM does not look."""
    source = source_or_input(s, b, x, source)
    shape = b.tensors[source].shape
    axis = s.integer(0, len(shape) - 1)
    batch = s.integer(0, min(1, axis)) if s.integer(0, 3) == 0 else 0
    index = [*shape[:batch], *(s.integer(1, 4) for _ in range(s.integer(1, 2)))]
    values = s.array(index, np.int32, 0, shape[axis] - 1)
    s.note(axis=axis, batch_dims=batch, indices=values.tolist())
    if s.note(constant=s.boolean()):
        indices = b.constant(values)
    else:
        x.append(values)
        indices = b.input(index, "int32")
    y = output_like(b, source, (*shape[:axis], *index[batch:], *shape[axis + 1 :]))
    b.op("GATHER", [source, indices], [y], "GatherOptions", Axis=axis - s.choice((0, len(shape))), BatchDims=batch)
    return y


def _gather_nd(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source, 2, 4)
    shape = b.tensors[source].shape
    depth = s.integer(1, len(shape))
    index = any_shape(s, 1, 2)
    values = np.stack([s.array(index, np.int32, 0, d - 1) for d in shape[:depth]], -1)
    s.note(indices=values.tolist())
    if depth == 1 and s.boolean():
        x.append(values)
        indices = b.input(values.shape, "int32")
    else:
        indices = b.constant(values)
    y = output_like(b, source, (*index, *shape[depth:]))
    b.op("GATHER_ND", [source, indices], [y], "GatherNdOptions")
    return y


def _reverse(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source)
    rank = len(b.tensors[source].shape)
    first = s.integer(0, rank - 1)  # TFLM reverses neighbours only
    axes = s.note(axes=list(range(first, s.integer(first, rank - 1) + 1)))
    y = output_like(b, source, b.tensors[source].shape)
    b.op("REVERSE_V2", [source, int32_constant(b, axes)], [y], "ReverseV2Options")
    return y


def _mirror_pad(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source)
    shape = b.tensors[source].shape
    mode = s.note(mode=s.integer(0, 1))  # REFLECT, SYMMETRIC
    pads = s.note(paddings=[[s.integer(0, min(3, d - 1 + mode)), s.integer(0, min(3, d - 1 + mode))] for d in shape])
    y = output_like(b, source, [d + sum(p) for d, p in zip(shape, pads)])
    b.op("MIRROR_PAD", [source, int32_constant(b, pads)], [y], "MirrorPadOptions", Mode=mode)
    return y


def _embedding_lookup(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Constant rows, or rows that are computed, as int8 or as real numbers that a QUANTIZE follows; indices inside: TFLM
    stops at others."""
    rows, shape = s.integer(1, 9), [s.integer(1, 5) for _ in range(s.integer(1, 2))]
    hybrid = s.note(hybrid=s.integer(0, 2) == 0)
    quant = {"scale": s.scale(-8, 2), "zero_point": 0 if hybrid else s.zero_point()}
    if s.note(constant=s.integer(0, 2) > 0):
        table = b.constant(s.array((rows, *shape)), **quant)
    else:
        table = int8_input(s, b, (rows, *shape), x, quant)
    count = s.integer(1, 6)
    x.append(s.array((count,), np.int32, 0, rows - 1))
    index = b.input((count,), "int32")
    y = b.tensor((count, *shape), "float32") if hybrid else b.tensor((count, *shape), "int8", **quant)
    b.op("EMBEDDING_LOOKUP", [index, table], [y])
    return b.quantize(y, scale=s.scale(-8, 2), zero_point=s.zero_point()) if hybrid else y


OPS: dict[str, Callable] = {
    "strided_slice": _strided_slice,
    "gather": _gather,
    "gather_nd": _gather_nd,
    "reverse_v2": _reverse,
    "mirror_pad": _mirror_pad,
    "embedding_lookup": _embedding_lookup,
}
