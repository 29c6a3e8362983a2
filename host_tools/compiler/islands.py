"""Real numbers between a DEQUANTIZE and a QUANTIZE: where they are a function of one int8 tensor, they become a table.

What TFLM has only in float (SQRT, SIN, FLOOR ...) a converter leaves between the two; the chain sees 256 values, so the
table holds what the float kernels make of each of them. All of it is float32, an op at a time; functions of libm are
computed in float64 and rounded once, as a correctly rounded C library does.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..arithmetic import fixed_point
from ..ir import Graph, Op

_f = np.float32


def _libm(function):
    def apply(x):
        with np.errstate(all="ignore"):
            return function(x.astype(np.float64)).astype(_f)

    return apply


def _leaky(op, x):
    return np.where(x > 0, x, x * _f(op.attrs["alpha"])).astype(_f)


def _round(x):
    """To nearest, halves to even: internal/reference/round.h."""
    return np.rint(x).astype(_f)


# kind: (op, x) -> float32; x float32[256]
_ONE = {
    "SQRT": lambda op, x: np.sqrt(x),
    "RSQRT": lambda op, x: _f(1) / np.sqrt(x),
    "SQUARE": lambda op, x: x * x,
    "NEG": lambda op, x: -x,
    "ABS": lambda op, x: np.abs(x),
    "FLOOR": lambda op, x: np.floor(x),
    "CEIL": lambda op, x: np.ceil(x),
    "ROUND": lambda op, x: _round(x),
    "EXP": lambda op, x: _libm(np.exp)(x),
    "LOG": lambda op, x: _libm(np.log)(x),
    "SIN": lambda op, x: _libm(np.sin)(x),
    "COS": lambda op, x: _libm(np.cos)(x),
    "TANH": lambda op, x: _libm(np.tanh)(x),
    "RELU": lambda op, x: np.maximum(x, _f(0)),
    "RELU6": lambda op, x: np.minimum(np.maximum(x, _f(0)), _f(6)),
    "LEAKY_RELU": _leaky,
}
_TWO = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "DIV": np.divide, "MAXIMUM": np.maximum,
        "MINIMUM": np.minimum, "SQUARED_DIFFERENCE": lambda a, b: (a - b) * (a - b)}  # fmt: skip
_BOUNDS = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}
_VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def _step(graph: Graph, op: Op, id: str, x: np.ndarray) -> np.ndarray | None:
    """What `op` makes of its input `id` of the values x (float32[256]); None where it is no function of it alone."""
    if op.kind in _VIEWS:
        return x
    if op.kind in _ONE and len(op.inputs) == 1:
        return np.asarray(_ONE[op.kind](op, x), _f)
    if op.kind not in _TWO or op.attrs.get("activation", "NONE") not in _BOUNDS:
        return None
    values = []
    for i in op.inputs:
        t = graph.tensors[i]
        if i == id:
            values.append(x)
        elif t.constant and t.size == 1:
            values.append(np.full(256, t.data.reshape(-1)[0], _f))
        else:
            return None
    low, high = _BOUNDS[op.attrs.get("activation", "NONE")]
    y = np.asarray(_TWO[op.kind](*values), _f)
    if low is not None:
        y = np.maximum(y, _f(low))
    return np.minimum(y, _f(high)) if high is not None else y


def fold_float_islands(graph: Graph) -> Graph:
    """After: no DEQUANTIZE, float ops of one tensor, QUANTIZE in a row: one TABLE op."""
    for start in graph.ops:
        if start.kind != "DEQUANTIZE" or graph.tensors[start.inputs[0]].dtype != "int8" or start not in graph.ops:
            continue
        source = graph.tensors[start.inputs[0]]
        raw = np.arange(256, dtype=np.uint8).view(np.int8)
        for end in graph.consumers(start.outputs[0]):
            x = fixed_point.affine_dequantize(raw, source.quant.scale, source.quant.zero_point)
            chain, op, id = [], end, start.outputs[0]
            while op is not None and op.kind != "QUANTIZE":
                with np.errstate(all="ignore"):
                    x = _step(graph, op, id, x)
                if x is None:
                    break
                chain.append(op)
                id = op.outputs[0]
                op = graph.only_consumer(id)
            if x is None or op is None or graph.tensors[op.outputs[0]].dtype != "int8":
                continue
            out = graph.tensors[op.outputs[0]]
            if out.size != source.size or np.isnan(x).any():  # TFLM's cast of a NaN is undefined
                continue
            table = fixed_point.affine_quantize(x, out.quant.scale, out.quant.zero_point, np.int8).view(np.uint8)
            made = Op("TABLE", op.outputs[0], (source.id,), op.outputs, MappingProxyType({"table": table.tobytes()}))
            graph = replace(graph, ops=tuple(made if o == op else o for o in graph.ops)).without(*chain)
        if not graph.consumers(start.outputs[0]) and start.outputs[0] not in graph.outputs:
            graph = graph.without(start)
    return graph
