"""MicroPython on this computer: its unix port, with native code (viper)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ..cache import build_once, cache_dir
from ..errors import ToolError
from .micropython_source import (
    BUILD_PACKAGES,
    VERSION,
    console,
    micropython_source,
    need_packages,
    run_logged,
    source_date,
)

# Native code in .mpy files of format 6.3 runs from this version on.
_OLDEST = (1, 23)
# What the device package and its tests import.
_CHECK = """\
import array, asyncio, binascii, gc, json, micropython, os, sys, time, uctypes
binascii.crc32; micropython.heap_lock
print(sys.implementation.name, sys.implementation._mpy >> 10 & 15, *sys.implementation.version[:2])
"""


def unix_micropython() -> Path:
    """A micropython program of version 1.23 or newer that runs native code and has the modules fxnn needs.

    In this order: $FXNN_MICROPYTHON; one built earlier (in the cache); one on PATH that will do; else built from the
    archive's source package (half a minute, Debian and Ubuntu). Raises ToolError.
    """
    named = os.environ.get("FXNN_MICROPYTHON")
    if named:
        why_not = _why_not(named)
        if why_not:
            raise ToolError(f"FXNN_MICROPYTHON={named} will not do", why_not, "name another program, or unset it")
        return Path(named)
    built = cache_dir() / f"unix-{VERSION}" / "micropython"
    if built.exists():
        return built
    on_path = shutil.which("micropython")
    if on_path and not _why_not(on_path):
        return Path(on_path)
    build_once(built.parent, _build)
    return built


def _why_not(program: str) -> str:
    """Why a program cannot serve; empty if it can."""
    try:
        result = subprocess.run([program, "-c", _CHECK], capture_output=True, text=True, errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired) as e:
        return str(e)
    said = result.stdout.split()
    if result.returncode or len(said) != 4 or said[0] != "micropython":
        return (result.stderr or result.stdout).strip()[-500:] or "it is not MicroPython"
    arch, version = int(said[1]), (int(said[2]), int(said[3]))
    if version < _OLDEST:
        return f"it is MicroPython {version[0]}.{version[1]}, {_OLDEST[0]}.{_OLDEST[1]} or newer is needed"
    return "" if arch else "it was built without native code"


def _build(folder: Path) -> None:
    need_packages(*BUILD_PACKAGES)
    source = micropython_source()
    folder.mkdir()
    (folder / "manifest.py").write_text('include("$(MPY_DIR)/extmod/asyncio")\n')
    log = cache_dir() / "logs" / "unix-port.log"
    log.unlink(missing_ok=True)
    options = ["MICROPY_PY_SSL=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_FFI=0", "MICROPY_PY_BLUETOOTH=0"]
    # Without MICROPY_GIT_TAG and the like the version is the source package's own.
    command = ["make", "-C", str(source / "ports" / "unix"), f"-j{os.cpu_count() or 1}", *options]
    command += [f"BUILD={folder / 'build'}", f"FROZEN_MANIFEST={folder / 'manifest.py'}"]
    with console.status(f"building MicroPython {VERSION} for this computer"):
        run_logged(command, log, {**os.environ, "SOURCE_DATE_EPOCH": source_date()})
    shutil.move(folder / "build" / "micropython", folder / "micropython")
    shutil.rmtree(folder / "build")
    why_not = _why_not(str(folder / "micropython"))
    if why_not:
        raise ToolError("the unix port that was built does not work", why_not, f"the build's output is in {log}")
