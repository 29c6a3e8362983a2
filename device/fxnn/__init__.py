"""fxnn: int8 neural networks on stock MicroPython, bit-identical to TensorFlow Lite Micro.

    import fxnn
    net = fxnn.load("/models/digits.fxnn")
    net.predict(pixels)

The file's format and the equations the kernels compute are in models/FORMAT.md.
"""

import sys

__version__ = "0.1.0"

# The arithmetic in use, picked once by fact: a port that loads native code into .mpy files says its
# architecture in bits 10 and up of sys.implementation._mpy. CPython has no such field.
# 4 to 8 are the ARMs that run Thumb: armv6m, armv7m, armv7em and the two with floats.
_arch = getattr(sys.implementation, "_mpy", 0) >> 10 & 15
# 10 are the ESP32s with windowed registers: the S2 lacks MAC16 and loops. 11 are 32-bit RISC-Vs. A package of sources
# (mip) lacks their assembler.
backend = "thumb" if 4 <= _arch <= 8 else "viper" if _arch else "ref"
if 10 <= _arch <= 11 and __file__[-4:] == ".mpy" and "S2" not in sys.implementation._machine:
    backend = "xtensa" if _arch == 10 else "rv32"


def load(source, backend=None, arena=None, place=None):
    """Network from a packed file: `source` is a path, or a bytes-like object holding the whole file.

    Bytes are used in place where they are 4-aligned (a flash mapping costs no RAM): leave them alone while
    the network is in use. `backend`: "thumb", "xtensa", "rv32", "viper" or "ref"; None: `fxnn.backend`.
    `arena`: another Network, whose memory this one shares: run one, read its outputs, then the other; or a bytearray.
    `place`: where constants are used from: "ram", "flash" (an RP2's, else RAM, else streamed), "stream" (read from the
    file at each invoke()); None: the best there is, which net.summary() names.
    ValueError for a damaged or unknown file, MemoryError when it does not fit, ImportError where the board lacks its kernels:
    the texts are in FORMAT.md.
    """
    import gc

    threshold = None
    if hasattr(gc, "mem_free") and gc.mem_free() < 131072:
        threshold = gc.threshold()  # where the heap is small, garbage between the modules' code would cut it up
        gc.threshold(8192)
    try:
        from .network import Network

        return Network(source, backend or globals()["backend"], arena, place)
    except ImportError as e:  # fxnn deploy brings what a network needs, no more
        raise ImportError("fxnn: %s; run: fxnn deploy%s" % (e, " --all-kernels" if backend else ""))
    finally:
        forget("loader")
        if threshold is not None:
            gc.threshold(threshold)


def forget(name):
    """Drops a module of this package that is not needed any more: its code becomes garbage."""
    sys.modules.pop(__name__ + "." + name, None)
    globals().pop(name, None)
