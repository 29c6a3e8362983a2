"""The words of a record by name, as models/FORMAT.md has them: words("window")["stride_h"] is 17."""

from __future__ import annotations

_ALL = {"kernel": 0, "x_offset": 5, "y_offset": 6, "scratch_offset": 7}
_CLAMPS = {"y_zero_point": 24, "clamp_min": 25, "clamp_max": 26}


def _from(word: int, names: str) -> dict[str, int]:
    """Consecutive words."""
    return {name: word + i for i, name in enumerate(names.split())}


def _dims(tensor: str, at: int) -> dict[str, int]:
    """Four dimensions, and a tensor's strides over them."""
    return {f"dim{i}": 8 + i for i in range(4)} | {f"{tensor}_stride{i}": at + i for i in range(4)}


_LAYOUTS = {
    "window": {
        **_from(8, "batches in_h in_w in_c out_h out_w out_c kernel_h kernel_w stride_h stride_w dilation_h dilation_w"),
        **_from(21, "pad_top pad_left x_zero_point"), **_CLAMPS,
        "weights_offset": 27, "channels_offset": 28, "depth_multiplier": 29, "form": 29, "fast_offset": 30, "tile": 31,
        "y_step": 32, "piece": 33, "weights_format": 34, "plane_order": 35,
    },
    # mean: [a, r1, b, r2, c], averaged over r1 and r2
    "reduction": {**_from(8, "a r1 b r2 c first multiplier left_shift right_shift"), **_CLAMPS},
    # add, mul; add has the offsets of tables where mul has zero points
    "pairwise": {
        "x2_offset": 7, **_dims("x", 12), **_dims("x2", 16), **_from(20, "multiplier left_shift right_shift flags"),
        **_CLAMPS, "x_zero_point": 27, "x2_zero_point": 28, "table_offset": 27, "table2_offset": 28,
    },
    "box": {**_dims("x", 12), **_dims("y", 16), "fill_bytes": 20, "fill_value": 21, "y_start": 22, "flags": 23},
    "table": {"count": 8, "table_offset": 9},
    "channel_lut": {"a": 8, "b": 9, "c": 10, "tables_offset": 11, "which_offset": 12, "flags": 23},
}  # fmt: skip


def words(layout: str) -> dict[str, int]:
    """name -> word."""
    return _ALL | _LAYOUTS[layout]
