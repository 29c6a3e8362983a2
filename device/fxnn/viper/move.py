"""Copies of boxes, in viper. See viper for the rules, ref/move.py for the meaning."""

import micropython

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_DIMS = const(8)
_X_STRIDES = const(12)
_Y_STRIDES = const(16)
_FILL_BYTES = const(20)
_FILL_VALUE = const(21)
_START = const(22)
_FLAGS = const(23)
# end of words


@micropython.viper
def copy(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.move.copy. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    at = arena
    if rec[_FLAGS] & _X_CONSTANT:
        at = int(constants)
    at += rec[_X_OFFSET]
    to = arena + rec[_Y_OFFSET]
    y = ptr8(to)
    end = to + rec[_FILL_BYTES]
    value = rec[_FILL_VALUE]
    while int(y) < end:
        y[0] = value
        y = ptr8(int(y) + 1)
    to += rec[_START]
    step = rec[_X_STRIDES + 3]
    y_step = rec[_Y_STRIDES + 3]
    i0 = 0
    while i0 < rec[_DIMS]:
        i1 = 0
        while i1 < rec[_DIMS + 1]:
            i2 = 0
            while i2 < rec[_DIMS + 2]:
                x = ptr8(at + i0 * rec[_X_STRIDES] + i1 * rec[_X_STRIDES + 1] + i2 * rec[_X_STRIDES + 2])
                y = ptr8(to + i0 * rec[_Y_STRIDES] + i1 * rec[_Y_STRIDES + 1] + i2 * rec[_Y_STRIDES + 2])
                i3 = rec[_DIMS + 3]
                while i3 > 0:
                    i3 -= 1
                    y[0] = x[0]
                    x = ptr8(int(x) + step)
                    y = ptr8(int(y) + y_step)
                i2 += 1
            i1 += 1
        i0 += 1


kernels = {9: copy}
