"""The options of a step as the planner compares them: scratch, words, overlap distances, cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..assembler import targets
from ..assembler.window import Window
from ..ops.core import Step
from ..record import BY_NAME, DEPTHWISE, WORDS
from . import overlap
from .overlap import Distances

_CALL_CYCLES = 5000  # of a kernel from the interpreter, and of what its driver does once
_CYCLES_PER_MAC = 8  # of a kernel that says nothing of its own; one more for the slowest option


@dataclass(frozen=True)
class Choice:
    """An option of a step. distances: per buffer of sources(step), how y may lie to it."""

    scratch_bytes: int
    words: tuple[tuple[int, int], ...]
    distances: tuple[Distances, ...]
    cycles: float


def sources(step: Step) -> tuple[str, ...]:
    """The buffers that a step reads, each once."""
    return tuple(dict.fromkeys(step.reads))


def start_of(step: Step, id: str) -> int:
    """Where in the buffer the kernel's input starts."""
    return step.x_at if id == step.x else step.x2_at


def record_of(step: Step, words: Mapping[int, int]) -> list[int]:
    """The record's 40 words, those of an option over the step's own; what is not known yet is 0."""
    found = [0] * WORDS
    for number, value in step.words.items():
        found[number] = value
    for number, value in words.items():
        found[number] = value
    return found


def distances_of(step: Step, id: str, record: list[int], target: str) -> Distances:
    """How the step's output may lie to the buffer `id` that it reads."""
    if id == step.x and id != step.x2 or step.kernel in ("add", "mul"):
        return overlap.distances(step.kernel, record, target, id in step.inplace, step.cut is not None)
    return overlap.SAME_OFFSET if id in step.inplace else overlap.DISJOINT


def choices(step: Step, target: str) -> tuple[Choice, ...]:
    """The options of a step, the fastest first, without those that another beats in everything."""
    read = sources(step)
    key = (step.kernel, target, tuple(sorted(step.words.items())), step.scratch_bytes, step.cut is None, step.macs,
           tuple((id == step.x, id == step.x2, id in step.inplace) for id in read),
           tuple((size, *sorted(words.items())) for size, words in step.options))  # fmt: skip
    if key not in _choices:
        _choices[key] = _all_choices(step, target)
    return _choices[key]


_choices: dict[tuple, tuple[Choice, ...]] = {}  # stripes of one op are mostly alike


def _all_choices(step: Step, target: str) -> tuple[Choice, ...]:
    kept: list[Choice] = []
    options = step.options or ((step.scratch_bytes, {}),)
    for rank, (option_bytes, option_words) in enumerate(options):
        scratch_bytes = max(option_bytes, step.scratch_bytes)
        record = record_of(step, option_words)
        ways = [(scratch_bytes, option_words)]
        if _takes_planes(step.kernel, record, target):
            window = Window.of(record)
            ways.append((max(scratch_bytes, window.in_h * window.in_w), {**option_words, DEPTHWISE.plane_order: 1}))
        for size, words in ways:
            record = record_of(step, words)
            allowed = tuple(distances_of(step, id, record, target) for id in sources(step))
            cycles = _cycles(step, record, target, rank / len(options))
            choice = Choice(size, tuple(sorted(words.items())), allowed, cycles + _CALL_CYCLES)
            if not any(_beats(other, choice) for other in kept):
                kept.append(choice)
    return tuple(kept)


def _cycles(step: Step, record: list[int], target: str, rank: float) -> float:
    """About what an option takes. rank: from 0 for the fastest of its step to 1; of options that the target counts not."""
    row = BY_NAME.get(step.kernel)
    packed = row is not None and "packed_offset" in row.layout and record[row.layout.packed_offset]
    cycles = targets.cycles(target, step.kernel, record) if packed else None
    if cycles is None:
        cycles = step.macs * (_CYCLES_PER_MAC + rank)
    if step.kernel == "depthwise_conv_2d" and record[DEPTHWISE.plane_order]:
        cycles *= 1.01  # in viper about a third, in the packed variants nothing
    return cycles


def _takes_planes(kernel: str, record: list[int], target: str) -> bool:
    """Whether this depthwise record can run channel by channel, each channel's input in scratch before it is written."""
    if kernel != "depthwise_conv_2d" or record[DEPTHWISE.depth_multiplier] != 1 or record[DEPTHWISE.batches] != 1:
        return False
    if not record[DEPTHWISE.packed_offset]:
        return True
    order = targets.order(target, kernel, record)
    if order is None:
        return False
    window, band_h, tile_w = order
    return band_h >= window.out_h and tile_w >= window.out_w


def _beats(a: Choice, b: Choice) -> bool:
    """Whether a, listed earlier and so as fast, needs no more scratch than b and allows whatever b allows."""
    return a.scratch_bytes <= b.scratch_bytes and all(
        x.any <= y.any
        and (not y.step or x.step and y.step % x.step == 0 and x.stepped <= y.stepped or y.stepped >= x.any)
        for x, y in zip(a.distances, b.distances)
    )
