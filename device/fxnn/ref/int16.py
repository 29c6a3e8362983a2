"""Kernels with int16 activations in plain ints: see ref. int16 elements are little-endian; their zero point is 0."""

from . import (
    _box,
    _pixels,
    _window,
    high_mul,
    output16,
    put16,
    requantize,
    rounding_divide_by_pot,
    s16,
    signed,
    wide_channel,
    wide_output,
    wrap32,
)

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_X2_OFFSET = const(7)
_A = const(8)
_COUNT = const(8)
_ROWS = const(8)
_DEPTH = const(9)
_IN_H = const(9)
_SIGMOID_16_MULTIPLIER = const(9)
_X_BYTES = const(9)
_IN_W = const(10)
_SIGMOID_16_RIGHT_SHIFT = const(10)
_SOFTMAX_16_MULTIPLIER = const(10)
_Y_BYTES = const(10)
_IN_C = const(11)
_RESCALE_X_ZERO_POINT = const(11)
_SOFTMAX_16_LEFT_SHIFT = const(11)
_TANH = const(11)
_C = const(12)
_RESCALE_MULTIPLIER = const(12)
_SOFTMAX_16_RIGHT_SHIFT = const(12)
_TABLE_OFFSET = const(12)
_X1_STRIDES = const(12)
_EXP_OFFSET = const(13)
_OUT_C = const(14)
_RECIPROCAL_OFFSET = const(14)
_REDUCTION_MULTIPLIER = const(14)
_RESCALE_RIGHT_SHIFT = const(14)
_KERNEL_H = const(15)
_NEGATIVE_MULTIPLIER = const(15)
_REDUCTION_LEFT_SHIFT = const(15)
_KERNEL_W = const(16)
_REDUCTION_RIGHT_SHIFT = const(16)
_X2_STRIDES = const(16)
_NEGATIVE_RIGHT_SHIFT = const(17)
_DILATION_H = const(19)
_DILATION_W = const(20)
_PAIRWISE_16_MULTIPLIER = const(20)
_PAIRWISE_16_LEFT_SHIFT = const(21)
_PAIRWISE_16_RIGHT_SHIFT = const(22)
_FLAGS = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_POSITIVE_MULTIPLIER = const(27)
_WEIGHTS_OFFSET = const(27)
_X1_MULTIPLIER = const(27)
_X2_MULTIPLIER = const(28)
_DEPTH_MULTIPLIER = const(29)
_POSITIVE_RIGHT_SHIFT = const(29)
_X1_RIGHT_SHIFT = const(29)
_X2_RIGHT_SHIFT = const(30)
_FUNCTION = const(31)
# end of words
# The word function.
_PRODUCT = const(0)
_SUM = const(1)
_SQUARED_DIFFERENCE = const(3)
_PRELU = const(4)


def conv_2d_16(record, arena, constants):
    """conv_2d with int16 x and y: integer_ops/conv.h. Word 0 of a channel: bias - 32768 * sum(w), so that
    acc = this + sum((x + 32768) * w). Scratch: the im2col column of x + 32768, 2 bytes each."""
    in_w, in_c, out_c = record[_IN_W], record[_IN_C], record[_OUT_C]
    size = record[_KERNEL_H] * record[_KERNEL_W] * in_c
    column = record[_SCRATCH_OFFSET]
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for i in range(size):
            arena[column + 2 * i] = 0
            arena[column + 2 * i + 1] = 0x80
        for tap, iy, ix in _window(record, oy, ox, record[_DILATION_H], record[_DILATION_W]):
            at = record[_X_OFFSET] + ((n * record[_IN_H] + iy) * in_w + ix) * in_c * 2
            to = column + tap * in_c * 2
            for i in range(0, 2 * in_c, 2):
                arena[to + i] = arena[at + i]
                arena[to + i + 1] = arena[at + i + 1] ^ 0x80
        for o in range(out_c):
            channel = wide_channel(record, constants, o)
            acc = channel[0]
            w = record[_WEIGHTS_OFFSET] + o * (size + 3 & ~3)
            for i in range(size):
                acc += (s16(arena, column + 2 * i) & 0xFFFF) * (constants[w + i] - 128)
            wide_output(record, arena, y, acc, channel)
            y += 2


def depthwise_conv_2d_16(record, arena, constants):
    """depthwise_conv_2d with int16 x and y: integer_ops/depthwise_conv.h."""
    in_w, in_c, out_c, per_input = record[_IN_W], record[_IN_C], record[_OUT_C], record[_DEPTH_MULTIPLIER]
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for o in range(out_c):
            channel = wide_channel(record, constants, o)
            acc = channel[0]
            for tap, iy, ix in _window(record, oy, ox, record[_DILATION_H], record[_DILATION_W]):
                at = record[_X_OFFSET] + 2 * (((n * record[_IN_H] + iy) * in_w + ix) * in_c + o // per_input)
                acc += s16(arena, at) * (constants[record[_WEIGHTS_OFFSET] + tap * out_c + o] - 128)
            wide_output(record, arena, y, acc, channel)
            y += 2


def _values(record, arena, n, oy, ox, c):
    for _, iy, ix in _window(record, oy, ox, 1, 1):
        yield s16(arena, record[_X_OFFSET] + 2 * (((n * record[_IN_H] + iy) * record[_IN_W] + ix) * record[_IN_C] + c))


def max_pool_2d_16(record, arena, constants):
    """max_pool_2d of int16. integer_ops/pooling.h."""
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for c in range(record[_IN_C]):
            best = -32768
            for x in _values(record, arena, n, oy, ox, c):
                best = max(best, x)
            output16(record, arena, y, best)
            y += 2


def average_pool_2d_16(record, arena, constants):
    """average_pool_2d of int16: eq. (4). integer_ops/pooling.h."""
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for c in range(record[_IN_C]):
            total = count = 0
            for x in _values(record, arena, n, oy, ox, c):
                total += x
                count += 1
            mean = (abs(total) + count // 2) // max(count, 1)
            output16(record, arena, y, -mean if total < 0 else mean)
            y += 2


def mean_16(record, arena, constants):
    """mean of int16: eq. (2) of the sum. reduce.h QuantizedMeanOrSum."""
    a, r1, b, r2, c = record[_A : _C + 1]
    y = record[_Y_OFFSET]
    for ia in range(a):
        for ib in range(b):
            for ic in range(c):
                acc = 0
                for i1 in range(r1):
                    for i2 in range(r2):
                        acc += s16(arena, record[_X_OFFSET] + 2 * ((((ia * r1 + i1) * b + ib) * r2 + i2) * c + ic))
                output16(
                    record,
                    arena,
                    y,
                    requantize(
                        acc,
                        record[_REDUCTION_MULTIPLIER],
                        record[_REDUCTION_LEFT_SHIFT],
                        record[_REDUCTION_RIGHT_SHIFT],
                    ),
                )
                y += 2


def pairwise_16(record, arena, constants):
    """add, sub, mul, squared_difference and prelu of int16, by the word function: eq. (2) of x1 * x2, or of the sum of
    both operands times 2^15, each rescaled first, or of their difference's square, or of x1 where it is not negative.
    reference/add.h, sub.h, integer_ops/mul.h, micro/kernels/squared_difference.cc, reference/prelu.h."""
    flags, kind = record[_FLAGS], record[_FUNCTION]
    a = constants if flags & _X_CONSTANT else arena
    b = constants if flags & _X2_CONSTANT else arena
    y = record[_Y_OFFSET]
    for at1, at2 in _box(record, _X1_STRIDES, _X2_STRIDES):
        x1 = s16(a, record[_X_OFFSET] + at1)
        x2 = s16(b, record[_X2_OFFSET] + at2)
        if kind == _PRELU and x1 >= 0:
            output16(record, arena, y, requantize(x1, *record[_POSITIVE_MULTIPLIER : _POSITIVE_RIGHT_SHIFT + 1]))
            y += 2
            continue
        if _PRODUCT < kind < _PRELU:
            up = 0 if kind == _SQUARED_DIFFERENCE else 15
            x1 = rounding_divide_by_pot(high_mul(x1 << up, record[_X1_MULTIPLIER]), record[_X1_RIGHT_SHIFT])
            x2 = rounding_divide_by_pot(high_mul(x2 << up, record[_X2_MULTIPLIER]), record[_X2_RIGHT_SHIFT])
            acc = x1 + x2 if kind == _SUM else x1 - x2
            if kind == _SQUARED_DIFFERENCE:
                acc *= acc
        else:
            acc = x1 * x2
        output16(
            record,
            arena,
            y,
            requantize(
                acc, record[_PAIRWISE_16_MULTIPLIER], record[_PAIRWISE_16_LEFT_SHIFT], record[_PAIRWISE_16_RIGHT_SHIFT]
            ),
        )
        y += 2


def rescale(record, arena, constants):
    """y = clamp(eq. (2) of (x - x_zero_point), with other factors below 0), int8 or int16 each: QUANTIZE, RELU,
    LEAKY_RELU, ABS. reference/requantize.h, micro/kernels/activations_common.cc, leaky_relu.h, elementwise.cc."""
    x, y, x_bytes, y_bytes = record[_X_OFFSET], record[_Y_OFFSET], record[_X_BYTES], record[_Y_BYTES]
    for i in range(record[_COUNT]):
        v = (signed(arena[x + i]) if x_bytes == 1 else s16(arena, x + 2 * i)) - record[_RESCALE_X_ZERO_POINT]
        factors = record[_RESCALE_MULTIPLIER : _RESCALE_RIGHT_SHIFT + 1]
        if v < 0:
            factors = record[_NEGATIVE_MULTIPLIER : _NEGATIVE_RIGHT_SHIFT + 1]
        v = wrap32(requantize(v, *factors) + record[_Y_ZERO_POINT])
        v = max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], v))
        if y_bytes == 1:
            arena[y + i] = v & 0xFF
        else:
            put16(arena, y + 2 * i, v)


def sigmoid16(x, multiplier, shift, is_tanh, constants, table):
    """logistic or tanh of an int16, Q0.15: eq. (7). integer_ops/logistic.h, tanh.h."""
    t = (x * multiplier + (1 << shift >> 1)) >> shift
    bits = 8 if is_tanh else 9
    a = abs(t)
    i = a >> bits
    if i >= 255:
        v = (0xFFFF << 8) if is_tanh else (0x7FFF << 10)
    else:
        low = s16(constants, table + 2 * i) & 0xFFFF
        v = (low << bits) + (a & (1 << bits) - 1) * ((s16(constants, table + 2 * i + 2) & 0xFFFF) - low)
    if is_tanh:
        v -= 1 << 23
        return (v + 128 if t >= 0 else 127 - v) >> 8
    return (v + 512 if t >= 0 else (1 << 25) - v + 511) >> 10


def sigmoid_16(record, arena, constants):
    """LOGISTIC and TANH of int16, by the word tanh."""
    for i in range(0, 2 * record[_COUNT], 2):
        y = sigmoid16(
            s16(arena, record[_X_OFFSET] + i),
            record[_SIGMOID_16_MULTIPLIER],
            record[_SIGMOID_16_RIGHT_SHIFT],
            record[_TANH],
            constants,
            record[_TABLE_OFFSET],
        )
        put16(arena, record[_Y_OFFSET] + i, y)


def _lookup(constants, table, x):
    """A table of 513 int16 at x, interpolated. internal/common.h LUTLookup."""
    at = table + 2 * (256 + (x >> 7))
    low = s16(constants, at)
    return low + (((s16(constants, at + 2) - low) * (x & 127) + 64) >> 7)


def softmax_16(record, arena, constants):
    """softmax of int16 a row, scale 2^-15: eq. (8). softmax.h SoftmaxInt16."""
    rows, depth = record[_ROWS : _DEPTH + 1]
    for row in range(rows):
        x = record[_X_OFFSET] + 2 * row * depth
        y = record[_Y_OFFSET] + 2 * row * depth
        top = max([s16(arena, x + 2 * i) for i in range(depth)])
        total = 0
        for i in range(0, 2 * depth, 2):
            d = (
                requantize(
                    s16(arena, x + i) - top,
                    record[_SOFTMAX_16_MULTIPLIER],
                    record[_SOFTMAX_16_LEFT_SHIFT],
                    record[_SOFTMAX_16_RIGHT_SHIFT],
                )
                + 32767
            )
            e = _lookup(constants, record[_EXP_OFFSET], max(-32768, min(32767, d)))
            put16(arena, y + i, e)
            total += e
        shift = 0
        while not total >> shift + 15 == 0:
            shift += 1
        # total = (1 + f) * 2^(shift + 14): the table takes f from [0, 1) to int16
        f = ((total << 16 - shift) + (1 << 13) >> 14) - (1 << 15) - (1 << 16)
        scale = _lookup(constants, record[_RECIPROCAL_OFFSET], max(-32768, min(32767, f)))
        right = shift + 14
        for i in range(0, 2 * depth, 2):
            put16(arena, y + i, max(0, min(32767, (s16(arena, y + i) * scale + (1 << right - 1)) >> right)))


kernels = {
    36: conv_2d_16,
    37: depthwise_conv_2d_16,
    38: max_pool_2d_16,
    39: average_pool_2d_16,
    40: mean_16,
    41: pairwise_16,
    42: rescale,
    43: sigmoid_16,
    44: softmax_16,
}
