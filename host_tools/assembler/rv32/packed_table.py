"""The tables of the rv32 kernels' packed variants: requantizers, with the proof that they are exact, in groups of channels.

Requantizer of one channel, for accumulators a (FORMAT.md, packed variant of rv32):

    q = (a << pre) * multiplier >> 32;  y = (q + (q >> 31 & fix) + c) >> shift

With pre = left_shift + 2, q is floor(a * 2^left_shift * multiplier / 2^30): one bit more than eq. (2)'s h = (q + 1) >> 1.
For right_shift = e > 0, RoundingDivideByPOT(h, e) = (h + 2^(e-1) - (h < 0)) >> e = (q + 1 + 2^e - 2 (q < -1)) >> (e + 1),
and q = -1 gives 0 with or without the last term; the zero point joins as zero_point << (e + 1). For e = 0 it is h.
Exact as long as a << pre and the sums fit an int32, which is proved from the weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..constants import Part
from ..layer import Layer

# Two lanes' sums of a window: [-_LOW, 65535 - _LOW] for the low lane, 256 higher than an int16 for the high one.
_LOW = 0x7F00
ADDED = _LOW - (1 << 24)  # what a kernel adds to every window of products
PRE = 2


Requantizer = tuple[int, int, int, int, int]


def requantizer(
    multiplier: int, left: int, right: int, low: int, high: int, zero: int, clamps: tuple[int, int]
) -> Requantizer | None:
    """(multiplier, c, pre, shift, fix) equal to eq. (2), (3) for every accumulator in low..high; None if there is none."""
    ends = [_exact(a, multiplier, left, right) + zero for a in (low, high)]
    wraps = not -(1 << 31) <= low << left + PRE <= high << left + PRE < 1 << 31
    if not wraps:
        e = right
        c = 1 + ((1 << e) if e else 0) + (zero << (e + 1))
        fix = -2 if e else 0
        q = [(a << left + PRE) * multiplier >> 32 for a in (low, high)]
        if -(1 << 31) <= min(q[0], 0) + fix + min(c, 0) and max(q[1], 0) + max(c, 0) < 1 << 31 and e < 31:
            return multiplier, c, left + PRE, e + 1, fix
    if left == 0 or not wraps:  # rises with a: the same at both ends, the same everywhere
        y = [min(max(end, clamps[0]), clamps[1]) for end in ends]
        if y[0] == y[1]:
            return 0, 2 * y[0] + 1, 0, 1, 0
    return None


def _exact(a: int, multiplier: int, left: int, right: int) -> int:
    h = ((a << left) * multiplier + (1 << 30)) >> 31
    return h if right == 0 else (h + (1 << (right - 1)) - (h < 0)) >> right


def reach(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest sum(x * w) over the last axis."""
    w = weights.astype(np.int64)
    return np.minimum(127 * w, -128 * w).sum(-1), np.maximum(127 * w, -128 * w).sum(-1)


def fits(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether sums from low to high fit a lane."""
    return (low >= -_LOW) & (high <= 65535 - _LOW)


SLOT = np.dtype(
    [
        ("multiplier", "<i4"),
        ("c", "<i4"),
        ("pre", "u1"),
        ("shift", "u1"),
        ("fix", "i1"),
        ("zero", "u1"),
        ("channel", "<u4"),
    ]
)
assert SLOT.itemsize == 16


def slots_of(layer: Layer, group: int) -> np.ndarray | None:
    """The requantizers in groups of `group` channels, the last channel again where there is none; None: one has none."""
    low, high = reach(layer.rows)
    out = np.zeros(len(layer.rows), SLOT)
    for o, entry in enumerate(layer.channels):
        found = requantizer(int(entry["m"]), int(entry["l"]), int(entry["r"]), int(layer.first[o] + low[o]),
                            int(layer.first[o] + high[o]), layer.y_zero_point, layer.clamps)  # fmt: skip
        if found is None:
            return None
        out[o] = (*found, 0, o)
    return out[np.minimum(np.arange(-(-len(out) // group) * group), len(out) - 1)].reshape(-1, group)


def moved(slots: np.ndarray, first: int) -> bytes:
    """A group's slots with channels counted from `first`."""
    out = slots.copy()
    out["channel"] -= first
    return out.tobytes()


def in_groups(record: Callable[[int, int], bytes], group: int, channels: int) -> tuple[np.ndarray, Part]:
    """What Constants.add takes: the records of all groups, and those of output channels first to last - 1."""

    def part(first: int, last: int) -> np.ndarray:
        return np.frombuffer(b"".join(record(g, first) for g in range(first // group, -(-last // group))), np.uint8)

    return part(0, channels), part


def u32(values: object) -> np.ndarray:
    return (np.asarray(values, np.int64) & 0xFFFFFFFF).astype("<u4")
