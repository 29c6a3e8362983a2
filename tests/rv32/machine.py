"""Runs one rv32 kernel's machine code under unicorn, called as MicroPython calls it, in memory where every byte has an owner."""

from __future__ import annotations

import functools
import struct
import tempfile
from pathlib import Path

import unicorn
from unicorn import riscv_const as rv

from host_tools.fileformat import extents, packed
from host_tools.package import mpy
from host_tools.record import CONV, view

ROOT = Path(__file__).parents[2]
FILES = {
    "conv_2d": "rv32/conv.py",
    "depthwise_conv_2d": "rv32/depthwise.py",
    "fully_connected": "rv32/dense.py",
    "add": "rv32/elementwise.py",
    "copy": "rv32/move.py",
    "lut": "rv32/lookup.py",
}
_CODE, _STACK, _HEAP, _PAGE = 0x10000000, 0x18000000, 0x20000000, 4096
_RETURN = _CODE + 0x10000
REGISTERS = [getattr(rv, f"UC_RISCV_REG_X{i}") for i in range(32)]
SAVED = (2, 3, 4, 8, 9, *range(18, 28))  # sp, gp, tp, s0 to s11


@functools.cache
def code(name: str) -> bytes:
    """A kernel file's only function, from its .mpy."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.mpy")
        mpy.compile_mpy(ROOT / "device" / "fxnn" / name, "rv32imc", out)
        (function,) = [f for f in mpy.read_functions(out.read_bytes()).all() if f.kind == mpy.ASSEMBLER]
    return function.code


class Machine:
    """One op of a packed network in memory of its own. `form`: how it is called, "viper" or "assembler"."""

    def __init__(self, network: packed.Packed, arena: bytes, form: str):
        (op,) = network.ops
        file = FILES["fully_connected" if op.kernel == "conv_2d" and not op.words[CONV.variant_form] else op.kernel]
        self.form = form
        self.uc = uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        uc.mem_map(_CODE, 0x20000, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        uc.mem_write(_CODE, code(file))
        uc.mem_write(_RETURN, struct.pack("<I", 0x6F))
        uc.mem_map(_STACK, 2 * _PAGE)
        uc.mem_map(_HEAP, 64 << 20)
        self.instructions = 0
        self._next = _HEAP + 64
        r = view(op.kernel, op.words)
        self.record = self._put(struct.pack("<40i", *op.words))
        self.arena = self._put(arena)
        self.constants = self._put(op.constants)
        y = network.outputs[0].bytes
        scratch = extents.scratch_bytes(op.kernel, op.words, network.fast_target)
        self.readable = [
            (self.record, 160),
            (self.constants, len(op.constants)),
            (self.arena + r.scratch_offset, scratch),
        ]
        self.readable += [(self.arena + t.arena_offset, t.bytes) for t in network.inputs]
        self.writable = [(self.arena + r.y_offset, y), (self.arena + r.scratch_offset, scratch)]
        stack = (_STACK, 2 * _PAGE)
        self.readable.append(stack)
        self.writable.append(stack)
        self.outside: list[str] = []
        uc.hook_add(unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, self._access)
        uc.hook_add(unicorn.UC_HOOK_BLOCK, self._block)

    def _put(self, data: bytes) -> int:
        at, self._next = self._next, (self._next + len(data) + 256) & ~63
        self.uc.mem_write(at, bytes(data))
        return at

    def _access(self, uc, kind, address, size, value, data):
        ranges = self.writable if kind == unicorn.UC_MEM_WRITE else self.readable
        if not any(at <= address and address + size <= at + n for at, n in ranges) and len(self.outside) < 5:
            verb = "writes" if kind == unicorn.UC_MEM_WRITE else "reads"
            self.outside.append(
                f"{verb} {size} bytes at arena + {address - self.arena:#x}, pc {uc.reg_read(rv.UC_RISCV_REG_PC) - _CODE:#x}"
            )
        if address % size:
            self.outside.append(f"{size} bytes at {address:#x}: not aligned")

    def _block(self, uc, address, size, data):
        at = 0
        machine_code = uc.mem_read(address, size)
        while at < size:
            at += 4 if machine_code[at] & 3 == 3 else 2
            self.instructions += 1

    def _object(self, address: int, offset: int) -> int:
        """mp_obj_array_t {type, typecode and offset, length, items}: a bytearray, or a memoryview with an offset."""
        word = 0x81 | offset << 8 if offset else 1 | 77 << 8  # of a bytearray the upper bits are spare bytes
        at = self._put(struct.pack("<4I", 0, word, 0, address - offset))
        self.readable.append((at, 16))
        return at

    def run(self) -> bytes:
        """Calls it; the arena afterwards. AssertionError for a byte touched that is not the kernel's, or a register lost."""
        uc = self.uc
        for i in range(1, 32):
            uc.reg_write(REGISTERS[i], 0xDEAD0000 + i)
        sp = _STACK + _PAGE
        uc.reg_write(REGISTERS[2], sp)
        uc.reg_write(REGISTERS[1], _RETURN)
        if self.form == "assembler":
            values = (self.record, self.arena, self.constants)
        else:
            objects = [
                self._object(self.record, 160),
                self._object(self.arena, 0),
                self._object(self.constants, 3 << 10),
            ]
            arguments = self._put(struct.pack("<3I", *objects))
            self.readable.append((arguments, 12))
            values = (self._put(bytes(16)), 3, 0, arguments)
        for i, value in enumerate(values):
            uc.reg_write(REGISTERS[10 + i], value)
        uc.emu_start(_CODE, _RETURN)
        assert not self.outside, "\n".join(self.outside)
        for i in SAVED:
            assert uc.reg_read(REGISTERS[i]) == (sp if i == 2 else 0xDEAD0000 + i), f"x{i} is not restored"
        assert uc.reg_read(REGISTERS[10]) == 1  # a small int as an object, and a number
        return bytes(uc.mem_read(self.arena, self._size(self.arena)))

    def _size(self, at: int) -> int:
        return self.constants - at
