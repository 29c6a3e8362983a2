"""A float graph made ready for quantization: float weights, batch norms folded, activations fused, what cannot be refused.

PIPELINE is the table of contents. After it every activation is float32 and every op is one of rules.RULES.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..compiler import pipeline
from ..compiler.dead import drop_dead
from ..compiler.folding import fold_constants
from ..compiler.pipeline import Pass
from ..ir import Graph, Op, Tensor
from ..ops.table import row
from .linear import linear, name_weights, per_channel, weights, with_weights
from .loops import fuse_lstms
from .refuse import refuse
from .rules import RULES


def is_quantized(graph: Graph) -> bool:
    """Whether the activations are integers already: a full-int8 or QAT model, which keeps its own scales."""
    return any(
        op.kind in RULES and op.kind != "QUANTIZE" and graph.output_of(op).dtype in ("int8", "uint8", "int16")
        and not graph.output_of(op).constant
        for op in graph.ops
    )  # fmt: skip


def real_constants(graph: Graph) -> Graph:
    """After: no constant is int8 with a scale or float16: hybrid ("dynamic range") and float16 models become float."""
    for op in graph.ops:
        if op.kind == "DEQUANTIZE" and graph.input_of(op, 0).constant:
            out = replace(graph.output_of(op), data=real_values(graph.input_of(op, 0)))
            graph = graph.with_tensor(out).without(op)
    for tensor in graph.tensors.values():
        if tensor.constant and (tensor.dtype == "float16" or (tensor.dtype in ("int8", "uint8") and tensor.quant)):
            graph = graph.with_tensor(replace(tensor, dtype="float32", data=real_values(tensor), quant=None))
    return graph


def real_values(tensor: Tensor) -> np.ndarray:
    """A constant as the floats it stands for, float32."""
    data = tensor.values.astype(np.float32)
    if tensor.quant is None:
        return data
    shape = [1] * data.ndim
    if tensor.quant.per_channel:
        shape[tensor.quant.axis] = -1
    scales, zeros = (np.reshape(v, shape) for v in (tensor.quant.scales, tensor.quant.zero_points))
    return ((data - zeros) * scales).astype(np.float32)


def fold_pairs(graph: Graph) -> Graph:
    """After: no MUL, DIV, ADD or SUB by one constant per channel right after a convolution or dense op: its weights have it.

    That is what a batch norm is, written out. With y = w * x + b: m * y + a = (m * w) * x + (m * b + a).
    """
    for op in graph.ops:
        if row(op.kind).numpy not in _AFFINE or op not in graph.ops:
            continue
        found = _linear_and_constant(graph, op)
        if found is None:
            continue
        before, value = found
        if op.kind == "DIV" and not value.all():
            continue
        scale, shift = _AFFINE[row(op.kind).numpy](value)
        w, bias = weights(graph, before)
        graph, merged = with_weights(graph, before, w * per_channel(before, scale, w.ndim), scale * bias + shift)
        merged_op = replace(merged, outputs=op.outputs, name=op.name).with_attrs(activation=op.attrs["activation"])
        graph = graph.substitute(merged, merged_op).without(op)
    return graph


# numpy's name of an op: value -> (scale, shift) of what it does to the other operand, per channel
_AFFINE = {
    "multiply": lambda v: (v, np.zeros(v.shape, np.float32)),
    "divide": lambda v: (1 / v, np.zeros(v.shape, np.float32)),
    "add": lambda v: (np.ones(v.shape, np.float32), v),
    "subtract": lambda v: (np.ones(v.shape, np.float32), -v),
}


def _linear_and_constant(graph: Graph, op: Op) -> tuple[Op, np.ndarray] | None:
    """(the linear op whose output `op` alone reads, the constant that it combines it with, one float per channel), or None."""
    constants = [graph.tensors[i] for i in op.reads if graph.tensors[i].constant]
    sources = [graph.tensors[i] for i in op.reads if not graph.tensors[i].constant]
    if len(constants) != 1 or len(sources) != 1:
        return None
    if op.kind in ("SUB", "DIV") and op.inputs[0] == constants[0].id:
        return None
    (source,), value = sources, constants[0].values.astype(np.float32)
    before, channels = graph.producer(source.id), source.shape[-1]
    if before is None or not linear(before) or before.attrs["activation"] != "NONE":
        return None
    if graph.only_consumer(source.id) != op or graph.output_of(op).shape != source.shape:
        return None
    if value.size not in (1, channels) or (value.size > 1 and value.shape[-1] != channels):
        return None
    return before, np.broadcast_to(value.reshape(-1), channels)


def multiply_by_inverses(graph: Graph) -> Graph:
    """After: no DIV by a constant: a MUL by its inverse is exact enough in int8, and takes one multiplication."""
    for op in graph.ops:
        divisor = graph.input_of(op, 1) if op.kind == "DIV" else None
        if divisor is None or not divisor.constant or not divisor.values.all():
            continue
        values = (1 / divisor.values.astype(np.float64)).astype(np.float32)
        inverse = replace(divisor, id=f"{op.name}/inverse", data=values)
        product = replace(op.with_input(1, inverse.id), kind="MUL")
        graph = graph.with_tensor(inverse).substitute(op, product)
    return graph


def split_sums(graph: Graph) -> Graph:
    """After: no ADD_N: its kernel wants one scale for all that it adds, ADD takes each in its own."""
    for op in graph.ops:
        if op.kind != "ADD_N":
            continue
        ops, total = [], op.input_id(0)
        for n, id in enumerate(op.reads[1:]):
            last = n == len(op.reads) - 2
            out = op.outputs[0] if last else f"{op.name}/sum {n}"
            graph = graph.with_tensor(replace(graph.output_of(op), id=out))
            ops.append(Op("ADD", out, (total, id), (out,), MappingProxyType({"activation": "NONE"})))
            total = out
        graph = graph.substitute(op, *ops)
    return graph


def fold_transposes(graph: Graph) -> Graph:
    """After: no TRANSPOSE that a dense op reads, flattened, and nothing else: the columns of its weights change their order.

    A network that came from PyTorch has one: its Flatten was of NCHW.
    """
    for transpose in graph.ops:
        if transpose.kind != "TRANSPOSE" or not graph.input_of(transpose, 1).constant:
            continue
        x, views = graph.input_of(transpose, 0), [transpose]
        while (op := graph.only_consumer(views[-1].outputs[0])) is not None and row(op.kind).reshapes:
            views.append(op)
        if op is None or row(op.kind).family != "dense" or op.inputs[0] != views[-1].outputs[0]:
            continue
        w, bias = weights(graph, op)
        if w.shape[1] != x.size:
            continue
        axes = graph.input_of(transpose, 1).values.reshape(-1)
        order = np.arange(x.size).reshape(x.shape).transpose(axes).reshape(-1)
        moved = np.empty_like(w)
        moved[:, order] = w
        graph, dense = with_weights(graph, op, moved, bias)
        flat = replace(graph.tensors[views[-1].outputs[0]], id=f"{op.name}/flat", shape=(1, x.size))
        to = Tensor(f"{op.name}/shape", (2,), "int32", data=np.array(flat.shape, np.int32))
        reshape = Op("RESHAPE", flat.id, (x.id, to.id), (flat.id,))
        graph = graph.with_tensor(flat, to).substitute(dense, reshape, dense.with_input(0, flat.id)).without(*views)
    return graph


def fuse_activations(graph: Graph) -> Graph:
    """After: no RELU or RELU6 after an op that clamps anyway: the range of what it clamps away is not spent on."""
    for relu in graph.ops:
        if relu.kind not in ("RELU", "RELU6", "RELU_N1_TO_1"):
            continue
        before = graph.producer(relu.inputs[0])
        if before is None or not row(before.kind).takes_activation or before.attrs["activation"] != "NONE":
            continue
        if graph.only_consumer(relu.inputs[0]) != relu:
            continue
        fused = replace(before.with_attrs(activation=relu.kind), outputs=relu.outputs, name=relu.name)
        graph = graph.substitute(before, fused).without(relu)
    return graph


PIPELINE = (
    Pass(real_constants, "hybrid and float16 models are float models whose constants were made smaller"),
    Pass(fuse_lstms, "a loop has no kernel; it is compared in floats, so its constants must be floats already"),
    Pass(fold_constants, "later passes look for constants, also for those that a converter computes at run time"),
    Pass(split_sums, "each operand keeps its own scale; before the pairs, which look for ADD"),
    Pass(fold_pairs, "a batch norm costs nothing then; before activations are fused, which would stand in between"),
    Pass(multiply_by_inverses, "what division is left, after a convolution has taken what it can"),
    Pass(fold_transposes, "a move of the whole activation less, for networks from PyTorch"),
    Pass(fuse_activations, "the range that a RELU cuts off is not spent on; after all that could stand in between"),
    Pass(drop_dead, "what nothing reads must not be refused"),
    Pass(refuse, "no op that cannot be quantized is left; before any of them is computed"),
    Pass(name_weights, "equalization and rounding change an op's weights without another's that shared them"),
    Pass(drop_dead, "weights and biases by their old names take no memory"),
)


def prepare(graph: Graph) -> Graph:
    """The float graph through PIPELINE. ToolError names every op that cannot be quantized."""
    return pipeline.run(PIPELINE, graph)[0]
