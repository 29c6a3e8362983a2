"""`fxnn boards`: what is plugged in, and what each board can run."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..errors import ToolError
from .board_facts import BoardFacts, check_board


@dataclass(frozen=True)
class PluggedIn:
    """A board: where it is, what its USB descriptor says, and either its own facts or why it did not give them."""

    port: str
    usb: str
    facts: BoardFacts | None
    problem: str = ""
    fix: str = ""

    @property
    def flash_bytes(self) -> tuple[int, int]:
        """Free and all bytes of its filesystem; 0 where it did not say."""
        if self.facts is None:
            return 0, 0
        return self.facts.block_bytes * self.facts.free_blocks, self.facts.block_bytes * self.facts.blocks

    def as_dict(self) -> dict:
        return asdict(self)


def find(port: str = "auto") -> list[PluggedIn]:
    """Every board on a USB port (`auto`), or the one on `port` (`pico`: the emulated one). Each is asked at its raw
    REPL, which restarts it. A drive of a Pico in its bootloader is listed too."""
    from .find_port import boards
    from .flashing import pico

    if port != "auto":
        return [_ask(port, "emulated" if port == "pico" else "")]
    found = [_ask(port, usb) for port, usb, _ in boards()]
    try:
        drive = pico.find_drive()
    except ToolError as e:
        return [*found, PluggedIn("", "", None, e.what, e.fix)]
    if drive is not None:
        found.append(
            PluggedIn(str(drive), "RP2040 in its bootloader", None, "no firmware runs", "fxnn flash --board pico")
        )
    return found


def _ask(port: str, usb: str) -> PluggedIn:
    from .open_board import open_board

    try:
        with open_board(port) as board:
            return PluggedIn(port, usb, check_board(board))
    except ToolError as e:
        return PluggedIn(port, usb, None, ": ".join(filter(None, (e.what, e.why))), e.fix)


def show(found: list[PluggedIn], console) -> None:
    """A table of the boards, and below it what is to be done about those that did not answer."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("port", "board", "firmware", "native code", "free RAM", "flash free"):
        table.add_column(column, justify="right" if column in ("free RAM", "flash free") else "left")
    for board in found:
        if board.facts:
            free, size = board.flash_bytes
            version = ".".join(map(str, board.facts.version))
            table.add_row(board.port, escape(board.facts.machine), f"{board.facts.firmware} {version}",
                          board.facts.arch or "none", f"{board.facts.free_ram_bytes:,}", f"{free:,} of {size:,}")  # fmt: skip
        else:
            table.add_row(board.port, escape(board.usb), "?", "", "", "")
    console.print(table)
    for board in found:
        if not board.facts:
            console.print(f"{board.port}: {escape(board.problem)}\n  {escape(board.fix)}".strip(), highlight=False)
