"""Functions of one int8 tensor, all of them a table of 256 bytes; ADD, SUB and MUL of two tensors."""

from __future__ import annotations

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import tables as fixed_tables
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from .core import Lowering, Step, Unsupported, lowers
from .lookup import channel_form
from .movement import dense_strides, four, merged, pieces, raw_constant

_X_CONSTANT, _X2_CONSTANT = 1, 2  # flags in word 23


def broadcast_strides(shape: tuple[int, ...], out: tuple[int, ...]) -> list[int]:
    """Strides, in elements, of a dense tensor of `shape` seen as `out`: 0 where it is broadcast."""
    padded = (1,) * (len(out) - len(shape)) + shape
    if len(shape) > len(out) or any(d not in (1, o) for d, o in zip(padded, out)):
        raise Unsupported(f"shapes {shape} and {out} do not broadcast", "make the shapes fit")
    return [0 if d == 1 else s for d, s in zip(padded, dense_strides(padded))]


def clamps(op: Op, y: Tensor) -> tuple[int, int]:
    """(clamp_min, clamp_max) of the op's fused activation and of what passes.py has put behind it."""
    low, high = fixed_point.activation_range(op.attrs.get("activation", "NONE"), y.quant.scale, y.quant.zero_point)
    least, most = op.attrs.get("clamp", (low, high))
    return min(max(low, least), most), max(min(high, most), least)


def pairwise(ctx: Lowering, op: Op, kernel: str, k: Constants, words: dict[int, int], values=None) -> None:
    """The Steps of a kernel of two tensors, in pieces of four dimensions; `words` holds its own words, from 20.

    values(a, b): the op's exact result for arrays of raw int8 operands, where it is known.
    """
    x, x2 = (ctx.tensor(i) for i in op.inputs[:2])
    y = ctx.tensor(op.outputs[0])
    if np.broadcast_shapes(x.shape, x2.shape) != y.shape:
        raise Unsupported(f"shapes {x.shape} and {x2.shape} do not make {y.shape}", "export the model again")
    strides = [broadcast_strides(t.shape, y.shape) for t in (x, x2)]
    kept, starts = pieces(merged(y.shape, [*strides, dense_strides(y.shape)]), 3, unroll_outermost=True)
    dims, strides = four(kept, 3)
    words.update(enumerate(dims, 8))
    words.update(enumerate([s * x.item_bytes for s in strides[0]], 12))
    words.update(enumerate([s * x2.item_bytes for s in strides[1]], 16))
    refs, flags = [], 0
    for t, flag in ((x, _X_CONSTANT), (x2, _X2_CONSTANT)):
        if t.constant and t.id not in ctx.place:
            flags |= flag
            refs.append(k.add(raw_constant(t)))
        else:
            refs.append(ctx.activation(t))
    words[23] = flags
    inplace = tuple(r for r, t in zip(refs, (x, x2)) if isinstance(r, str) and t.size == y.size)
    if isinstance(refs[0], str) and refs[0] == refs[1] and x.size != x2.size:
        inplace = ()  # the same bytes in two shapes: one side would read what the other has overwritten
    if len(starts) > 1:
        inplace = ()
    channels = None
    if values is not None and len(starts) == 1:
        for t, other, ref, exact in ((x, x2, refs[0], values), (x2, x, refs[1], lambda a, b: values(b, a))):
            if other.constant and isinstance(ref, str):
                channels = channels or channel_form(t, other, y, ref, exact)
    target = ctx.new_buffer(y)
    for i, (x_at, x2_at, y_at) in enumerate(starts):
        ctx.emit(Step(kernel, op.name, refs[0], target, dict(words), bytes(k.data), x2=refs[1], inplace=inplace,
                      x_at=x_at * x.item_bytes, x2_at=x2_at * x2.item_bytes, y_at=y_at * y.item_bytes,
                      partial=i > 0, channels=channels))  # fmt: skip


def rescale_words(op: Op, y: Tensor, multiplier: int, shift: int) -> dict[int, int]:
    """Words 20 to 26 of a kernel that requantizes: eq. (3)."""
    left, right = fixed_point.split_shift(shift)
    low, high = clamps(op, y)
    return {20: multiplier, 21: left, 22: right, 24: y.quant.zero_point, 25: low, 26: high}


def two(ctx: Lowering, op: Op) -> tuple[Tensor, Tensor, Tensor]:
    return ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1]), ctx.tensor(op.outputs[0])


def sum_table(ctx: Lowering, op: Op, first: np.ndarray, second: np.ndarray, total: tuple[int, int], values) -> None:
    """ADD and SUB: both operands are tables of their values at a common scale, of which the sum is requantized."""
    k, words = Constants(), {}
    for word, table in zip((27, 28), (first, second)):
        words[word] = k.add(table.astype("<i4"))
    pairwise(ctx, op, "add", k, words | rescale_words(op, ctx.tensor(op.outputs[0]), *total), values)


def _add_tables(x: Tensor, x2: Tensor, y: Tensor):
    *operands, total = fixed_point.add_multipliers(x.quant.scale, x2.quant.scale, y.quant.scale)
    return *(fixed_point.add_table(t.quant.zero_point, *m) for t, m in zip((x, x2), operands)), total


def _sub_tables(x: Tensor, x2: Tensor, y: Tensor):
    *operands, total = fixed_tables.sub_multipliers(x.quant.scale, x2.quant.scale, y.quant.scale)
    first, second = (fixed_tables.rescaled_table(t.quant.zero_point, *m, 20) for t, m in zip((x, x2), operands))
    return first, -second, total


@lowers("ADD", "SUB")
def add(ctx: Lowering, op: Op) -> None:
    """SUB is an ADD of the negative table."""
    x, x2, y = two(ctx, op)
    first, second, total = (_add_tables if op.kind == "ADD" else _sub_tables)(x, x2, y)
    left, right = fixed_point.split_shift(total[1])
    low, high = clamps(op, y)

    def values(a, b):
        acc = first[a & 0xFF].astype(np.int64) + second[b & 0xFF]
        return _store(acc, total[0], left, right, y, low, high)

    if not one_value(ctx, op, values):
        sum_table(ctx, op, first, second, total, values)


@lowers("MUL")
def mul(ctx: Lowering, op: Op) -> None:
    x, x2, y = two(ctx, op)
    multiplier, shift = fixed_point.mul_multiplier(x.quant.scale, x2.quant.scale, y.quant.scale)
    left, right = fixed_point.split_shift(shift)
    low, high = clamps(op, y)

    def values(a, b):
        return _store((a - x.quant.zero_point) * (b - x2.quant.zero_point), multiplier, left, right, y, low, high)

    if not one_value(ctx, op, values):
        words = {27: x.quant.zero_point, 28: x2.quant.zero_point} | rescale_words(op, y, multiplier, shift)
        pairwise(ctx, op, "mul", Constants(), words, values)


def _store(acc, multiplier: int, left: int, right: int, y: Tensor, low: int, high: int) -> np.ndarray:
    """Eq. (3) of an array."""
    total = fixed_point.wrap32_array(fixed_point.requantize(acc, multiplier, left, right) + y.quant.zero_point)
    return np.clip(total, low, high)


def one_value(ctx: Lowering, op: Op, values) -> bool:
    """Whether y is a function of one tensor's values, because the other is one constant value, or the same tensor; then
    it is lowered to a table. values(a, b): the op's exact result for arrays of raw int8 operands."""
    x, x2, y = two(ctx, op)
    everything = fixed_tables.ALL_INT8
    for kept, other, first in ((x, x2, True), (x2, x, False)):
        if kept.shape != y.shape or kept.constant:
            continue
        if other.constant and other.size == 1:
            value = np.full(256, int(other.data.reshape(-1)[0]), np.int64)
        elif other.id == kept.id:
            value = everything
        else:
            continue
        result = values(everything, value) if first else values(value, everything)
        lut(ctx, op, np.asarray(result).astype(np.int64).astype(np.uint8), kept)
        return True
    return False


def lut(ctx: Lowering, op: Op, table: np.ndarray, x: Tensor | None = None) -> None:
    """y = table[x] of op's first output; another name for x where the table changes nothing."""
    x, y = x or ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if x.size != y.size:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", "export the model again")
    table = np.asarray(table).astype(np.int64).astype(np.uint8)
    source = ctx.activation(x)
    if (table == np.arange(256)).all() and x.id not in ctx.graph.inputs:
        ctx.alias(y, x)
        return
    ctx.emit(Step("lut", op.name, source, ctx.new_buffer(y), {8: y.size, 9: 0}, table.tobytes(), inplace=(source,)))


def _four(x: Tensor, y: Tensor) -> tuple[float, int, float, int]:
    return x.quant.scale, x.quant.zero_point, y.quant.scale, y.quant.zero_point


def _fixed_output(y: Tensor, scale: float, zero_point: int) -> None:
    if y.quant.zero_point != zero_point or y.quant.scale != scale:
        raise Unsupported(
            f"its output is not quantized to scale 1/{1 / scale:g}, zero point {zero_point}", "export the model again"
        )


def _logistic(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    _fixed_output(y, 1 / 256, -128)
    return fixed_point.logistic_table(x.quant.scale, x.quant.zero_point)


def _tanh(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    _fixed_output(y, 1 / 128, 0)
    return fixed_point.tanh_table(x.quant.scale, x.quant.zero_point)


def _real(function):
    return lambda op, x, y: fixed_tables.float_table(*_four(x, y), function)


def _gelu(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    function = fixed_tables.gelu_approximate if op.attrs["approximate"] else fixed_tables.gelu
    return fixed_tables.float_table(*_four(x, y), function)


def _bounded(low: float, high: float):
    return lambda op, x, y: fixed_tables.bounded_table(low, high, *_four(x, y))


def _neg(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    """LiteRT's kernel for integers: raw numbers, modulo 256, whatever the scales and zero points. TFLM has none."""
    if x.quant.zero_point or y.quant.zero_point or x.quant.scale != y.quant.scale:
        raise Unsupported("TensorFlow Lite Micro has it for real numbers only, and LiteRT negates the raw int8, which is the "
                          "negative only with equal scales and zero points of 0",
                          "subtract from 0 (SUB), or multiply by -1")  # fmt: skip
    return -np.arange(256)


def _quantize(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    if x.dtype == y.dtype == "uint8":
        raise Unsupported("uint8 to uint8", "export the model again with int8")
    return fixed_point.requantize_table(*_four(x, y), x.dtype, y.dtype)


# kind: (op, x, y) -> uint8[256] by raw byte of x
TABLES = {
    "RELU": lambda op, x, y: fixed_point.relu_table("RELU", *_four(x, y)),
    "RELU6": lambda op, x, y: fixed_point.relu_table("RELU6", *_four(x, y)),
    "RELU_N1_TO_1": _bounded(-1.0, 1.0),
    "RELU_0_TO_1": _bounded(0.0, 1.0),
    "LEAKY_RELU": lambda op, x, y: fixed_tables.leaky_relu_table(op.attrs["alpha"], *_four(x, y)),
    "ELU": _real(fixed_tables.elu),
    "GELU": _gelu,
    "HARD_SWISH": lambda op, x, y: fixed_tables.hard_swish_table(*_four(x, y)),
    "LOGISTIC": _logistic,
    "TANH": _tanh,
    "EXP": _real(fixed_tables.exp),
    "LOG": _real(fixed_tables.log),
    "NEG": _neg,
    "SQRT": lambda op, x, y: fixed_tables.sqrt_table(*_four(x, y)),
    "ABS": lambda op, x, y: fixed_tables.abs_table(*_four(x, y)),
    "RSQRT": lambda op, x, y: fixed_tables.rsqrt_table(*_four(x, y)),
    "QUANTIZE": _quantize,
    "TABLE": lambda op, x, y: np.frombuffer(op.attrs["table"], np.uint8),  # made by passes.py
}


@lowers(*TABLES)
def table(ctx: Lowering, op: Op) -> None:
    lut(ctx, op, TABLES[op.kind](op, ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])))


@lowers("LOGICAL_NOT")
def logical_not(ctx: Lowering, op: Op) -> None:
    lut(ctx, op, np.arange(256) == 0)
