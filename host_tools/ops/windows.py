"""Convolutions, fully connected layers and pools: everything that slides a window."""

from __future__ import annotations

import numpy as np

from ..arithmetic import fixed_point
from ..assembler import targets as fast_forms
from ..assembler.constants import Constants
from ..assembler.layer import CHANNEL, Fast, Layer
from ..ir import Op, Tensor
from .core import Lowering, Step, Unsupported, lowers
from .elementwise import clamps

_RETRAIN = "export the layer again with TFLiteConverter's int8 quantization"


def _padding(op: Op, axis: int, in_size: int, kernel: int, out_size: int) -> int:
    """Rows (axis 0) or columns (axis 1) of padding before the input: TFLite `ComputePadding` (kernels/padding.h)."""
    stride, dilation = op.attrs["stride"][axis], op.attrs.get("dilation", (1, 1))[axis]
    size = op.attrs.get("padded_size", (in_size, in_size))[axis] if "padded_size" in op.attrs else in_size
    reach = (kernel - 1) * dilation + 1
    expected = -(-size // stride) if op.attrs["padding"] == "SAME" else (size - reach) // stride + 1
    if expected != out_size:
        raise Unsupported(f"its output has {out_size} rows or columns, {expected} follow from its input", _RETRAIN)
    own = max(0, (out_size - 1) * stride + reach - size) // 2 if op.attrs["padding"] == "SAME" else 0
    return own + op.attrs.get("extra_pad", (0, 0))[axis]


def _window_words(op: Op, x: Tensor, y: Tensor, kernel: tuple[int, int]) -> dict[int, int]:
    """Words 8 to 26 of a window record (FORMAT.md)."""
    if len(x.shape) != 4 or len(y.shape) != 4:
        raise Unsupported(f"its input has shape {x.shape}, four dimensions (NHWC) are needed", _RETRAIN)
    n, in_h, in_w, in_c = x.shape
    _, out_h, out_w, out_c = y.shape
    if y.shape[0] != n:
        raise Unsupported(f"batches of {n} become {y.shape[0]}", _RETRAIN)
    if min(*kernel, *op.attrs["stride"], *op.attrs.get("dilation", (1, 1))) < 1:
        raise Unsupported("a kernel size, stride or dilation below 1", _RETRAIN)
    low, high = clamps(op, y)
    stride, dilation = op.attrs["stride"], op.attrs.get("dilation", (1, 1))
    values = [n, in_h, in_w, in_c, out_h, out_w, out_c, *kernel, *stride, *dilation,
              _padding(op, 0, in_h, kernel[0], out_h), _padding(op, 1, in_w, kernel[1], out_w),
              x.quant.zero_point, y.quant.zero_point, low, high]  # fmt: skip
    return dict(enumerate(values, 8))


def _weights(ctx: Lowering, op: Op, channels: int, axis: int) -> tuple[Tensor, np.ndarray]:
    """The weight tensor and the bias as int64[channels], checked."""
    w = ctx.tensor(op.inputs[1])
    if not w.constant:
        raise Unsupported("its weights are computed at run time", "make them constants")
    if w.data.shape != w.shape or any(w.quant.zero_points):
        raise Unsupported("its weights are not symmetric int8", _RETRAIN)
    if w.dtype == "int4" and op.kind == "DEPTHWISE_CONV_2D":
        raise Unsupported("int4 weights of a depthwise convolution", "leave its weights int8: there are few of them")
    if w.quant.per_channel and (len(w.quant.scales) != channels or w.quant.axis != axis):
        raise Unsupported(f"{len(w.quant.scales)} weight scales on axis {w.quant.axis}", _RETRAIN)
    bias = np.zeros(channels, np.int64)
    if len(op.inputs) > 2 and op.inputs[2] is not None:
        b = ctx.tensor(op.inputs[2])
        if not b.constant or b.size != channels:
            raise Unsupported("its bias is not a constant with one value a channel", _RETRAIN)
        bias = b.data.astype(np.int64).reshape(-1)
    return w, bias


def _channel_table(first_words: np.ndarray, multipliers: list[tuple[int, int]]) -> np.ndarray:
    """12 bytes a channel: {i32 first word, i32 multiplier, u8 left, u8 right, u16 0} (FORMAT.md, channel table)."""
    table = np.zeros(len(first_words), CHANNEL)
    table["k"] = first_words & 0xFFFFFFFF
    for i, (multiplier, shift) in enumerate(multipliers):
        table["m"][i] = multiplier
        table["l"][i], table["r"][i] = fixed_point.split_shift(shift)
    return table


def _short_channel_table(first_words: np.ndarray, multipliers: list[tuple[int, int]]) -> np.ndarray:
    """8 bytes a channel: {i32 first word, u16 multiplier, u8 left, u8 right} (FORMAT.md, short channel table)."""
    table = np.zeros(len(first_words), np.dtype([("k", "<u4"), ("m", "<u2"), ("l", "u1"), ("r", "u1")]))
    table["k"] = first_words & 0xFFFFFFFF
    for i, pair in enumerate(multipliers):
        table["m"][i], shift = fixed_point.short_multiplier(*pair)
        table["l"][i], table["r"][i] = fixed_point.split_shift(shift)
    return table


def _dense_constants(ctx: Lowering, kernel: str, words: dict[int, int], x: Tensor, w: Tensor, bias: np.ndarray,
                     multipliers: list[tuple[int, int]]) -> tuple[Constants, Fast]:  # fmt: skip
    """Constants of conv_2d and fully_connected, their words, and the fast form, if any."""
    k = Constants()
    weights = w.data.reshape(len(bias), -1)
    if w.dtype == "int4":
        short = _short_channel_table(_folded_bias(x, bias, weights), multipliers)
        words[27] = k.add(fixed_point.pack_int4(weights))
        words[28] = k.add(short)
        words[34] = 1
        pairs = [(int(e["m"]) << 15, int(e["l"]) - int(e["r"])) for e in short]
        channels = _channel_table(short["k"], pairs)
        return k, _add_fast_form(ctx, kernel + "_int4", words, k, x, bias, _padded(weights), channels)
    channels = _channel_table(_folded_bias(x, bias, weights), multipliers)
    words[28] = k.add(channels)
    rows = _padded(weights)
    words[27] = k.add(_offset_binary(rows))
    return k, _add_fast_form(ctx, kernel, words, k, x, bias, rows, channels)


def _multipliers(formula, x: Tensor, w: Tensor, y: Tensor, channels: int) -> list[tuple[int, int]]:
    """(multiplier, shift) of each output channel; one weight scale serves them all."""
    scales = w.quant.scales if w.quant.per_channel else w.quant.scales * channels
    return [formula(x.quant.scale, s, y.quant.scale) for s in scales]


def _folded_bias(x: Tensor, bias: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """bias - (x_zero_point + 128) * sum(w), weights in [channel, ...] order."""
    return bias - (x.quant.zero_point + 128) * weights.reshape(len(bias), -1).astype(np.int64).sum(1)


def _padded(weights: np.ndarray) -> np.ndarray:
    """int8[channels, products] with zeros behind each row, up to a multiple of 4."""
    return np.pad(weights, ((0, 0), (0, -weights.shape[1] % 4)))


def _offset_binary(weights: np.ndarray) -> np.ndarray:
    return weights.astype(np.int8).view(np.uint8) ^ 0x80


def _add_fast_form(ctx: Lowering, kernel: str, words: dict[int, int], k: Constants, x: Tensor, bias: np.ndarray,
                   rows: np.ndarray, channels: np.ndarray) -> Fast:  # fmt: skip
    """Adds the target's fast form, if it has one, to words and constants. rows: int8[channels, products]."""
    first = bias - x.quant.zero_point * rows.astype(np.int64).sum(1)
    fast = fast_forms.make(ctx.target, kernel, Layer(words, rows, first, channels, k))
    if fast is None:
        return Fast({})
    words.update(fast.words)
    return fast


@lowers("CONV_2D")
def conv_2d(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    w, bias = _weights(ctx, op, y.shape[-1], 0)
    out_c, kh, kw, in_c = w.shape
    words = _window_words(op, x, y, (kh, kw))
    if out_c != words[14]:
        raise Unsupported(f"weights {w.shape} do not make {words[14]} channels", _RETRAIN)
    if in_c != words[11]:
        raise Unsupported(
            f"grouped convolution ({words[11]} channels in, weights for {in_c})", "use a normal or depthwise one"
        )
    multipliers = _multipliers(fixed_point.conv_multiplier, x, w, y, out_c)
    k, fast = _dense_constants(ctx, "conv_2d", words, x, w, bias, multipliers)
    macs = y.size * kh * kw * in_c
    ctx.emit(Step("conv_2d", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  scratch_bytes=kh * kw * in_c, macs=macs, options=fast.options, cut=k, granule=fast.granule))  # fmt: skip


@lowers("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    w, bias = _weights(ctx, op, y.shape[-1], 3)
    _, kh, kw, out_c = w.shape
    words = _window_words(op, x, y, (kh, kw))
    multiplier, rest = divmod(out_c, words[11])
    if rest or w.shape[0] != 1:
        raise Unsupported(f"weights {w.shape} do not fit {words[11]} input channels", _RETRAIN)
    words[29] = multiplier
    k = Constants()
    channels = _channel_table(bias, _multipliers(fixed_point.conv_multiplier, x, w, y, out_c))
    words[28] = k.add(channels)
    stored = _offset_binary(w.data)
    words[27] = k.add(stored, lambda first, last: stored[..., first:last])
    rows = w.data.reshape(kh * kw, out_c).T
    fast = _add_fast_form(ctx, "depthwise_conv_2d", words, k, x, bias, rows, channels)
    ctx.emit(Step("depthwise_conv_2d", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  macs=y.size * kh * kw, options=fast.options, cut=k, granule=multiplier))  # fmt: skip


@lowers("FULLY_CONNECTED")
def fully_connected(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if op.attrs.get("weights_format", 0):
        raise Unsupported("shuffled weights", _RETRAIN)
    if len(ctx.tensor(op.inputs[1]).shape) != 2:
        raise Unsupported("its weights do not have two dimensions", _RETRAIN)
    out_c, in_c = ctx.tensor(op.inputs[1]).shape
    w, bias = _weights(ctx, op, out_c, 0)
    rows, rest = divmod(x.size, in_c)
    if rest or y.size != rows * out_c:
        raise Unsupported(f"input {x.shape} does not fit weights {w.shape}", _RETRAIN)
    multipliers = _multipliers(fixed_point.fully_connected_multiplier, x, w, y, out_c)
    low, high = clamps(op, y)
    values = [
        1,
        rows,
        1,
        in_c,
        rows,
        1,
        out_c,
        1,
        1,
        1,
        1,
        1,
        1,
        0,
        0,
        x.quant.zero_point,
        y.quant.zero_point,
        low,
        high,
    ]
    words = dict(enumerate(values, 8))
    k, fast, scratch_bytes = Constants(), Fast({}), 0
    if w.dtype == "int8":
        channels = _channel_table(_folded_bias(x, bias, w.data), multipliers)
        fast = _add_fast_form(ctx, "fully_connected_stored", words, k, x, bias, _padded(w.data), channels)
    if not fast.words:
        scratch_bytes = in_c
        k, fast = _dense_constants(ctx, "fully_connected", words, x, w, bias, multipliers)
    ctx.emit(Step("fully_connected", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  scratch_bytes=scratch_bytes, macs=rows * in_c * out_c, options=fast.options, cut=k,
                  granule=fast.granule))  # fmt: skip


@lowers("MAX_POOL_2D", "AVERAGE_POOL_2D")
def pool(ctx: Lowering, op: Op) -> None:
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if x.quant.zero_point != y.quant.zero_point or abs(x.quant.scale - y.quant.scale) > 1e-6:  # PoolingPrepare
        raise Unsupported("its input and output have different scales", _RETRAIN)
    words = _window_words(op, x, y, op.attrs["kernel"])
    if words[11] != words[14]:
        raise Unsupported(f"{words[11]} channels become {words[14]}", _RETRAIN)
    ctx.emit(Step(op.kind.lower(), op.name, ctx.activation(x), ctx.new_buffer(y), words))
