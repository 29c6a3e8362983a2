"""A function of RV32IMC instructions as MicroPython's asm_rv32 writes them, with compressed forms and cycle counts.

`f.add("t0", "t1", "t2")` appends an instruction; `f.label("LOOP")` a label; `f.text("why")` a comment for the next one.
Registers are the ABI's names. Loads and stores take (register, offset, base).
"""

from __future__ import annotations

ABI = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6").split()
# What a kernel may use: all but zero, sp, and gp and tp, which are the firmware's.
POOL = [r for r in ABI if r not in ("zero", "sp", "gp", "tp")]
SAVED = "ra s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11".split()
_WINDOW = set(ABI[8:16])  # registers that every compressed form can name
_LOADS = {"lw", "lb", "lbu", "lh", "lhu"}
_STORES = {"sw", "sb", "sh"}
_BRANCHES = {"beq", "bne", "blt", "bge", "bltu", "bgeu"}
_JUMPS = {"jal", "jalr"}


class Function:
    """One kernel. `frame`: bytes of locals on the stack, below the saved registers."""

    def __init__(self, name: str, doc: str, frame: int):
        self.name, self.doc = name, doc.strip("\n")
        self.locals = frame
        self.frame = -(-(frame + 4 * len(SAVED)) // 16) * 16
        self.doc = self.doc.replace("{frame}", str(self.frame))
        self.lines: list[tuple[str, tuple, str]] = []
        self._note = ""

    def __getattr__(self, op: str):
        if op.startswith("_"):
            raise AttributeError(op)
        return lambda *args: self._add(op, args)

    def _add(self, op: str, args: tuple) -> None:
        self.lines.append((op, args, self._note))
        self._note = ""

    def text(self, note: str) -> None:
        """A comment beside the next instruction."""
        self._note = note

    def title(self, note: str) -> None:
        """A comment on a line of its own."""
        self.lines.append(("#", (note,), ""))

    # ---- what every kernel starts and ends with

    def enter(self) -> None:
        """a0 record, a1 arena, a2 constants as addresses, however the function was called; registers saved."""
        self.title("A viper function gets (self, 3, 0, objects), an assembler one three addresses; no arena lies at 3.")
        self.li("t3", 3)
        self.bne("a1", "t3", "CALLED")
        self.li("t3", 1)
        for i, to in enumerate(("a0", "a1", "a2")):
            self.text(f"argument {i}: a bytearray (type code 1) or a memoryview")
            self.lw("t0", 4 * i, "a3")
            self.text("items")
            self.lw(to, 12, "t0")
            self.lbu("t1", 4, "t0")
            self.beq("t1", "t3", f"BYTES{i}")
            self.text("its offset: the upper 24 bits")
            self.lw("t1", 4, "t0")
            self.srli("t1", "t1", 8)
            self.add(to, to, "t1")
            self.label(f"BYTES{i}")
        self.label("CALLED")
        self.addi("sp", "sp", -self.frame)
        for i, r in enumerate(SAVED):
            self.sw(r, self.locals + 4 * i, "sp")

    def keep(self, record: int, places: tuple[tuple[int, int], ...], constants: int | None = None) -> None:
        """After enter(): on the stack, at these slots, the addresses of the record, of the places in the arena that words
        of it name ((word, slot) each), and of the constants."""
        self.sw("a0", record, "sp")
        if constants is not None:
            self.sw("a2", constants, "sp")
        for word, slot in places:
            self.lw("t0", 4 * word, "a0")
            self.add("t0", "t0", "a1")
            self.sw("t0", slot, "sp")

    def leave(self) -> None:
        """Registers restored; the small int 0 as an object, 1 as a number."""
        for i, r in enumerate(SAVED):
            self.lw(r, self.locals + 4 * i, "sp")
        self.addi("sp", "sp", self.frame)
        self.li("a0", 1)

    # ---- source

    def source(self) -> str:
        out = ["@micropython.asm_rv32", f"def {self.name}(a0, a1, a2):", '    """', self.doc, '    """']
        lines = [_compressed(op, args) for op, args, _ in self.lines]
        for i, ((op, args), (_, _, note)) in enumerate(zip(lines, self.lines)):
            if op == "#":
                out.append(f"    # {args[0]}")
                continue
            if op == "label":
                out.append(f"    label({args[0]})")
                continue
            following = next((self.lines[j] for j in range(i + 1, len(lines)) if self.lines[j][0] not in ("#", "label")), None)
            text = "    " + _written(op, args)
            out.append(f"{text:38}# {_cycles(self.lines[i][0], self.lines[i][1], following)}" + (f"  {note}" if note else ""))
        return "\n".join(out) + "\n"


def _cycles(op: str, args: tuple, following) -> str:
    """1; 2 for a load whose register the next instruction reads; 1-2 for a branch (2 where it is taken), 2 for a jump."""
    if op in _JUMPS:
        return "2"
    if op in _BRANCHES:
        return "1-2"
    if op in _LOADS and following and args[0] in _reads(following[0], following[1]):
        return "2"
    return "1"


def _reads(op: str, args: tuple) -> tuple:
    if op in _LOADS:
        return (args[2],)
    if op in _STORES:
        return (args[0], args[2])
    if op in _BRANCHES:
        return args[:2]
    return args[1:]


def _compressed(op: str, args: tuple) -> tuple[str, tuple]:
    """The two-byte form where there is one."""
    if op in ("add", "addi", "slli", "srli", "srai", "and_", "or_", "xor", "sub", "andi"):
        d, a, b = args
        if op == "add" and d == a and b != "zero":
            return "c_add", (d, b)
        if op == "add" and d == b and a != "zero":
            return "c_add", (d, a)
        if op == "addi" and d == a and isinstance(b, int) and -32 <= b < 32 and b:
            return "c_addi", (d, b)
        if op == "slli" and d == a:
            return "c_slli", (d, b)
        if op in ("srli", "srai") and d == a and d in _WINDOW:
            return "c_" + op, (d, b)
        if op in ("and_", "or_", "xor", "sub") and d == a and d in _WINDOW and b in _WINDOW:
            return "c_" + op.rstrip("_"), (d, b)
    if op in ("lw", "sw"):
        r, offset, base = args
        if base == "sp" and 0 <= offset < 128 and offset % 4 == 0:  # 1.28 takes no more
            return ("c_lwsp", "c_swsp")[op == "sw"], (r, offset)
        if r in _WINDOW and base in _WINDOW and 0 <= offset < 64 and offset % 4 == 0:
            return "c_" + op, (r, offset, base)
    return op, args


def _written(op: str, args: tuple) -> str:
    if op.removeprefix("c_") in _LOADS | _STORES:
        r, offset, base = args
        return f"{op}({r}, {offset}({base}))"
    return f"{op}({', '.join(str(a) for a in args)})"
