"""RESIZE_BILINEAR: neighbours and weights of rows and columns are worked out here."""

from __future__ import annotations

import numpy as np

from ..assembler.constants import Constants
from ..ir import Op
from ..record import RESIZE
from .core import EXPORT, Lowering, Step, Unsupported, lowers

_ONE = 1 << 10  # weights are in 1/1024


def neighbours(size: int, out: int, align_corners: bool, half_pixel_centers: bool) -> list[tuple[int, int, int]]:
    """(first, second, weight of the second in 1/1024) for each output row.

    internal/reference/resize_bilinear.h ComputeInterpolationValuesInteger; where both rows are the same the weight is
    0, which gives the same sum. A row after the last, which TFLM would read, is the last.
    """
    scale = (_ONE * size + out // 2) // out
    if align_corners and out > 1:
        scale = (_ONE * (size - 1) + (out - 1) // 2) // (out - 1)
    result = []
    for i in range(out):
        at = i * scale + (scale // 2 - (1 << 9) if half_pixel_centers else 0)
        first = min(max(0, at // _ONE), size - 1)
        second = min(-(-at // _ONE), size - 1)
        result.append((first, second, at - first * _ONE) if second > first else (first, first, 0))
    return result


@lowers("RESIZE_BILINEAR")
def resize_bilinear(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    if len(x.shape) != 4 or x.shape[0] != y.shape[0] or x.shape[3] != y.shape[3]:
        raise Unsupported(f"{x.shape} becomes {y.shape}", EXPORT)
    if x.shape == y.shape:
        ctx.alias(y, x)
        return
    n, h, w, c = x.shape
    options = op.attrs["align_corners"], op.attrs["half_pixel_centers"]
    k = Constants()
    tables = []
    for size, out, stride in ((h, y.shape[1], w * c), (w, y.shape[2], c)):
        entries = np.array(neighbours(size, out, *options), np.int64) * (stride, stride, 1)
        tables.append(k.add(entries.astype("<i4")))
    words = RESIZE.words(n=n, image_bytes=h * w * c, c=c, out_h=y.shape[1], out_w=y.shape[2], rows_offset=tables[0],
                         columns_offset=tables[1])  # fmt: skip
    ctx.emit(Step("resize_bilinear", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data)))
