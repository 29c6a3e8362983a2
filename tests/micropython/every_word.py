"""Loads the networks of cases.bin with one word of each changed at a time (tests/host/fileformat/test_every_word.py).

The file holds per network: u32 length of the model, the model; u32 how many changes, of each u32 its offset in the file,
i32 what is there then. Per network a line: "@" and for each change "o", it loads, "r", a ValueError of FORMAT.md's, or
the exception.
"""

import gc
import struct
import sys
from binascii import crc32

import fxnn

# What makes a load slow, and has nothing to do with what it accepts.
fxnn.forget = lambda name: None
if sys.implementation.name == "cpython":
    gc.collect = lambda: None


def verdict(model):
    try:
        fxnn.load(model, backend="ref")
        return "o"
    except ValueError as e:
        return "r" if str(e).startswith("model: ") else "[%r]" % e
    except Exception as e:
        return "[%r]" % e


with open("cases.bin", "rb") as f:
    while True:
        size = f.read(4)
        if len(size) < 4:
            break
        model = bytearray(f.read(struct.unpack("<I", size)[0]))
        verdicts = []
        for _ in range(struct.unpack("<I", f.read(4))[0]):
            at, value = struct.unpack("<Ii", f.read(8))
            was = bytes(model[at : at + 4])
            struct.pack_into("<i", model, at, value)
            struct.pack_into("<I", model, 12, crc32(memoryview(model)[16:]))
            verdicts.append(verdict(model))
            model[at : at + 4] = was
        print("@", "\t".join(verdicts))
