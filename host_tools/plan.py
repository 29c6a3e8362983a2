"""Where every buffer lies in the arena: greedy by size, with lifetimes; elementwise ops write over what they read.

The placement is TFLM's (greedy_memory_planner.h): largest first, each at the lowest address that is free during its
whole life. Where that needs more than what is alive at the widest step, other orders are searched.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from .lower import Program, Step

ALIGNMENT = 4  # kernels may read whole words
_SCRATCH_BYTES = 6816  # what a step's scratch may add to the arena for speed: 20 to 60 pixels' columns
_SEARCH_STEPS = 2000  # swaps tried where greedy placement leaves gaps; 1 s for a network of 30 ops


@dataclass
class Block:
    """Memory that lives from step `first` to step `last`, both included. -1: written before the first step."""

    key: tuple[str, str | int]  # ("buffer", id) or ("scratch", step)
    bytes: int
    first: int
    last: int
    members: list[str] = field(default_factory=list)  # buffer ids that share it
    offset: int = -1

    def meets(self, other: "Block") -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Plan:
    """Offsets in bytes from the start of the arena."""

    offsets: dict[str, int]  # buffer id -> offset
    scratch: dict[int, int]  # step index -> offset of its scratch
    arena_bytes: int
    floor_bytes: int  # what is alive at the widest step: no plan without overlap can be smaller
    unshared_bytes: int  # every buffer and scratch at its own address
    inplace: int  # ops that write over their input
    blocks: tuple[Block, ...]
    lifetimes: dict[str, tuple[int, int]]  # buffer id -> (first step, last step)


def plan(program: Program) -> Plan:
    """The memory plan of `program`."""
    lifetimes = _lifetimes(program)
    blocks, inplace = _blocks(program, lifetimes)
    scratch = [
        Block(("scratch", i), step.scratch_bytes, i, i)
        for i, step in enumerate(program.steps)
        if step.scratch_bytes
    ]
    everything = [*blocks, *scratch]
    floor = max(
        (sum(_align(b.bytes) for b in everything if b.first <= i <= b.last) for i in range(-1, len(program.steps) + 1)),
        default=0,
    )
    best = _search(everything, floor)
    arena = _top(everything, best)
    for b in everything:
        b.offset = best[b.key]
    _check(everything)
    return Plan(
        offsets={id: b.offset for b in blocks for id in b.members},
        scratch={b.first: b.offset for b in scratch},
        arena_bytes=arena,
        floor_bytes=floor,
        unshared_bytes=sum(_align(b.bytes) for b in program.buffers.values()) + sum(_align(b.bytes) for b in scratch),
        inplace=inplace,
        blocks=tuple(everything),
        lifetimes=lifetimes,
    )


def settle(program: Program) -> Program:
    """`program` with an option taken for every step that has some: the fastest that needs no more than
    _SCRATCH_BYTES, or than the arena then has free while the step runs; else the smallest."""
    steps = [_take(step, _SCRATCH_BYTES) for step in program.steps]
    first = plan(replace(program, steps=tuple(steps)))
    larger = []
    for i, step in enumerate(program.steps):
        alive = sum(_align(b.bytes) for b in first.blocks if b.first <= i <= b.last and b.members)
        larger.append(_take(step, max(_SCRATCH_BYTES, first.arena_bytes - alive)))
    trial = replace(program, steps=tuple(larger))
    if plan(trial).arena_bytes <= first.arena_bytes:
        return trial
    return replace(program, steps=tuple(steps))


def _take(step: Step, limit: int) -> Step:
    if not step.options:
        return step
    fitting = [option for option in step.options if option[0] <= limit]
    size, words = (fitting or [min(step.options, key=lambda o: o[0])])[0]
    return replace(step, scratch_bytes=max(size, step.scratch_bytes), words={**step.words, **words}, options=())


def _align(n: int) -> int:
    return -(-n // ALIGNMENT) * ALIGNMENT


def _lifetimes(program: Program) -> dict[str, tuple[int, int]]:
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


def _blocks(program: Program, lifetimes: dict[str, tuple[int, int]]) -> tuple[list[Block], int]:
    """One block a buffer, but for buffers that are written over one that dies in the same step."""
    owner: dict[str, Block] = {}
    blocks: list[Block] = []
    inplace = 0
    for id in (*program.graph.inputs, *program.variables):
        buffer = program.place[id]
        if buffer not in owner:
            owner[buffer] = Block(("buffer", buffer), program.buffers[buffer].bytes, *lifetimes[buffer], [buffer])
            blocks.append(owner[buffer])
    for i, step in enumerate(program.steps):
        if step.y in owner:  # a later part of a concatenation
            continue
        first, last = lifetimes[step.y]
        size = program.buffers[step.y].bytes
        for id in step.inplace:
            if lifetimes[id][1] == i and owner[id].last == i and not step.partial and size <= owner[id].bytes:
                owner[step.y] = owner[id]
                owner[id].last = last
                owner[id].members.append(step.y)
                inplace += 1
                break
        else:
            owner[step.y] = Block(("buffer", step.y), size, first, last, [step.y])
            blocks.append(owner[step.y])
    return blocks, inplace


def _check(blocks: list[Block]) -> None:
    """No two blocks that live at the same time share a byte (AssertionError: our bug)."""
    for i, a in enumerate(blocks):
        for b in blocks[:i]:
            apart = a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
            assert apart or not a.meets(b), f"{a.key} and {b.key} overlap"


def _top(blocks: list[Block], offsets: dict) -> int:
    return _align(max((offsets[b.key] + b.bytes for b in blocks), default=0))


def _search(blocks: list[Block], floor: int) -> dict:
    """Offsets by the best of three greedy orders, then by swapping two places in that order (fixed seed) down to `floor`."""
    orders = (
        lambda b: (-b.bytes, b.first),
        lambda b: (-(b.last - b.first), -b.bytes),
        lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
    )
    neighbours = {b.key: [o for o in blocks if o is not b and o.meets(b)] for b in blocks}
    candidates = [sorted(blocks, key=order) for order in orders]
    order = min(candidates, key=lambda c: _top(blocks, _place(c, neighbours)))
    best = _place(order, neighbours)
    top = _top(blocks, best)
    pick = random.Random(0)
    for _ in range(_SEARCH_STEPS * 30 // max(30, len(blocks)) if len(blocks) > 1 else 0):
        if top <= floor:
            break
        i, j = pick.sample(range(len(order)), 2)
        trial = list(order)
        trial[i], trial[j] = trial[j], trial[i]
        offsets = _place(trial, neighbours)
        new_top = _top(blocks, offsets)
        if new_top <= top:  # sideways steps too: they lead out of corners
            order, best, top = trial, offsets, new_top
    return best


def _place(blocks: list[Block], neighbours: dict) -> dict:
    """The lowest free address for each block in turn. `neighbours`: per block those that live when it does."""
    offsets: dict = {}
    for block in blocks:
        at = 0
        taken = sorted((offsets[o.key], o.bytes) for o in neighbours[block.key] if o.key in offsets)
        for start, size in taken:
            if at + block.bytes <= start:
                break
            at = max(at, _align(start + size))
        offsets[block.key] = at
    return offsets
