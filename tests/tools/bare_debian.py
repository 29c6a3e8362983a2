"""Runs commands in a bare Debian of another release, as a new user has it: a chroot with make and python3, nothing else.

python -m tests.tools.bare_debian "make demo" "make test"    as root, on a Debian; the tree is cloned as it is committed
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from host_tools.cache import cache_dir
from host_tools.emulators.micropython_source import find_mirror, need_packages, os_release, run_logged
from host_tools.errors import ToolError
from tests.helpers.paths import ROOT

# How this machine reaches its package registries, which is not the user's affair: the chroot does it the same way.
CERTIFICATES = "/root/certificates.pem"  # a name of our own: the chroot's package ca-certificates writes the usual one
NETWORK_FILES = {
    "/etc/resolv.conf": "/etc/resolv.conf",
    "/etc/hosts": "/etc/hosts",
    "/etc/ssl/certs/ca-certificates.crt": CERTIFICATES,
}
NETWORK_VARIABLES = ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "http_proxy", "https_proxy", "no_proxy")
# A mount namespace of its own: its mounts end with it.
ENTER = "mount -t proc proc {0}/proc && mount --rbind /dev {0}/dev && exec chroot {0} /bin/sh -ec {1}"


def make(folder: Path, suite: str) -> None:
    """A bare Debian with the tree in /root/fxnn."""
    if os.geteuid() or not shutil.which("unshare"):
        raise ToolError("a bare Debian is made by root, on Linux")
    mirror = find_mirror(Path("/etc/apt"), os_release().get("VERSION_CODENAME", ""))
    if os_release().get("ID") != "debian" or not mirror:
        raise ToolError("a bare Debian is made on a Debian", "its apt configuration names the mirror")
    need_packages("debootstrap")
    run_logged(
        ["debootstrap", "--variant=minbase", suite, str(folder), mirror.uri], cache_dir() / "logs" / "debootstrap.log"
    )
    for name, there in NETWORK_FILES.items():
        if Path(name).exists():
            shutil.copyfile(name, folder / there[1:])
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(folder / "root" / "fxnn")], check=True)
    enter(folder, "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq make python3 >/dev/null")


def enter(folder: Path, command: str) -> int:
    """Runs a shell command as root in the chroot, in the tree; its exit code."""
    environment = {name: os.environ[name] for name in NETWORK_VARIABLES if name in os.environ}
    environment |= {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    if Path(folder, CERTIFICATES[1:]).exists():
        environment |= {"SSL_CERT_FILE": CERTIFICATES, "PIP_CERT": CERTIFICATES}
    arguments = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", ENTER.format('"$0"', '"$1"')]
    return subprocess.run([*arguments, str(folder), f"cd /root/fxnn; {command}"], env=environment).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="trixie", help="the release (default: %(default)s, which is Debian 13)")
    parser.add_argument("commands", nargs="+", help="what to run there, one after the other")
    wanted = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="bare-debian-", dir=cache_dir()) as name:
        folder = Path(name, "root")
        try:
            make(folder, wanted.suite)
        except ToolError as e:
            print(f"not run: {e}".replace("\n", "; "))
            return 0
        enter(folder, "echo Debian $(cat /etc/debian_version), $(python3 --version)")
        for command in wanted.commands:
            start = time.monotonic()
            code = enter(folder, command)
            failed += code != 0
            print(f"{command}: exit code {code} after {time.monotonic() - start:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
