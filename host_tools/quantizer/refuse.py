"""What of a float graph cannot be quantized, all at once: each op with the reason and the way out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import ToolError
from ..ir import Graph, Op
from ..ops.table import row
from . import recurrent
from .linear import linear
from .rules import ANY_DTYPE, LSTM, RULES

_BY_TENSORFLOW = ("let TensorFlow's converter quantize it (full integer, with a representative_dataset; README.md, 'Your own "
                  "network', has the lines), or train it with QAT; then `fxnn convert`")  # fmt: skip
_RECURRENT = ("Keras' LSTM with its own activations becomes one op; write GRU, SimpleRNN and others with unroll=True, and give the "
              "input a batch size of 1; or " + _BY_TENSORFLOW)  # fmt: skip


def why_not(kind: str) -> str:
    """The reason and the way out for an op that has no rule."""
    if row(kind).control:
        return f"a loop; {_RECURRENT}"
    if row(kind).remembers:
        return (
            f"what it remembers depends on the order of the samples, which calibration does not know; {_BY_TENSORFLOW}"
        )
    if kind == "CAST":
        return "casts of floats change their scale; compute in float32 throughout"
    return f"no quantized kernel for this op; replace the layer by supported ones: {', '.join(sorted(RULES))}"


def refuse(graph: Graph) -> Graph:
    """`graph`, if every op can be quantized; else ToolError with all that cannot."""
    if any(op.kind == "DEQUANTIZE" and not graph.input_of(op, 0).constant for op in graph.ops):
        raise ToolError(
            f"{graph.name} quantizes and dequantizes its activations",
            "it was trained with fake quantization (QAT), and exported in float",
            "convert it with converter.optimizations = [tf.lite.Optimize.DEFAULT], which makes it int8 with its own scales; "
            "`fxnn quantize` does that by itself for .keras, .h5 and SavedModel",
        )
    problems = [f"{op.kind} '{op.name}': {problem}" for op in graph.ops for problem in _of_op(graph, op)]
    for id in graph.inputs:
        if graph.tensors[id].dtype not in ("float32", "int32", "bool"):
            problems.append(f"NETWORK '{id}': the network's input is {graph.tensors[id].dtype}; float32 is needed "
                            "(int32 for the indices of an Embedding)")  # fmt: skip
    for tensor in graph.tensors.values():
        if tensor.constant and tensor.dtype == "float32" and not np.isfinite(tensor.values).all():
            problems.append(f"CONSTANT '{tensor.id}': it holds infinities or NaNs; was the training finished?")
    if problems:
        many = "s" if len(problems) > 1 else ""
        raise ToolError(f"{graph.name}: {len(problems)} op{many} cannot be quantized", "\n".join(problems),
                        "nothing was written")  # fmt: skip
    return graph


def _of_op(graph: Graph, op: Op) -> Iterator[str]:
    """At most one problem: what has no rule, then what the rule's kernel does not have, then a dtype."""
    if op.kind not in RULES:
        yield why_not(op.kind)
    elif op.kind == LSTM:
        reason = recurrent.odd(graph, op)
        if reason:
            yield f"{reason}; use Keras' LSTM layer as it is"
    elif linear(op) and not graph.input_of(op, 1).constant:
        yield "its weights are computed at run time; make them constants"
    else:
        allowed = ("float32", "int32", "bool") if op.kind in ANY_DTYPE else ("float32",)
        tensors = (graph.tensors[i] for i in (*op.reads, *op.outputs))
        odd = next((t for t in tensors if not t.constant and t.dtype not in allowed), None)
        if odd:
            yield f"'{odd.id}' is {odd.dtype}; export the model in float32"
