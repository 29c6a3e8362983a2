"""Resizing of images."""

from __future__ import annotations

import numpy as np

from ..record import View
from .core import elements, int32, put


def resize_bilinear(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = the four neighbours' mean, weighted in 1/1024 on both axes, halves away from zero."""
    n, size, c, out_h, out_w = r.all("n", "out_w")
    rows = int32(constants, r.rows_offset, 3 * out_h).reshape(-1, 3)  # offset, offset of the next, weight of the next
    columns = int32(constants, r.columns_offset, 3 * out_w).reshape(-1, 3)
    images = r.x_offset + np.arange(n)[:, None, None, None] * size + np.arange(c)

    def corner(i: int, j: int) -> np.ndarray:
        return elements(arena, images + rows[:, None, None, i] + columns[:, None, j], 1)

    v, h = rows[:, None, None, 2], columns[:, None, 2]
    top = corner(0, 0) * (1024 - h) + corner(0, 1) * h
    bottom = corner(1, 0) * (1024 - h) + corner(1, 1) * h
    acc = top * (1024 - v) + bottom * v
    put(arena, r.y_offset, np.where(acc < 0, -((0x80000 - acc) >> 20), (acc + 0x80000) >> 20).astype(np.int8))
