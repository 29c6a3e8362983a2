"""python -m host_tools.assembler.thumb [--check] [FAMILY ...]"""

from __future__ import annotations

import sys

from .. import command
from . import FILES, FOLDER


def main(arguments: list[str]) -> int:
    return command.main(__package__, FILES, arguments, FOLDER)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
