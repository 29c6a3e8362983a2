"""Target `pico`: the emulated Pico, freshly booted with package, network and inputs on its flash."""

from __future__ import annotations

from ..errors import ToolError
from ..fileformat.packed import Packed
from ..package.board_files import package_files
from ..package.runner import Answers, Job
from .base import RunnerTarget

ARCH = "armv6m"


class PicoTarget(RunnerTarget):
    name = "pico"
    # 100 cycles at the 2 MHz that the emulator reaches on a busy machine, unaccelerated.
    seconds_per_mac = 5e-5
    counts_cycles = True
    # The flash holds 1.4 MB; the rest is the network's.
    input_bytes_at_once = 512_000

    def _execute(self, do: str, packed: Packed, inputs: bytes, count: int, timeout_s: float, answers: Answers) -> str:
        from ..emulators.virtual_pico import run_script

        files = {file.path: file.data for file in package_files(ARCH)}
        files |= {"/model.fxnn": packed.data, "/inputs.bin": inputs}
        job = Job(do, "/model.fxnn", [], self.backend, "/inputs.bin", count, self.fresh)
        try:
            run_script(files, job.script(), timeout_s, lambda line: answers.feed(line + "\n"))
        except ToolError as e:
            if not answers.error:
                raise
            return e.why
        return ""
