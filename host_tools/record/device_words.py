"""Names of a record's words in the device's files: `_IN_H = const(9)`, in blocks "words" or "words of conv, pool".

A block holds the names that its file uses, from the layouts of the kernels in the file's `kernels = {1: ...}`; of the
layouts or kernels that its first line names; of all where there is neither. Where two of these layouts give a name
different numbers, or where it reads better, a name carries its layout's: `_ADD_TABLE1_OFFSET`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from . import layouts
from .device_kernels import NAMES
from .kernels import BY_ID, BY_NAME, BYTES, KERNELS, PIECE, X2_CONSTANT, X_CONSTANT
from .layout import Layout
from .written import blocks

LAYOUTS = {
    layout.name: layout for name, layout in vars(layouts).items() if isinstance(layout, Layout) and name.isupper() and name[0] != "_"
}  # fmt: skip
# Numbers of a record that are no word's: bits of the word `flags`, sizes.
_OTHERS = {
    "_X_CONSTANT": X_CONSTANT,
    "_X2_CONSTANT": X2_CONSTANT,
    "_OP_BYTES": BYTES,
    "_PIECE_BYTES": 4 * len(PIECE),
}
_NAME = re.compile(r"_[A-Z][A-Z0-9_]*")


class UnknownWord(Exception):
    """A name that a file uses and no layout has; its text says where and what there is."""


def lines(text: str, what: str) -> list[str]:
    """The lines of the block `what` ("words", "words of conv, dense") of a device file's text. UnknownWord."""
    tree = ast.parse(text)
    taken = _layouts(tree, what)
    begin, end = blocks(text)[what]
    written = range(begin, end + 1)
    used, own = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and _NAME.fullmatch(node.id) and node.lineno not in written:
            (used if isinstance(node.ctx, ast.Load) else own).add(node.id)
        elif isinstance(node, ast.ImportFrom):
            own.update(alias.asname or alias.name for alias in node.names)
    found = {name: _number(name, taken) for name in used - own - NAMES}
    clash = sorted(name for name in used & own if name[1:].lower() in {n for layout in taken for n in layout.names})
    if clash:
        raise UnknownWord(f"{clash[0]} is the name of a word, and of something else in the file")
    return [f"{name} = const({number})" for name, number in sorted(found.items(), key=lambda item: (item[1], item[0]))]


def _layouts(tree: ast.Module, what: str) -> list[Layout]:
    """The layouts that a block's words are taken from."""
    _, _, names = what.partition(" of ")
    if names:
        return [_named(name.strip()) for name in names.split(",")]
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            if [target.id for target in node.targets if isinstance(target, ast.Name)] == ["kernels"]:
                ids = [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
                return _once(BY_ID[int(id)].layout for id in ids if isinstance(id, int))
    return _once(kernel.layout for kernel in KERNELS)


def _once(found: Iterable[Layout]) -> list[Layout]:
    return list({layout.name: layout for layout in found}.values())


def _named(name: str) -> Layout:
    if name in LAYOUTS:
        return LAYOUTS[name]
    if name in BY_NAME:
        return BY_NAME[name].layout
    raise UnknownWord(f"no layout and no kernel is called {name}")


def _number(name: str, taken: Sequence[Layout]) -> int:
    """The number that a constant's name stands for in these layouts."""
    if name in _OTHERS:
        return _OTHERS[name]
    word = name[1:].lower()
    numbers = {layout.name: getattr(layout, word) for layout in taken if word in layout}
    if len(set(numbers.values())) == 1:
        return next(iter(numbers.values()))
    if numbers:
        known = ", ".join(f"_{layout.upper()}{name} {number}" for layout, number in numbers.items())
        raise UnknownWord(f"{name} is not one word: say which of {known}")
    for layout in LAYOUTS.values():
        rest = word.removeprefix(layout.name + "_")
        if rest != word and rest in layout:
            return getattr(layout, rest)
    raise UnknownWord(f"{name} is no word of {', '.join(layout.name for layout in taken)}")
