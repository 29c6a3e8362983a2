"""The thumb kernels against the oracle and viper's on the virtual Pico: random windows, and nothing written elsewhere."""

from pathlib import Path

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.record import CONV, RECORD
from host_tools.report import inspect
from tests import draw
from tests.draw.shapes import ThreeByThreeOfImages
from tests.helpers import batch, runners

pytestmark = [pytest.mark.pico, pytest.mark.slow]

# Every op of each case with both backends, in arenas with 64 bytes behind them; only the op's scratch may differ.
SCRIPT = """\
import gc, struct, sys
sys.path.insert(0, 'lib')
import fxnn, micropython

def run(ops, arena):
    micropython.heap_lock()
    for kernel, record, constants in ops:
        kernel(record, arena, constants)
    micropython.heap_unlock()

bad = done = 0
with open('cases.bin', 'rb') as f:
    while True:
        head = f.read(4)
        if len(head) < 4:
            break
        model = f.read(struct.unpack('<I', head)[0])
        data = f.read(struct.unpack('<I', f.read(4))[0])
        at, size = struct.unpack('<II', data[:8])
        arenas = []
        for backend in ('viper', 'thumb'):
            net = fxnn.load(model, backend)
            arena = bytearray(b'\\xa5' * (len(net.arena) + 64))
            x = len(net.input.data)
            start = struct.unpack('<I', data[8:12])[0]
            arena[start:start + x] = data[12:]
            run(net._ops, arena)
            for i in range(at, at + size):
                arena[i] = 0
            arenas.append(arena)
        if arenas[0] != arenas[1]:
            bad += 1
            print('differ', done, [i for i in range(len(arena)) if arenas[0][i] != arenas[1][i]][:8])
        done += 1
        net = arenas = arena = model = None
        gc.collect()
print('done', done, 'bad', bad)
"""


@pytest.mark.parametrize("op, shapes, seed", [("conv_2d", draw.Shapes, 11), ("conv_2d", ThreeByThreeOfImages, 12),
                                              ("depthwise_conv_2d", ThreeByThreeOfImages, 13), ("add", draw.Shapes, 14)])  # fmt: skip
def test_random_models(op, shapes, seed):
    cases, blobs = [], []
    for case in draw.generate(op, 40, seed, shapes):
        try:
            model = convert.convert_bytes(case.tflite, case.name, selftest=0)
        except ToolError:
            continue
        network = packed.read(model)
        if len(network.ops) == 1 and len(network.inputs) == 1:
            first = network.ops[0]
            size = inspect.scratch_bytes(first)
            head = np.array(
                [first.words[RECORD.scratch_offset] if size else 0, size, network.inputs[0].arena_offset], "<u4"
            )
            blobs.append((model, [head, *case.inputs]))
        cases.append((case, model))
    got = batch.run_pico([(m, c.inputs) for c, m in cases], "thumb")
    for (case, _), answer in zip(cases, got):
        assert answer == b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs), str(case)
    if op != "add":
        assert (
            sum(bool(packed.read(m).ops[0].words[CONV.packed_offset]) for _, m in cases) > len(cases) // 3
        )  # not all fall back
        from host_tools.emulators.virtual_pico import run_script

        printed = run_script({**runners.package("armv6m"), "cases.bin": batch.cases_file(blobs)}, SCRIPT, 600)
        assert printed.strip().endswith(f"done {len(blobs)} bad 0"), printed


@pytest.mark.parametrize("op", ("conv_2d", "fully_connected"))
def test_weights_of_four_bits(op):
    """Against the host's kernels, which read the weights where they lie; among the channels some without a short requantizer."""
    cases, kinds = [], set()
    for case in draw.generate(op, 40, 31):
        model = draw.four_bits(case)
        if model is None:
            continue
        network = packed.read(model)
        record = network.ops[0]
        assert record.words[CONV.weights_format] == 1 and record.words[CONV.packed_offset]
        if op == "conv_2d":
            kinds |= set(
                record.constants[record.words[CONV.packed_offset] + 15 :][: 16 * record.words[CONV.out_c] : 16]
            )
        cases.append((model, case.inputs, exact.run(network, list(case.inputs))))
    assert len(cases) > 20 and (op != "conv_2d" or kinds == {0, 1})
    got = batch.run_pico([(model, inputs) for model, inputs, _ in cases], "thumb")
    for (model, _, want), answer in zip(cases, got):
        assert answer == b"".join(np.ascontiguousarray(y).tobytes() for y in want), packed.read(model).ops[0].words


@pytest.mark.parametrize("name", ("ad_autoencoder_int8", "ic_resnet8_int8"))
def test_four_bits_in_pieces_on_the_pico(name, tmp_path):
    """Public networks with int4 weights that stay in the board's flash: pieces of channels, as the host computes the whole."""
    from host_tools.measure import quantize_file
    from host_tools.quantizer import Options
    from host_tools.targets import open_target

    source = Path(__file__).resolve().parents[3] / "shared/models" / f"{name}.tflite"
    if not source.exists():
        pytest.skip("the public networks (../shared/models) are not here")
    quantize_file.quantize_file(source, None, tmp_path / "n.fxnn", Options(weights="int4"), placing="flash")
    network = packed.read_file(tmp_path / "n.fxnn")
    assert any(
        op.words[CONV.piece_count] and op.words[CONV.weights_format] and op.words[CONV.packed_offset]
        for op in network.ops
    )
    (tensor,) = network.inputs
    x = np.random.default_rng(0).integers(-128, 128, (2, *tensor.shape)).astype(np.int8).reshape(2, *tensor.shape[1:])
    with open_target("pico") as target:
        got = target.run(network, (x,))[0][0]
    with open_target("host") as target:
        np.testing.assert_array_equal(got, target.run(network, (x,))[0][0])
