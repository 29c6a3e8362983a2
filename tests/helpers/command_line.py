"""fxnn as its user runs it: in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers.paths import ROOT


def fxnn(*arguments, **options):
    command = [sys.executable, "-m", "host_tools", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, **options)


def done(*arguments):
    result = fxnn(*arguments)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


def refused(*arguments, status=1):
    """stderr of a command that fails as a user's mistake does: never with a traceback."""
    result = fxnn(*arguments)
    assert result.returncode == status, (result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    return result.stderr
