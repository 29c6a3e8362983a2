"""numpy_kernels.py continued: kernels 12 to 31, from their records (models/FORMAT.md)."""

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


def _places(dims, strides) -> np.ndarray:
    places = np.zeros(1, np.int64)
    for d, stride in zip(dims, strides):
        places = (places[:, None] + np.arange(d, dtype=np.int64) * stride).reshape(-1)
    return places


def _put(arena, offset: int, values: np.ndarray) -> None:
    arena[offset : offset + values.size] = values.reshape(-1)


def gather(words, arena, constants):
    """y[a, j, b, k, c] = x[a, rows[j], b, columns[k], c]; an index outside is taken as the nearest inside."""
    a, j, b, k, c = words[8:13]
    source = constants if words[23] & 1 else arena
    table = (constants if words[23] & 2 else arena)[words[7] : words[7] + 4 * j].copy().view("<i4").astype(np.int64)
    rows = np.clip(table, 0, words[17] - 1)
    columns = np.clip(constants[words[19] : words[19] + 4 * k].view("<i4").astype(np.int64), 0, words[18] - 1)
    at = (
        np.arange(a)[:, None, None, None, None] * words[13]
        + rows[None, :, None, None, None] * words[14]
        + np.arange(b)[None, None, :, None, None] * words[15]
        + columns[None, None, None, :, None] * words[16]
        + np.arange(c)
    )
    _put(arena, words[6], source[words[5] + at])


def select(words, arena, constants):
    """y[i] = x[i] where condition[i] is not 0."""
    dims = words[8:12]
    x = (constants if words[23] & 1 else arena)[words[5] + _places(dims, words[12:16])]
    condition = (constants if words[23] & 2 else arena)[words[7] + _places(dims, words[16:20])]
    y = arena[words[6] : words[6] + x.size]
    y[condition != 0] = x[condition != 0]


def channel_lut(words, arena, constants):
    """y[a, b, c] = table[which[b]][x[a, b, c]]."""
    a, b, c, tables, at = words[8:13]
    which = constants[at : at + 2 * b].copy().view("<u2").astype(np.int64)
    x = arena[words[5] : words[5] + a * b * c].reshape(a, b, c).astype(np.int64)
    _put(arena, words[6], constants[tables + which[:, None] * 256 + x])


def reduce(words, arena, constants):
    """y[a, b, c] = the largest, or the smallest, over r1 and r2."""
    x = arena[words[5] : words[5] + int(np.prod(words[8:13], dtype=np.int64))].view(np.int8).reshape(words[8:13])
    _put(arena, words[6], (x.min((1, 3)) if words[13] else x.max((1, 3))).view(np.uint8))


def arg(words, arena, constants):
    """y[a, c] = the first place of the largest, or the smallest, along r; int32."""
    x = arena[words[5] : words[5] + int(np.prod(words[8:11], dtype=np.int64))].view(np.int8).reshape(words[8:11])
    place = (x.argmin(1) if words[11] else x.argmax(1)).astype("<i4")
    _put(arena, words[6], np.ascontiguousarray(place).reshape(-1).view(np.uint8))


def binary(words, arena, constants):
    """y = f(x1, x2), f by word 29; eqs. (2), (3)."""
    dims, f = words[8:12], words[29]
    p = (constants if words[23] & 1 else arena)[words[5] + _places(dims, words[12:16])]
    q = (constants if words[23] & 2 else arena)[words[7] + _places(dims, words[16:20])]
    if f < 2:
        y = (np.minimum if f else np.maximum)(p.view(np.int8), q.view(np.int8)).view(np.uint8)
    elif f < 7:
        p = constants[words[27] : words[27] + 1024].view("<i4").astype(np.int64)[p]
        q = constants[words[28] : words[28] + 1024].view("<i4").astype(np.int64)[q]
        if f == 6:
            y = _clamped(words, requantize((p - q) ** 2, words[20], words[21], words[22]))
        else:
            y = (np.equal, np.not_equal, np.less, np.less_equal)[f - 2](p, q).astype(np.uint8)
    elif f == 7:
        p = p.view(np.int8).astype(np.int64) - words[27]
        q = q.view(np.int8).astype(np.int64) - words[28]
        above = requantize(p, words[20], words[21], words[22])
        y = _clamped(words, np.where(p >= 0, above, requantize(p * q, words[30], words[31], words[32])))
    else:
        table = constants[words[28] : words[28] + 2048].view("<i4").astype(np.int64).reshape(256, 2)[q]
        p = (p.view(np.int8).astype(np.int64) - words[27]) * np.where(table[:, 1] & 256, -1, 1)
        magnitude = p ^ (p >> 63)
        room = 31 - np.frexp(magnitude.astype(np.float64))[1].astype(np.int64)  # bits of what is below 256
        high = ((p << room) * table[:, 0] + (1 << 30)) >> 31
        right = np.clip(words[22] + (table[:, 1] & 255) + room, 0, 31)
        y = _clamped(words, requantize(high, words[20], 0, right))
    _put(arena, words[6], y)


def _clamped(words, value) -> np.ndarray:
    return np.clip(wrap32_array(value + words[24]), words[25], words[26]).astype(np.int8).view(np.uint8)


def resize_bilinear(words, arena, constants):
    """y = the four neighbours' mean, weighted in 1/1024 on both axes, halves away from zero."""
    n, size, c, out_h, out_w = words[8:13]
    rows = constants[words[13] : words[13] + 12 * out_h].view("<i4").astype(np.int64).reshape(-1, 3)
    columns = constants[words[14] : words[14] + 12 * out_w].view("<i4").astype(np.int64).reshape(-1, 3)

    def corner(i: int, j: int) -> np.ndarray:
        at = (words[5] + np.arange(n)[:, None, None, None] * size + rows[:, None, None, i] + columns[:, None, j]
              + np.arange(c))  # fmt: skip
        return arena[at].view(np.int8).astype(np.int64)

    v, h = rows[:, None, None, 2], columns[:, None, 2]
    top = corner(0, 0) * (1024 - h) + corner(0, 1) * h
    bottom = corner(1, 0) * (1024 - h) + corner(1, 1) * h
    acc = top * (1024 - v) + bottom * v
    y = np.where(acc < 0, -((0x80000 - acc) >> 20), (acc + 0x80000) >> 20)
    _put(arena, words[6], y.astype(np.int8).view(np.uint8))


def run_program(words, constants, first: int) -> list[int]:
    """The sixteen registers after the record's program (FORMAT.md, programs)."""
    r = [first] + [0] * 15
    code = constants[words[14] : words[14] + 4 * words[13]].reshape(-1, 4).astype(int).tolist()
    values = constants[words[15] : words[15] + 4 * words[16]].copy().view("<i4").tolist()
    at = 0
    while at < len(code):
        op, d, a, b = code[at]
        at += 1
        if op == 11:
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


def rows(words, arena, constants):
    """LOG_SOFTMAX (word 17: 0) and L2_NORMALIZATION (1) of every row."""
    n, depth, count = words[8:11]
    x = arena[words[5] : words[5] + n * depth].view(np.int8).reshape(n, depth).astype(np.int64)
    y = np.empty((n, depth), np.int64)
    exps, diffs = np.zeros(256, np.int64), np.zeros(256, np.int64)
    exps[:count] = constants[words[11] : words[11] + 4 * count].view("<i4")
    diffs[:count] = constants[words[12] : words[12] + 4 * count].view("<i4")
    for i, row in enumerate(x):
        if words[17] == 2:  # one int16
            r = run_program(words, constants, int(row.astype(np.int8).view("<i2")[0]))
            y[i] = np.array([r[1]], "<i2").view(np.int8)
        elif words[17]:
            row = row - words[18]
            r = run_program(words, constants, wrap32(int((row * row).sum())))
            y[i] = requantize(row, r[1], max(0, 7 - r[2]), max(0, r[2] - 7))
        else:
            d = row.max() - row
            r = run_program(words, constants, int(((exps[d] + (1 << 11)) >> 12).sum()))
            below = wrap32_array(diffs[d] - r[1])
            magnitude = (np.abs(below) + (1 << 21)) >> 22
            y[i] = np.where(d < count, np.where(below < 0, -magnitude, magnitude) + 127, -128)
    _put(arena, words[6], np.clip(y, -128, 127).astype(np.int8).view(np.uint8))


KERNELS = {
    "rows": rows,
    "gather": gather,
    "reduce": reduce,
    "arg": arg,
    "binary": binary,
    "select": select,
    "resize_bilinear": resize_bilinear,
    "channel_lut": channel_lut,
}
