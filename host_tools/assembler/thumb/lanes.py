"""A channel's accumulators to outputs, lane by lane, for conv and depthwise: eq. (2), (3) in two multiplies or exactly.

A lane is a run of outputs, its row in the state {outputs, y, ...}, taken in order; y moves on by a channel each time.
Two multiplies (fast table, kind bit 0; the host has proved it for the channel's range, modulo 2^32):
    y = (acc * m1 + ((acc >> 4) * m2 >> j) + (acc < 0 ? c - 2^f : c)) >> s, clamped
in blocks of 13 instructions, of which so many are skipped at first that the last block ends the lane.
"""

from __future__ import annotations

from .requantize import CHANNEL, FAST_CHANNEL, clamp, halves, high_mul, round_shift
from .writer import Fields, Function, words

ROW = words("r4", "outputs", "y", "acc")  # of a lane; conv has no acc
BLOCK = 2 * 13  # bytes of code of one output


class Lanes:
    """What conv and depthwise share. pitch: bytes from an accumulator to the next; blocks: outputs unrolled, 2^n."""

    def __init__(self, f: Function, state: Fields, frame: Fields, pitch: int, blocks: int):
        self.f, self.s, self.frame, self.pitch, self.blocks = f, state, frame, pitch, blocks

    # ---- where they differ

    def first_lane(self) -> None:
        """frame.lane = the first lane's row. r0 state; r1 is free."""
        raise NotImplementedError

    def exact_entry(self) -> None:
        """r5 = the channel's exact left_shift, ... (CHANNEL)."""
        raise NotImplementedError

    def next_lane(self, exact: bool) -> None:
        """r0 = accumulators; frame.lane = the next row. r4 lane's row."""
        raise NotImplementedError

    def times_pitch(self, count: str) -> None:
        """r4 = bytes of `count` accumulators."""
        raise NotImplementedError

    def compare_last(self) -> None:
        """Equal where no lane is left. r4, r5 are free."""
        raise NotImplementedError

    # ---- what they share

    def requantize(self) -> None:
        """REQUANTIZE: all lanes of a channel, where it has two multiplies; then to CHANNEL_DONE. exact() does the others."""
        f, s, frame, fast = self.f, self.s, self.frame, FAST_CHANNEL
        f.label("REQUANTIZE")
        f.ldr("r0", frame.state)
        self.first_lane()
        f.fetch("r9", s.y_step, "r1")
        f.str("r1", frame.y_step)
        f.fetch("r1", r10=s.clamp_min, r11=s.clamp_max)
        f.ldr("r5", s.fast)
        f.ldrb("r2", fast.kind)
        f.lsr("r2", "r2", 1, note="bit 0: two multiplies")
        f.far("bcs", "EXACT", over="FAST")
        f.copy(frame.relu, s.relu, "r2")
        f.fetch("r8", fast.c, "r2", note="c, rounding and zero point, Q(s)")
        f.ldrb("r3", fast.f)
        f.mov("r2", 1)
        f.lsl("r2", "r3")
        f.neg("r2", "r2")
        f.add("r2", "r8")
        f.mov("lr", "r2", note="c - 2^f, for acc < 0")
        f.ldrb(r3=fast.s, r6=fast.j)
        f.ldrh("r1", fast.m1)
        f.mov("r7", fast.m2[1])
        f.ldrsh("r7", "r5", "r7", note="m2, s16")
        f.label("LANE")
        f.ldr("r4", frame.lane)
        f.ldr(r5=ROW.outputs, r2=ROW.y)
        f.add("r0", "r2", 1)
        f.str("r0", ROW.y, note="of the next channel")
        self.next_lane(exact=False)
        f.beq("r5", 0, "LANE_DONE")
        self.times_pitch("r5")
        f.add("r4", "r0")
        f.mov("r12", "r4", note="end")
        f.neg("r5", "r5")
        log = self.blocks.bit_length() - 1
        f.lsl("r5", "r5", 32 - log)
        f.lsr("r5", "r5", 32 - log, note="blocks to skip")
        self.times_pitch("r5")
        f.sub("r0", "r4")
        f.ldr("r4", frame.relu)
        f.cmp("r4", 0)
        if self.blocks > 4:  # RELU is out of a branch's reach
            f.far("beq", "RELU", over="SIGNED_LANE")
        else:
            f.bne("RELU")
        self._outputs("SIGNED", "MINUS", "HIGH", "PUT", "16 cycles an output, 18 where the accumulator is negative")
        f.label("LANE_DONE")
        self.compare_last_lane("LANE", far=self.blocks > 4)
        for i in range(self.blocks):
            f.label(f"MINUS{i}")
            self._accumulate("lr")
            f.bge("r4", "r10", f"PUT{i}")
            f.mov("r4", "r10")
            f.b(f"PUT{i}")
            self._bound(f"HIGH{i}", "r11", f"PUT{i}")
        f.label("RELU")
        self._outputs("POSITIVE", "ZERO", "TOP", "PUTZ", "16 cycles an output, 12 where the accumulator is negative")
        f.b("LANE_DONE")
        for i in range(self.blocks):
            self._bound(f"ZERO{i}", "r10", f"PUTZ{i}")
            self._bound(f"TOP{i}", "r11", f"PUTZ{i}")

    def set_end(self) -> None:
        """frame.end = the end of r5 accumulators from r0; r4 is lost."""
        f = self.f
        f.mov("r4", self.pitch)
        f.mul("r4", "r5")
        f.add("r4", "r0")
        f.str("r4", self.frame.end)

    def channel_done(self) -> None:
        """CHANNEL_DONE: the state's next channel, or END."""
        f, s = self.f, self.s
        f.label("CHANNEL_DONE")
        f.ldr("r0", self.frame.state)
        f.step(s.channel, CHANNEL.size, "r1")
        f.step(s.fast, FAST_CHANNEL.size, "r1")
        f.step(s.channels, -1, "r1")
        f.beq("END")

    def compare_last_lane(self, lane: str, far: bool = False) -> None:
        f = self.f
        f.ldr("r4", self.frame.lane)
        self.compare_last()
        if far:
            f.far("beq", lane, over="LANES_DONE")
        else:
            f.bne(lane)
        f.b("CHANNEL_DONE")

    def _outputs(self, name: str, minus: str, high: str, put: str, note: str) -> None:
        """The blocks, from the first that is not skipped (r5: how many are), until r0 is the end."""
        f = self.f
        f.mov("r4", BLOCK)
        f.mul("r4", "r5")
        f.add("pc", "r4", note="pc: of the block after nop")
        f.nop()
        with f.loop(name, until=("r0", "r12"), note=note):
            for i in range(self.blocks):
                f.ldr("r4", "r0", self.pitch * i, note="acc")
                f.asr("r5", "r4", 4)
                f.bmi(f"{minus}{i}")
                self._accumulate("r8")
                f.bgt("r4", "r11", f"{high}{i}")
                f.label(f"{put}{i}")
                f.strb("r4", "r2", 0)
                f.add("r2", "r9")
            f.add("r0", self.blocks * self.pitch)

    def _accumulate(self, c: str) -> None:
        """r4 = (acc * m1 + ((acc >> 4) * m2 >> j) + c) >> s, of r4 acc and r5 acc >> 4."""
        f = self.f
        f.mul("r5", "r7")
        f.asr("r5", "r6", note="(acc >> 4) * m2 >> j")
        f.mul("r4", "r1")
        f.add("r4", "r5", note="+ acc * m1")
        f.add("r4", c)
        f.asr("r4", "r3", note="y, Q0")

    def _bound(self, label: str, bound: str, back: str) -> None:
        self.f.label(label)
        self.f.mov("r4", bound)
        self.f.b(back)

    def exact(self) -> None:
        """EXACT: all lanes of a channel that has no two multiplies; then to CHANNEL_DONE."""
        f, frame = self.f, self.frame
        f.label("EXACT")
        f.fetch("r9", self.s.y_zero_point, "r5")
        self.exact_entry()
        f.ldrb("r1", CHANNEL.left_shift)
        f.mov("r8", "r1")
        f.ldrb("r7", CHANNEL.right_shift)
        f.ldrh(r1=CHANNEL.multiplier_low, r3=CHANNEL.multiplier_high)
        f.label("LANE_EXACT")
        f.ldr("r4", frame.lane)
        f.ldr(r5=ROW.outputs, r2=ROW.y)
        f.mov("lr", "r2")
        f.add("r2", 1)
        f.str("r2", ROW.y, note="of the next channel")
        self.next_lane(exact=True)
        f.b("NEXT_EXACT")
        f.label("OUTPUT", note="eq. (2), (3), modulo 2^32")
        f.ldr("r4", "r0", 0)
        f.add("r0", self.pitch)
        f.mov(r12="r0", r6="r8")
        f.lsl("r4", "r6", note="acc << left_shift")
        halves(f, "r4", "r4", "r5")
        high_mul(f, keep=True)
        round_shift(f, "r4", "r7", "r0", keep=True)
        f.add("r4", "r9", note="+ y_zero_point")
        clamp(f, "r4", "r10", "r11")
        f.mov("r2", "lr")
        f.strb("r4", "r2", 0)
        f.add("r2", frame.y_step, via="r0")
        f.mov("lr", "r2")
        f.label("NEXT_EXACT")
        f.mov("r0", "r12")
        f.bne("r0", frame.end, "OUTPUT", via="r2")
        self.compare_last_lane("LANE_EXACT")
