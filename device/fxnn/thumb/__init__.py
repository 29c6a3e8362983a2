"""The thumb backend: assembler kernels where the host has prepared a record for them, else viper's.

Families' files are named as in ref: dense has the layout in pairs, int4 that with weights of four bits; depthwise_window any window, for records that
the host has not prepared; add is apart from elementwise (copy, lut, channel_lut, mul); pool has mean, too.

Same names, same contract and the same results as `ref`, bit for bit. Cortex-M0+ instructions only, so that every
Cortex-M runs them.
"""

from ..viper import aligned, find, patch, record  # noqa: F401  (what the loader needs of a backend)

# modules of thumb: written by python -m host_tools.record
_MODULES = const(
    ".conv            .depthwise       .depthwise_window.int4            .dense           .pool            "
    ".add             .elementwise     "
)
# end of modules of thumb


def kernel(id, variants):
    """The function for a record of kernel `id` whose word `variants` this is. ValueError where not even viper has one."""
    return find(id, variants, 8, __name__, _MODULES)
