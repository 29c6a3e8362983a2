"""Weights of int8 and int4 as the kernels take them: rows, channel tables, and the target's packed variants."""

from __future__ import annotations

import numpy as np

from ..arithmetic import fixed_point
from ..assembler import targets
from ..assembler.constants import Constants
from ..assembler.layer import CHANNEL, Layer, PackedVariant
from ..ir import Op, Tensor
from ..record import CONV
from .core import CONSTANTS, Lowering, Unsupported

RETRAIN = "export the layer again with TFLiteConverter's int8 quantization"


def weights(ctx: Lowering, op: Op, channels: int, axis: int) -> tuple[Tensor, np.ndarray]:
    """The weight tensor and the bias as int64[channels], checked."""
    w = ctx.input(op, 1)
    if not w.constant:
        raise Unsupported("its weights are computed at run time", CONSTANTS)
    if w.values.shape != w.shape or any(w.quantization.zero_points):
        raise Unsupported("its weights are not symmetric int8", RETRAIN)
    check_scales(w, channels, axis, RETRAIN)
    bias = np.zeros(channels, np.int64)
    if len(op.inputs) > 2 and op.inputs[2] is not None:
        b = ctx.input(op, 2)
        if not b.constant or b.size != channels:
            raise Unsupported("its bias is not a constant with one value per channel", RETRAIN)
        bias = b.values.astype(np.int64).reshape(-1)
    return w, bias


def check_scales(w: Tensor, channels: int, axis: int, fix: str) -> None:
    """Unsupported unless the weights have one scale, or one for each channel along their axis of output channels."""
    quant = w.quantization
    if quant.per_channel and (len(quant.scales) != channels or quant.axis != axis):
        raise Unsupported(f"{len(quant.scales)} weight scales on axis {quant.axis}", fix)


def channel_table(first_words: np.ndarray, multipliers: list[tuple[int, int]]) -> np.ndarray:
    """12 bytes per channel: {i32 first word, i32 multiplier, u8 left, u8 right, u16 0} (FORMAT.md, channel table)."""
    table = np.zeros(len(first_words), CHANNEL)
    table["k"] = first_words & 0xFFFFFFFF
    for i, (multiplier, shift) in enumerate(multipliers):
        table["m"][i] = multiplier
        table["l"][i], table["r"][i] = fixed_point.split_shift(shift)
    return table


def _short_channel_table(first_words: np.ndarray, multipliers: list[tuple[int, int]]) -> np.ndarray:
    """8 bytes per channel: {i32 first word, u16 multiplier, u8 left, u8 right} (FORMAT.md, short channel table)."""
    table = np.zeros(len(first_words), np.dtype([("k", "<u4"), ("m", "<u2"), ("l", "u1"), ("r", "u1")]))
    table["k"] = first_words & 0xFFFFFFFF
    for i, pair in enumerate(multipliers):
        table["m"][i], shift = fixed_point.short_multiplier(*pair)
        table["l"][i], table["r"][i] = fixed_point.split_shift(shift)
    return table


def dense_constants(ctx: Lowering, kernel: str, words: dict[int, int], x: Tensor, w: Tensor, bias: np.ndarray,
                     multipliers: list[tuple[int, int]]) -> tuple[Constants, PackedVariant]:  # fmt: skip
    """Constants of conv_2d and fully_connected, their words, and the packed variant, if any."""
    k = Constants()
    rows = w.values.reshape(len(bias), -1)
    if w.dtype == "int4":
        short = _short_channel_table(folded_bias(x, bias, rows), multipliers)
        words |= CONV.words(
            weights_offset=k.add(fixed_point.pack_int4(rows)), channels_offset=k.add(short), weights_format=1
        )
        pairs = [(int(e["m"]) << 15, int(e["l"]) - int(e["r"])) for e in short]
        channels = channel_table(short["k"], pairs)
        return k, add_packed_variant(ctx, kernel + "_int4", words, k, x, bias, padded(rows), channels)
    channels = channel_table(folded_bias(x, bias, rows), multipliers)
    words |= CONV.words(channels_offset=k.add(channels), weights_offset=k.add(offset_binary(padded(rows))))
    return k, add_packed_variant(ctx, kernel, words, k, x, bias, padded(rows), channels)


def channel_multipliers(formula, x: Tensor, w: Tensor, y: Tensor, channels: int) -> list[tuple[int, int]]:
    """(multiplier, shift) of each output channel; one weight scale serves them all."""
    scales = w.quantization.scales if w.quantization.per_channel else w.quantization.scales * channels
    return [formula(x.scale, s, y.scale) for s in scales]


def folded_bias(x: Tensor, bias: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """bias - (x_zero_point + 128) * sum(w), weights in [channel, ...] order."""
    return bias - (x.zero_point + 128) * weights.reshape(len(bias), -1).astype(np.int64).sum(1)


def padded(weights: np.ndarray) -> np.ndarray:
    """int8[channels, products] with zeros after each row, up to a multiple of 4."""
    return np.pad(weights, ((0, 0), (0, -weights.shape[1] % 4)))


def offset_binary(weights: np.ndarray) -> np.ndarray:
    return weights.astype(np.int8).view(np.uint8) ^ 0x80


def add_packed_variant(ctx: Lowering, kernel: str, words: dict[int, int], k: Constants, x: Tensor, bias: np.ndarray,
                   rows: np.ndarray, channels: np.ndarray) -> PackedVariant:  # fmt: skip
    """Adds the target's packed variant, if it has one, to words and constants. rows: int8[channels, products]."""
    first = bias - x.zero_point * rows.astype(np.int64).sum(1)
    variant = targets.make(ctx.target, kernel, Layer(words, rows, first, channels, k))
    if variant is None:
        return PackedVariant({})
    words.update(variant.words)
    return variant
