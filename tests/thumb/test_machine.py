"""The thumb kernels' machine code, as it is shipped, on emulated Cortex-M cores: exact, and nothing else touched.

Every buffer ends where memory ends and starts behind guarded bytes (machine.py); what a kernel may write is its output
and its scratch. The models are those of tests/draw.py, with weights of -128, saturation and accumulators that
wrap; the results are the host's exact kernels', which other tests hold against TensorFlow Lite Micro.

FXNN_EXAMPLES=500 draws 500 models an op instead of the default.
"""

import builtins
import itertools
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host_tools.assembler.thumb import prepare as thumb
from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.record import BOX, BY_NAME, CHANNEL_TABLES, CONV, DENSE, RECORD, TABLE
from host_tools.report import inspect
from tests import draw
from tests.draw.shapes import ThreeByThree
from tests.helpers.fxnn_builder import as_record
from tests.helpers.tflite_builder import Builder
from tests.micropython.cases import device_module

pytest.importorskip("unicorn", reason="the processor: pip install unicorn")
from tests.thumb.machine import MODELS, Machine  # noqa: E402

EXAMPLES = int(os.environ.get("FXNN_EXAMPLES", "40"))
DEVICE = Path(__file__).parents[2] / "device/fxnn"
OPS = ("conv_2d", "depthwise_conv_2d", "fully_connected", "max_pool_2d", "average_pool_2d", "mean", "add", "mul", "logistic",
       "pad", "transpose", "strided_slice", "prelu")  # fmt: skip
FUNCTIONS = {"max_pool_2d": "pool_2d", "average_pool_2d": "pool_2d"}  # where the kernel's name is another's


def record_bytes(words: dict[int, int]) -> bytes:
    return struct.pack("<40i", *as_record(words))


def family(op) -> str | None:
    """The device module whose kernel the board takes for a record; None where it is no assembler's."""
    for name in ("ptr8", "ptr16", "ptr32"):  # viper's types, which CPython meets in annotations
        setattr(builtins, name, int)
    kernel = device_module("thumb").kernel(BY_NAME[op.kernel].id, op.words[RECORD.variants])
    path = Path(kernel.__code__.co_filename)
    return f"thumb/{path.stem}" if path.parent.name == "thumb" else None


def run(network, inputs, model: str) -> bool:
    """Runs the network on a core: False where an op has no assembler kernel. AssertionError where bytes differ."""
    modules = [family(op) for op in network.ops]
    if None in modules:
        return False
    before = np.full(network.arena_bytes, exact.UNWRITTEN, np.uint8)
    for tensor, x in zip(network.inputs, inputs):
        before[tensor.arena_offset : tensor.arena_offset + tensor.bytes] = x.reshape(-1).view(np.uint8)
    after, may = before, np.zeros(len(before), bool)
    machines = {module: Machine(DEVICE / f"{module}.py", model) for module in modules}
    for op, module in zip(network.ops, modules):
        machine = machines[module]
        arena = machine.buffer(after.tobytes())
        for i, (words, constant_bytes) in enumerate(op.calls):
            words = tuple(min(i, 1) if word == CONV.piece_count else value for word, value in enumerate(words))
            record = machine.buffer(struct.pack("<40i", *words))
            constants = machine.buffer(constant_bytes)
            machine.call(FUNCTIONS.get(op.kernel, op.kernel), record, arena, constants)
            assert record.read() == struct.pack("<40i", *words) and constants.read() == constant_bytes
        after = np.frombuffer(arena.read(), np.uint8)
        if op.kernel not in ("mul", "copy", "lut", "channel_lut"):  # they use none, mul has its second input there
            at = op.words[RECORD.scratch_offset]
            may[at : at + inspect.scratch_bytes(op)] = True
    (y,) = network.outputs
    (want,) = exact.run(network, list(inputs))
    got = exact.read_tensor(after, y)
    wrong = np.argwhere(got != want)
    assert not len(wrong), f"{model} {wrong[0].tolist()}: got {got[tuple(wrong[0])]}, want {want[tuple(wrong[0])]}"
    may[y.arena_offset : y.arena_offset + y.bytes] = True
    elsewhere = np.flatnonzero((after != before) & ~may)
    assert not len(elsewhere), f"{model}: written at {elsewhere[:8]}, outside of output and scratch"
    return True


def pack(case):
    """The case as a network of one op, or None."""
    try:
        network = packed.read(convert.convert_bytes(case.tflite, case.name, selftest=0))
    except ToolError:
        return None
    return network if network.ops and len(network.outputs) == 1 else None


@pytest.mark.parametrize("op", OPS)
@settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_models_drawn_by_hypothesis(op, data):
    case = data.draw(draw.models(op))
    network = pack(case)
    if network is not None:
        run(network, case.inputs, data.draw(st.sampled_from(sorted(MODELS))))


@pytest.mark.parametrize("model", sorted(MODELS))
@pytest.mark.parametrize("op, shapes", [("conv_2d", draw.Shapes), ("conv_2d", ThreeByThree), ("depthwise_conv_2d", draw.Shapes),
                                        ("depthwise_conv_2d", ThreeByThree), ("fully_connected", draw.Shapes),
                                        ("max_pool_2d", draw.Shapes), ("average_pool_2d", draw.Shapes),
                                        ("mean", draw.Shapes), ("add", draw.Shapes)])  # fmt: skip
def test_the_same_machine_code_on_every_core(op, shapes, model):
    """armv6m code on M0, M3, M4, M7 and M33: most of the models drawn have an assembler form."""
    networks = [(pack(case), case.inputs) for case in draw.generate(op, 30, 21, shapes)]
    done = sum(run(network, inputs, model) for network, inputs in networks if network is not None)
    assert done >= 10 or op == "add"  # most of those have two inputs that are broadcast


@pytest.mark.parametrize("op", ("conv_2d", "fully_connected"))
@settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_weights_of_four_bits(op, data):
    """All of them have a packed variant, whatever their scales; on the Pico's core, where conv_2d patches code, and on an M4."""
    case = data.draw(draw.models(op))
    model = draw.four_bits(case)
    network = packed.read(model) if model else None
    if network is not None and len(network.ops) == 1:
        assert network.ops[0].words[CONV.weights_format] == 1 and network.ops[0].words[CONV.packed_offset]
        assert run(network, case.inputs, data.draw(st.sampled_from(("m0", "m4"))))


def test_four_bits_with_the_inputs_in_parts():
    """However little of a layer's inputs the table takes; rows of inputs, and inputs that are no multiple of eight."""
    done = 0
    for case in draw.generate("fully_connected", 16, seed=8):
        network = packed.read(draw.four_bits(case))
        (op,) = network.ops
        for part in sorted({1, 2, -(-op.words[CONV.in_c] // 16)}):
            words = list(op.words)
            words[DENSE.scratch_offset], words[DENSE.tile] = -(-network.arena_bytes // 4) * 4, 4 * part
            scratch = thumb.scratch_bytes("fully_connected", words)
            parted = replace(network, ops=(replace(op, words=tuple(words), calls=((tuple(words), op.constants),)),),
                             arena_bytes=words[DENSE.scratch_offset] + scratch)  # fmt: skip
            assert run(parted, case.inputs, "m0")
            done += 8 * part < op.words[CONV.in_c]
    assert done > 5


@pytest.mark.parametrize("a, b, c", [(1, 1, 1), (9, 5, 1), (2, 3, 7)])
def test_a_table_for_each_index(a, b, c):
    """channel_lut; the lookups of a whole tensor, too, of every length up to two blocks of eight."""
    random = np.random.default_rng(a)
    machine = Machine(DEVICE / "thumb/elementwise.py", "m0")
    x, tables = random.integers(0, 256, (a, b, c)).astype(np.uint8), random.integers(0, 256, (2, 256)).astype(np.uint8)
    which = random.integers(0, 2, b).astype("<u2")
    want = np.stack([tables[which[i]][x[:, i]] for i in range(b)], 1)
    words = CHANNEL_TABLES.words(y_offset=x.size, a=a, b=b, c=c, which_offset=512)
    arena = machine.buffer(x.tobytes() + bytes(x.size))
    constants = machine.buffer(tables.tobytes() + which.tobytes())
    machine.call("channel_lut", machine.buffer(record_bytes(words)), arena, constants)
    assert arena.read() == x.tobytes() + want.tobytes()
    for n in range(1, min(x.size, 17) + 1):
        words = TABLE.words(y_offset=x.size, count=n, table_offset=256)
        machine.call("lut", machine.buffer(record_bytes(words)), arena, constants)
        assert arena.read()[x.size :] == tables[1][x.reshape(-1)[:n]].tobytes() + want.tobytes()[n:]


@pytest.mark.parametrize("inputs, outputs", [(700, 24), (701, 19), (339, 40)])
def test_pieces_keep_the_table_of_the_inputs(inputs, outputs):
    """A dense layer in the flash: pieces of channels, each with two parts of the inputs or more; and with one."""
    random = np.random.default_rng(inputs)
    b = Builder()
    x = b.input((1, inputs), scale=0.05, zero_point=-7)
    w = b.constant(random.integers(-128, 128, (outputs, inputs)).astype(np.int8), 0.01)
    y = b.fully_connected(
        x, w, b.constant(random.integers(-3000, 3000, outputs).astype(np.int32), 0.0005), scale=1.0, zero_point=3
    )
    tflite = b.finish([y])
    values = random.integers(-128, 128, (1, inputs)).astype(np.int8)
    parts = set()
    for prefer in ("ram", "balanced", "speed"):
        network = packed.read(convert.convert_bytes(tflite, "pieces", selftest=0, placing="flash", prefer=prefer))
        (op,) = network.ops
        assert len(op.calls) > 2
        parts.add(-(-inputs // (2 * (op.words[CONV.tile] & 0xFFFF))))
        assert run(network, [values], "m0")
    assert 1 in parts and max(parts) > 1


@pytest.mark.parametrize("prefer", ("balanced", "speed", "ram"))
def test_padding_after_the_image_of_a_pointwise_convolution(prefer):
    """A PAD below and to the right joins a 1 x 1 convolution, whose output is then larger than its input."""
    random = np.random.default_rng(4)
    b = Builder()
    x = b.pad(b.input((1, 4, 5, 4), scale=0.1, zero_point=-5), [[0, 0], [0, 1], [0, 2], [0, 0]])
    w = b.constant(random.integers(-127, 128, (4, 1, 1, 4)).astype(np.int8), 0.01)
    y = b.conv_2d(x, w, b.constant(random.integers(-99, 99, 4).astype(np.int32), 0.001), scale=0.1, padding="VALID")
    network = packed.read(convert.convert_bytes(b.finish([y]), "padded", selftest=0, prefer=prefer))
    (op,) = network.ops
    assert op.words[CONV.slice("in_h", "out_w")] == (4, 5, 4, 5, 7) and op.words[CONV.packed_offset]
    assert run(network, [random.integers(-128, 128, (1, 4, 5, 4)).astype(np.int8)], "m0")


def test_copies_of_every_length_and_alignment():
    """Rows of neighbours, whole words and not; behind a fill; with steps."""
    machine = Machine(DEVICE / "thumb/elementwise.py", "m0")
    x = np.arange(1, 201, dtype=np.uint8)
    arena, record, none = (machine.buffer(bytes(n)) for n in (512, 160, 4))
    for n, x_at, y_at, step in itertools.product((1, 3, 4, 7, 16, 21, 37), range(4), range(4), (1, 2)):
        filled = 4 * (n + 3) + n % 5
        words = BOX.words(x_offset=x_at, y_offset=200 + y_at, dims=(1, 2, 2, n), x_strides=(0, 80, 1, step),
                          y_strides=(0, 2 * (n + 3), n + 3, 1), fill_bytes=filled, fill_value=0xA0 + n, start=2)  # fmt: skip
        want = np.full(512, 0x55, np.uint8)
        want[:200] = x
        y = want[200 + y_at :][:filled]
        y[:] = 0xA0 + n
        for i, j in itertools.product(range(2), range(2)):
            y[2 + (2 * i + j) * (n + 3) :][:n] = x[x_at + 80 * i + j :][: n * step : step]
        arena.write(x.tobytes() + b"\x55" * 312)
        record.write(record_bytes(words))
        machine.call("copy", record, arena, none)
        np.testing.assert_array_equal(np.frombuffer(arena.read(), np.uint8), want, f"{n} from {x_at} to {y_at}, {step}")


def test_inspect_says_which_kernels_run():
    """The host's reading of device/fxnn/thumb, on every op's models; and why the others do not."""
    seen = set()
    for op in draw.OPS:
        for case in draw.generate(op, 12, seed=5):
            try:
                network = packed.read(convert.convert_bytes(case.tflite, case.name, selftest=0))
            except ToolError:
                continue
            for record, row in zip(network.ops, inspect.describe(network)["ops"]):
                assert row["backend"] == ("thumb" if family(record) else "viper"), (case, row)
                assert row["backend"] == "thumb" or row["backend_why"]
                seen.add((row["kernel"], row["backend"]))
    assert {("conv_2d", "thumb"), ("add", "thumb"), ("add", "viper"), ("mean", "thumb")} <= seen
