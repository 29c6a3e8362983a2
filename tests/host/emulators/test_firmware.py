"""Firmware files, the cache, the cross-compiler, the unix port and the apt configuration."""

import struct
import subprocess
import threading

import pytest

from host_tools.cache import build_once, cache_dir
from host_tools.emulators.firmware import firmware_name, pico_firmware, read_uf2, to_uf2
from host_tools.emulators.micropython_source import find_mirror, need_packages, run_logged
from host_tools.emulators.unix_port import unix_micropython
from host_tools.errors import ToolError
from host_tools.package import mpy


def test_uf2_round_trip(tmp_path):
    code = bytes(range(256)) * 5 + b"the end"
    path = tmp_path / "a.uf2"
    path.write_bytes(to_uf2(code))
    assert path.stat().st_size == 6 * 512
    assert read_uf2(path) == code.ljust(6 * 256, b"\0")
    assert pico_firmware(path) == path


def test_the_path_is_used_before_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "b.uf2"
    path.write_bytes(to_uf2(b"v1.25.0 on 2025-04-15 Raspberry Pi Pico with RP2040"))
    monkeypatch.setenv("FXNN_FIRMWARE", str(tmp_path / "missing.uf2"))
    assert pico_firmware(path) == path
    assert firmware_name(path) == "MicroPython v1.25.0 RPI_PICO (b.uf2)"
    with pytest.raises(ToolError, match="no firmware at .*missing.uf2"):
        pico_firmware()


def _with_family(family):
    blocks = bytearray(to_uf2(bytes(512)))
    struct.pack_into("<I", blocks, 28, family)
    return bytes(blocks)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "not a UF2"),
        (b"\x7fELF" + bytes(1020), "no UF2 block at byte 0"),
        (to_uf2(bytes(512))[:-1], "whole blocks"),
        (to_uf2(bytes(512))[:512], "damaged"),
        (_with_family(0xE48BFF59), "not for the RP2040"),  # RP2350
    ],
)
def test_a_wrong_file_is_refused(tmp_path, data, words):
    path = tmp_path / "wrong.uf2"
    path.write_bytes(data)
    with pytest.raises(ToolError, match=words):
        pico_firmware(path)


def test_cache_dir_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FXNN_CACHE", str(tmp_path / "deep" / "er"))
    assert cache_dir() == tmp_path / "deep" / "er" and cache_dir().is_dir()
    (tmp_path / "file").touch()
    monkeypatch.setenv("FXNN_CACHE", str(tmp_path / "file" / "x"))
    with pytest.raises(ToolError, match="cannot make the cache folder"):
        cache_dir()


def test_a_build_that_fails_leaves_nothing(tmp_path):
    def build(path):
        path.write_text("half")
        raise ToolError("broken")

    with pytest.raises(ToolError):
        build_once(tmp_path / "thing", build)
    assert [p.name for p in tmp_path.iterdir()] == ["thing.lock"]
    assert build_once(tmp_path / "thing", lambda path: path.write_text("whole")).read_text() == "whole"
    assert build_once(tmp_path / "thing", build).read_text() == "whole"


def test_two_builders_build_once(tmp_path):
    built = []

    def build(path):
        built.append(1)
        path.mkdir()

    threads = [threading.Thread(target=build_once, args=(tmp_path / "thing", build)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_a_failing_command_names_its_log(tmp_path):
    log = tmp_path / "a.log"
    with pytest.raises(ToolError) as caught:
        run_logged(["sh", "-c", "echo fatal error: no such thing; exit 3"], log)
    assert "exit code 3" in str(caught.value) and "no such thing" in str(caught.value) and str(log) in str(caught.value)
    with pytest.raises(ToolError, match="cannot run"):
        run_logged(["/no/such/program"], log)


def test_missing_packages_are_named_to_a_user(monkeypatch):
    from host_tools.emulators import micropython_source

    monkeypatch.setattr(micropython_source.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(micropython_source.shutil, "which", lambda name: name)
    monkeypatch.setattr(micropython_source, "_installed", lambda name: name != "cmake")
    with pytest.raises(ToolError, match="(?s)missing: cmake.*sudo apt-get install -y --no-install-recommends cmake"):
        need_packages("cmake", "make")


def test_the_mirror_is_the_machines_own(tmp_path):
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "other.list").write_text("deb [arch=amd64] https://other.example/apt bookworm-tools main\n")
    assert find_mirror(tmp_path, "bookworm") is None
    (tmp_path / "sources.list").write_text(
        "# deb http://off.example bookworm main\n"
        "deb [arch=amd64 signed-by=/keys/a.gpg] http://a.example/debian bookworm contrib main\n"
    )
    mirror = find_mirror(tmp_path, "bookworm")
    assert (mirror.uri, mirror.signed_by.strip()) == ("http://a.example/debian", "/keys/a.gpg")
    (parts / "debian.sources").write_text(
        "Types: deb\nURIs: http://security.example\nSuites: bookworm-security\nComponents: main\n\n"
        "Types: deb\n# a comment\nURIs: http://b.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n -----END PGP PUBLIC KEY BLOCK-----\n"
    )
    mirror = find_mirror(tmp_path, "bookworm")
    assert mirror.uri == "http://b.example/debian" and mirror.signed_by.count("\n") == 3


def test_compile_mpy(tmp_path):
    source = tmp_path / "a.py"
    source.write_text("@micropython.viper\ndef f(x: int) -> int:\n    return x + 1\n")
    for arch in ("armv6m", "armv7emsp", "xtensawin", "rv32imc", "x64"):
        mpy.compile_mpy(source, arch, tmp_path / f"{arch}.mpy")
        header = (tmp_path / f"{arch}.mpy").read_bytes()[:3]
        # MicroPython, docs/reference/mpyfiles.rst: 'M', version, then sub-version in 2 bits and architecture in 4.
        assert header[:2] == b"M\x06" and header[2] & 3 == 3
        assert mpy.arch_name(header[2] >> 2) == arch
    with pytest.raises(ToolError, match="cannot compile"):
        mpy.compile_mpy(source, None, tmp_path / "none.mpy")
    source.write_text("def f(:\n")
    with pytest.raises(ToolError, match="SyntaxError"):
        mpy.compile_mpy(source, "armv6m", tmp_path / "bad.mpy")
    assert not (tmp_path / "bad.mpy").exists()
    assert mpy.arch_name(0) is None
    with pytest.raises(ToolError, match="unknown architecture"):
        mpy.arch_name(15)


def test_a_wrong_unix_port_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("FXNN_MICROPYTHON", "/no/such/micropython")
    with pytest.raises(ToolError, match="FXNN_MICROPYTHON=/no/such/micropython will not do: .*No such file"):
        unix_micropython()
    old = tmp_path / "micropython"
    old.write_text("#!/bin/sh\necho micropython 2 1 20\n")
    old.chmod(0o755)
    monkeypatch.setenv("FXNN_MICROPYTHON", str(old))
    with pytest.raises(ToolError, match="it is MicroPython 1.20"):
        unix_micropython()


def test_the_unix_port_runs_viper(tmp_path):
    program = unix_micropython()
    code = "@micropython.viper\ndef f(p: ptr8) -> int:\n    return p[1] << 33\nprint(f(b'ab'))\n"
    result = subprocess.run([program, "-c", code], capture_output=True, text=True, timeout=30)
    assert result.stdout == f"{ord('b') << 33}\n", result.stderr
