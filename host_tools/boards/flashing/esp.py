"""Firmware onto the ESP32 family, with esptool's Python interface (esptool 5)."""

from __future__ import annotations

import shlex
import struct
from collections.abc import Callable
from pathlib import Path

from ...errors import ToolError
from ...files import read_file
from ...package.boards import FLASHED, BoardKind
from .core import DOWNLOAD, NO_PORT, Flashing

_IMAGE_MAGIC = 0xE9
_CHIP_ID_OFFSET = 12  # of the image header, esp_image_format.h
_BAUD = 460800  # what MicroPython's download pages advise; native USB takes no notice of it
_ATTEMPTS = 4


def prepare(board: BoardKind, firmware: Path | None, port: str, erase: bool, dry_run: bool = False) -> Flashing:
    """See flashing.prepare."""
    fix = f"download the .bin for {board.chip}: {DOWNLOAD}/{board.firmware}"
    if firmware is None:
        raise ToolError(
            f"no firmware for the {board.chip} given", "it cannot be built here", f"{fix}, then name the file"
        )
    data = read_file(firmware)
    _check(board, firmware, data, fix)
    if port == "auto":
        from ..find_port import find_port

        try:
            port = find_port()
        except ToolError:
            if not dry_run:
                raise
            port = NO_PORT
    options = "--erase-all " if erase else ""
    chip = board.chip.lower().replace("-", "")
    command = (f"esptool --chip {chip} --port {port} --baud {_BAUD} write-flash {options}"
               f"{board.flash_offset:#x} {shlex.quote(str(firmware))}")  # fmt: skip
    return Flashing(board, firmware, data, port, erase, command)


def _check(board: BoardKind, path: Path, data: bytes, fix: str) -> None:
    """Whether the file is MicroPython for this chip."""
    if data[:4] == b"UF2\n":
        raise ToolError(f"{path} is a UF2 file", f"the {board.chip} is flashed with the .bin", fix)
    if len(data) < 1 << 16 or data[0] != _IMAGE_MAGIC:
        raise ToolError(
            f"{path} is no firmware for the {board.chip}",
            f"{len(data):,} bytes that do not begin as an image does",
            fix,
        )
    (id,) = struct.unpack_from("<H", data, _CHIP_ID_OFFSET)
    if id != board.image_id:
        other = next((kind.chip for kind in FLASHED.values() if kind.image_id == id), f"another chip (id {id})")
        raise ToolError(f"{path} is for the {other}, not for the {board.chip}", fix=fix)
    if b"MicroPython" not in data:
        raise ToolError(f"{path} is not MicroPython", "its name is nowhere in it", fix)


def carry_out(flashing: Flashing, say: Callable[[str], None]) -> None:
    """See flashing.carry_out. The chip is asked what it is before anything is erased."""
    import serial
    from esptool import FatalError
    from esptool.cmds import attach_flash, detect_chip, erase_flash, reset_chip, run_stub, write_flash

    from ..mpremote_board import why_not

    board, port = flashing.board, flashing.port
    begun = False
    esp = None
    try:
        if "://" not in port:
            serial.Serial(port, exclusive=True).close()  # esptool does not say why it cannot
        esp = detect_chip(port, connect_attempts=_ATTEMPTS)
        if esp.CHIP_NAME != board.chip:
            reset_chip(esp, "hard-reset")
            other = next((kind.name for kind in FLASHED.values() if kind.chip == esp.CHIP_NAME), None)
            raise ToolError(
                f"the chip on {port} is {esp.CHIP_NAME}, not {board.chip}",
                "nothing was erased or written",
                f"fxnn flash --board {other} with the firmware for it" if other else "fxnn does not know this chip",
            )
        esp = run_stub(esp)
        esp.change_baud(_BAUD)
        attach_flash(esp)
        begun = True
        if flashing.erase:
            say("erasing")
            erase_flash(esp)
        say("writing")
        write_flash(esp, [(board.flash_offset, flashing.data)])
        reset_chip(esp, "hard-reset")
    except (serial.SerialException, OSError) as e:
        raise _gone(port, e, begun) if esp is not None else why_not(port) from None
    except FatalError as e:
        text = " ".join(str(e).split())
        if begun:
            raise _half(port, text) from None
        raise ToolError(
            f"the chip on {port} does not answer esptool",
            text,
            "hold BOOT while you plug the board in (or while you press RESET), then try again; nothing was written",
        ) from None
    finally:
        if esp is not None:
            esp._port.close()


def _gone(port: str, error: Exception, begun: bool) -> ToolError:
    if begun:
        return _half(port, str(error))
    return ToolError(
        f"lost the board on {port}", str(error), "plug it in again and repeat the command; nothing was written"
    )


def _half(port: str, text: str) -> ToolError:
    return ToolError(
        f"flashing the board on {port} failed",
        f"{text}\nits firmware may be half written",
        "repeat the command: the chip's own loader cannot be overwritten",
    )
