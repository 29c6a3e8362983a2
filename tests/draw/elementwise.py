"""Drawn functions of two and more tensors, element by element: arithmetic, comparisons, logic and choices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw.core import (
    Source,
    any_shape,
    bool_input,
    fused_activation,
    int8_input,
    output_like,
    quantization,
    rescaling,
    running_scale,
    source_or_input,
)
from tests.helpers.tflite_builder import Builder


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
    quant = quantization(s, -8, 2)
    a = source if source is not None else int8_input(s, b, first, x, quant)
    if kind == "twice x0":
        return a, a
    near = b.tensors[a].scales[0]
    quant = {"scale": float(np.float32(near * s.scale(-8, 8))), "zero_point": s.zero_point()}
    if s.note(constant=s.integer(0, 3) == 0):
        data = s.array(second, near=quant["zero_point"])
        s.note(x1=(tuple(second), quant["scale"], quant["zero_point"]))
        c = b.constant(data, **quant)
    else:
        c = int8_input(s, b, second, x, quant)
    return (a, c) if source is not None or s.boolean() else (c, a)


def _add(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    p, q = _pair(s, b, x, source)
    # TFLM aborts the process where the larger input's scale is 2**19 times the output's or more.
    larger = max(b.tensors[p].scales[0], b.tensors[q].scales[0])
    out = {"scale": float(np.float32(larger * s.choice((s.scale(-2, 2), s.scale(-18, 12)))))}
    out["zero_point"] = s.zero_point()
    activation = fused_activation(s, out["scale"])
    s.note(y=(out["scale"], out["zero_point"]))
    return b.add(p, q, **out, activation=activation)


def _mul(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    p, q = _pair(s, b, x, source)
    unit = b.tensors[p].scales[0] * b.tensors[q].scales[0]
    # |acc| <= 255 * 255 < 2**16
    out = {"scale": float(np.float32(unit * 2.0 ** -rescaling(s, (-10, 0), 16, least=-34)))}
    out["zero_point"] = s.zero_point()
    activation = fused_activation(s, out["scale"])
    s.note(y=(out["scale"], out["zero_point"]))
    return b.mul(p, q, **out, activation=activation)


def _operands(s: Source, b: Builder, x: list, source, rank: int = 4, quant: dict | None = None, spread: int = 8,
              scale: tuple[int, int] = (-8, 2)) -> tuple[int, int]:  # fmt: skip
    """Two operands that broadcast; the second may be a constant, one value, or the first itself."""
    if source is None:
        shape = [s.integer(1, 4 if rank > 4 else 6) for _ in range(s.integer(1, rank))]
        kind = s.note(operands=s.choice(("same shape", "broadcast", "both broadcast", "one value", "twice x0")))
    else:
        shape, kind = list(b.tensors[source].shape), s.choice(("same shape", "one value", "twice x0"))
    first, second = list(shape), list(shape)
    if kind == "one value":
        second = s.choice(([1] * len(shape), [1]))
    elif kind == "broadcast":
        second = [d if s.boolean() else 1 for d in shape][s.integer(0, len(shape) - 1) :]
    elif kind == "both broadcast":
        ones = [s.integer(0, 2) for _ in shape]
        first = [1 if k == 0 else d for d, k in zip(shape, ones)]
        second = [1 if k == 1 else d for d, k in zip(shape, ones)]
    a = source if source is not None else int8_input(s, b, first, x, quant or quantization(s, *scale))
    if kind == "twice x0":
        return a, a
    t = b.tensors[a]
    own = quant or {"scale": float(np.float32(t.scales[0] * s.scale(-spread, spread))), "zero_point": s.zero_point()}
    if s.note(constant=s.integer(0, 2) == 0):
        other = b.constant(s.array(second, near=own["zero_point"]), **own)
        s.note(x1=(tuple(second), own["scale"], own["zero_point"]))
    else:
        other = int8_input(s, b, second, x, own)
    return (a, other) if source is not None or s.boolean() else (other, a)


def _pair_out(b: Builder, p: int, q: int, dtype="int8", **quant) -> int:
    shape = np.broadcast_shapes(b.tensors[p].shape, b.tensors[q].shape)
    return b.tensor(shape, dtype, quant.get("scale"), quant.get("zero_point", 0))


def _sub(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    p, q = _operands(s, b, x, source)
    larger = max(b.tensors[p].scales[0], b.tensors[q].scales[0])
    out = {
        "scale": float(np.float32(larger * s.choice((s.scale(-2, 2), s.scale(-18, 12))))),
        "zero_point": s.zero_point(),
    }
    activation = fused_activation(s, out["scale"])
    s.note(y=(out["scale"], out["zero_point"]))
    return b.sub(p, q, **out, activation=activation)


def _squared_difference(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    p, q = _operands(s, b, x, source)
    larger = max(b.tensors[p].scales[0], b.tensors[q].scales[0])
    y = _pair_out(b, p, q, scale=float(np.float32(larger * larger * s.scale(-4, 10))), zero_point=s.zero_point())
    s.note(y=(b.tensors[y].scales[0], b.tensors[y].zero_points[0]))
    b.op("SQUARED_DIFFERENCE", [p, q], [y])
    return y


def _div(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """No divisor is 0: its zero point is outside of what it holds. The rescaling is 2**7 or more: TFLM shifts to the right
    by up to 38 less its exponent, which C leaves undefined above 31."""
    shape = any_shape(s)
    a = source if source is not None else int8_input(s, b, shape, x)
    shape = list(b.tensors[a].shape)
    second = s.choice((shape, [1], [d if s.boolean() else 1 for d in shape]))
    zero = s.choice((-128, 127, -101))
    data = s.array(second, low=-100 if zero < 0 else -128, high=126)
    scale = s.scale(-8, 2)
    if s.note(constant=s.boolean()):
        q = b.constant(data, scale, zero)
    else:
        x.append(data)
        q = b.input(second, scale=scale, zero_point=zero)
    s.note(x1=(tuple(second), scale, zero))
    unit = b.tensors[a].scales[0] / scale
    y = b.tensor(shape, "int8", float(np.float32(unit * s.scale(-18, -8))), s.zero_point())
    activation = fused_activation(s, b.tensors[y].scales[0])
    b.op(
        "DIV",
        [a, q],
        [y],
        "DivOptions",
        FusedActivationFunction={"NONE": 0, "RELU": 1, "RELU6": 3, "RELU_N1_TO_1": 2}[activation],
    )
    return y


def _prelu(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source)
    shape = b.tensors[source].shape
    near = b.tensors[source].scales[0]
    alpha_shape = s.note(alpha=s.choice((shape[-1:], (1,), shape, tuple(d if s.boolean() else 1 for d in shape))))
    quant = {"scale": s.scale(-10, -1), "zero_point": s.zero_point()}
    if s.integer(0, 4):
        alpha = b.constant(s.array(alpha_shape), **quant)
    else:
        alpha = int8_input(s, b, alpha_shape, x, quant)
    y = b.output(source, shape, float(np.float32(near * s.scale(-6, 4))), s.zero_point())
    s.note(y=(b.tensors[y].scales[0], b.tensors[y].zero_points[0]))
    b.op("PRELU", [source, alpha], [y])
    return y


def _extreme(kind: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        if source is None:
            quant = quantization(s, -8, 2)
        else:
            quant = {"scale": b.tensors[source].scales[0], "zero_point": b.tensors[source].zero_points[0]}
        p, q = _operands(s, b, x, source, 5, quant)
        y = _pair_out(b, p, q, **quant)
        b.op(kind, [p, q], [y], "MaximumMinimumOptions")
        return y

    return op


def _comparison(kind: str) -> Callable:
    """Scales below 1: TFLM aborts elsewhere."""

    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        p, q = _operands(s, b, x, source, 4, None, 1, (-9, -2))
        y = _pair_out(b, p, q, "bool")
        b.op(kind, [p, q], [y], "".join(w.title() for w in kind.split("_")) + "Options")
        return y

    return op


def _logical(kind: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        shape = any_shape(s)
        p, q = bool_input(s, b, x, shape), bool_input(s, b, x, s.choice((shape, [1] * len(shape), [1, *shape[1:]])))
        y = b.tensor(shape, "bool")
        b.op(kind, [p, q], [y], "".join(w.title() for w in kind.split("_")) + "Options")
        return y

    return op


def _select_v2(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source)
    shape = list(b.tensors[source].shape)
    t = b.tensors[source]
    quant = {"scale": t.scales[0], "zero_point": t.zero_points[0]}

    def part():
        return s.choice((shape, [1] * len(shape), [d if s.boolean() else 1 for d in shape]))

    if s.boolean():
        other = b.constant(s.array(part()), **quant)
    else:
        other = int8_input(s, b, part(), x, quant)
    condition = bool_input(s, b, x, part())
    y = output_like(b, source, shape)
    values = [source, other] if s.boolean() else [other, source]
    b.op("SELECT_V2", [condition, *values], [y], "SelectV2Options")
    return y


def _compared(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """A comparison whose bools choose between two tensors, or become numbers."""
    p, q = _operands(s, b, x, source, 4, None, 1, (-9, -2))
    flags = _pair_out(b, p, q, "bool")
    b.op(s.choice(("LESS", "GREATER_EQUAL")), [p, q], [flags])
    if s.note(then_select=s.boolean()):
        t = b.tensors[p]
        other = b.constant(s.array(b.tensors[flags].shape), t.scales[0], t.zero_points[0])
        y = output_like(b, p, b.tensors[flags].shape)
        if b.tensors[p].shape == b.tensors[flags].shape:
            b.op("SELECT_V2", [flags, p, other], [y], "SelectV2Options")
            return y
    y = b.tensor(b.tensors[flags].shape, "int8", 1.0, 0)
    b.op("CAST", [flags], [y], "CastOptions")
    return y


def _batch_norm(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """MUL and ADD by constants a channel, or PRELU, in a row, now and then an activation between: BatchNormalization."""
    source = source_or_input(s, b, x, source, 2, 4, 6)
    kinds, y = [], source
    for _ in range(s.integer(1, 3)):
        t = b.tensors[y]
        c = t.shape[-1]
        kind = s.choice(("mul", "add", "sub", "prelu", "maximum", "relu", "div", "squared_difference"))
        kinds.append(kind)
        data = b.constant(s.array((c,), low=-100), s.scale(-8, -1), -128 if kind == "div" else s.zero_point())
        scale = float(np.float32(t.scales[0] * s.scale(-1, 1)))
        quant = {"scale": scale, "zero_point": s.zero_point()}
        if kind in ("mul", "add", "sub"):
            y = getattr(b, kind)(*((y, data) if s.boolean() or kind == "mul" else (data, y)), **quant)
        elif kind == "relu":
            y = b.relu(y, **quant)
        else:
            if kind == "div":
                quant["scale"] = float(np.float32(t.scales[0] / b.tensors[data].scales[0] * s.scale(-14, -8)))
            if kind == "squared_difference":
                quant["scale"] = max(t.scales[0], b.tensors[data].scales[0]) ** 2 * 100
            z = b.output(y, t.shape, **quant)
            options = {"div": "DivOptions", "maximum": "MaximumMinimumOptions"}.get(kind)
            b.op(kind.upper(), [y, data], [z], options)
            y = z
    s.note(kinds=kinds)
    return y


def _add_n(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Up to 15 inputs: the 16th can take TFLM's sum past int32."""
    source = source_or_input(s, b, x, source)
    t = b.tensors[source]
    quant = {"scale": t.scales[0], "zero_point": t.zero_points[0]}
    parts = [source]
    for _ in range(s.choice((1, 1, 2, s.integer(3, 14)))):
        kind = s.integer(0, 3)
        parts.append(
            source
            if kind == 0
            else b.constant(s.array(t.shape), **quant)
            if kind == 1
            else int8_input(s, b, t.shape, x, quant)
        )
    y = b.tensor(t.shape, "int8", **running_scale(s, b, source))
    s.note(inputs=len(parts))
    b.op("ADD_N", parts, [y], "AddNOptions")
    return y


OPS: dict[str, Callable] = {
    "add": _add,
    "mul": _mul,
    "sub": _sub,
    "add_n": _add_n,
    "maximum": _extreme("MAXIMUM"),
    "minimum": _extreme("MINIMUM"),
    "squared_difference": _squared_difference,
    "prelu": _prelu,
    "div": _div,
    **{k.lower(): _comparison(k) for k in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")},
    "logical_and": _logical("LOGICAL_AND"),
    "logical_or": _logical("LOGICAL_OR"),
    "select_v2": _select_v2,
    "compared": _compared,
    "batch_norm": _batch_norm,
}
