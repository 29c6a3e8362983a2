"""A float graph made ready for quantization: real weights, batch norms folded, activations fused, what cannot be refused.

PIPELINE is the table of contents. After it every activation is float32 and every op is one of rules.RULES.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..compiler import passes
from ..errors import ToolError
from ..floats.float_graph import LINEAR, parts, with_parts
from ..ir import Graph, Op, Tensor, check
from . import recurrent
from .loops import fuse_lstms
from .rules import ANY_DTYPE, LSTM, RULES

OUT_AXIS = {
    "CONV_2D": 0,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 0,
    "TRANSPOSE_CONV": 0,
}  # of the weights: output channels
_REAL = ("float32", "float16", "float64")


def is_quantized(graph: Graph) -> bool:
    """Whether the activations are integers already: a full-int8 or QAT model, which keeps its own scales."""
    return any(
        op.kind in RULES and op.kind != "QUANTIZE" and graph.tensors[op.outputs[0]].dtype in ("int8", "uint8", "int16")
        and not graph.tensors[op.outputs[0]].constant
        for op in graph.ops
    )  # fmt: skip


def real_constants(graph: Graph) -> Graph:
    """After: no constant is int8 with a scale or float16: hybrid ("dynamic range") and float16 models become float."""
    for op in graph.ops:
        if op.kind == "DEQUANTIZE" and graph.tensors[op.inputs[0]].constant:
            out = graph.tensors[op.outputs[0]]
            graph = graph.with_tensor(replace(out, data=real_values(graph.tensors[op.inputs[0]]))).without(op)
    for tensor in graph.tensors.values():
        if tensor.constant and (tensor.dtype == "float16" or (tensor.dtype in ("int8", "uint8") and tensor.quant)):
            graph = graph.with_tensor(replace(tensor, dtype="float32", data=real_values(tensor), quant=None))
    return graph


def real_values(tensor: Tensor) -> np.ndarray:
    """A constant as the real numbers it stands for, float32."""
    data = tensor.data.astype(np.float32)
    if tensor.quant is None:
        return data
    shape = [1] * data.ndim
    if tensor.quant.per_channel:
        shape[tensor.quant.axis] = -1
    scales, zeros = (np.reshape(v, shape) for v in (tensor.quant.scales, tensor.quant.zero_points))
    return ((data - zeros) * scales).astype(np.float32)


def fold_pairs(graph: Graph) -> Graph:
    """After: no MUL, DIV, ADD or SUB by one constant a channel right behind a convolution or dense op: its weights have it.

    That is what a batch norm is, written out. With y = w * x + b: m * y + a = (m * w) * x + (m * b + a).
    """
    for op in graph.ops:
        if op.kind not in ("MUL", "DIV", "ADD", "SUB") or op not in graph.ops:
            continue
        constants = [i for i in op.inputs if graph.tensors[i].constant]
        sources = [i for i in op.inputs if not graph.tensors[i].constant]
        if len(constants) != 1 or len(sources) != 1 or (op.kind in ("SUB", "DIV") and op.inputs[0] in constants):
            continue
        before = graph.producer(sources[0])
        if before is None or before.kind not in LINEAR or before.attrs["activation"] != "NONE":
            continue
        value = graph.tensors[constants[0]].data.astype(np.float32)
        channels = graph.tensors[sources[0]].shape[-1]
        if (
            graph.only_consumer(sources[0]) != op
            or value.size not in (1, channels)
            or (value.size > 1 and value.shape[-1] != channels)
        ):
            continue
        if graph.tensors[op.outputs[0]].shape != graph.tensors[sources[0]].shape:
            continue
        value = np.broadcast_to(value.reshape(-1), channels)
        if op.kind == "DIV" and not value.all():
            continue
        scale = value if op.kind == "MUL" else 1 / value if op.kind == "DIV" else np.ones(channels, np.float32)
        shift = {"ADD": value, "SUB": -value}.get(op.kind, np.zeros(channels, np.float32))
        graph = _scaled(graph, before, op, scale, shift)
    return graph


def multiply_by_inverses(graph: Graph) -> Graph:
    """After: no DIV by a constant: a MUL by its inverse is exact enough in int8, and takes one multiplication."""
    for op in graph.ops:
        divisor = graph.tensors[op.inputs[1]] if op.kind == "DIV" else None
        if divisor is None or not divisor.constant or not divisor.data.all():
            continue
        inverse = replace(
            divisor, id=f"{op.name}/inverse", data=(1 / divisor.data.astype(np.float64)).astype(np.float32)
        )
        product = replace(op, kind="MUL", inputs=(op.inputs[0], inverse.id))
        graph = replace(graph.with_tensor(inverse), ops=tuple(product if o == op else o for o in graph.ops))
    return graph


def split_sums(graph: Graph) -> Graph:
    """After: no ADD_N: its kernel wants one scale for all that it adds, ADD takes each in its own."""
    for op in graph.ops:
        if op.kind != "ADD_N":
            continue
        ops, total = [], op.inputs[0]
        for n, id in enumerate(op.inputs[1:]):
            last = n == len(op.inputs) - 2
            out = op.outputs[0] if last else f"{op.name}/sum {n}"
            graph = graph.with_tensor(replace(graph.tensors[op.outputs[0]], id=out))
            ops.append(Op("ADD", out, (total, id), (out,), MappingProxyType({"activation": "NONE"})))
            total = out
        graph = replace(graph, ops=tuple(o for each in graph.ops for o in (ops if each == op else [each])))
    return graph


def _scaled(graph: Graph, linear: Op, op: Op, scale: np.ndarray, shift: np.ndarray) -> Graph:
    """`linear` and `op` as one op that computes scale * linear + shift."""
    w, bias = weights(graph, linear)
    shape = [1] * w.ndim
    shape[OUT_AXIS[linear.kind]] = -1
    graph, merged = with_weights(graph, linear, w * scale.reshape(shape), scale * bias + shift)
    merged_op = replace(merged, outputs=op.outputs, name=op.name).with_attrs(activation=op.attrs["activation"])
    return replace(graph, ops=tuple(merged_op if o == merged else o for o in graph.ops if o != op))


def fold_transposes(graph: Graph) -> Graph:
    """After: no TRANSPOSE that a dense op reads, flattened, and nothing else: the columns of its weights change places.

    A network that came from PyTorch has one: its Flatten was of NCHW.
    """
    for transpose in graph.ops:
        if transpose.kind != "TRANSPOSE" or not graph.tensors[transpose.inputs[1]].constant:
            continue
        x, views = graph.tensors[transpose.inputs[0]], [transpose]
        while (op := graph.only_consumer(views[-1].outputs[0])) is not None and op.kind in passes.RESHAPES:
            views.append(op)
        if op is None or op.kind != "FULLY_CONNECTED" or op.inputs[0] != views[-1].outputs[0]:
            continue
        w, bias = weights(graph, op)
        if w.shape[1] != x.size:
            continue
        order = (
            np.arange(x.size)
            .reshape(x.shape)
            .transpose(graph.tensors[transpose.inputs[1]].data.reshape(-1))
            .reshape(-1)
        )
        moved = np.empty_like(w)
        moved[:, order] = w
        graph, dense = with_weights(graph, op, moved, bias)
        flat = replace(graph.tensors[views[-1].outputs[0]], id=f"{op.name}/flat", shape=(1, x.size))
        to = Tensor(f"{op.name}/shape", (2,), "int32", data=np.array(flat.shape, np.int32))
        reshape = Op("RESHAPE", flat.id, (x.id, to.id), (flat.id,))
        graph = graph.with_tensor(flat).with_tensor(to)
        dense_op = replace(dense, inputs=(flat.id, *dense.inputs[1:]))
        ops = [o for o in graph.ops if o not in views]
        at = ops.index(dense)
        graph = replace(graph, ops=(*ops[:at], reshape, dense_op, *ops[at + 1 :]))
    return graph


_TAKES_ACTIVATION = (*LINEAR, "ADD", "SUB", "MUL", "DIV", "MAX_POOL_2D", "AVERAGE_POOL_2D")


def fuse_activations(graph: Graph) -> Graph:
    """After: no RELU or RELU6 behind an op that clamps anyway: the range of what it clamps away is not spent on."""
    for relu in graph.ops:
        if relu.kind not in ("RELU", "RELU6", "RELU_N1_TO_1"):
            continue
        before = graph.producer(relu.inputs[0])
        if before is None or before.kind not in _TAKES_ACTIVATION or before.attrs["activation"] != "NONE":
            continue
        if graph.only_consumer(relu.inputs[0]) != relu:
            continue
        fused = replace(before.with_attrs(activation=relu.kind), outputs=relu.outputs, name=relu.name)
        graph = replace(graph, ops=tuple(fused if op == before else op for op in graph.ops if op != relu))
    return graph


def weights(graph: Graph, op: Op) -> tuple[np.ndarray, np.ndarray]:
    """(weights, bias) of a linear op, float32; a bias that is not there is zeros."""
    _, w_id, bias_id = parts(op)
    w = graph.tensors[w_id].data.astype(np.float32)
    if bias_id is None:
        return w, np.zeros(w.shape[OUT_AXIS[op.kind]], np.float32)
    return w, graph.tensors[bias_id].data.astype(np.float32).reshape(-1)


def with_weights(graph: Graph, op: Op, w: np.ndarray, bias: np.ndarray) -> tuple[Graph, Op]:
    """The graph with `op` computing with these weights, and that op. Other ops that shared its tensors keep them."""
    w_id, b_id = f"{op.name}/weights", f"{op.name}/bias"
    graph = graph.with_tensor(Tensor(w_id, w.shape, "float32", data=np.ascontiguousarray(w, np.float32)))
    graph = graph.with_tensor(Tensor(b_id, bias.shape, "float32", data=np.ascontiguousarray(bias, np.float32)))
    changed = with_parts(op, parts(op)[0], w_id, b_id)
    if op.kind == "TRANSPOSE_CONV":
        changed = changed.with_attrs(output=graph.tensors[op.outputs[0]].shape[1:3])
    return replace(graph, ops=tuple(changed if o == op else o for o in graph.ops)), changed


def name_weights(graph: Graph) -> Graph:
    """After: every linear op has weights and a bias of its own, `NAME/weights` and `NAME/bias`: ops may differ in scale."""
    for op in graph.ops:
        if op.kind in LINEAR:
            graph, _ = with_weights(graph, op, *weights(graph, op))
    return graph


_BY_TENSORFLOW = ("let TensorFlow's converter quantize it (full integer, with a representative_dataset; README.md, 'Your own "
                  "network', has the lines), or train it with QAT; then `fxnn convert`")  # fmt: skip
_RECURRENT = ("Keras' LSTM with its own activations becomes one op; write GRU, SimpleRNN and others with unroll=True, and give the "
              "input a batch size of 1; or " + _BY_TENSORFLOW)  # fmt: skip


def why_not(kind: str) -> str:
    """The reason and the way out for an op that has no rule."""
    if kind in ("WHILE", "IF", "CALL"):
        return f"a loop; {_RECURRENT}"
    if kind in ("SVDF", "VAR_HANDLE", "CALL_ONCE", "READ_VARIABLE", "ASSIGN_VARIABLE"):
        return (
            f"what it remembers depends on the order of the samples, which calibration does not know; {_BY_TENSORFLOW}"
        )
    if kind == "CAST":
        return "casts of real numbers change their scale; compute in float32 throughout"
    return f"no quantized kernel for this op; replace the layer by supported ones: {', '.join(sorted(RULES))}"


def refuse(graph: Graph) -> Graph:
    """`graph`, if every op can be quantized; else ToolError with all that cannot."""
    problems = []
    if any(op.kind == "DEQUANTIZE" and not graph.tensors[op.inputs[0]].constant for op in graph.ops):
        raise ToolError(
            f"{graph.name} quantizes and dequantizes its activations",
            "it was trained with fake quantization (QAT), and exported in float",
            "convert it with converter.optimizations = [tf.lite.Optimize.DEFAULT], which makes it int8 with its own scales; "
            "`fxnn quantize` does that by itself for .keras, .h5 and SavedModel",
        )
    for op in graph.ops:
        tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs) if i is not None]
        if op.kind not in RULES:
            problems.append(f"{op.kind} '{op.name}': {why_not(op.kind)}")
        elif op.kind == LSTM:
            reason = recurrent.odd(graph, op)
            problems += [f"{op.kind} '{op.name}': {reason}; use Keras' LSTM layer as it is"] if reason else []
        elif op.kind in LINEAR and not graph.tensors[op.inputs[1]].constant:
            problems.append(f"{op.kind} '{op.name}': its weights are computed at run time; make them constants")
        else:
            allowed = ("float32", "int32", "bool") if op.kind in ANY_DTYPE else ("float32",)
            problems += [f"{op.kind} '{op.name}': '{t.id}' is {t.dtype}; export the model in float32"
                         for t in tensors if not t.constant and t.dtype not in allowed][:1]  # fmt: skip
    for id in graph.inputs:
        if graph.tensors[id].dtype not in ("float32", "int32", "bool"):
            problems.append(f"NETWORK '{id}': the network's input is {graph.tensors[id].dtype}; float32 is needed "
                            "(int32 for the indices of an Embedding)")  # fmt: skip
    for tensor in graph.tensors.values():
        if tensor.constant and tensor.dtype == "float32" and not np.isfinite(tensor.data).all():
            problems.append(f"CONSTANT '{tensor.id}': it holds infinities or NaNs; was the training finished?")
    if problems:
        many = "s" if len(problems) > 1 else ""
        raise ToolError(f"{graph.name}: {len(problems)} op{many} cannot be quantized", "\n".join(problems),
                        "nothing was written")  # fmt: skip
    return graph


PIPELINE = (
    real_constants,
    fuse_lstms,
    passes.fold_constants,
    split_sums,
    fold_pairs,
    multiply_by_inverses,
    fold_transposes,
    fuse_activations,
    passes.drop_dead,
    refuse,
    name_weights,
)


def prepare(graph: Graph) -> Graph:
    """The float graph through PIPELINE. ToolError names every op that cannot be quantized."""
    for step in PIPELINE:
        graph = check(step(graph))
    return graph
