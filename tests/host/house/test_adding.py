"""docs/ADDING.md's examples, performed: its marked blocks are written into a temporary copy of the tree, and its commands run.

A block is marked by a comment before it: `<!-- in FILE, before: TEXT -->` puts it in front of the line of FILE that holds
TEXT, `<!-- in FILE, at the end -->` appends it, `<!-- new FILE -->` makes the file, `<!-- run -->` runs its lines.
"""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.helpers import pages

ROOT = pages.ROOT
PAGE = ROOT / "docs/ADDING.md"
_MARKED = re.compile(r"<!-- (?P<how>[^>]+?) -->\n```\w+\n(?P<block>.*?)```", re.S)
_COPIED = ("host_tools", "device", "models", "boot.py", "main.py", "pyproject.toml")


def steps(title: str) -> list[tuple[str, str]]:
    """(how, block) of every marked block of a section, in order."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    assert section, f"no section '{title}'"
    return [(found["how"], found["block"]) for found in _MARKED.finditer(section[1])]


def write(tree, how: str, block: str) -> None:
    """Puts a block where its mark says."""
    file, _, where = re.sub(r"^(in|new) ", "", how).partition(", ")
    path = tree / file
    if how.startswith("new "):
        path.write_text(block)
        return
    lines = path.read_text().splitlines(keepends=True)
    at = len(lines)
    if where.startswith("before: "):
        found = [i for i, line in enumerate(lines) if where.removeprefix("before: ") in line]
        assert len(found) == 1, f"{how}: in {len(found)} lines"
        at = found[0]
    path.write_text("".join([*lines[:at], block, *lines[at:]]))


def run(tree, line: str) -> subprocess.CompletedProcess:
    """One command of the page, by the copy's own host_tools."""
    program, *words = shlex.split(line)
    assert program == "fxnn", line
    return subprocess.run(
        [sys.executable, "-m", "host_tools", *words], cwd=tree, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def tree(tmp_path):
    """A copy of what runs; commands in it find its host_tools first, and its device package next to that."""
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def perform(tree, title: str) -> list[subprocess.CompletedProcess]:
    """Writes and runs a section's blocks in their order."""
    done = []
    for how, block in steps(title):
        if how != "run":
            write(tree, how, block)
            continue
        for line in block.splitlines():
            done.append(run(tree, line.removeprefix("$ ")))
            assert done[-1].returncode == 0, f"{line}\n{done[-1].stdout}\n{done[-1].stderr}"
    return done


def test_a_board(tree):
    pico = run(tree, "fxnn convert models/digits/digits.tflite -o pico.fxnn --name digits")
    assert pico.returncode == 0, pico.stderr
    unknown = run(tree, "fxnn convert models/digits/digits.tflite -o digits.fxnn --board mine")
    assert unknown.returncode == 2 and not (tree / "digits.fxnn").exists()
    converted, verified = perform(tree, "A board")
    assert "digits.fxnn" in converted.stdout and verified.stdout
    # the same processor: the same kernels, and digits fits in less RAM as well
    assert (tree / "digits.fxnn").read_bytes() == (tree / "pico.fxnn").read_bytes()
    assert "mine" in run(tree, "fxnn convert --help").stdout
