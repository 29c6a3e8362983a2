"""Every word of every kernel's record is attacked, on the host's reader and on the board's loader: one verdict.

The board checks less than the host (each record's offsets, not how far they reach), so what the host accepts the board
must, and what the board refuses the host must; no word makes either fail with anything but its own message.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from host_tools.assembler.targets import TARGETS
from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.record import BY_NAME, BYTES, CONV, KERNELS, PAIRWISE, RECORD, WORDS, X2_CONSTANT, X_CONSTANT, view
from tests import draw
from tests.helpers import cut_networks, runners

INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
BOARDS = ("any", "pico", "esp32", "esp32c3")
DRAWN = 3  # models of each op
CUTTABLE = [kernel.name for kernel in KERNELS if kernel.cuttable]
_CRC_AT, _ARENA_AT = 12, 20


class ThreeByThree(draw.Shapes):
    """Windows that thumb's packed variant of depthwise_conv_2d takes."""

    def window(self, size: int, kernel_max: int, dilations: bool, padding: str) -> tuple[int, int, int]:
        kernel = 3 if padding == "SAME" else min(3, size)
        return kernel, 1, 1


@pytest.fixture(scope="module")
def bases() -> dict[str, tuple[bytes, int]]:
    """{what: (a file, its record)}: a record of each kernel, of each packed variant, cut, and with operands in constants."""
    found: dict[str, tuple[bytes, int]] = {}

    def add(data: bytes) -> None:
        for record in packed.read(data).ops:
            found.setdefault(_what(record), (data, record.index))

    for n, op in enumerate(draw.OPS | draw.STATEFUL):
        for i in range(DRAWN if op not in CUTTABLE else 5 * DRAWN):
            case = draw.build(op, draw.RandomSource(f"words/{op}/{i}", ThreeByThree if i % 2 else draw.Shapes), op)
            for board in BOARDS if op in CUTTABLE else (BOARDS[(n + i) % len(BOARDS)],):
                try:
                    add(convert.convert_bytes(case.tflite, "net", selftest=0, board=board))
                except ToolError:  # what a scale that cannot be makes
                    continue
            int4 = draw.four_bits(case) if op in ("conv_2d", "fully_connected") else None
            if int4:
                add(int4)
    return found


def _what(record: packed.OpRecord) -> str:
    kernel = BY_NAME[record.kernel]
    r = view(record.kernel, record.words)
    text = record.kernel
    if kernel.cuttable:
        text += " int4" * r.weights_format
        text += f" {record.fast_target}" if r.packed_offset else ""
    if kernel.constant_operands and r.flags:
        text += f" flags {r.flags}"
    return text


def attacks(data: bytes, index: int, numbers) -> Iterator[tuple[int, int]]:
    """(word, value): each word of a record as what it should not be, and as what it may be."""
    network = packed.read(data)
    words = network.ops[index].words
    layout = BY_NAME[network.ops[index].kernel].layout
    sizes = (network.arena_bytes, words[RECORD.const_bytes], network.resident_bytes, len(data))
    for word in numbers:
        was = words[word]
        values = {
            0,
            1,
            -1,
            2,
            3,
            4,
            7,
            15,
            16,
            31,
            32,
            255,
            256,
            1 << 20,
            INT_MIN,
            INT_MAX,
            was + 1,
            was - 1,
            was + 4,
            was - 4,
        }
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


def cases_file(found: dict[str, tuple[bytes, int]], numbers) -> bytes:
    parts = []
    for data, index in found.values():
        changes = [
            struct.pack("<Ii", _offset(data, index, word), value) for word, value in attacks(data, index, numbers)
        ]
        parts += [struct.pack("<I", len(data)), data, struct.pack("<I", len(changes)), *changes]
    return b"".join(parts)


def check(found: dict[str, tuple[bytes, int]], board: dict[str, list[str]], numbers) -> Counter:
    """How often both accept, both refuse, only the host refuses; an AssertionError for any other verdict."""
    counts: Counter = Counter()
    wrong = []
    for what, (data, index) in found.items():
        for (word, value), there in zip(attacks(data, index, numbers), board[what], strict=True):
            here = on_the_host(attacked(data, index, word, value))
            counts[here + there] += 1
            if (here + there) not in ("oo", "rr", "ro"):
                wrong.append(f"{what}: word {word} = {value}: host {here}, board {there}")
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:40])
    return counts


def hold_to_one_verdict(found: dict[str, tuple[bytes, int]], run, folder, numbers=range(WORDS)) -> Counter:
    """Attacks these words of every record; how often both accept, both refuse, only the host refuses. `run`: of
    tests/helpers/runners.py."""
    printed = run("every_word.py", {"cases.bin": cases_file(found, numbers)}, folder)
    lines = [line[2:].split("\t") for line in printed.splitlines() if line.startswith("@ ")]
    return check(found, dict(zip(found, lines, strict=True)), numbers)


def test_every_kernel_and_variant_is_attacked(bases):
    assert {what.split(" ")[0] for what in bases} == {kernel.name for kernel in KERNELS}
    variants = {f"{kernel} {target}" for kernel in CUTTABLE for target in TARGETS}
    int4 = {"conv_2d int4 thumb", "fully_connected int4 thumb"}
    assert variants | int4 <= set(bases), (variants | int4) - set(bases)


def test_host_and_board_say_the_same_of_every_word(bases, tmp_path):
    counts = hold_to_one_verdict(bases, runners.run_cpython, tmp_path)
    assert min(counts["oo"], counts["rr"], counts["ro"]) > 1000, counts


@pytest.mark.parametrize(
    "operand, word, bit", [("x", RECORD.x_offset, X_CONSTANT), ("x2", RECORD.x2_offset, X2_CONSTANT)]
)
def test_operands_in_constants_are_checked_on_both(bases, operand, word, bit, tmp_path):
    """One byte after the constants, in a network whose arena is as large as anything: nobody else would find it."""
    movable = [kernel for kernel in KERNELS if operand in kernel.constant_operands]
    files = []
    for kernel in movable:
        data, index = bases[next(what for what in bases if what.split(" ")[0] == kernel.name)]
        words = packed.read(data).ops[index].words
        data = bytearray(attacked(data, index, kernel.layout.flags, words[kernel.layout.flags] | bit))
        struct.pack_into("<I", data, _ARENA_AT, 1 << 20)
        size = words[RECORD.const_bytes]
        files += [attacked(bytes(data), index, word, at) for at in (size + 1, 1 << 16)]
    assert [on_the_host(data) for data in files] == ["r"] * len(files)
    loads = [
        struct.pack("<I", len(data)) + data + struct.pack("<IIi", 1, 0, *struct.unpack_from("<i", data))
        for data in files
    ]
    printed = runners.run_cpython("every_word.py", {"cases.bin": b"".join(loads)}, tmp_path)
    assert printed.split() == ["@", "r"] * len(files)


def test_micropython_says_the_same_of_the_words_that_a_loader_looks_at(bases, tmp_path):
    numbers = [*range(RECORD.x2_offset + 1), PAIRWISE.flags, CONV.piece_count]
    some = {what: bases[what] for what in list(bases)[:: len(bases) // 12]}
    counts = hold_to_one_verdict(some, partial(runners.run_unix, heap_bytes=1 << 20), tmp_path, numbers)
    assert min(counts["oo"], counts["rr"]) > 100, counts


def test_host_and_board_say_the_same_of_ops_that_are_cut(small_blocks, tmp_path):
    found = {op: (cut_networks.cut_cases(op, 1, seed=1)[0][1].data, 0) for op in CUTTABLE}
    counts = hold_to_one_verdict(found, runners.run_cpython, tmp_path)
    assert min(counts["oo"], counts["rr"], counts["ro"]) > 100, counts
