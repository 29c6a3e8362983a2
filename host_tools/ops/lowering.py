"""IR ops to the board's kernel calls (Steps): every number a record of `models/FORMAT.md` holds, but for arena offsets.

`lower(graph)` walks the ops once; table.py says what each kind takes, and its family's file has its function,
registered with @lowers. What cannot be lowered is collected and refused all at once.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..errors import ToolError
from ..ir import Graph, Op, Tensor
from . import (  # noqa: F401  (they register themselves)
    conv,
    dense,
    depthwise,
    elementwise,
    gather,
    int16,
    integer,
    lookup,
    matmul,
    move,
    pool,
    recurrent,
    reduce,
    resize,
    rows,
    softmax,
)
from .compose import compose
from .core import (
    EXPORT,
    FULL_INT8,
    LOWER,
    LOWER_16,
    LOWER_32,
    RECONVERT,
    Lower,
    Lowering,
    Program,
    Unsupported,
    check_quantization,
)
from .refusals import OTHER_TYPE, explain, unknown
from .table import TABLE, Row, row

_BORDER_DTYPES = ("int8", "uint8", "int16", "int32", "bool")  # of the network's own inputs and outputs


def supported() -> list[str]:
    """The op kinds that can be converted, sorted."""
    return sorted(kind for kind, r in TABLE.items() if r.lowered or r.resolved)


def lower(graph: Graph, target: str = "none") -> Program:
    """The kernel calls of `graph`. ToolError lists every op that has none, with the reason and the way out.

    `target`: whose packed variants are added to the records, a key of assembler.targets.TARGETS or "none"."""
    ctx = Lowering(graph, target)
    refused: list[tuple[Op, Unsupported]] = []
    for op in graph.ops:
        try:
            function = _function(ctx, op)
            _check_shape(ctx, op, row(op.kind))
            function(ctx, op)
        except Unsupported as e:
            refused.append((op, e))
        except ToolError as e:  # numbers that the mathematics refuses: scales too far apart
            refused.append((op, Unsupported(": ".join(filter(None, (e.what, e.why))), e.fix)))
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError) as e:  # what no well-formed model has
            refused.append((op, Unsupported(f"its shapes or options do not fit ({type(e).__name__}: {e})", RECONVERT)))
        for id in op.outputs:  # so that ops after a refused one are examined too
            if id not in ctx.place:
                ctx.new_buffer(ctx.tensor(id))
    refused += _borders(ctx)
    if not graph.outputs:
        raise ToolError(f"{graph.name} has no outputs", fix=RECONVERT)
    if refused:
        raise explain(ctx.graph, refused)
    outputs = {ctx.place[i] for i in ctx.graph.outputs}
    composed = compose(ctx.steps, outputs | set(ctx.variables))
    views = sum(ctx.place[op.outputs[0]] != op.outputs[0] for op in graph.ops if op.outputs)
    saved = {"other names for the same bytes": views, "tables": len(ctx.steps) - len(composed)}
    steps = tuple(recurrent.drop_reads(composed, ctx.variables, outputs))
    return Program(ctx.graph, steps, ctx.buffers, ctx.place, ctx.variables, target, saved=saved)


def _function(ctx: Lowering, op: Op) -> Lower:
    """What lowers `op`: by its activations' dtype. Unsupported where nothing does, or where its tensors do not fit."""
    dtypes = {ctx.tensor(i).dtype for i in (*op.inputs[:1], *op.outputs) if i is not None}
    separate = LOWER_16.get(op.kind) if "int16" in dtypes else LOWER_32.get(op.kind) if "int32" in dtypes else None
    if separate is not None:
        return separate
    general = LOWER.get(op.kind)
    if general is None:
        raise Unsupported(*unknown(ctx.graph, op, FULL_INT8, supported()))
    r = row(op.kind)
    if not r.checks:
        for id in (*op.inputs, *op.outputs):
            if id is not None:
                _check_dtype(op, r, ctx.tensor(id))
        if isinstance(r.rule, tuple):
            _check_fixed(ctx.output(op), *r.rule)
    return general


def _borders(ctx: Lowering) -> list[tuple[Op, Unsupported]]:
    """What is wrong with the network's own inputs and outputs; constants among them come into the arena."""
    refused = []
    for id in ctx.graph.inputs + ctx.graph.outputs:
        tensor = ctx.tensor(id)
        try:
            if tensor.dtype not in _BORDER_DTYPES:
                raise Unsupported(f"the network's own tensor is {tensor.dtype}", FULL_INT8)
            check_quantization(tensor)
            if tensor.constant:
                ctx.activation(tensor)
        except Unsupported as e:
            refused.append((Op("NETWORK", id, (), (id,)), e))
    return refused


def _check_dtype(op: Op, r: Row, tensor: Tensor) -> None:
    """Activations and weights are of the row's dtypes; biases, axes, paddings and shapes int32 (or int64)."""
    if any(i < len(op.inputs) and op.inputs[i] == tensor.id for i in r.indices):
        if tensor.dtype not in ("int32", "int64"):
            raise Unsupported(f"'{tensor.id}' is {tensor.dtype}, int32 is needed", FULL_INT8)
        return
    allowed = r.dtypes
    if r.linear and tensor.id == op.inputs[1]:
        allowed = ("int8", "int4")
    if tensor.dtype not in allowed:
        raise Unsupported(
            f"'{tensor.id}' is {tensor.dtype}, not {' or '.join(allowed)}", OTHER_TYPE.get(tensor.dtype, FULL_INT8)
        )
    check_quantization(tensor)
    if tensor.size == 0 and not r.empty:
        raise Unsupported(f"'{tensor.id}' is empty: shape {tensor.shape}", "give every dimension a size")


def _check_fixed(y: Tensor, scale: float, zero_point: int) -> None:
    """Unsupported unless the output has the scale and zero point that the kernel's results have."""
    if y.scale != scale or y.zero_point != zero_point:
        raise Unsupported(f"its output is not quantized to scale 1/{1 / scale:g}, zero point {zero_point}", EXPORT)


def _check_shape(ctx: Lowering, op: Op, r: Row) -> None:
    """Unsupported unless the output's shape is the "same" as the input's, of its "size", or the inputs' "broadcast"."""
    if not r.shape:
        return
    x, y = ctx.one(op)
    if r.shape == "broadcast":
        shapes = [ctx.tensor(i).shape for i in op.inputs if i is not None]
        made = np.broadcast_shapes(*shapes)
        if made != y.shape and (prod(made) != y.size or len(y.shape) > len(made)):
            raise Unsupported(f"shapes {', '.join(map(str, shapes))} do not make {y.shape}", EXPORT)
    elif y.shape != x.shape if r.shape == "same" else y.size != x.size:
        raise Unsupported(f"shape {x.shape} becomes {y.shape}", "fix the batch size to 1" if r.reshapes else EXPORT)
