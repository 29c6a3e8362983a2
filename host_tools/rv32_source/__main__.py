"""python -m host_tools.rv32_source [--check]"""

from __future__ import annotations

import sys
from pathlib import Path

from .add import add
from .conv import conv_2d
from .dense import fully_connected
from .depthwise import depthwise_conv_2d
from .element import copy, lut

FOLDER = Path(__file__).resolve().parents[2] / "device" / "fxnn"
_HEAD = '''\
"""{title}

Written by host_tools/rv32_source: edit that. Assembler for RV32IMC (ESP32-C3, RP2350's Hazard3): rv32.py.
"""

import micropython

'''


def files() -> dict[str, str]:
    """The device files: name -> text."""
    return {
        "rv32_add.py": _HEAD.format(title="add in RV32IMC assembler: rows of neighbours, rescaled to less.")
        + "\n" + add().source() + "\n\nkernels = {7: add}\n",
        "rv32_conv.py": _HEAD.format(title="conv_2d in RV32IMC assembler: two channels a multiplication.")
        + "\n" + conv_2d().source() + "\n\nkernels = {1: conv_2d}\n",
        "rv32_copy.py": _HEAD.format(title="copy in RV32IMC assembler: words where addresses allow it.")
        + "\n" + copy().source() + "\n\nkernels = {9: copy}\n",
        "rv32_lut.py": _HEAD.format(title="lut in RV32IMC assembler: four bytes at a time.")
        + "\n" + lut().source() + "\n\nkernels = {11: lut}\n",
        "rv32_dense.py": _HEAD.format(title="fully_connected in RV32IMC assembler: four weights a word, two products a multiplication.")
        + "\n" + fully_connected().source() + "\n\n# A convolution of one or two pixels, 1 x 1, is one too.\nkernels = {1: fully_connected, 3: fully_connected}\n",
        "rv32_depthwise.py": _HEAD.format(title="depthwise_conv_2d in RV32IMC assembler: strips down the columns of a padded tile.")
        + "\n" + depthwise_conv_2d().source() + "\n\nkernels = {2: depthwise_conv_2d}\n",
    }  # fmt: skip


def main() -> int:
    stale = [name for name, text in files().items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    if "--check" in sys.argv:
        print("\n".join(f"{name} is not up to date" for name in stale))
        return bool(stale)
    for name in stale:
        (FOLDER / name).write_text(files()[name])
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
