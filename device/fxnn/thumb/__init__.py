"""The thumb backend: assembler kernels where the host has prepared a record for them, else viper's.

Families' files are named as in ref: dense has the layout in pairs, int4 that with weights of four bits; depthwise_window any window, for records that
the host has not prepared; add is apart from elementwise (copy, lut, channel_lut, mul); pool has mean, too.

Same names, same contract and the same results as `ref`, bit for bit. Cortex-M0+ instructions only, so that every
Cortex-M runs them.
"""

from ..viper import aligned, patch, record  # noqa: F401  (what the loader needs of a backend)

# words of conv_2d, depthwise_conv_2d, fully_connected, add: written by python -m host_tools.record
_DIMS = const(8)
_X1_STRIDES = const(12)
_X2_STRIDES = const(16)
_LEFT_SHIFT = const(21)
_RIGHT_SHIFT = const(22)
_PACKED_OFFSET = const(30)
_WEIGHTS_FORMAT = const(34)
_PLANE_ORDER = const(35)
# end of words of conv_2d, depthwise_conv_2d, fully_connected, add


def kernel(id, words, target):
    """The function for a record of kernel `id`; imports its family. words: the record's 40; target: the file's."""
    fast = target == 1 and words[_PACKED_OFFSET]
    if id == 1 and fast:
        from . import conv as family
    elif id == 2 and fast:
        from . import depthwise as family
    elif id == 2 and not (words[_WEIGHTS_FORMAT] or words[_PLANE_ORDER] & 1):
        from . import depthwise_window as family
    elif id == 3 and fast and words[_WEIGHTS_FORMAT]:
        from . import int4 as family
    elif id == 3 and fast:
        from . import dense as family
    elif 4 <= id <= 6:
        from . import pool as family
    elif (
        id == 7
        and words[_X1_STRIDES + 3] == 1 == words[_X2_STRIDES + 3]
        and words[_DIMS + 3] > 3
        and not words[_LEFT_SHIFT]
        and 0 < words[_RIGHT_SHIFT] < 21
    ):
        from . import add as family  # rows of neighbours, rescaled to less
    elif id in (9, 11, 19) or id == 8 and not words[_LEFT_SHIFT] and 0 < words[_RIGHT_SHIFT] < 21:
        from . import elementwise as family
    else:
        from ..viper import kernel

        return kernel(id, words)
    return family.kernels[id]
