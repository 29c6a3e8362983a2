"""Functions of two tensors beyond sums and products: binary, in plain ints. See ref.py for the rules."""

from .ref import _box, _i32, _output, high_mul, rounding_divide_by_pot, signed, wrap32


def binary(record, arena, constants):
    """y[i] = f(x1[i], x2[i]); f by word 29, broadcasting and words 8 to 28 as in add and mul.

    maximum_minimum.h, comparisons.h, squared_difference.cc, prelu.h, div.h.
    """
    f = record[29]
    x1 = constants if record[23] & 1 else arena
    x2 = constants if record[23] & 2 else arena
    y = record[6]
    for at1, at2 in _box(record[8:12], record[12:16], record[16:20]):
        p = x1[record[5] + at1]
        q = x2[record[7] + at2]
        if f < 2:  # the larger, the smaller raw value
            value = (min if f else max)(signed(p), signed(q)) & 0xFF
        elif f < 7:
            p = _i32(constants, record[27] + 4 * p)
            q = _i32(constants, record[28] + 4 * q)
            if f == 6:
                value = _output(record, (p - q) * (p - q), record[20], record[21], record[22])
            else:
                value = int((p == q, p != q, p < q, p <= q)[f - 2])
        elif f == 7:  # prelu
            p = signed(p) - record[27]
            if p >= 0:
                value = _output(record, p, record[20], record[21], record[22])
            else:
                value = _output(record, p * (signed(q) - record[28]), record[30], record[31], record[32])
        else:  # div: constants hold 1 / |x2 - zero point|, Q0.31 normalized, and the shift, negative where x2 is
            p = signed(p) - record[27]
            inverse = _i32(constants, record[28] + 8 * q)
            shift = _i32(constants, record[28] + 8 * q + 4)
            if shift & 256:
                p = -p
            room = 31  # copies of the sign bit
            while room and (p << room != wrap32(p << room)):
                room -= 1
            p = high_mul(high_mul(p << room, inverse), record[20])
            p = rounding_divide_by_pot(p, max(0, min(31, record[22] + (shift & 255) + room)))
            value = max(record[25], min(record[26], p + record[24])) & 0xFF
        arena[y] = value
        y += 1


kernels = {15: binary}
