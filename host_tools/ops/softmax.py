"""SOFTMAX of int8: a table of exponentials."""

from __future__ import annotations

import numpy as np

from ..arithmetic import gemmlowp, int8_tables
from ..assembler.constants import Constants
from ..ir import Op
from ..record import SOFTMAX
from .core import Lowering, Step, Unsupported, lowers


@lowers("SOFTMAX")
def softmax(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    table = np.asarray(int8_tables.exp_table(op.attrs.get("beta", 1.0), x.scale)).astype("<i4")
    depth = x.shape[-1]
    if depth > gemmlowp.SOFTMAX_MAX_DEPTH:  # the sum of exponentials is Q12.19
        raise Unsupported(f"{depth} classes", "use fewer than 4096")
    k = Constants()
    words = SOFTMAX.words(rows=x.size // depth, depth=depth, table_count=len(table), table_offset=k.add(table))
    source = ctx.activation(x)
    ctx.emit(Step("softmax", op.name, source, ctx.new_buffer(y), words, bytes(k.data), inplace=(source,)))
