"""The int8 graph of what was built: every activation with its group's scale, every linear op with its integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..floats.windows import parts, with_parts
from ..ir import Graph, Op, Quant, Tensor
from . import recurrent
from .build import Built, LinearWeights
from .groups import Groups
from .linear import from_rows, out_axis
from .ranges import quantize_constant
from .rules import REAL_ONLY, operands


def emit(graph: Graph, groups: Groups, quants: Mapping[str, Quant], built: Built, real_borders: bool = True) -> Graph:
    """The int8 graph: the form a full-int8 .tflite has after fold_borders. real_borders: the float model's inputs and
    outputs were floats; else each tensor's own mark stays."""
    float_graph = graph
    border = {*graph.inputs, *graph.outputs} if real_borders else ()
    graph = graph.with_tensor(*(
        replace(graph.tensors[id], dtype="int8", quant=quants[at], real_border=id in border or graph.tensors[id].real_border)
        for id, at in groups.of.items()
    ))  # fmt: skip
    for op in graph.ops:
        integers = built.weights.get(op.name)
        if isinstance(integers, LinearWeights):
            graph = _linear(graph, op, integers, quants[groups.of[parts(op)[0]]].scale)
        elif integers is not None:
            graph, changed = recurrent.emit(graph, op, integers, quants[groups.of[op.outputs[0]]])
            graph = graph.substitute(op, changed)
        elif op.kind in REAL_ONLY:
            graph = _island(graph, op, float_graph.output_of(op))
        else:
            changed = op
            for n in operands(float_graph, op):
                operand = graph.input_of(op, n)
                if operand.constant:
                    q = quantize_constant(operand, quants.get(groups.constants.get(operand.id, "")))
                    q = replace(q, id=f"{op.name}/{operand.id}")
                    graph, changed = graph.with_tensor(q), changed.with_input(n, q.id)
            graph = graph.substitute(op, changed)
    return graph


def _island(graph: Graph, op: Op, real: Tensor) -> Graph:
    """DEQUANTIZE, the op in float, QUANTIZE: as a converter leaves it; islands.py makes one table of them."""
    x, y = (replace(real, id=f"{op.name}/real {end}") for end in ("in", "out"))
    return graph.with_tensor(x, y).substitute(
        op,
        Op("DEQUANTIZE", x.id, op.inputs, (x.id,)),
        replace(op, name=y.id, inputs=(x.id,), outputs=(y.id,)),
        Op("QUANTIZE", op.name, (y.id,), op.outputs),
    )


def _linear(graph: Graph, op: Op, integers: LinearWeights, x_scale: float) -> Graph:
    shape = graph.input_of(op, 1).shape
    scales = tuple(float(s) for s in integers.scale)
    zeros = (0,) * len(scales)
    dtype = "int8" if integers.bits == 8 else "int4"
    quant = Quant(scales, zeros, out_axis(op))
    w = Tensor(f"{op.name}/q", shape, dtype, quant, from_rows(op, integers.rows, shape))
    steps = tuple(float(np.float32(s) * np.float32(x_scale)) for s in scales)
    b = Tensor(f"{op.name}/b", (len(scales),), "int32", Quant(steps, zeros), integers.bias)
    return graph.with_tensor(w, b).substitute(op, with_parts(op, parts(op)[0], w.id, b.id))
