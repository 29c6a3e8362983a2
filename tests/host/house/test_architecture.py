"""Arrows that never exist (DESIGN: who may import whom), read from the source by `ast`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
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
