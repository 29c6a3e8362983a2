"""The thumb backend: assembler kernels where the host has prepared a record for them, else viper's.

Same names, same contract and the same results as `ref`, bit for bit. Cortex-M0+ instructions only, so that every
Cortex-M runs them.
"""

from .viper import aligned, patch, record  # noqa: F401  (what the loader needs of a backend)


def kernel(id, words, target):
    """The function for a record of kernel `id`; imports its family. words: the record's 40; target: the file's."""
    fast = target == 1 and words[30]
    if id == 1 and fast:
        from . import thumb_conv as family
    elif id == 2 and fast:
        from . import thumb_depthwise as family
    elif id == 2 and not (words[34] or words[35] & 1):
        from . import thumb_window as family
    elif id == 3 and fast and words[34]:
        from . import thumb_int4 as family
    elif id == 3 and fast:
        from . import thumb_fc as family
    elif 4 <= id <= 6:
        from . import thumb_pool as family
    elif id == 7 and words[15] == 1 == words[19] and words[11] > 3 and not words[21] and 0 < words[22] < 21:
        from . import thumb_add as family  # rows of neighbours, rescaled to less
    elif id in (9, 11, 19) or id == 8 and not words[21] and 0 < words[22] < 21:
        from . import thumb_element as family
    else:
        from .viper import kernel

        return kernel(id, words)
    return family.kernels[id]
