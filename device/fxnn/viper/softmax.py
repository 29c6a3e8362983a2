"""Softmax, in viper. See viper for the rules, ref for the meaning, viper/conv.py for the products."""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_ROWS = const(8)
_DEPTH = const(9)
_TABLE_COUNT = const(10)
_TABLE_OFFSET = const(11)
# end of words


@micropython.viper
def softmax(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.softmax.softmax. The arguments are record, arena, constants. y may lie over x.

    Needs table[0] > 0, so that total is positive: it is exp(0) = 2^31 - 1.
    """
    rec = ptr32(x)
    arena = int(y)
    at = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    rows = rec[_ROWS]
    depth = rec[_DEPTH]
    count = rec[_TABLE_COUNT]
    table = ptr32(int(constants) + rec[_TABLE_OFFSET])
    while rows > 0:
        rows -= 1
        end = at + depth
        top = 0
        x = ptr8(at)
        while int(x) < end:
            if x[0] ^ 128 > top:
                top = x[0] ^ 128
            x = ptr8(int(x) + 1)
        total = 0
        x = ptr8(at)
        while int(x) < end:
            d = top - (x[0] ^ 128)
            if d < count:
                d = table[d]
                total += (d >> 12) + ((d >> 11) & 1)
            x = ptr8(int(x) + 1)
        # exponent = 31 - 8 + 12 - clz(total); total normalized to Q0.31 in [1/2, 1)
        exponent = 34
        while total >> 30 == 0 and exponent > 0:
            total <<= 1
            exponent -= 1
        # Seven high products a * b: v = 48/17 - 32/17 * total, then three times v += v * (1 - v * total), Q2.29.
        v = 0x5A5A
        v = (v << 16) + v
        a = -0x3C3C3C3C
        b = total
        step = 0
        while step < 7:
            al = a & 0xFFFF
            ah = (((a >> 16) & 0xFFFF) ^ 0x8000) - 0x8000
            mh = b >> 16
            ml = b & 0xFFFF
            t = ((al * ml) >> 16) & 0xFFFF
            al *= mh
            ml *= ah
            a = ah * mh * 2 + (ml >> 15) + (al >> 15) + (((ml & 0x7FFF) + (al & 0x7FFF) + t + 0x4000) >> 15)
            if step & 1:
                a = 0x20000000 - a
                b = v
            else:
                if step > 0:
                    a <<= 2
                v += a
                a = v
                b = total
            step += 1
        # 1 / total in Q0.31, saturated
        v <<= 1
        mh = (v >> 16) & 0xFFFF
        ml = v & 0xFFFF
        if mh >> 15:
            mh = 0x7FFF
            ml = 0xFFFF
        if exponent > 31:
            exponent = 31
            mh = 0
            ml = 0
        x = ptr8(at)
        while int(x) < end:
            d = top - (x[0] ^ 128)
            v = 0
            if d < count:
                v = table[d]
                al = v & 0xFFFF
                ah = v >> 16
                t = ((al * ml) >> 16) & 0xFFFF
                al *= mh
                d = ah * ml
                v = ah * mh * 2 + (d >> 15) + (al >> 15) + (((d & 0x7FFF) + (al & 0x7FFF) + t + 0x4000) >> 15)
                v = (v >> exponent) + ((v >> (exponent - 1)) & 1)
                if v > 255:
                    v = 255
            y[0] = v - 128
            y = ptr8(int(y) + 1)
            x = ptr8(int(x) + 1)
        at += depth


kernels = {10: softmax}
