"""Functions of one int8 tensor: all of them are a table of 256 bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arithmetic import int8_tables
from ..arithmetic import tables as fixed_tables
from ..ir import Op, Tensor
from ..record import TABLE
from .core import Lowering, Step, Unsupported, lowers

TableOf = Callable[[Op, Tensor, Tensor], np.ndarray]
TABLES: dict[str, TableOf] = {}  # kind: (op, x, y) -> integers[256] by raw byte of x, modulo 256


def tabulates(*kinds: str) -> Callable[[TableOf], TableOf]:
    """Registers what makes the table of ops of these kinds, and their lowering."""

    def register(function: TableOf) -> TableOf:
        TABLES.update(dict.fromkeys(kinds, function))
        lowers(*kinds)(_lower)
        return function

    return register


def _lower(ctx: Lowering, op: Op) -> None:
    lut(ctx, op, TABLES[op.kind](op, *ctx.one(op)))


def lut(ctx: Lowering, op: Op, table: np.ndarray, x: Tensor | None = None) -> None:
    """y = table[x] of op's first output; another name for x where the table changes nothing."""
    x, y = x or ctx.input(op, 0), ctx.output(op)
    table = np.asarray(table).astype(np.int64).astype(np.uint8)
    source = ctx.activation(x)
    if (table == np.arange(256)).all() and x.id not in ctx.graph.inputs:
        ctx.alias(y, x)
        return
    words = TABLE.words(count=y.size, table_offset=0)
    ctx.emit(Step("lut", op.name, source, ctx.new_buffer(y), words, table.tobytes(), inplace=(source,)))


def one_value(ctx: Lowering, op: Op, exact: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> bool:
    """Whether y is a function of one tensor's values, because the other is one constant value, or the same tensor; then
    it is lowered to a table. exact(a, b): the op's exact result for arrays of raw int8 operands."""
    x, x2, y = ctx.two(op)
    everything = fixed_tables.ALL_INT8
    for kept, other, first in ((x, x2, True), (x2, x, False)):
        if kept.shape != y.shape or kept.constant:
            continue
        if other.constant and other.size == 1:
            value = np.full(256, int(other.values.reshape(-1)[0]), np.int64)
        elif other.id == kept.id:
            value = everything
        else:
            continue
        lut(ctx, op, exact(everything, value) if first else exact(value, everything), kept)
        return True
    return False


def _scales(x: Tensor, y: Tensor) -> tuple[float, int, float, int]:
    return x.scale, x.zero_point, y.scale, y.zero_point


@tabulates("RELU", "RELU6")
def _relu(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return int8_tables.relu_table(op.kind, *_scales(x, y))


@tabulates("RELU_N1_TO_1")
def _relu_n1_to_1(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.bounded_table(-1.0, 1.0, *_scales(x, y))


@tabulates("RELU_0_TO_1")
def _relu_0_to_1(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.bounded_table(0.0, 1.0, *_scales(x, y))


@tabulates("LEAKY_RELU")
def _leaky_relu(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.leaky_relu_table(op.attrs["alpha"], *_scales(x, y))


@tabulates("ELU")
def _elu(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.float_table(*_scales(x, y), fixed_tables.elu)


@tabulates("GELU")
def _gelu(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    function = fixed_tables.gelu_approximate if op.attrs["approximate"] else fixed_tables.gelu
    return fixed_tables.float_table(*_scales(x, y), function)


@tabulates("HARD_SWISH")
def _hard_swish(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.hard_swish_table(*_scales(x, y))


@tabulates("LOGISTIC")
def _logistic(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return int8_tables.logistic_table(x.scale, x.zero_point)


@tabulates("TANH")
def _tanh(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return int8_tables.tanh_table(x.scale, x.zero_point)


@tabulates("EXP")
def _exp(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.float_table(*_scales(x, y), fixed_tables.exp)


@tabulates("LOG")
def _log(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.float_table(*_scales(x, y), fixed_tables.log)


@tabulates("SQRT")
def _sqrt(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.sqrt_table(*_scales(x, y))


@tabulates("ABS")
def _abs(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.abs_table(*_scales(x, y))


@tabulates("RSQRT")
def _rsqrt(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return fixed_tables.rsqrt_table(*_scales(x, y))


@tabulates("NEG")
def _neg(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    """LiteRT's kernel for integers: raw values, modulo 256, whatever the scales and zero points. TFLM has none."""
    if x.zero_point or y.zero_point or x.scale != y.scale:
        raise Unsupported("TensorFlow Lite Micro has it for floats only, and LiteRT negates the raw int8, which is the "
                          "negative only with equal scales and zero points of 0",
                          "subtract from 0 (SUB), or multiply by -1")  # fmt: skip
    return -np.arange(256)


@tabulates("LOGICAL_NOT")
def _logical_not(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    return np.arange(256) == 0


@tabulates("QUANTIZE")
def _quantize(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    if x.dtype == y.dtype == "uint8":
        raise Unsupported("uint8 to uint8", "export the model again with int8")
    return int8_tables.requantize_table(*_scales(x, y), x.dtype, y.dtype)


@tabulates("TABLE")
def _table(op: Op, x: Tensor, y: Tensor) -> np.ndarray:
    """What compiler/islands.py made of the floats between a DEQUANTIZE and a QUANTIZE."""
    return np.frombuffer(op.attrs["table"], np.uint8)
