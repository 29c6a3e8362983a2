"""Reductions of int8 tensors: means, extremes and their indices."""

from __future__ import annotations

import numpy as np

from ..arithmetic.fixed_point import requantize
from ..record import View
from .core import int8, put, store


def mean(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y[a, b, c] = requantize(offset + sum over r1, r2 of x[a, r1, b, r2, c] + 128); eqs. (2), (3)."""
    x = int8(arena, r.x_offset, r.all("a", "c")).astype(np.int64) + 128
    acc = r.acc_offset + x.sum((1, 3))
    store(r, arena, requantize(acc, r.multiplier, r.left_shift, r.right_shift))


def reduce(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y[a, b, c] = the largest, or the smallest, over r1 and r2."""
    x = int8(arena, r.x_offset, r.all("a", "c"))
    put(arena, r.y_offset, x.min((1, 3)) if r.smallest else x.max((1, 3)))


def arg(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y[a, c] = the first index of the largest, or the smallest, along r; int32."""
    x = int8(arena, r.x_offset, r.all("a", "c"))
    put(arena, r.y_offset, (x.argmin(1) if r.smallest else x.argmax(1)).astype("<i4"))
