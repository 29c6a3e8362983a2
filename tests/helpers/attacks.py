"""Records with one word changed at a time: of every kernel, of every packed variant, with operands in the constants."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.record import BY_NAME, BYTES, KERNELS, RECORD, view
from tests import draw

Bases = dict[str, tuple[bytes, int]]  # what it is: (a file, the number of its record)
INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
USUAL = (0, 1, -1, 2, 3, 4, 7, 15, 16, 31, 32, 255, 256, 1 << 20, INT_MIN, INT_MAX)
BOARDS = ("any", "pico", "esp32", "esp32c3")
DRAWN = 3  # models of each op
CUTTABLE = [kernel.name for kernel in KERNELS if kernel.cuttable]
_CRC_AT = 12


class ThreeByThree(draw.Shapes):
    """Windows that thumb's packed variant of depthwise_conv_2d takes."""

    def window(self, size: int, kernel_max: int, dilations: bool, padding: str) -> tuple[int, int, int]:
        kernel = 3 if padding == "SAME" else min(3, size)
        return kernel, 1, 1


def bases() -> Bases:
    """{what: (a file, its record)}: a record of each kernel, of each packed variant, cut, and with operands in constants."""
    found: dict[str, tuple[bytes, int]] = {}

    def add(data: bytes) -> None:
        for record in packed.read(data).ops:
            found.setdefault(what_it_is(record), (data, record.index))

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


def what_it_is(record: packed.OpRecord) -> str:
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
        values = {*USUAL, was + 1, was - 1, was + 4, was - 4}
        values |= {size + change for size in sizes for change in (-4, -1, 0, 1, 4)} | {-was, 2 * was}
        if "flags" in layout and word == layout.flags:
            values |= {was ^ 1 << bit for bit in range(31)} | {was - (1 << 31)}
        yield from ((word, value) for value in sorted(values - {was}) if INT_MIN <= value <= INT_MAX)


def attacked(data: bytes, index: int, word: int, value: int) -> bytes:
    """The file with one word of a record changed, its checksum mended."""
    changed = bytearray(data)
    struct.pack_into("<i", changed, offset_of(data, index, word), value)
    struct.pack_into("<I", changed, _CRC_AT, zlib.crc32(memoryview(changed)[16:]))
    return bytes(changed)


def offset_of(data: bytes, index: int, word: int) -> int:
    return packed.HEADER.unpack_from(data)[7] + BYTES * index + 4 * word
