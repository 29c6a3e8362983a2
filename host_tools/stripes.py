"""A chain of window ops computed some output rows at a time, so that its wide tensors never exist as a whole.

Each op of the chain becomes one step a stripe: the same kernel and constants, fewer rows. Of a tensor between two ops

  - either every row keeps its place in the whole tensor (the planner knows which rows are alive: the whole slides through
    the arena over what the chain's input has left), and no row is computed twice;
  - or each stripe has a buffer of its own for the rows it needs, and computes those that two stripes need again. This is
    for tensors larger than the chain's input, which would overtake it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from .lower import Buffer, Program, Step
from .lower.fast_forms import TARGETS

_KERNELS = ("conv_2d", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d")
_LONGEST = 8  # ops of a chain


def can(step: Step, target: str) -> bool:
    """Whether a step can compute some of its rows."""
    if step.kernel not in _KERNELS or step.words[8] != 1 or step.words.get(32) or not isinstance(step.x, str):
        return False
    if step.x_at or step.y_at or step.x_bytes is not None or step.partial or step.states:
        return False
    w = step.words
    if (w[12] - 1) * w[17] - w[21] >= w[9]:  # a window that sees padding only
        return False
    return not step.options or hasattr(TARGETS.get(target), "options")


def chains(program: Program, step: int) -> list[tuple[int, int]]:
    """(first, last) of every chain of at least two steps that `step` belongs to: each reads only what the one before it
    writes, and nothing else reads that."""
    readers: dict[str, int] = {}
    for s in program.steps:
        for id in s.reads:
            readers[id] = readers.get(id, 0) + 1
    kept = {program.place[id] for id in program.graph.outputs}
    steps = program.steps

    def linked(i: int) -> bool:
        """Whether steps i and i + 1 may be neighbours in a chain."""
        a, b = steps[i], steps[i + 1]
        return b.x == a.y and readers[a.y] == 1 and a.y not in kept and can(a, program.target) and can(b, program.target)

    first = last = step
    while first > 0 and linked(first - 1):
        first -= 1
    while last + 1 < len(steps) and linked(last):
        last += 1
    return [(a, b) for a in range(first, step + 1) for b in range(step, last + 1) if 1 <= b - a < _LONGEST]


def split(program: Program, first: int, last: int, ends: list[int]) -> Program:
    """`program` with steps first to last computed in stripes that end at these rows of the last one's output."""
    chain = program.steps[first : last + 1]
    source_bytes = program.buffers[chain[0].x].bytes
    graph, buffers, place = program.graph, dict(program.buffers), dict(program.place)
    fresh = [program.buffers[s.y].bytes > source_bytes for s in chain[:-1]] + [False]
    done = [0] * len(chain)  # rows of each op's output that exist
    out = []
    start = 0
    for n, end in enumerate(ends):
        rows = [(0, 0)] * len(chain)  # of each op's output, those this stripe computes
        inputs = [(0, 0)] * len(chain)  # of each op's input, those this stripe reads
        rows[-1] = (start, end)
        for k in range(len(chain) - 1, -1, -1):
            inputs[k] = _input_rows(chain[k].words, *rows[k])
            if k:
                low, high = inputs[k]
                rows[k - 1] = (low, high) if fresh[k - 1] else (done[k - 1], max(high, done[k - 1]))
        x, x_row = chain[0].x, 0
        for k, step in enumerate(chain):
            low, high = rows[k]
            y, y_row = step.y, 0
            if fresh[k] and high > low:
                y, y_row = f"{step.y}#{n}", low
                tensor = graph.tensors[step.y]
                graph = graph.with_tensor(replace(tensor, id=y, shape=(1, high - low, *tensor.shape[2:])))
                buffers[y], place[y] = Buffer(y, (high - low) * _row_bytes(step.words, 12)), y
            if high > low:
                out.append(_part(step, program.target, x, x_row, inputs[k], y, y_row, rows[k], n > 0))
                done[k] = max(done[k], high)
            x, x_row = y, y_row
        start = end
    for k, step in enumerate(chain):
        if fresh[k]:
            del buffers[step.y]
    steps = (*program.steps[:first], *out, *program.steps[last + 1 :])
    return replace(program, graph=graph, steps=steps, buffers=MappingProxyType(buffers), place=MappingProxyType(place))


def _input_rows(words, low: int, high: int) -> tuple[int, int]:
    """Input rows that output rows low to high - 1 read."""
    if high <= low:
        return (0, 0)
    reach = (words[15] - 1) * words[19] + 1
    first = max(low * words[17] - words[21], 0)
    return first, max(min((high - 1) * words[17] - words[21] + reach, words[9]), first + 1)


def _row_bytes(words, at: int) -> int:
    """Bytes of an input row (at 9) or output row (at 12)."""
    return words[at + 1] * words[at + 2]


def _part(step: Step, target: str, x: str, x_row: int, inputs: tuple[int, int], y: str, y_row: int, rows: tuple[int, int],
          later: bool) -> Step:  # fmt: skip
    """`step` for the output rows `rows`, from the input rows `inputs`. x_row, y_row: the first rows that the buffers hold."""
    w = dict(step.words)
    in_bytes, out_bytes = _row_bytes(w, 9), _row_bytes(w, 12)
    macs = step.macs * (rows[1] - rows[0]) // w[12]
    w[21] = w[21] + inputs[0] - rows[0] * w[17]
    w[9], w[12] = inputs[1] - inputs[0], rows[1] - rows[0]
    options = step.options
    if options:
        options = _options(target, step.kernel, tuple(sorted({**w, **options[0][1]}.items())))
    return replace(
        step, x=x, y=y, words=MappingProxyType(w), macs=macs, options=options, partial=later,
        x_at=(inputs[0] - x_row) * in_bytes, x_bytes=(inputs[1] - inputs[0]) * in_bytes,
        y_at=(rows[0] - y_row) * out_bytes, y_bytes=(rows[1] - rows[0]) * out_bytes,
    )  # fmt: skip


@lru_cache(None)
def _options(target: str, kernel: str, words: tuple[tuple[int, int], ...]) -> tuple:
    known = dict(words)
    return TARGETS[target].options(kernel, [known.get(i, 0) for i in range(40)])
