"""Words of memory that a description names: a driver's state, a stack frame, a table's entry."""

from __future__ import annotations


class Field(tuple[str, int]):
    """(base register, byte offset), as an operand; note: the comment of an instruction that has no other."""

    note: str

    def __new__(cls, base: str, offset: int, note: str) -> Field:
        field = super().__new__(cls, (base, offset))
        field.note = note
        return field

    @property
    def base(self) -> str:
        return self[0]

    @property
    def offset(self) -> int:
        return self[1]


class Fields:
    """Names of byte offsets from a base register: of `state`, `state.table` is the Field, `state.at("r2").table` that
    from another register. meanings: of some names, for a docstring; size: bytes of all."""

    def __init__(self, base: str, offsets: dict[str, int], size: int, meanings: dict[str, str] | None = None):
        self._base, self._offsets, self._meanings = base, offsets, meanings or {}
        self.size = size
        taken = [name for name in offsets if name in dir(Fields) or name == "size"]
        if taken:
            raise ValueError(f"fields cannot be named {', '.join(taken)}")

    def __getattr__(self, name: str) -> Field:
        if name.startswith("_") or name not in self._offsets:
            raise AttributeError(name)
        return Field(self._base, self._offsets[name], name.replace("_", " "))

    def at(self, base: str) -> Fields:
        """The same fields from another register."""
        return Fields(base, self._offsets, self.size, self._meanings)

    def offset(self, name: str) -> int:
        return self._offsets[name]

    def names(self) -> list[str]:
        return list(self._offsets)

    def word(self, name: str) -> int:
        """Which word of an array it is."""
        return self._offsets[name] // 4

    def constants(self) -> dict[str, int]:
        """A driver's names of the words: `s[_S_TABLE]`."""
        return {f"_S_{name}".upper(): self.word(name) for name in self._offsets}

    def contents(self) -> list[tuple[int, list[str], str]]:
        """(offset, its names, what it is) of each."""
        found: dict[int, list[str]] = {}
        for name, offset in self._offsets.items():
            found.setdefault(offset, []).append(name)
        return [(at, names, "".join(self._meanings.get(name, "") for name in names)) for at, names in found.items()]


def words(base: str, *rows: str | tuple[str, str], start: int = 0) -> Fields:
    """Fields of a word each, in order, from `start` on. A row: name, or (name, meaning); "a|b": two names of it;
    "a*3": three words."""
    offsets: dict[str, int] = {}
    meanings: dict[str, str] = {}
    at = start
    for row in rows:
        names, meaning = (row, "") if isinstance(row, str) else row
        names, _, count = names.partition("*")
        for name in names.split("|"):
            offsets[name] = at
        meanings[names.split("|")[-1]] = meaning
        at += 4 * int(count or 1)
    return Fields(base, offsets, at, meanings)
