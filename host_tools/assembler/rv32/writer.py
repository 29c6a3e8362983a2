"""An RV32IMC kernel in the making: MicroPython's asm_rv32 source with compressed forms and cycle counts."""

from __future__ import annotations

from ...record import Layout
from .. import writer
from ..words import numbered
from . import isa
from .isa import SAVED

_WRITTEN = "Written by host_tools/assembler/rv32: edit that. Assembler for RV32IMC (ESP32-C3, RP2350's Hazard3): rv32."


def device_file(title: str, kernel: Function, end: str) -> str:
    """The text of a device file: what it is, its kernel, the lines after it."""
    return writer.device_file(f"{title}\n\n{_WRITTEN}\n", [kernel, end])


class Function(writer.Function):
    """One kernel. Registers are the ABI's names; loads and stores take (register, offset, base).

    slots: names of the words of its stack frame, in order; they lie below the saved registers. layout: of the op
    record, whose words have names. A label that is farther than a branch reaches (4 kB) is jumped to around a branch: `goto_unless`.
    """

    decorator, column, operations = "asm_rv32", 38, isa.OPERATIONS

    def __init__(self, name: str, doc: str, layout: Layout, slots: str = ""):
        super().__init__(name, "a0, a1, a2", doc)
        self.words = numbered(layout)
        self.slots = {slot: 4 * i for i, slot in enumerate(slots.split())}
        self.locals = 4 * len(self.slots)
        self.frame = -(-(self.locals + 4 * len(SAVED)) // 16) * 16
        self.doc = self.doc.replace("{frame}", str(self.frame))

    # ---- the record, and the stack frame's words

    def word(self, to: str = "", name: str = "", base: str = "a0", note: str = "", **more: str) -> None:
        """Register = the record's word, of one or of several: `f.word(t1="in_c", t2="kernel_h")`, in this order."""
        for register, word in ({to: name} if to else more).items():
            self.lw(register, 4 * self.words[word], base, note=note)
            note = ""

    def half(self, to: str, name: str, upper: bool, base: str = "a0", note: str = "") -> None:
        """to = the upper or lower 16 bits of the record's word, unsigned."""
        self.lhu(to, 4 * self.words[name] + 2 * upper, base, note=note)

    def by_word(self, op: str, acc: str, t: str, *names: str, base: str = "a0") -> None:
        """acc = acc op word of the record, of each, through t: `f.by_word("mul", "t0", "t1", "out_h", "out_w")`."""
        for name in names:
            self.word(t, name, base)
            self.emit(op, (acc, acc, t))

    def get(self, to: str = "", slot: str = "", note: str = "", **more: str) -> None:
        """Register = the slot, of one or of several: `f.get(t0="at", t1="in_tile")`, in this order."""
        for register, name in ({to: slot} if to else more).items():
            self.lw(register, self.slots[name], "sp", note=note)
            note = ""

    def put(self, register: str, *slots: str, note: str = "") -> None:
        """The slots = the register."""
        for slot in slots:
            self.sw(register, self.slots[slot], "sp", note=note)
            note = ""

    def by_slot(self, op: str, acc: str, t: str, *slots: str) -> None:
        """acc = acc op slot, of each, through t."""
        for slot in slots:
            self.get(t, slot)
            self.emit(op, (acc, acc, t))

    def bump(self, slot: str, by: int | str, t: str = "t0") -> None:
        """slot += a number or a register."""
        self.get(t, slot)
        self.addi(t, t, by) if isinstance(by, int) else self.add(t, t, by)
        self.put(t, slot)

    def words_to_slots(self, *pairs: tuple[str, str]) -> None:
        """slot = the record's word, of each (word, slot)."""
        for name, slot in pairs:
            self.word("t0", name)
            self.put("t0", slot)

    def y_step(self, slot: str) -> None:
        """slot = bytes from an output pixel to the next: of an op that is cut y_step, else out_c. t0 is lost."""
        self.word("t0", "y_step", note="y_step, or out_c")
        self.bne("t0", "zero", "A_PIECE")
        self.word("t0", "out_c")
        self.label("A_PIECE")
        self.put("t0", slot)

    # ---- control

    def goto(self, label: str) -> None:
        self.jal("zero", label)

    def goto_unless(self, branch: str, a: str, b: str, label: str, near: str) -> None:
        """A jump to `label`, however far, unless the condition holds; `near` is the label after it."""
        getattr(self, branch)(a, b, near)
        self.goto(label)
        self.label(near)

    def count_down(self, slot: str, again: str, done: str, t: str = "t0") -> None:
        """slot -= 1; to `again`, however far, while it is not 0."""
        self.bump(slot, -1, t)
        self.goto_unless("beq", t, "zero", again, done)

    def at_most(self, register: str, limit: str, label: str) -> None:
        """register = min(register, limit), signed."""
        self.bge(limit, register, label)
        self.mv(register, limit)
        self.label(label)

    # ---- what every kernel starts and ends with

    def enter(self) -> None:
        """a0 record, a1 arena, a2 constants as addresses, however the function was called; registers saved."""
        self.title("A viper function gets (self, 3, 0, objects), an assembler one three addresses; no arena lies at 3.")
        self.li("t3", 3)
        self.bne("a1", "t3", "CALLED")
        self.li("t3", 1)
        for i, to in enumerate(("a0", "a1", "a2")):
            self.lw("t0", 4 * i, "a3", note=f"argument {i}: a bytearray (type code 1) or a memoryview")
            self.lw(to, 12, "t0", note="items")
            self.lbu("t1", 4, "t0")
            self.beq("t1", "t3", f"BYTES{i}")
            self.lw("t1", 4, "t0", note="its offset: the upper 24 bits")
            self.srli("t1", "t1", 8)
            self.add(to, to, "t1")
            self.label(f"BYTES{i}")
        self.label("CALLED")
        self.addi("sp", "sp", -self.frame)
        for i, r in enumerate(SAVED):
            self.sw(r, self.locals + 4 * i, "sp")

    def keep(self, *offsets: tuple[str, str], constants: bool = False) -> None:
        """After enter(): slots record (and constants) = their addresses; slot = arena + word, of each (word, slot).

        The last of those addresses is left in t0.
        """
        self.put("a0", "record")
        if constants:
            self.put("a2", "constants")
        for name, slot in offsets:
            self.word("t0", name)
            self.add("t0", "t0", "a1")
            self.put("t0", slot)

    def leave(self) -> None:
        """Registers restored; the small int 0 as an object, 1 as a number."""
        for i, r in enumerate(SAVED):
            self.lw(r, self.locals + 4 * i, "sp")
        self.addi("sp", "sp", self.frame)
        self.li("a0", 1)

    # ---- source

    def figures(self) -> list[str]:
        found = []
        for i, (op, args, _) in enumerate(self.lines):
            following = next((line[:2] for line in self.lines[i + 1 :] if line[0] not in ("#", "label")), None)
            found.append("" if op in ("#", "label") else isa.cycles(op, args, following))
        return found

    def written(self, op: str, args: tuple) -> str:
        op, args = isa.compressed(op, args)
        if op.removeprefix("c_") in isa.LOADS | isa.STORES:
            r, offset, base = args
            return f"{op}({r}, {offset}({base}))"
        return super().written(op, args)
