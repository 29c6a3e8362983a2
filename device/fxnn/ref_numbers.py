"""Running sums of int8, and arithmetic with whole numbers of 16 and 32 bits, in plain ints. See ref.py for the rules."""

from .ref import _box, _i32, _output, signed, wrap32
from .ref_wide import put16, s16


def cumsum(record, arena, constants):
    """y[a, i, c] = eq. (3) of the sum of x[a, k, c] - x_zero_point, k up to i, less one x_zero_point. Word 11 a sum: 1 without
    x[a, i, c] itself, 2 from the end. reference/cumsum.h."""
    a, n, c = record[8:11]
    zero = record[18]
    for line in range(a * c):
        at = line // c * n * c + line % c
        step = c
        if record[11] & 2:
            at += (n - 1) * c
            step = -c
        acc = -zero
        for _ in range(n):
            x = signed(arena[record[5] + at]) - zero
            if record[11] & 1:
                x, acc = acc, acc + x
            else:
                x = acc = acc + x
            arena[record[6] + at] = _output(record, x, record[14], record[15], record[16])
            at += step


def _quotient(a, b):
    """C's division, towards zero; 0 where b is 0, at which TFLM stops."""
    q = abs(a) // abs(b) if b else 0
    return -q if (a < 0) != (b < 0) else q


def numbers(record, arena, constants):
    """y[i] = f(x1[i], x2[i]) of int16 or int32 (word 30: bytes), f by word 29, modulo 2^32 or as a bool."""
    f, item = record[29], record[30]
    x1 = constants if record[23] & 1 else arena
    x2 = constants if record[23] & 2 else arena
    load = s16 if item == 2 else _i32
    y = record[6]
    for at1, at2 in _box(record[8:12], record[12:16], record[16:20]):
        p = load(x1, record[5] + at1)
        q = load(x2, record[7] + at2)
        if f < 2:
            v = min(p, q) if f else max(p, q)
        elif f < 6:
            arena[y] = int((p == q, p != q, p < q, p <= q)[f - 2])
            y += 1
            continue
        elif f == 6:
            v = (p - q) * (p - q)
        else:
            v = _quotient(p, q) if f == 10 else (p + q, p - q, p * q)[f - 7]
        put16(arena, y, v)
        if item == 4:
            put16(arena, y + 2, wrap32(v) >> 16)
        y += item


kernels = {45: cumsum, 46: numbers}
