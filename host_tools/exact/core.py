"""What the exact kernels share: tensors of the arena and tables of the constants by a record's words, and the output.

`r` is a record.View; offsets and strides count bytes. What a kernel reads is a view of the arena, or a copy: none keeps
it while it writes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arithmetic.fixed_point import requantize, unpack_int4, wrap32_array
from ..arithmetic.int16 import requantize_wide
from ..record import X2_CONSTANT, X_CONSTANT, View

CHANNEL = np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("left", "u1"), ("right", "u1"), ("zero", "<u2")])
SHORT_CHANNEL = np.dtype([("bias", "<i4"), ("multiplier", "<u2"), ("left", "u1"), ("right", "u1")])
WIDE_CHANNEL = np.dtype([("high", "<i4"), ("low", "<u2"), ("zero_1", "<u2"), ("multiplier", "<i4"), ("left", "u1"),
                         ("right", "u1"), ("zero_2", "<u2")])  # fmt: skip
assert (CHANNEL.itemsize, SHORT_CHANNEL.itemsize, WIDE_CHANNEL.itemsize) == (12, 8, 16)

# ------------------------------------------------------------------------------------------------- tensors and tables


def size_of(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def int8(buffer: np.ndarray, offset: int, shape: Sequence[int]) -> np.ndarray:
    """The int8 tensor of this shape that starts there, a view."""
    return buffer[offset : offset + size_of(shape)].view(np.int8).reshape(shape)


def int16(buffer: np.ndarray, offset: int, shape: Sequence[int]) -> np.ndarray:
    """The int16 tensor of this shape that starts there, as int64."""
    return buffer[offset : offset + 2 * size_of(shape)].view("<i2").reshape(shape).astype(np.int64)


def int32(buffer: np.ndarray, offset: int, count: int) -> np.ndarray:
    """`count` int32 that start there, as int64."""
    return buffer[offset : offset + 4 * count].view("<i4").astype(np.int64)


def offsets(dims: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """int64: byte offsets of all elements of a box, in its order. Used as an index, NumPy checks them."""
    found = np.zeros(1, np.int64)
    for d, stride in zip(dims, strides):
        found = (found[:, None] + np.arange(d, dtype=np.int64) * stride).reshape(-1)
    return found


def elements(buffer: np.ndarray, at: np.ndarray, item: int) -> np.ndarray:
    """The signed elements of `item` bytes at these byte offsets, as int64, in their shape."""
    raw = buffer[at[..., None] + np.arange(item)]
    return np.ascontiguousarray(raw).view(f"<i{item}")[..., 0].astype(np.int64)


def source(r: View, arena: np.ndarray, constants: np.ndarray, bit: int) -> np.ndarray:
    """Where the operand of this bit of the word `flags` lies: the constants, or the arena."""
    return constants if r.flags & bit else arena


def walks(r: View, arena: np.ndarray, constants: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(the buffer, byte offsets of the elements in y's order) of x1 and of x2, for layouts that walk both."""
    x1 = source(r, arena, constants, X_CONSTANT), r.x_offset + offsets(r.all("dims"), r.all("x1_strides"))
    x2 = source(r, arena, constants, X2_CONSTANT), r.x2_offset + offsets(r.all("dims"), r.all("x2_strides"))
    return [x1, x2]


# --------------------------------------------------------------------------------------------------------- the output


def put(arena: np.ndarray, offset: int, values: np.ndarray) -> None:
    """The values' bytes, in their own order."""
    raw = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    arena[offset : offset + raw.size] = raw


def clamped(r: View, value: np.ndarray, zero_point: int | None = None) -> np.ndarray:
    """clamp(value + y_zero_point, clamp_min, clamp_max), int64; eq. (3). The sum wraps to 32 bits, as TFLM's does; it can
    only where requantize() already has wrapped. zero_point: in place of the record's."""
    return np.clip(
        wrap32_array(value + (r.y_zero_point if zero_point is None else zero_point)), r.clamp_min, r.clamp_max
    )


def store(r: View, arena: np.ndarray, value: np.ndarray, zero_point: int | None = None) -> None:
    """y = clamped(value), int8."""
    put(arena, r.y_offset, clamped(r, value, zero_point).astype(np.int8))


def store_pixels(r: View, arena: np.ndarray, value: np.ndarray) -> None:
    """store(), but from one output pixel to the next it is y_step bytes, 0: value's last axis, a pixel's channels."""
    if not r.y_step:
        return store(r, arena, value)
    y = clamped(r, value).astype(np.int8).view(np.uint8).reshape(-1, value.shape[-1])
    arena[r.y_offset + np.arange(y.shape[0])[:, None] * r.y_step + np.arange(y.shape[1])] = y


def store_16(r: View, arena: np.ndarray, value: np.ndarray) -> None:
    """y = clamp(value modulo 2^32), int16: its zero point is 0."""
    put(arena, r.y_offset, clamped(r, np.asarray(value, np.int64), zero_point=0).astype("<i2"))


# ------------------------------------------------------------------------------------------ windows, weights, channels


def windows(x: np.ndarray, r: View, outside: int) -> np.ndarray:
    """x, [n, h, w, c], as a view [n, out_h, out_w, kernel_h, kernel_w, c] of its windows; padding holds `outside`."""
    n, h, w, c = x.shape
    oh, ow, kh, kw = r.out_h, r.out_w, r.kernel_h, r.kernel_w
    rows = (oh - 1) * r.stride_h + (kh - 1) * r.dilation_h + 1
    columns = (ow - 1) * r.stride_w + (kw - 1) * r.dilation_w + 1
    top, left = r.pad_top, r.pad_left
    padded = np.full((n, max(rows, top + h), max(columns, left + w), c), outside, x.dtype)
    padded[:, top : top + h, left : left + w] = x
    image, row, column, channel = padded.strides
    strides = (image, row * r.stride_h, column * r.stride_w, row * r.dilation_h, column * r.dilation_w, channel)
    return np.lib.stride_tricks.as_strided(padded, (n, oh, ow, kh, kw, c), strides, writeable=False)


def weight_rows(data: np.ndarray, count: int, depth: int, align: int = 4) -> np.ndarray:
    """uint8[count, depth], each row stored in a multiple of `align` bytes: weight + 128."""
    row = -(-depth // align) * align
    return data[: row * count].reshape(count, row)[:, :depth]


def int4_rows(data: np.ndarray, count: int, depth: int) -> np.ndarray:
    """Weights of four bits, int8[count, depth], each row stored in a multiple of 4 bytes."""
    row = -(-depth // 8) * 4
    return unpack_int4(data[: row * count].reshape(count, row))[:, :depth]


def channels(r: View, constants: np.ndarray) -> np.ndarray:
    """The channel table, CHANNEL[out_c]."""
    at = r.channels_offset
    return constants[at : at + r.out_c * CHANNEL.itemsize].view(CHANNEL)


def short_channels(r: View, constants: np.ndarray) -> np.ndarray:
    """The short channel table (of weights of four bits) as CHANNEL[out_c]."""
    at = r.channels_offset
    short = constants[at : at + r.out_c * SHORT_CHANNEL.itemsize].view(SHORT_CHANNEL)
    table = np.zeros(r.out_c, CHANNEL)
    for name in ("bias", "left", "right"):
        table[name] = short[name]
    table["multiplier"] = short["multiplier"].astype(np.int32) << 15
    return table


def wide_channels(r: View, constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The wide channel table, WIDE_CHANNEL[out_c], and its biases, int64[out_c]."""
    at = r.channels_offset
    table = constants[at : at + r.out_c * WIDE_CHANNEL.itemsize].view(WIDE_CHANNEL)
    return table, (table["high"].astype(np.int64) << 16) + table["low"]


def by_channel(acc: np.ndarray, table: np.ndarray) -> np.ndarray:
    """requantize() of int64[..., out_c], each channel by its entry of CHANNEL; eq. (2)."""
    return requantize(acc, table["multiplier"], table["left"], table["right"])


def by_wide_channel(acc: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The same by WIDE_CHANNEL; eq. (6)."""
    return requantize_wide(acc, table["multiplier"], table["left"])


def multiply(r: View, arena: np.ndarray, constants: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> None:
    """y = eq. (3) of columns @ weights^T + bias, both float64: each partial sum is an integer below
    255 * 128 * products < 2**53, exact."""
    table = (short_channels if r.weights_format == 1 else channels)(r, constants)
    acc = (columns @ weights.T).astype(np.int64) + table["bias"]
    store_pixels(r, arena, by_channel(acc, table))


def depthwise_sums(x: np.ndarray, bias: np.ndarray, weights: np.ndarray, multiplier: int) -> np.ndarray:
    """bias + sum of x * w over windows x [n, oh, ow, kh, kw, c]; channel o reads input channel o // multiplier.

    weights: [kh, kw, out_c], of the accumulators' dtype."""
    out_c = weights.shape[-1]
    acc = np.zeros(x.shape[:3] + (out_c,), weights.dtype) + bias.astype(weights.dtype)
    for ky, row in enumerate(weights):
        for kx, weight in enumerate(row):
            acc += np.repeat(x[:, :, :, ky, kx], multiplier, -1)[..., :out_c] * weight
    return acc
