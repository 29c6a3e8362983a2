"""What `python -m host_tools.assembler.<instruction set> [--check]` does: the written files against their descriptions."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "device" / "fxnn"


def stale(files: dict[str, str], folder: Path = FOLDER) -> list[str]:
    """The names of those files that are not there or differ from the text that their descriptions give."""
    return [name for name, text in files.items() if not (folder / name).exists() or (folder / name).read_text() != text]


def main(files: dict[str, str], arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Writes what differs; with --check only names it. -> exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if unknown := [a for a in arguments if a != "--check"]:
        print(f"unknown argument {unknown[0]}: --check, or nothing", file=sys.stderr)
        return 2
    names = stale(files, folder)
    for name in names:
        if "--check" in arguments:
            print(f"{name} is not up to date")
        else:
            (folder / name).write_text(files[name])
            print(f"wrote {name}")
    return bool(names) and "--check" in arguments
