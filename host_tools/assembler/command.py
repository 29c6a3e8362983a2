"""What `python -m host_tools.assembler.<instruction set>` does: the written files against their descriptions."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "device" / "fxnn"


def text(package: str, family: str) -> str:
    """The device file of a family, as its description in the package has it."""
    return import_module(f".{family}", package).file()


def main(package: str, files: dict[str, str], arguments: list[str], folder: Path = FOLDER) -> int:
    """Writes the families named (all, if none is) where they differ; with --check only names those. -> exit status.

    files: family -> its file in the folder.
    """
    if not folder.is_dir():
        print(f"there is no {folder}: run it in the repository", file=sys.stderr)
        return 2
    check = "--check" in arguments
    families = [a for a in arguments if a != "--check"] or list(files)
    if unknown := [family for family in families if family not in files]:
        print(f"no family {unknown[0]}: one of {', '.join(files)}", file=sys.stderr)
        return 2
    stale = 0
    for family in families:
        path, new = folder / files[family], text(package, family)
        if path.exists() and path.read_text() == new:
            continue
        stale += 1
        if check:
            print(f"{files[family]} is not up to date: python -m {package} {family}")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(new)
            print(f"wrote {files[family]}")
    return bool(check and stale)
