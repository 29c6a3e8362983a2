"""Builds what the tests and `fxnn` would build at first use: the Pico's firmware, the unix port, the RISC-V one, the
fast emulator.

python -m host_tools.emulators.setup_env    a few minutes the first time, no time after that
"""

from __future__ import annotations

import shutil
import sys

from ..cache import cache_dir
from ..errors import ToolError
from . import qemu
from .fast_rp2040py import fast_rp2040py
from .firmware import firmware_name, pico_firmware
from .micropython_source import console, need_packages
from .qemu_rv32 import rv32_micropython
from .unix_port import unix_micropython


def qemu_xtensa() -> str:
    """Which QEMU the ESP32's kernels run on, installed where this process may. Raises ToolError."""
    if not qemu.program_of("qemu-xtensa"):
        need_packages("qemu-system-misc")
    return qemu.about("qemu-xtensa")


def main() -> int:
    try:
        firmware = pico_firmware()
        console.print(f"firmware   {firmware_name(firmware)}")
        console.print(f"unix port  {unix_micropython()}")
        console.print(f"emulator   {'compiled for this Python' if fast_rp2040py() else 'as installed (slow)'}")
    except ToolError as e:
        print(f"fxnn: {e}", file=sys.stderr)
        return 1
    try:
        console.print(f"RISC-V     {rv32_micropython()}\n           on {qemu.about('qemu-rv32')}", soft_wrap=True)
    except ToolError as e:  # only for tests and `--on qemu-rv32`
        console.print(f"RISC-V     not here: {e}", markup=False)
    try:
        if not shutil.which("chromium"):
            need_packages("chromium")
    except ToolError as e:  # only for the tests of the report's page
        console.print(f"chromium   not here: {e}", markup=False)
    try:
        console.print(f"Xtensa     {qemu_xtensa()}", soft_wrap=True)
    except ToolError as e:  # only for tests
        console.print(f"Xtensa     not here: {e}", markup=False)
    console.print(f"kept in    {cache_dir()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
