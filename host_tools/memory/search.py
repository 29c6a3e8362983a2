"""The search for offsets: buffers are placed one after the other, in orders that are tried.

A buffer occupies, while a step runs, only the bytes that are written by then and still to be read. Two buffers may share
addresses as long as those never meet; an op's output may lie over its input as far as the op's order allows
(overlap.py). For every two buffers that follows in an interval of differences of their offsets that are forbidden.
Placement is TFLM's greedy one (greedy_memory_planner.h) on such intervals: one buffer after the other at the lowest
address that is allowed; the order is searched. Scratch goes into the largest gap that a step finds, and each step takes
the fastest of its options that fits there.
"""

from __future__ import annotations

import random
from dataclasses import replace

from ..ops.core import Program
from .arena import ALIGNMENT, Plan, Span, align, check
from .choices import Choice, choices, sources, start_of
from .lifetimes import lifetimes, occupied
from .overlap import NEVER

_POLISH_STEPS = 150
SEARCH_STEPS = 1200  # changes of the order that are tried; about a second for a network of 30 ops


class Pair:
    """Two buffers that meet. b may lie at least `up` bytes above a (from start to start), or at least `down` below it, or
    where an exception (step, x is a, shift, least) holds: offset(x) - offset(y) + shift a multiple of step, >= least."""

    __slots__ = ("a", "b", "up", "down", "exceptions", "meetings")

    def __init__(self, a: int, b: int):
        self.a, self.b, self.up, self.down, self.exceptions, self.meetings = a, b, -NEVER, -NEVER, [], 0

    def below(self, lower: int, distance: int) -> None:
        """`lower` has to keep this distance where it is the lower one."""
        if lower == self.b:
            self.down = max(self.down, distance)
        else:
            self.up = max(self.up, distance)

    def next_free(self, placed: int, offset: int, at: int) -> int:
        """The lowest offset >= at for the other buffer, where `placed` lies at `offset`."""
        up, down = (self.up, self.down) if placed == self.a else (self.down, self.up)
        d = at - offset
        if d >= up or -d >= down:
            return at
        best = offset + up
        for step, x_is_a, shift, least in self.exceptions:
            # distance = offset(x) - offset(y) + shift; it falls with `at` where the other buffer is y
            other_is_x = (placed == self.a) != x_is_a
            distance = d + shift if other_is_x else shift - d
            if other_is_x:
                distance = max(distance, least)
                distance += -distance % step
                found = offset + distance - shift
            else:
                distance -= distance % step
                if distance < least:
                    continue
                found = offset + shift - distance
            best = min(best, found)
        return best


class Search:
    """Orders of placement for one program. Buffers have numbers; step i has active[i + 1]."""

    def __init__(self, program: Program, fastest: bool = False):
        self.program = program
        self.lives = lifetimes(program)
        self.occupied = occupied(program, self.lives)
        self.ids = list(self.lives)
        number = {id: k for k, id in enumerate(self.ids)}
        self.choices = [choices(step, program.target)[: 1 if fastest else None] for step in program.steps]
        self.active = [
            [(k, *self.occupied[id][i - self.lives[id][0]])
             for k, id in enumerate(self.ids) if self.lives[id][0] <= i <= self.lives[id][1]]
            for i in range(-1, len(program.steps) + 1)
        ]  # fmt: skip
        self.sources = [[(number[id], start_of(step, id)) for id in sources(step)] for step in program.steps]
        self.target = [(number[step.y], step.y_at) for step in program.steps]
        self.neighbours: list[list[tuple[int, Pair]]] = []
        self.tightest = 0  # the step that needs most, where buffers lay at the last settle()

    def needs(self) -> list[int]:
        """Per step the bytes that it takes at least: all that is alive, its output as far over its input as it may be, and
        the scratch of the option that then takes least."""
        found = []
        for i in range(len(self.program.steps)):
            size = {k: high - low for k, low, high in self.active[i + 1]}
            low_of = {k: low for k, low, _ in self.active[i + 1]}
            y, y_start = self.target[i]
            rest = sum(size.values())
            best = NEVER
            for choice in self.choices[i]:
                saved = 0
                for (k, x_start), allowed in zip(self.sources[i], choice.distances):
                    distance = min(allowed.any, max(allowed.stepped, 0)) + y_start - x_start  # from buffer to buffer
                    gap = low_of[k] + distance - low_of[y]  # from the start of what is alive of y to that of x
                    together = max(gap + size[k], size[y]) - min(gap, 0)
                    saved = max(saved, size[k] + size[y] - max(together, size[k], size[y]))
                best = min(best, rest - saved + choice.scratch_bytes)
            found.append(best)
        return found

    def _pairs(self) -> list[Pair]:
        pairs: dict[tuple[int, int], Pair] = {}
        for i, active in enumerate(self.active, -1):
            inside = 0 <= i < len(self.program.steps)
            y = self.target[i][0] if inside else None
            sources = [k for k, _ in self.sources[i]] if inside else ()
            for p, one in enumerate(active):
                for other in active[:p]:
                    a, b = sorted((one, other))
                    pair = pairs.setdefault((a[0], b[0]), Pair(a[0], b[0]))
                    pair.meetings += 1
                    if a[1] >= a[2] or b[1] >= b[2]:  # between two stripes: nothing of it is alive
                        continue
                    if y == a[0] and b[0] in sources:
                        self._source(pair, i, b, a)
                    elif y == b[0] and a[0] in sources:
                        self._source(pair, i, a, b)
                    else:
                        pair.below(b[0], b[2] - a[1])
                        pair.below(a[0], a[2] - b[1])
        for pair in pairs.values():
            if pair.meetings > 1:
                pair.exceptions = []
        return list(pairs.values())

    def _source(self, pair: Pair, i: int, x: tuple[int, int, int], y: tuple[int, int, int]) -> None:
        """What step i demands of its input x and its output y, each (buffer, low, high)."""
        k = [k for k, _ in self.sources[i]].index(x[0])
        shift = self.sources[i][k][1] - self.target[i][1]
        allowed = [choice.distances[k] for choice in self.choices[i]]
        distance = min(one.any for one in allowed) - shift
        first, last = self.lives[self.ids[x[0]]]
        if i < last:  # what is read again later stays
            distance = max(distance, y[2] - self.occupied[self.ids[x[0]]][i + 1 - first][0])
        born = self.lives[self.ids[y[0]]][0]
        if born < i:
            low, high = self.occupied[self.ids[y[0]]][i - 1 - born]
            if high > low:
                distance = max(distance, high - x[1])
        pair.below(y[0], min(distance, y[2] - x[1]))
        pair.below(x[0], x[2] - y[1])
        if i == last and born == i:
            for one in allowed:
                exception = (one.step, x[0] == pair.a, shift, one.stepped)
                if one.step and exception not in pair.exceptions:
                    pair.exceptions.append(exception)

    def _meet(self) -> None:
        self.neighbours = [[] for _ in self.ids]
        for pair in self._pairs():
            self.neighbours[pair.a].append((pair.b, pair))
            self.neighbours[pair.b].append((pair.a, pair))

    def place(self, order: list[int]) -> list[int]:
        """Offsets: each buffer of `order` in turn at the lowest address that those before it allow."""
        offsets = [-1] * len(self.ids)
        for k in order:
            at, again = 0, True
            placed = [(pair, n, offsets[n]) for n, pair in self.neighbours[k] if offsets[n] >= 0]
            while again:
                again = False
                for pair, n, offset in placed:
                    free = pair.next_free(n, offset, at)
                    if free > at:
                        at, again = align(free), True
            offsets[k] = at
        return offsets

    def settle(self, offsets: list[int], limit: int | None) -> tuple[int, float, list[tuple[Choice, int]]]:
        """(arena bytes, cycles, per step its choice and the offset of its scratch) for buffers that lie at `offsets`.

        With a limit, each step takes the fastest choice that stays within it; without, the arena is the smallest that
        these offsets allow.
        """
        frames, least = [], 0
        for i, active in enumerate(self.active, -1):
            taken = sorted((offsets[k] + low, offsets[k] + high) for k, low, high in active if high > low)
            gaps, at = [], 0
            for low, high in taken:
                if low - at >= ALIGNMENT:
                    gaps.append((at, low - at))
                at = max(at, align(high))
            least = max(least, at)
            if 0 <= i < len(self.choices):
                widest = max(gaps, key=lambda gap: gap[1], default=(0, 0))
                possible = self._possible(i, offsets)
                frames.append((possible, widest, at))
        for i, (possible, widest, top) in enumerate(frames):
            needed = min(
                (top if c.scratch_bytes <= widest[1] else top + align(c.scratch_bytes) for c in possible),
                default=NEVER,
            )
            if needed >= least:
                least, self.tightest = needed, i
        room = least if limit is None else max(limit, least)
        taken, cycles, arena = [], 0.0, 0
        for possible, widest, top in frames:
            for c in possible:
                at = widest[0] if c.scratch_bytes <= widest[1] else top
                if at + c.scratch_bytes <= room:
                    taken.append((c, at))
                    cycles += c.cycles
                    arena = max(arena, top, at + align(c.scratch_bytes) if c.scratch_bytes else 0)
                    break
        return max(arena, least), cycles, taken

    def _possible(self, i: int, offsets: list[int]) -> tuple[Choice, ...]:
        """The choices of step i that may run where its buffers lie."""
        y, y_start = self.target[i]
        span = {k: (offsets[k] + low, offsets[k] + high) for k, low, high in self.active[i + 1]}
        met = [  # (source, distance) where the two are not apart
            (n, offsets[k] + x_start - offsets[y] - y_start)
            for n, (k, x_start) in enumerate(self.sources[i])
            if span[y][1] > span[k][0] and span[k][1] > span[y][0]
        ]
        if not met:
            return self.choices[i]
        return tuple(c for c in self.choices[i] if all(c.distances[n].allows(distance) for n, distance in met))

    def run(self, limit: int | None, steps: int = SEARCH_STEPS) -> Plan:
        """The best plan found: the smallest arena, then the fewest cycles; with a limit the fewest cycles within it."""

        if not self.neighbours:
            self._meet()

        def value(offsets):
            arena, cycles, _ = self.settle(offsets, limit)
            return (arena, cycles, arena) if limit is None else (max(0, arena - limit), cycles, arena)

        sizes = [self.program.buffers[id].bytes for id in self.ids]
        lives = [self.lives[id] for id in self.ids]
        starts = [
            sorted(range(len(self.ids)), key=key)
            for key in (
                lambda k: (-sizes[k], lives[k]),
                lambda k: (lives[k][0] - lives[k][1], -sizes[k]),
                lambda k: (-sizes[k] * (lives[k][1] - lives[k][0] + 1), lives[k]),
                lambda k: lives[k],
                lambda k: (-lives[k][1], -lives[k][0]),
            )
        ]
        best, order, offsets = min((value(self.place(o)), o, self.place(o)) for o in starts)
        value(offsets)
        tight = self.tightest
        goal = (0 if limit is not None else self._floor(), sum(min(c.cycles for c in cs) for cs in self.choices))
        pick, everything = random.Random(0), range(len(order))
        left = steps * 30 // max(30, len(order)) if len(order) > 1 else 0
        while left > 0:
            left -= 1
            if best[:2] <= goal:
                if limit is None:
                    break
                left = min(left, _POLISH_STEPS)  # nothing is faster: a little for the size
                goal = (-1, 0)
            trial = list(order)
            # Mostly a buffer that is alive where the arena is widest, or just before or after.
            near = (
                {k for active in self.active[tight : tight + 3] for k, _, _ in active}
                if pick.random() < 0.7
                else everything
            )
            i, j = trial.index(pick.choice(sorted(near))), pick.randrange(len(order))
            if pick.random() < 0.5:
                trial[i], trial[j] = trial[j], trial[i]
            else:
                trial.insert(j, trial.pop(i))
            placed = self.place(trial)
            found = value(placed)
            if found <= best:  # sideways steps too: they lead out of corners
                best, order, offsets, tight = found, trial, placed, self.tightest
        return self._plan(offsets, limit)

    def _floor(self) -> int:
        """No plan is smaller: what is alive at the widest step, where outputs take no more than their inputs leave."""
        return max(
            (align(max((high - low for _, low, high in active), default=0)) for active in self.active), default=0
        )

    def _plan(self, offsets: list[int], limit: int | None) -> Plan:
        arena, cycles, taken = self.settle(offsets, limit)
        program = self.program
        steps = tuple(
            replace(step, scratch_bytes=choice.scratch_bytes, words={**step.words, **dict(choice.words)}, options=())
            for step, (choice, _) in zip(program.steps, taken)
        )
        spans = tuple(
            tuple(Span(self.ids[k], low, high, k == self.target[i][0]) for k, low, high in self.active[i + 1])
            for i in range(len(steps))
        )
        found = Plan(
            program=replace(program, steps=steps),
            offsets={id: offsets[k] for k, id in enumerate(self.ids)},
            scratch={i: at for i, (choice, at) in enumerate(taken) if choice.scratch_bytes},
            arena_bytes=arena,
            floor_bytes=max(
                (sum(align(self.program.buffers[self.ids[k]].bytes) for k, _, _ in self.active[i + 1])
                 + align(step.scratch_bytes) for i, step in enumerate(steps)),
                default=sum(align(b.bytes) for b in program.buffers.values()),
            ),
            unshared_bytes=sum(align(b.bytes) for b in program.buffers.values())
            + sum(align(step.scratch_bytes) for step in steps),
            inplace=sum(self._over(i, offsets) for i in range(len(steps))),
            lifetimes=self.lives,
            spans=spans,
            cycles=cycles,
        )  # fmt: skip
        check(found)
        return found

    def _over(self, i: int, offsets: list[int]) -> bool:
        """Whether step i writes over what it reads."""
        at = {k: (offsets[k] + low, offsets[k] + high) for k, low, high in self.active[i + 1]}
        y = at[self.target[i][0]]
        return any(at[k][0] < y[1] and y[0] < at[k][1] for k, _ in self.sources[i])
