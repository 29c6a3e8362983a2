"""Packed networks written word by word: of one op, of several tensors, of every kernel."""

from __future__ import annotations

import struct

from host_tools.record import RECORD
from tests.helpers.fxnn_builder import Network, channel_table


def tiny() -> bytes:
    net = Network(16, "tiny")
    net.tensor("input", 0, (2, 3), scale=0.5, zero_point=-1).tensor("output", 8, (2, 3), scale=0.25, first=0, last=1)
    table = bytes(min(127, (q ^ 128) - 128 + 1) & 0xFF for q in range(256))
    net.op("lut", {5: 0, 6: 8, 8: 6, 9: 0}, table, "plus_one", 7)
    net.labels = ["a", "b"]
    net.vectors = [bytes([0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]), bytes([255] * 6 + [0] * 6)]
    return net.build()


def two() -> bytes:
    """Inputs of 2 and 3 values, outputs the same the other way round; the second vector is wrong."""
    net = Network(32, "")
    net.tensor("input", 0, (2,)).tensor("input", 4, (3,), "second")
    net.tensor("output", 8, (3,), last=2).tensor("output", 12, (2,), "out2", dtype=2, first=1, last=2)
    one = {8: 1, 9: 1, 10: 1, 15: 1, 19: 1}
    net.op("copy", one | {5: 4, 6: 8, 11: 3}).op("copy", one | {5: 0, 6: 12, 11: 2})
    net.metadata = {}
    net.vectors = [bytes([1, 2, 3, 4, 5, 3, 4, 5, 1, 2]), bytes([5, 6, 7, 8, 9, 7, 8, 9, 6, 6])]
    return net.build()


def every_kernel() -> bytes:
    """A network that uses every kernel on an 8-byte activation."""
    net = Network(64, "all")
    net.tensor("input", 0, (1, 2, 2, 2)).tensor("output", 8, (8,), first=10, last=11)
    window = {
        5: 0,
        6: 8,
        7: 16,
        **dict(enumerate([1, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0], 8)),
        24: 0,
        25: -128,
        26: 127,
    }
    table = channel_table([(5, 2**30, 0, 3)] * 2)
    for kernel in ("conv_2d", "fully_connected", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d"):
        net.op(kernel, window | {27: 24, 28: 0, 29: 1}, table + bytes(range(100, 108)))
    scale = {24: 0, 25: -128, 26: 127}
    net.op("mean", {5: 0, 6: 8, 8: 1, 9: 2, 10: 2, 11: 1, 12: 2, 13: -512, 14: 2**30, **scale})
    pair = {5: 0, 6: 8, 7: 0, 8: 1, 9: 1, 10: 1, 11: 8, 15: 1, 19: 1, 20: 2**31 - 1, 22: 3, **scale}
    net.op("add", pair, struct.pack("<256i", *range(256))).op("mul", pair | {27: -3, 28: 5})
    net.op("copy", {5: 0, 6: 8, 8: 1, 9: 1, 10: 1, 11: 4, 15: 1, 19: 1, 20: 8, 21: 1})
    net.op("softmax", {5: 0, 6: 8, 8: 2, 9: 4, 10: 2, 11: 0}, struct.pack("<2i", 2**31 - 1, 2**30))
    net.op("lut", {5: 0, 6: 8, 8: 8}, bytes(range(256)))
    return net.build()


def malformed():
    """(error, file) for every line of FORMAT.md's table."""

    def net(words=None, kernel="lut", constants=bytes(256), tensors=(), **header):
        n = Network(16)
        n.tensor("input", 0, (8,)).tensor("output", 8, (8,))
        for args in tensors:
            n.tensor(*args)
        n.op(kernel, {5: 0, 6: 8, 8: 8} | (words or {}), constants)
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
    for words in ({2: 97}, {2: end}, {3: 260}, {3: -4}, {2: -4}):
        yield outside % "constants", net(words)
    for words in ({5: 17}, {6: 17}, {7: 17}, {5: -1}, {6: -(2**31)}):
        yield outside % "arena", net(words)
    yield outside % "arena", net({23: 1, 5: 13}, "copy", bytes(12))
    yield outside % "arena", net({23: 2, 7: 13}, "mul", bytes(12))
    yield "none", net({23: 3, 5: 300, 7: 300}, "mul", bytes(300))
    yield outside % "strings", net({1: end})
    yield outside % "strings", net({1: 0})
    yield outside % "arena", net(tensors=[("other", 12, (5,))])
    yield outside % "tensors", net(tensors=[("other", 0, (5,), "", 1.0, 0, 9)])
    yield "none", net(tensors=[("other", 12, (4,))])
    yield "MemoryError: model: needs ", net(arena_bytes=10**9)
