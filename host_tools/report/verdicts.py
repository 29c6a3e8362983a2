"""Which boards can hold a network, and about how fast they would run it. Every number says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from ..fileformat.packed import Packed
from ..fileformat.ram import needs
from ..package.boards import BOARDS, BoardKind
from ..record import BY_NAME

# Instructions per MAC of layers with weights, by family, with the assembler kernels of each architecture, counted under QEMU
# (docs/benchmarks.md): used where the file holds that architecture's packed variants. One instruction is taken for 1.25
# cycles (loads, taken branches).
_CYCLES_PER_INSTRUCTION = 1.25
INSTRUCTIONS_PER_MAC = {
    "xtensa": {"conv": 1.4, "depthwise": 3.1, "dense": 1.7},
    "rv32": {"conv": 2.3, "depthwise": 4.1, "dense": 2.9},
}
_EMULATED = BOARDS["pico"]  # the board whose cycles are counted
JUDGED = tuple(kind for kind in BOARDS.values() if kind.heap_bytes)
_FITS = {"ram": "yes", "flash": "weights in flash", "stream": "weights streamed"}  # by place of fxnn.load


@dataclass(frozen=True)
class Verdict:
    board: str
    fits: str  # a value of _FITS, or "no"
    ram_bytes: int  # what it takes of the heap
    heap_bytes: int
    milliseconds: float | None
    how: str


def judge(network: Packed, rows: list[dict] | None, viper_rows: list[dict] | None) -> list[Verdict]:
    """A verdict per board. rows: per record {"kernel", "macs", "cycles"} as measured on the virtual Pico, viper_rows: the
    same with the portable kernels; None: not measured."""
    return [_judge(network, rows, viper_rows, board) for board in JUDGED]


def _judge(network: Packed, rows: list[dict] | None, viper_rows: list[dict] | None, board: BoardKind) -> Verdict:
    place, ram = _place(network, board)
    milliseconds, how = estimate(network, rows, viper_rows, board)
    blocks = f", at most {board.block_bytes:,} bytes in one block" if board.block_bytes else ""
    how = f"RAM: {board.heap_source}{blocks}. Time: {how}"
    return Verdict(board.title, _FITS.get(place, "no"), ram, board.heap_bytes, milliseconds, how)


def _place(network: Packed, board: BoardKind) -> tuple[str, int]:
    """(where the board would use the constants from, bytes of its heap); ("", bytes of the least) where it cannot hold them.

    The arena is one block, and what is loaded of the file another."""
    found = needs(network, board.mapped_flash)
    for place, size in found.items():
        loaded = network.resident_bytes if place == "ram" else network.records_bytes
        if size <= board.heap_bytes and max(network.arena_bytes, loaded) <= (board.block_bytes or board.heap_bytes):
            return place, size
    return "", min(found.values())


def estimate(
    network: Packed, rows: list[dict] | None, viper_rows: list[dict] | None, board: BoardKind
) -> tuple[float | None, str]:
    """(milliseconds, how it was made): the virtual Pico's own cycles, or those scaled. Arguments as of judge()."""
    if not rows or not viper_rows:
        return None, "not measured"
    if board.chip == _EMULATED.chip:
        same = "" if board is _EMULATED else ", the same chip"
        return 1000 * sum(row["cycles"] for row in rows) / board.clock_hz, f"counted on the virtual Pico{same}"
    table = INSTRUCTIONS_PER_MAC.get(board.fast_target, {}) if network.fast_target == board.fast_target else {}
    cycles = 0.0
    for row in viper_rows:
        kernel = BY_NAME[row["kernel"]]
        counted = kernel.cuttable and table.get(kernel.family)
        cycles += row["macs"] * counted * _CYCLES_PER_INSTRUCTION if counted else row["cycles"]
    clock = f"{board.clock_hz // 1_000_000} MHz"
    if table:
        how = (f"estimate: instructions per MAC counted under QEMU, {_CYCLES_PER_INSTRUCTION} cycles each, {clock}; "
               "other ops take the cycles of the Pico's portable kernels")  # fmt: skip
    else:
        how = (f"rough estimate: the cycles of the portable kernels on the Pico, at {clock}; convert with "
               f"--board {board.name} for its assembler kernels")  # fmt: skip
    return 1000 * cycles / board.clock_hz, how
