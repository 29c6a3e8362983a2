"""python -m host_tools.assembler.xtensa [--check] [FAMILY ...]"""

from __future__ import annotations

import sys

from .. import command, xtensa

if __name__ == "__main__":
    sys.exit(command.main(xtensa.__name__, xtensa.FILES, sys.argv[1:]))
