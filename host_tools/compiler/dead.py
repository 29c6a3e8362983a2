"""What nothing needs."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from ..ir import Graph, Op


def drop_dead(graph: Graph) -> Graph:
    """After: no op whose outputs nothing reads, no tensor that nothing names; ASSIGN_VARIABLE, and what it needs, stays."""
    needed = set(graph.outputs)
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if needed & set(op.outputs) or op.kind == "ASSIGN_VARIABLE":
            kept.append(op)
            needed |= set(op.reads)
    graph = graph.with_ops(reversed(kept))
    named = graph.named()
    return replace(graph, tensors=MappingProxyType({id: t for id, t in graph.tensors.items() if id in named}))
