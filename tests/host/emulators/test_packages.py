"""Which later Debian releases are fetched from, and that a machine without any says so in a line and goes on."""

import pytest

from host_tools.emulators import newer_qemu
from host_tools.errors import ToolError
from tests.tools import bare_debian


@pytest.mark.parametrize("about, suites", [
    ({"ID": "debian", "VERSION_CODENAME": "bookworm"}, ("trixie", "trixie-backports")),
    ({"ID": "debian", "VERSION_CODENAME": "trixie"}, ("trixie-backports",)),
    ({"ID": "debian", "VERSION_CODENAME": "forky"}, ()),
    ({"ID": "ubuntu", "VERSION_CODENAME": "noble"}, ()),
    ({}, ()),
])  # fmt: skip
def test_later_releases(about, suites, monkeypatch):
    monkeypatch.setattr(newer_qemu, "os_release", lambda: about)
    monkeypatch.setattr(newer_qemu.shutil, "which", lambda name: name)
    assert newer_qemu.later_releases() == suites


def test_no_later_release_is_a_line(monkeypatch, capsys):
    monkeypatch.setattr(newer_qemu, "later_releases", lambda: ())
    assert newer_qemu.main() == 0
    assert capsys.readouterr().out == "no newer QEMU: no later Debian release is known here\n"


def test_no_package_is_a_line_and_leaves_nothing(monkeypatch, capsys, tmp_path):
    def no_network(*_):
        raise ToolError("apt-get -q -c failed (exit code 100)", "E: Failed to fetch")

    monkeypatch.setenv("FXNN_CACHE", str(tmp_path))
    monkeypatch.setattr(newer_qemu, "later_releases", lambda: ("trixie",))
    monkeypatch.setattr(newer_qemu, "PrivateApt", no_network)
    assert newer_qemu.main() == 0
    assert capsys.readouterr().out == "no newer QEMU: apt-get -q -c failed (exit code 100): E: Failed to fetch\n"
    assert newer_qemu.cached() == [] and not list(tmp_path.glob("*trixie/*"))


def test_a_bare_debian_without_root_is_a_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("FXNN_CACHE", str(tmp_path))
    monkeypatch.setattr(bare_debian.os, "geteuid", lambda: 1000)
    monkeypatch.setattr("sys.argv", ["bare_debian", "true"])
    assert bare_debian.main() == 0
    assert capsys.readouterr().out == "not run: a bare Debian is made by root, on Linux\n"
