"""Holds a packed network against the trained model's own kernels, bit by bit, wherever it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ToolError
from ..exact import run as exact
from ..fileformat.packed import Packed, TensorEntry
from ..fileformat.quantized_io import dequantize, frame_shape, input_limits, quantize
from ..package.runner import Progress
from ..record import RECORD
from ..targets.base import Target
from .oracle import Oracle

SEED = 20240101  # the random inputs are the same in every run, so a difference can be looked into


@dataclass(frozen=True)
class Difference:
    """Where the answers first differ. op: its name, or the output tensor's where the op cannot be told."""

    inference: str
    op: str
    index: tuple[int, ...]
    got: int
    want: int

    def __str__(self) -> str:
        at = ",".join(map(str, self.index))
        return f"{self.op} [{at}]: got {self.got}, want {self.want} (input: {self.inference})"


@dataclass(frozen=True)
class Verdict:
    oracle: str
    inferences: int
    values: int  # how many outputs were compared
    wrong: int
    difference: Difference | None

    def as_dict(self) -> dict:
        d = self.difference
        return {
            "same": d is None,
            "oracle": self.oracle,
            "inferences": self.inferences,
            "values": self.values,
            "wrong": self.wrong,
            "difference": d
            and {"input": d.inference, "op": d.op, "index": list(d.index), "got": d.got, "want": d.want},
        }


def test_inputs(packed: Packed, count: int) -> tuple[list[str], tuple[np.ndarray, ...]]:
    """-> (what each inference's input is, one array per network input): extremes first, then random ones."""
    names, frames = [], []
    for name in ("all lowest", "all highest", "all zero points", "lowest and highest in turn")[:count]:
        names.append(name)
        frames.append([_extreme(name, tensor, input_limits(packed, tensor)) for tensor in packed.inputs])
    random = np.random.default_rng(SEED)
    for n in range(count - len(frames)):
        names.append(f"random {n}")
        frames.append([_random(random, tensor, input_limits(packed, tensor)) for tensor in packed.inputs])
    return names, tuple(np.stack(column) for column in zip(*frames))


def _extreme(name: str, tensor: TensorEntry, limits: tuple[int, int]) -> np.ndarray:
    shape = frame_shape(tensor)
    if name == "all zero points":
        return np.full(shape, tensor.zero_point, tensor.dtype)
    frame = np.full(int(np.prod(shape)), limits[name == "all highest"], tensor.dtype)
    if name == "lowest and highest in turn":
        frame[1::2] = limits[1]
    return frame.reshape(shape)


def _random(random: np.random.Generator, tensor: TensorEntry, limits: tuple[int, int]) -> np.ndarray:
    if tensor.dtype == "bool":
        return random.integers(0, 2, frame_shape(tensor)).astype(bool)
    return random.integers(*limits, frame_shape(tensor), tensor.dtype, endpoint=True)


def verify(packed: Packed, tflite: bytes, target: Target, count: int, progress: Progress | None = None) -> Verdict:
    """Runs `count` inputs on the target and in the oracle and compares every output byte."""
    _check_model_file(tflite)
    oracle = Oracle(tflite)
    _check_same_model(packed, oracle)
    names, inputs = test_inputs(packed, count)
    expected = []
    for n in range(count):
        outputs = oracle.run(_for_oracle(packed, oracle, [array[n] for array in inputs]))
        if [y.size for y in outputs] != [int(np.prod(t.shape)) for t in packed.outputs]:
            raise ToolError(
                "the packed network was not made from this model",
                f"its outputs have {[int(np.prod(t.shape)) for t in packed.outputs]} values, "
                f"the model's {[y.size for y in outputs]}",
                "give the .tflite file it was converted from",
            )
        expected.append([_raw(tensor, value) for tensor, value in zip(packed.outputs, outputs)])
    outputs, _ = target.run(packed, inputs, progress)

    difference, wrong, values = None, 0, 0
    for n in range(count):
        for i, tensor in enumerate(packed.outputs):
            got, want = outputs[i][n], expected[n][i].reshape(frame_shape(tensor))
            values += want.size
            wrong += int((got != want).sum())
            if difference is None and (got != want).any():
                # a network with variables is where its inputs so far have taken it
                frames = [[array[k] for array in inputs] for k in range(0 if packed.variables else n, n + 1)]
                op = f"output {i} '{tensor.name}'"
                difference = _first_wrong_op(packed, oracle, frames, names[n]) or _difference(names[n], op, got, want)
    return Verdict(oracle.name, count, values, wrong, difference)


def _first_wrong_op(packed: Packed, oracle: Oracle, frames: list, name: str) -> Difference | None:
    """The first op whose result differs between the host's kernels and the oracle in the last of `frames`; or None.

    An op is compared where the oracle has a tensor of its name; what was fused away has none.
    """
    state = exact.first_state(packed)
    for frame in frames:
        _, tensors = oracle.run_with_tensors(_for_oracle(packed, oracle, frame))
    for frame in frames[:-1]:
        exact.run(packed, [x.reshape(t.shape) for x, t in zip(frame, packed.inputs)], state=state)
    written = {tensor.first_op: tensor for tensor in packed.tensors}
    found: list[Difference] = []

    def compare(index: int, arena: np.ndarray) -> None:
        tensor = written.get(index)
        if found or tensor is None or tensor.name not in tensors or _in_stripes(packed, tensor):
            return
        want = np.asarray(tensors[tensor.name])
        got = exact.read_tensor(arena, tensor)
        if want.dtype == got.dtype and want.size == got.size and (got != want.reshape(got.shape)).any():
            op = packed.ops[index]
            found.append(_difference(name, f"op {index} {op.kernel} '{op.name}'", got, want.reshape(got.shape)))

    exact.run(packed, [x.reshape(t.shape) for x, t in zip(frames[-1], packed.inputs)], compare, state)
    return found[0] if found else None


def _in_stripes(packed: Packed, tensor: TensorEntry) -> bool:
    """Whether several ops write the tensor: after the first it is not whole."""
    place = range(tensor.arena_offset, tensor.arena_offset + tensor.bytes)
    return any(op.words[RECORD.y_offset] in place for op in packed.ops[tensor.first_op + 1 : max(tensor.last_op, 0)])


def _difference(name: str, op: str, got: np.ndarray, want: np.ndarray) -> Difference:
    at = tuple(int(i) for i in np.argwhere(got != want)[0])
    return Difference(name, op, at, int(got[at]), int(want[at]))


def _check_same_model(packed: Packed, oracle: Oracle) -> None:
    ours = [tuple(t.shape) for t in packed.inputs]
    theirs = oracle.input_shapes
    if [int(np.prod(s)) for s in ours] != [int(np.prod(s)) for s in theirs]:
        raise ToolError(
            "the packed network was not made from this model",
            f"its inputs are {ours}, the model's are {theirs}",
            "give the .tflite file it was converted from",
        )


def _check_model_file(model: bytes) -> None:
    if model[4:8] != b"TFL3":
        raise ToolError("that is no .tflite file", fix="give the .tflite file the network was converted from")


def _for_oracle(packed: Packed, oracle: Oracle, frame: list[np.ndarray]) -> list[np.ndarray]:
    """Raw inputs as the trained model takes them: where it takes floats, those that quantize to the raw ones."""
    return [
        (dequantize(x, t.scale, t.zero_point) if dtype.kind == "f" else x).reshape(shape)
        for x, t, dtype, shape in zip(frame, packed.inputs, oracle.input_dtypes, oracle.input_shapes)
    ]


def _raw(tensor: TensorEntry, value: np.ndarray) -> np.ndarray:
    return quantize(value, tensor.scale, tensor.zero_point, tensor.dtype) if value.dtype.kind == "f" else value
