"""BATCH_MATMUL and TRANSPOSE_CONV, of int8 and of int16."""

from __future__ import annotations

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import int16 as fixed_point16
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from .core import Lowering, Step, Unsupported, check_activation, lowers
from .elementwise import broadcast_strides, clamps
from .movement import raw_constant
from .recurrent import MAX_PRODUCTS
from .windows import _channel_table, _multipliers

_EXPORT = "export the model again with TFLiteConverter"
_RANK = 5  # of BATCH_MATMUL's operands, as in TFLM


def operand(k: Constants, ctx: Lowering, t: Tensor) -> str | int:
    """Where a kernel that takes constants finds t."""
    return k.add(raw_constant(t)) if t.constant and t.id not in ctx.place else ctx.activation(t)


@lowers("BATCH_MATMUL", checks=True)
@lowers("BATCH_MATMUL", int16=True)
def batch_matmul(ctx: Lowering, op: Op) -> None:
    """Transposed operands and shared batches are strides: nothing is moved."""
    a, b = (ctx.tensor(i) for i in op.inputs)
    y = ctx.tensor(op.outputs[0])
    for t in (a, b, y):
        check_activation(t, (y.dtype,) if y.dtype == "int16" else ("int8",))
    if not 2 <= min(len(a.shape), len(b.shape)) or max(len(a.shape), len(b.shape)) > _RANK:
        raise Unsupported(f"shapes {a.shape} and {b.shape}: 2 to {_RANK} dimensions", "reshape the operands")
    rows, depth = a.shape[-2:] if not op.attrs["adj_x"] else a.shape[:-3:-1]
    depth2, columns = b.shape[-2:] if not op.attrs["adj_y"] else b.shape[:-3:-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if depth != depth2 or y.shape[-2:] != (rows, columns) or y.size != int(np.prod(batch, dtype=int)) * rows * columns:
        raise Unsupported(f"shapes {a.shape} and {b.shape} do not make {y.shape}", _EXPORT)
    size = y.item_bytes
    batch = (1,) * (3 - len(batch)) + batch
    strides = []
    for t in (a, b):
        inner = t.shape[-2] * t.shape[-1] * size
        strides.append([s * inner for s in broadcast_strides(t.shape[:-2], batch)])
    x_steps = (size, rows * size) if op.attrs["adj_x"] else (depth * size, size)  # of a row, and along it
    y_steps = (depth * size, size) if op.attrs["adj_y"] else (size, columns * size)
    k = Constants()
    refs = [operand(k, ctx, t) for t in (a, b)]
    multiplier, shift = fixed_point16.matmul_multiplier(a.quant.scale, b.quant.scale, y.quant.scale)
    low, high = fixed_point16.limits(y.dtype)
    if y.dtype == "int16":
        if depth > MAX_PRODUCTS:
            raise Unsupported(f"{depth} products a sum", "use fewer")
        multiplier, left = fixed_point16.reduced_multiplier(multiplier, shift)
        right = 0
    else:
        left, right = fixed_point.split_shift(shift)
    words = dict(enumerate([*batch, rows, columns, depth, *strides[0], *x_steps, *strides[1], y_steps[0]], 8))
    words |= {23: isinstance(refs[0], int) | isinstance(refs[1], int) << 1 | (y.dtype == "int16") << 2, 24: y.quant.zero_point, 25: low, 26: high,
              27: a.quant.zero_point, 28: b.quant.zero_point, 29: multiplier, 30: left | right << 8, 31: y_steps[1]}  # fmt: skip
    ctx.emit(Step("batch_matmul", op.name, refs[0], ctx.new_buffer(y), words, bytes(k.data), x2=refs[1],
                  macs=y.size * depth))  # fmt: skip


@lowers("TRANSPOSE_CONV", checks=True)
@lowers("TRANSPOSE_CONV", int16=True)
def transpose_conv(ctx: Lowering, op: Op) -> None:
    """Its own kernel: each output sums the inputs whose window covers it, so nothing is multiplied by inserted zeros."""
    from .wide import clamps16, wide_channels, wide_weights  # here: that module needs this one's neighbours

    x, y = ctx.tensor(op.inputs[2]), ctx.tensor(op.outputs[0])
    for t in (x, y):
        check_activation(t, (y.dtype,) if y.dtype == "int16" else ("int8",))
    if len(x.shape) != 4 or len(y.shape) != 4 or x.shape[0] != y.shape[0]:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", _EXPORT)
    wide = y.dtype == "int16"
    w, bias = wide_weights(ctx, op, y.shape[3], 0, bias_place=3, biases=("int64", "int16") if wide else ("int32",))
    out_c, kh, kw, in_c = w.shape
    if out_c != y.shape[3] or in_c != x.shape[3]:
        raise Unsupported(f"weights {w.shape} do not lead from {x.shape} to {y.shape}", _EXPORT)
    pads = []
    for _in_size, out_size, kernel, stride in zip(x.shape[1:3], y.shape[1:3], (kh, kw), op.attrs["stride"]):
        same = op.attrs["padding"] == "SAME"
        forward = -(-out_size // stride) if same else (out_size + stride - kernel) // stride
        if forward < 1 or stride < 1:
            raise Unsupported(f"an output of {out_size} with a kernel of {kernel} and stride {stride}", _EXPORT)
        pads.append(max(0, (forward - 1) * stride + kernel - out_size) // 2)  # kernels/padding.h, of the output
    if wide:
        low, high = clamps16(op, y)
    else:
        low, high = clamps(op, y)
    values = [
        *x.shape,
        *y.shape[1:],
        kh,
        kw,
        *op.attrs["stride"],
        1,
        1,
        *pads,
        x.quant.zero_point,
        y.quant.zero_point,
        low,
        high,
    ]
    words = dict(enumerate(values, 8))
    words[29] = int(wide)
    k = Constants()
    multipliers = _multipliers(fixed_point.conv_multiplier, x, w, y, out_c)
    if wide:
        words[28] = k.add(wide_channels(bias, w.data.reshape(out_c, -1), multipliers, offset=0))
    else:
        words[28] = k.add(_channel_table(bias, multipliers))
    words[27] = k.add(w.data.view(np.uint8) ^ 0x80)
    ctx.emit(Step("transpose_conv", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  macs=x.size * kh * kw * out_c))  # fmt: skip
