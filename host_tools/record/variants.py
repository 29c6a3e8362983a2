"""Which module of each backend runs a record: the one table. The host writes its answers into the word `variants`.

A rule says what a module needs of a record; the first of a backend's rules that a record fits is the one that runs it.
The word has a byte per backend, in the order of BACKENDS: the module's number, 0 where the backend has none for the
record. Then, and where a board's backend does not know the number, viper's module runs it, which gives the same bits.
`ref` needs none: there a kernel is in the file of its family.

A number stands in files: it keeps its module for good; a new module takes the next. Rules may change: a reader takes any
number whose rule a record fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .kernels import BY_NAME, KERNELS, View, view
from .layouts import RECORD

Need = tuple[Callable[[View], bool], str]  # what is true of a record that the module runs; why viper runs the others
NO_ASSEMBLER = "no assembler for this kernel"


@dataclass(frozen=True)
class Rule:
    """A module, by its number, and which records of some kernels it runs.

    packed: only those with the backend's packed variant, and why others have none; "" where it needs none."""

    number: int
    module: str
    kernels: tuple[str, ...]
    packed: str = ""
    needs: tuple[Need, ...] = ()


def _all_of(family: str) -> tuple[str, ...]:
    """The kernels of a family that one module has all of."""
    return tuple(kernel.name for kernel in KERNELS if kernel.family == family)


def _shifts_right(end: int) -> Need:
    return lambda r: not r.left_shift and 0 < r.right_shift < end, "its scales are far apart"


_UINT8: Need = lambda r: not r.weights_format, "weights of four bits"  # noqa: E731
_INT4: Need = lambda r: r.weights_format != 0, "weights of a byte"  # noqa: E731
_ROWS: Need = lambda r: not r.weights_layout, "weights in pairs or twos"  # noqa: E731
_NEIGHBOURS: Need = (  # both operands, in the last dimension
    lambda r: r.all("x1_strides")[-1] == 1 == r.all("x2_strides")[-1],
    "an operand is broadcast in the last dimension",
)
_FOURS: Need = lambda r: r.all("dims")[-1] > 3, "rows of less than 4"  # noqa: E731
_IN_ARENA: Need = lambda r: not r.flags, "an operand is a constant"  # noqa: E731
_IN_PLANE: Need = lambda r: not r.plane_order & 1, "its output lies over its input, channel by channel"  # noqa: E731
_ALIGNED = "its input or its scratch lies at an address that is no multiple of 4"
_SCRATCH: Need = lambda r: not r.scratch_offset & 3, _ALIGNED  # noqa: E731
_INPUT: Need = lambda r: not r.x_offset & 3, _ALIGNED  # noqa: E731
_LONG = "65,536 or more outputs in a row"  # no packed variant of xtensa
_NO_REQUANTIZER = "a sum may reach 2^29, or a scale is far off"  # none of rv32
_GENERAL = 8  # bit of xtensa's depthwise tile: a window of any size, or planes

RULES: Mapping[str, tuple[Rule, ...]] = {
    "viper": (
        Rule(21, "dense_twos", ("fully_connected",), needs=((lambda r: r.weights_layout == 2, "not in twos"),)),
        Rule(20, "dense_pairs", ("fully_connected",), needs=((lambda r: r.weights_layout == 1, "not in pairs"),)),
        Rule(19, "int4", ("fully_connected",), needs=(_ROWS, _INT4)),
        Rule(19, "int4", ("conv_2d",), needs=(_INT4,)),
        Rule(1, "conv", ("fully_connected",), needs=(_ROWS, _UINT8)),
        Rule(1, "conv", ("conv_2d",), needs=(_UINT8,)),
        Rule(2, "depthwise", _all_of("depthwise")),
        Rule(3, "pool", _all_of("pool")),
        Rule(4, "reduce", _all_of("reduce")),
        Rule(5, "elementwise", ("add", "mul")),
        Rule(6, "move", _all_of("move")),
        Rule(7, "softmax", _all_of("softmax")),
        Rule(8, "lookup", _all_of("lookup")),
        Rule(9, "gather", _all_of("gather")),
        Rule(10, "binary", ("binary", "select")),
        Rule(11, "resize", _all_of("resize")),
        Rule(12, "rows", _all_of("rows")),
        Rule(13, "transpose_conv", ("transpose_conv",)),
        Rule(14, "matmul", _all_of("matmul")),
        Rule(15, "recurrent", _all_of("recurrent")),
        Rule(16, "int16_conv", ("conv_2d_16", "depthwise_conv_2d_16")),
        Rule(17, "int16", ("max_pool_2d_16", "average_pool_2d_16", "mean_16", "pairwise_16", "rescale", "sigmoid_16", "softmax_16")),
        Rule(18, "integer", _all_of("integer")),
    ),
    "thumb": (
        Rule(1, "conv", ("conv_2d",), NO_ASSEMBLER),
        Rule(2, "depthwise", ("depthwise_conv_2d",), NO_ASSEMBLER),
        Rule(3, "depthwise_window", ("depthwise_conv_2d",), needs=(_UINT8, _IN_PLANE)),
        Rule(4, "int4", ("fully_connected",), NO_ASSEMBLER, (_INT4,)),
        Rule(5, "dense", ("fully_connected",), NO_ASSEMBLER, (_UINT8,)),
        Rule(6, "pool", ("max_pool_2d", "average_pool_2d", "mean")),
        Rule(7, "add", ("add",), needs=(_NEIGHBOURS, _FOURS, _shifts_right(21))),
        Rule(8, "elementwise", ("copy", "lut", "channel_lut")),
        Rule(8, "elementwise", ("mul",), needs=(_shifts_right(21),)),
    ),
    "xtensa": (
        Rule(1, "depthwise_window", ("depthwise_conv_2d",), _LONG, (_UINT8, _SCRATCH, (lambda r: r.tile & _GENERAL != 0, "-"))),
        Rule(2, "depthwise", ("depthwise_conv_2d",), _LONG, (_UINT8, _SCRATCH, (lambda r: not r.tile & _GENERAL, "-"))),
        Rule(3, "dense", ("fully_connected",), _LONG, (_UINT8, _SCRATCH, (lambda r: r.weights_layout != 0, "weights in rows"))),
        Rule(4, "conv", ("fully_connected",), _LONG, (_UINT8, _SCRATCH, _ROWS, _INPUT)),
        Rule(4, "conv", ("conv_2d",), _LONG, (_UINT8, _SCRATCH, _INPUT)),
        Rule(5, "elementwise", ("lut",)),
        Rule(5, "elementwise", ("copy",), needs=((lambda r: r.all("dims")[-1] > 15, "rows of less than 16"),)),
        Rule(5, "elementwise", ("add",), needs=(_NEIGHBOURS, _FOURS, _shifts_right(22))),
    ),
    "rv32": (
        Rule(1, "conv", ("conv_2d",), _NO_REQUANTIZER, ((lambda r: r.variant_form != 0, "one or two pixels"),)),
        Rule(2, "dense", ("conv_2d",), _NO_REQUANTIZER, ((lambda r: r.variant_form == 0, "three or more pixels"),)),
        Rule(2, "dense", ("fully_connected",), _NO_REQUANTIZER),
        Rule(3, "depthwise", ("depthwise_conv_2d",), _NO_REQUANTIZER),
        Rule(4, "elementwise", ("add",), needs=(_NEIGHBOURS, _FOURS, _IN_ARENA, _shifts_right(22))),
        Rule(5, "move", ("copy",)),
        Rule(6, "lookup", ("lut",)),
    ),
}  # fmt: skip
BACKENDS = tuple(RULES)
MODULES: Mapping[str, Mapping[int, str]] = {
    backend: dict(sorted({rule.number: rule.module for rule in rules}.items())) for backend, rules in RULES.items()
}


def variants(kernel: str, words: Sequence[int], target: str) -> int:
    """The word `variants` of a record, whose other words are final. target: whose packed variants its file holds."""
    word = 0
    for at, backend in enumerate(BACKENDS):
        word |= next((rule.number for rule in _fitting(backend, kernel, words, target)), 0) << 8 * at
    return word


def number(backend: str, words: Sequence[int]) -> int:
    """What a record says of a backend: its module's number, 0 for none."""
    return words[RECORD.variants] >> 8 * BACKENDS.index(backend) & 255


def module(backend: str, kernel: str, words: Sequence[int]) -> str:
    """The module of the device package that runs a record on a backend, "thumb.conv": as the board's `kernel` finds it.

    ValueError for a record that no module runs."""
    if backend == "ref":
        return f"ref.{BY_NAME[kernel].family}"
    for package in (backend, "viper"):
        name = MODULES[package].get(number(package, words))
        if name and any(kernel in rule.kernels for rule in RULES[package] if rule.module == name):
            return f"{package}.{name}"
    raise ValueError(_unknown(kernel, number("viper", words)))


def problem(kernel: str, words: Sequence[int], target: str) -> str | None:
    """None, or what is wrong where a record names a module that cannot run it: it would read other words, or elsewhere.

    Another backend than viper may have none, or one that only a newer fxnn has."""
    for backend in BACKENDS:
        named = number(backend, words)
        if backend == "viper" or named in MODULES[backend]:
            if named not in {rule.number for rule in _fitting(backend, kernel, words, target)}:
                return _unknown(kernel, named)
    return None


def _unknown(kernel: str, number: int) -> str:
    """What host and board say of a record that names no module which can run it."""
    return f"variant {number} of kernel {BY_NAME[kernel].id} unknown, update fxnn"


def why_not(backend: str, kernel: str, words: Sequence[int], target: str) -> str:
    """Why a backend has no module for a record, in a few words; "" where a rule takes it."""
    why = NO_ASSEMBLER
    for rule in RULES[backend]:
        if kernel in rule.kernels:
            why = _in_the_way(rule, backend, view(kernel, words), target)
            if not why:
                return ""
    return why


def _fitting(backend: str, kernel: str, words: Sequence[int], target: str) -> Iterator[Rule]:
    """The rules of a backend that a record fits, the first is the one to take."""
    r = view(kernel, words)
    return (rule for rule in RULES[backend] if kernel in rule.kernels and not _in_the_way(rule, backend, r, target))


def _in_the_way(rule: Rule, backend: str, r: View, target: str) -> str:
    """Why a module does not run a record of one of its kernels; "" where it does."""
    if rule.packed and not (target == backend and r.packed_offset):
        return _UINT8[1] if r.weights_format else rule.packed
    return next((why for fits, why in rule.needs if not fits(r)), "")
