"""DEPTHWISE_CONV_2D of int8."""

from __future__ import annotations

from ..arithmetic import fixed_point
from ..assembler.constants import Constants
from ..ir import Op
from ..record import DEPTHWISE
from .core import Lowering, Step, Unsupported, lowers
from .weights import RETRAIN, add_packed_variant, channel_multipliers, channel_table, offset_binary, weights
from .windows import window_words


@lowers("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    if ctx.input(op, 1).dtype == "int4":
        raise Unsupported("int4 weights of a depthwise convolution", "leave its weights int8: there are few of them")
    w, bias = weights(ctx, op, y.shape[-1], 3)
    _, kh, kw, out_c = w.shape
    words = window_words(op, x, y, (kh, kw))
    multiplier, rest = divmod(out_c, x.shape[3])
    if rest or w.shape[0] != 1:
        raise Unsupported(f"weights {w.shape} do not fit {x.shape[3]} input channels", RETRAIN)
    k = Constants()
    channels = channel_table(bias, channel_multipliers(fixed_point.conv_multiplier, x, w, y, out_c))
    stored = offset_binary(w.values)
    words |= DEPTHWISE.words(depth_multiplier=multiplier, channels_offset=k.add(channels),
                             weights_offset=k.add(stored, lambda first, last: stored[..., first:last]))  # fmt: skip
    rows = w.values.reshape(kh * kw, out_c).T
    packed = add_packed_variant(ctx, "depthwise_conv_2d", words, k, x, bias, rows, channels)
    ctx.emit(Step("depthwise_conv_2d", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  macs=y.size * kh * kw, options=packed.options, cut=k, granule=multiplier))  # fmt: skip
