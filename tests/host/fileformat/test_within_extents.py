"""What the host accepts stays inside of its extents: every kernel runs on records with one word changed, in `ref`, on
buffers that know where each may be read and written."""

from __future__ import annotations

import json
from collections import Counter

from host_tools.errors import ToolError
from host_tools.fileformat import extents, packed
from host_tools.record import BY_NAME, RECORD, WORDS
from tests.helpers import runners
from tests.helpers.attacks import attacked, attacks

PER_WORD = 6  # values of a word that are run, of those that the host accepts
# A channel table that lies elsewhere: what it holds nobody checks, and no address is made of it.
HARMLESS = "ValueError('negative shift count')"


def accepted(data: bytes, index: int):
    """(word, value, call) of the attacks on a record that the host accepts; call: (record, its words, its constants)."""
    kept: Counter = Counter()
    for word, value in attacks(data, index, range(RECORD.x_offset, WORDS)):
        if kept[word] == PER_WORD:
            continue
        try:
            network = packed.read(attacked(data, index, word, value))
        except ToolError:
            continue
        kept[word] += 1
        yield word, value, network


def case(network: packed.Packed, index: int) -> dict:
    op = network.ops[index]
    (words, constants) = op.calls[0]
    found = extents.stretches(op.kernel, words, op.fast_target, constants)
    assert not isinstance(found, str)
    return {
        "kernel": BY_NAME[op.kernel].id,
        "words": words,
        "arena": network.arena_bytes,
        "constants": constants.hex(),
        "stretches": [(s.offset, s.offset + s.bytes, s.in_constants, s.written) for s in found],
    }


def test_what_the_host_accepts_stays_inside(bases, tmp_path):
    names, cases = [], []
    for what, (data, index) in bases.items():
        for word, value, network in accepted(data, index):
            names.append(f"{what}: word {word} = {value}")
            cases.append(case(network, index))
    assert len(cases) > 2000
    printed = runners.run_cpython("within_extents.py", {"cases.json": json.dumps(cases).encode()}, tmp_path)
    answers = [line[2:] for line in printed.splitlines() if line.startswith("@ ")]
    wrong = [f"{name}: {answer}" for name, answer in zip(names, answers, strict=True) if answer not in ("ok", HARMLESS)]
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:30])
