"""What every target offers, and what those share that run the device package."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ..errors import ToolError
from ..fileformat.packed import Packed
from ..fileformat.quantized_io import frames_to_bytes
from ..package.runner import Answers, Profile, Progress, RunStats


class Target(ABC):
    """A place to run packed networks. Close it, or use it in a `with`."""

    name: str
    # Whether time_us * clock_hz is a count of cycles that means something to a kernel's author.
    counts_cycles = False
    # The kernels to use there ("viper", ...), where the device package runs; None: the package picks the best.
    backend: str | None = None
    # Whether each inference starts from the variables' first values, or where the one before has left them.
    fresh: bool = False

    @abstractmethod
    def run(
        self, packed: Packed, inputs: tuple[np.ndarray, ...], progress: Progress | None = None
    ) -> tuple[list[np.ndarray], RunStats]:
        """-> (outputs, RunStats): raw arrays of shape (N, ...) in, one raw array of shape (N, ...) per network output."""

    def profile(self, packed: Packed) -> Profile:
        raise ToolError(
            f"nothing to profile on '{self.name}'", "it is not a board", "use --on unix, pico or a serial port"
        )

    def close(self) -> None:  # noqa: B027  (most targets hold nothing)
        """Frees the board or the emulator."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class RunnerTarget(Target):
    """A target that runs the device package: it has to get files and a script to where the package runs."""

    # A generous bound on one multiply-accumulate there, for timeouts only.
    seconds_per_mac = 1e-5
    # Inputs that one run can take; None: any number.
    input_bytes_at_once: int | None = None

    @abstractmethod
    def _execute(self, do: str, packed: Packed, inputs: bytes, count: int, timeout_s: float, answers: Answers) -> str:
        """Does the job, feeding the answers; returns what else there is to say if it failed (stderr)."""

    def run(self, packed: Packed, inputs: tuple[np.ndarray, ...], progress: Progress | None = None):
        frames = len(inputs[0])
        at_once = frames
        if self.input_bytes_at_once:
            at_once = max(1, self.input_bytes_at_once // sum(tensor.bytes for tensor in packed.inputs))
            if packed.variables and frames > at_once and not self.fresh:
                raise ToolError(
                    f"{frames} inferences do not fit on {self.name} at once",
                    "the network keeps a state from one to the next",
                    f"use at most {at_once}",
                )
        parts, total_us, heap_peak = [], 0, None
        for start in range(0, frames, at_once):
            part = tuple(array[start : start + at_once] for array in inputs)
            count = len(part[0])
            answers = Answers(packed, progress and (lambda done, start=start: progress(start + done)))
            timeout_s = self._timeout_s(packed, count)
            details = self._execute("run", packed, frames_to_bytes(part), count, timeout_s, answers)
            answers.check(self.name, details)
            parts.append(answers.outputs())
            total_us += answers.total_us
            heap_peak = answers.heap_peak_bytes
        outputs = [np.concatenate(column) for column in zip(*parts)]
        return outputs, RunStats(answers.about["backend"], total_us, heap_peak)

    def profile(self, packed: Packed) -> Profile:
        answers = Answers(packed)
        details = self._execute("profile", packed, b"", 0, self._timeout_s(packed, 2), answers)
        answers.check(self.name, details)
        return Profile(
            answers.about["backend"],
            tuple(answers.ops),
            answers.heap_peak_bytes,
            answers.about.get("clock_hz") if self.counts_cycles else None,
            f"{answers.about['machine']}, {answers.about['version']}",
            answers.about["weights_in"],
        )

    def _timeout_s(self, packed: Packed, inferences: int) -> float:
        return 60 + inferences * self.seconds_per_mac * sum(op.macs for op in packed.ops)
