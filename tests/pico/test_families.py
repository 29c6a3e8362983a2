"""One network of each kernel family on the virtual Pico and on 32-bit RISC-V: 32-bit machine words, real firmware.

Each network uses the family's kernels one after the other; its answers are TensorFlow Lite Micro's.
"""

from __future__ import annotations

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from tests.helpers import batch
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

RNG = np.random.default_rng(5)


def raw(*shape) -> np.ndarray:
    return RNG.integers(-128, 128, shape).astype(np.int8)


def ints(*values) -> np.ndarray:
    return np.array(values, np.int32)


def out(b: Builder, kind: str, inputs, shape, scale, zero_point=0, options=None, dtype="int8", **fields) -> int:
    y = b.tensor(shape, dtype, scale, zero_point)
    b.op(kind, inputs, [y], options, **fields)
    return y


def element(b: Builder, x: int) -> list[int]:
    """Tables, sums, products, and boxes: SLICE, TRANSPOSE, SPLIT, TILE, SPACE_TO_DEPTH."""
    y = b.sub(b.add(x, b.relu6(x), scale=0.1, zero_point=4), b.mul(x, x, scale=0.3), scale=0.15)
    y = out(b, "TRANSPOSE", [y, b.constant(ints(0, 2, 1, 3))], (1, 6, 4, 4), 0.15)
    deep = out(b, "SPACE_TO_DEPTH", [y], (1, 3, 2, 16), 0.15, 0, "SpaceToDepthOptions", BlockSize=2)
    parts = [b.tensor((1, 3, 2, 8), "int8", 0.15) for _ in range(2)]
    b.op("SPLIT", [b.constant(np.int32(3)), deep], parts, "SplitOptions", NumSplits=2)
    cut = out(b, "SLICE", [parts[1], b.constant(ints(0, 1, 0, 2)), b.constant(ints(1, 2, 2, 5))], (1, 2, 2, 5), 0.15)
    return [out(b, "HARD_SWISH", [parts[0]], (1, 3, 2, 8), 0.15), b.pad(cut, [(0, 0), (1, 0), (0, 2), (0, 0)])]


def gather(b: Builder, x: int) -> list[int]:
    """GATHER, MIRROR_PAD, REVERSE_V2, RESIZE_NEAREST_NEIGHBOR, PRELU as tables a channel, SELECT_V2."""
    y = out(b, "GATHER", [x, b.constant(ints(3, 0, 0, 2))], (1, 4, 6, 4), 0.05, 3, "GatherOptions", Axis=1)
    y = out(b, "MIRROR_PAD", [y, b.constant(np.array([[0, 0], [1, 2], [2, 0], [0, 0]], np.int32))], (1, 7, 8, 4), 0.05, 3,
            "MirrorPadOptions", Mode=0)  # fmt: skip
    y = out(b, "REVERSE_V2", [y, b.constant(ints(2))], (1, 7, 8, 4), 0.05, 3)
    y = out(
        b,
        "RESIZE_NEAREST_NEIGHBOR",
        [y, b.constant(ints(5, 11))],
        (1, 5, 11, 4),
        0.05,
        3,
        "ResizeNearestNeighborOptions",
    )
    bent = out(b, "PRELU", [y, b.constant(raw(4), 0.01)], (1, 5, 11, 4), 0.06, -9)
    mask = b.constant(RNG.integers(0, 2, (1, 5, 11, 1)).astype(bool))
    other = b.constant(raw(1, 1, 11, 4), 0.06, -9)
    return [out(b, "SELECT_V2", [mask, bent, other], (1, 5, 11, 4), 0.06, -9, "SelectV2Options")]


def reduce(b: Builder, x: int) -> list[int]:
    """REDUCE_MAX, REDUCE_MIN, SUM, MEAN, ARG_MAX, ARG_MIN."""
    most = out(b, "REDUCE_MAX", [x, b.constant(ints(1, 3))], (1, 6), 0.05, 3, "ReducerOptions")
    least = out(b, "REDUCE_MIN", [x, b.constant(ints(2))], (1, 4, 1, 4), 0.05, 3, "ReducerOptions", KeepDims=True)
    total = out(b, "SUM", [x, b.constant(ints(1, 2))], (1, 4), 0.4, 0, "ReducerOptions")
    where = out(b, "ARG_MAX", [x, b.constant(np.int32(3))], (1, 4, 6), None, 0, "ArgMaxOptions", "int32", OutputType=2)
    first = out(b, "ARG_MIN", [x, b.constant(np.int32(1))], (1, 6, 4), None, 0, "ArgMinOptions", "int32", OutputType=2)
    return [most, least, total, where, first, b.mean(x, [2], scale=0.03)]


def binary(b: Builder, x: int) -> list[int]:
    """MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, comparisons, PRELU of two tensors, DIV, logic."""
    y = b.relu6(out(b, "LEAKY_RELU", [x], (1, 4, 6, 4), 0.05, 3, "LeakyReluOptions", Alpha=-0.4))
    high = out(b, "MAXIMUM", [x, y], (1, 4, 6, 4), 0.05, 3)
    low = out(b, "MINIMUM", [x, y], (1, 4, 6, 4), 0.05, 3)
    square = out(b, "SQUARED_DIFFERENCE", [high, low], (1, 4, 6, 4), 0.2, -128)
    flags = [
        out(b, kind, [x, square], (1, 4, 6, 4), None, dtype="bool") for kind in ("LESS", "GREATER_EQUAL", "NOT_EQUAL")
    ]
    both = out(b, "LOGICAL_AND", flags[1:], (1, 4, 6, 4), None, dtype="bool")
    bent = out(b, "PRELU", [x, low], (1, 4, 6, 4), 0.02)
    ratio = out(
        b,
        "DIV",
        [x, b.constant(np.arange(-96, 0).reshape(1, 4, 6, 4).astype(np.int8), 0.04)],
        (1, 4, 6, 4),
        1 / 128,
        1,
        "DivOptions",
    )
    return [
        flags[0],
        both,
        bent,
        ratio,
        out(b, "CAST", [flags[0]], (1, 4, 6, 4), None, dtype="int32", options="CastOptions"),
    ]


def resize(b: Builder, x: int) -> list[int]:
    """RESIZE_BILINEAR in its three forms."""
    found = []
    for size, corners, half in (((8, 12), False, False), ((7, 7), True, False), ((3, 13), False, True)):
        found.append(out(b, "RESIZE_BILINEAR", [x, b.constant(ints(*size))], (1, *size, 4), 0.05, 3, "ResizeBilinearOptions",
                         AlignCorners=corners, HalfPixelCenters=half))  # fmt: skip
    return found


def rows(b: Builder, x: int) -> list[int]:
    """SOFTMAX, LOG_SOFTMAX, L2_NORMALIZATION."""
    return [b.softmax(x), out(b, "LOG_SOFTMAX", [x], (1, 4, 6, 4), 16 / 256, 127, "LogSoftmaxOptions"),
            out(b, "L2_NORMALIZATION", [x], (1, 4, 6, 4), 1 / 128, 0, "L2NormOptions")]  # fmt: skip


def numbers(b: Builder, x: int) -> list[int]:
    """CUMSUM, ADD_N; int32 of ARG_MAX added to, multiplied, divided, compared; DYNAMIC_UPDATE_SLICE, EMBEDDING_LOOKUP."""
    total = out(
        b, "CUMSUM", [x, b.constant(np.int32(2))], (1, 4, 6, 4), 0.2, -5, "CumsumOptions", Exclusive=True, Reverse=True
    )
    moved = out(b, "DYNAMIC_UPDATE_SLICE", [total, b.constant(raw(1, 2, 2, 3), 0.2, -5), b.constant(ints(0, 1, 3, 1))], (1, 4, 6, 4),
                0.2, -5, "DynamicUpdateSliceOptions")  # fmt: skip
    most = out(b, "ADD_N", [moved, total, total], (1, 4, 6, 4), 0.3, 7, "AddNOptions")
    place = out(b, "ARG_MAX", [x, b.constant(np.int32(3))], (1, 4, 6), None, 0, "ArgMaxOptions", "int32", OutputType=2)
    large = out(b, "MUL", [place, b.constant(np.int32(-1073741827))], (1, 4, 6), None, 0, "MulOptions", "int32")
    small = out(
        b, "DIV", [large, b.constant(ints(7, 3, -1000, 5, 2147483647, 9))], (1, 4, 6), None, 0, "DivOptions", "int32"
    )
    flags = out(b, "LESS_EQUAL", [large, small], (1, 4, 6), None, 0, "LessEqualOptions", "bool")
    row = out(b, "RESHAPE", [place, b.constant(ints(24))], (24,), None, 0, "ReshapeOptions", "int32", NewShape=[24])
    words = out(b, "EMBEDDING_LOOKUP", [row, b.constant(raw(4, 5), 0.1)], (24, 5), 0.1)
    return [most, large, small, flags, words]


# family: kernels that its network must have
FAMILIES = {
    element: {"lut", "add", "copy"},
    gather: {"gather", "select", "channel_lut"},
    reduce: {"reduce", "arg", "mean"},
    binary: {"binary", "lut"},
    resize: {"resize_bilinear"},
    rows: {"softmax", "rows"},
    numbers: {"cumsum", "numbers", "mean", "gather"},
}


@pytest.fixture(scope="module")
def networks():
    """(family's name, packed network, inputs, TFLM's outputs), two inferences each."""
    made = []
    for family, kernels in FAMILIES.items():
        b = Builder()
        tflite = b.finish(family(b, b.input((1, 4, 6, 4), scale=0.05, zero_point=3)))
        oracle = Oracle(tflite, prefer="tflm")
        model = convert.convert_bytes(tflite, family.__name__)
        assert kernels <= {op.kernel for op in packed.read(model).ops}, family.__name__
        for x in (raw(1, 4, 6, 4), np.resize(np.array([-128, 127, 3], np.int8), (1, 4, 6, 4))):
            made.append((family.__name__, model, [x], b"".join(y.tobytes() for y in oracle.run([x]))))
    return made


@pytest.mark.pico
def test_on_the_virtual_pico(networks):
    answers = batch.run_pico([(model, x) for _, model, x, _ in networks])
    assert [name for (name, _, _, want), got in zip(networks, answers) if got != want] == []


def test_on_qemu_rv32(networks):
    answers = batch.run_qemu_rv32([(model, x) for _, model, x, _ in networks])
    assert [name for (name, _, _, want), got in zip(networks, answers) if got != want] == []


def test_here_and_on_unix(networks, tmp_path):
    answers = batch.run_unix([(model, x) for _, model, x, _ in networks], tmp_path)
    assert [name for (name, _, _, want), got in zip(networks, answers) if got != want] == []


def models(networks) -> dict[str, bytes]:
    return {name: model for name, model, _, _ in networks}


def test_nothing_is_allocated_on_unix(networks, tmp_path):
    """heap_lock() around invoke(), and a forgotten network gives its memory back: tests/micropython/memory.py."""
    from tests.helpers.runners import run_unix_sources

    seen = set()
    for name, model in models(networks).items():
        printed = run_unix_sources("memory.py", {"all.fxnn": model}, tmp_path)
        assert printed.endswith("\nok\n"), (name, printed)
        seen |= set(map(int, printed.split("[")[1].split("]")[0].split(",")))
    assert {*range(12, 20), 45, 46} <= seen


@pytest.mark.pico
def test_nothing_is_allocated_on_the_pico(networks):
    """32-bit words, where an int of more than 30 bits would be an object."""
    from tests.helpers.runners import run_pico

    for name, model in models(networks).items():
        assert run_pico("memory.py", {"all.fxnn": model}, ROUNDS=3).endswith("\nok\n"), name
