"""python -m host_tools.assembler.rv32 [--check] [FAMILY ...]"""

from __future__ import annotations

import sys

from .. import command
from . import FILES

if __name__ == "__main__":
    sys.exit(command.main(__package__, FILES, sys.argv[1:]))
