"""device/fxnn/thumb/depthwise.py: a tile's channels, packed to a plane, their 3 x 3 products, their outputs."""

from __future__ import annotations

from contextlib import contextmanager

from ...record import DEPTHWISE
from ..fields import words
from .lanes import ROW, Lanes
from .pixels import flush, load_two, low_sum
from .requantize import FAST_CHANNEL
from .writer import Function, described, device_file, driver, kernel

HEAD = """
Depthwise convolutions of 3 x 3 in Thumb, any strides and paddings. See ref/depthwise.py for the meaning.

Two output rows, tile_h apart, are computed at once: see thumb/conv.py for the arithmetic. Per input channel the rows
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
WEIGHTS = ("r8", "r9", "r10", "r11", "r12", "lr", FRAME.w6, FRAME.w7, FRAME.w8)  # of the window
PLANE_ROW = 64  # bytes of a row of the plane
ACC = 8  # bytes of two outputs' accumulators


def file() -> str:
    head = HEAD.replace("{state}", described(STATE))
    return device_file(head, [depthwise(), driver("depthwise")], record=DEPTHWISE.names, state=STATE)


@kernel("r0", "r1 r2 r3 r4", FRAME)
def depthwise(f: Function) -> None:
    """
    The outputs of a tile, channel by channel: eq. (2), (3); reference: ref.depthwise_conv_2d.
    In   r0 *state
    Uses products: r0 w, temporary | r1-r3 inputs of two rows | r4 X | r5 Y | r6 plane | r7 accumulators
         r8-r12, lr w[0] to w[5] Q0; packing: r0, r1 two rows | r2-r5 temporary | r7 in_c
         requantize: as thumb.conv.convolve
    Stack 72: w[6] to w[8], first * 65537, first, temporary, lane, accumulators, flag or end, out_c, end, steps, state
    Bounds a 16-bit sum a flush: one a window (S), two (A), one a row (B), two a row (C), by the packed table's kind.
    Cost two outputs: S 58, A 62, B 65, C 81; 11 an input of two rows; requantize as convolve (counted).
    """
    lanes = DepthwiseLanes(f, STATE, FRAME, pitch=ACC, blocks=8)
    f.str("r0", FRAME.state)
    _clear(f)
    _channel(f)
    _pack(f)
    _load_weights(f)
    _row(f, "C")
    _row(f, "B")
    f.label("WHOLE_WINDOW").beq("r2", 3, "ROW_A").ldr("r5", FRAME.w8)
    _row(f, "S")
    _row(f, "A")
    lanes.requantize()
    lanes.channel_done()
    f.b("CHANNEL")
    lanes.exact()
    f.label("END")


def _clear(f: Function) -> None:
    """The plane is x_zero_point, where no input will come."""
    f.ldr(r1=STATE.plane, r2=STATE.plane_end, r3=STATE.x_zero_point).twice("r3", "r4").mov(r4="r3", r5="r3", r6="r3")
    with f.loop("CLEAR", until=("r1", "r2"), go="bcc", note="8 cycles 4 words of the plane"):
        f.stm("r1", "r3 r4 r5 r6")


def _channel(f: Function) -> None:
    """CHANNEL: to PACKED, unless its input channel is a new one; then what packing takes of the state."""
    f.label("CHANNEL").step(STATE.same_left, -1, "r1").far("bmi", "PACKED", over="PACK")
    f.ldr("r1", STATE.depth_multiplier).sub("r1", 1).str("r1", STATE.same_left)
    f.copy(FRAME.rows, STATE.image, "r4").add("r4", 1).str("r4", STATE.image, note="next channel")
    f.ldr("r1", STATE.second_row).copy(FRAME.packed, STATE.plane_first, "r6").ldr("r7", STATE.in_c)
    f.fetch("lr", STATE.pack_bytes, "r2").ldr("r3", STATE.row_bytes).sub("r3", "r2").str("r3", FRAME.skip)
    f.fetch("r2", r9=STATE.gap, r12=STATE.x_zero_point).ldr("r5", STATE.segments)


def _pack(f: Function) -> None:
    """SEGMENT: the rows that a channel's windows see as words of two, by segments: which of the two lie in the image.

    r0 first row, r1 from it to the second, r4 from a row's end to the next row, r5 0 (or x_zero_point), r6 plane,
    r7 in_c, r9 gap, r10 end of a row, r11 rows left, r12 x_zero_point, lr bytes of a row.
    """
    f.label("SEGMENT").ldm("r5", "r3 r4", note="kind, rows").str("r5", FRAME.segment).beq("r3", 0, "PACKED")
    f.mov("r11", "r4").ldr(r0=FRAME.rows, r6=FRAME.packed, r4=FRAME.skip).mov("r5", 0)
    f.beq("r3", 2, "FIRST").bgt("NOT_BOTH")
    with _rows(f, "BOTH_ROW"), f.loop("BOTH", until=("r0", "r10"), note="10.5 cycles two inputs"):
        _both(f)
        _both(f)
    f.label("SEGMENT_DONE").str(r0=FRAME.rows, r6=FRAME.packed).ldr("r5", FRAME.segment).b("SEGMENT")
    f.label("FIRST", note="the second of the two rows is outside")
    f.mov("r3", "r12").lsl("r3", "r3", 16)
    with _rows(f, "FIRST_ROW"), f.loop("FIRST_LOOP", until=("r0", "r10")):
        f.ldrsb("r2", "r0", "r5").add("r2", "r3").stm("r6", "r2").add("r0", "r7")
    f.b("SEGMENT_DONE")
    f.label("NOT_BOTH").beq("r3", 4, "NEITHER").bgt("ODD_COLUMNS")
    f.mov("r5", "r12")
    with _rows(f, "SECOND_ROW"), f.loop("SECOND", until=("r0", "r10")):
        f.ldrsb("r3", "r0", "r1").lsl("r3", "r3", 16).add("r3", "r5").stm("r6", "r3").add("r0", "r7")
    f.b("SEGMENT_DONE")
    f.label("ODD_COLUMNS", note="both rows inside").beq("r7", "lr", "SINGLE")
    with _rows(f, "ODD_ROW"):
        _both(f)
        with f.loop("ODD", until=("r0", "r10")):
            _both(f)
            _both(f)
    f.b("SEGMENT_DONE")
    with _rows(f, "SINGLE", ends=False):
        _both(f)
    f.b("SEGMENT_DONE")
    f.label("NEITHER").mov("r2", PLANE_ROW).add(r6="r2", r0="r4").add("r0", "lr").again("NEITHER", "r11", via="r2")
    f.b("SEGMENT_DONE")


@contextmanager
def _rows(f: Function, name: str, ends: bool = True):
    """A segment's rows: what is inside packs one, to its end r10."""
    f.label(name)
    if ends:
        f.mov("r2", "lr").add("r2", "r0").mov("r10", "r2")
    yield
    f.add(r0="r4", r6="r9").again(name, "r11", via="r2")


def _both(f: Function) -> None:
    """An input of two rows."""
    load_two(f, "r5", "r1", pair="r2 r3")
    f.stm("r6", "r2").add("r0", "r7")


def _load_weights(f: Function) -> None:
    """PACKED: w[0] to w[8] of the channel, out_c apart; its first accumulator; the row that its kind can take."""
    f.label("PACKED").ldr("r0", FRAME.state)
    f.ldr("r1", STATE.weights).add("r2", "r1", 1).str("r2", STATE.weights, note="of the next channel")
    f.ldr("r7", STATE.out_c).mov("r6", 128)
    for k, w in enumerate(WEIGHTS):
        if k:
            f.add("r1", "r7")
        f.ldrb("r2", "r1", 0).sub("r2", "r6", note="w + 128 to w, Q0")
        f.mov(w, "r2") if isinstance(w, str) else f.str("r2", w)
    fast = FAST_CHANNEL.at("r1")
    f.ldr("r1", STATE.fast).copy(FRAME.first, fast.first, "r2")
    f.lsl("r3", "r2", 16).add("r3", "r2").str("r3", FRAME.first_twice)
    for name in ("acc_end", "stride", "window_step"):
        f.copy(getattr(FRAME, name), getattr(STATE, name), "r2")
    f.ldrb("r2", fast.kind).ldr(r6=STATE.plane_window, r7=STATE.acc)
    f.lsr("r2", "r2", 1, note="bits 1 and 2").beq("r2", 1, "ROW_B").bgt("WHOLE_WINDOW")


def _row(f: Function, kind: str) -> None:
    """Two outputs, window after window, until r7 is the end of the accumulators. kind: how often sums are flushed.

    C: two products and one, in each row of the window, any stride; B: a row; A: two rows and one; S: the window.
    """
    name = f"ROW_{kind}"
    f.label(name, note="two outputs; a row ends where r6 is a multiple of 64")
    if kind in "CB":
        _first_sums(f)
    for row in range(3):
        _products(f, row, in_r5=FRAME.w8 if kind == "S" else None)
        f.add("r1", "r2")
        if kind == "C":
            flush(f, "r4", "r5", "r1")
            flush(f, "r4", "r5", "r3")
        elif kind in "SA" and row == 0:
            f.add("r4", "r1", "r3", note="row 0")
        else:
            f.add("r1", "r3")
            if kind == "S" and row == 1:
                f.add("r4", "r1", note="rows 0 and 1")
            elif kind == "S" or kind == "A" and row == 1:
                f.add("r1", "r4")
            if kind == "A" and row == 1:
                _first_sums(f)
            if kind != "S":
                flush(f, "r4", "r5", "r1")
        if row < 2:
            f.add("r6", PLANE_ROW - 12)
    if kind == "S":
        f.sxth("r2", "r1", note="sum 0").sub("r1", "r2").asr("r4", "r1", 16, note="sum 1")
        f.ldr("r0", FRAME.first).add(r2="r0", r4="r0").stm("r7", "r2 r4")
    else:
        low_sum(f, "r4", "r5", "r0")
        f.stm("r7", "r4 r5")
    back = 2 * PLANE_ROW + 12  # to the window's first input; the next window's is a word on, or, of C, a stride
    f.sub("r6", back if kind == "C" else back - 4)
    if kind == "C":
        f.add("r6", FRAME.stride, via="r0")
    f.lsl("r0", "r6", 26, note="a multiple of 64?").bne(name)
    f.add("r6", FRAME.window_step, via="r0").bne("r7", FRAME.acc_end, name, via="r0")
    f.b("REQUANTIZE")


def _first_sums(f: Function) -> None:
    f.ldr("r4", FRAME.first_twice, note="X").ldr("r5", FRAME.first, note="Y")


def _products(f: Function, row: int, in_r5) -> None:
    """r1, r2, r3 = a row of the window times its weights; in_r5: the weight that r5 holds."""
    f.ldm("r6", "r1 r2 r3", note="two pixels each, Q0")
    for x, w in zip(("r1", "r2", "r3"), WEIGHTS[3 * row :]):
        f.mul(x, "r5") if w == in_r5 else f.mul(x, w, via="r0")


class DepthwiseLanes(Lanes):
    """A lane for each row of outputs, or one where a tile is as wide as y; with the address of its accumulators."""

    def first_lane(self) -> None:
        self.f.copy(FRAME.lane, STATE.lanes, "r1")

    def exact_entry(self) -> None:
        self.f.ldr("r5", STATE.channel)

    def next_lane(self, exact: bool) -> None:
        f = self.f
        f.ldr("r0", ROW.acc)
        if exact:
            f.mov("r12", "r0")
        f.add("r4", ROW.size).str("r4", FRAME.lane)
        if exact:
            self.set_end()

    def times_pitch(self, count: str) -> None:
        self.f.lsl("r4", count, 3)

    def last_lane(self) -> None:
        self.f.ldr("r5", FRAME.state).ldr("r5", STATE.at("r5").lanes_end).cmp("r4", "r5")
