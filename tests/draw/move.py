"""Drawn ops that only move elements, and CAST."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw.core import (
    Source,
    any_shape,
    bool_input,
    input_of,
    int8_input,
    int32_constant,
    output_like,
    quantization,
    source_or_input,
)
from tests.helpers.tflite_builder import Builder


def _concatenation(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Up to 10 inputs, all of one quantization: TFLM refuses more, and others."""
    if source is None:
        shape, quant = [s.integer(1, 6) for _ in range(s.integer(1, 4))], quantization(s)
        parts = []
    else:
        t = b.tensors[source]
        shape, quant, parts = list(t.shape), {"scale": t.scales[0], "zero_point": t.zero_points[0]}, [source]
    axis = s.integer(-len(shape), len(shape) - 1)
    for _ in range(s.choice((1, 2, 2, 3, 9)) - len(parts) + 1):
        part = list(shape)
        part[axis] = s.integer(1, 6)
        kind = s.choice(("input", "input", "constant", "again"))
        if kind == "again" and parts:
            parts.append(s.choice(parts))
        elif kind == "constant" and parts:
            parts.append(b.constant(s.array(part), **quant))
        else:
            parts.append(int8_input(s, b, part, x, quant))
    s.note(axis=axis, parts=[b.tensors[i].shape for i in parts])
    return b.concatenation(parts, axis, **quant)


def _pad(kind: str) -> Callable:
    def pad(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        if source is None:
            source = int8_input(s, b, [s.integer(1, 6) for _ in range(s.integer(1, 4))], x)
        paddings = [(s.integer(0, 3), s.integer(0, 3)) for _ in b.tensors[source].shape]
        if len(paddings) == 4 and s.boolean():
            paddings[0] = paddings[3] = (0, 0)
        s.note(paddings=paddings)
        if kind == "pad":
            return b.pad(source, paddings)
        return b.pad_v2(source, paddings, s.note(value=s.integer(-128, 127)))

    return pad


def _reshape(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        source = int8_input(s, b, [s.integer(1, 6) for _ in range(s.integer(1, 4))], x)
    size = int(np.prod(b.tensors[source].shape))
    d = s.choice([d for d in range(1, size + 1) if size % d == 0])
    shape = s.note(shape=s.choice(((d, size // d), (1, -1), (-1, d), (size,), (1, d, -1, 1))))
    return b.reshape(source, shape, as_input=s.boolean())


def _squeeze(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        source = int8_input(s, b, [s.choice((1, 1, s.integer(2, 6))) for _ in range(3)] + [s.integer(2, 6)], x)
    ones = [i for i, d in enumerate(b.tensors[source].shape) if d == 1]
    axes = s.note(axes=[i - s.choice((0, 4)) for i in ones if s.boolean()])
    return b.squeeze(source, axes)


def _expand_dims(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        source = int8_input(s, b, [s.integer(1, 6) for _ in range(s.integer(1, 4))], x)
    rank = len(b.tensors[source].shape)
    return b.expand_dims(source, s.note(axis=s.integer(-rank - 1, rank)))


def _transpose(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source, 1, 5, 4)
    shape = b.tensors[source].shape
    rest, order = list(range(len(shape))), []
    while rest:
        order.append(rest.pop(s.integer(0, len(rest) - 1)))
    y = output_like(b, source, [shape[a] for a in s.note(order=order)])
    b.op("TRANSPOSE", [source, int32_constant(b, order)], [y], "TransposeOptions")
    if s.integer(0, 3) == 0:
        back = [order.index(i) for i in range(len(order))]
        z = output_like(b, source, shape)
        b.op("TRANSPOSE", [y, int32_constant(b, back)], [z], "TransposeOptions")
        return z
    return y


def _slice(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source, 1, 5)
    shape = b.tensors[source].shape
    begin = [s.integer(0, d - 1) for d in shape]
    size = [s.integer(1, d - at) for d, at in zip(shape, begin)]
    y = output_like(b, source, size)
    given = [-1 if n == d - at and s.boolean() else n for n, d, at in zip(size, shape, begin)]
    b.op(
        "SLICE",
        [source, int32_constant(b, s.note(begin=begin)), int32_constant(b, s.note(size=given))],
        [y],
        "SliceOptions",
    )
    return y


def _split(s: Source, b: Builder, x: list, source: int | None = None) -> list[int]:
    if source is None:
        shape = any_shape(s)
        axis = s.integer(0, len(shape) - 1)
        n = s.integer(1, 4)
        shape[axis] *= n
        source = int8_input(s, b, shape, x)
    else:
        shape = list(b.tensors[source].shape)
        axis = s.integer(0, len(shape) - 1)
        n = s.choice([k for k in range(1, shape[axis] + 1) if shape[axis] % k == 0])
    s.note(axis=axis, parts=n)
    part = [d // n if i == axis else d for i, d in enumerate(shape)]
    outs = [output_like(b, source, part) for _ in range(n)]
    b.op("SPLIT", [int32_constant(b, axis - s.choice((0, len(shape)))), source], outs, "SplitOptions", NumSplits=n)
    return outs


def _split_v(s: Source, b: Builder, x: list, source: int | None = None) -> list[int]:
    source = source_or_input(s, b, x, source)
    shape = list(b.tensors[source].shape)
    axis = s.integer(0, len(shape) - 1)
    rest, sizes = shape[axis], []
    while rest:
        sizes.append(s.integer(1, rest))
        rest -= sizes[-1]
    s.note(axis=axis, sizes=sizes)
    outs = [output_like(b, source, [n if i == axis else d for i, d in enumerate(shape)]) for n in sizes]
    b.op(
        "SPLIT_V",
        [source, int32_constant(b, sizes), int32_constant(b, axis)],
        outs,
        "SplitVOptions",
        NumSplits=len(sizes),
    )
    return outs


def _pack(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source)
    t = b.tensors[source]
    quant = {"scale": t.scales[0], "zero_point": t.zero_points[0]}
    parts = [source]
    for _ in range(s.integer(0, 3)):
        kind = s.choice(("input", "constant", "again"))
        if kind == "again":
            parts.append(source)
        elif kind == "constant":
            parts.append(b.constant(s.array(t.shape), **quant))
        else:
            parts.append(int8_input(s, b, t.shape, x, quant))
    axis = s.integer(0, len(t.shape))
    y = output_like(b, source, (*t.shape[:axis], len(parts), *t.shape[axis:]))
    b.op("PACK", parts, [y], "PackOptions", ValuesCount=len(parts), Axis=s.note(axis=axis))
    return y


def _unpack(s: Source, b: Builder, x: list, source: int | None = None) -> list[int]:
    source = source_or_input(s, b, x, source, 2, 4, 4)
    shape = b.tensors[source].shape
    axis = s.integer(-len(shape), len(shape) - 1)
    rest = [d for i, d in enumerate(shape) if i != axis % len(shape)]
    outs = [output_like(b, source, rest) for _ in range(shape[axis])]
    b.op("UNPACK", [source], outs, "UnpackOptions", Num=len(outs), Axis=s.note(axis=axis))
    return outs


def _tile(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source, 1, 4, 4)
    times = s.note(multiples=[s.integer(1, 3) for _ in b.tensors[source].shape])
    y = output_like(b, source, [d * t for d, t in zip(b.tensors[source].shape, times)])
    b.op("TILE", [source, int32_constant(b, times)], [y], "TileOptions")
    return y


def _broadcast_to(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    shape = any_shape(s, 1, 5, 4)
    if source is None:
        own = [d if s.boolean() else 1 for d in shape][s.integer(0, len(shape) - 1) :]
        source = int8_input(s, b, own, x)
    else:
        shape = [s.integer(1, 3), *b.tensors[source].shape]
    y = output_like(b, source, s.note(shape=shape))
    b.op("BROADCAST_TO", [source, int32_constant(b, shape)], [y], "BroadcastToOptions")
    return y


def _image(s: Source, b: Builder, x: list, source, block: int = 1, deep: int = 1) -> int:
    if source is not None:
        return source
    return int8_input(
        s, b, (s.choice((1, 1, 2)), block * s.integer(1, 4), block * s.integer(1, 4), deep * s.integer(1, 4)), x
    )


def _space_to_depth(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    block = s.note(block=s.integer(1, 3))
    source = _image(s, b, x, None, block)
    n, h, w, c = b.tensors[source].shape
    y = output_like(b, source, (n, h // block, w // block, c * block * block))
    b.op("SPACE_TO_DEPTH", [source], [y], "SpaceToDepthOptions", BlockSize=block)
    return y


def _depth_to_space(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    block = s.note(block=s.integer(1, 3))
    source = _image(s, b, x, None, 1, block * block)
    n, h, w, c = b.tensors[source].shape
    y = output_like(b, source, (n, h * block, w * block, c // (block * block)))
    b.op("DEPTH_TO_SPACE", [source], [y], "DepthToSpaceOptions", BlockSize=block)
    return y


def _space_to_batch(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _image(s, b, x, source)
    n, h, w, c = b.tensors[source].shape
    block = [s.integer(1, 3), s.integer(1, 3)]
    pads = []
    for d, size in zip((h, w), block):
        before = s.integer(0, 2)
        pads.append((before, -(d + before) % size + size * s.integer(0, 1)))
    s.note(block=block, paddings=pads)
    rows = [(d + sum(p)) // size for d, p, size in zip((h, w), pads, block)]
    y = output_like(b, source, (n * block[0] * block[1], *rows, c))
    b.op("SPACE_TO_BATCH_ND", [source, int32_constant(b, block), int32_constant(b, pads)], [y], "SpaceToBatchNDOptions")
    return y


def space_to_batch_unpadded(s: Source, b: Builder, x: list, source: int) -> int:
    """SPACE_TO_BATCH_ND without padding, which TFLM computes as well: rows and columns that the block divides."""
    n, h, w, c = b.tensors[source].shape
    block = [s.choice([k for k in (1, 2, 3) if d % k == 0]) for d in (h, w)]
    y = output_like(b, source, (n * block[0] * block[1], h // block[0], w // block[1], c))
    b.op(
        "SPACE_TO_BATCH_ND",
        [source, int32_constant(b, block), int32_constant(b, [[0, 0], [0, 0]])],
        [y],
        "SpaceToBatchNDOptions",
    )
    return y


def _batch_to_space(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    block = [s.integer(1, 3), s.integer(1, 3)]
    n, h, w, c = s.integer(1, 2), s.integer(1, 4), s.integer(1, 4), s.integer(1, 4)
    source = int8_input(s, b, (n * block[0] * block[1], h, w, c), x)
    crops = []
    for d, size in zip((h, w), block):
        before = s.integer(0, min(2, d * size - 1))
        crops.append((before, s.integer(0, min(2, d * size - 1 - before))))
    s.note(block=block, crops=crops)
    rows = [d * size - sum(p) for d, p, size in zip((h, w), crops, block)]
    y = output_like(b, source, (n, *rows, c))
    b.op(
        "BATCH_TO_SPACE_ND", [source, int32_constant(b, block), int32_constant(b, crops)], [y], "BatchToSpaceNDOptions"
    )
    return y


_CASTS = (("bool", "int8"), ("int8", "int32"), ("bool", "int32"), ("int32", "int8"))


def cast(s: Source, b: Builder, x: list, source: int | None = None, dtypes=_CASTS) -> int:
    """int8 and bool to int8, bool and int32; or as `dtypes` says."""
    dtype, out = s.note(dtypes=s.choice(dtypes))
    shape = any_shape(s)
    if dtype == "bool":
        source = bool_input(s, b, x, shape)
    else:
        x.append(s.array(shape, np.int8 if dtypes is _CASTS else np.dtype(dtype)).astype(dtype))
        source = b.input(shape, dtype, *((1.0, 0) if dtype != "int32" else ()))
    y = b.tensor(shape, out, 1.0 if out in ("int8", "int16") else None)
    b.op("CAST", [source], [y], "CastOptions")
    return y


def _zeros_like(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Raw zeros, whatever the zero point is; a sum with them, so that the input is read."""
    source = source_or_input(s, b, x, source)
    y = output_like(b, source, b.tensors[source].shape)
    b.op("ZEROS_LIKE", [source], [y], "ZerosLikeOptions")
    return b.concatenation([y, source], 0)


def _fill(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    dtype, shape = s.choice(("int8", "int32")), any_shape(s)
    value = input_of(s, b, (), x, dtype)
    y = output_like(b, value, shape)
    b.op("FILL", [int32_constant(b, shape), value], [y], "FillOptions")
    return y


def _update(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Starts outside, too: they are moved inside."""
    if source is None:
        source = input_of(s, b, any_shape(s), x, s.note(dtype=s.choice(("int8", "int8", "int16", "int32"))))
    t = b.tensors[source]
    size = [s.integer(1, d) for d in t.shape]
    start = [s.integer(-2, d + 1) for d in t.shape]
    s.note(size=size, start=start)
    quant = {} if not t.scales else {"scale": t.scales[0], "zero_point": t.zero_points[0]}
    data = s.array(size, np.dtype(t.dtype))
    if s.note(constant=s.integer(0, 2) == 0):
        update = b.constant(data, **quant)
    else:
        x.append(data)
        update = b.input(size, t.dtype, **quant)
    y = output_like(b, source, t.shape)
    b.op("DYNAMIC_UPDATE_SLICE", [source, update, int32_constant(b, start)], [y], "DynamicUpdateSliceOptions")
    return y


OPS: dict[str, Callable] = {
    "concatenation": _concatenation,
    "pad": _pad("pad"),
    "pad_v2": _pad("pad_v2"),
    "reshape": _reshape,
    "squeeze": _squeeze,
    "expand_dims": _expand_dims,
    "transpose": _transpose,
    "slice": _slice,
    "split": _split,
    "split_v": _split_v,
    "pack": _pack,
    "unpack": _unpack,
    "tile": _tile,
    "broadcast_to": _broadcast_to,
    "space_to_depth": _space_to_depth,
    "depth_to_space": _depth_to_space,
    "space_to_batch_nd": _space_to_batch,
    "batch_to_space_nd": _batch_to_space,
    "cast": cast,
    "zeros_like": _zeros_like,
    "fill": _fill,
    "dynamic_update_slice": _update,
}
