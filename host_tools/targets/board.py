"""Target PORT: a board on a serial port. It reads everything over the wire; its flash stays as it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..boards import board_fs
from ..boards.board_facts import check_board
from ..boards.mpremote_board import Board, BoardScriptError
from ..fileformat.packed import Packed
from ..package.board_files import MODELS_FOLDER, PACKAGE_FOLDER, package_files
from ..package.families import needed
from ..package.runner import Answers, Job
from .base import RunnerTarget


class BoardTarget(RunnerTarget):
    # The emulated Pico's pace: it may be what the port leads to.
    seconds_per_mac = 1e-4

    def __init__(self, port: str):
        if port == "auto":
            from ..boards.find_port import find_port

            port = find_port()
        self.name = port
        self._board = Board(port)
        self._facts = check_board(self._board)

    def _execute(self, do: str, packed: Packed, inputs: bytes, count: int, timeout_s: float, answers: Answers) -> str:
        with tempfile.TemporaryDirectory(prefix="fxnn-board-") as name:
            folder = Path(name)
            facts = self._facts
            package = package_files(
                facts.arch, facts.arch is None, names=needed([packed], facts.arch, facts.machine, backend=self.backend)
            )
            for file in package:
                target = folder / "fxnn" / file.path[len(PACKAGE_FOLDER) + 1 :]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.data)
            (folder / "model.fxnn").write_bytes(packed.data)
            (folder / "inputs.bin").write_bytes(inputs)
            remote = self._board.mount(folder)
            model = self._deployed(packed) or f"{remote}/model.fxnn"
            deployed = board_fs.holds(self._board, PACKAGE_FOLDER, {file.path: file.data for file in package})
            job = Job(do, model, [] if deployed else [remote], self.backend, f"{remote}/inputs.bin", count, self.fresh)
            try:
                self._board.exec(job.script(), timeout_s, answers.feed)
            except BoardScriptError as e:
                if not answers.error:
                    raise
                return e.why
            return ""

    def _deployed(self, packed: Packed) -> str | None:
        """Where on the board this very network already lies, if it does: used there, as the maker's program uses it."""
        return board_fs.find_file(self._board, MODELS_FOLDER, packed.data)

    def close(self) -> None:
        self._board.close()
