"""Emulated Picos that start with files on their flash, and are read when they have stopped."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

from host_tools.fileformat import packed
from host_tools.package import board_files, families

WHOLE = {file.path: file.data for file in board_files.package_files("armv6m")}


def package_for(model: bytes, arch: str = "armv6m") -> dict[str, bytes]:
    """What of the package a board needs for a packed network."""
    names = families.needed([packed.read(model)], arch)
    return {path: data for path, data in WHOLE.items() if board_files.module_name(path[len("/lib/fxnn/") :]) in names}


@contextlib.contextmanager
def flash(folder, files):
    """The path of a flash image holding `files`; afterwards `after` on it is what the board left."""
    from host_tools.emulators.virtual_pico import make_image

    image = folder / "flash.img"
    make_image({path.lstrip("/"): data for path, data in files.items()}, image)
    yield image


@contextlib.contextmanager
def pico(folder, files):
    """A running board with `files` on its flash; `files()` reads them once the board has stopped."""
    from host_tools.emulators.virtual_pico import VirtualPico, read_image

    with flash(folder, files) as image:
        running = VirtualPico(image)
        with running:
            yield SimpleNamespace(
                port=running.port,
                process=running.process,
                files=lambda: {f"/{p}": d for p, d in read_image(image).items()},
            )
