"""What commands show: tables and JSON on stdout; spinners, bars and notes on stderr, where that is a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from contextlib import contextmanager

import click


def print_json(value) -> None:
    """`value` as JSON on stdout."""
    click.echo(json.dumps(value, indent=2))


def print_notes(notes: Iterable[str]) -> None:
    """Each note on stderr, so that stdout stays the result's."""
    for note in notes:
        click.secho(f"note: {note}", fg="yellow", err=True)


def console(stderr: bool = False):
    """A rich Console for tables."""
    from rich.console import Console

    # Not a terminal: wide enough that no table is cut.
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() or stderr else 160)


@contextmanager
def waiting(text: str):
    """A spinner on stderr while something takes its time; call what it yields with a new text, or None to stop it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    status = console(stderr=True).status(text)
    status.start()
    try:
        yield lambda new: status.stop() if new is None else status.update(new)
    finally:
        status.stop()


@contextmanager
def bar(text: str, total: int, unit: str = ""):
    """A progress bar on stderr, from the second second on; call what it yields with the amount done."""
    if not sys.stderr.isatty() or not total:
        yield lambda done, text=None: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed}/{task.total} " + unit),
    ]
    with Progress(*columns, TimeRemainingColumn(), console=console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=total, visible=False)
        started = time.monotonic()

        def advance_to(done, text=None):
            visible = time.monotonic() - started > 1
            progress.update(task, completed=done, visible=visible, **({"description": text} if text else {}))

        yield advance_to


@contextmanager
def stages(text: str):
    """A progress bar on stderr that changes its text: call what it yields with (what, done, of how much)."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [
        TextColumn("{task.description:44}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)
