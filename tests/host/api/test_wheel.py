"""What `pip install fxnn` gives: a wheel and an editable install, built and used in empty virtual environments."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.paths import DIGITS, ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def run(command, **options) -> str:
    """What the command prints. It sees neither this checkout nor its tests' environment."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(c) for c in command], env=environment, text=True, capture_output=True, timeout=300, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(folder: Path, *install: str | Path) -> Path:
    """A virtual environment with fxnn installed; its dependencies are those of this one, by a line in a .pth file."""
    run([sys.executable, "-m", "venv", "--without-pip", folder])
    run([*PIP, "--python", folder / "bin/python", "install", "--quiet", "--no-deps", *install])
    (site,) = folder.glob("lib/python*/site-packages")
    # A line in a .pth file adds the folder and not the .pth files that lie in it: not this environment's own fxnn.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return site


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    backend = [
        *PIP,
        "download",
        "--quiet",
        "--no-deps",
        "--timeout",
        "5",
        "--retries",
        "0",
        "-d",
        folder / "backend",
        "hatchling",
    ]
    if subprocess.run(backend, capture_output=True).returncode:
        pytest.skip("no package index is reachable: a wheel cannot be built without hatchling")
    run([*PIP, "wheel", "--quiet", "--no-deps", "-w", folder, ROOT])
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder whose bin/ has the command of the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    environment(folder, "--no-index", wheel)
    return folder


def test_what_the_wheel_holds(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"fxnn", f"fxnn-{wheel.name.split('-')[1]}.dist-info"}
    sources = {f"fxnn/{p.relative_to(ROOT / 'host_tools')}" for p in (ROOT / "host_tools").rglob("*.py")}
    assert sources - set(names) == {"fxnn/editable/fxnn/__init__.py"}
    device = {f"fxnn/shipped/device/fxnn/{p.name}" for p in (ROOT / "device/fxnn").glob("*.py")}
    files = {
        "fxnn/py.typed",
        "fxnn/package/runner.upy",
        "fxnn/report/page.html.j2",
        "fxnn/shipped/boot.py",
        "fxnn/shipped/main.py",
    }
    assert device | files <= set(names)
    assert not [name for name in names if "__pycache__" in name or "editable" in name]


def test_the_command(installed, tmp_path):
    fxnn = installed / "bin/fxnn"
    (tmp_path / "host_tools").mkdir()  # no such name is imported
    version = run([fxnn, "--version"], cwd=tmp_path)
    assert version == f"fxnn, version {run([installed / 'bin/python', '-c', 'import fxnn; print(fxnn.__version__)'])}"
    assert "conv_2d" in run([fxnn, "inspect", DIGITS / "digits.fxnn"], cwd=tmp_path)
    assert run([installed / "bin/python", "-m", "fxnn", "--version"], cwd=tmp_path) == version
    run([fxnn, "convert", DIGITS / "digits.tflite", "-o", "d.fxnn"], cwd=tmp_path)
    run([fxnn, "report", "d.fxnn", "-o", "d.html", "--on", "none"], cwd=tmp_path)
    assert (tmp_path / "d.html").stat().st_size > 10_000


@pytest.mark.parametrize("on", ("ref", "unix"))
def test_the_shipped_device_package_runs(installed, tmp_path, on):
    """From the wheel's own files, compiled for the unix port: it is not the computer's `fxnn` that they import."""
    with np.load(DIGITS / "test.npz") as data:
        np.savez(tmp_path / "in.npz", x0=data["x0"][:4])
    answers = {}
    for target in ("host", on):
        run([installed / "bin/fxnn", "run", DIGITS / "digits.fxnn", "--on", target, "--input", "in.npz", "--output", "out.npz"],
            cwd=tmp_path)  # fmt: skip
        answers[target] = np.load(tmp_path / "out.npz")["y0"]
    np.testing.assert_array_equal(answers["host"], answers[on])


def test_the_import(installed, tmp_path):
    code = f"import fxnn; net = fxnn.load({str(DIGITS / 'digits.fxnn')!r}); print(net.selftest(), net.backend, fxnn.__file__)"
    printed = run([installed / "bin/python", "-c", code], cwd=tmp_path).split()
    assert printed[:2] == ["3", "numpy"] and Path(printed[2]).is_relative_to(installed)
    (site,) = installed.glob("lib/python*/site-packages")
    assert {p.name for p in site.iterdir() if p.suffix != ".dist-info"} == {"fxnn", "dependencies.pth"}


def test_an_editable_install(wheel, tmp_path):
    """As `make setup` makes it: `fxnn` is the checkout's folder host_tools."""
    site = environment(tmp_path / "venv", "--editable", ROOT)
    (tmp_path / "work").mkdir()
    code = "import fxnn, fxnn.ops; print(fxnn.__file__, fxnn.ops.__file__)"
    printed = run([tmp_path / "venv/bin/python", "-c", code], cwd=tmp_path / "work").split()
    assert printed == [str(ROOT / "host_tools/__init__.py"), str(ROOT / "host_tools/ops/__init__.py")]
    assert run([tmp_path / "venv/bin/fxnn", "--version"], cwd=tmp_path / "work").startswith("fxnn, version ")
    assert not (site / "fxnn/shipped/device").exists(), "a copy of the device package that is not the checkout's"
