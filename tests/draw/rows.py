"""Drawn functions of rows: LOG_SOFTMAX, L2_NORMALIZATION and running sums."""

from __future__ import annotations

from collections.abc import Callable

from tests.draw.core import Source, int8_input, int32_constant, quantization, running_scale, source_or_input
from tests.helpers.tflite_builder import Builder


def rows_input(s: Source, b: Builder, x: list, source, low: float, high: float, most: int = 400) -> int:
    if source is not None:
        return source
    shape = [s.integer(1, 4) for _ in range(s.integer(1, 3))] + [s.choice((s.integer(1, 12), s.integer(1, most)))]
    return int8_input(s, b, shape, x, quantization(s, low, high))


def _log_softmax(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = rows_input(s, b, x, source, -10, 3)
    y = b.tensor(b.tensors[source].shape, "int8", 16 / 256, 127)
    b.op("LOG_SOFTMAX", [source], [y], "LogSoftmaxOptions")
    return y


def _l2_normalization(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = rows_input(s, b, x, source, -10, 3)
    y = b.tensor(b.tensors[source].shape, "int8", 1 / 128, 0)
    b.op("L2_NORMALIZATION", [source], [y], "L2NormOptions")
    return y


def _cumsum(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    source = source_or_input(s, b, x, source, 1, 4, s.choice((5, 9)))
    t = b.tensors[source]
    axis = s.integer(-len(t.shape), len(t.shape) - 1)
    exclusive, reverse = s.boolean(), s.boolean()
    s.note(axis=axis, exclusive=exclusive, reverse=reverse)
    y = b.tensor(t.shape, "int8", **running_scale(s, b, source))
    b.op("CUMSUM", [source, int32_constant(b, axis)], [y], "CumsumOptions", Exclusive=exclusive, Reverse=reverse)
    return y


OPS: dict[str, Callable] = {"log_softmax": _log_softmax, "l2_normalization": _l2_normalization, "cumsum": _cumsum}
