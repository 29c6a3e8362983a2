"""`fxnn flash` and `fxnn boards`: the real esptool against a boot ROM on a TCP port, a Pico's drive as a folder, and
every refusal. On hardware: tests/board."""

import os
import random
import struct
import subprocess
import sys

import pytest

from host_tools.boards import flashing
from host_tools.errors import ToolError
from host_tools.package.boards import FLASHED
from tests.helpers.command_line import fxnn
from tests.helpers.esp_rom import EspRom

ESP = [name for name, kind in FLASHED.items() if kind.esp]


def image(board: str, size: int = 100_000) -> bytes:
    """A file that looks like MicroPython for `board`: an image header with its chip id, then text and noise."""
    header = struct.pack("<BBBBIBBBBHB", 0xE9, 3, 2, 0x20, 0x400804D8, 0xEE, 0, 0, 0, FLASHED[board].image_id, 0)
    body = b"MicroPython v1.25.0 " + (random.Random(0).randbytes(size // 2) + bytes(size // 2))
    return (header + body)[: size // 4 * 4]


@pytest.fixture
def firmware(tmp_path):
    def make(board: str):
        path = tmp_path / f"{board}.bin"
        path.write_bytes(image(board))
        return path

    return make


@pytest.mark.parametrize("board", ESP)
@pytest.mark.parametrize("erase", [False, True])
def test_esptool_writes_the_firmware(board, erase, firmware):
    path = firmware(board)
    with EspRom(board) as rom:
        rom.flash[-4096:] = b"u" * 4096  # the maker's files
        result = fxnn("flash", "--board", board, path, "--port", rom.url, *(["--erase", "--yes"] if erase else []))
        assert result.returncode == 0, result.stderr
        offset, data = FLASHED[board].flash_offset, path.read_bytes()
        written = rom.flash[offset : offset + len(data)]
        # esptool may set flash mode, size and frequency in the image's header
        assert written[8:] == data[8:]
        assert (rom.flash[-4096:] == b"u" * 4096) is not erase
        assert (0xD0 in rom.log) is erase
    assert "done" in result.stdout


@pytest.mark.parametrize("board", ESP)
def test_another_chip_is_refused_before_anything_is_written(board, firmware):
    other = ESP[(ESP.index(board) + 1) % len(ESP)]
    with EspRom(other) as rom:
        result = fxnn("flash", "--board", board, firmware(board), "--port", rom.url, "--erase", "--yes")
        assert result.returncode == 1
        assert f"is {FLASHED[other].chip}, not {FLASHED[board].chip}" in result.stderr
        assert f"--board {other}" in result.stderr
        assert not {0x02, 0x03, 0x05, 0x10, 0x11, 0xD0} & set(rom.log), "something was written"


def test_a_broken_link_is_told_with_the_way_out(firmware):
    path = firmware("esp32")
    path.write_bytes(image("esp32", 1_000_000))
    with EspRom("esp32", dies_after=2) as rom:
        result = fxnn("flash", "--board", "esp32", path, "--port", rom.url)
    assert result.returncode == 1
    assert "half written" in result.stderr and "repeat the command" in result.stderr
    assert "Traceback" not in result.stderr


def test_nothing_listens(firmware):
    result = fxnn("flash", "--board", "esp32", firmware("esp32"), "--port", "/dev/ttyNOTHING")
    assert result.returncode == 1 and "no serial port /dev/ttyNOTHING" in result.stderr


def test_dry_run_prints_esptools_own_command(firmware):
    """... and that command, run by esptool itself, does the same."""
    path = firmware("esp32s3")
    with EspRom("esp32s3") as rom:
        result = fxnn("flash", "--board", "esp32s3", path, "--port", rom.url, "--erase", "--dry-run")
        assert result.returncode == 0 and not rom.log
        command = result.stdout.splitlines()[1].split()
        assert command[0] == "esptool"
        subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, timeout=60)
        assert rom.flash[8 : path.stat().st_size] == path.read_bytes()[8:] and 0xD0 in rom.log


def test_dry_run_needs_no_board(firmware, tmp_path, uf2, monkeypatch):
    monkeypatch.setattr("host_tools.boards.find_port.usb_ports", lambda: [])
    monkeypatch.setenv("FXNN_DRIVES", "")
    monkeypatch.setattr("shutil.which", lambda _: None)
    for board in ("esp32", "esp32s3", "esp32c3"):
        ready = flashing.prepare(board, firmware(board), "auto", False, dry_run=True)
        assert f"--chip {board} --port PORT" in ready.command and f"{FLASHED[board].flash_offset:#x} " in ready.command
        with pytest.raises(ToolError, match="no board found"):
            flashing.prepare(board, firmware(board), "auto", False)
    assert flashing.prepare("pico", uf2, "auto", False, dry_run=True).command.endswith("RPI-RP2/")


def test_asks_before_erasing(firmware):
    with EspRom("esp32") as rom:
        result = fxnn("flash", "--board", "esp32", firmware("esp32"), "--port", rom.url, "--erase", input="n\n")
        assert result.returncode == 130 and not rom.log
    assert "your files too" in result.stdout


@pytest.mark.parametrize(
    "board, data, text",
    [
        ("esp32", None, "no firmware for the ESP32 given"),
        ("esp32", b"UF2\n" + bytes(508), "is a UF2 file"),
        ("esp32", bytes(70_000), "is no firmware for the ESP32"),
        ("esp32", image("esp32")[:1000], "is no firmware for the ESP32"),
        ("esp32c3", image("esp32s3"), "is for the ESP32-S3, not for the ESP32-C3"),
        ("esp32s3", image("esp32"), "is for the ESP32, not for the ESP32-S3"),
        ("esp32", image("esp32").replace(b"MicroPython", b"MicroPythos"), "is not MicroPython"),
        ("pico", image("esp32"), "is not a UF2 file"),
    ],
)
def test_refusals_of_files(board, data, text, tmp_path, monkeypatch):
    path = None
    if data is not None:
        path = tmp_path / "firmware"
        path.write_bytes(data)
    with pytest.raises(ToolError) as e:
        flashing.prepare(board, path, "/dev/ttyX", False)
    assert text in e.value.what and e.value.fix


# ---- the Pico's drive


@pytest.fixture
def uf2(tmp_path):
    from host_tools.emulators.firmware import to_uf2

    path = tmp_path / "pico.uf2"
    path.write_bytes(to_uf2(b"MicroPython v1.25.0" + bytes(5000)))
    return path


def drive(tmp_path, name: str, board_id: str):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text(f"UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: {board_id}\n")
    return folder


def test_uf2_is_copied_to_the_drive(tmp_path, uf2, monkeypatch):
    folder = drive(tmp_path, "RPI-RP2", "RPI-RP2")
    monkeypatch.setenv("FXNN_DRIVES", os.pathsep.join([str(tmp_path), str(folder)]))
    result = fxnn("flash", "--board", "pico", uf2)
    assert result.returncode == 0, result.stderr
    assert (folder / "firmware.uf2").read_bytes() == uf2.read_bytes()


@pytest.mark.parametrize(
    "ids, text",
    [
        (["RPI-RP2", "RPI-RP2"], "2 Picos are in their bootloader"),
        (["RP2350"], "is that of a board RP2350"),
        ([], "no Pico found"),
    ],
)
def test_refusals_of_drives(ids, text, tmp_path, uf2, monkeypatch):
    folders = [drive(tmp_path, f"d{i}", id) for i, id in enumerate(ids)]
    monkeypatch.setenv("FXNN_DRIVES", os.pathsep.join(map(str, folders)))
    monkeypatch.setattr("host_tools.boards.find_port.usb_ports", lambda: [])
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(ToolError, match=text):
        flashing.prepare("pico", uf2, "auto", False)


def test_a_full_drive_is_told(tmp_path, uf2, monkeypatch):
    folder = drive(tmp_path, "RPI-RP2", "RPI-RP2")
    (folder / "firmware.uf2").mkdir()
    monkeypatch.setenv("FXNN_DRIVES", str(folder))
    with pytest.raises(ToolError, match="copying to .* failed"):
        flashing.carry_out(flashing.prepare("pico", uf2, "auto", False), print)


def test_erase_is_not_for_the_pico(uf2):
    with pytest.raises(ToolError, match="--erase is for the ESP32 family"):
        flashing.prepare("pico", uf2, "auto", True)


def test_picotool_where_no_drive_is_mounted(tmp_path, uf2, monkeypatch):
    """A picotool of the test's own records how it is called."""
    tool = tmp_path / "bin" / "picotool"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FXNN_DRIVES", "")
    result = fxnn("flash", "--board", "pico", uf2)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "called").read_text().split() == ["load", "-x", str(uf2)]


# ---- boards


def test_no_board():
    result = fxnn("boards")
    if result.returncode == 1:
        assert "no board found" in result.stderr


@pytest.mark.pico
def test_boards_lists_the_emulated_one():
    import json

    result = fxnn("boards", "--port", "pico", "--json")
    assert result.returncode == 0, result.stderr
    (board,) = json.loads(result.stdout)
    assert board["facts"]["arch"] == "armv6m" and board["facts"]["free_ram_bytes"] > 150_000
    shown = fxnn("boards", "--port", "pico").stdout
    assert "Raspberry Pi Pico" in shown and "armv6m" in shown


def test_bootloader_drive_is_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("FXNN_DRIVES", str(drive(tmp_path, "RPI-RP2", "RPI-RP2")))
    result = fxnn("boards")
    assert "RP2040 in its bootloader" in result.stdout and "fxnn flash --board pico" in result.stdout
