"""Ops of constants, computed at conversion: shapes and indices in numpy, int8 constants that are only moved.

FOLDS[kind](op, inputs, outputs) gives the values of the outputs, or None where the op stays; the inputs are Tensors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arithmetic import fixed_point
from ..ir import Op, Tensor
from ..ops.slices import strided

_INDEX = ("int32", "int64", "bool")


def _as(values, out: Tensor) -> list[np.ndarray]:
    return [np.asarray(values).astype(np.dtype(out.dtype))]


def _shape(op, args, outs):
    return _as(args[0].shape, outs[0]) if outs[0].dtype in ("int32", "int64") else None


def _quantize(op, args, outs):
    out = outs[0]
    if args[0].dtype != "float32" or out.dtype != "int8" or out.quant is None or out.quant.per_channel:
        return None
    return [fixed_point.affine_quantize(args[0].data, out.quant.scale, out.quant.zero_point, np.int8)]


def _dequantize(op, args, outs):
    x = args[0]
    if x.dtype not in ("int8", "uint8", "int16") or x.quant is None or x.quant.per_channel:
        return None
    return [fixed_point.affine_dequantize(x.data, x.quant.scale, x.quant.zero_point)]


def _strided_slice(op, args, outs):
    begin, end, step = ([int(v) for v in a.data.reshape(-1)] for a in args[1:4])
    starts, counts, steps, out = strided(args[0].shape, begin, end, step, op.attrs)
    index = np.ix_(*([b + i * s for i in range(n)] for b, n, s in zip(starts, counts, steps)))
    return [np.asarray(args[0].data[index] if args[0].shape else args[0].data).reshape(out)]


def _slice(op, args, outs):
    x, begin, size = (a.data for a in args)
    return [x[tuple(slice(int(b), None if s == -1 else int(b + s)) for b, s in zip(begin, size))]]


def _gather(op, args, outs):
    if op.attrs["batch_dims"]:
        return None
    return [np.take(args[0].data, args[1].data, axis=op.attrs["axis"])]


def _split(op, args, outs):
    return np.split(args[1].data, len(outs), int(args[0].data.reshape(-1)[0]))


def _numbers(function) -> Callable:
    """An op of numbers, not of quantized ones."""

    def fold(op, args, outs):
        if any(a.dtype not in _INDEX and a.dtype != "float32" for a in args):
            return None
        return _as(function(*(a.data for a in args)), outs[0])

    return fold


def _reduced(function) -> Callable:
    return _numbers(lambda x, axes: function(x, axis=tuple(int(a) for a in np.reshape(axes, -1))))


def _div(a, b):
    return a / b if a.dtype.kind == "f" else np.trunc(a / b)


def _range(start, limit, delta):
    return np.arange(start.item(), limit.item(), delta.item())


OF_SHAPES = ("SHAPE", "RANK", "ZEROS_LIKE")  # what they give depends on no value

FOLDS: dict[str, Callable[[Op, list[Tensor], list[Tensor]], list[np.ndarray] | None]] = {
    "SHAPE": _shape,
    "RANK": lambda op, args, outs: _as(len(args[0].shape), outs[0]),
    "PACK": lambda op, args, outs: [np.stack([a.data for a in args], op.attrs["axis"])],
    "CONCATENATION": lambda op, args, outs: [np.concatenate([a.data for a in args], op.attrs["axis"])],
    "UNPACK": lambda op, args, outs: list(np.moveaxis(args[0].data, op.attrs["axis"], 0)),
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
    "SPLIT": _split,
    "GATHER": _gather,
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _dequantize,
    "CAST": _numbers(lambda x: x),
    "FILL": lambda op, args, outs: [np.broadcast_to(args[1].data, tuple(int(d) for d in args[0].data)).copy()],
    "ZEROS_LIKE": lambda op, args, outs: [np.zeros(args[0].shape, np.dtype(outs[0].dtype))],
    "RANGE": _numbers(_range),
    "TILE": lambda op, args, outs: [np.tile(args[0].data, args[1].data)],
    "BROADCAST_TO": lambda op, args, outs: [np.broadcast_to(args[0].data, tuple(int(d) for d in args[1].data)).copy()],
    "BROADCAST_ARGS": lambda op, args, outs: _as(np.broadcast_shapes(*(tuple(a.data) for a in args)), outs[0]),
    "TRANSPOSE": lambda op, args, outs: [np.ascontiguousarray(np.transpose(args[0].data, args[1].data))],
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), lambda op, args, outs: [args[0].data.reshape(outs[0].shape)]),
    **{kind: _numbers(f) for kind, f in {
        "ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "DIV": _div, "FLOOR_DIV": np.floor_divide,
        "FLOOR_MOD": np.mod, "MAXIMUM": np.maximum, "MINIMUM": np.minimum, "NEG": np.negative, "ABS": np.abs,
        "EQUAL": np.equal, "NOT_EQUAL": np.not_equal, "LESS": np.less, "LESS_EQUAL": np.less_equal,
        "GREATER": np.greater, "GREATER_EQUAL": np.greater_equal, "LOGICAL_AND": np.logical_and,
        "LOGICAL_OR": np.logical_or, "LOGICAL_NOT": np.logical_not, "SQUARE": np.square}.items()},
    **{kind: _numbers(np.where) for kind in ("SELECT", "SELECT_V2")},
    "REDUCE_PROD": _reduced(np.prod), "SUM": _reduced(np.sum), "REDUCE_MAX": _reduced(np.max), "REDUCE_MIN": _reduced(np.min),
}  # fmt: skip
