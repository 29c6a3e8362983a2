"""Integers as they are (int16, int32), and running sums of int8 tensors."""

from __future__ import annotations

import numpy as np

from ..arithmetic.fixed_point import requantize, wrap32_array
from ..record import View
from .core import elements, int8, put, store, walks

# The word `function` of numbers.
MAXIMUM, MINIMUM, EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, SQUARED_DIFFERENCE, ADD, SUB, MUL, DIV = range(11)
COMPARISONS = {EQUAL: np.equal, NOT_EQUAL: np.not_equal, LESS: np.less, LESS_EQUAL: np.less_equal}
EXCLUSIVE, REVERSED = 1, 2  # bits of the word `mode` of cumsum

_FUNCTIONS = {
    MAXIMUM: np.maximum,
    MINIMUM: np.minimum,
    **COMPARISONS,
    SQUARED_DIFFERENCE: lambda p, q: wrap32_array(p - q) ** 2,
    ADD: np.add,
    SUB: np.subtract,
    MUL: np.multiply,
    # towards zero, as C's; by zero: 0
    DIV: lambda p, q: np.where(q == 0, 0, np.sign(p) * np.sign(q) * (np.abs(p) // np.maximum(1, np.abs(q)))),
}


def cumsum(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = eq. (3) of running sums along the second of three dimensions."""
    x = int8(arena, r.x_offset, r.all("a", "c")).astype(np.int64) - r.x_zero_point
    x = x[:, ::-1] if r.mode & REVERSED else x
    acc = x.cumsum(1) - (x if r.mode & EXCLUSIVE else 0) - r.x_zero_point
    acc = acc[:, ::-1] if r.mode & REVERSED else acc
    store(r, arena, requantize(acc, *r.all("multiplier", "right_shift")))


def numbers(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = f(x1, x2) of integers, f by the word `function`, modulo 2 to the power of their bits; booleans of comparisons."""
    p, q = (elements(raw, at, r.element_bytes) for raw, at in walks(r, arena, constants))
    y = _FUNCTIONS[r.function](p, q)
    dtype = np.uint8 if r.function in COMPARISONS else np.dtype(f"<i{r.element_bytes}")
    put(arena, r.y_offset, y.astype(dtype))
