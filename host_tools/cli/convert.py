"""The command `convert`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import print_json, waiting


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn convert digits.tflite -o digits.fxnn --labels digits.txt
  fxnn convert person.tflite -o person.fxnn --ram 64k""",
)
@click.argument("model", metavar="MODEL.tflite", type=options.EXISTING)
@options.packed_output
@options.packing
@options.as_json("Print the result as JSON.")
def convert(model, out, name, labels, packing, as_json):
    """Packs a full-int8 .tflite network into one file for the board."""
    from ..compiler.convert import convert_file

    with waiting("converting"):
        conversion = convert_file(model, out, packing, name=name, labels=labels)
    if as_json:
        from ..fileformat.packed import read
        from ..report.inspect import describe

        print_json({"output": str(out), **describe(read(conversion.data, out.name))})
        return
    for line in conversion.lines():
        click.echo(line)
    click.echo(f"wrote {out}")
