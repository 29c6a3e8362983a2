"""IR ops to the board's kernel calls (Steps): every number a record of `models/FORMAT.md` holds, but for arena offsets.

`lower(graph)` walks the ops once; each kind has one function in this package, registered with @lowers. What cannot be
lowered is collected and refused all at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, Mapping

import numpy as np

from ..errors import ToolError
from ..ir import Graph, Op, Tensor
from .refusals import OTHER_TYPE, explain, unknown


@dataclass(frozen=True)
class Buffer:
    """A piece of arena that one or more tensors name. Sizes in bytes."""

    id: str
    bytes: int


@dataclass(frozen=True)
class Step:
    """One kernel call. `x`, `x2`: a buffer's id, or an offset in `constants`; `y`: a buffer's id.

    `x_at`, `x2_at`, `y_at`: bytes behind the start of the buffer. `words`: the record's words from 8. `inplace`: buffers that the kernel allows y to overwrite: it reads every byte
    before it writes the same one. `partial`: y keeps what earlier steps wrote into it.
    `states`: word to the id of a variable's buffer that the kernel reads and writes.
    `channels`: what the step does as a table a channel (tables.Channels), if it can be seen so.
    `options`: (scratch bytes, words), the fastest first: the planner takes one that has room.
    `cut`: constants that may be divided by output channels, `granule` of them at a time; every piece then reads all of x,
    so that y must not overwrite it (overlap.py). None: they stay in one piece.
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
    channels: object = field(default=None, repr=False, compare=False)
    options: tuple[tuple[int, Mapping[int, int]], ...] = ()
    cut: "Constants | None" = field(default=None, repr=False, compare=False)
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
    target: str = "none"  # whose fast forms the steps hold
    blocks: bool = False  # whether constants are placed so that no kernel call's cross a block of a filesystem
    saved: Mapping[str, int] = field(default_factory=dict)  # ops that take no kernel call, by reason


class Unsupported(Exception):
    """An op that cannot run on the board: why, and what its maker can do."""

    def __init__(self, why: str, fix: str):
        super().__init__(why)
        self.why, self.fix = why, fix


class Constants:
    """The constants of one step, each at a multiple of 4."""

    def __init__(self):
        self.data = bytearray()
        self._tables: list[tuple[int, Callable[[int, int], np.ndarray]]] = []

    def add(self, values: np.ndarray | bytes, part: Callable[[int, int], np.ndarray] | None = None) -> int:
        """Appends and returns the offset; the same bytes are stored once.

        part(first, last): the same table for output channels first to last - 1 alone, for steps that are cut;
        None: values[first:last].
        """
        self._tables.append((len(self.data), part or (lambda first, last: values[first:last])))
        raw = values if isinstance(values, bytes) else np.ascontiguousarray(values).tobytes()
        at = self.data.find(raw) if len(raw) >= 256 else -1  # the tables of ADD are often twins
        if at >= 0 and at % 4 == 0:
            self._tables.pop()
            return at
        at = len(self.data)
        self.data += raw + bytes(-len(raw) % 4)
        return at

    def part(self, first: int, last: int) -> tuple[bytes, dict[int, int]]:
        """The constants of output channels first to last - 1, and {offset of a table in the whole: its offset there}."""
        piece = Constants()
        offsets = {at: piece.add(np.ascontiguousarray(part(first, last)).tobytes()) for at, part in self._tables}
        return bytes(piece.data), offsets


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
            from .movement import copy_constant

            copy_constant(self, tensor)
        return self.place[tensor.id]

    def state(self, tensor: Tensor) -> str:
        """The buffer of a variable that an op updates. Unsupported where it is none."""
        if tensor.id not in self.variables:
            raise Unsupported(f"its state '{tensor.id}' is not a variable", "export the model again with TFLiteConverter")
        return self.place[tensor.id]

    def emit(self, step: Step) -> None:
        self.steps.append(step)


_LOWER: dict[str, Callable[[Lowering, Op], None]] = {}
_LOWER_16: dict[str, Callable[[Lowering, Op], None]] = {}  # for ops with an int16 input or output
_LOWER_32: dict[str, Callable[[Lowering, Op], None]] = {}  # for ops with an int32 input or output
_CHECKS_ITSELF: set[str] = set()


def lowers(*kinds: str, int16: bool = False, int32: bool = False, checks: bool = False):
    """Registers a function (Lowering, Op) for ops of these kinds; `int16`, `int32`: for those with such activations, which
    then come to this function alone. `checks`: it looks at its tensors' types itself (states, biases of 64 bits)."""

    def register(function):
        (_LOWER_16 if int16 else _LOWER_32 if int32 else _LOWER).update(dict.fromkeys(kinds, function))
        if checks:
            _CHECKS_ITSELF.update(kinds)
        return function

    return register


def supported() -> list[str]:
    """The op kinds that can be lowered, sorted."""
    return sorted({*_LOWER, *_LOWER_16, *_LOWER_32, "QUANTIZE", "DEQUANTIZE", "CALL_ONCE", "VAR_HANDLE", "CUSTOM:CIRCULAR_BUFFER"})


def lower(graph: Graph, target: str = "none") -> Program:
    """The kernel calls of `graph`. ToolError lists every op that has none, with the reason and the way out.

    `target`: whose fast forms are added to the records, a key of fast_forms.TARGETS or "none"."""
    ctx = Lowering(graph, target)
    refused: list[tuple[Op, Unsupported]] = []
    for op in graph.ops:
        try:
            dtypes = {ctx.tensor(i).dtype for i in (*op.inputs[:1], *op.outputs) if i is not None}
            lower_op = _LOWER_16.get(op.kind) if "int16" in dtypes else _LOWER_32.get(op.kind) if "int32" in dtypes else None
            if lower_op is not None:
                lower_op(ctx, op)
                continue
            lower_op = _LOWER.get(op.kind)
            if lower_op is None:
                raise Unsupported(*unknown(ctx.graph, op, _FULL_INT8, supported()))
            for id in (*op.inputs, *op.outputs):
                if id is not None and op.kind not in _CHECKS_ITSELF:
                    _check_dtype(op, ctx.tensor(id))
            lower_op(ctx, op)
        except Unsupported as e:
            refused.append((op, e))
        except ToolError as e:  # numbers that the mathematics refuses: scales too far apart
            refused.append((op, Unsupported(": ".join(filter(None, (e.what, e.why))), e.fix)))
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError) as e:  # what no well-formed model has
            refused.append((op, Unsupported(f"its shapes or options do not fit ({type(e).__name__}: {e})", _EXPORT)))
        for id in op.outputs:  # so that ops behind a refused one are examined too
            if id not in ctx.place:
                ctx.new_buffer(ctx.tensor(id))
    for id in graph.inputs + graph.outputs:
        tensor = graph.tensors[id]
        border = Op("NETWORK", id, (), (id,))
        try:
            if tensor.dtype not in _BORDER_DTYPES:
                raise Unsupported(f"the network's own tensor is {tensor.dtype}", _FULL_INT8)
            _check_quantization(tensor)
            if tensor.constant:
                ctx.activation(tensor)
        except Unsupported as e:
            refused.append((border, e))
    if not graph.outputs:
        raise ToolError(f"{graph.name} has no outputs", fix=_EXPORT)
    if refused:
        raise explain(ctx.graph, refused)
    kept = {ctx.place[i] for i in ctx.graph.outputs}
    composed = _compose_tables(ctx)
    views = sum(ctx.place[op.outputs[0]] != op.outputs[0] for op in graph.ops if op.outputs)
    saved = {"other names for the same bytes": views, "tables": len(ctx.steps) - len(composed)}
    steps = tuple(recurrent.drop_reads(composed, ctx.variables, kept))
    return Program(ctx.graph, steps, ctx.buffers, ctx.place, ctx.variables, target, saved=saved)


_MAX_RANK = 6  # of a tensor entry
_BORDER_DTYPES = ("int8", "uint8", "int16", "int32", "bool")  # of the network's own inputs and outputs
_EXPORT = "export the model again with TFLiteConverter"
_FULL_INT8 = (
    "convert with full-integer quantization: representative_dataset, supported_ops = [TFLITE_BUILTINS_INT8], "
    "inference_input_type = inference_output_type = tf.int8"
)


_INDEX_INPUTS = {
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL", "REDUCE_ANY", "PAD", "PADV2", "MIRROR_PAD",
                     "RESHAPE", "EXPAND_DIMS", "TRANSPOSE", "TILE", "BROADCAST_TO", "GATHER", "GATHER_ND", "ARG_MAX",
                     "ARG_MIN", "CUMSUM", "REVERSE_V2", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), (1,)),
    "CONV_2D": (2,), "DEPTHWISE_CONV_2D": (2,), "FULLY_CONNECTED": (2,), "DYNAMIC_UPDATE_SLICE": (2,), "SPLIT": (0,), "FILL": (0,),
    "EMBEDDING_LOOKUP": (0,),
    **dict.fromkeys(("SLICE", "SPLIT_V", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), (1, 2)), "STRIDED_SLICE": (1, 2, 3),
}  # fmt: skip
# dtypes of the other tensors; int8 where an op is not named
_MOVES = ("int8", "bool", "int32", "int16")
_DTYPES = {
    "QUANTIZE": ("int8", "uint8"),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "PACK",
                     "UNPACK", "TILE", "BROADCAST_TO", "GATHER", "GATHER_ND", "CONCATENATION", "CAST", "MIRROR_PAD",
                     "REVERSE_V2", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "RESIZE_NEAREST_NEIGHBOR", "FILL", "SELECT", "SELECT_V2",
                     "DYNAMIC_UPDATE_SLICE"), _MOVES),
    **dict.fromkeys(("PAD", "PADV2"), ("int8", "int32")),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), ("int8", "int32")),
    **dict.fromkeys(("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"), ("int8", "bool")),
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT", "REDUCE_ALL", "REDUCE_ANY"), ("bool",)),
}  # fmt: skip
_MAY_BE_EMPTY = ("CONCATENATION", "PAD", "PADV2")


_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def _check_dtype(op: Op, tensor: Tensor) -> None:
    """Activations and weights are int8, where an op only moves values bool or int32 as well; biases, axes, paddings
    and shapes int32 (or int64); uint8 only at QUANTIZE."""
    if any(i < len(op.inputs) and op.inputs[i] == tensor.id for i in _INDEX_INPUTS.get(op.kind, ())):
        if tensor.dtype not in ("int32", "int64"):
            raise Unsupported(f"'{tensor.id}' is {tensor.dtype}, int32 is needed", _FULL_INT8)
        return
    allowed = _DTYPES.get(op.kind, ("int8",))
    if op.kind in _WITH_WEIGHTS and tensor.id == op.inputs[1]:
        allowed = ("int8", "int4")
    if tensor.dtype not in allowed:
        raise Unsupported(f"'{tensor.id}' is {tensor.dtype}, not {' or '.join(allowed)}", OTHER_TYPE.get(tensor.dtype, _FULL_INT8))
    _check_quantization(tensor)
    if tensor.size == 0 and op.kind not in _MAY_BE_EMPTY:
        raise Unsupported(f"'{tensor.id}' is empty: shape {tensor.shape}", "give every dimension a size")


def check_activation(tensor: Tensor, dtypes: tuple[str, ...]) -> None:
    """Unsupported unless the tensor is of these types, with one scale that is good, and a zero point of 0 if int16."""
    if tensor.dtype not in dtypes:
        raise Unsupported(f"'{tensor.id}' is {tensor.dtype}, not {' or '.join(dtypes)}", _FULL_INT8)
    _check_quantization(tensor)
    if tensor.quant.per_channel:
        raise Unsupported(f"'{tensor.id}' has a scale a channel", _EXPORT)
    if tensor.size == 0:
        raise Unsupported(f"'{tensor.id}' is empty: shape {tensor.shape}", "give every dimension a size")


def _check_quantization(tensor: Tensor) -> None:
    """Scales are finite and positive, zero points within the dtype: the kernels' words hold 16 bits of them."""
    if len(tensor.shape) > _MAX_RANK:
        raise Unsupported(f"'{tensor.id}' has {len(tensor.shape)} dimensions", f"use at most {_MAX_RANK}")
    if tensor.dtype in ("bool", "int32"):
        return
    if tensor.quant is None:
        raise Unsupported(f"'{tensor.id}' has no scale and zero point", _FULL_INT8)
    if not all(0 < s < float("inf") for s in tensor.quant.scales):
        raise Unsupported(f"'{tensor.id}' has a scale that is no positive number", _EXPORT)
    if tensor.dtype == "int16" and any(tensor.quant.zero_points):
        raise Unsupported(f"'{tensor.id}' is int16 with a zero point", _EXPORT)
    low = 0 if tensor.dtype == "uint8" else -128
    if not all(low <= z <= low + 255 for z in tensor.quant.zero_points):
        raise Unsupported(f"'{tensor.id}' has a zero point outside {tensor.dtype}", _EXPORT)


def _compose_tables(ctx: Lowering) -> list[Step]:
    """Table lookups in a row become one, per-channel constants tables a channel: tables.py."""
    from .tables import compose

    return compose(ctx.steps, {ctx.place[i] for i in ctx.graph.outputs} | set(ctx.variables))


from . import (  # noqa: E402,F401  (they register themselves)
    binary, elementwise, gather, matmul, movement, numbers, recurrent, reductions, resize, rows, slices, wide, windows,
)  # fmt: skip
