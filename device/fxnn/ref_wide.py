"""Kernels with int16 activations in plain ints: see ref.py. int16 elements are little-endian; their zero point is 0."""

from .ref import _box, _i32, _pixels, _window, high_mul, requantize, rounding_divide_by_pot, signed, wrap32


def s16(buffer, at):
    """The int16 at a byte offset."""
    return (buffer[at] | buffer[at + 1] << 8 ^ 0x8000) - 0x8000


def put16(arena, at, value):
    """Writes an int16."""
    arena[at] = value & 0xFF
    arena[at + 1] = value >> 8 & 0xFF


def output16(record, arena, at, value):
    """Writes clamp(value), value taken modulo 2^32: eq. (3) without a zero point."""
    put16(arena, at, max(record[25], min(record[26], wrap32(value))))


def wide_channel(record, constants, c):
    """Entry c of the wide channel table: (bias, multiplier, shift, right_shift)."""
    at = record[28] + 16 * c
    return (
        (_i32(constants, at) << 16) + (constants[at + 4] | constants[at + 5] << 8),
        _i32(constants, at + 8),
        constants[at + 12],
        constants[at + 13],
    )


def wide_output(record, arena, at, acc, channel):
    """Writes the requantized accumulator: eq. (6), or eq. (2) where word 30 is 1."""
    _, multiplier, shift, right_shift = channel
    if record[30]:
        output16(record, arena, at, requantize(acc, multiplier, shift, right_shift))
    else:
        output16(record, arena, at, (acc * multiplier + (1 << shift - 1)) >> shift)


def conv_2d_16(record, arena, constants):
    """conv_2d with int16 x and y: integer_ops/conv.h. Word 0 of a channel: bias - 32768 * sum(w), so that
    acc = this + sum((x + 32768) * w). Scratch: the im2col column of x + 32768, 2 bytes each."""
    in_w, in_c, out_c = record[10], record[11], record[14]
    size = record[15] * record[16] * in_c
    column = record[7]
    y = record[6]
    for n, oy, ox in _pixels(record):
        for i in range(size):
            arena[column + 2 * i] = 0
            arena[column + 2 * i + 1] = 0x80
        for tap, iy, ix in _window(record, oy, ox, record[19], record[20]):
            at = record[5] + ((n * record[9] + iy) * in_w + ix) * in_c * 2
            to = column + tap * in_c * 2
            for i in range(0, 2 * in_c, 2):
                arena[to + i] = arena[at + i]
                arena[to + i + 1] = arena[at + i + 1] ^ 0x80
        for o in range(out_c):
            channel = wide_channel(record, constants, o)
            acc = channel[0]
            w = record[27] + o * (size + 3 & ~3)
            for i in range(size):
                acc += (s16(arena, column + 2 * i) & 0xFFFF) * (constants[w + i] - 128)
            wide_output(record, arena, y, acc, channel)
            y += 2


def depthwise_conv_2d_16(record, arena, constants):
    """depthwise_conv_2d with int16 x and y: integer_ops/depthwise_conv.h."""
    in_w, in_c, out_c, per_input = record[10], record[11], record[14], record[29]
    y = record[6]
    for n, oy, ox in _pixels(record):
        for o in range(out_c):
            channel = wide_channel(record, constants, o)
            acc = channel[0]
            for tap, iy, ix in _window(record, oy, ox, record[19], record[20]):
                at = record[5] + 2 * (((n * record[9] + iy) * in_w + ix) * in_c + o // per_input)
                acc += s16(arena, at) * (constants[record[27] + tap * out_c + o] - 128)
            wide_output(record, arena, y, acc, channel)
            y += 2


def _values(record, arena, n, oy, ox, c):
    for _, iy, ix in _window(record, oy, ox, 1, 1):
        yield s16(arena, record[5] + 2 * (((n * record[9] + iy) * record[10] + ix) * record[11] + c))


def max_pool_2d_16(record, arena, constants):
    """max_pool_2d of int16. integer_ops/pooling.h."""
    y = record[6]
    for n, oy, ox in _pixels(record):
        for c in range(record[11]):
            best = -32768
            for x in _values(record, arena, n, oy, ox, c):
                best = max(best, x)
            output16(record, arena, y, best)
            y += 2


def average_pool_2d_16(record, arena, constants):
    """average_pool_2d of int16: eq. (4). integer_ops/pooling.h."""
    y = record[6]
    for n, oy, ox in _pixels(record):
        for c in range(record[11]):
            total = count = 0
            for x in _values(record, arena, n, oy, ox, c):
                total += x
                count += 1
            mean = (abs(total) + count // 2) // max(count, 1)
            output16(record, arena, y, -mean if total < 0 else mean)
            y += 2


def mean_16(record, arena, constants):
    """mean of int16: eq. (2) of the sum. reduce.h QuantizedMeanOrSum."""
    a, r1, b, r2, c = record[8:13]
    y = record[6]
    for ia in range(a):
        for ib in range(b):
            for ic in range(c):
                acc = 0
                for i1 in range(r1):
                    for i2 in range(r2):
                        acc += s16(arena, record[5] + 2 * ((((ia * r1 + i1) * b + ib) * r2 + i2) * c + ic))
                output16(record, arena, y, requantize(acc, record[14], record[15], record[16]))
                y += 2


def pairwise_16(record, arena, constants):
    """add (word 31: 1), sub (2), mul (0), squared_difference (3) and prelu (4) of int16: eq. (2) of x1 * x2, or of the sum of
    both operands times 2^15, each rescaled first, or of their difference's square, or of x1 where it is not negative.
    reference/add.h, sub.h, integer_ops/mul.h, micro/kernels/squared_difference.cc, reference/prelu.h."""
    flags, kind = record[23], record[31]
    a = constants if flags & 1 else arena
    b = constants if flags & 2 else arena
    y = record[6]
    for at1, at2 in _box(record[8:12], record[12:16], record[16:20]):
        x1 = s16(a, record[5] + at1)
        x2 = s16(b, record[7] + at2)
        if kind == 4 and x1 >= 0:
            output16(record, arena, y, requantize(x1, record[27], record[28], record[29]))
            y += 2
            continue
        if 0 < kind < 4:
            up = 0 if kind == 3 else 15
            x1 = rounding_divide_by_pot(high_mul(x1 << up, record[27]), record[29])
            x2 = rounding_divide_by_pot(high_mul(x2 << up, record[28]), record[30])
            acc = x1 + x2 if kind == 1 else x1 - x2
            if kind == 3:
                acc *= acc
        else:
            acc = x1 * x2
        output16(record, arena, y, requantize(acc, record[20], record[21], record[22]))
        y += 2


def rescale(record, arena, constants):
    """y = clamp(eq. (2) of (x - x_zero_point), with other factors below 0), int8 or int16 each: QUANTIZE, RELU,
    LEAKY_RELU, ABS. reference/requantize.h, micro/kernels/activations_common.cc, leaky_relu.h, elementwise.cc."""
    x, y, x_bytes, y_bytes = record[5], record[6], record[9], record[10]
    for i in range(record[8]):
        v = (signed(arena[x + i]) if x_bytes == 1 else s16(arena, x + 2 * i)) - record[11]
        at = 12 if v >= 0 else 15
        v = wrap32(requantize(v, record[at], record[at + 1], record[at + 2]) + record[24])
        v = max(record[25], min(record[26], v))
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
    """LOGISTIC (word 11: 0) and TANH (1) of int16."""
    for i in range(0, 2 * record[8], 2):
        y = sigmoid16(s16(arena, record[5] + i), record[9], record[10], record[11], constants, record[12])
        put16(arena, record[6] + i, y)


def _lookup(constants, table, x):
    """A table of 513 int16 at x, interpolated. internal/common.h LUTLookup."""
    at = table + 2 * (256 + (x >> 7))
    low = s16(constants, at)
    return low + (((s16(constants, at + 2) - low) * (x & 127) + 64) >> 7)


def softmax_16(record, arena, constants):
    """softmax of int16 a row, scale 2^-15: eq. (8). softmax.h SoftmaxInt16."""
    rows, depth = record[8:10]
    for row in range(rows):
        x = record[5] + 2 * row * depth
        y = record[6] + 2 * row * depth
        top = max([s16(arena, x + 2 * i) for i in range(depth)])
        total = 0
        for i in range(0, 2 * depth, 2):
            d = requantize(s16(arena, x + i) - top, record[10], record[11], record[12]) + 32767
            e = _lookup(constants, record[13], max(-32768, min(32767, d)))
            put16(arena, y + i, e)
            total += e
        shift = 0
        while not total >> shift + 15 == 0:
            shift += 1
        # total = (1 + f) * 2^(shift + 14): the table takes f from [0, 1) to int16
        f = ((total << 16 - shift) + (1 << 13) >> 14) - (1 << 15) - (1 << 16)
        scale = _lookup(constants, record[14], max(-32768, min(32767, f)))
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
