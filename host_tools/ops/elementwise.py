"""Two tensors element by element: ADD, SUB, MUL, DIV, MAXIMUM, comparisons, PRELU, SELECT; with one value, a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ..arithmetic import fixed_point, int8_tables
from ..arithmetic import tables as fixed_tables
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from ..record import ADD, BINARY, BY_NAME, MUL, PAIRWISE, SELECT
from .boxes import boxes, broadcast_copy, broadcast_strides, dense_strides, four, merged
from .compose import channel_form
from .core import EXPORT, Lowering, Step, Unsupported, clamps, constant_flags, lowers
from .lookup import one_value
from .table import TABLE

Exact = Callable[[np.ndarray, np.ndarray], np.ndarray]  # an op's exact result for arrays of raw int8 operands


def pairwise(
    ctx: Lowering, op: Op, kernel: str, k: Constants, words: Mapping[int, int], exact: Exact | None = None
) -> None:
    """The Steps of a kernel of two tensors, in boxes of four dimensions; `words` holds the kernel's own words.

    exact: where it is known, so that an op of one constant per channel may become tables (compose.py).
    """
    x, x2, y = ctx.two(op)
    strides = [broadcast_strides(t.shape, y.shape) for t in (x, x2)]
    kept, starts = boxes(merged(y.shape, [*strides, dense_strides(y.shape)]), 3, unroll_outermost=True)
    dims, strides = four(kept, 3)
    refs = [ctx.operand(k, t) for t in (x, x2)]
    layout = BY_NAME[kernel].layout
    x1_strides, x2_strides = ([s * t.item_bytes for s in own] for own, t in zip(strides, (x, x2)))
    walk = layout.words(dims=dims, x1_strides=x1_strides, x2_strides=x2_strides, flags=constant_flags(*refs))
    words = {**words, **walk}
    inplace = tuple(r for r, t in zip(refs, (x, x2)) if isinstance(r, str) and t.size == y.size)
    if isinstance(refs[0], str) and refs[0] == refs[1] and x.size != x2.size:
        inplace = ()  # the same bytes in two shapes: one side would read what the other has overwritten
    if len(starts) > 1:
        inplace = ()
    channels = None
    if exact is not None and len(starts) == 1:
        for t, other, ref, values in ((x, x2, refs[0], exact), (x2, x, refs[1], lambda a, b: exact(b, a))):
            if other.constant and isinstance(ref, str):
                channels = channels or channel_form(t, other, y, ref, values)
    target = ctx.new_buffer(y)
    for i, (x_at, x2_at, y_at) in enumerate(starts):
        ctx.emit(Step(kernel, op.name, refs[0], target, words, bytes(k.data), x2=refs[1], inplace=inplace,
                      x_at=x_at * x.item_bytes, x2_at=x2_at * x2.item_bytes, y_at=y_at * y.item_bytes,
                      partial=i > 0, channels=channels))  # fmt: skip


def _rescaling(op: Op, y: Tensor, multiplier: int, shift: int) -> dict[int, int]:
    """The words of a kernel of two tensors that requantizes: eq. (3)."""
    left, right = fixed_point.split_shift(shift)
    low, high = clamps(op, y)
    return PAIRWISE.words(multiplier=multiplier, left_shift=left, right_shift=right, y_zero_point=y.zero_point,
                          clamp_min=low, clamp_max=high)  # fmt: skip


def _rescaled(words: Mapping[int, int], acc: np.ndarray) -> np.ndarray:
    """Eq. (2) of an array, plus the zero point, not yet clamped."""
    return fixed_point.requantize(
        acc, words[PAIRWISE.multiplier], words[PAIRWISE.left_shift], words[PAIRWISE.right_shift]
    )


def _stored(words: Mapping[int, int], total: np.ndarray) -> np.ndarray:
    """What the kernel writes of the rescaled `total`."""
    value = fixed_point.wrap32_array(total + words[PAIRWISE.y_zero_point])
    return np.clip(value, words[PAIRWISE.clamp_min], words[PAIRWISE.clamp_max])


def _sum(ctx: Lowering, op: Op, first: np.ndarray, second: np.ndarray, total: tuple[int, int]) -> None:
    """ADD and SUB: both operands are tables of their values at a common scale, of which the sum is requantized."""
    words = _rescaling(op, ctx.output(op), *total)

    def exact(a, b):
        return _stored(words, _rescaled(words, first[a & 0xFF].astype(np.int64) + second[b & 0xFF]))

    if not one_value(ctx, op, exact):
        k = Constants()
        tables = [k.add(table.astype("<i4")) for table in (first, second)]
        words |= ADD.words(table1_offset=tables[0], table2_offset=tables[1])
        pairwise(ctx, op, "add", k, words, exact)


@lowers("ADD")
def add(ctx: Lowering, op: Op) -> None:
    x, x2, y = ctx.two(op)
    *operands, total = fixed_point.add_multipliers(x.scale, x2.scale, y.scale)
    first, second = (int8_tables.add_table(t.zero_point, *m) for t, m in zip((x, x2), operands))
    _sum(ctx, op, first, second, total)


@lowers("SUB")
def sub(ctx: Lowering, op: Op) -> None:
    """An ADD of the negative table."""
    x, x2, y = ctx.two(op)
    *operands, total = fixed_tables.sub_multipliers(x.scale, x2.scale, y.scale)
    first, second = (fixed_tables.rescaled_table(t.zero_point, *m, 20) for t, m in zip((x, x2), operands))
    _sum(ctx, op, first, -second, total)


@lowers("MUL")
def mul(ctx: Lowering, op: Op) -> None:
    x, x2, y = ctx.two(op)
    words = _rescaling(op, y, *fixed_point.mul_multiplier(x.scale, x2.scale, y.scale))

    def exact(a, b):
        return _stored(words, _rescaled(words, (a - x.zero_point) * (b - x2.zero_point)))

    if not one_value(ctx, op, exact):
        words |= MUL.words(x1_zero_point=x.zero_point, x2_zero_point=x2.zero_point)
        pairwise(ctx, op, "mul", Constants(), words, exact)


@lowers("DIV")
def div(ctx: Lowering, op: Op) -> None:
    x, x2, y = ctx.two(op)
    multiplier, shift = fixed_tables.div_multiplier(x.scale, x2.scale, y.scale)
    if not -100 < shift <= 23:
        raise Unsupported(f"a rescaling by 2**{shift}", "check the scales in the trained model")
    low, high = clamps(op, y)
    table = np.zeros((256, 2), "<i4")
    for raw, value in enumerate(fixed_tables.ALL_INT8):
        divisor = int(value) - x2.zero_point
        if divisor:
            inverse, bits = fixed_tables.reciprocal(abs(divisor))
            table[raw] = inverse, bits | (256 if divisor < 0 else 0)
    if x2.constant and (x2.values.astype(int) == x2.zero_point).any():
        raise Unsupported(f"'{x2.id}' holds zeros", "divide by what is not 0")
    k = Constants()
    words = BINARY.words(multiplier=multiplier, left_shift=0, right_shift=-shift, y_zero_point=y.zero_point,
                         clamp_min=low, clamp_max=high, x1_zero_point=x.zero_point, inverses_offset=k.add(table),
                         function=TABLE[op.kind].functions["binary"])  # fmt: skip
    pairwise(ctx, op, "binary", k, words)


@lowers("MAXIMUM", "MINIMUM")
def extreme(ctx: Lowering, op: Op) -> None:
    """Raw values are compared, whatever the scales: maximum_minimum.h."""
    row = TABLE[op.kind]
    exact = getattr(np, row.numpy)
    if not one_value(ctx, op, exact):
        pairwise(ctx, op, "binary", Constants(), BINARY.words(function=row.functions["binary"]), exact)


@lowers("LOGICAL_AND", "LOGICAL_OR")
def logical(ctx: Lowering, op: Op) -> None:
    """Bools are bytes of 0 and 1: the smaller, the larger."""
    pairwise(ctx, op, "binary", Constants(), BINARY.words(function=TABLE[op.kind].functions["binary"]))


def _comparable(t: Tensor) -> np.ndarray:
    """int32[256]: what TFLM compares of a raw value, its 8 bits more than the float holds."""
    if t.dtype == "bool":
        return np.arange(256, dtype=np.int32)
    return fixed_tables.rescaled_table(t.zero_point, *fixed_tables.comparison_multiplier(t.scale), 8)


@lowers("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
def comparison(ctx: Lowering, op: Op) -> None:
    """x > y is y < x: the operands of the GREATER ops change sides."""
    row = TABLE[op.kind]
    compare = getattr(np, row.numpy)
    if row.swaps:
        op = replace(op, inputs=op.inputs[1::-1])
    x, x2, _ = ctx.two(op)
    if x.dtype != x2.dtype:
        raise Unsupported(f"{x.dtype} and {x2.dtype} are compared", EXPORT)
    first, second = _comparable(x), _comparable(x2)

    def exact(a, b):
        a, b = first[a & 0xFF], second[b & 0xFF]
        return compare(b, a) if row.swaps else compare(a, b)

    if not one_value(ctx, op, exact):
        k = Constants()
        words = BINARY.words(table1_offset=k.add(first.astype("<i4")), table2_offset=k.add(second.astype("<i4")),
                             function=row.functions["binary"])  # fmt: skip
        pairwise(ctx, op, "binary", k, words, exact)


@lowers("SQUARED_DIFFERENCE")
def squared_difference(ctx: Lowering, op: Op) -> None:
    x, x2, y = ctx.two(op)
    *operands, total = fixed_tables.squared_difference_multipliers(x.scale, x2.scale, y.scale)
    first, second = (
        fixed_tables.rescaled_table(t.zero_point, *m, 7).astype(np.int64) for t, m in zip((x, x2), operands)
    )
    words = _rescaling(op, y, *total) | BINARY.words(function=TABLE[op.kind].functions["binary"])

    def exact(a, b):
        return _stored(words, _rescaled(words, (first[a & 0xFF] - second[b & 0xFF]) ** 2))

    if not one_value(ctx, op, exact):
        k = Constants()
        words |= BINARY.words(table1_offset=k.add(first.astype("<i4")), table2_offset=k.add(second.astype("<i4")))
        pairwise(ctx, op, "binary", k, words, exact)


@lowers("PRELU")
def prelu(ctx: Lowering, op: Op) -> None:
    """x where it is not negative, else x * alpha; one table per channel where alpha is constant (compose.py)."""
    x, alpha, y = ctx.two(op)
    above = fixed_point.quantize_multiplier(_float32(x.scale) / _float32(y.scale))
    multiplier, shift = fixed_point.mul_multiplier(x.scale, alpha.scale, y.scale)
    left, right = fixed_point.split_shift(shift)
    words = _rescaling(op, y, *above) | BINARY.words(
        x1_zero_point=x.zero_point, x2_zero_point=alpha.zero_point, function=TABLE[op.kind].functions["binary"],
        negative_multiplier=multiplier, negative_left_shift=left, negative_right_shift=right)  # fmt: skip

    def exact(a, b):
        a = np.asarray(a) - x.zero_point
        product = a * (np.asarray(b) - alpha.zero_point)
        negative = fixed_point.requantize(product, multiplier, left, right)
        return _stored(words, np.where(a >= 0, _rescaled(words, a), negative))

    if not one_value(ctx, op, exact):
        pairwise(ctx, op, "binary", Constants(), words, exact)


def _float32(scale: float) -> float:
    return float(np.float32(scale))


@lowers("SELECT", "SELECT_V2")
def select(ctx: Lowering, op: Op) -> None:
    """A copy of the second choice, then of the first where the condition holds."""
    condition, x, x2, y = *(ctx.input(op, n) for n in range(3)), ctx.output(op)
    if condition.dtype != "bool" or {x.dtype, x2.dtype} != {y.dtype}:
        raise Unsupported(
            f"it chooses {x.dtype} and {x2.dtype} by {condition.dtype} to {y.dtype}", "choose one type by bool"
        )
    k = Constants()
    refs = [ctx.operand(k, t) for t in (x, condition)]
    source = None if x2.constant else ctx.activation(x2)
    target = ctx.new_buffer(y)
    broadcast_copy(ctx, op.name, x2, y, target, source)
    item = x.item_bytes  # the bytes of an element are one more dimension, along which the condition stays
    strides = [[s * item for s in broadcast_strides(x.shape, y.shape)] + [1],
               broadcast_strides(condition.shape, y.shape) + [0]]  # fmt: skip
    walk = (*y.shape, item)
    kept, starts = boxes(merged(walk, [*strides, dense_strides(walk)]), 3, unroll_outermost=True)
    dims, strides = four(kept, 3)
    words = SELECT.words(dims=dims, x1_strides=strides[0], x2_strides=strides[1], flags=constant_flags(*refs))
    for x_at, x2_at, y_at in starts:
        ctx.emit(Step("select", op.name, refs[0], target, words, bytes(k.data), x2=refs[1], x_at=x_at,
                      x2_at=x2_at, y_at=y_at, partial=True))  # fmt: skip
