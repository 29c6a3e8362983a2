"""What the board's loader, reports and backends know of the kernels: blocks "kernels", "kernel names", "modules of ..."."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterable

from .kernels import BY_ID, KERNELS, Kernel
from .variants import MODULES


def _ids(true: Callable[[Kernel], bool]) -> str:
    return _tuple(str(kernel.id) for kernel in KERNELS if true(kernel))


def _tuple(parts: Iterable[str]) -> str:
    parts = list(parts)
    return f"({', '.join(parts)},)" if len(parts) == 1 else f"({', '.join(parts)})"


def _ranges(ids: Iterable[int]) -> str:
    found: list[list[int]] = []
    for id in sorted(ids):
        if found and found[-1][1] == id - 1:
            found[-1][1] = id
        else:
            found.append([id, id])
    return _tuple(f"({first}, {last})" for first, last in found)


TABLES = {
    "_KERNELS": ("first and last of the ids that there are", _ranges(BY_ID)),
    "_X_FLAG": ("bit 0 of `flags`: x lies in the constants", _ids(lambda k: "x" in k.constant_operands)),
    "_X2_FLAG": ("bit 1 of `flags`: x2 lies in the constants", _ids(lambda k: "x2" in k.constant_operands)),
    "_HOLD_OFFSETS": ("their constants hold offsets or indices", _ids(lambda k: k.holds_offsets)),
    "_CUTTABLE": ("their constants may be cut into pieces", _ids(lambda k: k.cuttable)),
}
MODULE_WIDTH = 17  # of a name among the modules, with its dot
NAMES = {*TABLES, "_MODULES", "_WIDTH", "_LETTERS"}  # that the blocks of this module define


def kernels(text: str) -> list[str]:
    """The tables of ids that a device file's text uses."""
    used = {
        node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return [f"{name} = const({value})  # {meaning}" for name, (meaning, value) in TABLES.items() if name in used]


def names() -> list[str]:
    """Their names by id, from 1, "-" where there is none."""
    words = [BY_ID[id].name if id in BY_ID else "-" for id in range(1, max(BY_ID) + 1)]
    lines = textwrap.wrap(" ".join(words), 110)
    lines = [line + " " for line in lines[:-1]] + lines[-1:]
    return ["_KERNELS = (", *(f'    "{line}"' for line in lines), ").split()"]


def modules(backend: str) -> list[str]:
    """The names of a backend's modules as one text, each after a dot and filled up to as many characters, by number from 1:
    a tuple would take three times the memory. Of ref, whose records say nothing, the number of each kernel's as a letter,
    by id, too."""
    names = MODULES[backend] if backend != "ref" else dict(enumerate(dict.fromkeys(k.family for k in KERNELS), 1))
    columns = [f".{names[number]}".ljust(MODULE_WIDTH) for number in range(1, 1 + len(names))]
    lines = ["".join(columns[at : at + 6]) for at in range(0, len(columns), 6)]
    found = ["_MODULES = const(", *(f'    "{line}"' for line in lines), ")"]
    if len(lines) == 1 and len(lines[0]) < 100:  # as ruff has it
        found = [f'_MODULES = const("{lines[0]}")']
    if backend in ("viper", "ref"):
        found.append(f"_WIDTH = const({MODULE_WIDTH})")
    if backend == "ref":
        letters = {name: chr(96 + number) for number, name in names.items()}
        of = (letters[BY_ID[id].family] if id in BY_ID else "-" for id in range(max(BY_ID) + 1))
        found.append(f'_LETTERS = const(b"{"".join(of)}")')
    return found
