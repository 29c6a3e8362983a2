"""Which ops' weights become int4 first, and what else would make a network smaller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..arithmetic.float_lstm import GATES
from ..ir import Graph, Op
from ..ops.table import row
from . import equalize
from .linear import as_rows, depthwise, linear, weights
from .rules import LSTM

_CHANNEL_BYTES = 4  # a short channel table's entry is that much shorter
_WORTH_BYTES = 64  # saving less is not worth an op's accuracy
_FAINT = 0.02  # a channel matters little if what it adds to the next op is below this part of the largest
_SMALLER = 0.75  # the smaller input that hints speak of, per side


@dataclass(frozen=True)
class Step:
    """One op made int4: the output's error with it alone, and the bytes it saves."""

    name: str
    error: float
    saved_bytes: int


def short(name: str) -> str:
    """A name that people can read of one that TensorFlow made ("model/a/Relu;model/b/add;model/conv2d_1/convolution")."""
    parts = name.removeprefix("StatefulPartitionedCall/").split(";")
    part = next((p for p in parts if any(word in p.lower() for word in ("conv", "dense", "matmul"))), parts[0])
    words = part.split(":")[0].split("/")
    layer = [
        w
        for w in words
        if any(word in w.lower() for word in ("conv", "dense")) and w.lower() not in ("convolution", "conv2d")
    ]
    return layer[-1] if layer else "/".join(words[-2:])


def candidates(graph: Graph) -> list[Op]:
    """Ops whose weights can be int4: depthwise convolutions have few, and are sensitive to each."""
    return [op for op in graph.ops if row(op.kind).int4]


def saved_bytes(graph: Graph, op: Op) -> int:
    """Bytes of constants that int4 saves: half of each row of weights (padded), and the shorter channel table."""
    w, _ = weights(graph, op)
    channels, products = as_rows(op, w).shape
    return channels * (-(-products // 4) * 4 - -(-products // 8) * 4 + _CHANNEL_BYTES)


def order(graph: Graph, error_with: Callable[[str, int, int], float]) -> list[Step]:
    """Every candidate, the one of least error for each byte saved first. error_with(name, done, of): measured."""
    found = [(op, saved_bytes(graph, op)) for op in candidates(graph)]
    found = [(op, saved) for op, saved in found if saved >= _WORTH_BYTES]
    steps = [Step(op.name, error_with(op.name, i, len(found)), saved) for i, (op, saved) in enumerate(found)]
    return sorted(steps, key=lambda s: (s.error / s.saved_bytes, s.name))


def hints(graph: Graph, real: Mapping[str, np.ndarray]) -> list[str]:
    """What pruning or a smaller input would save, in words and numbers; real: activations over calibration data."""
    sizes = {op.name: weights(graph, op)[0].size for op in graph.ops if linear(op)}
    lstms = {op.name: tuple(sum(graph.input_of(op, gate[i]).size for gate in GATES) for i in (0, 1))
             for op in graph.ops if op.kind == LSTM}  # fmt: skip
    sizes |= {name: sum(parts) for name, parts in lstms.items()}
    total = sum(sizes.values())
    found = []
    for first, second in equalize.pairs(graph):
        faint, channels, freed = _faint(graph, first, second, real)
        if faint:
            found.append((freed, f"pruning: {faint} of {channels} channels of '{short(first.name)}' hardly reach '{short(second.name)}': "
                                 f"without them {freed:,} weights of {total:,} less"))  # fmt: skip
    largest = max(sizes, key=lambda name: sizes[name], default=None)
    if largest and total:
        own, back = lstms.get(largest, (sizes[largest], 0))
        found.append((0, f"'{short(largest)}' holds {sizes[largest] / total:.0%} of the {total:,} weights: "
                         f"half its {'units' if back else 'channels'} would save {own // 2 + 3 * back // 4:,}"))  # fmt: skip
    image = graph.tensors[graph.inputs[0]].shape
    if len(image) == 4 and min(image[1:3]) > 8:
        h, w = (round(d * _SMALLER) for d in image[1:3])
        dense = sum(sizes[op.name] for op in graph.ops if row(op.kind).family == "dense")
        found.append((-1, f"an input of {h}x{w} instead of {image[1]}x{image[2]}: about {1 - h * w / (image[1] * image[2]):.0%} "
                          f"fewer MACs and less arena{', and as many fewer weights after Flatten' if dense > total / 4 else ''}"))  # fmt: skip
    return [text for _, text in sorted(found, key=lambda f: -f[0])]


def _faint(graph: Graph, first: Op, second: Op, real) -> tuple[int, int, int]:
    """(channels of `first` that hardly matter to `second`, all its channels, weights of both that they cost)."""
    w1, _ = weights(graph, first)
    w2, _ = weights(graph, second)
    channels = graph.output_of(first).shape[-1]
    spread = real[first.outputs[0]].reshape(-1, channels).std(0)
    if depthwise(second):
        reach = np.abs(w2).reshape(-1, channels, w2.shape[3] // channels).sum((0, 2))
    else:
        by_input = np.abs(w2).reshape(w2.shape[0], -1, w2.shape[-1]).sum((0, 1))
        reach = np.bincount(np.arange(len(by_input)) % channels, by_input, channels)
    matters = spread * reach
    faint = int((matters < _FAINT * matters.max()).sum())
    return faint, channels, faint * (w1.size // channels + w2.size // channels)
