"""Which files of the repository hold something of the schema, and what each should hold."""

from __future__ import annotations

import json
from pathlib import Path

from . import device_kernels, device_words, format_tables
from .written import rewritten

ROOT = Path(__file__).resolve().parents[2]
DEVICE = ROOT / "device" / "fxnn"
PACKAGE = ROOT / "device" / "package.json"
FORMAT = ROOT / "models" / "FORMAT.md"


def stale() -> dict[Path, str]:
    """{file: its text as it should be} for each file that is not. ValueError for a block that cannot be written."""
    found = {}
    for path in (*sorted(DEVICE.rglob("*.py")), FORMAT):
        text = path.read_text()
        try:
            new = rewritten(
                text, lambda what: format_tables.lines(what) if path == FORMAT else device_block(text, what)
            )
        except device_words.UnknownWord as e:
            raise ValueError(f"{path.relative_to(ROOT)}: {e}") from None
        if new != text:
            found[path] = new
    if PACKAGE.read_text() != package():
        found[PACKAGE] = package()
    return found


def device_block(text: str, what: str) -> list[str]:
    """The lines of a block of a device file with this text."""
    if what == "kernels":
        return device_kernels.kernels(text)
    if what == "kernel names":
        return device_kernels.names()
    if what.startswith("modules of "):
        return device_kernels.modules(what.removeprefix("modules of "))
    if what == "words" or what.startswith("words of "):
        return device_words.lines(text, what)
    raise device_words.UnknownWord(f"nothing is known to write as {what}")


def package() -> str:
    """device/package.json, by which `mip` installs: every source file that runs from its source.

    Not the assembler of ESP32s and RISC-V, which needs mpy-cross."""
    files = sorted(path.relative_to(DEVICE.parent).as_posix() for path in DEVICE.rglob("*.py"))
    urls = [[file, file] for file in files if not file.startswith(("fxnn/xtensa", "fxnn/rv32"))]
    version = json.loads(PACKAGE.read_text())["version"]
    rows = ",\n".join(f"    {json.dumps(url)}" for url in urls)
    return f'{{\n  "version": {json.dumps(version)},\n  "urls": [\n{rows}\n  ]\n}}\n'


def write(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        path.write_text(text)
