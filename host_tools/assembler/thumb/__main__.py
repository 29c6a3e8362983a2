"""python -m host_tools.assembler.thumb [--check] [FAMILY ...]"""

from __future__ import annotations

import sys

from .. import command, thumb
from . import FOLDER


def main(arguments: list[str]) -> int:
    return command.main(thumb.__name__, thumb.FILES, arguments, FOLDER)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
