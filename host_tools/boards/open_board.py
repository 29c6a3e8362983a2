"""The board that `deploy` writes to: the one that is plugged in, one on a named port, or the emulated Pico."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .mpremote_board import Board


@contextmanager
def open_board(name: str) -> Iterator[Board]:
    """`auto`, `pico` (which keeps its flash from one start to the next) or a serial port."""
    if name == "pico":
        from ..emulators.virtual_pico import VirtualPico

        with VirtualPico() as pico, Board(pico.port) as board:
            yield board
        return
    if name == "auto":
        from .find_port import find_port

        name = find_port()
    with Board(name) as board:
        yield board
