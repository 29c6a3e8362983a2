"""Which boards can hold a network, and about how fast they would run it. Every number says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from ..fileformat.packed import Packed
from ..fileformat.ram import choose


@dataclass(frozen=True)
class BoardModel:
    """A board with stock firmware. heap_bytes: free after boot; source: where that number is from.

    speed: how its time follows from the virtual Pico's, see `estimate`.
    """

    name: str
    heap_bytes: int
    source: str
    clock_hz: int
    speed: str
    in_place: bool = False  # weights can stay in flash


BOARDS = (
    BoardModel("Pico", 233_000, "measured, virtual Pico, MicroPython 1.25.0", 125_000_000, "measured", True),
    BoardModel(
        "Pico W", 183_000, "the Pico's less about 50 kB for its network stack: assumed", 125_000_000, "pico", True
    ),
    BoardModel("ESP32", 110_000, "without PSRAM, in several areas: assumed", 240_000_000, "xtensa"),
    BoardModel("ESP32-S3", 180_000, "without PSRAM: assumed", 240_000_000, "xtensa"),
    BoardModel("ESP32-C3", 130_000, "assumed", 160_000_000, "rv32"),
)

# Instructions a MAC with the assembler kernels of each architecture, counted under QEMU (README, Measured): used where
# the file holds that architecture's fast forms. One instruction is taken for 1.25 cycles (loads, taken branches).
_CYCLES_PER_INSTRUCTION = 1.25
INSTRUCTIONS_PER_MAC = {
    "xtensa": {"conv_2d": 1.4, "depthwise_conv_2d": 3.1, "fully_connected": 1.7},
    "rv32": {"conv_2d": 2.3, "depthwise_conv_2d": 4.1, "fully_connected": 2.9},
}


@dataclass(frozen=True)
class Verdict:
    board: str
    fits: str  # "yes" | "weights in flash" | "weights streamed" | "no"
    ram_bytes: int  # what it takes of the heap
    heap_bytes: int
    milliseconds: float | None
    how: str


def judge(network: Packed, rows: list[dict] | None, viper_rows: list[dict] | None) -> list[Verdict]:
    """A verdict per board. rows: per record {"kernel", "macs", "cycles"} as measured on the virtual Pico, viper_rows: the
    same with the portable kernels; None: not measured."""
    return [_judge(network, rows, viper_rows, board) for board in BOARDS]


def _judge(network: Packed, rows: list[dict] | None, viper_rows: list[dict] | None, board: BoardModel) -> Verdict:
    place, ram = choose(network, board.in_place, board.heap_bytes)
    fits = (
        {"ram": "yes", "flash": "weights in flash", "stream": "weights streamed"}[place]
        if ram <= board.heap_bytes
        else "no"
    )
    milliseconds, how = estimate(network, rows, viper_rows, board)
    return Verdict(board.name, fits, ram, board.heap_bytes, milliseconds, f"RAM: {board.source}. Time: {how}")


def estimate(
    network: Packed, rows: list[dict] | None, viper_rows: list[dict] | None, board: BoardModel
) -> tuple[float | None, str]:
    """(milliseconds, how it was made): the virtual Pico's own cycles, or those scaled. Arguments as of judge()."""
    if not rows or not viper_rows:
        return None, "not measured"
    if board.speed in ("measured", "pico"):
        cycles = sum(row["cycles"] for row in rows)
        return 1000 * cycles / board.clock_hz, "counted on the virtual Pico" + (
            "" if board.speed == "measured" else ", the same chip"
        )
    table = INSTRUCTIONS_PER_MAC[board.speed] if network.fast_target == board.speed else {}
    cycles = sum(
        row["macs"] * table[row["kernel"]] * _CYCLES_PER_INSTRUCTION if row["kernel"] in table else row["cycles"]
        for row in viper_rows
    )
    if table:
        how = (f"estimate: instructions a MAC counted under QEMU, {_CYCLES_PER_INSTRUCTION} cycles each, "
               f"{board.clock_hz // 1_000_000} MHz; other ops take the cycles of the Pico's portable kernels")  # fmt: skip
    else:
        how = (f"rough estimate: the cycles of the portable kernels on the Pico, at {board.clock_hz // 1_000_000} MHz; convert with "
               f"--board {board.name.lower().replace('-', '')} for its assembler kernels")  # fmt: skip
    return 1000 * cycles / board.clock_hz, how
