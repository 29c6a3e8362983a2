"""Which files of the repository hold something of the schema, and what each should hold."""

from __future__ import annotations

from pathlib import Path

from . import device_words
from .written import rewritten

ROOT = Path(__file__).resolve().parents[2]
DEVICE = ROOT / "device" / "fxnn"


def stale() -> dict[Path, str]:
    """{file: its text as it should be} for each file that is not. ValueError for a block that cannot be written."""
    found = {}
    for path in sorted(DEVICE.rglob("*.py")):
        text = path.read_text()
        try:
            new = rewritten(text, lambda what: device_block(text, what))
        except device_words.UnknownWord as e:
            raise ValueError(f"{path.relative_to(ROOT)}: {e}") from None
        if new != text:
            found[path] = new
    return found


def device_block(text: str, what: str) -> list[str]:
    """The lines of a block of a device file with this text."""
    return device_words.lines(text, what)


def write(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        path.write_text(text)
