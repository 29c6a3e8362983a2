"""Models whose output lies over their input, as near as overlap.py allows and one step nearer; and poison between ops."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from host_tools.compiler import pack, passes
from host_tools.errors import ToolError
from host_tools.memory import arena, choices, lifetimes, overlap, place
from host_tools.ops import lowering as lower
from host_tools.readers import tflite
from host_tools.record import CONV
from tests import draw

POISON = 0xA5
WINDOWED = ("conv_2d", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d")
FORMS = (*WINDOWED, "mean", "add", "mul", "relu", "softmax", "pad")


@dataclass(frozen=True)
class Tight:
    """A packed model of one step, its inputs and the oracle's output; `form` names kernel and order."""

    model: bytes
    case: draw.Case
    form: str
    distance: int


def program_of(data: bytes, name: str, target: str):
    graph, _ = passes.run(tflite.read(data, name))
    return place.cut_large(lower.lower(graph, target), False)


def _laid(program, choice: choices.Choice, distance: int) -> arena.Plan:
    """The plan of a program of one step whose input starts `distance` bytes above its output. Other inputs and the
    scratch follow, with nothing between them."""
    (step,) = program.steps
    step = replace(step, scratch_bytes=choice.scratch_bytes, words={**step.words, **dict(choice.words)}, options=())
    sizes = {id: b.bytes for id, b in program.buffers.items()}
    x = choices.sources(step)[0]
    base = max(0, distance)
    offsets = {x: base, step.y: base - distance}
    top = max(offsets[id] + sizes[id] for id in offsets)
    for id in step.reads:
        if id not in offsets:
            offsets[id] = top = -(-top // 4) * 4
            top += sizes[id]
    scratch = -(-top // 4) * 4
    return arena.Plan(replace(program, steps=(step,)), offsets, {0: scratch}, -(-(scratch + choice.scratch_bytes) // 4) * 4,
                     0, 0, 1, lifetimes.lifetimes(program), ((),), 0.0)  # fmt: skip


def _nearest(
    allowed: overlap.Distances, size: int, x_size: int, y_size: int, source
) -> list[tuple[str, int, int | None]]:
    """(order, smallest distance allowed, one that is not): multiples of 4, where the two overlap at all."""
    found = []
    if allowed.any < y_size:
        least = max(-(-allowed.any // 4) * 4, -x_size + 4)
        below = least - 4
        found.append(("any", least, None if allowed.allows(below) or below <= -x_size else below))
    if allowed.step and allowed.step < overlap.NEVER:
        if allowed.stepped <= -overlap.NEVER:  # any multiple, also with y above x
            low, high = -((x_size - 1) // allowed.step), (y_size - 1) // allowed.step
            found += [
                ("plane", allowed.step * source.integer(low, high), 4 if allowed.step > 4 else None),
                ("plane", 0, None),
            ]
        elif allowed.stepped < allowed.any:
            least = -(-allowed.stepped // allowed.step) * allowed.step
            if least < y_size and least > -x_size:
                found.append(("stepped", least, least - allowed.step if least - allowed.step > -x_size else None))
    elif allowed.step:
        found.append(("same place", 0, None))
    return found


def tight(
    op: str, count: int, seed: int, target: str, options: int = 3, shapes: type[draw.Shapes] = draw.Shapes
) -> tuple[list[Tight], list[Tight]]:
    """Models of `op` at the nearest distances, and such models one step nearer, which nothing promises to be right."""
    right, wrong = [], []
    source = draw.RandomSource(f"tight/{op}/{seed}")
    for case in draw.generate(op, count, seed, shapes):
        try:
            program = program_of(case.tflite, case.name, target)
        except ToolError:
            continue
        if len(program.steps) != 1 or not program.steps[0].reads:
            continue
        (step,) = program.steps
        possible = choices.choices(step, program.target)
        if len(possible) > options:
            middle = [possible[source.integer(1, len(possible) - 2)] for _ in range(options - 2)]
            possible = (possible[0], *middle, possible[-1])
        for choice in dict.fromkeys(possible):
            id, allowed = choices.sources(step)[0], choice.distances[0]
            sizes = program.buffers[id].bytes, program.buffers[step.y].bytes
            for order, least, nearer in _nearest(allowed, 4, *sizes, source):
                words = {**step.words, **dict(choice.words)}
                form = f"{step.kernel} {order}"
                if words.get(CONV.packed_offset):
                    form += f" fast {words[CONV.variant_form]}" if step.kernel == "conv_2d" else " fast"
                for distance, kept in ((least, right), (nearer, wrong)):
                    if distance is not None:
                        laid = _laid(program, choice, distance)
                        kept.append(Tight(pack.pack(laid.program, laid), case, form, distance))
    return right, wrong


def want(case: draw.Case) -> bytes:
    return b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs)


def dead(found: arena.Plan) -> list[list[tuple[int, int]]]:
    """Per step, the pieces [low, high) of the arena that hold nothing anyone will read when it starts."""
    pieces = []
    for i, spans in enumerate(found.spans):
        alive = sorted(
            (found.offsets[s.buffer] + s.low, found.offsets[s.buffer] + s.high)
            for s in spans
            if not (s.written and found.lifetimes[s.buffer][0] == i)
        )
        free, at = [], 0
        for low, high in alive:
            if low > at:
                free.append((at, low))
            at = max(at, high)
        if at < found.arena_bytes:
            free.append((at, found.arena_bytes))
        pieces.append(free)
    return pieces


def poison_table(found: arena.Plan) -> np.ndarray:
    """What tests/micropython/batch.py is to overwrite: rows of u32 {op, first byte, end}."""
    rows = [(i, low, high) for i, pieces in enumerate(dead(found)) for low, high in pieces]
    return np.array(rows, "<u4").reshape(-1, 3)


def poisoned(run, cases, *arguments):
    """The answers of one of batch's runners, with poison. cases: (model, inputs, plan)."""
    return run([(model, [*inputs, poison_table(found)]) for model, inputs, found in cases], *arguments, POISON=True)
