"""Every command that README shows is run, in its order; its figures are those measured."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
FXNN = ".venv/bin/fxnn"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.slow
@pytest.mark.pico
def test_every_command(tmp_path):
    (tmp_path / "models").symlink_to(ROOT / "models")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FXNN_PICO_IMAGE": str(tmp_path / "pico.img")}
    ran = 0
    for line in commands():
        words = shlex.split(line)
        if words[0] == "make":  # how this test came to run
            assert words[1] in (ROOT / "Makefile").read_text()
            continue
        assert words[0] == FXNN, line
        done = subprocess.run([sys.executable, "-m", "host_tools", *words[1:]], cwd=tmp_path, env=environment,
                              capture_output=True, text=True, timeout=300)  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        ran += 1
    assert ran >= 8


def test_board_messages_named_in_readme_exist():
    """The table 'If it fails' quotes real messages."""
    table = README[README.index("## If it fails") : README.index("## How it works")]
    quoted = re.findall(r"^\| `([^`]+)`", table, re.M)
    sources = "".join(p.read_text() for folder in ("host_tools", "device") for p in (ROOT / folder).rglob("*.py"))
    squeezed = re.sub(r'"\s*f?"', "", re.sub(r"%d|\{[^{}']*\}", "#", sources))
    for text in quoted:
        if text.startswith("ImportError"):  # MicroPython's own
            continue
        for piece in re.split(r"\.\.\.|\d[\d.]*", text):
            piece = piece.strip(" ,`")
            if len(piece) > 3:
                assert piece in squeezed, f"README quotes '{piece}', which nothing says"
