"""Where floats and integers meet: at the network's borders, after embeddings, in front of what only moves values."""

from __future__ import annotations

from dataclasses import replace

from ..ir import Graph, Op
from ..ops.table import row
from .dead import drop_dead


def fold_borders(graph: Graph) -> Graph:
    """After: no QUANTIZE of a network input in floats, no DEQUANTIZE that makes an output (the board's API does both)."""
    for op in graph.ops:
        if op.kind == "QUANTIZE":
            source, out = graph.input_of(op, 0), graph.output_of(op)
            if source.id not in graph.inputs or source.dtype != "float32":
                continue
            if graph.consumers(source.id) == [op] and source.id not in graph.outputs:
                graph = graph.without(op).with_tensor(replace(out, real_border=True)).renamed(source.id, out.id)
        elif op.kind == "DEQUANTIZE":
            source, out = graph.input_of(op, 0), graph.output_of(op)
            if out.id in graph.outputs and not graph.consumers(out.id) and not source.constant:
                graph = graph.without(op).with_tensor(replace(source, real_border=True)).renamed(out.id, source.id)
    return graph


def quantized_embeddings(graph: Graph) -> Graph:
    """After: no EMBEDDING_LOOKUP that makes floats of int8 rows: a DEQUANTIZE after it does.

    Exact: micro/kernels/embedding_lookup.cc EvalHybrid dequantizes what it looks up.
    """
    for op in graph.ops:
        if op.kind != "EMBEDDING_LOOKUP" or graph.output_of(op).dtype != "float32":
            continue
        rows, out = graph.input_of(op, 1), graph.output_of(op)
        if rows.dtype != "int8" or rows.quant is None or rows.quant.per_channel or rows.zero_point:
            continue
        raw = replace(out, id=f"{out.id}/raw", dtype="int8", quant=rows.quant)
        looked_up = replace(op, outputs=(raw.id,), name=raw.id)
        graph = graph.with_tensor(raw).substitute(op, looked_up, Op("DEQUANTIZE", out.id, (raw.id,), (out.id,)))
    return graph


def sink_dequantize(graph: Graph) -> Graph:
    """After: no DEQUANTIZE in front of an op that only moves values: the values move as integers, and become floats after it.

    Exact: real = scale * (q - zero_point) of each value by itself. The converter leaves such SPLITs in unrolled GRUs.
    """
    for move in graph.ops:
        n = row(move.kind).moves
        before = None if n is None else graph.producer(move.inputs[n])
        if n is None or before is None or before.kind != "DEQUANTIZE":
            continue
        source = graph.input_of(before, 0)
        if source.quant is None or source.quant.per_channel or source.dtype not in ("int8", "int16"):
            continue
        if any(graph.tensors[i].dtype != "float32" for i in move.outputs):
            continue
        raw = [replace(graph.tensors[i], id=f"{i}/raw", dtype=source.dtype, quant=source.quant) for i in move.outputs]
        moved = replace(move.with_input(n, source.id), outputs=tuple(t.id for t in raw), name=raw[0].id)
        floats = (Op("DEQUANTIZE", out, (t.id,), (out,)) for t, out in zip(raw, move.outputs))
        graph = graph.with_tensor(*raw).substitute(move, moved, *floats)
    return drop_dead(graph)
