"""Kernels with int16 activations, whose zero points are 0. Accumulators are int64 and exact."""

from __future__ import annotations

import numpy as np

from ..arithmetic.fixed_point import requantize
from ..arithmetic.int16 import logistic16, lut513_lookup, tanh16
from ..record import View
from .core import (
    by_channel,
    by_wide_channel,
    clamped,
    depthwise_sums,
    elements,
    int8,
    int16,
    put,
    size_of,
    store,
    store_16,
    walks,
    weight_rows,
    wide_channels,
    windows,
)
from .pool import averages

MUL, ADD, SUB, SQUARED_DIFFERENCE, PRELU = range(5)  # the word `function` of pairwise_16
_TABLE_BYTES = 2 * 513


def conv_2d_16(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = eq. (6) of bias' + sum((x + 32768) * w)."""
    depth = r.kernel_h * r.kernel_w * r.in_c
    x = windows(int16(arena, r.x_offset, r.all("batches", "in_c")) + 32768, r, 32768).reshape(-1, depth)
    weights = weight_rows(constants[r.weights_offset :], r.out_c, depth).astype(np.float64) - 128
    table, bias = wide_channels(r, constants)
    # |products| < 2**24 each: exact in float64 up to 2**29 of them
    _store_channels(r, arena, (x.astype(np.float64) @ weights.T).astype(np.int64) + bias, table)


def depthwise_conv_2d_16(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = eq. (6) of bias + sum(x * w)."""
    x = windows(int16(arena, r.x_offset, r.all("batches", "in_c")), r, 0)
    at, shape = r.weights_offset, (r.kernel_h, r.kernel_w, r.out_c)
    weights = constants[at : at + size_of(shape)].reshape(shape).astype(np.int64) - 128
    table, bias = wide_channels(r, constants)
    _store_channels(r, arena, depthwise_sums(x, bias, weights, r.depth_multiplier), table)


def _store_channels(r: View, arena: np.ndarray, acc: np.ndarray, table: np.ndarray) -> None:
    """y = eq. (6), or eq. (2) where biases are of 32 bits."""
    store_16(r, arena, (by_channel if r.bias_32 else by_wide_channel)(acc, table))


def max_pool_2d_16(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = clamp(max of the inputs inside the window)."""
    x = int16(arena, r.x_offset, r.all("batches", "in_c"))
    store_16(r, arena, windows(x, r, -32768).max((3, 4)))


def average_pool_2d_16(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = clamp(average of the inputs inside the window, halves away from zero); eq. (4)."""
    store_16(r, arena, averages(int16(arena, r.x_offset, r.all("batches", "in_c")), r))


def mean_16(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y[a, b, c] = requantize(sum over r1, r2 of x[a, r1, b, r2, c]); eq. (2)."""
    x = int16(arena, r.x_offset, r.all("a", "c"))
    store_16(r, arena, requantize(x.sum((1, 3)), r.multiplier, r.left_shift, r.right_shift))


def pairwise_16(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = requantize(f(x1, x2)), f by the word `function`; sums of x1 and x2 in one scale, Q15 further left."""
    p, q = (elements(raw, at, 2) for raw, at in walks(r, arena, constants))
    f, factor = r.function, r.all("multiplier", "right_shift")
    if f == PRELU:
        above = requantize(p, r.positive_multiplier, r.positive_left_shift, r.positive_right_shift)
        store_16(r, arena, np.where(p >= 0, above, requantize(p * q, *factor)))
        return
    if f == MUL:
        acc = p * q
    else:
        up = 0 if f == SQUARED_DIFFERENCE else 15
        p = requantize(p << up, r.x1_multiplier, 0, r.x1_right_shift)
        q = requantize(q << up, r.x2_multiplier, 0, r.x2_right_shift)
        acc = p + q if f == ADD else p - q
        acc = acc * acc if f == SQUARED_DIFFERENCE else acc
    store_16(r, arena, requantize(acc, *factor))


def rescale(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = requantize(x - x_zero_point) + y_zero_point, between int8 and int16; below 0 with a factor of its own."""
    x = (int16 if r.x_bytes == 2 else int8)(arena, r.x_offset, (r.count,)).astype(np.int64) - r.x_zero_point
    above = requantize(x, *r.all("multiplier", "right_shift"))
    value = np.where(x >= 0, above, requantize(x, *r.all("negative_multiplier", "negative_right_shift")))
    if r.y_bytes == 2:
        put(arena, r.y_offset, clamped(r, value).astype("<i2"))
    else:
        store(r, arena, value)


def sigmoid_16(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = logistic or tanh of x; eq. (7). The table in the constants is the one that arithmetic.int16 holds."""
    x = int16(arena, r.x_offset, (r.count,))
    put(arena, r.y_offset, (tanh16 if r.tanh else logistic16)(x, r.multiplier, r.right_shift).astype("<i2"))


def softmax_16(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = exp(x - max) / sum(exp(x - max)) for each row; eq. (8)."""
    exp, reciprocal = (constants[at : at + _TABLE_BYTES].view("<i2") for at in r.all("exp_offset", "reciprocal_offset"))
    x = int16(arena, r.x_offset, r.all("rows", "depth"))
    scaled = requantize(x - x.max(1, keepdims=True), *r.all("multiplier", "right_shift")) + 32767
    e = lut513_lookup(np.clip(scaled, -32768, 32767), exp)
    y = np.empty_like(x)
    for row, total in enumerate(e.sum(1)):
        bits = max(15, int(total).bit_length())
        f = (((int(total) << (31 - bits)) + (1 << 13)) >> 14) - (1 << 15) - (1 << 16)
        scale = int(lut513_lookup(np.clip(f, -32768, 32767), reciprocal))
        y[row] = np.clip((e[row] * scale + (1 << (bits - 2))) >> (bits - 1), 0, 32767)
    put(arena, r.y_offset, y.astype("<i2"))
