"""How far the records of kernels 12 to 31 reach: extents.py asks here."""

from __future__ import annotations

from math import prod

import numpy as np

KERNELS = ("gather", "reduce", "arg", "binary", "select", "resize_bilinear", "rows", "channel_lut")
_X_CONSTANT, _X2_CONSTANT = 1, 2
_ROWS_SCRATCH_BYTES = 64  # sixteen registers


def scratch_bytes(kernel: str, words) -> int:
    return _ROWS_SCRATCH_BYTES if kernel == "rows" else 0


def reach(kernel: str, words, constant_bytes: bytes) -> tuple[list, list] | None:
    """(spans in the arena, spans in the constants), each (offset, bytes); None where sizes make no sense."""
    if kernel in ("binary", "select"):
        return _pairs(kernel, words)
    sizes = words[8:13]
    if min(sizes) < 0:
        return None
    flags = words[23]
    spans: list[tuple[int, int]] = []
    constants: list[tuple[int, int]] = []
    if kernel == "gather":
        a, j, b, k, c = sizes
        if min(words[13:20]) < 0 or min(words[17:19]) < 1:
            return None
        x = 0
        if prod(sizes):
            steps = (a - 1, words[17] - 1, b - 1, words[18] - 1)
            x = sum(n * s for n, s in zip(steps, words[13:17])) + c
        (constants if flags & _X_CONSTANT else spans).append((words[5], x))
        (constants if flags & _X2_CONSTANT else spans).append((words[7], 4 * j))
        constants.append((words[19], 4 * k))
        spans.append((words[6], prod(sizes)))
    elif kernel == "reduce":
        spans = [(words[5], prod(sizes)), (words[6], sizes[0] * sizes[2] * sizes[4])]
    elif kernel == "arg":
        if words[6] % 4:
            return None
        spans = [(words[5], prod(words[8:11])), (words[6], 4 * words[8] * words[10])]
    elif kernel == "resize_bilinear":
        n, size, c, out_h, out_w = sizes
        constants = [(words[13], 12 * out_h), (words[14], 12 * out_w)]
        furthest = 0
        for at, count in ((words[13], out_h), (words[14], out_w)):
            if not 0 <= at <= at + 12 * count <= len(constant_bytes):
                return spans, constants
            table = np.frombuffer(constant_bytes, "<i4", 3 * count, at).reshape(-1, 3)
            if count and (table.min() < 0 or (table[:, 0] > table[:, 1]).any() or table[:, 2].max() > 1024):
                return None
            furthest += int(table[:, 1].max()) if count else 0
        spans = [(words[5], (n - 1) * size + furthest + c if n * out_h * out_w else 0),
                 (words[6], n * c * out_h * out_w)]  # fmt: skip
    elif kernel == "channel_lut":
        a, b, c = words[8:11]
        constants.append((words[12], 2 * b))
        if 0 <= words[12] <= words[12] + 2 * b <= len(constant_bytes):
            tables = np.frombuffer(constant_bytes, "<u2", b, words[12])
            constants.append((words[11], 256 * (int(tables.max(initial=0)) + 1)))
        spans = [(words[5], a * b * c), (words[6], a * b * c)]
    else:  # rows
        rows, depth, count = words[8:11]
        if not 0 <= count <= 256 or words[13] < 1:
            return None
        spans = [(words[5], rows * depth), (words[6], rows * depth), (words[7], _ROWS_SCRATCH_BYTES)]
        code = constant_bytes[words[14] : words[14] + 4 * words[13]] if words[14] >= 0 else b""
        if words[7] % 4 or any(code[i] == 5 and code[i + 2] >= words[16] for i in range(0, len(code) - 3, 4)):
            return None
        constants = [
            (words[11], 4 * count),
            (words[12], 4 * count),
            (words[14], 4 * words[13]),
            (words[15], 4 * words[16]),
        ]
    return spans, constants


def _pairs(kernel: str, words) -> tuple[list, list] | None:
    dims = words[8:12]
    if min(words[8:20]) < 0:
        return None
    reaches = [1 + sum((d - 1) * s for d, s in zip(dims, words[at : at + 4])) if prod(dims) else 0 for at in (12, 16)]
    flags = words[23]
    spans, constants = [(words[6], prod(dims))], []
    (constants if flags & _X_CONSTANT else spans).append((words[5], reaches[0]))
    (constants if flags & _X2_CONSTANT else spans).append((words[7], reaches[1]))
    if kernel == "binary":
        function = words[29]
        if not 0 <= function <= 8:
            return None
        if 2 <= function <= 6:
            constants += [(words[27], 1024), (words[28], 1024)]
        if function == 8:
            constants.append((words[28], 2048))
    return spans, constants
