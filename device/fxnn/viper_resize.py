"""Bilinear resizing in viper. See viper.py for the rules, ref_resize.py for the meaning."""

import micropython


@micropython.viper
def resize_bilinear(x: ptr8, a: ptr8, constants: ptr8):
    """See ref_resize.resize_bilinear. The arguments are record, arena, constants.

    With x + 128 in place of x all sums are positive: 128 * 2**20 is taken from the last. |acc| <= 2**28.
    """
    rec = ptr32(x)
    arena = int(a)
    y = ptr8(arena + rec[6])
    image = arena + rec[5]
    c = rec[10]
    n = rec[8]
    while n > 0:
        n -= 1
        row = ptr32(int(constants) + rec[13])
        oy = rec[11]
        while oy > 0:
            oy -= 1
            top = image + row[0]
            down = row[1] - row[0]
            v = row[2]
            column = ptr32(int(constants) + rec[14])
            ox = rec[12]
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
                column = ptr32(int(column) + 12)
            row = ptr32(int(row) + 12)
        image += rec[9]


kernels = {17: resize_bilinear}
