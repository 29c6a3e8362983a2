"""The command `inspect`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import console, print_json


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn inspect digits.fxnn
  fxnn inspect digits.fxnn --json | jq .arena_bytes
  fxnn inspect digits.fxnn --png arena.png""",
)
@click.argument("network", metavar="NET.fxnn", type=options.EXISTING)
@options.as_json("Print it as JSON.")
@click.option("--png", metavar="FILE", type=options.OUT, help="Draw the memory plan over time.")
def inspect(network, as_json, png):
    """Shows what is in a packed network: ops, shapes, memory, the arena over time."""
    from ..fileformat.packed import read_file
    from ..report.inspect import describe, show

    packed = read_file(network)
    if png is not None:
        from ..report import chart

        chart.draw(packed, png)
    if as_json:
        print_json(describe(packed))
    else:
        show(packed, console())
