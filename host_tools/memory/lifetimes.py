"""What is alive when: the steps that each buffer lives through, and the bytes of it that each of them needs."""

from __future__ import annotations

from ..ops.core import Program
from .choices import start_of
from .overlap import NEVER


def lifetimes(program: Program) -> dict[str, tuple[int, int]]:
    """Buffer id -> (first step, last step). -1: before the first; the number of steps: after the last."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for id in program.graph.inputs:
        first[program.place[id]] = last[program.place[id]] = -1
    for id in program.variables:  # they keep their bytes from one inference to the next
        first[id], last[id] = -1, len(program.steps)
    for i, step in enumerate(program.steps):
        first.setdefault(step.y, i)
        for id in (step.y, *step.reads):
            last[id] = max(last.get(id, i), i)
    for id in program.graph.outputs:
        last[program.place[id]] = len(program.steps)
    return {id: (first[id], last[id]) for id in first}


def occupied(program: Program, lives: dict[str, tuple[int, int]]) -> dict[str, list[tuple[int, int]]]:
    """Per buffer, for each step of its life, the bytes [low, high) that are written by the end of the step and needed
    from its start."""
    count = len(program.steps)
    reads: dict[str, dict[int, int]] = {id: {} for id in lives}
    writes: dict[str, dict[int, int]] = {id: {} for id in lives}
    for i, step in enumerate(program.steps):
        for id in step.reads:
            reads[id][i] = min(reads[id].get(i, NEVER), start_of(step, id) if step.x_bytes is not None else 0)
        writes[step.y][i] = program.buffers[step.y].bytes if step.y_bytes is None else step.y_at + step.y_bytes
    for id in (*(program.place[id] for id in program.graph.outputs), *program.variables):
        reads[id][count] = 0
    for id in program.graph.inputs:  # all of them are written before the first step, those that nothing reads as well
        reads[program.place[id]][-1] = 0
    found = {}
    for id, (first, last) in lives.items():
        highs, high = [], program.buffers[id].bytes if first < 0 else 0
        for i in range(first, last + 1):
            high = max(high, writes[id].get(i, 0))
            highs.append(high)
        lows, low = [], NEVER
        for i in range(last, first - 1, -1):
            low = min(low, reads[id].get(i, NEVER))
            step = program.steps[i] if 0 <= i < count else None
            written = NEVER if step is None or step.y != id else 0 if step.y_bytes is None else step.y_at
            lows.append(min(low, written, highs[i - first]))
        found[id] = list(zip(lows[::-1], highs))
    return found
