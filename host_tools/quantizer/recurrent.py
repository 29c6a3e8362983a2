"""LSTM in int8: weights with one scale per tensor, a hidden state in the output's scale, a cell state of int16.

TensorFlow Lite's specification of the fused op (optimize/operator_property.cc): int8 weights, symmetric; int32 biases in
the scale of x times that of x's weights; a cell state whose scale is a power of two, so that its tanh is a shift away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arithmetic import float_lstm
from ..arithmetic.float_lstm import CELL, GATES, HIDDEN
from ..ir import Graph, Op, Quant, Tensor
from . import rounding

_ROOM = 1.25  # for a cell state larger than any that calibration saw
_POWERS = (-12, 15)  # of two: what the cell state may reach (fixed_point16.cell_tanh_input)


@dataclass(frozen=True)
class LstmWeights:
    """Index of the input -> (integers, scale): int8 weights, int32 biases. cell_scale: a power of two."""

    tensors: Mapping[int, tuple[np.ndarray, float]]
    cell_scale: float


def build(
    graph: Graph, op: Op, x: np.ndarray, x_real: np.ndarray, x_quant: Quant, y_quant: Quant, fake
) -> tuple[LstmWeights, np.ndarray]:
    """(its integers, its output in the quantized network before it is rounded). x, x_real: its input in the quantized and
    in the float network; fake(values, quant): values as int8 can hold them."""
    out = graph.tensors[op.outputs[0]]
    args: list[Any] = [None if i is None else graph.tensors[i].data for i in op.inputs]
    peak = 2.0 ** _POWERS[0]

    def watch(c):
        nonlocal peak
        peak = max(peak, float(np.abs(c).max()))
        return c

    float_lstm.lstm(op, [x_real, *args[1:]], out, cell=watch)
    power = int(np.clip(np.ceil(np.log2(peak * _ROOM)), *_POWERS))
    cell_scale = 2.0 ** (power - 15)
    tensors: dict[int, tuple[np.ndarray, float]] = {}
    real = list(args)
    for own, back, bias in GATES:
        for n in (own, back):
            rows, b = args[n].astype(np.float32), args[bias] if n == own else np.zeros(1, np.float32)
            # rounding.scales of all rows as one: the largest weight fits, and the largest bias stays in int32
            scale = rounding.scales(rows.reshape(1, -1), 8, np.abs(b).max(keepdims=True), x_quant.scale)
            q = rounding.nearest(rows, np.repeat(scale, len(rows)), 8)
            tensors[n] = q, float(scale[0])
            real[n] = q.astype(np.float32) * scale[0]
        step = tensors[own][1] * x_quant.scale
        integers = np.round(args[bias].astype(np.float64) / step).astype(np.int32)
        tensors[bias] = integers, step
        real[bias] = (integers * step).astype(np.float32)
    top = np.float32(32767 * cell_scale)
    y = float_lstm.lstm(op, [x, *real[1:]], out, hidden=lambda h: fake(h, y_quant),
                        cell=lambda c: np.clip(np.round(c / np.float32(cell_scale)) * np.float32(cell_scale), -top, top))  # fmt: skip
    return LstmWeights(tensors, cell_scale), y


def emit(graph: Graph, op: Op, weights: LstmWeights, y_quant: Quant) -> tuple[Graph, Op]:
    """The graph with the op's tensors as integers, its states too, and the op that reads them."""
    for n, (values, scale) in weights.tensors.items():
        t = Tensor(f"{op.name}/{n}", values.shape, str(values.dtype), Quant((scale,), (0,)), values)
        graph, op = graph.with_tensor(t), op.with_input(n, t.id)
    hidden = replace(graph.input_of(op, HIDDEN), dtype="int8", quant=y_quant)
    cell = replace(graph.input_of(op, CELL), dtype="int16", quant=Quant((weights.cell_scale,), (0,)))
    return graph.with_tensor(hidden, cell), op


def odd(graph: Graph, op: Op) -> str | None:
    """What of this LSTM has no int8 kernel, in words; None: nothing."""
    for name, inputs in float_lstm.VARIANTS.items():
        if any(n < len(op.inputs) and op.inputs[n] is not None for n in inputs):
            return f"an LSTM with {name}"
    needed = [n for gate in GATES for n in gate]
    if len(op.inputs) <= CELL or any(op.inputs[n] is None or not graph.input_of(op, n).constant for n in needed):
        return "an LSTM without weights and biases of its own for each gate"
    if op.attrs["activation"] != "TANH":
        return f"an LSTM with activation {op.attrs['activation']}"
    if not all(graph.input_of(op, n).variable for n in (HIDDEN, CELL)):
        return "an LSTM whose states are no variables"
    return None
