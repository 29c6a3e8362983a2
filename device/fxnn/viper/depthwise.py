"""Depthwise convolution, in viper. See viper for the rules, ref/depthwise.py for the meaning, viper/conv.py for
requantize."""

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
_DEPTH_MULTIPLIER = const(29)
_Y_STEP = const(32)
_PLANE_ORDER = const(35)
# end of words
# An entry of the channel table: word 0, then these.
_CHANNEL_BYTES = const(12)
_CHANNEL_LOW = const(2)  # multiplier, its low half: index of 16 bits
_CHANNEL_HIGH = const(3)  # multiplier, its high half
_CHANNEL_LEFT = const(8)  # left_shift: offset
_CHANNEL_RIGHT = const(9)  # right_shift: offset


@micropython.viper
def depthwise_conv_2d(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.depthwise.depthwise_conv_2d. The arguments are record, arena, constants.

    The part of the window that lies inside the image is found once a pixel: outside it x - x_zero_point is 0. A whole
    window of 3 x 3 is unrolled. In plane order (one batch) n counts channels, and the image is the plane of
    one of them in scratch.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    image = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    x_c = in_c
    out_c = rec[_OUT_C]
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
    per_input = rec[_DEPTH_MULTIPLIER]
    w_start = constants + rec[_WEIGHTS_OFFSET]
    channels = constants + rec[_CHANNELS_OFFSET]
    channels_end = channels + _CHANNEL_BYTES * out_c
    n = rec[_BATCHES]
    planes = rec[_PLANE_ORDER] & 1
    if planes:
        n = out_c
        x_c = 1
        channels_end = channels + _CHANNEL_BYTES
    x_step = dilation_w * x_c
    x_row = dilation_h * in_w * x_c
    w_row = kernel_w * out_c
    x_next = x_row - 2 * x_step
    w2 = 2 * out_c
    w3 = 3 * out_c
    w4 = 4 * out_c
    w5 = 5 * out_c
    w6 = 6 * out_c
    w7 = 7 * out_c
    w8 = 8 * out_c
    skip = 0
    if rec[_Y_STEP] > 0:
        skip = rec[_Y_STEP] - out_c
    if planes:
        skip += out_c - 1
    while n > 0:
        n -= 1
        if planes:
            x = ptr8(image)
            w = ptr8(arena + rec[_SCRATCH_OFFSET])
            y = ptr8(arena + rec[_Y_OFFSET] + out_c - 1 - n)
            t = in_h * in_w
            while t > 0:
                t -= 1
                w[0] = x[0]
                x = ptr8(int(x) + in_c)
                w = ptr8(int(w) + 1)
        iy0 = 0 - rec[_PAD_TOP]
        oy = rec[_OUT_H]
        while oy > 0:
            oy -= 1
            w_first = w_start
            iy = iy0
            ky = kernel_h
            while iy < 0 and ky > 0:
                iy += dilation_h
                w_first += w_row
                ky -= 1
            v = iy + (ky - 1) * dilation_h
            while v >= in_h and ky > 0:
                v -= dilation_h
                ky -= 1
            ix0 = 0 - rec[_PAD_LEFT]
            ox = rec[_OUT_W]
            while ox > 0:
                ox -= 1
                w_pixel = w_first
                ix = ix0
                kx = kernel_w
                while ix < 0 and kx > 0:
                    ix += dilation_w
                    w_pixel += out_c
                    kx -= 1
                v = ix + (kx - 1) * dilation_w
                while v >= in_w and kx > 0:
                    v -= dilation_w
                    kx -= 1
                x_pixel = image
                if planes:
                    x_pixel = arena + rec[_SCRATCH_OFFSET]
                x_pixel += (iy * in_w + ix) * x_c
                nine = kernel_w == 3 and kx == 3 and ky == 3
                repeat = per_input
                channel = ptr16(channels)
                while int(channel) < channels_end:
                    acc = ptr8(ptr32(channel)[0])
                    if nine:
                        x = ptr8(x_pixel)
                        w = ptr8(w_pixel)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[0] - 128) + int(acc))
                        x = ptr8(int(x) + x_step)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[out_c] - 128) + int(acc))
                        x = ptr8(int(x) + x_step)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[w2] - 128) + int(acc))
                        x = ptr8(int(x) + x_next)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[w3] - 128) + int(acc))
                        x = ptr8(int(x) + x_step)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[w4] - 128) + int(acc))
                        x = ptr8(int(x) + x_step)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[w5] - 128) + int(acc))
                        x = ptr8(int(x) + x_next)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[w6] - 128) + int(acc))
                        x = ptr8(int(x) + x_step)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[w7] - 128) + int(acc))
                        x = ptr8(int(x) + x_step)
                        acc = ptr8(((x[0] ^ 128) - zero) * (w[w8] - 128) + int(acc))
                    else:
                        x_at = x_pixel
                        w_at = w_pixel
                        v = ky
                        while v > 0:
                            v -= 1
                            x = ptr8(x_at)
                            w = ptr8(w_at)
                            t = kx
                            while t > 0:
                                t -= 1
                                acc = ptr8(((x[0] ^ 128) - zero) * (w[0] - 128) + int(acc))
                                x = ptr8(int(x) + x_step)
                                w = ptr8(int(w) + out_c)
                            x_at += x_row
                            w_at += w_row
                    w_pixel += 1
                    repeat -= 1
                    if repeat == 0:
                        repeat = per_input
                        x_pixel += 1
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
        if planes:
            image += 1
            w_start += 1
            channels += _CHANNEL_BYTES
            channels_end += _CHANNEL_BYTES
        else:
            image += in_h * in_w * in_c


kernels = {2: depthwise_conv_2d}
