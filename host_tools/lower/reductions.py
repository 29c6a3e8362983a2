"""MEAN, SUM and SOFTMAX."""

from __future__ import annotations

import numpy as np

from .. import fixed_point
from ..ir import Op
from . import Constants, Lowering, Step, Unsupported, lowers
from .elementwise import clamps


def _five_dims(shape: tuple[int, ...], axes: set[int]) -> list[int]:
    """[a, r1, b, r2, c] of a reduction record: neighbours that are both kept or both reduced are one dimension."""
    groups: list[list[int]] = []  # [reduced, size]
    for i, d in enumerate(shape):
        if d == 1:
            continue
        if groups and groups[-1][0] == (i in axes):
            groups[-1][1] *= d
        else:
            groups.append([i in axes, d])
    dims = [1] * 5
    position = 0
    for reduced, size in groups:
        if position % 2 != reduced:
            position += 1
        if position > 4:
            raise Unsupported(f"axes {sorted(axes)} of {shape} alternate too often", "reduce in two steps")
        dims[position] = size
        position += 1
    return dims


@lowers("MEAN", "SUM")
def mean(ctx: Lowering, op: Op) -> None:
    x, axes, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])
    if not axes.constant:
        raise Unsupported("its axes are computed at run time", "make them constants")
    reduced = {int(a) % len(x.shape) for a in axes.data.reshape(-1)}
    dims = _five_dims(x.shape, reduced)
    n = dims[1] * dims[3]
    if y.size * n != x.size:
        raise Unsupported(f"shape {x.shape} over axes {sorted(reduced)} does not make {y.shape}", "export the model again")
    multiplier, shift = fixed_point.mean_multiplier(x.quant.scale, y.quant.scale, n if op.kind == "MEAN" else 1)
    left, right = fixed_point.split_shift(shift)
    words = dict(enumerate([*dims, -(x.quant.zero_point + 128) * n, multiplier, left, right], 8))
    low, high = clamps(op, y)
    words.update({24: y.quant.zero_point, 25: low, 26: high})
    ctx.emit(Step("mean", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("SOFTMAX")
def softmax(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if y.quant.scale != 1 / 256 or y.quant.zero_point != -128:
        raise Unsupported("its output is not quantized to scale 1/256, zero point -128", "export the model again")
    table = np.asarray(fixed_point.exp_table(op.attrs.get("beta", 1.0), x.quant.scale)).astype("<i4")
    if x.shape != y.shape:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", "export the model again")
    depth = x.shape[-1]
    if depth >= 4096:  # the sum of exponentials is Q12.19
        raise Unsupported(f"{depth} classes", "use fewer than 4096")
    k = Constants()
    words = {8: x.size // depth, 9: depth, 10: len(table), 11: k.add(table)}
    source = ctx.activation(x)
    ctx.emit(Step("softmax", op.name, source, ctx.new_buffer(y), words, bytes(k.data), inplace=(source,)))
