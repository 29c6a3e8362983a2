"""Depthwise convolution in plain ints. See ref for the rules."""

from . import _channel, _output, _pixels, _skip, _window, signed

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_IN_H = const(9)
_IN_W = const(10)
_IN_C = const(11)
_OUT_C = const(14)
_DILATION_H = const(19)
_DILATION_W = const(20)
_X_ZERO_POINT = const(23)
_WEIGHTS_OFFSET = const(27)
_DEPTH_MULTIPLIER = const(29)
_PLANE_ORDER = const(35)
# end of words


def depthwise_conv_2d(record, arena, constants):
    """y = eq. (3) of sum((x - x_zero_point) * w) + bias, per channel. w: 1HWO. integer_ops/depthwise_conv.h.

    In plane order each channel's inputs go to scratch first, so that y may lie over x.
    """
    in_w, in_c, out_c, per_input = record[_IN_W], record[_IN_C], record[_OUT_C], record[_DEPTH_MULTIPLIER]
    planes = record[_PLANE_ORDER] & 1
    x = record[_X_OFFSET]
    for channels in [(o,) for o in range(out_c)] if planes else (range(out_c),):
        if planes:
            for i in range(record[_IN_H] * in_w):
                arena[record[_SCRATCH_OFFSET] + i] = arena[record[_X_OFFSET] + i * record[_IN_C] + channels[0]]
            x, in_c = record[_SCRATCH_OFFSET], 1
        y = record[_Y_OFFSET]
        for n, oy, ox in _pixels(record):
            for o in channels:
                acc, multiplier, left_shift, right_shift = _channel(record, constants, o)
                for tap, iy, ix in _window(record, oy, ox, record[_DILATION_H], record[_DILATION_W]):
                    at = x + ((n * record[_IN_H] + iy) * in_w + ix) * in_c + (0 if planes else o // per_input)
                    acc += (signed(arena[at]) - record[_X_ZERO_POINT]) * (
                        constants[record[_WEIGHTS_OFFSET] + tap * out_c + o] - 128
                    )
                arena[y + o] = _output(record, acc, multiplier, left_shift, right_shift)
            y += out_c + _skip(record)


kernels = {2: depthwise_conv_2d}
