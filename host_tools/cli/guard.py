"""The one place that prints errors and sets the exit status."""

from __future__ import annotations

import os
import sys

import click

from ..errors import ToolError

INTERRUPTED = 130  # as shells report a program ended by Ctrl-C


def guarded(command, name: str | None = None) -> None:
    """Runs a click command and ends the process: 0 done, 1 it failed (or verify found a difference), 2 wrong usage."""
    try:
        status = command.main(prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except ToolError as e:
        status = 1
        print_error(e)
    except click.ClickException as e:  # wrong usage: click knows how to say it
        status = e.exit_code
        e.show()
    except (click.Abort, KeyboardInterrupt):
        status = INTERRUPTED
        print("\nstopped", file=sys.stderr)
    except BrokenPipeError:
        # The reader (head, less) has seen enough. stdout is replaced so that Python's own flush at exit is quiet too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def print_error(error) -> None:
    """what, why and fix of a ToolError, each on lines of its own, to stderr."""
    print(f"fxnn: {error.what}", file=sys.stderr)
    for text in (error.why, error.fix):
        for line in text.splitlines():
            print(f"  {line}", file=sys.stderr)
