"""Words of an op record by name, as far as the assembler kernels read them (models/FORMAT.md, op record)."""

from __future__ import annotations

_ALL = {"kernel": 0, "x_offset": 5, "y_offset": 6, "scratch_offset": 7}
_DIMENSIONS = {f"dim{i}": 8 + i for i in range(4)}

WINDOW = {
    **_ALL,
    "batches": 8, "in_h": 9, "in_w": 10, "in_c": 11, "out_h": 12, "out_w": 13, "out_c": 14,
    "kernel_h": 15, "kernel_w": 16, "stride_h": 17, "stride_w": 18, "dilation_h": 19, "dilation_w": 20,
    "pad_top": 21, "pad_left": 22, "x_zero_point": 23, "y_zero_point": 24, "clamp_min": 25, "clamp_max": 26,
    "weights_offset": 27, "channels_offset": 28, "depth_multiplier": 29,
    # The packed variant's: groups of channels per block (rv32's conv_2d) or form (xtensa's), its table, its tile.
    "block": 29, "form": 29, "fast_offset": 30, "tile": 31,
    # An op that is cut by output channels.
    "y_step": 32, "piece": 33,
}  # fmt: skip


def _strides(tensor: str, at: int) -> dict[str, int]:
    return {f"{tensor}_stride{i}": at + i for i in range(4)}


PAIRWISE = {
    **_ALL, "x2_offset": 7, **_DIMENSIONS, **_strides("x", 12), **_strides("x2", 16),
    "multiplier": 20, "left_shift": 21, "right_shift": 22, "flags": 23,
    "y_zero_point": 24, "clamp_min": 25, "clamp_max": 26, "table_offset": 27, "table2_offset": 28,
}  # fmt: skip
BOX = {
    **_ALL, **_DIMENSIONS, **_strides("x", 12), **_strides("y", 16),
    "fill_bytes": 20, "fill_value": 21, "y_start": 22, "flags": 23,
}  # fmt: skip
TABLE = {**_ALL, "count": 8, "table_offset": 9}
