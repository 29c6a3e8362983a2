"""Products of two matrices, int8 or int16."""

from __future__ import annotations

import numpy as np

from ..arithmetic.fixed_point import requantize
from ..arithmetic.int16 import requantize_wide
from ..record import X2_CONSTANT, X_CONSTANT, View
from .core import elements, offsets, source, store, store_16

WIDE = 4  # the bit of `flags` that says int16


def batch_matmul(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """Eq. (3), or with int16 eq. (6), of each row of x1 with each column of x2."""
    batches, rows, columns, depth = r.all("batches"), r.rows, r.columns, r.depth
    *x1_strides, x1_depth_stride = r.all("x1_strides")
    k = np.arange(depth)
    at1 = r.x_offset + offsets((*batches, rows), x1_strides)[:, None] + k * x1_depth_stride
    at2 = r.x2_offset + offsets((*batches, columns), r.all("x2_strides"))[:, None] + k * r.x2_depth_stride
    item = 2 if r.flags & WIDE else 1
    a = elements(source(r, arena, constants, X_CONSTANT), at1, item)
    b = elements(source(r, arena, constants, X2_CONSTANT), at2, item)
    if item == 1:
        a, b = a - r.x1_zero_point, b - r.x2_zero_point
    acc = a.reshape(*batches, rows, depth) @ b.reshape(*batches, columns, depth).swapaxes(-1, -2)
    left, right = r.shifts & 0xFF, r.shifts >> 8
    if item == 2:
        store_16(r, arena, requantize_wide(acc, r.multiplier, left))
    else:
        store(r, arena, requantize(acc, r.multiplier, left, right))
