"""MAX_POOL_2D and AVERAGE_POOL_2D of int8."""

from __future__ import annotations

from ..ir import Op
from .core import Lowering, Step, Unsupported, lowers
from .weights import RETRAIN
from .windows import window_words


@lowers("MAX_POOL_2D", "AVERAGE_POOL_2D")
def pool(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    if x.zero_point != y.zero_point or abs(x.scale - y.scale) > 1e-6:  # PoolingPrepare
        raise Unsupported("its input and output have different scales", RETRAIN)
    words = window_words(op, x, y, op.attrs["kernel"])
    if x.shape[3] != y.shape[3]:
        raise Unsupported(f"{x.shape[3]} channels become {y.shape[3]}", RETRAIN)
    ctx.emit(Step(op.kind.lower(), op.name, ctx.activation(x), ctx.new_buffer(y), words))
