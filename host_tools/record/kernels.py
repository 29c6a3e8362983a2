"""Every kernel of the board: id, family, layout, and what its operands and constants may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import layouts
from .layout import Layout

WORDS = 40
BYTES = 4 * WORDS
X_CONSTANT, X2_CONSTANT = 1, 2  # bits of the word `flags`: that operand lies in the op's constants


@dataclass(frozen=True)
class Kernel:
    """A kernel of the board. family: the file of every backend (and of ops/, exact/) that holds it.

    constant_operands: the operands ("x", "x2") that a bit of the word `flags` moves into the constants.
    cuttable: its constants may be divided by output channels, one kernel call each. holds_offsets: its constants hold
    indices or offsets, so a board that streams or maps its constants copies these, so that nothing can change them.
    states: words that hold the offset of a variable in the arena. wide: its activations are int16."""

    id: int
    name: str
    family: str
    layout: Layout
    constant_operands: tuple[str, ...] = ()
    cuttable: bool = False
    holds_offsets: bool = False
    states: tuple[str, ...] = ()
    wide: bool = False


_BOTH = ("x", "x2")

KERNELS: tuple[Kernel, ...] = (
    Kernel(1, "conv_2d", "conv", layouts.CONV, cuttable=True),
    Kernel(2, "depthwise_conv_2d", "depthwise", layouts.DEPTHWISE, cuttable=True),
    Kernel(3, "fully_connected", "dense", layouts.DENSE, cuttable=True),
    Kernel(4, "max_pool_2d", "pool", layouts.POOL),
    Kernel(5, "average_pool_2d", "pool", layouts.POOL),
    Kernel(6, "mean", "reduce", layouts.REDUCTION),
    Kernel(7, "add", "elementwise", layouts.ADD, _BOTH),
    Kernel(8, "mul", "elementwise", layouts.MUL, _BOTH),
    Kernel(9, "copy", "move", layouts.BOX, ("x",)),
    Kernel(10, "softmax", "softmax", layouts.SOFTMAX),
    Kernel(11, "lut", "lookup", layouts.TABLE),
    Kernel(12, "gather", "gather", layouts.GATHER, _BOTH),
    Kernel(13, "reduce", "reduce", layouts.EXTREME),
    Kernel(14, "arg", "reduce", layouts.ARG),
    Kernel(15, "binary", "elementwise", layouts.BINARY, _BOTH),
    Kernel(16, "select", "elementwise", layouts.SELECT, _BOTH),
    Kernel(17, "resize_bilinear", "resize", layouts.RESIZE, holds_offsets=True),
    Kernel(18, "rows", "rows", layouts.ROWS, holds_offsets=True),
    Kernel(19, "channel_lut", "lookup", layouts.CHANNEL_TABLES, holds_offsets=True),
    Kernel(32, "transpose_conv", "conv", layouts.TRANSPOSE_CONV),
    Kernel(33, "batch_matmul", "matmul", layouts.MATRICES, _BOTH),
    Kernel(34, "lstm", "recurrent", layouts.LSTM, states=("hidden_offset", "cell_offset")),
    Kernel(35, "svdf", "recurrent", layouts.SVDF, states=("state_offset",)),
    Kernel(36, "conv_2d_16", "int16", layouts.CONV_16, wide=True),
    Kernel(37, "depthwise_conv_2d_16", "int16", layouts.DEPTHWISE_16, wide=True),
    Kernel(38, "max_pool_2d_16", "int16", layouts.POOL, wide=True),
    Kernel(39, "average_pool_2d_16", "int16", layouts.POOL, wide=True),
    Kernel(40, "mean_16", "int16", layouts.REDUCTION, wide=True),
    Kernel(41, "pairwise_16", "int16", layouts.PAIRWISE_16, _BOTH, wide=True),
    Kernel(42, "rescale", "int16", layouts.RESCALE),
    Kernel(43, "sigmoid_16", "int16", layouts.SIGMOID_16, wide=True),
    Kernel(44, "softmax_16", "int16", layouts.SOFTMAX_16, wide=True),
    Kernel(45, "cumsum", "integer", layouts.SUMS),
    Kernel(46, "numbers", "integer", layouts.INTEGERS, _BOTH),
)
BY_NAME: Mapping[str, Kernel] = {kernel.name: kernel for kernel in KERNELS}
BY_ID: Mapping[int, Kernel] = {kernel.id: kernel for kernel in KERNELS}

# What an entry of the pieces replaces in the record, in its order.
PIECE = tuple(
    getattr(layouts.CONV, name)
    for name in ("const_offset", "const_bytes", "x_offset", "y_offset", "out_c", "weights_offset", "channels_offset", "packed_offset")
)  # fmt: skip


class View:
    """The words of one record by name: `view(kernel, words).in_h`."""

    __slots__ = ("_layout", "words")

    def __init__(self, layout: Layout, words: Sequence[int]):
        self._layout, self.words = layout, words

    def __getattr__(self, name: str) -> int:
        return self.words[getattr(self._layout, name)]

    def all(self, name: str, last: str | None = None) -> Sequence[int]:
        """The words of one name, or from one name to another, both included."""
        return self.words[self._layout.slice(name, last)]


def view(kernel: str, words: Sequence[int]) -> View:
    """The 40 words of a record of `kernel`, by name."""
    return View(BY_NAME[kernel].layout, words)


def in_constants(kernel: str, words: Sequence[int], operand: str) -> bool:
    """Whether this operand ("x", "x2", ...) of a record lies in its constants because a flag says so."""
    row = BY_NAME[kernel]
    if operand not in row.constant_operands:
        return False
    return bool(words[row.layout.flags] & (X_CONSTANT if operand == "x" else X2_CONSTANT))
