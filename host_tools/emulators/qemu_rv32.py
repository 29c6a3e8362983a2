"""MicroPython on a 32-bit RISC-V: its qemu port (board VIRT_RV32), run by QEMU.

The emulated CPU is an rv32imac without floats and without the Zb* extensions, so that what only a larger core knows
traps here. Its RAM lies at 0x80000000: no address is a small int, which is harder than on any board.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from ..cache import build_once, cache_dir
from ..errors import ToolError
from . import qemu
from .micropython_source import (
    BUILD_PACKAGES,
    VERSION,
    console,
    micropython_source,
    need_packages,
    run_logged,
    source_date,
)

ARCH = "rv32imc"
_TOOLCHAIN = ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf")
_TARGET = "qemu-rv32"
_HEAP_BYTES = 8 << 20
_FILES_AT = 0x84000000  # RAM that MicroPython does not know of: holds a ROMFS image

# Typed at the raw REPL. What the script leaves behind does not matter: each run is a machine of its own.
_BOOT = """\
import sys, uctypes, vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(%d, %d)), '/rom')
import os
os.chdir('/rom')
sys.path[:] = ['', '/rom/lib']
exec(open('/rom/script.py').read(), {'__name__': '__main__'})
"""
# The port has no clock. An instruction is a microsecond: QEMU counts them exactly. 0xC0202573: csrr a0, instret
_TIME = """\
@micropython.asm_rv32
def ticks_us():
    data(4, 0xC0202573)


def ticks_diff(end, start):
    return ((end - start + 0x80000000) & 0xFFFFFFFF) - 0x80000000
"""


def why_not() -> str:
    """Why this machine cannot run the target without installing anything, one line; empty if it can."""
    if not qemu.program_of(_TARGET):
        return qemu.why_not(_TARGET)
    if not _built().exists() and not _debian_root():
        return f"MicroPython for it is built on Debian and Ubuntu only, by root (python -m {__package__}.setup_env)"
    return ""


def rv32_micropython() -> Path:
    """firmware.elf of MicroPython's qemu port for VIRT_RV32, built if it is not in the cache (half a minute).

    Toolchain and QEMU are the distribution's packages, installed where this process may. Raises ToolError.
    """
    if not qemu.program_of(_TARGET):
        need_packages(_qemu_package())
    return build_once(_built().parent, _build) / "firmware.elf"


def run_script(
    files: dict[str, bytes], script: str, timeout_s: float = 120, on_line: Callable[[str], None] | None = None
) -> str:
    """What the script prints on a machine of its own: stdout, then the traceback if it raised.

    files: path -> bytes, read-only for the script, which runs in their folder with lib/ on sys.path. Raises ToolError
    after timeout_s.
    """
    firmware = rv32_micropython()
    image = _romfs({**files, "script.py": script.encode(), "lib/time.mpy": _time_mpy()})
    with tempfile.TemporaryDirectory(prefix="fxnn-rv32-") as folder:
        path = Path(folder, "files.romfs")
        path.write_bytes(image)
        # ctrl-A: raw REPL; ctrl-D: run. exit by machine.reset(), which ends QEMU.
        typed = b"\x01" + (_BOOT % (_FILES_AT, len(image))).encode() + b"\x04import machine\nmachine.reset()\x04"
        device = f"loader,file={path},addr={_FILES_AT:#x},force-raw=on"
        command = [*qemu.command(_TARGET), "-kernel", str(firmware), "-device", device]
        with open(Path(folder, "stderr"), "w+") as stderr:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
            printed = _collect(process, typed, timeout_s, on_line)
            stderr.seek(0)
            complaint = stderr.read().strip()
    if complaint:
        raise ToolError(f"qemu-rv32: {qemu.about(_TARGET)}, but failed", complaint[-500:])
    return printed


def _collect(process: subprocess.Popen, typed: bytes, timeout_s: float, on_line: Callable[[str], None] | None) -> str:
    """Types, reads until QEMU ends; the script's part of what was printed."""
    assert process.stdin and process.stdout
    timed_out = threading.Event()

    def stop():
        timed_out.set()
        process.kill()

    timer = threading.Timer(timeout_s, stop)
    timer.daemon = True  # a Ctrl-C just here must not wait for it
    lines: list[str] = []
    started = False
    ended = 0
    try:
        timer.start()
        process.stdin.write(typed)
        process.stdin.flush()
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip("\r\n")
            if not started:  # the banner; then ">OK", which is the script's
                started = line.startswith(">OK")
                line = line[3:]
            if not started:
                continue
            # \x04 ends stdout, a second one the traceback; then come the REPL's own words.
            parts = line.split("\x04")[: 3 - ended]
            ended += len(parts) - 1
            if ended == 2:
                parts.pop()
            for part in [p for p in parts if p] or [""] * (len(parts) == 1 and ended < 2):
                lines.append(part)
                if on_line:
                    on_line(part)
            if ended == 2:
                break
        process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()
    if timed_out.is_set():
        said = "\n".join(lines[-10:])
        raise ToolError(f"qemu-rv32: no result after {timeout_s:.0f} s", f"it had printed:\n{said}")
    return "".join(line + "\n" for line in lines)


def _romfs(files: dict[str, bytes]) -> bytes:
    """A ROMFS image (MicroPython, extmod/vfs_rom.c) of the files; paths relative to its root."""
    from mpremote.romfs import VfsRomWriter

    writer = VfsRomWriter()

    def put(tree: dict):
        for name, item in sorted(tree.items()):
            if isinstance(item, dict):
                writer.opendir(name)
                put(item)
                writer.closedir()
            else:
                writer.mkfile(name, item)

    root: dict = {}
    for path, data in files.items():
        *folders, name = path.strip("/").split("/")
        folder = root
        for part in folders:
            folder = folder.setdefault(part, {})
        folder[name] = data
    put(root)
    return writer.finalise()


def _time_mpy() -> bytes:
    from ..package.mpy import compile_mpy

    with tempfile.TemporaryDirectory(prefix="fxnn-time-") as folder:
        source, out = Path(folder, "time.py"), Path(folder, "time.mpy")
        source.write_text(_TIME)
        compile_mpy(source, ARCH, out)
        return out.read_bytes()


def _built() -> Path:
    return cache_dir() / f"qemu-rv32-{VERSION}" / "firmware.elf"


def _debian_root() -> bool:
    return bool(shutil.which("dpkg-query")) and hasattr(os, "geteuid") and os.geteuid() == 0


def _qemu_package() -> str:
    """Debian 13 has a package for RISC-V alone, Debian 12 one for all the rarer machines."""
    if shutil.which("apt-cache"):
        found = subprocess.run(["apt-cache", "show", "qemu-system-riscv"], capture_output=True)
        if not found.returncode and found.stdout:
            return "qemu-system-riscv"
    return "qemu-system-misc"


def _build(folder: Path) -> None:
    need_packages(*BUILD_PACKAGES, *_TOOLCHAIN)
    port = micropython_source() / "ports" / "qemu"
    folder.mkdir()
    (folder / "manifest.py").write_text("")
    script = (port / "mcu/rv32/virt.ld").read_text()
    larger = script.replace("LENGTH = 2M", "LENGTH = 32M")
    if larger == script:
        raise ToolError("the qemu port's virt.ld is another one", "it has no RAM of 2M")
    (folder / "virt.ld").write_text(larger)
    log = cache_dir() / "logs" / "qemu-rv32.log"
    log.unlink(missing_ok=True)
    # Without -misa-spec, Debian 12's GCC has no CSR instructions in rv32imac, and no library for rv32imac_zicsr.
    options = ["BOARD=VIRT_RV32", "RV32_ARCH=rv32imac -misa-spec=2.2", f"MICROPY_HEAP_SIZE={_HEAP_BYTES}",
               f"LDSCRIPT={folder / 'virt.ld'}", f"FROZEN_MANIFEST={folder / 'manifest.py'}"]  # fmt: skip
    command = ["make", "-C", str(port), f"-j{os.cpu_count() or 1}", *options, f"BUILD={folder / 'build'}"]
    with console.status(f"building MicroPython {VERSION} for a 32-bit RISC-V"):
        run_logged(command, log, {**os.environ, "SOURCE_DATE_EPOCH": source_date()})
    shutil.move(folder / "build" / "firmware.elf", folder / "firmware.elf")
    shutil.rmtree(folder / "build")
