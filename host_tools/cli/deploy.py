"""The command `deploy`."""

from __future__ import annotations

import time

import click

from . import options
from .group import Command
from .output import bar, console, print_json, waiting


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn deploy digits.fxnn                      the one board that is plugged in
  fxnn deploy net.tflite                       converted for that board, then the same
  fxnn deploy digits.fxnn --port /dev/ttyACM0 --main
  fxnn deploy digits.fxnn --port pico --dry-run
If anything fails, the board keeps what it had.""",
)
@click.argument("network", metavar="NET.fxnn|MODEL.tflite", type=options.EXISTING)
@options.port("auto finds the board, PORT is its serial port, pico the emulated Pico (it keeps its flash).")
@click.option(
    "--labels", metavar="FILE", type=options.EXISTING, help="For a .tflite: text file with one label per line."
)
@click.option("--main", "program", is_flag=True,
              help="Also copy boot.py and main.py; different ones on the board are kept as *.bak.")  # fmt: skip
@click.option("--source", is_flag=True, help="Copy the device package as .py instead of compiled .mpy.")
@click.option("--all-kernels", is_flag=True,
              help="Copy the kernels of every op, not only those that this network uses.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@options.as_json("Print the plan and the result as JSON.")
def deploy(network, port, labels, program, source, all_kernels, dry_run, as_json):
    """Puts a network and the device package on a board, tests them there, then switches over."""
    from ..boards.deploy import Deployment, show_plan, show_result
    from ..boards.open_board import open_board

    texts = _checked(network, labels)
    started = time.monotonic()
    with waiting("looking for the board") as status, open_board(port) as board:
        status("comparing files")
        deployment = Deployment(board, network, program=program, source=source, labels=texts, all_kernels=all_kernels)
        plan = deployment.plan
        status(None)
        if not as_json:
            show_plan(plan, board.port, console())
        deployment.check_fits()
        result = None
        if not dry_run:
            with bar("copying", plan.copy_bytes, "bytes") as advance_to:
                done = 0

                def on_bytes(count):
                    nonlocal done
                    done += count
                    advance_to(done)

                result = deployment.carry_out(on_bytes, lambda text: advance_to(done, text))
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        print_json({**plan.as_dict(), "port": board.port, "dry_run": dry_run, "selftest": result, "seconds": seconds})
    elif result:
        show_result(plan, result, seconds, console())


def _checked(network, labels) -> tuple[str, ...]:
    """The labels for a .tflite. ToolError for what is wrong with the files, before a board is looked for."""
    from ..errors import ToolError

    if network.suffix != ".tflite":
        from ..fileformat.packed import read_file

        if labels:
            raise ToolError(
                "--labels is for a .tflite file", "a .fxnn file has its own", "leave it out, or deploy the .tflite"
            )
        read_file(network)
        return ()
    from ..compiler.convert import convert, read_labels
    from ..files import read_file as read_bytes

    texts = read_labels(labels) if labels else ()
    convert(read_bytes(network), network.stem, labels=texts, selftest=0)
    return texts
