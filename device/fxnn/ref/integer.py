"""Running sums of int8, and arithmetic with whole numbers of 16 and 32 bits, in plain ints. See ref for the rules."""

from . import _box, _i32, _output, put16, s16, signed, wrap32

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_A = const(8)
_C = const(10)
_MODE = const(11)
_X1_STRIDES = const(12)
_MULTIPLIER = const(14)
_LEFT_SHIFT = const(15)
_RIGHT_SHIFT = const(16)
_X2_STRIDES = const(16)
_X_ZERO_POINT = const(18)
_FLAGS = const(23)
_FUNCTION = const(29)
_ELEMENT_BYTES = const(30)
# end of words
# Bits of the word mode.
_WITHOUT_ITSELF = const(1)
_FROM_END = const(2)
# The word function; equal, not equal, less, less or equal lie side by side, as do sum, difference, product.
_MINIMUM = const(1)  # 0: the maximum
_EQUAL = const(2)
_SQUARED_DIFFERENCE = const(6)
_SUM = const(7)
_QUOTIENT = const(10)


def cumsum(record, arena, constants):
    """y[a, i, c] = eq. (3) of the sum of x[a, k, c] - x_zero_point, k up to i, less one x_zero_point. mode: without
    x[a, i, c] itself, from the end. reference/cumsum.h."""
    a, n, c = record[_A : _C + 1]
    zero = record[_X_ZERO_POINT]
    for line in range(a * c):
        at = line // c * n * c + line % c
        step = c
        if record[_MODE] & _FROM_END:
            at += (n - 1) * c
            step = -c
        acc = -zero
        for _ in range(n):
            x = signed(arena[record[_X_OFFSET] + at]) - zero
            if record[_MODE] & _WITHOUT_ITSELF:
                x, acc = acc, acc + x
            else:
                x = acc = acc + x
            arena[record[_Y_OFFSET] + at] = _output(
                record, x, record[_MULTIPLIER], record[_LEFT_SHIFT], record[_RIGHT_SHIFT]
            )
            at += step


def _quotient(a, b):
    """C's division, towards zero; 0 where b is 0, at which TFLM stops."""
    q = abs(a) // abs(b) if b else 0
    return -q if (a < 0) != (b < 0) else q


def numbers(record, arena, constants):
    """y[i] = f(x1[i], x2[i]) of int16 or int32, f by the word function, modulo 2^32 or as a bool."""
    f, item = record[_FUNCTION], record[_ELEMENT_BYTES]
    x1 = constants if record[_FLAGS] & _X_CONSTANT else arena
    x2 = constants if record[_FLAGS] & _X2_CONSTANT else arena
    load = s16 if item == 2 else _i32
    y = record[_Y_OFFSET]
    for at1, at2 in _box(record, _X1_STRIDES, _X2_STRIDES):
        p = load(x1, record[_X_OFFSET] + at1)
        q = load(x2, record[_X2_OFFSET] + at2)
        if f < _EQUAL:
            v = min(p, q) if f == _MINIMUM else max(p, q)
        elif f < _SQUARED_DIFFERENCE:
            arena[y] = int((p == q, p != q, p < q, p <= q)[f - _EQUAL])
            y += 1
            continue
        elif f == _SQUARED_DIFFERENCE:
            v = (p - q) * (p - q)
        else:
            v = _quotient(p, q) if f == _QUOTIENT else (p + q, p - q, p * q)[f - _SUM]
        put16(arena, y, v)
        if item == 4:
            put16(arena, y + 2, wrap32(v) >> 16)
        y += item


kernels = {45: cumsum, 46: numbers}
