"""Fully connected with weights in twos, in viper. See viper.py for the rules, ref.py for the meaning, viper_conv.py for
requantize."""

import micropython


@micropython.viper
def fully_connected(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.fully_connected. The arguments are record, arena, constants.

    Of even inputs x * (w' - 128), of odd ones (x - 127) * w; x and w are two's complement.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    row = arena + rec[5]
    y = ptr8(arena + rec[6])
    size = rec[11]
    outputs = rec[14]
    skip = 0
    if rec[32] > 0:
        skip = rec[32] - outputs
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    channels_end = constants + rec[28] + 12 * outputs
    rows = rec[9]
    while rows > 0:
        rows -= 1
        end = row + (size & -2)
        weights = constants + rec[27]
        channel = ptr16(constants + rec[28])
        while int(channel) < channels_end:
            x = ptr8(row)
            w = ptr8(weights)
            acc = ptr8(ptr32(channel)[0])
            while int(x) < end:
                acc = ptr8(((x[0] ^ 128) - 128) * (w[0] - 128) + int(acc))
                acc = ptr8(((x[1] ^ 128) - 255) * ((w[1] ^ 128) - 128) + int(acc))
                x = ptr8(int(x) + 2)
                w = ptr8(int(w) + 2)
            if size & 1:
                acc = ptr8(((x[0] ^ 128) - 128) * (w[0] - 128) + int(acc))
            weights += (size + 15) & -16
            # requantize
            a = int(acc) << ptr8(channel)[8] << wide >> wide
            x = ptr8(a & 0xFFFF)
            acc = ptr8(a >> 16)
            ml = channel[2]
            mh = channel[3]
            t = ((int(x) * ml) >> 16) & 0xFFFF
            x = ptr8(int(x) * mh)
            ml *= int(acc)
            t += (ml & 0x7FFF) + (int(x) & 0x7FFF) + 0x4000
            acc = ptr8(int(acc) * mh * 2 + (ml >> 15) + (int(x) >> 15) + (t >> 15))
            v = ptr8(channel)[9]
            if v > 0:
                acc = ptr8((((int(acc) + (int(acc) >> 31)) >> (v - 1)) + 1) >> 1)
            acc = ptr8((int(acc) + y_zero) << wide >> wide)
            if int(acc) < low:
                acc = ptr8(low)
            if int(acc) > high:
                acc = ptr8(high)
            y[0] = int(acc)
            y = ptr8(int(y) + 1)
            channel = ptr16(int(channel) + 12)
        row += size
        y = ptr8(int(y) + skip)


kernels = {3: fully_connected}
