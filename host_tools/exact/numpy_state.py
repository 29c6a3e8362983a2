"""The host's exact kernels that keep a state: LSTM and SVDF; see numpy_kernels.py."""

from __future__ import annotations

import numpy as np

from ..arithmetic.fixed_point import requantize, wrap32_array
from ..arithmetic.int16 import logistic16, requantize_wide, tanh16
from .numpy_wide import int16


def _i32(constants, at: int, count: int) -> np.ndarray:
    return constants[at : at + 4 * count].view("<i4").astype(np.int64)


def _factor(constants, at: int) -> tuple[int, int, int]:
    return int(_i32(constants, at, 1)[0]), int(constants[at + 4]), int(constants[at + 5])


def _clamp16(x):
    return np.clip(x, -32768, 32767)


def lstm(words, arena, constants):
    """All time steps of one layer: ref.recurrent.lstm."""
    batches, steps, inputs, units = words[8:12]
    size = words[16]

    def load(at, count):
        return int16(arena, at, count) if size == 2 else arena[at : at + count].view(np.int8).astype(np.int64)

    gates = []
    for entry in range(words[19], words[19] + 8 * 16, 16):
        count = units if (entry - words[19]) // 16 % 2 else inputs
        weights_at, first_at = (int(v) for v in _i32(constants, entry, 2))
        weights = constants[weights_at : weights_at + units * count].reshape(units, count).astype(np.int64) - 128
        if size == 2:
            table = constants[first_at : first_at + 8 * units].view([("high", "<i4"), ("low", "<u2"), ("z", "<u2")])
            first = (table["high"].astype(np.int64) << 16) + table["low"]
        else:
            first = _i32(constants, first_at, units)
        gates.append((weights, first, *_factor(constants, entry + 8)))
    products = [_factor(constants, words[20] + 8 * i) for i in range(3)]
    offset = 32768 if size == 2 else 128
    for b in range(batches):
        hidden_at, cell_at = words[17] + b * units * size, words[18] + b * units * 2
        for t in range(steps):
            x = load(words[5] + b * words[12] + t * words[13], inputs)
            hidden, cell = load(hidden_at, units), int16(arena, cell_at, units)
            gate = []
            for g in range(4):
                total = np.zeros(units, np.int64)
                for value, (weights, first, multiplier, left, right) in zip((x, hidden), gates[2 * g : 2 * g + 2]):
                    acc = first + weights @ (value + offset)
                    if size == 2:
                        total += _clamp16(requantize_wide(acc, multiplier, left))
                    else:
                        total += _clamp16(requantize(acc, multiplier, left, right))
                tanh = g == 2 and not words[29]
                gate.append((tanh16 if tanh else logistic16)(_clamp16(total), 3, 0))
            cell = _clamp16(requantize(gate[0] * cell, *products[0]))
            cell = _clamp16(cell + _clamp16(requantize(gate[1] * gate[2], *products[1])))
            if words[22]:
                cell = np.clip(cell, -words[22], words[22])
            y = requantize(tanh16(cell, words[27], words[28]) * gate[3], *products[2]) + words[24]
            y = np.clip(wrap32_array(y), words[25], words[26]).astype("<i2" if size == 2 else np.int8).view(np.uint8)
            arena[cell_at : cell_at + 2 * units] = cell.astype("<i2").view(np.uint8)
            y_at = words[6] + b * words[14] + t * words[15]
            arena[hidden_at : hidden_at + y.size] = arena[y_at : y_at + y.size] = y


def svdf(words, arena, constants):
    """One time step of a filter bank: ref.recurrent.svdf."""
    batches, inputs, filters, rank, memory, size = words[8:14]
    dtype = "<i2" if size == 2 else np.int8
    limits = np.iinfo(dtype)
    x = arena[words[5] : words[5] + batches * inputs].view(np.int8).reshape(batches, inputs).astype(np.int64) + 128
    feature = constants[words[16] : words[16] + filters * inputs].reshape(filters, inputs).astype(np.int64) - 128
    time = (
        constants[words[17] : words[17] + filters * memory * size].view(dtype).reshape(filters, memory).astype(np.int64)
    )
    at = words[14]
    state = arena[at : at + batches * filters * memory * size].view(dtype).reshape(batches, filters, memory)
    state[..., :-1] = state[..., 1:].copy()
    acc = x @ feature.T + _i32(constants, words[15], filters)
    newest = np.clip(requantize(acc, *words[19:22]), limits.min, limits.max) + words[22]
    state[..., -1] = newest.astype(np.int64).astype(dtype)  # wraps, as the board's does
    total = ((state.astype(np.int64) - words[22]) * time).sum(-1).reshape(batches, -1, rank).sum(-1)
    total += _i32(constants, words[18], filters // rank)
    y = np.clip(wrap32_array(requantize(total, *words[27:30]) + words[24]), words[25], words[26])
    arena[words[6] : words[6] + y.size] = y.astype(np.int8).reshape(-1).view(np.uint8)


KERNELS = {"lstm": lstm, "svdf": svdf}
