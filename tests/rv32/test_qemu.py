"""The emulated 32-bit RISC-V: its console, and the portable package on it against the oracle."""

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.emulators.qemu_rv32 import run_script, why_not
from host_tools.errors import ToolError
from tests import draw
from tests.helpers import batch, runners

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


def test_script_files_and_traceback():
    seen = []
    script = """\
import sys, other
print(sys.implementation._mpy >> 10 & 15, open('data.bin', 'rb').read())
print('no newline at the end', end='')
raise OSError(5)
"""
    printed = run_script({"lib/other.py": b"print('imported')\n", "data.bin": b"two\nlines"}, script, 60, seen.append)
    assert printed.splitlines()[:3] == ["imported", "11 b'two\\nlines'", "no newline at the end"]
    assert printed.endswith("OSError: [Errno 5] EIO\n")
    assert "".join(line + "\n" for line in seen) == printed


def test_instructions_are_counted_exactly():
    script = """\
import time
def count(n):
    start = time.ticks_us()
    for _ in range(n):
        pass
    return time.ticks_diff(time.ticks_us(), start)
a, b, c = count(100), count(200), count(300)
print(b - a == c - b, a > 100)
print(time.ticks_diff(-0x7FFFFFFB, 0x7FFFFFFB))
"""
    assert run_script({}, script) == "True True\n10\n"


def test_a_script_that_hangs_is_ended():
    with pytest.raises(ToolError, match="no result after 2 s"):
        run_script({}, "print('here')\nwhile True:\n    pass\n", 2)


def test_memory():
    """heap_lock() around invoke(), and a forgotten network gives its memory back."""
    from tests.helpers.fxnn_networks import every_kernel

    files = runners.with_parameters({**runners.package("rv32imc"), "all.fxnn": every_kernel()}, ROUNDS=8)
    printed = run_script(files, runners.source("memory.py"), 120)
    assert printed.endswith("ok\n"), printed


@pytest.mark.parametrize("op", ["conv_2d", "depthwise_conv_2d", "fully_connected", "add", "softmax", "mean"])
def test_viper_on_a_32_bit_machine(op):
    cases = [(c, convert.convert_bytes(c.tflite, c.name, selftest=0)) for c in draw.generate(op, 12, 7)]
    got = batch.run_qemu_rv32([(model, c.inputs) for c, model in cases], "viper")
    for (case, _), answer in zip(cases, got):
        assert answer == b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs), str(case)


def test_bytes_in_assembler():
    """lut and copy in real MicroPython, called as viper functions are."""
    cases = [c for op in ("tanh", "pad", "strided_slice", "concatenation") for c in draw.generate(op, 6, 7)]
    got = batch.run_qemu_rv32(
        [(convert.convert_bytes(c.tflite, c.name, selftest=0, board="esp32c3"), c.inputs) for c in cases], "rv32"
    )
    for case, answer in zip(cases, got):
        assert answer == b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs), str(case)
