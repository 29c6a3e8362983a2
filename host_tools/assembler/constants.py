"""The constants of one kernel call in the making."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Part = Callable[[int, int], np.ndarray | bytes]


def _raw(values: np.ndarray | bytes) -> bytes:
    return values if isinstance(values, bytes) else np.ascontiguousarray(values).tobytes()


class Constants:
    """The constants of one step, each at a multiple of 4."""

    def __init__(self):
        self.data = bytearray()
        self._tables: list[tuple[int, Part]] = []

    def add(self, values: np.ndarray | bytes, part: Part | None = None) -> int:
        """Appends and returns the offset; the same bytes are stored once.

        part(first, last): the same table for output channels first to last - 1 alone, for steps that are cut;
        None: values[first:last].
        """
        self._tables.append((len(self.data), part or (lambda first, last: values[first:last])))
        raw = _raw(values)
        at = self.data.find(raw) if len(raw) >= 256 else -1  # the tables of ADD are often twins
        if at >= 0 and at % 4 == 0:
            self._tables.pop()
            return at
        at = len(self.data)
        self.data += raw + bytes(-len(raw) % 4)
        return at

    def part(self, first: int, last: int) -> tuple[bytes, dict[int, int]]:
        """The constants of output channels first to last - 1, and {offset of a table in the whole: its offset there}."""
        piece = Constants()
        offsets = {at: piece.add(_raw(part(first, last))) for at, part in self._tables}
        return bytes(piece.data), offsets
