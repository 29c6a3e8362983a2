"""The table of the thumb kernels' packed variants: short requantizers, with the proof that they are exact.

Two-multiply requantizer of one channel, for accumulators a (FORMAT.md, packed table):

    y = (a * m1 + (((a >> 4) * m2) >> j) - (a < 0 ? 2^F : 0) + c) >> s

It rises with a, so it equals eq. (2) and (3) for every reachable a if it does on both sides of each of the at most
255 accumulators at which eq. (3) steps. `a * m1` and the sums may wrap: only their end must fit an int32.
"""

from __future__ import annotations

import numpy as np

from ..layer import Layer

_T = 4
_TRIALS = (0, 1, -1, 2, -2, 3, -3, 5, -5, 8, -8)
ENTRY = np.dtype(
    [
        ("first", "<i4"),
        ("c", "<i4"),
        ("m1", "<u2"),
        ("m2", "<i2"),
        ("s", "u1"),
        ("j", "u1"),
        ("f", "u1"),
        ("kind", "u1"),
    ]
)
assert ENTRY.itemsize == 16


def _exact(a: np.ndarray, multiplier: int, right: int) -> np.ndarray:
    """eq. (2) without left shift, for |a| < 2^31."""
    h = (a * multiplier + (1 << 30)) >> 31
    return h if right == 0 else (h + (1 << (right - 1)) - (h < 0)) >> right


def _steps(multiplier: int, right: int, least: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(first a with eq. (2) >= i, i) for i in least to most."""
    i = np.arange(least, most + 1, dtype=np.int64)
    near = np.round((i - 0.5) * (2.0 ** (31 + right) / multiplier))
    near = np.clip(near, -(2.0**31), 2.0**31).astype(np.int64)
    candidates = near[:, None] + np.arange(-4, 5)
    first = (_exact(candidates, multiplier, right) >= i[:, None]).argmax(1)
    return candidates[np.arange(len(i)), first], i


def two_multiply(multiplier: int, left: int, right: int, low: int, high: int, zero: int, clamps: tuple[int, int]):
    """{m1, m2, c, s, j, f} that equal eq. (2), (3) for every accumulator in low..high, or None.

    Where the least output is the zero point, the kernels take negative accumulators for it without computing.
    """
    if left or low < -(1 << 31) or high >= 1 << 31 or not clamps[0] <= zero <= clamps[1]:
        return None  # (the kernels clamp what is not negative above only, the rest below)
    ends = np.array([low, high], np.int64)
    y = np.clip(_exact(ends, multiplier, right) + zero, *clamps)
    if y[0] == y[1]:
        return dict(m1=0, m2=0, c=2 * int(y[0]) + 1, s=1, j=10, f=0)
    if right == 0 or multiplier == 0:
        return None
    positive = clamps[0] == zero
    if positive:
        low = max(low, 0)
    steps, i = _steps(multiplier, right, 1 if positive else clamps[0] - zero + 1, clamps[1] - zero)
    if positive:
        steps, i = np.append(steps, 0), np.append(i, 0)
    steps = np.clip(steps, low, high + 1)
    reached, left_out = steps <= high, steps > low
    reach = max(-low, high, 1)
    for f in range(min(15, 31 - right), 4, -1):
        if reach * (multiplier / 2**31) * 2**f + (256 << (right + f)) >= 2**31:
            continue
        s = right + f
        real = multiplier * 2.0 ** (f - 31)
        m1 = round(real)
        for j in (12, 11, 10):
            for trial in _TRIALS:
                m2 = round((real - m1) * 2 ** (_T + j)) + trial
                if abs(m2) > 32767 or (abs(m2) >> j) + 1 >= m1 or abs(m2) * ((reach >> _T) + 1) >= 1 << 31:
                    continue

                def value(a):
                    return a * m1 + (((a >> _T) * m2) >> j) - np.where(a < 0, 1 << f, 0)

                least = int(((i << s) - value(steps))[reached].max(initial=-(1 << 40)))
                most = int(((i << s) - value(steps - 1))[left_out].min(initial=1 << 40)) - 1
                if least > most:
                    continue
                c = (
                    (max(least, most - 2) + min(most, least + 2)) // 2
                    if most - least > 1 << 32
                    else (least + most) // 2
                )
                c += zero << s
                end = value(np.array([low, high], np.int64)) + c
                if -(1 << 31) <= c < 1 << 31 and -(1 << 31) <= end[0] and end[1] < 1 << 31:
                    return dict(m1=m1, m2=m2, c=c, s=s, j=j, f=f)
        if f <= 31 - right - 4:
            break
    return None


def table(layer: Layer) -> np.ndarray:
    """An entry per channel; kind bit 0: it has a short requantizer."""
    w = layer.rows.astype(np.int64)
    low = layer.first + np.minimum(127 * w, -128 * w).sum(1)
    high = layer.first + np.maximum(127 * w, -128 * w).sum(1)
    out = np.zeros(len(layer.first), ENTRY)
    out["first"] = (layer.first & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    for o, channel in enumerate(layer.channels):
        multiplier, left, right = (int(channel[name]) for name in "mlr")
        entry = two_multiply(multiplier, left, right, int(low[o]), int(high[o]), layer.y_zero_point, layer.clamps)
        if entry:
            for name, value in entry.items():
                out[name][o] = value
            out["kind"][o] = 1
    return out


SPLIT = 8  # bit 3 of kind


def split(weights: np.ndarray) -> np.ndarray:
    """Per row: whether two neighbours (columns 2i, 2i + 1) both are -128, so that their sum of products can be 2^15.

    thumb/conv.py multiplies such rows in two runs, by max(w, -127) and by what is left of w, -1 or 0.
    """
    lowest = weights[:, : weights.shape[1] // 2 * 2] == -128
    return (lowest[:, 0::2] & lowest[:, 1::2]).any(1)


def _fit16(weights: np.ndarray) -> np.ndarray:
    """Whether sum(x * w) over the last axis is in -32767 to 32767 for every x: the upper half of a word may lend 1."""
    w = weights.astype(np.int64)
    return (np.maximum(127 * w, -128 * w).sum(-1) < 1 << 15) & (np.minimum(127 * w, -128 * w).sum(-1) > -(1 << 15))


def depthwise_kinds(weights: np.ndarray, stride_w: int) -> np.ndarray | None:
    """What bits 1 and 2 of `kind` hold, for weights [channels, 3, 3]; None: two neighbours are -128."""
    if ((weights[:, :, 0] == -128) & (weights[:, :, 1] == -128)).any():
        return None
    if stride_w != 1:
        return np.zeros(len(weights), np.uint8)
    rows, whole = _fit16(weights).all(-1), _fit16(weights.reshape(-1, 9))
    two = rows & _fit16(weights[:, :2].reshape(-1, 6))
    return np.where(whole, 4, np.where(two, 6, np.where(rows, 2, 0))).astype(np.uint8)
