"""Drawn resizing."""

from __future__ import annotations

from collections.abc import Callable

from tests.draw.core import Source, int8_input, int32_constant, output_like
from tests.helpers.tflite_builder import Builder


def _resize(kind: str, options: str) -> Callable:
    def op(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        if source is None:
            source = int8_input(s, b, (s.choice((1, 1, 2)), s.integer(1, 8), s.integer(1, 8), s.integer(1, 4)), x)
        n, h, w, c = b.tensors[source].shape
        size = s.note(size=s.choice(((2 * h, 2 * w), (s.integer(1, 17), s.integer(1, 17)), (3 * h, w))))
        flags = s.note(align_half=s.choice(((False, False), (True, False), (False, True))))
        y = output_like(b, source, (n, *size, c))
        b.op(kind, [source, int32_constant(b, size)], [y], options, AlignCorners=flags[0], HalfPixelCenters=flags[1])
        return y

    return op


OPS: dict[str, Callable] = {
    "resize_bilinear": _resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "resize_nearest_neighbor": _resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
}
