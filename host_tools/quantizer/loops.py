"""Keras 3's LSTM, which TensorFlow leaves as a loop (and its int8 converter crashes on), as the one op that it is.

What the loop computes is not guessed: its weights are taken for those of an LSTM, and the loop and that LSTM are run side
by side, in float, on random numbers. Only where every step agrees does the op take the loop's place.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..arithmetic import float_lstm
from ..errors import ToolError
from ..floats import float_graph
from ..ir import Graph, Op, Tensor
from ..ops.table import row
from .rules import LSTM

_MOST_STEPS = 4096
_ATTRS = MappingProxyType({"activation": "TANH", "cell_clip": 0.0, "proj_clip": 0.0, "time_major": True})


def fuse_lstms(graph: Graph) -> Graph:
    """After: no WHILE that is an LSTM. Others stay, and are refused later."""
    for op in graph.ops:
        if op.kind == "WHILE" and "body" in op.attrs:
            try:
                graph = _fused(graph, op) or graph
            except (ToolError, ValueError, IndexError, KeyError, TypeError):  # an op or a form that no Keras LSTM has
                continue
    return graph


def _fused(graph: Graph, loop: Op) -> Graph | None:
    """The graph with an LSTM and what makes the loop's outputs of it, in place of the loop; None if it is none."""
    weights = _weights(loop.attrs["body"])
    moving = [n for n, id in enumerate(loop.reads) if not graph.tensors[id].constant]
    if weights is None or len(moving) != 1:
        return None
    (x_at,) = moving
    x = graph.input_of(loop, x_at)
    if len(x.shape) != 3 or x.shape[2] != weights[0].shape[1] or x.shape[0] > _MOST_STEPS:
        return None
    op, y, made = _lstm(loop.outputs[0], x, *weights)

    values = np.random.default_rng(0).normal(size=(1, *x.shape)).astype(np.float32)
    data = {t.id: t.data for t in made}
    want = float_lstm.lstm(op, [values, *(data.get(i or "") for i in op.inputs[1:])], y)[0]
    got = run_loop(graph, loop, x_at, values)
    if got is None:
        return None
    ops = [op]
    for n, id in enumerate(loop.outputs):
        if not graph.consumers(id) and id not in graph.outputs:
            continue
        if not any(
            got[n].size == v.size and np.allclose(got[n].reshape(v.shape), v, atol=1e-4) for v in (want, want[-1])
        ):
            return None
        source = y
        if got[n].size != want.size:
            source, last, constants = _last_step(id, y)
            ops.append(last)
            made += [source, *constants]
        shape = Tensor(f"{id}/shape", (len(got[n].shape),), "int32", data=np.array(got[n].shape, np.int32))
        made += [shape, replace(graph.tensors[id], shape=got[n].shape)]
        ops.append(Op("RESHAPE", id, (source.id, shape.id), (id,)))
    return graph.with_tensor(*made, y).substitute(loop, *ops)


def _lstm(name: str, x: Tensor, own: np.ndarray, back: np.ndarray, bias: np.ndarray) -> tuple[Op, Tensor, list[Tensor]]:
    """(the op, its output, the tensors that it reads) of an LSTM over x with these weights: of x, of the hidden state."""
    steps, batches, units = *x.shape[:2], back.shape[1]
    inputs: list[str | None] = [x.id, *[None] * 23]
    made = []
    for gate, (w, r, b) in enumerate(float_lstm.GATES):
        rows = slice(gate * units, (gate + 1) * units)  # Keras has the gates in the op's order
        for n, data in ((w, own[rows]), (r, back[rows]), (b, bias[rows])):
            made.append(Tensor(f"{name}/lstm/{n}", data.shape, "float32", data=np.ascontiguousarray(data)))
            inputs[n] = made[-1].id
    for n, what in ((float_lstm.HIDDEN, "hidden"), (float_lstm.CELL, "cell")):
        made.append(Tensor(f"{name}/{what}", (batches, units), "float32", variable=True))
        inputs[n] = made[-1].id
    y = Tensor(f"{name}/lstm", (steps, batches, units), "float32")
    return Op(LSTM, y.id, tuple(inputs), (y.id,), _ATTRS), y, made


def _last_step(id: str, y: Tensor) -> tuple[Tensor, Op, list[Tensor]]:
    """(y at the last step, the SLICE that takes it, that op's constants)."""
    steps, batches, units = y.shape
    begin = Tensor(f"{id}/begin", (3,), "int32", data=np.array([steps - 1, 0, 0], np.int32))
    size = Tensor(f"{id}/size", (3,), "int32", data=np.array([1, batches, units], np.int32))
    end = Tensor(f"{id}/last", (1, batches, units), "float32")
    return end, Op("SLICE", end.id, (y.id, begin.id, size.id), (end.id,)), [begin, size]


def _weights(body: Graph) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(weights of x, of the hidden state, biases), gates after each other, if the loop's body could be an LSTM's step."""
    dense = [op for op in body.ops if row(op.kind).family == "dense" and body.input_of(op, 1).constant]
    back = [op for op in dense if op.inputs[0] in body.inputs]
    own = [op for op in dense if op not in back]
    if len(back) != 1 or len(own) != 1:
        return None
    w, r = (body.input_of(op, 1).values.astype(np.float32) for op in (own[0], back[0]))
    if len(w) != len(r) or len(r) != 4 * r.shape[1]:
        return None
    bias = np.zeros(len(w), np.float32)
    for op in (*dense, *(op for op in body.ops if op.kind == "ADD")):
        for id in op.reads[2:] if op in dense else op.reads:
            t = body.tensors[id]
            if t.constant and t.dtype == "float32" and t.size == len(w):
                bias = bias + t.values.reshape(-1)
    return w, r, bias


def run_loop(graph: Graph, loop: Op, x_at: int, x: np.ndarray) -> list[np.ndarray] | None:
    """What the loop leaves in its variables for the input x; None if it does not end."""
    condition, body = loop.attrs["condition"], loop.attrs["body"]
    values = [x if n == x_at else graph.tensors[id].values[None] for n, id in enumerate(loop.reads)]
    for _ in range(len(x[0]) + 1):
        if not _once(condition, values)[0].all():
            return [v[0] for v in values]
        values = _once(body, values)
    return None


def _once(graph: Graph, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a subgraph for one sample. Unlike float_graph.run it takes slices whose size is computed: that is how
    a loop writes its list."""
    values = dict(zip(graph.inputs, inputs))
    for op in graph.ops:
        if op.kind == "SLICE" and any(i in values for i in op.reads[1:]):
            x, begin, size = (values[i][0] if i in values else graph.tensors[i].values for i in op.reads)
            part = x[tuple(slice(b, None if n == -1 else b + n) for b, n in zip(begin.reshape(-1), size.reshape(-1)))]
            values[op.outputs[0]] = part[None]
        else:
            values.update(zip(op.outputs, float_graph.run_op(graph, op, values)))
    return [values[id] if id in values else graph.tensors[id].values[None] for id in graph.outputs]
