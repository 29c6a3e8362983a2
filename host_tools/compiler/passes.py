"""What conversion does to a graph: its meaning stays, what the board has to do shrinks. PIPELINE is the table of contents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import ToolError
from ..ir import Graph, Op, Tensor
from ..ops.core import Unsupported
from ..ops.lookup import TABLES
from ..ops.table import row
from . import pipeline
from .borders import fold_borders, quantized_embeddings, sink_dequantize
from .dead import drop_dead
from .folding import fold_constants
from .islands import fold_float_islands
from .pipeline import Pass
from .variables import resolve_variables, unroll_circular_buffers


def fuse_activations(graph: Graph) -> Graph:
    """After: no op that only clamps after one that clamps anyway, where both sides share one quantization.

    Exact: the clamping op's own table, computed by its reference, is the identity between two bounds and a bound outside
    of them; a clamp of a clamp is a clamp.
    """
    for clamp in graph.ops:
        if not row(clamp.kind).table or clamp not in graph.ops:
            continue
        source, out = graph.input_of(clamp, 0), graph.output_of(clamp)
        before = graph.producer(source.id)
        if before is None or not row(before.kind).clamps or source.quant is None or source.quant != out.quant:
            continue
        if source.dtype not in ("int8", "int16") or out.dtype != source.dtype:
            continue
        if graph.only_consumer(source.id) != clamp:
            continue
        fused = _clamping(before, clamp, source, out)
        if fused is not None:
            fused = replace(fused, outputs=clamp.outputs, name=clamp.name)
            graph = graph.substitute(before, fused).without(clamp)
    return graph


def _clamping(before: Op, clamp: Op, x: Tensor, y: Tensor) -> Op | None:
    """`before`, if it can do what `clamp` does with x; None if not."""
    bounds = _bounds(clamp, x, y) if x.dtype == "int8" else None
    plain = before.attrs.get("activation") == "NONE" and clamp.kind in ("RELU", "RELU6")
    # of int16 these two: with equal scales their factor is 1, and a fused one has the same bounds
    if plain and (bounds is not None or x.dtype == "int16"):
        return before.with_attrs(activation=clamp.kind)
    if bounds is None:
        return None
    low, high = before.attrs.get("clamp", (-128, 127))
    return before.with_attrs(clamp=(min(max(low, bounds[0]), bounds[1]), max(min(high, bounds[1]), bounds[0])))


def _bounds(op: Op, x: Tensor, y: Tensor) -> tuple[int, int] | None:
    """(low, high) if the op's table is clamp(x, low, high)."""
    try:
        table = np.asarray(TABLES[op.kind](op, x, y)).astype(np.uint8).view(np.int8)
    except (ToolError, Unsupported):  # lowering says so, with the op's name
        return None
    values = np.concatenate([table[128:], table[:128]]).astype(int)  # of -128 to 127
    low, high = int(values[0]), int(values[-1])
    return (low, high) if (values == np.clip(np.arange(-128, 128), low, high)).all() else None


def merge_transposes(graph: Graph) -> Graph:
    """After: no TRANSPOSE whose only reader is a TRANSPOSE; two that undo each other are none."""
    for second in graph.ops:
        first = graph.producer(second.inputs[0]) if second.kind == "TRANSPOSE" and second in graph.ops else None
        if first is None or first.kind != "TRANSPOSE" or graph.only_consumer(second.inputs[0]) != second:
            continue
        orders = [graph.input_of(op, 1) for op in (first, second)]
        if not all(o.constant for o in orders):
            continue
        a, b = (o.values.reshape(-1) % o.size for o in orders)
        order = replace(orders[1], id=f"{second.name}/order", data=a[b].astype(np.int32), dtype="int32")
        both = replace(second, inputs=(first.inputs[0], order.id))
        graph = graph.with_tensor(order).substitute(second, both).without(first)
    return graph


def fuse_pads(graph: Graph) -> Graph:
    """After: no PAD of rows and columns in front of a convolution: the convolution pads by itself.

    Exact: both pad with the zero point, which is where PAD's own value must be (checked).
    """
    for pad in reversed(graph.ops):  # the last of several first
        if row(pad.kind).floats != "pad":
            continue
        conv = graph.only_consumer(pad.outputs[0])
        if conv is None or conv.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or conv.inputs[0] != pad.outputs[0]:
            continue
        amounts = _rows_and_columns(graph, pad)
        if amounts is None:
            continue
        top, left = conv.attrs.get("extra_pad", (0, 0))
        # the conv keeps the padded size: SAME padding was computed for it
        fused = conv.with_input(0, pad.input_id(0)).with_attrs(
            extra_pad=(top + int(amounts[1][0]), left + int(amounts[2][0])),
            padded_size=conv.attrs.get("padded_size", graph.output_of(pad).shape[1:3]),
        )
        graph = graph.substitute(conv, fused).without(pad)
    return graph


def _rows_and_columns(graph: Graph, pad: Op) -> np.ndarray | None:
    """[4, 2]: how much a PAD adds in front of and after each axis, if only rows and columns, of the zero point; else None."""
    x, pads, padded = graph.input_of(pad, 0), graph.input_of(pad, 1), graph.output_of(pad)
    if len(x.shape) != 4 or pads.data is None or x.quant is None or pads.data.shape != (4, 2):
        return None
    amounts = pads.data.astype(int)
    value = graph.input_of(pad, 2) if len(pad.inputs) > 2 else None
    if value is not None and not (value.constant and int(value.values.reshape(-1)[0]) == x.zero_point):
        return None
    if amounts[0].any() or amounts[3].any() or x.quant != padded.quant or amounts.min() < 0:
        return None
    return amounts if tuple(np.array(x.shape) + amounts.sum(1)) == padded.shape else None


PIPELINE = (
    Pass(unroll_circular_buffers, "states are variables from here on, so that one kind of state reaches lowering"),
    Pass(resolve_variables, "as TensorFlow's handles; before constants are folded, because first values are constants"),
    Pass(fold_constants, "shapes that the converter computes at run time are known; later passes look for constants"),
    Pass(quantized_embeddings, "its rows are int8 already: the floats begin after it"),
    Pass(sink_dequantize, "moves stay in integers, and floats begin where something is computed"),
    Pass(fold_borders, "the board's API quantizes and dequantizes; islands then have integers at both ends"),
    Pass(fold_float_islands, "no float is computed on the board: one table per chain"),
    Pass(merge_transposes, "one move in place of two, or none (what comes from PyTorch has pairs)"),
    Pass(fuse_activations, "kernels clamp anyway; after the islands, whose tables may be clamps"),
    Pass(fuse_pads, "a kernel call and a buffer less: convolutions pad by themselves"),
    Pass(drop_dead, "what the others have left over takes no memory; last, so that the graph is tidy"),
)


def run(graph: Graph) -> tuple[Graph, dict[str, int]]:
    """The graph through PIPELINE, and how many ops each pass saved."""
    return pipeline.run(PIPELINE, graph)
