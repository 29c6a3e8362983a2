"""Floats between a DEQUANTIZE and a QUANTIZE: where they are a function of one int8 tensor, they become a table.

What TFLM has only in float (SQRT, SIN, FLOOR ...) a converter leaves between the two; the chain sees 256 values, so the
table holds what the float kernels make of each of them. All of it is float32, an op at a time; functions of libm are
computed in float64 and rounded once, as a correctly rounded C library does.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from ..arithmetic import fixed_point
from ..ir import ACTIVATIONS, Graph, Op, Tensor
from ..ops.table import row

_f = np.float32
_LIBM = ("exp", "log", "sin", "cos", "tanh")  # of numpy's functions


def _one(op: Op, x: np.ndarray) -> np.ndarray:
    name = row(op.kind).numpy
    function = getattr(np, name)
    return function(x.astype(np.float64)).astype(_f) if name in _LIBM else function(x)


# meaning in floats (the op table's column `floats`): (op, x) -> float32; x float32[256]
_FUNCTIONS: dict[str, Callable[[Op, np.ndarray], np.ndarray]] = {
    "one": _one,
    "rsqrt": lambda op, x: _f(1) / np.sqrt(x),
    "leaky_relu": lambda op, x: np.where(x > 0, x, x * _f(op.attrs["alpha"])),
    "clamp": lambda op, x: _clamped(x, op.kind),
}


def _clamped(x: np.ndarray, activation: str) -> np.ndarray:
    low, high = ACTIVATIONS[activation]
    x = x if low is None else np.maximum(x, _f(low))
    return x if high is None else np.minimum(x, _f(high))


def _step(graph: Graph, op: Op, id: str, x: np.ndarray) -> np.ndarray | None:
    """What `op` makes of its input `id` of the values x (float32[256]); None where it is no function of it alone."""
    r = row(op.kind)
    if r.reshapes:
        return x
    if r.floats == "clamp" and op.kind not in ("RELU", "RELU6"):  # TFLM has no float kernel of the others
        return None
    if r.floats in _FUNCTIONS and len(op.inputs) == 1:
        return np.asarray(_FUNCTIONS[r.floats](op, x), _f)
    activation = op.attrs.get("activation", "NONE")
    if r.floats not in ("pair", "squared_difference") or r.makes or activation not in ACTIVATIONS:
        return None
    values = []
    for i in op.reads:
        t = graph.tensors[i]
        if i == id:
            values.append(x)
        elif t.data is not None and t.size == 1:
            values.append(np.full(256, t.data.reshape(-1)[0], _f))
        else:
            return None
    a, b = values
    y = getattr(np, r.numpy)(a, b) if r.floats == "pair" else (a - b) * (a - b)
    return _clamped(np.asarray(y, _f), activation)


def _chain(graph: Graph, start: Op, first: Op) -> tuple[list[Op], Op, np.ndarray] | None:
    """(the float ops from `first` on, the QUANTIZE after them, what it is given for each raw int8 that `start` dequantizes);
    None where that is no function of 256 values."""
    source = graph.input_of(start, 0)
    raw = np.arange(256, dtype=np.uint8).view(np.int8)
    x: np.ndarray | None = fixed_point.affine_dequantize(raw, source.scale, source.zero_point)
    chain: list[Op] = []
    op: Op | None = first
    id = start.outputs[0]
    while op is not None and op.kind != "QUANTIZE":
        with np.errstate(all="ignore"):
            x = _step(graph, op, id, x)
        if x is None:
            return None
        chain.append(op)
        id = op.outputs[0]
        op = graph.only_consumer(id)
    return None if op is None else (chain, op, x)


def _table(x: np.ndarray, source: Tensor, out: Tensor) -> bytes | None:
    """The table of the values x, quantized as `out`; None where the two tensors do not fit, or TFLM's cast is undefined."""
    if out.dtype != "int8" or out.size != source.size or np.isnan(x).any():
        return None
    return fixed_point.affine_quantize(x, out.scale, out.zero_point, np.int8).view(np.uint8).tobytes()


def fold_float_islands(graph: Graph) -> Graph:
    """After: no DEQUANTIZE, float ops of one tensor, QUANTIZE in a row: one TABLE op."""
    for start in graph.ops:
        if start.kind != "DEQUANTIZE" or graph.input_of(start, 0).dtype != "int8" or start not in graph.ops:
            continue
        source = graph.input_of(start, 0)
        for first in graph.consumers(start.outputs[0]):
            found = _chain(graph, start, first)
            if found is None:
                continue
            chain, end, x = found
            table = _table(x, source, graph.output_of(end))
            if table is not None:
                made = Op("TABLE", end.outputs[0], (source.id,), end.outputs, MappingProxyType({"table": table}))
                graph = graph.substitute(end, made).without(*chain)
        if not graph.consumers(start.outputs[0]) and start.outputs[0] not in graph.outputs:
            graph = graph.without(start)
    return graph
