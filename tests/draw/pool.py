"""Drawn MAX_POOL_2D and AVERAGE_POOL_2D."""

from __future__ import annotations

from collections.abc import Callable

from tests.draw.core import Source, fused_activation, int8_input
from tests.helpers.tflite_builder import Builder


def _pool(kind: str) -> Callable:
    def pool(s: Source, b: Builder, x: list, source: int | None = None) -> int:
        padding = s.choice(("SAME", "VALID"))
        if source is None:
            source = int8_input(s, b, (s.choice((1, 1, 2)), s.integer(1, 11), s.integer(1, 11), s.integer(1, 9)), x)
        _, h, w, _ = b.tensors[source].shape
        (kh, sh, _), (kw, sw, _) = (s.shapes.window(d, 6, False, padding) for d in (h, w))
        activation = fused_activation(s, b.tensors[source].scales[0])
        s.note(kernel=(kh, kw), stride=(sh, sw), padding=padding)
        return getattr(b, kind)(source, kernel=(kh, kw), stride=(sh, sw), padding=padding, activation=activation)

    return pool


OPS: dict[str, Callable] = {kind: _pool(kind) for kind in ("max_pool_2d", "average_pool_2d")}
