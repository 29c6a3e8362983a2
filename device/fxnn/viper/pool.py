"""Pools, in viper. See viper for the rules, ref/pool.py for the meaning."""

import micropython

# words: written by python -m host_tools.record
_KERNEL = const(0)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_BATCHES = const(8)
_IN_H = const(9)
_IN_W = const(10)
_IN_C = const(11)
_OUT_H = const(12)
_OUT_W = const(13)
_KERNEL_H = const(15)
_KERNEL_W = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
# end of words
_MAX_POOL = const(4)  # kernel id


@micropython.viper
def pool_2d(x: ptr8, acc: ptr8, constants: ptr8):
    """See ref.pool.max_pool_2d and average_pool_2d. The arguments are record, arena, constants.

    Values are taken as x + 128, unsigned. // is a call of a C function: once an output.
    """
    rec = ptr32(x)
    arena = int(acc)
    image = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    x_row = in_w * in_c
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    n = rec[_BATCHES]
    while n > 0:
        n -= 1
        iy0 = 0 - rec[_PAD_TOP]
        oy = rec[_OUT_H]
        while oy > 0:
            oy -= 1
            iy = iy0
            ky = rec[_KERNEL_H]
            if iy + ky > in_h:
                ky = in_h - iy
            if iy < 0:
                ky += iy
                iy = 0
            ix0 = 0 - rec[_PAD_LEFT]
            ox = rec[_OUT_W]
            while ox > 0:
                ox -= 1
                ix = ix0
                kx = rec[_KERNEL_W]
                if ix + kx > in_w:
                    kx = in_w - ix
                if ix < 0:
                    kx += ix
                    ix = 0
                count = 0
                if ky > 0 and kx > 0:
                    count = ky * kx
                pixel = image + iy * x_row + ix * in_c
                c = in_c
                while c > 0:
                    c -= 1
                    row = pixel
                    ky_left = ky
                    acc = ptr8(0)
                    if rec[_KERNEL] == _MAX_POOL:
                        while ky_left > 0:
                            ky_left -= 1
                            x = ptr8(row)
                            kx_left = kx
                            while kx_left > 0:
                                kx_left -= 1
                                if x[0] ^ 128 > int(acc):
                                    acc = ptr8(x[0] ^ 128)
                                x = ptr8(int(x) + in_c)
                            row += x_row
                        v = int(acc) - 128
                    else:
                        while ky_left > 0:
                            ky_left -= 1
                            x = ptr8(row)
                            kx_left = kx
                            while kx_left > 0:
                                kx_left -= 1
                                acc = ptr8((x[0] ^ 128) + int(acc))
                                x = ptr8(int(x) + in_c)
                            row += x_row
                        v = int(acc) - (count << 7)
                        if v < 0:
                            v = 0 - ((count >> 1) - v) // count
                        elif count > 0:
                            v = ((count >> 1) + v) // count
                    if v < low:
                        v = low
                    if v > high:
                        v = high
                    y[0] = v
                    y = ptr8(int(y) + 1)
                    pixel += 1
                ix0 += rec[_STRIDE_W]
            iy0 += rec[_STRIDE_H]
        image += in_h * x_row


kernels = {4: pool_2d, 5: pool_2d}
