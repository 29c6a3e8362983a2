"""Some neighbouring ops computed some output rows at a time, so that the wide tensors between them never exist as a whole.

Such a chain is window ops and sums (ADD of two tensors of one shape) of which only the last one's output is read by others:
a line of convolutions, or a residual block with its sum. Each op becomes one step a stripe: the same kernel and constants,
fewer rows. What an op reads from before the chain it reads out of the whole tensor. Of a tensor between two ops

  - either every row keeps its place in the whole tensor (the planner knows which rows are alive: the whole slides through
    the arena over what the chain's input has left), and no row is computed twice;
  - or each stripe has a buffer of its own for the rows it needs, and computes those that two stripes need again. This is
    for tensors larger than the chain's input, which would overtake it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from ..assembler.targets import TARGETS
from ..ops.core import Buffer, Program, Step

_WINDOWS = ("conv_2d", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d")
_LONGEST = 8  # ops of a chain


@dataclass(frozen=True)
class _Rows:
    """A tensor as rows: their number, and the bytes of one."""

    count: int
    bytes: int


def _output(program: Program, step: Step) -> _Rows:
    w = step.words
    if step.kernel in _WINDOWS:
        return _Rows(w[12], w[13] * w[14])
    rows, columns, channels = program.graph.tensors[step.y].shape[1:]
    return _Rows(rows, columns * channels)


def rows(program: Program, step: int) -> int:
    """Rows of a step's output."""
    return _output(program, program.steps[step]).count


def can(program: Program, step: Step) -> bool:
    """Whether a step can compute some of its rows."""
    if step.x_at or step.x2_at or step.y_at or step.x_bytes is not None or step.partial or step.states:
        return False
    w = step.words
    if step.kernel == "add":
        shape = program.graph.tensors[step.y].shape
        if not (isinstance(step.x, str) and isinstance(step.x2, str) and step.x != step.x2 and len(shape) == 4):
            return False
        flat = (
            tuple(w[i] for i in range(8, 11)) == (1, 1, 1)
            and w[11] == shape[1] * shape[2] * shape[3]
            and w[15] == w[19] == 1
        )
        return flat and shape[0] == 1 and shape[2] * shape[3] % 4 == 0  # the assembler reads whole words
    if step.kernel not in _WINDOWS or w[8] != 1 or w.get(32) or not isinstance(step.x, str):
        return False
    if (w[12] - 1) * w[17] - w[21] >= w[9]:  # a window that sees padding only
        return False
    return not step.options or hasattr(TARGETS.get(program.target), "options")


def chains(program: Program, step: int) -> list[tuple[int, int]]:
    """(first, last) of every chain of at least two steps that `step` belongs to."""
    steps = program.steps
    readers: dict[str, list[int]] = {}
    for i, s in enumerate(steps):
        for id in s.reads:
            readers.setdefault(id, []).append(i)
    kept = {program.place[id] for id in program.graph.outputs}
    first = last = step
    while first > 0 and step - first < _LONGEST and can(program, steps[first - 1]):
        first -= 1
    while last + 1 < len(steps) and last - step < _LONGEST and can(program, steps[last + 1]):
        last += 1

    def closed(a: int, b: int) -> bool:
        """Whether nobody else reads what the steps before the last one write, and each is read."""
        return all(s.y not in kept and readers.get(s.y) and readers[s.y][0] > i and readers[s.y][-1] <= b
                   for i, s in enumerate(steps[a:b], a))  # fmt: skip

    found = [(a, b) for a in range(first, step + 1) for b in range(step, last + 1) if 1 <= b - a < _LONGEST]
    return [(a, b) for a, b in found if can(program, steps[step]) and steps[a].kernel in _WINDOWS and closed(a, b)]


def split(program: Program, first: int, last: int, ends: list[int]) -> Program:
    """`program` with steps first to last computed in stripes that end at these rows of the last one's output."""
    chain = program.steps[first : last + 1]
    made_by = {s.y: k for k, s in enumerate(chain)}
    source_bytes = program.buffers[chain[0].x].bytes
    graph, buffers, place = program.graph, dict(program.buffers), dict(program.place)
    fresh = [program.buffers[s.y].bytes > source_bytes for s in chain[:-1]] + [False]
    done = [0] * len(chain)  # rows of each op's output that exist
    out = []
    start = 0
    for n, end in enumerate(ends):
        wanted: list[list[tuple[int, int]]] = [
            [] for _ in chain
        ]  # rows of each op's output that others of the chain read
        made = [(0, 0)] * len(chain)  # those that this stripe computes
        inputs = [(0, 0)] * len(chain)  # of each op's input, those it then reads
        for k in range(len(chain) - 1, -1, -1):
            low, high = min((r[0] for r in wanted[k]), default=0), max((r[1] for r in wanted[k]), default=0)
            made[k] = (
                (start, end) if k == len(chain) - 1 else (low, high) if fresh[k] else (done[k], max(high, done[k]))
            )
            inputs[k] = _input_rows(chain[k].words, *made[k]) if chain[k].kernel in _WINDOWS else made[k]
            if made[k][1] > made[k][0]:
                for id in chain[k].reads:
                    if id in made_by:
                        wanted[made_by[id]].append(inputs[k])
        at: dict[str, tuple[str, int]] = {}  # where this stripe finds a tensor: buffer, and the first row that it holds
        for k, step in enumerate(chain):
            low, high = made[k]
            if high <= low:
                continue
            y, y_row = step.y, 0
            if fresh[k]:
                y, y_row = f"{step.y}#{n}", low
                tensor = graph.tensors[step.y]
                graph = graph.with_tensor(replace(tensor, id=y, shape=(1, high - low, *tensor.shape[2:])))
                buffers[y], place[y] = Buffer(y, (high - low) * _output(program, step).bytes), y
                at[step.y] = y, y_row
            out.append(_part(program, step, at, inputs[k], y, y_row, made[k], n > 0))
            done[k] = max(done[k], high)
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


def _part(program: Program, step: Step, at: dict[str, tuple[str, int]], inputs: tuple[int, int], y: str, y_row: int,
          made: tuple[int, int], later: bool) -> Step:  # fmt: skip
    """`step` for the output rows `made`, from the input rows `inputs`. y_row: the first row that y holds."""
    w = dict(step.words)
    output = _output(program, step)
    count = made[1] - made[0]
    options = step.options
    if step.kernel in _WINDOWS:
        in_bytes = w[10] * w[11]
        w[21] = w[21] + inputs[0] - made[0] * w[17]
        w[9], w[12] = inputs[1] - inputs[0], count
        if options:
            options = _options(program.target, step.kernel, tuple(sorted({**w, **options[0][1]}.items())))
    else:
        in_bytes = output.bytes
        w[11] = count * output.bytes
    x, x_row = at.get(step.x, (step.x, 0))
    x2, x2_row = at.get(step.x2, (step.x2, 0))
    return replace(
        step, x=x, x2=x2, y=y, words=MappingProxyType(w), macs=step.macs * count // output.count, options=options, partial=later,
        x_at=(inputs[0] - x_row) * in_bytes, x_bytes=(inputs[1] - inputs[0]) * in_bytes,
        x2_at=0 if x2 is None else (inputs[0] - x2_row) * in_bytes,
        y_at=(made[0] - y_row) * output.bytes, y_bytes=count * output.bytes,
        inplace=tuple(at.get(id, (id, 0))[0] for id in step.inplace),
    )  # fmt: skip


@lru_cache(None)
def _options(target: str, kernel: str, words: tuple[tuple[int, int], ...]) -> tuple:
    known = dict(words)
    return TARGETS[target].options(kernel, [known.get(i, 0) for i in range(40)])
