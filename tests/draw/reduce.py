"""Drawn reductions over axes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.draw.core import (
    Source,
    any_shape,
    bool_input,
    int8_input,
    int32_constant,
    output_like,
    rescaling,
    source_or_input,
)
from tests.helpers.tflite_builder import Builder


def _mean(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        source = int8_input(s, b, [s.integer(1, 7) for _ in range(s.integer(2, 4))], x)
    rank = len(b.tensors[source].shape)
    axes = [i for i in range(rank) if s.boolean()] or [s.integer(0, rank - 1)]
    if s.boolean() and rank == 4:
        axes = [1, 2]
    axes = [a - rank if s.integer(0, 3) == 0 else a for a in axes]
    count = math.prod(b.tensors[source].shape[a] for a in set(axes))
    # the sum is below 2**8 * count, and the shift is taken by the mean's 1 / count
    ratio = rescaling(s, (-2, 2), 8 + 1 + count.bit_length(), least=-30)
    scale = float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio))
    out = {"scale": scale, "zero_point": s.zero_point()}
    keep = s.boolean()
    if not keep and len({a % rank for a in axes}) == rank:
        keep = True  # a result without dimensions: the converter may refuse it
    s.note(axes=axes, keep_dims=keep, y=(out["scale"], out["zero_point"]))
    return b.mean(source, axes, **out, keep_dims=keep)


def _reduction(kind: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        source = source_or_input(s, b, x, source, 2, 4, 6)
        t = b.tensors[source]
        rank = len(t.shape)
        axes = [i for i in range(rank) if s.boolean()] or [s.integer(0, rank - 1)]
        keep = s.boolean() or len(axes) == rank
        shape = [1 if i in axes else d for i, d in enumerate(t.shape) if keep or i not in axes]
        if kind == "SUM":
            count = math.prod(t.shape[a] for a in axes)
            ratio = s.scale(-4, 10) * math.sqrt(count)
            y = b.tensor(shape, "int8", float(np.float32(t.scales[0] * ratio)), s.zero_point())
        else:
            y = output_like(b, source, shape)
        s.note(axes=axes, keep_dims=keep)
        given = [a - rank if s.integer(0, 3) == 0 else a for a in axes]
        b.op(kind, [source, int32_constant(b, given)], [y], "ReducerOptions", KeepDims=keep)
        return y

    return op


def _reduce_all(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = bool_input(s, b, x, any_shape(s, 2, 4))
    shape = b.tensors[source].shape
    axes = [i for i in range(len(shape)) if s.boolean()] or [0]
    y = b.tensor([1 if i in axes else d for i, d in enumerate(shape)], "bool")
    b.op("REDUCE_ALL", [source, int32_constant(b, s.note(axes=axes))], [y], "ReducerOptions", KeepDims=True)
    return y


def _arg(kind: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        source = source_or_input(s, b, x, source, 1, 4, 6)
        shape = b.tensors[source].shape
        axis = s.integer(0, len(shape) - 1)
        y = b.tensor([d for i, d in enumerate(shape) if i != axis], "int32")
        s.note(axis=axis)
        b.op(kind, [source, int32_constant(b, [axis - s.choice((0, len(shape)))])], [y], "".join(
            w.title() for w in kind.split("_")) + "Options", OutputType=2)  # fmt: skip
        return y

    return op


OPS: dict[str, Callable] = {
    "mean": _mean,
    "sum": _reduction("SUM"),
    "reduce_max": _reduction("REDUCE_MAX"),
    "reduce_min": _reduction("REDUCE_MIN"),
    "reduce_all": _reduce_all,
    "arg_max": _arg("ARG_MAX"),
    "arg_min": _arg("ARG_MIN"),
}
