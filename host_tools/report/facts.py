"""What a packed file says about itself, as plain values: for the page, for `compare`, for scripts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..exact import run as exact
from ..fileformat import extents
from ..fileformat.packed import OpRecord, Packed
from ..record import BY_NAME, RECORD
from . import inspect

BINS = 64  # of a histogram of int8 values: 4 values a bar


@dataclass(frozen=True)
class Operator:
    """An op of the network: one record, or several in a row that the packer cut it into. Sizes in bytes."""

    index: int
    kernel: str
    name: str  # what the trained model calls it, shortened
    full_name: str
    records: tuple[int, ...]
    input_shape: str
    output_shape: str
    macs: int
    constants_bytes: int
    inputs: tuple[int, ...] = ()  # indices of the operators that made what it reads; -1: the network's input
    weights: tuple[int, ...] = field(default=(), repr=False)  # histogram of int8 weights, BINS bars


@dataclass(frozen=True)
class Life:
    """A stretch of the arena over time: from record `first` to record `last`, both included; -1: before the first."""

    name: str
    kind: str  # "tensor" | "scratch"
    offset: int
    bytes: int
    first: int
    last: int


def operators(network: Packed) -> list[Operator]:
    """The network's ops in order, records of one op together."""
    groups: list[list[OpRecord]] = []
    for op in network.ops:
        same = (
            groups
            and groups[-1][0].name == op.name
            and groups[-1][0].kernel == op.kernel
            and BY_NAME[op.kernel].cuttable
        )
        (groups[-1] if same else groups.append([]) or groups[-1]).append(op)
    described = inspect.describe(network)["ops"]
    made: dict[int, int] = {}  # arena offset -> the operator that wrote there last
    for tensor in network.inputs:
        made[tensor.arena_offset] = -1
    found = []
    for index, group in enumerate(groups):
        first, rows = group[0], [described[op.index] for op in group]
        starts = {_start(network, op, at) for op in group for at in _reads(op)}
        sources = {made[at] for at in starts if at in made}
        found.append(Operator(
            index, first.kernel, short(first.name), first.name, tuple(op.index for op in group),
            _shape(rows[0]["input_shape"]), _shape(rows[0]["output_shape"]), sum(op.macs for op in group),
            sum(len(op.constants) for op in group), tuple(sorted(sources)), _weights(group),
        ))  # fmt: skip
        for op in group:
            made[op.words[RECORD.y_offset]] = index
    return found


def lives(network: Packed) -> list[Life]:
    """The memory plan: tensors, then scratch."""
    tensors = [Life(short(t.name), "tensor", t.arena_offset, t.bytes, t.first_op, min(t.last_op, len(network.ops) - 1))
               for t in network.tensors]  # fmt: skip
    scratch = [Life(f"scratch of {short(op.name)}", "scratch", op.words[RECORD.scratch_offset], inspect.scratch_bytes(op), op.index, op.index)
               for op in network.ops if inspect.scratch_bytes(op)]  # fmt: skip
    return tensors + scratch


def short(name: str) -> str:
    """TensorFlow names a fused op after all that went into it, each with its whole path: the first one's last words."""
    parts = [p for p in name.partition(";")[0].split("/") if p]
    return "/".join(parts[-2:]) or "?"


def histogram(values: np.ndarray) -> tuple[int, ...]:
    """Counts of int8 values, BINS bars of 256 / BINS values each."""
    return tuple(int(n) for n in np.bincount((values.astype(np.int64).reshape(-1) + 128) * BINS // 256, minlength=BINS))


def _weights(group: list[OpRecord]) -> tuple[int, ...]:
    """The histogram of a layer's weights, whatever their layout and order."""
    if not BY_NAME[group[0].kernel].cuttable:
        return ()
    total = np.zeros(BINS, np.int64)
    for op in group:
        for words, constants in op.calls:
            total += histogram(exact.weights(op.kernel, words, constants))
    return tuple(int(n) for n in total)


def _reads(op: OpRecord) -> list[int]:
    """Arena offsets where the op's inputs start."""
    found = extents.stretches(op.kernel, op.words, op.fast_target, op.constants)
    assert not isinstance(found, str)  # the reader has refused such a file
    return [s.offset for s in found if s.operand.name in ("x", "x2") and not s.in_constants]


def _start(network: Packed, op: OpRecord, at: int) -> int:
    """Where the tensor begins of which the op reads a part from `at` on (a slice)."""
    around = [t.arena_offset for t in network.tensors
              if t.first_op < op.index <= t.last_op and t.arena_offset <= at < t.arena_offset + t.bytes]  # fmt: skip
    return at if at in around or not around else max(around)


def _shape(shape) -> str:
    return "x".join(map(str, shape)) or "1"
