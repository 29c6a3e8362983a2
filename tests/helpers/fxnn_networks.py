"""Packed networks written word by word: of one op, of several tensors, of every kernel."""

from __future__ import annotations

import struct

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
