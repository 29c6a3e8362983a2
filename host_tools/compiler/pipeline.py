"""A pipeline: passes in their order, each with its reason; after each the graph is verified (ir.check)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..ir import DONE, MADE, Graph, check


@dataclass(frozen=True)
class Pass:
    """Graph to graph. `reason`: what it is for, and why it stands where it stands."""

    function: Callable[[Graph], Graph]
    reason: str

    @property
    def name(self) -> str:
        return self.function.__name__


def run(pipeline: Iterable[Pass], graph: Graph) -> tuple[Graph, dict[str, int]]:
    """The graph through all passes, the last of which leaves nothing unused, and how many ops each saved.

    AssertionError, which names the pass, where one breaks a rule that the graph kept before it.
    """
    saved = {}
    for step in pipeline:
        made = check(step.function(graph), step.name, MADE, graph)
        saved[step.name] = saved.get(step.name, 0) + len(graph.ops) - len(made.ops)
        graph = made
    return check(graph, "the whole pipeline", DONE, graph), saved
