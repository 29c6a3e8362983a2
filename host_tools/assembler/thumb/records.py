"""The words of a record by name, as models/FORMAT.md numbers them, for the drivers: words("window")["stride_h"] is 17."""

from __future__ import annotations

_ALL = {"kernel": 0, "x_offset": 5, "y_offset": 6, "scratch_offset": 7}
_CLAMPS = {"y_zero_point": 24, "clamp_min": 25, "clamp_max": 26}
_WINDOW = (
    "batches in_h in_w in_c out_h out_w out_c kernel_h kernel_w stride_h stride_w dilation_h dilation_w "
    "pad_top pad_left x_zero_point"
).split()
_LAYOUTS = {
    "window": {
        **{name: 8 + i for i, name in enumerate(_WINDOW)},
        **_CLAMPS,
        "weights_offset": 27, "channels_offset": 28, "depth_multiplier": 29, "form": 29, "fast_offset": 30, "tile": 31,
        "y_step": 32, "piece": 33, "weights_format": 34, "plane_order": 35,
    },
    # B adds the others: pairwise, reduction, box, line, channel_lut
}  # fmt: skip


def words(layout: str) -> dict[str, int]:
    """name -> word."""
    return _ALL | _LAYOUTS[layout]
