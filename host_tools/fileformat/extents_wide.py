"""How far the records of kernels 32 to 47 reach: extents.py's part for them."""

from __future__ import annotations

import struct
from math import prod

WINDOWS = ("transpose_conv", "conv_2d_16", "depthwise_conv_2d_16", "max_pool_2d_16", "average_pool_2d_16")
_PAIRS = ("pairwise_16", "batch_matmul", "numbers")
KERNELS = (*WINDOWS, *_PAIRS, "mean_16", "rescale", "cumsum", "sigmoid_16", "softmax_16", "lstm", "svdf")
_SOFTMAX_TABLE = 2 * 513


def scratch_bytes(kernel: str, words) -> int:
    """Bytes of scratch at word 7."""
    if kernel == "conv_2d_16":
        return 2 * words[15] * words[16] * words[11]
    return 8 * words[11] + (words[10] + words[11]) * words[16] if kernel == "lstm" else 0


def reach(kernel: str, words, constants: bytes) -> tuple[list, list] | None:
    """(spans in the arena, spans in the constants) as (offset, bytes); None for sizes that no kernel takes."""
    element = 2
    if kernel in WINDOWS:
        if min(words[8:23]) < 0 or min(words[15:21]) < 1:
            return None
        if kernel == "depthwise_conv_2d_16" and words[14] != words[11] * words[29]:
            return None
        element = 1 if kernel == "transpose_conv" and not words[29] else 2
        y = words[8] * words[12] * words[13] * words[14]
        spans = [
            (words[5], element * prod(words[8:12])),
            (words[6], element * y),
            (words[7], scratch_bytes(kernel, words)),
        ]
        if "pool" in kernel:
            return spans, []
        row = words[15] * words[16] * (words[11] if kernel != "depthwise_conv_2d_16" else 1)
        row = -(-row // 4) * 4 if kernel == "conv_2d_16" else row
        return spans, [(words[27], row * words[14]), (words[28], (16 if element == 2 else 12) * words[14])]
    if kernel in _PAIRS:
        matmul = kernel == "batch_matmul"
        if min(words[8:23]) < 0 or (matmul and words[31] < 0):
            return None
        if matmul:
            b0, b1, b2, rows, columns, depth = words[8:14]
            element = 2 if words[23] & 4 else 1
            walks = (
                ((b0, b1, b2, rows, depth), words[14:19]),
                ((b0, b1, b2, columns, depth), (*words[19:23], words[31])),
            )
            y = b0 * b1 * b2 * rows * columns
        else:
            walks = ((words[8:12], words[12:16]), (words[8:12], words[16:20]))
            y = prod(words[8:12])
        spans, constant_spans = [(words[6], element * y)], []
        if kernel == "numbers":
            element = words[30]
            if element not in (2, 4) or not 0 <= words[29] <= 10:
                return None
            spans = [(words[6], y if 2 <= words[29] <= 5 else element * y)]
        for i, (dims, strides) in enumerate(walks):
            size = element + sum((d - 1) * s for d, s in zip(dims, strides)) if prod(dims) else 0
            (constant_spans if words[23] >> i & 1 else spans).append((words[(5, 7)[i]], size))
        return spans, constant_spans
    if kernel == "cumsum":
        size = words[8] * words[9] * words[10]
        return None if min(words[8:11]) < 0 else ([(words[5], size), (words[6], size)], [])
    if kernel == "mean_16":
        a, r1, b, r2, c = words[8:13]
        return None if min(words[8:13]) < 0 else ([(words[5], 2 * a * r1 * b * r2 * c), (words[6], 2 * a * b * c)], [])
    if kernel == "rescale":
        if words[9] not in (1, 2) or words[10] not in (1, 2):
            return None
        return [(words[5], words[8] * words[9]), (words[6], words[8] * words[10])], []
    if kernel == "sigmoid_16" and not 0 <= words[10] <= 30:
        return None
    if kernel == "sigmoid_16":
        return [(words[5], 2 * words[8]), (words[6], 2 * words[8])], [(words[12], 512)]
    if kernel == "softmax_16":
        if min(words[8:10]) < 0:
            return None
        size = 2 * words[8] * words[9]
        return [(words[5], size), (words[6], size)], [(words[13], _SOFTMAX_TABLE), (words[14], _SOFTMAX_TABLE)]
    if kernel == "svdf":
        batches, inputs, filters, rank, memory, size = words[8:14]
        if min(words[8:14]) < 0 or rank < 1 or size not in (1, 2) or memory < 1 or filters % rank:
            return None
        units = filters // rank
        return [(words[5], batches * inputs), (words[6], batches * units), (words[14], batches * filters * memory * size)], [
            (words[15], 4 * filters), (words[16], filters * inputs), (words[17], filters * memory * size), (words[18], 4 * units),
        ]  # fmt: skip
    batches, steps, inputs, units = words[8:12]
    size = words[16]
    if min(words[8:16]) < 0 or size not in (1, 2) or not 0 <= words[28] <= 30:
        return None
    x, y = ((batches - 1) * words[at] + (steps - 1) * words[at + 1] + n * size for at, n in ((12, inputs), (14, units)))
    spans = [(words[5], x), (words[6], y), (words[7], scratch_bytes(kernel, words)), (words[17], batches * units * size),
             (words[18], 2 * batches * units)]  # fmt: skip
    constant_spans = [(words[19], 128), (words[20], 24), (words[21], 512)]
    if 0 <= words[19] <= len(constants) - 128:
        for i in range(8):
            weights, first = struct.unpack_from("<ii", constants, words[19] + 16 * i)
            constant_spans += [
                (weights, units * (units if i % 2 else inputs)),
                (first, (8 if size == 2 else 4) * units),
            ]
    return spans, constant_spans
