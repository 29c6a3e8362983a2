"""Target PORT: a board on a serial port. It reads package, network and inputs over the wire; its flash stays as it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..board_files import MODELS_FOLDER, package_files
from ..packed import Packed
from .base import Answers, Job, RunnerTarget
from .board_facts import check_board
from .mpremote_board import Board, BoardScriptError


class BoardTarget(RunnerTarget):
    seconds_per_mac = 2e-5
    # ticks_us times the CPU clock: the interrupts of a real board are in it, so cycles are for the emulated one.
    counts_cycles = False

    def __init__(self, port: str):
        if port == "auto":
            from .find_port import find_port

            port = find_port()
        self.name = port
        self._board = Board(port)
        self._facts = check_board(self._board)

    def _execute(self, do: str, packed: Packed, inputs: bytes, count: int, timeout_s: float, answers: Answers) -> str:
        with tempfile.TemporaryDirectory(prefix="fxnn-board-") as name:
            folder = Path(name)
            for file in package_files(self._facts.arch, folder="fxnn"):
                target = folder / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.data)
            (folder / "model.fxnn").write_bytes(packed.data)
            (folder / "inputs.bin").write_bytes(inputs)
            remote = self._board.mount(folder)
            model = self._deployed(packed) or f"{remote}/model.fxnn"
            job = Job(do, model, [remote], None, f"{remote}/inputs.bin", count)
            try:
                self._board.exec(job.script(), timeout_s, answers.feed)
            except BoardScriptError as e:
                if not answers.error:
                    raise
                return e.why
            return ""

    def _deployed(self, packed: Packed) -> str | None:
        """Where on the board this very network already lies, if it does: used there, as the maker's program uses it."""
        from .board_fs import find_file

        return find_file(self._board, MODELS_FOLDER, packed.data)

    def close(self) -> None:
        self._board.close()
