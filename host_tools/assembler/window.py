"""The window that a record slides over its image: sizes, strides and padding by name, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..record import BY_NAME, CONV, DEPTHWISE, POOL

_WORDS = POOL.slice("batches", "pad_left")


class Window(NamedTuple):
    """Words batches to pad_left of a record, which all layouts of windows share (record.POOL)."""

    batches: int
    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_top: int
    pad_left: int

    @classmethod
    def of(cls, words: Sequence[int]) -> Window:
        """words: the record's 40."""
        return cls(*words[_WORDS])

    @property
    def reach_h(self) -> int:
        """Rows from the first of a window to the last, both included."""
        return (self.kernel_h - 1) * self.dilation_h + 1

    @property
    def reach_w(self) -> int:
        """Columns from the first of a window to the last, both included."""
        return (self.kernel_w - 1) * self.dilation_w + 1

    def seen(self, tile_h: int, tile_w: int) -> tuple[int, int]:
        """(rows, columns) of the image, padding included, that a tile of so many outputs sees."""
        return (tile_h - 1) * self.stride_h + self.reach_h, (tile_w - 1) * self.stride_w + self.reach_w

    @property
    def padded(self) -> bool:
        """Whether any window reaches outside the image."""
        rows, columns = self.seen(self.out_h, self.out_w)
        return bool(self.pad_top or self.pad_left or rows > self.in_h or columns > self.in_w)

    @property
    def pixels(self) -> int:
        """Pixels of the output."""
        return self.batches * self.out_h * self.out_w

    @property
    def products(self) -> int:
        """Products of an output of conv_2d and fully_connected."""
        return self.kernel_h * self.kernel_w * self.in_c

    @property
    def pointwise(self) -> bool:
        """Whether each window is one pixel, and each pixel of the image has one window: nothing is padded, after it neither."""
        steps = self.kernel_h, self.kernel_w, self.stride_h, self.stride_w
        whole = (self.in_h, self.in_w) == (self.out_h, self.out_w) and not (self.pad_top or self.pad_left)
        return whole and steps == (1, 1, 1, 1)

    @property
    def three_by_three(self) -> bool:
        """Whether its taps are nine neighbours."""
        return (self.kernel_h, self.kernel_w, self.dilation_h, self.dilation_w) == (3, 3, 1, 1)

    def in_a_row(self) -> Window:
        """A pointwise window as of images that are one row: any number of pixels is then a tile."""
        return self._replace(batches=1, in_h=1, in_w=self.pixels, out_h=1, out_w=self.pixels)


assert Window._fields == tuple(word.name for word in POOL.table if _WORDS.start <= word.number < _WORDS.stop)


def slides(kernel: str) -> bool:
    """Whether a kernel slides a window over images of bytes."""
    row = BY_NAME.get(kernel)
    return row is not None and row.layout in (CONV, DEPTHWISE, POOL) and not row.wide


def in_tile(tile_h: int, tile_w: int) -> int:
    """A word `tile` of tile_h rows and tile_w columns of outputs, or what else its kernel holds in the two halves."""
    return tile_h << 16 | tile_w


def tile_halves(tile: int) -> tuple[int, int]:
    """The upper and the lower half of a word `tile`."""
    return tile >> 16, tile & 0xFFFF
