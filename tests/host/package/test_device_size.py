"""Every device module builds for every architecture, ASCII only, and stays inside its byte budget (armv6m .mpy; xtensa:
xtensawin; rv32: rv32imc)."""

import json
from pathlib import Path

import pytest

from host_tools.package.board_files import ASSEMBLER, device_folder
from host_tools.package.mpy import compile_mpy
from tests.helpers.paths import KEPT

MODULES = {path.relative_to(device_folder()).as_posix(): path for path in sorted(device_folder().rglob("*.py"))}
BUDGET = json.loads((KEPT / "size_budget.json").read_text())
_CORE = ("__init__.py", "file.py", "network.py", "tensor.py", "viper/__init__.py")
ARCHITECTURES = ("armv6m", "armv7emsp", "xtensawin", "rv32imc", "x64")


def mpy(path: Path, architecture: str, to: Path) -> bytes:
    """The module compiled as for a board."""
    out = to / f"{path.stem}.mpy"
    compile_mpy(path, architecture, out, path.relative_to(device_folder()).as_posix())
    return out.read_bytes()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_module_builds(architecture, tmp_path):
    for name, path in MODULES.items():
        runs_on = ASSEMBLER.get(name.partition("/")[0], architecture)
        if not architecture.startswith(runs_on):
            continue
        assert mpy(path, architecture, tmp_path)[0] == ord("M")


def test_sizes_are_inside_the_budget(tmp_path):
    own = {"xtensa": "xtensawin", "rv32": "rv32imc"}
    sizes = {n: len(mpy(p, own.get(n.partition("/")[0], "armv6m"), tmp_path)) for n, p in MODULES.items()}
    # What stays loaded with every network has a budget of its own; the loader is forgotten when it is done, kernel
    # families are loaded when a network needs them.
    sizes["core"] = sum(sizes[name] for name in _CORE)
    rows = [f"{name:24}{size:8}{BUDGET.get(name, 0):8}{BUDGET.get(name, 0) - size:8}" for name, size in sizes.items()]
    table = "\n".join([f"{'armv6m .mpy':24}{'bytes':>8}{'budget':>8}{'left':>8}", *rows])
    over = [name for name, size in sizes.items() if size > BUDGET.get(name, 0)]
    assert not over, f"over the budget of tests/kept/size_budget.json: {', '.join(over)}\n{table}"
    assert set(BUDGET) == set(sizes), "tests/kept/size_budget.json names other files"


@pytest.mark.parametrize("name", MODULES)
def test_sources_are_ascii(name):
    assert MODULES[name].read_bytes().isascii()
