"""Firmware onto a Pico: the UF2 file is copied to its drive, or picotool writes it where no drive is mounted."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ...errors import ToolError
from ...package.boards import BoardKind
from .core import DOWNLOAD, NO_PORT, Flashing

_INFO = "INFO_UF2.TXT"  # on the drive of every UF2 bootloader
_BOARD_ID = "RPI-RP2"  # the RP2040's; the RP2350 says RP2350
_WAIT_S = 15  # from a reset into the bootloader to a mounted drive
_FORCE_BOOTLOADER = "import machine; machine.bootloader()"
_HOLD = "hold BOOTSEL while you plug the Pico in"


def prepare(board: BoardKind, firmware: Path | None, port: str, erase: bool, dry_run: bool = False) -> Flashing:
    """See flashing.prepare. Without a file: the release that fxnn's emulated Pico runs."""
    from ...emulators.firmware import PICO_BOARD, pico_firmware, read_uf2

    page = f"{DOWNLOAD}/{board.firmware}"
    if erase:
        raise ToolError("--erase is for the ESP32 family", "a UF2 file replaces the firmware and keeps your files",
                        "leave --erase out; to erase a Pico, copy the flash_nuke.uf2 of its makers")  # fmt: skip
    if firmware is None:
        if board.firmware != PICO_BOARD:
            raise ToolError(f"no firmware for the {board.title} given", f"fxnn brings {PICO_BOARD}'s only",
                            f"download the .uf2: {page}, then name the file")  # fmt: skip
        firmware = pico_firmware()
    image = read_uf2(firmware)  # checks blocks, family and size
    if b"MicroPython" not in image:
        raise ToolError(f"{firmware} is not MicroPython", "its name is nowhere in it", f"download it: {page}")
    port, command = _way(firmware, port, dry_run)
    return Flashing(board, firmware, firmware.read_bytes(), port, erase, command)


def _way(firmware: Path, port: str, dry_run: bool) -> tuple[str, str]:
    """(port, command): how the file gets there. port: "" where a drive is mounted, or picotool finds the board."""
    drive = find_drive()
    if drive is not None:
        return "", shlex.join(["cp", str(firmware), f"{drive}{os.sep}"])
    if port == "auto":
        from ..find_port import find_port

        try:
            port = find_port()
        except ToolError as e:
            if shutil.which("picotool"):
                return "", shlex.join(["picotool", "load", "-x", str(firmware)])
            if dry_run:
                return NO_PORT, f"cp {shlex.quote(str(firmware))} {_BOARD_ID}/"
            raise ToolError("no Pico found", e.why, f"{_HOLD}; it then shows as a drive ({_BOARD_ID})") from None
    return port, f"mpremote connect {port} bootloader, then copy {firmware} to the drive {_BOARD_ID}"


def carry_out(flashing: Flashing, say: Callable[[str], None]) -> None:
    """See flashing.carry_out."""
    drive = find_drive()
    if drive is None and flashing.port:
        say("restarting the board as a drive")
        _into_bootloader(flashing.port)
        end = time.monotonic() + _WAIT_S
        while drive is None and time.monotonic() < end:
            time.sleep(0.3)
            drive = find_drive()
    if drive is not None:
        say("copying")
        _copy(flashing.data, drive)
        return
    if not shutil.which("picotool"):
        raise ToolError(
            f"the Pico's drive {_BOARD_ID} did not appear",
            "it is in its bootloader, or was not found there; nothing was written",
            f"mount the drive and try again, or install picotool; if need be, {_HOLD}",
        )
    say("picotool writes it")
    result = subprocess.run(["picotool", "load", "-x", str(flashing.firmware)], capture_output=True, text=True)
    if result.returncode:
        raise ToolError("picotool failed", (result.stderr or result.stdout).strip(), f"{_HOLD} and try again")


def find_drive() -> Path | None:
    """The mounted drive of an RP2040 in its bootloader. ToolError for two of them, or another chip's."""
    found = []
    for mount in mounts():
        try:
            info = (mount / _INFO).read_text(errors="replace")
        except OSError:
            continue
        ids = (line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("Board-ID:"))
        found.append((mount, next(ids, "?")))
    mine = [mount for mount, id in found if id == _BOARD_ID]
    if len(mine) > 1:
        raise ToolError(f"{len(mine)} Picos are in their bootloader", ", ".join(map(str, mine)), "unplug all but one")
    if found and not mine:
        mount, id = found[0]
        raise ToolError(
            f"the drive {mount} is that of a board {id}", "the firmware is for the RP2040 (RPI-RP2)", "plug in the Pico"
        )
    return mine[0] if mine else None


def mounts() -> list[Path]:
    """Where removable drives are mounted. FXNN_DRIVES (folders, separated as in PATH) replaces the search."""
    if "FXNN_DRIVES" in os.environ:
        return [Path(p) for p in os.environ["FXNN_DRIVES"].split(os.pathsep) if p]
    import psutil

    return [
        Path(p.mountpoint)
        for p in psutil.disk_partitions()
        if p.fstype.lower() in ("vfat", "msdos", "fat", "fat16", "")
    ]


def _into_bootloader(port: str) -> None:
    from ..board_facts import check_board
    from ..mpremote_board import Board

    with Board(port) as board:
        facts = check_board(board)
        if not facts.machine.endswith("RP2040"):
            raise ToolError(f"the board on {port} is {facts.machine}", "the firmware is for the RP2040; nothing was written",
                            "name the port of the Pico, or the right --board")  # fmt: skip
        board.start(_FORCE_BOOTLOADER)


def _copy(data: bytes, drive: Path) -> None:
    """The board restarts by itself with the last block; the drive is then gone, which is no failure."""
    written = False
    try:
        with open(drive / "firmware.uf2", "wb") as f:
            f.write(data)
            written = True
            f.flush()
            os.fsync(f.fileno())
    except OSError as e:
        if written and not (drive / _INFO).exists():
            return
        raise ToolError(
            f"copying to {drive} failed", e.strerror or str(e), "hold BOOTSEL, plug the Pico in, try again"
        ) from None
