"""Every word of every kernel's record is attacked, on the host's reader and on the board's loader: one verdict.

The board checks less than the host (each record's offsets, not how far they reach), so what the host accepts the board
must, and what the board refuses the host must; no word makes either fail with anything but its own message.
"""

from __future__ import annotations

import functools
import os
import struct
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.record import BY_NAME, BYTES, KERNELS, RECORD, WORDS, view
from tests import strategies
from tests.batch import ROOT

INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
BOARDS = ("any", "pico", "esp32", "esp32c3")
DRAWN = 3  # models of each op
_HEADER_BYTES, _CRC_AT = 96, 12

# Per base: u32 length of the model, the model; u32 how many words, then of each u32 its offset in the file, i32 its value.
# Prints a letter a word: o, it loads; r, a ValueError of FORMAT.md; or the exception.
SCRIPT = """\
import struct, sys
from binascii import crc32
sys.path.insert(0, 'lib')
import fxnn
with open('cases.bin', 'rb') as f:
    while True:
        head = f.read(4)
        if len(head) < 4:
            break
        model = bytearray(f.read(struct.unpack('<I', head)[0]))
        verdicts = []
        for _ in range(struct.unpack('<I', f.read(4))[0]):
            at, value = struct.unpack('<Ii', f.read(8))
            was = bytes(model[at:at + 4])
            struct.pack_into('<i', model, at, value)
            struct.pack_into('<I', model, 12, crc32(memoryview(model)[16:]))
            try:
                fxnn.load(model, backend='ref')
                verdicts.append('o')
            except ValueError as e:
                verdicts.append('r' if str(e)[:7] == 'model: ' else '[%r]' % e)
            except Exception as e:
                verdicts.append('[%r]' % e)
            model[at:at + 4] = was
        print('@', ' '.join(verdicts))
"""


@functools.cache
def bases() -> dict[str, tuple[bytes, int]]:
    """{what: (a file, its record)}: a record of each kernel, of each packed variant, cut, and with operands in constants."""
    found: dict[str, tuple[bytes, int]] = {}
    for n, op in enumerate(strategies.OPS):
        for i, case in enumerate(strategies.generate(op, DRAWN, seed=5)):
            for board in (BOARDS[(n + i) % 4], "any"):
                try:
                    data = convert.convert_bytes(case.tflite, "net", selftest=0, board=board)
                except ToolError:
                    continue
                for record in packed.read(data).ops:
                    found.setdefault(_what(record), (data, record.index))
    return found


def _what(record: packed.OpRecord) -> str:
    kernel = BY_NAME[record.kernel]
    r = view(record.kernel, record.words)
    text = record.kernel
    if "packed_offset" in kernel.layout and r.packed_offset:
        text += f" {record.fast_target}"
    if kernel.cuttable and r.weights_format:
        text += " int4"
    if kernel.constant_operands and r.flags:
        text += f" flags {r.flags}"
    return text


def attacks(data: bytes, index: int) -> Iterator[tuple[int, int]]:
    """(word, value): each word of a record as what it should not be, and as what it may be."""
    network = packed.read(data)
    words = network.ops[index].words
    layout = BY_NAME[network.ops[index].kernel].layout
    sizes = (network.arena_bytes, words[RECORD.const_bytes], network.resident_bytes, len(data))
    for word in range(WORDS):
        was = words[word]
        values = {0, 1, -1, 2, 3, 4, 7, 15, 16, 31, 32, 255, 256, 1 << 20, INT_MIN, INT_MAX, was + 1, was - 1, was + 4, was - 4}
        values |= {size + change for size in sizes for change in (-4, -1, 0, 1, 4)} | {-was, 2 * was}
        if "flags" in layout and word == layout.flags:
            values |= {was ^ 1 << bit for bit in range(31)} | {was - (1 << 31)}
        yield from ((word, value) for value in sorted(values - {was}) if INT_MIN <= value <= INT_MAX)


def attacked(data: bytes, index: int, word: int, value: int) -> bytes:
    """The file with one word of a record changed, its checksum mended."""
    changed = bytearray(data)
    struct.pack_into("<i", changed, _offset(data, index, word), value)
    struct.pack_into("<I", changed, _CRC_AT, zlib.crc32(memoryview(changed)[16:]))
    return bytes(changed)


def _offset(data: bytes, index: int, word: int) -> int:
    return packed.HEADER.unpack_from(data)[7] + BYTES * index + 4 * word


def on_the_host(data: bytes) -> str:
    try:
        packed.read(data)
        return "o"
    except ToolError:
        return "r"


def cases_file(found: dict[str, tuple[bytes, int]]) -> bytes:
    parts = []
    for data, index in found.values():
        changes = [struct.pack("<Ii", _offset(data, index, word), value) for word, value in attacks(data, index)]
        parts += [struct.pack("<I", len(data)), data, struct.pack("<I", len(changes)), *changes]
    return b"".join(parts)


def verdicts_of(printed: str, found: dict[str, tuple[bytes, int]]) -> dict[str, list[str]]:
    lines = [line[2:].split(" ") for line in printed.splitlines() if line.startswith("@ ")]
    return dict(zip(found, lines, strict=True))


def check(found: dict[str, tuple[bytes, int]], board: dict[str, list[str]]) -> Counter:
    """How often both accept, both refuse, only the host refuses; an AssertionError for any other verdict."""
    counts: Counter = Counter()
    wrong = []
    for what, (data, index) in found.items():
        for (word, value), there in zip(attacks(data, index), board[what], strict=True):
            here = on_the_host(attacked(data, index, word, value))
            counts[here + there] += 1
            if (here + there) not in ("oo", "rr", "ro"):
                wrong.append(f"{what}: word {word} = {value}: host {here}, board {there}")
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:40])
    return counts


def run_ref_script(script: str, cases: bytes, folder) -> str:
    (folder / "cases.bin").write_bytes(cases)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests/stubs"), str(ROOT / "device")])}
    return subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, text=True, capture_output=True,
                          check=True, timeout=600).stdout  # fmt: skip


def test_every_kernel_is_attacked():
    drawn = {what.split(" ")[0] for what in bases()}
    assert drawn == {kernel.name for kernel in KERNELS}
    assert {f"conv_2d {target}" for target in ("thumb", "xtensa", "rv32")} < set(bases())


def test_host_and_board_say_the_same_of_every_word(tmp_path):
    found = bases()
    counts = check(found, verdicts_of(run_ref_script(SCRIPT, cases_file(found), tmp_path), found))
    assert min(counts["oo"], counts["rr"], counts["ro"]) > 1000, counts
