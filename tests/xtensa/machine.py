"""Runs the native functions of a shipped .mpy on qemu-system-xtensa, with a runtime just large enough for viper.

The core is de233_fpu, which has every integer option of the ESP32's LX6 but MULSH and MULUH. Those trap: a handler
computes what MULSH would have (its own arithmetic is tested against Python's) and the shipped bytes run unchanged.
Instructions are counted exactly, by CCOUNT under -icount: one takes 64 ns, a count 25 ns. The handler's are taken off.

The runtime is MicroPython's as viper code sees it: function objects, a module context, and mp_fun_table with those
entries that the kernels call (py/nativeglue.c). An entry that would allocate, or that is not here, ends the run.
"""

from __future__ import annotations

import ast
import struct
import subprocess
import tempfile
from pathlib import Path

from host_tools.assembler.xtensa.expand import Code
from host_tools.emulators import qemu
from host_tools.package import mpy

TARGET = "qemu-xtensa"
EXTRA: list[str] = []  # more arguments, for debugging: ["-d", "int", "-D", "log"]
# As on a board: 4 MB from here are an ESP32's PSRAM; its own RAM ends at 0x3FFFFFFF. Such addresses are small ints,
# their doubles are not.
BASE = 0x3F800000
_RESET = 0xFE000000
_VECTORS = (0x300, 0x340)  # kernel and user exception of this core, from VECBASE
_STACK = 0x10000


def available() -> str | None:
    """None, or why these tests cannot run here."""
    return qemu.why_not(TARGET) or None


def code(text: str, origin: int = 0) -> bytes:
    """Machine code of the assembler's syntax, an instruction a line."""
    made = Code(origin)
    for statement in ast.parse(text).body:
        call = statement.value
        made.emit(call.func.id, [a.id if isinstance(a, ast.Name) else eval(ast.unparse(a)) for a in call.args])
    return made.link()


# In memory at EXCSAVE2: a0 to a15, then the number of traps. The exception is taken with PS.EXCM set: no interrupts.
HANDLER = """\
wsr_excsave1(a2)
rsr_excsave2(a2)
s32i(a0, a2, 0)
s32i(a1, a2, 4)
s32i(a3, a2, 12)
s32i(a4, a2, 16)
s32i(a5, a2, 20)
s32i(a6, a2, 24)
s32i(a7, a2, 28)
s32i(a8, a2, 32)
s32i(a9, a2, 36)
s32i(a10, a2, 40)
s32i(a11, a2, 44)
s32i(a12, a2, 48)
s32i(a13, a2, 52)
s32i(a14, a2, 56)
s32i(a15, a2, 60)
rsr_excsave1(a0)
s32i(a0, a2, 8)
l32i(a0, a2, 64)
addi(a0, a0, 1)
s32i(a0, a2, 64)
rsr_epc1(a3)
l8ui(a4, a3, 0)
l8ui(a5, a3, 1)
l8ui(a6, a3, 2)
addi(a3, a3, 3)
wsr_epc1(a3)
addmi(a6, a6, -256)
addi(a6, a6, 0x4E)
bnez(a6, OTHER)
extui(a6, a4, 0, 4)
bnez(a6, OTHER)
srli(a6, a4, 4)
addx4(a6, a6, a2)
l32i(a6, a6, 0)
extui(a7, a5, 0, 4)
addx4(a7, a7, a2)
l32i(a7, a7, 0)
srli(a5, a5, 4)
addx4(a5, a5, a2)
extui(a8, a6, 0, 16)
extui(a9, a7, 0, 16)
srai(a10, a6, 16)
srai(a11, a7, 16)
mull(a12, a8, a9)
mull(a13, a10, a9)
mull(a14, a8, a11)
mull(a15, a10, a11)
extui(a12, a12, 16, 16)
add(a13, a13, a12)
srai(a12, a13, 16)
add(a15, a15, a12)
extui(a13, a13, 0, 16)
add(a14, a14, a13)
srai(a14, a14, 16)
add(a15, a15, a14)
s32i(a15, a5, 0)
l32i(a0, a2, 0)
l32i(a3, a2, 12)
l32i(a4, a2, 16)
l32i(a5, a2, 20)
l32i(a6, a2, 24)
l32i(a7, a2, 28)
l32i(a8, a2, 32)
l32i(a9, a2, 36)
l32i(a10, a2, 40)
l32i(a11, a2, 44)
l32i(a12, a2, 48)
l32i(a13, a2, 52)
l32i(a14, a2, 56)
l32i(a15, a2, 60)
l32i(a1, a2, 4)
l32i(a2, a2, 8)
rfe()
label(OTHER)
movi(a2, 1)
movi(a3, 77)
simcall()
"""
# Registers of callers to and from the stack: this core has 32, the ESP32's 64. From VECBASE, the Xtensa manual's own.
_WINDOWS = {
    0x80: "s32e(a0, a9, -16)\nl32e(a0, a1, -12)\ns32e(a1, a9, -12)\ns32e(a2, a9, -8)\ns32e(a3, a9, -4)\ns32e(a4, a0, -32)\n"
    "s32e(a5, a0, -28)\ns32e(a6, a0, -24)\ns32e(a7, a0, -20)\nrfwo()\n",
    0xC0: "l32e(a0, a9, -16)\nl32e(a1, a9, -12)\nl32e(a2, a9, -8)\nl32e(a7, a1, -12)\nl32e(a3, a9, -4)\nl32e(a4, a7, -32)\n"
    "l32e(a5, a7, -28)\nl32e(a6, a7, -24)\nl32e(a7, a7, -20)\nrfwu()\n",
}
# A trap takes the instruction itself, the jump at the vector, and these.
_HANDLER_LENGTH = HANDLER.split("label(OTHER)")[0].count("\n")
_ERRORS = {77: "an instruction that this core lacks, or a bad address", 98: "an int that is no small int: it would be allocated",
           99: "an entry of mp_fun_table that is not here"}  # fmt: skip
_EXIT = "movi(a2, 1)\nmovi(a3, %d)\nsimcall()\n"
_FUNCTIONS = {  # entries of mp_fun_table
    3: "srai(a2, a2, 1)\n",  # from_obj: addresses travel as small ints
    # to_obj; what is no small int would be a new object
    4: "add(a4, a2, a2)\nsrai(a5, a4, 1)\nbeq(a5, a2, FITS)\n" + _EXIT % 98 + "label(FITS)\naddi(a2, a4, 1)\n",
    5: "",  # swap_globals
    7: "l32i(a3, a1, 16)\n",  # load_global, completed below
    27: "l32i(a8, a2, 12)\nmov(a10, a2)\nmov(a11, a3)\nmovi(a12, 0)\nmov(a13, a4)\ncallx8(a8)\nmov(a2, a10)\n",  # call
    32: "movi(a2, 0)\n",  # nlr_push_tail
    33: "",  # nlr_pop
    44: "",  # arg_check_num
    49: "movi(a2, 0)\n",  # setjmp
}


class Machine:
    """A memory image in the making. Addresses are absolute."""

    def __init__(self, base: int = BASE):
        self.base = base
        self.image = bytearray(_STACK)  # vectors, literals and start code below, the stack above
        self.literals: dict[int, int] = {}
        self.save = self.alloc(bytes(80))
        vectors = code(HANDLER)
        self.handler = self.alloc(vectors)
        for vector in _VECTORS:
            jump = Code()
            jump.put((self.handler - (base + vector) - 4 & 0x3FFFF) << 6 | 6)
            self._write(base + vector, bytes(jump.data))
        for vector, text in _WINDOWS.items():
            self._write(base + vector, code(text))
        self._write(base + _STACK - 64 - 12, struct.pack("<I", base + _STACK - 16))
        self.globals = self.alloc(bytes(4 * 256 * 8))  # 256 names a module
        self.modules = 0
        self.table = self._fun_table()

    def _write(self, address: int, data: bytes) -> None:
        self.image[address - self.base : address - self.base + len(data)] = data

    def alloc(self, data: bytes, align: int = 16) -> int:
        """The address of a copy of `data`."""
        self.image += bytes(-len(self.image) % align)
        self.image += data
        return self.base + len(self.image) - len(data)

    def _function(self, body: str) -> int:
        return self.alloc(code("entry(a1, 48)\n" + body + "retw()\n") + bytes(4))

    def _fun_table(self) -> int:
        bad = self._function(_EXIT % 99)
        entries = [bad] * 96
        for index, body in _FUNCTIONS.items():
            if index == 7:  # the table of globals lies at EXCSAVE2 + 68
                body = "rsr_excsave2(a3)\nl32i(a3, a3, 68)\naddx4(a3, a2, a3)\nl32i(a2, a3, 0)\n"
            entries[index] = self._function(body)
        self._write(self.save + 68, struct.pack("<I", self.globals))
        return self.alloc(struct.pack("<96I", *entries))

    def load(self, data: bytes) -> dict[str, int]:
        """Puts a .mpy's functions into memory; name -> address of the function object."""
        strings = mpy.read_strings(data)
        main = mpy.read_functions(data)
        objects = self.alloc(struct.pack("<I", self.table))
        names = self.alloc(struct.pack("<256H", *range(256 * self.modules, 256 * self.modules + 256)))
        context = self.alloc(struct.pack("<IIII", 0, 0, names, objects))
        found = {}
        for index, child in enumerate(main.children):
            # MAKE_FUNCTION index, STORE_NAME name (py/bc0.h)
            stores = [
                i
                for i in range(len(main.code) - 3)
                if main.code[i] == 0x32 and main.code[i + 1] == index and main.code[i + 2] == 0x16
            ]
            if child.kind == mpy.VIPER and stores:
                number = main.code[stores[0] + 3]
                entry = self.alloc(child.code + bytes(8))
                found[strings[number]] = self.alloc(struct.pack("<IIII", 0, context, 0, entry))
                self._write(self.globals + 4 * (256 * self.modules + number), struct.pack("<I", found[strings[number]]))
        self.modules += 1
        return found

    def run(self, calls, read=(), timeout: float = 120) -> tuple[list[int], list[int], list[bytes]]:
        """Calls function objects with small ints: (function, *ints). Returns what each returned, how many instructions
        each took, and the bytes at `read`: (address, size)."""
        arrays = [
            self.alloc(struct.pack(f"<{len(args)}I", *((a << 1 | 1) & 0xFFFFFFFF for a in args))) for _, *args in calls
        ]
        results = self.alloc(bytes(12 * len(calls)))
        start = self.base + 0x4000
        made = Code()

        def literal(register: int, value: int) -> None:
            if value not in self.literals:
                self.literals[value] = self.base + 0x800 + 4 * len(self.literals)
                assert self.literals[value] < start
                self._write(self.literals[value], struct.pack("<I", value & 0xFFFFFFFF))
            at = start + len(made.data)
            made.put((self.literals[value] - (at + 3 & ~3) >> 2 & 0xFFFF) << 8 | register << 4 | 1)

        def do(text: str) -> None:
            for line in text.split("; "):
                call = ast.parse(line).body[0].value
                made.emit(call.func.id, [a.id if isinstance(a, ast.Name) else eval(ast.unparse(a)) for a in call.args])

        do(
            "movi(a2, 0); wsr_windowbase(a2); rsync(); movi(a2, 1); wsr_windowstart(a2); rsync(); movi(a2, 0); wsr_lcount(a2)"
        )
        literal(2, 0x4000F)  # WOE, interrupts off
        do("wsr_ps(a2); rsync(); isync()")
        literal(2, self.base)
        do("wsr_vecbase(a2)")
        literal(2, self.save)
        do("wsr_excsave2(a2)")
        literal(1, self.base + _STACK - 64)
        for i, (function, *args) in enumerate(calls):
            entry = struct.unpack_from("<I", self.image, function - self.base + 12)[0]
            literal(8, entry), literal(10, function), literal(13, arrays[i])
            do(f"movi(a11, {len(args)}); movi(a12, 0); rsr_ccount(a4); callx8(a8); rsr_ccount(a5); sub(a5, a5, a4)")
            literal(3, results + 12 * i), literal(6, self.save)
            do("l32i(a6, a6, 64); s32i(a10, a3, 0); s32i(a5, a3, 4); s32i(a6, a3, 8)")
        for address, size in [(results, 12 * len(calls)), *read]:
            do("movi(a2, 4); movi(a3, 1)")
            literal(4, address), literal(5, size)
            do("simcall()")
        do("movi(a2, 1); movi(a3, 0); simcall()")
        assert len(made.data) < _STACK - 0x8000 - 0x4000 + 0x4000
        self._write(start, bytes(made.data))
        out = self._qemu(start, timeout)
        found = struct.unpack_from(f"<{3 * len(calls)}i", out)
        traps = [b - a for a, b in zip((0, *found[2::3]), found[2::3])]
        counts = [round(n * 25 / 64) - t * (_HANDLER_LENGTH + 1) for n, t in zip(found[1::3], traps)]
        at, buffers = 12 * len(calls), []
        for _, size in read:
            buffers.append(out[at : at + size])
            at += size
        return list(found[0::3]), counts, buffers

    def _qemu(self, start: int, timeout: float) -> bytes:
        # reset vector: j over a literal; l32r a2, literal; jx a2
        reset = (0x06 | 4 << 6).to_bytes(3, "little") + b"\0" + struct.pack("<I", start)
        reset += ((-1 & 0xFFFF) << 8 | 2 << 4 | 1).to_bytes(3, "little") + (0x0000A0 | 2 << 8).to_bytes(3, "little")
        assert self.base + len(self.image) < 1 << 30
        elf = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 94, 1, start, 52, 0, 0, 52, 32, 2, 0, 0, 0)
        elf += struct.pack("<IIIIIIII", 1, 0x1000, self.base, self.base, len(self.image), len(self.image), 7, 0x1000)
        elf += struct.pack("<IIIIIIII", 1, 0x800, _RESET, _RESET, len(reset), len(reset), 7, 4)
        elf = (elf.ljust(0x800, b"\0") + reset).ljust(0x1000, b"\0") + bytes(self.image)
        with tempfile.TemporaryDirectory(prefix="fxnn-") as folder:
            path = Path(folder, "image.elf")
            path.write_bytes(elf)
            megabytes = (self.base + len(self.image) >> 20) + 2
            command = [*qemu.command(TARGET), "-m", str(megabytes), *EXTRA, "-kernel", str(path)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        if done.returncode:
            raise RuntimeError(
                _ERRORS.get(done.returncode, f"qemu ended with {done.returncode}: {done.stderr[-300:]!r}")
            )
        return done.stdout
