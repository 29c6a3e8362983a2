"""The command `evaluate`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import bar, console, print_json, print_notes, waiting


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn evaluate digits.fxnn --data test.npz
  fxnn evaluate digits.fxnn --data test.npz --against digits.keras --on pico -n 60""",
)
@click.argument("network", metavar="NET", type=options.MODEL)
@click.option("--data", metavar="FILE|FOLDER", type=options.MODEL, required=True,
              help="Test data: .npz with x0 and labels (or targets), or a folder of class folders.")  # fmt: skip
@options.on("host", "host|ref|unix|pico|PORT")
@click.option("--against", metavar="MODEL", type=options.MODEL,
              help="Another form of the network, such as the float one.")  # fmt: skip
@click.option("--task", type=click.Choice(["auto", "classify", "anomaly", "regress", "compare"]), default="auto",
              show_default=True, help="What the outputs mean.")  # fmt: skip
@click.option("--top", "k", metavar="K", type=click.IntRange(1), default=3, show_default=True, help="The K of top-K.")
@click.option("-n", "count", metavar="N", type=click.IntRange(1), help="Only N samples, evenly spread.  [default: all]")
@options.pixels
@options.as_json("Print the figures as JSON.")
def evaluate(network, data, on, against, task, k, count, pixels, as_json):
    """Measures a network's accuracy on test data, on any target, and against another form of it."""
    from ..measure import datasets
    from ..measure import evaluate as measure
    from ..measure.evaluate_show import show
    from ..targets import open_target

    with waiting("reading the network"):
        opened = measure.open_network(network)
        other = measure.open_network(against) if against else None
        dataset = datasets.read(data, opened.input_shapes, pixels, datasets.HOW_TO_TEST).first(count)
    print_notes([*dataset.notes, *measure.cut_off(opened, dataset)])
    with waiting(f"opening {on}"):
        target = open_target(on)
    with target, bar("measuring", len(dataset)) as advance_to:
        result = measure.evaluate(opened, dataset, target, other, task, k, advance_to)
    if as_json:
        print_json(result)
    else:
        show(result, console())
