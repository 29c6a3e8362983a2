"""A kernel in the making: instructions, labels and comments in order, and the text of the device's function.

An instruction set's package has `isa` (operations, encodings, registers), `writer` (its Function), one description per
family of ops, macros that several of them use, and in `__init__` the table of the files that they write.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self  # of typing from Python 3.11 on

INDENT = "    "
_WIDTH = 120


class Function:
    """`f.add("t0", "t1", "t2", note="why")` appends an instruction, `f.label("LOOP")` a label, `f.title("..")` a comment.

    A subclass knows the instruction set: its operations, how operands are written and what each line's figure is.
    """

    decorator = ""  # of micropython: which compiler takes the function
    column = 40  # where the comments start
    operations: frozenset[str] = frozenset()

    def __init__(self, name: str, arguments: str, doc: str):
        self.name, self.arguments = name, arguments
        self.doc = textwrap.indent(textwrap.dedent(doc).strip("\n"), INDENT)
        self.lines: list[tuple[str, tuple, str]] = []  # (operation, operands, comment); "#" and "label" are lines too

    def __getattr__(self, op: str) -> Callable[..., Self]:
        if op not in self.operations:
            raise AttributeError(f"{op} is no instruction of {type(self).__module__}")
        return lambda *args, note="": self.emit(op, args, note)

    def emit(self, op: str, args: tuple, note: str = "") -> Self:
        """Appends one instruction; `note` is its comment. Calls may be chained where several are one step."""
        self.lines.append((op, args, note))
        return self

    def label(self, name: str, note: str = "") -> Self:
        self.lines.append(("label", (name,), note))
        return self

    def title(self, note: str) -> None:
        """A comment on lines of its own."""
        glued = " | ".join(item.replace(" ", "\0") if len(item) < 60 else item for item in note.split(" | "))
        wrapped = textwrap.wrap(glued, _WIDTH - len(INDENT) - 2)  # an item of a list of registers stays on one line
        self.lines += [("#", (line.replace("\0", " "),), "") for line in wrapped]

    def figures(self) -> list[str]:
        """The figure of every line, labels and comments included (theirs are not written)."""
        raise NotImplementedError

    def written(self, op: str, args: tuple) -> str:
        """An instruction as the device's source has it."""
        return f"{op}({', '.join(map(str, args))})"

    def comment(self, op: str, args: tuple, note: str) -> str:
        """What stands after an instruction's figure."""
        return note

    def source(self) -> str:
        """The function's text, comments with figure and note in one column."""
        out = [
            f"@micropython.{self.decorator}",
            f"def {self.name}({self.arguments}):",
            f'{INDENT}"""',
            self.doc,
            f'{INDENT}"""',
        ]
        for (op, args, note), figure in zip(self.lines, self.figures()):
            if op == "#":
                text = f"{INDENT}# {args[0]}"
            elif op == "label":
                text = f"{INDENT}label({args[0]})" + (f"  # {note}" if note else "")
            else:
                note = self.comment(op, args, note)
                text = f"{INDENT + self.written(op, args):{self.column - 1}} # {figure}" + (f"  {note}" if note else "")
            out.append(text)
        return "\n".join(out) + "\n"


def device_file(
    doc: str,
    parts: Sequence[Function | str],
    constants: dict[str, int] | None = None,
    imports: str = "import micropython",
) -> str:
    """The text of a device file: docstring, imports, names of words, parts.

    parts: functions, or text. Of `constants` (name -> number) those are written, before the first text part, that the
    text parts use, as `_NAME = const(number)`: the compiler folds them. ValueError for a `_NAME` that is not known.
    """
    code = "\n".join(part for part in parts if isinstance(part, str))
    known = constants or {}
    used = set(re.findall(r"\b_[A-Z]\w*", code))
    if unknown := used - known.keys():
        raise ValueError(f"{doc.splitlines()[0]} no words are called {', '.join(sorted(unknown))}")
    names = "\n".join(f"{name} = const({n})" for name, n in known.items() if name in used)
    texts = [f'"""{doc}"""\n\n{imports}']
    for part in parts:
        if isinstance(part, str) and names:
            texts.append(names)
            names = ""
        texts.append((part if isinstance(part, str) else part.source()).strip("\n"))
    return "\n\n\n".join(texts) + "\n"
