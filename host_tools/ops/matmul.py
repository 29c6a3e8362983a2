"""BATCH_MATMUL of int8 and of int16."""

from __future__ import annotations

from math import prod

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import int16 as fixed_point16
from ..assembler.constants import Constants
from ..ir import Op
from ..record import MATRICES
from .boxes import broadcast_strides
from .core import RECONVERT, Lowering, Step, Unsupported, check_activation, constant_flags, lowers
from .int16_weights import check_products

_RANK = 5  # of the operands, as in TFLM
_WIDE = 4  # bit of the word `flags`: int16


@lowers("BATCH_MATMUL")
@lowers("BATCH_MATMUL", int16=True)
def batch_matmul(ctx: Lowering, op: Op) -> None:
    """Transposed operands and shared batches are strides: nothing is moved."""
    a, b, y = ctx.two(op)
    wide = y.dtype == "int16"
    for t in (a, b, y):
        check_activation(t, ("int16",) if wide else ("int8",))
    if not 2 <= min(len(a.shape), len(b.shape)) or max(len(a.shape), len(b.shape)) > _RANK:
        raise Unsupported(f"shapes {a.shape} and {b.shape}: 2 to {_RANK} dimensions", "reshape the operands")
    rows, depth = a.shape[-2:] if not op.attrs["adj_x"] else a.shape[:-3:-1]
    depth2, columns = b.shape[-2:] if not op.attrs["adj_y"] else b.shape[:-3:-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if depth != depth2 or y.shape[-2:] != (rows, columns) or y.size != prod(batch) * rows * columns:
        raise Unsupported(f"shapes {a.shape} and {b.shape} do not make {y.shape}", RECONVERT)
    size = y.item_bytes
    batch = (1,) * (3 - len(batch)) + batch
    batch_strides = []
    for t in (a, b):
        inner = t.shape[-2] * t.shape[-1] * size
        batch_strides.append([s * inner for s in broadcast_strides(t.shape[:-2], batch)])
    row, along_x = (size, rows * size) if op.attrs["adj_x"] else (depth * size, size)
    column, along_y = (depth * size, size) if op.attrs["adj_y"] else (size, columns * size)
    k = Constants()
    refs = [ctx.operand(k, t) for t in (a, b)]
    multiplier, shift = fixed_point16.matmul_multiplier(a.scale, b.scale, y.scale)
    if wide:
        check_products(depth)
        multiplier, left = fixed_point16.reduced_multiplier(multiplier, shift)
        right = 0
    else:
        left, right = fixed_point.split_shift(shift)
    low, high = fixed_point16.limits(y.dtype)
    words = MATRICES.words(
        batches=batch, rows=rows, columns=columns, depth=depth, x1_strides=(*batch_strides[0], row, along_x),
        x2_strides=(*batch_strides[1], column), x2_depth_stride=along_y,
        flags=constant_flags(*refs) | (_WIDE if wide else 0), x1_zero_point=a.zero_point, x2_zero_point=b.zero_point,
        multiplier=multiplier, shifts=left | right << 8,
        y_zero_point=y.zero_point, clamp_min=low, clamp_max=high)  # fmt: skip
    ctx.emit(Step("batch_matmul", op.name, refs[0], ctx.new_buffer(y), words, bytes(k.data), x2=refs[1],
                  macs=y.size * depth))  # fmt: skip
