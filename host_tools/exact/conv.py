"""Convolutions with int8 activations, and transposed ones with int16, too."""

from __future__ import annotations

import numpy as np

from ..record import View
from .core import (
    by_channel,
    by_wide_channel,
    channels,
    int4_rows,
    int8,
    int16,
    multiply,
    store,
    store_16,
    weight_rows,
    wide_channels,
    windows,
)


def conv_2d(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = requantize(bias' + sum((x + 128) * w)), NHWC and OHWI; eqs. (2), (3)."""
    x = int8(arena, r.x_offset, r.all("batches", "in_c")).astype(np.float64) + 128
    columns = windows(x, r, r.x_zero_point + 128).reshape(-1, r.kernel_h * r.kernel_w * r.in_c)
    multiply(r, arena, constants, columns, weights(r, constants))


def weights(r: View, constants: np.ndarray) -> np.ndarray:
    """Of conv_2d: float64[out_c, products], -128 to 127."""
    data, depth = constants[r.weights_offset :], r.kernel_h * r.kernel_w * r.in_c
    if r.weights_format == 1:
        return int4_rows(data, r.out_c, depth).astype(np.float64)
    return weight_rows(data, r.out_c, depth).astype(np.float64) - 128


def transpose_conv(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """Eq. (3), or with int16 eq. (6), of the scattered products and the bias."""
    n, h, w, c = shape = r.all("batches", "in_c")
    oh, ow, out_c, kh, kw = r.all("out_h", "kernel_w")
    if r.wide:
        x = int16(arena, r.x_offset, shape)
        table, bias = wide_channels(r, constants)
    else:
        x = int8(arena, r.x_offset, shape).astype(np.int64) - r.x_zero_point
        table = channels(r, constants)
        bias = table["bias"].astype(np.int64)
    at, size = r.weights_offset, out_c * kh * kw * c
    kernels = constants[at : at + size].reshape(out_c, kh, kw, c).astype(np.int64) - 128
    acc = np.zeros((n, oh, ow, out_c), np.int64)
    for ky in range(kh):
        for kx in range(kw):
            part = x @ kernels[:, ky, kx].T
            rows, columns = np.arange(h) * r.stride_h - r.pad_top + ky, np.arange(w) * r.stride_w - r.pad_left + kx
            inside_h, inside_w = (rows >= 0) & (rows < oh), (columns >= 0) & (columns < ow)
            acc[np.ix_(np.arange(n), rows[inside_h], columns[inside_w])] += part[:, inside_h][:, :, inside_w]
    acc += bias
    if r.wide:
        store_16(r, arena, by_wide_channel(acc, table))
    else:
        store(r, arena, by_channel(acc, table))
