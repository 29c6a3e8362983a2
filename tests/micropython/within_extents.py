"""Runs kernels of `ref` on buffers that know where each may be read and written (tests/host/fileformat/test_within_extents.py).

cases.json: a list of {kernel, words, arena: its bytes, constants: in hex, stretches: [first byte, end, in the constants,
written]}. Prints a line per case: "@ ok", or what was wrong. CPython only.
"""

import json
import struct

import micropython  # noqa: F401  (`const`, for the sources)
from fxnn import ref

_unpack_from, _pack_into = struct.unpack_from, struct.pack_into


class Guarded(bytearray):
    """A buffer; IndexError for bytes outside of `readable` and `writable`, ranges of (first, end)."""

    def check(self, first, end, ranges):
        if first != end and not any(low <= first and end <= high for low, high in ranges):
            raise IndexError(f"bytes {first} to {end} of {self.name}")

    def __getitem__(self, key):
        first, end = (key.start, key.stop) if isinstance(key, slice) else (key, key + 1)
        self.check(first or 0, end, self.readable)
        return bytearray.__getitem__(self, key)

    def __setitem__(self, key, value):
        first, end = (key.start, key.stop) if isinstance(key, slice) else (key, key + 1)
        self.check(first or 0, end, self.writable)
        bytearray.__setitem__(self, key, value)


def unpack_from(layout, buffer, offset=0):
    if isinstance(buffer, Guarded):
        buffer.check(offset, offset + struct.calcsize(layout), buffer.readable)
    return _unpack_from(layout, buffer, offset)


def pack_into(layout, buffer, offset, *values):
    if isinstance(buffer, Guarded):
        buffer.check(offset, offset + struct.calcsize(layout), buffer.writable)
    _pack_into(layout, buffer, offset, *values)


struct.unpack_from, struct.pack_into = unpack_from, pack_into


def guarded(name, data, stretches):
    buffer = Guarded(data)
    buffer.name = name
    buffer.readable = [(first, end) for first, end, _ in stretches]
    buffer.writable = [(first, end) for first, end, written in stretches if written]
    return buffer


with open("cases.json") as f:
    for case in json.load(f):
        places = {False: [], True: []}
        for first, end, in_constants, written in case["stretches"]:
            places[in_constants].append((first, end, written))
        arena = guarded("the arena", case["arena"], places[False])
        constants = guarded("the constants", bytes.fromhex(case["constants"]), places[True])
        try:
            ref.kernel(case["kernel"])(case["words"], arena, constants)
            print("@ ok")
        except Exception as e:
            print("@", repr(e))
