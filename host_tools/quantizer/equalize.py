"""Cross-layer equalization: channels of one op made alike in range, and the next op's weights turned the other way.

Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019): for f(s * x) = s * f(x),
s > 0, W2 f(W1 x + b1) = (W2 S) f(S^-1 W1 x + S^-1 b1). Weights have a scale per channel here, so what counts is the range
of the activation in between, channel by channel, against that of the weights that read it (Xiao et al., "SmoothQuant",
2022): s = sqrt(activation range / weight range), normalized to a mean of 1 in logarithms.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..floats.windows import parts
from ..ir import Graph, Op
from ..ops.table import row
from .linear import depthwise, linear, per_channel, weights, with_weights

_LIMIT = 16.0  # of a channel's factor, either way


def pairs(graph: Graph) -> list[tuple[Op, Op]]:
    """(first, second): linear ops with only homogeneous ops between them, which nothing else reads."""
    found = []
    for first in graph.ops:
        if not linear(first) or first.attrs["activation"] not in ("NONE", "RELU"):
            continue
        channels, id = graph.output_of(first).shape[-1], first.outputs[0]
        while (
            (op := graph.only_consumer(id)) is not None and row(op.kind).homogeneous and _keeps(graph, op, id, channels)
        ):
            if op.attrs.get("activation", "NONE") not in ("NONE", "RELU"):
                break
            id = op.outputs[0]
        if op is not None and linear(op) and parts(op)[0] == id and _channel_of(graph, op, channels) is not None:
            found.append((first, op))
    return found


def _keeps(graph: Graph, op: Op, before: str, channels: int) -> bool:
    """Whether the channels stay apart: the last axis stays `channels` long, or a reshape lays them out one after another."""
    x, y = graph.input_of(op, 0), graph.output_of(op)
    if x.id != before:  # it goes into a PRELU as the slopes
        return False
    if row(op.kind).family == "reduce":
        axes = {int(a) % len(x.shape) for a in graph.input_of(op, 1).values.reshape(-1)}
        return len(x.shape) - 1 not in axes and y.shape[-1] == channels
    if op.kind in ("PAD", "MIRROR_PAD"):
        return x.shape[-1] == y.shape[-1] == channels
    return y.shape[-1] % channels == 0


def _channel_of(graph: Graph, op: Op, channels: int) -> np.ndarray | None:
    """For each input of `op`'s weights the channel of the first op that it reads; None where that cannot be told."""
    inputs = graph.tensors[parts(op)[0]].shape[-1]
    if row(op.kind).family == "dense":
        inputs = graph.input_of(op, 1).shape[1]
    elif inputs != channels:
        return None
    return np.arange(inputs) % channels if inputs % channels == 0 else None


def equalize(graph: Graph, kept: Mapping[str, np.ndarray], rounds: int = 2) -> Graph:
    """The graph, its function unchanged, with equalized pairs. kept: the float activations of the calibration run."""
    done: dict[str, np.ndarray] = {}
    for _ in range(rounds):
        for first, second in pairs(graph):
            graph = _pair(graph, first, second, kept, done)
    return graph


def _pair(graph: Graph, first: Op, second: Op, kept, done) -> Graph:
    id = first.outputs[0]
    channels = graph.tensors[id].shape[-1]
    activation = np.abs(kept[id]).reshape(-1, channels).max(0) / done.get(id, np.ones(channels))
    w, bias = weights(graph, second)
    if depthwise(second):
        multiplier = w.shape[3] // channels
        reader = np.abs(w).reshape(-1, channels, multiplier).max((0, 2))
        of = np.arange(w.shape[3]) // multiplier
    else:
        of = _channel_of(graph, second, channels)
        assert of is not None  # pairs() has asked
        per_input = np.abs(w).reshape(w.shape[0], -1, w.shape[-1]).max((0, 1))
        reader = np.zeros(channels, np.float32)
        np.maximum.at(reader, of, per_input)
    usable = (activation > 0) & (reader > 0)
    if not usable.any():
        return graph
    s = np.ones(channels)
    s[usable] = np.sqrt(activation[usable] / reader[usable])
    s[usable] /= np.exp(np.log(s[usable]).mean())
    s = np.clip(s, 1 / _LIMIT, _LIMIT).astype(np.float32)
    done[id] = done.get(id, np.ones(channels)) * s
    graph, _ = with_weights(graph, second, w * s[of], bias)  # the last axis is the inputs (depthwise: the channels)
    first = next(op for op in graph.ops if op.outputs == first.outputs)
    w1, b1 = weights(graph, first)
    graph, _ = with_weights(graph, first, w1 / per_channel(first, s, w1.ndim), b1 / s)
    return graph
