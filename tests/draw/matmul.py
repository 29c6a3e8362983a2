"""Drawn BATCH_MATMUL."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.draw.core import Source, int8_input, output_quantization, quantization
from tests.helpers.tflite_builder import Builder


def matmul_shapes(s: Source) -> tuple[list[int], list[int], bool, bool]:
    batch = [s.integer(1, 3) for _ in range(s.integer(0, 3))]
    rows, columns, depth = s.integer(1, 5), s.integer(1, 5), s.integer(1, 12)
    first, second = list(batch), list(batch)
    kind = s.choice(("same", "one side", "both sides"))
    if kind == "one side":
        second = [1 for _ in batch] if s.boolean() else []
    elif kind == "both sides":
        for i in range(len(batch)):
            (first if s.boolean() else second)[i] = 1
    adj_x, adj_y = s.boolean(), s.boolean()
    s.note(batch=(first, second), rows=rows, columns=columns, depth=depth, adj=(adj_x, adj_y))
    return ([*first, *((depth, rows) if adj_x else (rows, depth))], [*second, *((columns, depth) if adj_y else (depth, columns))],
            adj_x, adj_y)  # fmt: skip


def _batch_matmul(s: Source, b: Builder, x: list) -> int:
    first, second, adj_x, adj_y = matmul_shapes(s)
    a = int8_input(s, b, first, x)
    quant = quantization(s)
    if s.note(constant=s.boolean()):
        c = b.constant(s.array(second, near=quant["zero_point"]), **quant)
    else:
        c = int8_input(s, b, second, x, quant)
    depth = first[-2 if adj_x else -1]
    out = output_quantization(s, float(np.float32(b.tensors[a].scales[0] * quant["scale"])), 2 * depth)
    return b.batch_matmul(a, c, **out, adj_x=adj_x, adj_y=adj_y)


OPS: dict[str, Callable] = {"batch_matmul": _batch_matmul}
