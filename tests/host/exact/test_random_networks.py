"""Random whole networks, 200 a run: converted and compared with TensorFlow Lite Micro, bit by bit, on host, ref and unix.

Half of the seeds are the same in every run, half are new; a seed that fails is printed with what builds it again:
`python -m tests.draw.networks SEED`. FXNN_SEED=123 sets where the new ones start.
"""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from tests import draw
from tests.draw import networks
from tests.helpers import batch

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

COUNT = 200
NEW = int(os.environ.get("FXNN_SEED", time.time_ns() // 1000 % 10**9))
SEEDS = [*range(COUNT // 2), *range(NEW, NEW + COUNT // 2)]


@pytest.fixture(scope="module")
def cases():
    """(case with TFLM's outputs, packed network). TFLM runs in a process of its own, which it may take with it."""
    print(f"seeds 0 to {COUNT // 2 - 1} and {NEW} to {NEW + COUNT // 2 - 1}")
    found, refused = [], []
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context)
    for seed in SEEDS:
        case = networks.build(seed)
        try:
            outputs = pool.submit(networks.outputs, seed).result(timeout=120)
        except BrokenProcessPool:
            pool = ProcessPoolExecutor(1, mp_context=context)
            refused.append(f"{seed}: TFLM ended the process")
            continue
        except Exception as e:  # TFLM's refusal, as a ToolError that may not be unpickled
            refused.append(f"{seed}: {e}")
            continue
        found.append((replace(case, outputs=tuple(outputs)), convert.convert_bytes(case.tflite, case.name, selftest=0)))
    pool.shutdown()
    assert len(refused) <= COUNT // 20, refused
    return found


def test_host(cases):
    for case, model in cases:
        wrong = draw.difference(case, exact.run(packed.read(model), list(case.inputs)))
        assert wrong is None, f"python -m tests.draw.networks {case.name.split('/')[1]}: {wrong}"


@pytest.mark.parametrize("target, every", [("ref", 5), ("unix", 1)])
def test_device_kernels(cases, target, every, tmp_path):
    some = cases[::every]
    run = batch.run_ref if target == "ref" else batch.run_unix
    for (case, _), answer in zip(some, run([(m, c.inputs) for c, m in some], tmp_path)):
        want = b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs)
        assert answer == want, f"python -m tests.draw.networks {case.name.split('/')[1]} on {target}: {case}"


def test_networks_are_networks(cases):
    """Several ops each, several outputs in some, many different ops in all of them."""
    kinds = {kind for case, _ in cases for kind in case.params["ops"]}
    steps = [len(packed.read(model).ops) for _, model in cases]
    assert sum(steps) > 4 * len(cases) and len(kinds) > 20
    assert sum(len(case.outputs) > 1 for case, _ in cases) > 20
