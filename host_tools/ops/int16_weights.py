"""Weights of ops with int16 activations: biases and channel tables for sums of up to 48 bits."""

from __future__ import annotations

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import int16 as fixed_point16
from ..ir import Op, Tensor
from .core import Lowering, Unsupported
from .weights import check_scales

EXPORT_16 = "export the model again with TFLiteConverter's 16x8 quantization"
MAX_PRODUCTS = 16384  # of one sum: 65535 * 255 * 2**14 fits the kernels' two halves


def wide_bias(value: np.ndarray) -> np.ndarray:
    """8 bytes each: {i32 value >> 16, u16 value & 65535, u16 0}. ToolError where a sum could leave 48 bits."""
    table = np.zeros(len(value), np.dtype([("high", "<i4"), ("low", "<u2"), ("zero", "<u2")]))
    table["high"], table["low"] = value >> 16, value & 0xFFFF
    return table


def check_wide(bias: np.ndarray, rows: np.ndarray) -> None:
    """Unsupported where |bias + sum(x * w)| could reach 2^47, for x of all int16; rows: int[channel, products]."""
    if (np.abs(bias) + (np.abs(rows.astype(np.int64)).sum(1) << 15) >= fixed_point16.ACC_LIMIT).any():
        raise Unsupported("its sums could leave 48 bits", EXPORT_16)
    check_products(rows.shape[1])


def check_products(count: int) -> None:
    """Unsupported where the kernels' halves of a sum of so many products could overflow."""
    if count > MAX_PRODUCTS:
        raise Unsupported(f"{count} products per sum", f"use at most {MAX_PRODUCTS}")


def wide_weights(ctx: Lowering, op: Op, channels: int, axis: int, bias_input: int = 2,
                 biases: tuple[str, ...] = ("int64", "int32"),
                 fix: str = EXPORT_16) -> tuple[Tensor, np.ndarray]:  # fmt: skip
    """The int8 weight tensor and the bias as int64[channels], checked."""
    w = ctx.input(op, 1)
    if not w.constant or w.dtype != "int8" or w.quant is None or any(w.quant.zero_points):
        raise Unsupported("its weights are no constant symmetric int8", fix)
    if not all(0 < s < float("inf") for s in w.quant.scales):
        raise Unsupported("its weights have a scale that is no positive number", fix)
    check_scales(w, channels, axis, fix)
    if len(op.inputs) <= bias_input or op.inputs[bias_input] is None:
        return w, np.zeros(channels, np.int64)
    b = ctx.input(op, bias_input)
    if not b.constant or b.size != channels or b.dtype not in biases:
        raise Unsupported(f"its bias '{b.id}' is no constant {' or '.join(biases)} with one value per channel", fix)
    return w, b.values.astype(np.int64).reshape(-1)


def wide_channels(bias: np.ndarray, rows: np.ndarray, multipliers, offset: int, narrow: bool = False) -> np.ndarray:
    """The wide channel table, 16 bytes per output channel (FORMAT.md). rows: int8[channel, products]; offset: what the
    kernel adds to every x."""
    if not narrow:
        check_wide(bias, rows)
    else:
        check_products(rows.shape[1])
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
