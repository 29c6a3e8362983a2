"""The commands `report` and `compare`; the rest of the command line is cli.py, which imports this at its end."""

from __future__ import annotations

from pathlib import Path

import click

from .commands import _EXISTING, _OUT, _console, _print_json, _waiting, cli

_MODEL = click.Path(exists=True, path_type=Path)
_DATA = click.option("--data", metavar="FILE|FOLDER", type=_MODEL, help="Test data, as `fxnn evaluate` takes it.")


@cli.command(
    epilog="""\
Examples:
  fxnn report digits.fxnn -o report.html
  fxnn report digits.fxnn -o report.html --data test.npz --against digits.keras"""
)
@click.argument("network", metavar="NET.fxnn", type=_EXISTING)
@click.option("-o", "--output", "out", metavar="REPORT.html", type=_OUT, required=True, help="The page to write.")
@_DATA
@click.option(
    "--against", metavar="MODEL", type=_MODEL, help="The float model: its accuracy, and the noise of every op."
)
@click.option("--on", "on", metavar="pico|PORT|none", default="pico", show_default=True, help="Where time is measured.")
def report(network, out, data, against, on):
    """Makes one self-contained page: boards it fits, time per op, memory plan, graph, accuracy, histograms."""
    from ..fileformat.packed import read_file
    from ..files import write_atomically
    from ..report import build, page

    packed = read_file(network)
    with _waiting("reading") as say:
        facts = build.build(packed, on=None if on == "none" else on, path=network, data=data, against=against, say=say)
        html = page.render(facts)
    write_atomically(out.resolve(), html.encode())
    click.echo(f"wrote {out}, {len(html.encode()):,} bytes; open it in a browser")


@cli.command(
    epilog="""\
Examples:
  fxnn compare int8.fxnn int4.fxnn
  fxnn compare int8.fxnn int4.fxnn --data test.npz --json"""
)
@click.argument("first", metavar="A.fxnn", type=_EXISTING)
@click.argument("second", metavar="B.fxnn", type=_EXISTING)
@_DATA
@click.option("--on", "on", metavar="pico|PORT|none", default="pico", show_default=True, help="Where time is measured.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def compare(first, second, data, on, as_json):
    """Two packed networks side by side: size, RAM, cycles, accuracy."""
    from ..report import compare as comparison

    with _waiting("reading") as say:
        rows = comparison.rows(first, second, None if on == "none" else on, data, say)
    if as_json:
        _print_json({"a": str(first), "b": str(second), "rows": rows})
    else:
        comparison.show(rows, first, second, _console())
