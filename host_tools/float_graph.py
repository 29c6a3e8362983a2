"""Runs a float graph with numpy, many samples at once: what the quantizer calibrates and measures with.

Every activation has one axis in front of its shape: N samples. float32 throughout. It is the reference for accuracy,
not for bits: sums are in BLAS's order. Each kind of op is one function in OPS: (op, arguments, output Tensor) -> array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .errors import ToolError
from .ir import Graph, Op, Tensor

_BROADCASTING = ("ADD", "SUB", "MUL", "CONCATENATION")
LINEAR = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_CHUNK_BYTES = 32 << 20  # of im2col columns at a time: more is slower, not faster

After = Callable[[str, np.ndarray], np.ndarray | None]


def run(graph: Graph, inputs: list[np.ndarray], after: After | None = None) -> list[np.ndarray]:
    """The outputs for N samples: arrays (N, *shape) in, arrays (N, *shape) out.

    after(id, array) sees every activation, the inputs included, as it is made; what it returns takes its place.
    ToolError for an op that has no function here.
    """
    values: dict[str, np.ndarray] = {}
    last = last_uses(graph)
    for id, x in zip(graph.inputs, inputs):
        values[id] = _seen(after, id, batch(graph.tensors[id], x))
    for i, op in enumerate(graph.ops):
        values[op.outputs[0]] = _seen(after, op.outputs[0], run_op(graph, op, values))
        for id in op.inputs:
            if last.get(id) == i:
                values.pop(id, None)
    count = len(inputs[0])
    return [values[id] if id in values else constant(graph.tensors[id], count) for id in graph.outputs]


def batch(tensor: Tensor, x: np.ndarray) -> np.ndarray:
    """N samples as (N, *shape), float32; a leading axis of 1 in the tensor's shape may be missing from the samples."""
    return np.ascontiguousarray(x, np.float32).reshape(len(x), *tensor.shape)


def constant(tensor: Tensor, count: int) -> np.ndarray:
    return np.broadcast_to(tensor.data.astype(np.float32), (count, *tensor.shape))


def last_uses(graph: Graph) -> dict[str, int]:
    """Tensor id -> index of the last op that reads it; the network's outputs are never done with."""
    last = {id: i for i, op in enumerate(graph.ops) for id in op.inputs if id is not None}
    return {id: i for id, i in last.items() if id not in graph.outputs}


def run_op(graph: Graph, op: Op, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """One op on activations by id; constants come from the graph as they are."""
    function = OPS.get(op.kind)
    if function is None:
        raise ToolError(f"{op.kind} '{op.name}' cannot be computed in float", "it has no kernel here", "remove it")
    arguments = [None if i is None else values[i] if i in values else graph.tensors[i].data for i in op.inputs]
    if op.kind in _BROADCASTING:  # constants among the operands: one sample that serves all
        arguments = [a if i in values else np.asarray(a, np.float32)[None] for a, i in zip(arguments, op.inputs)]
    return function(op, arguments, graph.tensors[op.outputs[0]])


def _seen(after: After | None, id: str, x: np.ndarray) -> np.ndarray:
    changed = after(id, x) if after else None
    return x if changed is None else changed


# ------------------------------------------------------------------------------------------------------- windows


BOUNDS = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1)}


def activate(x: np.ndarray, activation: str) -> np.ndarray:
    """A fused activation, in place where x is not read-only."""
    low, high = BOUNDS[activation]
    return x if low is None else np.clip(x, low, high, out=x)


def padding(op: Op, axis: int, size: int, kernel: int) -> tuple[int, int, int]:
    """(before, after, output size) of rows (axis 0) or columns (axis 1): TFLite kernels/padding.h ComputePadding."""
    stride, dilation = op.attrs["stride"][axis], op.attrs.get("dilation", (1, 1))[axis]
    reach = (kernel - 1) * dilation + 1
    if op.attrs["padding"] == "VALID":
        return 0, 0, (size - reach) // stride + 1
    out = -(-size // stride)
    total = max(0, (out - 1) * stride + reach - size)
    return total // 2, total - total // 2, out


def windows(op: Op, x: np.ndarray, kernel: tuple[int, int], outside: float = 0.0) -> np.ndarray:
    """x, (M, h, w, c), as a view (M, oh, ow, kh, kw, c) of its windows; places outside the input hold `outside`."""
    (top, bottom, oh), (left, right, ow) = (padding(op, a, x.shape[1 + a], kernel[a]) for a in (0, 1))
    if top or bottom or left or right:
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=outside)
    (sh, sw), (dh, dw) = op.attrs["stride"], op.attrs.get("dilation", (1, 1))
    size = x.strides
    strides = (size[0], size[1] * sh, size[2] * sw, size[1] * dh, size[2] * dw, size[3])
    return np.lib.stride_tricks.as_strided(x, (x.shape[0], oh, ow, *kernel, x.shape[3]), strides, writeable=False)


def linear(op: Op, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """The sums of a CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED with its bias, before its activation; (M, ...)."""
    if op.kind == "FULLY_CONNECTED":
        y = x.reshape(-1, w.shape[1]) @ w.T
    elif op.kind == "CONV_2D":
        y = _conv(op, x.reshape(-1, *x.shape[-3:]), w)
    else:
        y = _depthwise(op, x.reshape(-1, *x.shape[-3:]), w[0])
    return y if bias is None else y + bias.reshape(-1)


def _conv(op: Op, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    out_c, kh, kw, in_c = w.shape
    view = windows(op, x, (kh, kw))
    m, oh, ow = view.shape[:3]
    depth, matrix = kh * kw * in_c, np.ascontiguousarray(w.reshape(out_c, -1).T)
    y = np.empty((m, oh, ow, out_c), np.float32)
    step = max(1, _CHUNK_BYTES // (4 * oh * ow * depth))
    for at in range(0, m, step):
        part = view[at : at + step]
        y[at : at + step] = (part.reshape(-1, depth) @ matrix).reshape(len(part), oh, ow, out_c)
    return y


def _depthwise(op: Op, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    kh, kw, out_c = w.shape
    view = windows(op, x, (kh, kw))
    multiplier = out_c // x.shape[-1]
    y = np.zeros((*view.shape[:3], out_c), np.float32)
    for ky in range(kh):
        for kx in range(kw):
            tap = view[:, :, :, ky, kx]
            y += (np.repeat(tap, multiplier, -1) if multiplier > 1 else tap) * w[ky, kx]
    return y


def _linear(op, args, out):
    x, w, bias = (*args, None)[:3]
    y = linear(op, x, w, bias)
    return activate(y.reshape(len(x), *out.shape), op.attrs["activation"])


def _pool(op, args, out):
    x = args[0].reshape(-1, *args[0].shape[-3:])
    kernel = op.attrs["kernel"]
    if op.kind == "MAX_POOL_2D":
        y = windows(op, x, kernel, -np.inf).max((3, 4))
    else:
        inside = windows(op, np.ones((1, *x.shape[1:3], 1), np.float32), kernel).sum((3, 4))
        y = windows(op, x, kernel).sum((3, 4)) / inside
    return activate(y.reshape(len(args[0]), *out.shape), op.attrs["activation"])


# ------------------------------------------------------------------------------------------------ everything else


def _pairwise(function):
    def compute(op, args, out):
        # Behind the samples' axis come dimensions of 1, so that shapes of different rank broadcast.
        a, b = (x.reshape(len(x), *[1] * (len(out.shape) + 1 - x.ndim), *x.shape[1:]) for x in args)
        return activate(function(a, b), op.attrs["activation"])

    return compute


def _mean(op, args, out):
    x, axes = args
    axes = tuple(int(a) % (x.ndim - 1) + 1 for a in np.reshape(axes, -1))
    function = np.mean if op.kind == "MEAN" else np.sum
    return function(x, axes, dtype=np.float32).reshape(len(x), *out.shape)


def _concatenation(op, args, out):
    count = max(map(len, args))
    parts = [np.broadcast_to(x, (count, *x.shape[1:])) for x in args]
    return activate(np.concatenate(parts, op.attrs["axis"] % len(out.shape) + 1), op.attrs["activation"])


def _pad(op, args, out):
    amounts = [(0, 0), *((int(b), int(a)) for b, a in np.reshape(args[1], (-1, 2)))]
    value = float(np.reshape(args[2], -1)[0]) if len(args) > 2 else 0.0
    return np.pad(args[0], amounts, constant_values=value)


def _softmax(op, args, out):
    x = args[0] * np.float32(op.attrs["beta"])
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _logistic(op, args, out):
    return (0.5 * (1 + np.tanh(0.5 * args[0]))).astype(np.float32)


def _same_values(op, args, out):
    return args[0].reshape(len(args[0]), *out.shape)


def _moved(places):
    """An op that only moves values: places(op, arguments, the input's element numbers) -> the output's."""

    def compute(op, args, out):
        x = args[0].reshape(len(args[0]), -1)
        numbers = np.arange(x.shape[1]).reshape(args[0].shape[1:])
        return x[:, places(op, args, numbers).reshape(-1)].reshape(len(x), *out.shape)

    return compute


def _slice(op, args, numbers):
    begin, size = (np.reshape(a, -1) for a in args[1:3])
    return numbers[tuple(slice(b, None if n == -1 else b + n) for b, n in zip(begin, size))]


def _strided_slice(op, args, numbers):
    from .lower.slices import strided

    begin, end, step = (np.reshape(a, -1).tolist() for a in args[1:4])
    starts, counts, steps, _ = strided(numbers.shape, begin, end, step, op.attrs)
    return numbers[np.ix_(*(b + s * np.arange(n) for b, n, s in zip(starts, counts, steps)))]


def _nearest(op, args, numbers):
    from .lower.gather import nearest

    options = op.attrs["align_corners"], op.attrs["half_pixel_centers"]
    rows, columns = (nearest(d, int(n), *options) for d, n in zip(numbers.shape[1:3], np.reshape(args[1], -1)))
    return numbers[:, rows][:, :, columns]


def _gelu(op, args, out):
    from . import fixed_tables

    function = fixed_tables.gelu_approximate if op.attrs["approximate"] else fixed_tables.gelu
    return np.vectorize(function, otypes=[np.float32])(args[0])


def _one(function):
    return lambda op, args, out: function(args[0]).astype(np.float32, copy=False)


def _clamp(kind):
    return _one(lambda x: np.clip(x, *BOUNDS[kind]))


OPS: dict[str, Callable] = {
    **dict.fromkeys(LINEAR, _linear),
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D": _pool,
    "MEAN": _mean,
    "SUM": _mean,
    "ADD": _pairwise(np.add),
    "MUL": _pairwise(np.multiply),
    "SUB": _pairwise(np.subtract),
    "CONCATENATION": _concatenation,
    "PAD": _pad,
    "PADV2": _pad,
    "RESHAPE": _same_values,
    "SQUEEZE": _same_values,
    "EXPAND_DIMS": _same_values,
    "QUANTIZE": _same_values,
    "DEQUANTIZE": _same_values,
    "SOFTMAX": _softmax,
    "LOGISTIC": _logistic,
    "TANH": _one(np.tanh),
    **{kind: _clamp(kind) for kind in BOUNDS if kind != "NONE"},
    "LEAKY_RELU": lambda op, args, out: np.where(args[0] > 0, args[0], args[0] * np.float32(op.attrs["alpha"])),
    "ELU": _one(lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x)),
    "GELU": _gelu,
    "HARD_SWISH": _one(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "ABS": _one(np.abs),
    "TRANSPOSE": _moved(lambda op, args, numbers: numbers.transpose(np.reshape(args[1], -1))),
    "SLICE": _moved(_slice),
    "STRIDED_SLICE": _moved(_strided_slice),
    "RESIZE_NEAREST_NEIGHBOR": _moved(_nearest),
}
