"""What lowering works with: the steps of a program, the memory they name, and where an op's function is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import int16 as fixed_point16
from ..assembler.constants import Constants
from ..ir import Graph, Op, Tensor
from ..record import BOX, X2_CONSTANT, X_CONSTANT


@dataclass(frozen=True)
class Buffer:
    """A part of the arena that one or more tensors name. Sizes in bytes."""

    id: str
    bytes: int


@dataclass(frozen=True, eq=False)
class Channels:
    """One table of 256 bytes per channel: y[a, b, c] = tables[b][raw x[a, b, c]]; `x`: the buffer."""

    x: str
    dims: tuple[int, int, int]
    tables: np.ndarray  # uint8[b, 256]


@dataclass(frozen=True)
class Step:
    """One kernel call. `x`, `x2`: a buffer's id, or an offset in `constants`; `y`: a buffer's id.

    `x_at`, `x2_at`, `y_at`: bytes from the start of the buffer. `words`: the record's, but for those that all have.
    `inplace`: buffers that the kernel allows y to overwrite: it reads every byte before it writes the same one.
    `partial`: y keeps what earlier steps wrote into it.
    `states`: word to the id of a variable's buffer that the kernel reads and writes.
    `channels`: what the step does as one table per channel (compose.py), if it can be seen so.
    `options`: (scratch bytes, words), the fastest first: the planner takes one that has room.
    `cut`: constants that may be divided by output channels, `granule` of them at a time; every piece then reads all of
    x, so that y must not overwrite it (overlap.py). None: they stay in one piece.
    `x_bytes`, `y_bytes`: where only so many bytes of x from x_at on are read, of y from y_at on are written (stripes).
    """

    kernel: str
    name: str
    x: str | int
    y: str
    words: Mapping[int, int]
    constants: bytes = field(default=b"", repr=False)
    x2: str | int | None = None
    scratch_bytes: int = 0
    macs: int = 0
    inplace: tuple[str, ...] = ()
    partial: bool = False
    x_at: int = 0
    x2_at: int = 0
    y_at: int = 0
    channels: Channels | None = field(default=None, repr=False, compare=False)
    options: tuple[tuple[int, Mapping[int, int]], ...] = ()
    cut: Constants | None = field(default=None, repr=False, compare=False)
    granule: int = 1
    states: Mapping[int, str] = field(default_factory=dict)
    x_bytes: int | None = None
    y_bytes: int | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(ref for ref in (self.x, self.x2, *self.states.values()) if isinstance(ref, str))


@dataclass(frozen=True)
class Program:
    """The network as the board runs it, memory not yet planned. `place`: tensor id to buffer id."""

    graph: Graph
    steps: tuple[Step, ...]
    buffers: Mapping[str, Buffer]
    place: Mapping[str, str]
    variables: tuple[str, ...] = ()  # ids of tensors, which are those of their buffers
    target: str = "none"  # whose packed variants the steps hold
    blocks: bool = False  # whether constants are placed so that no kernel call's cross a block of a filesystem
    saved: Mapping[str, int] = field(default_factory=dict)  # ops that take no kernel call, by reason


EXPORT = "export the model again"
RECONVERT = "export the model again with TFLiteConverter"
CONSTANT = "make it a constant"
CONSTANTS = "make them constants"
FULL_INT8 = (
    "convert with full-integer quantization: representative_dataset, supported_ops = [TFLITE_BUILTINS_INT8], "
    "inference_input_type = inference_output_type = tf.int8"
)


class Unsupported(Exception):
    """An op that cannot run on the board: why, and what its maker can do."""

    def __init__(self, why: str, fix: str):
        super().__init__(why)
        self.why, self.fix = why, fix


def raw_constant(tensor: Tensor) -> bytes:
    """The bytes of a constant as the board stores it."""
    return np.ascontiguousarray(tensor.values, np.dtype(tensor.dtype).newbyteorder("<")).tobytes()


def constant_flags(x: str | int, x2: str | int = "") -> int:
    """The word `flags` of a record whose operands are these, as Lowering.operand() gives them."""
    return (X_CONSTANT if isinstance(x, int) else 0) | (X2_CONSTANT if isinstance(x2, int) else 0)


class Lowering:
    """What the functions of this package see: the graph, and where tensors lie."""

    def __init__(self, graph: Graph, target: str):
        self.graph = graph
        self.target = target
        self.steps: list[Step] = []
        self.buffers: dict[str, Buffer] = {}
        self.place: dict[str, str] = {}
        for id in graph.inputs:
            self.new_buffer(graph.tensors[id])
        read = {i for op in graph.ops for i in op.inputs}
        self.variables = tuple(id for id, t in graph.tensors.items() if t.variable and id in read)
        for id in self.variables:
            self.new_buffer(graph.tensors[id])

    def tensor(self, id: str) -> Tensor:
        return self.graph.tensors[id]

    def new_buffer(self, tensor: Tensor) -> str:
        self.buffers[tensor.id] = Buffer(tensor.id, tensor.bytes)
        self.place[tensor.id] = tensor.id
        return tensor.id

    def temporary(self, name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """A tensor between the steps of one op, of the dtype and quantization of `like`."""
        id, n = f"{name}/temporary", 1
        while id in self.graph.tensors:
            id, n = f"{name}/temporary{n}", n + 1
        tensor = replace(like, id=id, shape=tuple(shape), data=None, variable=False)
        self.graph = self.graph.with_tensor(tensor)
        return tensor

    def alias(self, tensor: Tensor, of: Tensor) -> None:
        """`tensor` is another view of the bytes of `of`."""
        self.place[tensor.id] = self.activation(of)

    def activation(self, tensor: Tensor) -> str:
        """The buffer of `tensor`; a constant is first copied into the arena."""
        if tensor.constant and tensor.id not in self.place:
            self._copy_constant(tensor)
        return self.place[tensor.id]

    def _copy_constant(self, tensor: Tensor) -> None:
        """A step that brings a constant into the arena, for the kernels that read only there: a box of one row."""
        size = tensor.bytes
        row, stride = ([1, 1, 1, size] if size else [0] * 4), [0, 0, 0, int(size > 1)]
        constants = Constants()
        at = constants.add(raw_constant(tensor))
        words = BOX.words(dims=row, x_strides=stride, y_strides=stride, flags=constant_flags(at))
        self.emit(Step("copy", tensor.id, at, self.new_buffer(tensor), words, bytes(constants.data)))

    def state(self, tensor: Tensor) -> str:
        """The buffer of a variable that an op updates. Unsupported where it is none."""
        if tensor.id not in self.variables:
            raise Unsupported(
                f"its state '{tensor.id}' is not a variable", "export the model again with TFLiteConverter"
            )
        return self.place[tensor.id]

    def input(self, op: Op, n: int) -> Tensor:
        """The op's input n. Unsupported where the model leaves it out."""
        id = op.inputs[n] if n < len(op.inputs) else None
        if id is None:
            raise Unsupported(f"its input {n} is missing", RECONVERT)
        return self.tensor(id)

    def output(self, op: Op) -> Tensor:
        return self.tensor(op.outputs[0])

    def one(self, op: Op) -> tuple[Tensor, Tensor]:
        """The first input and the output."""
        return self.input(op, 0), self.output(op)

    def two(self, op: Op) -> tuple[Tensor, Tensor, Tensor]:
        """The first two inputs and the output."""
        return self.input(op, 0), self.input(op, 1), self.output(op)

    def integers(self, op: Op, n: int, what: str, fix: str = CONSTANT) -> list[int]:
        """The integers of input n, which has to be a constant. what: "axis is", as a message calls it."""
        tensor = self.input(op, n)
        if tensor.data is None:
            raise Unsupported(f"its {what} computed at run time", fix)
        return [int(v) for v in tensor.data.reshape(-1)]

    def operand(self, constants: Constants, tensor: Tensor) -> str | int:
        """Where a kernel that can read its constants finds `tensor`: an offset in them, or a buffer."""
        if tensor.constant and tensor.id not in self.place:
            return constants.add(raw_constant(tensor))
        return self.activation(tensor)

    def emit(self, step: Step) -> None:
        self.steps.append(step)


Lower = Callable[[Lowering, Op], None]
LOWER: dict[str, Lower] = {}
LOWER_16: dict[str, Lower] = {}  # for ops with an int16 input or output
LOWER_32: dict[str, Lower] = {}  # for ops with an int32 input or output


def lowers(*kinds: str, int16: bool = False, int32: bool = False) -> Callable[[Lower], Lower]:
    """Registers a function (Lowering, Op) for ops of these kinds.

    `int16`, `int32`: for those with such activations, which then come to this function alone. table.py says which there
    have to be."""

    def register(function: Lower) -> Lower:
        table = LOWER_16 if int16 else LOWER_32 if int32 else LOWER
        for kind in kinds:
            table[kind] = function
        return function

    return register


def clamps(op: Op, y: Tensor) -> tuple[int, int]:
    """(clamp_min, clamp_max) of the op's fused activation and of what passes.py has put after it."""
    activation = str(op.attrs.get("activation", "NONE"))
    if y.dtype == "int16":
        low, high = fixed_point16.activation_range16(activation, y.scale)
    else:
        low, high = fixed_point.activation_range(activation, y.scale, y.zero_point)
    least, most = op.attrs.get("clamp", (low, high))
    return min(max(low, least), most), max(min(high, most), least)


_MAX_RANK = 6  # of a tensor entry


def check_activation(tensor: Tensor, dtypes: tuple[str, ...]) -> None:
    """Unsupported unless the tensor is of these types, with one scale that is good, and a zero point of 0 if int16."""
    if tensor.dtype not in dtypes:
        raise Unsupported(f"'{tensor.id}' is {tensor.dtype}, not {' or '.join(dtypes)}", FULL_INT8)
    check_quantization(tensor)
    if tensor.quantization.per_channel:
        raise Unsupported(f"'{tensor.id}' has a scale per channel", RECONVERT)
    if tensor.size == 0:
        raise Unsupported(f"'{tensor.id}' is empty: shape {tensor.shape}", "give every dimension a size")


def check_quantization(tensor: Tensor) -> None:
    """Scales are finite and positive, zero points within the dtype: the kernels' words hold 16 bits of them."""
    if len(tensor.shape) > _MAX_RANK:
        raise Unsupported(f"'{tensor.id}' has {len(tensor.shape)} dimensions", f"use at most {_MAX_RANK}")
    if tensor.dtype in ("bool", "int32"):
        return
    if tensor.quant is None:
        raise Unsupported(f"'{tensor.id}' has no scale and zero point", FULL_INT8)
    if not all(0 < s < float("inf") for s in tensor.quantization.scales):
        raise Unsupported(f"'{tensor.id}' has a scale that is no positive number", RECONVERT)
    if tensor.dtype == "int16" and any(tensor.quantization.zero_points):
        raise Unsupported(f"'{tensor.id}' is int16 with a zero point", RECONVERT)
    low = 0 if tensor.dtype == "uint8" else -128
    if not all(low <= z <= low + 255 for z in tensor.quantization.zero_points):
        raise Unsupported(f"'{tensor.id}' has a zero point outside {tensor.dtype}", RECONVERT)
