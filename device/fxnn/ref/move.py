"""Copies of boxes in plain ints. See ref for the rules."""

from . import _box

# words: written by python -m host_tools.record
_X_CONSTANT = const(1)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X_STRIDES = const(12)
_Y_STRIDES = const(16)
_FILL_BYTES = const(20)
_FILL_VALUE = const(21)
_START = const(22)
_FLAGS = const(23)
# end of words


def copy(record, arena, constants):
    """Fill, then copy a box of bytes: PAD, CONCATENATION, TRANSPOSE, slices."""
    y = record[_Y_OFFSET]
    for i in range(record[_FILL_BYTES]):
        arena[y + i] = record[_FILL_VALUE]
    source = constants if record[_FLAGS] & _X_CONSTANT else arena
    y += record[_START]
    for at, to in _box(record, _X_STRIDES, _Y_STRIDES):
        arena[y + to] = source[record[_X_OFFSET] + at]


kernels = {9: copy}
