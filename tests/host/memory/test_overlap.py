"""Outputs over inputs: exact at the nearest distance that overlap.py allows, for every kernel form on every backend.

What an op has read is overwritten by its own output here: the kernels run on arenas in which y starts as near to x as
the plan may ever put it. One step nearer, answers must become wrong for some shapes, or the test would prove nothing.
"""

import numpy as np
import pytest

from host_tools.assembler.window import Window
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.memory import overlap
from host_tools.record import CONV
from tests import draw
from tests.draw.shapes import TiledImages
from tests.helpers import batch, tight_plans

SEED = 20261122
COUNT = 30


def collect(target: str, count: int, ops=tight_plans.FORMS, options: int = 3, shapes=draw.Shapes):
    right, wrong = [], []
    for op in ops:
        r, w = tight_plans.tight(op, count, SEED, target, options, shapes)
        right += r
        wrong += w
    return right, wrong


def failures(cases, answers) -> list[str]:
    return [
        f"{c.form}, distance {c.distance}: {c.case}"
        for c, answer in zip(cases, answers)
        if answer != tight_plans.want(c.case)
    ]


def check(right, wrong, run, wrong_forms) -> None:
    """All of `right` are exact; of `wrong` each form that has an order of its own fails at least once."""
    bad = failures(right, run([(c.model, c.case.inputs) for c in right]))
    assert not bad, bad[:3]
    wrong = [c for c in wrong if c.form in wrong_forms]
    failed = {text.split(",")[0] for text in failures(wrong, run([(c.model, c.case.inputs) for c in wrong]))}
    assert failed == set(wrong_forms), f"one step nearer never failed for {set(wrong_forms) - failed}"


@pytest.fixture(scope="module")
def plain():
    """Records without packed variants: the order of ref and viper."""
    right, wrong = collect("none", COUNT)
    assert {c.form for c in right} >= PLAIN_FORMS, PLAIN_FORMS - {c.form for c in right}
    return right, wrong


PLAIN_FORMS = {"conv_2d any", "depthwise_conv_2d any", "depthwise_conv_2d plane", "max_pool_2d any", "average_pool_2d any",
               "mean any", "add any", "mul any", "lut any", "softmax any"}  # fmt: skip
NEARER = ("conv_2d any", "depthwise_conv_2d any", "depthwise_conv_2d plane", "max_pool_2d any", "average_pool_2d any",
          "add any", "mul any", "lut any", "softmax any")  # fmt: skip


def test_ref(plain, tmp_path):
    check(*plain, lambda cases: batch.run_ref(cases, tmp_path), NEARER)


def test_viper_on_unix(plain, tmp_path):
    check(*plain, lambda cases: batch.run_unix(cases, tmp_path), NEARER)


def test_numpy_reads_all_before_it_writes(plain):
    for cases in plain:
        answers = [b"".join(y.tobytes() for y in exact.run(packed.read(c.model), list(c.case.inputs))) for c in cases]
        assert not failures(cases, answers)


@pytest.mark.slow
@pytest.mark.pico
@pytest.mark.parametrize("backend", ["thumb", "viper"])
def test_fast_forms_on_the_pico(backend):
    right, wrong = collect("thumb", 20, ("conv_2d", "depthwise_conv_2d"), options=4, shapes=TiledImages)
    forms = {c.form for c in right}
    assert {"conv_2d any fast 0", "conv_2d any fast 1", "conv_2d any fast 2", "depthwise_conv_2d plane fast",
            "depthwise_conv_2d stepped fast"} <= forms, forms  # fmt: skip
    if backend == "thumb":  # blocks of bytes are read before they are written
        right += collect("thumb", 8, ("add", "mul", "relu"))[0]
    # the worst of the two orders counts, so that nearer fails on one of them
    check(
        right, wrong, lambda cases: batch.run_pico(cases, backend), ["conv_2d any fast 0"] if backend == "thumb" else []
    )


def test_distances_of_tiles_are_what_a_simulation_of_the_order_finds():
    """Against a walk over every byte: which distances destroy nothing."""
    random = np.random.default_rng(1)
    for _ in range(150):
        h, w, c, oc = random.integers(1, 7, 4)
        kh, kw = random.integers(1, 4, 2)
        sh, sw, top, left = *random.integers(1, 3, 2), *random.integers(0, 2, 2)
        oh, ow = max(1, (h + 2 * top - kh) // sh + 1), max(1, (w + 2 * left - kw) // sw + 1)
        words = [0] * 40
        words[CONV.slice("batches", "pad_left")] = [
            int(v) for v in (1, h, w, c, oh, ow, oc, kh, kw, sh, sw, 1, 1, top, left)
        ]
        band, tile = int(random.integers(1, oh + 1)), int(random.integers(1, ow + 1))
        allowed = overlap.of_tiles(Window.of(words), band, tile, False)
        events = []
        for y0 in range(0, oh, band):
            for x0 in range(0, ow, tile):
                reads, writes = set(), set()
                for oy in range(y0, min(y0 + band, oh)):
                    for ox in range(x0, min(x0 + tile, ow)):
                        writes |= {(oy * ow + ox) * oc + k for k in range(oc)}
                        for iy in range(oy * sh - top, oy * sh - top + kh):
                            for ix in range(ox * sw - left, ox * sw - left + kw):
                                if 0 <= iy < h and 0 <= ix < w:
                                    reads |= {(iy * w + ix) * c + k for k in range(c)}
                events.append((reads, writes))

        def safe(distance):
            destroyed = set()
            for reads, writes in events:
                if reads & destroyed:
                    return False
                destroyed |= {b - distance for b in writes}
            return True

        assert all(safe(d) for d in range(max(allowed.any, -h * w * c), oh * ow * oc + 3)), words
