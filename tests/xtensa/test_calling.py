"""How assembler is called, in a real MicroPython: viper code calls a function of viper kind that was assembler, with an address / 4.

No MicroPython for Xtensa can be built from packages. The calling form is the interpreter's (py/objfun.c fun_viper_call,
py/nativeglue.c), the same for every architecture: here it runs on RISC-V, whose RAM at 0x80000000 makes every address
a big int if it ever becomes one.
"""

import pytest

from host_tools.emulators import qemu_rv32
from host_tools.package import mpy

SOURCE = """\
import micropython

@micropython.asm_rv32
def kernel(a0, a1, a2, a3):
    lw(a4, 0(a3))
    addi(a4, a4, -1)
    add(a4, a4, a4)
    lw(a5, 0(a4))
    add(a5, a5, a5)
    sw(a5, 4(a4))
    li(a0, 1)

@micropython.viper
def call(record: ptr8, arena: ptr8, constants: ptr8):
    state = ptr32(arena)
    state[0] = int(record[0]) + int(constants[0])
    kernel(int(state) >> 2)
"""
SCRIPT = """\
import sys
sys.path.insert(0, 'lib')
import micropython, m
arena = bytearray(8)
record = b'\\x05'
constants = memoryview(b'\\x07')
micropython.heap_lock()
m.call(record, arena, constants)
before = micropython.heap_locked() if hasattr(micropython, 'heap_locked') else 1
micropython.heap_unlock()
print(bytes(arena), type(m.kernel), before)
"""


@pytest.mark.skipif(bool(qemu_rv32.why_not()), reason=qemu_rv32.why_not() or "-")
def test_viper_calls_what_was_assembler_without_allocating(tmp_path):
    (tmp_path / "m.py").write_text(SOURCE)
    mpy.compile_mpy(tmp_path / "m.py", "rv32imc", tmp_path / "m.mpy")
    data = (tmp_path / "m.mpy").read_bytes()
    assert mpy.ASSEMBLER in [f.kind for f in mpy.read_functions(data).all()]
    printed = qemu_rv32.run_script({"lib/m.mpy": mpy.viper_kinds(data)}, SCRIPT)
    assert printed.startswith(repr(bytes([12, 0, 0, 0, 24, 0, 0, 0]))), printed
