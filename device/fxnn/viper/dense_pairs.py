"""Fully connected with weights in pairs, in viper. See viper for the rules, ref for the meaning, viper/conv.py for
requantize."""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_IN_H = const(9)
_IN_C = const(11)
_OUT_C = const(14)
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
def fully_connected(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.dense.fully_connected. The arguments are record, arena, constants.

    With x' = x + 128 and w' = w + 128, both unsigned, sum(x * w) = sum((x' - 128) * w') - 128 * sum(x') + 2^14 * inputs.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    row = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    size = rec[_IN_C]
    outputs = rec[_OUT_C]
    skip = 0
    if rec[_Y_STEP] > 0:
        skip = rec[_Y_STEP] - outputs
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    rows = rec[_IN_H]
    while rows > 0:
        rows -= 1
        end = row + size
        end2 = end - (size & 1)
        total = 0
        x = ptr8(row)
        while int(x) < end:
            total += x[0] ^ 128
            x = ptr8(int(x) + 1)
        total = (total << 7) - (size << 14)
        block = constants + rec[_WEIGHTS_OFFSET]
        left = (outputs + 1) >> 1
        o = 0
        step = 0
        channel = ptr16(constants + rec[_CHANNELS_OFFSET])
        while o < outputs:
            width = 6
            if left < 3:
                width = left << 1
            step = width << 1
            c = 0
            while c < width and o < outputs:
                x = ptr8(row)
                w = ptr8(block + (c << 1))
                acc = ptr8(ptr32(channel)[0] - total)
                while int(x) < end2:
                    acc = ptr8(((x[0] ^ 128) - 128) * w[0] + int(acc))
                    acc = ptr8(((x[1] ^ 128) - 128) * w[1] + int(acc))
                    x = ptr8(int(x) + 2)
                    w = ptr8(int(w) + step)
                if size & 1:
                    acc = ptr8(((x[0] ^ 128) - 128) * w[0] + int(acc))
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
                c += 1
                o += 1
            block += step * ((size + 1) >> 1)
            left -= 3
        row += size
        y = ptr8(int(y) + skip)


kernels = {3: fully_connected}
