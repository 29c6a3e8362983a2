"""Picking by index, in viper. See viper for the rules, ref/gather.py for the meaning."""

import micropython

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_A = const(8)
_J = const(9)
_B = const(10)
_K = const(11)
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


@micropython.viper
def gather(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.gather.gather. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    at = arena
    if rec[_FLAGS] & _X_CONSTANT:
        at = int(constants)
    at += rec[_X_OFFSET]
    rows = ptr32(arena + rec[_X2_OFFSET])
    if rec[_FLAGS] & _X2_CONSTANT:
        rows = ptr32(int(constants) + rec[_X2_OFFSET])
    columns = ptr32(int(constants) + rec[_COLUMNS_OFFSET])
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it makes an index signed.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y = ptr8(arena + rec[_Y_OFFSET])
    last_row = rec[_ROWS] - 1
    last_column = rec[_COLUMNS] - 1
    ia = 0
    while ia < rec[_A]:
        ij = 0
        while ij < rec[_J]:
            row = rows[ij] << wide >> wide
            if row > last_row:
                row = last_row
            if row < 0:
                row = 0
            line = at + row * rec[_ROW_STRIDE]
            ib = rec[_B]
            while ib > 0:
                ib -= 1
                ik = 0
                while ik < rec[_K]:
                    column = columns[ik] << wide >> wide
                    if column > last_column:
                        column = last_column
                    if column < 0:
                        column = 0
                    x = ptr8(line + column * rec[_COLUMN_STRIDE])
                    end = int(y) + rec[_C]
                    while int(y) < end:
                        y[0] = x[0]
                        x = ptr8(int(x) + 1)
                        y = ptr8(int(y) + 1)
                    ik += 1
                line += rec[_B_STRIDE]
            ij += 1
        at += rec[_A_STRIDE]
        ia += 1


kernels = {12: gather}
