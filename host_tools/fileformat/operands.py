"""What every kernel's record reads and writes, and what has to hold of its words: one table, as expressions over a record.

extents.py reads it: the reader's checks, the size of scratch and the reports' lifetimes come from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..record import KERNELS

Access = Literal["r", "w", "rw"]

# What a value of a name is in, whatever the kernel: the least and the most.
NAMED = {
    "shift": (0, 31),
    "zero_point": (-128, 127),
    "clamp_min": (-(1 << 15), (1 << 15) - 1),
    "clamp_max": (-(1 << 15), (1 << 15) - 1),
}
UNBOUND = {("binary", "right_shift")}  # a quotient's, which is bounded where it is used

_LSTM_GATES = 8  # four gates, each for x and for the hidden state
_REGISTERS_BYTES = 64  # sixteen of a program


@dataclass(frozen=True)
class Operand:
    """A stretch of the arena or of the constants that a kernel call reads or writes.

    at, bytes: expressions of its offset (as a rule a word) and of its length. access: "r" reads, "w" writes. constants: it
    lies in the constants; "x" and "x2" may by the word `flags`, where the schema says so. alignment: what its address is a
    multiple of. when: expression that is true where a record has it."""

    name: str
    at: str
    bytes: str
    access: Access = "r"
    constants: bool = False
    alignment: int = 1
    when: str = ""


@dataclass(frozen=True)
class Extents:
    """A kernel's operands, and what its words have to be besides. not_negative, positive: words from one name to another
    that are at least 0, or 1. needs: expressions that are true. packed: its packed variants (assembler/targets.py) have
    scratch and tables of their own."""

    operands: tuple[Operand, ...]
    not_negative: tuple[tuple[str, str], ...] = ()
    positive: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()
    packed: bool = False


def _x(bytes: str, alignment: int = 1) -> Operand:
    return Operand("x", "x_offset", bytes, alignment=alignment)


def _x2(bytes: str, alignment: int = 1) -> Operand:
    return Operand("x2", "x2_offset", bytes, alignment=alignment)


def _y(bytes: str, alignment: int = 1) -> Operand:
    return Operand("y", "y_offset", bytes, "w", alignment=alignment)


def _scratch(bytes: str) -> Operand:
    return Operand("scratch", "scratch_offset", bytes, "rw", alignment=4)


def _table(name: str, bytes: str, alignment: int = 4, at: str = "", when: str = "") -> Operand:
    """A table in the constants, at the word `name`_offset."""
    return Operand(name, at or f"{name}_offset", bytes, constants=True, alignment=alignment, when=when)


# ---- windows: convolutions, dense, pools

_IMAGE = "batches * in_h * in_w * in_c"
_PIXELS = "batches * out_h * out_w"
_TAPS = "kernel_h * kernel_w * in_c"
_PLANES = "kernel_h * kernel_w"
_PADDINGS = (("pad_top", "pad_left"),)
_SIZES = (("batches", "dilation_w"),)
_PIECE_STEP = "y_step == 0 or y_step >= out_c"
_CUT_Y = f"spread({_PIXELS}, y_step or out_c, out_c)"  # of a piece: some of the channels of each pixel


def _window(operands: tuple[Operand, ...], needs: tuple[str, ...] = (), packed: bool = False) -> Extents:
    return Extents(operands, _PADDINGS, _SIZES, needs, packed)


def _pool(element: int) -> Extents:
    """Windows without dilation, none of them wholly outside of the image."""
    inside = tuple(
        f"pad_{pad} < kernel_{n} and (out_{n} - 1) * stride_{n} - pad_{pad} < in_{n}" for pad, n in (("top", "h"), ("left", "w"))
    )  # fmt: skip
    needs = ("in_c == out_c", "dilation_h == dilation_w == 1", *inside)
    return _window((_x(f"{element} * {_IMAGE}", element), _y(f"{element} * {_PIXELS} * out_c", element)), needs)


_CONV = _window(
    (
        _x(_IMAGE),
        _y(_CUT_Y),
        _scratch(_TAPS),
        _table("weights", f"(up({_TAPS}, 8) // 2 if weights_format else up({_TAPS}, 4)) * out_c"),
        _table("channels", "(8 if weights_format else 12) * out_c"),
    ),
    (_PIECE_STEP, "weights_format in (0, 1)"),
    packed=True,
)
_DEPTHWISE = _window(
    (
        # A piece reads some of the channels of each pixel.
        _x("spread(batches * in_h * in_w, in_c, -(-out_c // depth_multiplier))"),
        _y(_CUT_Y),
        _scratch("in_h * in_w if plane_order else 0"),
        _table("weights", f"{_PLANES} * out_c"),
        _table("channels", "12 * out_c"),
    ),
    (
        "depth_multiplier >= 1",
        _PIECE_STEP,
        "out_c % depth_multiplier == 0",
        "out_c == in_c * depth_multiplier or y_step and out_c < in_c * depth_multiplier",
        "plane_order == 0 or plane_order == batches == depth_multiplier == 1",
        "weights_format == 0",
    ),
    packed=True,
)
_DENSE = _window(
    (
        _x(_IMAGE),
        _y(_CUT_Y),
        _scratch("0 if weights_layout else in_c"),
        _table("weights", "up(in_c, 4) * out_c", when="weights_layout == 0 and weights_format == 0"),
        _table("weights", "up(in_c, 8) // 2 * out_c", when="weights_format == 1"),
        _table("weights", "up(in_c, 2) * up(out_c, 2)", when="weights_layout == 1"),  # pairs
        _table("weights", "up(in_c, 16) * out_c", when="weights_layout == 2"),  # twos
        _table("channels", "(8 if weights_format else 12) * (up(out_c, 2) if weights_layout == 1 else out_c)"),
    ),
    (
        _PIECE_STEP,
        "weights_layout in (0, 1, 2) and weights_format in (0, 1) and not (weights_layout and weights_format)",
        "batches == in_w == out_w == kernel_h == kernel_w == stride_h == stride_w == dilation_h == dilation_w == 1",
        "pad_top == pad_left == 0 and in_h == out_h",
    ),
    packed=True,
)
_TRANSPOSE_CONV = _window(
    (
        Operand("x", "x_offset", f"{_IMAGE}", when="wide == 0"),
        Operand("x", "x_offset", f"2 * {_IMAGE}", alignment=2, when="wide == 1"),
        Operand("y", "y_offset", f"{_PIXELS} * out_c", "w", when="wide == 0"),
        Operand("y", "y_offset", f"2 * {_PIXELS} * out_c", "w", alignment=2, when="wide == 1"),
        _table("weights", f"{_TAPS} * out_c"),
        _table("channels", "(16 if wide else 12) * out_c"),
    ),
    ("wide in (0, 1)",),
)
_CONV_16 = _window(
    (
        _x(f"2 * {_IMAGE}", 2),
        _y(f"2 * {_PIXELS} * out_c", 2),
        _scratch(f"2 * {_TAPS}"),
        _table("weights", f"up({_TAPS}, 4) * out_c"),
        _table("channels", "16 * out_c"),
    ),
    ("bias_32 in (0, 1)",),
)
_DEPTHWISE_16 = _window(
    (
        _x(f"2 * {_IMAGE}", 2),
        _y(f"2 * {_PIXELS} * out_c", 2),
        _table("weights", f"{_PLANES} * out_c"),
        _table("channels", "16 * out_c"),
    ),
    ("depth_multiplier >= 1", "out_c == in_c * depth_multiplier", "bias_32 in (0, 1)"),
)

# ---- elements: pairs, boxes, lookups

_DIMS = (("dims", "x2_strides"),)
_DIMS_AND_FACTORS = (("dims", "right_shift"),)
_BOTH_FLAGS = "flags in (0, 1, 2, 3)"


def _pairs(extra: tuple[Operand, ...] = (), needs: tuple[str, ...] = (), y: str = "prod(dims)") -> Extents:
    walks = (_x("walk(1, dims, x1_strides)"), _x2("walk(1, dims, x2_strides)"))
    return Extents((*walks, _y(y), *extra), _DIMS, needs=(_BOTH_FLAGS, *needs))


_SELECT = Extents(
    (_x("walk(1, dims, x1_strides)"), _x2("walk(1, dims, x2_strides)"), Operand("y", "y_offset", "prod(dims)", "rw")),
    _DIMS,
    needs=(_BOTH_FLAGS,),
)
_COPY = Extents(
    (_x("walk(1, dims, x_strides)"), _y("max(fill_bytes, start + walk(1, dims, y_strides))")),
    (("dims", "y_strides"), ("fill_bytes", "fill_bytes"), ("start", "start")),
    needs=("flags in (0, 1)", "0 <= fill_value <= 255"),
)
_PAIRWISE_16 = Extents(
    (_x("walk(2, dims, x1_strides)", 2), _x2("walk(2, dims, x2_strides)", 2), _y("2 * prod(dims)", 2)),
    _DIMS_AND_FACTORS,
    needs=(_BOTH_FLAGS, "function in (0, 1, 2, 3, 4)"),
)
_INTEGERS = Extents(
    (
        _x("walk(element_bytes, dims, x1_strides)", 2),
        _x2("walk(element_bytes, dims, x2_strides)", 2),
        Operand("y", "y_offset", "element_bytes * prod(dims)", "w", alignment=2, when="not 2 <= function <= 5"),
        Operand("y", "y_offset", "prod(dims)", "w", when="2 <= function <= 5"),  # bools
    ),
    _DIMS,
    needs=(_BOTH_FLAGS, "element_bytes in (2, 4)", "0 <= function <= 10"),
)
_MATRICES = Extents(
    tuple(
        operand
        for size, when in ((1, "flags & 4 == 0"), (2, "flags & 4 != 0"))
        for operand in (
            Operand("x", "x_offset", f"walk({size}, (*batches, rows, depth), x1_strides)", alignment=size, when=when),
            Operand("x2", "x2_offset", f"walk({size}, (*batches, columns, depth), (*x2_strides, x2_depth_stride))",
                    alignment=size, when=when),
            Operand("y", "y_offset", f"{size} * prod(batches) * rows * columns", "w", alignment=size, when=when),
        )
    ),
    (("batches", "x2_strides"), ("x2_depth_stride", "x2_depth_stride")),
    needs=("0 <= flags <= 7",),
)  # fmt: skip
_LUT = Extents((_x("count"), _y("count"), _table("table", "256", 1)))
_CHANNEL_LUT = Extents(
    (
        _x("a * b * c"),
        _y("a * b * c"),
        _table("which", "2 * b", 2),
        _table("tables", "256 * (largest(constants, which_offset, b) + 1)", 1),
    ),
    (("a", "which_offset"),),
)
_GATHER = Extents(
    (
        _x(
            "(a - 1) * a_stride + (rows - 1) * row_stride + (b - 1) * b_stride + (columns - 1) * column_stride + c"
            " if a * j * b * k * c else 0"
        ),
        _x2("4 * j", 4),
        _y("a * j * b * k * c"),
        _table("columns", "4 * k"),
    ),
    (("a", "columns_offset"),),
    (("rows", "columns"),),
    needs=(_BOTH_FLAGS,),
)
_RESIZE = Extents(
    (
        _x(
            "(n - 1) * image_bytes + c + furthest(constants, rows_offset, out_h) + furthest(constants, columns_offset, out_w)"
            " if n * out_h * out_w else 0"
        ),
        _y("n * c * out_h * out_w"),
        _table("rows", "12 * out_h"),
        _table("columns", "12 * out_w"),
    ),
    (("n", "out_w"),),
    needs=("furthest(constants, rows_offset, out_h) >= 0", "furthest(constants, columns_offset, out_w) >= 0"),
)
_RESCALE = Extents(
    (
        Operand("x", "x_offset", "count", when="x_bytes == 1"),
        Operand("x", "x_offset", "2 * count", alignment=2, when="x_bytes == 2"),
        Operand("y", "y_offset", "count", "w", when="y_bytes == 1"),
        Operand("y", "y_offset", "2 * count", "w", alignment=2, when="y_bytes == 2"),
    ),
    needs=("x_bytes in (1, 2) and y_bytes in (1, 2)",),
)
_SIGMOID_16 = Extents(
    (_x("2 * count", 2), _y("2 * count", 2), _table("table", "2 * 256")),
    needs=("0 <= right_shift <= 30", "tanh in (0, 1)"),
)

# ---- reductions, rows

_REDUCED = "a * r1 * b * r2 * c"
_KEPT = "a * b * c"


def _mean(element: int) -> Extents:
    return Extents((_x(f"{element} * {_REDUCED}", element), _y(f"{element} * {_KEPT}", element)), (("a", "c"),))


_REDUCE = Extents((_x(_REDUCED), _y(_KEPT)), (("a", "c"),), (("r1", "r1"), ("r2", "r2")))
_ARG = Extents((_x("a * r * c"), _y("4 * a * c", 4)), (("a", "smallest"),), (("r", "r"),))
_SUMS = Extents((_x("a * n * c"), _y("a * n * c")), (("a", "c"),), needs=("mode in (0, 1, 2, 3)",))
_SOFTMAX = Extents(
    (_x("rows * depth"), _y("rows * depth"), _table("table", "4 * table_count")),
    (("rows", "table_offset"),),
    (("depth", "depth"),),
    needs=("1 <= table_count <= 256",),
)
_SOFTMAX_16 = Extents(
    (
        _x("2 * rows * depth", 2),
        _y("2 * rows * depth", 2),
        _table("exp", "2 * 513"),
        _table("reciprocal", "2 * 513", 2),
    ),
    (("rows", "depth"),),
    (("depth", "depth"),),
)
_ROWS = Extents(
    (
        Operand("x", "x_offset", "rows * depth", when="function != 2"),
        Operand("x", "x_offset", "rows * depth", alignment=2, when="function == 2"),
        Operand("y", "y_offset", "rows * depth", "w", when="function != 2"),
        Operand("y", "y_offset", "rows * depth", "w", alignment=2, when="function == 2"),
        _scratch(str(_REGISTERS_BYTES)),
        _table("table", "4 * table_count"),
        _table("diff", "4 * table_count"),
        _table("program", "4 * program_count"),
        _table("values", "4 * values_count"),
    ),
    (("rows", "table_count"), ("table_offset", "diff_offset")),
    (("depth", "depth"), ("program_count", "program_count")),
    needs=(
        "table_count <= 256",
        "function in (0, 1, 2) and (function != 2 or depth == 2)",
        "program_runs(constants, program_offset, program_count, values_count)",
    ),
)

# ---- states

_SVDF = Extents(
    (
        _x("batches * inputs"),
        _y("batches * filters // rank"),
        Operand("state", "state_offset", "batches * filters * memory", "rw", when="element_bytes == 1"),
        Operand(
            "state", "state_offset", "2 * batches * filters * memory", "rw", alignment=2, when="element_bytes == 2"
        ),
        _table("sums", "4 * filters"),
        _table("features", "filters * inputs", 1),
        _table("time", "filters * memory * element_bytes", 2),
        _table("bias", "4 * filters // rank"),
    ),
    (("batches", "element_bytes"),),
    (("rank", "memory"),),
    needs=("element_bytes in (1, 2)", "filters % rank == 0"),
)


def _steps(name: str, elements: str, access: Access, size: int) -> Operand:
    """x or y of an LSTM, of so many elements per time step, where an element is `size` bytes."""
    rows = f"(batches - 1) * {name}_batch_stride + (steps - 1) * {name}_step_stride"
    extent = f"{rows} + {elements} * element_bytes"
    return Operand(name, f"{name}_offset", extent, access, alignment=size, when=f"element_bytes == {size}")


_LSTM = Extents(
    (
        *(_steps("x", "inputs", "r", size) for size in (1, 2)),
        *(_steps("y", "units", "w", size) for size in (1, 2)),
        _scratch("8 * units + (inputs + units) * element_bytes"),
        Operand("hidden", "hidden_offset", "batches * units", "rw", when="element_bytes == 1"),
        Operand("hidden", "hidden_offset", "2 * batches * units", "rw", alignment=2, when="element_bytes == 2"),
        Operand("cell", "cell_offset", "2 * batches * units", "rw", alignment=2),
        _table("gates", f"16 * {_LSTM_GATES}"),
        _table("products", "24"),
        _table("sigmoid", "2 * 256"),
        *(
            operand
            for gate, inputs in enumerate(("inputs", "units") * (_LSTM_GATES // 2))
            for operand in (
                _table(f"weights of {gate}", f"units * {inputs}", 1, f"i32(constants, gates_offset + {16 * gate})"),
                _table(f"first of {gate}", "(8 if element_bytes == 2 else 4) * units", 4,
                       f"i32(constants, gates_offset + {16 * gate + 4})"),
            )
        ),
    ),
    (("batches", "y_step_stride"),),
    needs=("element_bytes in (1, 2)", "0 <= tanh_right_shift <= 30", "logistic_cell in (0, 1)"),
)  # fmt: skip

_TABLES = (_table("table1", "4 * 256"), _table("table2", "4 * 256"))
EXTENTS: dict[str, Extents] = {
    "conv_2d": _CONV,
    "depthwise_conv_2d": _DEPTHWISE,
    "fully_connected": _DENSE,
    "max_pool_2d": _pool(1),
    "average_pool_2d": _pool(1),
    "mean": _mean(1),
    "add": _pairs(_TABLES),
    "mul": _pairs(),
    "copy": _COPY,
    "softmax": _SOFTMAX,
    "lut": _LUT,
    "gather": _GATHER,
    "reduce": _REDUCE,
    "arg": _ARG,
    "binary": _pairs(
        (
            _table("table1", "4 * 256", when="2 <= function <= 6"),
            _table("table2", "4 * 256", when="2 <= function <= 6"),
            _table("inverses", "8 * 256", when="function == 8"),
        ),
        ("0 <= function <= 8",),
    ),
    "select": _SELECT,
    "resize_bilinear": _RESIZE,
    "rows": _ROWS,
    "channel_lut": _CHANNEL_LUT,
    "transpose_conv": _TRANSPOSE_CONV,
    "batch_matmul": _MATRICES,
    "lstm": _LSTM,
    "svdf": _SVDF,
    "conv_2d_16": _CONV_16,
    "depthwise_conv_2d_16": _DEPTHWISE_16,
    "max_pool_2d_16": _pool(2),
    "average_pool_2d_16": _pool(2),
    "mean_16": _mean(2),
    "pairwise_16": _PAIRWISE_16,
    "rescale": _RESCALE,
    "sigmoid_16": _SIGMOID_16,
    "softmax_16": _SOFTMAX_16,
    "cumsum": _SUMS,
    "numbers": _INTEGERS,
}
assert list(EXTENTS) == [kernel.name for kernel in KERNELS]
