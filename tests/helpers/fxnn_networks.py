"""Packed networks written word by word: of one op, of several tensors, of every kernel."""

from __future__ import annotations

import struct

from host_tools.record import BOX, DENSE, MUL, PAIRWISE, RECORD, REDUCTION, SOFTMAX, TABLE, X2_CONSTANT, X_CONSTANT
from tests.helpers.fxnn_builder import Network, channel_table, from_word


def _copy(count: int, **words: int) -> dict[int, int]:
    """The words of a copy of `count` bytes in a row."""
    return BOX.words(dims=(1, 1, 1, count), x_strides=(0, 0, 0, 1), y_strides=(0, 0, 0, 1), **words)


def tiny() -> bytes:
    net = Network(16, "tiny")
    net.tensor("input", 0, (2, 3), scale=0.5, zero_point=-1).tensor("output", 8, (2, 3), scale=0.25, first=0, last=1)
    table = bytes(min(127, (q ^ 128) - 128 + 1) & 0xFF for q in range(256))
    net.op("lut", TABLE.words(x_offset=0, y_offset=8, count=6, table_offset=0), table, "plus_one", 7)
    net.labels = ["a", "b"]
    net.vectors = [bytes([0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]), bytes([255] * 6 + [0] * 6)]
    return net.build()


def two() -> bytes:
    """Inputs of 2 and 3 values, outputs the same the other way round; the second vector is wrong."""
    net = Network(32, "")
    net.tensor("input", 0, (2,)).tensor("input", 4, (3,), "second")
    net.tensor("output", 8, (3,), last=2).tensor("output", 12, (2,), "out2", dtype=2, first=1, last=2)
    net.op("copy", _copy(3, x_offset=4, y_offset=8)).op("copy", _copy(2, x_offset=0, y_offset=12))
    net.metadata = {}
    net.vectors = [bytes([1, 2, 3, 4, 5, 3, 4, 5, 1, 2]), bytes([5, 6, 7, 8, 9, 7, 8, 9, 6, 6])]
    return net.build()


def every_kernel() -> bytes:
    """A network that uses every kernel on an 8-byte activation."""
    net = Network(64, "all")
    net.tensor("input", 0, (1, 2, 2, 2)).tensor("output", 8, (8,), first=10, last=11)
    window = from_word(DENSE.batches, [1, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0])
    window |= DENSE.words(x_offset=0, y_offset=8, scratch_offset=16, y_zero_point=0, clamp_min=-128, clamp_max=127)
    window |= DENSE.words(weights_offset=24, channels_offset=0, weights_layout=1)
    table = channel_table([(5, 2**30, 0, 3)] * 2)
    for kernel in ("conv_2d", "fully_connected", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d"):
        net.op(kernel, window, table + bytes(range(100, 108)))
    ends = {"x_offset": 0, "y_offset": 8}
    output = {**ends, "y_zero_point": 0, "clamp_min": -128, "clamp_max": 127}
    net.op("mean", REDUCTION.words(a=1, r1=2, b=2, r2=1, c=2, acc_offset=-512, multiplier=2**30, **output))
    pair = PAIRWISE.words(dims=(1, 1, 1, 8), x1_strides=(0, 0, 0, 1), x2_strides=(0, 0, 0, 1), x2_offset=0,
                          multiplier=2**31 - 1, right_shift=3, **output)  # fmt: skip
    net.op("add", pair, struct.pack("<256i", *range(256)))
    net.op("mul", pair | MUL.words(x1_zero_point=-3, x2_zero_point=5))
    net.op("copy", _copy(4, fill_bytes=8, fill_value=1, **ends))
    softmax = SOFTMAX.words(rows=2, depth=4, table_count=2, table_offset=0, **ends)
    net.op("softmax", softmax, struct.pack("<2i", 2**31 - 1, 2**30))
    net.op("lut", TABLE.words(count=8, **ends), bytes(range(256)))
    return net.build()


def malformed():
    """(error, file) for every line of FORMAT.md's table."""

    def net(words=None, kernel="lut", constants=bytes(256), tensors=(), **header):
        n = Network(16)
        n.tensor("input", 0, (8,)).tensor("output", 8, (8,))
        for args in tensors:
            n.tensor(*args)
        n.op(kernel, TABLE.words(x_offset=0, y_offset=8, count=8) | (words or {}), constants)
        n.labels = ["a"]
        n.vectors = [bytes(16)]
        return n.build(**header)

    good = net()
    yield "none", good
    yield "ValueError: model: not an fxnn file", b""
    yield "ValueError: model: not an fxnn file", good[:95]
    yield "ValueError: model: not an fxnn file", b"UF2\n" + good[4:]
    yield "ValueError: model: version 2, need 3", net(version=2)
    yield "ValueError: model: version 3, need 3", net(header_bytes=84)
    yield f"ValueError: model: truncated, 100 of {len(good)} bytes", good[:100]
    yield f"ValueError: model: truncated, {len(good) + 4} of {len(good)} bytes", good + bytes(4)
    yield "ValueError: model: bad crc, copy it again", net(crc32=0)
    for at in (16, 20, 22, 23, 40, 79, 100, 300, len(good) - 1):
        yield "ValueError: model: bad crc, copy it again", good[:at] + bytes([good[at] ^ 0x40]) + good[at + 1 :]
    yield "ValueError: model: kernel 28 unknown, update fxnn", net(kernel_mask=1 << 28)
    yield "ValueError: model: kernel 31 unknown, update fxnn", net(kernel_mask=1 << 31)
    yield "ValueError: model: kernel 0 unknown, update fxnn", net(kernel_mask=1)
    yield "ValueError: model: kernel 63 unknown, update fxnn", net(kernel_mask_high=1 << 31)
    yield "ValueError: model: kernel 63 unknown, update fxnn", net(kernel_mask_high=1 << 31)
    yield "ValueError: model: kernel 28 unknown, update fxnn", net(kernel=28, kernel_mask=2)
    yield "ValueError: model: kernel 0 unknown, update fxnn", net(kernel=0, kernel_mask=2)
    for number in (0, 1, 7, 99, 255):  # of no module, of a module of other kernels, too large
        yield f"ValueError: model: variant {number} of kernel 11 unknown, update fxnn", net({RECORD.variants: number})
    outside = "ValueError: model: offset outside the file (%s)"
    end = len(good)
    for section, fields in {
        "ops": (
            {"ops_offset": end},
            {"op_count": 1000},
            {"ops_offset": 82},
            {"ops_offset": 0},
            {"resident_bytes": 100},
        ),
        "tensors": ({"tensors_offset": end}, {"tensor_count": 1000}, {"tensors_offset": 82}, {"input_count": 9}),
        "strings": ({"strings_offset": end}, {"strings_bytes": end}, {"strings_bytes": 1}, {"strings_bytes": 7}),
        "labels": ({"labels_offset": end + 4}, {"label_count": end}),
        "metadata": ({"metadata_offset": end}, {"metadata_bytes": end}),
        "selftest": ({"selftest_offset": end + 4}, {"selftest_count": 2}, {"selftest_offset": 97}),
        "constants": ({"resident_bytes": end + 4}, {"resident_bytes": 95}),
    }.items():
        for header in fields:
            yield outside % section, net(**header)
    for word, values in {RECORD.const_offset: (97, end, -4), RECORD.const_bytes: (260, -4)}.items():
        for value in values:
            yield outside % "constants", net({word: value})
    for word, values in {RECORD.x_offset: (17, -1), RECORD.y_offset: (17, -(2**31)), RECORD.x2_offset: (17,)}.items():
        for value in values:
            yield outside % "arena", net({word: value})
    yield outside % "arena", net(BOX.words(flags=X_CONSTANT, x_offset=13), "copy", bytes(12))
    yield outside % "arena", net(MUL.words(flags=X2_CONSTANT, x2_offset=13), "mul", bytes(12))
    yield "none", net(MUL.words(flags=X_CONSTANT | X2_CONSTANT, x_offset=300, x2_offset=300), "mul", bytes(300))
    yield outside % "strings", net(RECORD.words(name_offset=end))
    yield outside % "strings", net(RECORD.words(name_offset=0))
    yield outside % "arena", net(tensors=[("other", 12, (5,))])
    yield outside % "tensors", net(tensors=[("other", 0, (5,), "", 1.0, 0, 9)])
    yield "none", net(tensors=[("other", 12, (4,))])
    yield "MemoryError: model: needs ", net(arena_bytes=10**9)
