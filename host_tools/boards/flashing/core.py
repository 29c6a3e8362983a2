"""What is flashed: checked, with the command that would do the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...package.boards import BoardKind

DOWNLOAD = "micropython.org/download"
NO_PORT = "PORT"  # in a dry run's command, where no board is plugged in


@dataclass(frozen=True)
class Flashing:
    """One flashing, checked and ready. command: the same as a shell command; port: "" where the Pico's drive is meant."""

    board: BoardKind
    firmware: Path
    data: bytes
    port: str
    erase: bool
    command: str
