"""What a packed variant is made from, and what it adds to a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..record import WINDOW, WORDS
from .constants import Constants
from .window import Window

# An entry of the channel table (FORMAT.md): first word, multiplier, left and right shift.
CHANNEL = np.dtype([("k", "<u4"), ("m", "<i4"), ("l", "u1"), ("r", "u1"), ("z", "<u2")])


@dataclass(frozen=True)
class Layer:
    """A layer with weights, as its record will hold it."""

    words: Mapping[int, int]  # the record's: those of record.WINDOW, and depth_multiplier
    rows: np.ndarray  # int8[out_c, products]: conv_2d OHWI, padded with 0 to a multiple of 4; depthwise OHW; fully_connected OI, padded
    first: np.ndarray  # int64[out_c]: bias - x_zero_point * sum(w)
    channels: np.ndarray  # the channel table (FORMAT.md)
    constants: Constants  # of the step; a variant adds its own

    @property
    def record(self) -> list[int]:
        """The record's 40 words, those not yet known 0."""
        return [self.words.get(i, 0) for i in range(WORDS)]

    @property
    def window(self) -> Window:
        return Window.of(self.record)

    @property
    def y_zero_point(self) -> int:
        return self.words[WINDOW.y_zero_point]

    @property
    def clamps(self) -> tuple[int, int]:
        """The smallest and the largest output."""
        return self.words[WINDOW.clamp_min], self.words[WINDOW.clamp_max]


Option = tuple[int, Mapping[int, int]]  # scratch bytes, and the words of a record that takes so many


@dataclass(frozen=True)
class PackedVariant:
    """What a target's kernels need in a record. words: what it holds of it (packed_offset is not 0); options: as of a
    Step, the fastest first; granule: output channels that its table keeps together, where the constants are cut."""

    words: Mapping[int, int]
    options: tuple[Option, ...] = ()
    granule: int = 1
