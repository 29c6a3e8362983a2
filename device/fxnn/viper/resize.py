"""Bilinear resizing in viper. See viper for the rules, ref/resize.py for the meaning."""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_N = const(8)
_IMAGE_BYTES = const(9)
_C = const(10)
_OUT_H = const(11)
_OUT_W = const(12)
_ROWS_OFFSET = const(13)
_COLUMNS_OFFSET = const(14)
# end of words
_ENTRY_BYTES = const(12)  # of a table: both neighbours' offsets, weight of the second


@micropython.viper
def resize_bilinear(x: ptr8, a: ptr8, constants: ptr8):
    """See ref.resize.resize_bilinear. The arguments are record, arena, constants.

    With x + 128 in place of x all sums are positive: 128 * 2**20 is taken from the last. |acc| <= 2**28.
    """
    rec = ptr32(x)
    arena = int(a)
    y = ptr8(arena + rec[_Y_OFFSET])
    image = arena + rec[_X_OFFSET]
    c = rec[_C]
    n = rec[_N]
    while n > 0:
        n -= 1
        row = ptr32(int(constants) + rec[_ROWS_OFFSET])
        oy = rec[_OUT_H]
        while oy > 0:
            oy -= 1
            top = image + row[0]
            down = row[1] - row[0]
            v = row[2]
            column = ptr32(int(constants) + rec[_COLUMNS_OFFSET])
            ox = rec[_OUT_W]
            while ox > 0:
                ox -= 1
                at = top + column[0]
                end = at + c
                right = column[1] - column[0]
                h = column[2]
                while at < end:
                    x = ptr8(at)
                    a = ptr8((x[0] ^ 128) * (1024 - h) + (x[right] ^ 128) * h)
                    x = ptr8(at + down)
                    acc = ((x[0] ^ 128) * (1024 - h) + (x[right] ^ 128) * h) * v + int(a) * (1024 - v) - (1 << 27)
                    if acc < 0:
                        y[0] = 0 - ((0x80000 - acc) >> 20)
                    else:
                        y[0] = (acc + 0x80000) >> 20
                    y = ptr8(int(y) + 1)
                    at += 1
                column = ptr32(int(column) + _ENTRY_BYTES)
            row = ptr32(int(row) + _ENTRY_BYTES)
        image += rec[_IMAGE_BYTES]


kernels = {17: resize_bilinear}
