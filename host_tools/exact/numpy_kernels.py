"""Runs a packed network with numpy, from its records: the host's exact kernels (`models/FORMAT.md`).

One byte array is the arena, as on the board, so that a wrong memory plan shows. Each kernel is
`kernel(words, arena, constants)`: words are the record's 40 int32, arena and constants are uint8 arrays. Word numbers
and equations are FORMAT.md's. Results equal TensorFlow Lite Micro's to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arithmetic.fixed_point import requantize, softmax_scale, unpack_int4, wrap32_array
from ..errors import ToolError
from ..fileformat.extents import scratch_bytes
from ..fileformat.packed import Packed
from ..record import BY_NAME
from . import numpy_ops

# The arena starts with this byte, not with 0, so that reading what no op has written gives wrong answers.
UNWRITTEN = 0xA5

_CHANNEL = np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("left", "u1"), ("right", "u1"), ("zero", "<u2")])
_SHORT_CHANNEL = np.dtype([("bias", "<i4"), ("multiplier", "<u2"), ("left", "u1"), ("right", "u1")])
assert _CHANNEL.itemsize == 12 and _SHORT_CHANNEL.itemsize == 8


def run(
    packed: Packed,
    inputs: list[np.ndarray],
    on_op: Callable[[int, np.ndarray], None] | None = None,
    state: list[np.ndarray] | None = None,
) -> list[np.ndarray]:
    """The network's raw outputs, one array for each output tensor in its shape and dtype.

    inputs: raw arrays, in the order of packed.inputs; the shape may lack the batch, the number of elements must fit.
    on_op(index, arena) is called after every op; a copy is its own business. ToolError where an input does not fit.
    state: the variables' bytes (first_state), updated in place, where one inference follows another; None: a new net's.
    """
    if len(inputs) != len(packed.inputs):
        raise ToolError(f"{len(inputs)} inputs given", f"the network has {len(packed.inputs)}", "give one array each")
    arena = np.full(packed.arena_bytes, UNWRITTEN, np.uint8)
    for tensor, x in zip(packed.inputs, inputs):
        x = np.ascontiguousarray(x)
        if x.dtype != np.dtype(tensor.dtype) or x.nbytes != tensor.bytes:
            raise ToolError(
                f"input '{tensor.name}' given as {x.dtype} {x.shape}",
                f"the network takes {tensor.dtype} {tensor.shape}",
                "give the raw numbers in this shape",
            )
        arena[tensor.arena_offset : tensor.arena_offset + tensor.bytes] = x.reshape(-1).view(np.uint8)
    state = first_state(packed) if state is None else state
    for variable, value in zip(packed.variables, state):
        arena[variable.arena_offset : variable.arena_offset + value.size] = value
    for op in packed.ops:
        # The board's kernels fill their scratch while they read x: a plan that lets the two meet shows here.
        arena[op.words[7] : op.words[7] + scratch_bytes(op.kernel, op.words, op.fast_target)] = UNWRITTEN
        for words, constants in op.calls:
            KERNELS[op.kernel](words, arena, np.frombuffer(constants, np.uint8))
        if on_op is not None:
            on_op(op.index, arena)
    for variable, value in zip(packed.variables, state):
        value[:] = arena[variable.arena_offset : variable.arena_offset + value.size]
    return [read_tensor(arena, tensor) for tensor in packed.outputs]


def first_state(packed: Packed) -> list[np.ndarray]:
    """The variables as they are when a network has been loaded, or reset."""
    return [np.frombuffer(v.value, np.uint8).copy() for v in packed.variables]


def read_tensor(arena: np.ndarray, tensor) -> np.ndarray:
    """A copy of the tensor (a packed.TensorEntry) as it lies in the arena now."""
    raw = arena[tensor.arena_offset : tensor.arena_offset + tensor.bytes]
    return raw.copy().view(tensor.dtype).reshape(tensor.shape)


# ------------------------------------------------------------------------------------------------- windows (1 to 5)


def conv_2d(words, arena, constants):
    """y = requantize(bias' + sum((x + 128) * w)), NHWC and OHWI; eqs. (2), (3)."""
    _, _, _, _, oh, ow, out_c, kh, kw = words[8:17]
    x = _int8(arena, words[5], words[8:12]).astype(np.float64) + 128
    windows = _windows(x, words, words[23] + 128)  # [n, oh, ow, kh, kw, c]
    _multiply(words, arena, constants, windows.reshape(-1, kh * kw * words[11]), dense_weights(words, constants))


def fully_connected(words, arena, constants):
    """y = requantize(bias' + sum((x + 128) * w)), rows of inputs and OI; eqs. (2), (3)."""
    x = _int8(arena, words[5], (words[9], words[11])).astype(np.float64)
    if not words[29]:
        x += 128
    elif words[29] == 2:  # in twos: of odd inputs x - 127
        x[:, 1::2] -= 127
    _multiply(words, arena, constants, x, dense_weights(words, constants))


def dense_weights(words, constants) -> np.ndarray:
    """The weights of conv_2d or fully_connected, float64[out_c, products] of -128 to 127, whatever their layout."""
    depth, units = words[15] * words[16] * words[11], words[14]
    layout = words[29] if words[0] == BY_NAME["fully_connected"].id else 0
    data = constants[words[27] :]
    if layout == 1:
        return _in_pairs(data, depth, units).astype(np.float64) - 128
    if layout == 2:  # in twos: the weight itself for odd inputs
        row = -(-depth // 16) * 16
        weights = data[: row * units].reshape(units, row)[:, :depth].astype(np.uint8)
        weights[:, 1::2] ^= 128
        return weights.astype(np.float64) - 128
    if words[34] == 1:
        row = -(-depth // 8) * 4
        return unpack_int4(data[: row * units].reshape(units, row))[:, :depth].astype(np.float64)
    row = -(-depth // 4) * 4
    return data[: row * units].reshape(units, row)[:, :depth].astype(np.float64) - 128


def _in_pairs(data, depth, units) -> np.ndarray:
    """The weights [units, depth] of data in pairs (FORMAT.md): words of two inputs of two channels, six channels a block."""
    pairs, channels = -(-depth // 2), -(-units // 2)
    blocks = np.array_split(np.arange(channels), range(3, channels, 3))
    found, at = [], 0
    for block in blocks:
        size = 4 * pairs * len(block)
        found.append(data[at : at + size].reshape(pairs, len(block), 2, 2).transpose(1, 2, 0, 3).reshape(-1, 2 * pairs))
        at += size
    return np.concatenate(found)[:units, :depth]


def _multiply(words, arena, constants, columns, weights):
    """Every partial sum of float64 is an integer below 255 * 128 * products < 2**53: exact."""
    table = (_short_channels if words[34] == 1 else _channels)(words, constants, len(weights))
    acc = (columns @ weights.T).astype(np.int64) + table["bias"]
    _store(words, arena, requantize(acc, table["multiplier"], table["left"], table["right"]), step=words[32])


def depthwise_conv_2d(words, arena, constants):
    """y = requantize(bias + sum((x - x_zero_point) * w)), NHWC and 1HWO; channel o reads input channel
    o // depth_multiplier; eqs. (2), (3)."""
    out_c, kh, kw, multiplier = words[14], words[15], words[16], words[29]
    # A piece of an op that is cut starts at its first channel: behind the last pixel of x nothing is read.
    lacking = words[5] + int(np.prod(words[8:12])) - len(arena)
    x = np.concatenate((arena, np.zeros(lacking, np.uint8))) if lacking > 0 else arena
    x = _int8(x, words[5], words[8:12]).astype(np.int32) - words[23]
    windows = _windows(x, words, 0)
    size = kh * kw * out_c
    weights = constants[words[27] : words[27] + size].reshape(kh, kw, out_c).astype(np.int32) - 128
    table = _channels(words, constants, out_c)
    # int32 wraps as the board's does; 255 * 128 * kh * kw stays inside it up to windows of 65,000.
    acc = np.zeros(windows.shape[:3] + (out_c,), np.int32) + table["bias"]
    for ky in range(kh):
        for kx in range(kw):
            acc += np.repeat(windows[:, :, :, ky, kx], multiplier, -1)[..., :out_c] * weights[ky, kx]
    _store(words, arena, requantize(acc, table["multiplier"], table["left"], table["right"]), step=words[32])


def max_pool_2d(words, arena, constants):
    """y = clamp(max of the inputs inside the window)."""
    x = _int8(arena, words[5], words[8:12])
    _store(words, arena, _windows(x, words, -128).max((3, 4)).astype(np.int64), zero_point=0)


def average_pool_2d(words, arena, constants):
    """y = clamp(average of the inputs inside the window, halves away from zero); eq. (4)."""
    x = _int8(arena, words[5], words[8:12])
    total = _windows(x.astype(np.int64), words, 0).sum((3, 4))
    count = _windows(np.ones_like(x, np.int64), words, 0).sum((3, 4))
    _store(words, arena, np.sign(total) * ((np.abs(total) + count // 2) // count), zero_point=0)


def _windows(x: np.ndarray, words, outside) -> np.ndarray:
    """x, [n, h, w, c], as a view [n, oh, ow, kh, kw, c] of its windows; places outside the input hold `outside`."""
    n, h, w, c, oh, ow, _, kh, kw, sh, sw, dh, dw, top, left = words[8:23]
    rows, columns = (oh - 1) * sh + (kh - 1) * dh + 1, (ow - 1) * sw + (kw - 1) * dw + 1
    padded = np.full((n, max(rows, top + h), max(columns, left + w), c), outside, x.dtype)
    padded[:, top : top + h, left : left + w] = x
    size = padded.strides
    strides = (size[0], size[1] * sh, size[2] * sw, size[1] * dh, size[2] * dw, size[3])
    return np.lib.stride_tricks.as_strided(padded, (n, oh, ow, kh, kw, c), strides, writeable=False)


def _channels(words, constants, out_c) -> np.ndarray:
    return constants[words[28] : words[28] + out_c * _CHANNEL.itemsize].view(_CHANNEL)


def _short_channels(words, constants, out_c) -> np.ndarray:
    """The short channel table (of int4 weights) in the long one's form."""
    short = constants[words[28] : words[28] + out_c * _SHORT_CHANNEL.itemsize].view(_SHORT_CHANNEL)
    table = np.zeros(out_c, _CHANNEL)
    for name in ("bias", "left", "right"):
        table[name] = short[name]
    table["multiplier"] = short["multiplier"].astype(np.int32) << 15
    return table


# --------------------------------------------------------------------------------------------------- reduction (6)


def mean(words, arena, constants):
    """y[a, b, c] = requantize(offset + sum over r1, r2 of x[a, r1, b, r2, c] + 128); eqs. (2), (3)."""
    x = _int8(arena, words[5], words[8:13]).astype(np.int64) + 128
    acc = words[13] + x.sum((1, 3))
    _store(words, arena, requantize(acc, words[14], words[15], words[16]))


# --------------------------------------------------------------------------------------------- pairwise (7 and 8)


def add(words, arena, constants):
    """y = requantize(table1[x1] + table2[x2]); eqs. (2), (3)."""
    x1, x2 = _operands(words, arena, constants)
    table1, table2 = (constants[at : at + 1024].view("<i4").astype(np.int64) for at in words[27:29])
    _store(words, arena, requantize(table1[x1] + table2[x2], words[20], words[21], words[22]))


def mul(words, arena, constants):
    """y = requantize((x1 - z1) * (x2 - z2)); eqs. (2), (3)."""
    x1, x2 = (x.view(np.int8).astype(np.int64) for x in _operands(words, arena, constants))
    _store(words, arena, requantize((x1 - words[27]) * (x2 - words[28]), words[20], words[21], words[22]))


def _operands(words, arena, constants):
    """Raw bytes of x1 and x2 in the output's order."""
    for k, (offset, strides) in enumerate(((words[5], words[12:16]), (words[7], words[16:20]))):
        yield (constants if words[23] >> k & 1 else arena)[offset + _places(words[8:12], strides)]


def _places(dims, strides) -> np.ndarray:
    """Byte offsets of all elements of a box of four dimensions, in its order. Used as an index, numpy checks it."""
    places = np.zeros(1, np.int64)
    for d, stride in zip(dims, strides):
        places = (places[:, None] + np.arange(d, dtype=np.int64) * stride).reshape(-1)
    return places


# -------------------------------------------------------------------------------- box (9), rows (10), table (11)


def copy(words, arena, constants):
    """Fills fill_bytes of y, then copies a box of four dimensions into it."""
    y_offset = words[6]
    arena[y_offset : y_offset + words[20]] = words[21]
    source = constants if words[23] & 1 else arena
    dims = words[8:12]
    places = y_offset + words[22] + _places(dims, words[16:20])
    arena[places] = source[words[5] + _places(dims, words[12:16])]


def softmax(words, arena, constants):
    """y = exp(x - max) / sum(exp(x - max)) for each row, scale 1/256, zero point -128; eq. (5)."""
    rows, depth, count, at = words[8:12]
    table = np.zeros(256, np.int64)
    table[:count] = constants[at : at + 4 * count].view("<i4")
    x = _int8(arena, words[5], (rows, depth)).astype(np.int64)
    exps = table[x.max(1, keepdims=True) - x]  # Q0.31, not negative
    y = np.empty((rows, depth), np.int64)
    for row, total in enumerate(((exps + (1 << 11)) >> 12).sum(1)):  # Q12.19
        reciprocal, exponent = softmax_scale(int(total))
        high = (exps[row] * reciprocal + (1 << 30)) >> 31
        y[row] = ((high + (1 << exponent >> 1)) >> exponent) - 128
    arena[words[6] : words[6] + rows * depth] = np.minimum(y, 127).astype(np.int8).reshape(-1).view(np.uint8)


def lut(words, arena, constants):
    """y = table[x], raw bytes."""
    count, at = words[8:10]
    arena[words[6] : words[6] + count] = constants[at : at + 256][arena[words[5] : words[5] + count]]


# --------------------------------------------------------------------------------------------------------- helpers


def _int8(arena, offset: int, shape) -> np.ndarray:
    return arena[offset : offset + int(np.prod(shape, dtype=np.int64))].view(np.int8).reshape(shape)


def _store(words, arena, value, zero_point: int | None = None, step: int = 0):
    """y = clamp(value + y_zero_point, clamp_min, clamp_max), words 24 to 26; eq. (3). The sum wraps to 32 bits, as
    TFLM's does; it can only where requantize() already has wrapped. step: bytes from a pixel to the next, 0: dense;
    value's last axis then are a pixel's channels."""
    value = wrap32_array(value + (words[24] if zero_point is None else zero_point))
    value = np.clip(value, words[25], words[26]).astype(np.int8).view(np.uint8)
    if step:
        value = value.reshape(-1, value.shape[-1])
        places = np.arange(value.shape[0])[:, None] * step + np.arange(value.shape[1])
        arena[words[6] + places] = value
    else:
        arena[words[6] : words[6] + value.size] = value.reshape(-1)


KERNELS = {
    "conv_2d": conv_2d,
    "depthwise_conv_2d": depthwise_conv_2d,
    "fully_connected": fully_connected,
    "max_pool_2d": max_pool_2d,
    "average_pool_2d": average_pool_2d,
    "mean": mean,
    "add": add,
    "mul": mul,
    "copy": copy,
    "softmax": softmax,
    "lut": lut,
    **numpy_ops.KERNELS,
}

from . import numpy_state, numpy_wide  # noqa: E402  (they use the helpers above)

KERNELS |= numpy_wide.KERNELS | numpy_state.KERNELS
