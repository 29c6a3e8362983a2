"""FORMAT.md's tables: blocks "words of conv", "words of depthwise besides conv", "kernels", "pieces", "modules"."""

from __future__ import annotations

from .device_words import LAYOUTS, UnknownWord
from .kernels import BY_NAME, KERNELS, PIECE
from .layout import Layout, Word
from .layouts import CONV, RECORD
from .variants import BACKENDS, MODULES, RULES


def lines(what: str) -> list[str]:
    """The lines of the block `what`."""
    if what == "kernels":
        return _kernels()
    if what == "pieces":
        return _pieces()
    if what == "modules":
        return _modules()
    name, _, less = what.removeprefix("words of ").partition(" besides ")
    if not what.startswith("words of ") or name not in LAYOUTS or less and less not in LAYOUTS:
        raise UnknownWord(f"nothing is known to write as {what}")
    layout = LAYOUTS[name]
    others = () if layout is RECORD else (*RECORD.table, *(LAYOUTS[less].table if less else ()))
    return _table(
        ("word", "field", "unit", "meaning"),
        [(_numbers(w), _names(layout, w), w.unit, w.meaning) for w in layout.table if w not in others],
    )


def _kernels() -> list[str]:
    return _table(
        ("id", "kernel", "words 8 to 38", "in the constants may be"),
        [(str(k.id), k.name, k.layout.name, ", ".join(k.constant_operands)) for k in KERNELS],
    )


def _pieces() -> list[str]:
    names = {word.number: word.name for word in CONV.table}
    return _table(
        ("offset", "type", "replaces word", "field"),
        [(str(4 * i), "i32", str(number), names[number]) for i, number in enumerate(PIECE)],
    )


def _modules() -> list[str]:
    numbers = range(1, 1 + max(max(modules) for modules in MODULES.values()))
    return _table(
        ("number", *BACKENDS),
        [(str(number), *(_module(backend, number) for backend in BACKENDS)) for number in numbers],
    )


def _module(backend: str, number: int) -> str:
    """The module of a number, with the ids of the kernels that it runs."""
    if number not in MODULES[backend]:
        return ""
    ids = {BY_NAME[kernel].id for rule in RULES[backend] if rule.number == number for kernel in rule.kernels}
    return f"{MODULES[backend][number]}: {', '.join(map(str, sorted(ids)))}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """A Markdown table; a column that is empty in each row is left out."""
    shown = [i for i in range(len(head)) if any(row[i] for row in rows)]
    return [
        f"| {' | '.join(row[i] for i in shown)} |" if row else f"|{'---|' * len(shown)}" for row in (head, (), *rows)
    ]


def _numbers(word: Word) -> str:
    return str(word.number) if word.count == 1 else f"{word.number} to {word.number + word.count - 1}"


def _names(layout: Layout, word: Word) -> str:
    """A word's name, and its others."""
    return " or ".join(
        [word.name, *(name for name, at in layout.names.items() if at == word.number and name != word.name)]
    )
