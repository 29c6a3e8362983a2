"""Sources of random parameters, and what models of every op are drawn from: inputs, quantizations, weights."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from tests.helpers.tflite_builder import Builder

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


@dataclass(frozen=True)
class Case:
    """One model with its raw inputs; `outputs` are the oracle's, empty where it has not been asked."""

    name: str
    op: str
    tflite: bytes = field(repr=False)
    inputs: tuple[np.ndarray, ...] = field(repr=False)
    params: dict
    outputs: tuple[np.ndarray, ...] = field(default=(), repr=False)
    calls: int = 1  # inferences in a row: `inputs` and `outputs` are those of one after those of the other

    @property
    def frames(self) -> list[list[np.ndarray]]:
        """The inputs of each inference."""
        size = len(self.inputs) // self.calls
        return [list(self.inputs[i * size : (i + 1) * size]) for i in range(self.calls)]

    def __str__(self) -> str:
        return f"{self.name}: " + ", ".join(f"{k}={v}" for k, v in self.params.items())


class Shapes:
    """What shapes inputs have, and what windows: a test that needs others hands a subclass to generate().

    One of them goes with each Source, so with each model.
    """

    def __init__(self, source: Source):
        self.source = source

    def input(self, shape) -> Sequence[int]:
        """The shape of an int8 input for which `shape` was drawn."""
        return shape

    def window(self, size: int, kernel_max: int, dilations: bool, padding: str) -> tuple[int, int, int]:
        """(kernel, stride, dilation) of one axis with at least one output."""
        s = self.source
        kernel = s.integer(1, kernel_max)
        dilation = s.choice((1, 1, 2, 3)) if dilations else 1
        if padding == "VALID":
            kernel = min(kernel, size)
            if (kernel - 1) * dilation + 1 > size:
                dilation = 1
        return kernel, s.integer(1, 4), dilation


class Source:
    """Draws parameters; keeps them by name, for reports."""

    def __init__(self, shapes: type[Shapes] = Shapes):
        self.params: dict = {}
        self.shapes = shapes(self)
        self.moderate = False  # only rescalings that leave a scale the next op can take

    def integer(self, low: int, high: int) -> int:  # both ends included
        raise NotImplementedError

    def choice(self, options: Sequence):
        return options[self.integer(0, len(options) - 1)]

    def boolean(self) -> bool:
        return bool(self.integer(0, 1))

    def note(self, **values):
        """Keeps values for the report; returns the last of them."""
        self.params.update(values)
        return list(values.values())[-1]

    def scale(self, low: float, high: float) -> float:
        """A float32 scale, log-uniform from 2**low to 2**high; one in five is a power of two."""
        sixteenths = self.integer(round(low * 16), round(high * 16))
        if self.integer(0, 4) == 0:
            return float(2.0 ** (sixteenths // 16))
        return float(np.float32(2.0 ** (sixteenths / 16) * (1 + self.integer(0, 4095) / 65536)))

    def zero_point(self) -> int:
        return self.choice((0, -128, 127, -1, self.integer(-128, 127)))

    def array(self, shape, dtype=np.int8, low: int | None = None, high: int | None = None, near: int = 0) -> np.ndarray:
        """Integers: uniform, only the two ends, all one end, or close to `near`."""
        info = np.iinfo(dtype)
        low, high = info.min if low is None else low, info.max if high is None else high
        style = self.choice(("uniform", "uniform", "ends", "low", "high", "near"))
        generator = np.random.RandomState(self.integer(0, (1 << 32) - 1))  # its stream is frozen, Generator's is not
        if style == "uniform":
            values = generator.randint(low, high + 1, shape, np.int64)
        elif style == "ends":
            values = np.where(generator.randint(0, 2, shape), high, low)
        elif style == "near":
            values = np.clip(near + generator.randint(-3, 4, shape), low, high)
        else:
            values = np.full(shape, low if style == "low" else high)
        return values.astype(dtype)


class RandomSource(Source):
    """The draws of a seed; the same on every machine and Python."""

    def __init__(self, seed, shapes: type[Shapes] = Shapes):
        super().__init__(shapes)
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))


class HypothesisSource(Source):
    def __init__(self, draw):
        super().__init__()
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


def quantization(s: Source, low: float = -10, high: float = 1) -> dict:
    return {"scale": s.scale(low, high), "zero_point": s.zero_point()}


def int8_input(s: Source, b: Builder, shape, inputs: list, quant: dict | None = None) -> int:
    shape = s.shapes.input(shape)
    quant = quant or quantization(s)
    inputs.append(s.array(shape, near=quant["zero_point"]))
    s.note(**{f"x{len(inputs) - 1}": (tuple(shape), quant["scale"], quant["zero_point"])})
    return b.input(shape, **quant)


def int16_input(s: Source, b: Builder, shape, x: list, scale: float | None = None) -> int:
    scale = scale or s.scale(-16, -6)
    x.append(s.array(shape, np.int16))
    s.note(**{f"x{len(x) - 1}": (tuple(shape), scale)})
    return b.input(shape, "int16", scale)


def bool_input(s: Source, b: Builder, x: list, shape) -> int:
    x.append(s.array(shape, np.int8, 0, 1).astype(bool))
    s.note(**{f"x{len(x) - 1}": (tuple(shape), "bool")})
    return b.input(shape, "bool")


def input_of(s: Source, b: Builder, shape, x: list, dtype: str) -> int:
    if dtype == "int8":
        return int8_input(s, b, shape, x)
    if dtype == "int16":
        return int16_input(s, b, shape, x)
    # small ones, whose products fit, or all of int32; not only values that never meet
    limit = s.choice((3, 40000, 2**31 - 1))
    x.append(s.array(shape, np.int32, -limit, limit))
    s.note(**{f"x{len(x) - 1}": (tuple(shape), "int32", limit)})
    return b.input(shape, "int32")


def any_shape(s: Source, low: int = 1, high: int = 4, most: int = 5) -> list[int]:
    return [s.integer(1, most) for _ in range(s.integer(low, high))]


def source_or_input(s: Source, b: Builder, x: list, source, low: int = 1, high: int = 4, most: int = 5) -> int:
    return int8_input(s, b, any_shape(s, low, high, most), x) if source is None else source


def all_values(s: Source, b: Builder, x: list, source, low: float, high: float) -> int:
    """All 256 values, in a shape of its own."""
    if source is not None:
        return source
    quant = quantization(s, low, high)
    shape = s.choice(((256,), (1, 256), (2, 8, 16), (1, 4, 4, 16)))
    x.append(np.arange(256, dtype=np.uint8).view(np.int8).reshape(shape))
    s.note(x0=(shape, quant["scale"], quant["zero_point"]))
    return b.input(shape, **quant)


def output_like(b: Builder, x: int, shape) -> int:
    """An output of x's dtype and quantization."""
    t = b.tensors[x]
    return b.tensor(shape, t.dtype, t.scales or None, t.zero_points or 0)


def int32_constant(b: Builder, values, dtype=np.int32) -> int:
    return b.constant(np.array(values, dtype))


def rescaling(s: Source, usual: tuple[int, int], acc_bits: int, least: int = -20, most: int = 28) -> float:
    """log2 of a rescaling of accumulators below 2**acc_bits: mostly in `usual`, else from `least` to where
    acc * 2**shift still fits an int32, and once in 16 beyond it, up to `most`; noted as wraps=True.

    There TFLM's C code is undefined, but as compiled it wraps modulo 2**32, as FORMAT.md eq. (2) says. Shifts above
    30 cannot be compared: 1 << 31 is no int32.
    """
    safe = min(most, 30 - acc_bits)
    kind = 1 if s.moderate else s.integer(0, 15)
    if kind == 0 and most > safe:
        s.note(wraps=True)
        return s.integer(safe + 1, most) + s.integer(0, 15) / 16
    return (s.integer(*usual) if kind < 9 else s.integer(least, safe)) + s.integer(0, 15) / 16


def output_quantization(s: Source, unit: float, depth: int, most: int = 28) -> dict:
    """An output quantization for accumulators of `unit` a step, `depth` products each."""
    # |acc| <= depth * 255 * 128 and the bias, 2**15 * (depth + 1): below 2**16 * (depth + 1)
    real = rescaling(s, (-14, -4), 16 + math.ceil(math.log2(depth + 1)), most=most)
    s.note(rescaling=f"2**{real:.2f}")
    return {"scale": float(np.float32(unit * 2.0**-real)), "zero_point": s.zero_point()}


def running_scale(s: Source, b: Builder, x: int) -> dict:
    """An output of ADD_N or CUMSUM: TFLM aborts where its scale is 2**-19 times x's or less."""
    scale = float(np.float32(b.tensors[x].scales[0] * s.choice((s.scale(-2, 4), s.scale(-18, 8)))))
    return {"scale": scale, "zero_point": s.note(y=scale, y_zero=s.zero_point())}


def weights_and_scales(s: Source, shape, channels: int, axis: int, per_channel: bool) -> tuple[np.ndarray, np.ndarray]:
    data = s.array(shape)
    base = s.scale(-12, -3)
    if not per_channel:
        return data, np.array([base], np.float32)
    spread = np.array([s.integer(-32, 0) for _ in range(channels)])
    return data, (base * 2.0 ** (spread / 16)).astype(np.float32)


def fused_activation(s: Source, scale: float) -> str:
    """A fused activation; RELU6 and RELU_N1_TO_1 only where 6 / scale is an int32, else TFLM refuses the model."""
    return s.note(activation=s.choice(ACTIVATIONS if 6 / scale < 1 << 31 else ACTIVATIONS[:2]))


def int32_bias(s: Source, b: Builder, channels: int, depth: int, scales: np.ndarray) -> int | None:
    kind = s.note(bias=s.choice(("none", "small", "large")))
    if kind == "none":
        return None
    limit = 1000 if kind == "small" else (1 << 15) * (depth + 1)
    return b.constant(s.array((channels,), np.int32, -limit, limit), scale=scales)


def difference(case: Case, outputs: Sequence[np.ndarray]) -> str | None:
    """The first place where `outputs` are not those of `case`, with everything needed to build it again; or None."""
    if len(outputs) != len(case.outputs):
        return f"{case}\n{len(outputs)} outputs, want {len(case.outputs)}"
    for k, (got, want) in enumerate(zip(outputs, case.outputs)):
        if got.size != want.size or got.dtype != want.dtype:
            return f"{case}\noutput {k}: got {got.dtype} {got.shape}, want {want.dtype} {want.shape}"
        wrong = np.argwhere(got.reshape(want.shape) != want)
        if len(wrong):
            at = tuple(int(i) for i in wrong[0])
            return (
                f"{case}\noutput {k} {list(at)}: got {got.reshape(want.shape)[at]}, want {want[at]}"
                f" ({len(wrong)} of {want.size} differ)"
            )
    return None
