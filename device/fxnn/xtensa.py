"""The xtensa backend: MAC16 kernels of the ESP32 and ESP32-S3 where the host has prepared a record for them, else viper's.

Same names, same contract and the same results as `ref`, bit for bit.
"""

from .viper import aligned, patch, record  # noqa: F401  (what the loader needs of a backend)


def kernel(id, words, target):
    """The function for a record of kernel `id`; imports its family. words: the record's 40; target: the file's."""
    if target == 2 and words[30] and not words[7] & 3 and not words[34]:
        if id == 2:
            if words[31] & 8:
                from .xtensa_window import kernels
            else:
                from .xtensa_depthwise import kernels
            return kernels[id]
        if id == 3 and words[29]:
            from .xtensa_dense import kernels

            return kernels[id]
        if (id == 1 or id == 3) and not words[5] & 3:
            from .xtensa_conv import kernels

            return kernels[id]
    if (
        id == 11
        or (id == 9 and words[11] > 15)
        or (id == 7 and words[15] == 1 == words[19] and words[11] > 3 and 0 < words[22] < 22 and not words[21])
    ):
        from .xtensa_element import kernels

        return kernels[id]
    from .viper import kernel

    return kernel(id, words)
