"""`python -m host_tools.record [--check]`: writes what other files hold of the schema, or says which of them is stale."""

from __future__ import annotations

import sys

from .sources import ROOT, stale, write


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m host_tools.record [--check]", file=sys.stderr)
        return 2
    try:
        found = stale()
    except ValueError as e:
        print(f"record: {e}", file=sys.stderr)
        return 1
    for path in found:
        print(f"{'stale' if arguments else 'written'}: {path.relative_to(ROOT)}")
    if arguments:
        return 1 if found else 0
    write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
