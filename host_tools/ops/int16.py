"""int16x8: ops with int16 activations and int8 weights. int16 tensors are symmetric, sums have 64 bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import int16 as fixed_point16
from ..arithmetic import tables as fixed_tables
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from ..record import CONV_16, DEPTHWISE_16, PAIRWISE_16, REDUCTION, RESCALE, SIGMOID_16, SOFTMAX_16
from .core import CONSTANTS, Lowering, Step, Unsupported, check_activation, clamps, lowers
from .elementwise import pairwise
from .int16_weights import EXPORT_16, wide_channels, wide_weights
from .reduce import five_dims
from .table import TABLE
from .weights import channel_multipliers, offset_binary, padded
from .windows import row_words, window_words


def _int16(ctx: Lowering, op: Op, inputs: int = 1) -> list[Tensor]:
    """The op's first inputs and its output, all of them int16."""
    tensors = [*(ctx.input(op, n) for n in range(inputs)), ctx.output(op)]
    for t in tensors:
        check_activation(t, ("int16",))
    return tensors


@lowers("CONV_2D", int16=True)
def conv_2d(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op)
    w, bias = wide_weights(ctx, op, y.shape[-1], 0)
    out_c, kh, kw, in_c = w.shape
    words = window_words(op, x, y, (kh, kw))
    if out_c != y.shape[3] or in_c != x.shape[3]:
        raise Unsupported(
            f"weights {w.shape} do not lead from {x.shape} to {y.shape}", "use a convolution without groups"
        )
    _emit_conv(ctx, op, w, bias, words, channel_multipliers(fixed_point.conv_multiplier, x, w, y, out_c))


@lowers("FULLY_CONNECTED", int16=True)
def fully_connected(ctx: Lowering, op: Op) -> None:
    """The same kernel: rows of inputs are an image of one column."""
    x, y = _int16(ctx, op)
    if op.attrs.get("weights_format", 0) or len(ctx.input(op, 1).shape) != 2:
        raise Unsupported("its weights are no plain matrix", EXPORT_16)
    out_c, in_c = ctx.input(op, 1).shape
    w, bias = wide_weights(ctx, op, out_c, 0)
    rows, rest = divmod(x.size, in_c)
    if rest or y.size != rows * out_c:
        raise Unsupported(f"input {x.shape} does not fit weights {w.shape}", EXPORT_16)
    words = row_words(op, x, y, rows, in_c, out_c)
    multipliers = channel_multipliers(fixed_point.fully_connected_multiplier, x, w, y, out_c)
    _emit_conv(ctx, op, w, bias, words, multipliers)


def _emit_conv(ctx: Lowering, op: Op, w: Tensor, bias: np.ndarray, words: dict[int, int],
               multipliers: list[tuple[int, int]]) -> None:  # fmt: skip
    """Sums have 32 bits where the bias has: that is how TFLM tells."""
    x, y = ctx.one(op)
    rows = w.values.reshape(len(bias), -1)
    narrow = len(op.inputs) > 2 and op.inputs[2] is not None and ctx.input(op, 2).dtype == "int32"
    k = Constants()
    words |= CONV_16.words(channels_offset=k.add(wide_channels(bias, rows, multipliers, 1 << 15, narrow)),
                           weights_offset=k.add(offset_binary(padded(rows))), bias_32=narrow)  # fmt: skip
    ctx.emit(Step("conv_2d_16", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  scratch_bytes=2 * rows.shape[1], macs=y.size * rows.shape[1]))  # fmt: skip


@lowers("DEPTHWISE_CONV_2D", int16=True)
def depthwise_conv_2d(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op)
    if len(op.inputs) > 2 and op.inputs[2] is not None and ctx.input(op, 2).dtype == "int32":
        raise Unsupported(f"its bias '{op.inputs[2]}' has 32 bits, TensorFlow Lite Micro has 64 here",
                          "convert without _experimental_full_integer_quantization_bias_type")  # fmt: skip
    w, bias = wide_weights(ctx, op, y.shape[-1], 3, biases=("int64",))
    _, kh, kw, out_c = w.shape
    words = window_words(op, x, y, (kh, kw))
    multiplier, rest = divmod(out_c, x.shape[3])
    if rest or w.shape[0] != 1:
        raise Unsupported(f"weights {w.shape} do not fit {x.shape[3]} input channels", EXPORT_16)
    if kw > 256:
        raise Unsupported(f"a kernel {kw} wide", "use at most 256")
    k = Constants()
    rows = w.values.reshape(kh * kw, out_c).T
    multipliers = channel_multipliers(fixed_point.conv_multiplier, x, w, y, out_c)
    words |= DEPTHWISE_16.words(depth_multiplier=multiplier,
                                channels_offset=k.add(wide_channels(bias, rows, multipliers, 0)),
                                weights_offset=k.add(offset_binary(w.values)))  # fmt: skip
    ctx.emit(Step("depthwise_conv_2d_16", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  macs=y.size * kh * kw))  # fmt: skip


@lowers("MAX_POOL_2D", "AVERAGE_POOL_2D", int16=True)
def pool(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op)
    if abs(x.scale - y.scale) > 1e-6:  # PoolingPrepare
        raise Unsupported("its input and output have different scales", EXPORT_16)
    kernel = op.attrs["kernel"]
    words = window_words(op, x, y, kernel)
    if x.shape[3] != y.shape[3] or kernel[0] * kernel[1] > 65535:
        raise Unsupported(f"{x.shape[3]} channels become {y.shape[3]}, window {kernel}", EXPORT_16)
    ctx.emit(Step(f"{op.kind.lower()}_16", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("MEAN", "SUM", int16=True)
def mean(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op)
    reduced, dims = five_dims(ctx, op)
    n = dims["r1"] * dims["r2"]
    if y.size * n != x.size or n > 65535:
        raise Unsupported(f"shape {x.shape} over axes {reduced} does not make {y.shape}", EXPORT_16)
    if op.kind == "SUM":
        multiplier, shift = fixed_point16.requantize_multiplier(x.scale, y.scale)
    else:
        multiplier, shift = fixed_point.mean_multiplier(x.scale, y.scale, n)
    left, right = fixed_point.split_shift(shift)
    low, high = clamps(op, y)
    words = REDUCTION.words(**dims, acc_offset=0, multiplier=multiplier, left_shift=left, right_shift=right,
                            clamp_min=low, clamp_max=high)  # fmt: skip
    ctx.emit(Step("mean_16", op.name, ctx.activation(x), ctx.new_buffer(y), words))


def _pair_words(op: Op, y: Tensor, total: tuple[int, int], **words: int) -> dict[int, int]:
    """The words of pairwise_16: those of the requantization, the clamps, the function, and `words`."""
    left, right = fixed_point.split_shift(total[1])
    low, high = clamps(op, y)
    return PAIRWISE_16.words(multiplier=total[0], left_shift=left, right_shift=right, clamp_min=low, clamp_max=high,
                             function=TABLE[op.kind].functions["pairwise_16"], **words)  # fmt: skip


def _operand_words(first: tuple[int, int], second: tuple[int, int]) -> dict[str, int]:
    """How both operands come to a common scale; their shifts are to the right."""
    return {
        "x1_multiplier": first[0],
        "x2_multiplier": second[0],
        "x1_right_shift": -first[1],
        "x2_right_shift": -second[1],
    }


@lowers("ADD", "SUB", int16=True)
def add(ctx: Lowering, op: Op) -> None:
    x, x2, y = _int16(ctx, op, 2)
    first, second, total = fixed_point16.add16_multipliers(op.kind, x.scale, x2.scale, y.scale)
    pairwise(ctx, op, "pairwise_16", Constants(), _pair_words(op, y, total, **_operand_words(first, second)))


@lowers("MUL", int16=True)
def mul(ctx: Lowering, op: Op) -> None:
    x, x2, y = _int16(ctx, op, 2)
    total = fixed_point.mul_multiplier(x.scale, x2.scale, y.scale)
    pairwise(ctx, op, "pairwise_16", Constants(), _pair_words(op, y, total))


@lowers("SQUARED_DIFFERENCE", int16=True)
def squared_difference(ctx: Lowering, op: Op) -> None:
    x, x2, y = _int16(ctx, op, 2)
    first, second, total = fixed_tables.squared_difference_multipliers(x.scale, x2.scale, y.scale, 0)
    pairwise(ctx, op, "pairwise_16", Constants(), _pair_words(op, y, total, **_operand_words(first, second)))


@lowers("PRELU", int16=True)
def prelu(ctx: Lowering, op: Op) -> None:
    """Slopes are int8 constants in TFLM; the board has them as int16, their zero point subtracted."""
    x, y = _int16(ctx, op)
    alpha = ctx.input(op, 1)
    check_activation(alpha, ("int8",))
    if not alpha.constant:
        raise Unsupported("its slopes are computed at run time", CONSTANTS)
    above = fixed_point16.requantize_multiplier(x.scale, y.scale)
    left, right = fixed_point.split_shift(above[1])
    below = fixed_point.mul_multiplier(x.scale, alpha.scale, y.scale)
    centred = alpha.values.astype(np.int16) - np.int16(alpha.zero_point)
    slopes = replace(alpha, id=f"{op.name}/slopes", dtype="int16", data=centred)
    ctx.graph = ctx.graph.with_tensor(slopes)
    words = _pair_words(
        op, y, below, positive_multiplier=above[0], positive_left_shift=left, positive_right_shift=right
    )
    pairwise(ctx, replace(op, inputs=(x.id, slopes.id)), "pairwise_16", Constants(), words)


def _rescale(ctx: Lowering, op: Op, above: tuple[int, int], below: tuple[int, int], clamp: tuple[int, int]) -> None:
    """y = clamp(x - x_zero_point times `above`, below 0 times `below`, plus y_zero_point)."""
    x, y = ctx.one(op)
    source = ctx.activation(x)
    left, right = fixed_point.split_shift(above[1])
    negative_left, negative_right = fixed_point.split_shift(below[1])
    words = RESCALE.words(
        count=y.size, x_bytes=x.item_bytes, y_bytes=y.item_bytes, x_zero_point=x.zero_point, multiplier=above[0],
        left_shift=left, right_shift=right, negative_multiplier=below[0], negative_left_shift=negative_left,
        negative_right_shift=negative_right, y_zero_point=y.zero_point, clamp_min=clamp[0],
        clamp_max=clamp[1])  # fmt: skip
    inplace = (source,) if y.item_bytes <= x.item_bytes else ()
    ctx.emit(Step("rescale", op.name, source, ctx.new_buffer(y), words, inplace=inplace))


@lowers("QUANTIZE", int16=True)
def quantize(ctx: Lowering, op: Op) -> None:
    """int8 to int16, int16 to int8, int16 to int16."""
    x, y = ctx.one(op)
    for t in (x, y):
        check_activation(t, ("int8", "int16"))
    factor = fixed_point16.requantize_multiplier(x.scale, y.scale)
    _rescale(ctx, op, factor, factor, fixed_point16.limits(y.dtype))


@lowers("RELU", int16=True)
def relu(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op)
    factor = fixed_point16.relu16_multiplier(x.scale, y.scale)
    _rescale(ctx, op, factor, factor, (0, fixed_point16.INT16_MAX))


@lowers("RELU6", int16=True)
def relu6(ctx: Lowering, op: Op) -> None:
    """It looks at the input's scale only, as TFLM does."""
    x, _ = _int16(ctx, op)
    one = (1 << 30, 1)
    _rescale(ctx, op, one, one, (0, fixed_point16.six16(x.scale)))


@lowers("LEAKY_RELU", int16=True)
def leaky_relu(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op)
    if op.attrs["alpha"] < 0:
        raise Unsupported(f"alpha {op.attrs['alpha']:g}", "use a slope of 0 or more")
    above, below = fixed_point16.leaky_relu_multipliers(x.scale, y.scale, op.attrs["alpha"])
    _rescale(ctx, op, above, below, fixed_point16.limits("int16"))


@lowers("ABS", int16=True)
def absolute(ctx: Lowering, op: Op) -> None:
    """Below 0 by the negative factor: the same product. With equal scales, where TFLM does not rescale, it is 1."""
    x, y = _int16(ctx, op)
    multiplier, shift = fixed_point16.requantize_multiplier(x.scale, y.scale)
    _rescale(ctx, op, (multiplier, shift), (-multiplier, shift), fixed_point16.limits("int16"))


@lowers("LOGISTIC", "TANH", int16=True)
def sigmoid(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op)
    if not fixed_point16.is_power16(y.scale, -15):
        raise Unsupported("its output is not quantized to scale 1/32768", EXPORT_16)
    multiplier, shift = fixed_point16.sigmoid16_input(op.kind, x.scale)
    k = Constants()
    source = ctx.activation(x)
    words = SIGMOID_16.words(count=y.size, multiplier=multiplier, right_shift=shift, tanh=op.kind == "TANH",
                             table_offset=k.add(fixed_point16.sigmoid_table().astype("<u2")))  # fmt: skip
    ctx.emit(Step("sigmoid_16", op.name, source, ctx.new_buffer(y), words, bytes(k.data), inplace=(source,)))


@lowers("SOFTMAX", int16=True)
def softmax(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op)
    if abs(y.scale - 1 / 32768) > 0.001 / 32768:
        raise Unsupported("its output is not quantized to scale 1/32768", EXPORT_16)
    depth = x.shape[-1]
    if depth > 32767:
        raise Unsupported(f"{depth} classes", "use fewer than 32768")
    k = Constants()
    exp, reciprocal = (k.add(t.astype("<i2")) for t in fixed_point16.softmax16_tables())
    multiplier, shift = fixed_point16.softmax16_multiplier(op.attrs.get("beta", 1.0), x.scale)
    left, right = fixed_point.split_shift(shift)
    source = ctx.activation(x)
    words = SOFTMAX_16.words(rows=x.size // depth, depth=depth, multiplier=multiplier, left_shift=left,
                             right_shift=right, exp_offset=exp, reciprocal_offset=reciprocal)  # fmt: skip
    ctx.emit(Step("softmax_16", op.name, source, ctx.new_buffer(y), words, bytes(k.data), inplace=(source,)))
