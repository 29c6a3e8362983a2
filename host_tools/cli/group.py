"""How commands are found, and how their help is shown."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click


class Command(click.Command):
    """Shows the epilog's examples line by line, as they were written."""

    def format_epilog(self, ctx, formatter):
        if self.epilog:
            formatter.write_paragraph()
            for line in self.epilog.splitlines():
                formatter.write(f"{line}\n")


class Group(click.Group):
    """A group whose commands are modules: `modules` maps a command's name to the module that defines it under that name."""

    format_epilog = Command.format_epilog

    def __init__(self, *args, modules: Mapping[str, str] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self._modules = dict(modules or {})

    def list_commands(self, ctx):
        return sorted(self._modules)

    def get_command(self, ctx, cmd_name):
        if cmd_name not in self._modules:
            return None
        return getattr(import_module(self._modules[cmd_name]), cmd_name)
