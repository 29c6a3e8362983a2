"""BATCH_MATMUL in plain ints, of int8 and int16. See ref for the rules."""

from . import _output, output16, s16, signed

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_BATCHES = const(8)
_ROWS = const(11)
_COLUMNS = const(12)
_DEPTH = const(13)
_X1_STRIDES = const(14)
_X2_STRIDES = const(19)
_FLAGS = const(23)
_X1_ZERO_POINT = const(27)
_X2_ZERO_POINT = const(28)
_MULTIPLIER = const(29)
_SHIFTS = const(30)
_X2_DEPTH_STRIDE = const(31)
# end of words
_INT16 = const(4)  # bit of flags


def batch_matmul(record, arena, constants):
    """y[b, i, j] = eq. (3) of sum((x1[b, i, k] - zero1) * (x2[b, k, j] - zero2)). reference/batch_matmul.h.

    Strides count bytes, 0 where a matrix serves several batches. Flag _INT16: elements of 16
    bits, whose sum is requantized by eq. (6).
    """
    flags = record[_FLAGS]
    a = constants if flags & _X_CONSTANT else arena
    b = constants if flags & _X2_CONSTANT else arena
    y = record[_Y_OFFSET]
    left, right = record[_SHIFTS] & 0xFF, record[_SHIFTS] >> 8
    for b0 in range(record[_BATCHES]):
        for b1 in range(record[_BATCHES + 1]):
            for b2 in range(record[_BATCHES + 2]):
                for i in range(record[_ROWS]):
                    for j in range(record[_COLUMNS]):
                        at = (
                            record[_X_OFFSET]
                            + b0 * record[_X1_STRIDES]
                            + b1 * record[_X1_STRIDES + 1]
                            + b2 * record[_X1_STRIDES + 2]
                            + i * record[_X1_STRIDES + 3]
                        )
                        bt = (
                            record[_X2_OFFSET]
                            + b0 * record[_X2_STRIDES]
                            + b1 * record[_X2_STRIDES + 1]
                            + b2 * record[_X2_STRIDES + 2]
                            + j * record[_X2_STRIDES + 3]
                        )
                        acc = 0
                        for _ in range(record[_DEPTH]):
                            if flags & _INT16:
                                acc += s16(a, at) * s16(b, bt)
                            else:
                                acc += (signed(a[at]) - record[_X1_ZERO_POINT]) * (
                                    signed(b[bt]) - record[_X2_ZERO_POINT]
                                )
                            at += record[_X1_STRIDES + 4]
                            bt += record[_X2_DEPTH_STRIDE]
                        if flags & _INT16:
                            output16(record, arena, y, (acc * record[_MULTIPLIER] + (1 << left - 1)) >> left)
                            y += 2
                        else:
                            arena[y] = _output(record, acc, record[_MULTIPLIER], left, right)
                            y += 1


kernels = {33: batch_matmul}
