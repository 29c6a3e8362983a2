"""The emulated Pico itself: scripts, images, ports, cycle counts, and what happens when things go wrong."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from host_tools.emulators.virtual_pico import BLOCK_BYTES, BLOCKS, VirtualPico, make_image, read_image, run_script
from host_tools.errors import ToolError

pytestmark = pytest.mark.pico

# SysTick (ARMv6-M Architecture Reference Manual B3.3) counts the CPU's clock down: the same on a real board.
# 24 bits: up to 16.7 million cycles. The count includes the call, the same for the same function.
CYCLES = """
import machine
@micropython.viper
def cycles(f) -> int:
    systick = ptr32(0xE000E010)
    systick[1] = 0xFFFFFF
    systick[2] = 0
    systick[0] = 5
    start = int(systick[2])
    f()
    return (start - int(systick[2])) & 0xFFFFFF
def count(f):
    irqs = machine.disable_irq()
    n = cycles(f)
    machine.enable_irq(irqs)
    return n
"""


def mpremote(pico, *arguments, timeout_s=120):
    command = [sys.executable, "-m", "mpremote", "connect", pico.port, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_script_sees_its_files_and_its_output_comes_back():
    lines = []
    script = "import os\nprint(sorted(os.listdir('lib')))\nprint(sum(open('lib/b.bin', 'rb').read()))\n"
    script += "print('ü', end='')"
    files = {"lib/a.txt": b"x", "/lib/b.bin": bytes(range(256)) * 40}
    printed = run_script(files, script, 60, lines.append)
    assert printed == "['a.txt', 'b.bin']\n1305600\nü"
    assert lines == ["['a.txt', 'b.bin']", "1305600", "ü"]


def test_stock_boot_keeps_our_image():
    # _boot.py reformats what it cannot mount; statvfs shows the geometry that it mounted.
    printed = run_script({"keep": b"me"}, "import os\nprint(os.statvfs('/')[:3], open('keep').read())", 60)
    assert printed == f"{(BLOCK_BYTES, BLOCK_BYTES, BLOCKS)} me\n"


def test_changed_files_come_back():
    changed = {}
    script = "with open('new', 'wb') as f: f.write(bytes(range(256)) * 80)\nwith open('b', 'w') as f: f.write('B')"
    run_script({"a": b"a", "b": b"b"}, script, 60, changed=changed)
    assert changed == {"new": bytes(range(256)) * 80, "b": b"B"}


def test_much_output():
    assert run_script({}, "for i in range(400): print('%098d' % i)", 60).splitlines() == [
        f"{i:098d}" for i in range(400)
    ]


def test_main_py_does_not_stop_a_script():
    assert run_script({"main.py": b"while True:\n    pass\n"}, "print('ran')", 60).endswith("ran\n")


def test_an_exception_is_reported_with_the_boards_traceback():
    with pytest.raises(ToolError) as caught:
        run_script({}, "print('before')\n\ndef f():\n    return {}['key']\nf()", 60)
    assert "KeyError: key" in caught.value.what
    assert "line 4, in f" in caught.value.why


def test_a_hung_script_is_killed():
    start = time.monotonic()
    with pytest.raises(ToolError, match="(?s)not done after 3 s.*reached"):
        run_script({}, "print('reached')\nwhile True: pass", 3)
    assert time.monotonic() - start < 15


def test_cycles_repeat_exactly():
    script = CYCLES + (
        "@micropython.asm_thumb\n"
        "def loop():\n"
        "    mov(r0, 250)\n"
        "    label(AGAIN)\n"
        "    sub(r0, 1)\n"
        "    bne(AGAIN)\n"
        "@micropython.asm_thumb\n"
        "def nothing():\n"
        "    mov(r0, 250)\n"
        "print([count(loop) - count(nothing) for _ in range(3)])\n"
    )
    # Cortex-M0+ Technical Reference Manual 3.3: subs 1, bne taken 2, not taken 1.
    assert run_script({}, script, 60) == f"{[250 * 3 - 1] * 3}\n"


def test_ticks_follow_the_cycles():
    script = (
        "@micropython.asm_thumb\n"
        "def spin(r0):\n"
        "    label(AGAIN)\n"
        "    sub(r0, 1)\n"
        "    bne(AGAIN)\n"
        "import time, machine\n"
        "start = time.ticks_us()\n"
        "spin(250_000)\n"
        "print(machine.freq(), time.ticks_diff(time.ticks_us(), start))\n"
    )
    freq, us = map(int, run_script({}, script, 60).split())
    # 750,000 cycles, 8 ns each, and the calls around them.
    assert freq == 125_000_000 and 6_000 <= us < 6_200


def test_images(tmp_path):
    path = tmp_path / "a.img"
    files = {"empty": b"", "a/b/c.txt": b"deep", "big.bin": os.urandom(100_000)}
    make_image(files, path)
    assert path.stat().st_size == BLOCKS * BLOCK_BYTES
    assert read_image(path) == files
    with pytest.raises(ToolError, match="cannot put big"):
        make_image({"big": bytes(BLOCKS * BLOCK_BYTES)}, path)
    with pytest.raises(ToolError, match="no filesystem image"):
        read_image(tmp_path / "missing")
    path.write_bytes(b"short")
    with pytest.raises(ToolError, match="is not a Pico's filesystem"):
        read_image(path)
    path.write_bytes(b"\xff" * BLOCKS * BLOCK_BYTES)
    with pytest.raises(ToolError, match="holds no filesystem"):
        read_image(path)


def test_a_port_for_mpremote_and_a_flash_that_stays(tmp_path):
    image, file = tmp_path / "pico.img", tmp_path / "hello.txt"
    file.write_bytes(b"hello\n" * 100)
    with VirtualPico(image) as pico:
        assert mpremote(pico, "exec", "print(6 * 7)").strip() == "42"
        mpremote(pico, "fs", "cp", str(file), ":hello.txt")
        with pytest.raises(ToolError, match="busy"):
            with VirtualPico(image):
                pass
        process = pico.process
    assert process.returncode == 0 and pico.port == ""
    assert read_image(image) == {"hello.txt": b"hello\n" * 100}
    with VirtualPico(image) as pico:  # unlocked again, and the file is still there
        assert "hello.txt" in mpremote(pico, "fs", "ls")


def test_the_board_survives_a_reset(tmp_path):
    with VirtualPico(tmp_path / "pico.img", tcp=True) as pico:
        assert pico.port.startswith("socket://127.0.0.1:")
        mpremote(pico, "exec", "with open('kept', 'w') as f: f.write('yes')")
        mpremote(pico, "reset")
        time.sleep(1)
        assert mpremote(pico, "exec", "print(open('kept').read())").strip() == "yes"


def test_an_exception_on_the_host_stops_the_board(tmp_path):
    with pytest.raises(ZeroDivisionError):
        with VirtualPico(tmp_path / "pico.img") as pico:
            process = pico.process
            raise ZeroDivisionError
    assert process.poll() is not None


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


_SERVING = """
import sys, time
from host_tools.emulators.virtual_pico import VirtualPico
with VirtualPico(sys.argv[1]):
    time.sleep(60)
"""
_RUNNING = """
from host_tools.emulators.virtual_pico import run_script
run_script({}, "while True: pass", 60)
"""


def emulators_of(pid: int) -> list[int]:
    """The emulators that a process has started."""
    return [p.pid for p in psutil.Process(pid).children() if "host_tools.emulators.emulator" in p.cmdline()]


@pytest.mark.parametrize("program", [_SERVING, _RUNNING], ids=["serve", "run"])
def test_nothing_is_left_when_the_program_is_killed(tmp_path, program):
    with subprocess.Popen([sys.executable, "-c", program, tmp_path / "pico.img"]) as killed:
        deadline = time.monotonic() + 60
        while not (emulators := emulators_of(killed.pid)):
            assert time.monotonic() < deadline, "no emulator was started"
            time.sleep(0.1)
        time.sleep(2)  # the script is running by then
        killed.kill()
    for emulator in emulators:
        assert gone(emulator, 20), f"the emulator {emulator} is still there"


def test_wrong_images_and_firmware_are_refused(tmp_path):
    image = tmp_path / "pico.img"
    image.write_bytes(b"x")
    with pytest.raises(ToolError, match="is not a Pico's filesystem"):
        with VirtualPico(image):
            pass
    with pytest.raises(ToolError, match="no firmware at"):
        with VirtualPico(tmp_path / "b.img", firmware=tmp_path / "missing.uf2"):
            pass
    with pytest.raises(ToolError, match="is not a UF2 file"):
        run_script({}, "", 10, firmware=image)
