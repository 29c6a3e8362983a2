"""Which files make up a deployment, as they are to lie on the board: device package, network, maker's program."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ToolError
from ..fileformat.packed import Packed

PACKAGE_FOLDER = "/lib/fxnn"
MODELS_FOLDER = "/models"
# What a maker sees on the board and may edit: never overwritten without keeping theirs.
PROGRAM_FILES = ("boot.py", "main.py")


# Backends that only one architecture runs: how its name begins.
ASSEMBLER = {"thumb": "arm", "xtensa": "xtensawin", "rv32": "rv32imc"}


@dataclass(frozen=True)
class BoardFile:
    path: str  # absolute, on the board
    data: bytes = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.data).digest()


def module_name(path: str) -> str:
    """The module in a file of the package: "viper.conv" in "viper/conv.mpy", "viper" in "viper/__init__.mpy"."""
    *folders, file = path.split("/")
    stem = file.rpartition(".")[0]
    return ".".join(folders if folders and stem == "__init__" else [*folders, stem])


def module_file(name: str) -> Path:
    """The source of a module of the device package."""
    path = device_folder().joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def module_names() -> list[str]:
    """The modules of the device package: "loader", "viper", "viper.conv"; "__init__" is the package itself."""
    folder = device_folder()
    return sorted(module_name(path.relative_to(folder).as_posix()) for path in folder.rglob("*.py"))


def package_names(arch: str | None) -> list[str]:
    """The modules of the device package that a board of this architecture (a name of mpy.py's table) can run."""
    return [name for name in module_names() if (arch or "").startswith(ASSEMBLER.get(name.partition(".")[0], ""))]


def package_files(arch: str | None, source: bool = False, folder: str = PACKAGE_FOLDER,
                  names: Container[str] | None = None) -> list[BoardFile]:  # fmt: skip
    """The device package for a board's architecture, compiled; with `source` as it is, but for the assembler: a board's
    own compiler gives up on functions of that size ("native method too big"). names: only those modules."""
    from .mpy import compile_mpy, viper_kinds

    files = []
    with tempfile.TemporaryDirectory(prefix="fxnn-") as temporary:
        for module in package_names(arch):
            if names is not None and module not in names:
                continue
            path = module_file(module)
            name = path.relative_to(device_folder()).as_posix()
            backend, _, family = module.partition(".")
            if source and not (family and backend in ASSEMBLER):
                files.append(BoardFile(f"{folder}/{name}", path.read_bytes()))
                continue
            out = Path(temporary, path.stem + ".mpy")
            compile_mpy(path, arch, out, name)
            data = out.read_bytes()
            # Espressif's firmware calls no function of assembler kind; as viper ones these run on every RISC-V board.
            files.append(BoardFile(f"{folder}/{name[:-3]}.mpy", viper_kinds(data) if backend == "rv32" else data))
    return files


def program_files(model: str, network: Packed) -> list[BoardFile]:
    """boot.py and main.py, for the root of the board's filesystem. model: the network's file name on the board.

    main.py is the repository's for its own network, digits; for another one it loads that and shows where its inputs go.
    """
    files = [BoardFile(f"/{name}", _shipped(name).read_bytes()) for name in PROGRAM_FILES]
    if f'"{MODELS_FOLDER}/{model}"'.encode() in files[-1].data:
        return files
    template = Path(__file__).with_name("main_template.upy").read_text("ascii")
    inputs = ", ".join(f"{math.prod(t.shape)} numbers" for t in network.inputs)
    text = template.replace('"/models/@FILE@"', repr(f"{MODELS_FOLDER}/{model}")).replace("@INPUT@", inputs)
    text = text.replace("@METHOD@", "classify" if network.labels else "predict")
    if len(network.inputs) > 1:
        text = text.replace("(readings)", "(*readings)")
    return [*files[:-1], BoardFile(files[-1].path, text.encode())]


def model_file(path: Path, data: bytes) -> BoardFile:
    """The packed network under its own file name."""
    if not path.name.isprintable() or len(path.name.encode()) > 60 or "/" in path.name:
        raise ToolError(
            f"'{path.name}' is no good as a file name on a board", "at most 60 plain characters", "rename the file"
        )
    return BoardFile(f"{MODELS_FOLDER}/{path.name}", data)


def device_folder() -> Path:
    """Where the device package's sources lie."""
    return _shipped("device") / "fxnn"


def _shipped(name: str) -> Path:
    """A file or folder of the repository: inside this package in an installed wheel, next to it in a checkout."""
    here = Path(__file__).resolve().parents[1]
    for candidate in (here / "shipped" / name, here.parent / name):
        if candidate.exists():
            return candidate
    raise ToolError(f"{name} is missing from this installation of fxnn", f"looked next to {here}", "install fxnn again")
