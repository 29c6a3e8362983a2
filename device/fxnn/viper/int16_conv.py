"""Convolutions and fully connected with int16 activations, in viper. See viper for the rules, ref/int16.py for the meaning.

A sum has up to 48 bits: acc = hi * 2^16 + lo. Products of x + 32768 with w + 128, both unsigned, are below 2^24: 64 of
them fit a word, then they are added to both halves. eq. (6), floor((acc * m + 2^(s-1)) / 2^s) modulo 2^32 with m of 15
bits and s from 8 to 46: with acc in three parts of 16 bits, acc * m = q * 2^16 + p, q = qh * 2^16 + ql; as
floor(floor(a / b) / c) = floor(a / (b c)), from s = 17 on p does not matter, from s = 33 on ql does not either.
"""

import micropython

# words: written by python -m host_tools.record
_KERNEL = const(0)
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
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_DEPTH_MULTIPLIER = const(29)
_BIAS_32 = const(30)
# end of words
_DEPTHWISE = const(37)  # kernel id
# An entry of the wide channel table: the bias, 48 bits, then these.
_CHANNEL_BYTES = const(16)
_CHANNEL_LOW = const(4)  # multiplier, its low half: index of 16 bits
_CHANNEL_HIGH = const(5)  # multiplier, its high half, which eq. (6) has not
_CHANNEL_SHIFT = const(12)  # of eq. (6), or left_shift: offset
_CHANNEL_RIGHT = const(13)  # right_shift: offset


@micropython.viper
def conv_2d_16(x: ptr16, acc: ptr8, w: ptr8):
    """See ref.int16.conv_2d_16 and depthwise_conv_2d_16. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    image = arena + rec[_X_OFFSET]
    column = arena + rec[_SCRATCH_OFFSET]
    y = ptr16(arena + rec[_Y_OFFSET])
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    kernel_h = rec[_KERNEL_H]
    kernel_w = rec[_KERNEL_W]
    dilation_h = rec[_DILATION_H]
    dilation_w = rec[_DILATION_W]
    depthwise = 0
    if rec[_KERNEL] == _DEPTHWISE:
        depthwise = rec[_DEPTH_MULTIPLIER]
    narrow = rec[_BIAS_32]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    size = kernel_h * kernel_w * in_c
    end = column + size * 2
    end4 = column + (size & -4) * 2
    out_c = rec[_OUT_C]
    channels_end = constants + rec[_CHANNELS_OFFSET] + _CHANNEL_BYTES * out_c
    row_step = dilation_h * in_w * in_c * 2
    tap_step = dilation_w * in_c * 2
    inside = 0
    first_w = 0
    taps_h = 0
    taps_w = 0
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
                total = 0
                if depthwise == 0:
                    to = ptr16(column)
                    iy = iy0
                    ky = kernel_h
                    while ky > 0:
                        ky -= 1
                        ix = ix0
                        kx = kernel_w
                        while kx > 0:
                            kx -= 1
                            stop = int(to) + in_c * 2
                            if iy >= 0 and iy < in_h and ix >= 0 and ix < in_w:
                                x = ptr16(image + (iy * in_w + ix) * in_c * 2)
                                while int(to) < stop:
                                    v = x[0] ^ 0x8000
                                    to[0] = v
                                    total += v
                                    x = ptr16(int(x) + 2)
                                    to = ptr16(int(to) + 2)
                            else:
                                total += in_c << 15
                                while int(to) < stop:
                                    to[0] = 0x8000
                                    to = ptr16(int(to) + 2)
                            ix += dilation_w
                        iy += dilation_h
                else:
                    # the taps that lie inside the image: ky from first_ky, rows of them; kx likewise
                    first_ky = 0
                    iy = iy0
                    while iy < 0:
                        iy += dilation_h
                        first_ky += 1
                    taps_h = 0
                    ky = iy
                    while first_ky + taps_h < kernel_h and ky < in_h:
                        ky += dilation_h
                        taps_h += 1
                    first_kx = 0
                    ix = ix0
                    while ix < 0:
                        ix += dilation_w
                        first_kx += 1
                    taps_w = 0
                    kx = ix
                    while first_kx + taps_w < kernel_w and kx < in_w:
                        kx += dilation_w
                        taps_w += 1
                    inside = image + (iy * in_w + ix) * in_c * 2
                    first_w = constants + rec[_WEIGHTS_OFFSET] + (first_ky * kernel_w + first_kx) * out_c
                w = ptr8(constants + rec[_WEIGHTS_OFFSET])
                channel = ptr16(constants + rec[_CHANNELS_OFFSET])
                o = 0
                c = 0
                repeat = depthwise
                while int(channel) < channels_end:
                    hi = (channel[0] | channel[1] << 16) << wide >> wide
                    lo = channel[2]
                    if depthwise == 0:
                        lo -= (total & 0x1FF) << 7
                        hi -= total >> 9
                        x = ptr16(column)
                        while int(x) < end:
                            stop = int(x) + 128
                            if stop > end:
                                stop = end
                            last = stop
                            if last > end4:
                                last = end4
                            acc = ptr8(0)
                            while int(x) < last:
                                acc = ptr8(x[0] * w[0] + int(acc))
                                acc = ptr8(x[1] * w[1] + int(acc))
                                acc = ptr8(x[2] * w[2] + int(acc))
                                acc = ptr8(x[3] * w[3] + int(acc))
                                x = ptr16(int(x) + 8)
                                w = ptr8(int(w) + 4)
                            while int(x) < stop:
                                acc = ptr8(x[0] * w[0] + int(acc))
                                x = ptr16(int(x) + 2)
                                w = ptr8(int(w) + 1)
                            lo += int(acc) & 0xFFFF
                            hi += int(acc) >> 16
                        w = ptr8(int(w) + (3 & -size))
                    else:
                        ky = 0
                        while ky < taps_h:
                            x = ptr16(inside + ky * row_step + c * 2)
                            w = ptr8(first_w + ky * kernel_w * out_c + o)
                            ky += 1
                            acc = ptr8(0)
                            kx = taps_w
                            while kx > 0:
                                kx -= 1
                                acc = ptr8(((x[0] ^ 0x8000) - 0x8000) * (w[0] - 128) + int(acc))
                                x = ptr16(int(x) + tap_step)
                                w = ptr8(int(w) + out_c)
                            lo += int(acc) & 0xFFFF
                            hi += int(acc) >> 16
                        o += 1
                        repeat -= 1
                        if repeat == 0:
                            repeat = depthwise
                            c += 1
                    hi += lo >> 16
                    lo &= 0xFFFF
                    s = ptr8(channel)[_CHANNEL_SHIFT]
                    if narrow:
                        # eq. (2): see viper/conv.py
                        a = ((hi << 16) + lo) << s << wide >> wide
                        lo = a & 0xFFFF
                        hi = a >> 16
                        ml = channel[_CHANNEL_LOW]
                        mh = channel[_CHANNEL_HIGH]
                        t = ((lo * ml) >> 16) & 0xFFFF
                        lo *= mh
                        ml *= hi
                        t += (ml & 0x7FFF) + (lo & 0x7FFF) + 0x4000
                        v = hi * mh * 2 + (ml >> 15) + (lo >> 15) + (t >> 15)
                        s = ptr8(channel)[_CHANNEL_RIGHT]
                        if s > 0:
                            v = (((v + (v >> 31)) >> (s - 1)) + 1) >> 1
                    else:
                        ml = channel[_CHANNEL_LOW]
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
                    v = v << wide >> wide
                    if v < low:
                        v = low
                    if v > high:
                        v = high
                    y[0] = v
                    y = ptr16(int(y) + 2)
                    channel = ptr16(int(channel) + _CHANNEL_BYTES)
                ix0 += rec[_STRIDE_W]
            iy0 += rec[_STRIDE_H]
        image += in_h * in_w * in_c * 2


kernels = {36: conv_2d_16, 37: conv_2d_16}
