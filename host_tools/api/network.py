"""Network: a packed network bound to the exact NumPy kernels, ready to run; as device/fxnn/network.py."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ..errors import ToolError
from ..exact import run as exact
from ..fileformat import packed
from . import tables
from .tensor import Tensor

BACKEND = "numpy"
# What a program may ask for on a board. The answers are the same to the last bit, so here all of them are numpy.
_BACKENDS = ("thumb", "xtensa", "rv32", "viper", "ref")
_PLACES = ("ram", "flash", "stream")
_WHERE = {"in place": " in place", "RAM": ""}


@dataclass(frozen=True)
class File:
    """What a loaded network still knows of its file. `where` its constants are: "RAM", or "in place" (bytes given)."""

    path: str | None
    where: str
    why: str  # they are not in flash, where that was asked for
    packed: packed.Packed = field(repr=False)

    @property
    def op_count(self) -> int:
        return len(self.packed.ops)

    @property
    def arena_bytes(self) -> int:
        return self.packed.arena_bytes

    @property
    def resident_bytes(self) -> int:
        return self.packed.resident_bytes

    @property
    def total_bytes(self) -> int:
        return len(self.packed.data)


def load(source, backend: str | None = None, arena: Network | bytearray | None = None,
         place: str | None = None) -> Network:  # fmt: skip
    """Network from a packed file: `source` is a path, or a bytes-like object holding the whole file.

    `backend`, `place`: those that a board knows, for programs that name one; the kernels here are numpy's, the constants in
    RAM, and the answers the same. `arena`: another Network, whose memory this one shares: run one, read its outputs, then
    the other; or a bytearray.
    ValueError for a damaged or unknown file, with the texts of FORMAT.md; OSError where a path cannot be read.
    """
    if backend not in (None, BACKEND, *_BACKENDS):
        raise ValueError(f"fxnn: backend '{backend}' unknown, use thumb, xtensa, rv32, viper or ref")
    if place not in (None, *_PLACES):
        raise ValueError(f"fxnn: place '{place}' unknown, use ram, flash or stream")
    return Network(_open(source, place), arena)


def _open(source, place: str | None) -> File:
    if isinstance(source, (str, os.PathLike)):
        path, where = os.path.abspath(source), "RAM"
        with open(path, "rb") as file:
            data = file.read()
    else:
        path, where, data = None, "in place", bytes(source)
    name = "model"
    try:
        network = packed.read(data, name)
    except ToolError as e:  # its texts are the board's, after the name
        raise ValueError(e.what.removeprefix(f"{name}: ")) from None
    return File(path, where, "no mapped flash here" if place == "flash" else "", network)


class Network:
    """A loaded network; see `fxnn.load`.

    predict, classify: floats in and out. input, invoke(), output: raw bytes, no copy.
    """

    def __init__(self, file: File, arena: Network | bytearray | None = None):
        self.backend = BACKEND
        self.file = file
        if arena is None:
            arena = bytearray(file.arena_bytes)
        memory = arena.arena if isinstance(arena, Network) else arena
        if len(memory) < file.arena_bytes:
            raise ValueError(f"arena: {len(memory)} bytes, need {file.arena_bytes}")
        if isinstance(arena, Network) and (file.packed.variables or arena.file.packed.variables):
            raise ValueError("arena: variables cannot be shared")
        self.arena: bytearray = memory
        self._running = False
        view = memoryview(self.arena)
        self.inputs = tuple(_tensor(entry, view) for entry in file.packed.inputs)
        self.outputs = tuple(_tensor(entry, view) for entry in file.packed.outputs)
        elements = np.frombuffer(view, np.uint8)
        self._steps = [exact.step(op, elements) for op in file.packed.ops]
        self.reset()

    def __repr__(self) -> str:
        file = self.file
        macs = sum(op.macs for op in file.packed.ops)
        return (f"<fxnn {self.name}: {file.op_count} ops, {macs} MACs, {file.resident_bytes} bytes{_WHERE[file.where]} + "
                f"{file.arena_bytes} arena, {self.backend}>")  # fmt: skip

    @property
    def input(self) -> Tensor:
        """The first input Tensor."""
        return self.inputs[0]

    @property
    def output(self) -> Tensor:
        """The first output Tensor."""
        return self.outputs[0]

    @property
    def name(self) -> str:
        """The network's name from its metadata, or its file's name."""
        return self.metadata.get("name") or os.path.basename(self.file.path or "model")

    @property
    def metadata(self) -> dict:
        """What the file says about itself."""
        return copy.deepcopy(self.file.packed.metadata)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the first output's elements, empty if the file has none."""
        return self.file.packed.labels

    def reset(self) -> None:
        """Forgets what the network has seen: its variables (states of LSTM, SVDF, tf.Variable) as they were when loaded."""
        for variable in self.file.packed.variables:
            self.arena[variable.arena_offset : variable.arena_offset + len(variable.value)] = variable.value

    def steps(self) -> Iterator[Callable[[], None]]:
        """The ops in order, each to be called once: invoke() taken apart."""
        return iter(self._steps)

    def invoke(self) -> None:
        """Runs the ops: inputs to outputs, in the arena."""
        for step in self._steps:
            step()

    async def ainvoke(self) -> None:
        """invoke(), letting other tasks run between the ops.

        Leave the network alone until it is done: inputs, outputs and other calls. RuntimeError for a second ainvoke.
        """
        if self._running:
            raise RuntimeError("network: still running")
        self._running = True
        from asyncio import sleep

        try:
            for step in self._steps:
                step()
                await sleep(0)
        finally:
            self._running = False

    def predict(self, *reals) -> list:
        """The outputs as floats, for floats as inputs: a flat list, or a list of them for several outputs.

        One argument per input, flat or nested in NHWC order. ValueError for another number of values.
        """
        if len(reals) != len(self.inputs):
            raise ValueError(f"predict: got {len(reals)} inputs, need {len(self.inputs)}")
        for tensor, values in zip(self.inputs, reals):
            tensor.quantize(values)
        self.invoke()
        outputs = [tensor.dequantize() for tensor in self.outputs]
        return outputs if len(outputs) > 1 else outputs[0]

    def classify(self, *reals) -> tuple[str | int, float | None]:
        """(label, probability) of the largest element of the first output; its index where there are no labels.

        Where the network answers with the index itself (int32, ARG_MAX), the probability is None.
        """
        values = self.predict(*reals)
        if len(self.outputs) > 1:
            values = values[0]
        if self.output.dtype == "int32":
            i, best = values[0], None
        else:
            best = max(values)
            i = values.index(best)
        return (self.labels[i] if i < len(self.labels) else i), best

    def summary(self) -> tables.Report:
        """A Report of the ops: kernels, MACs, bytes of constants, memory. Runs nothing."""
        return tables.summary(self)

    def profile(self, clock: Callable | None = None, diff: Callable | None = None) -> tables.Report:
        """Runs once; a Report of the time of each op, in us of this computer.

        `clock()` and `diff(end, start)` replace the clock and its difference, to count something else.
        """
        return tables.profile(self, clock, diff)

    def selftest(self) -> int:
        """Runs the vectors embedded in the file, one after the other from a reset; their number. It resets again.

        RuntimeError("selftest: vector 0 output 3: got 5, want 6"); elements count through all outputs.
        """
        self.reset()
        vectors = self.file.packed.selftest
        for number, vector in enumerate(vectors):
            at = 0
            for tensor in self.inputs:
                tensor.data[:] = vector[at : at + len(tensor.data)]
                at += len(tensor.data)
            self.invoke()
            element = 0
            for tensor in self.outputs:
                got = list(tensor)
                tensor.data[:] = vector[at : at + len(tensor.data)]  # to read it in its own dtype
                at += len(tensor.data)
                for i, want in enumerate(tensor):
                    if got[i] != want:
                        raise RuntimeError(f"selftest: vector {number} output {element + i}: got {got[i]}, want {want}")
                element += len(tensor)
        self.reset()
        return len(vectors)


def _tensor(entry: packed.TensorEntry, arena: memoryview) -> Tensor:
    return Tensor(entry, arena[entry.arena_offset : entry.arena_offset + entry.bytes])
