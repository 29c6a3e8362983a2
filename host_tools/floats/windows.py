"""Ops with weights and windows, in floats: convolutions, dense layers, pools. float32, sums in BLAS's order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..ir import Op
from ..ops.table import row
from .core import activate, meaning

_CHUNK_BYTES = 32 << 20  # of im2col columns at a time: more is slower, not faster
_CACHE_BYTES = 128 << 10


def transposed(op: Op) -> bool:
    """Whether the windows lie in the output: its inputs are in another order, and its output's size is one of them."""
    return op.kind == "TRANSPOSE_CONV"


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
    """x, (M, h, w, c), as a view (M, oh, ow, kh, kw, c) of its windows; what is outside of the input holds `outside`.

    Those of a TRANSPOSE_CONV are what its weights are multiplied with: the input, spread out by the strides, backward.
    """
    if transposed(op):
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
        before = (slice(None),) * (1 + axis)
        wide[(*before, at[inside])] = x[(*before, inside)]
        x = wide
    m, c, s = len(x), x.shape[3], x.strides
    view = np.lib.stride_tricks.as_strided(x, (m, *op.attrs["output"], *kernel, c), (s[0], s[1], s[2], s[1], s[2], s[3]),
                                           writeable=False)  # fmt: skip
    return view[:, :, :, ::-1, ::-1]


def parts_of(op: Op, inputs) -> tuple:
    """(input, weights, bias or None) of a linear op among its inputs, in whatever form they are: a TRANSPOSE_CONV has its
    output's shape first and the weights in front of the input."""
    x, w, bias = (2, 1, 3) if transposed(op) else (0, 1, 2)
    return inputs[x], inputs[w], inputs[bias] if bias < len(inputs) else None


def parts(op: Op) -> tuple[str, str, str | None]:
    """(input, weights, bias) of a linear op, by their ids."""
    return parts_of(op, op.inputs)


def with_parts(op: Op, x: str, w: str, bias: str | None) -> Op:
    """The op with other tensors for these."""
    return replace(op, inputs=(op.inputs[0], w, x, bias) if transposed(op) else (x, w, bias))


def linear(op: Op, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """The sums of a linear op with its bias, before its activation; (M, ...). A TRANSPOSE_CONV knows its `output` size."""
    if row(op.kind).family == "dense":
        y = x.reshape(-1, w.shape[1]) @ w.T
    elif row(op.kind).family == "depthwise":
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
    m, oh, ow = view.shape[:3]
    multiplier = out_c // x.shape[-1]
    y = np.zeros((m, oh, ow, out_c), np.float32)
    step = max(1, _CACHE_BYTES // max(y[:1].nbytes, 1))
    # a row of taps at a time, so that numpy's inner loop is a row
    rows = np.ascontiguousarray(np.broadcast_to(w[:, :, None], (kh, kw, ow, out_c)))
    for at in range(0, len(y), step):
        part, sums = view[at : at + step], y[at : at + step]
        product = np.empty_like(sums)
        for ky in range(kh):
            for kx in range(kw):
                tap = part[:, :, :, ky, kx]
                np.multiply(np.repeat(tap, multiplier, -1) if multiplier > 1 else tap, rows[ky, kx], out=product)
                sums += product
    return y


@meaning
def _linear(op, args, out):
    x, w, bias = parts_of(op, args)
    if transposed(op):
        op = op.with_attrs(output=out.shape[1:3])
    y = linear(op, x, w, bias)
    return activate(y.reshape(len(x), *out.shape), op.attrs["activation"])


@meaning
def _pool(op, args, out):
    x = args[0].reshape(-1, *args[0].shape[-3:])
    kernel = op.attrs["kernel"]
    if op.kind == "MAX_POOL_2D":
        y = windows(op, x, kernel, -np.inf).max((3, 4))
    else:
        inside = windows(op, np.ones((1, *x.shape[1:3], 1), np.float32), kernel).sum((3, 4))
        y = windows(op, x, kernel).sum((3, 4)) / inside
    return activate(y.reshape(len(args[0]), *out.shape), op.attrs["activation"])
