"""Convolutions and fully connected with weights of four bits, in viper. See viper.py for the rules, ref.py for the meaning.

The weights are used where they lie: no unpacked copy of a row, let alone of the layer, is ever made.
"""

import micropython


@micropython.viper
def conv_2d(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.conv_2d, weights format 1. The arguments are record, arena, constants.

    As viper_conv.conv_2d, but for the dot product, acc = word 0 + sum(x' * w') - 8 * sum(x') with w' in four bits, and
    the multiplier of 16 bits.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    image = arena + rec[5]
    column = arena + rec[7]
    y = ptr8(arena + rec[6])
    in_h = rec[9]
    in_w = rec[10]
    in_c = rec[11]
    kernel_h = rec[15]
    kernel_w = rec[16]
    dilation_h = rec[19]
    dilation_w = rec[20]
    zero = (rec[23] + 128) & 255
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    lanes = 0xFF00FF
    signs = 0x8080
    signs = (signs << 16) + signs
    size = kernel_h * kernel_w * in_c
    end = column + size
    end8 = end - (size & 7)
    row = (size + 7) >> 3 << 2
    channels_end = constants + rec[28] + 8 * rec[14]
    skip = 0
    if rec[32] > 0:
        skip = rec[32] - rec[14]
    n = rec[8]
    while n > 0:
        n -= 1
        iy0 = 0 - rec[21]
        oy = rec[12]
        while oy > 0:
            oy -= 1
            ix0 = 0 - rec[22]
            ox = rec[13]
            while ox > 0:
                ox -= 1
                # The window to scratch, by runs: a whole row of it where it lies inside, else a pixel.
                taps = 1
                if dilation_w == 1 and ix0 >= 0 and ix0 + kernel_w <= in_w:
                    taps = kernel_w
                run = taps * in_c
                total = 0
                to = ptr8(column)
                iy = iy0
                ky = kernel_h
                while ky > 0:
                    ky -= 1
                    ix = ix0
                    kx = kernel_w
                    while kx > 0:
                        kx -= taps
                        stop = int(to) + run
                        if iy >= 0 and iy < in_h and ix >= 0 and ix < in_w:
                            x = ptr8(image + (iy * in_w + ix) * in_c)
                            if (int(x) | int(to) | run) & 3 == 0:
                                while int(to) < stop:
                                    v = ptr32(x)[0] ^ signs
                                    ptr32(to)[0] = v
                                    v = (v & lanes) + ((v >> 8) & lanes)
                                    total += (v & 0xFFFF) + (v >> 16)
                                    x = ptr8(int(x) + 4)
                                    to = ptr8(int(to) + 4)
                            else:
                                while int(to) < stop:
                                    v = x[0] ^ 128
                                    to[0] = v
                                    total += v
                                    x = ptr8(int(x) + 1)
                                    to = ptr8(int(to) + 1)
                        else:
                            total += run * zero
                            while int(to) < stop:
                                to[0] = zero
                                to = ptr8(int(to) + 1)
                        ix += dilation_w
                    iy += dilation_h
                total <<= 3
                w_row = constants + rec[27]
                channel = ptr16(constants + rec[28])
                while int(channel) < channels_end:
                    x = ptr8(column)
                    w = ptr8(w_row)
                    w_row += row
                    acc = ptr8(ptr32(channel)[0] - total)
                    while int(x) < end8:
                        v = w[0]
                        acc = ptr8(x[0] * (v & 15) + int(acc))
                        acc = ptr8(x[1] * (v >> 4) + int(acc))
                        v = w[1]
                        acc = ptr8(x[2] * (v & 15) + int(acc))
                        acc = ptr8(x[3] * (v >> 4) + int(acc))
                        v = w[2]
                        acc = ptr8(x[4] * (v & 15) + int(acc))
                        acc = ptr8(x[5] * (v >> 4) + int(acc))
                        v = w[3]
                        acc = ptr8(x[6] * (v & 15) + int(acc))
                        acc = ptr8(x[7] * (v >> 4) + int(acc))
                        x = ptr8(int(x) + 8)
                        w = ptr8(int(w) + 4)
                    while int(x) < end:
                        v = w[0]
                        acc = ptr8(x[0] * (v & 15) + int(acc))
                        x = ptr8(int(x) + 1)
                        if int(x) < end:
                            acc = ptr8(x[0] * (v >> 4) + int(acc))
                            x = ptr8(int(x) + 1)
                            w = ptr8(int(w) + 1)
                    # requantize: with a = ah * 2^16 + al, (a * m + 2^15) / 2^16 = ah * m + (al * m + 2^15) / 2^16
                    a = int(acc) << ptr8(channel)[6] << wide >> wide
                    v = channel[2]
                    acc = ptr8((a >> 16) * v + ((((a & 0xFFFF) * v + 0x8000) >> 16) & 0xFFFF))
                    v = ptr8(channel)[7]
                    if v > 0:
                        acc = ptr8((((int(acc) + (int(acc) >> 31)) >> (v - 1)) + 1) >> 1)
                    acc = ptr8((int(acc) + y_zero) << wide >> wide)
                    if int(acc) < low:
                        acc = ptr8(low)
                    if int(acc) > high:
                        acc = ptr8(high)
                    y[0] = int(acc)
                    y = ptr8(int(y) + 1)
                    channel = ptr16(int(channel) + 8)
                y = ptr8(int(y) + skip)
                ix0 += rec[18]
            iy0 += rec[17]
        image += in_h * in_w * in_c


# A row of inputs is an image of one pixel.
kernels = {1: conv_2d, 3: conv_2d}
