"""What every target offers, and how one that runs the device package (`runner.upy`) is spoken to."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import resources

import numpy as np

from ..errors import ToolError
from ..packed import Packed
from ..quantized_io import frame_shape, frames_to_bytes

Progress = Callable[[int], None]  # called with the number of inferences done so far


@dataclass(frozen=True)
class RunStats:
    """How a run went. Times in microseconds of the machine that ran it (the emulated board's own clock on pico)."""

    backend: str
    total_us: int
    heap_peak_bytes: int | None = None


@dataclass(frozen=True)
class OpTime:
    name: str
    kind: str
    macs: int
    time_us: int
    cycles: int | None = None  # counted, where the target can


@dataclass(frozen=True)
class Profile:
    """One inference, op by op. clock_hz only where every cycle counts (a board's CPU clock)."""

    backend: str
    ops: tuple[OpTime, ...]
    heap_peak_bytes: int | None
    clock_hz: int | None = None
    board: str = ""
    weights_in: str = "RAM"  # File.where of the device package


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
    def run(self, packed: Packed, inputs: tuple[np.ndarray, ...], progress: Progress | None = None):
        """-> (outputs, RunStats): raw arrays of shape (N, ...) in, one raw array of shape (N, ...) a network output."""

    def profile(self, packed: Packed) -> Profile:
        raise ToolError(
            f"nothing to profile on '{self.name}'", "it is not a board", "use --on unix, pico or a serial port"
        )

    def close(self) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@dataclass(frozen=True)
class Job:
    """What runner.upy does; paths as the running side sees them."""

    do: str  # "run" | "profile" | "selftest"
    model: str
    path: list[str] = field(default_factory=list)  # folders put in front of sys.path
    backend: str | None = None  # None: the package picks it
    inputs: str = ""
    count: int = 0
    fresh: bool = False  # reset the network's variables before each inference

    def script(self) -> str:
        """The whole program: the job, then the runner."""
        runner = resources.files(__package__).joinpath("runner.upy").read_text("ascii")
        return f"JOB = {asdict(self)!r}\n{runner}"


class Answers:
    """Collects what runner.upy prints. Feed it text as it arrives; what else is printed (tracebacks) is kept."""

    def __init__(self, packed: Packed, progress: Progress | None = None):
        self._packed = packed
        self._progress = progress
        self._rest = ""
        self.about: dict = {}
        self.ops: list[OpTime] = []
        self.heap_peak_bytes: int | None = None
        self.total_us = 0
        self.selftest = None
        self.error: tuple[str, str] | None = None
        self.done = False
        self.inferences = 0
        self.other: list[str] = []
        self._outputs = [bytearray() for _ in packed.outputs]

    def feed(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line.rstrip("\r"))

    def _line(self, line: str) -> None:
        mark, _, rest = line.partition(" ")
        kind, _, value_text = rest.partition(" ")
        handler = getattr(self, f"_on_{kind}", None) if mark == "@fxnn" else None
        if handler is None:
            self.other.append(line)
            return
        handler(json.loads(value_text))

    def _on_about(self, value):
        self.about = value

    def _on_y(self, value):
        index, text = value
        self._outputs[index] += base64.b64decode(text)

    def _on_end(self, _):
        self.inferences += 1
        if self._progress:
            self._progress(self.inferences)

    def _on_time(self, value):
        self.total_us = value

    def _on_op(self, value):
        self.ops.append(OpTime(*value))

    def _on_selftest(self, value):
        self.selftest = value

    def _on_heap(self, value):
        self.heap_peak_bytes = value or None  # 0: this machine cannot tell

    def _on_error(self, value):
        self.error = tuple(value)

    def _on_done(self, _):
        self.done = True

    def check(self, where: str, details: str = "") -> None:
        """Raises ToolError unless the job ran to its end."""
        if self.error:
            kind, text = self.error
            fix = {
                "MemoryError": "use a smaller network, or a board with more RAM (`fxnn inspect` says what is needed)",
                "ImportError": "copy the device package again with `fxnn deploy`",
            }.get(kind, "")
            # these say themselves what is wrong; a traceback helps with the others
            plain = kind in ("MemoryError", "ValueError")
            raise ToolError(f"{where}: {kind}: {text}", "" if plain else self._last_words(details), fix)
        if not self.done:
            raise ToolError(
                f"{where}: the run ended before it was finished", self._last_words(details) or "it printed nothing"
            )

    def _last_words(self, details: str) -> str:
        lines = [line for line in self.other + details.splitlines() if line.strip()]
        return "\n".join(lines[-12:])

    def outputs(self) -> list[np.ndarray]:
        arrays = []
        for tensor, data in zip(self._packed.outputs, self._outputs):
            arrays.append(np.frombuffer(bytes(data), tensor.dtype).reshape(-1, *frame_shape(tensor)))
        return arrays


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
