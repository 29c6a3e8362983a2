"""LOG_SOFTMAX and L2_NORMALIZATION in plain ints: a sum a row, a program on it, the row again; RSQRT of int16 is the program
alone. See ref.py for the rules."""

from .ref import _i32, high_mul, requantize, rounding_divide_by_pot, signed, wrap32


def _saturated(x):
    return max(-0x80000000, min(0x7FFFFFFF, x))


def run(record, constants, first):
    """The sixteen registers after the record's program, which starts with register 0 = first. FORMAT.md, programs."""
    r = [first] + [0] * 15
    at = record[14]
    end = at + 4 * record[13]
    while at < end:
        op, d, a, b = constants[at : at + 4]
        at += 4
        if op == 11:
            if r[a] > r[b]:
                at += 4 * d
            continue
        if op == 0:
            v = high_mul(r[a], r[b])
        elif op == 1:
            v = wrap32(r[a] + r[b])
        elif op == 2:
            v = wrap32(r[a] - r[b])
        elif op == 3:
            v = _saturated(r[a] << b)
        elif op == 4:
            v = rounding_divide_by_pot(r[a], b)
        elif op == 5:
            v = _i32(constants, record[15] + 4 * a)
        elif op == 6:
            v = 32
            while v and r[a] >> (32 - v):
                v -= 1
        elif op == 7:
            v = _saturated(r[a] << r[b]) if r[b] >= 0 else r[a] >> -r[b]
        elif op == 8:
            v = min(r[a], r[b])
        elif op == 9:
            v = max(r[a], r[b])
        else:
            v = r[a] + r[b]
            v = (v + 1) >> 1 if v >= 0 else -((1 - v) >> 1)
        r[d] = v
    return r


def rows(record, arena, constants):
    """Word 17: 0 log_softmax.h LogSoftmaxQuantized; 1 integer_ops/l2normalization.h; 2 micro/kernels/elementwise.cc
    RsqrtEvalQuantized, a row is an int16."""
    depth, count = record[9], record[10]
    scratch = record[7]
    for row in range(record[8]):
        x = record[5] + row * depth
        y = record[6] + row * depth
        values = [signed(arena[x + i]) for i in range(depth)]
        if record[17] == 2:
            r = run(record, constants, (values[1] << 8) + (values[0] & 0xFF))
            out = [signed(r[1] & 0xFF), r[1] >> 8]
        elif record[17]:
            values = [v - record[18] for v in values]
            r = run(record, constants, wrap32(sum([v * v for v in values])))
            left, right = max(0, 7 - r[2]), max(0, r[2] - 7)
            out = [requantize(v, r[1], left, right) for v in values]
        else:
            top = max(values)
            total = 0
            for v in values:
                if top - v < count:
                    total += rounding_divide_by_pot(_i32(constants, record[11] + 4 * (top - v)), 12)
            r = run(record, constants, total)
            out = []
            for v in values:
                q = -128
                if top - v < count:
                    q = rounding_divide_by_pot(wrap32(_i32(constants, record[12] + 4 * (top - v)) - r[1]), 22) + 127
                out.append(q)
        for i in range(16):
            for k in range(4):
                arena[scratch + 4 * i + k] = r[i] >> 8 * k & 0xFF
        for i in range(depth):
            arena[y + i] = max(-128, min(127, out[i])) & 0xFF


kernels = {18: rows}
