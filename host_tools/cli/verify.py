"""The command `verify`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import bar, print_json, waiting


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn verify digits.fxnn --against digits.tflite
  fxnn verify digits.fxnn --against digits.tflite --on /dev/ttyACM0 -n 4
Exit status: 0 all the same, 1 a difference (or an error).""",
)
@click.argument("network", metavar="NET.fxnn", type=options.EXISTING)
@click.option("--against", "model", metavar="MODEL.tflite", type=options.EXISTING, required=True,
              help="The trained network it was made from.")  # fmt: skip
@options.on("host")
@click.option("-n", "count", metavar="N", type=click.IntRange(1), default=16, show_default=True,
              help="How many inputs: four extreme ones first, then random ones.")  # fmt: skip
@options.as_json("Print the verdict as JSON.")
@click.pass_context
def verify(ctx, network, model, on, count, as_json):
    """Compares a packed network with the trained one, to the last bit."""
    from ..fileformat.packed import read_file
    from ..files import read_file as read_bytes
    from ..measure.verify import verify as run_verify
    from ..targets import open_target

    packed = read_file(network)
    with waiting(f"opening {on}"):
        target = open_target(on)
    with target, bar("comparing", count) as advance_to:
        verdict = run_verify(packed, read_bytes(model), target, count, advance_to)
    if as_json:
        print_json({**verdict.as_dict(), "on": target.name})
    elif verdict.difference is None:
        click.echo(
            f"same: {verdict.inferences} inputs, {verdict.values} output values, {target.name} = {verdict.oracle}"
        )
    else:
        click.echo(
            f"DIFFERENT: {verdict.wrong} of {verdict.values} output values, {target.name} against {verdict.oracle}"
        )
        click.echo(f"first: {verdict.difference}")
    ctx.exit(0 if verdict.difference is None else 1)
