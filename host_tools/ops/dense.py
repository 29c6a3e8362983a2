"""FULLY_CONNECTED of int8, weights of int8 or int4."""

from __future__ import annotations

from ..arithmetic import fixed_point
from ..assembler.constants import Constants
from ..assembler.layer import PackedVariant
from ..ir import Op
from .core import Lowering, Step, Unsupported, lowers
from .weights import (
    RETRAIN,
    add_packed_variant,
    channel_multipliers,
    channel_table,
    dense_constants,
    folded_bias,
    padded,
    weights,
)
from .windows import row_words


@lowers("FULLY_CONNECTED")
def fully_connected(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    if op.attrs.get("weights_format", 0):
        raise Unsupported("shuffled weights", RETRAIN)
    if len(ctx.input(op, 1).shape) != 2:
        raise Unsupported("its weights do not have two dimensions", RETRAIN)
    out_c, in_c = ctx.input(op, 1).shape
    w, bias = weights(ctx, op, out_c, 0)
    rows, rest = divmod(x.size, in_c)
    if rest or y.size != rows * out_c:
        raise Unsupported(f"input {x.shape} does not fit weights {w.shape}", RETRAIN)
    multipliers = channel_multipliers(fixed_point.fully_connected_multiplier, x, w, y, out_c)
    words = row_words(op, x, y, rows, in_c, out_c)
    k, packed, scratch_bytes = Constants(), PackedVariant({}), 0
    if w.dtype == "int8":
        channels = channel_table(folded_bias(x, bias, w.values), multipliers)
        packed = add_packed_variant(ctx, "fully_connected_stored", words, k, x, bias, padded(w.values), channels)
    if not packed.words:
        scratch_bytes = in_c
        k, packed = dense_constants(ctx, "fully_connected", words, x, w, bias, multipliers)
    ctx.emit(Step("fully_connected", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  scratch_bytes=scratch_bytes, macs=rows * in_c * out_c, options=packed.options, cut=k,
                  granule=packed.granule))  # fmt: skip
