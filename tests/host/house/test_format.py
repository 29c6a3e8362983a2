"""FORMAT.md against the host's reader and the board's: the document is what they share."""

import re
import struct

import pytest

from host_tools.fileformat import packed
from host_tools.record import KERNELS
from tests.helpers.paths import ROOT

TEXT = (ROOT / "models/FORMAT.md").read_text()
_CODES = {"u8": "B", "u16": "H", "u32": "I", "i32": "i", "f32": "f", "4 bytes": "4s", "6 x u32": "6I", "8 bytes": "8x"}


def section(title: str) -> str:
    start = TEXT.index(f"## {title}")
    end = TEXT.find("\n## ", start + 1)
    return TEXT[start:end]


def rows(text: str, columns: int) -> list[list[str]]:
    """The cells of the table rows in `text` whose first cell is a number."""
    found = []
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= columns and cells[0].isdigit():
            found.append(cells)
    return found


def as_struct(table: list[list[str]]) -> struct.Struct:
    return struct.Struct("<" + "".join(_CODES[row[1]] for row in table))


@pytest.mark.parametrize(
    "title, ours", [("Header (96 bytes)", packed.HEADER), ("Tensor entry (64 bytes)", packed.TENSOR)]
)
def test_tables_are_the_structs(title, ours):
    table = rows(section(title), 3)
    documented = as_struct(table)
    assert documented.size == ours.size
    offset = 0
    for at, type, *_ in table:
        assert int(at) == offset, f"{title}: a field at {at}, {offset} expected"
        offset += struct.calcsize("<" + _CODES[type])
    sample = bytes(range(1, 1 + ours.size))
    assert documented.unpack(sample) == ours.unpack(sample)


def test_kernel_ids_are_documented():
    table = section("Op record")
    table = table[table.index("| id | kernel |") : table.index("<!-- end of kernels")]
    assert {int(id): name for id, name, *_ in rows(table, 3)} == {kernel.id: kernel.name for kernel in KERNELS}


def test_every_host_message_is_documented():
    source = (ROOT / "host_tools/fileformat/packed.py").read_text()
    table = section("Errors")
    for message in re.findall(r'refuse\(f?"([^"]+)"', source):
        head = re.split(r"[{(]|\d", message)[0].strip(" ,")
        assert head in table, message


def test_every_board_message_is_documented():
    source = (ROOT / "device/fxnn/loader.py").read_text()
    table = section("Errors")
    messages = re.findall(r'"model: ([^"]+)"', source)
    assert len(messages) >= 5
    for message in messages:
        head = re.split(r"[%{(]|\d", message)[0].strip(" ,")
        assert head in table, message
