"""The quantized network, op by op, next to the float one: weights, biases, and how wrong each activation becomes.

The quantized side is computed in float32 from values that int8 can hold, on all calibration samples at once: as exact
as rounding needs to be judged; the integers of the result are computed by the board's kernels later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..floats import float_graph, windows
from ..floats.core import activate
from ..floats.windows import parts
from ..ir import Graph, Op, Quant
from ..ops.table import row
from . import recurrent, rounding
from .groups import Groups
from .linear import as_rows, depthwise, from_rows, linear, weights
from .ranges import quantize_constant
from .rules import LSTM, operands

HOLD_OUT_FROM = 16  # samples: with fewer, nothing is held out
_ROWS = 8192  # of an op's inputs that adaptive rounding looks at, and a quarter as many to check it


@dataclass(frozen=True)
class Recipe:
    """What is done to the network. `bits`: op name -> bits of its weights where that is not 8."""

    ranges: str = "minmax"
    percent: float = 99.99
    equalize: bool = False
    bias_correction: bool = False
    adaptive: bool = False
    bits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Samples:
    """The calibration data: which samples biases and weights are fitted to, which adaptive rounding has to prove itself
    on, and the float network's values for all."""

    fit: np.ndarray
    held: np.ndarray
    real: Mapping[str, np.ndarray]

    @staticmethod
    def split(count: int) -> tuple[np.ndarray, np.ndarray]:
        """(fit, held): every fourth sample is held out; all are both when there are few."""
        every = np.arange(count)
        return (every, every) if count < HOLD_OUT_FROM else (every[every % 4 != 3], every[every % 4 == 3])


@dataclass(frozen=True)
class LinearWeights:
    """One op's integers. rows: int8[channels, products]; scale: float32[channels]; bias: int32[channels]."""

    rows: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    bits: int


@dataclass(frozen=True)
class Built:
    """`error`: of the outputs, relative (sum of squares of what is wrong / of what is there), on all samples: what a
    range cuts off is rare, and must not be missed. `noise`: the same of every activation by id."""

    weights: dict[str, LinearWeights | recurrent.LstmWeights]
    error: float
    noise: dict[str, float]
    adapted: tuple[str, ...] = ()


def fake_quantize(x: np.ndarray, quant: Quant) -> np.ndarray:
    """x as int8 in this quantization can hold it."""
    q = np.clip(np.round(x * np.float32(1 / quant.scale)) + quant.zero_point, -128, 127)
    return (q - quant.zero_point) * np.float32(quant.scale)


def build(graph: Graph, groups: Groups, quants: Mapping[str, Quant], samples: Samples, recipe: Recipe,
          tick=lambda: None, kept: Mapping[str, LinearWeights] | None = None) -> Built:  # fmt: skip
    """Quantizes the graph by the recipe. quants: group -> Quant; kept: ops that keep their integers while they are int8."""
    of = groups.of
    real, values = samples.real, {}
    for id in graph.inputs:
        values[id] = fake_quantize(real[id], quants[of[id]]) if id in of else real[id]
    last = float_graph.last_uses(graph)
    made: dict[str, LinearWeights | recurrent.LstmWeights] = {}
    noise: dict[str, float] = {id: _noise(values[id], real[id]) for id in graph.inputs}
    adapted = []
    watched = measured_at(graph)
    for i, op in enumerate(graph.ops):
        if linear(op):
            x_id = parts(op)[0]
            x, x_quant = values[x_id], quants[of[x_id]]
            if kept and op.name in kept and op.name not in recipe.bits:
                integers = kept[op.name]
            else:
                integers, helped = _linear(graph, op, x_quant, x, samples, recipe)
                adapted += [op.name] if helped else []
            made[op.name] = integers
            outputs = [_simulate(graph, op, x, integers, x_quant.scale)]
        elif op.kind == LSTM:
            x_id, y_quant = op.input_id(0), quants[of[op.outputs[0]]]
            x, x_quant = values[x_id], quants[of[x_id]]
            made[op.name], y = recurrent.build(graph, op, x, real[x_id], x_quant, y_quant, fake_quantize)
            outputs = [y]
        else:
            outputs = float_graph.run_op(_with_constants(graph, op, groups, quants), op, values)
        for out, y in zip(op.outputs, outputs):
            values[out] = fake_quantize(y, quants[of[out]]) if out in of else y
            noise[out] = _noise(values[out], real[out])
        for id in op.reads:
            if last.get(id) == i:
                values.pop(id, None)
        tick()
    return Built(made, float(np.mean([noise[id] for id in watched])), noise, tuple(adapted))


def measured_at(graph: Graph) -> list[str]:
    """Where the error is measured: the outputs; before a SOFTMAX or LOGISTIC that makes one, which hides errors; what a
    comparison or an ARG_MAX at the end reads."""
    found = []
    for id in graph.outputs:
        op = graph.producer(id)
        while op is not None and (graph.tensors[id].dtype != "float32" or op.kind in ("SOFTMAX", "LOGISTIC")):
            moving = [i for i in op.reads if not graph.tensors[i].constant]
            if not moving:
                break
            hides, id = graph.tensors[id].dtype == "float32", moving[0]
            op = None if hides else graph.producer(id)
        found.append(id)
    return found


def _noise(got: np.ndarray, want: np.ndarray) -> float:
    got, want = (x.reshape(len(x), -1).astype(np.float32, copy=False) for x in (got, want))
    signal = float(((want - want.mean(0)) ** 2).sum()) or float((want**2).sum()) or 1.0
    return float(((got - want) ** 2).sum()) / signal


def _with_constants(graph: Graph, op: Op, groups: Groups, quants) -> Graph:
    """The graph with the constant operands of `op` as int8 can hold them."""
    for id in (op.input_id(n) for n in operands(graph, op)):
        if graph.tensors[id].constant:
            q = quantize_constant(graph.tensors[id], quants.get(groups.constants.get(id, "")))
            data = (q.values.astype(np.float32) - q.zero_point) * np.float32(q.scale)
            graph = graph.with_tensor(replace(graph.tensors[id], data=data))
    return graph


def real_weights(op: Op, integers: LinearWeights, shape: tuple[int, ...]) -> np.ndarray:
    """The float32 weights that the integers stand for."""
    return from_rows(op, integers.rows.astype(np.float32) * integers.scale[:, None], shape)


def _simulate(graph: Graph, op: Op, x: np.ndarray, integers: LinearWeights, x_scale: float) -> np.ndarray:
    w = real_weights(op, integers, graph.input_of(op, 1).shape)
    bias = (integers.bias * (integers.scale.astype(np.float64) * x_scale)).astype(np.float32)
    y = windows.linear(op, x, w, bias)
    return activate(y.reshape(len(x), *graph.output_of(op).shape), op.attrs["activation"])


def _linear(graph: Graph, op: Op, x_quant: Quant, x: np.ndarray, samples: Samples, recipe: Recipe):
    """(LinearWeights of one op, whether adaptive rounding helped). x: its input in the quantized network."""
    w, bias = weights(graph, op)
    rows, bits = as_rows(op, w), recipe.bits.get(op.name, 8)
    x_real = samples.real[parts(op)[0]]
    power = fit = fit_real = None
    if bits < 8 or recipe.adaptive:
        fit, fit_real = columns(graph, op, (x, x_real), samples.fit, _ROWS)
        power = (fit_real.astype(np.float64) ** 2).mean(0)
    scale = rounding.scales(rows, bits, bias, x_quant.scale, power)
    q = rounding.nearest(rows, scale, bits)
    helped = False
    if recipe.adaptive and fit is not None and fit_real is not None:
        trial = rounding.adaptive(rows, scale, bits, fit, fit_real, recipe.bias_correction)
        held, held_real = columns(graph, op, (x, x_real), samples.held, _ROWS // 4)
        want = sums_of_rows(rows, held_real)
        errors = [_wrong(sums_of_rows(c * scale[:, None], held) - want, recipe.bias_correction) for c in (q, trial)]
        helped = errors[1] < errors[0]
        q = trial if helped else q
    if recipe.bias_correction:
        got = windows.linear(op, x[samples.fit], from_rows(op, q * scale[:, None], w.shape), None)
        want = windows.linear(op, x_real[samples.fit], w, None)
        bias = bias + (want - got).reshape(-1, len(rows)).mean(0, dtype=np.float64).astype(np.float32)
    step = scale.astype(np.float64) * x_quant.scale
    integers = np.clip(np.round(bias / step), -(2**31), 2**31 - 1).astype(np.int32)
    return LinearWeights(q, scale, integers, bits), helped


def sums_of_rows(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """[samples, channels]; x: [samples, K], or [samples, channels, K] where each channel has inputs of its own."""
    return x @ rows.T.astype(np.float32) if x.ndim == 2 else np.einsum("nck,ck->nc", x, rows.astype(np.float32))


def _wrong(difference: np.ndarray, centred: bool) -> float:
    return float(((difference - (difference.mean(0) if centred else 0)) ** 2).sum())


def columns(graph: Graph, op: Op, inputs: tuple[np.ndarray, ...], samples: np.ndarray, most: int) -> list[np.ndarray]:
    """What `op` multiplies its weights with, at up to `most` positions in these samples, the same in every input.

    [positions, K]; of a depthwise convolution [positions, channels, K].
    """
    w = graph.input_of(op, 1).shape
    random = np.random.default_rng(0)
    if row(op.kind).family == "dense":
        flat = [x[samples].reshape(-1, w[1]) for x in inputs]
        at = _some(random, len(flat[0]), most)
        return [x[at] for x in flat]
    kernel = (w[1], w[2])
    found = []
    at = None
    for x in inputs:
        view = windows.windows(op, x[samples].reshape(-1, *x.shape[-3:]), kernel)
        positions = view.shape[:3]
        at = _some(random, int(np.prod(positions)), most) if at is None else at
        picked = view[np.unravel_index(at, positions)]  # [positions, kh, kw, c]
        if not depthwise(op):
            found.append(picked.reshape(len(at), -1))
        else:
            per_channel = np.moveaxis(picked.reshape(len(at), -1, picked.shape[-1]), 2, 1)
            found.append(np.repeat(per_channel, w[3] // per_channel.shape[1], 1))
    return found


def _some(random: np.random.Generator, count: int, most: int) -> np.ndarray:
    return np.arange(count) if count <= most else np.sort(random.choice(count, most, replace=False))
