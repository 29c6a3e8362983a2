"""The virtual Pico's firmware: MicroPython for the RPI_PICO board, official or built from Debian's sources."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from ..cache import build_once, cache_dir
from ..errors import ToolError
from .micropython_source import (
    BUILD_PACKAGES,
    PICO_PACKAGES,
    VERSION,
    console,
    micropython_source,
    need_packages,
    run_logged,
    source_date,
)

# https://github.com/microsoft/uf2: magic numbers, "family ID present" flag, and the RP2040's family.
_UF2_BLOCK = struct.Struct("<8I476sI")
assert _UF2_BLOCK.size == 512
_UF2_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_UF2_HAS_FAMILY = 0x2000
_RP2040_FAMILY = 0xE48BFF56
_FLASH_START = 0x10000000
_PAYLOAD_BYTES = 256
PICO_BOARD = "RPI_PICO"  # what MicroPython calls the board that this firmware is for

# A release is 0.7 MB. Long enough for a slow line, short enough where there is none and nothing says so.
_DOWNLOAD_TIMEOUT_S = 25

# Of the stock manifest (ports/rp2/boards/manifest.py), what is in the source package: the drivers of other libraries
# (onewire, dht, neopixel) are not.
_MANIFEST = 'freeze("$(PORT_DIR)/modules")\ninclude("$(MPY_DIR)/extmod/asyncio")\n'

_DOWNLOAD = """\
import sys
from rp2040py.utils.firmware_retrieve import MICROPYTHON, retrieve
print(retrieve(MICROPYTHON, sys.argv[1], "pico"))
"""


def pico_firmware(path: Path | str | None = None) -> Path:
    """A UF2 file with MicroPython for the RPI_PICO board.

    In this order: `path`, $FXNN_FIRMWARE; one in the cache; the official release, downloaded; else one built from the
    archive's source packages (Debian and Ubuntu; 2 minutes on two cores, once). Raises ToolError.
    """
    named = path or os.environ.get("FXNN_FIRMWARE")
    if named:
        named = Path(named).expanduser()
        read_uf2(named)
        return named
    folder = cache_dir() / "firmware"
    official, built = (folder / f"{PICO_BOARD}-{VERSION}-{origin}.uf2" for origin in ("official", "debian"))
    for candidate in (official, built):
        if candidate.exists():
            return candidate
    if _download(official):
        return official
    return build_once(built, _build)


def firmware_name(path: Path) -> str:
    """What a UF2 file is, for people: "MicroPython v1.25.0 RPI_PICO (built from Debian's source)"."""
    code = read_uf2(path)
    found = re.search(rb"\b(v\d+\.\d+[\w.+-]*) on \d{4}-\d\d-\d\d", code)
    version = found[1].decode() if found else "of unknown version"
    board = " RPI_PICO" if b"Raspberry Pi Pico with RP2040" in code else ""
    origin = {"official": "official release", "debian": "built from Debian's source"}.get(
        Path(path).stem.split("-")[-1]
    )
    ours = cache_dir() in Path(path).absolute().parents and origin
    return f"MicroPython {version}{board} ({ours or Path(path).name})"


def read_uf2(path: Path) -> bytes:
    """The flash contents in a UF2 file for the RP2040, from 0x10000000 on. Raises ToolError for anything else."""
    try:
        data = Path(path).read_bytes()
    except OSError as e:
        raise ToolError(
            f"no firmware at {path}", e.strerror or str(e), "name a .uf2 file for the RPI_PICO board"
        ) from None
    fix = "download the RPI_PICO .uf2 from micropython.org, or leave FXNN_FIRMWARE unset to have one built"
    if not data or len(data) % 512:
        raise ToolError(f"{path} is not a UF2 file", f"{len(data)} bytes are not whole blocks of 512", fix)
    flash = bytearray()
    for at in range(0, len(data), 512):
        magic0, magic1, flags, address, size, number, count, family, payload, magic2 = _UF2_BLOCK.unpack_from(data, at)
        if (magic0, magic1, magic2) != _UF2_MAGIC:
            raise ToolError(f"{path} is not a UF2 file", f"no UF2 block at byte {at}", fix)
        if flags & _UF2_HAS_FAMILY and family != _RP2040_FAMILY:
            # The RP2350's tools put one block of another family in front of theirs.
            raise ToolError(f"{path} is not for the RP2040", f"family 0x{family:08X}, not 0x{_RP2040_FAMILY:08X}", fix)
        if count != len(data) // 512 or number != at // 512 or size > 476:
            raise ToolError(
                f"{path} is damaged", f"block {number} of {count} where {at // 512} of {len(data) // 512} is due", fix
            )
        offset = address - _FLASH_START
        if not 0 <= offset <= (2 << 20) - size:  # the Pico has 2 MB
            raise ToolError(f"{path} is not for a Pico", f"a block for address 0x{address:08X}", fix)
        flash.extend(b"\xff" * (offset + size - len(flash)))
        flash[offset : offset + size] = payload[:size]
    return bytes(flash)


def to_uf2(code: bytes) -> bytes:
    """A flash image that starts at 0x10000000 as a UF2 file for the RP2040."""
    count = -(-len(code) // _PAYLOAD_BYTES)
    blocks = []
    for number in range(count):
        at = number * _PAYLOAD_BYTES
        payload = code[at : at + _PAYLOAD_BYTES].ljust(_PAYLOAD_BYTES, b"\0")
        fields = (_UF2_HAS_FAMILY, _FLASH_START + at, _PAYLOAD_BYTES, number, count, _RP2040_FAMILY)
        blocks.append(_UF2_BLOCK.pack(*_UF2_MAGIC[:2], *fields, payload, _UF2_MAGIC[2]))
    return b"".join(blocks)


def _download(final: Path) -> bool:
    """The official release through rp2040py's own table of releases. False if it cannot be had; says nothing then."""
    with tempfile.TemporaryDirectory(prefix="fxnn-") as home:
        # A HOME of its own: a download that is cut off would stay in rp2040py's cache and be taken for whole.
        environment = {**os.environ, "HOME": home, "USERPROFILE": home}
        command = [sys.executable, "-c", _DOWNLOAD, VERSION]
        try:
            with console.status(f"looking for the official MicroPython {VERSION} release"):
                result = subprocess.run(
                    command, capture_output=True, text=True, timeout=_DOWNLOAD_TIMEOUT_S, env=environment, cwd=home
                )
            found = Path(result.stdout.strip().splitlines()[-1] if result.stdout.strip() else "nothing")
            read_uf2(found)
        except (ToolError, subprocess.TimeoutExpired):
            return False
        build_once(final, lambda path: _copy(found, path))
        return True


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _build(final: Path) -> None:
    need_packages(*BUILD_PACKAGES, *PICO_PACKAGES)
    source = micropython_source()
    folder = final.parent / "work"
    (folder / "lib").mkdir(parents=True)
    (folder / "manifest.py").write_text(_MANIFEST)
    log = cache_dir() / "logs" / "pico-firmware.log"
    log.unlink(missing_ok=True)
    # g++ links libstdc++ whether or not anything uses it. Nothing here does (the SDK's one C++ file is new and delete
    # on top of malloc), so an empty library does, and saves installing a package of 1.5 GB.
    run_logged(["arm-none-eabi-ar", "rc", str(folder / "lib" / "libstdc++.a")], log)
    build = folder / "build"
    options = {
        "MICROPY_BOARD": PICO_BOARD,
        "MICROPY_FROZEN_MANIFEST": str(folder / "manifest.py"),
        "PICO_NO_PICOTOOL": "1",
        "PICO_CLIB": "newlib",
        "CMAKE_BUILD_TYPE": "MinSizeRel",  # what the port's Makefile asks for
    }
    environment = {**os.environ, "SOURCE_DATE_EPOCH": source_date(), "LDFLAGS": f"-L{folder / 'lib'}"}
    environment["PYTHONHASHSEED"] = "0"  # MicroPython's generators print sets in whatever order they come
    # Settings of a Pico developer's shell would change what is built.
    for name in ("PICO_SDK_PATH", "PICO_BOARD", "PICO_PLATFORM", "MICROPY_MPYCROSS", "CFLAGS", "CXXFLAGS"):
        environment.pop(name, None)
    definitions = [f"-D{name}={value}" for name, value in options.items()]
    port = source / "ports" / "rp2"
    console.print(f"building MicroPython {VERSION} for the Pico (once, a few minutes)")
    with console.status("configuring"):
        run_logged(["cmake", "-S", str(port), "-B", str(build), "-G", "Unix Makefiles", *definitions], log, environment)
    with console.status("compiling"):
        run_logged(["cmake", "--build", str(build), "-j", str(os.cpu_count() or 1)], log, environment)
    final.write_bytes(to_uf2((build / "firmware.bin").read_bytes()))
    read_uf2(final)
