"""What `fxnn deploy` says before it copies: full boards, busy and silent ports, firmware that will not do."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import serial

from host_tools.boards import board_facts, deploy, find_port, mpremote_board
from host_tools.boards.deploy import STAGING, Deployment
from host_tools.boards.mpremote_board import Board
from host_tools.compiler.convert import convert_bytes
from host_tools.errors import ToolError
from host_tools.package import board_files
from tests.helpers.command_line import fxnn
from tests.helpers.paths import ROOT
from tests.helpers.tflite_builder import Builder
from tests.helpers.virtual_boards import WHOLE, pico

pico_test = pytest.mark.pico


@pico_test
def test_full_flash_is_said_before_copying(tmp_path, networks):
    before = {"/big.bin": bytes(1_410_000)}
    with pico(tmp_path, before) as board:
        result = fxnn("deploy", networks.old, "--port", board.port)
        assert result.returncode == 1 and "flash is too full" in result.stderr and "are free" in result.stderr
        advised = f"connect {board.port} fs tree"
        assert advised in result.stderr
        command = [sys.executable, "-m", "mpremote", *advised.split()]
        assert "big.bin" in subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    assert board.files() == before


@pico_test
def test_flash_full_while_copying(tmp_path, networks):
    """With a leftover to be removed first it cannot be told beforehand: found while writing, and tidied up."""
    before = {"/big.bin": bytes(1_384_000), "/main.py": b"# mine"}
    with pico(tmp_path, {**before, f"{STAGING}/x": b"left over"}) as running, Board(running.port) as board:
        deployment = Deployment(board, networks.old)
        deployment.check_fits()
        with pytest.raises(ToolError, match="flash is full"):
            deployment.carry_out()
    assert running.files() == before


@pico_test
def test_too_large_for_ram_is_said_before_copying(tmp_path):
    b = Builder()
    big = tmp_path / "big.fxnn"
    big.write_bytes(convert_bytes(b.finish([b.tanh(b.input((1, 400, 400, 2), scale=0.1))]), "big", selftest=0))
    with pico(tmp_path, {}) as board:
        result = fxnn("deploy", big, "--port", board.port)
        assert result.returncode == 1 and "does not fit in the board's RAM" in result.stderr
        assert "too few" in result.stderr
    assert board.files() == {}


@pico_test
def test_a_folder_that_hides_the_package(tmp_path, networks):
    before = {"/fxnn/__init__.py": b"# mine"}
    with pico(tmp_path, before) as board:
        result = fxnn("deploy", networks.old, "--port", board.port)
        assert result.returncode == 1 and "a folder /fxnn on the board hides /lib/fxnn" in result.stderr
    assert board.files() == before


@pico_test
def test_busy_port(tmp_path, networks):
    with pico(tmp_path, {}) as board, serial.Serial(board.port, exclusive=True):
        result = fxnn("deploy", networks.old, "--port", board.port)
    assert result.returncode == 1
    assert f"serial port {board.port} is in use" in result.stderr
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in result.stderr
    assert "close the program" in result.stderr


def test_no_board(networks):
    result = fxnn("deploy", networks.old, "--port", "/dev/ttyNONE")
    assert result.returncode == 1 and "no serial port /dev/ttyNONE" in result.stderr and "seen:" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_port_with_nobody_behind_it(monkeypatch):
    monkeypatch.setattr(mpremote_board, "ANSWER_TIMEOUT_S", 1)
    ours, theirs = os.openpty()
    try:
        with pytest.raises(ToolError, match="does not answer"):
            Board(os.ttyname(theirs))
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_port_with_something_else_that_never_stops(monkeypatch):
    """A GPS receiver, say; a board that restarts over and over looks the same."""
    monkeypatch.setattr(mpremote_board, "ANSWER_TIMEOUT_S", 1)
    ours, theirs = os.openpty()
    stop = threading.Event()

    def talk():
        while not stop.wait(0.01):
            os.write(ours, b"$GPGGA,,,,,,0,,,,,,,,*66\r\n")

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        with pytest.raises(ToolError, match="does not answer"):
            Board(os.ttyname(theirs))
    finally:
        stop.set()
        talker.join()
        os.close(ours)
        os.close(theirs)


class Port(SimpleNamespace):
    def __lt__(self, other):
        return self.device < other.device


def ports(*entries):
    return lambda: [Port(device=device, vid=vid, pid=pid, product="thing") for device, vid, pid in entries]


@pytest.mark.parametrize(
    "seen, found",
    [
        ([("/dev/ttyS0", None, None), ("/dev/ttyACM0", 0x2E8A, 0x0005)], "/dev/ttyACM0"),
        ([("/dev/ttyUSB0", 0x10C4, 0xEA60), ("/dev/ttyACM0", 0x2E8A, 0x0005)], "/dev/ttyACM0"),
        ([("/dev/ttyUSB0", 0x1A86, 0x7523)], "/dev/ttyUSB0"),
        ([("/dev/ttyACM3", 0xF055, 0x9800)], "/dev/ttyACM3"),
    ],
)
def test_auto_finds_the_board(monkeypatch, seen, found):
    monkeypatch.setattr(find_port.serial.tools.list_ports, "comports", ports(*seen))
    assert find_port.find_port() == found


def test_auto_says_what_it_saw(monkeypatch):
    monkeypatch.setattr(find_port.serial.tools.list_ports, "comports", ports(("/dev/ttyS0", None, None)))
    with pytest.raises(ToolError, match="no board found: serial ports seen: none"):
        find_port.find_port()
    monkeypatch.setattr(find_port.serial.tools.list_ports, "comports", ports(("/dev/ttyACM9", 0x1234, 0x5678)))
    with pytest.raises(ToolError, match=r"seen: /dev/ttyACM9 \(1234:5678 thing\)"):
        find_port.find_port()
    two = ports(("/dev/ttyACM0", 0x2E8A, 0x0005), ("/dev/ttyACM1", 0x2E8A, 0x0005))
    monkeypatch.setattr(find_port.serial.tools.list_ports, "comports", two)
    with pytest.raises(ToolError, match="2 boards found") as e:
        find_port.find_port()
    assert "/dev/ttyACM0" in e.value.why and "/dev/ttyACM1" in e.value.why


ARMV6M = 4 << 10


@pytest.mark.parametrize(
    "name, version, mpy, expected",
    [
        ("circuitpython", (9, 2, 0), ARMV6M | 3 << 8 | 6, "runs circuitpython 9.2.0: fxnn needs MicroPython"),
        ("micropython", (1, 22, 2), ARMV6M | 2 << 8 | 6, "runs MicroPython 1.22.2: too old"),
        ("micropython", (1, 40, 0), ARMV6M | 0 << 8 | 7, "format 7.0"),
        ("micropython", (1, 40, 0), ARMV6M | 4 << 8 & 0x300 | 6, "format 6.0"),
    ],
)
def test_firmware_that_will_not_do(name, version, mpy, expected):
    with pytest.raises(ToolError, match=expected):
        board_facts.judge(name, version, mpy, "a board", 4096, 352, 350, 200_000, "/dev/ttyACM0")


def test_firmware_that_will_do():
    facts = board_facts.judge(
        "micropython", (1, 25, 0), ARMV6M | 3 << 8 | 6, "a board", 4096, 352, 350, 200_000, "PORT"
    )
    assert facts.arch == "armv6m" and str(facts) == "a board, micropython 1.25.0, armv6m"
    without = board_facts.judge("micropython", (1, 25, 0), 6, "a board", 4096, 352, 350, 200_000, "PORT")
    assert without.arch is None


def test_staged_names():
    assert deploy.staged("/lib/fxnn/ref/conv.mpy") == "/fxnn.new/fxnn/ref/conv.mpy"
    assert deploy.staged("/models/net.fxnn") == "/fxnn.new/models/net.fxnn"
    assert deploy.staged("/main.py") == "/fxnn.new/main.py"


def test_package_files_are_the_devices():
    others = {backend for backend, arch in board_files.ASSEMBLER.items() if not "armv6m".startswith(arch)}
    sources = {path.relative_to(ROOT / "device/fxnn").as_posix() for path in (ROOT / "device/fxnn").rglob("*.py")}
    wanted = {f"/lib/fxnn/{name}" for name in sources if name.partition("/")[0] not in others}
    assert {path.replace(".mpy", ".py") for path in WHOLE} == wanted
    assert all(np.frombuffer(data[:2], np.uint8).tolist() == [ord("M"), 6] for data in WHOLE.values())
