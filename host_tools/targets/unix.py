"""Target `unix`: the device package as MicroPython's unix port runs it, in a process of its own."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from ..fileformat.packed import Packed
from ..package.board_files import package_files
from ..package.runner import Answers, Job
from .base import RunnerTarget
from .subprocess_runner import run_script


class UnixTarget(RunnerTarget):
    name = "unix"
    seconds_per_mac = 1e-6

    def _execute(self, do: str, packed: Packed, inputs: bytes, count: int, timeout_s: float, answers: Answers) -> str:
        from ..emulators.unix_port import unix_micropython

        program = str(unix_micropython())
        with tempfile.TemporaryDirectory(prefix="fxnn-unix-") as name:
            folder = Path(name)
            for file in package_files(arch_of(program), folder="lib/fxnn"):
                target = folder / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.data)
            (folder / "model.fxnn").write_bytes(packed.data)
            (folder / "inputs.bin").write_bytes(inputs)
            job = Job(do, "model.fxnn", ["lib"], self.backend, "inputs.bin", count, self.fresh)
            # The heap is fixed at start: twice the network and some for the package.
            heap = 4_000_000 + 2 * (packed.resident_bytes + packed.arena_bytes)
            command = [program, "-X", f"heapsize={heap}"]
            return run_script(command, job.script(), folder, timeout_s, answers.feed, self.name)


@cache
def arch_of(program: str) -> str | None:
    """The unix port's own architecture, by its name in mpy.py's table."""
    from ..package import mpy

    code = "import sys; print(sys.implementation._mpy >> 10)"
    printed = subprocess.run([program, "-c", code], check=True, capture_output=True, text=True, timeout=30).stdout
    return mpy.arch_name(int(printed))
