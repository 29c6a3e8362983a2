"""Gathers: rows and columns by their indices."""

from __future__ import annotations

import numpy as np

from ..record import X2_CONSTANT, X_CONSTANT, View
from .core import int32, put, source


def gather(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y[a, j, b, k, c] = x[a, rows[j], b, columns[k], c]; an index outside is taken as the nearest inside."""
    a, j, b, k, c = r.all("a", "c")
    rows = np.clip(int32(source(r, arena, constants, X2_CONSTANT), r.x2_offset, j), 0, r.rows - 1)
    columns = np.clip(int32(constants, r.columns_offset, k), 0, r.columns - 1)
    at = (
        np.arange(a)[:, None, None, None, None] * r.a_stride
        + rows[None, :, None, None, None] * r.row_stride
        + np.arange(b)[None, None, :, None, None] * r.b_stride
        + columns[None, None, None, :, None] * r.column_stride
        + np.arange(c)
    )
    put(arena, r.y_offset, source(r, arena, constants, X_CONSTANT)[r.x_offset + at])
