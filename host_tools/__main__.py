"""`python -m host_tools` and `fxnn`."""

from __future__ import annotations


def main() -> None:
    """The command `fxnn`."""
    from .cli import cli
    from .cli.guard import guarded

    guarded(cli, "fxnn")


if __name__ == "__main__":
    main()
