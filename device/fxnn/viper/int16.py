"""int16 activations but for convolutions, in viper. See viper for the rules, ref/int16.py for the meaning, viper/conv.py
for eq. (2)."""

import micropython

# words: written by python -m host_tools.record
_KERNEL = const(0)
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_A = const(8)
_BATCHES = const(8)
_COUNT = const(8)
_DIMS = const(8)
_ROWS = const(8)
_DEPTH = const(9)
_IN_H = const(9)
_R1 = const(9)
_SIGMOID_16_MULTIPLIER = const(9)
_X_BYTES = const(9)
_B = const(10)
_IN_W = const(10)
_SIGMOID_16_RIGHT_SHIFT = const(10)
_SOFTMAX_16_MULTIPLIER = const(10)
_Y_BYTES = const(10)
_IN_C = const(11)
_R2 = const(11)
_RESCALE_X_ZERO_POINT = const(11)
_SOFTMAX_16_LEFT_SHIFT = const(11)
_TANH = const(11)
_C = const(12)
_OUT_H = const(12)
_RESCALE_MULTIPLIER = const(12)
_SOFTMAX_16_RIGHT_SHIFT = const(12)
_TABLE_OFFSET = const(12)
_X1_STRIDES = const(12)
_EXP_OFFSET = const(13)
_OUT_W = const(13)
_RECIPROCAL_OFFSET = const(14)
_REDUCTION_MULTIPLIER = const(14)
_KERNEL_H = const(15)
_NEGATIVE_MULTIPLIER = const(15)
_KERNEL_W = const(16)
_X2_STRIDES = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_PAIRWISE_16_MULTIPLIER = const(20)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_FLAGS = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_POSITIVE_MULTIPLIER = const(27)
_X1_MULTIPLIER = const(27)
_X2_MULTIPLIER = const(28)
_X1_RIGHT_SHIFT = const(29)
_X2_RIGHT_SHIFT = const(30)
_FUNCTION = const(31)
# end of words
# Kernel ids.
_MAX_POOL = const(38)
_MEAN = const(40)
# The word function.
_PRODUCT = const(0)
_SUM = const(1)
_DIFFERENCE = const(2)
_SQUARED_DIFFERENCE = const(3)
_PRELU = const(4)


@micropython.viper
def pool_2d_16(x: ptr16, acc: ptr8, constants: ptr8):
    """See ref.int16.max_pool_2d_16 and average_pool_2d_16. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    image = arena + rec[_X_OFFSET]
    y = ptr16(arena + rec[_Y_OFFSET])
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    x_row = in_w * in_c * 2
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
                pixel = image + iy * x_row + ix * in_c * 2
                c = in_c
                while c > 0:
                    c -= 1
                    row = pixel
                    ky_left = ky
                    total = 0
                    best = 0
                    while ky_left > 0:
                        ky_left -= 1
                        x = ptr16(row)
                        kx_left = kx
                        while kx_left > 0:
                            kx_left -= 1
                            v = x[0] ^ 0x8000
                            total += v - 0x8000
                            if v > best:
                                best = v
                            x = ptr16(int(x) + in_c * 2)
                        row += x_row
                    if rec[_KERNEL] == _MAX_POOL:
                        v = best - 0x8000
                    elif total < 0:
                        v = 0 - ((count >> 1) - total) // count
                    elif count > 0:
                        v = ((count >> 1) + total) // count
                    else:
                        v = 0
                    if v < low:
                        v = low
                    if v > high:
                        v = high
                    y[0] = v
                    y = ptr16(int(y) + 2)
                    pixel += 2
                ix0 += rec[_STRIDE_W]
            iy0 += rec[_STRIDE_H]
        image += in_h * x_row


@micropython.viper
def pairwise_16(x1: ptr16, x2: ptr16, constants: ptr8):
    """See ref.int16.pairwise_16. The arguments are record, arena, constants.

    Three rescalings at most: of x1, of x2 and of what comes of them, by the same instructions.
    """
    rec = ptr32(x1)
    y = ptr16(int(x2) + rec[_Y_OFFSET])
    at1 = int(x2)
    if rec[_FLAGS] & _X_CONSTANT:
        at1 = int(constants)
    at1 += rec[_X_OFFSET]
    at2 = int(x2)
    if rec[_FLAGS] & _X2_CONSTANT:
        at2 = int(constants)
    at2 += rec[_X2_OFFSET]
    kind = rec[_FUNCTION]
    up = 15
    if kind == _SQUARED_DIFFERENCE:
        up = 0
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    i0 = 0
    while i0 < rec[_DIMS]:
        i1 = 0
        while i1 < rec[_DIMS + 1]:
            i2 = 0
            while i2 < rec[_DIMS + 2]:
                x1 = ptr16(at1 + i0 * rec[_X1_STRIDES] + i1 * rec[_X1_STRIDES + 1] + i2 * rec[_X1_STRIDES + 2])
                x2 = ptr16(at2 + i0 * rec[_X2_STRIDES] + i1 * rec[_X2_STRIDES + 1] + i2 * rec[_X2_STRIDES + 2])
                i3 = rec[_DIMS + 3]
                while i3 > 0:
                    i3 -= 1
                    a = (x1[0] ^ 0x8000) - 0x8000
                    b = (x2[0] ^ 0x8000) - 0x8000
                    x1 = ptr16(int(x1) + rec[_X1_STRIDES + 3])
                    x2 = ptr16(int(x2) + rec[_X2_STRIDES + 3])
                    step = 0
                    first = 0
                    factors = _PAIRWISE_16_MULTIPLIER  # and both shifts: the next two words
                    if kind == _PRODUCT:
                        a *= b
                        step = 2
                    if kind == _PRELU:
                        step = 2
                        factors = _POSITIVE_MULTIPLIER
                        if a < 0:
                            a *= b
                            factors = _PAIRWISE_16_MULTIPLIER  # and both shifts: the next two words
                    while step < 3:
                        if step == 0:
                            m = rec[_X1_MULTIPLIER]
                            right = rec[_X1_RIGHT_SHIFT]
                            a <<= up
                        elif step == 1:
                            m = rec[_X2_MULTIPLIER]
                            right = rec[_X2_RIGHT_SHIFT]
                            first = a
                            a = b << up
                        else:
                            if kind == _SUM:
                                a = first + a
                            elif kind == _DIFFERENCE or kind == _SQUARED_DIFFERENCE:
                                a = first - a
                            if kind == _SQUARED_DIFFERENCE:
                                a *= a
                            m = rec[factors]
                            right = rec[factors + 2]
                            a = a << rec[factors + 1] << wide >> wide
                        al = a & 0xFFFF
                        ah = a >> 16
                        ml = m & 0xFFFF
                        m >>= 16
                        t = ((al * ml) >> 16) & 0xFFFF
                        al *= m
                        ml *= ah
                        t += (ml & 0x7FFF) + (al & 0x7FFF) + 0x4000
                        a = ah * m * 2 + (ml >> 15) + (al >> 15) + (t >> 15)
                        if right > 0:
                            a = (((a + (a >> 31)) >> (right - 1)) + 1) >> 1
                        step += 1
                    a = a << wide >> wide
                    if a < low:
                        a = low
                    if a > high:
                        a = high
                    y[0] = a
                    y = ptr16(int(y) + 2)
                i2 += 1
            i1 += 1
        i0 += 1


@micropython.viper
def rescale(x: ptr16, y: ptr16, constants: ptr8):
    """See ref.int16.rescale and ref.int16.mean_16. The arguments are record, arena, constants.

    A mean is a rescaling of sums: the kernel id tells them apart.
    """
    rec = ptr32(x)
    arena = int(y)
    at = arena + rec[_X_OFFSET]
    to = arena + rec[_Y_OFFSET]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    x_bytes = 2
    y_bytes = 2
    zero = 0
    count = rec[_A] * rec[_B] * rec[_C]
    mean = 0
    if rec[_KERNEL] == _MEAN:
        mean = 1
        y_zero = 0
    else:
        x_bytes = rec[_X_BYTES]
        y_bytes = rec[_Y_BYTES]
        zero = ((rec[_RESCALE_X_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
        count = rec[_COUNT]
    ib = 0
    ic = 0
    factors = _REDUCTION_MULTIPLIER  # and both shifts: the next two words
    while count > 0:
        count -= 1
        if mean:
            a = 0
            r1 = 0
            while r1 < rec[_R1]:
                x = ptr16(at + ((r1 * rec[_B] + ib) * rec[_R2] * rec[_C] + ic) * 2)
                r2 = rec[_R2]
                while r2 > 0:
                    r2 -= 1
                    a += (x[0] ^ 0x8000) - 0x8000
                    x = ptr16(int(x) + rec[_C] * 2)
                r1 += 1
            ic += 1
            if ic == rec[_C]:
                ic = 0
                ib += 1
                if ib == rec[_B]:
                    ib = 0
                    at += rec[_R1] * rec[_B] * rec[_R2] * rec[_C] * 2
        else:
            if x_bytes == 1:
                a = (ptr8(at)[0] ^ 0x80) - 0x80 - zero
            else:
                a = (ptr16(at)[0] ^ 0x8000) - 0x8000 - zero
            at += x_bytes
            factors = _RESCALE_MULTIPLIER
            if a < 0:
                factors = _NEGATIVE_MULTIPLIER
        m = rec[factors] << wide >> wide
        a = a << rec[factors + 1] << wide >> wide
        al = a & 0xFFFF
        ah = a >> 16
        ml = m & 0xFFFF
        m >>= 16
        t = ((al * ml) >> 16) & 0xFFFF
        al *= m
        ml *= ah
        t += (ml & 0x7FFF) + (al & 0x7FFF) + 0x4000
        a = ah * m * 2 + (ml >> 15) + (al >> 15) + (t >> 15)
        m = rec[factors + 2]
        if m > 0:
            a = (((a + (a >> 31)) >> (m - 1)) + 1) >> 1
        a = (a + y_zero) << wide >> wide
        if a < low:
            a = low
        if a > high:
            a = high
        if y_bytes == 1:
            ptr8(to)[0] = a
        else:
            ptr16(to)[0] = a
        to += y_bytes


@micropython.viper
def sigmoid_16(x: ptr16, y: ptr16, constants: ptr8):
    """See ref.int16.sigmoid16, eq. (7). The arguments are record, arena, constants. y may lie over x."""
    rec = ptr32(x)
    arena = int(y)
    table = ptr16(int(constants) + rec[_TABLE_OFFSET])
    x = ptr16(arena + rec[_X_OFFSET])
    y = ptr16(arena + rec[_Y_OFFSET])
    end = int(x) + rec[_COUNT] * 2
    multiplier = rec[_SIGMOID_16_MULTIPLIER]
    shift = rec[_SIGMOID_16_RIGHT_SHIFT]
    is_tanh = rec[_TANH]
    rounding = (1 << shift) >> 1  # shift is 0 to 30
    bits = 9 - is_tanh
    while int(x) < end:
        t = (((x[0] ^ 0x8000) - 0x8000) * multiplier + rounding) >> shift
        a = t
        if a < 0:
            a = 0 - a
        i = a >> bits
        if i >= 255:
            v = 0x1FFFC00 - is_tanh * 0xFFFD00
        else:
            v = table[i]
            v = (v << bits) + (a - (i << bits)) * (table[i + 1] - v)
        if is_tanh:
            v -= 0x800000
            if t >= 0:
                v = (v + 128) >> 8
            else:
                v = (127 - v) >> 8
        elif t >= 0:
            v = (v + 512) >> 10
        else:
            v = (0x20001FF - v) >> 10
        y[0] = v
        x = ptr16(int(x) + 2)
        y = ptr16(int(y) + 2)


@micropython.viper
def softmax_16(x: ptr16, y: ptr16, constants: ptr8):
    """See ref.int16.softmax_16, eq. (8). The arguments are record, arena, constants. y may lie over x.

    y first holds the exponentials. The last element of a row is followed by one round of the loop for the reciprocal.
    """
    rec = ptr32(x)
    arena = int(y)
    at = arena + rec[_X_OFFSET]
    to = arena + rec[_Y_OFFSET]
    rows = rec[_ROWS]
    depth = rec[_DEPTH]
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    right = rec[_SOFTMAX_16_RIGHT_SHIFT]
    while rows > 0:
        rows -= 1
        end = at + depth * 2
        top = 0
        x = ptr16(at)
        while int(x) < end:
            if x[0] ^ 0x8000 > top:
                top = x[0] ^ 0x8000
            x = ptr16(int(x) + 2)
        total = 0
        shift = 0
        v = 0
        x = ptr16(at)
        y = ptr16(to)
        while int(x) <= end:
            if int(x) < end:
                table = ptr16(int(constants) + rec[_EXP_OFFSET])
                a = ((x[0] ^ 0x8000) - top) << rec[_SOFTMAX_16_LEFT_SHIFT] << wide >> wide
                al = a & 0xFFFF
                ah = a >> 16
                m = rec[_SOFTMAX_16_MULTIPLIER]
                ml = m & 0xFFFF
                m >>= 16
                t = ((al * ml) >> 16) & 0xFFFF
                al *= m
                ml *= ah
                t += (ml & 0x7FFF) + (al & 0x7FFF) + 0x4000
                a = ah * m * 2 + (ml >> 15) + (al >> 15) + (t >> 15)
                if right > 0:
                    a = (((a + (a >> 31)) >> (right - 1)) + 1) >> 1
                a = (a + 0x7FFF) << wide >> wide
            else:
                table = ptr16(int(constants) + rec[_RECIPROCAL_OFFSET])
                while total >> (shift + 15) > 0:
                    shift += 1
                a = total << (16 - shift)
                a = (a >> 14) + ((a >> 13) & 1) - 0x18000
            if a < -0x8000:
                a = -0x8000
            if a > 0x7FFF:
                a = 0x7FFF
            # the table at a, interpolated
            i = (a >> 7) + 256
            v = (table[i] ^ 0x8000) - 0x8000
            v += (((table[i + 1] ^ 0x8000) - 0x8000 - v) * (a & 127) + 64) >> 7
            if int(x) < end:
                y[0] = v
                total += v
                y = ptr16(int(y) + 2)
            x = ptr16(int(x) + 2)
        shift += 14
        y = ptr16(to)
        to += depth * 2
        while int(y) < to:
            a = (((y[0] ^ 0x8000) - 0x8000) * v + (1 << (shift - 1))) >> shift
            if a < 0:
                a = 0
            if a > 0x7FFF:
                a = 0x7FFF
            y[0] = a
            y = ptr16(int(y) + 2)
        at = end


kernels = {38: pool_2d_16, 39: pool_2d_16, 40: rescale, 41: pairwise_16, 42: rescale, 43: sigmoid_16, 44: softmax_16}
