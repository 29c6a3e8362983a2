"""Rows with a fixed-point program: LOG_SOFTMAX, L2_NORMALIZATION, RSQRT of int16."""

from __future__ import annotations

import numpy as np

from ..arithmetic.fixed_point import (
    requantize,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    saturating_shift_left,
    wrap32,
    wrap32_array,
)
from ..record import View
from .core import int8, int32, put

LOG_SOFTMAX, L2_NORMALIZATION, RSQRT = range(3)  # the word `function`
_SKIP = 11  # the program's instruction that skips others


def rows(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """y = f of every row of x, f by the word `function`; FORMAT.md, programs."""
    n, depth, count = r.all("rows", "table_count")
    x = int8(arena, r.x_offset, (n, depth)).astype(np.int64)
    y = np.empty((n, depth), np.int64)
    exps, diffs = np.zeros(256, np.int64), np.zeros(256, np.int64)
    exps[:count] = int32(constants, r.table_offset, count)
    diffs[:count] = int32(constants, r.diff_offset, count)
    for i, row in enumerate(x):
        if r.function == RSQRT:  # one int16
            registers = run_program(r, constants, int(row.astype(np.int8).view("<i2")[0]))
            y[i] = np.array([registers[1]], "<i2").view(np.int8)
        elif r.function == L2_NORMALIZATION:
            row = row - r.x_zero_point
            registers = run_program(r, constants, wrap32(int((row * row).sum())))
            y[i] = requantize(row, registers[1], max(0, 7 - registers[2]), max(0, registers[2] - 7))
        else:
            d = row.max() - row
            registers = run_program(r, constants, int(((exps[d] + (1 << 11)) >> 12).sum()))
            below = wrap32_array(diffs[d] - registers[1])
            magnitude = (np.abs(below) + (1 << 21)) >> 22
            y[i] = np.where(d < count, np.where(below < 0, -magnitude, magnitude) + 127, -128)
    put(arena, r.y_offset, np.clip(y, -128, 127).astype(np.int8))


def run_program(record: View, constants: np.ndarray, first: int) -> list[int]:
    """The sixteen registers after the record's program, which finds `first` in register 0 (FORMAT.md, programs)."""
    r = [first] + [0] * 15
    at, count = record.program_offset, record.program_count
    code = constants[at : at + 4 * count].reshape(-1, 4).astype(int).tolist()
    values = int32(constants, record.values_offset, record.values_count).tolist()
    at = 0
    while at < count:
        op, d, a, b = code[at]
        at += 1
        if op == _SKIP:
            at += d if r[a] > r[b] else 0
            continue
        r[d] = (
            lambda: saturating_rounding_doubling_high_mul(r[a], r[b]),
            lambda: wrap32(r[a] + r[b]),
            lambda: wrap32(r[a] - r[b]),
            lambda: saturating_shift_left(r[a], b),
            lambda: rounding_divide_by_pot(r[a], b),
            lambda: values[a],
            lambda: 0 if r[a] < 0 else 32 - r[a].bit_length(),
            lambda: saturating_shift_left(r[a], r[b]) if r[b] >= 0 else r[a] >> -r[b],
            lambda: min(r[a], r[b]),
            lambda: max(r[a], r[b]),
            lambda: (r[a] + r[b] + 1) >> 1 if r[a] + r[b] >= 0 else -((1 - r[a] - r[b]) >> 1),
        )[op]()
    return r
