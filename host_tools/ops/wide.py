"""int16x8: ops with int16 activations and int8 weights. int16 tensors are symmetric, sums have 64 bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import int16 as fixed_point16
from ..arithmetic import tables as fixed_tables
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from .core import Lowering, Step, Unsupported, check_activation, lowers
from .elementwise import pairwise
from .recurrent import check_wide, wide_bias
from .reductions import _five_dims
from .windows import _multipliers, _window_words

_EXPORT = "export the model again with TFLiteConverter's 16x8 quantization"


def clamps16(op: Op, y: Tensor) -> tuple[int, int]:
    """(clamp_min, clamp_max) of the op's fused activation and of what passes.py has put behind it."""
    low, high = fixed_point16.activation_range16(op.attrs.get("activation", "NONE"), y.quant.scale)
    least, most = op.attrs.get("clamp", (low, high))
    return min(max(low, least), most), max(min(high, most), least)


def _int16(ctx: Lowering, *ids: str) -> list[Tensor]:
    tensors = [ctx.tensor(i) for i in ids]
    for t in tensors:
        check_activation(t, ("int16",))
    return tensors


def wide_weights(ctx: Lowering, op: Op, channels: int, axis: int, bias_place: int = 2,
                 biases: tuple[str, ...] = ("int64", "int32")) -> tuple[Tensor, np.ndarray]:  # fmt: skip
    """The int8 weight tensor and the bias as int64[channels], checked."""
    w = ctx.tensor(op.inputs[1])
    if not w.constant or w.dtype != "int8" or w.quant is None or any(w.quant.zero_points):
        raise Unsupported("its weights are no constant symmetric int8", _EXPORT)
    if not all(0 < s < float("inf") for s in w.quant.scales):
        raise Unsupported("its weights have a scale that is no positive number", _EXPORT)
    if w.quant.per_channel and (len(w.quant.scales) != channels or w.quant.axis != axis):
        raise Unsupported(f"{len(w.quant.scales)} weight scales on axis {w.quant.axis}", _EXPORT)
    id = op.inputs[bias_place] if len(op.inputs) > bias_place else None
    if id is None:
        return w, np.zeros(channels, np.int64)
    b = ctx.tensor(id)
    if not b.constant or b.size != channels or b.dtype not in biases:
        if b.dtype == "int32" and op.kind == "DEPTHWISE_CONV_2D":
            raise Unsupported(f"its bias '{id}' has 32 bits, TensorFlow Lite Micro has 64 here",
                              "convert without _experimental_full_integer_quantization_bias_type")  # fmt: skip
        raise Unsupported(f"its bias '{id}' is no constant {' or '.join(biases)} with one value a channel", _EXPORT)
    return w, b.data.astype(np.int64).reshape(-1)


def _narrow(ctx: Lowering, op: Op) -> bool:
    """Whether sums have 32 bits: TFLM takes that from an int32 bias."""
    return len(op.inputs) > 2 and op.inputs[2] is not None and ctx.tensor(op.inputs[2]).dtype == "int32"


def wide_channels(bias: np.ndarray, rows: np.ndarray, multipliers, offset: int, narrow: bool = False) -> np.ndarray:
    """The wide channel table, 16 bytes an output channel (FORMAT.md). rows: int8[channel, products]; offset: what the
    kernel adds to every x."""
    if not narrow:
        check_wide(bias, rows)
    elif rows.shape[1] > 16384:
        raise Unsupported(f"{rows.shape[1]} products a sum", "use at most 16384")
    first = bias - offset * rows.astype(np.int64).sum(1)
    table = np.zeros(
        len(bias), np.dtype([("bias", wide_bias(first).dtype), ("m", "<i4"), ("l", "u1"), ("r", "u1"), ("z", "<u2")])
    )
    table["bias"] = wide_bias(first)
    for i, (multiplier, shift) in enumerate(multipliers):
        if narrow:
            table["m"][i] = multiplier
            table["l"][i], table["r"][i] = fixed_point.split_shift(shift)
        else:
            table["m"][i], table["l"][i] = fixed_point16.reduced_multiplier(multiplier, shift)
    return table


def _window16(op: Op, x: Tensor, y: Tensor, kernel) -> dict[int, int]:
    """Words 8 to 26; _window_words() with the clamps of int16."""
    plain = {k: v for k, v in op.attrs.items() if k != "clamp"} | {"activation": "NONE"}
    words = _window_words(Op(op.kind, op.name, op.inputs, op.outputs, plain), x, y, kernel)
    words[25], words[26] = clamps16(op, y)
    return words


def _rows(weights: np.ndarray) -> np.ndarray:
    """uint8[channel, products padded to 4], value + 128."""
    rows = weights.reshape(len(weights), -1)
    padded = np.zeros((len(rows), -(-rows.shape[1] // 4) * 4), np.int8)
    padded[:, : rows.shape[1]] = rows
    return padded.view(np.uint8) ^ 0x80


@lowers("CONV_2D", int16=True)
def conv_2d(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    w, bias = wide_weights(ctx, op, y.shape[-1], 0)
    out_c, kh, kw, in_c = w.shape
    words = _window16(op, x, y, (kh, kw))
    if out_c != words[14] or in_c != words[11]:
        raise Unsupported(
            f"weights {w.shape} do not lead from {x.shape} to {y.shape}", "use a convolution without groups"
        )
    _emit_conv(ctx, op, x, y, w, bias, words, _multipliers(fixed_point.conv_multiplier, x, w, y, out_c))


@lowers("FULLY_CONNECTED", int16=True)
def fully_connected(ctx: Lowering, op: Op) -> None:
    """The same kernel: rows of inputs are an image of one column."""
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    if op.attrs.get("weights_format", 0) or len(ctx.tensor(op.inputs[1]).shape) != 2:
        raise Unsupported("its weights are no plain matrix", _EXPORT)
    out_c, in_c = ctx.tensor(op.inputs[1]).shape
    w, bias = wide_weights(ctx, op, out_c, 0)
    rows, rest = divmod(x.size, in_c)
    if rest or y.size != rows * out_c:
        raise Unsupported(f"input {x.shape} does not fit weights {w.shape}", _EXPORT)
    low, high = clamps16(op, y)
    words = dict(enumerate([1, rows, 1, in_c, rows, 1, out_c, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, low, high], 8))
    multipliers = _multipliers(fixed_point.fully_connected_multiplier, x, w, y, out_c)
    _emit_conv(ctx, op, x, y, w, bias, words, multipliers)


def _emit_conv(ctx, op, x, y, w, bias, words, multipliers) -> None:
    rows = w.data.reshape(len(bias), -1)
    narrow = _narrow(ctx, op)
    k = Constants()
    words[28] = k.add(wide_channels(bias, rows, multipliers, 1 << 15, narrow))
    words[27] = k.add(_rows(rows))
    words[30] = int(narrow)
    ctx.emit(Step("conv_2d_16", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  scratch_bytes=2 * rows.shape[1], macs=y.size * rows.shape[1]))  # fmt: skip


@lowers("DEPTHWISE_CONV_2D", int16=True)
def depthwise_conv_2d(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    w, bias = wide_weights(ctx, op, y.shape[-1], 3, biases=("int64",))
    _, kh, kw, out_c = w.shape
    words = _window16(op, x, y, (kh, kw))
    words[29], rest = divmod(out_c, words[11])
    if rest or w.shape[0] != 1:
        raise Unsupported(f"weights {w.shape} do not fit {words[11]} input channels", _EXPORT)
    if kw > 256:
        raise Unsupported(f"a kernel {kw} wide", "use at most 256")
    k = Constants()
    rows = w.data.reshape(kh * kw, out_c).T
    words[28] = k.add(wide_channels(bias, rows, _multipliers(fixed_point.conv_multiplier, x, w, y, out_c), 0))
    words[27] = k.add(w.data.view(np.uint8) ^ 0x80)
    ctx.emit(Step("depthwise_conv_2d_16", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  macs=y.size * kh * kw))  # fmt: skip


@lowers("MAX_POOL_2D", "AVERAGE_POOL_2D", int16=True)
def pool(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    if abs(x.quant.scale - y.quant.scale) > 1e-6:  # PoolingPrepare
        raise Unsupported("its input and output have different scales", _EXPORT)
    words = _window16(op, x, y, op.attrs["kernel"])
    if words[11] != words[14] or words[15] * words[16] > 65535:
        raise Unsupported(f"{words[11]} channels become {words[14]}, window {op.attrs['kernel']}", _EXPORT)
    ctx.emit(Step(f"{op.kind.lower()}_16", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("MEAN", "SUM", int16=True)
def mean(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    axes = ctx.tensor(op.inputs[1])
    if not axes.constant:
        raise Unsupported("its axes are computed at run time", "make them constants")
    reduced = {int(a) % len(x.shape) for a in axes.data.reshape(-1)}
    dims = _five_dims(x.shape, reduced)
    n = dims[1] * dims[3]
    if y.size * n != x.size or n > 65535:
        raise Unsupported(f"shape {x.shape} over axes {sorted(reduced)} does not make {y.shape}", _EXPORT)
    if op.kind == "SUM":
        multiplier, shift = fixed_point16.requantize_multiplier(x.quant.scale, y.quant.scale)
    else:
        multiplier, shift = fixed_point.mean_multiplier(x.quant.scale, y.quant.scale, n)
    words = dict(enumerate([*dims, 0, multiplier, *fixed_point.split_shift(shift)], 8))
    words[25], words[26] = clamps16(op, y)
    ctx.emit(Step("mean_16", op.name, ctx.activation(x), ctx.new_buffer(y), words))


@lowers("ADD", "SUB", "MUL", int16=True)
def add_sub_mul(ctx: Lowering, op: Op) -> None:
    x, x2, y = _int16(ctx, *op.inputs, op.outputs[0])
    words = {}
    scales = (x.quant.scale, x2.quant.scale, y.quant.scale)
    if op.kind == "MUL":
        total = fixed_point.mul_multiplier(*scales)
    else:
        first, second, total = fixed_point16.add16_multipliers(op.kind, *scales)
        words |= {27: first[0], 28: second[0], 29: -first[1], 30: -second[1], 31: 1 if op.kind == "ADD" else 2}
    words[20] = total[0]
    words[21], words[22] = fixed_point.split_shift(total[1])
    words[25], words[26] = clamps16(op, y)
    pairwise(ctx, op, "pairwise_16", Constants(), words)


@lowers("SQUARED_DIFFERENCE", int16=True)
def squared_difference(ctx: Lowering, op: Op) -> None:
    x, x2, y = _int16(ctx, *op.inputs, op.outputs[0])
    first, second, total = fixed_tables.squared_difference_multipliers(x.quant.scale, x2.quant.scale, y.quant.scale, 0)
    words = {20: total[0], 27: first[0], 28: second[0], 29: -first[1], 30: -second[1], 31: 3}
    words[21], words[22] = fixed_point.split_shift(total[1])
    words[25], words[26] = clamps16(op, y)
    pairwise(ctx, op, "pairwise_16", Constants(), words)


@lowers("PRELU", int16=True)
def prelu(ctx: Lowering, op: Op) -> None:
    """Slopes are int8 constants in TFLM; the board has them as int16, their zero point subtracted."""
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    alpha = ctx.tensor(op.inputs[1])
    check_activation(alpha, ("int8",))
    if not alpha.constant:
        raise Unsupported("its slopes are computed at run time", "make them constants")
    above = fixed_point16.requantize_multiplier(x.quant.scale, y.quant.scale)
    below = fixed_point.mul_multiplier(x.quant.scale, alpha.quant.scale, y.quant.scale)
    slopes = replace(
        alpha,
        id=f"{op.name}/slopes",
        dtype="int16",
        data=alpha.data.astype(np.int16) - np.int16(alpha.quant.zero_point),
    )
    ctx.graph = ctx.graph.with_tensor(slopes)
    words = {20: below[0], 27: above[0], 31: 4}
    words[21], words[22] = fixed_point.split_shift(below[1])
    words[28], words[29] = fixed_point.split_shift(above[1])
    words[25], words[26] = clamps16(op, y)
    pairwise(ctx, replace(op, inputs=(x.id, slopes.id)), "pairwise_16", Constants(), words)


def _rescale(
    ctx: Lowering, op: Op, x: Tensor, y: Tensor, above, below, clamp: tuple[int, int], zero_point: int
) -> None:
    """y = clamp(x - x_zero_point times `above`, below 0 times `below`, plus zero_point)."""
    if x.size != y.size:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", "export the model again")
    source = ctx.activation(x)
    words = {8: y.size, 9: x.item_bytes, 10: y.item_bytes, 11: x.quant.zero_point, 12: above[0], 15: below[0],
             24: zero_point, 25: clamp[0], 26: clamp[1]}  # fmt: skip
    words[13], words[14] = fixed_point.split_shift(above[1])
    words[16], words[17] = fixed_point.split_shift(below[1])
    inplace = (source,) if y.item_bytes <= x.item_bytes else ()
    ctx.emit(Step("rescale", op.name, source, ctx.new_buffer(y), words, inplace=inplace))


@lowers("QUANTIZE", int16=True)
def quantize(ctx: Lowering, op: Op) -> None:
    """int8 to int16, int16 to int8, int16 to int16."""
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    for t in (x, y):
        check_activation(t, ("int8", "int16"))
    factor = fixed_point16.requantize_multiplier(x.quant.scale, y.quant.scale)
    _rescale(ctx, op, x, y, factor, factor, fixed_point16.limits(y.dtype), y.quant.zero_point)


@lowers("RELU", "RELU6", "LEAKY_RELU", int16=True)
def relu(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    if op.kind == "RELU":
        factor = fixed_point16.relu16_multiplier(x.quant.scale, y.quant.scale)
        _rescale(ctx, op, x, y, factor, factor, (0, fixed_point16.INT16_MAX), 0)
    elif op.kind == "RELU6":  # it looks at the input's scale only, as TFLM does
        one = (1 << 30, 1)
        _rescale(ctx, op, x, y, one, one, (0, fixed_point16.six16(x.quant.scale)), 0)
    else:
        if op.attrs["alpha"] < 0:
            raise Unsupported(f"alpha {op.attrs['alpha']:g}", "use a slope of 0 or more")
        above, below = fixed_point16.leaky_relu_multipliers(x.quant.scale, y.quant.scale, op.attrs["alpha"])
        _rescale(ctx, op, x, y, above, below, fixed_point16.limits("int16"), 0)


@lowers("ABS", int16=True)
def absolute(ctx: Lowering, op: Op) -> None:
    """Below 0 by the negative factor: the same product. With equal scales TFLM does not rescale, which a factor of 1 is."""
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    multiplier, shift = fixed_point16.requantize_multiplier(x.quant.scale, y.quant.scale)
    _rescale(ctx, op, x, y, (multiplier, shift), (-multiplier, shift), fixed_point16.limits("int16"), 0)


@lowers("LOGISTIC", "TANH", int16=True)
def sigmoid(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    if not fixed_point16.is_power16(y.quant.scale, -15):
        raise Unsupported("its output is not quantized to scale 1/32768", _EXPORT)
    if x.size != y.size:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", "export the model again")
    multiplier, shift = fixed_point16.sigmoid16_input(op.kind, x.quant.scale)
    k = Constants()
    source = ctx.activation(x)
    words = {
        8: y.size,
        9: multiplier,
        10: shift,
        11: int(op.kind == "TANH"),
        12: k.add(fixed_point16.sigmoid_table().astype("<u2")),
    }
    ctx.emit(Step("sigmoid_16", op.name, source, ctx.new_buffer(y), words, bytes(k.data), inplace=(source,)))


@lowers("SOFTMAX", int16=True)
def softmax(ctx: Lowering, op: Op) -> None:
    x, y = _int16(ctx, op.inputs[0], op.outputs[0])
    if abs(y.quant.scale - 1 / 32768) > 0.001 / 32768 or x.shape != y.shape:
        raise Unsupported("its output is not quantized to scale 1/32768", _EXPORT)
    depth = x.shape[-1]
    if depth > 32767:
        raise Unsupported(f"{depth} classes", "use fewer than 32768")
    k = Constants()
    exp, reciprocal = (k.add(t.astype("<i2")) for t in fixed_point16.softmax16_tables())
    multiplier, shift = fixed_point16.softmax16_multiplier(op.attrs.get("beta", 1.0), x.quant.scale)
    source = ctx.activation(x)
    words = {8: x.size // depth, 9: depth, 10: multiplier, 13: exp, 14: reciprocal}
    words[11], words[12] = fixed_point.split_shift(shift)
    ctx.emit(Step("softmax_16", op.name, source, ctx.new_buffer(y), words, bytes(k.data), inplace=(source,)))
