"""How much of a board's heap a packed network takes, by where its constants are used from: `place` of fxnn.load."""

from __future__ import annotations

from .packed import Packed

# Heap that `import fxnn` and a network's own objects take on a 32-bit board, without garbage. Measured 24,204 bytes for
# the 12-op DS-CNN (emulated Pico, MicroPython 1.25.0): `fxnn profile`'s heap less resident and arena bytes.
PACKAGE_HEAP_BYTES = 36_000
WORDS = {"flash": "used in place in the flash", "ram": "in RAM", "stream": "streamed from the file"}


def needs(network: Packed, mapped_flash: bool) -> dict[str, int]:
    """Bytes by place, in the order in which a board tries them. mapped_flash: an RP2, whose flash can be read like RAM."""
    records = network.records_bytes + network.arena_bytes + PACKAGE_HEAP_BYTES
    constants = network.resident_bytes - network.records_bytes
    needs = {"flash": records} if mapped_flash and network.pieces else {}
    return {**needs, "ram": records + constants, "stream": records + longest_call(network)}


def longest_call(network: Packed) -> int:
    """Bytes of the constants of the kernel call that has most of them: the least that streaming needs."""
    return max((len(constants) for op in network.ops for _, constants in op.calls), default=0)


def choose(network: Packed, mapped_flash: bool, free_bytes: int) -> tuple[str, int]:
    """(place, bytes) that a board with `free_bytes` of heap picks; streaming where nothing fits."""
    found = needs(network, mapped_flash)
    return next(((place, size) for place, size in found.items() if size <= free_bytes), ("stream", found["stream"]))
