"""Target `qemu-rv32`: the device package on an emulated 32-bit RISC-V, a fresh machine per job.

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
    _announced = False

    def _execute(self, do: str, packed: Packed, inputs: bytes, count: int, timeout_s: float, answers: Answers) -> str:
        from ..emulators import qemu
        from ..emulators.micropython_source import console
        from ..emulators.qemu_rv32 import ARCH, run_script

        if not self._announced and qemu.program_of(self.name):  # else it is installed first, or an error says so
            console.print(qemu.about(self.name), markup=False, highlight=False, soft_wrap=True)
            self._announced = True
        files = {file.path: file.data for file in package_files(ARCH)}
        files |= {"model.fxnn": packed.data, "inputs.bin": inputs}
        job = Job(do, "model.fxnn", [], self.backend, "inputs.bin", count, self.fresh)
        return run_script(files, job.script(), timeout_s, lambda line: answers.feed(line + "\n"))

    def profile(self, packed: Packed) -> Profile:
        from ..emulators import qemu

        profile = super().profile(packed)
        return replace(profile, clock_hz=1_000_000, board=f"{profile.board}, QEMU {qemu.release(self.name)}")
