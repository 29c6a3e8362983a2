"""Convolutions and fully connected, in viper. See viper for the rules, ref for the meaning.

requantize without 64-bit products, exact modulo 2^32 (FORMAT.md eq. (2)): with a = ah * 2^16 + al (ah signed) and
multiplier = mh * 2^16 + ml, a * multiplier / 2^31 = ah*mh * 2 + (ah*ml + al*mh + (al*ml >> 16)) / 2^15; the two
middle products fill 32 bits, so their top and low parts are added separately. Then, for v = right_shift > 0,
RoundingDivideByPOT(h, v) is ((h - (h < 0)) / 2^(v-1) + 1) / 2, both rounded down: no sum leaves 32 bits.
"""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_BATCHES = const(8)
_IN_H = const(9)
_IN_W = const(10)
_IN_C = const(11)
_OUT_H = const(12)
_OUT_W = const(13)
_OUT_C = const(14)
_KERNEL_H = const(15)
_KERNEL_W = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_DILATION_H = const(19)
_DILATION_W = const(20)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_X_ZERO_POINT = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_Y_STEP = const(32)
# end of words
# An entry of the channel table: word 0, then these.
_CHANNEL_BYTES = const(12)
_CHANNEL_LOW = const(2)  # multiplier, its low half: index of 16 bits
_CHANNEL_HIGH = const(3)  # multiplier, its high half
_CHANNEL_LEFT = const(8)  # left_shift: offset
_CHANNEL_RIGHT = const(9)  # right_shift: offset


@micropython.viper
def conv_2d(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.conv.conv_2d. The arguments are record, arena, constants.

    Each output pixel's window goes to scratch once, as bytes x + 128, with its sum; then each output channel is a
    flat dot product: acc = word 0 + sum(x' * w') - 128 * sum(x'), both bytes unsigned.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    image = arena + rec[_X_OFFSET]
    column = arena + rec[_SCRATCH_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    kernel_h = rec[_KERNEL_H]
    kernel_w = rec[_KERNEL_W]
    dilation_h = rec[_DILATION_H]
    dilation_w = rec[_DILATION_W]
    zero = (rec[_X_ZERO_POINT] + 128) & 255
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    lanes = 0xFF00FF
    signs = 0x8080
    signs = (signs << 16) + signs
    size = kernel_h * kernel_w * in_c
    end = column + size
    end8 = end - (size & 7)
    channels_end = constants + rec[_CHANNELS_OFFSET] + _CHANNEL_BYTES * rec[_OUT_C]
    skip = 0
    if rec[_Y_STEP] > 0:
        skip = rec[_Y_STEP] - rec[_OUT_C]
    n = rec[_BATCHES]
    while n > 0:
        n -= 1
        iy0 = 0 - rec[_PAD_TOP]
        oy = rec[_OUT_H]
        while oy > 0:
            oy -= 1
            ix0 = 0 - rec[_PAD_LEFT]
            ox = rec[_OUT_W]
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
                total <<= 7
                w = ptr8(constants + rec[_WEIGHTS_OFFSET])
                channel = ptr16(constants + rec[_CHANNELS_OFFSET])
                while int(channel) < channels_end:
                    x = ptr8(column)
                    acc = ptr8(ptr32(channel)[0] - total)
                    while int(x) < end8:
                        acc = ptr8(x[0] * w[0] + int(acc))
                        acc = ptr8(x[1] * w[1] + int(acc))
                        acc = ptr8(x[2] * w[2] + int(acc))
                        acc = ptr8(x[3] * w[3] + int(acc))
                        acc = ptr8(x[4] * w[4] + int(acc))
                        acc = ptr8(x[5] * w[5] + int(acc))
                        acc = ptr8(x[6] * w[6] + int(acc))
                        acc = ptr8(x[7] * w[7] + int(acc))
                        x = ptr8(int(x) + 8)
                        w = ptr8(int(w) + 8)
                    while int(x) < end:
                        acc = ptr8(x[0] * w[0] + int(acc))
                        x = ptr8(int(x) + 1)
                        w = ptr8(int(w) + 1)
                    w = ptr8(int(w) + (3 & -size))
                    # requantize
                    a = int(acc) << ptr8(channel)[_CHANNEL_LEFT] << wide >> wide
                    x = ptr8(a & 0xFFFF)
                    acc = ptr8(a >> 16)
                    ml = channel[_CHANNEL_LOW]
                    mh = channel[_CHANNEL_HIGH]
                    t = ((int(x) * ml) >> 16) & 0xFFFF
                    x = ptr8(int(x) * mh)
                    ml *= int(acc)
                    t += (ml & 0x7FFF) + (int(x) & 0x7FFF) + 0x4000
                    acc = ptr8(int(acc) * mh * 2 + (ml >> 15) + (int(x) >> 15) + (t >> 15))
                    v = ptr8(channel)[_CHANNEL_RIGHT]
                    if v > 0:
                        acc = ptr8((((int(acc) + (int(acc) >> 31)) >> (v - 1)) + 1) >> 1)
                    acc = ptr8((int(acc) + y_zero) << wide >> wide)
                    if int(acc) < low:
                        acc = ptr8(low)
                    if int(acc) > high:
                        acc = ptr8(high)
                    y[0] = int(acc)
                    y = ptr8(int(y) + 1)
                    channel = ptr16(int(channel) + _CHANNEL_BYTES)
                y = ptr8(int(y) + skip)
                ix0 += rec[_STRIDE_W]
            iy0 += rec[_STRIDE_H]
        image += in_h * in_w * in_c


# A row of inputs is an image of one pixel.
kernels = {1: conv_2d, 3: conv_2d}
