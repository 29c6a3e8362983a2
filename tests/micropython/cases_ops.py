"""cases.py continued: random and extreme cases of kernels 12 to 31."""

from __future__ import annotations

import struct

from host_tools.record import (
    ARG,
    BINARY,
    CHANNEL_TABLES,
    EXTREME,
    GATHER,
    RECORD,
    RESIZE,
    ROWS,
    SELECT,
    X2_CONSTANT,
    X_CONSTANT,
)
from tests.helpers.fxnn_builder import from_word

DENSE = lambda dims: [dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1]  # noqa: E731


class OpCases:
    """Mixed into cases.Cases, whose random, scale, clamp, raw and network it uses."""

    def gather(self) -> bytes:
        r = self.random
        a, j, b, k, c = (r.randint(1, n) for n in (2, 4, 2, 3, 5))
        rows, columns = r.randint(1, 4), r.randint(1, 4)
        column, line = c, columns * c
        row = b * line
        size = a * rows * row
        indices = [
            r.choice((r.randint(0, rows - 1), r.randint(0, rows - 1), -1, 99, 2**31 - 1, -(2**31))) for _ in range(j)
        ]
        places = [r.randint(0, columns - 1) for _ in range(k)]
        words = from_word(GATHER.a, [a, j, b, k, c, rows * row, row, line, column, rows, columns, 4])
        constants = struct.pack(f"<i{k}i", 0, *places)
        words[GATHER.flags] = flags = r.randint(0, 3)
        x, y = b"", size + 8
        y += -y % 4
        if flags & X_CONSTANT:
            words[GATHER.x_offset] = len(constants)
            constants += self.raw(size)
            constants += bytes(-len(constants) % 4)
        else:
            words[GATHER.x_offset] = 0
            x = self.raw(size)
        table = struct.pack(f"<{j}i", *indices)
        if flags & X2_CONSTANT:
            words[GATHER.x2_offset] = len(constants)
            constants += table
        else:
            words[GATHER.x2_offset] = len(x) + -len(x) % 4
            x += bytes(-len(x) % 4) + table
        words[GATHER.y_offset] = max(y, len(x) + 4)
        return self.network("gather", words[RECORD.y_offset] + a * j * b * k * c + 8, words, constants, x)

    def select(self) -> bytes:
        r = self.random
        dims = [r.randint(1, 4) for _ in range(4)]
        size = dims[0] * dims[1] * dims[2] * dims[3]
        strides = [[s if r.random() < 0.8 else 0 for s in DENSE(dims)] for _ in range(2)]
        words = SELECT.words(dims=dims, x1_strides=strides[0], x2_strides=strides[1], flags=r.randint(0, 3))
        words |= SELECT.words(x_offset=0, x2_offset=size, y_offset=2 * size + 3)
        constants = b""
        for flag, word in ((X_CONSTANT, SELECT.x_offset), (X2_CONSTANT, SELECT.x2_offset)):
            if words[SELECT.flags] & flag:
                words[word] = len(constants)
                constants += self.raw(size) if flag == X_CONSTANT else bytes(r.randint(0, 1) for _ in range(size))
        x = self.raw(size) + bytes(r.randint(0, 1) for _ in range(size))
        return self.network("select", words[RECORD.y_offset] + size + 8, words, constants, x)

    def channel_lut(self) -> bytes:
        r = self.random
        a, b, c = r.randint(1, 4), r.randint(1, 6), r.randint(1, 5)
        tables = r.randint(1, 3)
        which = [r.randint(0, tables - 1) for _ in range(b)]
        pad = -2 * b % 4
        words = CHANNEL_TABLES.words(a=a, b=b, c=c, tables_offset=2 * b + pad, which_offset=0)
        words |= CHANNEL_TABLES.words(x_offset=1, y_offset=r.choice((1, a * b * c + 2)))
        constants = struct.pack(f"<{b}H", *which) + bytes(pad) + self.raw(256 * tables)
        return self.network("channel_lut", 2 * a * b * c + 8, words, constants)

    def reduce(self) -> bytes:
        r = self.random
        dims = [r.randint(1, 4) for _ in range(5)]
        a, r1, b, r2, c = dims
        words = from_word(EXTREME.a, dims)
        words |= EXTREME.words(x_offset=2, y_offset=8 + a * r1 * b * r2 * c, smallest=r.randint(0, 1))
        return self.network("reduce", words[RECORD.y_offset] + a * b * c + 8, words)

    def arg(self) -> bytes:
        r = self.random
        a, n, c = r.randint(1, 4), r.choice((1, 2, 5, 300)), r.randint(1, 4)
        x = bytes(r.choice((0x80, 0x7F, 0, 1)) for _ in range(a * n * c)) if r.random() < 0.5 else self.raw(a * n * c)
        words = ARG.words(x_offset=0, y_offset=(a * n * c + 7) & ~3, a=a, r=n, c=c, smallest=r.randint(0, 1))
        return self.network("arg", words[RECORD.y_offset] + 4 * a * c + 8, words, b"", x)

    def _binary(self, function: int) -> bytes:
        r = self.random
        dims = [r.randint(1, 4) for _ in range(4)]
        size = dims[0] * dims[1] * dims[2] * dims[3]
        strides = [[s if r.random() < 0.8 else 0 for s in DENSE(dims)] for _ in range(2)]
        words = BINARY.words(dims=dims, x1_strides=strides[0], x2_strides=strides[1], function=function)
        words |= BINARY.words(x_offset=0, x2_offset=size, y_offset=2 * size + 4)
        words |= from_word(BINARY.multiplier, self.scale())
        words |= from_word(BINARY.negative_multiplier, self.scale())
        words[BINARY.flags] = flags = r.choice((0, 0, X_CONSTANT, X2_CONSTANT))
        words |= from_word(BINARY.y_zero_point, self.clamp())
        words |= BINARY.words(x1_zero_point=r.randint(-128, 127), x2_zero_point=r.choice((-128, 127, 0)))
        constants = b""
        if 2 <= function <= 6:
            limit = r.choice((3, 2**14, 2**14 if function == 6 else 2**31 - 1))
            constants = struct.pack("<512i", *[r.randint(-limit, limit) for _ in range(512)])
            words |= from_word(BINARY.table1_offset, r.choice(((0, 1024), (1024, 0), (0, 0))))
        if function == 8:
            ref = __import__("fxnn.ref", fromlist=["ref"])
            softmax = __import__("fxnn.ref.softmax", fromlist=["softmax"])
            table = []
            for q in range(256):
                value = abs(ref.signed(q) - 3)
                inverse, zeros = softmax.reciprocal(value) if value > 0 else (0, 31)
                table += [inverse, 31 - zeros | (256 if ref.signed(q) < 3 else 0)]
            constants = struct.pack("<512i", *table)
            words |= BINARY.words(inverses_offset=0, left_shift=0, right_shift=r.randint(-22, 3))
        if flags:
            words[BINARY.x_offset if flags == X_CONSTANT else BINARY.x2_offset] = len(constants)
            constants += self.raw(size)
        return self.network("binary", words[RECORD.y_offset] + size + 8, words, constants)

    def binary(self) -> bytes:
        return self._binary(self.random.randint(0, 5))

    def squared_difference(self) -> bytes:
        return self._binary(6)

    def prelu(self) -> bytes:
        return self._binary(7)

    def div(self) -> bytes:
        return self._binary(8)

    def resize_bilinear(self) -> bytes:
        r = self.random
        n, h, w, c, out_h, out_w = (r.randint(1, m) for m in (2, 5, 5, 4, 7, 7))

        def table(size, out, stride):
            values = []
            for _ in range(out):
                first = r.randint(0, size - 1)
                second = min(first + r.randint(0, 1), size - 1)
                values += [first * stride, second * stride, r.choice((0, 1, 512, 1023, r.randint(0, 1023)))]
            return struct.pack(f"<{3 * out}i", *values)

        rows, columns = table(h, out_h, w * c), table(w, out_w, c)
        words = from_word(RESIZE.n, [n, h * w * c, c, out_h, out_w, 0, len(rows)])
        words |= RESIZE.words(x_offset=1, y_offset=n * h * w * c + 3)
        return self.network(
            "resize_bilinear", words[RECORD.y_offset] + n * out_h * out_w * c + 8, words, rows + columns
        )

    def rows(self) -> bytes:
        """The two programs that are used, or a random one of every instruction."""
        from host_tools.ops.rows import inverse_sqrt_program, log_program

        r = self.random
        n, depth, mode = r.randint(1, 3), r.choice((1, 1, 2, 10, 40)), r.randint(0, 1)
        program = inverse_sqrt_program() if mode else log_program()
        code, values = program.code, program.values
        if r.random() < 0.5:
            values = [r.choice((r.randint(-(2**31) + 1, 2**31 - 1), r.randint(-300, 300), 0, 2**31 - 1, 1 - 2**31))
                      for _ in range(8)] + [r.randint(-31, 31) for _ in range(4)]  # fmt: skip
            code = [(5, i, i, 0) for i in range(1, 8)]
            for _ in range(20):
                op = r.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11))
                d, a, b = r.randint(0, 13), r.randint(0, 13), r.randint(0, 13)
                if op in (3, 4):
                    b = r.randint(0, 31)
                if op == 5:
                    a = r.randint(0, 7)
                if op == 7:
                    code.append((5, 14, r.randint(8, 11), 0))
                    b = 14
                if op == 11:
                    d = r.randint(0, 2)
                code.append((op, d, a, b))
            code.append((8, 2, 2, 13))
            code += [(5, 15, 8, 0), (8, 2, 2, 15), (5, 15, 9, 0), (9, 2, 2, 15)]  # a shift from -31 to 31
            values[8], values[9] = 31, -20
        count = r.choice((1, 50, 256))
        exps = [r.randint(0, 2**31 - 1) for _ in range(count)]
        exps = [e >> r.randint(0, 4) for e in exps]
        exps[0] = 2**31 - 1
        diffs = [-d * r.randint(1, 2**22) for d in range(count)]
        size = n * depth
        tables = struct.pack(f"<{2 * count}i", *exps, *diffs)
        at = len(tables)
        constants = tables + b"".join(bytes(c) for c in code) + struct.pack(f"<{len(values)}i", *values)
        scratch, zero = size + -size % 4, r.randint(-128, 127)
        words = ROWS.words(x_offset=0, y_offset=scratch + 66, scratch_offset=scratch, rows=n, depth=depth, table_count=count,
                           table_offset=0, diff_offset=4 * count, program_count=len(code), program_offset=at,
                           values_offset=at + 4 * len(code), values_count=len(values), function=mode,
                           x_zero_point=zero)  # fmt: skip
        # rows of a zero point and its neighbours, whose sum is 0 or 1, now and then
        x = bytes((zero + r.randint(-1, 1)) & 0xFF for _ in range(size)) if r.random() < 0.3 else self.raw(size)
        return self.network("rows", words[RECORD.y_offset] + size + 8, words, constants, x)


KERNELS = ("gather", "select", "channel_lut", "reduce", "arg", "binary", "squared_difference", "prelu", "div",
           "resize_bilinear", "rows")  # fmt: skip
