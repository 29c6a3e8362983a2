"""Tables of 256 bytes: any function of one int8 tensor."""

from __future__ import annotations

import numpy as np

from ..record import View
from .core import put


def lut(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = table[x], raw bytes."""
    table = constants[r.table_offset : r.table_offset + 256]
    put(arena, r.y_offset, table[arena[r.x_offset : r.x_offset + r.count]])


def channel_lut(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y[a, b, c] = table[which[b]][x[a, b, c]]."""
    shape = a, b, c = r.all("a", "c")
    which = constants[r.which_offset : r.which_offset + 2 * b].view("<u2").astype(np.int64)
    x = arena[r.x_offset : r.x_offset + a * b * c].reshape(shape).astype(np.int64)
    put(arena, r.y_offset, constants[r.tables_offset + which[:, None] * 256 + x])
