"""The state of conv, at the start of the scratch: the driver and four functions share it."""

from __future__ import annotations

from .writer import words

STATE = words(
    "r0",
    ("table", "entries of 5 words {packed inputs of a group of 4 pixels, 0 ends; 4 pointers to inputs, later accumulators}"),
    ("entries|image_rows|channels", "left to do"),
    ("to|y_zero_point", "where packed inputs go, until convolve"),
    ("left", "inputs of padding before a run"),
    ("run", "inputs"),
    ("runs|bottom", "a row; band: bytes of padding"),
    ("run_step", "from run to run"),
    ("rows|top", "band: bytes of padding"),
    ("row_step|skip", "from row to row; band: from run to run"),
    ("right", "inputs of padding after a run"),
    ("padding|unpacked", "x_zero_point, pack: * 65537; where weights of four bits are unpacked, 0: they have eight"),
    ("entry_bytes", "packed"),
    "weights",
    ("wide", "widened weights or code"),
    ("wide_end", "of them"),
    ("count", "weights a channel"),
    ("channel", "table"),
    ("fast", "table"),
    ("relu", "1: negative accumulators give clamp_min"),
    ("run_bytes", "widened"),
    ("gap", "packed bytes between runs"),
    ("start", "where a run starts in the unrolled loop, -1: patched code"),
    ("y_step", "from one output to the next"),
    "clamp_min",
    "clamp_max",
    ("flip", "0x80808080"),
    ("lanes*8", "four times {outputs, where they go}: the pixels 0 to 3 of the groups"),
)
