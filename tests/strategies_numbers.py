"""Random models of whole numbers (int32), running sums, and moves by value: strategies.py's OPS grow by OPS here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.op_strategies import _bool, _cast, _indices, _like, _shape, _source
from tests.strategies import Source, _input
from tests.strategies_wide import _input16, _values
from tests.tflite_builder import Builder


def _any_input(s: Source, b: Builder, shape, x: list, dtype: str) -> int:
    if dtype == "int8":
        return _input(s, b, shape, x)
    if dtype == "int16":
        return _input16(s, b, shape, x)
    # small ones, whose products fit, or all of int32; not only values that never meet
    limit = s.choice((3, 40000, 2**31 - 1))
    x.append(s.array(shape, np.int32, -limit, limit))
    s.note(**{f"x{len(x) - 1}": (tuple(shape), "int32", limit)})
    return b.input(shape, "int32")


def _running_scale(s: Source, b: Builder, x: int) -> dict:
    """An output of ADD_N or CUMSUM: TFLM aborts where its scale is 2**-19 times x's or less."""
    scale = float(np.float32(b.tensors[x].scales[0] * s.choice((s.scale(-2, 4), s.scale(-18, 8)))))
    return {"scale": scale, "zero_point": s.note(y=scale, y_zero=s.zero_point())}


def _add_n(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Up to 15 inputs: the 16th can take TFLM's sum past int32."""
    source = _source(s, b, x, source)
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
            else _input(s, b, t.shape, x, quant)
        )
    y = b.tensor(t.shape, "int8", **_running_scale(s, b, source))
    s.note(inputs=len(parts))
    b.op("ADD_N", parts, [y], "AddNOptions")
    return y


def _cumsum(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _source(s, b, x, source, 1, 4, s.choice((5, 9)))
    t = b.tensors[source]
    axis = s.integer(-len(t.shape), len(t.shape) - 1)
    exclusive, reverse = s.boolean(), s.boolean()
    s.note(axis=axis, exclusive=exclusive, reverse=reverse)
    y = b.tensor(t.shape, "int8", **_running_scale(s, b, source))
    b.op("CUMSUM", [source, _indices(b, axis)], [y], "CumsumOptions", Exclusive=exclusive, Reverse=reverse)
    return y


def _zeros_like(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Raw zeros, whatever the zero point is; a sum with them, so that the input is read."""
    source = _source(s, b, x, source)
    y = _like(b, source, b.tensors[source].shape)
    b.op("ZEROS_LIKE", [source], [y], "ZerosLikeOptions")
    return b.concatenation([y, source], 0)


def _fill(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    dtype, shape = s.choice(("int8", "int32")), _shape(s)
    value = _any_input(s, b, (), x, dtype)
    y = _like(b, value, shape)
    b.op("FILL", [_indices(b, shape), value], [y], "FillOptions")
    return y


def _update(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Starts outside, too: they are moved inside."""
    if source is None:
        source = _any_input(s, b, _shape(s), x, s.note(dtype=s.choice(("int8", "int8", "int16", "int32"))))
    t = b.tensors[source]
    size = [s.integer(1, d) for d in t.shape]
    start = [s.integer(-2, d + 1) for d in t.shape]
    s.note(size=size, start=start)
    quant = {} if not t.scales else {"scale": t.scales[0], "zero_point": t.zero_points[0]}
    data = s.array(size, np.dtype(t.dtype))
    if s.note(constant=s.integer(0, 2) == 0):
        update = b.constant(data, **quant)
    else:
        x.append(data)
        update = b.input(size, t.dtype, **quant)
    y = _like(b, source, t.shape)
    b.op("DYNAMIC_UPDATE_SLICE", [source, update, _indices(b, start)], [y], "DynamicUpdateSliceOptions")
    return y


def _embedding_lookup(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """Constant rows, or rows that are computed, as int8 or as real numbers that a QUANTIZE follows; indices inside: TFLM
    stops at others."""
    rows, shape = s.integer(1, 9), [s.integer(1, 5) for _ in range(s.integer(1, 2))]
    hybrid = s.note(hybrid=s.integer(0, 2) == 0)
    quant = {"scale": s.scale(-8, 2), "zero_point": 0 if hybrid else s.zero_point()}
    if s.note(constant=s.integer(0, 2) > 0):
        table = b.constant(s.array((rows, *shape)), **quant)
    else:
        table = _input(s, b, (rows, *shape), x, quant)
    count = s.integer(1, 6)
    x.append(s.array((count,), np.int32, 0, rows - 1))
    index = b.input((count,), "int32")
    y = b.tensor((count, *shape), "float32") if hybrid else b.tensor((count, *shape), "int8", **quant)
    b.op("EMBEDDING_LOOKUP", [index, table], [y])
    return b.quantize(y, scale=s.scale(-8, 2), zero_point=s.zero_point()) if hybrid else y


def _pair(s: Source, b: Builder, x: list, dtype: str, scale: float | None = None) -> tuple[int, int, list[int]]:
    shape = _shape(s)
    other = s.choice((shape, [1], [d if s.boolean() else 1 for d in shape]))
    quant = {} if dtype == "int32" else {"scale": scale}
    operands = []
    for k, dims in enumerate((shape, other)):
        if k and s.note(constant=s.integer(0, 2) == 0):
            limit = s.choice((3, 30000))
            operands.append(b.constant(s.array(dims, np.dtype(dtype), -limit, limit), **quant))
        else:
            operands.append(_any_input(s, b, dims, x, dtype) if dtype == "int32" else _input16(s, b, dims, x, scale))
    return (*(operands if s.boolean() else operands[::-1]), shape)


_ARITHMETIC = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "MAXIMUM": "MaximumMinimumOptions",
               "MINIMUM": "MaximumMinimumOptions", "SQUARED_DIFFERENCE": None, "DIV": "DivOptions"}  # fmt: skip
_COMPARISONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")


def _numbers(kinds: tuple[str, ...]) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        kind = s.note(kind=s.choice(kinds))
        first, second, shape = _pair(s, b, x, "int32")
        if kind == "DIV":  # by what is not 0 or -1: TFLM stops, and the processor does
            second = b.constant(s.array(b.tensors[second].shape, np.int32, 1, s.choice((3, 2**31 - 1))))
            first, shape = _any_input(s, b, shape, x, "int32"), shape
        y = b.tensor(shape, "bool" if kind in _COMPARISONS else "int32")
        b.op(kind, [first, second], [y], _ARITHMETIC.get(kind))
        return y

    return op


def _places(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """What networks do with whole numbers: ARG_MAX, an offset, a comparison, a choice or a row of a table."""
    source = _source(s, b, x, source, 2, 3, 6)
    shape = b.tensors[source].shape
    place = b.tensor(shape[:-1], "int32")
    b.op("ARG_MAX", [source, _indices(b, [-1])], [place], "ArgMaxOptions", OutputType=2)
    if s.note(then=s.choice(("compare", "gather"))) == "compare":
        flags = b.tensor(shape[:-1], "bool")
        b.op(
            s.choice(("EQUAL", "GREATER")), [place, b.constant(np.int32(s.integer(0, shape[-1])).reshape(()))], [flags]
        )
        y = b.tensor(shape[:-1], "int8", 1.0, 0)
        b.op("CAST", [flags], [y], "CastOptions")
        return y
    least = b.tensor(shape[:-1], "int32")
    b.op("MINIMUM", [place, b.constant(np.int32(2).reshape(()))], [least], "MaximumMinimumOptions")
    table = b.constant(s.array((3, 4)), 0.1, 0)
    y = b.tensor((*shape[:-1], 4), "int8", 0.1, 0)
    b.op("GATHER", [table, least], [y], "GatherOptions", Axis=0)
    return y


def _pad_32(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = _any_input(s, b, _shape(s), x, "int32")
    paddings = s.note(paddings=[(s.integer(0, 2), s.integer(0, 2)) for _ in b.tensors[source].shape])
    return b.pad(source, paddings) if s.boolean() else b.pad_v2(source, paddings, s.integer(-(2**31), 2**31 - 1))


# ------------------------------------------------------------------------------------------------------- int16


def _extreme_16(s: Source, b: Builder, x: list) -> int:
    scale = s.scale(-16, -6)
    first, second, shape = _pair(s, b, x, "int16", scale)
    y = b.tensor(shape, "int16", scale)
    b.op(s.note(kind=s.choice(("MAXIMUM", "MINIMUM"))), [first, second], [y], "MaximumMinimumOptions")
    return y


def _select_16(s: Source, b: Builder, x: list) -> int:
    shape, scale = _shape(s), s.scale(-16, -6)

    def part():
        return s.choice((shape, [1] * len(shape), [d if s.boolean() else 1 for d in shape]))

    source = _input16(s, b, shape, x, scale)
    other = b.constant(s.array(part(), np.int16), scale) if s.boolean() else _input16(s, b, part(), x, scale)
    condition = _bool(s, b, x, part())
    y = _like(b, source, shape)
    b.op("SELECT_V2", [condition, *((source, other) if s.boolean() else (other, source))], [y], "SelectV2Options")
    return y


def _resize_nearest_16(s: Source, b: Builder, x: list) -> int:
    from tests.op_strategies import GATHERS

    shape = (s.choice((1, 1, 2)), s.integer(1, 8), s.integer(1, 8), s.integer(1, 4))
    return GATHERS["resize_nearest_neighbor"](s, b, x, _input16(s, b, shape, x))


def _cast_16(s: Source, b: Builder, x: list) -> int:
    return _cast(
        s,
        b,
        x,
        None,
        (
            ("int16", "int32"),
            ("int16", "int8"),
            ("int8", "int16"),
            ("bool", "int16"),
            ("int32", "int16"),
            ("int16", "bool"),
            ("int32", "bool"),
        ),
    )


def _squared_difference_16(s: Source, b: Builder, x: list) -> int:
    """Half of the output scales where the squares of random values fit."""
    scale = s.scale(-14, -6)
    first, second, shape = _pair(s, b, x, "int16", scale)
    out = float(np.float32(scale * scale * s.choice((s.scale(8, 17), s.scale(0, 20)))))
    y = b.tensor(shape, "int16", s.note(y=out))
    b.op("SQUARED_DIFFERENCE", [first, second], [y])
    return y


def _prelu_16(s: Source, b: Builder, x: list) -> int:
    shape = _shape(s)
    source = _input16(s, b, shape, x)
    alpha_shape = s.note(alpha=s.choice((shape[-1:], [1], shape)))
    alpha = b.constant(s.array(alpha_shape), s.scale(-10, -1), s.zero_point())
    y = b.tensor(
        shape, "int16", s.note(y=float(np.float32(b.tensors[source].scales[0] * s.choice((1.0, s.scale(-6, 6))))))
    )
    b.op("PRELU", [source, alpha], [y])
    return y


def _abs_16(s: Source, b: Builder, x: list) -> int:
    source = _values(s, b, x, -16, -6)
    t = b.tensors[source]
    y = b.tensor(
        t.shape, "int16", s.note(y=float(np.float32(t.scales[0] * s.choice((1.0, s.scale(-3, 6), s.scale(-12, 12))))))
    )
    b.op("ABS", [source], [y], "AbsOptions")
    return y


def _rsqrt_16(s: Source, b: Builder, x: list) -> int:
    """Inputs from 0 up: TFLM stops at others."""
    values = np.unique(np.concatenate([np.arange(20), s.array((60,), np.int16, 0, 32767), [32767]])).astype(np.int16)
    x.append(values)
    source = b.input(values.shape, "int16", s.note(x0=s.scale(-20, -4)))
    root = (b.tensors[source].scales[0] * 2.0 ** s.integer(0, 15)) ** -0.5  # of some value
    y = b.tensor(values.shape, "int16", s.note(y=float(np.float32(root * s.scale(-15, -8)))))
    b.op("RSQRT", [source], [y])
    return y


def _layer_normalization_16(s: Source, b: Builder, x: list) -> int:
    """LayerNormalization as TFLiteConverter writes it with 16x8 quantization."""
    shape, scale = (s.integer(1, 3), s.integer(2, 9)), s.scale(-14, -10)
    source = _input16(s, b, shape, x, scale)
    axis, row = _indices(b, [1]), (shape[0], 1)
    mean = b.tensor(row, "int16", scale)
    b.op("MEAN", [source, axis], [mean], "ReducerOptions", KeepDims=True)
    square = b.tensor(shape, "int16", float(np.float32(scale * scale * 2.0**16)))
    b.op("SQUARED_DIFFERENCE", [source, mean], [square])
    variance = b.tensor(row, "int16", b.tensors[square].scales[0])
    b.op("MEAN", [square, axis], [variance], "ReducerOptions", KeepDims=True)
    wider = b.add(
        variance, b.constant(np.int16(s.integer(1, 300)).reshape(()), 2.0**-20), scale=b.tensors[square].scales[0]
    )
    root = b.tensor(row, "int16", float(np.float32(b.tensors[wider].scales[0] ** -0.5 / 2.0**14)))
    b.op("RSQRT", [wider], [root])
    factor = b.mul(root, b.constant(s.array((1, shape[1]), np.int16, 1), 2.0**-14), scale=b.tensors[root].scales[0])
    return b.mul(
        b.sub(source, mean, scale=scale * 2),
        factor,
        scale=float(np.float32(b.tensors[factor].scales[0] * scale * 2.0**14)),
    )


OPS: dict[str, Callable] = {
    "add_n": _add_n,
    "cumsum": _cumsum,
    "zeros_like": _zeros_like,
    "fill": _fill,
    "dynamic_update_slice": _update,
    "embedding_lookup": _embedding_lookup,
    "arithmetic_32": _numbers(tuple(_ARITHMETIC)),
    "compare_32": _numbers(_COMPARISONS),
    "places": _places,
    "pad_32": _pad_32,
    "extremes_16": _extreme_16,
    "select_v2_16": _select_16,
    "resize_nearest_neighbor_16": _resize_nearest_16,
    "cast_16": _cast_16,
    "squared_difference_16": _squared_difference_16,
    "abs_16": _abs_16,
    "prelu_16": _prelu_16,
    "rsqrt_16": _rsqrt_16,
    "layer_normalization_16": _layer_normalization_16,
}
