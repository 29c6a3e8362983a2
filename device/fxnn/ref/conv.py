"""Convolutions in plain ints: conv_2d, transpose_conv. See ref for the rules."""

from . import _channel, _output, _pixels, _skip, _window, s16, signed, wide_channel, wide_output

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_IN_H = const(9)
_IN_W = const(10)
_IN_C = const(11)
_OUT_C = const(14)
_KERNEL_H = const(15)
_KERNEL_W = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_DILATION_H = const(19)
_DILATION_W = const(20)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_X_ZERO_POINT = const(23)
_WEIGHTS_OFFSET = const(27)
_WIDE = const(29)
_WEIGHTS_FORMAT = const(34)
# end of words


def conv_2d(record, arena, constants):
    """y = eq. (3) of sum(x * w) + bias. x, y: NHWC int8; w: OHWI uint8 = int8 + 128. integer_ops/conv.h.

    weights_format 1: w in four bits, int4 + 8, the even ones in the low half of a byte.
    acc = channel word 0 + sum((x + 128) * w); outside the image x is x_zero_point. Scratch: the im2col column.
    """
    in_w, in_c, out_c = record[_IN_W], record[_IN_C], record[_OUT_C]
    size = record[_KERNEL_H] * record[_KERNEL_W] * in_c
    column = record[_SCRATCH_OFFSET]
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for i in range(size):
            arena[column + i] = record[_X_ZERO_POINT] + 128
        for tap, iy, ix in _window(record, oy, ox, record[_DILATION_H], record[_DILATION_W]):
            at = record[_X_OFFSET] + ((n * record[_IN_H] + iy) * in_w + ix) * in_c
            for c in range(in_c):
                arena[column + tap * in_c + c] = arena[at + c] ^ 0x80
        for o in range(out_c):
            acc, multiplier, left_shift, right_shift = _channel(record, constants, o)
            if record[_WEIGHTS_FORMAT] == 1:
                w = record[_WEIGHTS_OFFSET] + o * ((size + 7 & ~7) >> 1)
                for i in range(size):
                    acc += arena[column + i] * ((constants[w + (i >> 1)] >> 4 * (i & 1) & 15) - 8)
            else:
                w = record[_WEIGHTS_OFFSET] + o * (size + 3 & ~3)
                for i in range(size):
                    acc += arena[column + i] * (constants[w + i] - 128)
            arena[y] = _output(record, acc, multiplier, left_shift, right_shift)
            y += 1
        y += _skip(record)


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


kernels = {1: conv_2d, 32: transpose_conv}
