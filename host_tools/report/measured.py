"""What running a network says: cycles per record, activations, noise per op, accuracy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..exact import run as exact
from ..fileformat.packed import Packed
from ..fileformat.quantized_io import dequantize, frame_shape, quantize
from ..ir import Graph
from ..measure.profiler import cycles_of
from ..measure.verify import test_inputs
from ..record import RECORD
from ..targets import Target
from .facts import BINS, histogram

_SAMPLES = 32  # whose activations are looked at


@dataclass(frozen=True)
class Activations:
    """Of one tensor: a histogram of its int8 values, how many lie at its ends, and its noise against the float network."""

    tensor: str
    first_op: int
    scale: float
    zero_point: int
    bars: tuple[int, ...] = field(repr=False)
    saturated: float = 0.0  # part of the values at -128 or 127, where that is not the zero point
    sqnr_db: float | None = None


def rows(target: Target, network: Packed, backend: str | None = None) -> dict:
    """One inference there: {"board", "backend", "records": [{"kernel", "macs", "time_us", "cycles"}]}."""
    target.backend = backend
    profile = target.profile(network)
    return {
        "board": profile.board,
        "backend": profile.backend,
        "records": [
            {"kernel": op.kind, "macs": op.macs, "time_us": op.time_us, "cycles": cycles_of(op, profile.clock_hz) or 0}
            for op in profile.ops
        ],
    }  # fmt: skip


def samples(network: Packed, data=None) -> tuple[list[np.ndarray], str]:
    """(raw inputs (N, ...), where they are from): up to _SAMPLES of `data` (a datasets.Dataset), else random ones."""
    if data is None:
        return list(test_inputs(network, 4 + _SAMPLES)[1]), "random inputs"
    some = data.first(_SAMPLES)
    return [quantize(x, t.scale, t.zero_point, t.dtype).reshape(len(some), *frame_shape(t))
            for x, t in zip(some.inputs, network.inputs)], f"{len(some)} samples of the data"  # fmt: skip


def equalized(network: Packed) -> bool:
    """Whether `fxnn quantize` scaled channels (cross-layer equalization): its activations are multiples of the model's."""
    return any("equalized" in step for step in network.metadata.get("quantizer", {}).get("steps", ()))


def _noise_db(got: np.ndarray, want: np.ndarray, scaled: bool) -> float:
    """Signal to noise of one tensor, (N, ..., channels). scaled: each channel may be a multiple of what it was, which is no
    noise: it is divided out, as least squares find it."""
    from ..measure import metrics

    if scaled:
        channels = (-1, got.shape[-1])
        y, z = got.reshape(channels), want.reshape(channels)
        power, common = (z * z).sum(0), (y * z).sum(0)
        factor = np.where((power > 0) & (common > 0), common / np.maximum(power, 1e-30), 1)
        got = y / factor
    return metrics.sqnr_db(got.reshape(-1), want.reshape(-1))


def activations(
    network: Packed, inputs: list[np.ndarray], reals: dict[str, np.ndarray] | None = None
) -> list[Activations]:
    """Of every int8 tensor that an op writes. inputs: raw (N, ...); reals: the float network's tensors by name (N, ...)."""
    written = {}
    for tensor in network.tensors:
        if tensor.dtype == "int8" and tensor.first_op >= 0:
            written.setdefault(tensor.first_op, {})[tensor.name] = tensor
    # A tensor that several records write in pieces (CONCATENATION, an op in slices) is whole after the last of them.
    whole = {}
    for first, tensors in written.items():
        for tensor in tensors.values():
            last = first
            for op in network.ops[first + 1 :]:
                if (
                    not tensor.arena_offset <= op.words[RECORD.y_offset] < tensor.arena_offset + tensor.bytes
                    or op.index > tensor.last_op
                ):
                    break
                if op.name != network.ops[first].name:
                    break
                last = op.index
            whole.setdefault(last, []).append(tensor)
    seen: dict[str, list[np.ndarray]] = {}

    def on_op(index: int, arena: np.ndarray) -> None:
        for tensor in whole.get(index, ()):
            seen.setdefault(tensor.name, []).append(exact.read_tensor(arena, tensor))

    for frame in zip(*inputs):
        exact.run(network, list(frame), on_op)
    found = []
    for tensors in (whole[i] for i in sorted(whole)):
        for tensor in tensors:
            values = np.stack(seen[tensor.name])
            real = (reals or {}).get(tensor.name)
            noise = None
            if real is not None and real.size == values.size:
                own = dequantize(values, tensor.scale, tensor.zero_point).reshape(len(values), *tensor.shape)
                noise = _noise_db(own, real.reshape(own.shape), equalized(network))
            # At the zero point a value is 0, not one that was cut off: an activation's own floor.
            ends = float(
                (((values == -128) & (tensor.zero_point > -128)) | ((values == 127) & (tensor.zero_point < 127))).mean()
            )
            found.append(
                Activations(
                    tensor.name, tensor.first_op, tensor.scale, tensor.zero_point, histogram(values), ends, noise
                )
            )
    return found


def float_tensors(path: Path, network: Packed, inputs: list[np.ndarray]) -> dict[str, np.ndarray] | None:
    """The float model's tensors by name, for the floats that `inputs` stand for; None if it is quantized itself."""
    from ..floats import float_graph
    from ..measure.evaluate import open_network

    other = open_network(path)
    if not isinstance(other.form, Graph):
        return None
    seen: dict[str, np.ndarray] = {}
    reals = [dequantize(x, t.scale, t.zero_point).reshape(len(x), *shape[1:])
             for x, t, shape in zip(inputs, network.inputs, other.input_shapes)]  # fmt: skip
    float_graph.run(other.form, reals, lambda id, x: seen.update({id: x}))
    return seen


__all__ = ["BINS", "Activations", "activations", "rows", "samples"]
