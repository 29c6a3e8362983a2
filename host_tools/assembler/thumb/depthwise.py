"""device/fxnn/thumb_depthwise.py: a tile's channels, packed to a plane, their 3 x 3 products, their outputs."""

from __future__ import annotations

from .lanes import Lanes
from .pixels import flush, load_two, low_sum
from .records import words as words_of
from .requantize import FAST_CHANNEL
from .writer import Function, device_file, driver, words

HEAD = """
Depthwise convolutions of 3 x 3 in Thumb, any strides and paddings. See ref.depthwise_conv_2d for the meaning.

Two output rows, tile_h apart, are computed at once: see thumb_conv.py for the arithmetic. Per input channel the rows
they see are packed to a plane of 16 words a row, placed so that the last window of a row ends at a multiple of 64.

State, 30 words at the start of the scratch, byte offsets:
{state}
"""
STATE = words(
    "r0",
    ("image", "next channel"),
    ("second_row", "from the first to the second row"),
    ("plane_first", "plane, first input"),
    ("plane_window", "plane, first window"),
    ("row_bytes", "a row of the image"),
    "in_c",
    ("pack_bytes", "of a row to pack"),
    ("segments", "{1 both rows inside, 5 with odd columns, 2 the first, 3 the second, 4 none; rows}, 0 ends"),
    ("acc", "accumulators"),
    ("lanes_end", "end of lanes"),
    ("acc_end", "end of accumulators"),
    ("stride", "4 * stride_w"),
    ("window_step", "from the end of a row of windows to the next"),
    "weights",
    "out_c",
    ("channel", "table"),
    ("fast", "table"),
    ("channels", "left"),
    ("relu", "1: negative accumulators give clamp_min"),
    "clamp_min",
    "clamp_max",
    "y_zero_point",
    ("y_step", "from one output to the next"),
    "depth_multiplier",
    ("same_left", "outputs left of the input channel"),
    ("lanes", "{outputs, y, accumulators}"),
    ("gap", "words' bytes from a packed row to the next"),
    "plane",
    ("plane_end", "of it"),
    "x_zero_point",
)
FRAME = words(
    "sp", "w6", "w7", "w8", "first_twice", "first", "segment", "lane", "rows|acc", "relu|end|packed", "y_step",
    "acc_end", "stride|skip", "window_step", "state",
)  # fmt: skip
WEIGHTS = ("r8", "r9", "r10", "r11", "r12", "lr", "w6", "w7", "w8")  # of the window; the last three in the frame
ROW = 64  # bytes of a row of the plane
ACC = 8  # bytes of two outputs' accumulators
DOC = """
    The outputs of a tile, channel by channel: eq. (2), (3); reference: ref.depthwise_conv_2d.
    In   r0 *state
    Uses products: r0 w, temporary | r1-r3 inputs of two rows | r4 X | r5 Y | r6 plane | r7 accumulators
         r8-r12, lr w[0] to w[5] Q0; packing: r0, r1 two rows | r2-r5 temporary | r7 in_c
         requantize: as thumb_conv.convolve
    Stack 72: w[6] to w[8], first * 65537, first, temporary, lane, accumulators, flag or end, out_c, end, steps, state
    Bounds a 16-bit sum a flush: one a window (S), two (A), one a row (B), two a row (C), by the fast table's kind.
    Cost two outputs: S 58, A 62, B 65, C 81; 11 an input of two rows; requantize as convolve (counted).
"""


def file() -> str:
    head = HEAD.replace("{state}", STATE.described())
    return device_file(head, [depthwise(), driver("depthwise")], record=words_of("window"), state=STATE)


def depthwise() -> Function:
    f = Function("depthwise", "r0", DOC)
    lanes = DepthwiseLanes(f, STATE, FRAME, pitch=ACC, blocks=8)
    f.enter("r1 r2 r3 r4", FRAME)
    f.str("r0", FRAME.state)
    _clear(f)
    _pack(f)
    _load_weights(f)
    _row(f, "C")
    _row(f, "B")
    f.label("WHOLE_WINDOW")
    f.cmp("r2", 3)
    f.beq("ROW_A")
    f.ldr("r5", FRAME.w8)
    _row(f, "S")
    _row(f, "A")
    lanes.requantize()
    f.label("CHANNEL_DONE")
    f.ldr("r0", FRAME.state)
    f.step(STATE.channel, 12, "r1")
    f.step(STATE.fast, 16, "r1")
    f.step(STATE.channels, -1, "r1")
    f.beq("END")
    f.b("CHANNEL")
    lanes.exact()
    f.label("END")
    f.leave()
    return f


def _clear(f: Function) -> None:
    """The plane is x_zero_point, where no input will come."""
    f.ldr("r1", STATE.plane)
    f.ldr("r2", STATE.plane_end)
    f.ldr("r3", STATE.x_zero_point)
    f.twice("r3", "r4")
    for r in ("r4", "r5", "r6"):
        f.mov(r, "r3")
    f.label("CLEAR", note="8 cycles 4 words of the plane")
    f.stm("r1", "r3 r4 r5 r6")
    f.cmp("r1", "r2")
    f.bcc("CLEAR")


def _pack(f: Function) -> None:
    """CHANNEL: the two rows that windows see, of one input channel, as words; where depth_multiplier is 1, of each channel.

    Segments of rows, by which of the two lie inside the image. r0 first row, r1 from it to the second, r5 0, r6 plane,
    r7 in_c, r9 gap, r10 end of a row, r11 rows left, r12 x_zero_point, lr bytes of a row, r4 from a row to the next.
    """
    f.label("CHANNEL")
    f.ldr("r1", STATE.same_left, note="outputs left of this input channel")
    f.sub("r1", 1)
    f.str("r1", STATE.same_left)
    f.bmi("PACK")
    f.b("PACKED")
    f.label("PACK")
    f.ldr("r1", STATE.depth_multiplier)
    f.sub("r1", 1)
    f.str("r1", STATE.same_left)
    f.copy(FRAME.rows, STATE.image, "r4")
    f.add("r4", 1)
    f.str("r4", STATE.image)
    f.ldr("r1", STATE.second_row)
    f.copy(FRAME.packed, STATE.plane_first, "r6")
    f.ldr("r7", STATE.in_c)
    f.fetch("lr", STATE.pack_bytes, "r2")
    f.ldr("r3", STATE.row_bytes)
    f.sub("r3", "r2")
    f.str("r3", FRAME.skip)
    f.fetch("r9", STATE.gap, "r2")
    f.fetch("r12", STATE.x_zero_point, "r2")
    f.ldr("r5", STATE.segments)
    f.label("SEGMENT")
    f.ldm("r5", "r3 r4")
    f.str("r5", FRAME.segment)
    f.cmp("r3", 0)
    f.beq("PACKED")
    f.mov("r11", "r4", note="rows")
    f.ldr("r0", FRAME.rows)
    f.ldr("r6", FRAME.packed)
    f.ldr("r4", FRAME.skip)
    f.mov("r5", 0)
    f.cmp("r3", 2)
    f.beq("FIRST")
    f.bgt("NOT_BOTH")
    _rows(f, "BOTH_ROW", lambda: _until_end(f, "BOTH", 2, note="10.5 cycles two inputs"))
    f.label("SEGMENT_DONE")
    f.str("r0", FRAME.rows)
    f.str("r6", FRAME.packed)
    f.ldr("r5", FRAME.segment)
    f.b("SEGMENT")
    f.label("FIRST", note="the second of the two rows is outside")
    f.mov("r3", "r12")
    f.lsl("r3", "r3", 16)

    def first() -> None:
        f.ldrsb("r2", "r0", "r5")
        f.add("r2", "r3")
        f.stm("r6", "r2")
        f.add("r0", "r7")

    def second() -> None:
        f.ldrsb("r3", "r0", "r1")
        f.lsl("r3", "r3", 16)
        f.add("r3", "r5")
        f.stm("r6", "r3")
        f.add("r0", "r7")

    _rows(f, "FIRST_ROW", lambda: _until_end(f, "FIRST_LOOP", 1, first), done=True)
    f.label("NOT_BOTH")
    f.cmp("r3", 4)
    f.beq("NEITHER")
    f.bgt("ODD_COLUMNS")
    f.mov("r5", "r12")
    _rows(f, "SECOND_ROW", lambda: _until_end(f, "SECOND", 1, second), done=True)
    f.label("ODD_COLUMNS", note="both rows inside")
    f.cmp("r7", "lr")
    f.beq("SINGLE")

    def odd() -> None:
        _both(f)
        _until_end(f, "ODD", 2)

    _rows(f, "ODD_ROW", odd, done=True)
    _rows(f, "SINGLE", lambda: _both(f), ends=False, done=True)
    f.label("NEITHER")
    f.mov("r2", ROW)
    f.add("r6", "r2")
    f.add("r0", "r4")
    f.add("r0", "lr")
    f.step("r11", -1, "r2")
    f.bne("NEITHER")
    f.b("SEGMENT_DONE")


def _rows(f: Function, name: str, row, ends: bool = True, done: bool = False) -> None:
    """A segment's rows: `row` packs one, to r10, its end."""
    f.label(name)
    if ends:
        f.mov("r2", "lr")
        f.add("r2", "r0")
        f.mov("r10", "r2")
    row()
    f.add("r0", "r4")
    f.add("r6", "r9")
    f.step("r11", -1, "r2")
    f.bne(name)
    if done:
        f.b("SEGMENT_DONE")


def _until_end(f: Function, name: str, inputs: int, pack=None, note: str = "") -> None:
    with f.loop(name, until=("r0", "r10"), note=note):
        for _ in range(inputs):
            pack() if pack else _both(f)


def _both(f: Function) -> None:
    """An input of two rows."""
    load_two(f, "r5", "r1", pair="r2 r3")
    f.stm("r6", "r2")
    f.add("r0", "r7")


def _load_weights(f: Function) -> None:
    """PACKED: w[0] to w[8] of the channel, out_c apart; its first accumulator; the row that its kind can take."""
    f.label("PACKED")
    f.ldr("r0", FRAME.state)
    f.ldr("r1", STATE.weights)
    f.add("r2", "r1", 1)
    f.str("r2", STATE.weights)
    f.ldr("r7", STATE.out_c)
    f.mov("r6", 128)
    for k, w in enumerate(WEIGHTS):
        if k:
            f.add("r1", "r7")
        f.ldrb("r2", "r1", 0)
        f.sub("r2", "r6", note="w + 128 to w, Q0")
        if w in FRAME.names():
            f.str("r2", getattr(FRAME, w))
        else:
            f.mov(w, "r2")
    fast = FAST_CHANNEL.at("r1")
    f.ldr("r1", STATE.fast)
    f.copy(FRAME.first, fast.first, "r2")
    f.lsl("r3", "r2", 16)
    f.add("r3", "r2")
    f.str("r3", FRAME.first_twice)
    f.copy(FRAME.acc_end, STATE.acc_end, "r2")
    f.copy(FRAME.stride, STATE.stride, "r2")
    f.copy(FRAME.window_step, STATE.window_step, "r2")
    f.ldrb("r2", fast.kind)
    f.ldr("r6", STATE.plane_window)
    f.ldr("r7", STATE.acc)
    f.lsr("r2", "r2", 1)
    f.cmp("r2", 1)
    f.beq("ROW_B")
    f.bgt("WHOLE_WINDOW")


def _row(f: Function, kind: str) -> None:
    """Two outputs, window after window, until r7 is the end of the accumulators. kind: how often sums are flushed.

    C: two products and one, a row of the window, any stride; B: a row; A: two rows and one; S: the window, whose sum is split.
    """
    name = f"ROW_{kind}"
    f.label(name, note="two outputs; a row ends where r6 is a multiple of 64")
    if kind in "CB":
        _first_sums(f)
    for row in range(3):
        _products(f, row, in_r5="w8" if kind == "S" else "")
        f.add("r1", "r2")
        if kind == "C":
            flush(f, "r4", "r5", "r1")
            flush(f, "r4", "r5", "r3")
        elif kind in "SA" and row == 0:
            f.add("r4", "r1", "r3")
        else:
            f.add("r1", "r3")
            if kind == "S" and row == 1:
                f.add("r4", "r1")
            elif kind == "S" or kind == "A" and row == 1:
                f.add("r1", "r4")
            if kind == "A" and row == 1:
                _first_sums(f)
            if kind != "S":
                flush(f, "r4", "r5", "r1")
        if row < 2:
            f.add("r6", ROW - 12)
    if kind == "S":
        f.sxth("r2", "r1")
        f.sub("r1", "r2")
        f.asr("r4", "r1", 16)
        f.ldr("r0", FRAME.first)
        f.add("r2", "r0")
        f.add("r4", "r0")
        f.stm("r7", "r2 r4")
    else:
        low_sum(f, "r4", "r5", "r0")
        f.stm("r7", "r4 r5")
    back = 2 * ROW + 12  # to the window's first input
    f.sub("r6", back if kind == "C" else back - 4)
    if kind == "C":
        f.ldr("r0", FRAME.stride)
        f.add("r6", "r0")
    f.lsl("r0", "r6", 26, note="a multiple of 64?")
    f.bne(name)
    f.ldr("r0", FRAME.window_step)
    f.add("r6", "r0")
    f.ldr("r0", FRAME.acc_end)
    f.cmp("r7", "r0")
    f.bne(name)
    f.b("REQUANTIZE")


def _first_sums(f: Function) -> None:
    f.ldr("r4", FRAME.first_twice, note="X")
    f.ldr("r5", FRAME.first, note="Y")


def _products(f: Function, row: int, in_r5: str) -> None:
    """r1, r2, r3 = a row of the window times its weights; in_r5: the weight that r5 holds."""
    f.ldm("r6", "r1 r2 r3", note="two pixels each, Q0")
    for x, w in zip(("r1", "r2", "r3"), WEIGHTS[3 * row :]):
        if w == in_r5:
            f.mul(x, "r5")
        elif w in FRAME.names():
            f.ldr("r0", getattr(FRAME, w))
            f.mul(x, "r0")
        else:
            f.mov("r0", w)
            f.mul(x, "r0")


class DepthwiseLanes(Lanes):
    """A lane for each row of outputs, or one for all where a tile is as wide as y; each has its accumulators' address."""

    def first_lane(self) -> None:
        self.f.copy(FRAME.lane, STATE.lanes, "r1")

    def exact_entry(self) -> None:
        self.f.ldr("r5", STATE.channel)

    def next_lane(self, exact: bool) -> None:
        f = self.f
        f.ldr("r0", "r4", 8, note="accumulators")
        if exact:
            f.mov("r12", "r0")
        f.add("r4", 12)
        f.str("r4", FRAME.lane)
        if exact:
            f.mov("r4", ACC)
            f.mul("r4", "r5")
            f.add("r4", "r0")
            f.str("r4", FRAME.end)

    def times_pitch(self, count: str) -> None:
        self.f.lsl("r4", count, 3)

    def compare_last(self) -> None:
        f = self.f
        f.ldr("r5", FRAME.state)
        f.ldr("r5", STATE.at("r5").lanes_end)
        f.cmp("r4", "r5")
