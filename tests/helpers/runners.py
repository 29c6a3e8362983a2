"""Runs scripts with the device package on CPython, on MicroPython's unix port and on the virtual Pico.

A script is a file of tests/micropython by its name ("api.py"), or a text. What it is to do differently from run to run
are its parameters: it finds them in a module of that name, `getattr(parameters, "ROUNDS", 100)`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from tests.helpers.paths import DEVICE, SCRIPTS, STUBS

TIMEOUT_S = 600


def source(script: str) -> str:
    """The text of a script."""
    return (SCRIPTS / script).read_text() if script.endswith(".py") else script


def with_parameters(files: dict[str, bytes], **parameters) -> dict[str, bytes]:
    """`files`, and the module that the script takes its parameters from."""
    text = "".join(f"{name} = {value!r}\n" for name, value in parameters.items())
    return {**files, "parameters.py": text.encode()}


@lru_cache
def package(arch: str) -> dict[str, bytes]:
    """The device package as a board of that architecture gets it: .mpy files by path."""
    from host_tools.package.board_files import package_files

    return {file.path.strip("/"): file.data for file in package_files(arch)}


def write(files: dict[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def run_cpython(script: str, files: dict[str, bytes], folder: Path, **parameters) -> str:
    """What the script prints on CPython, in `folder` with `files`; sources and the stub of `micropython`."""
    paths = {"PYTHONPATH": os.pathsep.join(map(str, (DEVICE, STUBS)))}
    return _run([sys.executable, "script.py"], script, with_parameters(files, **parameters), folder, paths)


def run_unix(script: str, files: dict[str, bytes], folder: Path, heap_bytes: int = 32 << 20, **parameters) -> str:
    """What the script prints on MicroPython's unix port, with the package as .mpy files and a heap of `heap_bytes`."""
    from host_tools.emulators.unix_port import unix_micropython
    from host_tools.targets.unix import arch_of

    program = str(unix_micropython())
    files = {**package(arch_of(program)), **with_parameters(files, **parameters)}
    command = [program, "-X", f"heapsize={heap_bytes}", "-c", "import sys; sys.path.insert(0, 'lib'); import script"]
    return _run(command, script, files, folder, {})


def run_unix_sources(script: str, files: dict[str, bytes], folder: Path, **parameters) -> str:
    """What the script prints on MicroPython's unix port, the package's sources compiled there."""
    from host_tools.emulators.unix_port import unix_micropython

    paths = {"MICROPYPATH": os.pathsep.join(map(str, (DEVICE, ".frozen")))}
    return _run([str(unix_micropython()), "script.py"], script, with_parameters(files, **parameters), folder, paths)


def run_pico(script: str, files: dict[str, bytes], **parameters) -> str:
    """What the script prints on the virtual Pico."""
    from host_tools.emulators.virtual_pico import run_script

    return run_script({**package("armv6m"), **with_parameters(files, **parameters)}, source(script), TIMEOUT_S)


def _run(command, script: str, files: dict[str, bytes], folder: Path, environment: dict[str, str]) -> str:
    write({**files, "script.py": source(script).encode()}, folder)
    done = subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True,
                          timeout=TIMEOUT_S)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
