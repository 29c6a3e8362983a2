"""The op record's schema: what each of its 40 words is called in each layout, and what is true of each kernel.

This is the one place that knows a word's number. The host names words by a layout,

    from ..record import CONV, view
    words[CONV.in_h]                  # the number of a word is an attribute of its layout
    view("conv_2d", words).in_h       # the value of a word, by name
    CONV.words(batches=1, in_h=8)     # {8: 1, 9: 8}, as a Step has them

and the device's files by constants that are written from it (`_IN_H = const(9)`).
Written from it, too: FORMAT.md's tables, the loader's sets of kernels, the reports' names. It imports nothing of ours.
"""

from .kernels import (
    BY_ID,
    BY_NAME,
    BYTES,
    KERNELS,
    PIECE,
    WORDS,
    X2_CONSTANT,
    X_CONSTANT,
    Kernel,
    View,
    in_constants,
    view,
)
from .layout import Layout, Word
from .layouts import *  # noqa: F403  (every layout, by its name)

__all__ = [
    "BYTES",
    "WORDS",
    "X2_CONSTANT",
    "X_CONSTANT",
    "BY_ID",
    "BY_NAME",
    "KERNELS",
    "PIECE",
    "Kernel",
    "View",
    "view",
    "in_constants",
    "Layout",
    "Word",
]
