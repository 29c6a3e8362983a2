"""BATCH_MATMUL of int8 and int16, in viper. See viper for the rules, ref/matmul.py for the meaning, viper/conv.py for eq. (2),
viper/int16_conv.py for eq. (6)."""

import micropython

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_BATCHES = const(8)
_ROWS = const(11)
_COLUMNS = const(12)
_DEPTH = const(13)
_X1_STRIDES = const(14)
_X2_STRIDES = const(19)
_FLAGS = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_X1_ZERO_POINT = const(27)
_X2_ZERO_POINT = const(28)
_MULTIPLIER = const(29)
_SHIFTS = const(30)
_X2_DEPTH_STRIDE = const(31)
# end of words
_INT16 = const(4)  # bit of flags


@micropython.viper
def batch_matmul(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.matmul.batch_matmul. The arguments are record, arena, constants."""
    rec = ptr32(x)
    y = int(acc) + rec[_Y_OFFSET]
    at = int(acc)
    if rec[_FLAGS] & _X_CONSTANT:
        at = int(w)
    at += rec[_X_OFFSET]
    bt = int(acc)
    if rec[_FLAGS] & _X2_CONSTANT:
        bt = int(w)
    bt += rec[_X2_OFFSET]
    is16 = rec[_FLAGS] & _INT16
    depth = rec[_DEPTH]
    step1 = rec[_X1_STRIDES + 4]
    step2 = rec[_X2_DEPTH_STRIDE]
    zero1 = (rec[_X1_ZERO_POINT] + 128) & 255
    zero2 = (rec[_X2_ZERO_POINT] + 128) & 255
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    left = rec[_SHIFTS] & 0xFF
    right = rec[_SHIFTS] >> 8
    b0 = 0
    while b0 < rec[_BATCHES]:
        b1 = 0
        while b1 < rec[_BATCHES + 1]:
            b2 = 0
            while b2 < rec[_BATCHES + 2]:
                i = 0
                while i < rec[_ROWS]:
                    j = 0
                    while j < rec[_COLUMNS]:
                        x = ptr8(
                            at
                            + b0 * rec[_X1_STRIDES]
                            + b1 * rec[_X1_STRIDES + 1]
                            + b2 * rec[_X1_STRIDES + 2]
                            + i * rec[_X1_STRIDES + 3]
                        )
                        w = ptr8(
                            bt
                            + b0 * rec[_X2_STRIDES]
                            + b1 * rec[_X2_STRIDES + 1]
                            + b2 * rec[_X2_STRIDES + 2]
                            + j * rec[_X2_STRIDES + 3]
                        )
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
                            ml = rec[_MULTIPLIER]
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
                            mh = rec[_MULTIPLIER]
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


kernels = {33: batch_matmul}
