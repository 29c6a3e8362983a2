"""A linear op's weights and bias: read, replaced, and as rows of products per output channel."""

from __future__ import annotations

import numpy as np

from ..floats.windows import parts, transposed, with_parts
from ..ir import Graph, Op, Tensor
from ..ops.table import row


def linear(op: Op) -> bool:
    """Whether `op` is a sum of products with constant weights: a convolution or a dense layer."""
    return row(op.kind).linear


def depthwise(op: Op) -> bool:
    """Whether each output channel of `op` has inputs of its own."""
    return row(op.kind).family == "depthwise"


def out_axis(op: Op) -> int:
    """The axis of a linear op's weights that its output channels are on."""
    axis = row(op.kind).out_axis
    assert axis is not None, f"{op.kind} is not linear"
    return axis


def per_channel(op: Op, values: np.ndarray, rank: int) -> np.ndarray:
    """One value per output channel, in a shape that broadcasts to the weights."""
    return values.reshape([-1 if axis == out_axis(op) else 1 for axis in range(rank)])


def weights(graph: Graph, op: Op) -> tuple[np.ndarray, np.ndarray]:
    """(weights, bias) of a linear op, float32; a bias that is not there is zeros."""
    _, w_id, bias_id = parts(op)
    w = graph.tensors[w_id].values.astype(np.float32)
    if bias_id is None:
        return w, np.zeros(w.shape[out_axis(op)], np.float32)
    return w, graph.tensors[bias_id].values.astype(np.float32).reshape(-1)


def with_weights(graph: Graph, op: Op, w: np.ndarray, bias: np.ndarray) -> tuple[Graph, Op]:
    """The graph with `op` computing with these weights, and that op. Other ops that shared its tensors keep them."""
    w_id, b_id = f"{op.name}/weights", f"{op.name}/bias"
    graph = graph.with_tensor(
        Tensor(w_id, w.shape, "float32", data=np.ascontiguousarray(w, np.float32)),
        Tensor(b_id, bias.shape, "float32", data=np.ascontiguousarray(bias, np.float32)),
    )
    changed = with_parts(op, parts(op)[0], w_id, b_id)
    if transposed(op):
        changed = changed.with_attrs(output=graph.output_of(op).shape[1:3])
    return graph.substitute(op, changed), changed


def name_weights(graph: Graph) -> Graph:
    """After: every linear op has weights and a bias of its own, `NAME/weights` and `NAME/bias`: ops may differ in scale."""
    for op in graph.ops:
        if linear(op):
            graph, _ = with_weights(graph, op, *weights(graph, op))
    return graph


def as_rows(op: Op, w: np.ndarray) -> np.ndarray:
    """Weights as [output channel, products]."""
    axis = out_axis(op)
    return np.ascontiguousarray(np.moveaxis(w, axis, 0)).reshape(w.shape[axis], -1)


def from_rows(op: Op, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """as_rows() undone."""
    axis = out_axis(op)
    moved = (shape[axis], *(d for i, d in enumerate(shape) if i != axis))
    return np.ascontiguousarray(np.moveaxis(rows.reshape(moved), 0, axis))
