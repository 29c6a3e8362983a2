"""Many networks in one go on a MicroPython target: what a test of a hundred small models needs.

All models and inputs travel in one file, cases.bin; the board loads each from there, runs it with the heap locked and
prints its outputs.
"""

from __future__ import annotations

import binascii
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Per case: u32 length of the model, the model (padded to 4), u32 length of the inputs, the inputs (all in one).
SCRIPT = """\
import binascii, gc, micropython, struct, sys
sys.path.insert(0, 'lib')
import fxnn
def invoke(net):
    if net.backend == 'ref':
        return net.invoke()
    micropython.heap_lock()  # native kernels allocate nothing: whatever did would end as a MemoryError
    try:
        net.invoke()
    finally:
        micropython.heap_unlock()
with open('cases.bin', 'rb') as f:
    i = 0
    while True:
        head = f.read(4)
        if len(head) < 4:
            break
        model = f.read(struct.unpack('<I', head)[0])
        data = f.read(struct.unpack('<I', f.read(4))[0])
        try:
            net = fxnn.load(model, backend=%r)
            at = 0
            out = b''
            while True:
                for t in net.inputs:
                    t.data[:] = data[at:at + len(t.data)]
                    at += len(t.data)
                invoke(net)
                out += b''.join([bytes(t.data) for t in net.outputs])
                if at >= len(data):  # one inference after another: those of a network with a state
                    break
            print('@', i, binascii.b2a_base64(out).decode().strip())
        except Exception as e:
            print('@', i, 'error', repr(e))
        net = model = data = None
        gc.collect()
        i += 1
"""


def cases_file(cases: list[tuple[bytes, list]]) -> bytes:
    """The file of (packed model, [input arrays])."""
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


def run_ref(cases, folder: Path) -> list[bytes | str]:
    """The plain-int kernels under CPython, in a process of its own."""
    (folder / "cases.bin").write_bytes(cases_file(cases))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests/stubs"), str(ROOT / "device")])}
    done = subprocess.run([sys.executable, "-c", SCRIPT % "ref"], cwd=folder, env=environment, text=True,
                          capture_output=True, check=True, timeout=600)  # fmt: skip
    return answers(done.stdout, len(cases))


def _package(arch: str) -> dict[str, bytes]:
    from host_tools.package.board_files import package_files

    return {f.path.strip("/"): f.data for f in package_files(arch)}


def _as_compiled(start: str, arch: str) -> dict[str, bytes]:
    """The device files whose names start so, just compiled."""
    from host_tools.package.mpy import compile_mpy

    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in (ROOT / "device/fxnn").glob(f"{start}*.py"):
            out = Path(folder, path.stem + ".mpy")
            compile_mpy(path, arch, out)
            files[f"lib/fxnn/{out.name}"] = out.read_bytes()
    return files


def run_unix(cases, folder: Path, backend: str = "viper") -> list[bytes | str]:
    """MicroPython's unix port."""
    from host_tools.emulators.unix_port import unix_micropython
    from host_tools.targets.unix import _arch

    program = str(unix_micropython())
    for name, data in {**_package(_arch(program)), "cases.bin": cases_file(cases)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "run.py").write_text(SCRIPT % backend)
    done = subprocess.run([program, "-X", "heapsize=32M", "run.py"], cwd=folder, text=True, capture_output=True,
                          check=True, timeout=600)  # fmt: skip
    return answers(done.stdout, len(cases))


def run_pico(cases, backend: str = "viper") -> list[bytes | str]:
    """The virtual Pico."""
    from host_tools.emulators.virtual_pico import run_script

    files = {**_package("armv6m"), "cases.bin": cases_file(cases)}
    return answers(run_script(files, SCRIPT % backend, 600), len(cases))


def run_qemu_rv32(cases, backend: str | None = None, assembler: bool = False) -> list[bytes | str]:
    """MicroPython on an emulated 32-bit RISC-V. None: the backend that the package picks there.

    assembler: the kernels as functions of assembler kind, as mpy-cross makes them; else as shipped, of viper kind.
    """
    from host_tools.emulators.qemu_rv32 import ARCH, run_script

    files = {**_package(ARCH), "cases.bin": cases_file(cases)}
    if assembler:
        files |= _as_compiled("rv32_", ARCH)
    return answers(run_script(files, SCRIPT % backend, 600), len(cases))
