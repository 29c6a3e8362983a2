"""Runs every case of cases.bin (tests/micropython/cases.py) with the backends in BACKENDS: prints failures, then a count.

Run by MicroPython with device/ (or the .mpy package) on its path; cases.bin in CASES or the current directory.
"""

import gc
import struct

import fxnn
import parameters

CASES = "cases.bin"
BACKENDS = getattr(parameters, "BACKENDS", ("viper", "ref"))

done = failed = 0
with open(CASES, "rb") as f:
    while True:
        size = f.read(4)
        if not size:
            break
        file = f.read(struct.unpack("<I", size)[0])
        for backend in BACKENDS:
            net = fxnn.load(file, backend)
            try:
                net.selftest()
            except RuntimeError as e:
                failed += 1
                if failed < 20:
                    print("FAIL case", done, backend, net, e, net.file.op(0))
        done += 1
        net = file = None
        gc.collect()
print("cases", done, "failed", failed)
