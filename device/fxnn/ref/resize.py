"""Bilinear resizing in plain ints. See ref for the rules."""

from . import _i32, signed

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_N = const(8)
_OUT_W = const(12)
_ROWS_OFFSET = const(13)
_COLUMNS_OFFSET = const(14)
# end of words
_ENTRY_BYTES = const(12)  # of a table: both neighbours' offsets, weight of the second


def resize_bilinear(record, arena, constants):
    """y = the four neighbours' mean, weighted in 1/1024 on both axes. resize_bilinear.h ResizeBilinearInteger.

    A table entry of a row or column: offsets in x of the two neighbours, and the weight of the second.
    """
    n, size, c, out_h, out_w = record[_N : _OUT_W + 1]
    y = record[_Y_OFFSET]
    for i in range(n):
        x = record[_X_OFFSET] + i * size
        for oy in range(out_h):
            row = record[_ROWS_OFFSET] + _ENTRY_BYTES * oy
            top = x + _i32(constants, row)
            bottom = x + _i32(constants, row + 4)
            v = _i32(constants, row + 8)
            for ox in range(out_w):
                column = record[_COLUMNS_OFFSET] + _ENTRY_BYTES * ox
                left = _i32(constants, column)
                right = _i32(constants, column + 4)
                h = _i32(constants, column + 8)
                for k in range(c):
                    a = signed(arena[top + left + k]) * (1024 - h) + signed(arena[top + right + k]) * h
                    b = signed(arena[bottom + left + k]) * (1024 - h) + signed(arena[bottom + right + k]) * h
                    acc = a * (1024 - v) + b * v
                    # halves away from zero
                    arena[y] = (-((0x80000 - acc) >> 20) if acc < 0 else acc + 0x80000 >> 20) & 0xFF
                    y += 1


kernels = {17: resize_bilinear}
