"""The rv32 kernels' machine code under unicorn: exact, whatever was in memory, and not a byte touched that is not theirs.

Random windows beyond what ordinary networks have: extreme weights and accumulators, every way to lay a tile out.
"""

import numpy as np
import pytest

from host_tools.assembler.rv32 import packed_table
from host_tools.assembler.rv32 import prepare as rv32
from host_tools.assembler.window import Window
from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact_run
from host_tools.fileformat import packed
from host_tools.record import CONV, RECORD, variants
from host_tools.report import inspect
from tests import draw
from tests.rv32.machine import Machine

OPS = ("conv_2d", "depthwise_conv_2d", "fully_connected")


def check(model: bytes, inputs, want, form: str, what: str) -> Machine:
    network = packed.read(model)
    (op,) = network.ops
    assert op.words[CONV.packed_offset] or op.kernel in ("add", "copy", "lut"), what
    # Behind the arena as much again that nothing may touch; everything in it has its own value before.
    arena = bytearray(np.random.default_rng(1).integers(0, 256, network.arena_bytes + 64, np.uint8).tobytes())
    for t, x in zip(network.inputs, inputs):
        arena[t.arena_offset : t.arena_offset + t.bytes] = x.tobytes()
    machine = Machine(network, bytes(arena), form)
    after = machine.run()
    y = network.outputs[0].arena_offset
    got = np.frombuffer(after[y : y + network.outputs[0].bytes], np.int8)
    different = np.flatnonzero(got != want.ravel())
    assert not len(different), (
        f"{what}: output {different[0]}: got {got[different[0]]}, want {want.ravel()[different[0]]}"
    )
    return machine


def runs_in_assembler(op) -> bool:
    return variants.number("rv32", op.words) != 0


def packed_cases(op: str, count: int, seed: int):
    for case in draw.generate(op, count, seed):
        try:
            model = convert.convert_bytes(case.tflite, case.name, selftest=0, board="esp32c3")
        except ToolError:
            continue
        network = packed.read(model)
        if len(network.ops) == 1 and runs_in_assembler(network.ops[0]):
            yield case, model


@pytest.mark.parametrize("form", ["viper", "assembler"])
@pytest.mark.parametrize("op", [*OPS, "add", "pad", "strided_slice", "transpose", "tanh"])
def test_random_models(op, form):
    done = 0
    for case, model in packed_cases(op, 120 if op == "add" else 30, 21):
        check(model, case.inputs, case.outputs[0], form, str(case))
        done += 1
    assert done > (7 if op in ("add", "transpose") else 20)


@pytest.mark.parametrize("op", ("conv_2d", "depthwise_conv_2d"))
def test_every_option(op, monkeypatch):
    """Each size of scratch that the planner may choose."""
    seen = set()
    for which in range(6):

        def take(options, which=which):
            return options[min(which, len(options) - 1) :][:1] if which < 5 else options[-1:]

        for name in ("conv_options", "depthwise_options"):
            usual = (
                getattr(rv32, name).__wrapped__ if hasattr(getattr(rv32, name), "__wrapped__") else getattr(rv32, name)
            )

            def options(w, usual=usual):
                return take(usual(w))

            options.__wrapped__ = usual
            monkeypatch.setattr(rv32, name, options)
        for case, model in packed_cases(op, 14, 22 + which):
            check(model, case.inputs, case.outputs[0], "viper", str(case))
            words = packed.read(model).ops[0].words
            seen.add((words[CONV.variant_form], words[CONV.tile]))
    assert len(seen) > 12


def layer(op: str, weights, x, bias, scale, zero_point=0, **options):
    """(model, output of the host's kernels) of one layer with weights and inputs as given."""
    from tests.helpers.tflite_builder import Builder

    b = Builder()
    source = b.input(x.shape, scale=1.0, zero_point=int(options.pop("x_zero_point", -128)))
    axis = 3 if op == "depthwise_conv_2d" else 0
    channels = weights.shape[axis]
    w = b.constant(weights.astype(np.int8), options.pop("scales", [1.0] * channels), axis=axis)
    bias = b.constant(np.asarray(bias, np.int32), [1.0] * channels)
    y = getattr(b, op)(source, w, bias, scale=scale, zero_point=zero_point, **options)
    model = convert.convert_bytes(b.finish([y]), op, selftest=0, board="esp32c3")
    return model, exact_run.run(packed.read(model), [x])[0]


def extremes(op: str, kind: str, r) -> tuple[np.ndarray, np.ndarray]:
    """(weights, input) that fill the lanes of a word: all alike, by turns, or random ends."""
    shape = {"conv_2d": (6, 3, 3, 4), "depthwise_conv_2d": (1, 3, 3, 8), "fully_connected": (19, 70)}[op]
    x_shape = (1, 70) if op == "fully_connected" else (1, 5, 6, shape[3])
    if kind == "ends":
        return r.choice((-128, 127), shape), r.choice((-128, 127), x_shape).astype(np.int8)
    w, x = (int(v) for v in kind.split("*"))
    weights = np.full(shape, w)
    if op == "conv_2d":
        weights[1::2] = -128 - w if w else 127  # the other lane the other way
    return weights, np.full(x_shape, x, np.int8)


@pytest.mark.parametrize("kind", ["-128*-128", "-128*127", "127*-128", "127*127", "ends"])
@pytest.mark.parametrize("op", OPS)
def test_extreme_lanes(op, kind):
    r = np.random.default_rng(5)
    weights, x = extremes(op, kind, r)
    channels = weights.shape[3 if op == "depthwise_conv_2d" else 0]
    for scale in (300.0, 20000.0):
        model, want = layer(op, weights, x, r.integers(-(1 << 20), 1 << 20, channels), scale, -3)
        check(model, [x], want, "viper", f"{op} {kind} scale {scale}")


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("scale", [2.0**k * 1.37 for k in (-7, -3, -1, 0, 1, 4, 9, 14)])
def test_shifts(op, scale):
    """Left shifts, none, right shifts; with and without clamps of an activation."""
    r = np.random.default_rng(6)
    weights, x = (
        r.integers(
            -128, 128, {"conv_2d": (5, 2, 2, 3), "depthwise_conv_2d": (1, 3, 3, 10), "fully_connected": (9, 13)}[op]
        ),
        None,
    )
    x = r.integers(-128, 128, (1, 13) if op == "fully_connected" else (1, 6, 5, 3 if op == "conv_2d" else 10)).astype(
        np.int8
    )
    channels = weights.shape[3 if op == "depthwise_conv_2d" else 0]
    for activation, zero_point in (("NONE", 5), ("RELU", -128), ("RELU", 3), ("RELU6", -20)):
        model, want = layer(op, weights // 20 if scale < 1 else weights, x, r.integers(-500, 500, channels), scale, zero_point,
                            activation=activation, x_zero_point=9)  # fmt: skip
        check(model, [x], want, "viper", f"{op} scale {scale} {activation} {zero_point}")


def test_requantizer_is_exact_at_every_step():
    """Around each accumulator where the output changes, and at both ends."""
    r = np.random.default_rng(7)
    found = 0
    for _ in range(3000):
        multiplier, left, right = int(r.integers(1 << 30, 1 << 31)), 0, int(r.integers(0, 32))
        if r.integers(4) == 0:
            left, right = int(r.integers(1, 12)), 0
        high = int(2 ** r.uniform(3, 30 - left))
        low, zero = -int(2 ** r.uniform(3, 30 - left)), int(r.integers(-128, 128))
        clamps = (-128, 127) if r.integers(2) else (max(zero, -128), 127)
        form = packed_table.requantizer(multiplier, left, right, low, high, zero, clamps)
        if form is None:
            continue
        found += 1
        m, c, pre, shift, fix = form
        real = multiplier * 2.0 ** (left - right - 31)
        steps = (np.arange(-300, 300) - 0.5) / real
        a = np.unique(
            np.clip(
                np.concatenate([np.round(steps)[:, None] + np.arange(-2, 3), [[low, high, 0, 1, -1]]], axis=None),
                low,
                high,
            )
        )
        for acc in (int(v) for v in r.choice(a, min(len(a), 150), replace=False)):
            shifted = acc << pre
            assert -(1 << 31) <= shifted < 1 << 31
            q = shifted * m >> 32
            v = q + (fix if q < 0 else 0) + c
            assert -(1 << 31) <= v < 1 << 31
            got = min(max(v >> shift, clamps[0]), clamps[1])
            h = ((acc << left) * multiplier + (1 << 30)) >> 31
            exact = h if not right else (h + (1 << (right - 1)) - (h < 0)) >> right
            assert got == min(max(exact + zero, clamps[0]), clamps[1]), (form, acc, multiplier, left, right)
    assert found > 2000


@pytest.mark.parametrize("op", OPS)
def test_inputs_at_odd_addresses(op):
    """A slice of another tensor, or the channels of a piece: x may lie anywhere, and no access is unaligned."""
    from dataclasses import replace

    done = 0
    for case, model in packed_cases(op, 16, 44):
        network = packed.read(model)
        if len(network.inputs) != 1:
            continue
        (x,), (record,) = network.inputs, network.ops
        words = list(record.words)
        at = network.arena_bytes + 1 + done % 3
        words[RECORD.x_offset] = at
        moved = replace(
            network,
            ops=(replace(record, words=tuple(words)),),
            tensors=(replace(x, arena_offset=at), *network.tensors[1:]),
        )
        arena = bytearray(b"\xa5" * (at + x.bytes + 64))
        arena[at : at + x.bytes] = case.inputs[0].tobytes()
        after = Machine(moved, bytes(arena), "viper").run()
        y = network.outputs[0]
        assert after[y.arena_offset : y.arena_offset + y.bytes] == case.outputs[0].tobytes(), str(case)
        done += 1
    assert done > 10


FAR = (1 << 29) + (1 << 21) - 65000  # at a scale of 2^22 such sums straddle two outputs


def reason(model: bytes) -> tuple[str, str]:
    """What inspect says of a network's last op."""
    row = inspect.describe(packed.read(model))["ops"][-1]
    return row["backend"], row["backend_why"]


@pytest.mark.parametrize("op, weights, bias, scale, options, words", [
    ("conv_2d", (4, 1, 1, 4), [0, 0, FAR, 5], 2.0**22, {"zero_point": -100}, "a sum may reach 2^29: channel 2, 538,903,064 to 539,032,604"),
    ("fully_connected", (4, 16), [5, -FAR, 0, 0], 2.0**22, {"x_zero_point": 0, "zero_point": 100}, "a sum may reach 2^29: channel 1, -539,"),
    ("depthwise_conv_2d", (1, 2, 2, 4), [0, 0, 0, FAR + 65000], 2.0**22, {"x_zero_point": 3, "zero_point": -100}, "a sum may reach 2^29: channel 3, 538,901,516 to 539,031,056"),
    ("conv_2d", (4, 1, 1, 4), [1 << 28] * 4, 2.0**-8, {}, "a sum may reach 2^29: channel 0, 268,435,456 to 268,564,996, shifted to the left by "),
    ("conv_2d", (4, 2, 2, 4), [(1 << 24) - 65000] * 4, 2.0**25, {"zero_point": 100}, "a scale is far off: channel 0, right_shift 24, zero point 100"),
    ("depthwise_conv_2d", (1, 1, 17, 4), [0] * 4, 1.0, {}, "a window of more than 16 columns"),
])  # fmt: skip
def test_inspect_says_why_viper_runs_it(op, weights, bias, scale, options, words):
    x = np.zeros((1, 16) if op == "fully_connected" else (1, 4, 20, 4), np.int8)
    options = dict(options)
    model, _ = layer(op, np.full(weights, 127), x, bias, scale, **options)
    assert not packed.read(model).ops[0].words[CONV.packed_offset]
    backend, why = reason(model)
    assert backend == "viper" and why.startswith(words), why


def test_inspect_says_what_else_viper_runs():
    for op, why in (("mul", "no assembler for this kernel"), ("add", "an operand is ")):
        found = set()
        for case in draw.generate(op, 15, 45):
            row = inspect.describe(
                packed.read(convert.convert_bytes(case.tflite, case.name, selftest=0, board="esp32c3"))
            )["ops"][0]
            found |= {row["backend_why"]} if row["backend"] == "viper" else set()
        assert any(w.startswith(why) for w in found), (op, found)
    assert variants.why_not("rv32", "conv_2d", [0] * 34 + [1] + [0] * 5, "rv32") == "weights of four bits"


def test_scratch_options_get_smaller():
    for _, model in packed_cases("conv_2d", 10, 3):
        (op,) = packed.read(model).ops
        sizes = [size for size, _ in rv32.conv_options(Window.of(op.words))]
        assert sizes == sorted(set(sizes), reverse=True)
