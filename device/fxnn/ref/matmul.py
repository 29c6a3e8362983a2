"""TRANSPOSE_CONV and BATCH_MATMUL in plain ints: see ref."""

from . import _channel, _output, _pixels, signed
from .int16 import output16, s16, wide_channel, wide_output

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_BATCHES = const(8)
_IN_H = const(9)
_IN_W = const(10)
_IN_C = const(11)
_ROWS = const(11)
_COLUMNS = const(12)
_DEPTH = const(13)
_OUT_C = const(14)
_X1_STRIDES = const(14)
_KERNEL_H = const(15)
_KERNEL_W = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_X2_STRIDES = const(19)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_FLAGS = const(23)
_X_ZERO_POINT = const(23)
_WEIGHTS_OFFSET = const(27)
_X1_ZERO_POINT = const(27)
_X2_ZERO_POINT = const(28)
_MULTIPLIER = const(29)
_WIDE = const(29)
_SHIFTS = const(30)
_X2_DEPTH_STRIDE = const(31)
# end of words
_INT16 = const(4)  # bit of flags


def transpose_conv(record, arena, constants):
    """y = eq. (3) of sum(x * w) + bias over the inputs whose window covers the pixel. integer_ops/transpose_conv.h.

    Input row iy adds to output rows iy * stride_h - pad_top + ky. w: OHWI uint8 = int8 + 128. wide: 0, x and y are
    int8; 1, int16 with wide channels, eq. (6).
    """
    wide = record[_WIDE]
    in_c, out_c = record[_IN_C], record[_OUT_C]
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for o in range(out_c):
            channel = wide_channel(record, constants, o) if wide else _channel(record, constants, o)
            acc = channel[0]
            for ky in range(record[_KERNEL_H]):
                iy, rest = divmod(oy + record[_PAD_TOP] - ky, record[_STRIDE_H])
                if rest or not 0 <= iy < record[_IN_H]:
                    continue
                for kx in range(record[_KERNEL_W]):
                    ix, rest = divmod(ox + record[_PAD_LEFT] - kx, record[_STRIDE_W])
                    if rest or not 0 <= ix < record[_IN_W]:
                        continue
                    x = ((n * record[_IN_H] + iy) * record[_IN_W] + ix) * in_c
                    w = record[_WEIGHTS_OFFSET] + ((o * record[_KERNEL_H] + ky) * record[_KERNEL_W] + kx) * in_c
                    for c in range(in_c):
                        if wide:
                            acc += s16(arena, record[_X_OFFSET] + 2 * (x + c)) * (constants[w + c] - 128)
                        else:
                            acc += (signed(arena[record[_X_OFFSET] + x + c]) - record[_X_ZERO_POINT]) * (
                                constants[w + c] - 128
                            )
            if wide:
                wide_output(record, arena, y, acc, channel)
                y += 2
            else:
                arena[y] = _output(record, acc, channel[1], channel[2], channel[3])
                y += 1


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


kernels = {32: transpose_conv, 33: batch_matmul}
