"""Random and extreme cases for every kernel, as packed files whose self-test vector is the whole arena.

Runs on CPython. A case is a network of one op whose input and output tensors both are all of its arena, so that the
self-test also sees a kernel write where it should not. The expected arenas are `fxnn.ref`'s, computed on CPython,
where ints do not overflow; other tests hold `ref` against TensorFlow Lite Micro.
"""

from __future__ import annotations

import random
import struct
import sys
from importlib import import_module
from pathlib import Path

from host_tools.record import (
    ADD,
    BOX,
    CONV,
    DENSE,
    DEPTHWISE,
    MUL,
    PAIRWISE,
    POOL,
    RECORD,
    REDUCTION,
    SOFTMAX,
    TABLE,
    WINDOW,
    X2_CONSTANT,
    X_CONSTANT,
)
from tests.helpers.fxnn_builder import KERNEL_IDS, Network, channel_table, from_word, padded
from tests.helpers.paths import ROOT
from tests.micropython import cases_ops

INT32 = (-(2**31), 2**31 - 1)
EXTREME = (-(2**31), -(2**31) + 1, -1, 0, 1, 2**30, 2**31 - 1, 2**31 - 128, 0x7FFF, 0x8000, 0xFFFF, 0x10000, -0x8000)


def device_module(name: str):
    """A module of device/fxnn on CPython, with the stub of `micropython`."""
    for path in (ROOT / "device", ROOT / "tests" / "stubs"):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    import_module("micropython")  # const, which MicroPython's compiler knows without an import
    return __import__(f"fxnn.{name}", fromlist=[name])


class Cases(cases_ops.OpCases):
    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def scale(self) -> tuple[int, int, int]:
        """(multiplier, left_shift, right_shift), now and then extreme."""
        r = self.random
        multiplier = r.choice((r.randint(2**30, 2**31 - 1), 2**30, 2**31 - 1, 2**31 - 2, 0, 0x7FFF0000, 0x4000FFFF))
        if r.random() < 0.25:
            return multiplier, r.choice((0, 1, 5, 16, 30, 31)), 0
        return multiplier, 0, r.choice((0, 1, r.randint(2, 12), r.randint(2, 12), r.randint(2, 12), 16, 30, 31))

    def clamp(self) -> tuple[int, int, int]:
        """(y_zero_point, clamp_min, clamp_max)."""
        r = self.random
        zero = r.choice((-128, 127, 0, r.randint(-128, 127)))
        return r.choice(((zero, -128, 127), (zero, -128, 127), (zero, max(zero, -128), 127), (zero, -20, 90)))

    def raw(self, size: int) -> bytes:
        """Random bytes; now and then of the two extremes."""
        r = self.random
        if r.random() < 0.2:
            return bytes(r.choice((0x80, 0x7F)) for _ in range(size))
        return r.randbytes(size)

    def acc(self) -> int:
        """A first word of a channel: mostly near 0, so that the output is not saturated."""
        r = self.random
        return r.choice((r.randint(-5000, 5000), r.randint(-(2**20), 2**20), r.choice(EXTREME), r.randint(*INT32)))

    def channels(self, count: int) -> bytes:
        return channel_table([(self.acc(), *self.scale()) for _ in range(count)])

    def network(
        self, kernel: str, arena_bytes: int, words: dict[int, int], constants: bytes = b"", x: bytes = b""
    ) -> bytes:
        """The packed file of one op with its self-test vector. x: the first bytes of the arena; the rest is random."""
        ref = device_module("ref")
        arena_bytes += -arena_bytes % 4
        net = Network(arena_bytes, kernel)
        net.tensor("input", 0, (arena_bytes,)).tensor("output", 0, (arena_bytes,)).op(kernel, words, constants)
        arena = bytearray(x + self.raw(arena_bytes)[len(x) :])
        before = bytes(arena)
        record = [words.get(i, 0) for i in range(40)]
        ref.kernel(KERNEL_IDS[kernel])(record, arena, padded(constants))
        net.vectors.append(before + bytes(arena))
        return net.build()

    def window(self, max_c: int) -> list[int]:
        """The words from batches to pad_left of a window whose every output sees at least one input."""
        r = self.random
        while True:
            n, h, w, c = r.choice((1, 1, 2)), r.randint(1, 7), r.randint(1, 7), r.randint(1, max_c)
            kh, kw, sh, sw, dh, dw = r.randint(1, 4), r.randint(1, 4), r.randint(1, 3), r.randint(1, 3), 1, 1
            if r.random() < 0.2:
                dh, dw = r.randint(1, 3), r.randint(1, 3)
            top, left = r.randint(0, kh - 1), r.randint(0, kw - 1)
            if r.random() < 0.3:
                top = left = 0
            # some padding below and on the right too, while the window starts inside
            oh = (h - 1 + top) // sh + 1 - r.randint(0, 1)
            ow = (w - 1 + left) // sw + 1 - r.randint(0, 1)
            if oh > 0 and ow > 0 and n * oh * ow <= 60:
                return [n, h, w, c, oh, ow, c, kh, kw, sh, sw, dh, dw, top, left]

    def conv_2d(self) -> bytes:
        v = self.window(self.random.choice((1, 3, 4, 8, 9)))
        return self._conv("conv_2d", v)

    def pointwise(self) -> bytes:
        r = self.random
        h, w, c = r.randint(1, 5), r.randint(1, 5), r.choice((1, 4, 7, 8, 16, 33))
        return self._conv("conv_2d", [1, h, w, c, h, w, 0, 1, 1, 1, 1, 1, 1, 0, 0])

    def fully_connected(self) -> bytes:
        rows, c = self.random.randint(1, 3), self.random.choice((1, 5, 8, 16, 31, 100))
        return self._conv("fully_connected", [1, rows, 1, c, rows, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0])

    def int4_conv_2d(self) -> bytes:
        return self._conv("conv_2d", self.window(self.random.choice((1, 3, 4, 8, 9))), int4=True)

    def int4_fully_connected(self) -> bytes:
        rows, c = self.random.randint(1, 3), self.random.choice((1, 2, 7, 8, 9, 15, 16, 100))
        return self._conv("fully_connected", [1, rows, 1, c, rows, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0], int4=True)

    def short_channels(self, count: int) -> bytes:
        """As channels(), with multipliers of 16 bits."""
        entries = []
        for _ in range(count):
            multiplier, left, right = self.scale()
            entries.append(
                struct.pack(
                    "<iHBB", self.acc(), min(0xFFFF, (multiplier >> 15) + self.random.randint(0, 1)), left, right
                )
            )
        return b"".join(entries)

    def _conv(self, kernel: str, v: list[int], int4: bool = False) -> bytes:
        r = self.random
        v[6] = out_c = r.randint(1, 5)
        if kernel == "fully_connected" and r.random() < 0.6:
            return self._in_pairs(v) if r.random() < 0.5 else self._in_twos(v)
        x, column, y = v[0] * v[1] * v[2] * v[3], v[7] * v[8] * v[3], v[0] * v[4] * v[5] * out_c
        words = from_word(CONV.batches, v)
        words |= CONV.words(x_offset=r.choice((0, 4, 5)), x_zero_point=r.choice((-128, 127, r.randint(-128, 127))))
        words[CONV.scratch_offset] = (words[CONV.x_offset] + x + 3) & ~3
        words[CONV.y_offset] = words[CONV.scratch_offset] + column + r.randint(0, 3)
        words |= from_word(POOL.y_zero_point, self.clamp())
        table = self.short_channels(out_c) if int4 else self.channels(out_c)
        words |= CONV.words(channels_offset=0, weights_offset=len(table), weights_format=int(int4))
        row = ((column + 7) & ~7) // 2 if int4 else (column + 3) & ~3
        return self.network(kernel, words[RECORD.y_offset] + y + 8, words, table + self.raw(out_c * row))

    def _in_twos(self, v: list[int]) -> bytes:
        """Fully connected with weights in twos."""
        r = self.random
        v[6] = out_c = r.randint(1, 20)
        words = from_word(DENSE.batches, v)
        words |= DENSE.words(x_offset=r.choice((0, 4, 5)), x_zero_point=r.choice((-128, 127, 3)), weights_layout=2)
        y = words[DENSE.x_offset] + v[1] * v[3] + r.randint(0, 3)
        words |= DENSE.words(y_offset=y, scratch_offset=y)
        words |= from_word(POOL.y_zero_point, self.clamp())
        weights = self.raw(out_c * (v[3] + 15 & ~15))
        words |= DENSE.words(weights_offset=0, channels_offset=len(weights))
        return self.network(
            "fully_connected", words[RECORD.y_offset] + v[1] * out_c + 8, words, weights + self.channels(out_c)
        )

    def _in_pairs(self, v: list[int]) -> bytes:
        """Fully connected with weights in pairs of inputs and channels."""
        r = self.random
        v[6] = out_c = r.randint(1, 20)
        y = 5 + v[1] * v[3]
        words = from_word(DENSE.batches, v)
        words |= DENSE.words(x_offset=4, y_offset=y, x_zero_point=r.choice((-128, 127, 3)), weights_layout=1)
        words[DENSE.scratch_offset] = y
        words |= from_word(POOL.y_zero_point, self.clamp())
        table = self.channels(out_c + out_c % 2)
        words |= WINDOW.words(channels_offset=0, weights_offset=len(table))
        weights = self.raw((out_c + out_c % 2) * (v[3] + v[3] % 2))
        return self.network("fully_connected", words[RECORD.y_offset] + v[1] * out_c + 8, words, table + weights)

    def depthwise_conv_2d(self) -> bytes:
        r = self.random
        v = self.window(r.choice((1, 4, 9)))
        if r.random() < 0.5:
            v[7] = v[8] = 3
        times = r.choice((1, 1, 2, 3))
        v[6] = out_c = v[3] * times
        x, y = v[0] * v[1] * v[2] * v[3], v[0] * v[4] * v[5] * out_c
        words = from_word(DEPTHWISE.batches, v)
        words |= DEPTHWISE.words(x_offset=4, y_offset=7 + x, x_zero_point=r.choice((-128, 127, r.randint(-128, 127))))
        words[DEPTHWISE.depth_multiplier] = times
        words |= from_word(POOL.y_zero_point, self.clamp())
        table = self.channels(out_c)
        words |= WINDOW.words(channels_offset=0, weights_offset=len(table))
        return self.network(
            "depthwise_conv_2d", words[RECORD.y_offset] + y + 8, words, table + self.raw(v[7] * v[8] * out_c)
        )

    def _pool(self, kernel: str) -> bytes:
        v = self.window(self.random.choice((1, 4, 9)))
        v[11] = v[12] = 1
        x, y = v[0] * v[1] * v[2] * v[3], v[0] * v[4] * v[5] * v[3]
        words = from_word(POOL.batches, v) | POOL.words(x_offset=3, y_offset=5 + x)
        words |= from_word(POOL.clamp_min, self.clamp()[1:])
        return self.network(kernel, words[RECORD.y_offset] + y + 8, words)

    def max_pool_2d(self) -> bytes:
        return self._pool("max_pool_2d")

    def average_pool_2d(self) -> bytes:
        return self._pool("average_pool_2d")

    def mean(self) -> bytes:
        r = self.random
        dims = [r.randint(1, 4) for _ in range(5)]
        a, r1, b, r2, c = dims
        zero = r.randint(-128, 127)
        words = from_word(REDUCTION.a, dims)
        words |= REDUCTION.words(x_offset=2, y_offset=8 + a * r1 * b * r2 * c, acc_offset=-(zero + 128) * r1 * r2)
        words |= from_word(REDUCTION.multiplier, self.scale())
        if r.random() < 0.3:
            words[REDUCTION.multiplier] = r.randint(0, 2**31 - 1)
        words |= from_word(POOL.y_zero_point, self.clamp())
        return self.network("mean", words[RECORD.y_offset] + a * b * c + 8, words)

    def _pairwise(self, kernel: str) -> bytes:
        r = self.random
        dims = [r.randint(1, 4) for _ in range(4)]
        size = dims[0] * dims[1] * dims[2] * dims[3]
        dense = [size // dims[0], dims[2] * dims[3], dims[3], 1]
        strides = [[s if r.random() < 0.8 else 0 for s in dense] for _ in range(2)]
        words = PAIRWISE.words(x_offset=0, x2_offset=size, y_offset=2 * size + 4)
        words |= PAIRWISE.words(dims=dims, x1_strides=strides[0], x2_strides=strides[1])
        words |= from_word(PAIRWISE.multiplier, self.scale())
        words[PAIRWISE.flags] = flags = r.choice((0, 0, X_CONSTANT, X2_CONSTANT))
        words |= from_word(POOL.y_zero_point, self.clamp())
        constants = b""
        if kernel == "add":
            limit = r.choice((127 << 20, 2**30))
            constants = struct.pack("<512i", *[r.randint(-limit, limit) for _ in range(512)])
            words |= from_word(ADD.table1_offset, r.choice(((0, 1024), (1024, 0), (0, 0))))
        else:
            words |= MUL.words(x1_zero_point=r.randint(-128, 127), x2_zero_point=r.choice((-128, 127, 0)))
        if flags:
            words[RECORD.x_offset if flags == X_CONSTANT else RECORD.x2_offset] = len(constants)
            constants += self.raw(size)
        return self.network(kernel, words[RECORD.y_offset] + size + 8, words, constants)

    def add(self) -> bytes:
        return self._pairwise("add")

    def mul(self) -> bytes:
        return self._pairwise("mul")

    def copy(self) -> bytes:
        r = self.random
        dims = [r.randint(1, 4) for _ in range(4)]
        size = dims[0] * dims[1] * dims[2] * dims[3]
        dense = [size // dims[0], dims[2] * dims[3], dims[3], 1]
        padded_dims = [d + r.randint(0, 1) for d in dims]
        to = [padded_dims[1] * padded_dims[2] * padded_dims[3], padded_dims[2] * padded_dims[3], padded_dims[3], 1]
        y_size = to[0] * padded_dims[0]
        start = r.randint(0, y_size - 1 - sum((d - 1) * s for d, s in zip(dims, to)))
        source = [r.choice((s, s, s, 0)) for s in dense]
        if r.random() < 0.1:
            dims = [0, 0, 0, 0]
        words = BOX.words(x_offset=1, y_offset=size + 3, dims=dims, x_strides=source, y_strides=to, start=start)
        words[BOX.flags] = flags = r.choice((0, 0, X_CONSTANT))
        words |= from_word(BOX.fill_bytes, r.choice(((0, 0), (y_size, r.randint(0, 255)), (y_size // 2, 128))))
        return self.network("copy", words[RECORD.y_offset] + y_size + 8, words, self.raw(size + 1) if flags else b"")

    def softmax(self) -> bytes:
        r = self.random
        rows, depth = r.randint(1, 4), r.choice((1, 2, 3, 10, 12, 100))
        count = r.choice((1, 2, 50, 256))
        decay = r.uniform(0.5, 0.999)
        table = [2**31 - 1] + [max(0, min(2**31 - 1, round(2**31 * decay**d))) for d in range(1, count)]
        if r.random() < 0.2:
            table = [2**31 - 1] * count
        words = SOFTMAX.words(rows=rows, depth=depth, table_count=count, table_offset=4)
        words |= SOFTMAX.words(x_offset=2, y_offset=r.choice((2, rows * depth + 5)))
        return self.network("softmax", 2 * rows * depth + 12, words, struct.pack(f"<i{count}i", 0, *table))

    def near_tie(self) -> tuple[int, int, int, int]:
        """(acc, multiplier, left_shift, right_shift) whose output is not saturated and at, or beside, a rounding tie."""
        r = self.random
        if r.random() < 0.3:
            # acc * multiplier / 2^31 is a half: multiplier = odd * 2^j, acc = odd * 2^(30 - j)
            j = r.randint(24, 30)
            multiplier = r.randrange(2 ** (30 - j) | 1, 2 ** (31 - j), 2) << j
            return (
                (r.randrange(-127, 128, 2) << (30 - j)) + r.choice((0, 0, 1, -1)),
                multiplier,
                0,
                r.choice((0, 0, 1, 2)),
            )
        multiplier = r.choice((r.randint(2**30, 2**31 - 1), 2**30, 2**31 - 1, 2**31 - 0x10000, 2**30 + 0xFFFF))
        right = r.randint(1, 23)
        tie = (2 * r.randint(-130, 130) + 1) << (right - 1)
        return (tie << 31) // multiplier + r.randint(-2, 2), multiplier, 0, right

    def _pixel(self) -> dict[int, int]:
        """The words of a window of one pixel and one channel, with 200 channels of output."""
        words = from_word(WINDOW.batches, [1, 1, 1, 1, 1, 1, 200, 1, 1, 1, 1, 1, 1, 0, 0])
        words |= WINDOW.words(x_offset=0, y_offset=8, weights_offset=2400, channels_offset=0)
        return words | WINDOW.words(y_zero_point=self.random.randint(-2, 2), clamp_min=-128, clamp_max=127)

    def requantize_conv_2d(self) -> bytes:
        """A pixel of one channel with weights of 0: every accumulator is its channel's word 0."""
        words = self._pixel() | CONV.words(scratch_offset=4)
        table = channel_table([self.near_tie() for _ in range(200)])
        return self.network("conv_2d", 208, words, table + b"\x80" * 800)

    def requantize_depthwise_conv_2d(self) -> bytes:
        words = self._pixel() | DEPTHWISE.words(depth_multiplier=200)
        table = channel_table([self.near_tie() for _ in range(200)])
        return self.network("depthwise_conv_2d", 208, words, table + b"\x80" * 800)

    def requantize_mean(self) -> bytes:
        """Means of one input: accumulators from 128 below to 127 above a tie."""
        acc, multiplier, left, right = self.near_tie()
        words = from_word(REDUCTION.a, [1, 1, 1, 1, 256, acc - 128, multiplier, left, right])
        words |= REDUCTION.words(x_offset=0, y_offset=256, clamp_min=-128, clamp_max=127)
        return self.network("mean", 512, words)

    def requantize_add(self) -> bytes:
        """table1 holds accumulators at and beside ties, table2 zeros."""
        _, multiplier, left, right = self.near_tie()
        step = max(1, (1 << right + 31) // multiplier)
        table = [self.random.randint(-128, 128) * step + step // 2 + self.random.randint(-2, 2) for _ in range(256)]
        table = [max(-(2**31), min(2**31 - 1, acc)) for acc in table]
        words = ADD.words(
            x_offset=0, y_offset=256, x2_offset=2048, flags=X2_CONSTANT, table1_offset=0, table2_offset=1024
        )
        words |= ADD.words(dims=(1, 1, 1, 256), x1_strides=(0, 0, 0, 1), clamp_min=-128, clamp_max=127)
        words |= from_word(ADD.multiplier, (multiplier, left, right))
        return self.network("add", 512, words, struct.pack("<512i", *table, *[0] * 256) + b"\0")

    def tie_softmax(self) -> bytes:
        """Rows of two whose second output lies at a rounding tie, or one bit beside it, of the exact arithmetic.

        Else the low bits of the reciprocal could be wrong and no int8 output would show it.
        """
        ref, softmax, r = device_module("ref"), device_module("ref.softmax"), self.random
        table = [2**31 - 1]
        while len(table) < 200:
            e, target = r.randint(2**20, 2**31 - 1), None
            for _ in range(40):
                total = (1 << 19) + ref.rounding_divide_by_pot(e, 12)
                scale, zeros = softmax.reciprocal(total)
                unit = 1 << (35 - zeros)
                product = ref.high_mul(scale, e)
                target = target or (product // unit * unit + unit // 2)
                if abs(product - target) <= 1:
                    table.append(e)
                    break
                e = max(0, min(2**31 - 1, e + ((target - product) << 31) // scale + r.choice((0, 0, 1, -1))))
        rows = b"".join(bytes((0x7F, 0x7F - d & 0xFF)) for d in range(1, 200))
        words = SOFTMAX.words(x_offset=0, y_offset=400, rows=199, depth=2, table_count=200, table_offset=0)
        return self.network("softmax", 800, words, struct.pack("<200i", *table), rows)

    def lut(self) -> bytes:
        count = self.random.randint(1, 40)
        words = TABLE.words(x_offset=1, y_offset=self.random.choice((1, count + 3)), count=count, table_offset=4)
        return self.network("lut", 2 * count + 8, words, b"\0\0\0\0" + self.raw(256))


KERNELS = (
    "conv_2d", "pointwise", "fully_connected", "int4_conv_2d", "int4_fully_connected", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d", "mean", "add", "mul",
    "copy", "softmax", "lut", "requantize_conv_2d", "requantize_depthwise_conv_2d", "requantize_mean", "requantize_add",
    "tie_softmax", *cases_ops.KERNELS,
)  # fmt: skip


def bundle(seed: int, count: int, kernels=KERNELS) -> bytes:
    """`count` cases of every kernel, each file after its length as u32: what tests/micropython/kernels.py reads."""
    cases = Cases(seed)
    files = [getattr(cases, kernel)() for kernel in kernels for _ in range(count)]
    return b"".join(struct.pack("<I", len(file)) + file for file in files)
