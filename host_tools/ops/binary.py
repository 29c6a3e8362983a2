"""MAXIMUM, comparisons, PRELU and the like: two tensors in the binary kernel, or a table where one is a single value."""

from __future__ import annotations

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import tables as fixed_tables
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from .core import Lowering, Step, Unsupported, lowers
from .elementwise import clamps, lut, one_value, pairwise, rescale_words, two
from .movement import dense_strides, four, merged, pieces, raw_constant

_MAXIMUM, _MINIMUM, _EQUAL, _NOT_EQUAL, _LESS, _LESS_EQUAL, _SQUARED_DIFFERENCE, _PRELU, _DIV = range(9)
_EXPORT = "export the model again"


@lowers("MAXIMUM", "MINIMUM")
def extreme(ctx: Lowering, op: Op) -> None:
    """Raw values are compared, whatever the scales: maximum_minimum.h."""
    values = np.maximum if op.kind == "MAXIMUM" else np.minimum
    if not one_value(ctx, op, values):
        pairwise(ctx, op, "binary", Constants(), {29: _MAXIMUM if op.kind == "MAXIMUM" else _MINIMUM}, values)


@lowers("LOGICAL_AND", "LOGICAL_OR")
def logical(ctx: Lowering, op: Op) -> None:
    """Bools are bytes of 0 and 1: the smaller, the larger."""
    pairwise(ctx, op, "binary", Constants(), {29: _MINIMUM if op.kind == "LOGICAL_AND" else _MAXIMUM})


_COMPARISONS = {
    "EQUAL": (_EQUAL, np.equal, False),
    "NOT_EQUAL": (_NOT_EQUAL, np.not_equal, False),
    "LESS": (_LESS, np.less, False),
    "LESS_EQUAL": (_LESS_EQUAL, np.less_equal, False),
    "GREATER": (_LESS, np.less, True),
    "GREATER_EQUAL": (_LESS_EQUAL, np.less_equal, True),
}


def _comparable(t: Tensor) -> np.ndarray:
    """int32[256]: what TFLM compares of a raw value, its 8 bits more than the real number holds."""
    if t.dtype == "bool":
        return np.arange(256, dtype=np.int32)
    return fixed_tables.rescaled_table(t.quant.zero_point, *fixed_tables.comparison_multiplier(t.quant.scale), 8)


@lowers(*_COMPARISONS)
def comparison(ctx: Lowering, op: Op) -> None:
    function, compare, swapped = _COMPARISONS[op.kind]
    x, x2, _ = two(ctx, op)
    if x.dtype != x2.dtype:
        raise Unsupported(f"{x.dtype} and {x2.dtype} are compared", _EXPORT)
    if swapped:
        x, x2 = x2, x
        op = _with_inputs(op, x.id, x2.id)
    first, second = _comparable(x), _comparable(x2)

    def values(a, b):
        return compare(first[a & 0xFF], second[b & 0xFF])

    if not one_value(ctx, op, values):
        k = Constants()
        words = {27: k.add(first.astype("<i4")), 28: k.add(second.astype("<i4")), 29: function}
        pairwise(ctx, op, "binary", k, words, values)


def _with_inputs(op: Op, *inputs: str) -> Op:
    from dataclasses import replace

    return replace(op, inputs=inputs)


@lowers("SQUARED_DIFFERENCE")
def squared_difference(ctx: Lowering, op: Op) -> None:
    x, x2, y = two(ctx, op)
    *operands, total = fixed_tables.squared_difference_multipliers(x.quant.scale, x2.quant.scale, y.quant.scale)
    first, second = (
        fixed_tables.rescaled_table(t.quant.zero_point, *m, 7).astype(np.int64) for t, m in zip((x, x2), operands)
    )
    words = {29: _SQUARED_DIFFERENCE} | rescale_words(op, y, *total)

    def values(a, b):
        return _store(words, (first[a & 0xFF] - second[b & 0xFF]) ** 2)

    if not one_value(ctx, op, values):
        k = Constants()
        words |= {27: k.add(first.astype("<i4")), 28: k.add(second.astype("<i4"))}
        pairwise(ctx, op, "binary", k, words, values)


def _store(words, acc) -> np.ndarray:
    value = fixed_point.wrap32_array(fixed_point.requantize(acc, words[20], words[21], words[22]) + words[24])
    return np.clip(value, words[25], words[26])


@lowers("PRELU")
def prelu(ctx: Lowering, op: Op) -> None:
    """x where it is not negative, else x * alpha; one table per channel where alpha is constant (lookup.py)."""
    x, alpha, y = two(ctx, op)
    above = fixed_point.quantize_multiplier(_f(x) / _f(y))
    below = fixed_point.mul_multiplier(x.quant.scale, alpha.quant.scale, y.quant.scale)
    words = {27: x.quant.zero_point, 28: alpha.quant.zero_point, 29: _PRELU} | rescale_words(op, y, *above)
    words[30], (words[31], words[32]) = below[0], fixed_point.split_shift(below[1])

    def values(a, b):
        a = np.asarray(a) - x.quant.zero_point
        product = a * (np.asarray(b) - alpha.quant.zero_point)
        negative = fixed_point.requantize(product, words[30], words[31], words[32])
        total = np.where(a >= 0, fixed_point.requantize(a, words[20], words[21], words[22]), negative)
        return np.clip(fixed_point.wrap32_array(total + words[24]), words[25], words[26])

    if not one_value(ctx, op, values):
        pairwise(ctx, op, "binary", Constants(), words, values)


def _f(t: Tensor) -> float:
    return float(np.float32(t.quant.scale))


@lowers("DIV")
def div(ctx: Lowering, op: Op) -> None:
    x, x2, y = two(ctx, op)
    multiplier, shift = fixed_tables.div_multiplier(x.quant.scale, x2.quant.scale, y.quant.scale)
    if not -100 < shift <= 23:
        raise Unsupported(f"a rescaling by 2**{shift}", "check the scales in the trained model")
    low, high = clamps(op, y)
    table = np.zeros((256, 2), "<i4")
    for raw, value in enumerate(fixed_tables.ALL_INT8):
        divisor = int(value) - x2.quant.zero_point
        if divisor:
            inverse, bits = fixed_tables.reciprocal(abs(divisor))
            table[raw] = inverse, bits | (256 if divisor < 0 else 0)
    if x2.constant and (x2.data.astype(int) == x2.quant.zero_point).any():
        raise Unsupported(f"'{x2.id}' holds zeros", "divide by what is not 0")
    k = Constants()
    words = {20: multiplier, 21: 0, 22: -shift, 24: y.quant.zero_point, 25: low, 26: high, 27: x.quant.zero_point,
             28: k.add(table), 29: _DIV}  # fmt: skip
    pairwise(ctx, op, "binary", k, words)


@lowers("SELECT", "SELECT_V2")
def select(ctx: Lowering, op: Op) -> None:
    """A copy of the second choice, then of the first where the condition holds."""
    from .slices import broadcast_copy

    condition, x, x2 = (ctx.tensor(i) for i in op.inputs)
    y = ctx.tensor(op.outputs[0])
    if condition.dtype != "bool" or {x.dtype, x2.dtype} != {y.dtype}:
        raise Unsupported(
            f"it chooses {x.dtype} and {x2.dtype} by {condition.dtype} to {y.dtype}", "choose one type by bool"
        )
    if np.broadcast_shapes(condition.shape, x.shape, x2.shape) != y.shape:
        raise Unsupported(f"shapes {condition.shape}, {x.shape} and {x2.shape} do not make {y.shape}", _EXPORT)
    from .elementwise import broadcast_strides

    refs, flags, k = [], 0, Constants()
    for t, flag in ((x, 1), (condition, 2)):
        if t.constant and t.id not in ctx.place:
            flags |= flag
            refs.append(k.add(raw_constant(t)))
        else:
            refs.append(ctx.activation(t))
    source = None if x2.constant else ctx.activation(x2)
    target = ctx.new_buffer(y)
    broadcast_copy(ctx, op.name, x2, y, target, source)
    item = x.item_bytes  # the bytes of an element are one more dimension, along which the condition stays
    strides = [[s * item for s in broadcast_strides(x.shape, y.shape)] + [1],
               broadcast_strides(condition.shape, y.shape) + [0]]  # fmt: skip
    walk = (*y.shape, item)
    kept, starts = pieces(merged(walk, [*strides, dense_strides(walk)]), 3, unroll_outermost=True)
    dims, strides = four(kept, 3)
    words = dict(enumerate([*dims, *strides[0], *strides[1]], 8)) | {23: flags}
    for x_at, x2_at, y_at in starts:
        ctx.emit(Step("select", op.name, refs[0], target, dict(words), bytes(k.data), x2=refs[1], x_at=x_at,
                      x2_at=x2_at, y_at=y_at, partial=True))  # fmt: skip


@lowers("CAST")
def cast(ctx: Lowering, op: Op) -> None:
    """Between bool, int8, int16 and int32 without arithmetic: bytes copied, the sign by a table."""
    from .movement import copy_box

    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    n, item, wide = x.size, x.item_bytes, y.item_bytes
    if x.size != y.size:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", _EXPORT)
    if x.dtype == y.dtype or (x.dtype == "bool" and y.dtype == "int8"):
        ctx.alias(y, x)
    elif (x.dtype, y.dtype) == ("int8", "bool"):
        lut(ctx, op, np.arange(256) != 0)
    elif y.dtype == "bool":  # not equal to the 0 in the constants
        words = {8: 1, 9: 1, 10: 1, 11: n, 15: item, 23: 2, 29: _NOT_EQUAL, 30: item}
        ctx.emit(Step("numbers", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(4), x2=0))
    else:  # the low bytes, and above them the sign's
        source, target = ctx.activation(x), ctx.new_buffer(y)
        low = min(item, wide)
        grows = wide > item
        signed = grows and x.dtype != "bool"
        copy_box(ctx, op.name, _raw(x, n * item), target, [n, low], [item, 1], [wide, 1],
                 fill=(y.bytes, 0) if grows and not signed else (0, 0), x_is=source)  # fmt: skip
        if signed:
            table = np.where(np.arange(256) < 128, 0, 255).astype(np.uint8).tobytes()
            top = ctx.temporary(op.name, (n,), _raw(x, n))
            signs = ctx.new_buffer(top)
            copy_box(ctx, op.name, _raw(x, n * item), signs, [n], [item], [1], x_at=item - 1, x_is=source)
            ctx.emit(Step("lut", op.name, signs, signs, {8: n, 9: 0}, table, inplace=(signs,)))
            copy_box(ctx, op.name, top, target, [n, wide - item], [1, 0], [wide, 1], y_at=item, partial=True)


def _raw(x: Tensor, n: int) -> Tensor:
    """x as bytes."""
    from dataclasses import replace

    from ..ir import Quant

    return replace(x, dtype="int8", shape=(n,), quant=Quant((1.0,), (0,)), data=None)
