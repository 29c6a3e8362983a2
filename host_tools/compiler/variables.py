"""What a network remembers: VAR_HANDLE, CALL_ONCE and CIRCULAR_BUFFER become tensors with `variable` set."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import ToolError
from ..ir import Graph, Op
from .folding import fold_constants


def unroll_circular_buffers(graph: Graph) -> Graph:
    """After: no CIRCULAR_BUFFER that runs at every inference: what it remembers is a variable, of which all but the first
    row is kept and the input put after it. One that waits, and ends the inference early meanwhile, stays (and is refused).

    micro/kernels/circular_buffer.cc: x and y NHWC, int8; y moves on by one row per call.
    """
    for op in graph.ops:
        if op.kind != "CUSTOM:CIRCULAR_BUFFER" or len(op.reads) != 1 or len(op.inputs) != 1 or len(op.outputs) != 1:
            continue
        x, y = graph.input_of(op, 0), graph.output_of(op)
        fits = len(y.shape) == 4 and x.shape == (y.shape[0], 1, *y.shape[2:]) and y.shape[0] == 1 and y.shape[1] > 1
        if not fits or {x.dtype, y.dtype} != {"int8"} or x.quant != y.quant or _cycles(op, y.shape[1]) != 1:
            continue
        id, rows = y.id, y.shape[1]
        y = replace(y, data=None, variable=False)
        state = replace(y, id=f"variable {id}", variable=True)
        before, kept = replace(y, id=f"{id}/before"), replace(y, id=f"{id}/kept")
        rest = replace(y, id=f"{id}/rest", shape=(1, rows - 1, *y.shape[2:]))
        begin = replace(
            y, id=f"{id}/begin", shape=(4,), dtype="int32", quant=None, data=np.array([0, 1, 0, 0], np.int32)
        )
        size = replace(begin, id=f"{id}/size", data=np.array(rest.shape, np.int32))
        graph = graph.with_tensor(state, before, rest, begin, size, kept, y).substitute(
            op,
            Op("READ_VARIABLE", before.id, (state.id,), (before.id,)),
            Op("SLICE", rest.id, (before.id, begin.id, size.id), (rest.id,)),
            Op("CONCATENATION", id, (rest.id, x.id), (id,), MappingProxyType({"axis": 1, "activation": "NONE"})),
            Op("ASSIGN_VARIABLE", kept.id, (state.id, id), (kept.id,)),
        )
    return graph


def _cycles(op: Op, rows: int) -> int:
    """At every how many inferences a CIRCULAR_BUFFER runs; without options what TFLM takes from its size."""
    from flatbuffers import flexbuffers

    try:
        options: Any = flexbuffers.Loads(op.attrs["options"])
        cycles = int(options["cycles_max"])
    except Exception:  # no options, or damaged ones: flexbuffers fails in any way
        cycles = 0
    return cycles if cycles > 0 else 1 if rows in (5, 13, 25) else 2


def resolve_variables(graph: Graph) -> Graph:
    """After: no VAR_HANDLE, no CALL_ONCE: READ_VARIABLE and ASSIGN_VARIABLE name a tensor with `variable` set.

    What CALL_ONCE's subgraph assigns is that tensor's `initial`: it must be constants, which is what TensorFlow writes
    for tf.Variable. ASSIGN_VARIABLE gets an output, so that every op has one; it stays for what it does.
    """
    once = [op for op in graph.ops if op.kind == "CALL_ONCE"]
    handles = _handles(graph)
    if not once and not handles:
        return graph
    initial: dict[str, np.ndarray] = {}
    for op in once:
        if any(o.kind == "READ_VARIABLE" for o in graph.ops[: graph.ops.index(op)]):
            raise ToolError("CALL_ONCE after a READ_VARIABLE", "variables are set before the network runs first",
                            "initialize variables in front of everything else")  # fmt: skip
        initial |= _initial_values(op.attrs["graph"])
    for name, like in _stands_for(graph, handles, initial).items():
        graph = graph.with_tensor(replace(graph.tensors[like], id=f"variable {name}", data=None, variable=True,
                                          initial=initial.get(name)))  # fmt: skip
    ops = []
    for op in graph.ops:
        if op.kind == "ASSIGN_VARIABLE":
            graph = graph.with_tensor(replace(graph.input_of(op, 1), id=op.name, data=None))
            op = replace(op, outputs=(op.name,))
        if op.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE") and op.inputs[0] in handles:
            op = op.with_input(0, f"variable {handles[op.input_id(0)]}")
        if op.kind not in ("VAR_HANDLE", "CALL_ONCE"):
            ops.append(op)
    return graph.with_ops(ops)


def _handles(graph: Graph) -> dict[str, str]:
    """{id of a VAR_HANDLE's output: the variable's name}"""
    return {op.outputs[0]: op.attrs["variable"] for op in graph.ops if op.kind == "VAR_HANDLE"}


def _stands_for(graph: Graph, handles: dict[str, str], initial: dict[str, np.ndarray]) -> dict[str, str]:
    """{variable: the tensor whose shape and quantization it has}: what is assigned to it, else what is read from it."""
    like: dict[str, str] = {}
    for op in graph.ops:
        if op.kind == "ASSIGN_VARIABLE":
            id = op.input_id(0)
            like.setdefault(handles.get(id, id), op.input_id(1))
    for op in graph.ops:
        if op.kind == "READ_VARIABLE":
            id = op.input_id(0)
            name = handles.get(id, id)
            if name not in like and name not in initial:
                raise ToolError(f"READ_VARIABLE '{op.name}' reads a variable that is never assigned",
                                fix="export the model again with TFLiteConverter")  # fmt: skip
            like.setdefault(name, op.outputs[0])
    return like


def _initial_values(graph: Graph) -> dict[str, np.ndarray]:
    """{variable: value} that an initialization subgraph assigns. ToolError where it computes."""
    graph = fold_constants(graph)
    handles = _handles(graph)
    values = {}
    for op in graph.ops:
        constant = op.kind == "ASSIGN_VARIABLE" and graph.input_of(op, 1).constant and op.inputs[0] in handles
        if not constant and op.kind != "VAR_HANDLE":
            raise ToolError(f"{op.kind} '{op.name}' computes a variable's first value", "only constants are supported there",
                            "initialize the tf.Variable with a constant")  # fmt: skip
        if constant:
            values[handles[op.input_id(0)]] = graph.input_of(op, 1).values
    return values
