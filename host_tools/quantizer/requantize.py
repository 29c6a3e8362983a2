"""An int8 model as the float model it stands for, with its own scales and integers beside it: what int4 starts from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..compiler import passes
from ..errors import ToolError
from ..floats.float_graph import LINEAR, parts
from ..ir import Graph, Quant, Tensor, check
from . import prepare
from .build import LinearWeights, as_rows
from .ranges import Groups
from .rules import LSTM, operands


@dataclass(frozen=True)
class Own:
    """What the model brings: quants and groups of its activations (each its own), and the integers of its ops."""

    quants: dict[str, Quant]
    groups: Groups
    weights: dict[str, LinearWeights]


def real_form(graph: Graph) -> tuple[Graph, Own]:
    """(float graph with the same tensor ids, what the int8 graph has of its own)."""
    for step in (passes.fold_constants, passes.fold_borders, passes.drop_dead):
        graph = check(step(graph))
    recurrent = next((op for op in graph.ops if op.kind in (LSTM, "SVDF", "ASSIGN_VARIABLE")), None)
    if recurrent:
        raise ToolError(f"{recurrent.kind} '{recurrent.name}' in a full-int8 model", "its weights stay as they are: int8",
                        "leave out --weights int4 and --flash, or quantize the float model")  # fmt: skip
    computed = {*graph.inputs, *(id for op in graph.ops for id in op.outputs)}
    activations = {id for id in computed if graph.tensors[id].dtype not in ("bool", "int32")}
    odd = [id for id in activations if graph.tensors[id].dtype != "int8" or graph.tensors[id].quant is None]
    if odd:
        tensor = graph.tensors[sorted(odd)[0]]
        raise ToolError(f"'{tensor.id}' is {tensor.dtype}, not int8", "int4 weights are made from float or full-int8 models",
                        "give the float model")  # fmt: skip
    quants = {id: graph.tensors[id].quant for id in activations}
    kept = {op.name: _integers(graph, op) for op in graph.ops if op.kind in LINEAR}
    real = graph
    for tensor in graph.tensors.values():
        if tensor.id in activations:
            real = real.with_tensor(replace(tensor, dtype="float32", quant=None))
        elif tensor.constant and tensor.quant is not None and tensor.dtype in ("int8", "int32"):
            real = real.with_tensor(replace(tensor, dtype="float32", quant=None, data=prepare.real_values(tensor)))
    of = {id: id for id in activations}
    constants = {
        op.inputs[n]: op.inputs[n] for op in real.ops for n in operands(real, op) if real.tensors[op.inputs[n]].constant
    }
    quants |= {id: graph.tensors[id].quant for id in constants}
    real = check(prepare.name_weights(prepare.refuse(real)))
    return real, Own(quants, Groups(of, {}, frozenset(), constants), kept)


def _integers(graph: Graph, op) -> LinearWeights:
    w: Tensor = graph.tensors[op.inputs[1]]
    rows = as_rows(op, w.data)
    scales = np.array(w.quant.scales if w.quant.per_channel else w.quant.scales * len(rows), np.float32)
    bias_id = parts(op)[2]
    bias = np.zeros(len(rows)) if bias_id is None else graph.tensors[bias_id].data
    return LinearWeights(rows.astype(np.int8), scales, bias.astype(np.int32).reshape(-1), 8)
