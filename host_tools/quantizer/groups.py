"""Which tensors have to share one scale: by the rules of the ops (rules.RULES)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..ir import Graph, Op
from ..ops.table import row
from .rules import RULES, operands, real_outputs


@dataclass(frozen=True)
class Groups:
    """`of`: activation id -> its group's id. `fixed`: groups whose scale and zero point the kernel dictates.
    `whole`: groups whose range is never clipped. `constants`: constants that lie in a group (operands of CONCATENATION)."""

    of: dict[str, str]
    fixed: dict[str, tuple[float, int]]
    whole: frozenset[str]
    constants: dict[str, str]
    symmetric: frozenset[str] = frozenset()  # groups whose zero point has to be 0


def group(graph: Graph) -> tuple[Graph, Groups]:
    """The graph, with a QUANTIZE where a tensor of a dictated scale goes into an op that wants another, and its groups."""
    parent: dict[str, str] = {}
    fixed: dict[str, tuple[float, int]] = {}
    constants: dict[str, str] = {}
    symmetric: set[str] = set()

    def find(id: str) -> str:
        while parent.setdefault(id, id) != id:
            id = parent[id]
        return id

    for id in graph.inputs:
        if graph.tensors[id].dtype == "float32":
            find(id)
    ops: list[Op] = []
    for op in graph.ops:
        if row(op.kind).centred and not graph.input_of(op, 0).constant:
            graph, requantize = _requantized(graph, op, op.input_id(0))
            ops.append(requantize)
            op = op.with_input(0, requantize.outputs[0])
            symmetric.add(find(requantize.outputs[0]))
        rule, outputs = RULES[op.kind], [find(id) for id in real_outputs(graph, op)]
        activations = [op.input_id(n) for n in operands(graph, op)]
        if isinstance(rule, tuple):
            fixed |= dict.fromkeys(outputs, rule)
        elif rule == "same" and outputs:
            out = outputs[0]
            for other in outputs[1:]:
                parent[find(other)] = find(out)
            moving = [i for i in activations if not graph.tensors[i].constant]
            dictated = {fixed.get(find(i)) for i in moving}
            for id in moving:
                if len(dictated) > 1 and find(id) in fixed:
                    graph, requantize = _requantized(graph, op, id)
                    ops.append(requantize)
                    op = replace(op, inputs=tuple(requantize.outputs[0] if i == id else i for i in op.inputs))
                    id = requantize.outputs[0]
                a, b = find(id), find(out)
                if a != b:
                    parent[b] = a
            constants.update({i: out for i in activations if graph.tensors[i].constant})
        ops.append(op)
    whole = {find(id) for id in graph.outputs if id in parent}
    whole |= {find(op.input_id(0)) for op in ops if row(op.kind).unclipped}
    of = {id: find(id) for id in parent}
    constants = {id: of[out] for id, out in constants.items()}
    return graph.with_ops(ops), Groups(of, fixed, frozenset(whole), constants, frozenset(symmetric))


def _requantized(graph: Graph, op: Op, id: str) -> tuple[Graph, Op]:
    out = replace(graph.tensors[id], id=f"{id}/for/{op.name}")
    return graph.with_tensor(out), Op("QUANTIZE", out.id, (id,), (out.id,))
