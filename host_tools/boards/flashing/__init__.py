"""Puts MicroPython's firmware on a board: esptool for the ESP32 family, UF2 or picotool for the Pico.

Nothing is erased or written before the firmware's file, the port and the chip at it have been checked against
what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...package.boards import FLASHED
from .core import DOWNLOAD, NO_PORT, Flashing

__all__ = ["DOWNLOAD", "NO_PORT", "Flashing", "prepare", "carry_out"]


def prepare(board: str, firmware: Path | None, port: str, erase: bool, dry_run: bool = False) -> Flashing:
    """Checks the firmware's file for `board` (a key of package.boards.FLASHED) and finds the port. ToolError for what does not fit.

    port: "auto", or a serial port. erase: everything on the board is erased first, the maker's files too.
    dry_run: only the command is wanted; it needs no board.
    """
    kind = FLASHED[board]
    if kind.esp:
        from . import esp

        return esp.prepare(kind, firmware, port, erase, dry_run)
    from . import pico

    return pico.prepare(kind, firmware, port, erase, dry_run)


def carry_out(flashing: Flashing, say: Callable[[str], None]) -> None:
    """Does it; `say` is called with what is going on. ToolError leaves the board as it was, or says what it has now."""
    if flashing.board.esp:
        from . import esp

        esp.carry_out(flashing, say)
    else:
        from . import pico

        pico.carry_out(flashing, say)
