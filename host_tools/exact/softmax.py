"""Softmax of int8 rows."""

from __future__ import annotations

import numpy as np

from ..arithmetic.gemmlowp import softmax_scale
from ..record import View
from .core import int8, int32, put


def softmax(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = exp(x - max) / sum(exp(x - max)) for each row, scale 1/256, zero point -128; eq. (5)."""
    table = np.zeros(256, np.int64)
    table[: r.table_count] = int32(constants, r.table_offset, r.table_count)
    x = int8(arena, r.x_offset, r.all("rows", "depth")).astype(np.int64)
    exps = table[x.max(1, keepdims=True) - x]  # Q0.31, not negative
    y = np.empty_like(x)
    for row, total in enumerate(((exps + (1 << 11)) >> 12).sum(1)):  # Q12.19
        reciprocal, exponent = softmax_scale(int(total))
        high = (exps[row] * reciprocal + (1 << 30)) >> 31
        y[row] = ((high + (1 << exponent >> 1)) >> exponent) - 128
    put(arena, r.y_offset, np.minimum(y, 127).astype(np.int8))
