"""Random one- and two-op models for every op, with inputs: for hypothesis, and as a deterministic list of cases.

    @given(strategies.models("conv_2d"))            # a Case without outputs
    cases = strategies.generate("conv_2d", n=50, seed=1)   # the same models, with the outputs of the oracle

One function an op draws the parameters through a Source, which is hypothesis' `draw` or a seeded generator, so both
see the same models. All models are legal: TFLM takes them. What TFLM refuses, aborts on or leaves undefined is
outside of what is drawn, and named where it is left out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import strategies as st

from tests.tflite_builder import Builder

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


# ------------------------------------------------------------------------------------------------------- sources


class Source:
    """Draws parameters; keeps them by name, for reports."""

    def __init__(self):
        self.params: dict = {}
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

    def __init__(self, seed):
        super().__init__()
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))


class HypothesisSource(Source):
    def __init__(self, draw):
        super().__init__()
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


# --------------------------------------------------------------------------------------------- pieces of a model


def _quant(s: Source, low: float = -10, high: float = 1) -> dict:
    return {"scale": s.scale(low, high), "zero_point": s.zero_point()}


def _input(s: Source, b: Builder, shape, inputs: list, quant: dict | None = None) -> int:
    quant = quant or _quant(s)
    inputs.append(s.array(shape, near=quant["zero_point"]))
    s.note(**{f"x{len(inputs) - 1}": (tuple(shape), quant["scale"], quant["zero_point"])})
    return b.input(shape, **quant)


def _rescaling(s: Source, usual: tuple[int, int], acc_bits: int, least: int = -20, most: int = 28) -> float:
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


def _output_quant(s: Source, unit: float, depth: int, most: int = 28) -> dict:
    """An output quantization for accumulators of `unit` a step, `depth` products each."""
    # |acc| <= depth * 255 * 128 and the bias, 2**15 * (depth + 1): below 2**16 * (depth + 1)
    real = _rescaling(s, (-14, -4), 16 + math.ceil(math.log2(depth + 1)), most=most)
    s.note(rescaling=f"2**{real:.2f}")
    return {"scale": float(np.float32(unit * 2.0**-real)), "zero_point": s.zero_point()}


def _weights(s: Source, shape, channels: int, axis: int, per_channel: bool) -> tuple[np.ndarray, np.ndarray]:
    data = s.array(shape)
    base = s.scale(-12, -3)
    if not per_channel:
        return data, np.array([base], np.float32)
    spread = np.array([s.integer(-32, 0) for _ in range(channels)])
    return data, (base * 2.0 ** (spread / 16)).astype(np.float32)


def _activation(s: Source, scale: float) -> str:
    """A fused activation; RELU6 and RELU_N1_TO_1 only where 6 / scale is an int32, else TFLM refuses the model."""
    return s.note(activation=s.choice(ACTIVATIONS if 6 / scale < 1 << 31 else ACTIVATIONS[:2]))


def _bias(s: Source, b: Builder, channels: int, depth: int, scales: np.ndarray) -> int | None:
    kind = s.note(bias=s.choice(("none", "small", "large")))
    if kind == "none":
        return None
    limit = 1000 if kind == "small" else (1 << 15) * (depth + 1)
    return b.constant(s.array((channels,), np.int32, -limit, limit), scale=scales)


def _window(s: Source, size: int, kernel_max: int, dilations: bool, padding: str) -> tuple[int, int, int]:
    """(kernel, stride, dilation) of one axis with at least one output."""
    kernel = s.integer(1, kernel_max)
    dilation = s.choice((1, 1, 2, 3)) if dilations else 1
    if padding == "VALID":
        kernel = min(kernel, size)
        if (kernel - 1) * dilation + 1 > size:
            dilation = 1
    return kernel, s.integer(1, 4), dilation


# ------------------------------------------------------------------------------------------------------------ ops


def _conv_2d(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    padding = s.choice(("SAME", "VALID"))
    if source is None:
        source = _input(s, b, (s.choice((1, 1, 2)), s.integer(1, 9), s.integer(1, 9), s.integer(1, 9)), x)
    _, h, w, c = b.tensors[source].shape
    (kh, sh, dh), (kw, sw, dw) = (_window(s, d, 5, True, padding) for d in (h, w))
    out_c = s.integer(1, 9)
    per_channel = s.note(per_channel=s.boolean())
    data, scales = _weights(s, (out_c, kh, kw, c), out_c, 0, per_channel)
    x_scale = np.float32(b.tensors[source].scales[0])
    bias = _bias(s, b, out_c, kh * kw * c, np.resize(x_scale * scales, out_c if per_channel else 1))
    out = _output_quant(s, float(x_scale * scales.max()), kh * kw * c)
    activation = _activation(s, out["scale"])
    s.note(kernel=(kh, kw), stride=(sh, sw), dilation=(dh, dw), padding=padding, out_c=out_c,
           y=(out["scale"], out["zero_point"]))  # fmt: skip
    return b.conv_2d(source, b.constant(data, scales), bias, **out, stride=(sh, sw), dilation=(dh, dw),
                     padding=padding, activation=activation)  # fmt: skip


def _depthwise_conv_2d(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    padding = s.choice(("SAME", "VALID"))
    if source is None:
        source = _input(s, b, (s.choice((1, 1, 2)), s.integer(1, 9), s.integer(1, 9), s.integer(1, 11)), x)
    _, h, w, c = b.tensors[source].shape
    (kh, sh, dh), (kw, sw, dw) = (_window(s, d, 5, True, padding) for d in (h, w))
    multiplier = s.choice((1, 1, 2, 3, 4))
    per_channel = s.note(per_channel=s.boolean())
    data, scales = _weights(s, (1, kh, kw, c * multiplier), c * multiplier, 3, per_channel)
    x_scale = np.float32(b.tensors[source].scales[0])
    bias = _bias(s, b, c * multiplier, kh * kw, np.resize(x_scale * scales, c * multiplier if per_channel else 1))
    out = _output_quant(s, float(x_scale * scales.max()), kh * kw)
    activation = _activation(s, out["scale"])
    s.note(kernel=(kh, kw), stride=(sh, sw), dilation=(dh, dw), padding=padding, depth_multiplier=multiplier,
           y=(out["scale"], out["zero_point"]))  # fmt: skip
    return b.depthwise_conv_2d(source, b.constant(data, scales, axis=3), bias, **out, stride=(sh, sw),
                               dilation=(dh, dw), padding=padding, activation=activation)  # fmt: skip


def _fully_connected(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        depth = s.choice((s.integer(1, 9), s.integer(1, 70), 300))
        shape = s.choice(((1, depth), (s.integer(1, 3), depth), (1, 1, 2, depth), (2, 3, depth)))
        source = _input(s, b, shape, x)
    depth = b.tensors[source].shape[-1]
    units = s.integer(1, 20)
    per_channel = s.note(per_channel=s.boolean())
    data, scales = _weights(s, (units, depth), units, 0, per_channel)
    x_scale = np.float32(b.tensors[source].scales[0])
    bias = _bias(s, b, units, depth, np.resize(x_scale * scales, units if per_channel else 1))
    # TFLM refuses a bias where 2**-24, float32's error of the product of scales, times the rescaling passes 0.02.
    out = _output_quant(s, float(x_scale * scales.max()), depth, 17)
    activation, keep = _activation(s, out["scale"]), s.boolean()
    s.note(units=units, keep_num_dims=keep, y=(out["scale"], out["zero_point"]))
    return b.fully_connected(source, b.constant(data, scales), bias, **out, activation=activation, keep_num_dims=keep,
                             bias_slot=s.boolean())  # fmt: skip


def _pool(kind: str) -> Callable:
    def pool(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        padding = s.choice(("SAME", "VALID"))
        if source is None:
            source = _input(s, b, (s.choice((1, 1, 2)), s.integer(1, 11), s.integer(1, 11), s.integer(1, 9)), x)
        _, h, w, _ = b.tensors[source].shape
        (kh, sh, _), (kw, sw, _) = (_window(s, d, 6, False, padding) for d in (h, w))
        activation = _activation(s, b.tensors[source].scales[0])
        s.note(kernel=(kh, kw), stride=(sh, sw), padding=padding)
        return getattr(b, kind)(source, kernel=(kh, kw), stride=(sh, sw), padding=padding, activation=activation)

    return pool


def _mean(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        source = _input(s, b, [s.integer(1, 7) for _ in range(s.integer(2, 4))], x)
    rank = len(b.tensors[source].shape)
    axes = [i for i in range(rank) if s.boolean()] or [s.integer(0, rank - 1)]
    if s.boolean() and rank == 4:
        axes = [1, 2]
    axes = [a - rank if s.integer(0, 3) == 0 else a for a in axes]
    count = math.prod(b.tensors[source].shape[a] for a in set(axes))
    # the sum is below 2**8 * count, and the shift is taken by the mean's 1 / count
    ratio = _rescaling(s, (-2, 2), 8 + 1 + count.bit_length(), least=-30)
    scale = float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio))
    out = {"scale": scale, "zero_point": s.zero_point()}
    keep = s.boolean()
    if not keep and len({a % rank for a in axes}) == rank:
        keep = True  # a result without dimensions: the converter may refuse it
    s.note(axes=axes, keep_dims=keep, y=(out["scale"], out["zero_point"]))
    return b.mean(source, axes, **out, keep_dims=keep)


def _pair(s: Source, b: Builder, x: list, source: int | None) -> tuple[int, int]:
    """Two operands that broadcast: the second may be a constant, or the first itself."""
    if source is None:
        shape = [s.integer(1, 6) for _ in range(s.integer(1, 4))]
        kind = s.note(operands=s.choice(("same shape", "broadcast", "both broadcast", "one value", "twice x0")))
    else:
        shape, kind = list(b.tensors[source].shape), "same shape"
    first, second = list(shape), list(shape)
    if kind == "one value":
        second = s.choice(([1] * len(shape), [1]))
    elif kind == "broadcast":
        second = [d if s.boolean() else 1 for d in shape][s.integer(0, len(shape) - 1) :]
    elif kind == "both broadcast":
        ones = [s.integer(0, 2) for _ in shape]
        first = [1 if k == 0 else d for d, k in zip(shape, ones)]
        second = [1 if k == 1 else d for d, k in zip(shape, ones)]
    quant = _quant(s, -8, 2)
    a = source if source is not None else _input(s, b, first, x, quant)
    if kind == "twice x0":
        return a, a
    near = b.tensors[a].scales[0]
    quant = {"scale": float(np.float32(near * s.scale(-8, 8))), "zero_point": s.zero_point()}
    if s.note(constant=s.integer(0, 3) == 0):
        data = s.array(second, near=quant["zero_point"])
        s.note(x1=(tuple(second), quant["scale"], quant["zero_point"]))
        c = b.constant(data, **quant)
    else:
        c = _input(s, b, second, x, quant)
    return (a, c) if source is not None or s.boolean() else (c, a)


def _add(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    p, q = _pair(s, b, x, source)
    # TFLM aborts the process where the larger input's scale is 2**19 times the output's or more.
    larger = max(b.tensors[p].scales[0], b.tensors[q].scales[0])
    out = {"scale": float(np.float32(larger * s.choice((s.scale(-2, 2), s.scale(-18, 12)))))}
    out["zero_point"] = s.zero_point()
    activation = _activation(s, out["scale"])
    s.note(y=(out["scale"], out["zero_point"]))
    return b.add(p, q, **out, activation=activation)


def _mul(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    p, q = _pair(s, b, x, source)
    unit = b.tensors[p].scales[0] * b.tensors[q].scales[0]
    # |acc| <= 255 * 255 < 2**16
    out = {"scale": float(np.float32(unit * 2.0 ** -_rescaling(s, (-10, 0), 16, least=-34)))}
    out["zero_point"] = s.zero_point()
    activation = _activation(s, out["scale"])
    s.note(y=(out["scale"], out["zero_point"]))
    return b.mul(p, q, **out, activation=activation)


def _concatenation(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Up to 10 inputs, all of one quantization: TFLM refuses more, and others."""
    if source is None:
        shape, quant = [s.integer(1, 6) for _ in range(s.integer(1, 4))], _quant(s)
        parts = []
    else:
        t = b.tensors[source]
        shape, quant, parts = list(t.shape), {"scale": t.scales[0], "zero_point": t.zero_points[0]}, [source]
    axis = s.integer(-len(shape), len(shape) - 1)
    for _ in range(s.choice((1, 2, 2, 3, 9)) - len(parts) + 1):
        part = list(shape)
        part[axis] = s.integer(1, 6)
        kind = s.choice(("input", "input", "constant", "again"))
        if kind == "again" and parts:
            parts.append(s.choice(parts))
        elif kind == "constant" and parts:
            parts.append(b.constant(s.array(part), **quant))
        else:
            parts.append(_input(s, b, part, x, quant))
    s.note(axis=axis, parts=[b.tensors[i].shape for i in parts])
    return b.concatenation(parts, axis, **quant)


def _pad(kind: str) -> Callable:
    def pad(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        if source is None:
            source = _input(s, b, [s.integer(1, 6) for _ in range(s.integer(1, 4))], x)
        paddings = [(s.integer(0, 3), s.integer(0, 3)) for _ in b.tensors[source].shape]
        if len(paddings) == 4 and s.boolean():
            paddings[0] = paddings[3] = (0, 0)
        s.note(paddings=paddings)
        if kind == "pad":
            return b.pad(source, paddings)
        return b.pad_v2(source, paddings, s.note(value=s.integer(-128, 127)))

    return pad


def _reshape(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        source = _input(s, b, [s.integer(1, 6) for _ in range(s.integer(1, 4))], x)
    size = int(np.prod(b.tensors[source].shape))
    d = s.choice([d for d in range(1, size + 1) if size % d == 0])
    shape = s.note(shape=s.choice(((d, size // d), (1, -1), (-1, d), (size,), (1, d, -1, 1))))
    return b.reshape(source, shape, as_input=s.boolean())


def _squeeze(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        source = _input(s, b, [s.choice((1, 1, s.integer(2, 6))) for _ in range(3)] + [s.integer(2, 6)], x)
    ones = [i for i, d in enumerate(b.tensors[source].shape) if d == 1]
    axes = s.note(axes=[i - s.choice((0, 4)) for i in ones if s.boolean()])
    return b.squeeze(source, axes)


def _expand_dims(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    if source is None:
        source = _input(s, b, [s.integer(1, 6) for _ in range(s.integer(1, 4))], x)
    rank = len(b.tensors[source].shape)
    return b.expand_dims(source, s.note(axis=s.integer(-rank - 1, rank)))


def _softmax(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """TFLM aborts where beta * scale <= 2**-26, and where a row's exponentials sum up to 512: at most 511 classes."""
    if source is None:
        shape = [s.integer(1, 4) for _ in range(s.integer(0, 3))] + [s.choice((s.integer(1, 12), s.integer(1, 511)))]
        source = _input(s, b, shape, x, _quant(s, -14, 4))
    beta = s.note(beta=s.choice((1.0, 1.0, 0.5, 2.0, 0.1, 10.0)))
    return b.softmax(source, beta=beta)


def _elementwise_input(s: Source, b: Builder, x: list, source, low: float, high: float) -> int:
    """All 256 values, in a shape of its own."""
    if source is not None:
        return source
    quant = _quant(s, low, high)
    shape = s.choice(((256,), (1, 256), (2, 8, 16), (1, 4, 4, 16)))
    x.append(np.arange(256, dtype=np.uint8).view(np.int8).reshape(shape))
    s.note(x0=(shape, quant["scale"], quant["zero_point"]))
    return b.input(shape, **quant)


def _relu(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _elementwise_input(s, b, x, source, -10, 1)
    if s.note(same_quantization=s.boolean()):
        return b.relu(source)
    # x_scale / y_scale up to 2**20: |x - z| <= 255 keeps int32 after the shift to the left.
    ratio = s.choice((s.integer(-3, 3), s.integer(-32, 20)))
    scale = float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio * (1 + s.integer(0, 1000) / 1024)))
    return b.relu(source, scale=scale, zero_point=s.note(y_scale=scale, y_zero_point=s.zero_point()))


def _relu6(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _elementwise_input(s, b, x, source, -10, 3)
    return b.relu6(source)


def _logistic(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Input scales from 2**-27: below, TFLM shifts by a negative number."""
    return b.logistic(_elementwise_input(s, b, x, source, -26, 6))


def _tanh(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    return b.tanh(_elementwise_input(s, b, x, source, -26, 6))


def _quantize(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """int8 to int8 or uint8, uint8 to int8; TFLM has no uint8 to uint8."""
    x_dtype, y_dtype = s.note(dtypes=s.choice((("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"))))
    if source is None:
        quant = _quant(s)
        if x_dtype == "uint8":
            quant["zero_point"] += 128
        x.append(np.arange(256, dtype=np.uint8).view(x_dtype).reshape(1, 256))
        s.note(x0=((1, 256), quant["scale"], quant["zero_point"]))
        source = b.input((1, 256), x_dtype, **quant)
    else:
        y_dtype = "int8"
    ratio = s.choice((0, s.integer(-3, 3), s.integer(-32, 20)))
    fraction = 1 + s.choice((0, s.integer(0, 1000) / 1024))
    scale = float(np.float32(b.tensors[source].scales[0] * 2.0**-ratio * fraction))
    zero_point = s.zero_point() + (128 if y_dtype == "uint8" else 0)
    return b.quantize(source, scale=scale, zero_point=s.note(y_scale=scale, y_zero_point=zero_point), dtype=y_dtype)


def _pairs(s: Source, b: Builder, x: list) -> int | list[int]:
    """Two or three ops: what the converter fuses or places in memory, and must not get wrong."""
    kind = s.note(pair=s.choice(("window then table", "pad then window", "residual", "two outputs", "any two")))
    s.moderate = True
    window = s.choice((_conv_2d, _depthwise_conv_2d))
    if kind == "window then table":
        return s.choice((_relu, _relu6, _logistic, _tanh))(s, b, x, window(s, b, x))
    if kind == "pad then window":
        source = _input(s, b, (1, s.integer(1, 7), s.integer(1, 7), s.integer(1, 5)), x)
        pads = s.note(paddings=[(0, 0), *((s.integer(0, 3), s.integer(0, 3)) for _ in range(2)), (0, 0)])
        if s.boolean():
            padded = b.pad(source, pads)
        else:
            zero_point = b.tensors[source].zero_points[0]
            padded = b.pad_v2(source, pads, s.note(value=s.choice((zero_point, s.integer(-128, 127)))))
        return window(s, b, x, padded)
    if kind == "residual":
        source = _input(s, b, (1, s.integer(1, 6), s.integer(1, 6), s.integer(1, 5)), x)
        c = b.tensors[source].shape[3]
        scale = s.scale(-6, -1)
        weights = b.constant(s.array((c, 3, 3, c)), 0.01)
        y = b.conv_2d(source, weights, scale=scale, zero_point=s.zero_point(), activation=s.choice(ACTIVATIONS))
        quant = {"scale": float(np.float32(scale * s.scale(-1, 2))), "zero_point": s.zero_point()}
        total = b.add(source, y, **quant) if s.boolean() else b.add(y, source, **quant)
        return s.choice(([total], [total, y]))
    if kind == "two outputs":
        first = s.choice((_conv_2d, _depthwise_conv_2d, _pool("max_pool_2d")))(s, b, x)
        one, other = s.choice((_relu, _pad("pad"), _mean)), s.choice((_tanh, _concatenation))
        return [one(s, b, x, first), other(s, b, x, first)]
    first = s.choice((_conv_2d, _depthwise_conv_2d, _pool("average_pool_2d")))(s, b, x)
    return s.choice((_conv_2d, _depthwise_conv_2d, _pool("max_pool_2d"), _mean, _fully_connected, _reshape, _softmax,
                     _concatenation, _add, _mul, _quantize))(s, b, x, first)  # fmt: skip


OPS: dict[str, Callable] = {
    "conv_2d": _conv_2d,
    "depthwise_conv_2d": _depthwise_conv_2d,
    "fully_connected": _fully_connected,
    "max_pool_2d": _pool("max_pool_2d"),
    "average_pool_2d": _pool("average_pool_2d"),
    "mean": _mean,
    "add": _add,
    "mul": _mul,
    "concatenation": _concatenation,
    "pad": _pad("pad"),
    "pad_v2": _pad("pad_v2"),
    "reshape": _reshape,
    "squeeze": _squeeze,
    "expand_dims": _expand_dims,
    "softmax": _softmax,
    "relu": _relu,
    "relu6": _relu6,
    "logistic": _logistic,
    "tanh": _tanh,
    "quantize": _quantize,
    "pairs": _pairs,
}


from tests import op_strategies, strategies_numbers, strategies_state, strategies_wide  # noqa: E402  (they draw with the functions above)

OPS |= op_strategies.OPS | strategies_state.OPS | strategies_wide.OPS | strategies_numbers.OPS
STATEFUL = strategies_state.STATEFUL | strategies_wide.STATEFUL

# ---------------------------------------------------------------------------------------------------------- cases


def build(op: str, source: Source, name: str) -> Case:
    """The model that `source` draws for `op`, one of OPS."""
    b, inputs = Builder(), []
    outputs = (OPS | STATEFUL)[op](source, b, inputs)
    tflite = b.finish(outputs if isinstance(outputs, list) else [outputs])
    calls = len(inputs) // len(b.inputs) if op in STATEFUL else 1
    return Case(name, op, tflite, tuple(inputs), dict(source.params), calls=calls)


@st.composite
def models(draw, op: str) -> Case:
    """hypothesis: a Case for `op` without outputs."""
    return build(op, HypothesisSource(draw), op)


def expected(case: Case) -> Case:
    """`case` with the outputs of TFLM, or of LiteRT's reference kernels where TFLM has no such op."""
    from host_tools.measure.oracle import Oracle

    oracle = Oracle(case.tflite, prefer="litert" if case.op in op_strategies.LITERT else "tflm")
    return replace(case, outputs=tuple(y for frame in case.frames for y in oracle.run(frame)))


def four_bits(case: Case) -> bytes | None:
    """The case's model, packed, with the upper four bits of its weights as int4; None where that cannot be converted."""
    from host_tools.compiler import convert
    from host_tools.errors import ToolError
    from host_tools.readers import tflite

    try:
        graph = tflite.read(case.tflite, case.name)
        w = graph.tensors[graph.ops[0].inputs[1]]
        if not w.constant:
            return None
        graph = graph.with_tensor(replace(w, dtype="int4", data=w.data.astype(np.int8) >> 4))
        return convert.convert_graph(graph, case.name, selftest=0).data
    except ToolError:
        return None


def generate(op: str, n: int, seed: int) -> list[Case]:
    """n cases for `op` with the outputs of TFLM; the same ones for the same arguments, always."""
    return [expected(build(op, RandomSource(f"{op}/{seed}/{i}"), f"{op}/{seed}/{i}")) for i in range(n)]


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
