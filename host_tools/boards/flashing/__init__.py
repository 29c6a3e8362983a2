"""Puts MicroPython's firmware on a board: esptool for the ESP32 family, UF2 or picotool for the Pico.

Nothing is erased or written before the firmware's file, the port and the chip behind it have been checked against
what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DOWNLOAD = "micropython.org/download"
NO_PORT = "PORT"  # in a dry run's command, where no board is plugged in


@dataclass(frozen=True)
class Chip:
    """A board that firmware can be put on. offset: where in flash an ESP32's firmware begins; image_id: the chip id in
    an ESP32 image's header (esp_image_format.h, esp_chip_id_t), None for the Pico; download: the page of its firmware."""

    board: str
    title: str
    download: str
    offset: int = 0
    image_id: int | None = None

    @property
    def esp(self) -> bool:
        return self.image_id is not None


# Offsets: the ROM bootloader of the ESP32 starts the second stage at 0x1000, those of the S3 and C3 at 0.
CHIPS = {
    chip.board: chip
    for chip in (
        Chip("pico", "RP2040", "RPI_PICO"),
        Chip("esp32", "ESP32", "ESP32_GENERIC", 0x1000, 0),
        Chip("esp32s3", "ESP32-S3", "ESP32_GENERIC_S3", 0x0, 9),
        Chip("esp32c3", "ESP32-C3", "ESP32_GENERIC_C3", 0x0, 5),
    )
}


@dataclass(frozen=True)
class Flashing:
    """One flashing, checked and ready. command: the same as a shell command; port: "" where the Pico's drive is meant."""

    chip: Chip
    firmware: Path
    data: bytes
    port: str
    erase: bool
    command: str


def prepare(board: str, firmware: Path | None, port: str, erase: bool, dry_run: bool = False) -> Flashing:
    """Checks the firmware's file for `board` (a key of CHIPS) and finds the port. ToolError for what does not fit.

    port: "auto", or a serial port. erase: everything on the board is erased first, the maker's files too.
    dry_run: only the command is wanted; it needs no board.
    """
    chip = CHIPS[board]
    if chip.esp:
        from . import esp

        return esp.prepare(chip, firmware, port, erase, dry_run)
    from . import pico

    return pico.prepare(chip, firmware, port, erase, dry_run)


def carry_out(flashing: Flashing, say: Callable[[str], None]) -> None:
    """Does it; `say` is called with what is going on. ToolError leaves the board as it was, or says what it has now."""
    if flashing.chip.esp:
        from . import esp

        esp.carry_out(flashing, say)
    else:
        from . import pico

        pico.carry_out(flashing, say)
