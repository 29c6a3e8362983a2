"""LSTM and SVDF in plain ints: see ref.py. Their states are variables: they stay in the arena from call to call."""

from .ref import _i32, requantize, signed, wrap32
from .ref_wide import put16, s16, sigmoid16


def _clamp16(x):
    return max(-32768, min(32767, x))


def _factor(constants, at):
    """(multiplier, left or total shift, right_shift) at an offset of the constants."""
    return _i32(constants, at), constants[at + 4], constants[at + 5]


def lstm(record, arena, constants):
    """One layer of LSTM over all time steps, no peepholes, no projection: micro/kernels/lstm_eval.h.

    x, hidden state and y: int8 or int16 (word 16); cell state int16. Per step, all four gates (forget, input, cell,
    output) of all units go to scratch, int16 Q0.15 each; then cell and hidden state are updated, unit by unit.
    """
    units, size = record[11], record[16]
    hidden, cell, scratch, gates, products = record[17], record[18], record[7], record[19], record[20]
    for b in range(record[8]):
        for t in range(record[9]):
            x = record[5] + b * record[12] + t * record[13]
            y = record[6] + b * record[14] + t * record[15]
            for gate in range(4):
                for unit in range(units):
                    total = 0
                    for part in range(2):
                        count = units if part else record[10]
                        v = hidden if part else x
                        entry = gates + 16 * (2 * gate + part)
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
                    is_tanh = gate == 2 and not record[29]  # Q3.12: the table takes it times 3
                    value = sigmoid16(_clamp16(total), 3, 0, is_tanh, constants, record[21])
                    put16(arena, scratch + 2 * (gate * units + unit), value)
            for unit in range(units):
                gate = [s16(arena, scratch + 2 * (i * units + unit)) for i in range(4)]
                c = _clamp16(requantize(gate[0] * s16(arena, cell + 2 * unit), *_factor(constants, products)))
                c = _clamp16(c + _clamp16(requantize(gate[1] * gate[2], *_factor(constants, products + 8))))
                if record[22]:
                    c = max(-record[22], min(record[22], c))
                put16(arena, cell + 2 * unit, c)
                v = sigmoid16(c, record[27], record[28], 1, constants, record[21]) * gate[3]
                v = wrap32(requantize(v, *_factor(constants, products + 16)) + record[24])
                v = max(record[25], min(record[26], v))
                for at in (hidden + size * unit, y + size * unit):
                    if size == 1:
                        arena[at] = v & 0xFF
                    else:
                        put16(arena, at, v)
        hidden += size * units
        cell += 2 * units


def svdf(record, arena, constants):
    """One time step of a rank-factored filter bank: micro/kernels/svdf_common.cc EvalIntegerSvdfReference.

    Each filter's memory moves on by one, its newest place takes eq. (2) of the features' product; the output of a unit
    is the sum of rank filters over their memories.
    """
    inputs, filters, rank, memory, size = record[9:14]
    low, high = (-128, 127) if size == 1 else (-32768, 32767)
    zero = record[22]
    y = record[6]
    for b in range(record[8]):
        x = record[5] + b * inputs
        for unit in range(filters // rank):
            total = _i32(constants, record[18] + 4 * unit)
            for f in range(unit * rank, unit * rank + rank):
                acc = _i32(constants, record[15] + 4 * f)
                w = record[16] + f * inputs
                for i in range(inputs):
                    acc += (arena[x + i] ^ 0x80) * (constants[w + i] - 128)
                acc = max(low, min(high, requantize(acc, record[19], record[20], record[21])))
                state = record[14] + (b * filters + f) * memory * size
                for i in range((memory - 1) * size):
                    arena[state + i] = arena[state + i + size]
                newest = state + (memory - 1) * size
                time = record[17] + f * memory * size
                if size == 1:
                    arena[newest] = zero + acc & 0xFF
                    for i in range(memory):
                        total += (signed(arena[state + i]) - zero) * signed(constants[time + i])
                else:
                    put16(arena, newest, zero + acc)
                    for i in range(0, 2 * memory, 2):
                        total += (s16(arena, state + i) - zero) * s16(constants, time + i)
            v = wrap32(requantize(total, record[27], record[28], record[29]) + record[24])
            arena[y] = max(record[25], min(record[26], v)) & 0xFF
            y += 1


kernels = {34: lstm, 35: svdf}
