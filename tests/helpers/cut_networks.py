"""Networks whose constants are cut, and blocks small enough for that."""

from __future__ import annotations

from host_tools.compiler import convert
from host_tools.fileformat import packed
from tests import draw

SMALL_BLOCK = 256  # bytes: small enough that drawn networks are cut; the fixture small_blocks sets it


def cut_cases(op, count, seed, **options):
    """(case, packed network) for `count` networks of `op` that are cut into several pieces."""
    found = []
    while len(found) < count:
        seed += 1
        for case in draw.generate(op, 30, seed):
            network = packed.read(convert.convert_bytes(case.tflite, placing="flash", selftest=0, **options))
            if network.pieces > 1:
                found.append((case, network))
    return found[:count]
