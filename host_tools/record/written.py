"""Blocks of other files that are written from the schema: a line that says so, what is written, a line that ends them.

    # words: written by python -m host_tools.record         <!-- words of conv: written by python -m host_tools.record -->
    _IN_H = const(9)                                        | 9 | in_h | ... |
    # end of words                                          <!-- end of words of conv -->

Whoever needs a block writes its first line; the rest comes by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_FIRST = re.compile(r"(?P<open># |<!-- )(?P<what>.+): written by python -m host_tools\.record(?P<close>| -->)")

Make = Callable[[str], Sequence[str]]


def rewritten(text: str, make: Make) -> str:
    """The text with the lines of every block as make(what) has them; what: "words", "words of conv", ...

    Texts without blocks stay as they are. A block that has no last line yet is taken as empty."""
    lines = text.split("\n")
    found = []
    at = 0
    while at < len(lines):
        found.append(lines[at])
        first = _FIRST.fullmatch(lines[at])
        at += 1
        if first:
            last = f"{first['open']}end of {first['what']}{first['close']}"
            found += make(first["what"])
            found.append(last)
            at = _after(lines, at, last)
    return "\n".join(found)


def blocks(text: str) -> dict[str, tuple[int, int]]:
    """{what: (number of the line that begins it, of the one that ends it)} of a text, from 1."""
    lines = text.split("\n")
    found = {}
    for at, line in enumerate(lines):
        first = _FIRST.fullmatch(line)
        if first:
            last = f"{first['open']}end of {first['what']}{first['close']}"
            found[first["what"]] = at + 1, max(_after(lines, at + 1, last), at + 1)
    return found


def _after(lines: list[str], at: int, last: str) -> int:
    """Index of the line after the one that ends a block which begins at `at`; `at` where no line does."""
    for end in range(at, len(lines)):
        if lines[end] == last:
            return end + 1
        if _FIRST.fullmatch(lines[end]):
            break
    return at
