"""The quantized network, op by op, beside the float one: weights, biases, and how wrong each activation becomes.

The quantized side is computed in float32 from values that int8 can hold, on all calibration samples at once: as exact
as rounding needs to be judged; the integers of the result are computed by the board's kernels later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..floats import float_graph
from ..floats.float_graph import LINEAR, parts, with_parts
from ..ir import Graph, Op, Quant, Tensor
from . import recurrent, rounding
from .prepare import OUT_AXIS, weights
from .ranges import Groups, quantize_constant
from .rules import LSTM, REAL_ONLY, operands

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
    linear: dict[str, LinearWeights | recurrent.LstmWeights] = {}
    noise: dict[str, float] = {id: _noise(values[id], real[id]) for id in graph.inputs}
    adapted = []
    watched = measured_at(graph)
    for i, op in enumerate(graph.ops):
        if op.kind in LINEAR:
            x_id = parts(op)[0]
            x, x_quant = values[x_id], quants[of[x_id]]
            if kept and op.name in kept and op.name not in recipe.bits:
                linear[op.name] = kept[op.name]
            else:
                linear[op.name], helped = _linear(graph, op, x_quant, x, samples, recipe)
                adapted += [op.name] if helped else []
            outputs = [_simulate(graph, op, x, linear[op.name], x_quant.scale)]
        elif op.kind == LSTM:
            x_id, y_quant = op.inputs[0], quants[of[op.outputs[0]]]
            linear[op.name], y = recurrent.build(
                graph, op, values[x_id], real[x_id], quants[of[x_id]], y_quant, fake_quantize
            )
            outputs = [y]
        else:
            outputs = float_graph.run_op(_with_constants(graph, op, groups, quants), op, values)
        for out, y in zip(op.outputs, outputs):
            values[out] = fake_quantize(y, quants[of[out]]) if out in of else y
            noise[out] = _noise(values[out], real[out])
        for id in op.inputs:
            if last.get(id) == i:
                values.pop(id, None)
        tick()
    return Built(linear, float(np.mean([noise[id] for id in watched])), noise, tuple(adapted))


def measured_at(graph: Graph) -> list[str]:
    """Where the error is measured: the outputs; before a SOFTMAX or LOGISTIC that makes one, which hides errors; what a
    comparison or an ARG_MAX at the end reads."""
    found = []
    for id in graph.outputs:
        op = graph.producer(id)
        while op is not None and (graph.tensors[id].dtype != "float32" or op.kind in ("SOFTMAX", "LOGISTIC")):
            moving = [i for i in op.inputs if i is not None and not graph.tensors[i].constant]
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
    for id in (op.inputs[n] for n in operands(graph, op)):
        if graph.tensors[id].constant:
            q = quantize_constant(graph.tensors[id], quants.get(groups.constants.get(id, "")))
            data = (q.data.astype(np.float32) - q.quant.zero_point) * np.float32(q.quant.scale)
            graph = graph.with_tensor(replace(graph.tensors[id], data=data))
    return graph


def as_rows(op: Op, w: np.ndarray) -> np.ndarray:
    """Weights as [output channel, products]."""
    return np.ascontiguousarray(np.moveaxis(w, OUT_AXIS[op.kind], 0)).reshape(w.shape[OUT_AXIS[op.kind]], -1)


def from_rows(op: Op, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """as_rows() undone."""
    axis = OUT_AXIS[op.kind]
    moved = (shape[axis], *(d for i, d in enumerate(shape) if i != axis))
    return np.ascontiguousarray(np.moveaxis(rows.reshape(moved), 0, axis))


def real_weights(op: Op, integers: LinearWeights, shape: tuple[int, ...]) -> np.ndarray:
    """The float32 weights that the integers stand for."""
    return from_rows(op, integers.rows.astype(np.float32) * integers.scale[:, None], shape)


def _simulate(graph: Graph, op: Op, x: np.ndarray, integers: LinearWeights, x_scale: float) -> np.ndarray:
    w = real_weights(op, integers, graph.tensors[op.inputs[1]].shape)
    bias = (integers.bias * (integers.scale.astype(np.float64) * x_scale)).astype(np.float32)
    y = float_graph.linear(op, x, w, bias)
    return float_graph.activate(y.reshape(len(x), *graph.tensors[op.outputs[0]].shape), op.attrs["activation"])


def _linear(graph: Graph, op: Op, x_quant: Quant, x: np.ndarray, samples: Samples, recipe: Recipe):
    """(LinearWeights of one op, whether adaptive rounding helped). x: its input in the quantized network."""
    w, bias = weights(graph, op)
    rows, bits = as_rows(op, w), recipe.bits.get(op.name, 8)
    x_real = samples.real[parts(op)[0]]
    power = None
    if bits < 8 or recipe.adaptive:
        fit, fit_real = columns(graph, op, (x, x_real), samples.fit, _ROWS)
        power = (fit_real.astype(np.float64) ** 2).mean(0)
    scale = rounding.scales(rows, bits, bias, x_quant.scale, power)
    q = rounding.nearest(rows, scale, bits)
    helped = False
    if recipe.adaptive:
        trial = rounding.adaptive(rows, scale, bits, fit, fit_real, recipe.bias_correction)
        held, held_real = columns(graph, op, (x, x_real), samples.held, _ROWS // 4)
        want = sums_of_rows(rows, held_real)
        errors = [_wrong(sums_of_rows(c * scale[:, None], held) - want, recipe.bias_correction) for c in (q, trial)]
        helped = errors[1] < errors[0]
        q = trial if helped else q
    if recipe.bias_correction:
        shape = graph.tensors[op.inputs[1]].shape
        channels = len(rows)
        got = float_graph.linear(op, x[samples.fit], from_rows(op, q * scale[:, None], shape), None)
        want = float_graph.linear(op, x_real[samples.fit], w, None)
        bias = bias + (want - got).reshape(-1, channels).mean(0, dtype=np.float64).astype(np.float32)
    step = scale.astype(np.float64) * x_quant.scale
    integers = np.clip(np.round(bias / step), -(2**31), 2**31 - 1).astype(np.int32)
    return LinearWeights(q, scale, integers, bits), helped


def sums_of_rows(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """[samples, channels]; x: [samples, K], or [samples, channels, K] where each channel has inputs of its own."""
    return x @ rows.T.astype(np.float32) if x.ndim == 2 else np.einsum("nck,ck->nc", x, rows.astype(np.float32))


def _wrong(difference: np.ndarray, centred: bool) -> float:
    return float(((difference - (difference.mean(0) if centred else 0)) ** 2).sum())


def columns(graph: Graph, op: Op, inputs: tuple[np.ndarray, ...], samples: np.ndarray, most: int) -> list[np.ndarray]:
    """What `op` multiplies its weights with, at up to `most` places of these samples, the same in every input.

    [places, K]; of a DEPTHWISE_CONV_2D [places, channels, K].
    """
    w = graph.tensors[op.inputs[1]].shape
    random = np.random.default_rng(0)
    if op.kind == "FULLY_CONNECTED":
        flat = [x[samples].reshape(-1, w[1]) for x in inputs]
        at = _some(random, len(flat[0]), most)
        return [x[at] for x in flat]
    kernel = (w[1], w[2])
    found = []
    at = None
    for x in inputs:
        view = float_graph.windows(op, x[samples].reshape(-1, *x.shape[-3:]), kernel)
        places = view.shape[:3]
        at = _some(random, int(np.prod(places)), most) if at is None else at
        picked = view[np.unravel_index(at, places)]  # [places, kh, kw, c]
        if op.kind != "DEPTHWISE_CONV_2D":
            found.append(picked.reshape(len(at), -1))
        else:
            per_channel = np.moveaxis(picked.reshape(len(at), -1, picked.shape[-1]), 2, 1)
            found.append(np.repeat(per_channel, w[3] // per_channel.shape[1], 1))
    return found


def _some(random: np.random.Generator, count: int, most: int) -> np.ndarray:
    return np.arange(count) if count <= most else np.sort(random.choice(count, most, replace=False))


def emit(graph: Graph, groups: Groups, quants: Mapping[str, Quant], built: Built, real_borders: bool = True) -> Graph:
    """The int8 graph: the form a full-int8 .tflite has after passes.fold_borders. real_borders: the float model's inputs
    and outputs were real numbers; else each tensor's own mark stays."""
    real_graph = graph
    border = {*graph.inputs, *graph.outputs} if real_borders else ()
    for id, at in groups.of.items():
        real = id in border or graph.tensors[id].real_border
        tensor = replace(graph.tensors[id], dtype="int8", quant=quants[at], real_border=real)
        graph = graph.with_tensor(tensor)
    ops = []
    for op in graph.ops:
        if op.kind in LINEAR:
            graph, op = _emit_linear(graph, op, built.weights[op.name], quants[groups.of[parts(op)[0]]].scale)
        elif op.kind == LSTM:
            graph, op = recurrent.emit(graph, op, built.weights[op.name], quants[groups.of[op.outputs[0]]])
        elif op.kind in REAL_ONLY:
            graph, made = _emit_island(graph, op, real_graph.tensors[op.outputs[0]])
            ops += made[:-1]
            op = made[-1]
        else:
            inputs = list(op.inputs)
            for n in operands(real_graph, op):
                id = op.inputs[n]
                if graph.tensors[id].constant:
                    q = quantize_constant(graph.tensors[id], quants.get(groups.constants.get(id, "")))
                    q = replace(q, id=f"{op.name}/{id}")
                    graph = graph.with_tensor(q)
                    inputs[n] = q.id
            op = replace(op, inputs=tuple(inputs))
        ops.append(op)
    return replace(graph, ops=tuple(ops))


def _emit_island(graph: Graph, op: Op, real: Tensor) -> tuple[Graph, list[Op]]:
    """DEQUANTIZE, the op in float, QUANTIZE: as a converter leaves it; islands.py makes one table of them."""
    x, y = (replace(real, id=f"{op.name}/real {end}") for end in ("in", "out"))
    graph = graph.with_tensor(x).with_tensor(y)
    return graph, [Op("DEQUANTIZE", x.id, op.inputs, (x.id,)), replace(op, name=y.id, inputs=(x.id,), outputs=(y.id,)),
                   Op("QUANTIZE", op.name, (y.id,), op.outputs)]  # fmt: skip


def _emit_linear(graph: Graph, op: Op, integers: LinearWeights, x_scale: float) -> tuple[Graph, Op]:
    axis = OUT_AXIS[op.kind]
    shape = graph.tensors[op.inputs[1]].shape
    scales = tuple(float(s) for s in integers.scale)
    zeros = (0,) * len(scales)
    dtype = "int8" if integers.bits == 8 else "int4"
    w = Tensor(f"{op.name}/q", shape, dtype, Quant(scales, zeros, axis), from_rows(op, integers.rows, shape))
    steps = tuple(float(np.float32(s) * np.float32(x_scale)) for s in scales)
    b = Tensor(f"{op.name}/b", (len(scales),), "int32", Quant(steps, zeros), integers.bias)
    graph = graph.with_tensor(w).with_tensor(b)
    return graph, with_parts(op, parts(op)[0], w.id, b.id)
