"""Random models of every op, with inputs: for hypothesis, and as a deterministic list of cases.

    @given(draw.models("conv_2d"))                   # a Case without outputs
    cases = draw.generate("conv_2d", n=50, seed=1)   # the same models, with the outputs of the oracle

One function per op draws the parameters through a Source, which is hypothesis' `draw` or a seeded generator, so both
see the same models. All models are legal: TFLM takes them. What TFLM refuses, aborts on or leaves undefined is
outside of what is drawn, and named where it is left out.

One file per family, with the families' names of host_tools/ops. A drawing function is f(s, b, x, source=None) -> y:
it draws from s into the builder b, appends its inputs' values to x, and returns its output, or a list of them;
`source` is the tensor to start from, else it makes inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from tests.draw import (
    combinations,
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
from tests.draw.core import Case, HypothesisSource, RandomSource, Shapes, Source, difference  # noqa: F401
from tests.helpers.tflite_builder import Builder

OPS: dict[str, Callable] = (
    conv.OPS
    | depthwise.OPS
    | dense.OPS
    | pool.OPS
    | elementwise.OPS
    | lookup.OPS
    | move.OPS
    | gather.OPS
    | reduce.OPS
    | softmax.OPS
    | rows.OPS
    | resize.OPS
    | matmul.OPS
    | int16.OPS
    | integer.OPS
    | combinations.OPS
)
STATEFUL: dict[str, Callable] = recurrent.STATEFUL | int16.STATEFUL  # several inferences in a row
# Whose kernels have ids from 32 to 46 (FORMAT.md).
KERNELS_FROM_32 = (*matmul.OPS, *int16.OPS, *integer.OPS, *STATEFUL, "transpose_conv", "add_n", "cumsum", "zeros_like",
                   "fill", "dynamic_update_slice", "embedding_lookup")  # fmt: skip
# The oracle is LiteRT's reference kernels: TFLM has none of these; its SPACE_TO_BATCH_ND pads with a number that it
# never sets.
LITERT = ("relu_n1_to_1", "relu_0_to_1", "gelu", "exp", "log", "tile", "space_to_batch_nd", "neg", "sqrt")


def build(op: str, source: Source, name: str) -> Case:
    """The model that `source` draws for `op`, one of OPS or STATEFUL."""
    b, inputs = Builder(), []
    outputs = (OPS | STATEFUL)[op](source, b, inputs)
    tflite = b.finish(outputs if isinstance(outputs, list) else [outputs])
    calls = len(inputs) // len(b.inputs) if op in STATEFUL else 1
    return Case(name, op, tflite, tuple(inputs), dict(source.params), calls=calls)


@st.composite
def models(draw, op: str) -> Case:
    """hypothesis: a Case for `op` without outputs."""
    return build(op, HypothesisSource(draw), op)


def expected(case: Case) -> Case:
    """`case` with the outputs of TFLM, or of LiteRT's reference kernels where TFLM has no such op."""
    from host_tools.measure.oracle import Oracle

    oracle = Oracle(case.tflite, prefer="litert" if case.op in LITERT else "tflm")
    return replace(case, outputs=tuple(y for frame in case.frames for y in oracle.run(frame)))


def generate(op: str, n: int, seed: int, shapes: type[Shapes] = Shapes) -> list[Case]:
    """n cases for `op` with the outputs of the oracle; the same ones for the same arguments, always."""
    names = [f"{op}/{seed}/{i}" for i in range(n)]
    return [expected(build(op, RandomSource(name, shapes), name)) for name in names]


def four_bits(case: Case) -> bytes | None:
    """The case's model, packed, with the upper four bits of its weights as int4; None where that cannot be converted."""
    from host_tools.compiler import convert
    from host_tools.errors import ToolError
    from host_tools.readers import tflite

    try:
        graph = tflite.read(case.tflite, case.name)
        w = graph.tensors[graph.ops[0].inputs[1]]
        if not w.constant:
            return None
        graph = graph.with_tensor(replace(w, dtype="int4", data=w.data.astype(np.int8) >> 4))
        return convert.convert_graph(graph, case.name, selftest=0).data
    except ToolError:
        return None
