"""Runs a script of this folder on CPython, on the unix port, or on the virtual Pico (on CPython, for pytest)."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent
TIMEOUT_S = 600


def _run(command, files, folder, paths, variable) -> str:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    environment = os.environ | {variable: os.pathsep.join(str(p) for p in paths)}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def run_cpython(script: str, files: dict[str, bytes], folder: Path) -> str:
    """What the script prints on CPython, in `folder` with `files`; sources and the stub of `micropython`."""
    paths = (ROOT / "device", ROOT / "tests" / "stubs")
    return _run([sys.executable, str(SCRIPTS / script)], files, folder, paths, "PYTHONPATH")


def run_unix(script: str, files: dict[str, bytes], folder: Path) -> str:
    """What the script prints on MicroPython's unix port, the package's sources compiled there."""
    from host_tools.emulators.unix_port import unix_micropython

    command = [str(unix_micropython()), str(SCRIPTS / script)]
    return _run(command, files, folder, (ROOT / "device", ".frozen"), "MICROPYPATH")


@lru_cache
def _package() -> dict[str, bytes]:
    """The package as a board gets it: .mpy files for armv6m."""
    from host_tools.package.board_files import package_files

    return {file.path.strip("/"): file.data for file in package_files("armv6m")}


def run_pico(script: str, files: dict[str, bytes], **constants) -> str:
    """What the script prints on the virtual Pico; `constants` replace the script's own (BACKENDS = ...)."""
    from host_tools.emulators.virtual_pico import run_script

    source = (SCRIPTS / script).read_text()
    for name, value in constants.items():
        old = next(line for line in source.split("\n") if line.startswith(f"{name} = "))
        source = source.replace(old, f"{name} = {value!r}")
    return run_script(_package() | files, source, TIMEOUT_S)
