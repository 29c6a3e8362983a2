"""The command `boards`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import console, print_json, waiting


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn boards
  fxnn boards --port /dev/ttyACM0 --json""",
)
@options.port("auto: every board on USB.")
@options.as_json("Print it as JSON.")
def boards(port, as_json):
    """Lists the boards that are plugged in: firmware, architecture, free RAM and flash. Restarts the program they run."""
    from ..boards import plugged_in
    from ..boards.find_port import seen_text
    from ..errors import ToolError

    with waiting("asking the boards"):
        found = plugged_in.find(port)
    if as_json:
        print_json([board.as_dict() for board in found])
    elif found:
        plugged_in.show(found, console())
    if not found:
        raise ToolError(
            "no board found", seen_text(), "plug one in with a cable that carries data; an emulated one: --port pico"
        )
    return 0 if all(board.facts for board in found) else 1
