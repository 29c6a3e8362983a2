"""The channel table of the Xtensa kernels' packed variants: sums that may reach 2^29 tamed, or marked.

The kernels keep acc * 4 in 32 bits: a channel whose accumulator can reach 2^29 is computed so that it does not (tamed),
or marked in a table of the kernels' own (marked).
"""

from __future__ import annotations

import numpy as np

from ..layer import Layer

_BOUND = 1 << 29


def tamed(layer: Layer) -> tuple[np.ndarray, list[int]]:
    """The channel table for the kernels, |acc| < 2^29 for every input; and the channels where that is not so.

    Sums of products lie between those of the worst inputs. A channel that reaches further, or whose shifts the kernels take
    the long way, but whose output is the same at both ends of its range (eq. (3) rises, so it is constant: converters give
    channels without weights a bias of 2^30), gets an entry that is easy to compute and has that output, too: a multiplier
    of 1/2, a right shift by which the whole range rounds to one number, and a word 0 in the middle of what rounds to it.
    """
    w = layer.rows.astype(np.int64)
    low = layer.first + np.minimum(127 * w, -128 * w).sum(1)
    high = layer.first + np.maximum(127 * w, -128 * w).sum(1)
    table, right = layer.channels, layer.channels["r"]
    far = (low <= -_BOUND) | (high >= _BOUND)
    zero, clamps, left = layer.y_zero_point, layer.clamps, []
    for o in np.flatnonzero(far | (layer.channels["l"] > 0) | (right < 1) | (right > 21)):
        width = int(high[o] - low[o])
        shift = max(1, (width + 2).bit_length())
        multiplier, shift_left, shift_right = (int(table[o][name]) for name in "mlr")
        ends = [_output(int(acc), multiplier, shift_left, shift_right, zero, clamps) for acc in (low[o], high[o])]
        first = (ends[0] - zero << shift + 1) - width // 2
        same = low[o] >= -(1 << 31) and high[o] < 1 << 31 and not table[o]["l"] and ends[0] == ends[1]
        again = {_output(acc, 1 << 30, 0, shift, zero, clamps) for acc in (first, first + width)}
        if not same or shift > 21 or max(-first, first + width) >= _BOUND or again != {ends[0]}:
            if far[o]:
                left.append(int(o))
            continue
        if table is layer.channels:
            table = table.copy()
        table[o] = ((int(table["k"][o]) + first - int(low[o])) & 0xFFFFFFFF, 1 << 30, 0, shift, 0)
    return table, left


def marked(table: np.ndarray, channels: list[int]) -> np.ndarray:
    """The table with bit 31 of the multiplier set for those channels: the long way, modulo 2^32."""
    if not channels:
        return table
    table = table.copy()
    table["m"][channels] |= -(1 << 31)
    return table


def _output(acc: int, multiplier: int, left: int, right: int, zero: int, clamps: tuple[int, int]) -> int:
    """eq. (3), but for what wraps."""
    h = ((acc << left) * multiplier + (1 << 30)) >> 31
    return max(clamps[0], min(clamps[1], ((h + (1 << right >> 1) - (h < 0 and right > 0)) >> right) + zero))
