"""TRANSPOSE_CONV of int8 and int16, in viper. See viper for the rules, ref/conv.py for the meaning, viper/conv.py for eq. (2),
viper/int16_conv.py for eq. (6)."""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
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
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_X_ZERO_POINT = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_WIDE = const(29)
# end of words
_CHANNEL_BYTES = const(12)  # of an entry of the channel table; viper/conv.py has its offsets
_WIDE_CHANNEL_BYTES = const(16)  # of the wide channel table; viper/int16_conv.py likewise


@micropython.viper
def transpose_conv(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.conv.transpose_conv. The arguments are record, arena, constants.

    The taps that meet an input start at (oy + pad_top) % stride_h and are stride_h apart, while iy goes down by one.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    image = arena + rec[_X_OFFSET]
    y = arena + rec[_Y_OFFSET]
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    kernel_h = rec[_KERNEL_H]
    kernel_w = rec[_KERNEL_W]
    stride_h = rec[_STRIDE_H]
    stride_w = rec[_STRIDE_W]
    zero = (rec[_X_ZERO_POINT] + 128) & 255
    is16 = rec[_WIDE]
    entry = _CHANNEL_BYTES
    pixel = in_c
    if is16:
        entry = _WIDE_CHANNEL_BYTES
        pixel = in_c * 2
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    channels_end = constants + rec[_CHANNELS_OFFSET] + entry * rec[_OUT_C]
    n = rec[_BATCHES]
    while n > 0:
        n -= 1
        oy = 0
        while oy < rec[_OUT_H]:
            first_iy = (oy + rec[_PAD_TOP]) // stride_h
            first_ky = oy + rec[_PAD_TOP] - first_iy * stride_h
            ox = 0
            while ox < rec[_OUT_W]:
                first_ix = (ox + rec[_PAD_LEFT]) // stride_w
                first_kx = ox + rec[_PAD_LEFT] - first_ix * stride_w
                weights = constants + rec[_WEIGHTS_OFFSET]
                channel = ptr16(constants + rec[_CHANNELS_OFFSET])
                while int(channel) < channels_end:
                    lo = 0
                    hi = 0
                    acc = ptr8(0)
                    iy = first_iy
                    ky = first_ky
                    while ky < kernel_h and iy >= 0:
                        if iy < in_h:
                            ix = first_ix
                            kx = first_kx
                            while kx < kernel_w and ix >= 0:
                                if ix < in_w:
                                    x = ptr8(image + (iy * in_w + ix) * pixel)
                                    w = ptr8(weights + (ky * kernel_w + kx) * in_c)
                                    end = int(x) + pixel
                                    if is16:
                                        while int(x) < end:
                                            a = ((ptr16(x)[0] ^ 0x8000) - 0x8000) * (w[0] - 128)
                                            lo += a & 0xFFFF
                                            hi += a >> 16
                                            x = ptr8(int(x) + 2)
                                            w = ptr8(int(w) + 1)
                                    else:
                                        while int(x) < end:
                                            acc = ptr8(((x[0] ^ 128) - zero) * (w[0] - 128) + int(acc))
                                            x = ptr8(int(x) + 1)
                                            w = ptr8(int(w) + 1)
                                ix -= 1
                                kx += stride_w
                        iy -= 1
                        ky += stride_h
                    weights += kernel_h * kernel_w * in_c
                    if is16:
                        hi += channel[0] | channel[1] << 16
                        lo += channel[2]
                        hi = (hi + (lo >> 16)) << wide >> wide
                        lo &= 0xFFFF
                        ml = channel[4]
                        s = ptr8(channel)[12]
                        lo *= ml
                        a = (hi & 0xFFFF) * ml
                        t = (lo >> 16) + (a & 0xFFFF)
                        hi = (hi >> 16) * ml + (a >> 16) + (t >> 16)
                        t &= 0xFFFF
                        if s > 32:
                            v = (hi + (1 << (s - 33))) >> (s - 32)
                        elif s > 16:
                            v = (hi << (32 - s)) + ((t + (1 << (s - 17))) >> (s - 16))
                        else:
                            v = (((hi << 16) + t) << (16 - s)) + (((lo & 0xFFFF) + (1 << (s - 1))) >> s)
                    else:
                        a = (int(acc) + (channel[0] | channel[1] << 16)) << ptr8(channel)[8] << wide >> wide
                        lo = a & 0xFFFF
                        hi = a >> 16
                        ml = channel[2]
                        mh = channel[3]
                        t = ((lo * ml) >> 16) & 0xFFFF
                        lo *= mh
                        ml *= hi
                        t += (ml & 0x7FFF) + (lo & 0x7FFF) + 0x4000
                        v = hi * mh * 2 + (ml >> 15) + (lo >> 15) + (t >> 15)
                        s = ptr8(channel)[9]
                        if s > 0:
                            v = (((v + (v >> 31)) >> (s - 1)) + 1) >> 1
                        v += y_zero
                    v = v << wide >> wide
                    if v < low:
                        v = low
                    if v > high:
                        v = high
                    if is16:
                        ptr16(y)[0] = v
                        y += 2
                    else:
                        ptr8(y)[0] = v
                        y += 1
                    channel = ptr16(int(channel) + entry)
                ox += 1
            oy += 1
        image += in_h * in_w * pixel


kernels = {32: transpose_conv}
