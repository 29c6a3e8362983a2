"""add and mul, in viper. See viper for the rules, ref/elementwise.py for the meaning, viper/binary.py for the family's rest."""

import micropython

# words: written by python -m host_tools.record
_KERNEL = const(0)
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_DIMS = const(8)
_X1_STRIDES = const(12)
_X2_STRIDES = const(16)
_MULTIPLIER = const(20)
_LEFT_SHIFT = const(21)
_RIGHT_SHIFT = const(22)
_FLAGS = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_TABLE1_OFFSET = const(27)
_X1_ZERO_POINT = const(27)
_TABLE2_OFFSET = const(28)
_X2_ZERO_POINT = const(28)
# end of words
_ADD = const(7)  # kernel id


@micropython.viper
def pairwise(x1: ptr8, x2: ptr8, constants: ptr8):
    """See ref.elementwise.add and mul. The arguments are record, arena, constants.

    One function for both: requantize is most of the time and most of the size.
    """
    rec = ptr32(x1)
    arena = int(x2)
    y = ptr8(arena + rec[_Y_OFFSET])
    at1 = arena
    if rec[_FLAGS] & _X_CONSTANT:
        at1 = int(constants)
    at1 += rec[_X_OFFSET]
    at2 = arena
    if rec[_FLAGS] & _X2_CONSTANT:
        at2 = int(constants)
    at2 += rec[_X2_OFFSET]
    is_add = 0
    z1 = 0
    z2 = 0
    table1 = ptr32(constants)
    table2 = ptr32(constants)
    if rec[_KERNEL] == _ADD:
        is_add = 1
        table1 = ptr32(int(constants) + rec[_TABLE1_OFFSET])
        table2 = ptr32(int(constants) + rec[_TABLE2_OFFSET])
    else:
        z1 = (rec[_X1_ZERO_POINT] + 128) & 255
        z2 = (rec[_X2_ZERO_POINT] + 128) & 255
    step1 = rec[_X1_STRIDES + 3]
    step2 = rec[_X2_STRIDES + 3]
    left = rec[_LEFT_SHIFT]
    right = rec[_RIGHT_SHIFT]
    mh = rec[_MULTIPLIER]
    ml = mh & 0xFFFF
    mh >>= 16
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    i0 = 0
    while i0 < rec[_DIMS]:
        i1 = 0
        while i1 < rec[_DIMS + 1]:
            i2 = 0
            while i2 < rec[_DIMS + 2]:
                p1 = at1 + i0 * rec[_X1_STRIDES] + i1 * rec[_X1_STRIDES + 1] + i2 * rec[_X1_STRIDES + 2]
                p2 = at2 + i0 * rec[_X2_STRIDES] + i1 * rec[_X2_STRIDES + 1] + i2 * rec[_X2_STRIDES + 2]
                i3 = rec[_DIMS + 3]
                while i3 > 0:
                    i3 -= 1
                    x1 = ptr8(p1)
                    x2 = ptr8(p2)
                    p1 += step1
                    p2 += step2
                    if is_add:
                        a = (table1[x1[0]] + table2[x2[0]]) << left << wide >> wide
                    else:
                        a = (((x1[0] ^ 128) - z1) * ((x2[0] ^ 128) - z2)) << left << wide >> wide
                    # requantize; x1 and x2 are a's halves and what comes of them
                    x1 = ptr8(a & 0xFFFF)
                    x2 = ptr8(a >> 16)
                    t = ((int(x1) * ml) >> 16) & 0xFFFF
                    x1 = ptr8(int(x1) * mh)
                    a = ml * int(x2)
                    t += (a & 0x7FFF) + (int(x1) & 0x7FFF) + 0x4000
                    x2 = ptr8(int(x2) * mh * 2 + (a >> 15) + (int(x1) >> 15) + (t >> 15))
                    if right > 0:
                        x2 = ptr8((((int(x2) + (int(x2) >> 31)) >> (right - 1)) + 1) >> 1)
                    x2 = ptr8((int(x2) + y_zero) << wide >> wide)
                    if int(x2) < low:
                        x2 = ptr8(low)
                    if int(x2) > high:
                        x2 = ptr8(high)
                    y[0] = int(x2)
                    y = ptr8(int(y) + 1)
                i2 += 1
            i1 += 1
        i0 += 1


kernels = {7: pairwise, 8: pairwise}
