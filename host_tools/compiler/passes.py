"""Graph to graph: what the network means stays, what the board has to do shrinks. PIPELINE is the table of contents."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..errors import ToolError
from ..ir import Graph, Op, check
from ..ops.core import Unsupported
from ..ops.lookup import TABLES
from .folding import FOLDS, OF_SHAPES
from .islands import fold_float_islands

RESHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
# ops whose kernels clamp what they write
_CLAMPS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "DIV", "SQUARED_DIFFERENCE", "PRELU",
           "MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "SUM")  # fmt: skip


def fold_constants(graph: Graph) -> Graph:
    """After: no op that only computes shapes or reshapes constants (what Keras' Flatten leaves behind)."""
    for op in graph.ops:
        fold = FOLDS.get(op.kind)
        args = [None if i is None else graph.tensors[i] for i in op.inputs]
        if fold is None or (op.kind not in OF_SHAPES and any(a is not None and not a.constant for a in args)):
            continue
        values = fold(op, args, [graph.tensors[i] for i in op.outputs])
        if values is not None:
            for id, value in zip(op.outputs, values):
                graph = graph.with_tensor(replace(graph.tensors[id], data=value, shape=tuple(value.shape)))
            graph = graph.without(op)
    return graph


def fold_borders(graph: Graph) -> Graph:
    """After: no QUANTIZE of a real-valued network input, no DEQUANTIZE that makes an output (the board's API does both)."""
    for op in graph.ops:
        source, out = op.inputs[0] if op.inputs else None, op.outputs[0]
        if op.kind == "QUANTIZE" and source in graph.inputs and graph.tensors[source].dtype == "float32":
            if graph.consumers(source) == [op] and source not in graph.outputs:
                graph = graph.without(op).with_tensor(replace(graph.tensors[out], real_border=True))
                graph = replace(graph, inputs=tuple(out if i == source else i for i in graph.inputs))
        elif op.kind == "DEQUANTIZE" and out in graph.outputs and not graph.consumers(out):
            if not graph.tensors[source].constant:
                graph = graph.without(op).with_tensor(replace(graph.tensors[source], real_border=True))
                graph = replace(graph, outputs=tuple(source if i == out else i for i in graph.outputs))
    return graph


def fuse_activations(graph: Graph) -> Graph:
    """After: no op that only clamps behind one that clamps anyway, where both sides share one quantization.

    Exact: the clamping op's own table, computed by its reference, is the identity between two bounds and a bound outside
    of them; a clamp of a clamp is a clamp.
    """
    for clamp in graph.ops:
        if clamp.kind not in TABLES or clamp not in graph.ops:
            continue
        source, out = graph.tensors[clamp.inputs[0]], graph.tensors[clamp.outputs[0]]
        before = graph.producer(source.id)
        if before is None or before.kind not in _CLAMPS or source.quant is None or source.quant != out.quant:
            continue
        if (
            graph.only_consumer(source.id) != clamp
            or source.dtype not in ("int8", "int16")
            or out.dtype != source.dtype
        ):
            continue
        plain = before.attrs.get("activation") == "NONE" and clamp.kind in ("RELU", "RELU6")
        bounds = _bounds(clamp, source, out) if source.dtype == "int8" else None
        # of int16 these two: with equal scales their factor is 1, and a fused one has the same bounds
        if bounds is None and not (plain and source.dtype == "int16"):
            continue
        if plain:
            fused = before.with_attrs(activation=clamp.kind)
        else:
            low, high = before.attrs.get("clamp", (-128, 127))
            fused = before.with_attrs(clamp=(min(max(low, bounds[0]), bounds[1]), max(min(high, bounds[1]), bounds[0])))
        fused = replace(fused, outputs=clamp.outputs, name=clamp.name)
        graph = replace(graph, ops=tuple(fused if op == before else op for op in graph.ops)).without(clamp)
    return graph


def _bounds(op: Op, x, y) -> tuple[int, int] | None:
    """(low, high) if the op's table is clamp(x, low, high)."""
    try:
        table = np.asarray(TABLES[op.kind](op, x, y)).astype(np.uint8).view(np.int8)
    except (ToolError, Unsupported):  # lowering says so, with the op's name
        return None
    values = np.concatenate([table[128:], table[:128]]).astype(int)  # of -128 to 127
    low, high = int(values[0]), int(values[-1])
    return (low, high) if (values == np.clip(np.arange(-128, 128), low, high)).all() else None


def merge_transposes(graph: Graph) -> Graph:
    """After: no TRANSPOSE whose only reader is a TRANSPOSE; two that undo each other are none."""
    for second in graph.ops:
        first = graph.producer(second.inputs[0]) if second.kind == "TRANSPOSE" and second in graph.ops else None
        if first is None or first.kind != "TRANSPOSE" or graph.only_consumer(second.inputs[0]) != second:
            continue
        orders = [graph.tensors[op.inputs[1]] for op in (first, second)]
        if not all(o.constant for o in orders):
            continue
        a, b = (o.data.reshape(-1) % o.size for o in orders)
        order = replace(orders[1], id=f"{second.name}/order", data=a[b].astype(np.int32), dtype="int32")
        both = replace(second, inputs=(first.inputs[0], order.id))
        graph = replace(graph.with_tensor(order), ops=tuple(both if op == second else op for op in graph.ops)).without(
            first
        )
    return graph


def fuse_pads(graph: Graph) -> Graph:
    """After: no PAD of rows and columns in front of a convolution: the convolution pads by itself.

    Exact: both pad with the zero point, which is where PAD's own value must be (checked).
    """
    for pad in reversed(graph.ops):  # the last of several first
        if pad.kind not in ("PAD", "PADV2"):
            continue
        conv = graph.only_consumer(pad.outputs[0])
        if conv is None or conv.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or conv.inputs[0] != pad.outputs[0]:
            continue
        x, pads = graph.tensors[pad.inputs[0]], graph.tensors[pad.inputs[1]]
        if len(x.shape) != 4 or not pads.constant or x.quant is None or pads.data.shape != (4, 2):
            continue
        amounts = pads.data.astype(int)
        value = graph.tensors[pad.inputs[2]] if len(pad.inputs) > 2 else None
        if value is not None and not (value.constant and int(value.data.reshape(-1)[0]) == x.quant.zero_point):
            continue
        padded = graph.tensors[pad.outputs[0]]
        if amounts[0].any() or amounts[3].any() or x.quant != padded.quant or amounts.min() < 0:
            continue
        if tuple(np.array(x.shape) + amounts.sum(1)) != padded.shape:
            continue
        top, left = conv.attrs.get("extra_pad", (0, 0))
        # the conv keeps the padded size: SAME padding was computed for it
        fused = replace(conv, inputs=(x.id, *conv.inputs[1:])).with_attrs(
            extra_pad=(top + int(amounts[1][0]), left + int(amounts[2][0])),
            padded_size=conv.attrs.get("padded_size", graph.tensors[pad.outputs[0]].shape[1:3]),
        )
        graph = replace(graph, ops=tuple(fused if op == conv else op for op in graph.ops)).without(pad)
    return graph


def unroll_circular_buffers(graph: Graph) -> Graph:
    """After: no CIRCULAR_BUFFER that runs at every inference: what it remembers is a variable, of which all but the first
    row is kept and the input put behind it. One that waits, and ends the inference early meanwhile, stays (and is refused).

    micro/kernels/circular_buffer.cc: x and y NHWC, int8; y moves on by one row a call.
    """
    for op in graph.ops:
        if op.kind != "CUSTOM:CIRCULAR_BUFFER" or len(op.inputs) != 1 or len(op.outputs) != 1:
            continue
        x, y = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
        fits = len(y.shape) == 4 and x.shape == (y.shape[0], 1, *y.shape[2:]) and y.shape[0] == 1 and y.shape[1] > 1
        if not fits or {x.dtype, y.dtype} != {"int8"} or x.quant != y.quant or _cycles(op, y.shape[1]) != 1:
            continue
        id, rows = y.id, y.shape[1]
        state = replace(y, id=f"variable {id}", data=None, variable=True)
        before = replace(y, id=f"{id}/before", data=None, variable=False)
        rest = replace(before, id=f"{id}/rest", shape=(1, rows - 1, *y.shape[2:]))
        begin = replace(
            before, id=f"{id}/begin", shape=(4,), dtype="int32", quant=None, data=np.array([0, 1, 0, 0], np.int32)
        )
        size = replace(begin, id=f"{id}/size", data=np.array(rest.shape, np.int32))
        kept = replace(before, id=f"{id}/kept")
        for t in (state, before, rest, begin, size, kept, replace(y, variable=False)):
            graph = graph.with_tensor(t)
        made = (
            Op("READ_VARIABLE", before.id, (state.id,), (before.id,)),
            Op("SLICE", rest.id, (before.id, begin.id, size.id), (rest.id,)),
            Op("CONCATENATION", id, (rest.id, x.id), (id,), MappingProxyType({"axis": 1, "activation": "NONE"})),
            Op("ASSIGN_VARIABLE", kept.id, (state.id, id), (kept.id,)),
        )
        graph = replace(graph, ops=tuple(o for each in graph.ops for o in (made if each == op else (each,))))
    return graph


def _cycles(op: Op, rows: int) -> int:
    """At every how many inferences a CIRCULAR_BUFFER runs; without options what TFLM takes from its size."""
    from flatbuffers import flexbuffers

    try:
        cycles = int(flexbuffers.Loads(op.attrs["options"])["cycles_max"])
    except Exception:  # no options, or damaged ones: flexbuffers fails in any way
        cycles = 0
    return cycles if cycles > 0 else 1 if rows in (5, 13, 25) else 2


def resolve_variables(graph: Graph) -> Graph:
    """After: no VAR_HANDLE, no CALL_ONCE: READ_VARIABLE and ASSIGN_VARIABLE name a tensor with `variable` set.

    What CALL_ONCE's subgraph assigns is that tensor's `initial`: it must be constants, which is what TensorFlow writes
    for tf.Variable. ASSIGN_VARIABLE gets an output, so that every op has one; it stays for what it does.
    """
    once = [op for op in graph.ops if op.kind == "CALL_ONCE"]
    handles = {op.outputs[0]: op.attrs["variable"] for op in graph.ops if op.kind == "VAR_HANDLE"}
    if not once and not handles:
        return graph
    initial: dict[str, np.ndarray] = {}
    for op in once:
        if any(o.kind == "READ_VARIABLE" for o in graph.ops[: graph.ops.index(op)]):
            raise ToolError("CALL_ONCE behind a READ_VARIABLE", "variables are set before the network runs first",
                            "initialize variables in front of everything else")  # fmt: skip
        initial |= _initial_values(op.attrs["graph"])
    values: dict[str, str] = {}  # variable: the tensor whose shape and quantization it has
    for op in graph.ops:
        if op.kind == "ASSIGN_VARIABLE":
            values.setdefault(handles.get(op.inputs[0], op.inputs[0]), op.inputs[1])
    for op in graph.ops:
        if op.kind == "READ_VARIABLE":
            name = handles.get(op.inputs[0], op.inputs[0])
            if name not in values and name not in initial:
                raise ToolError(f"READ_VARIABLE '{op.name}' reads a variable that is never assigned",
                                fix="export the model again with TFLiteConverter")  # fmt: skip
            values.setdefault(name, op.outputs[0])
    for name, like in values.items():
        t = graph.tensors[like]
        graph = graph.with_tensor(
            replace(t, id=f"variable {name}", data=None, variable=True, initial=initial.get(name))
        )

    def named(op: Op) -> Op:
        return replace(op, inputs=(f"variable {handles[op.inputs[0]]}", *op.inputs[1:]))

    for op in graph.ops:
        if op.kind == "ASSIGN_VARIABLE":
            graph = graph.with_tensor(replace(graph.tensors[op.inputs[1]], id=op.name, data=None))
    graph = replace(graph, ops=tuple(
        replace(op, outputs=(op.name,)) if op.kind == "ASSIGN_VARIABLE" else op for op in graph.ops))  # fmt: skip
    ops = [
        named(op) if op.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE") and op.inputs[0] in handles else op
        for op in graph.ops
    ]
    return replace(graph, ops=tuple(op for op in ops if op.kind not in ("VAR_HANDLE", "CALL_ONCE")))


def _initial_values(graph: Graph) -> dict[str, np.ndarray]:
    """{variable: value} that an initialization subgraph assigns. ToolError where it computes."""
    graph = fold_constants(graph)
    handles = {op.outputs[0]: op.attrs["variable"] for op in graph.ops if op.kind == "VAR_HANDLE"}
    values = {}
    for op in graph.ops:
        constant = op.kind == "ASSIGN_VARIABLE" and graph.tensors[op.inputs[1]].constant and op.inputs[0] in handles
        if not constant and op.kind != "VAR_HANDLE":
            raise ToolError(f"{op.kind} '{op.name}' computes a variable's first value", "only constants are supported there",
                            "initialize the tf.Variable with a constant")  # fmt: skip
        if constant:
            values[handles[op.inputs[0]]] = graph.tensors[op.inputs[1]].data
    return values


def quantized_embeddings(graph: Graph) -> Graph:
    """After: no EMBEDDING_LOOKUP that makes real numbers of int8 rows: a DEQUANTIZE behind it does.

    Exact: micro/kernels/embedding_lookup.cc EvalHybrid dequantizes what it looks up.
    """
    for op in graph.ops:
        if op.kind != "EMBEDDING_LOOKUP" or graph.tensors[op.outputs[0]].dtype != "float32":
            continue
        rows, out = graph.tensors[op.inputs[1]], graph.tensors[op.outputs[0]]
        if rows.dtype != "int8" or rows.quant is None or rows.quant.per_channel or rows.quant.zero_point:
            continue
        raw = replace(out, id=f"{out.id}/raw", dtype="int8", quant=rows.quant)
        pair = (replace(op, outputs=(raw.id,), name=raw.id), Op("DEQUANTIZE", out.id, (raw.id,), (out.id,)))
        graph = replace(
            graph.with_tensor(raw), ops=tuple(o for each in graph.ops for o in (pair if each == op else (each,)))
        )
    return graph


def drop_dead(graph: Graph) -> Graph:
    """After: no op whose outputs nothing reads; ASSIGN_VARIABLE, and what it needs, stays."""
    needed = set(graph.outputs)
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if needed & set(op.outputs) or op.kind == "ASSIGN_VARIABLE":
            kept.append(op)
            needed |= {i for i in op.inputs if i is not None}
    return replace(graph, ops=tuple(reversed(kept)))


# ops that only move values: {kind: which input the values are}
_MOVES = {"SPLIT": 1, **dict.fromkeys(("SPLIT_V", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE",
                                       "UNPACK"), 0)}  # fmt: skip


def sink_dequantize(graph: Graph) -> Graph:
    """After: no DEQUANTIZE in front of an op that only moves values: the values move as integers, and become real behind.

    Exact: real = scale * (q - zero_point) of each value by itself. The converter leaves such SPLITs in unrolled GRUs.
    """
    for move in graph.ops:
        place = _MOVES.get(move.kind)
        before = graph.producer(move.inputs[place]) if place is not None else None
        if (
            before is None
            or before.kind != "DEQUANTIZE"
            or any(graph.tensors[i].dtype != "float32" for i in move.outputs)
        ):
            continue
        source = graph.tensors[before.inputs[0]]
        if source.quant is None or source.quant.per_channel or source.dtype not in ("int8", "int16"):
            continue
        raw = [replace(graph.tensors[i], id=f"{i}/raw", dtype=source.dtype, quant=source.quant) for i in move.outputs]
        moved = replace(move, outputs=tuple(t.id for t in raw), name=raw[0].id,
                        inputs=tuple(source.id if k == place else i for k, i in enumerate(move.inputs)))  # fmt: skip
        real = tuple(Op("DEQUANTIZE", out, (t.id,), (out,)) for t, out in zip(raw, move.outputs))
        for t in raw:
            graph = graph.with_tensor(t)
        graph = replace(graph, ops=tuple(o for op in graph.ops for o in ((moved, *real) if op == move else (op,))))
    return drop_dead(graph)


PIPELINE = (
    unroll_circular_buffers,
    resolve_variables,
    fold_constants,
    quantized_embeddings,
    sink_dequantize,
    fold_borders,
    fold_float_islands,
    merge_transposes,
    fuse_activations,
    fuse_pads,
    drop_dead,
)


def run(graph: Graph) -> tuple[Graph, dict[str, int]]:
    """The graph through PIPELINE, and how many ops each pass saved."""
    saved = {}
    for step in PIPELINE:
        before = len(graph.ops)
        graph = check(step(graph))
        saved[step.__name__] = before - len(graph.ops)
    return graph, saved
