"""Many networks in one go on a MicroPython target: what a test of a hundred small models needs.

All models and inputs travel in one file, cases.bin; the board loads each from there, runs it with the heap locked and
prints its outputs (tests/micropython/batch.py, which says what further parameters the runners take).
"""

from __future__ import annotations

import binascii
import struct
import tempfile
from pathlib import Path

from tests.helpers import runners
from tests.helpers.paths import DEVICE
from tests.helpers.runners import TIMEOUT_S

SCRIPT = "batch.py"


def cases_file(cases: list[tuple[bytes, list]]) -> bytes:
    """The file of (packed model, [input arrays]): per case u32 length of the model, the model, u32 length of the inputs,
    the inputs, all in one."""
    pieces = []
    for model, inputs in cases:
        raw = b"".join(x.tobytes() for x in inputs)
        pieces += [struct.pack("<I", len(model)), model, struct.pack("<I", len(raw)), raw]
    return b"".join(pieces)


def answers(printed: str, count: int) -> list[bytes | str]:
    """Per case the raw outputs, or the text of the exception."""
    found: list[bytes | str] = ["no answer"] * count
    for line in printed.splitlines():
        if line.startswith("@ "):
            _, index, *rest = line.split(None, 2)
            text = rest[0] if rest else ""
            found[int(index)] = text if text.startswith("error") else binascii.a2b_base64(text)
    return found


def run_ref(cases, folder: Path, **parameters) -> list[bytes | str]:
    """The plain-int kernels under CPython, in a process of its own."""
    files = {"cases.bin": cases_file(cases)}
    return answers(runners.run_cpython(SCRIPT, files, folder, BACKEND="ref", **parameters), len(cases))


def run_unix(cases, folder: Path, backend: str = "viper", **parameters) -> list[bytes | str]:
    """MicroPython's unix port."""
    files = {"cases.bin": cases_file(cases)}
    return answers(runners.run_unix(SCRIPT, files, folder, BACKEND=backend, **parameters), len(cases))


def run_pico(cases, backend: str = "viper", **parameters) -> list[bytes | str]:
    """The virtual Pico."""
    files = {"cases.bin": cases_file(cases)}
    return answers(runners.run_pico(SCRIPT, files, BACKEND=backend, **parameters), len(cases))


def run_qemu_rv32(cases, backend: str | None = None, assembler: bool = False, **parameters) -> list[bytes | str]:
    """MicroPython on an emulated 32-bit RISC-V. None: the backend that the package picks there.

    assembler: the kernels as functions of assembler kind, as mpy-cross makes them; else as shipped, of viper kind.
    """
    from host_tools.emulators.qemu_rv32 import ARCH, run_script

    files = {**runners.package(ARCH), "cases.bin": cases_file(cases)}
    if assembler:
        files |= _as_compiled("rv32", ARCH)
    files = runners.with_parameters(files, BACKEND=backend, **parameters)
    return answers(run_script(files, runners.source(SCRIPT), TIMEOUT_S), len(cases))


def _as_compiled(backend: str, arch: str) -> dict[str, bytes]:
    """The kernels of a backend, just compiled."""
    from host_tools.package.mpy import compile_mpy

    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in (DEVICE / "fxnn" / backend).glob("[!_]*.py"):
            out = Path(folder, path.stem + ".mpy")
            compile_mpy(path, arch, out)
            files[f"lib/fxnn/{backend}/{out.name}"] = out.read_bytes()
    return files
