"""What a fast form is made from, and what it adds to a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .constants import Constants

# An entry of the channel table (FORMAT.md): first word, multiplier, left and right shift.
CHANNEL = np.dtype([("k", "<u4"), ("m", "<i4"), ("l", "u1"), ("r", "u1"), ("z", "<u2")])


@dataclass(frozen=True)
class Layer:
    """A layer with weights, as its record will hold it."""

    words: Mapping[int, int]  # the record's, 8 to 28 (29 for depthwise_conv_2d)
    rows: np.ndarray  # int8[out_c, products]: conv_2d OHWI, padded with 0 to a multiple of 4; depthwise OHW; fully_connected OI, padded
    first: np.ndarray  # int64[out_c]: bias - x_zero_point * sum(w)
    channels: np.ndarray  # the channel table (FORMAT.md)
    constants: Constants  # of the step; a form adds its own

    def list(self) -> list[int]:
        """The record's words as a list, those not yet known 0."""
        return [self.words.get(i, 0) for i in range(40)]


@dataclass(frozen=True)
class Fast:
    """A fast form. words: what the record holds of it (word 30 is not 0); options: as of a Step, the fastest first;
    granule: output channels that its table keeps together, where the constants are cut."""

    words: Mapping[int, int]
    options: tuple[tuple[int, Mapping[int, int]], ...] = ()
    granule: int = 1
