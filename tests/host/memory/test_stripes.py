"""Chains of ops in stripes: every chain of random networks, cut at random rows, is exact; poisoned between the steps."""

import pytest

from host_tools.compiler import pack
from host_tools.compiler.options import PREFERENCES
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.memory import plan, stripes
from host_tools.memory.search import Search
from host_tools.record import CONV, RECORD
from tests import draw
from tests.draw import image_chains
from tests.helpers import batch, tight_plans

SEED = 77


def striped(count: int, target: str, most_side: int = 24):
    """[(model, inputs, plan, case)] of networks with a chain, cut at random rows."""
    found = []
    for case in image_chains.generate(count, SEED, most_side):
        program = tight_plans.program_of(case.tflite, case.name, target)
        source = draw.RandomSource(f"{SEED}/{case.name}")
        chains = sorted({c for i in range(len(program.steps)) for c in stripes.chains(program, i)})
        for first, last in [source.choice(chains)] if chains else []:
            rows = stripes.rows(program, last)
            ends = sorted({*(source.integer(1, rows) for _ in range(source.integer(1, 5))), rows})
            cut = stripes.split(program, first, last, ends)
            done = plan.plan(cut, source.choice(PREFERENCES), sum(b.bytes for b in cut.buffers.values()) // 2)
            found.append((pack.pack(done.program, done), case.inputs, done, case))
    return found


def check(done, answers) -> None:
    for (_, _, _, case), answer in zip(done, answers):
        assert answer == tight_plans.want(case), (case.name, answer if isinstance(answer, str) else "")


@pytest.fixture(scope="module")
def plain():
    done = striped(44, "none")
    assert sum(any(s.kernel == "add" and s.y_bytes is not None for s in p.program.steps) for _, _, p, _ in done) > 3
    assert len(done) > 18 and any(len([s for s in p.program.steps if s.y_bytes is not None]) > 8 for _, _, p, _ in done)
    return done


def test_on_host(plain):
    for model, inputs, found, case in plain:
        pieces = tight_plans.dead(found)

        def poison(index, arena):
            for low, high in pieces[index + 1] if index + 1 < len(pieces) else ():
                arena[low:high] = tight_plans.POISON

        outputs = exact.run(packed.read(model), list(inputs), poison)
        assert b"".join(y.tobytes() for y in outputs) == tight_plans.want(case), case.name


def test_in_viper(plain, tmp_path):
    check(plain, tight_plans.poisoned(batch.run_unix, [d[:3] for d in plain], tmp_path))


def test_in_ref(plain, tmp_path):
    few = plain[:10]
    check(few, tight_plans.poisoned(batch.run_ref, [d[:3] for d in few], tmp_path))


@pytest.mark.slow
@pytest.mark.pico
def test_in_thumb_on_the_pico():
    done = striped(24, "thumb")
    assert any(
        s.words.get(CONV.packed_offset) and s.y_bytes is not None for _, _, p, _ in done for s in p.program.steps
    )
    check(done, tight_plans.poisoned(batch.run_pico, [d[:3] for d in done], "thumb"))


def test_constants_are_stored_once():
    """A stripe costs a record, no weights."""
    for model, _, _found, _ in striped(12, "none"):
        network = packed.read(model)
        by_name: dict[str, set[int]] = {}
        for op in network.ops:
            if op.constants:
                by_name.setdefault(op.name, set()).add(op.words[RECORD.const_offset])
        assert all(len(places) == 1 for places in by_name.values())


def test_needs_is_never_above_what_the_planner_takes():
    for case in image_chains.generate(10, SEED):
        program = tight_plans.program_of(case.tflite, case.name, "thumb")
        needs = Search(program).needs()
        assert max(needs) <= plan.plan(program, "ram").arena_bytes


def test_rows_that_nobody_reads_are_left_out():
    """VALID windows with strides leave rows: they are not computed in stripes."""
    words = [0] * 40
    words[CONV.slice("batches", "pad_left")] = [1, 9, 4, 1, 4, 2, 1, 2, 2, 2, 2, 1, 1, 0, 0]
    assert stripes.input_rows(words, 0, 4) == (0, 8) and stripes.input_rows(words, 1, 2) == (2, 4)
    words[CONV.pad_top] = 1
    assert stripes.input_rows(words, 0, 1) == (0, 1) and stripes.input_rows(words, 4, 5) == (7, 9)
