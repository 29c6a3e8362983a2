"""host = ref = unix = virtual Pico = TFLM, to the bit, on generated models of every op and on the public networks."""

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from tests import draw
from tests.helpers import batch
from tests.helpers.paths import PUBLIC_MODELS

SEED = 20261122
# of each op: those of convolutional networks, the others
# (on the virtual Pico a load takes half a second here; the others' viper kernels on 32 bits: tests/rv32/test_qemu.py, tests/pico)
MODELS_AN_OP = {"ref": (12, 4), "unix": (40, 10), "pico thumb": (8, 1), "pico viper": (4, 0)}
_MOST = {"conv_2d", "depthwise_conv_2d", "fully_connected", "max_pool_2d", "average_pool_2d", "mean", "add", "mul",
         "concatenation", "pad", "pad_v2", "reshape", "squeeze", "expand_dims", "softmax", "relu", "relu6", "logistic",
         "tanh", "quantize", "pairs"}  # fmt: skip


def generated() -> list:
    """(case, packed model) of every op; models that the converter refuses are left out, but not many may be."""
    found, refused = [], []
    for op in draw.OPS:
        for case in draw.generate(op, max(n[op not in _MOST] for n in MODELS_AN_OP.values()), SEED):
            try:
                found.append((case, convert.convert_bytes(case.tflite, case.name, selftest=0)))
            except ToolError as e:
                refused.append((case.name, str(e)))
    assert len(refused) <= len(found) // 20, refused[:5]
    return found


def compare(cases, answers) -> None:
    assert cases
    for (case, _), answer in zip(cases, answers):
        assert not isinstance(answer, str), f"{case}: {answer}"
        want = b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs)
        if answer != want:
            at = next(i for i, (a, b) in enumerate(zip(answer, want)) if a != b)
            raise AssertionError(f"{case}: output byte {at}: got {answer[at]}, want {want[at]}")


@pytest.fixture(scope="module")
def all_cases():
    return generated()


def some(all_cases, target):
    """The first so many of each op."""
    taken: dict[str, int] = {}
    for case, model in all_cases:
        taken[case.op] = taken.get(case.op, 0) + 1
        if taken[case.op] <= MODELS_AN_OP[target][case.op not in _MOST]:
            yield case, model


def test_ref(all_cases, tmp_path):
    cases = list(some(all_cases, "ref"))
    compare(cases, batch.run_ref([(m, c.inputs) for c, m in cases], tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["viper", "ref"])
def test_unix(all_cases, tmp_path, backend):
    cases = list(some(all_cases, "unix" if backend == "viper" else "ref"))
    compare(cases, batch.run_unix([(m, c.inputs) for c, m in cases], tmp_path, backend))


@pytest.mark.slow
@pytest.mark.pico
@pytest.mark.parametrize("backend", ["viper", "thumb"])
def test_pico(all_cases, backend):
    cases = list(some(all_cases, f"pico {backend}"))
    for at in range(0, len(cases), 80):  # the board's flash is small
        part = cases[at : at + 80]
        compare(part, batch.run_pico([(m, c.inputs) for c, m in part], backend))


# ---- the public networks

needs_public = pytest.mark.skipif(
    not PUBLIC_MODELS.is_dir(), reason="the public networks (../shared/models) are not here"
)


def public(name: str, count: int):
    """The packed network and inputs (extreme first) with the oracle's outputs."""
    data = (PUBLIC_MODELS / f"{name}.tflite").read_bytes()
    model = convert.convert_bytes(data, name, selftest=0)
    (t,) = packed.read(model).inputs
    random = np.random.default_rng(3)
    inputs = [
        np.full(t.shape, -128, np.int8),
        *(random.integers(-128, 128, t.shape).astype(np.int8) for _ in range(count - 1)),
    ]
    oracle = Oracle(data)
    return model, inputs, [oracle.run([x])[0].tobytes() for x in inputs]


@needs_public
@pytest.mark.parametrize("name", ["kws_dscnn_int8", "ic_resnet8_int8", "ad_autoencoder_int8", "vww_mobilenet_int8"])
def test_public_networks_on_host_and_unix(name, tmp_path):
    model, inputs, want = public(name, 3)
    network = packed.read(model)
    assert [exact.run(network, [x])[0].tobytes() for x in inputs] == want
    assert batch.run_unix([(model, [x]) for x in inputs], tmp_path) == want


@needs_public
@pytest.mark.slow
@pytest.mark.pico
@pytest.mark.parametrize("name", ["kws_dscnn_int8", "ic_resnet8_int8"])
def test_public_networks_on_the_pico(name):
    """Loaded from a file, as users do: the whole file would not fit in RAM twice."""
    from host_tools.targets import open_target

    model, inputs, want = public(name, 2)
    with open_target("pico") as target:
        outputs, _ = target.run(packed.read(model), [np.stack([x.reshape(x.shape[1:]) for x in inputs])])
    assert [y.tobytes() for y in outputs[0]] == want
