"""Assembler for the Xtensa kernels: `@micropython.asm_xtensa` functions with the instructions that mpy-cross lacks.

mpy-cross (1.28, 1.29) has no LOOP, SEXT, CLAMPS, MIN, MAX, MULSH, EXTUI or MAC16, and mis-assembles a forward branch
after an earlier label. The sources in device/fxnn are Python that names every instruction; `expand` turns each
function's body into `data(1, ...)` bytes before mpy-cross sees it.

isa.py has the instructions; `label(NAME)` is a label. `loop` is moved by no-operations so that its first instruction
lies within one aligned word, as the fetch unit wants it.
"""

from __future__ import annotations

import ast

from ...errors import ToolError
from . import isa

PROLOGUE_BYTES = 5  # what mpy-cross emits before the body for xtensawin: entry a1, 48; s32i.n a0, a1, 0


class Error(ToolError):
    """A line that cannot be assembled."""


def expand(source: str, name: str) -> str:
    """`source` with every asm_xtensa body as data() lines; line numbers are kept. Raises Error with file and line."""
    lines = source.split("\n")
    for node in functions(source):
        code = assemble(node, name)
        first = _body(node)[0].lineno
        parts = [code[i : i + 24] for i in range(0, len(code), 24)]
        body = [f"    data(1, {', '.join(map(str, part))})" for part in parts]
        assert node.end_lineno is not None  # of what was parsed from text it never is
        room = node.end_lineno - first + 1
        lines[first - 1 : node.end_lineno] = body + [""] * (room - len(body))
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
    for statement in _body(node):
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise Error(f"{name}:{statement.lineno}: not an instruction: {ast.unparse(statement)}")
        try:
            code.emit(call.func.id, operands(call))
        except (KeyError, IndexError, ValueError, TypeError) as e:
            raise Error(f"{name}:{statement.lineno}: {ast.unparse(statement)}", str(e)) from None
    return code.link()


def _body(node: ast.FunctionDef) -> list[ast.stmt]:
    return node.body[1 if ast.get_docstring(node) is not None else 0 :]


def operands(call: ast.Call) -> list[str | int]:
    """Of an instruction: names of registers and labels, and numbers."""
    return [a.id if isinstance(a, ast.Name) else int(ast.literal_eval(a)) for a in call.args]


class Code:
    """Machine code in the making; `listing`: (offset, mnemonic, operands) of every instruction."""

    def __init__(self, origin: int = 0):
        self.origin = origin
        self.data = bytearray()
        self.labels: dict[str, int] = {}
        self.fixes: list[tuple[int, str, str]] = []
        self.listing: list[tuple[int, str, tuple]] = []

    def put(self, value: int, size: int = 3) -> None:
        """Appends one instruction's bytes."""
        self.data += value.to_bytes(size, "little")

    def emit(self, name: str, args: list) -> None:
        """Appends one instruction, or names the address of the next."""
        if name == "label":
            (label,) = args
            if label in self.labels:
                raise ValueError("label defined twice")
            self.labels[label] = len(self.data)
            return
        if name in isa.LOOPS:
            self._align_loop()
        self.listing.append((len(self.data), name, tuple(args)))
        value, size, fix = isa.encode(name, tuple(args))
        if fix:
            self.fixes.append((len(self.data), *fix))
        self.put(value, size)

    def _align_loop(self) -> None:
        """No-operations until the instruction after a LOOP put here lies within an aligned word."""
        while (self.origin + len(self.data) + 3) % 4 > 1:
            if (self.origin + len(self.data) + 3) % 4 == 2:
                self.put(isa.NOP_N, 2)
            else:
                self.put(isa.FIXED["nop"])

    def link(self) -> bytes:
        """The code with every label filled in."""
        for at, label, kind in self.fixes:
            value = int.from_bytes(self.data[at : at + 3], "little")
            value = isa.with_distance(value, kind, self.labels[label] - at - 4)
            self.data[at : at + 3] = value.to_bytes(3, "little")
        self.fixes = []
        return bytes(self.data)
