"""A channel's accumulators to outputs, lane by lane, for conv and depthwise: eq. (2), (3) in two multiplies or exactly.

A lane is a run of outputs, its row in the state {outputs, y, ...}, taken in order; y moves on by a channel each time.
Two multiplies (packed table, kind bit 0; the host has proved it for the channel's range, modulo 2^32):
    y = (acc * m1 + ((acc >> 4) * m2 >> j) + (acc < 0 ? c - 2^f : c)) >> s, clamped
in blocks of 13 instructions, of which so many are skipped at first that the last block ends the lane.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..fields import Fields, words
from .requantize import CHANNEL, FAST_CHANNEL, clamp, halves, high_mul, round_shift
from .writer import Function

ROW = words("r4", "outputs", "y", "acc")  # of a lane; conv has no acc
BLOCK = 2 * 13  # bytes of code of one output


class Lanes(ABC):
    """What conv and depthwise share. pitch: bytes from an accumulator to the next; blocks: outputs unrolled, 2^n.

    A family says where its lanes and accumulators are:
    first_lane()        frame.lane; r0 is the state, r1 free
    exact_entry()       r5 = the channel's entry of the channel table
    next_lane(exact)    r0 = accumulators; frame.lane, which was r4, is the next one's; exact: set_end(), r12 = r0
    times_pitch(count)  r4 = bytes of so many accumulators
    last_lane()         a comparison of r4, the next lane: equal where no lane is left; r5 is free
    """

    def __init__(self, f: Function, state: Fields, frame: Fields, pitch: int, blocks: int):
        self.f, self.s, self.frame, self.pitch, self.blocks = f, state, frame, pitch, blocks

    @abstractmethod
    def first_lane(self) -> None: ...

    @abstractmethod
    def exact_entry(self) -> None: ...

    @abstractmethod
    def next_lane(self, exact: bool) -> None: ...

    @abstractmethod
    def times_pitch(self, count: str) -> None: ...

    @abstractmethod
    def last_lane(self) -> None: ...

    def requantize(self) -> None:
        """REQUANTIZE: all lanes of a channel, where it has two multiplies; then CHANNEL_DONE. exact(): the others."""
        f, s, frame, fast = self.f, self.s, self.frame, FAST_CHANNEL
        f.label("REQUANTIZE")
        f.ldr("r0", frame.state)
        self.first_lane()
        f.fetch("r9", s.y_step, "r1").str("r1", frame.y_step)
        f.fetch("r1", r10=s.clamp_min, r11=s.clamp_max)
        f.ldr("r5", s.fast).ldrb("r2", fast.kind).lsr("r2", "r2", 1, note="bit 0: two multiplies")
        f.far("bcs", "EXACT", over="FAST")
        f.copy(frame.relu, s.relu, "r2")
        f.fetch("r8", fast.c, "r2", note="c: rounding and zero point, s more bits than y")
        f.ldrb("r3", fast.f).mov("r2", 1).lsl("r2", "r3").neg("r2", "r2")
        f.add("r2", "r8").mov("lr", "r2", note="c - 2^f, for acc < 0")
        f.ldrb(r3=fast.s, r6=fast.j).ldrh("r1", fast.m1)
        f.mov("r7", FAST_CHANNEL.offset("m2")).ldrsh("r7", "r5", "r7", note="m2, s16")
        f.label("LANE")
        f.ldr("r4", frame.lane).ldr(r5=ROW.outputs, r2=ROW.y)
        f.add("r0", "r2", 1).str("r0", ROW.y, note="of the next channel")
        self.next_lane(exact=False)
        f.beq("r5", 0, "LANE_DONE")
        self.times_pitch("r5")
        f.add("r4", "r0").mov("r12", "r4", note="end")
        log = self.blocks.bit_length() - 1
        f.neg("r5", "r5").lsl("r5", "r5", 32 - log).lsr("r5", "r5", 32 - log, note="blocks to skip")
        self.times_pitch("r5")
        f.sub("r0", "r4")
        f.ldr("r4", frame.relu).cmp("r4", 0)
        if self.blocks > 4:  # RELU is out of a branch's reach
            f.far("beq", "RELU", over="SIGNED_LANE")
        else:
            f.bne("RELU")
        self._outputs("SIGNED", "MINUS", "HIGH", "PUT", "16 cycles an output, 18 where the accumulator is negative")
        f.label("LANE_DONE")
        self._next("LANE", far=self.blocks > 4)
        for i in range(self.blocks):
            f.label(f"MINUS{i}")
            self._accumulate("lr")
            f.bge("r4", "r10", f"PUT{i}").mov("r4", "r10").b(f"PUT{i}")
            self._bound(f"HIGH{i}", "r11", f"PUT{i}")
        f.label("RELU")
        self._outputs("POSITIVE", "ZERO", "TOP", "PUTZ", "16 cycles an output, 12 where the accumulator is negative")
        f.b("LANE_DONE")
        for i in range(self.blocks):
            self._bound(f"ZERO{i}", "r10", f"PUTZ{i}")
            self._bound(f"TOP{i}", "r11", f"PUTZ{i}")

    def _outputs(self, name: str, minus: str, high: str, put: str, note: str) -> None:
        """The blocks, from the first that is not skipped (r5: how many are), until r0 is the end."""
        f = self.f
        f.mov("r4", BLOCK).mul("r4", "r5").add("pc", "r4", note="pc: of the block after nop").nop()
        with f.loop(name, until=("r0", "r12"), note=note):
            for i in range(self.blocks):
                f.ldr("r4", "r0", self.pitch * i, note="acc").asr("r5", "r4", 4).bmi(f"{minus}{i}")
                self._accumulate("r8")
                f.bgt("r4", "r11", f"{high}{i}")
                f.label(f"{put}{i}")
                f.strb("r4", "r2", 0).add("r2", "r9")
            f.add("r0", self.blocks * self.pitch)

    def _accumulate(self, c: str) -> None:
        """r4 = (acc * m1 + ((acc >> 4) * m2 >> j) + c) >> s, of r4 acc and r5 acc >> 4."""
        f = self.f
        f.mul("r5", "r7").asr("r5", "r6", note="(acc >> 4) * m2 >> j")
        f.mul("r4", "r1").add("r4", "r5", note="+ acc * m1")
        f.add("r4", c).asr("r4", "r3", note="y, Q0")

    def _bound(self, label: str, bound: str, back: str) -> None:
        self.f.label(label).mov("r4", bound).b(back)

    def _next(self, lane: str, far: bool = False) -> None:
        f = self.f
        f.ldr("r4", self.frame.lane)
        self.last_lane()
        if far:
            f.far("beq", lane, over="LANES_DONE")
        else:
            f.bne(lane)
        f.b("CHANNEL_DONE")

    def channel_done(self) -> None:
        """CHANNEL_DONE: the state's next channel, or END."""
        f, s = self.f, self.s
        f.label("CHANNEL_DONE")
        f.ldr("r0", self.frame.state)
        f.step(s.channel, CHANNEL.size, "r1").step(s.fast, FAST_CHANNEL.size, "r1").step(s.channels, -1, "r1")
        f.beq("END")

    def exact(self) -> None:
        """EXACT: all lanes of a channel that has no two multiplies; then to CHANNEL_DONE."""
        f, frame = self.f, self.frame
        f.label("EXACT")
        f.fetch("r9", self.s.y_zero_point, "r5")
        self.exact_entry()
        f.ldrb("r1", CHANNEL.left_shift).mov("r8", "r1").ldrb("r7", CHANNEL.right_shift)
        f.ldrh(r1=CHANNEL.multiplier_low, r3=CHANNEL.multiplier_high)
        f.label("LANE_EXACT")
        f.ldr("r4", frame.lane).ldr(r5=ROW.outputs, r2=ROW.y)
        f.mov("lr", "r2").add("r2", 1).str("r2", ROW.y, note="of the next channel")
        self.next_lane(exact=True)
        f.b("NEXT_EXACT")
        f.label("OUTPUT", note="eq. (2), (3), modulo 2^32")
        f.ldr("r4", "r0", 0, note="acc").add("r0", self.pitch).mov(r12="r0", r6="r8")
        f.lsl("r4", "r6", note="acc << left_shift")
        halves(f, "r4", "r4", "r5")
        high_mul(f, keep=True)
        round_shift(f, "r4", "r7", "r0", keep=True)
        f.add("r4", "r9", note="+ y_zero_point")
        clamp(f, "r4", "r10", "r11")
        f.mov("r2", "lr").strb("r4", "r2", 0).add("r2", frame.y_step, via="r0").mov("lr", "r2")
        f.label("NEXT_EXACT")
        f.mov("r0", "r12").bne("r0", frame.end, "OUTPUT", via="r2")
        self._next("LANE_EXACT")

    def set_end(self) -> None:
        """frame.end = the end of r5 accumulators from r0; r4 is lost."""
        self.f.mov("r4", self.pitch).mul("r4", "r5").add("r4", "r0").str("r4", self.frame.end)
