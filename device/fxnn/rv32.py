"""The rv32 backend: RV32IMC assembler kernels where the host has prepared a record for them, else viper's.

Same names, same contract and the same results as `ref`, bit for bit. The kernels run as viper functions, which every
firmware calls, and as assembler ones, which Espressif's boards do not: they look at how they were called.
"""

from .viper import aligned, patch, record  # noqa: F401  (what the loader needs of a backend)


def kernel(id, words, target):
    """The function for a record of kernel `id`; imports its family. words: the record's 40; target: the file's."""
    fast = target == 3 and words[30]
    if id == 1 and fast and words[29]:
        from . import rv32_conv as family
    elif (id == 1 or id == 3) and fast:
        from . import rv32_dense as family
    elif id == 2 and fast:
        from . import rv32_depthwise as family
    elif (
        id == 7
        and words[15] == 1 == words[19]
        and words[11] > 3
        and not words[23]
        and 0 < words[22] < 22
        and not words[21]
    ):
        from . import rv32_add as family  # rows of neighbours, rescaled to less
    elif id == 9:
        from . import rv32_copy as family
    elif id == 11:
        from . import rv32_lut as family
    else:
        from .viper import kernel

        return kernel(id, words)
    return family.kernels[id]
