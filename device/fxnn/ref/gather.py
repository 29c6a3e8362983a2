"""Picking by index in plain ints. See ref for the rules."""

from . import _i32

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_A = const(8)
_C = const(12)
_A_STRIDE = const(13)
_ROW_STRIDE = const(14)
_B_STRIDE = const(15)
_COLUMN_STRIDE = const(16)
_ROWS = const(17)
_COLUMNS = const(18)
_COLUMNS_OFFSET = const(19)
_FLAGS = const(23)
# end of words


def gather(record, arena, constants):
    """y[a, j, b, k, c] = x[a, rows[j], b, columns[k], c]; an index outside of x is taken as the nearest inside."""
    source = constants if record[_FLAGS] & _X_CONSTANT else arena
    rows = constants if record[_FLAGS] & _X2_CONSTANT else arena
    a, j, b, k, c = record[_A : _C + 1]
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


kernels = {12: gather}
