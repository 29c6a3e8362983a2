"""Kernels in plain ints: the executable specification of models/FORMAT.md, and the arithmetic of last resort.

`kernel(record, arena, constants)`: record is a sequence of 40 signed ints, arena and constants are byte buffers.
Every kernel returns None and writes only its output (and its scratch). The references named are TensorFlow Lite
Micro's, below tensorflow/lite/kernels/internal/reference/.

On a 32-bit board the 64-bit product of `high_mul` is a big int, which allocates: this backend is slow and not
free of allocation there. It runs everywhere.
"""

import struct

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
    y = wrap32(requantize(acc, multiplier, left_shift, right_shift) + record[24])
    return max(record[25], min(record[26], y)) & 0xFF


def _channel(record, constants, c):
    """Entry c of the channel table: (word 0, multiplier, left_shift, right_shift)."""
    if record[34] == 1:
        at = record[28] + 8 * c
        m = constants[at + 4] | constants[at + 5] << 8
        return _i32(constants, at), m << 15, constants[at + 6], constants[at + 7]
    at = record[28] + 12 * c
    return _i32(constants, at), _i32(constants, at + 4), constants[at + 8], constants[at + 9]


def _pixels(record):
    """(batch, output row, output column) for every output pixel, in the order they are stored."""
    for n in range(record[8]):
        for oy in range(record[12]):
            for ox in range(record[13]):
                yield n, oy, ox


def _skip(record):
    """Bytes from the last channel of a pixel to the first of the next: those of an op's other pieces."""
    return record[32] - record[14] if record[32] else 0


def _window(record, oy, ox, dilation_h, dilation_w):
    """(tap, iy, ix) for the taps of one output pixel's window that lie inside the input; tap = ky * kernel_w + kx."""
    for ky in range(record[15]):
        iy = oy * record[17] - record[21] + ky * dilation_h
        if 0 <= iy < record[9]:
            for kx in range(record[16]):
                ix = ox * record[18] - record[22] + kx * dilation_w
                if 0 <= ix < record[10]:
                    yield ky * record[16] + kx, iy, ix


def conv_2d(record, arena, constants):
    """y = eq. (3) of sum(x * w) + bias. x, y: NHWC int8; w: OHWI uint8 = int8 + 128. integer_ops/conv.h.

    Weights format 1 (word 34): w in four bits, int4 + 8, the even ones in the low half of a byte.
    acc = channel word 0 + sum((x + 128) * w); outside the image x is x_zero_point. Scratch: the im2col column.
    """
    in_w, in_c, out_c = record[10], record[11], record[14]
    size = record[15] * record[16] * in_c
    column = record[7]
    y = record[6]
    for n, oy, ox in _pixels(record):
        for i in range(size):
            arena[column + i] = record[23] + 128
        for tap, iy, ix in _window(record, oy, ox, record[19], record[20]):
            at = record[5] + ((n * record[9] + iy) * in_w + ix) * in_c
            for c in range(in_c):
                arena[column + tap * in_c + c] = arena[at + c] ^ 0x80
        for o in range(out_c):
            acc, multiplier, left_shift, right_shift = _channel(record, constants, o)
            if record[34] == 1:
                w = record[27] + o * ((size + 7 & ~7) >> 1)
                for i in range(size):
                    acc += arena[column + i] * ((constants[w + (i >> 1)] >> 4 * (i & 1) & 15) - 8)
            else:
                w = record[27] + o * (size + 3 & ~3)
                for i in range(size):
                    acc += arena[column + i] * (constants[w + i] - 128)
            arena[y] = _output(record, acc, multiplier, left_shift, right_shift)
            y += 1
        y += _skip(record)


def fully_connected(record, arena, constants):
    """y = eq. (3) of sum(x * w) + bias. integer_ops/fully_connected.h. w: OI, or in pairs where word 29 says so:
    acc = channel word 0 + sum(x * w), and no scratch is used."""
    if not record[29]:
        return conv_2d(record, arena, constants)  # a row of inputs is an image of one pixel
    if record[29] == 2:
        return _in_twos(record, arena, constants)
    inputs, outputs = record[11], record[14]
    pairs, blocks = (inputs + 1) // 2, (outputs + 1) // 2 // 3
    for row in range(record[9]):
        for o in range(outputs):
            acc, multiplier, left_shift, right_shift = _channel(record, constants, o)
            width = 3 if o // 6 < blocks else (outputs + 1) // 2 - 3 * blocks
            w = record[27] + o // 6 * 12 * pairs + o % 6 // 2 * 4 + o % 2 * 2
            for i in range(inputs):
                x = signed(arena[record[5] + row * inputs + i])
                acc += x * (constants[w + i // 2 * 4 * width + i % 2] - 128)
            arena[record[6] + row * (record[32] or outputs) + o] = _output(
                record, acc, multiplier, left_shift, right_shift
            )


def _in_twos(record, arena, constants):
    """fully_connected with weights in twos: acc = channel word 0 + sum(x * w), of odd inputs x - 127."""
    inputs, outputs = record[11], record[14]
    for row in range(record[9]):
        for o in range(outputs):
            acc, multiplier, left_shift, right_shift = _channel(record, constants, o)
            w = record[27] + o * (inputs + 15 & ~15)
            for i in range(inputs):
                x = signed(arena[record[5] + row * inputs + i])
                acc += (x - 127) * signed(constants[w + i]) if i & 1 else x * (constants[w + i] - 128)
            arena[record[6] + row * (record[32] or outputs) + o] = _output(
                record, acc, multiplier, left_shift, right_shift
            )


def depthwise_conv_2d(record, arena, constants):
    """y = eq. (3) of sum((x - x_zero_point) * w) + bias, a channel at a time. w: 1HWO. integer_ops/depthwise_conv.h.

    In plane order (word 35) each channel's inputs go to scratch first, so that y may lie over x.
    """
    in_w, in_c, out_c, per_input = record[10], record[11], record[14], record[29]
    planes = record[35] & 1
    x = record[5]
    for channels in [(o,) for o in range(out_c)] if planes else (range(out_c),):
        if planes:
            for i in range(record[9] * in_w):
                arena[record[7] + i] = arena[record[5] + i * record[11] + channels[0]]
            x, in_c = record[7], 1
        y = record[6]
        for n, oy, ox in _pixels(record):
            for o in channels:
                acc, multiplier, left_shift, right_shift = _channel(record, constants, o)
                for tap, iy, ix in _window(record, oy, ox, record[19], record[20]):
                    at = x + ((n * record[9] + iy) * in_w + ix) * in_c + (0 if planes else o // per_input)
                    acc += (signed(arena[at]) - record[23]) * (constants[record[27] + tap * out_c + o] - 128)
                arena[y + o] = _output(record, acc, multiplier, left_shift, right_shift)
            y += out_c + _skip(record)


def max_pool_2d(record, arena, constants):
    """y = clamp(max over the window's inputs inside the image). integer_ops/pooling.h MaxPool."""
    y = record[6]
    for n, oy, ox in _pixels(record):
        for c in range(record[11]):
            best = -128
            for _, iy, ix in _window(record, oy, ox, 1, 1):
                best = max(best, signed(arena[record[5] + ((n * record[9] + iy) * record[10] + ix) * record[11] + c]))
            arena[y] = max(record[25], min(record[26], best)) & 0xFF
            y += 1


def average_pool_2d(record, arena, constants):
    """y = clamp(mean over the window's inputs inside the image): eq. (4). integer_ops/pooling.h AveragePool.

    A window with nothing inside, which TFLM refuses, gives clamp(0).
    """
    y = record[6]
    for n, oy, ox in _pixels(record):
        for c in range(record[11]):
            total = count = 0
            for _, iy, ix in _window(record, oy, ox, 1, 1):
                total += signed(arena[record[5] + ((n * record[9] + iy) * record[10] + ix) * record[11] + c])
                count += 1
            mean = (abs(total) + count // 2) // max(count, 1)
            arena[y] = max(record[25], min(record[26], -mean if total < 0 else mean)) & 0xFF
            y += 1


def mean(record, arena, constants):
    """y[a, b, c] = eq. (3) of offset + sum(x[a, r1, b, r2, c] + 128 over r1, r2). reduce.h QuantizedMeanOrSum."""
    a, r1, b, r2, c = record[8:13]
    y = record[6]
    for ia in range(a):
        for ib in range(b):
            for ic in range(c):
                acc = record[13]
                for i1 in range(r1):
                    for i2 in range(r2):
                        acc += arena[record[5] + (((ia * r1 + i1) * b + ib) * r2 + i2) * c + ic] ^ 0x80
                arena[y] = _output(record, acc, record[14], record[15], record[16])
                y += 1


def _box(dims, *strides):
    """Offsets of every element of a box of four dimensions, for each list of strides, last dimension fastest."""
    for i0 in range(dims[0]):
        for i1 in range(dims[1]):
            for i2 in range(dims[2]):
                for i3 in range(dims[3]):
                    yield [i0 * s[0] + i1 * s[1] + i2 * s[2] + i3 * s[3] for s in strides]


def _pairwise(record, arena, constants, combine):
    flags = record[23]
    x1 = constants if flags & 1 else arena
    x2 = constants if flags & 2 else arena
    y = record[6]
    for at1, at2 in _box(record[8:12], record[12:16], record[16:20]):
        acc = combine(x1[record[5] + at1], x2[record[7] + at2])
        arena[y] = _output(record, acc, record[20], record[21], record[22])
        y += 1


def add(record, arena, constants):
    """y = eq. (3) of table1[x1] + table2[x2]; the tables hold the rescaled operands. integer_ops/add.h AddFunc."""
    t1, t2 = record[27], record[28]
    _pairwise(record, arena, constants, lambda a, b: _i32(constants, t1 + 4 * a) + _i32(constants, t2 + 4 * b))


def mul(record, arena, constants):
    """y = eq. (3) of (x1 - zero_point1) * (x2 - zero_point2). integer_ops/mul.h MulElementwise."""
    z1, z2 = record[27], record[28]
    _pairwise(record, arena, constants, lambda a, b: (signed(a) - z1) * (signed(b) - z2))


def copy(record, arena, constants):
    """Fill, then copy a box of bytes: PAD, CONCATENATION, TRANSPOSE, slices."""
    y = record[6]
    for i in range(record[20]):
        arena[y + i] = record[21]
    source = constants if record[23] & 1 else arena
    y += record[22]
    for at, to in _box(record[8:12], record[12:16], record[16:20]):
        arena[y + to] = source[record[5] + at]


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
    rows, depth, count, table = record[8:12]
    for row in range(rows):
        x = record[5] + row * depth
        y = record[6] + row * depth
        values = [signed(arena[x + i]) for i in range(depth)]
        top = max(values)
        exps = [_i32(constants, table + 4 * (top - v)) if top - v < count else 0 for v in values]
        scale, zeros = _reciprocal(sum([rounding_divide_by_pot(e, _POT_SOFTMAX_SUM) for e in exps]))
        for i in range(depth):
            q = rounding_divide_by_pot(high_mul(scale, exps[i]), 31 - 8 + _POT_SOFTMAX_SUM - zeros) - 128
            arena[y + i] = min(127, q) & 0xFF


def lut(record, arena, constants):
    """y = table[x], raw bytes both: any function of one int8."""
    for i in range(record[8]):
        arena[record[6] + i] = constants[record[9] + arena[record[5] + i]]


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
        from . import ref_reduce as family
    elif id == 15:
        from . import ref_binary as family
    elif id == 17:
        from . import ref_resize as family
    elif id == 18:
        from . import ref_rows as family
    elif id < 32:
        from . import ref_gather as family
    elif id < 34:
        from . import ref_matmul as family
    elif id < 36:
        from . import ref_rnn as family
    elif id < 45:
        from . import ref_wide as family
    else:
        from . import ref_numbers as family
    return family.kernels[id]


def record(view):
    """What the kernels of this backend take as a record, from its 160 bytes."""
    return list(struct.unpack("<40i", view))


def patch(record, table, entry, later):
    """Makes a record of `record` that of one piece of its op (FORMAT.md, pieces)."""
    words = struct.unpack_from("<8i", table, 32 * entry)
    _, _, record[5], record[6], record[14], record[27], record[28], record[30] = words
    record[33] = later


def aligned(buffer):
    """Whether the kernels can read the buffer where it lies: these can read any."""
    return True
