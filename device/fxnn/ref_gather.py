"""Picking by index and by mask in plain ints: gather, select, channel_lut. See ref.py for the rules."""

from .ref import _box, _i32


def gather(record, arena, constants):
    """y[a, j, b, k, c] = x[a, rows[j], b, columns[k], c]; an index outside of x is taken as the nearest inside."""
    source = constants if record[23] & 1 else arena
    rows = constants if record[23] & 2 else arena
    a, j, b, k, c = record[8:13]
    y = record[6]
    for ia in range(a):
        for ij in range(j):
            row = max(0, min(record[17] - 1, _i32(rows, record[7] + 4 * ij)))
            for ib in range(b):
                for ik in range(k):
                    column = max(0, min(record[18] - 1, _i32(constants, record[19] + 4 * ik)))
                    at = record[5] + ia * record[13] + row * record[14] + ib * record[15] + column * record[16]
                    for i in range(c):
                        arena[y] = source[at + i]
                        y += 1


def select(record, arena, constants):
    """y[i] = x[i] where condition[i] is not 0; elsewhere y stays. SELECT_V2 is a copy and a select. select.h."""
    source = constants if record[23] & 1 else arena
    condition = constants if record[23] & 2 else arena
    y = record[6]
    for at, if_at in _box(record[8:12], record[12:16], record[16:20]):
        if condition[record[7] + if_at]:
            arena[y] = source[record[5] + at]
        y += 1


def channel_lut(record, arena, constants):
    """y[a, b, c] = table[which[b]][x[a, b, c]]: a table of 256 bytes for each index of one dimension."""
    a, b, c = record[8:11]
    x = record[5]
    y = record[6]
    for _ in range(a):
        for ib in range(b):
            table = record[11] + 256 * (constants[record[12] + 2 * ib] + 256 * constants[record[12] + 2 * ib + 1])
            for _ in range(c):
                arena[y] = constants[table + arena[x]]
                x += 1
                y += 1


kernels = {12: gather, 16: select, 19: channel_lut}
