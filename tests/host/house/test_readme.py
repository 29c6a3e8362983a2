"""README: every command that it and the pages of docs/ show is run, in order; its figures are those measured."""

import ast
import os
import shlex
import subprocess
import sys

import pytest

from tests.helpers import pages

ROOT = pages.ROOT
README = ROOT / "README.md"
FXNN = ".venv/bin/fxnn"


def commands() -> list[str]:
    """The lines of the pages' sh blocks, README's first; one that several pages show is run once."""
    lines = [line for page in pages.PAGES for block in pages.blocks(page, "sh") for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if line.strip()))


@pytest.mark.slow
@pytest.mark.pico
def test_every_command(tmp_path):
    (tmp_path / "models").symlink_to(ROOT / "models")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FXNN_PICO_IMAGE": str(tmp_path / "pico.img")}
    ran = 0
    for line in commands():
        arguments = shlex.split(line)
        if arguments[0] == "make":  # how this test came to run
            assert arguments[1] in (ROOT / "Makefile").read_text()
            continue
        assert arguments[0] == FXNN, line
        done = subprocess.run([sys.executable, "-m", "host_tools", *arguments[1:]], cwd=tmp_path, env=environment,
                              capture_output=True, text=True, timeout=300)  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        ran += 1
    assert ran >= 12


def test_each_page_can_be_followed_alone():
    """A page's commands use files that an earlier line of the same page makes, or that are in the repository."""
    for page in pages.PAGES:
        made = set()
        for line in "".join(pages.blocks(page, "sh")).splitlines():
            arguments = shlex.split(line)
            outputs = {arguments[i + 1] for i, word in enumerate(arguments) if word in ("-o", "--output", "--png")}
            for word in arguments[1:]:
                if "." in word and not word.startswith("-") and word not in outputs | made:
                    assert (ROOT / word).exists(), f"{pages.name(page)}: {line}: {word} is not there yet"
            made |= outputs


def test_figures_are_those_of_the_benchmarks():
    """The short table repeats the long one of docs/benchmarks.md; a time there has the viper kernels' after it."""
    head, *rows = pages.table(README, "network")
    long_head, *long_rows = pages.table(ROOT / "docs/benchmarks.md", "network")
    measured = {row[0]: dict(zip(long_head, row)) for row in long_rows}
    assert len(rows) == len(measured)
    for row in rows:
        for column, cell in zip(head[1:], row[1:]):
            whole = measured[row[0]][column]
            assert whole == cell or whole.startswith((f"{cell} (", f"{cell}, ")), f"{row[0]}, {column}: {cell}, {whole}"


def test_the_board_has_what_the_example_calls():
    (example,) = (block for block in pages.blocks(README, "python") if "fxnn.load" in block)
    asked = {node.attr for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Attribute)} - {"load"}
    network = ast.parse((ROOT / "device/fxnn/network.py").read_text())
    methods = {node.name for node in ast.walk(network) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    fields = {node.attr for node in ast.walk(network) if isinstance(node, ast.Attribute)}
    assert len(asked) >= 8 and asked <= methods | fields, asked - methods - fields


def test_a_newcomer_reads_it_in_three_minutes():
    lines = README.read_text().splitlines()
    assert len(lines) <= 120
    assert sum(len(line.split()) for line in lines) < 1300


@pytest.mark.parametrize("page", [p for p in pages.PAGES if p.parent == ROOT / "docs"], ids=pages.name)
def test_pages_are_short(page):
    assert len(page.read_text().splitlines()) < 200
