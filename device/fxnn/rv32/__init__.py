"""The rv32 backend: RV32IMC assembler kernels where the host has prepared a record for them, else viper's.

Families' files are named as in ref: dense has conv_2d without a form, too; elementwise add, move copy, lookup lut.

Same names, same contract and the same results as `ref`, bit for bit. The kernels run as viper functions, which every
firmware calls, and as assembler ones, which Espressif's boards do not: they look at how they were called.
"""

from ..viper import aligned, patch, record  # noqa: F401  (what the loader needs of a backend)

# words of conv_2d, depthwise_conv_2d, fully_connected, add: written by python -m host_tools.record
_DIMS = const(8)
_X1_STRIDES = const(12)
_X2_STRIDES = const(16)
_LEFT_SHIFT = const(21)
_RIGHT_SHIFT = const(22)
_FLAGS = const(23)
_VARIANT_FORM = const(29)
_PACKED_OFFSET = const(30)
# end of words of conv_2d, depthwise_conv_2d, fully_connected, add


def kernel(id, words, target):
    """The function for a record of kernel `id`; imports its family. words: the record's 40; target: the file's."""
    fast = target == 3 and words[_PACKED_OFFSET]
    if id == 1 and fast and words[_VARIANT_FORM]:
        from . import conv as family
    elif (id == 1 or id == 3) and fast:
        from . import dense as family
    elif id == 2 and fast:
        from . import depthwise as family
    elif (
        id == 7
        and words[_X1_STRIDES + 3] == 1 == words[_X2_STRIDES + 3]
        and words[_DIMS + 3] > 3
        and not words[_FLAGS]
        and 0 < words[_RIGHT_SHIFT] < 22
        and not words[_LEFT_SHIFT]
    ):
        from . import elementwise as family  # rows of neighbours, rescaled to less
    elif id == 9:
        from . import move as family
    elif id == 11:
        from . import lookup as family
    else:
        from ..viper import kernel

        return kernel(id, words)
    return family.kernels[id]
