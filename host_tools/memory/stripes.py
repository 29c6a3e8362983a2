"""Some neighbouring ops computed some output rows at a time, so that the wide tensors between them never exist as a whole.

Such a chain is window ops and sums (ADD of two tensors of one shape) of which only the last one's output is read by others:
a line of convolutions, or a residual block with its sum. Each op becomes one step a stripe: the same kernel and constants,
fewer rows. What an op reads from before the chain it reads out of the whole tensor. Of a tensor between two ops

  - either every row keeps its offset in the whole tensor (the planner knows which rows are alive: the whole slides through
    the arena over what the chain's input has left), and no row is computed twice;
  - or each stripe has a buffer of its own for the rows it needs, and computes those that two stripes need again. This is
    for tensors larger than the chain's input, which would overtake it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from ..assembler import targets
from ..assembler.window import Window, slides
from ..ops.core import Buffer, Program, Step
from ..record import ADD, CONV, POOL, view
from .choices import record_of

_LONGEST = 8  # ops of a chain


@dataclass(frozen=True)
class _Rows:
    """A tensor as rows: their number, and the bytes of one."""

    count: int
    bytes: int


def _output(program: Program, step: Step) -> _Rows:
    if slides(step.kernel):
        w = step.words
        return _Rows(w[POOL.out_h], w[POOL.out_w] * w[POOL.out_c])
    rows, columns, channels = program.graph.tensors[step.y].shape[1:]
    return _Rows(rows, columns * channels)


def rows(program: Program, step: int) -> int:
    """Rows of a step's output."""
    return _output(program, program.steps[step]).count


def can(program: Program, step: Step) -> bool:
    """Whether a step can compute some of its rows."""
    if step.x_at or step.x2_at or step.y_at or step.x_bytes is not None or step.partial or step.states:
        return False
    if step.kernel == "add":
        return _adds_images(program, step)
    if not slides(step.kernel) or not isinstance(step.x, str):
        return False
    record = record_of(step, {})
    w = Window.of(record)
    if w.batches != 1 or step.words.get(CONV.y_step):
        return False
    if (w.out_h - 1) * w.stride_h - w.pad_top >= w.in_h:  # a window that sees padding only
        return False
    return not step.options or targets.has_options(program.target)


def _adds_images(program: Program, step: Step) -> bool:
    """Whether a step adds two images of one shape, byte by byte in a row."""
    shape = program.graph.tensors[step.y].shape
    if not (isinstance(step.x, str) and isinstance(step.x2, str) and step.x != step.x2 and len(shape) == 4):
        return False
    add = view("add", record_of(step, {}))
    flat = add.all("dims") == [1, 1, 1, shape[1] * shape[2] * shape[3]]
    in_a_row = add.all("x1_strides")[-1] == add.all("x2_strides")[-1] == 1
    return flat and in_a_row and shape[0] == 1 and shape[2] * shape[3] % 4 == 0  # the assembler reads whole words


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
    return [(a, b) for a, b in found if can(program, steps[step]) and slides(steps[a].kernel) and closed(a, b)]


def split(program: Program, first: int, last: int, ends: list[int]) -> Program:
    """`program` with steps first to last computed in stripes that end at these rows of the last one's output."""
    chain = program.steps[first : last + 1]
    source = chain[0].x
    assert isinstance(source, str), "can() takes no step whose input is a constant"
    source_bytes = program.buffers[source].bytes
    graph, buffers, place = program.graph, dict(program.buffers), dict(program.place)
    fresh = [program.buffers[s.y].bytes > source_bytes for s in chain[:-1]] + [False]
    done = [0] * len(chain)  # rows of each op's output that exist
    out = []
    start = 0
    for n, end in enumerate(ends):
        made, inputs = _rows_of_stripe(chain, fresh, done, (start, end))
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


def _rows_of_stripe(
    chain: tuple[Step, ...], fresh: list[bool], done: list[int], last: tuple[int, int]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(rows of its output that each op computes, rows of its input that it then reads) for rows `last` of the last one's.

    fresh: whether an op's output has a buffer of its own in each stripe; done: rows of it that exist where it has not.
    """
    made_by = {s.y: k for k, s in enumerate(chain)}
    wanted: list[list[tuple[int, int]]] = [[] for _ in chain]  # rows of each op's output that others of the chain read
    made, inputs = [(0, 0)] * len(chain), [(0, 0)] * len(chain)
    for k in range(len(chain) - 1, -1, -1):
        low, high = min((r[0] for r in wanted[k]), default=0), max((r[1] for r in wanted[k]), default=0)
        made[k] = last if k == len(chain) - 1 else (low, high) if fresh[k] else (done[k], max(high, done[k]))
        inputs[k] = input_rows(chain[k].words, *made[k]) if slides(chain[k].kernel) else made[k]
        if made[k][1] > made[k][0]:
            for id in chain[k].reads:
                if id in made_by:
                    wanted[made_by[id]].append(inputs[k])
    return made, inputs


def input_rows(words: Mapping[int, int] | Sequence[int], low: int, high: int) -> tuple[int, int]:
    """Input rows [first, end) that a window record's output rows low to high - 1 read."""
    if high <= low:
        return (0, 0)
    stride, pad_top = words[POOL.stride_h], words[POOL.pad_top]
    reach = (words[POOL.kernel_h] - 1) * words[POOL.dilation_h] + 1
    first = max(low * stride - pad_top, 0)
    return first, max(min((high - 1) * stride - pad_top + reach, words[POOL.in_h]), first + 1)


def _part(program: Program, step: Step, at: dict[str, tuple[str, int]], inputs: tuple[int, int], y: str, y_row: int,
          made: tuple[int, int], later: bool) -> Step:  # fmt: skip
    """`step` for the output rows `made`, from the input rows `inputs`. y_row: the first row that y holds."""
    w = dict(step.words)
    output = _output(program, step)
    count = made[1] - made[0]
    options = step.options
    if slides(step.kernel):
        in_bytes = w[POOL.in_w] * w[POOL.in_c]
        pad_top = w[POOL.pad_top] + inputs[0] - made[0] * w[POOL.stride_h]
        w |= POOL.words(in_h=inputs[1] - inputs[0], out_h=count, pad_top=pad_top)
        if options:
            options = _options(program.target, step.kernel, tuple(record_of(step, {**w, **options[0][1]})))
    else:
        in_bytes = output.bytes
        w |= ADD.words(dims=(1, 1, 1, count * output.bytes))
    x, x_row = _found(at, step.x)
    x2, x2_row = _found(at, step.x2)
    return replace(
        step, x=x, x2=x2, y=y, words=MappingProxyType(w), macs=step.macs * count // output.count, options=options, partial=later,
        x_at=(inputs[0] - x_row) * in_bytes, x_bytes=(inputs[1] - inputs[0]) * in_bytes,
        x2_at=0 if x2 is None else (inputs[0] - x2_row) * in_bytes,
        y_at=(made[0] - y_row) * output.bytes, y_bytes=count * output.bytes,
        inplace=tuple(at.get(id, (id, 0))[0] for id in step.inplace),
    )  # fmt: skip


def _found(at: dict[str, tuple[str, int]], ref: str | int | None) -> tuple[str | int | None, int]:
    """Where a stripe finds an operand: buffer (or whatever else it is), and the first row that it holds."""
    return at.get(ref, (ref, 0)) if isinstance(ref, str) else (ref, 0)


@lru_cache(None)
def _options(target: str, kernel: str, words: tuple[int, ...]) -> tuple[tuple[int, Mapping[int, int]], ...]:
    return targets.options(target, kernel, words)
