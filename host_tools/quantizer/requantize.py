"""An int8 model as the float model it stands for, with its own scales and integers next to it: what int4 starts from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..compiler import pipeline
from ..compiler.borders import fold_borders
from ..compiler.dead import drop_dead
from ..compiler.folding import fold_constants
from ..compiler.pipeline import Pass
from ..errors import ToolError
from ..floats.windows import parts
from ..ir import MADE, Graph, Op, Quant, check
from ..ops.table import row
from .build import LinearWeights
from .groups import Groups
from .linear import as_rows, linear, name_weights
from .prepare import real_values
from .refuse import refuse
from .rules import operands

PIPELINE = (
    Pass(fold_constants, "the converter's shapes are known"),
    Pass(fold_borders, "inputs and outputs in floats are marked; the rest is integers"),
    Pass(drop_dead, "what nothing reads must not be refused"),
)


@dataclass(frozen=True)
class Own:
    """What the model brings: quants and groups of its activations (each its own), and the integers of its ops."""

    quants: dict[str, Quant]
    groups: Groups
    weights: dict[str, LinearWeights]


def real_form(graph: Graph) -> tuple[Graph, Own]:
    """(float graph with the same tensor ids, what the int8 graph has of its own)."""
    graph, _ = pipeline.run(PIPELINE, graph)
    recurrent = next((op for op in graph.ops if row(op.kind).remembers), None)
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
    quants = {id: graph.tensors[id].quantization for id in activations}
    kept = {op.name: _integers(graph, op) for op in graph.ops if linear(op)}
    real = graph
    for tensor in graph.tensors.values():
        if tensor.id in activations:
            real = real.with_tensor(replace(tensor, dtype="float32", quant=None))
        elif tensor.constant and tensor.quant is not None and tensor.dtype in ("int8", "int32"):
            real = real.with_tensor(replace(tensor, dtype="float32", quant=None, data=real_values(tensor)))
    of = {id: id for id in activations}
    ids = (op.input_id(n) for op in real.ops for n in operands(real, op))
    constants = {id: id for id in ids if real.tensors[id].constant}
    quants |= {id: graph.tensors[id].quantization for id in constants}
    real = check(name_weights(refuse(real)), "the float form", MADE, graph)
    return real, Own(quants, Groups(of, {}, frozenset(), constants), kept)


def _integers(graph: Graph, op: Op) -> LinearWeights:
    w = graph.input_of(op, 1)
    rows, quant = as_rows(op, w.values), w.quantization
    scales = np.array(quant.scales if quant.per_channel else quant.scales * len(rows), np.float32)
    bias_id = parts(op)[2]
    bias = np.zeros(len(rows)) if bias_id is None else graph.tensors[bias_id].values
    return LinearWeights(rows.astype(np.int8), scales, bias.astype(np.int32).reshape(-1), 8)
