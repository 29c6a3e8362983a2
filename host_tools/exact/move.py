"""Movements of bytes."""

from __future__ import annotations

import numpy as np

from ..record import X_CONSTANT, View
from .core import offsets, source


def copy(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """Fills fill_bytes of y, then copies a box of four dimensions into it."""
    arena[r.y_offset : r.y_offset + r.fill_bytes] = r.fill_value
    to = r.y_offset + r.start + offsets(r.all("dims"), r.all("y_strides"))
    arena[to] = source(r, arena, constants, X_CONSTANT)[r.x_offset + offsets(r.all("dims"), r.all("x_strides"))]
