"""What a board is: firmware, version, architecture, memory; and whether fxnn can run on it."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ToolError
from .mpremote_board import Board

OLDEST_FIRMWARE = (1, 23)
MPY_FORMAT = (6, 3)  # of native code, valid for MicroPython 1.23 to 1.29

_ASK = """\
import gc, os, sys
gc.collect()
i = sys.implementation
v = os.statvfs('/')
print(repr((i.name, tuple(i.version[:3]), getattr(i, '_mpy', 0), getattr(i, '_machine', sys.platform),
    v[1], v[2], v[3], gc.mem_free())))
"""


@dataclass(frozen=True)
class BoardFacts:
    firmware: str
    version: tuple[int, ...]
    arch: str | None  # a name of mpy.py's table; None: no native code in .mpy files there
    machine: str
    block_bytes: int
    blocks: int
    free_blocks: int
    free_ram_bytes: int

    @property
    def mapped_flash(self) -> bool:
        """Whether its flash can be read like RAM, files and all: the RP2s."""
        return "RP2" in self.machine

    def __str__(self) -> str:
        version = ".".join(map(str, self.version))
        return f"{self.machine}, {self.firmware} {version}, {self.arch or 'no native code'}"


def check_board(board: Board) -> BoardFacts:
    """The board's facts. ToolError if its firmware is not one that fxnn runs on."""
    import ast

    name, version, mpy, machine, block_bytes, blocks, free_blocks, free_ram = ast.literal_eval(board.exec(_ASK))
    return judge(name, version, mpy, machine, block_bytes, blocks, free_blocks, free_ram, board.port)


def judge(name, version, mpy_word, machine, block_bytes, blocks, free_blocks, free_ram, port) -> BoardFacts:
    """Facts of a board's own numbers; mpy_word is sys.implementation._mpy. ToolError if fxnn cannot run there."""
    from ..package import mpy

    text = ".".join(map(str, version))
    fix = f"put MicroPython {'.'.join(map(str, OLDEST_FIRMWARE))} or newer on the board: micropython.org/download"
    if name != "micropython":
        raise ToolError(f"the board on {port} runs {name} {text}", "fxnn needs MicroPython", fix)
    if tuple(version[:2]) < OLDEST_FIRMWARE:
        raise ToolError(f"the board on {port} runs MicroPython {text}", "too old", fix)
    found = (mpy_word & 0xFF, mpy_word >> 8 & 3)
    arch = mpy.arch_name(mpy_word >> 10 & 15)
    if found[0] != MPY_FORMAT[0] or (arch and found[1] != MPY_FORMAT[1]):
        raise ToolError(
            f"the board on {port} loads .mpy files of format {found[0]}.{found[1]}",
            f"this fxnn makes {MPY_FORMAT[0]}.{MPY_FORMAT[1]} (MicroPython 1.23 to 1.29; the board runs {text})",
            "use such a firmware, or a newer fxnn",
        )
    return BoardFacts(name, tuple(version), arch, machine, block_bytes, blocks, free_blocks, free_ram)
