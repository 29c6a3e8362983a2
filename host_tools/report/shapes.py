"""The shapes that an op's record works on, as its words hold them: dimensions that the packer merged stay merged.

A layout without a row here is shown by the bytes that its kernel reads and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..fileformat import extents
from ..fileformat.packed import OpRecord
from ..record import (
    ADD,
    ARG,
    BINARY,
    BOX,
    BY_NAME,
    CHANNEL_TABLES,
    CONV,
    CONV_16,
    DENSE,
    DEPTHWISE,
    DEPTHWISE_16,
    EXTREME,
    GATHER,
    INTEGERS,
    LSTM,
    MATRICES,
    MUL,
    PAIRWISE_16,
    POOL,
    REDUCTION,
    RESCALE,
    RESIZE,
    ROWS,
    SELECT,
    SIGMOID_16,
    SOFTMAX,
    SOFTMAX_16,
    SUMS,
    SVDF,
    TABLE,
    TRANSPOSE_CONV,
    Layout,
    View,
    view,
)

Shape = Sequence[int]
_Shapes = Callable[[View], tuple[Shape, Shape]]  # of the first input and of the output


def _same(shape: Callable[[View], Shape]) -> _Shapes:
    return lambda r: (shape(r), shape(r))


def _elements(r: View) -> Shape:
    dims = r.all("dims")
    while len(dims) > 1 and dims[0] == 1:
        dims = dims[1:]
    return dims


_WINDOWS = (POOL, CONV, DEPTHWISE, TRANSPOSE_CONV, CONV_16, DEPTHWISE_16)
_WALKS = (ADD, MUL, SELECT, BINARY, PAIRWISE_16, INTEGERS, BOX)

SHAPES: Mapping[Layout, _Shapes] = {
    **dict.fromkeys(_WINDOWS, lambda r: ((r.batches, r.in_h, r.in_w, r.in_c), (r.batches, r.out_h, r.out_w, r.out_c))),
    **dict.fromkeys(_WALKS, _same(_elements)),
    **dict.fromkeys((REDUCTION, EXTREME), lambda r: (r.all("a", "c"), (r.a, r.b, r.c))),
    **dict.fromkeys((SOFTMAX, SOFTMAX_16, ROWS), _same(lambda r: (r.rows, r.depth))),
    **dict.fromkeys((TABLE, RESCALE, SIGMOID_16), _same(lambda r: (r.count,))),
    **dict.fromkeys((CHANNEL_TABLES, SUMS), _same(lambda r: r.all("a", "c"))),
    DENSE: lambda r: ((r.in_h, r.in_c), (r.out_h, r.out_c)),
    ARG: lambda r: (r.all("a", "c"), (r.a, r.c)),
    GATHER: lambda r: ((r.a, r.rows, r.b, r.columns, r.c), r.all("a", "c")),
    RESIZE: lambda r: ((r.n, r.image_bytes // max(1, r.c), r.c), (r.n, r.out_h, r.out_w, r.c)),
    MATRICES: lambda r: ((*r.all("batches"), r.rows, r.depth), (*r.all("batches"), r.rows, r.columns)),
    LSTM: lambda r: ((r.batches, r.steps, r.inputs), (r.batches, r.steps, r.units)),
    SVDF: lambda r: ((r.batches, r.inputs), (r.batches, r.filters // max(1, r.rank))),
}


def shapes(op: OpRecord) -> tuple[Shape, Shape]:
    """(of the first input, of the output)."""
    shape = SHAPES.get(BY_NAME[op.kernel].layout)
    return shape(view(op.kernel, op.words)) if shape else _bytes(op)


def _bytes(op: OpRecord) -> tuple[Shape, Shape]:
    reached = extents.stretches(op.kernel, op.words, op.fast_target, op.constants)
    assert not isinstance(reached, str)  # the reader has checked the record
    found = {stretch.operand.name: stretch.bytes for stretch in reached}
    return (found["x"],), (found["y"],)
