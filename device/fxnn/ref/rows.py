"""LOG_SOFTMAX and L2_NORMALIZATION in plain ints: a sum a row, a program on it, the row again; RSQRT of int16 is the program
alone. See ref for the rules."""

from . import _i32, high_mul, requantize, rounding_divide_by_pot, signed, wrap32

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_ROWS = const(8)
_DEPTH = const(9)
_TABLE_COUNT = const(10)
_TABLE_OFFSET = const(11)
_DIFF_OFFSET = const(12)
_PROGRAM_COUNT = const(13)
_PROGRAM_OFFSET = const(14)
_VALUES_OFFSET = const(15)
_FUNCTION = const(17)
_X_ZERO_POINT = const(18)
# end of words
_RSQRT = const(2)  # the word function; 0: log_softmax, 1: l2_normalization
# Instructions of a program.
_HIGH_MUL = const(0)
_PLUS = const(1)
_MINUS = const(2)
_LEFT = const(3)  # by the number b, saturated
_RIGHT = const(4)  # by the number b, rounded
_VALUE = const(5)
_ZEROS = const(6)  # leading
_SHIFT = const(7)  # by register b, saturated; to the right where it is negative
_MIN = const(8)
_MAX = const(9)
_SKIP = const(11)  # d instructions, where a > b


def _saturated(x):
    return max(-0x80000000, min(0x7FFFFFFF, x))


def run(record, constants, first):
    """The sixteen registers after the record's program, which starts with register 0 = first. FORMAT.md, programs."""
    r = [first] + [0] * 15
    at = record[_PROGRAM_OFFSET]
    end = at + 4 * record[_PROGRAM_COUNT]
    while at < end:
        op, d, a, b = constants[at : at + 4]
        at += 4
        if op == _SKIP:
            if r[a] > r[b]:
                at += 4 * d
            continue
        if op == _HIGH_MUL:
            v = high_mul(r[a], r[b])
        elif op == _PLUS:
            v = wrap32(r[a] + r[b])
        elif op == _MINUS:
            v = wrap32(r[a] - r[b])
        elif op == _LEFT:
            v = _saturated(r[a] << b)
        elif op == _RIGHT:
            v = rounding_divide_by_pot(r[a], b)
        elif op == _VALUE:
            v = _i32(constants, record[_VALUES_OFFSET] + 4 * a)
        elif op == _ZEROS:
            v = 32
            while v and r[a] >> (32 - v):
                v -= 1
        elif op == _SHIFT:
            v = _saturated(r[a] << r[b]) if r[b] >= 0 else r[a] >> -r[b]
        elif op == _MIN:
            v = min(r[a], r[b])
        elif op == _MAX:
            v = max(r[a], r[b])
        else:
            v = r[a] + r[b]
            v = (v + 1) >> 1 if v >= 0 else -((1 - v) >> 1)
        r[d] = v
    return r


def rows(record, arena, constants):
    """By the word function: 0 log_softmax.h LogSoftmaxQuantized; 1 integer_ops/l2normalization.h; 2 micro/kernels/elementwise.cc
    RsqrtEvalQuantized, a row is an int16."""
    depth, count = record[_DEPTH], record[_TABLE_COUNT]
    scratch = record[_SCRATCH_OFFSET]
    for row in range(record[_ROWS]):
        x = record[_X_OFFSET] + row * depth
        y = record[_Y_OFFSET] + row * depth
        values = [signed(arena[x + i]) for i in range(depth)]
        if record[_FUNCTION] == _RSQRT:
            r = run(record, constants, (values[1] << 8) + (values[0] & 0xFF))
            out = [signed(r[1] & 0xFF), r[1] >> 8]
        elif record[_FUNCTION]:
            values = [v - record[_X_ZERO_POINT] for v in values]
            r = run(record, constants, wrap32(sum([v * v for v in values])))
            left, right = max(0, 7 - r[2]), max(0, r[2] - 7)
            out = [requantize(v, r[1], left, right) for v in values]
        else:
            top = max(values)
            total = 0
            for v in values:
                if top - v < count:
                    total += rounding_divide_by_pot(_i32(constants, record[_TABLE_OFFSET] + 4 * (top - v)), 12)
            r = run(record, constants, total)
            out = []
            for v in values:
                q = -128
                if top - v < count:
                    q = (
                        rounding_divide_by_pot(wrap32(_i32(constants, record[_DIFF_OFFSET] + 4 * (top - v)) - r[1]), 22)
                        + 127
                    )
                out.append(q)
        for i in range(16):
            for k in range(4):
                arena[scratch + 4 * i + k] = r[i] >> 8 * k & 0xFF
        for i in range(depth):
            arena[y + i] = max(-128, min(127, out[i])) & 0xFF


kernels = {18: rows}
