"""Dense layers."""

from __future__ import annotations

import numpy as np

from ..record import View
from .core import int4_rows, int8, multiply, weight_rows

ROWS, PAIRS, TWOS = 0, 1, 2  # weights_layout


def fully_connected(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = requantize(bias' + sum((x + 128) * w)), rows of inputs and OI; eqs. (2), (3). The layouts of the weights other
    than rows take x as it is, or (twos) x of even inputs as it is and x - 127 of odd ones."""
    x = int8(arena, r.x_offset, (r.in_h, r.in_c)).astype(np.float64)
    if r.weights_layout == ROWS:
        x += 128
    elif r.weights_layout == TWOS:
        x[:, 1::2] -= 127
    multiply(r, arena, constants, x, weights(r, constants))


def weights(r: View, constants: np.ndarray) -> np.ndarray:
    """float64[out_c, products] of -128 to 127, whatever their layout."""
    data, units, depth = constants[r.weights_offset :], r.out_c, r.kernel_h * r.kernel_w * r.in_c
    if r.weights_layout == PAIRS:
        return _in_pairs(data, units, depth).astype(np.float64) - 128
    if r.weights_layout == TWOS:  # the weight itself for odd inputs
        stored = weight_rows(data, units, depth, align=16).copy()
        stored[:, 1::2] ^= 128
        return stored.astype(np.float64) - 128
    if r.weights_format == 1:
        return int4_rows(data, units, depth).astype(np.float64)
    return weight_rows(data, units, depth).astype(np.float64) - 128


def _in_pairs(data: np.ndarray, units: int, depth: int) -> np.ndarray:
    """The stored weights, uint8[units, depth], of data in pairs (FORMAT.md): words of two inputs of two channels, six
    channels a block."""
    pairs, channels = -(-depth // 2), -(-units // 2)
    blocks = np.array_split(np.arange(channels), range(3, channels, 3))
    found, at = [], 0
    for block in blocks:
        size = 4 * pairs * len(block)
        words = data[at : at + size].reshape(
            pairs, len(block), 2, 2
        )  # [inputs, channels, input of two, channel of two]
        found.append(words.transpose(1, 2, 0, 3).reshape(-1, 2 * pairs))
        at += size
    return np.concatenate(found)[:units, :depth]
