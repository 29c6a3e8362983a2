"""Pools in plain ints. See ref for the rules."""

from . import _pixels, _window, signed

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_IN_H = const(9)
_IN_W = const(10)
_IN_C = const(11)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
# end of words


def max_pool_2d(record, arena, constants):
    """y = clamp(max over the window's inputs inside the image). integer_ops/pooling.h MaxPool."""
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for c in range(record[_IN_C]):
            best = -128
            for _, iy, ix in _window(record, oy, ox, 1, 1):
                at = record[_X_OFFSET] + ((n * record[_IN_H] + iy) * record[_IN_W] + ix) * record[_IN_C] + c
                best = max(best, signed(arena[at]))
            arena[y] = max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], best)) & 0xFF
            y += 1


def average_pool_2d(record, arena, constants):
    """y = clamp(mean over the window's inputs inside the image): eq. (4). integer_ops/pooling.h AveragePool.

    A window with nothing inside, which TFLM refuses, gives clamp(0).
    """
    y = record[_Y_OFFSET]
    for n, oy, ox in _pixels(record):
        for c in range(record[_IN_C]):
            total = count = 0
            for _, iy, ix in _window(record, oy, ox, 1, 1):
                at = record[_X_OFFSET] + ((n * record[_IN_H] + iy) * record[_IN_W] + ix) * record[_IN_C] + c
                total += signed(arena[at])
                count += 1
            mean = (abs(total) + count // 2) // max(count, 1)
            arena[y] = max(record[_CLAMP_MIN], min(record[_CLAMP_MAX], -mean if total < 0 else mean)) & 0xFF
            y += 1


kernels = {4: max_pool_2d, 5: average_pool_2d}
