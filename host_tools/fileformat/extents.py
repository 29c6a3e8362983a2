"""How far each op record reaches: what a reader checks before anything runs, and what a report shows."""

from __future__ import annotations

from math import prod

from ..assembler.targets import TARGETS
from . import extents_ops, extents_wide

_WINDOWS = ("conv_2d", "depthwise_conv_2d", "fully_connected", "max_pool_2d", "average_pool_2d")
_X_CONSTANT, _X2_CONSTANT = 1, 2


def scratch_bytes(kernel: str, words, target: str) -> int:
    """Bytes of scratch at word 7 (FORMAT.md: one im2col column, or what the fast form of `target` takes if that is more)."""
    if kernel in extents_ops.KERNELS:
        return extents_ops.scratch_bytes(kernel, words)
    if kernel in extents_wide.KERNELS:
        return extents_wide.scratch_bytes(kernel, words)
    if kernel not in ("conv_2d", "fully_connected", "depthwise_conv_2d"):
        return 0
    column = words[15] * words[16] * words[11]
    if kernel == "depthwise_conv_2d":
        column = words[9] * words[10] if words[35] & 1 else 0
    elif kernel == "fully_connected" and words[29]:
        column = 0
    return max(column, TARGETS[target].scratch_bytes(kernel, words)) if words[30] and target in TARGETS else column


def problem(kernel: str, words, arena_bytes: int, target: str, constant_bytes: bytes = b"") -> str | None:
    """None, or where a record reaches outside: "arena" or "constants". words: the record's 40;
    target: whose fast forms the file holds; constant_bytes: the record's constants."""
    reached = reach(kernel, words, target, constant_bytes)
    if isinstance(reached, str):
        return reached
    spans, constants = reached
    if any(offset < 0 or size < 0 or offset + size > arena_bytes for offset, size in spans):
        return "arena"
    if any(offset < 0 or offset + size > words[3] for offset, size in constants):
        return "constants"
    return None


def reach(kernel: str, words, target: str, constant_bytes: bytes = b"") -> tuple[list, list] | str:
    """(spans in the arena, spans in the constants), each (offset, bytes); or "arena", "constants" where words make no sense.
    The output is the last span that starts at word 6, scratch lies at word 7, all else is read."""
    sizes = words[8:23]
    if kernel in extents_ops.KERNELS:
        reached = extents_ops.reach(kernel, words, constant_bytes)
        if reached is None:
            return "arena"
        spans, constants = reached
    elif kernel in extents_wide.KERNELS:
        reached = extents_wide.reach(kernel, words, constant_bytes)
        if reached is None:
            return "arena"
        spans, constants = reached
    elif kernel in _WINDOWS:
        if min(sizes) < 0 or min(words[15:21]) < 1:
            return "arena"
        x = prod(words[8:12])
        pixels = words[8] * words[12] * words[13]
        y = pixels * words[14]
        if "pool" not in kernel and pixels:  # a piece: some of the channels of each pixel
            step = words[32] or words[14]
            y = (pixels - 1) * step + words[14]
            if kernel == "depthwise_conv_2d" and words[29] > 0:
                x -= min(x, words[11]) - -(-words[14] // words[29])
            if step < words[14]:
                return "arena"
        spans = [(words[5], x), (words[6], y), (words[7], scratch_bytes(kernel, words, target))]
        constants = []
        if "pool" not in kernel:
            row = words[15] * words[16] * (words[11] if kernel != "depthwise_conv_2d" else 1)
            row = row if kernel == "depthwise_conv_2d" else -(-row // 4) * 4
            constants = [(words[27], row * words[14]), (words[28], 12 * words[14])]
            if kernel == "fully_connected" and words[29] == 2:  # in twos
                constants = [(words[27], -(-words[11] // 16) * 16 * words[14]), (words[28], 12 * words[14])]
            elif kernel == "fully_connected" and words[29]:  # in pairs of channels, and of inputs
                channels = -(-words[14] // 2) * 2
                constants = [(words[27], channels * -(-words[11] // 2) * 2), (words[28], 12 * channels)]
            elif kernel != "depthwise_conv_2d" and words[34] == 1:  # four bits a weight
                row = -(-words[15] * words[16] * words[11] // 8) * 4
                constants = [(words[27], row * words[14]), (words[28], 8 * words[14])]
            if words[30] and target in TARGETS:
                constants += TARGETS[target].constants(kernel, words)
    elif kernel == "mean":
        a, r1, b, r2, c = words[8:13]
        if min(words[8:13]) < 0:
            return "arena"
        spans, constants = [(words[5], a * r1 * b * r2 * c), (words[6], a * b * c)], []
    elif kernel in ("add", "mul", "copy"):
        dims = words[8:12]
        if min(sizes[:12]) < 0:
            return "arena"
        reach = [1 + sum((d - 1) * s for d, s in zip(dims, words[at : at + 4])) if prod(dims) else 0 for at in (12, 16)]
        flags = words[23]
        spans, constants = [], []
        (constants if flags & _X_CONSTANT else spans).append((words[5], reach[0]))
        if kernel == "copy":
            if words[20] < 0 or words[22] < 0:
                return "arena"
            spans.append((words[6], max(words[20], words[22] + reach[1])))
        else:
            (constants if flags & _X2_CONSTANT else spans).append((words[7], reach[1]))
            spans.append((words[6], prod(dims)))
            if kernel == "add":
                constants += [(words[27], 1024), (words[28], 1024)]
    elif kernel == "softmax":
        if min(words[8:12]) < 0 or not 1 <= words[10] <= 256:
            return "constants"
        size = words[8] * words[9]
        spans, constants = [(words[5], size), (words[6], size)], [(words[11], 4 * words[10])]
    else:  # lut
        spans, constants = [(words[5], words[8]), (words[6], words[8])], [(words[9], 256)]
    return spans, constants
