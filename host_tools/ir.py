"""The graph between the readers and the packer: frozen, plain, in the field's words. It imports nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True)
class Op:
    """`kind` is TensorFlow Lite's name of the op, `name` the id of its first output; a missing optional input is None."""

    kind: str
    name: str
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    attrs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

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

    def consumers(self, id: str) -> list[Op]:
        return [op for op in self.ops if id in op.inputs]

    def producer(self, id: str) -> Op | None:
        return next((op for op in self.ops if id in op.outputs), None)

    def only_consumer(self, id: str) -> Op | None:
        """The one op that reads the tensor, if nothing else needs it."""
        users = self.consumers(id)
        return users[0] if len(users) == 1 and id not in self.outputs else None

    def with_tensor(self, tensor: Tensor) -> Graph:
        return replace(self, tensors=MappingProxyType({**self.tensors, tensor.id: tensor}))

    def without(self, *ops: Op) -> Graph:
        return replace(self, ops=tuple(op for op in self.ops if op not in ops))


def check(graph: Graph) -> Graph:
    """`graph`, if every tensor an op reads is a constant, an input, or written before; else AssertionError (our bug)."""
    known = set(graph.inputs) | {id for id, t in graph.tensors.items() if t.constant or t.variable}
    for op in graph.ops:
        for id in op.inputs:
            assert id is None or id in known, f"{op.kind} '{op.name}' reads '{id}' before it is written"
        for id in op.outputs:
            assert id in graph.tensors, f"{op.kind} '{op.name}' writes unknown '{id}'"
            known.add(id)
    for id in graph.outputs:
        assert id in known, f"output '{id}' is never written"
    return graph
