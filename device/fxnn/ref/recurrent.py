"""LSTM and SVDF in plain ints: see ref. Their states are variables: they stay in the arena from call to call."""

from . import _i32, put16, requantize, s16, signed, wrap32
from .int16 import sigmoid16

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_BATCHES = const(8)
_STEPS = const(9)
_SVDF_INPUTS = const(9)
_LSTM_INPUTS = const(10)
_UNITS = const(11)
_X_BATCH_STRIDE = const(12)
_SVDF_ELEMENT_BYTES = const(13)
_X_STEP_STRIDE = const(13)
_STATE_OFFSET = const(14)
_Y_BATCH_STRIDE = const(14)
_SUMS_OFFSET = const(15)
_Y_STEP_STRIDE = const(15)
_FEATURES_OFFSET = const(16)
_LSTM_ELEMENT_BYTES = const(16)
_HIDDEN_OFFSET = const(17)
_TIME_OFFSET = const(17)
_BIAS_OFFSET = const(18)
_CELL_OFFSET = const(18)
_GATES_OFFSET = const(19)
_MULTIPLIER = const(19)
_LEFT_SHIFT = const(20)
_PRODUCTS_OFFSET = const(20)
_RIGHT_SHIFT = const(21)
_SIGMOID_OFFSET = const(21)
_CELL_CLAMP = const(22)
_STATE_ZERO_POINT = const(22)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_TANH_MULTIPLIER = const(27)
_Y_MULTIPLIER = const(27)
_TANH_RIGHT_SHIFT = const(28)
_Y_LEFT_SHIFT = const(28)
_LOGISTIC_CELL = const(29)
_Y_RIGHT_SHIFT = const(29)
# end of words
_GATE_BYTES = const(16)  # of an entry of the gates: offsets of weights and of the sums' starts, multiplier, shifts
_PRODUCT_BYTES = const(8)  # of an entry of the products: multiplier, shifts


def _clamp16(x):
    return max(-32768, min(32767, x))


def _factor(constants, at):
    """(multiplier, left or total shift, right_shift) at an offset of the constants."""
    return _i32(constants, at), constants[at + 4], constants[at + 5]


def lstm(record, arena, constants):
    """One layer of LSTM over all time steps, no peepholes, no projection: micro/kernels/lstm_eval.h.

    x, hidden state and y: int8 or int16 (element_bytes); cell state int16. Per step, all four gates (forget, input, cell,
    output) of all units go to scratch, int16 Q0.15 each; then cell and hidden state are updated, unit by unit.
    """
    units, size = record[_UNITS], record[_LSTM_ELEMENT_BYTES]
    hidden, cell, scratch, gates, products = (
        record[_HIDDEN_OFFSET],
        record[_CELL_OFFSET],
        record[_SCRATCH_OFFSET],
        record[_GATES_OFFSET],
        record[_PRODUCTS_OFFSET],
    )
    for b in range(record[_BATCHES]):
        for t in range(record[_STEPS]):
            x = record[_X_OFFSET] + b * record[_X_BATCH_STRIDE] + t * record[_X_STEP_STRIDE]
            y = record[_Y_OFFSET] + b * record[_Y_BATCH_STRIDE] + t * record[_Y_STEP_STRIDE]
            for gate in range(4):
                for unit in range(units):
                    total = 0
                    for part in range(2):
                        count = units if part else record[_LSTM_INPUTS]
                        v = hidden if part else x
                        entry = gates + _GATE_BYTES * (2 * gate + part)
                        multiplier, left, right = _factor(constants, entry + 8)
                        w = _i32(constants, entry) + unit * count
                        first = _i32(constants, entry + 4)
                        if size == 1:
                            acc = _i32(constants, first + 4 * unit)
                            for i in range(count):
                                acc += (arena[v + i] ^ 0x80) * (constants[w + i] - 128)
                            acc = requantize(acc, multiplier, left, right)
                        else:
                            at = first + 8 * unit
                            acc = (_i32(constants, at) << 16) + (s16(constants, at + 4) & 0xFFFF)
                            for i in range(count):
                                acc += (s16(arena, v + 2 * i) + 32768) * (constants[w + i] - 128)
                            acc = wrap32((acc * multiplier + (1 << left - 1)) >> left)
                        total += _clamp16(acc)
                    is_tanh = gate == 2 and not record[_LOGISTIC_CELL]  # Q3.12: the table takes it times 3
                    value = sigmoid16(_clamp16(total), 3, 0, is_tanh, constants, record[_SIGMOID_OFFSET])
                    put16(arena, scratch + 2 * (gate * units + unit), value)
            for unit in range(units):
                gate = [s16(arena, scratch + 2 * (i * units + unit)) for i in range(4)]
                c = _clamp16(requantize(gate[0] * s16(arena, cell + 2 * unit), *_factor(constants, products)))
                c = _clamp16(
                    c + _clamp16(requantize(gate[1] * gate[2], *_factor(constants, products + _PRODUCT_BYTES)))
                )
                if record[_CELL_CLAMP]:
                    c = max(-record[_CELL_CLAMP], min(record[_CELL_CLAMP], c))
                put16(arena, cell + 2 * unit, c)
                v = (
                    sigmoid16(
                        c, record[_TANH_MULTIPLIER], record[_TANH_RIGHT_SHIFT], 1, constants, record[_SIGMOID_OFFSET]
                    )
                    * gate[3]
                )
                v = wrap32(requantize(v, *_factor(constants, products + 2 * _PRODUCT_BYTES)) + record[_Y_ZERO_POINT])
                v = max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], v))
                for at in (hidden + size * unit, y + size * unit):
                    if size == 1:
                        arena[at] = v & 0xFF
                    else:
                        put16(arena, at, v)
        hidden += size * units
        cell += 2 * units


def svdf(record, arena, constants):
    """One time step of a rank-factored filter bank: micro/kernels/svdf_common.cc EvalIntegerSvdfReference.

    Each filter's memory moves on by one, its newest element becomes eq. (2) of the features' product; the output of a unit
    is the sum of rank filters over their memories.
    """
    inputs, filters, rank, memory, size = record[_SVDF_INPUTS : _SVDF_ELEMENT_BYTES + 1]
    low, high = (-128, 127) if size == 1 else (-32768, 32767)
    zero = record[_STATE_ZERO_POINT]
    y = record[_Y_OFFSET]
    for b in range(record[_BATCHES]):
        x = record[_X_OFFSET] + b * inputs
        for unit in range(filters // rank):
            total = _i32(constants, record[_BIAS_OFFSET] + 4 * unit)
            for f in range(unit * rank, unit * rank + rank):
                acc = _i32(constants, record[_SUMS_OFFSET] + 4 * f)
                w = record[_FEATURES_OFFSET] + f * inputs
                for i in range(inputs):
                    acc += (arena[x + i] ^ 0x80) * (constants[w + i] - 128)
                acc = max(
                    low, min(high, requantize(acc, record[_MULTIPLIER], record[_LEFT_SHIFT], record[_RIGHT_SHIFT]))
                )
                state = record[_STATE_OFFSET] + (b * filters + f) * memory * size
                for i in range((memory - 1) * size):
                    arena[state + i] = arena[state + i + size]
                newest = state + (memory - 1) * size
                time = record[_TIME_OFFSET] + f * memory * size
                if size == 1:
                    arena[newest] = zero + acc & 0xFF
                    for i in range(memory):
                        total += (signed(arena[state + i]) - zero) * signed(constants[time + i])
                else:
                    put16(arena, newest, zero + acc)
                    for i in range(0, 2 * memory, 2):
                        total += (s16(arena, state + i) - zero) * s16(constants, time + i)
            v = wrap32(
                requantize(total, record[_Y_MULTIPLIER], record[_Y_LEFT_SHIFT], record[_Y_RIGHT_SHIFT])
                + record[_Y_ZERO_POINT]
            )
            arena[y] = max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], v)) & 0xFF
            y += 1


kernels = {34: lstm, 35: svdf}
