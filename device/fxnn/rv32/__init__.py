"""The rv32 backend: RV32IMC assembler kernels where the host has prepared a record for them, else viper's.

Families' files are named as in ref: dense has conv_2d without a form, too; elementwise add, move copy, lookup lut.

Same names, same contract and the same results as `ref`, bit for bit. The kernels run as viper functions, which every
firmware calls, and as assembler ones, which Espressif's boards do not: they look at how they were called.
"""

from ..viper import aligned, find, patch, record  # noqa: F401  (what the loader needs of a backend)

# modules of rv32: written by python -m host_tools.record
_MODULES = const(
    ".conv            .dense           .depthwise       .elementwise     .move            .lookup          "
)
# end of modules of rv32


def kernel(id, variants):
    """The function for a record of kernel `id` whose word `variants` this is. ValueError where not even viper has one."""
    return find(id, variants, 24, __name__, _MODULES)
