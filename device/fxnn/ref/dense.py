"""Fully connected in plain ints, all layouts of weights. See ref for the rules."""

from . import _channel, _output, signed
from .conv import conv_2d

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_IN_H = const(9)
_IN_C = const(11)
_OUT_C = const(14)
_WEIGHTS_OFFSET = const(27)
_WEIGHTS_LAYOUT = const(29)
_Y_STEP = const(32)
# end of words


def fully_connected(record, arena, constants):
    """y = eq. (3) of sum(x * w) + bias. integer_ops/fully_connected.h. w: OI, or as weights_layout says;
    in pairs acc = channel word 0 + sum(x * w), and no scratch is used."""
    if not record[_WEIGHTS_LAYOUT]:
        return conv_2d(record, arena, constants)  # a row of inputs is an image of one pixel
    if record[_WEIGHTS_LAYOUT] == 2:
        return _in_twos(record, arena, constants)
    inputs, outputs = record[_IN_C], record[_OUT_C]
    pairs, blocks = (inputs + 1) // 2, (outputs + 1) // 2 // 3
    for row in range(record[_IN_H]):
        for o in range(outputs):
            acc, multiplier, left_shift, right_shift = _channel(record, constants, o)
            width = 3 if o // 6 < blocks else (outputs + 1) // 2 - 3 * blocks
            w = record[_WEIGHTS_OFFSET] + o // 6 * 12 * pairs + o % 6 // 2 * 4 + o % 2 * 2
            for i in range(inputs):
                x = signed(arena[record[_X_OFFSET] + row * inputs + i])
                acc += x * (constants[w + i // 2 * 4 * width + i % 2] - 128)
            arena[record[_Y_OFFSET] + row * (record[_Y_STEP] or outputs) + o] = _output(
                record, acc, multiplier, left_shift, right_shift
            )


def _in_twos(record, arena, constants):
    """fully_connected with weights in twos: acc = channel word 0 + sum(x * w), of odd inputs x - 127."""
    inputs, outputs = record[_IN_C], record[_OUT_C]
    for row in range(record[_IN_H]):
        for o in range(outputs):
            acc, multiplier, left_shift, right_shift = _channel(record, constants, o)
            w = record[_WEIGHTS_OFFSET] + o * (inputs + 15 & ~15)
            for i in range(inputs):
                x = signed(arena[record[_X_OFFSET] + row * inputs + i])
                acc += (x - 127) * signed(constants[w + i]) if i & 1 else x * (constants[w + i] - 128)
            arena[record[_Y_OFFSET] + row * (record[_Y_STEP] or outputs) + o] = _output(
                record, acc, multiplier, left_shift, right_shift
            )


kernels = {3: fully_connected}
