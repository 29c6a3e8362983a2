"""How far below its input an op's output may start, from the order in which its kernels read and write.

An order is a sequence of events: a kernel reads some bytes of x, then writes some of y. Where y starts `distance` bytes
below x, a write ending at byte e of y destroys the bytes of x below e - distance. Nothing unread is destroyed if

    distance >= max over events of (end of what it writes) - (first byte of x that later events read)

so every larger distance is right, too. All orders here rise through x and y; of several backends that may run one
record (ref, viper, the fast form of the file's target) the worst counts. numpy reads all of x first: it has no order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import lcm

import numpy as np

from ..assembler.targets import TARGETS

PLANE = 35  # word 35 of depthwise_conv_2d, bit 0: each channel is read wholly before its outputs are written
NEVER = 1 << 40
_ALIGNMENT = 4


@dataclass(frozen=True)
class Lag:
    """Distances (start of x - start of y, bytes) at which a kernel may run: those of at least `any`; and the multiples
    of `step` of at least `stepped`."""

    any: int = NEVER
    step: int = 0  # 0: no such multiples
    stepped: int = NEVER

    def allows(self, distance: int) -> bool:
        return distance >= self.any or bool(self.step) and distance % self.step == 0 and distance >= self.stepped


DISJOINT = Lag()
SAME_PLACE = Lag(NEVER, NEVER, 0)  # y exactly over x, no other distance


def lag(kernel: str, words, target: str, inplace: bool = False, cut: bool = False) -> Lag:
    """The Lag of y to x. words: the record's 40 (5 to 7 do not matter); target: whose fast forms the file holds;
    inplace: the step says that its kernel reads each byte before it writes the same one; cut: the op runs in pieces of
    its output channels (FORMAT.md, pieces)."""
    if words[32] not in (0, words[14]) and kernel in _WINDOWS:
        return DISJOINT  # a slice of y's channels
    if kernel == "depthwise_conv_2d" and words[PLANE] & 1:
        # channel after channel: bytes of one channel meet only bytes of that channel, which has been read
        return Lag(NEVER, lcm(words[11], _ALIGNMENT), -NEVER)
    if kernel in _WINDOWS:
        found = _window_lag(kernel, tuple(words[8:32]), target)
        # Each piece reads all of x; of depthwise_conv_2d only its channels, where others do not write.
        return replace(found, any=NEVER) if cut else found
    if kernel == "mean":
        return Lag(0)  # y[a, b, c] is never behind the first x[a, 0, b, 0, c] it comes from
    if kernel in ("add", "mul", "lut", "softmax"):
        return Lag(0) if inplace else DISJOINT
    if kernel == "copy":
        return _copy_lag(tuple(words[8:24]))
    return SAME_PLACE if inplace else DISJOINT  # fully_connected may read a row again for each output


_WINDOWS = ("conv_2d", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d")


@lru_cache(4096)
def _window_lag(kernel: str, words: tuple[int, ...], target: str) -> Lag:
    words = (*[0] * 8, *words, *[0] * 8)
    by_channel = kernel != "conv_2d"
    lags = [tiles_lag(words, 1, 1, by_channel)]  # ref and viper: a pixel at a time
    if words[30] and "pool" not in kernel:
        form = TARGETS.get(target)
        access = getattr(form, "access", None)
        order = access(kernel, words) if access else None
        lags.append(tiles_lag(*order, by_channel) if order else DISJOINT)
    steps = [lag.step for lag in lags if lag.step]
    return Lag(
        max(lag.any for lag in lags),
        lcm(*steps) if steps else 0,
        max(lag.stepped if lag.step else lag.any for lag in lags),
    )


def tiles_lag(words, band_h: int, tile_w: int, by_channel: bool) -> Lag:
    """The Lag of a kernel that computes tile after tile: bands of band_h output rows, in each from left to right tiles
    of tile_w columns, and reads the inputs of a tile before it writes its outputs; by_channel: does so channel by
    channel within each tile (pixel)."""
    batches, in_h, in_w, in_c, out_h, out_w, out_c = words[8:15]
    stride_h, stride_w, pad_top, pad_left = words[17], words[18], words[21], words[22]
    oy, ox = np.arange(0, out_h, band_h), np.arange(0, out_w, tile_w)
    n = np.arange(batches)[:, None, None]
    first_row = np.maximum(oy * stride_h - pad_top, 0)[None, :, None]
    first_column = np.maximum(ox * stride_w - pad_left, 0)[None, None, :]
    starts = (((n * in_h + first_row) * in_w + first_column) * in_c).reshape(-1)
    last_row = np.minimum(oy + band_h, out_h)[None, :, None] - 1
    last_column = np.minimum(ox + tile_w, out_w)[None, None, :]
    ends = (((n * out_h + last_row) * out_w + last_column) * out_c).reshape(-1)
    unread = np.minimum.accumulate(starts[::-1])[::-1]  # the first byte that this tile or a later one reads
    between = int((ends[:-1] - unread[1:]).max(initial=-NEVER))
    if not by_channel:
        return Lag(between)
    # Within a tile the outputs of channel c are written before the inputs of channel c + 1 are read.
    within = int((ends - unread).max())
    if (band_h, tile_w) == (1, 1) and out_c >= in_c:
        within -= in_c  # a pixel: when output c is written, the inputs up to c of the first tap have been read
    if out_c != in_c:
        return Lag(max(between, within))
    return Lag(max(between, within), lcm(in_c, _ALIGNMENT), between)


@lru_cache(4096)
def _copy_lag(words: tuple[int, ...]) -> Lag:
    """copy, by its walk. words: 8 to 23. What is filled is written before anything is read."""
    dims, x_strides, y_strides = words[:4], words[4:8], words[8:12]
    if words[12] or words[15] & 1:
        return DISJOINT
    reads = writes = np.zeros(1, np.int64)
    for d, x_stride, y_stride in zip(dims, x_strides, y_strides):
        reads = (reads[:, None] + np.arange(d, dtype=np.int64) * x_stride).reshape(-1)
        writes = (writes[:, None] + np.arange(d, dtype=np.int64) * y_stride).reshape(-1)
    unread = np.minimum.accumulate(reads[::-1])[::-1]
    return Lag(int((words[14] + writes[:-1] + 1 - unread[1:]).max(initial=-NEVER)))
