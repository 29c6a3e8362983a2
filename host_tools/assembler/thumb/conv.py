"""device/fxnn/thumb/conv.py: packing, and writing of the unrolled code. conv_products.py: products."""

from __future__ import annotations

from ...record import CONV
from . import isa
from .conv_products import STATE, UNIT, WEIGHT_AT, convolve
from .pixels import flush, load_two
from .writer import Function, described, device_file, driver, kernel

HEAD = """
Convolutions in Thumb: any kernel, strides, dilations, paddings and channels. See ref/conv.py for the meaning.

The product of two pixels at once (the host makes sure of |x0 * w0 + x1 * w1| < 2^15, FORMAT.md, packed variant): words hold
x[pixel 0] + (x[pixel 1] << 16); muls by w[k] and w[k + 1] and their sum give both pixels' pair sums in one word, the
low one borrowing from the high one where it is negative. X sums the words modulo 2^32; asrs by 16 leaves the borrow in
the carry, adcs adds the high half, repaired, to Y. At the end sum1 = Y and sum0 = X - (Y << 16).

The driver cuts the output into tiles. pack() writes the tile's inputs as such words, for four pixels at a time:
(k: 0, 1) (k + 1: 0, 1) (k: 2, 3) (k + 1: 2, 3). convolve() then takes one output channel after the other. It widens
the channel's weights to words, or patches them, as differences, into code that build() has unrolled in the scratch:
there a weight is one instruction, adds or subs r1,#imm8. Nothing of that code outlives the call.

State, 34 words at the start of the scratch, byte offsets; pack's and band's come first, convolve reuses some:
{state}
"""
IMPORTS = """
import sys
import micropython
from array import array

# Whether convolve may run code that it has patched: on the M0+, which has no caches (armv6m).
_patches = array("i", bytes(4))
_patches[0] = getattr(sys.implementation, "_mpy", 0) >> 10 & 15 == 4
"""


def file() -> str:
    head = HEAD.replace("{state}", described(STATE))
    parts = [band(), pack(), build(), convolve(), driver("conv")]
    return device_file(head, parts, IMPORTS.strip(), record=CONV.names, state=STATE)


@kernel("r0 r1 r2")
def band(f: Function) -> None:
    """
    The part of the image that a tile sees, with its padding. FORMAT.md, window.
    In   r0 *to uint8[] | r1 *image | r2 *state    Uses r3 count, end | r4 padding | r5 byte | r7 rows | lr    Stack 0
    Cost 9 cycles a byte copied, 6 a byte of padding (counted).
    """
    s = STATE.at("r2")

    def fill(bytes_: tuple) -> None:
        f.ldr("r3", bytes_).bl("FILL")

    f.ldr("r4", s.padding, note="x_zero_point")
    fill(s.top)
    f.ldr("r7", s.image_rows)
    with f.loop("ROW", until=("r7", 0), go="bgt", test="LAST"):
        fill(s.left)
        f.ldr("r3", s.run).add("r3", "r1")
        with f.loop("COPY", until=("r1", "r3")):
            f.ldrb("r5", "r1", 0).strb("r5", "r0", 0).add(r1=1, r0=1)
        f.add("r1", s.skip, via="r3")
        fill(s.right)
        f.sub("r7", 1)
    fill(s.bottom)
    f.b("END")
    f.label("FILL", note="r3 bytes of padding")
    f.add("r3", "r0")
    with f.loop("BYTE", until=("r0", "r3"), test="TEST"):
        f.strb("r4", "r0", 0).add("r0", 1)
    f.ret()
    f.label("END")


@kernel("r0", "r1 r2 r3 r4")
def pack(f: Function) -> None:
    """
    Packs the inputs of a tile, four pixels (columns) or four rows (planes) at a time.
    In   r0 *state    Uses r1-r3, r7 pointers of the four | r0 index | r4, r5 inputs | r6 where they go | r8 state
         r9 entry | r10 rows left | r11 runs left | r12 row | lr end of run    Stack 16
    Cost 19 cycles an input of four pixels (counted); 23 where runs are of odd length.
    """
    s = STATE.at("r4")

    def four(at: int) -> None:
        """An input of the four pixels."""
        for first, second, offset in (("r1", "r2", at), ("r3", "r7", at + 8)):
            load_two(f, first, second, pair="r4 r5")
            f.str("r4", "r6", offset)
        f.add("r0", 1)

    def fill(inputs: tuple) -> None:
        f.ldr("r4", inputs).bl("FILL")

    f.mov("r8", "r0").fetch("r9", STATE.table, "r4")
    f.label("ENTRY")
    f.mov("r0", "r8").ldr(r6=STATE.to, r4=STATE.entry_bytes)
    f.add("r4", "r6").str("r4", STATE.to, note="where the next entry goes")
    fill(STATE.left)
    f.mov("r4", "r9").add("r4", 4).ldm("r4", "r1 r2 r3 r7", note="pointers to inputs of the four").mov("r9", "r4")
    f.mov("r4", "r8").fetch("r10", s.rows, "r4").mov("r0", 0)
    f.label("ROW")
    f.mov(r12="r0", r4="r8").fetch("r11", s.runs, "r4")
    f.label("RUN")
    f.mov("r4", "r8").ldr("r4", s.run).add("r5", "r4", "r0").mov("lr", "r5")
    f.beq("r0", "lr", "NEXT")
    f.lsl("r4", "r4", 31, note="odd?").bmi("ODD")
    with f.loop("PAIR", until=("r0", "lr"), note="19 cycles an input byte of four pixels"):
        four(0)
        four(4)
        f.add("r6", 16)
    f.label("NEXT")
    f.mov("r4", "r8").sub("r0", s.run, via="r5").add("r0", s.run_step, via="r5")
    f.again("RUN", "r11", via="r5")
    f.ldr("r5", s.row_step).mov("r0", "r12").add("r0", "r5")
    f.again("ROW", "r10", via="r5")
    fill(s.right)
    f.mov("r0", "r8").again("ENTRY", STATE.entries, via="r4")
    f.b("END")
    with f.loop("ODD", until=("r0", "lr"), note="runs of odd length: words 0 and 1 of the four in turn"):
        four(0)
        f.lsl("r4", "r6", 29, note="word 1: the next four; they begin at a multiple of 8").bpl("FIRST")
        f.add("r6", 8).label("FIRST").add("r6", 4)
    f.b("NEXT")
    f.label("FILL", note="r4: inputs, even; r6: where to")
    f.mov("r5", "r8").ldr("r5", STATE.at("r5").padding)
    with f.loop("WORDS", until=("r4", 0), go="bgt", test="TEST"):
        for offset in (0, 4, 8, 12):
            f.str("r5", "r6", offset)
        f.add("r6", 16).sub("r4", 2)
    f.ret()
    f.label("END")


@kernel("r0")
def build(f: Function) -> None:
    """
    Writes the code for the products of a group, of which convolve patches the weights in: TEMPLATE for every four,
    after a run add r0,r12 (what lies between runs) and nop, after the last bx lr.
    In   r0 *state    Uses r0 weights left in the run, times 4 | r1 template | r2 where to | r3-r5, r7 code
         r6 template | r12 state | lr weights left, times 4. The template is read, not run.    Stack 0
    Cost 44 cycles for 4 weights (counted).
    """
    f.nop().mov("r1", "pc", note="TEMPLATE").b("START")
    f.label("TEMPLATE", note="38 cycles for 16 products; the zeros become the differences of weights")
    first, weights = len(f.lines), []
    for _ in range(2):  # w[k], w[k + 1] of four pixels
        f.ldm("r0", "r2 r3 r6 r7")
        for a, b in (("r2", "r6"), ("r3", "r7")):
            weights.append(2 * (len(f.lines) - first))
            f.add("r1", 0, note="w").mul(a, "r1").mul(b, "r1")
        f.add(r2="r3", r6="r7", note="pair sums of pixels 0, 1; 2, 3")
        flush(f, "r8", "r4", "r2")
        flush(f, "r9", "r5", "r6")
    assert 2 * (len(f.lines) - first) == UNIT and tuple(weights) == WEIGHT_AT
    f.label("START")
    f.mov("r12", "r0").ldr(r2=STATE.wide, r4=STATE.count).lsl("r4", "r4", 2).mov("lr", "r4")
    f.label("RUN")
    f.mov("r0", "r12").ldr("r0", STATE.run_bytes).mov("r4", "lr").sub("r4", "r0").mov("lr", "r4")
    with f.loop("UNIT", count="r0", by=16, note="44 cycles for 4 weights"):
        f.mov("r6", "r1")
        for registers in 3 * ["r3 r4 r5 r7"] + ["r3 r4 r5"]:  # UNIT bytes
            f.ldm("r6", registers).stm("r2", registers)
    _code(f, "r3", "add", "r0", "r12")
    _code(f, "r4", "nop")
    f.lsl("r4", "r4", 16).add("r3", "r4")
    f.mov("r4", "lr").bne("r4", 0, "NEXT")
    _code(f, "r3", "bx", "lr")
    f.label("NEXT")
    f.stm("r2", "r3").bne("r4", 0, "RUN")


def _code(f: Function, to: str, op: str, *args: str) -> None:
    """to = the code of an instruction."""
    f.number(to, isa.encode((op, args)), note=f"the code of {isa.mnemonic((op, args))}")
