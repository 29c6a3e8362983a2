"""Graph to graph: what the network means stays, what the board has to do shrinks. PIPELINE is the table of contents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import fixed_point
from .ir import Graph, Op, check

RESHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
_TAKES_ACTIVATION = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "ADD",
    "MUL",
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
)


def fold_constants(graph: Graph) -> Graph:
    """After: no op that only computes shapes or reshapes constants (what Keras' Flatten leaves behind)."""
    for op in graph.ops:
        fold = _FOLDS.get(op.kind)
        args = [None if i is None else graph.tensors[i] for i in op.inputs]
        if fold is None or (op.kind != "SHAPE" and any(a is not None and not a.constant for a in args)):
            continue
        value = fold(op, args, graph.tensors[op.outputs[0]])
        if value is not None:
            out = graph.tensors[op.outputs[0]]
            graph = graph.with_tensor(replace(out, data=value, shape=tuple(value.shape))).without(op)
    return graph


def _fold_shape(op, args, out):
    return np.array(args[0].shape, np.dtype(out.dtype)) if out.dtype in ("int32", "int64") else None


def _fold_reshape(op, args, out):
    return args[0].data.reshape(out.shape)


def _fold_pack(op, args, out):
    return np.stack([a.data for a in args], op.attrs["axis"])


def _fold_strided_slice(op, args, out):
    x, begin, end, strides = (a.data for a in args)
    if x.ndim != 1 or len(begin) != 1 or any(op.attrs[m] for m in ("EllipsisMask", "NewAxisMask")):
        return None
    start = None if op.attrs["BeginMask"] & 1 else int(begin[0])
    if op.attrs["ShrinkAxisMask"] & 1:
        return x[start or 0]
    stop = None if op.attrs["EndMask"] & 1 else int(end[0])
    return x[start : stop : int(strides[0])]


def _fold_quantize(op, args, out):
    if args[0].dtype != "float32" or out.dtype != "int8" or out.quant is None:
        return None
    return fixed_point.affine_quantize(args[0].data, out.quant.scale, out.quant.zero_point, np.int8)


_FOLDS = {
    "SHAPE": _fold_shape,
    "PACK": _fold_pack,
    "STRIDED_SLICE": _fold_strided_slice,
    "QUANTIZE": _fold_quantize,
    **dict.fromkeys(RESHAPES, _fold_reshape),
}


def fold_borders(graph: Graph) -> Graph:
    """After: no QUANTIZE of a real-valued network input, no DEQUANTIZE that makes an output (the board's API does both)."""
    for op in graph.ops:
        source, out = op.inputs[0] if op.inputs else None, op.outputs[0]
        if op.kind == "QUANTIZE" and source in graph.inputs and graph.tensors[source].dtype == "float32":
            if graph.consumers(source) == [op] and source not in graph.outputs:
                graph = graph.without(op).with_tensor(replace(graph.tensors[out], real_border=True))
                graph = replace(graph, inputs=tuple(out if i == source else i for i in graph.inputs))
        elif op.kind == "DEQUANTIZE" and out in graph.outputs and not graph.consumers(out):
            if not graph.tensors[source].constant:
                graph = graph.without(op).with_tensor(replace(graph.tensors[source], real_border=True))
                graph = replace(graph, outputs=tuple(source if i == out else i for i in graph.outputs))
    return graph


def fuse_activations(graph: Graph) -> Graph:
    """After: no RELU-like op behind an op that clamps anyway, where both sides share one quantization.

    Exact: with equal scales the standalone RELU of TFLM multiplies by 1 and clamps; a clamp of a clamp is a clamp.
    """
    for relu in graph.ops:
        if relu.kind not in ("RELU", "RELU6"):
            continue
        source, out = graph.tensors[relu.inputs[0]], graph.tensors[relu.outputs[0]]
        before = graph.producer(source.id)
        if before is None or before.kind not in _TAKES_ACTIVATION or before.attrs.get("activation") != "NONE":
            continue
        if graph.only_consumer(source.id) != relu or source.quant != out.quant or before not in graph.ops:
            continue
        fused = replace(before.with_attrs(activation=relu.kind), outputs=relu.outputs, name=relu.name)
        graph = replace(graph, ops=tuple(fused if op == before else op for op in graph.ops)).without(relu)
    return graph


def fuse_pads(graph: Graph) -> Graph:
    """After: no PAD of rows and columns in front of a convolution: the convolution pads by itself.

    Exact: both pad with the zero point, which is where PAD's own value must be (checked).
    """
    for pad in reversed(graph.ops):  # the last of several first
        if pad.kind not in ("PAD", "PADV2"):
            continue
        conv = graph.only_consumer(pad.outputs[0])
        if conv is None or conv.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or conv.inputs[0] != pad.outputs[0]:
            continue
        x, pads = graph.tensors[pad.inputs[0]], graph.tensors[pad.inputs[1]]
        if len(x.shape) != 4 or not pads.constant or x.quant is None or pads.data.shape != (4, 2):
            continue
        amounts = pads.data.astype(int)
        value = graph.tensors[pad.inputs[2]] if len(pad.inputs) > 2 else None
        if value is not None and not (value.constant and int(value.data.reshape(-1)[0]) == x.quant.zero_point):
            continue
        padded = graph.tensors[pad.outputs[0]]
        if amounts[0].any() or amounts[3].any() or x.quant != padded.quant or amounts.min() < 0:
            continue
        if tuple(np.array(x.shape) + amounts.sum(1)) != padded.shape:
            continue
        top, left = conv.attrs.get("extra_pad", (0, 0))
        # the conv keeps the padded size: SAME padding was computed for it
        fused = replace(conv, inputs=(x.id, *conv.inputs[1:])).with_attrs(
            extra_pad=(top + int(amounts[1][0]), left + int(amounts[2][0])),
            padded_size=conv.attrs.get("padded_size", graph.tensors[pad.outputs[0]].shape[1:3]),
        )
        graph = replace(graph, ops=tuple(fused if op == conv else op for op in graph.ops)).without(pad)
    return graph


def drop_dead(graph: Graph) -> Graph:
    """After: no op whose outputs nothing reads."""
    needed = set(graph.outputs)
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if needed & set(op.outputs):
            kept.append(op)
            needed |= {i for i in op.inputs if i is not None}
    return replace(graph, ops=tuple(reversed(kept)))


PIPELINE = (
    fold_constants,
    fold_borders,
    fuse_activations,
    fuse_pads,
    drop_dead,
)


def run(graph: Graph) -> tuple[Graph, dict[str, int]]:
    """The graph through PIPELINE, and how many ops each pass saved."""
    saved = {}
    for step in PIPELINE:
        before = len(graph.ops)
        graph = check(step(graph))
        saved[step.__name__] = before - len(graph.ops)
    return graph, saved
