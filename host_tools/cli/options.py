"""Parameters that several commands take, and the types of parameters."""

from __future__ import annotations

import functools
from pathlib import Path

import click

from ..compiler.options import PLACINGS, PREFERENCES, SELFTEST_MOST, ConvertOptions
from ..package.boards import BOARDS, DEFAULT

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
MODEL = click.Path(exists=True, path_type=Path)  # a SavedModel is a folder
OUT = click.Path(dir_okay=False, path_type=Path)


class Bytes(click.ParamType):
    """A number of bytes: 65536, 64k (k: 1024) or 1.5M."""

    name = "bytes"
    _UNITS = {"k": 1 << 10, "m": 1 << 20}

    def convert(self, value, param, ctx):
        text = str(value).lower().removesuffix("b")
        unit = self._UNITS.get(text[-1:])
        try:
            size = float(text[:-1]) * unit if unit else int(text)
            within = 0 < size < 1 << 31
        except ValueError:
            self.fail(f"{value!r} is no number of bytes, such as 65536 or 64k", param, ctx)
        if not within:
            self.fail(f"{value!r} is not between 1 byte and 2 GB", param, ctx)
        return int(size)


def on(default: str, targets: str = "host|ref|unix|qemu-rv32|pico|PORT"):
    """--on, the target: one of targets/, by name."""
    text = (
        "Where to run: host (numpy), ref (plain Python), unix (MicroPython on this computer), qemu-rv32 (MicroPython on "
        "an emulated RISC-V; its microseconds are instructions), pico (emulated Pico), or a serial port (auto finds the board)."
    )
    return click.option("--on", "on", metavar=targets, default=default, show_default=True, help=text)


def timed_on(function):
    """--on of commands that measure time if they can."""
    return click.option("--on", "on", metavar="pico|PORT|none", default="pico", show_default=True,
                        help="Where time is measured.")(function)  # fmt: skip


def port(help: str, metavar: str = "auto|PORT|pico"):
    """--port, the board."""
    return click.option("--port", metavar=metavar, default="auto", show_default=True, help=help)


def as_json(help: str):
    """--json: for scripts."""
    return click.option("--json", "as_json", is_flag=True, help=help)


labels = click.option("--labels", metavar="FILE", type=EXISTING,
                      help="Text file with one label per line, for the outputs in order.")  # fmt: skip
pixels = click.option("--pixels", type=click.Choice(["0..1", "-1..1", "0..255"]), default="0..1", show_default=True,
                      help="What the pixels of image files become.")  # fmt: skip
test_data = click.option("--data", metavar="FILE|FOLDER", type=MODEL, help="Test data, as `fxnn evaluate` takes it.")

_PACKED = (
    click.option("-o", "--output", "out", metavar="OUT.fxnn", type=OUT, required=True, help="The packed network to write."),
    click.option("--name", help="The network's name.  [default: that of OUT.fxnn]"),
    labels,
)  # fmt: skip
_PACKING = (
    click.option("--selftest", metavar="N", type=click.IntRange(0, SELFTEST_MOST), default=3, show_default=True,
                 help="Embed N test vectors, which the board can check itself with."),
    click.option("--board", type=click.Choice(list(BOARDS)), default=DEFAULT, show_default=True,
                 help="Whose assembler kernels to prepare for; every board runs the file."),
    click.option("--place", "placing", type=click.Choice(PLACINGS), default=PLACINGS[0], show_default=True,
                 help="Where constants are meant to be used from. flash: cut so that an RP2 board uses them in its flash "
                      "and others stream them; ram: not cut; auto: flash where arena and constants exceed the board's RAM."),
    click.option("--prefer", type=click.Choice(PREFERENCES), default=PREFERENCES[0], show_default=True,
                 help="balanced: as fast as it gets with an arena no larger than TensorFlow Lite Micro's."),
    click.option("--ram", metavar="BYTES", type=Bytes(),
                 help="The most the arena (activations and scratch) may take, such as 65536 or 64k (k: 1024)."),
    click.option("--stripes/--no-stripes", "striped", default=True, show_default=True,
                 help="With --prefer ram, or a --ram that is not met otherwise: compute the widest ops some rows at a time."),
)  # fmt: skip


def packed_output(function):
    """-o, --name and --labels of a command that writes a packed network."""
    return _all(_PACKED, function)


def packing(function):
    """The options that say how a network is packed; the command gets them as one ConvertOptions, `packing`."""

    @functools.wraps(function)
    def with_packing(selftest, board, placing, prefer, ram, striped, **others):
        return function(packing=ConvertOptions(board, placing, prefer, ram, striped, selftest), **others)

    return _all(_PACKING, with_packing)


def _all(options, function):
    for option in reversed(options):  # decorators apply from the last to the first
        function = option(function)
    return function
