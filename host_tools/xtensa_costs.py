"""Cycles beside every line of the Xtensa kernels: python -m host_tools.xtensa_costs [--check]

A figure is what the line takes on an LX6 or LX7 with seven stages and memory that never waits, with the waiting for its own
result: 1, and for a load 2 more where the next instruction reads what it loads, 1 more where only the one after does; for
MULL, MULSH and RSR 1 more where the next instruction reads it. A branch is 1, 4 where it is taken, a jump 4, LOOP 1 and
nothing where it turns back. Of a loop's body the figures are those of the turns after the first.

Estimates: no data book of the LX6 is public. Loads are two stages late as in Cadence's description of that pipeline, a
counter and a branch taken are 5 cycles as measured by others on an ESP32, the rest is what gcc's xtensa.md schedules by.
Executed instructions are counted, in tests/xtensa.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from .xtensa_assembler import functions

FOLDER = Path(__file__).resolve().parents[1] / "device" / "fxnn"
_COLUMN = 44
_LOADS = ("l8ui", "l16ui", "l16si", "l32i")
_STORES = ("s8i", "s16i", "s32i")
_BRANCHES = {"beq": 2, "bne": 2, "blt": 2, "bge": 2, "bltu": 2, "bgeu": 2, "bbci": 1, "bbsi": 1, "beqz": 1, "bnez": 1, "bltz": 1, "bgez": 1}
_LOOPS = ("loop", "loopnez", "loopgtz")
_LATE = {"mull": 1, "mulsh": 1, "muluh": 1, "mul16s": 1, "mul16u": 1}


def _uses(op: str, args: list) -> tuple[list, dict]:
    """(what an instruction reads, what it writes: how many instructions too late for the next)."""
    names = [a for a in args if isinstance(a, str)]
    if op in _LOADS:
        return [args[1]], {args[0]: 2}
    if op in _STORES:
        return names, {}
    if op in _BRANCHES:
        return names[: _BRANCHES[op]], {}
    if op in _LOOPS:
        return names[:1], {}
    if op in ("ldinc", "lddec"):
        return [args[1]], {args[0]: 2, args[1]: 0}
    if op.endswith(("_ldinc", "_lddec")):
        return names[1:], {args[0]: 2, args[1]: 0}
    if op.startswith("mula_") or op.startswith("wsr_") or op in ("ssr", "ssl"):
        return names, {}
    if op in ("j", "nop", "ssai"):
        return [], {}
    if op.startswith("rsr_"):
        return [], {args[0]: 1}
    return names[1:], {args[0]: _LATE.get(op, 0)}


def costs(node: ast.FunctionDef) -> dict[int, str]:
    """Line -> figure, of every instruction of an asm_xtensa function."""
    listed = []  # (line, operation, operands)
    for statement in node.body[1 if ast.get_docstring(node) is not None else 0 :]:
        call = statement.value
        listed.append((statement.lineno, call.func.id, [a.id if isinstance(a, ast.Name) else ast.literal_eval(a) for a in call.args]))
    labels = {args[0]: i for i, (_, op, args) in enumerate(listed) if op == "label"}
    waits = _waits(listed)
    for i, (_, op, args) in enumerate(listed):
        if op in _LOOPS:
            body = listed[i + 1 : labels[args[1]]]
            waits.update({line: n for line, n in _waits(body + body, len(body)).items()})
    found = {}
    for line, op, _ in listed:
        if op != "label":
            found[line] = "1-4" if op in _BRANCHES else "4" if op == "j" else str(1 + waits.get(line, 0))
    return found


def _waits(listed: list, counted: int | None = None) -> dict[int, int]:
    """Line -> how long others wait for its result, instructions in order; of the first `counted` alone, if given."""
    now, ready, source, found = 0, {}, {}, {}
    for i, (line, op, args) in enumerate(listed):
        if op == "label":
            continue
        if counted is None or i < counted:
            found[line] = 0
        reads, writes = _uses(op, args)
        last = max(reads, key=lambda r: ready.get(r, 0), default=None)
        wait = max(0, ready.get(last, 0) - now)
        if wait and (counted is None or source[last][1] < counted):
            found[source[last][0]] += wait
        now += wait + 1
        for register, late in writes.items():
            ready[register], source[register] = now + late, (line, i)
    return found


def annotated(text: str) -> str:
    """A module's text with the figure in the comment of every instruction."""
    lines = text.split("\n")
    for node in functions(text):
        for number, figure in costs(node).items():
            code, _, comment = lines[number - 1].partition("#")
            comment = comment.strip()
            if comment[:1].isdigit() and comment.split("  ")[0] in ("1", "2", "3", "4", "1-4"):
                comment = "  ".join(comment.split("  ")[1:])
            lines[number - 1] = f"{code.rstrip():{_COLUMN}}# {figure}" + (f"  {comment.strip()}" if comment else "")
    return "\n".join(lines)


def main() -> int:
    stale = [path for path in sorted(FOLDER.glob("xtensa_*.py")) if annotated(path.read_text()) != path.read_text()]
    for path in stale:
        if "--check" not in sys.argv:
            path.write_text(annotated(path.read_text()))
        print(f"{path.name} is not up to date" if "--check" in sys.argv else f"wrote {path.name}")
    return bool(stale) and "--check" in sys.argv


if __name__ == "__main__":
    sys.exit(main())
