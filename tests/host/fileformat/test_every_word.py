"""Every word of every kernel's record is attacked, on the host's reader and on the board's loader: one verdict.

The board checks less than the host (each record's offsets, not how far they reach), so what the host accepts the board
must, and what the board refuses the host must; no word makes either fail with anything but its own message.
"""

from __future__ import annotations

import struct
from collections import Counter
from functools import partial

import pytest

from host_tools.assembler.targets import TARGETS
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.record import CONV, KERNELS, PAIRWISE, RECORD, WORDS, X2_CONSTANT, X_CONSTANT
from tests.helpers import cut_networks, runners
from tests.helpers.attacks import CUTTABLE, Bases, attacked, attacks, offset_of

_ARENA_AT = 20


def on_the_host(data: bytes) -> str:
    try:
        packed.read(data)
        return "o"
    except ToolError:
        return "r"


def cases_file(found: Bases, numbers) -> bytes:
    parts = []
    for data, index in found.values():
        changes = [
            struct.pack("<Ii", offset_of(data, index, word), value) for word, value in attacks(data, index, numbers)
        ]
        parts += [struct.pack("<I", len(data)), data, struct.pack("<I", len(changes)), *changes]
    return b"".join(parts)


def check(found: Bases, board: dict[str, list[str]], numbers) -> Counter:
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


def hold_to_one_verdict(found: Bases, run, folder, numbers=range(WORDS)) -> Counter:
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
