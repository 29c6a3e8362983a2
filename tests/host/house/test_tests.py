"""The tests' own house: helpers are shared, tests are not; private names stay where they are; figures lie in one folder."""

import ast
from pathlib import Path

import pytest

from tests import draw
from tests.helpers.paths import ROOT

FILES = sorted((ROOT / "tests").rglob("*.py"))


def imported(tree: ast.AST) -> dict[str, str]:
    """{name in the file: what it stands for} of every import."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.asname or a.name: a.name for a in node.names}
    return found


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.AST]:
    return {path: ast.parse(path.read_text()) for path in FILES}


def test_no_private_name_of_another_module(trees):
    used = set()
    for path, tree in trees.items():
        if path.parent.name == "micropython":  # scripts and vectors of the device package: its kernels' insides, too
            continue
        names = imported(tree)
        used |= {full for full in names.values() if private(full.rpartition(".")[2])}
        used |= {
            f"{names[node.value.id]}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and private(node.attr)
            if isinstance(node.value, ast.Name) and node.value.id in names
        }
    ours = {name for name in used if name.startswith(("tests.", "host_tools."))}
    assert not ours, sorted(ours)


def test_no_test_imports_another(trees):
    for path, tree in trees.items():
        for full in imported(tree).values():
            assert not (full.startswith("tests.") and ".test_" in full), f"{path.relative_to(ROOT)} imports {full}"


def test_every_op_is_drawn_by_one_family():
    # what imports the whole table, such as the drawn networks, is no family
    tables = [(value, getattr(value, "OPS", None)) for value in vars(draw).values()]
    families = [value for value, table in tables if isinstance(table, dict) and table is not draw.OPS]
    assert len(families) >= 16
    assert sum(len(family.OPS) for family in families) == len(draw.OPS)
    assert not draw.OPS.keys() & draw.STATEFUL.keys()
    assert set(draw.KERNELS_FROM_32) | set(draw.LITERT) <= draw.OPS.keys() | draw.STATEFUL.keys()


def test_figures_are_kept_in_one_folder():
    assert {path.parent.name for path in (ROOT / "tests").rglob("*.json")} == {"kept"}
