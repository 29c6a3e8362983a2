"""Runs a float graph with numpy, many samples at once: what the quantizer calibrates and measures with.

Every activation has one axis in front of its shape: N samples. float32 throughout. It is the reference for accuracy,
not for bits: sums are in BLAS's order. Each op's meaning is a function of FUNCTIONS (core.py), in the file of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..arithmetic import float_lstm
from ..errors import ToolError
from ..ir import Graph, Op, Tensor
from ..ops.table import TABLE, row
from . import functions, moves, windows  # noqa: F401  (they register themselves)
from .core import FUNCTIONS, Meaning, meaning

meaning(float_lstm.lstm)
OPS: dict[str, Meaning] = {kind: FUNCTIONS[r.floats] for kind, r in TABLE.items() if r.floats}

After = Callable[[str, np.ndarray], np.ndarray | None]


def run(graph: Graph, inputs: list[np.ndarray], after: After | None = None) -> list[np.ndarray]:
    """The outputs for N samples: arrays (N, *shape) in, arrays (N, *shape) out.

    after(id, array) sees every activation, the inputs included, as it is made; what it returns replaces it.
    ToolError for an op that has no function here.
    """
    values: dict[str, np.ndarray] = {}
    last = last_uses(graph)
    for id, x in zip(graph.inputs, inputs):
        values[id] = _seen(after, id, batch(graph.tensors[id], x))
    for i, op in enumerate(graph.ops):
        for id, x in zip(op.outputs, run_op(graph, op, values)):
            values[id] = _seen(after, id, x)
        for id in op.reads:
            if last.get(id) == i:
                values.pop(id, None)
    count = len(inputs[0])
    return [values[id] if id in values else constant(graph.tensors[id], count) for id in graph.outputs]


def batch(tensor: Tensor, x: np.ndarray) -> np.ndarray:
    """N samples as (N, *shape), float32, or the tensor's own dtype if it holds no floats (int32, bool).

    A leading axis of 1 in the tensor's shape may be missing from the samples.
    """
    return np.ascontiguousarray(x, _dtype(tensor)).reshape(len(x), *tensor.shape)


def constant(tensor: Tensor, count: int) -> np.ndarray:
    return np.broadcast_to(tensor.values.astype(_dtype(tensor)), (count, *tensor.shape))


def _dtype(tensor: Tensor) -> type:
    return {"int32": np.int32, "bool": np.bool_}.get(tensor.dtype, np.float32)


def last_uses(graph: Graph) -> dict[str, int]:
    """Tensor id -> index of the last op that reads it; the network's outputs are never done with."""
    last = {id: i for i, op in enumerate(graph.ops) for id in op.reads}
    return {id: i for id, i in last.items() if id not in graph.outputs}


def run_op(graph: Graph, op: Op, values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of one op on activations by id; constants come from the graph as they are."""
    function = OPS.get(op.kind)
    if function is None:
        raise ToolError(f"{op.kind} '{op.name}' cannot be computed in float", "it has no kernel here", "remove it")
    arguments = [None if i is None else values[i] if i in values else graph.tensors[i].data for i in op.inputs]
    if row(op.kind).aligned:  # constants among the operands: one sample that serves all
        arguments = [a if i in values else np.asarray(a)[None] for a, i in zip(arguments, op.inputs)]
    else:
        op = op.with_attrs(moving=tuple(i in values for i in op.inputs))
    outputs = function(op, arguments, graph.tensors[op.outputs[0]])
    return outputs if isinstance(outputs, list) else [outputs]


def _seen(after: After | None, id: str, x: np.ndarray) -> np.ndarray:
    changed = after(id, x) if after else None
    return x if changed is None else changed
