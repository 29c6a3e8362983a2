"""The command `profile`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from . import options
from .group import Command
from .output import console, print_json, waiting

_BACKENDS = ["thumb", "xtensa", "rv32", "viper", "ref"]  # of fxnn.load on a board


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn profile digits.fxnn --on pico
  fxnn profile digits.fxnn --on auto --json profile.json""",
)
@click.argument("network", metavar="NET.fxnn", type=options.EXISTING)
@options.on("pico", "unix|qemu-rv32|pico|PORT")
@click.option("--backend", type=click.Choice(_BACKENDS),
              help="Force these kernels, for comparison.  [default: the best]")  # fmt: skip
@click.option("--json", "json_path", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
              help="Write the figures as JSON; - is standard output.")  # fmt: skip
def profile(network, on, backend, json_path):
    """Shows where the time goes, op by op, and the memory; cycles on the emulated Pico."""
    from ..fileformat.packed import read_file
    from ..files import write_atomically
    from ..measure import profiler
    from ..targets import open_target

    packed = read_file(network)
    with waiting(f"profiling on {on}"), open_target(on) as target:
        target.backend = backend
        report = profiler.report(packed, target.profile(packed), target.name)
    if str(json_path) == "-":
        print_json(report)
        return
    if json_path is not None:
        write_atomically(json_path.resolve(), (json.dumps(report, indent=2) + "\n").encode())
    profiler.show(report, console())
