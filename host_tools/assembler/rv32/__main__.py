"""python -m host_tools.assembler.rv32 [--check] [FAMILY ...]"""

from __future__ import annotations

import sys

from .. import command, rv32

if __name__ == "__main__":
    sys.exit(command.main(rv32.__name__, rv32.FILES, sys.argv[1:]))
