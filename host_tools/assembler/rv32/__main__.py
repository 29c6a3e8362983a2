"""python -m host_tools.assembler.rv32 [--check]"""

from __future__ import annotations

import sys

from .. import command
from .conv import conv_2d
from .dense import fully_connected
from .depthwise import depthwise_conv_2d
from .elementwise import add
from .lookup import lut
from .move import copy

# The device's files: name -> (what it is, its kernel's description, the lines after it).
FILES = {
    "rv32_add.py": ("add in RV32IMC assembler: rows of neighbours, rescaled to less.", add, "kernels = {7: add}"),
    "rv32_conv.py": ("conv_2d in RV32IMC assembler: two channels a multiplication.", conv_2d, "kernels = {1: conv_2d}"),
    "rv32_copy.py": ("copy in RV32IMC assembler: words where addresses allow it.", copy, "kernels = {9: copy}"),
    "rv32_lut.py": ("lut in RV32IMC assembler: four bytes at a time.", lut, "kernels = {11: lut}"),
    "rv32_dense.py": (
        "fully_connected in RV32IMC assembler: four weights a word, two products a multiplication.",
        fully_connected,
        "# A convolution of one or two pixels, 1 x 1, is one too.\nkernels = {1: fully_connected, 3: fully_connected}",
    ),
    "rv32_depthwise.py": (
        "depthwise_conv_2d in RV32IMC assembler: strips down the columns of a padded tile.",
        depthwise_conv_2d,
        "kernels = {2: depthwise_conv_2d}",
    ),
}
_TEXT = '''\
"""{title}

Written by host_tools/assembler/rv32: edit that. Assembler for RV32IMC (ESP32-C3, RP2350's Hazard3): rv32.py.
"""

import micropython


{kernel}

{end}
'''


def files() -> dict[str, str]:
    """The device's files: name -> text."""
    return {name: _TEXT.format(title=title, kernel=kernel().source(), end=end) for name, (title, kernel, end) in FILES.items()}


if __name__ == "__main__":
    sys.exit(command.main(files()))
