"""What everything that slides a window shares: its words, and the padding before its input."""

from __future__ import annotations

from ..ir import Op, Tensor
from ..record import POOL
from .core import Unsupported, clamps
from .weights import RETRAIN


def padding(op: Op, axis: int, in_size: int, kernel: int, out_size: int) -> int:
    """Rows (axis 0) or columns (axis 1) of padding before the input: TFLite `ComputePadding` (kernels/padding.h)."""
    stride, dilation = op.attrs["stride"][axis], op.attrs.get("dilation", (1, 1))[axis]
    size = op.attrs.get("padded_size", (in_size, in_size))[axis] if "padded_size" in op.attrs else in_size
    reach = (kernel - 1) * dilation + 1
    expected = -(-size // stride) if op.attrs["padding"] == "SAME" else (size - reach) // stride + 1
    if expected != out_size:
        raise Unsupported(f"its output has {out_size} rows or columns, {expected} follow from its input", RETRAIN)
    own = max(0, (out_size - 1) * stride + reach - size) // 2 if op.attrs["padding"] == "SAME" else 0
    return own + op.attrs.get("extra_pad", (0, 0))[axis]


def window_words(op: Op, x: Tensor, y: Tensor, kernel: tuple[int, int]) -> dict[int, int]:
    """The words of a window record that all of them have, pools too."""
    if len(x.shape) != 4 or len(y.shape) != 4:
        raise Unsupported(f"its input has shape {x.shape}, four dimensions (NHWC) are needed", RETRAIN)
    n, in_h, in_w, in_c = x.shape
    _, out_h, out_w, out_c = y.shape
    if y.shape[0] != n:
        raise Unsupported(f"batches of {n} become {y.shape[0]}", RETRAIN)
    stride, dilation = op.attrs["stride"], op.attrs.get("dilation", (1, 1))
    if min(*kernel, *stride, *dilation) < 1:
        raise Unsupported("a kernel size, stride or dilation below 1", RETRAIN)
    low, high = clamps(op, y)
    return POOL.words(
        batches=n, in_h=in_h, in_w=in_w, in_c=in_c, out_h=out_h, out_w=out_w, out_c=out_c, kernel_h=kernel[0],
        kernel_w=kernel[1], stride_h=stride[0], stride_w=stride[1], dilation_h=dilation[0], dilation_w=dilation[1],
        pad_top=padding(op, 0, in_h, kernel[0], out_h), pad_left=padding(op, 1, in_w, kernel[1], out_w),
        x_zero_point=x.zero_point, y_zero_point=y.zero_point, clamp_min=low, clamp_max=high)  # fmt: skip


def row_words(op: Op, x: Tensor, y: Tensor, rows: int, in_c: int, out_c: int) -> dict[int, int]:
    """The words of a dense layer: its rows of inputs are an image of one column."""
    low, high = clamps(op, y)
    return POOL.words(
        batches=1, in_h=rows, in_w=1, in_c=in_c, out_h=rows, out_w=1, out_c=out_c, kernel_h=1, kernel_w=1, stride_h=1,
        stride_w=1, dilation_h=1, dilation_w=1, pad_top=0, pad_left=0, x_zero_point=x.zero_point,
        y_zero_point=y.zero_point, clamp_min=low, clamp_max=high)  # fmt: skip
