"""What TensorFlow Lite Micro's arena is at least for a network: a bound from its rules, so that conversion needs no TFLM.

Its head holds the activations, none over another that is alive (greedy_memory_planner.cc), each at a multiple of 16: at
least what is alive at the widest op. Its tail holds, on a 32-bit machine, a TfLiteEvalTensor of 12 bytes a tensor, a
NodeAndRegistration of 32 bytes an op, for layers with weights the kernel's OpData (OpDataConv 56 bytes,
OpDataFullyConnected 44; micro/kernels/conv.h, fully_connected.h) and for convolutions a multiplier and a shift of 4
bytes each a channel; more on a 64-bit one. Other kernels' data and the quantization of inputs and outputs are left out.
"""

from __future__ import annotations

from ..ir import Graph
from .passes import RESHAPES

_TENSOR, _NODE, _CHANNEL, _ALIGNMENT = 12, 32, 8, 16
_OP_DATA = {"CONV_2D": 56, "DEPTHWISE_CONV_2D": 56, "FULLY_CONNECTED": 44}


def least_bytes(graph: Graph) -> int:
    """A lower bound of TFLM's arena for the graph as it was read, before any pass."""
    first: dict[str, int] = dict.fromkeys(graph.inputs, -1)
    last: dict[str, int] = dict.fromkeys(graph.inputs, -1)
    tail = 0
    for i, op in enumerate(graph.ops):
        for id in op.outputs:
            first[id] = last[id] = i
        for id in op.inputs:
            if id in first:
                last[id] = i
        tail += _NODE + _OP_DATA.get(op.kind, 0)
        if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            tail += _CHANNEL * graph.tensors[op.outputs[0]].shape[-1]
    last.update({id: len(graph.ops) for id in graph.outputs if id in last})
    used = {id for op in graph.ops for id in (*op.inputs, *op.outputs) if id is not None}
    widest = 0
    for i, op in enumerate(graph.ops):
        # A reshape's output may be its input's bytes.
        hidden = op.outputs if op.kind in RESHAPES else ()
        alive = [id for id in first if first[id] <= i <= last[id] and id not in hidden]
        widest = max(widest, sum(_bytes(graph, id) for id in alive))
    return widest + tail + _TENSOR * len(used)


def _bytes(graph: Graph, id: str) -> int:
    size = graph.tensors[id].bytes
    return -(-size // _ALIGNMENT) * _ALIGNMENT
