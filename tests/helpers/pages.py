"""The repository's Markdown pages as tests read them: fenced blocks, spans of code, links, headings' anchors."""

from __future__ import annotations

import re
from pathlib import Path

from tests.helpers.paths import ROOT

PAGES = [
    path
    for pattern in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "models/*.md", "models/*/README.md")
    for path in sorted(ROOT.glob(pattern))
]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def name(page: Path) -> str:
    """The page's path in the repository: an id for parametrized tests."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of these languages, of all where none is given."""
    return [text for language, text in _FENCED.findall(page.read_text()) if not languages or language in languages]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCED.sub("", page.read_text())


def spans(page: Path) -> list[str]:
    """What stands between backticks in the prose."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(page))


def links(page: Path) -> list[str]:
    """Targets of links and images that lie in the repository."""
    text = re.sub(r"`[^`\n]+`", "", prose(page))
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|srcset)=\"([^\"]+)\"", text)
    return [target for target in found if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings: small letters, blanks as hyphens, other signs left out."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(page: Path, first_cell: str) -> list[list[str]]:
    """The rows of the table whose head begins with `first_cell`, as cells; the head is the first row."""
    lines = page.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_cell} |"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return [rows[0], *rows[2:]]
