"""TRANSPOSE_CONV and BATCH_MATMUL, of int8 and int16, in viper. See viper.py for the rules, ref_matmul.py for the meaning,
viper_conv.py for eq. (2), viper_wide_conv.py for eq. (6)."""

import micropython


@micropython.viper
def transpose_conv(x: ptr8, acc: ptr8, w: ptr8):
    """See ref_matmul.transpose_conv. The arguments are record, arena, constants.

    The taps that meet an input start at (oy + pad_top) % stride_h and are stride_h apart, while iy goes down by one.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    image = arena + rec[5]
    y = arena + rec[6]
    in_h = rec[9]
    in_w = rec[10]
    in_c = rec[11]
    kernel_h = rec[15]
    kernel_w = rec[16]
    stride_h = rec[17]
    stride_w = rec[18]
    zero = (rec[23] + 128) & 255
    is16 = rec[29]
    entry = 12
    pixel = in_c
    if is16:
        entry = 16
        pixel = in_c * 2
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    channels_end = constants + rec[28] + entry * rec[14]
    n = rec[8]
    while n > 0:
        n -= 1
        oy = 0
        while oy < rec[12]:
            first_iy = (oy + rec[21]) // stride_h
            first_ky = oy + rec[21] - first_iy * stride_h
            ox = 0
            while ox < rec[13]:
                first_ix = (ox + rec[22]) // stride_w
                first_kx = ox + rec[22] - first_ix * stride_w
                weights = constants + rec[27]
                channel = ptr16(constants + rec[28])
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


@micropython.viper
def batch_matmul(x: ptr8, acc: ptr8, w: ptr8):
    """See ref_matmul.batch_matmul. The arguments are record, arena, constants."""
    rec = ptr32(x)
    y = int(acc) + rec[6]
    at = int(acc)
    if rec[23] & 1:
        at = int(w)
    at += rec[5]
    bt = int(acc)
    if rec[23] & 2:
        bt = int(w)
    bt += rec[7]
    is16 = rec[23] & 4
    depth = rec[13]
    step1 = rec[18]
    step2 = rec[31]
    zero1 = (rec[27] + 128) & 255
    zero2 = (rec[28] + 128) & 255
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    left = rec[30] & 0xFF
    right = rec[30] >> 8
    b0 = 0
    while b0 < rec[8]:
        b1 = 0
        while b1 < rec[9]:
            b2 = 0
            while b2 < rec[10]:
                i = 0
                while i < rec[11]:
                    j = 0
                    while j < rec[12]:
                        x = ptr8(at + b0 * rec[14] + b1 * rec[15] + b2 * rec[16] + i * rec[17])
                        w = ptr8(bt + b0 * rec[19] + b1 * rec[20] + b2 * rec[21] + j * rec[22])
                        k = depth
                        lo = 0
                        hi = 0
                        acc = ptr8(0)
                        if is16:
                            while k > 0:
                                k -= 1
                                a = ((ptr16(x)[0] ^ 0x8000) - 0x8000) * ((ptr16(w)[0] ^ 0x8000) - 0x8000)
                                lo += a & 0xFFFF
                                hi += a >> 16
                                x = ptr8(int(x) + step1)
                                w = ptr8(int(w) + step2)
                            hi += lo >> 16
                            lo &= 0xFFFF
                            ml = rec[29]
                            s = left
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
                            while k > 0:
                                k -= 1
                                acc = ptr8(((x[0] ^ 128) - zero1) * ((w[0] ^ 128) - zero2) + int(acc))
                                x = ptr8(int(x) + step1)
                                w = ptr8(int(w) + step2)
                            a = int(acc) << left << wide >> wide
                            lo = a & 0xFFFF
                            hi = a >> 16
                            mh = rec[29]
                            ml = mh & 0xFFFF
                            mh >>= 16
                            t = ((lo * ml) >> 16) & 0xFFFF
                            lo *= mh
                            ml *= hi
                            t += (ml & 0x7FFF) + (lo & 0x7FFF) + 0x4000
                            v = hi * mh * 2 + (ml >> 15) + (lo >> 15) + (t >> 15)
                            if right > 0:
                                v = (((v + (v >> 31)) >> (right - 1)) + 1) >> 1
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
                        j += 1
                    i += 1
                b2 += 1
            b1 += 1
        b0 += 1


kernels = {32: transpose_conv, 33: batch_matmul}
