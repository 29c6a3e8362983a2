"""RV32IMC as the kernels use it: registers, operations, encodings, compressed forms, cycles.

Operands are as MicroPython's asm_rv32 has them, `and_` and `or_` for its keywords; a load or store is (register,
offset, base). Encodings: The RISC-V Instruction Set Manual, volume I, chapters 24 (RV32IM) and 16 (RVC).
"""

from __future__ import annotations

ABI = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7",
    "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
]  # fmt: skip
# What a kernel may use: all but zero, sp, and gp and tp, which are the firmware's.
POOL = [r for r in ABI if r not in ("zero", "sp", "gp", "tp")]
SAVED = ["ra", *(f"s{i}" for i in range(12))]
_NUMBER = {name: i for i, name in enumerate(ABI)}
_SHORT = set(ABI[8:16])  # registers that every compressed form can name

# Operation -> funct3, and of those of three registers funct7.
_REGISTERS = {"add": (0, 0), "sub": (0, 0x20), "sll": (1, 0), "slt": (2, 0), "sltu": (3, 0), "xor": (4, 0),
              "srl": (5, 0), "sra": (5, 0x20), "or_": (6, 0), "and_": (7, 0), "mul": (0, 1), "mulh": (1, 1), "divu": (5, 1),
              }  # fmt: skip
_IMMEDIATE = {"addi": 0, "xori": 4, "ori": 6, "andi": 7}
_SHIFTS = {"slli": (1, 0), "srli": (5, 0), "srai": (5, 1)}  # and bit 30
LOADS = {"lb": 0, "lh": 1, "lw": 2, "lbu": 4, "lhu": 5}
STORES = {"sb": 0, "sh": 1, "sw": 2}
BRANCHES = {"beq": 0, "bne": 1, "blt": 4, "bge": 5, "bltu": 6, "bgeu": 7}
_JUMPS = {"jal", "jalr"}
_SHORT_LOGIC = ("c_sub", "c_xor", "c_or", "c_and")
OPERATIONS = frozenset({*_REGISTERS, *_IMMEDIATE, *_SHIFTS, *LOADS, *STORES, *BRANCHES, *_JUMPS, "li", "la", "mv"})


def reads(op: str, args: tuple) -> tuple:
    """The registers an instruction reads, among other operands."""
    if op in LOADS:
        return (args[2],)
    if op in STORES:
        return (args[0], args[2])
    return args[:2] if op in BRANCHES else args[1:]


def cycles(op: str, args: tuple, following: tuple[str, tuple] | None) -> str:
    """1; 2 for a load whose register the next instruction reads; 1-2 for a branch (2 if it is taken), 2 for a jump."""
    if op in _JUMPS:
        return "2"
    if op in BRANCHES:
        return "1-2"
    return "2" if op in LOADS and following and args[0] in reads(*following) else "1"


def compressed(op: str, args: tuple) -> tuple[str, tuple]:
    """The two-byte form where there is one."""
    if op in ("lw", "sw"):
        r, offset, base = args
        if base == "sp" and 0 <= offset < 128 and offset % 4 == 0:  # MicroPython 1.28 takes no more
            return f"c_{op}sp", (r, offset)
        if r in _SHORT and base in _SHORT and 0 <= offset < 64 and offset % 4 == 0:
            return f"c_{op}", (r, offset, base)
        return op, args
    if len(args) != 3 or op not in (*_REGISTERS, *_IMMEDIATE, *_SHIFTS):
        return op, args
    d, a, b = args
    if op == "add" and d == b and a != "zero":
        a, b = b, a
    fits = {
        "add": b != "zero",
        "addi": isinstance(b, int) and -32 <= b < 32 and b != 0,
        "slli": True,
        **dict.fromkeys(("srli", "srai"), d in _SHORT),
        **dict.fromkeys(("and_", "or_", "xor", "sub"), d in _SHORT and b in _SHORT),
    }
    return ("c_" + op.rstrip("_"), (d, b)) if d == a and fits.get(op) else (op, args)


def _bits(value: int, high: int, low: int = 0) -> int:
    return value >> low & (1 << high - low + 1) - 1


def size(op: str) -> int:
    """Bytes of an instruction in its written form; not of `li`, which the compiler makes of one to three."""
    return 8 if op == "la" else 2 if op.startswith("c_") or op == "mv" else 4


def encode(op: str, args: list, at: int, labels: dict[str, int]) -> bytes:
    """Machine code of an instruction in its written form at offset `at`; labels: their offsets. ValueError: not one."""
    r = [_NUMBER.get(a, a) for a in args]
    if op in (*BRANCHES, "jal", "la"):
        r[-1] = labels[args[-1]] - at
    return _value(op, r).to_bytes(size(op), "little")


def _value(op: str, r: list) -> int:
    """r: operands, registers by number, labels by distance."""
    if op in _REGISTERS:
        f3, f7 = _REGISTERS[op]
        return f7 << 25 | r[2] << 20 | r[1] << 15 | f3 << 12 | r[0] << 7 | 0x33
    if op in _IMMEDIATE:
        return _bits(r[2], 11) << 20 | r[1] << 15 | _IMMEDIATE[op] << 12 | r[0] << 7 | 0x13
    if op in _SHIFTS:
        f3, arithmetic = _SHIFTS[op]
        return arithmetic << 30 | r[2] << 20 | r[1] << 15 | f3 << 12 | r[0] << 7 | 0x13
    if op in LOADS:
        return _bits(r[1], 11) << 20 | r[2] << 15 | LOADS[op] << 12 | r[0] << 7 | 0x03
    if op in STORES:
        return _bits(r[1], 11, 5) << 25 | r[0] << 20 | r[2] << 15 | STORES[op] << 12 | _bits(r[1], 4) << 7 | 0x23
    if op in BRANCHES:
        to = r[2]
        if not -4096 <= to < 4096:
            raise ValueError(f"{op}: {to} bytes are too far")
        upper = _bits(to, 12, 12) << 31 | _bits(to, 10, 5) << 25 | r[1] << 20 | r[0] << 15
        return upper | BRANCHES[op] << 12 | _bits(to, 4, 1) << 8 | _bits(to, 11, 11) << 7 | 0x63
    if op == "jal":
        to = r[1]
        upper = _bits(to, 20, 20) << 31 | _bits(to, 10, 1) << 21 | _bits(to, 11, 11) << 20 | _bits(to, 19, 12) << 12
        return upper | r[0] << 7 | 0x6F
    if op == "jalr":
        return _bits(r[2], 11) << 20 | r[1] << 15 | r[0] << 7 | 0x67
    if op == "la":  # auipc, addi
        to = r[1]
        upper = (to + 0x800) & 0xFFFFF000
        return upper | r[0] << 7 | 0x17 | (_bits(to - upper, 11) << 20 | r[0] << 15 | r[0] << 7 | 0x13) << 32
    return _short_value(op, r)


def _short_value(op: str, r: list) -> int:
    if op in ("mv", "c_add"):
        return (0x8002 if op == "mv" else 0x9002) | r[0] << 7 | r[1] << 2
    if op == "c_addi":
        return 0x0001 | _bits(r[1], 5, 5) << 12 | r[0] << 7 | _bits(r[1], 4) << 2
    if op == "c_slli":
        return 0x0002 | r[0] << 7 | r[1] << 2
    if op in ("c_srli", "c_srai"):
        return 0x8001 | (op == "c_srai") << 10 | r[0] - 8 << 7 | r[1] << 2
    if op in _SHORT_LOGIC:
        return 0x8C01 | _SHORT_LOGIC.index(op) << 5 | r[0] - 8 << 7 | r[1] - 8 << 2
    if op == "c_lwsp":
        return 0x4002 | _bits(r[1], 5, 5) << 12 | r[0] << 7 | _bits(r[1], 4, 2) << 4 | _bits(r[1], 7, 6) << 2
    if op == "c_swsp":
        return 0xC002 | _bits(r[1], 5, 2) << 9 | _bits(r[1], 7, 6) << 7 | r[0] << 2
    if op in ("c_lw", "c_sw"):
        offset = _bits(r[1], 5, 3) << 10 | _bits(r[1], 2, 2) << 6 | _bits(r[1], 6, 6) << 5
        return (0x4000 if op == "c_lw" else 0xC000) | offset | r[2] - 8 << 7 | r[0] - 8 << 2
    raise ValueError(f"{op}: not an instruction of these kernels")


def immediate_size(code: bytes, at: int, register: str, value: int) -> int:
    """Bytes of what a compiler made of `li(register, value)`: c.li, addi, c.lui or lui and perhaps (c.)addi.

    ValueError where that is not what the instructions there give.
    """
    start, got, number = at, None, _NUMBER[register]
    while got is None or (got ^ value) & 0xFFFFFFFF:
        low = int.from_bytes(code[at : at + 2], "little")
        long = low & 3 == 3
        word = int.from_bytes(code[at : at + 4], "little") if long else low
        source = word >> 15 & 31 if long and word & 0x7F == 0x13 else number if at > start else 0
        if at >= start + 8 or word >> 7 & 31 != number or source != (number if at > start else 0):
            raise ValueError(f"li({register}, {value}) is not at {start}")
        small = (_bits(low, 12, 12) << 5 | _bits(low, 6, 2)) ^ 32
        small -= 32
        if long and word & 0x7F == 0x37:
            got = word & 0xFFFFF000
        elif long and word & 0x707F == 0x13:
            got = (got or 0) + (_bits(word, 31, 20) ^ 0x800) - 0x800
        elif not long and low & 0xE003 in (0x4001, 0x6001, 0x0001):
            got = {0x4001: small, 0x6001: small << 12, 0x0001: (got or 0) + small}[low & 0xE003]
        else:
            raise ValueError(f"li({register}, {value}) is not at {start}")
        at += 4 if long else 2
    return at - start
