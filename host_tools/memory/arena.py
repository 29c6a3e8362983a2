"""A memory plan: where every buffer and scratch lies in the arena, and the proof that nothing alive is overwritten."""

from __future__ import annotations

from dataclasses import dataclass

from ..ops.core import Program
from .choices import distances_of, record_of, start_of

ALIGNMENT = 4  # kernels may read whole words


def align(n: int) -> int:
    return -(-n // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Span:
    """What one buffer occupies while one step runs: bytes [low, high) of it. written: those that this step writes."""

    buffer: str
    low: int
    high: int
    written: bool = False


@dataclass(frozen=True)
class Plan:
    """Offsets in bytes from the start of the arena. `program`: with one option taken for every step."""

    program: Program
    offsets: dict[str, int]  # buffer id -> offset
    scratch: dict[int, int]  # step index -> offset of its scratch
    arena_bytes: int
    floor_bytes: int  # what is alive at the widest step, every buffer whole and at its own address
    unshared_bytes: int  # every buffer and scratch at its own address
    inplace: int  # ops whose output lies over bytes of their input
    lifetimes: dict[str, tuple[int, int]]  # buffer id -> (first step, last step); -1: before the first
    spans: tuple[tuple[Span, ...], ...]  # per step
    cycles: float  # estimated: good for comparing plans of one program

    def held(self, step: int) -> list[tuple[int, int]]:
        """The intervals [low, high) of the arena that hold something while a step runs, in order and apart."""
        intervals = [(self.offsets[s.buffer] + s.low, self.offsets[s.buffer] + s.high) for s in self.spans[step]]
        if step in self.scratch:
            intervals.append((self.scratch[step], self.scratch[step] + self.program.steps[step].scratch_bytes))
        merged: list[tuple[int, int]] = []
        for low, high in sorted(intervals):
            if merged and low <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(high, merged[-1][1])
            else:
                merged.append((low, high))
        return merged


def check(found: Plan) -> None:
    """AssertionError (our bug) where bytes meet that may not: of all that is alive while a step runs only its output and
    its inputs may, as far as the step's overlap distances allow; its scratch meets nothing."""
    program = found.program
    for i, step in enumerate(program.steps):
        record = record_of(step, {})
        at = [(s, found.offsets[s.buffer] + s.low, found.offsets[s.buffer] + s.high) for s in found.spans[i]]
        if step.scratch_bytes:
            start = found.scratch[i]
            assert start + step.scratch_bytes <= found.arena_bytes and start % ALIGNMENT == 0
            clear = (low == high or high <= start or start + step.scratch_bytes <= low for _, low, high in at)
            assert all(clear), f"scratch of {step.name}"
        for p, (a, a_low, a_high) in enumerate(at):
            assert a_high <= found.arena_bytes and found.offsets[a.buffer] % ALIGNMENT == 0
            for b, b_low, b_high in at[:p]:
                if a_high <= b_low or b_high <= a_low or a_low == a_high or b_low == b_high:
                    continue
                y, x = (a, b) if a.written else (b, a)
                assert y.written and x.buffer in step.reads, f"{a.buffer} and {b.buffer} overlap at {step.name}"
                distance = found.offsets[x.buffer] + start_of(step, x.buffer) - found.offsets[y.buffer] - step.y_at
                allowed = distances_of(step, x.buffer, record, program.target)
                assert allowed.allows(distance), f"{step.name}: distance {distance}"
