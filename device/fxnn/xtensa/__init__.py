"""The xtensa backend: MAC16 kernels of the ESP32 and ESP32-S3 where the host has prepared a record for them, else viper's.

Families' files are named as in ref: dense has the layout in twos, conv fully_connected in rows, too; depthwise_window has windows of any size and planes;
elementwise has add, lut and copy.

Same names, same contract and the same results as `ref`, bit for bit.
"""

from ..viper import aligned, find, patch, record  # noqa: F401  (what the loader needs of a backend)

# modules of xtensa: written by python -m host_tools.record
_MODULES = const(".depthwise_window.depthwise       .dense           .conv            .elementwise     ")
# end of modules of xtensa


def kernel(id, variants):
    """The function for a record of kernel `id` whose word `variants` this is. ValueError where not even viper has one."""
    return find(id, variants, 16, __name__, _MODULES)
