"""A device file of functions in Thumb, as MicroPython's asm_thumb writes them, and what all kernels repeat.

    f = Function("scale", "r0", doc)
    f.text("x Q0")                        # a comment for the next instruction; note="x Q0" in the call does the same
    f.ldr("r1", state.x)                  # a field: (base register, byte offset)
    f.add("r8", "r1")                     # also what asm_thumb lacks: written as data(2, 0x4488)
    with f.loop("NEXT", until=("r1", "r2")):
        f.ldm("r1", "r3 r4")

One call of an instruction is one line of the written file, with its cycles; isa.py has the instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import writer
from ..fields import Field, Fields
from . import isa

Decorator = Callable[[Callable[["Function"], None]], Callable[[], "Function"]]
_FOLDER = Path(__file__).parent
_WRITTEN = "Written by host_tools/assembler/thumb: edit that."


class Function(writer.Function):
    """One function in assembler. args: "r0 r1"; doc: its docstring, indented as one likes."""

    decorator, column = "asm_thumb", 28

    def __init__(self, name: str, args: str, doc: str):
        super().__init__(name, args.replace(" ", ", "), doc)
        self._note = ""
        self._saved = ""
        self._frame = 0

    def __getattr__(self, op: str) -> Callable[..., Function]:
        """An instruction; `ldr(r1=state.x, r2=state.y)`: several; `beq("r1", 0, "DONE")`: a comparison before a branch.

        via="r2": the last operand, a field or a high register, comes by way of r2: `add("r0", state.x, via="r2")`.
        Calls may be chained where several instructions are one step.
        """
        if op.startswith("_"):
            raise AttributeError(op)

        def add(*args, note: str = "", via: str = "", **several) -> Function:
            if op in isa.BRANCHES and len(args) == 3:
                self._add("cmp", args[:2], "", via)
                args, via = args[2:], ""
            if args or not several:
                self._add(op, args, note, via)
            for i, (register, operand) in enumerate(several.items()):
                self._add(op, (register, operand), "" if i else note, via)
            return self

        return add

    def _add(self, op: str, args: tuple, note: str, via: str = "") -> None:
        if via:
            if isinstance(args[-1], int):
                raise ValueError(f"{self.name}, instruction {len(self.lines)}: {op} {args}: nothing to fetch via {via}")
            self._add("ldr" if isinstance(args[-1], tuple) else "mov", (via, args[-1]), "")
            args = (*args[:-1], via)
        named = [arg.note for arg in args if isinstance(arg, Field)]
        try:
            op, args = isa.normal(op, *args)
        except ValueError as error:
            raise ValueError(f"{self.name}, instruction {len(self.lines)}: {error}") from None
        self.emit(op, args, note or self._note or "".join(named))
        self._note = ""

    def label(self, name: str, note: str = "") -> Function:
        self._add("label", (name,), note)
        return self

    def text(self, note: str) -> Function:
        """A comment after the next instruction."""
        self._note = note
        return self

    # ---- what all kernels repeat

    def enter(self, via: str, frame: Fields | int = 0) -> None:
        """The caller's r8 to r11 on the stack, through four low registers that are free; below them the frame."""
        self._saved, self._frame = via, frame if isinstance(frame, int) else frame.size
        if via:
            for low, high in zip(via.split(), ("r8", "r9", "r10", "r11")):
                self.mov(low, high)
            self.push(via)
        if self._frame:
            self.sub("sp", self._frame)

    def leave(self, via: str | None = None) -> None:
        """enter()'s end: the frame, r0 = 0, which is returned, and r8 to r11 (through `via`, if not as before)."""
        if self._frame:
            self.add("sp", self._frame)
        self.mov("r0", 0)
        if self._saved:
            via = via or self._saved
            self.pop(via)
            for low, high in zip(via.split(), ("r8", "r9", "r10", "r11")):
                self.mov(high, low)

    def fetch(self, *args, note: str = "", **several) -> Function:
        """A high register = a word, through a low one: fetch("r8", state.x, "r1"), fetch("r1", r8=state.x)."""
        via = args[-1]
        for high, source in ([args[:2]] if len(args) == 3 else []) + list(several.items()):
            self.ldr(via, source, note=note)
            self.mov(high, via)
        return self

    def copy(self, to: tuple, source: tuple, via: str, note: str = "") -> Function:
        """A word from memory to memory; via holds it."""
        return self.ldr(via, source, note=note).str(via, to)

    def again(self, name: str, left: str | tuple, via: str) -> Function:
        """The end of a loop: back to `name` while `left`, less one, is not 0; via is lost."""
        return self.step(left, -1, via).bne(name)

    def far(self, branch: str, name: str, over: str) -> Function:
        """To `name`, out of a branch's reach, where `branch` is not taken; `over`: the label after it."""
        return getattr(self, branch)(over).b(name).label(over)

    def step(self, register: str | tuple, by: int, via: str) -> Function:
        """register (r8 to lr) or a word of memory, += by; via holds it, the flags are its."""
        memory = isinstance(register, tuple)
        (self.ldr if memory else self.mov)(via, register)
        (self.sub if by < 0 else self.add)(via, abs(by))
        return self.str(via, register) if memory else self.mov(register, via)

    def twice(self, word: str, by: str, note: str = "") -> Function:
        """word *= 65537 (mod 2^32): an int16 in both halves. by is lost."""
        return self.lsl(by, word, 16).add(word, word, by, note=note)

    def number(self, to: str, value: int, note: str = "") -> Function:
        """to = a number of 16 bits."""
        return self.mov(to, value >> 8).lsl(to, to, 8).add(to, value & 255, note=note)

    @contextmanager
    def loop(self, name: str, until: tuple = (), count: str = "", by: int = 1, go="bne", test="", note=""):
        """A label, what is inside, and the branch back: until two are equal, or while `count`, less `by`, lets `go` go.

        test: a label before the comparison, where the loop begins.
        """
        if test:
            self.b(test)
        self.label(name, note=note)
        yield
        if test:
            self.label(test)
        if until:
            self.cmp(*until)
        elif count:
            self.sub(count, by)
        getattr(self, go)(name)

    def ret(self) -> Function:
        """The end of a subroutine."""
        return self.bx("lr")

    # ---- source

    def figures(self) -> list[str]:
        return ["" if op in ("#", "label") else str(isa.cycles((op, args))) for op, args, _ in self.lines]

    def written(self, op: str, args: tuple) -> str:
        return isa.source((op, args))[0]

    def comment(self, op: str, args: tuple, note: str) -> str:
        """A number's mnemonic comes first, which the tests encode again."""
        mnemonic = isa.source((op, args))[1]
        return f"{mnemonic}  ** {note}" if mnemonic and note else mnemonic or note


def kernel(args: str, saved: str = "", frame: Fields | int = 0, restored: str | None = None) -> Decorator:
    """A function of instructions, from one that appends them: its name and docstring; enter() and leave() around."""

    def decorate(describe: Callable[[Function], None]) -> Callable[[], Function]:
        def written() -> Function:
            f = Function(describe.__name__, args, describe.__doc__ or "")
            f.enter(saved, frame)
            describe(f)
            f.leave(restored)
            return f

        return written

    return decorate


def device_file(
    doc: str,
    parts: Sequence[Function | str],
    imports: str = "import micropython",
    record: Mapping[str, int] | None = None,
    state: Fields | None = None,
) -> str:
    """The text of a device file: docstring, imports, names of words, parts.

    parts: Functions, or text as driver() gives it. Of the record's words ({name: word}) and the state's those that the
    texts use get a constant, `_STRIDE_H` and `_S_TABLE`; `_S_BYTES` is the state's size.
    """
    constants = {f"_{name}".upper(): word for name, word in (record or {}).items()}
    if state:
        constants |= state.constants() | {"_S_BYTES": state.size}
    title, _, rest = doc.strip("\n").partition("\n\n")
    if rest:
        return writer.device_file(f"{title}\n\n{_WRITTEN}\n\n{rest}\n", parts, constants, imports)
    # Lines before the first import would cost a byte of line numbers in the .mpy, here they do not.
    return writer.device_file(title, parts, constants, f"{imports}\n# {_WRITTEN}")


def described(state: Fields) -> str:
    """A state's table of contents, for a docstring: a line per word."""
    rows = ((offset, " | ".join(names), meaning) for offset, names, meaning in state.contents())
    return "\n".join(f"{offset:4} {names}" + (f": {meaning}" if meaning else "") for offset, names, meaning in rows)


def driver(name: str) -> str:
    """The viper function that drives a family's kernels, and its `kernels`: <name>.upy, in MicroPython."""
    return (_FOLDER / f"{name}.upy").read_text()
