"""rp2040py compiled for this very Python, 5 to 10 times as fast as the wheel.

The wheel's compiled core uses CPython's limited API, so that one file serves every version, and asks Python about each
emulated memory access. The package carries that core's Cython sources; here they are compiled once more, into a copy
of the package in the cache, without the limited API and with the core's classes closed to subclassing. Same program,
same cycle counts. Without a C compiler or Python's headers the wheel as it is serves, only slower.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..cache import build_once, cache_dir
from .micropython_source import console

# Classes whose methods are called for each emulated instruction. Nothing in rp2040py subclasses them outside its tests.
_CLOSED = {"_rp2040": "RP2040", "_cortex_m0_core": "CortexM0Core", "_simulation_clock": "SimulationClock"}


def fast_rp2040py() -> Path | None:
    """A folder for the front of PYTHONPATH with the faster rp2040py, built if need be (a minute, once).

    None where it cannot be built, or when $FXNN_SLOW_EMULATOR is set: use the installed rp2040py then.
    """
    if os.environ.get("FXNN_SLOW_EMULATOR"):
        return None
    version = importlib.metadata.version("rp2040py")
    key = hashlib.sha256(Path(__file__).read_bytes() + sys.version.encode()).hexdigest()[:8]
    folder = cache_dir() / f"rp2040py-{version}-{sysconfig.get_config_var('SOABI')}-{key}"
    failed = folder.with_name(folder.name + ".failed")
    if failed.exists() or not _can_build():
        return None
    try:
        return build_once(folder, _build)
    except (OSError, subprocess.CalledProcessError) as e:
        words = getattr(e, "stderr", "") or str(e)
        failed.write_text(words)
        console.print(f"rp2040py could not be compiled anew (see {failed}): the emulated Pico will be slow")
        return None


def _compiler() -> str | None:
    command = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    return shutil.which(command[0]) or shutil.which("cc")


def _can_build() -> bool:
    headers = Path(sysconfig.get_paths()["include"], "Python.h")
    return sys.implementation.name == "cpython" and os.name == "posix" and headers.exists() and bool(_compiler())


def _build(folder: Path) -> None:
    found = importlib.util.find_spec("rp2040py")
    assert found and found.origin  # its version was asked for
    installed = Path(found.origin).parent
    package = folder / "rp2040py"
    shutil.copytree(installed, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    native = package / "native"
    if importlib.util.find_spec("Cython"):
        for stem, name in _CLOSED.items():
            for path in (native / f"{stem}.pxd", native / f"{stem}.pyx"):
                text = path.read_text()
                closed = "cimport cython\n@cython.final\n\\g<0>"
                path.write_text(re.sub(rf"^cdef class {name}\b", closed, text, count=1, flags=re.M))
        for path in native.glob("*.c"):
            path.unlink()
    sources = sorted(native.glob("*.pyx"))
    with console.status("compiling the emulator for this Python (a minute, once)"):
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(lambda source: _compile(folder, source), sources))
    # Whatever imports wrongly must not be kept.
    check = "from rp2040py.native import RP2040; from rp2040py.native._simulator import execute_batch; RP2040()"
    _run([sys.executable, "-W", "error::UserWarning", "-c", check], {**os.environ, "PYTHONPATH": str(folder)}, folder)


def _compile(folder: Path, source: Path) -> None:
    c_file = source.with_suffix(".c")
    if not c_file.exists():
        # The directives of rp2040py's own setup.py.
        directives = "-X boundscheck=False -X wraparound=False -3".split()
        relative = str(source.relative_to(folder))
        _run([sys.executable, "-m", "cython", *directives, relative, "-o", str(c_file)], None, folder)
    library = source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
    link = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    include = f"-I{sysconfig.get_paths()['include']}"
    compiler = _compiler()
    assert compiler  # _can_build
    _run([compiler, "-O2", "-fPIC", "-w", *link, include, str(c_file), "-o", str(library)], None, folder)


def _run(command: list[str], environment: dict[str, str] | None, cwd: Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=cwd)
