"""Loads every malformed file of errors.bin, by bytes and by path: the error's text must be the one stored before it.

errors.bin (tests/host/device/test_device_api.py): text and file in turn, each after its length as u32.
"""

import gc
import os
import struct

import fxnn
import parameters

EVERY = getattr(parameters, "EVERY", 1)  # by path: every so many of them, writing takes its time on a board


def pieces(f):
    while True:
        size = f.read(4)
        if not size:
            return
        yield f.read(struct.unpack("<I", size)[0])


def error(source):
    try:
        fxnn.load(source)
    except (ValueError, MemoryError) as e:
        return "%s: %s" % (type(e).__name__, e)
    return "none"


done = 0
with open("errors.bin", "rb") as f:
    text = None
    for piece in pieces(f):
        if text is None:
            text = piece.decode()
            if fxnn.backend == "ref" and "variant" in text:
                text = "none"  # ref's kernels are in the files of their families, whatever a record says
            continue
        sources = [piece]
        if done % EVERY == 0:
            with open("bad.fxnn", "wb") as bad:
                bad.write(piece)
            sources.append("bad.fxnn")
        for source in sources:
            got = error(source)
            # What is free and the largest block are the board's, as are the records and what loading takes besides.
            if text.startswith("MemoryError"):
                said = got.replace(",", "").replace(";", "").split()
                need, free, largest = int(said[3]), int(said[5]), int(said[9])
                if 10**9 <= need <= 10**9 + 4096 and 0 < largest <= free and 0 <= int(said[-1]) < free:
                    got = text
            if got != text:
                raise AssertionError("file %d: got %r, want %r" % (done, got, text))
        done += 1
        text = None
        gc.collect()
os.remove("bad.fxnn")
print("errors", done)
