"""What the words of a record are called: one layout, and how it is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """One word of a layout, or `count` of one kind in a row. unit: "bytes", "Q31", ..., of its value; "" where none."""

    number: int
    name: str
    meaning: str
    unit: str = ""
    count: int = 1


class Layout:
    """What the words of a record are called. `layout.in_h` is the number of that word."""

    def __init__(self, name: str, table: str, base: Layout | None = None):
        """table: a line a word, `8 name [unit]: meaning`, `8*4 name: ...` for four in a row, `27 name | alias: ...` where
        a word has a second name; base: a layout whose words this one has, too, unless it names them anew."""
        self.name = name
        own = [_parsed(line) for line in table.strip().splitlines()]
        taken = {n for word, _ in own for n in range(word.number, word.number + word.count)}
        kept = [word for word in base.table if word.number not in taken] if base else []
        self.table: tuple[Word, ...] = tuple(sorted((*kept, *(word for word, _ in own)), key=lambda word: word.number))
        self._numbers = {word.name: word.number for word in self.table}
        if base:
            self._numbers |= {n: at for n, at in base._numbers.items() if n not in self._numbers and at not in taken}
        self._numbers |= {alias: word.number for word, aliases in own for alias in aliases}
        self._counts = {word.number: word.count for word in self.table}

    def __getattr__(self, name: str) -> int:
        try:
            return self.__dict__["_numbers"][name]
        except KeyError:
            raise AttributeError(f"no word of layout {self.__dict__.get('name')} is called {name}") from None

    def __contains__(self, name: str) -> bool:
        return name in self._numbers

    @property
    def names(self) -> Mapping[str, int]:
        """Every name, aliases too, and the number of its (first) word."""
        return self._numbers

    def slice(self, name: str, last: str | None = None) -> slice:
        """The words of one name (`dims`: four), or from one name to another, both included."""
        end = self._numbers[last or name]
        return slice(self._numbers[name], end + self._counts[end])

    def words(self, **values: int | Sequence[int]) -> dict[int, int]:
        """{number: value}, as a Step holds them; a sequence for a word of several. KeyError for a name it does not have."""
        found = {}
        for name, value in values.items():
            at = self._numbers[name]
            several = [value] if self._counts[at] == 1 else list(value)  # type: ignore[arg-type]
            if len(several) != self._counts[at]:
                raise ValueError(f"{name} of {self.name} takes {self._counts[at]} values, not {len(several)}")
            found |= {at + i: int(v) for i, v in enumerate(several)}  # type: ignore[arg-type]
        return found

    def __repr__(self) -> str:
        return f"<layout {self.name}>"


_LINE = re.compile(r"(\d+)(?:\*(\d+))? +(\w+)((?: \| \w+)*)(?: \[([^\]]+)\])?: (.+)")


def _parsed(line: str) -> tuple[Word, list[str]]:
    match = _LINE.fullmatch(line.strip())
    if not match:
        raise ValueError(f"no line of a layout: {line}")
    number, count, name, aliases, unit, meaning = match.groups()
    return Word(int(number), name, meaning, unit or "", int(count or 1)), aliases.replace(" ", "").split("|")[1:]
