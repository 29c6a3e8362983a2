"""What a network is packed for: one frozen record from the command line to the memory plan. Imports no numpy."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ToolError
from ..package import boards

PLACINGS = ("auto", "flash", "ram")
PREFERENCES = ("balanced", "speed", "ram")
SELFTEST_MOST = 100


@dataclass(frozen=True)
class ConvertOptions:
    """How a network is packed. ToolError for a value that there is not.

    `board`: a key of boards.BOARDS; every board runs the file, that kind the fastest.
    `placing`: where constants are meant to be used from. "flash": they are cut and placed so that an RP2 board uses them in
    its flash, and others stream them; "ram": they are not, which spares one call per piece, and lets outputs lie over inputs
    everywhere; "auto": flash where arena and constants exceed the RAM of the board.
    `prefer`: "balanced", the fastest plan whose arena is not above TensorFlow Lite Micro's; "speed"; "ram".
    `ram`: bytes. The arena has at most so many, whatever is preferred; ToolError with what is missing where none is found.
    `striped`: for "ram" or a budget a chain of ops may run some rows at a time.
    `selftest`: how many random input vectors, with the outputs of the exact host kernels, are embedded.
    """

    board: str = boards.DEFAULT
    placing: str = PLACINGS[0]
    prefer: str = PREFERENCES[0]
    ram: int | None = None
    striped: bool = True
    selftest: int = 3

    def __post_init__(self):
        for name, allowed in (("board", tuple(boards.BOARDS)), ("placing", PLACINGS), ("prefer", PREFERENCES)):
            if getattr(self, name) not in allowed:
                raise ToolError(f"{name} {getattr(self, name)!r} is unknown", fix=f"one of: {', '.join(allowed)}")
        if self.ram is not None and self.ram <= 0:
            raise ToolError(f"ram: {self.ram:,} bytes for the arena", "it needs at least one", "give bytes, or None")
        if not 0 <= self.selftest <= SELFTEST_MOST:
            raise ToolError(f"selftest: {self.selftest} vectors", fix=f"give 0 to {SELFTEST_MOST}")

    @property
    def kind(self) -> boards.BoardKind:
        """The kind of board that `board` names."""
        return boards.BOARDS[self.board]
