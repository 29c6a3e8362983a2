"""python -m host_tools.assembler.thumb [--check] [FAMILY ...]"""

from __future__ import annotations

import sys

from . import FILES, FOLDER, text


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    families = [a for a in arguments if a != "--check"] or list(FILES)
    for family in families:
        if family not in FILES:
            print(f"no family {family}: one of {', '.join(FILES)}", file=sys.stderr)
            return 2
    stale = 0
    for family in families:
        path, new = FOLDER / FILES[family], text(family)
        if path.exists() and path.read_text() == new:
            continue
        stale += 1
        if check:
            print(f"{path.name} is not up to date: python -m host_tools.assembler.thumb {family}")
        else:
            path.write_text(new)
            print(f"wrote {path.name}")
    return bool(check and stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
