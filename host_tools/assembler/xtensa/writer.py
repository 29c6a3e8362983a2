"""An Xtensa kernel in the making, and the words of memory that its viper driver hands to it.

f.l32i("a3", STATE.source)            # a word by its name, which is the comment unless note= says more
f.load(a4=STATE.to, a5=STATE.padding) # several, in this order
with f.loop("a6", "GROUP"):           # LOOP, what is inside, the label
with f.times("a8", "ROW"):            # a label, what is inside, count - 1, the branch back
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .. import writer
from ..fields import Field, Fields, words
from . import costs, isa

if TYPE_CHECKING:
    from typing_extensions import Self  # of typing from Python 3.11 on

_FOLDER = Path(__file__).parent


# An entry of the channel table (models/FORMAT.md); its third word is left_shift + 256 * right_shift.
CHANNEL_BYTES = 12
RIGHT_SHIFT_AT = 9


def channel(base: str) -> Fields:
    """An output channel's entry at the address in `base`."""
    return words(base, "first", "multiplier", "shifts")


class Function(writer.Function):
    """One kernel. Called by viper code as f(self, n_args, n_kw, args): a5 points to the arguments."""

    decorator, column, operations = "asm_xtensa", 44, isa.OPERATIONS

    def __init__(self, name: str, doc: str):
        super().__init__(name, "a2, a3, a4, a5", doc)

    def emit(self, op: str, args: tuple, note: str = "") -> Self:
        if args and isinstance(args[-1], Field):
            field = args[-1]
            args, note = (*args[:-1], field.base, field.offset), note or field.note
        return super().emit(op, args, note)

    def load(self, **fields: Field) -> None:
        """Registers = words, in this order."""
        for register, field in fields.items():
            self.l32i(register, field)

    def copy(self, to: Field, source: Field, t: str, plus: int = 0) -> None:
        """A word = another, plus a number, through t."""
        self.l32i(t, source)
        if plus:
            self.addi(t, t, plus)
        self.s32i(t, to)

    def plus(self, register: str, field: Field, t: str) -> None:
        """register += a word, through t."""
        self.l32i(t, field)
        self.add(register, register, t)

    def each(self, op: str, registers: Sequence[str], *operands: str | int, note: str = "") -> None:
        """r = r op operands, of each register."""
        for r in registers:
            self.emit(op, (r, r, *operands), note)
            note = ""

    def bump(self, field: Field, by: int | str, t: str) -> None:
        """The word += a number or a register, through t."""
        self.l32i(t, field)
        self.addi(t, t, by) if isinstance(by, int) else self.add(t, t, by)
        self.s32i(t, field)

    @contextmanager
    def loop(self, count: str, label: str, op: str = "loop"):
        """`count` turns, at least one; a turn costs nothing."""
        self.emit(op, (count, label))
        yield
        self.label(label)

    def loopnez(self, count: str, label: str):
        """`count` turns, perhaps none."""
        return self.loop(count, label, "loopnez")

    @contextmanager
    def times(self, count: str, label: str):
        """`count` turns, at least one; for what is longer than 256 bytes or has loops inside."""
        self.label(label)
        yield
        self.addi(count, count, -1)
        self.bnez(count, label)

    def far(self, branch: str, *operands: str, over: str) -> None:
        """A jump to the last operand, however far, unless the branch to `over`, the label after it, is taken."""
        *compared, label = operands
        self.emit(branch, (*compared, over))
        self.j(label)
        self.label(over)

    def take_state(self) -> None:
        """a2 = the state's address, of the small int address / 4 (an object o is (o - 1) * 2)."""
        self.l32i("a2", "a5", 0)
        self.addi("a2", "a2", -1)
        self.add("a2", "a2", "a2")

    def take_numbers(self, *registers: str) -> None:
        """The arguments, small ints, as numbers; a5, which points to them, may be one of the registers."""
        order = sorted(enumerate(registers), key=lambda item: item[1] == "a5")
        for i, r in order:
            self.l32i(r, "a5", 4 * i)
        for r in registers:
            self.srai(r, r, 1)

    def done(self) -> None:
        """A small int, as all functions return it."""
        self.movi("a2", 1)

    def figures(self) -> list[str]:
        return costs.figures([(op, args) for op, args, _ in self.lines])


def described(state: Fields) -> str:
    """A state's table of contents, a line per word: offset, names, what it is."""
    rows = ((offset, ", ".join(names), meaning) for offset, names, meaning in state.contents())
    return "\n".join(f"{offset:4} {names:20} {meaning}".rstrip() for offset, names, meaning in rows)


def driver(name: str) -> str:
    """The viper function that drives a family's kernels: <name>.upy, in MicroPython."""
    return (_FOLDER / f"{name}.upy").read_text()


def device_file(doc: str, parts: Sequence[Function | str], record: dict[str, int], state: Fields | None = None) -> str:
    """The text of a device file; text parts name words of the record, `rec[_STRIDE_H]`, and state, `s[_S_SOURCE]`."""
    constants = {f"_{name}".upper(): word for name, word in record.items()}
    if state:
        constants |= state.constants() | {"_STATE_BYTES": state.size}
    return writer.device_file(doc.lstrip("\n"), parts, constants)
