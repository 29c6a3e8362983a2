"""The host's exact kernels with int16 activations, BATCH_MATMUL and TRANSPOSE_CONV: see numpy_kernels.py.

Zero points of int16 are 0. Accumulators are int64 and exact.
"""

from __future__ import annotations

import numpy as np

from ..arithmetic.fixed_point import requantize, wrap32_array
from ..arithmetic.int16 import logistic16, lut513_lookup, requantize_wide, tanh16
from .numpy_kernels import _channels, _places, _store, _windows

_WIDE_CHANNEL = np.dtype([("high", "<i4"), ("low", "<u2"), ("z", "<u2"), ("multiplier", "<i4"), ("left", "u1"),
                          ("right", "u1"), ("zero", "<u2")])  # fmt: skip
assert _WIDE_CHANNEL.itemsize == 16


def int16(buffer, offset: int, shape) -> np.ndarray:
    """int16 elements at a byte offset, as int64."""
    size = int(np.prod(shape, dtype=np.int64))
    return buffer[offset : offset + 2 * size].view("<i2").reshape(shape).astype(np.int64)


def store16(words, arena, value, offset: int | None = None):
    """y = clamp(value modulo 2^32), int16."""
    value = np.clip(wrap32_array(np.asarray(value, np.int64)), words[25], words[26]).astype("<i2")
    at = words[6] if offset is None else offset
    arena[at : at + value.nbytes] = value.reshape(-1).view(np.uint8)


def _wide_output(words, arena, acc, table):
    """acc: products only; eq. (6), or eq. (2) where word 30 is 1."""
    if words[30]:
        store16(words, arena, requantize(acc, table["multiplier"], table["left"], table["right"]))
    else:
        store16(words, arena, requantize_wide(acc, table["multiplier"], table["left"]))


def _wide_channels(words, constants):
    table = constants[words[28] : words[28] + words[14] * 16].view(_WIDE_CHANNEL)
    return table, (table["high"].astype(np.int64) << 16) + table["low"]


def conv_2d_16(words, arena, constants):
    """y = eq. (6) of bias' + sum((x + 32768) * w)."""
    out_c, kh, kw = words[14:17]
    depth = kh * kw * words[11]
    windows = _windows(int16(arena, words[5], words[8:12]) + 32768, words, 32768).reshape(-1, depth)
    row = -(-depth // 4) * 4
    weights = constants[words[27] : words[27] + row * out_c].reshape(out_c, row)[:, :depth].astype(np.float64) - 128
    table, bias = _wide_channels(words, constants)
    # |products| < 2**24 each: exact in float64 up to 2**29 of them
    acc = (windows.astype(np.float64) @ weights.T).astype(np.int64) + bias
    _wide_output(words, arena, acc, table)


def depthwise_conv_2d_16(words, arena, constants):
    """y = eq. (6) of bias + sum(x * w)."""
    out_c, kh, kw, multiplier = words[14], words[15], words[16], words[29]
    windows = _windows(int16(arena, words[5], words[8:12]), words, 0)
    size = kh * kw * out_c
    weights = constants[words[27] : words[27] + size].reshape(kh, kw, out_c).astype(np.int64) - 128
    table, bias = _wide_channels(words, constants)
    acc = np.zeros(windows.shape[:3] + (out_c,), np.int64) + bias
    for ky in range(kh):
        for kx in range(kw):
            acc += np.repeat(windows[:, :, :, ky, kx], multiplier, -1) * weights[ky, kx]
    _wide_output(words, arena, acc, table)


def max_pool_2d_16(words, arena, constants):
    x = int16(arena, words[5], words[8:12])
    store16(words, arena, _windows(x, words, -32768).max((3, 4)))


def average_pool_2d_16(words, arena, constants):
    """Eq. (4)."""
    x = int16(arena, words[5], words[8:12])
    total = _windows(x, words, 0).sum((3, 4))
    count = _windows(np.ones_like(x), words, 0).sum((3, 4))
    store16(words, arena, np.sign(total) * ((np.abs(total) + count // 2) // count))


def mean_16(words, arena, constants):
    x = int16(arena, words[5], words[8:13])
    store16(words, arena, requantize(x.sum((1, 3)), words[14], words[15], words[16]))


def pairwise_16(words, arena, constants):
    """Word 31: 0 mul, 1 add, 2 sub, 3 squared_difference, 4 prelu."""
    operands = []
    for k, (offset, strides) in enumerate(((words[5], words[12:16]), (words[7], words[16:20]))):
        raw = constants if words[23] >> k & 1 else arena
        at = offset + _places(words[8:12], strides)
        operands.append((raw[at].astype(np.int64) | raw[at + 1].astype(np.int64) << 8 ^ 0x8000) - 0x8000)
    if words[31] == 4:
        above = requantize(operands[0], words[27], words[28], words[29])
        below = requantize(operands[0] * operands[1], words[20], words[21], words[22])
        store16(words, arena, np.where(operands[0] >= 0, above, below))
        return
    if words[31]:
        up = 0 if words[31] == 3 else 15
        a, b = (requantize(x << up, words[27 + k], 0, words[29 + k]) for k, x in enumerate(operands))
        acc = a + b if words[31] == 1 else a - b
        acc = acc * acc if words[31] == 3 else acc
    else:
        acc = operands[0] * operands[1]
    store16(words, arena, requantize(acc, words[20], words[21], words[22]))


def cumsum(words, arena, constants):
    """y = eq. (3) of running sums along the second of three dimensions. Word 11: 1 exclusive, 2 from the end."""
    dims = words[8:11]
    x = arena[words[5] : words[5] + int(np.prod(dims))].view(np.int8).reshape(dims).astype(np.int64) - words[18]
    x = x[:, ::-1] if words[11] & 2 else x
    acc = x.cumsum(1) - (x if words[11] & 1 else 0) - words[18]
    acc = acc[:, ::-1] if words[11] & 2 else acc
    _store(words, arena, requantize(acc, words[14], words[15], words[16]))


def numbers(words, arena, constants):
    """y = f(x1, x2) of whole numbers, f by word 29; word 30: their bytes, 2 or 4."""
    f, item = words[29], words[30]
    operands = []
    for k, (offset, strides) in enumerate(((words[5], words[12:16]), (words[7], words[16:20]))):
        at = offset + _places(words[8:12], strides)
        raw = (constants if words[23] >> k & 1 else arena)[at[:, None] + np.arange(item)]
        operands.append(np.ascontiguousarray(raw).view(f"<i{item}").reshape(-1).astype(np.int64))
    p, q = operands
    if f < 2:
        y = (np.minimum if f else np.maximum)(p, q)
    elif f < 6:
        y = (np.equal, np.not_equal, np.less, np.less_equal)[f - 2](p, q)
    elif f == 10:
        y = np.where(q == 0, 0, np.sign(p) * np.sign(q) * (np.abs(p) // np.maximum(1, np.abs(q))))
    else:
        y = (wrap32_array(p - q) ** 2 if f == 6 else (p + q, p - q, p * q)[f - 7]) & 0xFFFFFFFF
    y = y.astype(np.uint8) if 2 <= f < 6 else y.astype(f"<i{item}").view(np.uint8)
    arena[words[6] : words[6] + y.size] = y


def rescale(words, arena, constants):
    count, x_bytes, y_bytes = words[8:11]
    x = (
        int16(arena, words[5], count)
        if x_bytes == 2
        else arena[words[5] : words[5] + count].view(np.int8).astype(np.int64)
    )
    x = x - words[11]
    value = np.where(x >= 0, requantize(x, *words[12:15]), requantize(x, *words[15:18])) + words[24]
    if y_bytes == 2:
        store16(words, arena, value)
    else:
        _store(words, arena, value, 0)


def sigmoid_16(words, arena, constants):
    """The table in the constants is the one that fixed_point16 holds."""
    x = int16(arena, words[5], words[8])
    value = (tanh16 if words[11] else logistic16)(x, words[9], words[10]).astype("<i2")
    arena[words[6] : words[6] + 2 * words[8]] = value.view(np.uint8)


def softmax_16(words, arena, constants):
    """Eq. (8)."""
    rows, depth = words[8:10]
    exp, reciprocal = (constants[at : at + 1026].view("<i2") for at in words[13:15])
    x = int16(arena, words[5], (rows, depth))
    scaled = requantize(x - x.max(1, keepdims=True), *words[10:13]) + 32767
    e = lut513_lookup(np.clip(scaled, -32768, 32767), exp)
    y = np.empty((rows, depth), np.int64)
    for row, total in enumerate(e.sum(1)):
        bits = max(15, int(total).bit_length())
        f = (((int(total) << (31 - bits)) + (1 << 13)) >> 14) - (1 << 15) - (1 << 16)
        scale = int(lut513_lookup(np.clip(f, -32768, 32767), reciprocal))
        y[row] = np.clip((e[row] * scale + (1 << (bits - 2))) >> (bits - 1), 0, 32767)
    arena[words[6] : words[6] + 2 * y.size] = y.astype("<i2").reshape(-1).view(np.uint8)


def transpose_conv(words, arena, constants):
    """Eq. (3), or with int16 (word 29) eq. (6), of the scattered products and the bias."""
    n, h, w, c, oh, ow, out_c, kh, kw, sh, sw = words[8:19]
    top, left, wide = words[21], words[22], words[29]
    if wide:
        x = int16(arena, words[5], (n, h, w, c))
        table, bias = _wide_channels(words, constants)
    else:
        x = arena[words[5] : words[5] + n * h * w * c].view(np.int8).reshape(n, h, w, c).astype(np.int64) - words[23]
        table = _channels(words, constants, out_c)
        bias = table["bias"].astype(np.int64)
    size = out_c * kh * kw * c
    weights = constants[words[27] : words[27] + size].reshape(out_c, kh, kw, c).astype(np.int64) - 128
    acc = np.zeros((n, oh, ow, out_c), np.int64)
    for ky in range(kh):
        for kx in range(kw):
            part = x @ weights[:, ky, kx].T
            rows, columns = np.arange(h) * sh - top + ky, np.arange(w) * sw - left + kx
            r, s = (rows >= 0) & (rows < oh), (columns >= 0) & (columns < ow)
            acc[np.ix_(range(n), rows[r], columns[s])] += part[:, r][:, :, s]
    acc += bias
    if wide:
        _wide_output(words, arena, acc, table)
    else:
        _store(words, arena, requantize(acc, table["multiplier"], table["left"], table["right"]))


def batch_matmul(words, arena, constants):
    """Eq. (3), or with int16 (flag 4) eq. (6), of each row of x1 with each column of x2."""
    b0, b1, b2, rows, columns, depth = words[8:14]
    s = words[14:23]
    flags = words[23]
    at1 = words[5] + _places((b0, b1, b2, rows), s[:4])[:, None] + np.arange(depth) * s[4]
    at2 = words[7] + _places((b0, b1, b2, columns), s[5:9])[:, None] + np.arange(depth) * words[31]
    x1, x2 = (constants if flags & 1 else arena), (constants if flags & 2 else arena)
    if flags & 4:
        a, b = (
            (x[at].astype(np.int64) | x[at + 1].astype(np.int64) << 8 ^ 0x8000) - 0x8000
            for x, at in ((x1, at1), (x2, at2))
        )
    else:
        a = x1[at1].view(np.int8).astype(np.int64) - words[27]
        b = x2[at2].view(np.int8).astype(np.int64) - words[28]
    acc = a.reshape(b0, b1, b2, rows, depth) @ b.reshape(b0, b1, b2, columns, depth).swapaxes(-1, -2)
    left, right = words[30] & 0xFF, words[30] >> 8
    if flags & 4:
        store16(words, arena, requantize_wide(acc, words[29], left))
    else:
        _store(words, arena, requantize(acc, words[29], left, right))


KERNELS = {
    "transpose_conv": transpose_conv,
    "batch_matmul": batch_matmul,
    "conv_2d_16": conv_2d_16,
    "depthwise_conv_2d_16": depthwise_conv_2d_16,
    "max_pool_2d_16": max_pool_2d_16,
    "average_pool_2d_16": average_pool_2d_16,
    "mean_16": mean_16,
    "pairwise_16": pairwise_16,
    "rescale": rescale,
    "cumsum": cumsum,
    "numbers": numbers,
    "sigmoid_16": sigmoid_16,
    "softmax_16": softmax_16,
}
