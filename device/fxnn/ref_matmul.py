"""TRANSPOSE_CONV and BATCH_MATMUL in plain ints: see ref.py."""

from .ref import _channel, _output, _pixels, signed
from .ref_wide import output16, s16, wide_channel, wide_output


def transpose_conv(record, arena, constants):
    """y = eq. (3) of sum(x * w) + bias over the inputs whose window covers the pixel. integer_ops/transpose_conv.h.

    Input row iy adds to output rows iy * stride_h - pad_top + ky. w: OHWI uint8 = int8 + 128. Word 29: 0, x and y are
    int8; 1, int16 with wide channels, eq. (6).
    """
    wide = record[29]
    in_c, out_c = record[11], record[14]
    y = record[6]
    for n, oy, ox in _pixels(record):
        for o in range(out_c):
            channel = wide_channel(record, constants, o) if wide else _channel(record, constants, o)
            acc = channel[0]
            for ky in range(record[15]):
                iy, rest = divmod(oy + record[21] - ky, record[17])
                if rest or not 0 <= iy < record[9]:
                    continue
                for kx in range(record[16]):
                    ix, rest = divmod(ox + record[22] - kx, record[18])
                    if rest or not 0 <= ix < record[10]:
                        continue
                    x = ((n * record[9] + iy) * record[10] + ix) * in_c
                    w = record[27] + ((o * record[15] + ky) * record[16] + kx) * in_c
                    for c in range(in_c):
                        if wide:
                            acc += s16(arena, record[5] + 2 * (x + c)) * (constants[w + c] - 128)
                        else:
                            acc += (signed(arena[record[5] + x + c]) - record[23]) * (constants[w + c] - 128)
            if wide:
                wide_output(record, arena, y, acc, channel)
                y += 2
            else:
                arena[y] = _output(record, acc, channel[1], channel[2], channel[3])
                y += 1


def batch_matmul(record, arena, constants):
    """y[b, i, j] = eq. (3) of sum((x1[b, i, k] - zero1) * (x2[b, k, j] - zero2)). reference/batch_matmul.h.

    Words 14 to 18 and 19 to 22, 31 are byte strides, 0 where a matrix serves several batches. Flag 4: elements of 16
    bits, whose sum is requantized by eq. (6).
    """
    flags = record[23]
    a = constants if flags & 1 else arena
    b = constants if flags & 2 else arena
    y = record[6]
    left, right = record[30] & 0xFF, record[30] >> 8
    for b0 in range(record[8]):
        for b1 in range(record[9]):
            for b2 in range(record[10]):
                for i in range(record[11]):
                    for j in range(record[12]):
                        at = record[5] + b0 * record[14] + b1 * record[15] + b2 * record[16] + i * record[17]
                        bt = record[7] + b0 * record[19] + b1 * record[20] + b2 * record[21] + j * record[22]
                        acc = 0
                        for _ in range(record[13]):
                            if flags & 4:
                                acc += s16(a, at) * s16(b, bt)
                            else:
                                acc += (signed(a[at]) - record[27]) * (signed(b[bt]) - record[28])
                            at += record[18]
                            bt += record[31]
                        if flags & 4:
                            output16(record, arena, y, (acc * record[29] + (1 << left - 1)) >> left)
                            y += 2
                        else:
                            arena[y] = _output(record, acc, record[29], left, right)
                            y += 1


kernels = {32: transpose_conv, 33: batch_matmul}
