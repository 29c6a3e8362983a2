"""Element by element in plain ints: add, mul, binary, select. See ref for the rules."""

from . import _box, _i32, _output, high_mul, rounding_divide_by_pot, signed, wrap32

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
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
_INVERSES_OFFSET = const(28)
_TABLE2_OFFSET = const(28)
_X2_ZERO_POINT = const(28)
_FUNCTION = const(29)
_NEGATIVE_MULTIPLIER = const(30)
_NEGATIVE_LEFT_SHIFT = const(31)
_NEGATIVE_RIGHT_SHIFT = const(32)
# end of words
# The word function; equal, not equal, less, less or equal lie side by side.
_MINIMUM = const(1)  # 0: the maximum
_EQUAL = const(2)
_SQUARED_DIFFERENCE = const(6)
_PRELU = const(7)  # 8: div


def _pairwise(record, arena, constants, combine):
    flags = record[_FLAGS]
    x1 = constants if flags & _X_CONSTANT else arena
    x2 = constants if flags & _X2_CONSTANT else arena
    y = record[_Y_OFFSET]
    for at1, at2 in _box(record, _X1_STRIDES, _X2_STRIDES):
        acc = combine(x1[record[_X_OFFSET] + at1], x2[record[_X2_OFFSET] + at2])
        arena[y] = _output(record, acc, record[_MULTIPLIER], record[_LEFT_SHIFT], record[_RIGHT_SHIFT])
        y += 1


def add(record, arena, constants):
    """y = eq. (3) of table1[x1] + table2[x2]; the tables hold the rescaled operands. integer_ops/add.h AddFunc."""
    t1, t2 = record[_TABLE1_OFFSET], record[_TABLE2_OFFSET]
    _pairwise(record, arena, constants, lambda a, b: _i32(constants, t1 + 4 * a) + _i32(constants, t2 + 4 * b))


def mul(record, arena, constants):
    """y = eq. (3) of (x1 - zero_point1) * (x2 - zero_point2). integer_ops/mul.h MulElementwise."""
    z1, z2 = record[_X1_ZERO_POINT], record[_X2_ZERO_POINT]
    _pairwise(record, arena, constants, lambda a, b: (signed(a) - z1) * (signed(b) - z2))


def binary(record, arena, constants):
    """y[i] = f(x1[i], x2[i]); f by the word function, strides and requantization as in add and mul.

    maximum_minimum.h, comparisons.h, squared_difference.cc, prelu.h, div.h.
    """
    f = record[_FUNCTION]
    x1 = constants if record[_FLAGS] & _X_CONSTANT else arena
    x2 = constants if record[_FLAGS] & _X2_CONSTANT else arena
    y = record[_Y_OFFSET]
    for at1, at2 in _box(record, _X1_STRIDES, _X2_STRIDES):
        p = x1[record[_X_OFFSET] + at1]
        q = x2[record[_X2_OFFSET] + at2]
        if f < _EQUAL:  # the larger, the smaller raw value
            value = (min if f == _MINIMUM else max)(signed(p), signed(q)) & 0xFF
        elif f <= _SQUARED_DIFFERENCE:
            p = _i32(constants, record[_TABLE1_OFFSET] + 4 * p)
            q = _i32(constants, record[_TABLE2_OFFSET] + 4 * q)
            if f == _SQUARED_DIFFERENCE:
                value = _output(
                    record, (p - q) * (p - q), record[_MULTIPLIER], record[_LEFT_SHIFT], record[_RIGHT_SHIFT]
                )
            else:
                value = int((p == q, p != q, p < q, p <= q)[f - _EQUAL])
        elif f == _PRELU:
            p = signed(p) - record[_X1_ZERO_POINT]
            if p >= 0:
                value = _output(record, p, record[_MULTIPLIER], record[_LEFT_SHIFT], record[_RIGHT_SHIFT])
            else:
                value = _output(
                    record,
                    p * (signed(q) - record[_X2_ZERO_POINT]),
                    record[_NEGATIVE_MULTIPLIER],
                    record[_NEGATIVE_LEFT_SHIFT],
                    record[_NEGATIVE_RIGHT_SHIFT],
                )
        else:  # div: constants hold 1 / |x2 - zero point|, Q0.31 normalized, and the shift, negative where x2 is
            p = signed(p) - record[_X1_ZERO_POINT]
            inverse = _i32(constants, record[_INVERSES_OFFSET] + 8 * q)
            shift = _i32(constants, record[_INVERSES_OFFSET] + 8 * q + 4)
            if shift & 256:
                p = -p
            room = 31  # copies of the sign bit
            while room and (p << room != wrap32(p << room)):
                room -= 1
            p = high_mul(high_mul(p << room, inverse), record[_MULTIPLIER])
            p = rounding_divide_by_pot(p, max(0, min(31, record[_RIGHT_SHIFT] + (shift & 255) + room)))
            value = max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], p + record[_Y_ZERO_POINT])) & 0xFF
        arena[y] = value
        y += 1


def select(record, arena, constants):
    """y[i] = x[i] where condition[i] is not 0; elsewhere y stays. SELECT_V2 is a copy and a select. select.h."""
    source = constants if record[_FLAGS] & _X_CONSTANT else arena
    condition = constants if record[_FLAGS] & _X2_CONSTANT else arena
    y = record[_Y_OFFSET]
    for at, if_at in _box(record, _X1_STRIDES, _X2_STRIDES):
        if condition[record[_X2_OFFSET] + if_at]:
            arena[y] = source[record[_X_OFFSET] + at]
        y += 1


kernels = {7: add, 8: mul, 15: binary, 16: select}
