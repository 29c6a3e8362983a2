"""Who may import whom (docs/ARCHITECTURE.md), read from the source by `ast`: also what is imported within functions."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.helpers import pages
from tests.helpers.paths import ROOT

PAGE = ROOT / "docs/ARCHITECTURE.md"
EVERYBODYS = {"errors", "record", "version"}  # rows of the page need not name these
HOST = sorted((ROOT / "host_tools").rglob("*.py"))
DEVICE = sorted((ROOT / "device").rglob("*.py"))
_BOARD_MODULES = {
    "array", "asyncio", "binascii", "gc", "io", "json", "machine", "math", "micropython", "os", "rp2", "struct", "sys", "time",
    "uctypes",
}  # fmt: skip
_OLD_NAMES = {"uos", "usys", "utime", "ustruct", "ujson", "ubinascii"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path, top_level_only: bool = False):
    """Dotted names that `path` imports, made absolute."""
    tree = ast.parse(path.read_text())
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", HOST, ids=lambda p: p.name)
def test_host_never_imports_device_or_tests(path):
    for name in imports(path):
        assert name.split(".")[0] not in ("device", "fxnn", "tests"), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", HOST, ids=lambda p: p.name)
def test_tensorflow_is_never_imported_at_module_level(path):
    assert not {n.split(".")[0] for n in imports(path, top_level_only=True)} & {"tensorflow", "keras"}


@pytest.mark.parametrize("path", DEVICE, ids=_name)
def test_device_imports_only_what_boards_have(path):
    for name in imports(path):
        root = name.split(".")[0]
        assert root in _BOARD_MODULES or root in ("device", "fxnn"), f"{path.name} imports {name}"
        assert root not in _OLD_NAMES


def _device_siblings(path):
    return {n.split(".")[-1] for n in imports(path) if n.startswith("device.fxnn.")}


@pytest.mark.parametrize("path", [p for p in DEVICE if p.parent.name in ("ref", "viper")], ids=_name)
def test_kernels_see_buffers_and_ints_only(path):
    assert not _device_siblings(path) & {"network", "file", "tensor"}


def test_the_ir_imports_nothing_of_ours():
    assert not [n for n in imports(ROOT / "host_tools/ir.py") if n.startswith("host_tools")]


@pytest.mark.parametrize("path", DEVICE, ids=_name)
def test_device_sources_are_ascii(path):
    path.read_bytes().decode("ascii")


# ---- the rooms of host_tools


@cache
def rows() -> dict[str, set[str]]:
    """{room or single module: what its row of the page lets it import}, in the page's order."""
    allowed: dict[str, set[str]] = {}
    for names, _, may_import in pages.table(PAGE, "room")[1:]:
        above = set(allowed)
        for name in re.findall(r"`(\w+)`", names):
            allowed[name] = above if may_import == "all" else set(re.findall(r"`(\w+)`", may_import))
    return allowed


def modules() -> dict[str, Path]:
    """{dotted name below host_tools: file}; a package goes by its own name."""
    found = {}
    for path in HOST:
        parts = path.relative_to(ROOT / "host_tools").with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def graph() -> dict[str, set[str]]:
    """{module: the modules of host_tools that it imports}, but for what only a type checker reads."""
    names = modules()
    found = {}
    for module, path in names.items():
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
        targets = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
                for alias in node.names:
                    whole = ".".join([*base, alias.name])
                    targets.add(whole if whole in names else ".".join(base))
        found[module] = targets - {module}
    return found


def room(module: str) -> str:
    return module.partition(".")[0]


def arrows() -> set[tuple[str, str]]:
    """(room, room that it imports)"""
    return {(room(a), room(b)) for a, targets in graph().items() for b in targets if a and b and room(a) != room(b)}


def test_every_room_has_a_row():
    rooms = {p.parent.name for p in (ROOT / "host_tools").glob("*/__init__.py")}
    assert rooms <= set(rows()), f"no row for {rooms - set(rows())}"
    assert set(rows()) <= rooms | {m for m in modules() if "." not in m}


def test_rows_name_what_stands_above_them():
    above = set(EVERYBODYS)
    for name, allowed in rows().items():
        assert allowed <= above, f"{name}: {allowed - above} stands below it"
        above.add(name)


def test_rooms_import_what_the_page_says():
    order = list(rows())
    for a, b in sorted(arrows()):
        if a not in rows():  # __main__
            continue
        everybodys = b in EVERYBODYS and (b not in order or a not in order or order.index(b) < order.index(a))
        who = sorted(m for m, targets in graph().items() if room(m) == a and b in map(room, targets))
        assert b in rows()[a] or everybodys, f"{who} import {b}: docs/ARCHITECTURE.md does not say so"


def test_the_page_says_no_more():
    """An arrow that nobody needs any more is no longer allowed."""
    for name, allowed in rows().items():
        if allowed != set(list(rows())[: list(rows()).index(name)]):  # all
            unused = {b for b in allowed if (name, b) not in arrows()}
            assert not unused, f"{name} imports {unused} no more: docs/ARCHITECTURE.md still says so"


@pytest.mark.parametrize("room_s", [False, True], ids=["modules", "rooms"])
def test_no_circle(room_s):
    found = {m: set(targets) for m, targets in graph().items() if m}
    if room_s:
        found = {name: {b for a, b in arrows() if a == name} for name in map(room, found)}
    try:
        TopologicalSorter(found).prepare()
    except CycleError as e:
        pytest.fail(" imports ".join(reversed(e.args[1])))


def test_private_names_stay_in_their_module():
    names = modules()
    wrong = []
    for module, path in names.items():
        tree, seen = ast.parse(path.read_text()), set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                wrong += [(module, a.name) for a in node.names if a.name[:1] == "_" and not a.name.endswith("__")]
                seen |= {a.asname or a.name for a in node.names if any(n.endswith(f".{a.name}") for n in names)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in seen:
                wrong += [(module, node.attr)] if re.match(r"_[^_]", node.attr) else []
    assert not wrong, f"(module, another's private name): {wrong}"


def test_host_tools_itself_has_at_most_eight_files():
    assert len([p for p in (ROOT / "host_tools").iterdir() if p.is_file()]) <= 8
