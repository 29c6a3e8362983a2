"""Ops that compute values without weights, in floats: element by element, reductions, rows."""

from __future__ import annotations

import numpy as np

from ..arithmetic import tables as fixed_tables
from ..ir import ACTIVATIONS
from ..ops.table import row
from .core import activate, aligned, ints, meaning


def _numpy(op):
    """numpy's function of the op."""
    return getattr(np, row(op.kind).numpy)


@meaning
def _pair(op, args, out):
    return activate(_numpy(op)(*aligned(args, len(out.shape))), op.attrs.get("activation", "NONE"))


@meaning
def _squared_difference(op, args, out):
    a, b = aligned(args, len(out.shape))
    return (a - b) ** 2


@meaning
def _prelu(op, args, out):
    x, alpha = aligned(args, len(out.shape))
    return np.where(x >= 0, x, x * alpha)


@meaning
def _select(op, args, out):
    condition = args[0]
    if op.kind == "SELECT" and condition.ndim == 2 and len(out.shape) > 1:  # one choice per row
        condition = condition.reshape(*condition.shape, *[1] * (len(out.shape) - 1))
    return np.where(*aligned([condition, *args[1:]], len(out.shape)))


@meaning
def _batch_matmul(op, args, out):
    a, b = aligned(args, len(out.shape))
    a = a.swapaxes(-1, -2) if op.attrs["adj_x"] else a
    return np.matmul(a, b.swapaxes(-1, -2) if op.attrs["adj_y"] else b)


@meaning
def _cumsum(op, args, out):
    axis = ints(args[1])[0] % (args[0].ndim - 1) + 1
    x = np.flip(args[0], axis) if op.attrs["reverse"] else args[0]
    y = np.cumsum(x, axis, dtype=np.float32) - (x if op.attrs["exclusive"] else 0)
    return np.flip(y, axis) if op.attrs["reverse"] else y


def _along(op, args, out, function, **options):
    x, axes = args
    axes = tuple(a % (x.ndim - 1) + 1 for a in ints(axes))
    return function(x, axes, **options).reshape(len(x), *out.shape)


@meaning
def _reduced(op, args, out):
    return _along(op, args, out, _numpy(op))


@meaning
def _mean(op, args, out):
    return _along(op, args, out, np.mean, dtype=np.float32)


@meaning
def _sum(op, args, out):
    return _along(op, args, out, np.sum, dtype=np.float32)


@meaning
def _arg(op, args, out):
    axis = ints(args[1])[0] % (args[0].ndim - 1) + 1
    return _numpy(op)(args[0], axis).astype(np.int32).reshape(len(args[0]), *out.shape)


@meaning
def _add_n(op, args, out):
    y = args[0]
    for x in args[1:]:
        y = y + x
    return y


@meaning
def _softmax(op, args, out):
    x = args[0] * np.float32(op.attrs["beta"])
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@meaning
def _log_softmax(op, args, out):
    x = args[0] - args[0].max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


@meaning
def _l2_normalization(op, args, out):
    x = args[0]
    norm = np.sqrt((x * x).sum(-1, keepdims=True))
    epsilon = np.float32(1e-6)  # TFLite: internal/reference/l2normalization.h
    return activate(x / np.maximum(norm, epsilon), op.attrs["activation"])


@meaning
def _bilinear(op, args, out):
    """internal/reference/resize_bilinear.h ComputeInterpolationValues, rows, then columns."""
    x = args[0]
    for axis in (2, 3):
        size, wanted = x.shape[axis], out.shape[axis - 1]
        corners = op.attrs["align_corners"] and wanted > 1
        step = (size - 1) / (wanted - 1) if corners else size / wanted
        at = np.arange(wanted)
        at = (at + 0.5) * step - 0.5 if op.attrs["half_pixel_centers"] else at * step
        low = np.maximum(np.floor(at), 0).astype(int)
        high = np.clip(np.ceil(at), 0, size - 1).astype(int)
        low = np.minimum(low, size - 1)
        weight = (at - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(5)])
        x = np.take(x, low, axis) * (1 - weight) + np.take(x, high, axis) * weight
    return x


def _quietly(function, x: np.ndarray) -> np.ndarray:
    """function(x), float32, without warnings: RSQRT and LOG of 0: what int8 makes of it is clipped."""
    with np.errstate(all="ignore"):
        return function(x).astype(np.float32, copy=False)


@meaning
def _one(op, args, out):
    return _quietly(_numpy(op), args[0])


@meaning
def _one_bool(op, args, out):
    return _numpy(op)(args[0])


@meaning
def _rsqrt(op, args, out):
    return _quietly(lambda x: 1 / np.sqrt(x), args[0])


@meaning
def _clamp(op, args, out):
    return _quietly(lambda x: np.clip(x, *ACTIVATIONS[op.kind]), args[0])


@meaning
def _leaky_relu(op, args, out):
    return np.where(args[0] > 0, args[0], args[0] * np.float32(op.attrs["alpha"]))


@meaning
def _elu(op, args, out):
    return _quietly(lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x), args[0])


@meaning
def _hard_swish(op, args, out):
    return _quietly(lambda x: x * np.clip(x + 3, 0, 6) / 6, args[0])


@meaning
def _logistic(op, args, out):
    return (0.5 * (1 + np.tanh(0.5 * args[0]))).astype(np.float32)


@meaning
def _gelu(op, args, out):
    function = fixed_tables.gelu_approximate if op.attrs["approximate"] else fixed_tables.gelu
    return np.vectorize(function, otypes=[np.float32])(args[0])
