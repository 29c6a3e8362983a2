"""Functions of two int8 tensors, element by element, either broadcast."""

from __future__ import annotations

import numpy as np

from ..arithmetic.fixed_point import requantize
from ..record import View
from .core import elements, int32, put, store, walks

# The word `function` of binary.
MAXIMUM, MINIMUM, EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, SQUARED_DIFFERENCE, PRELU, DIV = range(9)
COMPARISONS = {EQUAL: np.equal, NOT_EQUAL: np.not_equal, LESS: np.less, LESS_EQUAL: np.less_equal}


def add(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = requantize(table1[x1] + table2[x2]); eqs. (2), (3)."""
    p, q = _by_tables(r, arena, constants)
    store(r, arena, requantize(p + q, *r.all("multiplier", "right_shift")))


def mul(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = requantize((x1 - z1) * (x2 - z2)); eqs. (2), (3)."""
    p, q = _centred(r, arena, constants)
    store(r, arena, requantize(p * q, *r.all("multiplier", "right_shift")))


def select(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y[i] = x1[i] where the condition, x2[i], is not 0; else what is there."""
    (x_in, x_at), (condition_in, condition_at) = walks(r, arena, constants)
    x, chosen = x_in[x_at], condition_in[condition_at] != 0
    arena[r.y_offset : r.y_offset + x.size][chosen] = x[chosen]


def binary(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = f(x1, x2), f by the word `function`; eqs. (2), (3)."""
    f = r.function
    if f in (MAXIMUM, MINIMUM):
        p, q = (elements(raw, at, 1) for raw, at in walks(r, arena, constants))
        put(arena, r.y_offset, (np.minimum if f == MINIMUM else np.maximum)(p, q).astype(np.int8))
    elif f in COMPARISONS:
        put(arena, r.y_offset, COMPARISONS[f](*_by_tables(r, arena, constants)).astype(np.uint8))
    elif f == SQUARED_DIFFERENCE:
        p, q = _by_tables(r, arena, constants)
        store(r, arena, requantize((p - q) ** 2, *r.all("multiplier", "right_shift")))
    elif f == PRELU:
        p, q = _centred(r, arena, constants)
        above = requantize(p, *r.all("multiplier", "right_shift"))
        below = requantize(p * q, *r.all("negative_multiplier", "negative_right_shift"))
        store(r, arena, np.where(p >= 0, above, below))
    else:
        store(r, arena, _quotients(r, arena, constants))


def _centred(r: View, arena: np.ndarray, constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x1 and x2 less their zero points, int64, in y's order."""
    p, q = (elements(raw, at, 1) for raw, at in walks(r, arena, constants))
    return p - r.x1_zero_point, q - r.x2_zero_point


def _by_tables(r: View, arena: np.ndarray, constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """table1[x1] and table2[x2] by raw bytes, int64, in y's order."""
    (p_in, p_at), (q_in, q_at) = walks(r, arena, constants)
    return int32(constants, r.table1_offset, 256)[p_in[p_at]], int32(constants, r.table2_offset, 256)[q_in[q_at]]


def _quotients(r: View, arena: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """requantize((x1 - z1) / (x2 - z2)) by the table of inverses: (Q31, right shift + 256 where negative) by raw byte."""
    (p_in, p_at), (q_in, q_at) = walks(r, arena, constants)
    table = int32(constants, r.inverses_offset, 512).reshape(256, 2)[q_in[q_at]]
    p = (elements(p_in, p_at, 1) - r.x1_zero_point) * np.where(table[:, 1] & 256, -1, 1)
    magnitude = p ^ (p >> 63)
    room = 31 - np.frexp(magnitude.astype(np.float64))[1].astype(np.int64)  # bits of what is below 256
    high = ((p << room) * table[:, 0] + (1 << 30)) >> 31
    right = np.clip(r.right_shift + (table[:, 1] & 255) + room, 0, 31)
    return requantize(high, r.multiplier, 0, right)
