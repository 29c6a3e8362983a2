"""IR ops to the board's kernel calls (Steps): every number a record of `models/FORMAT.md` holds, but for arena offsets.

`lower(graph)` walks the ops once; each kind has one function in this package, registered with @lowers. What cannot be
lowered is collected and refused all at once.
"""

from __future__ import annotations

from ..errors import ToolError
from ..ir import Graph, Op, Tensor
from . import (  # noqa: F401  (they register themselves)
    binary,
    elementwise,
    gather,
    matmul,
    movement,
    numbers,
    recurrent,
    reductions,
    resize,
    rows,
    slices,
    wide,
    windows,
)
from .core import (
    CHECKS_ITSELF,
    EXPORT,
    FULL_INT8,
    LOWER,
    LOWER_16,
    LOWER_32,
    Lowering,
    Program,
    Step,
    Unsupported,
    check_quantization,
)
from .lookup import compose
from .refusals import OTHER_TYPE, explain, unknown

_BORDER_DTYPES = ("int8", "uint8", "int16", "int32", "bool")  # of the network's own inputs and outputs


def supported() -> list[str]:
    """The op kinds that can be lowered, sorted."""
    return sorted(
        {*LOWER, *LOWER_16, *LOWER_32, "QUANTIZE", "DEQUANTIZE", "CALL_ONCE", "VAR_HANDLE", "CUSTOM:CIRCULAR_BUFFER"}
    )


def lower(graph: Graph, target: str = "none") -> Program:
    """The kernel calls of `graph`. ToolError lists every op that has none, with the reason and the way out.

    `target`: whose fast forms are added to the records, a key of assembler.targets.TARGETS or "none"."""
    ctx = Lowering(graph, target)
    refused: list[tuple[Op, Unsupported]] = []
    for op in graph.ops:
        try:
            dtypes = {ctx.tensor(i).dtype for i in (*op.inputs[:1], *op.outputs) if i is not None}
            lower_op = (
                LOWER_16.get(op.kind) if "int16" in dtypes else LOWER_32.get(op.kind) if "int32" in dtypes else None
            )
            if lower_op is not None:
                lower_op(ctx, op)
                continue
            lower_op = LOWER.get(op.kind)
            if lower_op is None:
                raise Unsupported(*unknown(ctx.graph, op, FULL_INT8, supported()))
            for id in (*op.inputs, *op.outputs):
                if id is not None and op.kind not in CHECKS_ITSELF:
                    _check_dtype(op, ctx.tensor(id))
            lower_op(ctx, op)
        except Unsupported as e:
            refused.append((op, e))
        except ToolError as e:  # numbers that the mathematics refuses: scales too far apart
            refused.append((op, Unsupported(": ".join(filter(None, (e.what, e.why))), e.fix)))
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError) as e:  # what no well-formed model has
            refused.append((op, Unsupported(f"its shapes or options do not fit ({type(e).__name__}: {e})", EXPORT)))
        for id in op.outputs:  # so that ops behind a refused one are examined too
            if id not in ctx.place:
                ctx.new_buffer(ctx.tensor(id))
    for id in graph.inputs + graph.outputs:
        tensor = graph.tensors[id]
        border = Op("NETWORK", id, (), (id,))
        try:
            if tensor.dtype not in _BORDER_DTYPES:
                raise Unsupported(f"the network's own tensor is {tensor.dtype}", FULL_INT8)
            check_quantization(tensor)
            if tensor.constant:
                ctx.activation(tensor)
        except Unsupported as e:
            refused.append((border, e))
    if not graph.outputs:
        raise ToolError(f"{graph.name} has no outputs", fix=EXPORT)
    if refused:
        raise explain(ctx.graph, refused)
    kept = {ctx.place[i] for i in ctx.graph.outputs}
    composed = _compose_tables(ctx)
    views = sum(ctx.place[op.outputs[0]] != op.outputs[0] for op in graph.ops if op.outputs)
    saved = {"other names for the same bytes": views, "tables": len(ctx.steps) - len(composed)}
    steps = tuple(recurrent.drop_reads(composed, ctx.variables, kept))
    return Program(ctx.graph, steps, ctx.buffers, ctx.place, ctx.variables, target, saved=saved)


_INDEX_INPUTS = {
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL", "REDUCE_ANY", "PAD", "PADV2", "MIRROR_PAD",
                     "RESHAPE", "EXPAND_DIMS", "TRANSPOSE", "TILE", "BROADCAST_TO", "GATHER", "GATHER_ND", "ARG_MAX",
                     "ARG_MIN", "CUMSUM", "REVERSE_V2", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), (1,)),
    "CONV_2D": (2,), "DEPTHWISE_CONV_2D": (2,), "FULLY_CONNECTED": (2,), "DYNAMIC_UPDATE_SLICE": (2,), "SPLIT": (0,), "FILL": (0,),
    "EMBEDDING_LOOKUP": (0,),
    **dict.fromkeys(("SLICE", "SPLIT_V", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), (1, 2)), "STRIDED_SLICE": (1, 2, 3),
}  # fmt: skip
# dtypes of the other tensors; int8 where an op is not named
_MOVES = ("int8", "bool", "int32", "int16")
_DTYPES = {
    "QUANTIZE": ("int8", "uint8"),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "PACK",
                     "UNPACK", "TILE", "BROADCAST_TO", "GATHER", "GATHER_ND", "CONCATENATION", "CAST", "MIRROR_PAD",
                     "REVERSE_V2", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "RESIZE_NEAREST_NEIGHBOR", "FILL", "SELECT", "SELECT_V2",
                     "DYNAMIC_UPDATE_SLICE"), _MOVES),
    **dict.fromkeys(("PAD", "PADV2"), ("int8", "int32")),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), ("int8", "int32")),
    **dict.fromkeys(("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"), ("int8", "bool")),
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT", "REDUCE_ALL", "REDUCE_ANY"), ("bool",)),
}  # fmt: skip
_MAY_BE_EMPTY = ("CONCATENATION", "PAD", "PADV2")


_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def _check_dtype(op: Op, tensor: Tensor) -> None:
    """Activations and weights are int8, where an op only moves values bool or int32 as well; biases, axes, paddings
    and shapes int32 (or int64); uint8 only at QUANTIZE."""
    if any(i < len(op.inputs) and op.inputs[i] == tensor.id for i in _INDEX_INPUTS.get(op.kind, ())):
        if tensor.dtype not in ("int32", "int64"):
            raise Unsupported(f"'{tensor.id}' is {tensor.dtype}, int32 is needed", FULL_INT8)
        return
    allowed = _DTYPES.get(op.kind, ("int8",))
    if op.kind in _WITH_WEIGHTS and tensor.id == op.inputs[1]:
        allowed = ("int8", "int4")
    if tensor.dtype not in allowed:
        raise Unsupported(
            f"'{tensor.id}' is {tensor.dtype}, not {' or '.join(allowed)}", OTHER_TYPE.get(tensor.dtype, FULL_INT8)
        )
    check_quantization(tensor)
    if tensor.size == 0 and op.kind not in _MAY_BE_EMPTY:
        raise Unsupported(f"'{tensor.id}' is empty: shape {tensor.shape}", "give every dimension a size")


def _compose_tables(ctx: Lowering) -> list[Step]:
    """Table lookups in a row become one, per-channel constants tables a channel: tables.py."""
    return compose(ctx.steps, {ctx.place[i] for i in ctx.graph.outputs} | set(ctx.variables))
