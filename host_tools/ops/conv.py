"""CONV_2D of int8 (weights of int8 or int4), and TRANSPOSE_CONV of int8 and int16."""

from __future__ import annotations

from ..arithmetic import fixed_point
from ..assembler.constants import Constants
from ..ir import Op
from ..record import TRANSPOSE_CONV
from .core import RECONVERT, Lowering, Step, Unsupported, check_activation, clamps, lowers
from .int16_weights import wide_channels, wide_weights
from .weights import RETRAIN, channel_multipliers, channel_table, dense_constants, offset_binary, weights
from .windows import window_words


@lowers("CONV_2D")
def conv_2d(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    w, bias = weights(ctx, op, y.shape[-1], 0)
    out_c, kh, kw, in_c = w.shape
    words = window_words(op, x, y, (kh, kw))
    if out_c != y.shape[3]:
        raise Unsupported(f"weights {w.shape} do not make {y.shape[3]} channels", RETRAIN)
    if in_c != x.shape[3]:
        raise Unsupported(
            f"grouped convolution ({x.shape[3]} channels in, weights for {in_c})", "use a normal or depthwise one"
        )
    multipliers = channel_multipliers(fixed_point.conv_multiplier, x, w, y, out_c)
    k, packed = dense_constants(ctx, "conv_2d", words, x, w, bias, multipliers)
    ctx.emit(Step("conv_2d", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  scratch_bytes=kh * kw * in_c, macs=y.size * kh * kw * in_c, options=packed.options, cut=k,
                  granule=packed.granule))  # fmt: skip


@lowers("TRANSPOSE_CONV")
@lowers("TRANSPOSE_CONV", int16=True)
def transpose_conv(ctx: Lowering, op: Op) -> None:
    """Each output sums the inputs whose window covers it, so that nothing is multiplied by inserted zeros."""
    x, y = ctx.input(op, 2), ctx.output(op)
    wide = y.dtype == "int16"
    for t in (x, y):
        check_activation(t, ("int16",) if wide else ("int8",))
    if len(x.shape) != 4 or len(y.shape) != 4 or x.shape[0] != y.shape[0]:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", RECONVERT)
    biases = ("int64", "int16") if wide else ("int32",)
    w, bias = wide_weights(ctx, op, y.shape[3], 0, bias_input=3, biases=biases, fix=RECONVERT)
    out_c, kh, kw, in_c = w.shape
    if out_c != y.shape[3] or in_c != x.shape[3]:
        raise Unsupported(f"weights {w.shape} do not lead from {x.shape} to {y.shape}", RECONVERT)
    pads = []
    for out_size, kernel, stride in zip(y.shape[1:3], (kh, kw), op.attrs["stride"]):
        same = op.attrs["padding"] == "SAME"
        forward = -(-out_size // stride) if same else (out_size + stride - kernel) // stride
        if forward < 1 or stride < 1:
            raise Unsupported(f"an output of {out_size} with a kernel of {kernel} and stride {stride}", RECONVERT)
        pads.append(max(0, (forward - 1) * stride + kernel - out_size) // 2)  # kernels/padding.h, of the output
    low, high = clamps(op, y)
    k = Constants()
    multipliers = channel_multipliers(fixed_point.conv_multiplier, x, w, y, out_c)
    if wide:
        table = wide_channels(bias, w.values.reshape(out_c, -1), multipliers, offset=0)
    else:
        table = channel_table(bias, multipliers)
    stride = op.attrs["stride"]
    words = TRANSPOSE_CONV.words(
        batches=x.shape[0], in_h=x.shape[1], in_w=x.shape[2], in_c=in_c, out_h=y.shape[1], out_w=y.shape[2],
        out_c=out_c, kernel_h=kh, kernel_w=kw, stride_h=stride[0], stride_w=stride[1], dilation_h=1,
        dilation_w=1, pad_top=pads[0], pad_left=pads[1], x_zero_point=x.zero_point, y_zero_point=y.zero_point,
        clamp_min=low, clamp_max=high, channels_offset=k.add(table), weights_offset=k.add(offset_binary(w.values)),
        wide=wide)  # fmt: skip
    ctx.emit(Step("transpose_conv", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  macs=x.size * kh * kw * out_c))  # fmt: skip
