"""Every kernel of the board: id, family, layout, and what its operands and constants may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .layout import Layout
from .layouts import (
    ADD,
    ARG,
    BINARY,
    BOX,
    CHANNEL_TABLES,
    CONV,
    CONV_16,
    DENSE,
    DEPTHWISE,
    DEPTHWISE_16,
    EXTREME,
    GATHER,
    INTEGERS,
    LSTM,
    MATRICES,
    MUL,
    PAIRWISE_16,
    POOL,
    REDUCTION,
    RESCALE,
    RESIZE,
    ROWS,
    SELECT,
    SIGMOID_16,
    SOFTMAX,
    SOFTMAX_16,
    SUMS,
    SVDF,
    TABLE,
    TRANSPOSE_CONV,
)

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
    Kernel(1, "conv_2d", "conv", CONV, cuttable=True),
    Kernel(2, "depthwise_conv_2d", "depthwise", DEPTHWISE, cuttable=True),
    Kernel(3, "fully_connected", "dense", DENSE, cuttable=True),
    Kernel(4, "max_pool_2d", "pool", POOL),
    Kernel(5, "average_pool_2d", "pool", POOL),
    Kernel(6, "mean", "reduce", REDUCTION),
    Kernel(7, "add", "elementwise", ADD, _BOTH),
    Kernel(8, "mul", "elementwise", MUL, _BOTH),
    Kernel(9, "copy", "move", BOX, ("x",)),
    Kernel(10, "softmax", "softmax", SOFTMAX),
    Kernel(11, "lut", "lookup", TABLE),
    Kernel(12, "gather", "gather", GATHER, _BOTH),
    Kernel(13, "reduce", "reduce", EXTREME),
    Kernel(14, "arg", "reduce", ARG),
    Kernel(15, "binary", "elementwise", BINARY, _BOTH),
    Kernel(16, "select", "elementwise", SELECT, _BOTH),
    Kernel(17, "resize_bilinear", "resize", RESIZE, holds_offsets=True),
    Kernel(18, "rows", "rows", ROWS, holds_offsets=True),
    Kernel(19, "channel_lut", "lookup", CHANNEL_TABLES, holds_offsets=True),
    Kernel(32, "transpose_conv", "conv", TRANSPOSE_CONV),
    Kernel(33, "batch_matmul", "matmul", MATRICES, _BOTH),
    Kernel(34, "lstm", "recurrent", LSTM, states=("hidden_offset", "cell_offset")),
    Kernel(35, "svdf", "recurrent", SVDF, states=("state_offset",)),
    Kernel(36, "conv_2d_16", "int16", CONV_16, wide=True),
    Kernel(37, "depthwise_conv_2d_16", "int16", DEPTHWISE_16, wide=True),
    Kernel(38, "max_pool_2d_16", "int16", POOL, wide=True),
    Kernel(39, "average_pool_2d_16", "int16", POOL, wide=True),
    Kernel(40, "mean_16", "int16", REDUCTION, wide=True),
    Kernel(41, "pairwise_16", "int16", PAIRWISE_16, _BOTH, wide=True),
    Kernel(42, "rescale", "int16", RESCALE),
    Kernel(43, "sigmoid_16", "int16", SIGMOID_16, wide=True),
    Kernel(44, "softmax_16", "int16", SOFTMAX_16, wide=True),
    Kernel(45, "cumsum", "integer", SUMS),
    Kernel(46, "numbers", "integer", INTEGERS, _BOTH),
)
BY_NAME: Mapping[str, Kernel] = {kernel.name: kernel for kernel in KERNELS}
BY_ID: Mapping[int, Kernel] = {kernel.id: kernel for kernel in KERNELS}

# What an entry of the pieces replaces in the record, in its order.
PIECE = tuple(
    getattr(CONV, name)
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
