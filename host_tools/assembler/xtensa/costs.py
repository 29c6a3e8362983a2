"""The cycles of every line of an Xtensa kernel, which the writer puts after it.

A figure is what the line takes on an LX6 or LX7 with seven stages and memory that never waits, with the waiting for
its own result: 1, and for a load 2 more where the next instruction reads what it loads, 1 more where only the one
after does; for MULL, MULSH and RSR 1 more where the next instruction reads it. A branch is 1, 4 where it is taken, a
jump 4, LOOP 1 and nothing where it turns back. Of a loop's body the figures are those of the turns after the first.

Estimates: no data book of the LX6 is public. Loads are two stages late as in Cadence's description of that pipeline, a
counter and a branch taken are 5 cycles as measured by others on an ESP32, the rest is what gcc's xtensa.md schedules
by. Executed instructions are counted, in tests/xtensa.
"""

from __future__ import annotations

from .isa import BRANCHES, BRANCHES_BIT, BRANCHES_ZERO, LOADS, LOOPS, STORES

_LATE: dict[str, int] = dict.fromkeys(("mull", "mulsh", "muluh", "mul16s", "mul16u"), 1)
_COMPARED = dict.fromkeys(BRANCHES, 2) | dict.fromkeys((*BRANCHES_BIT, *BRANCHES_ZERO), 1)  # registers


def _uses(op: str, args: tuple) -> tuple[list, dict]:
    """(what an instruction reads, what it writes: how many instructions too late for the next)."""
    names = [a for a in args if isinstance(a, str)]
    if op in LOADS:
        return [args[1]], {args[0]: 2}
    if op in STORES:
        return names, {}
    if op in _COMPARED:
        return names[: _COMPARED[op]], {}
    if op in LOOPS:
        return names[:1], {}
    if op in ("ldinc", "lddec"):
        return [args[1]], {args[0]: 2, args[1]: 0}
    if op.endswith(("_ldinc", "_lddec")):
        return names[1:], {args[0]: 2, args[1]: 0}
    if op.startswith(("mula_", "wsr_")) or op in ("ssr", "ssl"):
        return names, {}
    if op in ("j", "nop", "ssai"):
        return [], {}
    if op.startswith("rsr_"):
        return [], {args[0]: 1}
    return names[1:], {args[0]: _LATE.get(op, 0)}


def figures(listed: list[tuple[str, tuple]]) -> list[str]:
    """Of each (operation, operands) of a function its figure; "" of labels and comments ("label", "#")."""
    lines = [(i, op, args) for i, (op, args) in enumerate(listed) if op != "#"]
    labels = {args[0]: k for k, (_, op, args) in enumerate(lines) if op == "label"}
    waits = _waits(lines)
    for k, (_, op, args) in enumerate(lines):
        if op in LOOPS:
            body = lines[k + 1 : labels[args[1]]]
            waits.update(_waits(body + body, len(body)))
    found = [""] * len(listed)
    for i, op, _ in lines:
        if op != "label":
            found[i] = "1-4" if op in _COMPARED else "4" if op == "j" else str(1 + waits[i])
    return found


def _waits(lines: list, counted: int | None = None) -> dict[int, int]:
    """Line -> how long others wait for its result, instructions in order; of the first `counted` alone, if given."""
    now, ready, source, found = 0, {}, {}, {}
    for k, (line, op, args) in enumerate(lines):
        if op == "label":
            continue
        if counted is None or k < counted:
            found[line] = 0
        reads, writes = _uses(op, args)
        last = max(reads, key=lambda r: ready.get(r, 0), default=None)
        wait = max(0, ready.get(last, 0) - now)
        if wait and (counted is None or source[last][1] < counted):
            found[source[last][0]] += wait
        now += wait + 1
        for register, late in writes.items():
            ready[register], source[register] = now + late, (line, k)
    return found
