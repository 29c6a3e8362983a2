"""`make demo`: handwritten digits, recognized on a Pico - the emulated one, or the one on your desk."""

from __future__ import annotations

import runpy
import time
from contextlib import nullcontext
from pathlib import Path

import click

from ..boards import board_fs
from ..boards.deploy import Deployment, show_result
from ..boards.mpremote_board import Board
from ..package import board_files
from ..package.board_files import BoardFile
from .output import bar, console

DIGITS = Path(__file__).resolve().parents[2] / "models/digits"
TEST_DIGITS = 60  # of the 360 that training never saw; 65 bytes each have to be copied
TEST_FILE = f"{board_files.MODELS_FOLDER}/digits_test.bin"
_RUN_TIMEOUT_S = 120


def demo(port: str, count: int) -> None:
    """Deploys package, program and digits network to the board on `port` (or `pico`, `auto`) and runs main.py there."""
    screen = console()
    if port == "pico":
        from ..emulators.firmware import firmware_name, pico_firmware
        from ..emulators.virtual_pico import VirtualPico

        screen.print(f"a virtual Pico with {firmware_name(pico_firmware())}", markup=False)
        board_port = VirtualPico()
    else:
        if port == "auto":
            from ..boards.find_port import find_port

            port = find_port()
        board_port = nullcontext()
    with board_port as virtual:
        where = virtual.port if virtual else port
        with Board(where) as board:
            _deploy(board, count, screen)
        with Board(where) as board:  # freshly started, as after power-up
            screen.print("\nmain.py on the board says:\n", markup=False)
            board.exec("execfile('/main.py')", _RUN_TIMEOUT_S, lambda text: print(text, end="", flush=True))
    again = f"fxnn deploy models/digits/digits.fxnn --port {port}"
    screen.print(f"\nThe board keeps it all. Edit main.py, then: {again} --main", markup=False)


def _deploy(board: Board, count: int, screen) -> None:
    """Copies what changed. The test digits are no part of a deployment: they go first, so that main.py finds them."""
    started = time.monotonic()
    test = BoardFile(TEST_FILE, _test_digits(count))
    deployment = Deployment(board, DIGITS / "digits.fxnn", program=True)
    deployment.check_fits()
    there = board_fs.sha256(board, [TEST_FILE] if TEST_FILE in board_fs.tree(board, [TEST_FILE]) else [])
    extra = [] if there.get(TEST_FILE) == test.sha256 else [test]
    total = deployment.plan.copy_bytes + sum(len(file.data) for file in extra)
    if total:
        screen.print(f"copying {total:,} bytes to it", markup=False)
    with bar("copying", total, "bytes") as advance_to:
        done = 0

        def on_bytes(size):
            nonlocal done
            done += size
            advance_to(done)

        for file in extra:
            board_fs.run(board, [("makedirs", file.path)])
            board.write_file(f"{file.path}.new", file.data, on_bytes)
            board_fs.run(board, [("rename", f"{file.path}.new", file.path)])
        result = deployment.carry_out(on_bytes, lambda text: advance_to(done, text))
    show_result(deployment.plan, result, time.monotonic() - started, screen)


def _test_digits(count: int) -> bytes:
    return runpy.run_path(str(DIGITS / "make_test_bin.py"))["test_bin"](DIGITS / "test.npz", count)


@click.command()
@click.option(
    "--port", default="pico", show_default=True, help="pico: an emulated board; auto or a serial port: a real one."
)
@click.option(
    "--count",
    default=TEST_DIGITS,
    show_default=True,
    type=click.IntRange(1, 360),
    help="How many of the 360 test digits.",
)
def main(port, count):
    """Recognizes handwritten digits on a Pico."""
    demo(port, count)


if __name__ == "__main__":
    from .guard import guarded

    guarded(main)
