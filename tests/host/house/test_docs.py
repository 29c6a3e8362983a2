"""The pages hold together: links, commands, options, files and messages that they name exist."""

import ast
import importlib.util
import re
import shlex
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from tests.helpers import pages

ROOT = pages.ROOT
ERRORS = ROOT / "docs/errors.md"
_HOLE, _NUMBER = "\0", "\1"  # where a message has a value; where that is a number
_FOLDERS = ("host_tools/", "device/", "tests/", "models/", "docs/", ".ci/")


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_links(page):
    for target in pages.links(page):
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists() and path.is_relative_to(ROOT), f"{target}: no such file"
        if anchor:
            assert anchor in pages.anchors(path), f"{target}: no such heading"


def test_every_page_is_linked_from_readme():
    linked = {(ROOT / target.partition("#")[0]).resolve() for target in pages.links(ROOT / "README.md")}
    missing = [pages.name(p) for p in pages.PAGES if p.parent == ROOT / "docs" and p not in linked]
    assert not missing


@lru_cache
def help_text(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "host_tools", *command, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"fxnn {' '.join(command)}: {done.stderr}"
    return done.stdout


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", text))


@lru_cache
def fxnn_commands() -> tuple[str, ...]:
    listed = help_text().partition("Commands:\n")[2].partition("\n\n")[0]
    return tuple(re.findall(r"^  (\w+) ", listed, re.M))


@lru_cache
def known_options() -> set[str]:
    """Options of fxnn's commands, and of the tools of tests/ and host_tools/."""
    found = {option for command in fxnn_commands() for option in options(help_text(command))}
    for folder in ("tests", "host_tools", "Makefile"):
        files = (ROOT / folder).rglob("*.py") if (ROOT / folder).is_dir() else [ROOT / folder]
        for path in files:
            found |= set(re.findall(r"[\"' ](--[a-z][a-z-]+)", path.read_text()))
    return found


def shown(page: Path) -> list[str]:
    """Everything that stands as code on a page: spans, and lines of blocks that are no Python."""
    lines = [line for block in pages.blocks(page, "", "sh", "console", "text") for line in block.splitlines()]
    return pages.spans(page) + [line.strip().removeprefix("$ ") for line in lines]


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_commands_and_options_exist(page):
    for code in shown(page):
        try:
            words = shlex.split(code.partition("  # ")[0])
        except ValueError:  # an apostrophe: no command
            continue
        if not words:
            continue
        program, *rest = words
        if program.rpartition("/")[2] == "fxnn" and rest:
            assert rest[0] in fxnn_commands() or rest[0].startswith("-") or rest[0] == "...", code
            if rest[0] in fxnn_commands():
                unknown = {w.partition("=")[0] for w in rest[1:] if re.match(r"--?[a-z]", w)}
                unknown -= options(help_text(rest[0]))
                assert not unknown, f"{code}: no {unknown}"
        elif program == "make" and rest and "=" not in rest[0]:
            assert re.search(rf"^{re.escape(rest[0])}:", (ROOT / "Makefile").read_text(), re.M), code
        elif program.rpartition("/")[2] in ("python", "python3") and rest[:1] == ["-m"] and "." in rest[1]:
            assert importlib.util.find_spec(rest[1]) is not None, code
        elif program.startswith("--"):
            assert program in known_options(), code


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_files_named_exist(page):
    for code in shown(page):
        for word in code.split():
            word = word.strip("`,;:()[]").rstrip(".")
            if word.startswith(_FOLDERS) and not set(word) & set("<>{}$"):
                assert list(ROOT.glob(word)) or (ROOT / word).exists(), f"{word}: no such file"


def holes(text: str) -> str:
    """A format string of %, its values as _HOLE and _NUMBER."""
    return re.sub(r"%[srx]", _HOLE, text).replace("%d", _NUMBER)


@lru_cache
def messages() -> tuple[str, ...]:
    """The text literals of host_tools and device, values in them as _HOLE and _NUMBER."""
    found = set()
    for folder in ("host_tools", "device"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    found.add("".join(str(p.value) if isinstance(p, ast.Constant) else _HOLE for p in node.values))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(holes(node.value))
    return tuple(found)


def pattern(message: str) -> re.Pattern | None:
    """What a message may look like; None where it has too little text of its own to be known by."""
    if sum(c.isalpha() for c in message) < 8:
        return None
    return re.compile(re.escape(message).replace(_HOLE, ".*").replace(_NUMBER, r"\d+"), re.S)


def quoted() -> list[str]:
    """The messages of errors.md: first cells, and what a second cell quotes as the rest of one."""
    cells = [line.split("|")[1].strip() for line in ERRORS.read_text().splitlines() if line.startswith("| `")]
    return [cell.strip("`") for cell in cells]


@pytest.mark.parametrize("text", quoted())
def test_errors_quotes_what_is_said(text):
    if text.startswith("ImportError: no module"):  # MicroPython's own
        return
    text = text.removeprefix("ImportError: ")
    patterns = (pattern(message) for message in messages())
    assert any(p.fullmatch(text) for p in patterns if p is not None), f"nothing says '{text}'"


def raised(path: Path) -> list[str]:
    """The texts of the exceptions that a file of the device package makes, values as holes()."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args]
    found = []
    for call in calls:
        if getattr(call.func, "id", "").endswith("Error"):
            literals = [n.value for n in ast.walk(call.args[0]) if isinstance(n, ast.Constant)]
            found += [holes(v) for v in literals[:1] if isinstance(v, str)]
    return found


def test_errors_has_every_message_of_the_board():
    texts = [text.removeprefix("ImportError: ") for text in quoted()]
    said = [(path.name, m) for path in sorted((ROOT / "device/fxnn").glob("**/*.py")) for m in raised(path)]
    assert len(said) >= 20
    for name, message in said:
        general = re.sub(r"\(\w+\)$", f"({_HOLE})", message)  # a section of the file
        assert any(pattern(general).fullmatch(text) for text in texts), f"{name}: '{message}' is not in docs/errors.md"


def test_pages_that_messages_name_have_those_sections():
    """A message that sends its reader to README.md or docs/ names a heading or a link that is there."""
    found = 0
    for message in messages():
        for page, section in re.findall(r"\b(README(?:\.md)?|docs/\w+\.md), '([^']+)'", message):
            path = ROOT / (page if page.endswith(".md") else f"{page}.md")
            text = path.read_text()
            assert f"# {section}\n" in text or f"[{section}](" in text, f"{page} has no '{section}'"
            found += 1
    assert found
