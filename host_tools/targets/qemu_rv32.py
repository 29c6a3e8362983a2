"""Target `qemu-rv32`: the device package on an emulated 32-bit RISC-V, a fresh machine a job.

It has no clock: times are executed instructions, one a microsecond.
"""

from __future__ import annotations

from dataclasses import replace

from ..fileformat.packed import Packed
from ..package.board_files import package_files
from ..package.runner import Answers, Job, Profile
from .base import RunnerTarget


class QemuRv32Target(RunnerTarget):
    name = "qemu-rv32"
    seconds_per_mac = 1e-6
    counts_cycles = True

    def _execute(self, do: str, packed: Packed, inputs: bytes, count: int, timeout_s: float, answers: Answers) -> str:
        from ..emulators.qemu_rv32 import ARCH, run_script

        files = {file.path: file.data for file in package_files(ARCH)}
        files |= {"model.fxnn": packed.data, "inputs.bin": inputs}
        job = Job(do, "model.fxnn", [], self.backend, "inputs.bin", count, self.fresh)
        return run_script(files, job.script(), timeout_s, lambda line: answers.feed(line + "\n"))

    def profile(self, packed: Packed) -> Profile:
        return replace(super().profile(packed), clock_hz=1_000_000)
