"""ARMv6-M: how asm_thumb spells an instruction, its encoding where asm_thumb lacks it, its cycles, its registers.

An instruction is (op, args). Registers are strings; loads and stores have (register, base, offset or index), ldm, stm,
push and pop a tuple of registers. Encodings: ARMv6-M Architecture Reference Manual, A6.7. Cycles: Cortex-M0+ Technical
Reference Manual, 3.3, memory without wait states.
"""

from __future__ import annotations

import re

Instruction = tuple[str, tuple]

_SPECIAL = {"sp": 13, "lr": 14, "pc": 15}
_EXTENDS = ("sxth", "sxtb", "uxth", "uxtb")
BRANCHES = ("beq", "bne", "bcs", "bcc", "bmi", "bpl", "bvs", "bvc", "bhi", "bls", "bge", "blt", "bgt", "ble")
_LOADS = ("ldr", "ldrb", "ldrh", "ldrsb", "ldrsh")
_STORES = ("str", "strb", "strh")
_TWO = ("mul", "and_", "orr", "eor", "adc", "sbc", "bic", "neg", "mvn", "tst")  # both registers low

# Operands an immediate may be: (most, multiple of)
_IMMEDIATES = {
    "i3": (7, 1), "i5": (31, 1), "i8": (255, 1),
    "byte": (31, 1), "half": (62, 2), "word": (124, 4), "stack": (1020, 4), "frame": (508, 4),
}  # fmt: skip

# What asm_thumb (MicroPython 1.25, mpy-cross -march=armv6m) assembles: op -> kinds of operands.
_KNOWN = {
    "mov": ("low i8", "any any"),
    "add": ("low i8", "low low low", "low low i3"),
    "sub": ("low i8", "low low low", "low low i3"),
    "cmp": ("low i8", "low low"),
    **dict.fromkeys(("lsl", "lsr", "asr"), ("low low i5", "low low")),
    **dict.fromkeys(_TWO, ("low low",)),
    "ldr": ("low low word",), "str": ("low low word",),
    "ldrb": ("low low byte",), "strb": ("low low byte",),
    "ldrh": ("low low half",), "strh": ("low low half",),
    "push": ("lows",), "pop": ("lows",),
    **dict.fromkeys(BRANCHES + ("b", "bl", "label"), ("label",)),
}  # fmt: skip

# What it lacks: op -> (kinds, encoding of the operands' numbers).
_LACKING = {
    "nop": [("", lambda: 0x46C0)],  # mov r8,r8
    "bx": [("any", lambda m: 0x4700 | m << 3)],
    "ldm": [("low lows", lambda n, m: 0xC800 | n << 8 | m)],
    "stm": [("low lows", lambda n, m: 0xC000 | n << 8 | m)],
    "ldrsb": [("low low low", lambda t, n, m: 0x5600 | m << 6 | n << 3 | t)],
    "ldrsh": [("low low low", lambda t, n, m: 0x5E00 | m << 6 | n << 3 | t)],
    "ldrb": [("low low low", lambda t, n, m: 0x5C00 | m << 6 | n << 3 | t)],
    "ldr": [
        ("low low low", lambda t, n, m: 0x5800 | m << 6 | n << 3 | t),
        ("low sp stack", lambda t, _, i: 0x9800 | t << 8 | i // 4),
    ],
    "str": [
        ("low low low", lambda t, n, m: 0x5000 | m << 6 | n << 3 | t),
        ("low sp stack", lambda t, _, i: 0x9000 | t << 8 | i // 4),
    ],
    "rev": [("low low", lambda d, m: 0xBA00 | m << 3 | d)],
    "rev16": [("low low", lambda d, m: 0xBA40 | m << 3 | d)],
    **{op: [("low low", lambda d, m, i=i: 0xB200 | i << 6 | m << 3 | d)] for i, op in enumerate(_EXTENDS)},
    "add": [
        ("sp frame", lambda _, i: 0xB000 | i // 4),
        ("all all", lambda d, m: 0x4400 | (d & 8) << 4 | m << 3 | d & 7),
    ],
    "sub": [("sp frame", lambda _, i: 0xB080 | i // 4)],
    "cmp": [("all all", lambda n, m: 0x4500 | (n & 8) << 4 | m << 3 | n & 7)],
    "mov": [("all all", lambda d, m: 0x4600 | (d & 8) << 4 | m << 3 | d & 7)],
}


def number(register: str) -> int:
    return _SPECIAL[register] if register in _SPECIAL else int(register[1:])


def _is(kind: str, arg) -> bool:
    if kind in _IMMEDIATES:
        most, multiple = _IMMEDIATES[kind]
        return isinstance(arg, int) and 0 <= arg <= most and arg % multiple == 0
    if kind == "lows":
        return isinstance(arg, tuple) and all(_is("low", r) for r in arg)
    if kind == "label":
        return isinstance(arg, str)
    if not isinstance(arg, str) or not re.fullmatch(r"r(\d|1[0-2])|sp|lr|pc", arg):
        return False
    return {"low": number(arg) < 8, "any": arg != "pc", "all": True, "sp": arg == "sp"}[kind]


def _fits(kinds: str, args: tuple) -> bool:
    wanted = kinds.split()
    return len(wanted) == len(args) and all(map(_is, wanted, args))


def normal(op: str, *args) -> Instruction:
    """(op, args) of the ways to write it: (base, offset) as one operand, "r1 r2" for a list, add of two low registers.

    ValueError where ARMv6-M has no such instruction.
    """
    flat: list = []
    for arg in args:
        flat += arg if isinstance(arg, tuple) and op in _LOADS + _STORES else [arg]
    if op in ("ldm", "stm", "push", "pop") and isinstance(flat[-1], str):
        flat[-1] = tuple(flat[-1].split())
    if op in ("add", "sub") and _fits("low low", tuple(flat)):
        flat.insert(0, flat[0])
    instruction = op, tuple(flat)
    if not _known(instruction):
        encode(instruction)
    return instruction


def _known(instruction: Instruction) -> bool:
    op, args = instruction
    return any(_fits(kinds, args) for kinds in _KNOWN.get(op, ()))


def encode(instruction: Instruction) -> int:
    """The halfword of an instruction that asm_thumb lacks. ValueError where there is none."""
    op, args = instruction
    for kinds, encoding in _LACKING.get(op, ()):
        if _fits(kinds, args):
            return encoding(*(_value(arg) for arg in args))
    raise ValueError(f"{mnemonic(instruction)}: no such instruction in ARMv6-M")


def _value(arg) -> int:
    if isinstance(arg, tuple):
        return sum(1 << number(r) for r in arg)
    return arg if isinstance(arg, int) else number(arg)


def mnemonic(instruction: Instruction) -> str:
    """As the Reference Manual writes it: ldr r1,[sp,#16]."""
    op, args = instruction
    text = [f"#{a}" if isinstance(a, int) else f"{{{','.join(a)}}}" if isinstance(a, tuple) else str(a) for a in args]
    if op in _LOADS + _STORES and len(args) == 3:
        return f"{op} {text[0]},[{text[1]},{text[2]}]"
    if op in ("ldm", "stm"):
        text[0] += "!"
    return " ".join([op, ",".join(text)]).strip()


def parse(text: str) -> Instruction:
    """mnemonic()'s inverse."""
    op, _, rest = text.strip().partition(" ")
    args: list = []
    for part in re.findall(r"\{[^}]*\}|[^,\[\]{}!]+", rest):
        if part[0] == "{":
            args.append(tuple(part[1:-1].split(",")))
        else:
            args.append(int(part[1:]) if part[0] == "#" else part)
    return op, tuple(args)


def source(instruction: Instruction) -> tuple[str, str]:
    """(asm_thumb's statement, the mnemonic where that is a number)."""
    op, args = instruction
    if not _known(instruction):
        return f"data(2, 0x{encode(instruction):04X})", mnemonic(instruction)
    text = ["{" + ", ".join(a) + "}" if isinstance(a, tuple) else str(a) for a in args]
    if op in _LOADS + _STORES:
        text[1:] = [f"[{text[1]}, {text[2]}]"]
    return f"{op}({', '.join(text)})", ""


def cycles(instruction: Instruction) -> int:
    """On a Cortex-M0+; a conditional branch as taken (not taken: 1)."""
    op, args = instruction
    if op in ("ldm", "stm", "push", "pop"):
        return 1 + len(args[-1])
    if op == "bl":
        return 3
    if op in BRANCHES + ("b", "bx") + _LOADS + _STORES or args[:1] == ("pc",):
        return 2
    return 1


def registers(instruction: Instruction) -> tuple[set[str], set[str]]:
    """(those it reads, those it writes), without the pc and the flags."""
    op, args = instruction
    if op in BRANCHES + ("b", "bl", "label", "nop"):
        return set(), {"lr"} if op == "bl" else set()
    listed = set(args[-1]) if isinstance(args[-1], tuple) else set()
    named = [a for a in args if isinstance(a, str)]
    if op in ("ldm", "stm"):
        return set(named) | (listed if op == "stm" else set()), set(named) | (listed if op == "ldm" else set())
    if op in ("push", "pop"):
        return {"sp"} | (listed if op == "push" else set()), {"sp"} | (listed if op == "pop" else set())
    reads, writes = set(named[1:]), set(named[:1])
    if op in _STORES + ("cmp", "tst", "bx"):
        reads, writes = set(named), set()
    elif len(args) == 2 and op in ("add", "sub", "mul", "and_", "orr", "eor", "adc", "sbc", "bic", "lsl", "lsr", "asr"):
        reads = set(named)
    return reads - {"pc"}, writes - {"pc"}
