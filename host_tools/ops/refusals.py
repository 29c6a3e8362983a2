"""What cannot be converted, all at once: by op, with its tensor and shape, why, where it comes from and what to do.

Ops of one kind with one way out are one group, so that a network of fifty such layers is told once.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ToolError
from ..ir import Graph, Op, Tensor
from .core import Unsupported
from .table import IN_PYTHON, row

_SHOWN = 6  # ops of a group that are named; the others are counted

# The way out for a tensor of a type that an op does not have here; others are those of a model that is not full int8.
OTHER_TYPE = {
    "int16": "quantize to int8 instead of 16x8: README's table of ops says which have int16",
    "int32": "cast it to int8, or " + IN_PYTHON,
    "int64": "use int32",
    "bool": "cast it to int8",
}


def unknown(graph: Graph, op: Op, full_int8: str, supported: Sequence[str]) -> tuple[str, str]:
    """(why, fix) of an op of a kind that is never lowered."""
    tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs) if i is not None]
    real = next((t for t in tensors if t.dtype.startswith("float")), None)
    r = row(op.kind)
    if r.refused:
        return r.refused
    if op.kind.startswith("CUSTOM"):
        return "custom ops have no kernel here", "replace the layer by standard ones"
    if op.kind in ("QUANTIZE", "DEQUANTIZE"):
        return "floats inside the network", full_int8
    if r.floats_only and real is None:
        return "TensorFlow Lite Micro and LiteRT have it for floats only", r.floats_only
    if real is not None:
        fix = r.floats_only if r.floats_only and not r.island else full_int8
        return f"'{real.id}' is {real.dtype}, and it is no table of one int8 tensor", fix
    return "no kernel for this op", "replace the layer by supported ones: " + ", ".join(
        k for k in supported if k != "TABLE"
    )


def explain(graph: Graph, refused: Sequence[tuple[Op, Unsupported]]) -> ToolError:
    """The error for the ops that cannot run; each has `why` and `fix`."""
    groups: dict[tuple[str, str], list[tuple[Op, Unsupported]]] = {}
    for op, e in refused:
        groups.setdefault((op.kind, e.fix), []).append((op, e))
    lines = []
    for (kind, fix), members in groups.items():
        for op, e in members[:_SHOWN]:
            lines.append(f"{kind} '{op.name}'{_tensor(graph, op)}: {e.why}")
        if len(members) > _SHOWN:
            lines.append(f"... and {len(members) - _SHOWN} more of {kind}")
        if row(kind).layer:
            lines.append(f"    usually from: {row(kind).layer}")
        lines.append(f"    do: {fix}")
    count = len(refused)
    return ToolError(
        f"{graph.name}: {count} op{'s' if count > 1 else ''} cannot be converted",
        "\n  ".join(["", *lines]),
        "nothing was written",
    )


def _tensor(graph: Graph, op: Op) -> str:
    """The tensors that the op reads and writes: dtype and shape."""

    def text(t: Tensor) -> str:
        return f"{t.dtype} {'x'.join(map(str, t.shape)) or 'scalar'}"

    inputs = [graph.tensors[i] for i in op.inputs if i is not None]
    reads = [text(t) for t in inputs if not t.constant]
    writes = [text(graph.tensors[i]) for i in op.outputs]
    return f" ({', '.join(reads)} -> {', '.join(writes)})" if reads else f" ({', '.join(writes)})" if writes else ""
