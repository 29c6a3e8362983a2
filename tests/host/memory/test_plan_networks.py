"""Whole networks under every preference: exact, with poison over all that is dead before each op."""

import numpy as np
import pytest

from host_tools.compiler import convert, tflm_arena
from host_tools.compiler.options import PREFERENCES
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from host_tools.readers import tflite
from tests.draw import image_chains
from tests.helpers import batch, tight_plans
from tests.helpers.paths import PUBLIC_MODELS

needs_public = pytest.mark.skipif(
    not PUBLIC_MODELS.is_dir(), reason="the public networks (../shared/models) are not here"
)
NAMES = ("kws_dscnn_int8", "ic_resnet8_int8", "ad_autoencoder_int8", "vww_mobilenet_int8")
SEED = 20261122


def converted(cases, prefer: str, board: str = "pico"):
    """[(model, inputs, plan, case)]"""
    found = []
    for case in cases:
        done = convert.convert(case.tflite, case.name, selftest=0, prefer=prefer, board=board)
        found.append((done.data, case.inputs, done.plan, case))
    return found


def check(done, answers) -> None:
    for (_, _, _, case), answer in zip(done, answers):
        assert answer == tight_plans.want(case), (case.name, answer if isinstance(answer, str) else "")


@pytest.fixture(scope="module")
def cases():
    found = image_chains.generate(14, SEED)
    assert sum(len(np.unique(c.outputs[-1])) >= 8 for c in found) > len(found) // 2  # a wrong byte can show
    return found


@pytest.mark.parametrize("prefer", PREFERENCES)
def test_random_networks_on_host(cases, prefer):
    """numpy, with the arena's dead bytes overwritten before each op."""
    for model, inputs, found, case in converted(cases, prefer):
        pieces = tight_plans.dead(found)

        def poison(index, arena):
            for low, high in pieces[index + 1] if index + 1 < len(pieces) else ():
                arena[low:high] = tight_plans.POISON

        outputs = exact.run(packed.read(model), list(inputs), poison)
        assert b"".join(y.tobytes() for y in outputs) == tight_plans.want(case), case.name


@pytest.mark.parametrize("prefer", PREFERENCES)
def test_random_networks_in_viper(cases, prefer, tmp_path):
    done = converted(cases, prefer)
    check(done, tight_plans.poisoned(batch.run_unix, [d[:3] for d in done], tmp_path))


def test_random_networks_in_ref(cases, tmp_path):
    done = converted(cases[:8], "ram")
    check(done, tight_plans.poisoned(batch.run_ref, [d[:3] for d in done], tmp_path))


@pytest.mark.slow
@pytest.mark.pico
@pytest.mark.parametrize("prefer", PREFERENCES)
def test_random_networks_on_the_pico(cases, prefer):
    done = [d for d in converted(cases[:8], prefer) if d[2].arena_bytes < 40_000]  # the model is in the heap, too
    assert len(done) > 4
    check(done, tight_plans.poisoned(batch.run_pico, [d[:3] for d in done], "thumb"))


def test_ram_is_never_more_than_the_others_take(cases):
    for case in cases[:6]:
        ram, balanced, speed = (
            convert.convert(case.tflite, "x", selftest=0, prefer=p).plan for p in ("ram", "balanced", "speed")
        )
        assert ram.arena_bytes <= min(balanced.arena_bytes, speed.arena_bytes) * 65 // 64
        assert speed.cycles <= balanced.cycles <= ram.cycles * 1.001
        limit = tflm_arena.least_bytes(tflite.read(case.tflite, "x"))
        assert balanced.arena_bytes <= max(limit, ram.arena_bytes)


# ---- the public networks

# arena bytes that --prefer ram keeps, and TFLM's (recorded once, test_oracle measures it again)
MOST = {"kws_dscnn_int8": 10_000, "ic_resnet8_int8": 25_000, "ad_autoencoder_int8": 4_000, "vww_mobilenet_int8": 30_000}
VWW_WITHOUT_STRIPES = 44_000
TFLM = {
    "kws_dscnn_int8": 24_272,
    "ic_resnet8_int8": 55_984,
    "ad_autoencoder_int8": 3_984,
    "vww_mobilenet_int8": 103_680,
}


@needs_public
@pytest.mark.parametrize("name", NAMES)
def test_public_networks(name, tmp_path):
    """All three preferences on host, and poisoned in viper; ram keeps issue 4's figures, balanced TFLM's arena."""
    data = (PUBLIC_MODELS / f"{name}.tflite").read_bytes()
    random = np.random.default_rng(5)
    oracle, cases, want = Oracle(data), [], []
    limit = tflm_arena.least_bytes(tflite.read(data, name))
    assert limit <= TFLM[name]
    for prefer in PREFERENCES:
        done = convert.convert(data, name, selftest=0, prefer=prefer)
        x = random.integers(-128, 128, packed.read(done.data).inputs[0].shape).astype(np.int8)
        cases.append((done.data, [x], done.plan))
        want.append(oracle.run([x])[0].tobytes())
        assert exact.run(packed.read(done.data), [x])[0].tobytes() == want[-1], prefer
        if prefer == "ram":
            assert done.plan.arena_bytes <= MOST[name]
            if name.startswith("vww"):
                whole = convert.convert(data, name, selftest=0, prefer=prefer, striped=False).plan
                assert done.plan.arena_bytes < whole.arena_bytes <= VWW_WITHOUT_STRIPES
                assert done.plan.cycles < 1.15 * whole.cycles
        if prefer == "balanced":
            assert done.plan.arena_bytes <= limit
    assert tight_plans.poisoned(batch.run_unix, cases, tmp_path) == want


@needs_public
def test_a_budget_is_kept_or_refused_with_numbers():
    data = (PUBLIC_MODELS / "kws_dscnn_int8.tflite").read_bytes()
    done = convert.convert(data, "kws", selftest=0, ram=12 << 10)
    assert 10_000 < done.plan.arena_bytes <= 12 << 10
    with pytest.raises(ToolError) as e:
        convert.convert(data, "kws", selftest=0, ram=8000)
    text = str(e.value)
    smallest = convert.convert(data, "kws", selftest=0, prefer="ram").plan.arena_bytes
    given = int(e.value.fix.split("--ram ")[1].split(",")[0])
    assert (
        given <= smallest and f"{given - 8000:,} too many" in text and "depthwise_conv_2d" in text and "scratch" in text
    )
    assert convert.convert(data, "kws", selftest=0, ram=given).plan.arena_bytes <= given  # the way out is one


def test_tflm_arena_model_is_a_lower_bound(cases, capfd):
    """Against TFLM's own recording, for random networks and the public ones."""
    from tests.helpers.tflm_size import tflm_arena_bytes

    for case in cases:
        assert tflm_arena.least_bytes(tflite.read(case.tflite, "x")) <= tflm_arena_bytes(case.tflite, capfd)
    if PUBLIC_MODELS.is_dir():
        for name in NAMES:
            data = (PUBLIC_MODELS / f"{name}.tflite").read_bytes()
            assert tflm_arena_bytes(data, capfd) == TFLM[name]
