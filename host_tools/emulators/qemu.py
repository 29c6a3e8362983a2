"""How each target starts QEMU: its options, chosen by what the QEMU at hand says of itself, 7.2 to 11.1 and later.

QEMU is asked, not its version number: releases rename options (-singlestep became -accel tcg,one-insn-per-tb=on) and
give the CPU rv32 further extensions, some of which do not start without those that are taken from it here.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ToolError

# All that the CPU rv32 of some release has beyond rv32imac and its control registers: taken off where it is offered,
# so that what only a larger core knows traps. Zfa, on from 8.1, needs F: left on, QEMU does not start.
_BEYOND_IMAC = ("f", "d", "zfa", "zawrs", "zba", "zbb", "zbc", "zbs", "zicbom", "zicbop", "zicboz")
_QMP = [{"execute": "qmp_capabilities"},
        {"execute": "device-list-properties", "arguments": {"typename": "rv32-riscv-cpu"}},
        {"execute": "quit"}]  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What a QEMU says of itself."""

    version: str  # -version
    cpus: str  # -cpu help
    help: str  # -help
    properties: frozenset[str] = frozenset()  # that its CPU rv32 has; none where it has no such CPU

    @property
    def release(self) -> str:
        """As in "10.0.13"."""
        found = re.search(r"version (\d+(?:\.\d+)+)", self.version)
        return found[1] if found else "of an unknown version"


@dataclass(frozen=True)
class _Target:
    """program: of QEMU's. cpu: its name. rest: options that all releases have. more: those that depend on the QEMU."""

    program: str
    cpu: str
    rest: tuple[str, ...]
    more: Callable[[Said], list[str] | None]  # None: what it is for cannot be had of this QEMU
    needs: str  # what `more` is for


def _rv32imac(said: Said) -> list[str] | None:
    if not said.properties:
        return None
    return ["-cpu", ",".join(["rv32", *(f"{name}=off" for name in _BEYOND_IMAC if name in said.properties)])]


def _one_instruction_a_block(said: Said) -> list[str] | None:
    """CCOUNT is exact only so: else it stands still within a block of translated code."""
    if "one-insn-per-tb" in said.help:
        return ["-cpu", "de233_fpu", "-accel", "tcg,one-insn-per-tb=on"]
    if re.search(r"^-singlestep\b", said.help, re.MULTILINE):
        return ["-cpu", "de233_fpu", "-singlestep"]
    return None


# -icount: instructions are counted exactly, and nothing depends on the load.
_TARGETS = {
    "qemu-rv32": _Target(
        "qemu-system-riscv32", "rv32",
        ("-machine", "virt", "-m", "128M", "-nographic", "-monitor", "none", "-serial", "stdio", "-bios", "none",
         "-semihosting", "-icount", "shift=0,sleep=off"),
        _rv32imac, "a list of the CPU's extensions",
    ),
    "qemu-xtensa": _Target(
        "qemu-system-xtensa", "de233_fpu",
        ("-machine", "sim", "-nographic", "-monitor", "none", "-serial", "none", "-semihosting", "-icount", "shift=6"),
        _one_instruction_a_block, "one instruction a block (-accel tcg,one-insn-per-tb=on)",
    ),
}  # fmt: skip


def options(target: str, said: Said) -> list[str]:
    """The options of target "qemu-rv32" or "qemu-xtensa" for the QEMU that said this. Raises ToolError with its lacks."""
    lacking = lacks(target, said)
    if lacking:
        raise ToolError(
            f"{target}: QEMU {said.release} lacks {', '.join(lacking)}",
            fix="install QEMU 7.2 or newer, or name a folder with another one in FXNN_QEMU",
        )
    known = _TARGETS[target]
    return [*known.rest, *(known.more(said) or ())]  # lacks() has seen that there is something


def lacks(target: str, said: Said) -> list[str]:
    """What the target needs and the QEMU that said this does not offer; empty if it runs it."""
    known = _TARGETS[target]
    lacking = [] if known.cpu in said.cpus.split() else [f"the CPU {known.cpu}"]
    if not re.search(r"^-icount\b", said.help, re.MULTILINE):
        lacking.append("-icount")
    if not lacking and known.more(said) is None:
        lacking.append(known.needs)
    return lacking


def program_of(target: str) -> str | None:
    """The path of QEMU's program for the target: in the folder $FXNN_QEMU if that is set, else on PATH; None: nowhere."""
    return shutil.which(_TARGETS[target].program, path=os.environ.get("FXNN_QEMU") or None)


def why_not(target: str) -> str:
    """Why there is no QEMU for the target here, one line; empty if there is one."""
    if program_of(target):
        return ""
    folder = os.environ.get("FXNN_QEMU")
    where = f"in {folder} (FXNN_QEMU)" if folder else "installed (Debian: qemu-system-misc)"
    return f"{_TARGETS[target].program} is not {where}"


def command(target: str) -> list[str]:
    """The program and its options, to which the caller adds what it runs. Raises ToolError."""
    program = program_of(target)
    if not program:
        raise ToolError(f"{target}: {why_not(target)}")
    return [program, *options(target, ask(program))]


def release(target: str) -> str:
    """The release of the QEMU that `command` starts, as in "10.0.13"."""
    program = program_of(target)
    return ask(program).release if program else "not here"


def about(target: str) -> str:
    """Which QEMU the target found and what it lacks, one line."""
    program = program_of(target)
    if not program:
        return why_not(target)
    said = ask(program)
    lacking = lacks(target, said)
    return f"QEMU {said.release} ({program}), " + (f"lacks {', '.join(lacking)}" if lacking else "lacks nothing")


@functools.cache
def ask(program: str) -> Said:
    """What the program says of itself, in a tenth of a second. Raises ToolError if it does not run."""
    cpus = _output([program, "-cpu", "help"])
    properties: frozenset[str] = frozenset()
    if "rv32" in cpus.split():
        typed = "".join(json.dumps(line) + "\n" for line in _QMP)
        replies = _output([program, "-machine", "none", "-nodefaults", "-display", "none", "-qmp", "stdio"], typed)
        properties = property_names(replies)
    return Said(_output([program, "-version"]), cpus, _output([program, "-help"]), properties)


def property_names(replies: str) -> frozenset[str]:
    """The names in QMP's answer to device-list-properties, a JSON object a line among others."""
    for line in replies.splitlines():
        try:
            found = json.loads(line).get("return")
        except (ValueError, AttributeError):
            continue
        if isinstance(found, list):
            return frozenset(item["name"] for item in found)
    return frozenset()


def _output(arguments: list[str], typed: str = "") -> str:
    try:
        done = subprocess.run(arguments, input=typed, capture_output=True, text=True, errors="replace", timeout=60)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise ToolError(f"cannot run {arguments[0]}", getattr(e, "strerror", None) or str(e)) from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ToolError(f"{' '.join(arguments[:2])} failed", said[-1] if said else f"exit code {done.returncode}")
    return done.stdout
