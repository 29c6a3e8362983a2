"""Pools with int8 activations."""

from __future__ import annotations

import numpy as np

from ..record import View
from .core import int8, store, windows


def max_pool_2d(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = clamp(max of the inputs inside the window)."""
    x = int8(arena, r.x_offset, r.all("batches", "in_c"))
    store(r, arena, windows(x, r, -128).max((3, 4)).astype(np.int64), zero_point=0)


def average_pool_2d(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = clamp(average of the inputs inside the window, halves away from zero); eq. (4)."""
    x = int8(arena, r.x_offset, r.all("batches", "in_c"))
    store(r, arena, averages(x.astype(np.int64), r), zero_point=0)


def averages(x: np.ndarray, r: View) -> np.ndarray:
    """int64[n, out_h, out_w, c] of int64 x; eq. (4)."""
    total = windows(x, r, 0).sum((3, 4))
    count = windows(np.ones_like(x), r, 0).sum((3, 4))
    return np.sign(total) * ((np.abs(total) + count // 2) // count)
