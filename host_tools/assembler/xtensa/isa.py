"""Xtensa as the kernels use it (LX6, LX7: windowed, MAC16, loops): the encoding of every instruction.

An instruction is written as in Cadence's "Xtensa Instruction Set Architecture Reference Manual", which is the source of
the encodings, dots as underscores: `mula_dd_ll_ldinc(m2, a4, m0, m2)`, `mov_n(a4, a5)`, `and_`, `or_`. Registers are
names, offsets and constants bytes and plain numbers, a label the last operand.
"""

from __future__ import annotations

from collections.abc import Callable

SPECIAL = {"sar": 3, "lbeg": 0, "lend": 1, "lcount": 2, "acclo": 16, "acchi": 17, "m0": 32, "m1": 33, "m2": 34,
           "m3": 35, "windowbase": 72, "windowstart": 73, "epc1": 177, "excsave1": 209, "excsave2": 210, "ps": 230,
           "vecbase": 231, "exccause": 232, "ccount": 234}  # fmt: skip
_RRR = {"and_": 0x10, "or_": 0x20, "xor": 0x30, "add": 0x80, "addx2": 0x90, "addx4": 0xA0, "addx8": 0xB0, "sub": 0xC0,
        "src": 0x81, "mull": 0x82, "muluh": 0xA2, "mulsh": 0xB2, "mul16u": 0xC1, "mul16s": 0xD1,
        "min": 0x43, "max": 0x53, "minu": 0x63, "maxu": 0x73, "moveqz": 0x83, "movnez": 0x93}  # fmt: skip
LOADS = {"l8ui": (0, 0), "l16ui": (1, 1), "l32i": (2, 2), "l16si": (9, 1)}  # op, log2 of the size
STORES = {"s8i": (4, 0), "s16i": (5, 1), "s32i": (6, 2)}
BRANCHES = {"beq": 1, "blt": 2, "bltu": 3, "bne": 9, "bge": 10, "bgeu": 11}
BRANCHES_BIT = {"bbci": 6, "bbsi": 14}
BRANCHES_ZERO = {"beqz": 0x16, "bnez": 0x56, "bltz": 0x96, "bgez": 0xD6}
LOOPS = {"loop": 8, "loopnez": 9, "loopgtz": 10}
_HALVES = {"ll": 0, "hl": 1, "lh": 2, "hh": 3}
_MAC = {"umul": 0, "mul": 4, "mula": 8, "muls": 12}
_OPERANDS = {"dd": 2, "ad": 3, "da": 6, "aa": 7}
FIXED = {"nop": 0x0020F0, "rsync": 0x002010, "isync": 0x002000, "simcall": 0x005100, "rfe": 0x003000, "retw": 0x000090,
         "rfwo": 0x003400, "rfwu": 0x003500}  # fmt: skip
NOP_N = 0xF03D

# Where a label's distance (from four bytes after the instruction) lies in it: lowest, highest, bits, shift.
FIXES = {
    "loop": (0, 255, 0xFF, 16),
    "branch": (-128, 127, 0xFF, 16),
    "zero": (-2048, 2047, 0xFFF, 12),
    "jump": (-(1 << 17), (1 << 17) - 1, 0x3FFFF, 6),
}


def check(value: int, low: int, high: int, step: int = 1) -> int:
    """The value; ValueError unless it is a multiple of `step` from low to high."""
    if not low <= value <= high or value % step:
        raise ValueError(f"{value} is outside {low} to {high}, multiples of {step}")
    return value


def _a(text: str) -> int:
    """The number of an address register."""
    number = int(text[1:])
    if text[0] != "a" or not 0 <= number < 16:
        raise ValueError(f"{text} is no address register")
    return number


def _m(text: str, allowed: tuple[int, ...] = (0, 1, 2, 3)) -> int:
    number = int(text[1:])
    if text[0] != "m" or number not in allowed:
        raise ValueError(f"{text}: one of {[f'm{n}' for n in allowed]} is needed")
    return number


def _slli(r, s, n) -> int:
    n = 32 - check(n, 1, 31)
    return 0x010000 | (n >> 4) << 20 | _a(r) << 12 | _a(s) << 8 | (n & 15) << 4


def _srai(r, t, n) -> int:
    check(n, 0, 31)
    return 0x210000 | (n >> 4) << 20 | _a(r) << 12 | (n & 15) << 8 | _a(t) << 4


def _extui(r, t, n, bits) -> int:
    check(n, 0, 31)
    return 0x040000 | (n >> 4) << 16 | check(bits, 1, 16) - 1 << 20 | _a(r) << 12 | (n & 15) << 8 | _a(t) << 4


def _ssai(n) -> int:
    check(n, 0, 31)
    return 0x404000 | (n & 15) << 8 | (n >> 4) << 4


def _movi(t, n) -> int:
    n = check(n, -2048, 2047) & 0xFFF
    return (n & 255) << 16 | 0xA002 | (n >> 8) << 8 | _a(t) << 4


def _fixed(value: int) -> Callable[..., int]:
    return lambda: value


def _memory(op: int, log: int) -> Callable[..., int]:
    return lambda t, s, n: check(n, 0, 255 << log, 1 << log) >> log << 16 | op << 12 | _a(s) << 8 | _a(t) << 4 | 2


def _memory_n(op: int) -> Callable[..., int]:
    return lambda t, s, n: op | check(n, 0, 60, 4) >> 2 << 12 | _a(s) << 8 | _a(t) << 4


def _exception_memory(op: int) -> Callable[..., int]:
    return lambda t, s, n: op | check(n, -64, -4, 4) + 64 >> 2 << 12 | _a(s) << 8 | _a(t) << 4


def _special(op: int, register: int) -> Callable[..., int]:
    return lambda t: op | register << 8 | _a(t) << 4


def _rrr(op: int) -> Callable[..., int]:
    return lambda r, s, t: op << 16 | _a(r) << 12 | _a(s) << 8 | _a(t) << 4


def _saturate(op: int) -> Callable[..., int]:
    return lambda r, s, n: op | _a(r) << 12 | _a(s) << 8 | check(n, 7, 22) - 7 << 4


def _load_m(op: int) -> Callable[..., int]:
    return lambda m, s: op | _m(m) << 12 | _a(s) << 8


# Instructions of three bytes without a label.
_ENCODERS: dict[str, Callable[..., int]] = {
    **{name: _fixed(value) for name, value in FIXED.items()},
    **{name: _rrr(op) for name, op in _RRR.items()},
    **{name: _memory(*row) for name, row in (LOADS | STORES).items()},
    **{f"wsr_{name}": _special(0x130000, n) for name, n in SPECIAL.items()},
    **{f"rsr_{name}": _special(0x030000, n) for name, n in SPECIAL.items()},
    "mov": lambda r, s: 0x200000 | _a(r) << 12 | _a(s) << 8 | _a(s) << 4,
    "neg": lambda r, t: 0x600000 | _a(r) << 12 | _a(t) << 4,
    "slli": _slli,
    "srai": _srai,
    "srli": lambda r, t, n: 0x410000 | _a(r) << 12 | check(n, 0, 15) << 8 | _a(t) << 4,
    "extui": _extui,
    "sra": lambda r, t: 0xB10000 | _a(r) << 12 | _a(t) << 4,
    "srl": lambda r, t: 0x910000 | _a(r) << 12 | _a(t) << 4,
    "sll": lambda r, s: 0xA10000 | _a(r) << 12 | _a(s) << 8,
    "ssr": lambda s: 0x400000 | _a(s) << 8,
    "ssl": lambda s: 0x401000 | _a(s) << 8,
    "ssai": _ssai,
    "clamps": _saturate(0x330000),
    "sext": _saturate(0x230000),
    "addi": lambda t, s, n: (check(n, -128, 127) & 255) << 16 | 0xC002 | _a(s) << 8 | _a(t) << 4,
    "addmi": lambda t, s, n: (check(n, -32768, 32512, 256) >> 8 & 255) << 16 | 0xD002 | _a(s) << 8 | _a(t) << 4,
    "movi": _movi,
    "l32e": _exception_memory(0x090000),
    "s32e": _exception_memory(0x490000),
    "callx8": lambda s: 0x0000E0 | _a(s) << 8,
    "jx": lambda s: 0x0000A0 | _a(s) << 8,
    "entry": lambda s, n: check(n, 0, 32760, 8) >> 3 << 12 | _a(s) << 8 | 0x36,
    "ldinc": _load_m(0x800004),
    "lddec": _load_m(0x900004),
}


def _addi_n(r, s, n) -> int:
    n = 0 if n == -1 else check(n, 1, 15)
    return 0x000B | _a(r) << 12 | _a(s) << 8 | n << 4


def _movi_n(s, n) -> int:
    check(n, -32, 95)
    return 0x000C | (n & 15) << 12 | _a(s) << 8 | (n >> 4 & 7) << 4


# Of two bytes.
_ENCODERS_N: dict[str, Callable[..., int]] = {
    "l32i_n": _memory_n(8),
    "s32i_n": _memory_n(9),
    "mov_n": lambda t, s: 0x000D | _a(s) << 8 | _a(t) << 4,
    "add_n": lambda r, s, t: 0x000A | _a(r) << 12 | _a(s) << 8 | _a(t) << 4,
    "addi_n": _addi_n,
    "movi_n": _movi_n,
    "nop_n": lambda: NOP_N,
}


def _one(op: int) -> Callable[..., int]:
    return lambda s: op | _a(s) << 8


def _branch(op: int) -> Callable[..., int]:
    return lambda s, t: op << 12 | _a(s) << 8 | _a(t) << 4 | 7


def _branch_bit(op: int) -> Callable[..., int]:
    return lambda s, bit: (op + (check(bit, 0, 31) >> 4)) << 12 | _a(s) << 8 | (bit & 15) << 4 | 7


# With a label as last operand, of three bytes: its kind in FIXES, and the rest.
_ENCODERS_TO: dict[str, tuple[str, Callable[..., int]]] = {
    **{name: ("loop", _one(0x000076 | op << 12)) for name, op in LOOPS.items()},
    **{name: ("branch", _branch(op)) for name, op in BRANCHES.items()},
    **{name: ("branch", _branch_bit(op)) for name, op in BRANCHES_BIT.items()},
    **{name: ("zero", _one(op)) for name, op in BRANCHES_ZERO.items()},
    "j": ("jump", _fixed(6)),
}


def _mac(name: str, args: tuple) -> int:
    """{umul, mul, mula, muls}_{aa, ad, da, dd}_{ll, hl, lh, hh}, and mula_{da, dd}_.._{ldinc, lddec}."""
    op, operands, halves, *load = name.split("_")
    value = 4 | (_MAC[op] + _HALVES[halves]) << 16
    if load:
        m, a, x, y = args
        value |= {"ldinc": 0, "lddec": 1}[load[0]] + (4 if operands == "da" else 0) << 20 | _m(m) << 12 | _a(a) << 8
    else:
        x, y = args
        value |= _OPERANDS[operands] << 20
    value |= (_m(x, (0, 1)) & 1) << 14 if operands[0] == "d" else _a(x) << 8
    return value | ((_m(y, (2, 3)) & 1) << 6 if operands[1] == "d" else _a(y) << 4)


_MACS = frozenset(f"{op}_{kind}_{halves}" for op in _MAC for kind in _OPERANDS for halves in _HALVES) | {
    f"mula_{kind}_{halves}_{load}" for kind in ("da", "dd") for halves in _HALVES for load in ("ldinc", "lddec")
}
OPERATIONS = frozenset({*_ENCODERS, *_ENCODERS_N, *_ENCODERS_TO, *_MACS})


def encode(name: str, args: tuple) -> tuple[int, int, tuple[str, str] | None]:
    """(instruction, bytes, its label and that's kind in FIXES, if any). ValueError, TypeError: no such instruction."""
    if name in _ENCODERS:
        return _ENCODERS[name](*args), 3, None
    if name in _ENCODERS_N:
        return _ENCODERS_N[name](*args), 2, None
    if name in _ENCODERS_TO:
        kind, encoder = _ENCODERS_TO[name]
        return encoder(*args[:-1]), 3, (args[-1], kind)
    if name in _MACS:
        return _mac(name, args), 3, None
    raise ValueError(f"no instruction {name}")


def with_distance(value: int, kind: str, distance: int) -> int:
    """An instruction with its label's distance filled in."""
    low, high, bits, shift = FIXES[kind]
    return value | (check(distance, low, high) & bits) << shift
