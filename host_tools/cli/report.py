"""The command `report`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import waiting


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn report digits.fxnn -o report.html
  fxnn report digits.fxnn -o report.html --data test.npz --against digits.keras""",
)
@click.argument("network", metavar="NET.fxnn", type=options.EXISTING)
@click.option(
    "-o", "--output", "out", metavar="REPORT.html", type=options.OUT, required=True, help="The page to write."
)
@options.test_data
@click.option("--against", metavar="MODEL", type=options.MODEL,
              help="The float model: its accuracy, and the noise of every op.")  # fmt: skip
@options.timed_on
def report(network, out, data, against, on):
    """Makes one self-contained page: boards it fits, time per op, memory plan, graph, accuracy, histograms."""
    from ..fileformat.packed import read_file
    from ..files import write_atomically
    from ..report import build, page

    packed = read_file(network)
    with waiting("reading") as say:
        facts = build.build(packed, on=None if on == "none" else on, path=network, data=data, against=against, say=say)
        html = page.render(facts)
    write_atomically(out.resolve(), html.encode())
    click.echo(f"wrote {out}, {len(html.encode()):,} bytes; open it in a browser")
