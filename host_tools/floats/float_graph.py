"""Runs a float graph with numpy, many samples at once: what the quantizer calibrates and measures with.

Every activation has one axis in front of its shape: N samples. float32 throughout. It is the reference for accuracy,
not for bits: sums are in BLAS's order. Each kind of op is one function in OPS: (op, arguments, output Tensor) -> array;
those that have no weights and no windows are in float_ops.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ..arithmetic import float_lstm
from ..errors import ToolError
from ..ir import Graph, Op, Tensor
from . import float_ops
from .float_ops import activate

LINEAR = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_GATHERS = ("GATHER", "GATHER_ND")
_CHUNK_BYTES = 32 << 20  # of im2col columns at a time: more is slower, not faster
_CACHE_BYTES = 128 << 10

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
        for id, x in zip(op.outputs, run_op(graph, op, values)):
            values[id] = _seen(after, id, x)
        for id in op.inputs:
            if last.get(id) == i:
                values.pop(id, None)
    count = len(inputs[0])
    return [values[id] if id in values else constant(graph.tensors[id], count) for id in graph.outputs]


def batch(tensor: Tensor, x: np.ndarray) -> np.ndarray:
    """N samples as (N, *shape), float32, or the tensor's own dtype if it holds no real numbers (int32, bool).

    A leading axis of 1 in the tensor's shape may be missing from the samples.
    """
    return np.ascontiguousarray(x, _dtype(tensor)).reshape(len(x), *tensor.shape)


def constant(tensor: Tensor, count: int) -> np.ndarray:
    return np.broadcast_to(tensor.data.astype(_dtype(tensor)), (count, *tensor.shape))


def _dtype(tensor: Tensor) -> type:
    return {"int32": np.int32, "bool": np.bool_}.get(tensor.dtype, np.float32)


def last_uses(graph: Graph) -> dict[str, int]:
    """Tensor id -> index of the last op that reads it; the network's outputs are never done with."""
    last = {id: i for i, op in enumerate(graph.ops) for id in op.inputs if id is not None}
    return {id: i for id, i in last.items() if id not in graph.outputs}


def run_op(graph: Graph, op: Op, values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of one op on activations by id; constants come from the graph as they are."""
    function = OPS.get(op.kind)
    if function is None:
        raise ToolError(f"{op.kind} '{op.name}' cannot be computed in float", "it has no kernel here", "remove it")
    arguments = [None if i is None else values[i] if i in values else graph.tensors[i].data for i in op.inputs]
    if op.kind in float_ops.ELEMENTWISE:  # constants among the operands: one sample that serves all
        arguments = [a if i in values else np.asarray(a)[None] for a, i in zip(arguments, op.inputs)]
    elif op.kind in _GATHERS:
        op = op.with_attrs(moving=tuple(i in values for i in op.inputs))
    outputs = function(op, arguments, graph.tensors[op.outputs[0]])
    return outputs if isinstance(outputs, list) else [outputs]


def _seen(after: After | None, id: str, x: np.ndarray) -> np.ndarray:
    changed = after(id, x) if after else None
    return x if changed is None else changed


# ------------------------------------------------------------------------------------------------------- windows


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
    """x, (M, h, w, c), as a view (M, oh, ow, kh, kw, c) of its windows; places outside the input hold `outside`.

    Those of a TRANSPOSE_CONV are what its weights are multiplied with: the input, spread out by the strides, backward.
    """
    if op.kind == "TRANSPOSE_CONV":
        return _spread(op, x, kernel)
    (top, bottom, oh), (left, right, ow) = (padding(op, a, x.shape[1 + a], kernel[a]) for a in (0, 1))
    if top or bottom or left or right:
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=outside)
    (sh, sw), (dh, dw) = op.attrs["stride"], op.attrs.get("dilation", (1, 1))
    size = x.strides
    strides = (size[0], size[1] * sh, size[2] * sw, size[1] * dh, size[2] * dw, size[3])
    return np.lib.stride_tricks.as_strided(x, (x.shape[0], oh, ow, *kernel, x.shape[3]), strides, writeable=False)


def _spread(op: Op, x: np.ndarray, kernel: tuple[int, int]) -> np.ndarray:
    """y[o] = sum of x[i] * w[k] over o = i * stride - pad + k: internal/reference/transpose_conv.h."""
    for axis in (0, 1):
        stride, k, out = op.attrs["stride"][axis], kernel[axis], op.attrs["output"][axis]
        size = x.shape[1 + axis]
        small = -(-out // stride) if op.attrs["padding"] == "SAME" else (out + stride - k) // stride
        pad = max(0, (small - 1) * stride + k - out) // 2
        shape = list(x.shape)
        shape[1 + axis] = out + k - 1
        wide = np.zeros(shape, np.float32)
        at = np.arange(size) * stride + k - 1 - pad
        inside = (at >= 0) & (at < shape[1 + axis])
        place = (slice(None),) * (1 + axis)
        wide[(*place, at[inside])] = x[(*place, inside)]
        x = wide
    m, c, s = len(x), x.shape[3], x.strides
    view = np.lib.stride_tricks.as_strided(x, (m, *op.attrs["output"], *kernel, c), (s[0], s[1], s[2], s[1], s[2], s[3]),
                                           writeable=False)  # fmt: skip
    return view[:, :, :, ::-1, ::-1]


def parts(op: Op) -> tuple[str, str, str | None]:
    """(input, weights, bias) of one of LINEAR, by their ids."""
    if op.kind == "TRANSPOSE_CONV":
        return op.inputs[2], op.inputs[1], op.inputs[3] if len(op.inputs) > 3 else None
    return op.inputs[0], op.inputs[1], op.inputs[2] if len(op.inputs) > 2 else None


def with_parts(op: Op, x: str, w: str, bias: str | None) -> Op:
    """The op with other tensors in these places."""
    return replace(op, inputs=(op.inputs[0], w, x, bias) if op.kind == "TRANSPOSE_CONV" else (x, w, bias))


def linear(op: Op, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """The sums of one of LINEAR with its bias, before its activation; (M, ...). A TRANSPOSE_CONV knows its `output` size."""
    if op.kind == "FULLY_CONNECTED":
        y = x.reshape(-1, w.shape[1]) @ w.T
    elif op.kind == "DEPTHWISE_CONV_2D":
        y = _depthwise(op, x.reshape(-1, *x.shape[-3:]), w[0])
    else:
        y = _conv(op, x.reshape(-1, *x.shape[-3:]), w)
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
    """Some samples at a time, so that their sums stay in the processor's cache."""
    kh, kw, out_c = w.shape
    view = windows(op, x, (kh, kw))
    multiplier = out_c // x.shape[-1]
    y = np.zeros((*view.shape[:3], out_c), np.float32)
    step = max(1, _CACHE_BYTES // max(y[:1].nbytes, 1))
    rows = np.ascontiguousarray(
        np.broadcast_to(w[:, :, None], (kh, kw, y.shape[2], out_c))
    )  # numpy's inner loop is a row then
    for at in range(0, len(y), step):
        part, sums = view[at : at + step], y[at : at + step]
        product = np.empty_like(sums)
        for ky in range(kh):
            for kx in range(kw):
                tap = part[:, :, :, ky, kx]
                np.multiply(np.repeat(tap, multiplier, -1) if multiplier > 1 else tap, rows[ky, kx], out=product)
                sums += product
    return y


def _linear(op, args, out):
    x, w, bias = (*args, None)[:3]
    if op.kind == "TRANSPOSE_CONV":
        x, w, bias = args[2], args[1], args[3] if len(args) > 3 else None
        op = op.with_attrs(output=out.shape[1:3])
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


OPS: dict[str, Callable] = {
    **float_ops.OPS,
    **dict.fromkeys(LINEAR, _linear),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": float_lstm.lstm,
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D": _pool,
}
