"""The xtensa backend: MAC16 kernels of the ESP32 and ESP32-S3 where the host has prepared a record for them, else viper's.

Families' files are named as in ref: dense has the layout in twos, conv fully_connected in rows, too; depthwise_window has windows of any size and planes;
elementwise has add, lut and copy.

Same names, same contract and the same results as `ref`, bit for bit.
"""

from ..viper import aligned, patch, record  # noqa: F401  (what the loader needs of a backend)

# words of conv_2d, depthwise_conv_2d, fully_connected, add: written by python -m host_tools.record
_X_OFFSET = const(5)
_SCRATCH_OFFSET = const(7)
_DIMS = const(8)
_X1_STRIDES = const(12)
_X2_STRIDES = const(16)
_LEFT_SHIFT = const(21)
_RIGHT_SHIFT = const(22)
_WEIGHTS_LAYOUT = const(29)
_PACKED_OFFSET = const(30)
_TILE = const(31)
_WEIGHTS_FORMAT = const(34)
# end of words of conv_2d, depthwise_conv_2d, fully_connected, add


def kernel(id, words, target):
    """The function for a record of kernel `id`; imports its family. words: the record's 40; target: the file's."""
    if target == 2 and words[_PACKED_OFFSET] and not words[_SCRATCH_OFFSET] & 3 and not words[_WEIGHTS_FORMAT]:
        if id == 2:
            if words[_TILE] & 8:
                from .depthwise_window import kernels
            else:
                from .depthwise import kernels
            return kernels[id]
        if id == 3 and words[_WEIGHTS_LAYOUT]:
            from .dense import kernels

            return kernels[id]
        if (id == 1 or id == 3) and not words[_X_OFFSET] & 3:
            from .conv import kernels

            return kernels[id]
    if (
        id == 11
        or (id == 9 and words[_DIMS + 3] > 15)
        or (
            id == 7
            and words[_X1_STRIDES + 3] == 1 == words[_X2_STRIDES + 3]
            and words[_DIMS + 3] > 3
            and 0 < words[_RIGHT_SHIFT] < 22
            and not words[_LEFT_SHIFT]
        )
    ):
        from .elementwise import kernels

        return kernels[id]
    from ..viper import kernel

    return kernel(id, words)
