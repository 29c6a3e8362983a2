"""Target `ref`: the device package's plain-int kernels under CPython, in a process of their own."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ..fileformat.packed import Packed
from ..package.board_files import package_files
from ..package.runner import Answers, Job
from .base import RunnerTarget
from .subprocess_runner import run_script

# MicroPython's compiler knows const without an import, and the device package uses it so.
_CONST = """\
import builtins
builtins.const = lambda value: value
"""
# What the device package imports of MicroPython's own, for CPython: kernels marked native or viper stay plain Python.
_MICROPYTHON_STUB = """\
def const(value):
    return value


def native(function):
    return function


viper = asm_thumb = native
"""


class RefTarget(RunnerTarget):
    name = "ref"
    seconds_per_mac = 2e-5

    def _execute(self, do: str, packed: Packed, inputs: bytes, count: int, timeout_s: float, answers: Answers) -> str:
        with tempfile.TemporaryDirectory(prefix="fxnn-ref-") as name:
            folder = Path(name)
            for file in package_files(None, source=True, folder=""):
                target = folder / "lib/fxnn" / file.path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.data)
            (folder / "lib/micropython.py").write_text(_MICROPYTHON_STUB)
            (folder / "model.fxnn").write_bytes(packed.data)
            (folder / "inputs.bin").write_bytes(inputs)
            script = _CONST + Job(do, "model.fxnn", ["lib"], "ref", "inputs.bin", count, self.fresh).script()
            # -I: nothing of this process's environment or folder gets into the device package's imports.
            return run_script([sys.executable, "-I", "-B"], script, folder, timeout_s, answers.feed, self.name)
