"""Where every buffer lies in the arena, and which form each step takes: lifetimes by bytes, outputs over inputs.

A buffer occupies, while a step runs, only the bytes that are written by then and still to be read. Two buffers may share
addresses as long as those never meet; an op's output may lie over its input as far as the op's order allows
(overlap.py). For every two buffers that follows in an interval of differences of their offsets that are forbidden.
Placement is TFLM's greedy one (greedy_memory_planner.h) on such intervals: one buffer after the other at the lowest
address that is allowed; the order is searched. Scratch goes into the largest gap that a step finds, and each step takes
the fastest of its options that fits there.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from ..assembler.targets import TARGETS
from ..errors import ToolError
from ..ops.core import Program, Step
from . import overlap, stripes
from .overlap import NEVER, PLANE, Lag

ALIGNMENT = 4  # kernels may read whole words
PREFER = ("balanced", "speed", "ram")
_GIVE_BACK, _GIVE_BACK_STRIPED = 64, 24  # the last bytes cost the most time: one in so many goes back to speed
_CALL_CYCLES = 5000  # of a kernel from the interpreter, and of what its driver does once
_POLISH_STEPS = 150
_SEARCH_STEPS = 1200  # changes of the order that are tried; about a second for a network of 30 ops


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


@dataclass(frozen=True)
class Choice:
    """An option of a step. lags: per buffer of sources(step), how y may lie to it."""

    scratch_bytes: int
    words: tuple[tuple[int, int], ...]
    lags: tuple[Lag, ...]
    cycles: float


def plan(program: Program, prefer: str = "ram", limit: int | None = None, give_back: int = _GIVE_BACK) -> Plan:
    """The memory plan of `program`.

    prefer "ram": the smallest arena found and 1/64 more, with the fastest options that fit there. "speed": the fastest options, then the
    smallest arena found for them. "balanced": the fastest options found whose arena is at most `limit` bytes; the
    smallest arena where that cannot be reached.
    """
    search = _Search(program, fastest=prefer == "speed")
    if prefer == "balanced" and limit is not None:
        found = search.run(limit)
        if found.arena_bytes <= limit:
            return found
    found = search.run(None)
    if prefer == "speed":
        return found
    return search.run(found.arena_bytes + found.arena_bytes // give_back)


def make(program: Program, prefer: str = "balanced", limit: int | None = None, ram: int | None = None,
         striped: bool = True) -> Plan:  # fmt: skip
    """plan(), and where `ram` is given no more than so many bytes of arena. ToolError: how far it is, what holds the peak.

    `striped`: the smallest arena, and a budget that is not met otherwise, may compute a chain of ops in stripes.
    """
    if ram is not None and prefer != "ram":
        found = _Search(program).run(ram)
        if found.arena_bytes <= ram:
            return found
    elif prefer != "ram":
        return plan(program, prefer, limit)
    whole = plan(program, "ram")
    found = _striped(program, whole, ram if prefer != "ram" else None) if striped else whole
    if ram is not None and found.arena_bytes > ram:
        found = min(found, _Search(program).run(None), key=lambda p: p.arena_bytes)
        if found.arena_bytes > ram:
            raise over_budget(found, ram)
    return found


# A stripe's record and what the board keeps of it, 160 and about 100 bytes, have to be worth it.
_RECORD_BYTES = 260
_TRIED_CHAINS = 3
_STRIPES = (2, 3, 4, 5, 6, 8, 12, 16, 24)
_TRIAL_STEPS = 200


def _striped(program: Program, whole: Plan, budget: int | None) -> Plan:
    """The best plan found with one chain of ops in stripes of about equal height, or `whole` if that is no worse: the one
    of the fewest records within `budget`; without a budget the one of the smallest arena, its records included."""
    needs = _Search(program).needs()
    peak = max(range(len(needs)), key=lambda i: needs[i], default=None)
    if peak is None:
        return whole
    ranked = []
    for first, last in stripes.chains(program, peak):
        rows = stripes.rows(program, last)
        finest = _Search(stripes.split(program, first, last, list(range(1, rows + 1)))).needs()
        ranked.append((max(finest), last - first, first, last))

    def cost(found: Plan) -> tuple:
        size = found.arena_bytes + _RECORD_BYTES * len(found.program.steps)
        return (
            (max(0, found.arena_bytes - budget), len(found.program.steps), found.cycles)
            if budget is not None
            else (size,)
        )

    best, best_program = whole, program
    for least, _, first, last in sorted(ranked)[:_TRIED_CHAINS]:
        if least >= best.arena_bytes or budget is not None and least > budget:
            break
        rows, worse, of_chain = stripes.rows(program, last), 0, None
        for count in _STRIPES:
            ends = sorted({-(-rows * n // count) for n in range(1, count + 1)})
            if len(ends) < count or worse > 1:
                break
            trial = stripes.split(program, first, last, ends)
            found = _Search(trial).run(budget, _TRIAL_STEPS)
            worse = worse + 1 if of_chain is not None and cost(found) >= of_chain else 0
            of_chain = min(cost(found), of_chain or cost(found))
            if cost(found) < cost(best):
                best, best_program = found, trial
            if budget is not None and found.arena_bytes <= budget:
                break
    if best is whole:
        return whole
    if budget is not None:
        return min(best, _Search(best_program).run(budget), key=cost)
    return plan(best_program, "ram", give_back=_GIVE_BACK_STRIPED)


def over_budget(found: Plan, budget: int) -> ToolError:
    """The refusal of a budget, with the steps of `found` (the smallest plan) that need more."""
    lines = []
    for i, step in enumerate(found.program.steps):
        taken = _union(found, i)
        top = max((high for _, high in taken), default=0)
        if top > budget:
            held = ", ".join(f"{s.high - s.low:,} of '{s.buffer.partition(';')[0]}'" for s in found.spans[i])
            over = sum(s.high - s.low for s in found.spans[i]) + step.scratch_bytes - sum(h - low for low, h in taken)
            lines.append((top, f"{top:,}: {step.kernel} '{step.name.partition(';')[0]}', {held}, {step.scratch_bytes:,} scratch"
                               + (f", {over:,} of them over each other" if over else "")))  # fmt: skip
    lines.sort(key=lambda line: -line[0])
    shown = [text for _, text in lines[:5]] + ([f"and {len(lines) - 5} more"] if len(lines) > 5 else [])
    short = found.arena_bytes - budget
    return ToolError(
        f"no plan within {budget:,} bytes",
        f"the smallest arena found is {found.arena_bytes:,} bytes, {short:,} too many; what holds the peak:\n  "
        + "\n  ".join(shown),
        f"give --ram {found.arena_bytes}, or make the tensors of these ops smaller (fewer rows, columns or channels)",
    )


def _union(found: Plan, i: int) -> list[tuple[int, int]]:
    """The pieces [low, high) of the arena that hold something while step i runs."""
    pieces = [(found.offsets[s.buffer] + s.low, found.offsets[s.buffer] + s.high) for s in found.spans[i]]
    if i in found.scratch:
        pieces.append((found.scratch[i], found.scratch[i] + found.program.steps[i].scratch_bytes))
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pieces):
        if merged and low <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return merged


def sources(step: Step) -> tuple[str, ...]:
    """The buffers that a step reads, each once."""
    return tuple(dict.fromkeys(step.reads))


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
    cycles_of = getattr(TARGETS.get(target), "cycles", None)
    options = step.options or ((step.scratch_bytes, {}),)
    for rank, (size, words) in enumerate(options):
        variants = [(max(size, step.scratch_bytes), dict(words))]
        record = _record(step, words)
        if _whole_planes(step.kernel, record, target):
            variants.append((max(variants[0][0], record[9] * record[10]), {**words, PLANE: 1}))
        for scratch, words_ in variants:
            record = _record(step, words_)
            lags = tuple(_lag(step, id, record, target) for id in sources(step))
            cycles = cycles_of(step.kernel, record) if cycles_of and record[30] else None
            if cycles is None:
                cycles = step.macs * (8 + rank / len(options))
            if dict(words_).get(PLANE):
                cycles *= 1.01  # in viper about a third, in the fast forms nothing
            choice = Choice(scratch, tuple(sorted(words_.items())), lags, cycles + _CALL_CYCLES)
            if not any(_beats(other, choice) for other in kept):
                kept.append(choice)
    return tuple(kept)


def _record(step: Step, words) -> list[int]:
    return [{**step.words, **words}.get(i, 0) for i in range(40)]


def _whole_planes(kernel: str, words: list[int], target: str) -> bool:
    """Whether this depthwise record can run channel by channel, each channel's input in scratch before it is written."""
    if kernel != "depthwise_conv_2d" or words[29] != 1 or words[8] != 1:
        return False
    if not words[30]:
        return True
    access = getattr(TARGETS.get(target), "access", None)
    order = access(kernel, words) if access else None
    return order is not None and order[1] >= words[12] and order[2] >= words[13]


def _lag(step: Step, id: str, record: list[int], target: str) -> Lag:
    if id == step.x and id != step.x2 or step.kernel in ("add", "mul"):
        return overlap.lag(step.kernel, record, target, id in step.inplace, step.cut is not None)
    return overlap.SAME_PLACE if id in step.inplace else overlap.DISJOINT


def _start(step: Step, id: str) -> int:
    """Where in the buffer the kernel's input starts."""
    return step.x_at if id == step.x else step.x2_at


def _beats(a: Choice, b: Choice) -> bool:
    """Whether a, listed earlier and so as fast, needs no more scratch than b and allows whatever b allows."""
    return a.scratch_bytes <= b.scratch_bytes and all(
        x.any <= y.any
        and (not y.step or x.step and y.step % x.step == 0 and x.stepped <= y.stepped or y.stepped >= x.any)
        for x, y in zip(a.lags, b.lags)
    )


def _align(n: int) -> int:
    return -(-n // ALIGNMENT) * ALIGNMENT


# ---- what is alive when


def lifetimes(program: Program) -> dict[str, tuple[int, int]]:
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


def _occupied(program: Program, lives: dict[str, tuple[int, int]]) -> dict[str, list[tuple[int, int]]]:
    """Per buffer, for each step of its life, the bytes [low, high) that are written by the end of the step and needed
    from its start."""
    count = len(program.steps)
    reads: dict[str, dict[int, int]] = {id: {} for id in lives}
    writes: dict[str, dict[int, int]] = {id: {} for id in lives}
    for i, step in enumerate(program.steps):
        for id in step.reads:
            reads[id][i] = min(reads[id].get(i, NEVER), _start(step, id) if step.x_bytes is not None else 0)
        writes[step.y][i] = program.buffers[step.y].bytes if step.y_bytes is None else step.y_at + step.y_bytes
    for id in (*(program.place[id] for id in program.graph.outputs), *program.variables):
        reads[id][count] = 0
    for id in program.graph.inputs:  # all of them are written before the first step, those that nothing reads as well
        reads[program.place[id]][-1] = 0
    occupied = {}
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
        occupied[id] = list(zip(lows[::-1], highs))
    return occupied


# ---- the search


class _Pair:
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


class _Search:
    """Orders of placement for one program. Buffers have numbers; step i has active[i + 1]."""

    def __init__(self, program: Program, fastest: bool = False):
        self.program = program
        self.lives = lifetimes(program)
        self.occupied = _occupied(program, self.lives)
        self.ids = list(self.lives)
        number = {id: k for k, id in enumerate(self.ids)}
        self.choices = [choices(step, program.target)[: 1 if fastest else None] for step in program.steps]
        self.active = [
            [(k, *self.occupied[id][i - self.lives[id][0]])
             for k, id in enumerate(self.ids) if self.lives[id][0] <= i <= self.lives[id][1]]
            for i in range(-1, len(program.steps) + 1)
        ]  # fmt: skip
        self.sources = [[(number[id], _start(step, id)) for id in sources(step)] for step in program.steps]
        self.target = [(number[step.y], step.y_at) for step in program.steps]
        self.neighbours: list[list[tuple[int, _Pair]]] = []
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
                for (k, x_start), lag in zip(self.sources[i], choice.lags):
                    distance = min(lag.any, max(lag.stepped, 0)) + y_start - x_start  # from buffer to buffer
                    gap = low_of[k] + distance - low_of[y]  # from the start of what is alive of y to that of x
                    together = max(gap + size[k], size[y]) - min(gap, 0)
                    saved = max(saved, size[k] + size[y] - max(together, size[k], size[y]))
                best = min(best, rest - saved + choice.scratch_bytes)
            found.append(best)
        return found

    def _pairs(self) -> list[_Pair]:
        pairs: dict[tuple[int, int], _Pair] = {}
        for i, active in enumerate(self.active, -1):
            inside = 0 <= i < len(self.program.steps)
            y = self.target[i][0] if inside else None
            sources = [k for k, _ in self.sources[i]] if inside else ()
            for p, one in enumerate(active):
                for other in active[:p]:
                    a, b = sorted((one, other))
                    pair = pairs.setdefault((a[0], b[0]), _Pair(a[0], b[0]))
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

    def _source(self, pair: _Pair, i: int, x: tuple[int, int, int], y: tuple[int, int, int]) -> None:
        """What step i demands of its input x and its output y, each (buffer, low, high)."""
        k = [k for k, _ in self.sources[i]].index(x[0])
        shift = self.sources[i][k][1] - self.target[i][1]
        lags = [choice.lags[k] for choice in self.choices[i]]
        distance = min(lag.any for lag in lags) - shift
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
            for lag in lags:
                exception = (lag.step, x[0] == pair.a, shift, lag.stepped)
                if lag.step and exception not in pair.exceptions:
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
                        at, again = _align(free), True
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
                at = max(at, _align(high))
            least = max(least, at)
            if 0 <= i < len(self.choices):
                widest = max(gaps, key=lambda gap: gap[1], default=(0, 0))
                possible = self._possible(i, offsets)
                frames.append((possible, widest, at))
        for i, (possible, widest, top) in enumerate(frames):
            needed = min(
                (top if c.scratch_bytes <= widest[1] else top + _align(c.scratch_bytes) for c in possible),
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
                    arena = max(arena, top, at + _align(c.scratch_bytes) if c.scratch_bytes else 0)
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
        return tuple(c for c in self.choices[i] if all(c.lags[n].allows(distance) for n, distance in met))

    def run(self, limit: int | None, steps: int = _SEARCH_STEPS) -> Plan:
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
            (_align(max((high - low for _, low, high in active), default=0)) for active in self.active), default=0
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
                (sum(_align(self.program.buffers[self.ids[k]].bytes) for k, _, _ in self.active[i + 1])
                 + _align(step.scratch_bytes) for i, step in enumerate(steps)),
                default=sum(_align(b.bytes) for b in program.buffers.values()),
            ),
            unshared_bytes=sum(_align(b.bytes) for b in program.buffers.values())
            + sum(_align(step.scratch_bytes) for step in steps),
            inplace=sum(self._over(i, offsets) for i in range(len(steps))),
            lifetimes=self.lives,
            spans=spans,
            cycles=cycles,
        )  # fmt: skip
        _check(found)
        return found

    def _over(self, i: int, offsets: list[int]) -> bool:
        """Whether step i writes over what it reads."""
        at = {k: (offsets[k] + low, offsets[k] + high) for k, low, high in self.active[i + 1]}
        y = at[self.target[i][0]]
        return any(at[k][0] < y[1] and y[0] < at[k][1] for k, _ in self.sources[i])


def _check(found: Plan) -> None:
    """AssertionError (our bug) where bytes meet that may not: of all that is alive while a step runs only its output and
    its inputs may, as far as the step's Lag allows; its scratch meets nothing."""
    program = found.program
    for i, step in enumerate(program.steps):
        record = _record(step, {})
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
                distance = found.offsets[x.buffer] + _start(step, x.buffer) - found.offsets[y.buffer] - step.y_at
                assert _lag(step, x.buffer, record, program.target).allows(distance), (
                    f"{step.name}: distance {distance}"
                )
