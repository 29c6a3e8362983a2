"""Ops of the float interpreter (float_graph.py) that have no weights: moves, reductions, functions, of many samples at once.

OPS[kind](op, arguments, output Tensor) -> array, or a list of arrays where the op has several outputs. Activations have
an axis of N samples in front of their shape, constants have not, but for operands of ops in ELEMENTWISE (N = 1 there).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

BOUNDS = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1)}


def activate(x: np.ndarray, activation: str) -> np.ndarray:
    """A fused activation, in place where x is not read-only."""
    low, high = BOUNDS[activation]
    return x if low is None else np.clip(x, low, high, out=x)


# --------------------------------------------------------------------------------------------------- element by element


def _aligned(args, rank: int) -> list[np.ndarray]:
    """Behind the samples' axis come dimensions of 1, so that shapes of different rank broadcast."""
    return [x.reshape(len(x), *[1] * (rank + 1 - x.ndim), *x.shape[1:]) for x in args]


def _elementwise(function):
    def compute(op, args, out):
        y = function(*_aligned(args, len(out.shape)))
        return activate(y, op.attrs.get("activation", "NONE"))

    return compute


def _select(op, args, out):
    condition = args[0]
    if op.kind == "SELECT" and condition.ndim == 2 and len(out.shape) > 1:  # one choice a row
        condition = condition.reshape(*condition.shape, *[1] * (len(out.shape) - 1))
    return np.where(*_aligned([condition, *args[1:]], len(out.shape)))


def _batch_matmul(op, args, out):
    a, b = _aligned(args, len(out.shape))
    a = a.swapaxes(-1, -2) if op.attrs["adj_x"] else a
    return np.matmul(a, b.swapaxes(-1, -2) if op.attrs["adj_y"] else b)


def _pack(op, args, out):
    count = max(map(len, args))
    return np.stack([np.broadcast_to(x, (count, *x.shape[1:])) for x in args], op.attrs["axis"] % len(out.shape) + 1)


def _concatenation(op, args, out):
    count = max(map(len, args))
    parts = [np.broadcast_to(x, (count, *x.shape[1:])) for x in args]
    return activate(np.concatenate(parts, op.attrs["axis"] % len(out.shape) + 1), op.attrs["activation"])


# ------------------------------------------------------------------------------------------------------------- moves


def _moved(places, source: int = 0):
    """An op that only moves values: places(op, arguments, the input's element numbers) -> the output's, or a list of them.

    A number below 0 stands for the value 0.
    """

    def compute(op, args, out):
        x = args[source]
        flat = x.reshape(len(x), -1)
        found = places(op, args, np.arange(flat.shape[1]).reshape(x.shape[1:]))
        if isinstance(found, list):
            return [flat[:, f.reshape(-1)].reshape(len(x), *f.shape) for f in found]
        found = found.reshape(-1)
        y = flat[:, found]
        if found.min(initial=0) < 0:
            y[:, found < 0] = 0
        return y.reshape(len(x), *out.shape)

    return compute


def _ints(array) -> list[int]:
    return [int(v) for v in np.reshape(array, -1)]


def _slice(op, args, numbers):
    begin, size = (_ints(a) for a in args[1:3])
    return numbers[tuple(slice(b, None if n == -1 else b + n) for b, n in zip(begin, size))]


def _strided_slice(op, args, numbers):
    from ..ops.slices import strided

    starts, counts, steps, _ = strided(numbers.shape, *map(_ints, args[1:4]), op.attrs)
    return numbers[np.ix_(*(b + s * np.arange(n) for b, n, s in zip(starts, counts, steps)))]


def _split(op, args, numbers):
    return np.split(numbers, len(op.outputs), _ints(args[0])[0] % numbers.ndim)


def _split_v(op, args, numbers):
    sizes, axis = _ints(args[1]), _ints(args[2])[0] % numbers.ndim
    rest = numbers.shape[axis] - sum(s for s in sizes if s >= 0)
    return np.split(numbers, np.cumsum([rest if s < 0 else s for s in sizes])[:-1], axis)


def _unpack(op, args, numbers):
    return list(np.moveaxis(numbers, op.attrs["axis"] % numbers.ndim, 0))


def _nearest(op, args, numbers):
    from ..ops.gather import nearest

    options = op.attrs["align_corners"], op.attrs["half_pixel_centers"]
    rows, columns = (nearest(d, n, *options) for d, n in zip(numbers.shape[1:3], _ints(args[1])))
    return numbers[:, rows][:, :, columns]


def _mirror_pad(op, args, numbers):
    return np.pad(numbers, np.reshape(args[1], (-1, 2)).astype(int), mode=op.attrs["mode"].lower())


def _space_to_depth(op, args, numbers):
    b = op.attrs["block_size"]
    n, h, w, c = numbers.shape
    return numbers.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)


def _depth_to_space(op, args, numbers):
    b = op.attrs["block_size"]
    n, h, w, c = numbers.shape
    return numbers.reshape(n, h, w, b, b, c // (b * b)).transpose(0, 1, 3, 2, 4, 5)


def _space_to_batch(op, args, numbers):
    block, pads = _ints(args[1]), np.reshape(args[2], (-1, 2)).astype(int)
    padded = np.pad(
        numbers, [(0, 0), *map(tuple, pads), *[(0, 0)] * (numbers.ndim - 1 - len(block))], constant_values=-1
    )
    parts = [
        padded[(slice(None), *(slice(p, None, b) for p, b in zip(at, block)))] for at in product(*map(range, block))
    ]
    return np.concatenate(parts)


def _batch_to_space(op, args, numbers):
    block, crops = _ints(args[1]), np.reshape(args[2], (-1, 2)).astype(int)
    images = len(numbers) // int(np.prod(block))
    large = np.empty(
        (images, *(d * b for d, b in zip(numbers.shape[1:], block)), *numbers.shape[1 + len(block) :]), int
    )
    for i, at in enumerate(product(*map(range, block))):
        large[(slice(None), *(slice(p, None, b) for p, b in zip(at, block)))] = numbers[i * images : (i + 1) * images]
    return large[(slice(None), *(slice(a, d - b) for (a, b), d in zip(crops, large.shape[1:])))]


def _gathered(one):
    """one(values, indices) of one sample; either may be a constant, which every sample shares."""

    def compute(op, args, out):
        x, index = args
        moving = op.attrs["moving"]  # which of the two are activations: run_op says
        if not moving[1]:
            return _moved(lambda op, args, numbers: one(op, numbers, args[1]))(op, args, out)
        taken = [one(op, x[n] if moving[0] else x, index[n]) for n in range(len(index))]
        return np.stack(taken).reshape(len(index), *out.shape)

    return compute


def _gather(op, x, index):
    axis, batch = op.attrs["axis"] % x.ndim, op.attrs["batch_dims"]
    if not batch:
        return np.take(x, index, axis)
    lead = x.shape[:batch]
    flat_x, flat_index = x.reshape(-1, *x.shape[batch:]), index.reshape(-1, *index.shape[batch:])
    taken = np.stack([np.take(a, i, axis - batch) for a, i in zip(flat_x, flat_index)])
    return taken.reshape(*lead, *taken.shape[1:])


def _gather_nd(op, x, index):
    return x[tuple(np.moveaxis(index, -1, 0))]


def _embedding(op, args, out):
    index, table = args
    return np.take(table, index.reshape(len(index), -1), 0).reshape(len(index), *out.shape)


def _update_slice(op, args, out):
    """A box of x replaced, its start kept inside; the start may be computed."""
    x, update, start = args
    count = max(len(x), len(update))
    y = np.broadcast_to(x, (count, *x.shape[1:])).copy()
    starts = np.broadcast_to(start, (count, *start.shape[-1:])) if start.ndim == 1 else start
    for n in range(count):
        at = [min(max(0, int(s)), d - u) for s, d, u in zip(starts[n], y.shape[1:], update.shape[1:])]
        y[(n, *(slice(a, a + d) for a, d in zip(at, update.shape[1:])))] = update[min(n, len(update) - 1)]
    return y


def _cumsum(op, args, out):
    axis = _ints(args[1])[0] % (args[0].ndim - 1) + 1
    x = np.flip(args[0], axis) if op.attrs["reverse"] else args[0]
    y = np.cumsum(x, axis, dtype=np.float32) - (x if op.attrs["exclusive"] else 0)
    return np.flip(y, axis) if op.attrs["reverse"] else y


# ------------------------------------------------------------------------------------------------- reductions and rows


def _reduced(function, **options):
    def compute(op, args, out):
        x, axes = args
        axes = tuple(a % (x.ndim - 1) + 1 for a in _ints(axes))
        return function(x, axes, **options).reshape(len(x), *out.shape)

    return compute


def _arg(function):
    def compute(op, args, out):
        axis = _ints(args[1])[0] % (args[0].ndim - 1) + 1
        return function(args[0], axis).astype(np.int32).reshape(len(args[0]), *out.shape)

    return compute


def _softmax(op, args, out):
    x = args[0] * np.float32(op.attrs["beta"])
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _log_softmax(op, args, out):
    x = args[0] - args[0].max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def _l2_normalization(op, args, out):
    x = args[0]
    norm = np.sqrt((x * x).sum(-1, keepdims=True))
    return activate(
        x / np.maximum(norm, np.float32(1e-6)), op.attrs["activation"]
    )  # TFLite: epsilon of l2normalization.h


def _bilinear(op, args, out):
    """internal/reference/resize_bilinear.h ComputeInterpolationValues, rows, then columns."""
    x = args[0]
    for axis in (2, 3):
        size, wanted = x.shape[axis], out.shape[axis - 1]
        aligned = op.attrs["align_corners"] and wanted > 1
        step = (size - 1) / (wanted - 1) if aligned else size / wanted
        at = np.arange(wanted)
        at = (at + 0.5) * step - 0.5 if op.attrs["half_pixel_centers"] else at * step
        low = np.maximum(np.floor(at), 0).astype(int)
        high = np.clip(np.ceil(at), 0, size - 1).astype(int)
        low = np.minimum(low, size - 1)
        weight = (at - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(5)])
        x = np.take(x, low, axis) * (1 - weight) + np.take(x, high, axis) * weight
    return x


# --------------------------------------------------------------------------------------------------------- functions


def _one(function):
    def compute(op, args, out):
        with np.errstate(all="ignore"):  # RSQRT and LOG of 0: what int8 makes of it is clipped
            return function(args[0]).astype(np.float32, copy=False)

    return compute


def _logistic(op, args, out):
    return (0.5 * (1 + np.tanh(0.5 * args[0]))).astype(np.float32)


def _gelu(op, args, out):
    from ..arithmetic import tables as fixed_tables

    function = fixed_tables.gelu_approximate if op.attrs["approximate"] else fixed_tables.gelu
    return np.vectorize(function, otypes=[np.float32])(args[0])


def _clamp(kind):
    return _one(lambda x: np.clip(x, *BOUNDS[kind]))


def _pad(op, args, out):
    amounts = [(0, 0), *((int(b), int(a)) for b, a in np.reshape(args[1], (-1, 2)))]
    value = float(np.reshape(args[2], -1)[0]) if len(args) > 2 else 0.0
    return np.pad(args[0], amounts, constant_values=value)


def _same_values(op, args, out):
    return args[0].reshape(len(args[0]), *out.shape)


_PAIRWISE = {
    "ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "DIV": np.divide, "MAXIMUM": np.maximum, "MINIMUM": np.minimum,
    "SQUARED_DIFFERENCE": lambda a, b: (a - b) ** 2, "PRELU": lambda x, alpha: np.where(x >= 0, x, x * alpha),
    "EQUAL": np.equal, "NOT_EQUAL": np.not_equal, "GREATER": np.greater, "GREATER_EQUAL": np.greater_equal, "LESS": np.less,
    "LESS_EQUAL": np.less_equal, "LOGICAL_AND": np.logical_and, "LOGICAL_OR": np.logical_or,
}  # fmt: skip
# constants among their operands are one sample, which serves all
ELEMENTWISE = frozenset(_PAIRWISE) | {"SELECT", "SELECT_V2", "BATCH_MATMUL", "PACK", "CONCATENATION"}

OPS: dict[str, Callable] = {
    **{kind: _elementwise(function) for kind, function in _PAIRWISE.items()},
    "SELECT": _select,
    "SELECT_V2": _select,
    "BATCH_MATMUL": _batch_matmul,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "MEAN": _reduced(np.mean, dtype=np.float32),
    "SUM": _reduced(np.sum, dtype=np.float32),
    "REDUCE_MAX": _reduced(np.max),
    "REDUCE_MIN": _reduced(np.min),
    "REDUCE_ALL": _reduced(np.all),
    "REDUCE_ANY": _reduced(np.any),
    "ARG_MAX": _arg(np.argmax),
    "ARG_MIN": _arg(np.argmin),
    "SOFTMAX": _softmax,
    "LOG_SOFTMAX": _log_softmax,
    "L2_NORMALIZATION": _l2_normalization,
    "RESIZE_BILINEAR": _bilinear,
    "LOGISTIC": _logistic,
    "TANH": _one(np.tanh),
    **{kind: _clamp(kind) for kind in BOUNDS if kind != "NONE"},
    "LEAKY_RELU": lambda op, args, out: np.where(args[0] > 0, args[0], args[0] * np.float32(op.attrs["alpha"])),
    "ELU": _one(lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x)),
    "GELU": _gelu,
    "HARD_SWISH": _one(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "ABS": _one(np.abs),
    "EXP": _one(np.exp),
    "LOG": _one(np.log),
    "RSQRT": _one(lambda x: 1 / np.sqrt(x)),
    "SQRT": _one(np.sqrt),
    "SQUARE": _one(np.square),
    "NEG": _one(np.negative),
    "FLOOR": _one(np.floor),
    "CEIL": _one(np.ceil),
    "ROUND": _one(np.rint),
    "SIN": _one(np.sin),
    "COS": _one(np.cos),
    "LOGICAL_NOT": lambda op, args, out: np.logical_not(args[0]),
    "PAD": _pad,
    "PADV2": _pad,
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "QUANTIZE", "DEQUANTIZE"), _same_values),
    "TRANSPOSE": _moved(lambda op, args, numbers: numbers.transpose(_ints(args[1]))),
    "SLICE": _moved(_slice),
    "STRIDED_SLICE": _moved(_strided_slice),
    "SPLIT": _moved(_split, 1),
    "SPLIT_V": _moved(_split_v),
    "UNPACK": _moved(_unpack),
    "EMBEDDING_LOOKUP": _embedding,
    "DYNAMIC_UPDATE_SLICE": _update_slice,
    "CUMSUM": _cumsum,
    "ADD_N": lambda op, args, out: sum(args[1:], args[0]),
    "FILL": lambda op, args, out: np.broadcast_to(
        args[1].reshape(-1, *[1] * len(out.shape)), (len(args[1]), *out.shape)
    ),
    "GATHER": _gathered(_gather),
    "GATHER_ND": _gathered(_gather_nd),
    "REVERSE_V2": _moved(lambda op, args, numbers: np.flip(numbers, [a % numbers.ndim for a in _ints(args[1])])),
    "TILE": _moved(lambda op, args, numbers: np.tile(numbers, _ints(args[1]))),
    "BROADCAST_TO": _moved(lambda op, args, numbers: np.broadcast_to(numbers, _ints(args[1]))),
    "MIRROR_PAD": _moved(_mirror_pad),
    "RESIZE_NEAREST_NEIGHBOR": _moved(_nearest),
    "SPACE_TO_DEPTH": _moved(_space_to_depth),
    "DEPTH_TO_SPACE": _moved(_depth_to_space),
    "SPACE_TO_BATCH_ND": _moved(_space_to_batch),
    "BATCH_TO_SPACE_ND": _moved(_batch_to_space),
}
