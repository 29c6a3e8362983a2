"""Kernels that keep a state: LSTM and SVDF, int8 or int16."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic.fixed_point import requantize
from ..arithmetic.int16 import logistic16, requantize_wide, tanh16
from ..record import View
from .core import clamped, int8, int16, int32, put, store

_GATE = np.dtype([("weights", "<i4"), ("first", "<i4"), ("multiplier", "<i4"), ("left", "u1"), ("right", "u1"),
                  ("zero", "<u2")])  # fmt: skip
_PRODUCT = np.dtype([("multiplier", "<i4"), ("left", "u1"), ("right", "u1"), ("zero", "<u2")])
_WIDE_FIRST = np.dtype([("high", "<i4"), ("low", "<u2"), ("zero", "<u2")])
_GATES, _PRODUCTS = (
    8,
    3,
)  # input and hidden weights of the gates input, forget, cell, output; factors of the cell's products
_CELL_GATE = 2
assert _GATE.itemsize == 16 and _PRODUCT.itemsize == 8


@dataclass(frozen=True)
class _Part:
    """What the inputs, or the hidden state, give to a gate: weights [units, count], and what is not a product."""

    weights: np.ndarray
    first: np.ndarray
    factor: tuple[int, int, int]  # multiplier, left shift, right shift

    def __call__(self, value: np.ndarray, wide: bool) -> np.ndarray:
        acc = self.first + self.weights @ (value + (32768 if wide else 128))
        multiplier, left, right = self.factor
        return _clamp_16(requantize_wide(acc, multiplier, left) if wide else requantize(acc, multiplier, left, right))


def lstm(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """All time steps of one layer: ref.recurrent.lstm."""
    wide, units = r.element_bytes == 2, r.units
    load = int16 if wide else int8
    parts = _gates(r, constants)
    at = r.products_offset
    forget_cell, input_cell, output_cell = (
        _factor(entry) for entry in constants[at : at + _PRODUCTS * _PRODUCT.itemsize].view(_PRODUCT)
    )
    for b in range(r.batches):
        hidden_at = r.hidden_offset + b * units * r.element_bytes
        cell_at = r.cell_offset + b * units * 2
        for t in range(r.steps):
            x_at = r.x_offset + b * r.x_batch_stride + t * r.x_step_stride
            x, hidden = (
                load(arena, at, (count,)).astype(np.int64) for at, count in ((x_at, r.inputs), (hidden_at, units))
            )
            cell = int16(arena, cell_at, (units,))
            gate = []
            for g in range(_GATES // 2):
                total = parts[2 * g](x, wide) + parts[2 * g + 1](hidden, wide)
                tanh = g == _CELL_GATE and not r.logistic_cell
                gate.append((tanh16 if tanh else logistic16)(_clamp_16(total), 3, 0))
            cell = _clamp_16(requantize(gate[0] * cell, *forget_cell))
            cell = _clamp_16(cell + _clamp_16(requantize(gate[1] * gate[2], *input_cell)))
            if r.cell_clamp:
                cell = np.clip(cell, -r.cell_clamp, r.cell_clamp)
            y = requantize(tanh16(cell, r.tanh_multiplier, r.tanh_right_shift) * gate[3], *output_cell)
            y = clamped(r, y).astype("<i2" if wide else np.int8)
            put(arena, cell_at, cell.astype("<i2"))
            put(arena, hidden_at, y)
            put(arena, r.y_offset + b * r.y_batch_stride + t * r.y_step_stride, y)


def _gates(r: View, constants: np.ndarray) -> list[_Part]:
    """Of each gate the inputs' part, then the hidden state's."""
    units, found = r.units, []
    entries = constants[r.gates_offset : r.gates_offset + _GATES * _GATE.itemsize].view(_GATE)
    for i, entry in enumerate(entries):
        count = units if i % 2 else r.inputs
        at, first_at = int(entry["weights"]), int(entry["first"])
        weights = constants[at : at + units * count].reshape(units, count).astype(np.int64) - 128
        if r.element_bytes == 2:
            table = constants[first_at : first_at + units * _WIDE_FIRST.itemsize].view(_WIDE_FIRST)
            first = (table["high"].astype(np.int64) << 16) + table["low"]
        else:
            first = int32(constants, first_at, units)
        found.append(_Part(weights, first, _factor(entry)))
    return found


def _factor(entry: np.void) -> tuple[int, int, int]:
    return int(entry["multiplier"]), int(entry["left"]), int(entry["right"])


def _clamp_16(x: np.ndarray) -> np.ndarray:
    return np.clip(x, -32768, 32767)


def svdf(r: View, arena: np.ndarray, constants: np.ndarray) -> None:
    """One time step of a filter bank: ref.recurrent.svdf."""
    batches, inputs, filters, rank, memory, size = r.all("batches", "element_bytes")
    dtype = np.dtype(f"<i{size}")
    limits = np.iinfo(dtype)
    x = int8(arena, r.x_offset, (batches, inputs)).astype(np.int64) + 128
    at = r.features_offset
    features = constants[at : at + filters * inputs].reshape(filters, inputs).astype(np.int64) - 128
    at = r.time_offset
    time = constants[at : at + filters * memory * size].view(dtype).reshape(filters, memory).astype(np.int64)
    at = r.state_offset
    state = arena[at : at + batches * filters * memory * size].view(dtype).reshape(batches, filters, memory)
    state[..., :-1] = state[..., 1:].copy()
    acc = x @ features.T + int32(constants, r.sums_offset, filters)
    newest = np.clip(requantize(acc, *r.all("multiplier", "right_shift")), limits.min, limits.max) + r.state_zero_point
    state[..., -1] = newest.astype(np.int64).astype(dtype)  # wraps, as the board's does
    total = ((state.astype(np.int64) - r.state_zero_point) * time).sum(-1).reshape(batches, -1, rank).sum(-1)
    total += int32(constants, r.bias_offset, filters // rank)
    store(r, arena, requantize(total, *r.all("y_multiplier", "y_right_shift")))
