"""convolve of device/fxnn/thumb/conv.py: the products of a tile, a channel at a time, looped or patched."""

from __future__ import annotations

from ..fields import words
from .lanes import Lanes
from .pixels import flush, low_sum
from .requantize import FAST_CHANNEL
from .writer import Function, kernel

STATE = words(
    "r0",
    ("table", "entries of 5 words {packed inputs of a group of 4 pixels, 0 ends; 4 pointers, later accumulators}"),
    ("entries|image_rows|channels", "left to do"),
    ("to|y_zero_point", "where packed inputs go, until convolve"),
    ("left", "inputs of padding before a run"),
    ("run", "inputs"),
    ("runs|bottom", "a row; band: bytes of padding"),
    ("run_step", "from run to run"),
    ("rows|top", "band: bytes of padding"),
    ("row_step|skip", "from row to row; band: from run to run"),
    ("right", "inputs of padding after a run"),
    ("padding|unpacked", "x_zero_point, pack: * 65537; where weights of four bits are unpacked, 0: they have eight"),
    ("entry_bytes", "packed"),
    "weights",
    ("wide", "widened weights or code"),
    ("wide_end", "of them"),
    ("count", "weights a channel"),
    ("channel", "table"),
    ("fast", "table"),
    ("relu", "1: negative accumulators give clamp_min"),
    ("run_bytes", "widened"),
    ("gap", "packed bytes between runs"),
    ("start", "where a run starts in the unrolled loop, -1: patched code"),
    ("y_step", "from one output to the next"),
    "clamp_min",
    "clamp_max",
    ("flip", "0x80808080"),
    ("lanes*8", "four times {outputs, where they go}: the pixels 0 to 3 of the groups"),
)
ENTRY = 20  # bytes of an entry of the table: packed inputs, four accumulators
UNIT = 60  # bytes of code of four weights, in the loop and in build's TEMPLATE
MORE, LESS = 0x3100, 0x3900  # add r1,#0 and sub r1,#0
WEIGHT_AT = (2, 8, 32, 38)  # where in TEMPLATE they are
FRAME = words("sp", "state", "wide|entry", "start", "run", "weights_end", "gap", "lane", "acc", "relu|end", "y_step")


@kernel("r0", "r1 r2 r3 r4", FRAME)
def convolve(f: Function) -> None:
    """
    The outputs of a tile, channel by channel: eq. (2), (3); reference: ref.conv_2d.
    In   r0 *state
    Uses products: r0 packed inputs | r1, r7 w Q0 | r2, r3 two pixels | r4, r5 Y | r6 widened weights | r8, r9 X
         r10, r11 X and Y at first | r12 entry | lr end of run
         patched: r1 w | r2, r3, r6, r7 four pixels | r12 bytes between runs | lr GROUP_DONE
         patching: r1 weights | r2, r5 w | r3 difference | r4 run | r6 code | r7, r8 opcodes
         requantize: r0 accumulators | r1 m1 (exact: low half of multiplier) | r2 y | r3 s (high half)
         r4-r6 temporary, r6 j | r7 m2 (right_shift) | r8 c (left_shift) | r9 y_step (y_zero_point) | r10, r11 clamps
         r12 end (accumulators) | lr c - 2^f (y)
    Stack 56: state, weights' words, start in the loop, run, their end, gap, lane, accumulators, flag or end, y_step
    Bounds |pair sum| < 2^15; X, Y, accumulators modulo 2^32; two multiplies: no overflow: the host proves it.
    Cost 21 cycles for 8 products, 36 a group of 4 outputs, 4.25 a weight and tile (four bits: 3.5 more), 12 to 18 an
         output requantized by two multiplies, 60 by four (counted). Patched: 19, 33, 10.25. In all 2.6 to 3.6 cycles
         per product (profile on the virtual Pico, MicroPython 1.25).
    """
    lanes = ConvLanes(f, STATE, FRAME, pitch=ENTRY, blocks=4)
    f.mov("r3", "pc", note="MAC").b("SETUP")
    _products(f)
    _setup(f)
    _widen(f)
    lanes.requantize()
    _weights(f)
    _patch(f)
    _patched_groups(f)
    lanes.channel_done()
    f.ldr("r1", STATE.start).blt("r1", 0, "PATCH_AGAIN").b("CHANNEL")
    f.label("PATCH_AGAIN").b("PATCH_CHANNEL")
    lanes.exact()
    f.label("END")


def _products(f: Function) -> None:
    """MAC: a group of four pixels, run by run; GROUP: the next one, REQUANTIZE where there is none."""
    with f.loop("MAC", until=("r6", "lr"), note="21 cycles for 8 products, 4 x 2 pairs of inputs"):
        for _ in range(8):
            f.ldm("r6", "r1 r7", note="w[k], w[k+1]")
            for x, y in (("r8", "r4"), ("r9", "r5")):
                f.ldm("r0", "r2 r3", note="x[k], x[k+1] of two pixels")
                f.mul(r2="r1", r3="r7").add("r2", "r3", note="their pair sums")
                flush(f, x, y, "r2")
    f.bne("r6", FRAME.weights_end, "NEXT_RUN", via="r1")
    f.mov("r7", "r12")
    _store_group(f)
    _next_group(f, "GROUP", "REQUANTIZE")
    f.ldr("r6", FRAME.wide)
    f.label("RUN")
    f.ldr("r1", FRAME.run).add("r1", "r6").mov("lr", "r1")
    f.mov("pc", FRAME.start, via="r1", note="into MAC")
    f.label("NEXT_RUN")
    f.add("r0", FRAME.gap, via="r1").b("RUN")


def _store_group(f: Function) -> None:
    """The accumulators of four pixels, to the entry at r7; r7 is then the next entry."""
    f.mov("r1", "r8")
    low_sum(f, "r1", "r4", "r2")
    f.mov(r2="r4", r3="r9")
    low_sum(f, "r3", "r5", "r4")
    f.stm("r7", "r1 r2 r3 r5", note="pixels 0 to 3")


def _next_group(f: Function, name: str, end: str, keep: tuple | None = None) -> None:
    """r0 = packed inputs of the entry at r7, kept in r12 or `keep`; X, Y at first. To `end` after the last."""
    f.label(name)
    f.ldm("r7", "r0", note="packed inputs").beq("r0", 0, end)
    f.str("r7", keep) if keep else f.mov("r12", "r7")
    f.mov(r8="r10", r9="r10", r4="r11", r5="r11")


def _first_group(f: Function) -> None:
    """r10, r11 = X and Y at first, of the channel whose fast entry r1 is; r1, r2 are lost."""
    f.ldr("r1", FAST_CHANNEL.at("r1").first).mov("r11", "r1").twice("r1", "r2").mov("r10", "r1")


def _setup(f: Function) -> None:
    """Where a run starts in MAC, which is r3, or PATCHED."""
    f.label("SETUP")
    f.str("r0", FRAME.state).copy(FRAME.wide, STATE.wide, "r1")
    f.ldr("r2", STATE.start).cmp("r2", 0).far("bge", "PATCHED", over="LOOP")
    f.add("r3", "r2").str("r3", FRAME.start)
    f.copy(FRAME.run, STATE.run_bytes, "r1").copy(FRAME.gap, STATE.gap, "r1")


def _widen(f: Function) -> None:
    """CHANNEL: its weights as words; where it is split, as two runs; then its groups."""
    f.label("CHANNEL").bl("WEIGHTS")
    f.ldr(r6=STATE.wide, r7=STATE.flip).mov("r0", "r1")
    with f.loop("WIDEN", until=("r0", "r12"), note="17 cycles for 4 weights"):
        f.ldm("r0", "r4").eor("r4", "r7", note="w + 128 to w, int8")
        for w in ("r1", "r2", "r3"):
            f.sxtb(w, "r4").asr("r4", "r4", 8)
        f.stm("r6", "r1 r2 r3 r4")
    f.ldr("r0", FRAME.state).ldr("r1", STATE.fast).ldrb("r3", FAST_CHANNEL.at("r1").kind)
    f.str("r6", FRAME.weights_end)
    f.lsr("r3", "r3", 4, note="bit 3: split").bcc("START")
    f.ldr("r7", STATE.wide)
    f.label("SPLIT", note="14 cycles a weight: w = max(w, -127) + (-1 or 0), the second a run after the first")
    f.ldr("r2", "r7", 0).mov("r3", 127).add("r3", "r2").asr("r3", "r3", 31, note="-1 where w = -128").stm("r6", "r3")
    f.sub("r2", "r3").stm("r7", "r2")
    f.bne("r7", STATE.wide_end, "SPLIT", via="r2")
    f.str("r6", FRAME.weights_end)
    f.label("START")
    _first_group(f)
    f.ldr("r7", STATE.table).b("GROUP")


def _weights(f: Function) -> None:
    """WEIGHTS, a subroutine: those of four bits are unpacked."""
    f.label("WEIGHTS", note="r1: a channel's weights as bytes, r12: their end")
    f.ldr(r1=STATE.weights, r2=STATE.count, r6=STATE.unpacked).bne("r6", 0, "UNPACK")
    f.add("r2", "r1").str("r2", STATE.weights).mov("r12", "r2").ret()
    f.label("UNPACK")
    f.add("r2", "r6").mov("r12", "r2")
    f.mov("r2", 255).twice("r2", "r3", note="0x00FF00FF")
    f.mov("r3", 15).lsl("r4", "r3", 8).add("r3", "r4").twice("r3", "r4", note="0x0F0F0F0F")
    f.lsl("r7", "r3", 3, note="120 four times")
    f.label("NIBBLES", note="28 cycles for 8 weights: w + 8 in four bits to w + 128")
    for at in (0, 2):
        f.ldrh("r4", "r1", at)
        for shift, mask, parts in ((8, "r2", "bytes, 16 bits apart"), (4, "r3", "w + 8, 8 bits apart")):
            f.lsl("r5", "r4", shift).orr("r4", "r5").and_("r4", mask, note=parts)
        f.add("r4", "r7").stm("r6", "r4")
    f.add("r1", 4).bcc("r6", "r12", "NIBBLES")
    f.str("r1", STATE.weights).ldr("r1", STATE.unpacked).ret()


def _patch(f: Function) -> None:
    """PATCHED: the weights of each channel go into build's code, as differences: w[k] = w[k - 1] + d."""
    f.label("PATCHED", note="build()'s code, from the start of the widened weights; lr returns to GROUP_DONE")
    f.str("r1", FRAME.start)
    f.label("PATCH_CHANNEL").bl("WEIGHTS")
    f.ldr("r6", STATE.wide)
    f.mov("r7", MORE >> 8).lsl("r7", "r7", 8, note="add r1,#0")
    f.mov("r5", (LESS - MORE) >> 8).lsl("r5", "r5", 8).add("r5", "r7").mov("r8", "r5", note="sub r1,#0")
    f.mov("r5", 128, note="w = 0, where r1 starts")
    f.label("PATCH_RUN")
    f.ldr("r4", STATE.run_bytes).lsr("r4", "r4", 2).add("r4", "r1").mov("lr", "r4")
    with f.loop("PATCH", until=("r1", "lr"), note="7 cycles a weight, 11 where it is less than the one before"):
        for k, at in enumerate(WEIGHT_AT):
            w, before = ("r2", "r5") if k % 2 == 0 else ("r5", "r2")
            f.ldrb(w, "r1", k).sub("r3", w, before).bcc(f"LESS{k}")
            f.add("r3", "r7", note="add r1,#difference").label(f"STORE{k}").strh("r3", "r6", at)
        f.add(r1=4, r6=UNIT)
    f.add("r6", 4, note="add r0,r12 and nop, after a run")
    f.bne("r1", "r12", "PATCH_RUN")


def _patched_groups(f: Function) -> None:
    """The groups of a channel, by the code that has its weights."""
    f.ldr("r1", STATE.fast)
    _first_group(f)
    f.fetch("r12", STATE.gap, "r1")
    f.ldr("r7", STATE.table).bl("NEXT_GROUP")
    f.label("GROUP_DONE", note="33 cycles a group besides the products")
    f.ldr("r7", FRAME.entry)
    _store_group(f)
    _next_group(f, "NEXT_GROUP", "PATCHED_END", keep=FRAME.entry)
    f.mov("r1", 0, note="w").mov("pc", FRAME.start, via="r7")
    f.label("PATCHED_END").b("REQUANTIZE")
    for k in range(4):
        f.label(f"LESS{k}").neg("r3", "r3").add("r3", "r8", note="sub r1,#difference").b(f"STORE{k}")


class ConvLanes(Lanes):
    """Four lanes, the pixels of each group: accumulators one after the other in the table's entries."""

    def first_lane(self) -> None:
        self.f.ldr("r1", STATE.table).add("r1", 4).str("r1", FRAME.acc)
        self.f.mov("r1", "r0").add("r1", STATE.offset("lanes")).str("r1", FRAME.lane)

    def exact_entry(self) -> None:
        self.f.ldr(r5=STATE.channel, r1=STATE.unpacked).beq("r1", 0, "LONG")
        self.f.ldr("r5", STATE.fast, note="the packed table holds what the short one has not").label("LONG")

    def next_lane(self, exact: bool) -> None:
        f = self.f
        f.add("r4", 8).str("r4", FRAME.lane).ldr("r0", FRAME.acc)
        if exact:
            f.mov("r12", "r0")
            self.set_end()
            f.add("r0", 4).str("r0", FRAME.acc)
        else:
            f.add("r4", "r0", 4).str("r4", FRAME.acc)

    def times_pitch(self, count: str) -> None:
        self.f.mov("r4", ENTRY).mul("r4", count)

    def last_lane(self) -> None:
        self.f.ldr("r5", FRAME.state).sub("r4", "r5").cmp("r4", STATE.size)
