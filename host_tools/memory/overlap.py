"""How far below its input an op's output may start, from the order in which its kernels read and write.

An order is a sequence of events: a kernel reads some bytes of x, then writes some of y. Where y starts `distance` bytes
below x, a write ending at byte e of y destroys the bytes of x below e - distance. Nothing unread is destroyed if

    distance >= max over events of (end of what it writes) - (first byte of x that later events read)

so every larger distance is right, too. All orders here rise through x and y; of several backends that may run one
record (ref, viper, the packed variant of the file's target) the worst counts. numpy reads all of x first: it has no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import lcm

import numpy as np

from ..assembler import targets
from ..assembler.window import Window, slides
from ..record import BY_NAME, DEPTHWISE, X_CONSTANT, view

NEVER = 1 << 40
_ALIGNMENT = 4


@dataclass(frozen=True)
class Distances:
    """Overlap distances (start of x - start of y, bytes) at which a kernel may run: those of at least `any`; and the
    multiples of `step` of at least `stepped`."""

    any: int = NEVER
    step: int = 0  # 0: no such multiples
    stepped: int = NEVER

    def allows(self, distance: int) -> bool:
        return distance >= self.any or bool(self.step) and distance % self.step == 0 and distance >= self.stepped


DISJOINT = Distances()
SAME_OFFSET = Distances(NEVER, NEVER, 0)  # y exactly over x, no other distance


def distances(kernel: str, words: Sequence[int], target: str, inplace: bool = False, cut: bool = False) -> Distances:
    """The overlap distances of x and y. words: the record's 40 (the offsets in the arena do not matter); target: whose
    packed variants the file holds; inplace: the step says that its kernel reads each byte before it writes the same one;
    cut: the op runs in pieces of its output channels (FORMAT.md, pieces)."""
    if slides(kernel):
        return _of_window(kernel, words, target, cut)
    if kernel == "mean":
        return Distances(0)  # y[a, b, c] is never after the first x[a, 0, b, 0, c] it comes from
    if kernel in ("add", "mul", "lut", "softmax"):
        return Distances(0) if inplace else DISJOINT
    if kernel == "copy":
        return _of_copy(tuple(words))
    return SAME_OFFSET if inplace else DISJOINT  # fully_connected may read a row again for each output


def _of_window(kernel: str, words: Sequence[int], target: str, cut: bool) -> Distances:
    layout = BY_NAME[kernel].layout
    if "y_step" in layout and words[layout.y_step] not in (0, words[layout.out_c]):
        return DISJOINT  # a slice of y's channels
    window = Window.of(words)
    if kernel == "depthwise_conv_2d" and words[DEPTHWISE.plane_order] & 1:
        # channel after channel: bytes of one channel meet only bytes of that channel, which has been read
        return Distances(NEVER, lcm(window.in_c, _ALIGNMENT), -NEVER)
    by_channel = kernel != "conv_2d"
    found = [of_tiles(window, 1, 1, by_channel)]  # ref and viper: a pixel at a time
    if "packed_offset" in layout and words[layout.packed_offset]:
        order = targets.order(target, kernel, words)
        found.append(of_tiles(*order, by_channel) if order else DISJOINT)
    worst = _worst(*found)
    # Each piece reads all of x; of depthwise_conv_2d only its channels, where others do not write.
    return replace(worst, any=NEVER) if cut else worst


def _worst(*found: Distances) -> Distances:
    """What all of them allow."""
    steps = [distance.step for distance in found if distance.step]
    return Distances(
        max(distance.any for distance in found),
        lcm(*steps) if steps else 0,
        max(distance.stepped if distance.step else distance.any for distance in found),
    )


@lru_cache(4096)
def of_tiles(window: Window, band_h: int, tile_w: int, by_channel: bool) -> Distances:
    """The overlap distances of a kernel that computes tile after tile: bands of band_h output rows, in each from left to
    right tiles of tile_w columns, and reads the inputs of a tile before it writes its outputs; by_channel: does so
    channel by channel within each tile (pixel)."""
    w = window
    oy, ox = np.arange(0, w.out_h, band_h), np.arange(0, w.out_w, tile_w)
    n = np.arange(w.batches)[:, None, None]
    first_row = np.maximum(oy * w.stride_h - w.pad_top, 0)[None, :, None]
    first_column = np.maximum(ox * w.stride_w - w.pad_left, 0)[None, None, :]
    starts = (((n * w.in_h + first_row) * w.in_w + first_column) * w.in_c).reshape(-1)
    last_row = np.minimum(oy + band_h, w.out_h)[None, :, None] - 1
    last_column = np.minimum(ox + tile_w, w.out_w)[None, None, :]
    ends = (((n * w.out_h + last_row) * w.out_w + last_column) * w.out_c).reshape(-1)
    unread = np.minimum.accumulate(starts[::-1])[::-1]  # the first byte that this tile or a later one reads
    between = int((ends[:-1] - unread[1:]).max(initial=-NEVER))
    if not by_channel:
        return Distances(between)
    # Within a tile the outputs of channel c are written before the inputs of channel c + 1 are read.
    within = int((ends - unread).max())
    if (band_h, tile_w) == (1, 1) and w.out_c >= w.in_c:
        within -= w.in_c  # a pixel: when output c is written, the inputs up to c of the first tap have been read
    if w.out_c != w.in_c:
        return Distances(max(between, within))
    return Distances(max(between, within), lcm(w.in_c, _ALIGNMENT), between)


@lru_cache(4096)
def _of_copy(words: tuple[int, ...]) -> Distances:
    """copy, by its walk. What is filled is written before anything is read."""
    box = view("copy", words)
    if box.fill_bytes or box.flags & X_CONSTANT:
        return DISJOINT
    reads = writes = np.zeros(1, np.int64)
    for d, x_stride, y_stride in zip(box.all("dims"), box.all("x_strides"), box.all("y_strides")):
        reads = (reads[:, None] + np.arange(d, dtype=np.int64) * x_stride).reshape(-1)
        writes = (writes[:, None] + np.arange(d, dtype=np.int64) * y_stride).reshape(-1)
    unread = np.minimum.accumulate(reads[::-1])[::-1]
    return Distances(int((box.start + writes[:-1] + 1 - unread[1:]).max(initial=-NEVER)))
