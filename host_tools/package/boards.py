"""The boards that a network can be prepared for, and whose assembler kernels each runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BoardKind:
    """A kind of board. fast_target: a value of packed.FAST_TARGETS; arch: a name of mpy.py's table;
    ram_bytes: heap that a network may take, the package's own 36 kB left out (an ESP32 without PSRAM has 110 kB)."""

    name: str
    title: str
    fast_target: str
    arch: str | None
    ram_bytes: int = 74_000


BOARDS = {
    kind.name: kind
    for kind in (
        BoardKind("pico", "Raspberry Pi Pico (RP2040), Pico 2 (RP2350 ARM), any Cortex-M", "thumb", "armv6m", 196_000),
        BoardKind("esp32", "ESP32 (Xtensa LX6)", "xtensa", "xtensawin"),
        BoardKind("esp32s3", "ESP32-S3 (Xtensa LX7)", "xtensa", "xtensawin"),
        BoardKind("esp32c3", "ESP32-C3 and other RISC-V boards of Espressif's", "rv32", "rv32imc", 140_000),
        BoardKind("rp2350-riscv", "Pico 2 (RP2350) with its RISC-V cores", "rv32", "rv32imc", 440_000),
        BoardKind("any", "every board: the portable kernels only", "none", None, 196_000),
    )
}
DEFAULT = "pico"


def kind_for(arch: str | None) -> BoardKind:
    """The kind of board to prepare a network for, where a board says that its architecture is `arch`."""
    prefix = (arch or "none")[:3]
    return next((kind for kind in BOARDS.values() if (kind.arch or "").startswith(prefix)), BOARDS["any"])
