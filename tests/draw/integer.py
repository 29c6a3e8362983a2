"""Drawn ops on integers (unquantized int32)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw.core import Source, any_shape, input_of, int16_input, int32_constant, source_or_input
from tests.helpers.tflite_builder import Builder


def integer_operands(
    s: Source, b: Builder, x: list, dtype: str, scale: float | None = None
) -> tuple[int, int, list[int]]:
    shape = any_shape(s)
    other = s.choice((shape, [1], [d if s.boolean() else 1 for d in shape]))
    quant = {} if dtype == "int32" else {"scale": scale}
    operands = []
    for k, dims in enumerate((shape, other)):
        if k and s.note(constant=s.integer(0, 2) == 0):
            limit = s.choice((3, 30000))
            operands.append(b.constant(s.array(dims, np.dtype(dtype), -limit, limit), **quant))
        else:
            operands.append(input_of(s, b, dims, x, dtype) if dtype == "int32" else int16_input(s, b, dims, x, scale))
    return (*(operands if s.boolean() else operands[::-1]), shape)


_OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "MAXIMUM": "MaximumMinimumOptions",
               "MINIMUM": "MaximumMinimumOptions", "SQUARED_DIFFERENCE": None, "DIV": "DivOptions"}  # fmt: skip


_COMPARISONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")


def _arithmetic(kinds: tuple[str, ...]) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        kind = s.note(kind=s.choice(kinds))
        first, second, shape = integer_operands(s, b, x, "int32")
        if kind == "DIV":  # by what is not 0 or -1: TFLM stops, and the processor does
            second = b.constant(s.array(b.tensors[second].shape, np.int32, 1, s.choice((3, 2**31 - 1))))
            first, shape = input_of(s, b, shape, x, "int32"), shape
        y = b.tensor(shape, "bool" if kind in _COMPARISONS else "int32")
        b.op(kind, [first, second], [y], _OPTIONS.get(kind))
        return y

    return op


def _places(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """What networks do with whole numbers: ARG_MAX, an offset, a comparison, a choice or a row of a table."""
    source = source_or_input(s, b, x, source, 2, 3, 6)
    shape = b.tensors[source].shape
    place = b.tensor(shape[:-1], "int32")
    b.op("ARG_MAX", [source, int32_constant(b, [-1])], [place], "ArgMaxOptions", OutputType=2)
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
    source = input_of(s, b, any_shape(s), x, "int32")
    paddings = s.note(paddings=[(s.integer(0, 2), s.integer(0, 2)) for _ in b.tensors[source].shape])
    return b.pad(source, paddings) if s.boolean() else b.pad_v2(source, paddings, s.integer(-(2**31), 2**31 - 1))


OPS: dict[str, Callable] = {
    "arithmetic_32": _arithmetic(tuple(_OPTIONS)),
    "compare_32": _arithmetic(_COMPARISONS),
    "places": _places,
    "pad_32": _pad_32,
}
