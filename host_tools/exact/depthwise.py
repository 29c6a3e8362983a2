"""Depthwise convolutions with int8 activations."""

from __future__ import annotations

import numpy as np

from ..record import View
from .core import by_channel, channels, depthwise_sums, int8, size_of, store_pixels, windows


def depthwise_conv_2d(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = requantize(bias + sum((x - x_zero_point) * w)), NHWC and 1HWO; channel o reads input channel
    o // depth_multiplier; eqs. (2), (3)."""
    shape = r.all("batches", "in_c")
    # A piece of an op that is cut starts at its first channel: after the last pixel of x nothing is read.
    lacking = r.x_offset + size_of(shape) - len(arena)
    readable = np.concatenate((arena, np.zeros(lacking, np.uint8))) if lacking > 0 else arena
    x = int8(readable, r.x_offset, shape).astype(np.int32) - r.x_zero_point
    table = channels(r, constants)
    # int32 wraps as the board's does; 255 * 128 * kh * kw stays inside it up to windows of 65,000.
    acc = depthwise_sums(windows(x, r, 0), table["bias"], weights(r, constants), r.depth_multiplier)
    store_pixels(r, arena, by_channel(acc, table))


def weights(r: View, constants: np.ndarray) -> np.ndarray:
    """int32[kernel_h, kernel_w, out_c], -128 to 127."""
    at, shape = r.weights_offset, (r.kernel_h, r.kernel_w, r.out_c)
    return constants[at : at + size_of(shape)].reshape(shape).astype(np.int32) - 128
