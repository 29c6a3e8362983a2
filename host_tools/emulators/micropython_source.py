"""MicroPython's sources, and the packages to build them with, from the Debian (or Ubuntu) archive.

The archive's packages are a supply that needs no network but the machine's own mirror. A machine on an older release
reads the newer one's packages through an apt configuration of our own, in the cache: mirror and keys are taken from
the machine's configuration, signatures are checked as always, and nothing under /etc/apt is touched.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ..cache import build_once, cache_dir
from ..errors import ToolError

# Debian 13 and Ubuntu 25.10 have MicroPython 1.25.0, pico-sdk 2.1.1 and tinyusb 0.18.0 (packages.debian.org).
# The same release for all, so that every machine builds the same firmware.
_RELEASES = {"debian": "trixie", "ubuntu": "questing"}
_SOURCES = ("micropython", "mbedtls")
# Architecture-independent binary packages that hold sources.
_SOURCE_DEBS = ("pico-sdk-source", "tinyusb-source")
VERSION = "1.25.0"

BUILD_PACKAGES = ("build-essential", "dpkg-dev", "python3")
PICO_PACKAGES = (
    "cmake",
    "gcc-arm-none-eabi",
    "libnewlib-arm-none-eabi",
    # C++ headers only (1 MB); the library itself, 1.5 GB unpacked, is not needed: see firmware.py.
    "libstdc++-arm-none-eabi-dev",
)

console = Console(stderr=True)


def micropython_source() -> Path:
    """MicroPython's source tree of version VERSION with mpy-cross built in it, fetched if it is not in the cache.

    lib/mbedtls, lib/pico-sdk and lib/tinyusb are in place. About 20 MB are fetched; takes half a minute.
    Do not build inside it: other processes use it. Raises ToolError, also on machines without apt.
    """
    return build_once(cache_dir() / f"micropython-{VERSION}", _fetch) / "micropython"


def source_date() -> str:
    """Seconds since 1970 of the package's last change: what SOURCE_DATE_EPOCH needs for a reproducible build."""
    changelog = micropython_source() / "debian" / "changelog"
    return _output(["dpkg-parsechangelog", "-l", str(changelog), "-S", "Timestamp"])


def need_packages(*names: str) -> None:
    """Installs system packages that are missing if this process may, else raises ToolError with the command to type."""
    if not shutil.which("dpkg-query"):
        raise ToolError(
            "MicroPython can be built on Debian and Ubuntu only",
            "this machine has no dpkg",
            "download the RPI_PICO firmware from micropython.org and set FXNN_FIRMWARE to the .uf2 file; "
            "for the unix port, set FXNN_MICROPYTHON to a micropython program (version 1.23 or newer)",
        )
    missing = [name for name in names if not _installed(name)]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise ToolError(f"system packages are missing: {' '.join(missing)}", fix="sudo " + " ".join(command))
    console.print(f"installing system packages: {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log = cache_dir() / "logs" / "apt-get.log"
    run_logged(["apt-get", "update"], log, environment)
    run_logged(command, log, environment)


def run_logged(
    command: list[str], log: Path, environment: dict[str, str] | None = None, cwd: Path | None = None
) -> None:
    """Runs a command with its output appended to a log; raises ToolError that names the log and quotes its end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as file:
        file.write(f"\n$ {' '.join(command)}\n".encode())
        file.flush()
        try:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, cwd=cwd
            ).returncode
        except OSError as e:
            raise ToolError(f"cannot run {command[0]}", e.strerror or str(e)) from None
    if code:
        lines = log.read_text(errors="replace").splitlines()
        errors = [line for line in lines[-200:] if "rror" in line or line.startswith(("E:", "W:"))]
        raise ToolError(
            f"{' '.join(command[:3])} failed (exit code {code})",
            "\n".join(errors[-5:] or lines[-5:]),
            f"the whole output is in {log}",
        )


def _fetch(folder: Path) -> None:
    need_packages(*BUILD_PACKAGES)
    folder.mkdir()
    log = cache_dir() / "logs" / "micropython-source.log"
    log.unlink(missing_ok=True)
    with console.status(f"fetching the sources of MicroPython {VERSION} (20 MB)"):
        apt = PrivateApt(folder / "apt", log)
        apt.fetch(folder)
    with console.status(f"unpacking MicroPython {VERSION} and building mpy-cross"):
        for name in _SOURCES:
            (dsc,) = folder.glob(f"{name}_*.dsc")
            # apt has checked the archive's signature and the files' hashes; the uploader's key may be missing here.
            run_logged(["dpkg-source", "--no-check", "--no-copy", "-x", dsc.name, name], log, cwd=folder)
        for name in _SOURCE_DEBS:
            (deb,) = folder.glob(f"{name}_*.deb")
            run_logged(["dpkg-deb", "-x", deb.name, "."], log, cwd=folder)
        _put_in_place(folder)
        run_logged(["make", "-C", "micropython/mpy-cross", f"-j{os.cpu_count() or 1}"], log, cwd=folder)
        for path in [*folder.glob("*.deb"), *folder.glob("*.dsc"), *folder.glob("*.tar.*")]:
            path.unlink()
        shutil.rmtree(folder / "apt")


def _put_in_place(folder: Path) -> None:
    source = folder / "micropython"
    found = re.search(r"MICROPY_VERSION_MINOR (\d+)", (source / "py" / "mpconfig.h").read_text())
    if not found or int(found[1]) != int(VERSION.split(".")[1]):
        raise ToolError("the archive's MicroPython is another version", f"minor {found and found[1]}, wanted {VERSION}")
    # The source package has these submodules' folders, empty.
    for name, target in (("mbedtls", "mbedtls"), ("pico-sdk", "usr/src/pico-sdk"), ("tinyusb", "usr/src/tinyusb")):
        place = source / "lib" / name
        place.rmdir()
        place.symlink_to(Path("..", "..", target))
    # The build takes this file as the sign that the submodule was fetched.
    (source / "lib" / "micropython-lib" / "README.md").touch()


@dataclass(frozen=True)
class Mirror:
    """One entry of the machine's apt configuration that the distribution itself stands behind."""

    uri: str
    signed_by: str  # as written there; empty: apt's own trusted keys


def find_mirror(folder: Path, codename: str) -> Mirror | None:
    """The mirror that serves release `codename` (its main component), from an /etc/apt: *.sources and *.list files."""
    lists = sorted((folder / "sources.list.d").glob("*.list"))
    for path in sorted((folder / "sources.list.d").glob("*.sources")):
        for stanza in _stanzas(path.read_text(errors="replace")):
            words = {key: stanza.get(key, "").split() for key in ("uris", "suites", "components")}
            if codename in words["suites"] and "main" in words["components"] and words["uris"]:
                if stanza.get("enabled", "yes").strip().lower() not in ("no", "false", "0"):
                    return Mirror(words["uris"][0], stanza.get("signed-by", ""))
    for path in [folder / "sources.list", *lists]:
        if not path.exists():
            continue
        for line in path.read_text(errors="replace").splitlines():
            found = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
            if found and found[3] == codename and "main" in found[4].split():
                signed = re.search(r"signed-by=(\S+)", found[1] or "")
                return Mirror(found[2], " " + signed[1] if signed else "")
    return None


def _stanzas(text: str) -> list[dict[str, str]]:
    """deb822: fields by lower-case name, continuation lines kept as they are (a key can be written out there)."""
    stanzas: list[dict[str, str]] = [{}]
    field = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            stanzas.append({})
        elif line[0] in " \t":
            stanzas[-1][field] = stanzas[-1].get(field, "") + "\n" + line
        else:
            name, _, value = line.partition(":")
            field = name.strip().lower()
            stanzas[-1][field] = value
    return [stanza for stanza in stanzas if stanza]


class PrivateApt:
    """apt-get with lists and configuration of its own, on the release that has the sources or on `suites` of Debian."""

    def __init__(self, folder: Path, log: Path, suites: tuple[str, ...] = ()):
        self._log = log
        about = os_release()
        family = next(
            (name for name in [about.get("ID", ""), *about.get("ID_LIKE", "").split()] if name in _RELEASES), None
        )
        mirror = family and find_mirror(Path("/etc/apt"), about.get("VERSION_CODENAME", ""))
        if not family or not mirror:
            raise ToolError(
                "no Debian or Ubuntu mirror found in this machine's apt configuration",
                f"looked for release '{about.get('VERSION_CODENAME', '')}' under /etc/apt",
                "download the RPI_PICO firmware from micropython.org and set FXNN_FIRMWARE to the .uf2 file",
            )
        signed_by = f"Signed-By:{mirror.signed_by}\n" if mirror.signed_by.strip() else ""
        for name in ("sources", "lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        components = "main universe" if family == "ubuntu" else "main"
        (folder / "sources" / "fxnn.sources").write_text(
            f"Types: deb deb-src\nURIs: {mirror.uri}\nSuites: {' '.join(suites) or _RELEASES[family]}\n"
            f"Components: {components}\n{signed_by}"
        )
        # Read last, so it wins. The hooks are the machine's, for its own lists: they have no business with these.
        (folder / "apt.conf").write_text(
            "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
            f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{folder}/sources";\n'
            f'Dir::State::lists "{folder}/lists";\nDir::Cache "{folder}/cache";\n'
            'Acquire::Languages "none";\n'
            + ('APT::Sandbox::User "root";\n' if os.geteuid() == 0 else "")  # _apt cannot write to this folder
        )
        self._apt_get = ["apt-get", "-q", "-c", str(folder / "apt.conf")]
        self._archives = folder / "cache" / "archives"
        run_logged([*self._apt_get, "update"], log)

    def fetch(self, folder: Path) -> None:
        run_logged([*self._apt_get, "source", "--download-only", *_SOURCES], self._log, cwd=folder)
        run_logged([*self._apt_get, "download", *_SOURCE_DEBS], self._log, cwd=folder)

    def fetch_with_all_they_need(self, packages: tuple[str, ...], suite: str) -> list[Path]:
        """The .debs of packages of the suite, and of everything that they depend on: nothing counts as installed."""
        options = ["-o", "Dir::State::status=/dev/null", "-y", "--no-install-recommends", "--download-only"]
        run_logged([*self._apt_get, *options, "-t", suite, "install", *packages], self._log)
        return sorted(self._archives.glob("*.deb"))


def os_release() -> dict[str, str]:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: value.strip("\"'") for key, _, value in pairs}


def _installed(name: str) -> bool:
    result = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], capture_output=True, text=True)
    return result.returncode == 0 and result.stdout.strip() == "installed"


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
