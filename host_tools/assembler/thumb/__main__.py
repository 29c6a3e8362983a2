"""python -m host_tools.assembler.thumb [--check] [FAMILY ...]"""

from __future__ import annotations

import sys

from .. import command, thumb

if __name__ == "__main__":
    sys.exit(command.main(thumb.__name__, thumb.FILES, sys.argv[1:]))
