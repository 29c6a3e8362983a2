"""One job for the device package, wherever it runs: the script that does it (`runner.upy`), and what it answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..errors import ToolError
from ..fileformat.packed import Packed
from ..fileformat.quantized_io import frame_shape

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
        runner = Path(__file__).with_name("runner.upy").read_text("ascii")
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
