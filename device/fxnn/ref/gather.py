"""Picking by index and by mask in plain ints: gather, select, channel_lut. See ref for the rules."""

from . import _box, _i32

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_A = const(8)
_CHANNEL_TABLES_C = const(10)
_TABLES_OFFSET = const(11)
_GATHER_C = const(12)
_WHICH_OFFSET = const(12)
_X1_STRIDES = const(12)
_A_STRIDE = const(13)
_ROW_STRIDE = const(14)
_B_STRIDE = const(15)
_COLUMN_STRIDE = const(16)
_X2_STRIDES = const(16)
_ROWS = const(17)
_COLUMNS = const(18)
_COLUMNS_OFFSET = const(19)
_FLAGS = const(23)
# end of words


def gather(record, arena, constants):
    """y[a, j, b, k, c] = x[a, rows[j], b, columns[k], c]; an index outside of x is taken as the nearest inside."""
    source = constants if record[_FLAGS] & _X_CONSTANT else arena
    rows = constants if record[_FLAGS] & _X2_CONSTANT else arena
    a, j, b, k, c = record[_A : _GATHER_C + 1]
    y = record[_Y_OFFSET]
    for ia in range(a):
        for ij in range(j):
            row = max(0, min(record[_ROWS] - 1, _i32(rows, record[_X2_OFFSET] + 4 * ij)))
            for ib in range(b):
                for ik in range(k):
                    column = max(0, min(record[_COLUMNS] - 1, _i32(constants, record[_COLUMNS_OFFSET] + 4 * ik)))
                    at = (
                        record[_X_OFFSET]
                        + ia * record[_A_STRIDE]
                        + row * record[_ROW_STRIDE]
                        + ib * record[_B_STRIDE]
                        + column * record[_COLUMN_STRIDE]
                    )
                    for i in range(c):
                        arena[y] = source[at + i]
                        y += 1


def select(record, arena, constants):
    """y[i] = x[i] where condition[i] is not 0; elsewhere y stays. SELECT_V2 is a copy and a select. select.h."""
    source = constants if record[_FLAGS] & _X_CONSTANT else arena
    condition = constants if record[_FLAGS] & _X2_CONSTANT else arena
    y = record[_Y_OFFSET]
    for at, if_at in _box(record, _X1_STRIDES, _X2_STRIDES):
        if condition[record[_X2_OFFSET] + if_at]:
            arena[y] = source[record[_X_OFFSET] + at]
        y += 1


def channel_lut(record, arena, constants):
    """y[a, b, c] = table[which[b]][x[a, b, c]]: a table of 256 bytes for each index of one dimension."""
    a, b, c = record[_A : _CHANNEL_TABLES_C + 1]
    x = record[_X_OFFSET]
    y = record[_Y_OFFSET]
    for _ in range(a):
        for ib in range(b):
            table = record[_TABLES_OFFSET] + 256 * (
                constants[record[_WHICH_OFFSET] + 2 * ib] + 256 * constants[record[_WHICH_OFFSET] + 2 * ib + 1]
            )
            for _ in range(c):
                arena[y] = constants[table + arena[x]]
                x += 1
                y += 1


kernels = {12: gather, 16: select, 19: channel_lut}
