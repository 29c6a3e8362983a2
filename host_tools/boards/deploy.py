"""Puts a packed network and the device package on a board so that at every moment a working set is there.

Everything new goes to /fxnn.new first and proves itself there (the self-test runs the new package and the new network
from that folder). Only then it is renamed into place. On littlefs a rename happens whole or not at all, also when the
power fails, and the order is such that between any two of them the board can still `import fxnn` and load its model:

1. /fxnn.new/fxnn -> /fxnn       the new package, complete, now hides /lib/fxnn: sys.path has '' before '/lib'
2. /lib/fxnn -> /fxnn.new/old
3. /fxnn -> /lib/fxnn
4. /fxnn.new/models/NAME -> /models/NAME, boot.py, main.py   (each replaces the old one by its rename)
5. /fxnn.new is removed

The package is the modules that every network uses and the kernels that this one asks for (families.py); what kernels the
board has already, for other networks, stay and are kept up to date.

A deployment that was cut off leaves /fxnn.new; the next one finishes steps 2 and 3 if they are due, and removes it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..compiler.convert import convert
from ..compiler.options import ConvertOptions
from ..errors import ToolError
from ..fileformat import packed
from ..fileformat.ram import PACKAGE_HEAP_BYTES, WORDS, choose
from ..files import read_file
from ..package import board_files, boards, families
from ..package.board_files import PACKAGE_FOLDER, BoardFile
from ..package.runner import Answers, Job
from . import board_fs
from .board_facts import BoardFacts, check_board
from .mpremote_board import Board, BoardScriptError

STAGING = "/fxnn.new"
STAGED_PACKAGE = f"{STAGING}/fxnn"
SWITCHED_PACKAGE = "/fxnn"
# littlefs keeps a folder in two blocks; a file's last block is its own.
_FOLDER_BLOCKS = 2
# Bound for the self-test without any sign of life, on the emulated board.
_SECONDS_PER_MAC = 1e-4


@dataclass(frozen=True)
class PlannedFile:
    path: str
    bytes: int
    state: str  # "new" | "changed" | "same" | "removed"


@dataclass(frozen=True)
class Plan:
    """What a deployment will do, decided before anything is written."""

    board: BoardFacts
    files: tuple[PlannedFile, ...]
    copies: tuple[tuple[str, str], ...]  # (from, to): made on the board itself
    backups: tuple[tuple[str, str], ...]  # (the maker's file, the name it is kept under)
    package_changes: bool
    flash_needed_bytes: int
    flash_free_bytes: int
    ram_needed_bytes: int
    ram_free_bytes: int
    place: str  # where the board will use the constants from: a place of fxnn.load
    leftover: bool  # /fxnn.new of a deployment that was cut off
    note: str  # what the maker should know of this network on this board; often empty
    write: tuple[BoardFile, ...] = field(repr=False)

    @property
    def copy_bytes(self) -> int:
        return sum(len(file.data) for file in self.write)

    def as_dict(self) -> dict:
        return {
            "board": asdict(self.board),
            "files": [asdict(file) for file in self.files],
            "kept": [{"path": path, "as": kept} for path, kept in self.backups],
            "copy_bytes": self.copy_bytes,
            "flash_needed_bytes": self.flash_needed_bytes,
            "flash_free_bytes": self.flash_free_bytes,
            "ram_needed_bytes": self.ram_needed_bytes,
            "ram_free_bytes": self.ram_free_bytes,
            "place": self.place,
        }


def staged(path: str) -> str:
    """Where a file lies until it has proved itself."""
    if path.startswith(PACKAGE_FOLDER + "/"):
        return STAGED_PACKAGE + path[len(PACKAGE_FOLDER) :]
    return STAGING + path


class Deployment:
    """One deployment to one board: plan it, show it, do it. model: a .fxnn file, or a full-int8 .tflite, which is then
    converted for that board, with `labels`."""

    def __init__(self, board: Board, model: Path, *, program: bool = False, source: bool = False,
                 labels: tuple[str, ...] = (), all_kernels: bool = False):  # fmt: skip
        self._board = board
        self._facts = check_board(board)
        kind = boards.kind_for(self._facts.arch)
        if model.suffix == ".tflite":
            options = ConvertOptions(board=kind.name)
            data = convert(read_file(model), model.stem, options, labels=labels, source=model.name).data
            model = model.with_suffix(".fxnn")  # its name on the board; nothing is written here
            self._packed = packed.read(data, model.name)
        else:
            self._packed = packed.read_file(model)
        self._source = source or self._facts.arch is None
        self._all_kernels = all_kernels
        self._note = ""
        if self._packed.fast_target not in ("none", kind.fast_target):
            self._note = (f"{model.name} holds assembler kernels' tables for {self._packed.fast_target}; this board runs it with "
                          f"its portable kernels. Faster: fxnn convert --board {kind.name}, or deploy the .tflite")  # fmt: skip
        self._model = board_files.model_file(model, self._packed.data)
        self._program = board_files.program_files(model.name, self._packed) if program else []
        self.plan = self._make_plan()

    def _package_files(self, there: dict[str, int], package_now: str) -> list[BoardFile]:
        """The package for this network, and what else of it the board has. package_now: where that is."""
        facts = self._facts
        names = set(board_files.package_names(facts.arch))
        if not self._all_kernels:
            start = package_now + "/"
            kept = {
                board_files.module_name(path.removeprefix(start)) for path in there if path.startswith(start)
            } & names
            names = families.needed([self._packed], facts.arch, facts.machine, self._source) | families.with_imports(
                kept
            )
        return board_files.package_files(facts.arch, self._source, names=names)

    def _make_plan(self) -> Plan:
        board, facts = self._board, self._facts
        there = board_fs.tree(
            board, [STAGING, SWITCHED_PACKAGE, PACKAGE_FOLDER, board_files.MODELS_FOLDER, *_program_and_backups(board)]
        )
        # An interrupted deployment may have got as far as step 1 or 2: what is in /fxnn will become /lib/fxnn.
        package_now = SWITCHED_PACKAGE if SWITCHED_PACKAGE in there else PACKAGE_FOLDER
        self._package = self._package_files(there, package_now)
        wanted = [*self._package, self._model, *self._program]
        _check_places(board, there, wanted)
        leftover = STAGING in there
        if SWITCHED_PACKAGE in there and not leftover:
            raise ToolError(
                f"a folder {SWITCHED_PACKAGE} on the board hides {PACKAGE_FOLDER}",
                "MicroPython looks in / before /lib, so the package that fxnn puts there would not be used",
                f"if you do not need it, remove it: mpremote connect {board.port} fs rm -r :{SWITCHED_PACKAGE}",
            )

        def where(path: str) -> str:
            return package_now + path[len(PACKAGE_FOLDER) :] if path.startswith(PACKAGE_FOLDER + "/") else path

        digests = board_fs.sha256(board, [where(f.path) for f in wanted if there.get(where(f.path)) == len(f.data)])
        state = {}
        for file in wanted:
            if digests.get(where(file.path)) == file.sha256:
                state[file.path] = "same"
            else:
                state[file.path] = "changed" if where(file.path) in there else "new"
        package_paths = {file.path for file in self._package}
        stale = [
            PlannedFile(PACKAGE_FOLDER + path[len(package_now) :], size, "removed")
            for path, size in sorted(there.items())
            if size >= 0 and path.startswith(package_now + "/")
            if PACKAGE_FOLDER + path[len(package_now) :] not in package_paths
        ]
        package_changes = bool(stale) or any(state[path] != "same" for path in package_paths)
        copies, backups = [], []
        if package_changes:
            copies = [(file.path, staged(file.path)) for file in self._package if state[file.path] == "same"]
        for file in self._program:
            if state[file.path] == "changed":
                kept = _backup_name(board, file.path, there)
                if kept:
                    backups.append((file.path, kept))
        write = tuple(file for file in wanted if state[file.path] != "same")

        block = facts.block_bytes
        sizes = {file.path: len(file.data) for file in wanted}
        new_sizes = [len(f.data) for f in write] + [sizes[a] for a, _ in copies] + [there[a] for a, _ in backups]
        backends = {file.path.rpartition("/")[0] for file in self._package} - {PACKAGE_FOLDER}
        # /fxnn.new, its fxnn and models, /lib, /models, and one to spare
        new_folders = 6 + len(backends) if write else 0
        # A file that is replaced lives on until the end, so all that is written has to fit in addition.
        needed = sum(-(-size // block) for size in new_sizes) * block + new_folders * _FOLDER_BLOCKS * block
        place, ram_needed = choose(self._packed, facts.mapped_flash, facts.free_ram_bytes)
        return Plan(
            board=facts,
            files=(*(PlannedFile(f.path, len(f.data), state[f.path]) for f in wanted), *stale),
            copies=tuple(copies),
            backups=tuple(backups),
            package_changes=package_changes,
            flash_needed_bytes=needed,
            flash_free_bytes=facts.free_blocks * block,
            ram_needed_bytes=ram_needed,
            ram_free_bytes=facts.free_ram_bytes,
            place=place,
            leftover=leftover,
            note=self._note,
            write=write,
        )

    def check_fits(self) -> None:
        """ToolError if flash or RAM are too small, before anything is written."""
        plan = self.plan
        # A leftover's blocks are free once it is removed, so they cannot be judged yet: writing will tell.
        if plan.flash_needed_bytes > plan.flash_free_bytes and not plan.leftover:
            raise ToolError(
                "the board's flash is too full",
                f"{plan.flash_needed_bytes:,} bytes are needed while copying, {plan.flash_free_bytes:,} are free",
                _room_fix(self._board.port),
            )
        if plan.ram_needed_bytes > plan.ram_free_bytes:
            network, room = self._packed, plan.ram_free_bytes - PACKAGE_HEAP_BYTES
            raise ToolError(
                "the network does not fit in the board's RAM",
                f"even with its constants {WORDS[plan.place]} it needs {network.records_bytes:,} bytes for records, "
                f"{network.arena_bytes:,} for the arena and about {PACKAGE_HEAP_BYTES:,} for the package: "
                f"{plan.ram_needed_bytes:,}; {plan.ram_free_bytes:,} are free, "
                f"{plan.ram_needed_bytes - plan.ram_free_bytes:,} too few",
                f"convert it again with --ram {max(room, 0)}, or with --place flash, if it was not; use a smaller network or "
                "a board with more RAM (`fxnn inspect` shows what takes the room)",
            )

    def carry_out(
        self, on_bytes: Callable[[int], None] | None = None, on_step: Callable[[str], None] | None = None
    ) -> dict:
        """Copies, tests, renames. Returns what the self-test said. On any failure the board is as it was before."""
        step = on_step or (lambda _: None)
        with self._cleaned_up_on_failure():
            if self.plan.leftover:
                step("removing what an interrupted deployment left")
                board_fs.run(
                    self._board, self._recovery(board_fs.tree(self._board, [SWITCHED_PACKAGE, PACKAGE_FOLDER]))
                )
            if self.plan.write or self.plan.package_changes:
                step("copying")
                self.copy(on_bytes)
            step("self-test")
            result = self._selftest()
            if self.plan.write or self.plan.package_changes:
                step("renaming")
                board_fs.run(self._board, self.renames())
        return result

    def _recovery(self, there: dict[str, int]) -> list[tuple[str, ...]]:
        """Steps 2, 3 and 5 of a deployment that was cut off."""
        steps = []
        if SWITCHED_PACKAGE in there:
            if PACKAGE_FOLDER in there:
                steps.append(("rename", PACKAGE_FOLDER, f"{STAGING}/old2"))
            steps += [("makedirs", PACKAGE_FOLDER), ("rename", SWITCHED_PACKAGE, PACKAGE_FOLDER)]
        return [*steps, ("remove", STAGING)]

    def copy(self, on_bytes) -> None:
        """Copies all that is to change into the staging folder; on_bytes: called with the bytes of each write, or None."""
        plan = self.plan
        folders = {staged(file.path) for file in plan.write} | {to for _, to in plan.copies}
        steps = [("makedirs", path) for path in sorted({*folders, f"{STAGING}/"})]
        board_fs.run(self._board, [*steps, *(("copy", a, b) for a, b in plan.copies)])
        for file in plan.write:
            self._board.write_file(staged(file.path), file.data, on_bytes)
        arrived = board_fs.sha256(self._board, [staged(file.path) for file in plan.write])
        for file in plan.write:
            if arrived[staged(file.path)] != file.sha256:
                raise ToolError(f"{file.path} arrived damaged on the board", fix="check the cable and try again")

    def _selftest(self) -> dict:
        """Runs the network's self-test on the board, from the files that are to be put in place."""
        new = {file.path for file in self.plan.write}
        model = staged(self._model.path) if self._model.path in new else self._model.path
        folder = STAGING if self.plan.package_changes else PACKAGE_FOLDER.rpartition("/")[0]
        job = Job("selftest", model, [folder])
        answers = Answers(self._packed)
        macs = sum(op.macs for op in self._packed.ops) * max(1, len(self._packed.selftest))
        try:
            self._board.exec(job.script(), 60 + macs * _SECONDS_PER_MAC, answers.feed)
        except BoardScriptError as e:
            raise ToolError(
                "the self-test failed on the board",
                f"{e.last_line}\n{e.why}" if not answers.error else ": ".join(answers.error),
                "the board keeps what it had; convert the model again, and if it fails again, report it",
            ) from None
        answers.check(f"the board on {self._board.port}")
        return {"vectors": len(self._packed.selftest), "backend": answers.about["backend"],
                "heap_peak_bytes": answers.heap_peak_bytes}  # fmt: skip

    def renames(self) -> list[tuple[str, ...]]:
        """board_fs steps that put what was copied in its place; power may fail between any two."""
        plan = self.plan
        package_there = any(
            f.state in ("same", "changed", "removed") and f.path.startswith(PACKAGE_FOLDER) for f in plan.files
        )
        steps: list[tuple[str, ...]] = []
        if plan.package_changes and package_there:
            steps += [
                ("rename", STAGED_PACKAGE, SWITCHED_PACKAGE),
                ("rename", PACKAGE_FOLDER, f"{STAGING}/old"),
                ("rename", SWITCHED_PACKAGE, PACKAGE_FOLDER),
            ]
        elif plan.package_changes:
            steps += [("makedirs", PACKAGE_FOLDER), ("rename", STAGED_PACKAGE, PACKAGE_FOLDER)]
        # The maker's file is copied, not renamed: at no moment is the board without a main.py.
        for path, kept in plan.backups:
            steps += [("copy", path, f"{STAGING}/kept"), ("rename", f"{STAGING}/kept", kept)]
        for file in plan.write:
            if not file.path.startswith(PACKAGE_FOLDER + "/"):
                steps += [("makedirs", file.path), ("rename", staged(file.path), file.path)]
        return [*steps, ("remove", STAGING)]

    @contextmanager
    def _cleaned_up_on_failure(self):
        try:
            yield
        except BaseException as e:
            try:
                self._board.reset()  # whatever it was doing; and the self-test's memory is free again
                there = board_fs.tree(self._board, [SWITCHED_PACKAGE, PACKAGE_FOLDER, STAGING])
                if STAGING in there:
                    board_fs.run(self._board, self._recovery(there))
            except ToolError:
                pass  # the board is gone: the next deployment tidies up
            if isinstance(e, BoardScriptError) and e.errno == errno.ENOSPC:
                raise ToolError(
                    "the board's flash is full",
                    f"{self.plan.copy_bytes:,} bytes were to be copied; the board keeps what it had",
                    _room_fix(self._board.port),
                ) from None
            raise


def _room_fix(port: str) -> str:
    return (f"see what lies there, and remove what you do not need: mpremote connect {port} fs tree, "
            f"mpremote connect {port} fs rm :FILE")  # fmt: skip


def _check_places(board: Board, there: dict[str, int], wanted: list[BoardFile]) -> None:
    """ToolError where something of the maker's stands in the way of a file, before anything is written."""
    for path in ("/fxnn.py", "/fxnn.mpy"):
        if path[1:] in board.eval("__import__('os').listdir('/')"):
            raise ToolError(
                f"{path} on the board hides {PACKAGE_FOLDER}",
                "MicroPython looks in / before /lib",
                f"rename or remove it: mpremote connect {board.port} fs rm :{path}",
            )
    if there.get(board_files.MODELS_FOLDER, -1) >= 0:
        raise ToolError(
            f"{board_files.MODELS_FOLDER} on the board is a file", fix="rename it: fxnn needs a folder there"
        )
    for file in wanted:
        if there.get(file.path, 0) < 0:
            raise ToolError(f"{file.path} on the board is a folder", fix="rename it: a file is to go there")


def _program_and_backups(board: Board) -> list[str]:
    """boot.py, main.py and their kept copies, as far as they are there."""
    names = board.eval("__import__('os').listdir('/')")
    return [f"/{name}" for name in names if name.startswith(board_files.PROGRAM_FILES)]


def _backup_name(board: Board, path: str, there: dict[str, int]) -> str | None:
    """A free name for the maker's file, or None if the very same contents are kept already."""
    kept = [name for name in there if name.startswith(f"{path}.bak")]
    digests = board_fs.sha256(board, [path, *kept])
    if any(digests[name] == digests[path] for name in kept):
        return None
    candidates = [f"{path}.bak", *(f"{path}.bak{n}" for n in range(2, 100))]
    return next(name for name in candidates if name not in there)


# ------------------------------------------------------------------------------------------------------- for people


def show_plan(plan: Plan, port: str, console) -> None:
    """Prints what will be copied and whether it fits."""
    from rich.table import Table

    console.print(f"board on {port}: {plan.board}", markup=False)
    if plan.note:
        console.print(f"note: {plan.note}", markup=False)
    if plan.leftover:
        console.print("an earlier deployment was interrupted; its leftovers are removed first", markup=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("file", no_wrap=True)
    table.add_column("bytes", justify="right")
    table.add_column("", no_wrap=True)
    for file in plan.files:
        table.add_row(file.path, f"{file.bytes:,}", file.state, style="dim" if file.state == "same" else None)
    console.print(table)
    for path, kept in plan.backups:
        console.print(f"the board's own {path} is kept as {kept}", markup=False)
    console.print(
        f"to copy: {plan.copy_bytes:,} bytes; "
        f"flash: {plan.flash_needed_bytes:,} of {plan.flash_free_bytes:,} free bytes; "
        f"RAM: {plan.ram_needed_bytes:,} of {plan.ram_free_bytes:,}, constants {WORDS[plan.place]}",
        markup=False,
    )


def show_result(plan: Plan, result: dict, seconds: float, console) -> None:
    """Prints what was done."""
    vectors = result["vectors"]
    tested = (
        f"self-test passed ({vectors} vectors, {result['backend']} kernels)" if vectors else "no self-test in the file"
    )
    copied = sum(file.state in ("new", "changed") for file in plan.files)
    what = f"copied {copied} files" if copied else "nothing to copy, the board is up to date"
    console.print(f"{what}; {tested}; {seconds:.1f} s", markup=False)
