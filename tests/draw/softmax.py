"""Drawn SOFTMAX."""

from __future__ import annotations

from collections.abc import Callable

from tests.draw.core import Source, int8_input, quantization
from tests.helpers.tflite_builder import Builder


def _softmax(s: Source, b: Builder, x: list, source: int | None = None) -> int:
    """TFLM aborts where beta * scale <= 2**-26, and where a row's exponentials sum up to 512: at most 511 classes."""
    if source is None:
        shape = [s.integer(1, 4) for _ in range(s.integer(0, 3))] + [s.choice((s.integer(1, 12), s.integer(1, 511)))]
        source = int8_input(s, b, shape, x, quantization(s, -14, 4))
    beta = s.note(beta=s.choice((1.0, 1.0, 0.5, 2.0, 0.1, 10.0)))
    return b.softmax(source, beta=beta)


def softmax_of_rows(s: Source, b: Builder, x: list, source: int) -> int:
    """SOFTMAX inside a network, its scale back to what follows."""
    if b.tensors[source].shape[-1] > 400:
        raise ValueError
    return b.softmax(source)


OPS: dict[str, Callable] = {"softmax": _softmax}
