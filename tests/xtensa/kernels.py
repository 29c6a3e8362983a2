"""Records of packed networks through the shipped xtensa kernels under QEMU, with guard bytes around every buffer."""

from __future__ import annotations

import functools
import struct
import tempfile
from pathlib import Path

from host_tools.package import mpy
from host_tools.record import DENSE, DEPTHWISE
from tests.xtensa.machine import Machine

DEVICE = Path(__file__).parents[2] / "device/fxnn"
GUARD = 64
_FAMILIES = {
    "dense": "xtensa/dense",
    "conv_2d": "xtensa/conv",
    "fully_connected": "xtensa/conv",
    "depthwise_conv_2d": "xtensa/depthwise",
    "window": "xtensa/depthwise_window",
    "add": "xtensa/elementwise",
    "copy": "xtensa/elementwise",
    "lut": "xtensa/elementwise",
}
_FUNCTION = {"fully_connected": "conv_2d", "copy": "box"}


@functools.cache
def shipped(module: str) -> bytes:
    """The .mpy of a device module, built as for a board."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "m.mpy")
        mpy.compile_mpy(DEVICE / f"{module}.py", "xtensawin", out)
        return out.read_bytes()


class Run:
    """Many records in one QEMU. Each has its own record, constants and arena, between guard bytes."""

    def __init__(self):
        self.machine = Machine()
        self.functions: dict[str, dict[str, int]] = {}
        self.calls, self.regions = [], []

    def add(self, kernel: str, words, constants: bytes, arena: bytes) -> None:
        """words: the record's 40; offsets of the arena are those of the record."""
        name = _FUNCTION.get(kernel, kernel)
        if kernel == "fully_connected" and words[DENSE.weights_layout]:
            kernel, name = "dense", kernel
        if kernel == "depthwise_conv_2d" and words[DEPTHWISE.tile] & 8:
            kernel = "window"
        family = _FAMILIES[kernel]
        if family not in self.functions:
            self.functions[family] = self.machine.load(shipped(family))
        record = self.machine.alloc(struct.pack("<40I", *(w & 0xFFFFFFFF for w in words)))
        at = self.machine.alloc(b"\xa5" * GUARD + constants + b"\xa5" * GUARD)
        place = self.machine.alloc(b"\xa5" * GUARD + arena + b"\xa5" * GUARD)
        self.calls.append((self.functions[family][name], record, place + GUARD, at + GUARD))
        self.regions += [(record, 160), (at, len(constants) + 2 * GUARD), (place, len(arena) + 2 * GUARD)]

    def go(self) -> list[tuple[bytes, bytes, int, bool]]:
        """Per record: the arena after it, the guards' bytes, instructions, and whether record and constants are unchanged."""
        before = [bytes(self.machine.image[a - self.machine.base : a - self.machine.base + n]) for a, n in self.regions]
        _, counts, after = self.machine.run(self.calls, self.regions)
        found = []
        for i, count in enumerate(counts):
            arena = after[3 * i + 2]
            same = after[3 * i : 3 * i + 2] == before[3 * i : 3 * i + 2]
            found.append((arena[GUARD:-GUARD], arena[:GUARD] + arena[-GUARD:], count, same))
        return found
