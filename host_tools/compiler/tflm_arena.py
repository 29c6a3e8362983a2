"""What TensorFlow Lite Micro's arena is at least for a network: a bound from its rules, so that conversion needs no TFLM.

Its head holds the activations, none over another that is alive (greedy_memory_planner.cc), each at a multiple of 16: at
least what is alive at the widest op. Its tail holds, on a 32-bit machine, a TfLiteEvalTensor of 12 bytes per tensor, a
NodeAndRegistration of 32 bytes per op, for layers with weights the kernel's OpData (the op table's tflm_bytes: OpDataConv,
OpDataFullyConnected; micro/kernels/conv.h, fully_connected.h) and for convolutions a multiplier and a shift of 4 bytes
each per channel; more on a 64-bit one. Other kernels' data and the quantization of inputs and outputs are left out.
"""

from __future__ import annotations

from ..ir import Graph
from ..ops.table import row

_TENSOR, _NODE, _CHANNEL, _ALIGNMENT = 12, 32, 8, 16


def least_bytes(graph: Graph) -> int:
    """A lower bound of TFLM's arena for the graph as it was read, before any pass."""
    first: dict[str, int] = dict.fromkeys(graph.inputs, -1)
    last: dict[str, int] = dict.fromkeys(graph.inputs, -1)
    tail = 0
    for i, op in enumerate(graph.ops):
        for id in op.outputs:
            first[id] = last[id] = i
        for id in op.reads:
            if id in first:
                last[id] = i
        r = row(op.kind)
        tail += _NODE + r.tflm_bytes
        if r.tflm_bytes and "padding" in r.attributes:  # a convolution
            tail += _CHANNEL * graph.output_of(op).shape[-1]
    last.update({id: len(graph.ops) for id in graph.outputs if id in last})
    used = {id for op in graph.ops for id in (*op.reads, *op.outputs)}
    widest = 0
    for i, op in enumerate(graph.ops):
        # A reshape's output may be its input's bytes.
        hidden = op.outputs if row(op.kind).reshapes else ()
        alive = [id for id in first if first[id] <= i <= last[id] and id not in hidden]
        widest = max(widest, sum(_bytes(graph, id) for id in alive))
    return widest + tail + _TENSOR * len(used)


def _bytes(graph: Graph, id: str) -> int:
    size = graph.tensors[id].bytes
    return -(-size // _ALIGNMENT) * _ALIGNMENT
