"""The device file of add, lut and copy: three small families that have one file."""

from __future__ import annotations

from ...record import ADD, BOX, TABLE
from ..words import numbered
from .elementwise import add_row
from .lookup import look_up
from .move import move
from .writer import device_file, driver

HEAD = """
add, lut and copy for the ESP32's Xtensa LX6 and LX7: rows of neighbours in assembler. See ref for the meaning.

Written by host_tools/assembler/xtensa: edit that.

xtensa/conv.py has how assembler is called, here with the numbers themselves, addresses below 2^30, and the requantizer.
"""


def file() -> str:
    record = numbered(ADD) | numbered(BOX) | numbered(TABLE)  # no name is two words'
    drivers = [driver(name) for name in ("elementwise", "move", "lookup")]
    return device_file(HEAD, [add_row(), look_up(), move(), *drivers, "kernels = {7: add, 9: box, 11: lut}"], record)
