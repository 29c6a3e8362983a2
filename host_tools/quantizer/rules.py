"""How each kind of op wants its tensors quantized: TensorFlow Lite's int8 specification (quantization_spec), ops/table.py.

"own": the output has a range of its own. "same": the outputs share scale and zero point with every float operand that goes
in (the kernel moves bytes or compares them). A pair: the kernel's output has this scale and zero point, always.
Tensors that are no floats (bool, int32) have no scale, whatever the rule.
"""

from __future__ import annotations

from ..ir import Graph, Op
from ..ops.table import LSTM as LSTM
from ..ops.table import TABLE, Rule, kinds, row

RULES: dict[str, Rule] = {kind: r.rule for kind, r in TABLE.items() if r.rule is not None}
REAL_ONLY = kinds("island")  # the host makes a table of 256 bytes of each (islands.py)
COMPARISONS = frozenset(kind for kind, r in TABLE.items() if r.makes == "bool" and "int8" in r.dtypes)
ANY_DTYPE = kinds("any_dtype")  # ops that take, or make, bool and int32 as well


def operands(graph: Graph, op: Op) -> list[int]:
    """Which of `op`'s inputs are floats that it computes with, constants included, weights not.

    graph: in float, before anything is quantized.
    """
    weights = row(op.kind).weights
    return [n for n, id in enumerate(op.inputs)
            if id is not None and n not in weights and graph.tensors[id].dtype == "float32"]  # fmt: skip


def real_outputs(graph: Graph, op: Op) -> list[str]:
    """The outputs of `op` that are floats (of the float graph)."""
    return [id for id in op.outputs if graph.tensors[id].dtype == "float32"]
