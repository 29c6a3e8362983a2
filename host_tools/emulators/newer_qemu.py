"""Newer QEMUs than this machine's, from the packages of later Debian releases, unpacked in the cache.

python -m host_tools.emulators.newer_qemu    prints one folder per line, each good for FXNN_QEMU; 80 MB to fetch for each

Nothing is installed: a program runs with the C library of its own release, through that release's dynamic linker.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ..cache import build_once, cache_dir
from ..errors import ToolError
from .micropython_source import PrivateApt, console, os_release, run_logged

# After Debian 12, which has QEMU 7.2: 13's (10.0), and 13's backports (11.1 in November 2026). In this order.
_SUITES = ("trixie", "trixie-backports")
_PACKAGES = ("qemu-system-misc", "qemu-system-riscv")
_PROGRAMS = ("qemu-system-riscv32", "qemu-system-xtensa")
_WRAPPER = """\
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/..
exec "$root/{libraries}/{loader}" --library-path "$root/{libraries}" "$root/programs/{program}" "$@"
"""


def newer_qemus() -> list[Path]:
    """Folders with QEMU's programs of each later release, fetched if they are not in the cache. Raises ToolError.

    Debian 12 has two, Debian 13 one. An empty list: no later release is known of, or the machine is not a Debian.
    """
    return [
        build_once(_folder(suite), lambda path, suite=suite: _fetch(path, suite)) / "bin" for suite in later_releases()
    ]


def cached() -> list[Path]:
    """Those of `newer_qemus` that are in the cache."""
    return [_folder(suite) / "bin" for suite in _SUITES if _folder(suite).exists()]


def later_releases() -> tuple[str, ...]:
    """The releases of Debian after this machine's, oldest first; none elsewhere, or without apt."""
    about = os_release()
    if about.get("ID") != "debian" or not shutil.which("apt-get"):
        return ()
    own = about.get("VERSION_CODENAME", "")
    if own == "bookworm":
        return _SUITES
    return _SUITES[_SUITES.index(own) + 1 :] if own in _SUITES else ()


def _folder(suite: str) -> Path:
    return cache_dir() / f"qemu-{suite}"


def _fetch(folder: Path, suite: str) -> None:
    folder.mkdir()
    log = cache_dir() / "logs" / f"qemu-{suite}.log"
    log.unlink(missing_ok=True)
    release = suite.partition("-")[0]
    unpacked = folder / "unpacked"
    with console.status(f"fetching QEMU of Debian {suite} (80 MB)"):
        apt = PrivateApt(folder / "apt", log, tuple(dict.fromkeys((release, suite))))
        for deb in apt.fetch_with_all_they_need(_PACKAGES, suite):
            run_logged(["dpkg-deb", "-x", str(deb), str(unpacked)], log)
        _pick(unpacked, folder)
        shutil.rmtree(unpacked)
        shutil.rmtree(folder / "apt")


def _pick(unpacked: Path, folder: Path) -> None:
    """Moves the programs and the libraries out of what was unpacked; bin/ gets a script for each program."""
    loaders = sorted(unpacked.glob("usr/lib/*-linux-*/ld-linux-*.so.*"))
    if not loaders:
        raise ToolError("the packages' dynamic linker was not found", f"no usr/lib/*/ld-linux-* in {unpacked}")
    libraries = loaders[0].parent.name
    shutil.move(loaders[0].parent, folder / "lib" / libraries)
    # The program would load the modules of the machine's QEMU, of another build, from the folder that is compiled
    # into it, and complain. None is needed: a folder that nobody has, of the same length.
    modules = f"/usr/lib/{libraries}/qemu\0".encode()
    nowhere = b"/nonexistent".ljust(len(modules) - 1, b"-") + b"\0"
    for name in ("programs", "bin"):
        (folder / name).mkdir()
    for name in _PROGRAMS:
        program, script = folder / "programs" / name, folder / "bin" / name
        program.write_bytes((unpacked / "usr" / "bin" / name).read_bytes().replace(modules, nowhere))
        script.write_text(_WRAPPER.format(libraries=f"lib/{libraries}", loader=loaders[0].name, program=name))
        script.chmod(0o755)


def main() -> int:
    try:
        folders = newer_qemus()
    except ToolError as e:
        print(f"no newer QEMU: {e}".replace("\n", "; "))
        return 0
    for folder in folders:
        print(folder)
    if not folders:
        print("no newer QEMU: no later Debian release is known here")
    return 0


if __name__ == "__main__":
    sys.exit(main())
