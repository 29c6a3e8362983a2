"""The models of strategies.py for the ops beyond its core: one function an op, drawing through a Source.

What TFLM refuses, aborts on or leaves undefined is outside of what is drawn, and named where it is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.strategies import Source, _activation, _elementwise_input, _input, _quant, _window
from tests.tflite_builder import Builder, window_output


def _shape(s: Source, low: int = 1, high: int = 4, most: int = 5) -> list[int]:
    return [s.integer(1, most) for _ in range(s.integer(low, high))]


def _source(s: Source, b: Builder, x: list, source, low: int = 1, high: int = 4, most: int = 5) -> int:
    return _input(s, b, _shape(s, low, high, most), x) if source is None else source


def _like(b: Builder, x: int, shape) -> int:
    """An output of x's dtype and quantization."""
    t = b.tensors[x]
    return b.tensor(shape, t.dtype, t.scales or None, t.zero_points or 0)


def _indices(b: Builder, values, dtype=np.int32) -> int:
    return b.constant(np.array(values, dtype))


# ------------------------------------------------------------------------------------------ functions of one tensor


def _ratio_output(s: Source, b: Builder, x: int, low: int, high: int) -> dict:
    """An output whose scale is 2**low to 2**high times x's; a third have x's own quantization."""
    t = b.tensors[x]
    if s.integer(0, 2) == 0:
        return {"scale": t.scales[0], "zero_point": t.zero_points[0]}
    return {"scale": float(np.float32(t.scales[0] * s.scale(low, high))), "zero_point": s.zero_point()}


def _unary(kind: str, low: int, high: int, ratio: tuple[int, int] | None, y_scale: tuple[int, int] | None = None,
           options: str | None = None, drawn: Callable | None = None) -> Callable:  # fmt: skip
    """Input scales 2**low to 2**high; the output's relative to it (ratio), or by itself (y_scale)."""

    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        source = _elementwise_input(s, b, x, source, low, high)
        quant = (
            _ratio_output(s, b, source, *ratio) if ratio else {"scale": s.scale(*y_scale), "zero_point": s.zero_point()}
        )
        y = b._out(source, b.tensors[source].shape, **quant)
        extra = drawn(s) if drawn else {}
        s.note(y=(quant["scale"], quant["zero_point"]), **extra)
        b.op(kind, [source], [y], options, **extra)
        return y

    return op


def _leaky_alpha(s: Source) -> dict:
    return {"Alpha": s.choice((0.0, 0.1, 0.2, 0.01, 1.0, 1.7, -0.3, s.integer(1, 1000) / 1024))}


def _rsqrt(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Inputs at or above the zero point: TFLM stops elsewhere."""
    quant = {"scale": s.scale(-10, 4), "zero_point": s.integer(-128, 100)}
    values = np.arange(quant["zero_point"], 128, dtype=np.int64).astype(np.int8).reshape(1, -1)
    x.append(values)
    source = b.input(values.shape, **quant)
    y = b._out(source, values.shape, s.scale(-8, 4), s.note(x0=quant, zero_point=s.zero_point()))
    b.op("RSQRT", [source], [y])
    return y


def _positive_log(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """LOG in LiteRT; of 0 and below its table holds the cast of an infinity or of what is no number: left out."""
    quant = {"scale": s.scale(-8, 2), "zero_point": s.integer(-128, 100)}
    values = np.arange(quant["zero_point"] + 1, 128, dtype=np.int64).astype(np.int8).reshape(1, -1)
    x.append(values)
    source = b.input(values.shape, **quant)
    y = b._out(source, values.shape, s.scale(-8, 0), s.note(x0=quant, zero_point=s.zero_point()))
    b.op("LOG", [source], [y])
    return y


def _neg(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Equal scales, zero points of 0: elsewhere LiteRT's is no negative, and refused."""
    values = np.arange(-128, 128).astype(np.int8).reshape(1, -1)
    x.append(values)
    source = b.input(values.shape, scale=s.note(scale=s.scale(-8, 2)))
    y = b._out(source, values.shape)
    b.op("NEG", [source], [y], "NegOptions")
    return y


def _sqrt(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Inputs at or above the zero point: LiteRT stops elsewhere. Half of the scales are squares: whole quotients."""
    zero = s.integer(-128, 100)
    values = np.arange(zero, 128, dtype=np.int64).astype(np.int8).reshape(1, -1)
    x.append(values)
    if s.boolean():
        root = s.integer(1, 60) * 10.0 ** -s.integer(1, 3)
        x_scale, y_scale = float(np.float32(root * root)), float(np.float32(root / s.integer(1, 12)))
    else:
        x_scale = s.scale(-10, 2)
        y_scale = float(np.float32(math.sqrt(128 * x_scale) * s.scale(-9, -5)))
    source = b.input(values.shape, scale=x_scale, zero_point=zero)
    y = b._out(source, values.shape, y_scale, s.note(x0=(x_scale, zero), y=y_scale, zero_point=s.zero_point()))
    b.op("SQRT", [source], [y])
    return y


def _prelu(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source)
    shape = b.tensors[source].shape
    near = b.tensors[source].scales[0]
    alpha_shape = s.note(alpha=s.choice((shape[-1:], (1,), shape, tuple(d if s.boolean() else 1 for d in shape))))
    quant = {"scale": s.scale(-10, -1), "zero_point": s.zero_point()}
    if s.integer(0, 4):
        alpha = b.constant(s.array(alpha_shape), **quant)
    else:
        alpha = _input(s, b, alpha_shape, x, quant)
    y = b._out(source, shape, float(np.float32(near * s.scale(-6, 4))), s.zero_point())
    s.note(y=(b.tensors[y].scales[0], b.tensors[y].zero_points[0]))
    b.op("PRELU", [source, alpha], [y])
    return y


def _logical_not(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _bool(s, b, x, _shape(s))
    y = b.tensor(b.tensors[source].shape, "bool")
    b.op("LOGICAL_NOT", [source], [y], "LogicalNotOptions")
    return y


def _bool(s: Source, b: Builder, x: list, shape) -> int:
    x.append(s.array(shape, np.int8, 0, 1).astype(bool))
    s.note(**{f"x{len(x) - 1}": (tuple(shape), "bool")})
    return b.input(shape, "bool")


def _float(kind: str) -> Callable:
    return lambda s, b, x, source=None: _island(s, b, x, source, kind)


def _island(s: Source, b: Builder, x: list, source: int | None = None, first: str | None = None) -> int:
    """DEQUANTIZE, one to three float ops, QUANTIZE: what a converter leaves of SQRT, SIN and the like."""
    source = _elementwise_input(s, b, x, source, -8, 2)
    shape = b.tensors[source].shape
    real = b.dequantize(source)
    kinds = []
    # What the real numbers cannot exceed: beyond int32, what QUANTIZE gives is up to the processor (a cast in C).
    bound = 256 * b.tensors[source].scales[0]  # a zero point at either end
    for _ in range(s.integer(1, 3)):
        kind = s.choice(("SQUARE", "NEG", "ABS", "FLOOR", "CEIL", "ROUND", "EXP", "SIN", "COS", "ADD", "MUL", "RELU", "SQRT",
                         "LOG", "RSQRT"))  # fmt: skip
        kind, first = first or kind, None
        kinds.append(kind)
        out = b.tensor(shape, "float32")
        inputs, options = [real], {}
        if kind in ("ADD", "MUL"):
            inputs.append(b.constant(np.float32(s.integer(-64, 64) / 16).reshape(())))
            options = {"options_type": f"{kind.title()}Options", "FusedActivationFunction": s.choice((0, 1))}
        if kind == "EXP":  # bounded, so that what follows stays a number
            low = b.tensor(shape, "float32")
            b.op("COS", [real], [low])
            inputs = [low]
        if kind in ("SQRT", "LOG", "RSQRT"):  # of what is positive
            low, high = b.tensor(shape, "float32"), b.tensor(shape, "float32")
            b.op("ABS", [real], [low])
            b.op("ADD", [low, b.constant(np.float32(0.25).reshape(()))], [high], "AddOptions")
            inputs = [high]
        b.op(kind, inputs, [out], **options)
        real = out
        bound = {"SQUARE": bound * bound, "ADD": bound + 4, "MUL": bound * 4}.get(kind, max(bound + 1, 3))
    smallest = max(-8, math.ceil(math.log2(bound)) - 29)
    y = b.tensor(shape, "int8", s.scale(smallest, max(smallest, 2)), s.zero_point())
    b.op("QUANTIZE", [real], [y], "QuantizeOptions")
    s.note(kinds=kinds)
    return y


# ------------------------------------------------------------------------------------------ functions of two tensors


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
    a = source if source is not None else _input(s, b, first, x, quant or _quant(s, *scale))
    if kind == "twice x0":
        return a, a
    t = b.tensors[a]
    own = quant or {"scale": float(np.float32(t.scales[0] * s.scale(-spread, spread))), "zero_point": s.zero_point()}
    if s.note(constant=s.integer(0, 2) == 0):
        other = b.constant(s.array(second, near=own["zero_point"]), **own)
        s.note(x1=(tuple(second), own["scale"], own["zero_point"]))
    else:
        other = _input(s, b, second, x, own)
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
    activation = _activation(s, out["scale"])
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
    shape = _shape(s)
    a = source if source is not None else _input(s, b, shape, x)
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
    activation = _activation(s, b.tensors[y].scales[0])
    b.op(
        "DIV",
        [a, q],
        [y],
        "DivOptions",
        FusedActivationFunction={"NONE": 0, "RELU": 1, "RELU6": 3, "RELU_N1_TO_1": 2}[activation],
    )
    return y


def _extreme(kind: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        if source is None:
            quant = _quant(s, -8, 2)
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
        shape = _shape(s)
        p, q = _bool(s, b, x, shape), _bool(s, b, x, s.choice((shape, [1] * len(shape), [1, *shape[1:]])))
        y = b.tensor(shape, "bool")
        b.op(kind, [p, q], [y], "".join(w.title() for w in kind.split("_")) + "Options")
        return y

    return op


def _select_v2(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source)
    shape = list(b.tensors[source].shape)
    t = b.tensors[source]
    quant = {"scale": t.scales[0], "zero_point": t.zero_points[0]}

    def part():
        return s.choice((shape, [1] * len(shape), [d if s.boolean() else 1 for d in shape]))

    if s.boolean():
        other = b.constant(s.array(part()), **quant)
    else:
        other = _input(s, b, part(), x, quant)
    condition = _bool(s, b, x, part())
    y = _like(b, source, shape)
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
        y = _like(b, p, b.tensors[flags].shape)
        if b.tensors[p].shape == b.tensors[flags].shape:
            b.op("SELECT_V2", [flags, p, other], [y], "SelectV2Options")
            return y
    y = b.tensor(b.tensors[flags].shape, "int8", 1.0, 0)
    b.op("CAST", [flags], [y], "CastOptions")
    return y


# ------------------------------------------------------------------------------------------ movement


def _transpose(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source, 1, 5, 4)
    shape = b.tensors[source].shape
    rest, order = list(range(len(shape))), []
    while rest:
        order.append(rest.pop(s.integer(0, len(rest) - 1)))
    y = _like(b, source, [shape[a] for a in s.note(order=order)])
    b.op("TRANSPOSE", [source, _indices(b, order)], [y], "TransposeOptions")
    if s.integer(0, 3) == 0:
        back = [order.index(i) for i in range(len(order))]
        z = _like(b, source, shape)
        b.op("TRANSPOSE", [y, _indices(b, back)], [z], "TransposeOptions")
        return z
    return y


def _slice(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source, 1, 5)
    shape = b.tensors[source].shape
    begin = [s.integer(0, d - 1) for d in shape]
    size = [s.integer(1, d - at) for d, at in zip(shape, begin)]
    y = _like(b, source, size)
    given = [-1 if n == d - at and s.boolean() else n for n, d, at in zip(size, shape, begin)]
    b.op("SLICE", [source, _indices(b, s.note(begin=begin)), _indices(b, s.note(size=given))], [y], "SliceOptions")
    return y


def _strided_slice(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Not empty; a mask only where TFLM has it (begin, end, shrink)."""
    source = _source(s, b, x, source, 1, 4, 7)
    shape = b.tensors[source].shape
    begin, end, step, masks, out = [], [], [], [0, 0, 0], []
    for i, d in enumerate(shape):
        stride = s.choice((1, 1, 2, 3, -1, -2))
        while True:
            a, e = s.integer(-d, d - 1), s.integer(-d - 2, d + 2)
            use = [s.integer(0, 3) == 0 for _ in range(3)]
            if use[2]:
                stride, count = 1, 1
                e = a + 1
                use[:2] = [False, False]
            else:
                count = len(range(*slice(None if use[0] else a, None if use[1] else e, stride).indices(d)))
            if count:
                break
            stride = 1 if s.boolean() else -1
        begin.append(a), end.append(e), step.append(stride)
        for k in range(3):
            masks[k] |= use[k] << i
        if not use[2]:
            out.append(count)
    s.note(begin=begin, end=end, strides=step, masks=masks)
    y = _like(b, source, out)
    b.op("STRIDED_SLICE", [source, _indices(b, begin), _indices(b, end), _indices(b, step)], [y], "StridedSliceOptions",
         BeginMask=masks[0], EndMask=masks[1], ShrinkAxisMask=masks[2])  # fmt: skip
    return y


def _split(s: Source, b: Builder, x: list, source: int | None = None) -> list[int]:
    if source is None:
        shape = _shape(s)
        axis = s.integer(0, len(shape) - 1)
        n = s.integer(1, 4)
        shape[axis] *= n
        source = _input(s, b, shape, x)
    else:
        shape = list(b.tensors[source].shape)
        axis = s.integer(0, len(shape) - 1)
        n = s.choice([k for k in range(1, shape[axis] + 1) if shape[axis] % k == 0])
    s.note(axis=axis, parts=n)
    part = [d // n if i == axis else d for i, d in enumerate(shape)]
    outs = [_like(b, source, part) for _ in range(n)]
    b.op("SPLIT", [_indices(b, axis - s.choice((0, len(shape)))), source], outs, "SplitOptions", NumSplits=n)
    return outs


def _split_v(s: Source, b: Builder, x: list, source: int | None = None) -> list[int]:
    source = _source(s, b, x, source)
    shape = list(b.tensors[source].shape)
    axis = s.integer(0, len(shape) - 1)
    rest, sizes = shape[axis], []
    while rest:
        sizes.append(s.integer(1, rest))
        rest -= sizes[-1]
    s.note(axis=axis, sizes=sizes)
    outs = [_like(b, source, [n if i == axis else d for i, d in enumerate(shape)]) for n in sizes]
    b.op("SPLIT_V", [source, _indices(b, sizes), _indices(b, axis)], outs, "SplitVOptions", NumSplits=len(sizes))
    return outs


def _pack(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source)
    t = b.tensors[source]
    quant = {"scale": t.scales[0], "zero_point": t.zero_points[0]}
    parts = [source]
    for _ in range(s.integer(0, 3)):
        kind = s.choice(("input", "constant", "again"))
        if kind == "again":
            parts.append(source)
        elif kind == "constant":
            parts.append(b.constant(s.array(t.shape), **quant))
        else:
            parts.append(_input(s, b, t.shape, x, quant))
    axis = s.integer(0, len(t.shape))
    y = _like(b, source, (*t.shape[:axis], len(parts), *t.shape[axis:]))
    b.op("PACK", parts, [y], "PackOptions", ValuesCount=len(parts), Axis=s.note(axis=axis))
    return y


def _unpack(s: Source, b: Builder, x: list, source: int | None = None) -> list[int]:
    source = _source(s, b, x, source, 2, 4, 4)
    shape = b.tensors[source].shape
    axis = s.integer(-len(shape), len(shape) - 1)
    rest = [d for i, d in enumerate(shape) if i != axis % len(shape)]
    outs = [_like(b, source, rest) for _ in range(shape[axis])]
    b.op("UNPACK", [source], outs, "UnpackOptions", Num=len(outs), Axis=s.note(axis=axis))
    return outs


def _tile(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source, 1, 4, 4)
    times = s.note(multiples=[s.integer(1, 3) for _ in b.tensors[source].shape])
    y = _like(b, source, [d * t for d, t in zip(b.tensors[source].shape, times)])
    b.op("TILE", [source, _indices(b, times)], [y], "TileOptions")
    return y


def _broadcast_to(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    shape = _shape(s, 1, 5, 4)
    if source is None:
        own = [d if s.boolean() else 1 for d in shape][s.integer(0, len(shape) - 1) :]
        source = _input(s, b, own, x)
    else:
        shape = [s.integer(1, 3), *b.tensors[source].shape]
    y = _like(b, source, s.note(shape=shape))
    b.op("BROADCAST_TO", [source, _indices(b, shape)], [y], "BroadcastToOptions")
    return y


def _image(s: Source, b: Builder, x: list, source, block: int = 1, deep: int = 1) -> int:
    if source is not None:
        return source
    return _input(
        s, b, (s.choice((1, 1, 2)), block * s.integer(1, 4), block * s.integer(1, 4), deep * s.integer(1, 4)), x
    )


def _space_to_depth(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    block = s.note(block=s.integer(1, 3))
    source = _image(s, b, x, None, block)
    n, h, w, c = b.tensors[source].shape
    y = _like(b, source, (n, h // block, w // block, c * block * block))
    b.op("SPACE_TO_DEPTH", [source], [y], "SpaceToDepthOptions", BlockSize=block)
    return y


def _depth_to_space(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    block = s.note(block=s.integer(1, 3))
    source = _image(s, b, x, None, 1, block * block)
    n, h, w, c = b.tensors[source].shape
    y = _like(b, source, (n, h * block, w * block, c // (block * block)))
    b.op("DEPTH_TO_SPACE", [source], [y], "DepthToSpaceOptions", BlockSize=block)
    return y


def _space_to_batch(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _image(s, b, x, source)
    n, h, w, c = b.tensors[source].shape
    block = [s.integer(1, 3), s.integer(1, 3)]
    pads = []
    for d, size in zip((h, w), block):
        before = s.integer(0, 2)
        pads.append((before, -(d + before) % size + size * s.integer(0, 1)))
    s.note(block=block, paddings=pads)
    rows = [(d + sum(p)) // size for d, p, size in zip((h, w), pads, block)]
    y = _like(b, source, (n * block[0] * block[1], *rows, c))
    b.op("SPACE_TO_BATCH_ND", [source, _indices(b, block), _indices(b, pads)], [y], "SpaceToBatchNDOptions")
    return y


def _space_to_batch_zero(s: Source, b: Builder, x: list, source: int) -> int:
    """SPACE_TO_BATCH_ND without padding, which TFLM computes as well: rows and columns that the block divides."""
    n, h, w, c = b.tensors[source].shape
    block = [s.choice([k for k in (1, 2, 3) if d % k == 0]) for d in (h, w)]
    y = _like(b, source, (n * block[0] * block[1], h // block[0], w // block[1], c))
    b.op("SPACE_TO_BATCH_ND", [source, _indices(b, block), _indices(b, [[0, 0], [0, 0]])], [y], "SpaceToBatchNDOptions")
    return y


def _batch_to_space(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    block = [s.integer(1, 3), s.integer(1, 3)]
    n, h, w, c = s.integer(1, 2), s.integer(1, 4), s.integer(1, 4), s.integer(1, 4)
    source = _input(s, b, (n * block[0] * block[1], h, w, c), x)
    crops = []
    for d, size in zip((h, w), block):
        before = s.integer(0, min(2, d * size - 1))
        crops.append((before, s.integer(0, min(2, d * size - 1 - before))))
    s.note(block=block, crops=crops)
    rows = [d * size - sum(p) for d, p, size in zip((h, w), crops, block)]
    y = _like(b, source, (n, *rows, c))
    b.op("BATCH_TO_SPACE_ND", [source, _indices(b, block), _indices(b, crops)], [y], "BatchToSpaceNDOptions")
    return y


def _gather(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Indices inside: TFLM does not look."""
    source = _source(s, b, x, source)
    shape = b.tensors[source].shape
    axis = s.integer(0, len(shape) - 1)
    batch = s.integer(0, min(1, axis)) if s.integer(0, 3) == 0 else 0
    index = [*shape[:batch], *(s.integer(1, 4) for _ in range(s.integer(1, 2)))]
    values = s.array(index, np.int32, 0, shape[axis] - 1)
    s.note(axis=axis, batch_dims=batch, indices=values.tolist())
    if s.note(constant=s.boolean()):
        indices = b.constant(values)
    else:
        x.append(values)
        indices = b.input(index, "int32")
    y = _like(b, source, (*shape[:axis], *index[batch:], *shape[axis + 1 :]))
    b.op("GATHER", [source, indices], [y], "GatherOptions", Axis=axis - s.choice((0, len(shape))), BatchDims=batch)
    return y


def _gather_nd(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source, 2, 4)
    shape = b.tensors[source].shape
    depth = s.integer(1, len(shape))
    index = _shape(s, 1, 2)
    values = np.stack([s.array(index, np.int32, 0, d - 1) for d in shape[:depth]], -1)
    s.note(indices=values.tolist())
    if depth == 1 and s.boolean():
        x.append(values)
        indices = b.input(values.shape, "int32")
    else:
        indices = b.constant(values)
    y = _like(b, source, (*index, *shape[depth:]))
    b.op("GATHER_ND", [source, indices], [y], "GatherNdOptions")
    return y


def _reverse(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source)
    rank = len(b.tensors[source].shape)
    first = s.integer(0, rank - 1)  # TFLM reverses neighbours only
    axes = s.note(axes=list(range(first, s.integer(first, rank - 1) + 1)))
    y = _like(b, source, b.tensors[source].shape)
    b.op("REVERSE_V2", [source, _indices(b, axes)], [y], "ReverseV2Options")
    return y


def _mirror_pad(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source)
    shape = b.tensors[source].shape
    mode = s.note(mode=s.integer(0, 1))  # REFLECT, SYMMETRIC
    pads = s.note(paddings=[[s.integer(0, min(3, d - 1 + mode)), s.integer(0, min(3, d - 1 + mode))] for d in shape])
    y = _like(b, source, [d + sum(p) for d, p in zip(shape, pads)])
    b.op("MIRROR_PAD", [source, _indices(b, pads)], [y], "MirrorPadOptions", Mode=mode)
    return y


def _resize(kind: str, options: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        if source is None:
            source = _input(s, b, (s.choice((1, 1, 2)), s.integer(1, 8), s.integer(1, 8), s.integer(1, 4)), x)
        n, h, w, c = b.tensors[source].shape
        size = s.note(size=s.choice(((2 * h, 2 * w), (s.integer(1, 17), s.integer(1, 17)), (3 * h, w))))
        flags = s.note(align_half=s.choice(((False, False), (True, False), (False, True))))
        y = _like(b, source, (n, *size, c))
        b.op(kind, [source, _indices(b, size)], [y], options, AlignCorners=flags[0], HalfPixelCenters=flags[1])
        return y

    return op


_CASTS = (("bool", "int8"), ("int8", "int32"), ("bool", "int32"), ("int32", "int8"))


def _cast(s: Source, b: Builder, x: list, source: int | None = None, dtypes=_CASTS) -> int:
    """int8 and bool to int8, bool and int32; or as `dtypes` says."""
    dtype, out = s.note(dtypes=s.choice(dtypes))
    shape = _shape(s)
    if dtype == "bool":
        source = _bool(s, b, x, shape)
    else:
        x.append(s.array(shape, np.int8 if dtypes is _CASTS else np.dtype(dtype)).astype(dtype))
        source = b.input(shape, dtype, *((1.0, 0) if dtype != "int32" else ()))
    y = b.tensor(shape, out, 1.0 if out in ("int8", "int16") else None)
    b.op("CAST", [source], [y], "CastOptions")
    return y


# ------------------------------------------------------------------------------------------ reductions and rows


def _reduction(kind: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        source = _source(s, b, x, source, 2, 4, 6)
        t = b.tensors[source]
        rank = len(t.shape)
        axes = [i for i in range(rank) if s.boolean()] or [s.integer(0, rank - 1)]
        keep = s.boolean() or len(axes) == rank
        shape = [1 if i in axes else d for i, d in enumerate(t.shape) if keep or i not in axes]
        if kind == "SUM":
            count = math.prod(t.shape[a] for a in axes)
            ratio = s.scale(-4, 10) * math.sqrt(count)
            y = b.tensor(shape, "int8", float(np.float32(t.scales[0] * ratio)), s.zero_point())
        else:
            y = _like(b, source, shape)
        s.note(axes=axes, keep_dims=keep)
        given = [a - rank if s.integer(0, 3) == 0 else a for a in axes]
        b.op(kind, [source, _indices(b, given)], [y], "ReducerOptions", KeepDims=keep)
        return y

    return op


def _reduce_all(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _bool(s, b, x, _shape(s, 2, 4))
    shape = b.tensors[source].shape
    axes = [i for i in range(len(shape)) if s.boolean()] or [0]
    y = b.tensor([1 if i in axes else d for i, d in enumerate(shape)], "bool")
    b.op("REDUCE_ALL", [source, _indices(b, s.note(axes=axes))], [y], "ReducerOptions", KeepDims=True)
    return y


def _arg(kind: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        source = _source(s, b, x, source, 1, 4, 6)
        shape = b.tensors[source].shape
        axis = s.integer(0, len(shape) - 1)
        y = b.tensor([d for i, d in enumerate(shape) if i != axis], "int32")
        s.note(axis=axis)
        b.op(kind, [source, _indices(b, [axis - s.choice((0, len(shape)))])], [y], "".join(
            w.title() for w in kind.split("_")) + "Options", OutputType=2)  # fmt: skip
        return y

    return op


def _rows(s: Source, b: Builder, x: list, source, low: float, high: float, most: int = 400) -> int:
    if source is not None:
        return source
    shape = [s.integer(1, 4) for _ in range(s.integer(1, 3))] + [s.choice((s.integer(1, 12), s.integer(1, most)))]
    return _input(s, b, shape, x, _quant(s, low, high))


def _rows_softmax(s: Source, b: Builder, x: list, source: int) -> int:
    """SOFTMAX inside a network, its scale back to what follows."""
    if b.tensors[source].shape[-1] > 400:
        raise ValueError
    return b.softmax(source)


def _log_softmax(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _rows(s, b, x, source, -10, 3)
    y = b.tensor(b.tensors[source].shape, "int8", 16 / 256, 127)
    b.op("LOG_SOFTMAX", [source], [y], "LogSoftmaxOptions")
    return y


def _l2_normalization(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _rows(s, b, x, source, -10, 3)
    y = b.tensor(b.tensors[source].shape, "int8", 1 / 128, 0)
    b.op("L2_NORMALIZATION", [source], [y], "L2NormOptions")
    return y


def _conv_1d(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Conv1D as Keras lowers it: EXPAND_DIMS, CONV_2D, and a RESHAPE (or SQUEEZE) back."""
    steps, c = s.integer(3, 20), s.integer(1, 6)
    source = _input(s, b, (1, steps, c), x)
    wide = b.expand_dims(source, s.choice((1, -3)))
    padding = s.choice(("SAME", "VALID"))
    kernel, stride, dilation = _window(s, steps, 5, True, padding)
    data = s.array((s.integer(1, 6), 1, kernel, c))
    t = b.tensors[source]
    scale = s.scale(-9, -4)
    y = b.conv_2d(wide, b.constant(data, scale), None, scale=float(np.float32(t.scales[0] * scale * 2.0 ** s.integer(4, 9))),
                  zero_point=s.zero_point(), stride=(1, stride), dilation=(1, dilation), padding=padding,
                  activation=s.choice(("NONE", "RELU")))  # fmt: skip
    s.note(kernel=kernel, stride=stride, dilation=dilation, padding=padding)
    out = window_output(steps, kernel, stride, dilation, padding)
    return b.squeeze(y, (1,)) if s.boolean() else b.reshape(y, (1, out, data.shape[0]))


def _batch_norm(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """MUL and ADD by constants a channel, or PRELU, in a row, now and then an activation between: BatchNormalization."""
    source = _source(s, b, x, source, 2, 4, 6)
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
            z = b._out(y, t.shape, **quant)
            options = {"div": "DivOptions", "maximum": "MaximumMinimumOptions"}.get(kind)
            b.op(kind.upper(), [y, data], [z], options)
            y = z
    s.note(kinds=kinds)
    return y


# ops whose oracle is LiteRT's reference kernels: TFLM has none; its SPACE_TO_BATCH_ND pads with a number that it never sets
LITERT = ("relu_n1_to_1", "relu_0_to_1", "gelu", "exp", "log", "tile", "space_to_batch_nd", "neg", "sqrt")

TABLES: dict[str, Callable] = {
    "relu_n1_to_1": _unary("RELU_N1_TO_1", -10, 1, (-2, 2)),
    "relu_0_to_1": _unary("RELU_0_TO_1", -10, 1, (-2, 2)),
    "leaky_relu": _unary("LEAKY_RELU", -10, 2, (-6, 6), None, "LeakyReluOptions", _leaky_alpha),
    "elu": _unary("ELU", -10, 2, (-4, 4)),
    "gelu": _unary("GELU", -8, 0, (-3, 3), None, "GeluOptions", lambda s: {"Approximate": s.boolean()}),
    "hard_swish": _unary("HARD_SWISH", -10, 2, (-6, 6), None, "HardSwishOptions"),
    "exp": _unary("EXP", -10, -5, None, (-6, 2), "ExpOptions"),
    "log": _positive_log,
    "neg": _neg,
    "sqrt": _sqrt,
    "abs": _unary("ABS", -10, 2, (-6, 6), None, "AbsOptions"),
    "rsqrt": _rsqrt,
    "float_island": _island,
    **{f"float_{k.lower()}": _float(k) for k in ("SQRT", "SQUARE", "NEG", "FLOOR", "CEIL", "ROUND", "SIN", "COS")},
    "logical_not": _logical_not,
}
PAIRS: dict[str, Callable] = {
    "sub": _sub,
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
    "cast": _cast,
}
MOVES: dict[str, Callable] = {
    "transpose": _transpose,
    "slice": _slice,
    "split": _split,
    "split_v": _split_v,
    "pack": _pack,
    "unpack": _unpack,
    "tile": _tile,
    "broadcast_to": _broadcast_to,
    "space_to_depth": _space_to_depth,
    "depth_to_space": _depth_to_space,
    "space_to_batch_nd": _space_to_batch,
    "batch_to_space_nd": _batch_to_space,
    "conv_1d": _conv_1d,
}
GATHERS: dict[str, Callable] = {
    "strided_slice": _strided_slice,
    "gather": _gather,
    "gather_nd": _gather_nd,
    "reverse_v2": _reverse,
    "mirror_pad": _mirror_pad,
    "resize_bilinear": _resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "resize_nearest_neighbor": _resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
}
REDUCTIONS: dict[str, Callable] = {
    "sum": _reduction("SUM"),
    "reduce_max": _reduction("REDUCE_MAX"),
    "reduce_min": _reduction("REDUCE_MIN"),
    "reduce_all": _reduce_all,
    "arg_max": _arg("ARG_MAX"),
    "arg_min": _arg("ARG_MIN"),
    "log_softmax": _log_softmax,
    "l2_normalization": _l2_normalization,
}
OPS = {**TABLES, **PAIRS, **MOVES, **GATHERS, **REDUCTIONS}
