"""Ops of constants, computed at conversion: shapes and indices in numpy, int8 constants that are only moved.

The op table's column `folds` names a function of FOLDS: (op, inputs, outputs) -> the values of the outputs, or None where
the op stays; inputs and outputs are Tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..arithmetic import fixed_point
from ..ir import Graph, Op, Tensor
from ..ops.slices import strided
from ..ops.table import row

Fold = Callable[[Op, list[Tensor], list[Tensor]], list[np.ndarray] | None]
FOLDS: dict[str, Fold] = {}
_INDEX = ("int32", "int64", "bool")


def fold_constants(graph: Graph) -> Graph:
    """After: no op that only computes shapes or reshapes constants (what Keras' Flatten leaves behind)."""
    for op in graph.ops:
        r = row(op.kind)
        if not r.folds or not (r.of_shapes or all(graph.tensors[id].constant for id in op.reads)):
            continue
        outputs = [graph.tensors[id] for id in op.outputs]
        values = FOLDS[r.folds](op, [graph.tensors[id] for id in op.reads], outputs)
        if values is not None:
            made = (replace(t, data=value, shape=tuple(value.shape)) for t, value in zip(outputs, values))
            graph = graph.with_tensor(*made).without(op)
    return graph


def _folds(function: Fold) -> Fold:
    """Registers a function by its name."""
    FOLDS[function.__name__.strip("_")] = function
    return function


def _as(values, out: Tensor) -> list[np.ndarray]:
    return [np.asarray(values).astype(np.dtype(out.dtype))]


def _plain(args: list[Tensor]) -> bool:
    """Whether all are integers or floats, none quantized."""
    return all(a.dtype in _INDEX or a.dtype == "float32" for a in args)


def _ints(tensor: Tensor) -> list[int]:
    return [int(v) for v in tensor.values.reshape(-1)]


@_folds
def _numbers(op, args, outs):
    """numpy's function of the op, element by element."""
    return _as(getattr(np, row(op.kind).numpy)(*(a.values for a in args)), outs[0]) if _plain(args) else None


@_folds
def _div(op, args, outs):
    if not _plain(args):
        return None
    a, b = (t.values for t in args)
    return _as(a / b if a.dtype.kind == "f" else np.trunc(a / b), outs[0])


@_folds
def _where(op, args, outs):
    return _as(np.where(*(a.values for a in args)), outs[0]) if _plain(args) else None


@_folds
def _reduced(op, args, outs):
    if not _plain(args):
        return None
    return _as(getattr(np, row(op.kind).numpy)(args[0].values, axis=tuple(_ints(args[1]))), outs[0])


@_folds
def _cast(op, args, outs):
    return _as(args[0].values, outs[0]) if _plain(args) else None


@_folds
def _range(op, args, outs):
    return _as(np.arange(*(a.values.item() for a in args)), outs[0]) if _plain(args) else None


@_folds
def _shape(op, args, outs):
    return _as(args[0].shape, outs[0]) if outs[0].dtype in ("int32", "int64") else None


@_folds
def _rank(op, args, outs):
    return _as(len(args[0].shape), outs[0])


@_folds
def _zeros_like(op, args, outs):
    return [np.zeros(args[0].shape, np.dtype(outs[0].dtype))]


@_folds
def _fill(op, args, outs):
    return [np.broadcast_to(args[1].values, _ints(args[0])).copy()]


@_folds
def _broadcast_to(op, args, outs):
    return [np.broadcast_to(args[0].values, _ints(args[1])).copy()]


@_folds
def _broadcast_args(op, args, outs):
    return _as(np.broadcast_shapes(*(tuple(a.values) for a in args)), outs[0])


@_folds
def _quantize(op, args, outs):
    out = outs[0]
    if args[0].dtype != "float32" or out.dtype != "int8" or out.quant is None or out.quant.per_channel:
        return None
    return [fixed_point.affine_quantize(args[0].values, out.scale, out.zero_point, np.int8)]


@_folds
def _dequantize(op, args, outs):
    x = args[0]
    if x.dtype not in ("int8", "uint8", "int16") or x.quant is None or x.quant.per_channel:
        return None
    return [fixed_point.affine_dequantize(x.values, x.scale, x.zero_point)]


@_folds
def _reshape(op, args, outs):
    return [args[0].values.reshape(outs[0].shape)]


@_folds
def _transpose(op, args, outs):
    return [np.ascontiguousarray(np.transpose(args[0].values, args[1].values))]


@_folds
def _tile(op, args, outs):
    return [np.tile(args[0].values, args[1].values)]


@_folds
def _pack(op, args, outs):
    return [np.stack([a.values for a in args], op.attrs["axis"])]


@_folds
def _unpack(op, args, outs):
    return list(np.moveaxis(args[0].values, op.attrs["axis"], 0))


@_folds
def _concatenation(op, args, outs):
    return [np.concatenate([a.values for a in args], op.attrs["axis"])]


@_folds
def _split(op, args, outs):
    return np.split(args[1].values, len(outs), _ints(args[0])[0])


@_folds
def _slice(op, args, outs):
    begin, size = (_ints(a) for a in args[1:3])
    return [args[0].values[tuple(slice(b, None if s == -1 else b + s) for b, s in zip(begin, size))]]


@_folds
def _strided_slice(op, args, outs):
    x = args[0].values
    begin, end, step = map(_ints, args[1:4])
    starts, counts, steps, out = strided(args[0].shape, begin, end, step, op.attrs)
    index = np.ix_(*([b + i * s for i in range(n)] for b, n, s in zip(starts, counts, steps)))
    return [np.asarray(x[index] if args[0].shape else x).reshape(out)]


@_folds
def _gather(op, args, outs):
    if op.attrs["batch_dims"]:
        return None
    return [np.take(args[0].values, args[1].values, axis=op.attrs["axis"])]
