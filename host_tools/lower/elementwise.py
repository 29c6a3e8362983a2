"""ADD and MUL of two tensors; everything of one int8 tensor is a table of 256 bytes."""

from __future__ import annotations

import numpy as np

from .. import fixed_point
from ..ir import Op, Tensor
from . import Constants, Lowering, Step, Unsupported, lowers
from .movement import collapse, dense_strides

_X_CONSTANT, _X2_CONSTANT = 1, 2  # flags in word 23


def _broadcast_strides(shape: tuple[int, ...], out: tuple[int, ...]) -> list[int]:
    """Byte strides of a dense tensor of `shape` seen as `out`: 0 where it is broadcast."""
    padded = (1,) * (len(out) - len(shape)) + shape
    if any(d not in (1, o) for d, o in zip(padded, out)):
        raise Unsupported(f"shapes {shape} and {out} do not broadcast", "make the shapes fit")
    return [0 if d == 1 else s for d, s in zip(padded, dense_strides(padded))]


def _pairwise(ctx: Lowering, op: Op, k: Constants, words: dict[int, int],
              multiplier: tuple[int, int]) -> None:  # fmt: skip
    """Words 8 to 26 of a pairwise record and its Step; `words` holds 27 and 28 already."""
    x, x2 = (ctx.tensor(i) for i in op.inputs)
    y = ctx.tensor(op.outputs[0])
    if np.broadcast_shapes(x.shape, x2.shape) != y.shape:
        raise Unsupported(f"shapes {x.shape} and {x2.shape} do not make {y.shape}", "export the model again")
    strides = [_broadcast_strides(t.shape, y.shape) for t in (x, x2)]
    dims, strides = collapse(y.shape, strides)
    words.update(enumerate(dims, 8))
    words.update(enumerate(strides[0], 12))
    words.update(enumerate(strides[1], 16))
    words[20] = multiplier[0]
    words[21], words[22] = fixed_point.split_shift(multiplier[1])
    words[24] = y.quant.zero_point
    words[25], words[26] = fixed_point.activation_range(op.attrs["activation"], y.quant.scale, y.quant.zero_point)
    refs, flags = [], 0
    for t, flag in ((x, _X_CONSTANT), (x2, _X2_CONSTANT)):
        if t.constant:
            flags |= flag
            refs.append(k.add(t.data.astype(np.int8)))
        else:
            refs.append(ctx.activation(t))
    words[23] = flags
    inplace = tuple(r for r, t in zip(refs, (x, x2)) if isinstance(r, str) and t.size == y.size)
    if isinstance(refs[0], str) and refs[0] == refs[1] and x.size != x2.size:
        inplace = ()  # the same bytes in two shapes: one side would read what the other has overwritten
    ctx.emit(
        Step(op.kind.lower(), op.name, refs[0], ctx.new_buffer(y), words, bytes(k.data), x2=refs[1], inplace=inplace)
    )


@lowers("ADD")
def add(ctx: Lowering, op: Op) -> None:
    """Both operands become tables of their values at a common scale; their sum is requantized."""
    x, x2 = (ctx.tensor(i) for i in op.inputs)
    y = ctx.tensor(op.outputs[0])
    *operands, total = fixed_point.add_multipliers(x.quant.scale, x2.quant.scale, y.quant.scale)
    k, words = Constants(), {}
    for word, t, (multiplier, shift) in zip((27, 28), (x, x2), operands):
        words[word] = k.add(fixed_point.add_table(t.quant.zero_point, multiplier, shift).astype("<i4"))
    _pairwise(ctx, op, k, words, total)


@lowers("MUL")
def mul(ctx: Lowering, op: Op) -> None:
    x, x2 = (ctx.tensor(i) for i in op.inputs)
    y = ctx.tensor(op.outputs[0])
    words = {27: x.quant.zero_point, 28: x2.quant.zero_point}
    _pairwise(ctx, op, Constants(), words, fixed_point.mul_multiplier(x.quant.scale, x2.quant.scale, y.quant.scale))


def _lut(ctx: Lowering, op: Op, table: np.ndarray) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if x.size != y.size:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", "export the model again")
    source = ctx.activation(x)
    ctx.emit(Step("lut", op.name, source, ctx.new_buffer(y), {8: y.size, 9: 0},
                  np.asarray(table).astype(np.uint8).tobytes(), inplace=(source,)))  # fmt: skip


@lowers("RELU", "RELU6")
def relu(ctx: Lowering, op: Op) -> None:
    x, y = _both(ctx, op)
    _lut(ctx, op, fixed_point.relu_table(op.kind, x.quant.scale, x.quant.zero_point, y.quant.scale, y.quant.zero_point))


@lowers("LOGISTIC")
def logistic(ctx: Lowering, op: Op) -> None:
    x, y = _both(ctx, op)
    if y.quant.zero_point != -128 or y.quant.scale != 1 / 256:
        raise Unsupported("its output is not quantized to scale 1/256, zero point -128", "export the model again")
    _lut(ctx, op, fixed_point.logistic_table(x.quant.scale, x.quant.zero_point))


@lowers("TANH")
def tanh(ctx: Lowering, op: Op) -> None:
    x, y = _both(ctx, op)
    if y.quant.zero_point != 0 or y.quant.scale != 1 / 128:
        raise Unsupported("its output is not quantized to scale 1/128, zero point 0", "export the model again")
    _lut(ctx, op, fixed_point.tanh_table(x.quant.scale, x.quant.zero_point))


@lowers("QUANTIZE")
def quantize(ctx: Lowering, op: Op) -> None:
    x, y = _both(ctx, op)
    if x.dtype == y.dtype == "uint8":
        raise Unsupported("uint8 to uint8", "export the model again with int8")
    _lut(ctx, op, fixed_point.requantize_table(
        x.quant.scale, x.quant.zero_point, y.quant.scale, y.quant.zero_point, x.dtype, y.dtype))  # fmt: skip


def _both(ctx: Lowering, op: Op) -> tuple[Tensor, Tensor]:
    return ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
