"""The memory plan of a program: the smallest arena, the fastest options, or as fast as a budget allows; in stripes where
that is smaller."""

from __future__ import annotations

from ..errors import ToolError
from ..ops.core import Program
from . import stripes
from .arena import Plan
from .search import Search

# The last bytes cost the most time: 1/64 of the arena may be spent on speed, of one in stripes 1/24.
_GIVE_BACK, _GIVE_BACK_STRIPED = 64, 24


def plan(program: Program, prefer: str = "ram", limit: int | None = None, give_back: int = _GIVE_BACK) -> Plan:
    """The memory plan of `program`.

    prefer "ram": the smallest arena found and 1/64 more, with the fastest options that fit there. "speed": the fastest options, then the
    smallest arena found for them. "balanced": the fastest options found whose arena is at most `limit` bytes; the
    smallest arena where that cannot be reached.
    """
    search = Search(program, fastest=prefer == "speed")
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
        found = Search(program).run(ram)
        if found.arena_bytes <= ram:
            return found
    elif prefer != "ram":
        return plan(program, prefer, limit)
    whole = plan(program, "ram")
    found = _striped(program, whole, ram if prefer != "ram" else None) if striped else whole
    if ram is not None and found.arena_bytes > ram:
        found = min(found, Search(program).run(None), key=lambda p: p.arena_bytes)
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
    needs = Search(program).needs()
    peak = max(range(len(needs)), key=lambda i: needs[i], default=None)
    if peak is None:
        return whole
    ranked = []
    for first, last in stripes.chains(program, peak):
        rows = stripes.rows(program, last)
        finest = Search(stripes.split(program, first, last, list(range(1, rows + 1)))).needs()
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
            found = Search(trial).run(budget, _TRIAL_STEPS)
            worse = worse + 1 if of_chain is not None and cost(found) >= of_chain else 0
            of_chain = min(cost(found), of_chain or cost(found))
            if cost(found) < cost(best):
                best, best_program = found, trial
            if budget is not None and found.arena_bytes <= budget:
                break
    if best is whole:
        return whole
    if budget is not None:
        return min(best, Search(best_program).run(budget), key=cost)
    return plan(best_program, "ram", give_back=_GIVE_BACK_STRIPED)


def over_budget(found: Plan, budget: int) -> ToolError:
    """The refusal of a budget, with the steps of `found` (the smallest plan) that need more."""
    lines = []
    for i, step in enumerate(found.program.steps):
        taken = found.held(i)
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
