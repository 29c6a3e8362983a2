"""Kernels in plain ints: the executable specification of models/FORMAT.md, and the arithmetic of last resort.

`kernel(record, arena, constants)`: record is a sequence of 40 signed ints, arena and constants are byte buffers.
Every kernel returns None and writes only its output (and its scratch). The references named are TensorFlow Lite
Micro's, below tensorflow/lite/kernels/internal/reference/.

On a 32-bit board the 64-bit product of `high_mul` is a big int, which allocates: this backend is slow and not
free of allocation there. It runs everywhere.
"""

import struct

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X2_CONSTANT = const(2)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_X2_OFFSET = const(7)
_A = const(8)
_BATCHES = const(8)
_COUNT = const(8)
_DIMS = const(8)
_ROWS = const(8)
_IN_H = const(9)
_TABLE_TABLE_OFFSET = const(9)
_IN_W = const(10)
_IN_C = const(11)
_SOFTMAX_TABLE_OFFSET = const(11)
_C = const(12)
_OUT_H = const(12)
_X1_STRIDES = const(12)
_X_STRIDES = const(12)
_ACC_OFFSET = const(13)
_OUT_W = const(13)
_OUT_C = const(14)
_REDUCTION_MULTIPLIER = const(14)
_KERNEL_H = const(15)
_KERNEL_W = const(16)
_REDUCTION_RIGHT_SHIFT = const(16)
_X2_STRIDES = const(16)
_Y_STRIDES = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_DILATION_H = const(19)
_ADD_MULTIPLIER = const(20)
_DILATION_W = const(20)
_FILL_BYTES = const(20)
_ADD_LEFT_SHIFT = const(21)
_FILL_VALUE = const(21)
_PAD_TOP = const(21)
_ADD_RIGHT_SHIFT = const(22)
_PAD_LEFT = const(22)
_START = const(22)
_FLAGS = const(23)
_X_ZERO_POINT = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_TABLE1_OFFSET = const(27)
_WEIGHTS_OFFSET = const(27)
_X1_ZERO_POINT = const(27)
_CHANNELS_OFFSET = const(28)
_TABLE2_OFFSET = const(28)
_X2_ZERO_POINT = const(28)
_DEPTH_MULTIPLIER = const(29)
_WEIGHTS_LAYOUT = const(29)
_PACKED_OFFSET = const(30)
_PIECE_BYTES = const(32)
_Y_STEP = const(32)
_PIECE_COUNT = const(33)
_WEIGHTS_FORMAT = const(34)
_PLANE_ORDER = const(35)
# end of words
_CHANNEL_BYTES = const(12)  # of an entry of the channel table
_SHORT_CHANNEL_BYTES = const(8)  # where weights are of four bits

_POT_SOFTMAX_SUM = 12  # the sum of exponentials is Q12.19


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


def max_pool_2d(record, arena, constants):
    """y = clamp(max over the window's inputs inside the image). integer_ops/pooling.h MaxPool."""
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for c in range(record[_IN_C]):
            best = -128
            for _, iy, ix in _window(record, oy, ox, 1, 1):
                at = record[_X_OFFSET] + ((n * record[_IN_H] + iy) * record[_IN_W] + ix) * record[_IN_C] + c
                best = max(best, signed(arena[at]))
            arena[y] = max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], best)) & 0xFF
            y += 1


def average_pool_2d(record, arena, constants):
    """y = clamp(mean over the window's inputs inside the image): eq. (4). integer_ops/pooling.h AveragePool.

    A window with nothing inside, which TFLM refuses, gives clamp(0).
    """
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for c in range(record[_IN_C]):
            total = count = 0
            for _, iy, ix in _window(record, oy, ox, 1, 1):
                at = record[_X_OFFSET] + ((n * record[_IN_H] + iy) * record[_IN_W] + ix) * record[_IN_C] + c
                total += signed(arena[at])
                count += 1
            mean = (abs(total) + count // 2) // max(count, 1)
            arena[y] = max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], -mean if total < 0 else mean)) & 0xFF
            y += 1


def mean(record, arena, constants):
    """y[a, b, c] = eq. (3) of offset + sum(x[a, r1, b, r2, c] + 128 over r1, r2). reduce.h QuantizedMeanOrSum."""
    a, r1, b, r2, c = record[_A : _C + 1]
    factors = record[_REDUCTION_MULTIPLIER : _REDUCTION_RIGHT_SHIFT + 1]
    y = record[_Y_OFFSET]
    for ia in range(a):
        for ib in range(b):
            for ic in range(c):
                acc = record[_ACC_OFFSET]
                for i1 in range(r1):
                    for i2 in range(r2):
                        acc += arena[record[_X_OFFSET] + (((ia * r1 + i1) * b + ib) * r2 + i2) * c + ic] ^ 0x80
                arena[y] = _output(record, acc, *factors)
                y += 1


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


def _pairwise(record, arena, constants, combine):
    flags = record[_FLAGS]
    x1 = constants if flags & _X_CONSTANT else arena
    x2 = constants if flags & _X2_CONSTANT else arena
    y = record[_Y_OFFSET]
    for at1, at2 in _box(record, _X1_STRIDES, _X2_STRIDES):
        acc = combine(x1[record[_X_OFFSET] + at1], x2[record[_X2_OFFSET] + at2])
        arena[y] = _output(record, acc, record[_ADD_MULTIPLIER], record[_ADD_LEFT_SHIFT], record[_ADD_RIGHT_SHIFT])
        y += 1


def add(record, arena, constants):
    """y = eq. (3) of table1[x1] + table2[x2]; the tables hold the rescaled operands. integer_ops/add.h AddFunc."""
    t1, t2 = record[_TABLE1_OFFSET], record[_TABLE2_OFFSET]
    _pairwise(record, arena, constants, lambda a, b: _i32(constants, t1 + 4 * a) + _i32(constants, t2 + 4 * b))


def mul(record, arena, constants):
    """y = eq. (3) of (x1 - zero_point1) * (x2 - zero_point2). integer_ops/mul.h MulElementwise."""
    z1, z2 = record[_X1_ZERO_POINT], record[_X2_ZERO_POINT]
    _pairwise(record, arena, constants, lambda a, b: (signed(a) - z1) * (signed(b) - z2))


def copy(record, arena, constants):
    """Fill, then copy a box of bytes: PAD, CONCATENATION, TRANSPOSE, slices."""
    y = record[_Y_OFFSET]
    for i in range(record[_FILL_BYTES]):
        arena[y + i] = record[_FILL_VALUE]
    source = constants if record[_FLAGS] & _X_CONSTANT else arena
    y += record[_START]
    for at, to in _box(record, _X_STRIDES, _Y_STRIDES):
        arena[y + to] = source[record[_X_OFFSET] + at]


def _reciprocal(total):
    """(1 / total in Q0.31 after normalization, clz(total)). common.h GetReciprocal; total is int32, positive.

    With s = total * 2^(clz - 1) in [2^30, 2^31), Q0.31 in [1/2, 1), three Newton-Raphson steps in Q2.29 go from
    48/17 - 32/17 * s to 1/s: gemmlowp one_over_one_plus_x_for_x_in_0_1. Its half_denominator is s itself.
    """
    zeros = 1
    while not total >> 30:
        total <<= 1
        zeros += 1
    x = 1515870810 + high_mul(-1010580540, total)
    for _ in range(3):
        x += high_mul((1 << 29) - high_mul(x, total), x) << 2
    return min(x << 1, 0x7FFFFFFF), zeros


def softmax(record, arena, constants):
    """y = exp(x - max) / sum(exp(x - max)) a row, with the scale 1/256 and the zero point -128: eq. (5). softmax.h"""
    rows, depth, count, table = record[_ROWS : _SOFTMAX_TABLE_OFFSET + 1]
    for row in range(rows):
        x = record[_X_OFFSET] + row * depth
        y = record[_Y_OFFSET] + row * depth
        values = [signed(arena[x + i]) for i in range(depth)]
        top = max(values)
        exps = [_i32(constants, table + 4 * (top - v)) if top - v < count else 0 for v in values]
        scale, zeros = _reciprocal(sum([rounding_divide_by_pot(e, _POT_SOFTMAX_SUM) for e in exps]))
        for i in range(depth):
            q = rounding_divide_by_pot(high_mul(scale, exps[i]), 31 - 8 + _POT_SOFTMAX_SUM - zeros) - 128
            arena[y + i] = min(127, q) & 0xFF


def lut(record, arena, constants):
    """y = table[x], raw bytes both: any function of one int8."""
    for i in range(record[_COUNT]):
        arena[record[_Y_OFFSET] + i] = constants[record[_TABLE_TABLE_OFFSET] + arena[record[_X_OFFSET] + i]]


kernels = {
    1: conv_2d,
    2: depthwise_conv_2d,
    3: fully_connected,
    4: max_pool_2d,
    5: average_pool_2d,
    6: mean,
    7: add,
    8: mul,
    9: copy,
    10: softmax,
    11: lut,
}


def kernel(id, words=None, target=0):
    """The function of a kernel id; imports its family."""
    if id < 12:
        return kernels[id]
    if id < 15 and id != 12:
        from . import reduce as family
    elif id == 15:
        from . import binary as family
    elif id == 17:
        from . import resize as family
    elif id == 18:
        from . import rows as family
    elif id < 32:
        from . import gather as family
    elif id < 34:
        from . import matmul as family
    elif id < 36:
        from . import recurrent as family
    elif id < 45:
        from . import int16 as family
    else:
        from . import integer as family
    return family.kernels[id]


def record(view):
    """What the kernels of this backend take as a record, from its 160 bytes."""
    return list(struct.unpack("<40i", view))


def patch(record, table, entry, later):
    """Makes a record of `record` that of one piece of its op (FORMAT.md, pieces)."""
    words = struct.unpack_from("<6i", table, _PIECE_BYTES * entry + 8)  # after where its constants lie
    record[_X_OFFSET], record[_Y_OFFSET], record[_OUT_C] = words[:3]
    record[_WEIGHTS_OFFSET], record[_CHANNELS_OFFSET], record[_PACKED_OFFSET] = words[3:]
    record[_PIECE_COUNT] = later


def aligned(buffer):
    """Whether the kernels can read the buffer where it lies: these can read any."""
    return True
