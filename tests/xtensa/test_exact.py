"""The shipped xtensa kernels under QEMU: whole arenas against `ref` on random and extreme records, models against TFLM."""

import random

import numpy as np
import pytest

from host_tools.assembler.targets import runs_in
from host_tools.assembler.xtensa import prepare as xtensa
from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import extents, packed
from host_tools.measure.oracle import Oracle
from host_tools.record import ADD, BOX, CONV, PAIRWISE, RECORD, TABLE, variants, view
from host_tools.report import inspect
from tests import draw
from tests.helpers.fxnn_builder import as_record
from tests.helpers.tflite_builder import Builder
from tests.micropython.cases import Cases
from tests.xtensa import kernels, layers, machine

ROW = (0, 0, 0, 1)  # strides of elements in a row
pytestmark = pytest.mark.skipif(machine.available() is not None, reason=str(machine.available()))


class Small(Cases):
    """The records of tests/micropython/cases.py with accumulators that a packed variant may have: below 2^29."""

    def acc(self) -> int:
        r = self.random
        return r.choice((r.randint(-5000, 5000), r.randint(-(2**20), 2**20), r.randint(-(2**28), 2**28), 0, 1, -1))

    def near_tie(self):
        while True:
            tie = super().near_tie()
            if abs(tie[0]) < 2**29:
                return tie


def fast_record(file: bytes, pick: random.Random, source=Small):
    """(kernel, words with one of its packed variants, constants, arena before, arena wanted) of a packed case."""
    network = packed.read(file)
    op = network.ops[0]
    words = list(op.words) + [0] * (40 - len(op.words))
    r = view(op.kernel, words)
    table_end = r.channels_offset + 12 * r.out_c
    left, right = zip(*((op.constants[at + 8], op.constants[at + 9]) for at in range(r.channels_offset, table_end, 12)))
    short = not any(left) and 1 <= min(right) and max(right) <= 21 and (r.clamp_min, r.clamp_max) == (-128, 127)
    far = source is Cases
    options = xtensa.every_option(op.kernel, words, short and not far, far)
    if source is Nine:
        options = [o for o in options if not o[CONV.tile] & xtensa.PAIRED and o[CONV.tile] & 15]
    if op.kernel == "fully_connected" and r.weights_layout == 1:  # weights stored for thumb
        return None
    if not options:
        return None
    for word, value in pick.choice(options).items():
        words[word] = value
    vector = network.selftest[0]
    constants = bytearray(op.constants)
    size = r.kernel_h * r.kernel_w * r.in_c
    in_rows = op.kernel == "conv_2d" or op.kernel == "fully_connected" and not r.weights_layout
    # The cases have anything after a row; FORMAT.md: padded with 128.
    for row in range(r.out_c if size % 4 and in_rows else 0):
        at = r.weights_offset + (row + 1) * (size + 3 & ~3)
        constants[at - (-size % 4) : at] = b"\x80" * (-size % 4)
    before, wanted = vector[: len(vector) // 2], vector[len(vector) // 2 :]
    if far:  # as assembler/xtensa/prepare.py marks channels that may reach 2^29
        table = bytearray(constants[r.channels_offset : table_end])
        table[7::12] = bytes(high | 128 for high in table[7::12])
        words[CONV.packed_offset] = len(constants)
        constants += table
    words[RECORD.scratch_offset] = len(before)
    scratch = extents.scratch_bytes(op.kernel, words, "xtensa")
    return op.kernel, words, bytes(constants), before, wanted, scratch


def run_records(kind: str, count: int, seed: int, source=Small) -> None:
    cases, pick = source(seed), random.Random(seed)
    run, wanted, done = kernels.Run(), [], 0
    while len(wanted) < count:
        done += 1
        assert done < 20 * count
        made = fast_record(getattr(cases, kind)(), pick, source)
        if made is None:
            continue
        kernel, words, constants, before, after, scratch = made
        r = view(kernel, words)
        in_words = kernel == "conv_2d" or kernel == "fully_connected" and not r.weights_layout
        if in_words and r.x_offset & 3:  # the board takes viper's kernel there
            continue
        run.add(kernel, words, constants, before + bytes(pick.randbytes(scratch + -scratch % 4)))
        wanted.append((r, before, after))
    for (r, before, after), (arena, guards, _, same) in zip(wanted, run.go()):
        y = r.y_offset, r.batches * r.out_h * r.out_w * r.out_c
        want = bytearray(before)
        want[y[0] : y[0] + y[1]] = after[y[0] : y[0] + y[1]]
        got = arena[: len(before)]
        assert got == bytes(want), (
            r.words,
            [(i, got[i], want[i]) for i in range(len(want)) if got[i] != want[i]][:5],
        )
        assert set(guards) == {0xA5} and same, r.words


@pytest.mark.parametrize("seed", (1, 2))
@pytest.mark.parametrize(
    "kind",
    (
        "conv_2d",
        "pointwise",
        "fully_connected",
        "requantize_conv_2d",
        "depthwise_conv_2d",
        "requantize_depthwise_conv_2d",
    ),
)
def test_random_records(kind, seed):
    run_records(kind, 20 if kind.startswith("requantize") else 120, seed)


@pytest.mark.parametrize("kind", ("conv_2d", "pointwise", "fully_connected", "requantize_conv_2d", "depthwise_conv_2d"))
def test_sums_of_any_size(kind):
    """Accumulators up to 2^31 and beyond, where they wrap: the long way in every channel."""
    run_records(kind, 10 if kind.startswith("requantize") else 50, 8, Cases)


@pytest.mark.parametrize("op", ("conv_2d", "fully_connected", "depthwise_conv_2d"))
def test_models_equal_the_oracle(op):
    """Random legal models (activations, strides, dilations, paddings, per-channel or not) as a user's would be converted."""
    run, wanted, fast = kernels.Run(), [], 0
    for i, case in enumerate(draw.generate(op, 60, 77)):
        prefer = ("ram", "speed", "balanced")[i % 3]  # the tightest plans let outputs lie over inputs
        try:
            network = packed.read(
                convert.convert_bytes(case.tflite, case.name, selftest=0, board="esp32", prefer=prefer)
            )
        except ToolError:
            continue
        record = network.ops[0]
        if len(network.ops) != 1 or not record.words[CONV.packed_offset]:
            continue
        arena = bytearray(network.arena_bytes)
        x = network.inputs[0].arena_offset
        arena[x : x + case.inputs[0].size] = case.inputs[0].tobytes()
        run.add(record.kernel, record.words, record.constants, bytes(arena))
        wanted.append((case, network.outputs[0].arena_offset, case.outputs[0].tobytes()))
        fast += 1
    assert fast > 40  # nearly all have a packed variant
    for (case, at, want), (arena, guards, _, same) in zip(wanted, run.go()):
        assert arena[at : at + len(want)] == want, str(case)
        assert set(guards) == {0xA5} and same, str(case)


@pytest.mark.parametrize(
    "name, most",
    [
        ("L1", 1.5),
        ("L2", 1.6),
        ("L3", 3.2),
        ("L4", 1.8),
        ("L5", 1.8),
        ("L6", 4.2),
        ("L7", 3.4),
        ("L8", 4.3),
        ("L9", 5.9),
    ],
)
def test_instructions_per_mac(name, most):
    """Everything included: the call, padding, X and Y words, requantization. The scratch is what the plan grants."""
    network = packed.read(
        convert.convert_bytes(layers.model(name), name, selftest=1, board="esp32", prefer="speed", placing="ram")
    )
    record, vector = network.ops[0], network.selftest[0]
    x, y = network.inputs[0], network.outputs[0]
    arena = bytearray(network.arena_bytes)
    arena[x.arena_offset : x.arena_offset + x.bytes] = vector[: x.bytes]
    run = kernels.Run()
    run.add(record.kernel, record.words, record.constants, bytes(arena))
    ((after, guards, count, same),) = run.go()
    assert after[y.arena_offset : y.arena_offset + y.bytes] == vector[x.bytes :]
    assert set(guards) == {0xA5} and same
    assert count / record.macs <= most, f"{name}: {count / record.macs:.3f} instructions a MAC"
    print(f"{name}: {count} instructions, {count / record.macs:.3f} a MAC")


class Nine(Small):
    """Depthwise records of the short form: 3 x 3, strides of 1 and 2, no dilation, shifts 1 to 21, full range; images of any size."""

    def window(self, max_c):
        r = self.random
        n, h, w, c, top, left = (
            r.choice((1, 1, 2)),
            r.randint(1, 14),
            r.randint(1, 22),
            r.randint(1, max_c),
            r.randint(0, 2),
            r.randint(0, 2),
        )
        down, right = r.choice((1, 2, 2, 3)), r.choice((1, 2, 2, 4))
        oh, ow = (h + r.choice((-2, 0, 1)) + top - 1) // down, (w + r.choice((-2, 0, 1)) + left - 1) // right
        return [n, h, w, c, oh, ow, c, 3, 3, down, right, 1, 1, top, left] if oh > 0 < ow else self.window(max_c)

    def scale(self):
        return (
            self.random.choice((self.random.randint(2**30, 2**31 - 1), 2**30, 2**31 - 1)),
            0,
            self.random.choice((1, 2, 5, 8, 9, 10, 11, 21)),
        )

    def clamp(self):
        return self.random.choice((-128, 127, 0, self.random.randint(-128, 127))), -128, 127


def test_depthwise_nine():
    run_records("depthwise_conv_2d", 150, 5, Nine)


@pytest.mark.parametrize("kind", ("conv_2d", "depthwise_conv_2d", "fully_connected"))
def test_channels_of_one_output_may_have_any_bias(kind):
    """Converters give channels without weights a bias of +-2^30, as in MLPerf Tiny's MobileNet: fast all the same."""
    random_ = np.random.default_rng(4)
    b = Builder()
    shape = (1, 16) if kind == "fully_connected" else (1, 5, 5, 4)
    x = b.input(shape, scale=0.05, zero_point=-7)
    size = {"conv_2d": (4, 1, 1, 4), "depthwise_conv_2d": (1, 3, 3, 4), "fully_connected": (4, 16)}[kind]
    weights, bias = (
        random_.integers(-100, 100, size).astype(np.int8),
        np.array([2**30, -(2**30), 5, 2**30 + 128], np.int32),
    )
    channel = 3 if kind == "depthwise_conv_2d" else 0
    np.moveaxis(weights, channel, 0)[[0, 1]] = 0
    axis = {"axis": 3} if kind == "depthwise_conv_2d" else {}
    out = getattr(b, kind)(
        x, b.constant(weights, np.full(4, 0.01), **axis), b.constant(bias, np.full(4, 0.0005)), scale=0.1, zero_point=-3
    )
    model = b.finish([out])
    network = packed.read(convert.convert_bytes(model, "biased", selftest=0, board="esp32"))
    record, t = network.ops[0], network.inputs[0]
    assert record.words[CONV.packed_offset]
    values = random_.integers(-128, 128, shape).astype(np.int8)
    (want,) = Oracle(model).run([values])
    arena = bytearray(network.arena_bytes)
    arena[t.arena_offset : t.arena_offset + t.bytes] = values.tobytes()
    run = kernels.Run()
    run.add(record.kernel, record.words, record.constants, bytes(arena))
    ((after, guards, _, same),) = run.go()
    y = network.outputs[0]
    assert after[y.arena_offset : y.arena_offset + y.bytes] == want.tobytes() and set(guards) == {0xA5} and same


FAR = (1 << 29) + (1 << 21)  # at a scale of 2^22 such sums straddle two outputs


@pytest.mark.parametrize("kind, shape, weights, y_zero_point", [
    ("conv_2d", (1, 5, 5, 4), (4, 1, 1, 4), -100), ("conv_2d", (1, 6, 5, 3), (4, 3, 3, 3), 100), ("fully_connected", (1, 40), (4, 40), -100),
    ("fully_connected", (8, 16), (4, 16), 100), ("depthwise_conv_2d", (1, 6, 5, 4), (1, 3, 3, 4), -100),
    ("conv_2d", (1, 1, 1, 40000), (4, 1, 1, 40000), 0), ("fully_connected", (1, 40000), (4, 40000), 0),  # products beyond 2^31 / 4
])  # fmt: skip
def test_sums_beyond_29_bits_stay_in_assembler(kind, shape, weights, y_zero_point):
    """Two channels near 2^29 and -2^29, two ordinary ones, through a converted network; inspect says which form it is."""
    random_ = np.random.default_rng(11)
    b = Builder()
    x = b.input(shape, scale=1.0, zero_point=3)
    far = -FAR if y_zero_point > 0 else FAR if y_zero_point else 0
    axis = {"axis": 3} if kind == "depthwise_conv_2d" else {}
    w = random_.integers(-127, 128, weights).astype(np.int8)
    if not far:
        w[0], w[2] = 127, -127
    bias = b.constant(np.array([far, 5, far + 7, 0], np.int32), [1.0, 2.0**-12, 1.0, 2.0**-12])
    out = getattr(b, kind)(
        x, b.constant(w, [1.0, 2.0**-12, 1.0, 2.0**-12], **axis), bias, scale=2.0**22, zero_point=y_zero_point
    )
    model = b.finish([out])
    network = packed.read(convert.convert_bytes(model, "far", selftest=0, board="esp32"))
    record, t, y = network.ops[0], network.inputs[0], network.outputs[0]
    run, wanted = kernels.Run(), []
    for low in (-128, 100, 127):  # worst inputs and others
        values = random_.integers(low, 128, shape).astype(np.int8)
        wanted.append(exact.run(network, [values])[0].tobytes())
        assert wanted[-1] == Oracle(model).run([values])[0].tobytes()
        arena = bytearray(network.arena_bytes)
        arena[t.arena_offset : t.arena_offset + t.bytes] = values.tobytes()
        run.add(record.kernel, record.words, record.constants, bytes(arena))
    assert len(set(wanted)) > 1 and record.words[CONV.packed_offset]
    for want, (after, guards, _, same) in zip(wanted, run.go()):
        assert after[y.arena_offset : y.arena_offset + y.bytes] == want and set(guards) == {0xA5} and same
    (row,) = inspect.describe(network)["ops"]
    assert row["backend"] == "xtensa" and "modulo 2^32" in row["backend_why"]


def changes(words):
    """Changes of a record that a variant may not like, whatever the kernel: of windows, and of pairs of rows."""
    yield {}
    yield CONV.words(packed_offset=0)
    yield CONV.words(weights_format=1)
    yield RECORD.words(x_offset=words[RECORD.x_offset] + 1)
    yield RECORD.words(scratch_offset=2)
    yield CONV.words(in_c=2)  # the last of the dims of a pair
    yield CONV.words(kernel_h=0)  # the last stride of its x1
    yield PAIRWISE.words(right_shift=25)


def test_inspect_says_why_viper_runs_a_record():
    """By the same rules as the record: a reason for each one that viper has, and none without."""
    reasons = set()
    for op in ("conv_2d", "depthwise_conv_2d", "fully_connected", "add", "concatenation", "pad", "tanh", "mul"):
        for case in draw.generate(op, 4, 45):
            network = packed.read(convert.convert_bytes(case.tflite, case.name, selftest=0, board="esp32"))
            for record in network.ops:
                words = list(record.words)
                for change in changes(words):
                    changed = [change.get(i, w) for i, w in enumerate(words)]
                    changed[RECORD.variants] = variants.variants(record.kernel, changed, "xtensa")
                    backend, why = runs_in(network.fast_target, record.kernel, changed)
                    assert why or backend == "xtensa"
                    reasons.add((record.kernel, why))
    assert {w for _, w in reasons} >= {
        "no assembler for this kernel", "weights of four bits", "65,536 or more outputs in a row", "rows of less than 16", "rows of less than 4",
        "its input or its scratch lies at an address that is no multiple of 4", "an operand is broadcast in the last dimension",
        "its scales are far apart",
    } and ("lut", "") in reasons and ("copy", "") in reasons  # fmt: skip


@pytest.mark.parametrize("kind", ("add", "requantize_add", "lut", "copy"))
def test_elements(kind):
    """Random records, as viper's kernels take them, and rows long enough for words; inputs from the arena and constants."""
    cases, run, wanted = Cases(6), kernels.Run(), []
    for _ in range(1000):
        network = packed.read(getattr(cases, kind)())
        (op,) = network.ops
        words, constants = list(op.words), op.constants
        if kind == "requantize_add":  # there x2 is one 0
            words[ADD.slice("x2_strides").stop - 1], constants = 1, constants + bytes(256)
        if op.kernel == "add" and variants.why_not("xtensa", "add", words, "none"):
            continue
        far = op.kernel == "add" and abs(np.frombuffer(constants, "<i4", 512).astype(np.int64)).max() >= 1 << 28
        if far:  # the host makes none
            continue
        vector = network.selftest[0]
        run.add(op.kernel, words, constants, vector[: len(vector) // 2])
        wanted.append((words, vector[len(vector) // 2 :]))
        if len(wanted) == 60:
            break
    assert len(wanted) >= 20
    for (words, want), (arena, guards, _, same) in zip(wanted, run.go()):
        assert arena == want, words
        assert set(guards) == {0xA5} and same, words


def test_rows_of_words_and_bytes():
    """copy at every alignment of both ends, one over the other too; add of a long row, counted."""
    run, wanted = kernels.Run(), []
    random_ = random.Random(3)
    for n in (16, 17, 18, 19, 35):
        for x, y in ((4, 64), (5, 65), (4, 65), (6, 64), (8, 4), (7, 4), (40, 40)):
            words = as_record(BOX.words(x_offset=x, y_offset=y, dims=(1, 1, 1, n), x_strides=ROW, y_strides=ROW))
            before = random_.randbytes(112)
            after = bytearray(before)
            after[y : y + n] = before[x : x + n]
            run.add("copy", words, b"", before)
            wanted.append(bytes(after))
    for want, (arena, guards, _, same) in zip(wanted, run.go()):
        assert arena == want and set(guards) == {0xA5} and same
    words = ADD.words(x_offset=0, y_offset=1000, x2_offset=500, dims=(1, 1, 1, 500), x1_strides=ROW, x2_strides=ROW)
    words |= ADD.words(multiplier=1 << 30, left_shift=0, right_shift=8, y_zero_point=-3, clamp_min=-128, clamp_max=127)
    words |= ADD.words(table1_offset=0, table2_offset=1024)
    table = np.arange(256, dtype=np.int64).astype(np.int8).astype("<i4") * 700
    before = random_.randbytes(1500)
    x = np.frombuffer(before, np.int8).astype(np.int64)
    q = ((x[:500] + x[500:1000]) * 700 * (1 << 30) + (1 << 30)) >> 31
    want = np.clip(((q + 128 - (q < 0)) >> 8) - 3, -128, 127).astype(np.int8)
    run = kernels.Run()
    run.add("add", as_record(words), table.tobytes() * 2, before)
    run.add("lut", as_record(TABLE.words(x_offset=0, y_offset=1000, count=500)), bytes(range(255, -1, -1)), before)
    (added, looked) = run.go()
    assert added[0] == before[:1000] + want.tobytes() and added[2] < 20 * 500 + 300
    assert looked[0][1000:] == bytes(255 - b for b in before[:500]) and looked[2] < 4.6 * 500 + 300
