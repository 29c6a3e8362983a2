"""The command line `fxnn`: one file a command, imported when it is asked for, so that `fxnn --help` is instant.

group.py    how commands are found and shown
options.py  parameters that several commands take, and the types of parameters
output.py   tables, JSON, spinners and progress bars
demo.py     `make demo`; no command of fxnn
"""

from __future__ import annotations

import click

from ..version import __version__
from .group import Group

# Name of a command -> its module in this package, which defines the command under the same name.
COMMANDS = {
    name: f"{__name__}.{name}"
    for name in (
        "boards", "compare", "convert", "deploy", "evaluate", "flash", "inspect", "profile", "quantize", "report", "run",
        "verify",
    )
}  # fmt: skip


@click.group(
    cls=Group,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\
From a trained network to a running Pico:
  fxnn convert digits.tflite -o digits.fxnn
  fxnn verify digits.fxnn --against digits.tflite --on pico
  fxnn deploy digits.fxnn --port auto --main
Completion in bash (zsh, fish: zsh_source, fish_source):
  eval "$(_FXNN_COMPLETE=bash_source fxnn)\"""",
)
@click.version_option(__version__, prog_name="fxnn")
def cli():
    """Runs trained int8 networks on stock MicroPython boards, with answers equal to TensorFlow Lite Micro's."""
