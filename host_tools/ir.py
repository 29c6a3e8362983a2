"""The graph between the readers and the packer: frozen, plain, in the field's words. It imports nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Quant:
    """real = scale * (q - zero_point). Several scales: one for each index of `axis` (weights)."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        return self.zero_points[0]

    @property
    def per_channel(self) -> bool:
        return len(self.scales) > 1


@dataclass(frozen=True)
class Tensor:
    """A tensor by its unique id. `data` is set for constants, in `shape`. `dtype`: int8, uint8, int16, int32, float32 ...

    `variable`: it keeps its value from one inference to the next; `initial` is the first, None zero (its zero point).
    """

    id: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    data: np.ndarray | None = field(default=None, repr=False, compare=False)
    real_border: bool = False
    variable: bool = False
    initial: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def item_bytes(self) -> int:
        """Bytes of one element as the board stores it."""
        return _ITEM_BYTES.get(self.dtype, 1)

    @property
    def bytes(self) -> int:
        return self.size * self.item_bytes

    @property
    def constant(self) -> bool:
        return self.data is not None

    @property
    def values(self) -> np.ndarray:
        """The values of a constant. ValueError for any other tensor."""
        if self.data is None:
            raise ValueError(f"'{self.id}' is computed at run time")
        return self.data

    @property
    def quantization(self) -> Quant:
        """Scales and zero points. ValueError for a tensor that has none."""
        if self.quant is None:
            raise ValueError(f"'{self.id}' has no scale and zero point")
        return self.quant

    @property
    def scale(self) -> float:
        return self.quantization.scale

    @property
    def zero_point(self) -> int:
        return self.quantization.zero_point


_ITEM_BYTES = {"int16": 2, "float16": 2, "int32": 4, "uint32": 4, "float32": 4, "int64": 8, "float64": 8}


# What ops clamp to, in floats: a fused `activation`, or an op of that kind.
Bounds = tuple[float | None, float | None]
ACTIVATIONS: Mapping[str, Bounds] = MappingProxyType({
    "NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1),
})  # fmt: skip


@dataclass(frozen=True)
class Op:
    """`kind` is TensorFlow Lite's name of the op, `name` the id of its first output; a missing optional input is None."""

    kind: str
    name: str
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    attrs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def reads(self) -> tuple[str, ...]:
        """The ids of the inputs that are there."""
        return tuple(id for id in self.inputs if id is not None)

    def input_id(self, n: int) -> str:
        """The id of input n. ValueError where the model leaves it out."""
        id = self.inputs[n] if n < len(self.inputs) else None
        if id is None:
            raise ValueError(f"{self.kind} '{self.name}' has no input {n}")
        return id

    def with_input(self, n: int, id: str) -> Op:
        return replace(self, inputs=(*self.inputs[:n], id, *self.inputs[n + 1 :]))

    def with_attrs(self, **changes) -> Op:
        return replace(self, attrs=MappingProxyType({**self.attrs, **changes}))


@dataclass(frozen=True)
class Graph:
    """Ops in an order in which they can run."""

    name: str
    tensors: Mapping[str, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def consumers(self, id: str | None) -> list[Op]:
        return [op for op in self.ops if id in op.inputs]

    def producer(self, id: str | None) -> Op | None:
        return next((op for op in self.ops if id in op.outputs), None)

    def only_consumer(self, id: str | None) -> Op | None:
        """The one op that reads the tensor, if nothing else needs it."""
        users = self.consumers(id)
        return users[0] if len(users) == 1 and id not in self.outputs else None

    def input_of(self, op: Op, n: int) -> Tensor:
        """The tensor of the op's input n. ValueError where the model leaves it out."""
        return self.tensors[op.input_id(n)]

    def output_of(self, op: Op) -> Tensor:
        """The tensor of the op's first output."""
        return self.tensors[op.outputs[0]]

    def with_tensor(self, *tensors: Tensor) -> Graph:
        """With these tensors, each in place of the one of its id where there is one."""
        return replace(self, tensors=MappingProxyType({**self.tensors, **{t.id: t for t in tensors}}))

    def with_ops(self, ops: Iterable[Op]) -> Graph:
        return replace(self, ops=tuple(ops))

    def substitute(self, op: Op, *new: Op) -> Graph:
        """With `new` where `op` is. ValueError if the graph does not have `op`: a pass holds one that it has replaced."""
        at = self.ops.index(op)
        return self.with_ops((*self.ops[:at], *new, *self.ops[at + 1 :]))

    def without(self, *ops: Op) -> Graph:
        return self.with_ops(op for op in self.ops if op not in ops)

    def renamed(self, old: str, new: str) -> Graph:
        """What read the tensor `old` reads `new`; so do the network's inputs and outputs. Who writes `old` goes on writing it."""

        def swap(ids):
            return tuple(new if id == old else id for id in ids)

        ops = (replace(op, inputs=swap(op.inputs)) if old in op.inputs else op for op in self.ops)
        return replace(self, ops=tuple(ops), inputs=swap(self.inputs), outputs=swap(self.outputs))

    def named(self) -> set[str]:
        """The ids of all tensors that an op, or the network itself, reads or writes."""
        return {*self.inputs, *self.outputs, *(id for op in self.ops for id in (*op.reads, *op.outputs))}


# ------------------------------------------------------------------------------------------------------- the verifier

READ, MADE, DONE = range(3)  # from when on a rule holds: in a file, after the first pass, at the end of a pipeline


@dataclass(frozen=True)
class Rule:
    """One line of what a graph has to be, `since`: READ, MADE or DONE.

    broken, of a rule of tensors: (id, tensor) -> whether; of ops: (graph, op, known) -> the ids of the tensors at fault,
    known: all that has a value before the op; of graphs: (graph) -> those ids.
    """

    name: str
    since: int
    broken: Callable[..., Any]
    says: str


def _unfit(t: Tensor) -> bool:
    """Whether a constant's values are of another shape or dtype than the tensor; packed ones (int4) have their own."""
    if t.data is None or t.dtype not in _NUMPY_DTYPES:
        return False
    return t.data.shape != t.shape or t.data.dtype.name != t.dtype


def _uneven(t: Tensor) -> bool:
    """Whether the scales are not one, or one for each index of an axis that the tensor has."""
    q = t.quant
    if q is None:
        return False
    if len(q.scales) != len(q.zero_points):
        return True
    return q.per_channel and not (0 <= q.axis < len(t.shape) and t.shape[q.axis] == len(q.scales))


def _axis(graph: Graph, op: Op, known) -> Iterable[str]:
    axis = op.attrs.get("axis")
    if axis is None or not op.outputs:
        return ()
    rank = max(len(graph.tensors[id].shape) for id in (*op.reads, *op.outputs))
    return () if -rank <= axis < rank else op.outputs[:1]


def _clamp(graph: Graph, op: Op, known) -> Iterable[str]:
    low, high = op.attrs.get("clamp", (0, 0))
    return () if low <= high else op.outputs[:1]


def _unread(graph: Graph) -> Iterable[str]:
    """What an op writes that nothing reads; ops with a state are there for it."""
    read = {*graph.outputs, *(id for op in graph.ops for id in op.reads)}
    for op in graph.ops:
        if op.outputs and read.isdisjoint(op.outputs) and not any(graph.tensors[id].variable for id in op.reads):
            yield op.name


_NUMPY_DTYPES = ("int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64", "bool")
_QUANTIZED = ("int8", "uint8", "int16")

OF_TENSORS = (
    Rule("id", READ, lambda id, t: t.id != id, "goes by another name in the graph"),
    Rule("shape", MADE, lambda id, t: any(d < 0 for d in t.shape), "has a dimension below 0"),
    Rule("values", MADE, lambda id, t: _unfit(t), "has values of another shape or dtype"),
    Rule("scales", MADE, lambda id, t: _uneven(t), "has scales that do not fit its shape"),
    Rule("quantized", MADE, lambda id, t: t.dtype in _QUANTIZED and t.quant is None and not t.constant,
         "is computed in integers without a scale"),
)  # fmt: skip
OF_OPS = (
    Rule("known", READ, lambda graph, op, known: [i for i in op.outputs if i not in graph.tensors], "is no tensor of the graph"),
    Rule("order", READ, lambda graph, op, known: [i for i in op.reads if i not in known], "is read before it is written"),
    Rule("once", READ, lambda graph, op, known: [i for i in op.outputs if i in known and not graph.tensors[i].variable],
         "is written, but has a value already"),
    Rule("axis", MADE, _axis, "has no such axis as the op names"),
    Rule("clamp", MADE, _clamp, "is clamped to nothing"),
    Rule("name", DONE, lambda graph, op, known: [op.name] if op.outputs and op.name != op.outputs[0] else (),
         "is the op's name, not its first output"),
)  # fmt: skip
OF_GRAPHS = (
    Rule("unread", DONE, _unread, "is computed, and nothing reads it"),
    Rule("unused", DONE, lambda graph: graph.tensors.keys() - graph.named(), "belongs to no op"),
)


def _violations(graph: Graph, since: int) -> Iterator[tuple[Rule, str]]:
    """(rule, what breaks it, with the op's and the tensor's names), for every rule that holds by then."""
    for rule in OF_TENSORS:
        if rule.since <= since:
            yield from ((rule, f"'{id}' {rule.says}") for id, t in graph.tensors.items() if rule.broken(id, t))
    known = {*graph.inputs, *(id for id, t in graph.tensors.items() if t.constant or t.variable)}
    rules = [rule for rule in OF_OPS if rule.since <= since]
    for op in graph.ops:
        for rule in rules:
            yield from ((rule, f"{op.kind} '{op.name}': '{at}' {rule.says}") for at in rule.broken(graph, op, known))
        known.update(op.outputs)
    yield from ((rule, f"the network's output: '{at}' {rule.says}") for rule in rules if rule.name == "order"
                for at in graph.outputs if at not in known)  # fmt: skip
    for rule in OF_GRAPHS:
        if rule.since <= since:
            yield from ((rule, f"'{at}' {rule.says}") for at in rule.broken(graph))


def check(graph: Graph, where: str = "the model", since: int = READ, before: Graph | None = None) -> Graph:
    """`graph`, if no rule is broken that holds from `since` on; else AssertionError, which names `where`, the op and the tensor.

    `before`: the graph that `where`, a pass, was given: what it breaks already is the model's fault, which lowering refuses
    by name, and not held against the pass; but for the rules of DONE, which are for the passes to bring about.
    """
    for rule, what in _violations(graph, since):
        if before is None or rule.since == DONE or not any(rule is other for other, _ in _violations(before, since)):
            raise AssertionError(f"{where}: {what}")
    return graph
