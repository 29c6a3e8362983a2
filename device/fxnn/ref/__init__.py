"""Kernels in plain ints: the executable specification of models/FORMAT.md, and the arithmetic of last resort.

`kernel(record, arena, constants)`: record is a sequence of 40 signed ints, arena and constants are byte buffers.
Every kernel returns None and writes only its output (and its scratch). The references named are TensorFlow Lite
Micro's, below tensorflow/lite/kernels/internal/reference/.

Each kernel is in the file of its family, as in every backend:
conv (conv_2d, transpose_conv), depthwise, dense, pool, elementwise (add, mul, binary, select), move (copy), lookup (lut,
channel_lut), gather, reduce (mean, reduce, arg), softmax, rows, resize, matmul, recurrent (lstm, svdf), int16 (all whose
names end in _16, and rescale), integer (cumsum, numbers). Here is what they share, and which file has a kernel.

On a 32-bit board the 64-bit product of `high_mul` is a big int, which allocates: this backend is slow and not
free of allocation there. It runs everywhere.
"""

import struct

# words of conv_2d, depthwise_conv_2d, add, conv_2d_16: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_BATCHES = const(8)
_DIMS = const(8)
_IN_H = const(9)
_IN_W = const(10)
_OUT_H = const(12)
_OUT_W = const(13)
_OUT_C = const(14)
_KERNEL_H = const(15)
_KERNEL_W = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_BIAS_32 = const(30)
_PACKED_OFFSET = const(30)
_PIECE_BYTES = const(32)
_Y_STEP = const(32)
_PIECE_COUNT = const(33)
_WEIGHTS_FORMAT = const(34)
# end of words of conv_2d, depthwise_conv_2d, add, conv_2d_16
_CHANNEL_BYTES = const(12)  # of an entry of the channel table
_SHORT_CHANNEL_BYTES = const(8)  # where weights are of four bits
_WIDE_CHANNEL_BYTES = const(16)  # where activations are int16

# modules of ref: written by python -m host_tools.record
_MODULES = const(
    ".conv            .depthwise       .dense           .pool            .reduce          .elementwise     "
    ".move            .softmax         .lookup          .gather          .resize          .rows            "
    ".matmul          .recurrent       .int16           .integer         "
)
_WIDTH = const(17)
_LETTERS = const(b"-abcddeffghijeeffkli------------amnnooooooooopp")
# end of modules of ref


def signed(byte):
    """int8 value of a raw byte."""
    return (byte ^ 0x80) - 0x80


def wrap32(x):
    """x modulo 2^32, as int32."""
    return ((x + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def high_mul(a, b):
    """floor((a * b + 2^30) / 2^31): eq. (2); gemmlowp SaturatingRoundingDoublingHighMul, its corner left out."""
    return (a * b + (1 << 30)) >> 31


def rounding_divide_by_pot(x, exponent):
    """x / 2^exponent to the nearest, halves away from zero: gemmlowp RoundingDivideByPOT. exponent >= 0."""
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def requantize(acc, multiplier, left_shift, right_shift):
    """acc * 2^left_shift * multiplier / 2^31 / 2^right_shift, rounded twice: eq. (2).

    common.cc MultiplyByQuantizedMultiplier (double rounding). acc is taken modulo 2^32, multiplier is Q31 in
    [0, 2^31), both shifts are 0 to 31 and at most one of them is not 0.
    """
    return rounding_divide_by_pot(high_mul(wrap32(acc << left_shift), multiplier), right_shift)


def _i32(buffer, offset):
    return struct.unpack_from("<i", buffer, offset)[0]


def _output(record, acc, multiplier, left_shift, right_shift):
    """The raw output byte of an accumulator: eq. (3)."""
    y = wrap32(requantize(acc, multiplier, left_shift, right_shift) + record[_Y_ZERO_POINT])
    return max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], y)) & 0xFF


def _channel(record, constants, c):
    """Entry c of the channel table: (word 0, multiplier, left_shift, right_shift)."""
    if record[_WEIGHTS_FORMAT] == 1:
        at = record[_CHANNELS_OFFSET] + _SHORT_CHANNEL_BYTES * c
        m = constants[at + 4] | constants[at + 5] << 8
        return _i32(constants, at), m << 15, constants[at + 6], constants[at + 7]
    at = record[_CHANNELS_OFFSET] + _CHANNEL_BYTES * c
    return _i32(constants, at), _i32(constants, at + 4), constants[at + 8], constants[at + 9]


def s16(buffer, at):
    """The int16 at a byte offset."""
    return (buffer[at] | buffer[at + 1] << 8 ^ 0x8000) - 0x8000


def put16(arena, at, value):
    """Writes an int16."""
    arena[at] = value & 0xFF
    arena[at + 1] = value >> 8 & 0xFF


def output16(record, arena, at, value):
    """Writes clamp(value), value taken modulo 2^32: eq. (3) without a zero point."""
    put16(arena, at, max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], wrap32(value))))


def wide_channel(record, constants, c):
    """Entry c of the wide channel table: (bias, multiplier, shift, right_shift)."""
    at = record[_CHANNELS_OFFSET] + _WIDE_CHANNEL_BYTES * c
    return (
        (_i32(constants, at) << 16) + (constants[at + 4] | constants[at + 5] << 8),
        _i32(constants, at + 8),
        constants[at + 12],
        constants[at + 13],
    )


def wide_output(record, arena, at, acc, channel):
    """Writes the requantized accumulator: eq. (6), or eq. (2) where bias_32 is 1."""
    _, multiplier, shift, right_shift = channel
    if record[_BIAS_32]:
        output16(record, arena, at, requantize(acc, multiplier, shift, right_shift))
    else:
        output16(record, arena, at, (acc * multiplier + (1 << shift - 1)) >> shift)


def _pixels(record):
    """(batch, output row, output column) for every output pixel, in the order they are stored."""
    for n in range(record[_BATCHES]):
        for oy in range(record[_OUT_H]):
            for ox in range(record[_OUT_W]):
                yield n, oy, ox


def _skip(record):
    """Bytes from the last channel of a pixel to the first of the next: those of an op's other pieces."""
    return record[_Y_STEP] - record[_OUT_C] if record[_Y_STEP] else 0


def _window(record, oy, ox, dilation_h, dilation_w):
    """(tap, iy, ix) for the taps of one output pixel's window that lie inside the input; tap = ky * kernel_w + kx."""
    for ky in range(record[_KERNEL_H]):
        iy = oy * record[_STRIDE_H] - record[_PAD_TOP] + ky * dilation_h
        if 0 <= iy < record[_IN_H]:
            for kx in range(record[_KERNEL_W]):
                ix = ox * record[_STRIDE_W] - record[_PAD_LEFT] + kx * dilation_w
                if 0 <= ix < record[_IN_W]:
                    yield ky * record[_KERNEL_W] + kx, iy, ix


def _box(record, *words):
    """Offsets of every element of a record's four dimensions, for each of its `words` where four strides begin.

    The last dimension goes fastest.
    """
    n0, n1, n2, n3 = record[_DIMS : _DIMS + 4]
    strides = [record[word : word + 4] for word in words]
    for i0 in range(n0):
        for i1 in range(n1):
            for i2 in range(n2):
                for i3 in range(n3):
                    yield [i0 * s[0] + i1 * s[1] + i2 * s[2] + i3 * s[3] for s in strides]


def kernel(id, variants=0):
    """The function of a kernel id, whatever the word `variants` says; imports its family."""
    end = (_LETTERS[id] - 96) * _WIDTH
    return __import__(__name__ + _MODULES[end - _WIDTH : end].rstrip(), None, None, ("kernels",)).kernels[id]


def record(view):
    """What the kernels of this backend take as a record, from its 160 bytes."""
    return list(struct.unpack("<40i", view))


def patch(record, table, entry, later):
    """Makes a record of `record` that of one piece of its op (FORMAT.md, pieces)."""
    moved = struct.unpack_from("<6i", table, _PIECE_BYTES * entry + 8)  # after where its constants lie
    record[_X_OFFSET], record[_Y_OFFSET], record[_OUT_C] = moved[:3]
    record[_WEIGHTS_OFFSET], record[_CHANNELS_OFFSET], record[_PACKED_OFFSET] = moved[3:]
    record[_PIECE_COUNT] = later


def aligned(buffer):
    """Whether the kernels can read the buffer where it lies: these can read any."""
    return True
