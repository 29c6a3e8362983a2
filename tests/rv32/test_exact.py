"""The rv32 kernels in real MicroPython on an emulated RISC-V: the oracle's bits, and what they cost there."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from host_tools.assembler.rv32 import prepare as rv32
from host_tools.compiler import convert
from host_tools.emulators.qemu_rv32 import why_not
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.record import CONV, RECORD
from host_tools.targets import open_target
from tests import draw
from tests.draw.shapes import LargeImages
from tests.helpers import batch, runners
from tests.helpers.cut_networks import cut_cases
from tests.rv32 import layers

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
PUBLIC = Path(__file__).parents[3] / "shared/models"
# Instructions a product that issue 3 asks for at most: whole calls from bytecode, all included.
LIMITS = dict(zip(layers.SHAPES, (2.4, 2.6, 4.1, 2.9, 2.7)))


def converted(op: str, count: int, seed: int, shapes=draw.Shapes) -> list:
    found = []
    for case in draw.generate(op, count, seed, shapes):
        try:
            found.append((case, convert.convert_bytes(case.tflite, case.name, selftest=0, board="esp32c3")))
        except ToolError:
            pass
    assert len(found) > count * 0.9
    return found


def compare(cases, answers) -> None:
    for (case, _), answer in zip(cases, answers):
        assert answer == b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs), str(case)


@pytest.mark.parametrize("assembler", [False, True], ids=["viper kind", "assembler kind"])
@pytest.mark.parametrize("op", ["conv_2d", "depthwise_conv_2d", "fully_connected", "add"])
def test_random_models(op, assembler):
    cases = converted(op, 30, 31)
    compare(cases, batch.run_qemu_rv32([(m, c.inputs) for c, m in cases], None, assembler))
    fast = sum(bool(packed.read(m).ops[0].words[CONV.packed_offset]) for _, m in cases)
    assert op == "add" or fast > len(cases) * 0.85  # not all fall back


@pytest.mark.parametrize("op", ["conv_2d", "depthwise_conv_2d"])
def test_larger_windows(op, monkeypatch):
    """Several tiles and blocks of channels."""
    pick = np.random.default_rng(32)
    for name in ("conv_options", "depthwise_options"):  # each is as right as the fastest

        def one(w, usual):
            options = usual(w)
            return [options[pick.integers(len(options))]] if options else []

        monkeypatch.setattr(rv32, name, partial(one, usual=getattr(rv32, name)))
    cases = converted(op, 25, 32, LargeImages)
    compare(cases, batch.run_qemu_rv32([(m, c.inputs) for c, m in cases]))
    assert len({packed.read(m).ops[0].words[CONV.tile] for _, m in cases}) > 5


def test_pieces(small_blocks):
    """Constants cut by output channels, one call a piece."""
    cases = []
    for op in ("conv_2d", "depthwise_conv_2d", "fully_connected"):
        cases += [(c, n.data) for c, n in cut_cases(op, 12, 33, board="esp32c3")]
    assert sum(bool(packed.read(m).ops[0].words[CONV.packed_offset]) for _, m in cases) > len(cases) * 0.5
    compare(cases, batch.run_qemu_rv32([(m, c.inputs) for c, m in cases]))


def test_outputs_over_inputs():
    """The planner lets y lie over x as far as the kernels' order (rv32/prepare.py, order) allows: it must be the order."""
    from tests.helpers.tflite_builder import Builder

    cases, written_over = [], 0
    for seed in range(10):
        r = np.random.default_rng([41, seed])
        c, h, w = (int(r.choice(v)) for v in ((4, 8, 12, 5), (6, 9, 12), (5, 6, 8, 14)))
        b = Builder()
        y = b.input((1, h, w, c), scale=0.1, zero_point=-5)
        for i in range(4):
            depthwise = int(r.integers(3)) == 0
            k = int(r.choice((1, 3))) if not depthwise else 3
            shape = (1, k, k, c) if depthwise else (c, k, k, c)
            data = b.constant(r.integers(-127, 128, shape).astype(np.int8), [0.01] * c, axis=3 if depthwise else 0)
            bias = b.constant(r.integers(-99, 99, c).astype(np.int32), [0.001] * c)
            y = (b.depthwise_conv_2d if depthwise else b.conv_2d)(y, data, bias, scale=0.1 + 0.05 * i, zero_point=i)
        model = convert.convert_bytes(b.finish([y]), f"chain {seed}", selftest=0, board="esp32c3", prefer="ram")
        network = packed.read(model)
        x = r.integers(-128, 128, network.inputs[0].shape).astype(np.int8)
        cases.append((model, [x], exact.run(network, [x])[0].tobytes()))
        written_over += sum(
            abs(op.words[RECORD.x_offset] - op.words[RECORD.y_offset]) < h * w * c for op in network.ops
        )
    assert written_over > 10
    assert batch.run_qemu_rv32([(m, x) for m, x, _ in cases]) == [want for *_, want in cases]


@pytest.mark.parametrize("name", layers.SHAPES)
def test_instructions_a_product(name):
    network = packed.read(convert.convert_bytes(layers.model(name), name, selftest=0, board="esp32c3", prefer="speed"))
    x = np.random.default_rng(3).integers(-128, 128, (2, *network.inputs[0].shape[1:])).astype(np.int8)
    with open_target("qemu-rv32") as target:
        (y,), stats = target.run(network, [x])
        (op,) = target.profile(network).ops
    want = [exact.run(network, [x[i : i + 1]])[0].ravel() for i in range(2)]
    assert stats.backend == "rv32" and (y.reshape(2, -1) == np.stack(want)).all()
    print(f"{name}: {op.time_us / op.macs:.3f} instructions a product")
    assert op.time_us / op.macs <= LIMITS[name]


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public networks (../shared/models) are not here")
@pytest.mark.parametrize("name", ["kws_dscnn_int8", "ic_resnet8_int8", "ad_autoencoder_int8", "vww_mobilenet_int8"])
def test_public_networks(name):
    network = packed.read(
        convert.convert_bytes((PUBLIC / f"{name}.tflite").read_bytes(), name, selftest=0, board="esp32c3")
    )
    (t,) = network.inputs
    x = np.random.default_rng(4).integers(-128, 128, (3, *t.shape[1:])).astype(np.int8)
    x[0] = -128
    with open_target("qemu-rv32") as target:
        outputs, stats = target.run(network, [x])
    assert stats.backend == "rv32"
    for i in range(len(x)):
        for got, want in zip(outputs, exact.run(network, [x[i : i + 1]])):
            assert (got[i].ravel() == want.ravel()).all()
    assert all(
        op.words[CONV.packed_offset]
        for op in network.ops
        if op.kernel in ("conv_2d", "depthwise_conv_2d", "fully_connected")
    )


def test_invoke_allocates_nothing():
    """With the kernels of viper kind, a network that has all three."""
    from host_tools.emulators.qemu_rv32 import ARCH, run_script
    from tests.helpers.tflite_builder import Builder

    r = np.random.default_rng(9)
    b = Builder()
    x = b.input((1, 6, 6, 3), scale=0.1, zero_point=-5)

    def weights(shape, axis=0):
        channels = shape[axis]
        return b.constant(r.integers(-90, 90, shape).astype(np.int8), [0.01] * channels, axis=axis), b.constant(np.zeros(channels, np.int32), [0.001] * channels)  # fmt: skip

    y = b.conv_2d(x, *weights((8, 3, 3, 3)), scale=0.2)
    y = b.depthwise_conv_2d(y, *weights((1, 3, 3, 8), 3), scale=0.3)
    y = b.fully_connected(b.reshape(y, (1, 288)), *weights((5, 288)), scale=0.4)
    files = {**runners.package(ARCH), "net.fxnn": convert.convert_bytes(b.finish([y]), "all", board="rp2350-riscv")}
    script = """\
import fxnn, gc, micropython
net = fxnn.load('net.fxnn')
net.invoke()
micropython.heap_lock()
net.invoke()
net.invoke()
micropython.heap_unlock()
print(fxnn.backend, net.backend, net.selftest(), all(type(k[0]).__name__ == 'function' for k in net._ops))
plain = fxnn.load('net.fxnn', backend='viper')
print(plain.backend, plain.selftest())
"""
    assert run_script(files, script) == "rv32 rv32 3 True\nviper 3\n"
