"""LOG_SOFTMAX, L2_NORMALIZATION and RSQRT of int16 in viper. See viper for the rules, ref/rows.py for the meaning."""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_ROWS = const(8)
_DEPTH = const(9)
_TABLE_COUNT = const(10)
_TABLE_OFFSET = const(11)
_DIFF_OFFSET = const(12)
_PROGRAM_COUNT = const(13)
_PROGRAM_OFFSET = const(14)
_VALUES_OFFSET = const(15)
_FUNCTION = const(17)
_X_ZERO_POINT = const(18)
# end of words
_RSQRT = const(2)  # the word function; 0: log_softmax, 1: l2_normalization
# Instructions of a program.
_HIGH_MUL = const(0)
_PLUS = const(1)
_MINUS = const(2)
_RIGHT = const(4)  # by the number b, rounded
_VALUE = const(5)
_ZEROS = const(6)  # leading
_SHIFT = const(7)  # by register b, saturated; to the right where it is negative
_MIN = const(8)
_MAX = const(9)
_HALF_SUM = const(10)
_SKIP = const(11)  # d instructions, where a > b


@micropython.viper
def rows(a: ptr8, b: ptr8, constants: ptr8):
    """See ref.rows.rows. The arguments are record, arena, constants.

    The registers are words of scratch. high_mul is written out twice: in the program, and once an element.
    """
    rec = ptr32(a)
    arena = int(b)
    r = ptr32(arena + rec[_SCRATCH_OFFSET])
    exps = ptr32(int(constants) + rec[_TABLE_OFFSET])
    diffs = ptr32(int(constants) + rec[_DIFF_OFFSET])
    values = ptr32(int(constants) + rec[_VALUES_OFFSET])
    depth = rec[_DEPTH]
    count = rec[_TABLE_COUNT]
    zero = ((rec[_X_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    largest = 1
    largest = (largest << 30) - 1 + (largest << 30)
    x = arena + rec[_X_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    row = rec[_ROWS]
    while row > 0:
        row -= 1
        end = x + depth
        top = 0
        total = 0
        a = ptr8(x)
        if rec[_FUNCTION] == _RSQRT:
            total = (ptr16(x)[0] ^ 0x8000) - 0x8000
            a = ptr8(end)
        while int(a) < end:
            if rec[_FUNCTION]:
                t = (a[0] ^ 128) - 128 - zero
                total += t * t
            elif a[0] ^ 128 > top:
                top = a[0] ^ 128
            a = ptr8(int(a) + 1)
        if not rec[_FUNCTION]:
            a = ptr8(x)
            while int(a) < end:
                t = top - (a[0] ^ 128)
                if t < count:
                    # not negative: RoundingDivideByPOT by 12 is this
                    total += ((exps[t] >> 11) + 1) >> 1
                a = ptr8(int(a) + 1)
        i = 1
        while i < 16:
            r[i] = 0
            i += 1
        r[0] = total
        code = ptr8(int(constants) + rec[_PROGRAM_OFFSET])
        stop = int(code) + (rec[_PROGRAM_COUNT] << 2)
        while int(code) < stop:
            op = code[0]
            d = code[1]
            t = code[2]
            n = code[3]
            code = ptr8(int(code) + 4)
            v = r[t & 15] << wide >> wide
            w = r[n & 15] << wide >> wide
            if op == _SKIP:
                if v > w:
                    code = ptr8(int(code) + (d << 2))
                continue
            if op == _HIGH_MUL:
                a = ptr8(v & 0xFFFF)
                b = ptr8(v >> 16)
                ml = w & 0xFFFF
                w >>= 16
                t = int(a) * ml
                # unsigned halves: of the low product the upper 16 bits, of a * w all 32 with w's sign
                t = (t >> 16) & 0xFFFF
                a = ptr8(int(a) * w)
                ml *= int(b)
                t += (ml & 0x7FFF) + (int(a) & 0x7FFF) + 0x4000
                v = int(b) * w * 2 + (ml >> 15) + (int(a) >> 15) + (t >> 15)
            elif op == _PLUS:
                v += w
            elif op == _MINUS:
                v -= w
            elif op == _VALUE:
                v = values[t]
            elif op == _ZEROS:
                n = 32
                while v:
                    v = (v >> 1) & largest
                    n -= 1
                v = n
            elif op == _MIN:
                if w < v:
                    v = w
            elif op == _MAX:
                if w > v:
                    v = w
            elif op == _HALF_SUM:
                # (v + w) / 2, halves away from zero; the sum may need 33 bits
                t = (v & 1) + (w & 1)
                n = (v >> 1) + (w >> 1)
                if n >= 0:
                    v = n + ((t + 1) >> 1)
                elif n < 0 - 1 or t < 2:
                    v = n + (t >> 1)
                else:
                    v = 0
            elif op == _RIGHT:
                if n > 0:
                    v = (((v + (v >> 31)) >> (n - 1)) + 1) >> 1
            else:
                if op == _SHIFT:
                    n = w
                if n < 0:
                    v >>= 0 - n
                else:
                    t = v << n << wide >> wide
                    if t >> n != v:
                        t = largest
                        if v < 0:
                            t = 0 - largest - 1
                    v = t
            r[d & 15] = v
        result = r[1] << wide >> wide
        if rec[_FUNCTION] == _RSQRT:
            ptr16(y)[0] = result
            y = ptr8(int(y) + 2)
            x = end
        left = 7 - (r[2] << wide >> wide)
        right = 0
        if left < 0:
            right = 0 - left
            left = 0
        mh = result >> 16
        while x < end:
            a = ptr8(x)
            v = 0 - 128
            if rec[_FUNCTION]:
                v = ((a[0] ^ 128) - 128 - zero) << left << wide >> wide
                ml = result & 0xFFFF
                a = ptr8(v & 0xFFFF)
                b = ptr8(v >> 16)
                t = ((int(a) * ml) >> 16) & 0xFFFF
                a = ptr8(int(a) * mh)
                ml *= int(b)
                t += (ml & 0x7FFF) + (int(a) & 0x7FFF) + 0x4000
                v = int(b) * mh * 2 + (ml >> 15) + (int(a) >> 15) + (t >> 15)
                if right > 0:
                    v = (((v + (v >> 31)) >> (right - 1)) + 1) >> 1
            else:
                t = top - (a[0] ^ 128)
                if t < count:
                    v = ((diffs[t] << wide >> wide) - result) << wide >> wide
                    v = ((((v + (v >> 31)) >> 21) + 1) >> 1) + 127
            if v < 0 - 128:
                v = 0 - 128
            if v > 127:
                v = 127
            y[0] = v
            y = ptr8(int(y) + 1)
            x += 1


kernels = {18: rows}
