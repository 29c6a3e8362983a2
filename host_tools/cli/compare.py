"""The command `compare`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import console, print_json, waiting


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn compare int8.fxnn int4.fxnn
  fxnn compare int8.fxnn int4.fxnn --data test.npz --json""",
)
@click.argument("first", metavar="A.fxnn", type=options.EXISTING)
@click.argument("second", metavar="B.fxnn", type=options.EXISTING)
@options.test_data
@options.timed_on
@options.as_json("Print it as JSON.")
def compare(first, second, data, on, as_json):
    """Two packed networks side by side: size, RAM, cycles, accuracy."""
    from ..report import compare as comparison

    with waiting("reading") as say:
        rows = comparison.rows(first, second, None if on == "none" else on, data, say)
    if as_json:
        print_json({"a": str(first), "b": str(second), "rows": rows})
    else:
        comparison.show(rows, first, second, console())
