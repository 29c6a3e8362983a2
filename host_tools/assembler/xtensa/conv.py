"""conv_2d and fully_connected of any shape for MAC16: X words of a tile, then its channels one after the other."""

from __future__ import annotations

from ...record import CONV
from ..fields import words
from ..words import numbered
from . import x_words
from .requantize import MEANING, clamp, high, prepare, shift_right, short, unmarked
from .writer import CHANNEL_BYTES, Function, channel, described, device_file, driver

HEAD = """
Convolutions and fully connected for the ESP32's Xtensa LX6 and LX7 (MAC16): any shape. See ref/conv.py for the meaning.

Written by host_tools/assembler/xtensa: edit that.

MAC16 multiplies halves of 32-bit words into 40 bits and loads the next word in the same instruction. Activations
become X words, two uint16 4 * (x + 128) each; weights become Y words, two int16 each, one channel at a time, used for
all pixels of a tile. So acc * 4 = 4 * word 0 of the channel table + sum(X * Y). Where it may leave 32 bits the host
has set bit 31 of the multiplier: the long way then takes acc modulo 2^32 from the accumulator's 40 bits.

Of four inputs x0 to x3 the X words are (x3 low, x0 high), (x2, x1); of weights b0 to b3 the Y words are (b[-2], b0),
(b1, b3): the order in which masks and one funnel shift make them from bytes, and in which a word's two halves are used
one after the other, so that every load lies three instructions before its use. After the last come b[n-2] and a word
that is read and not used.

{requantizer}

Functions in assembler are called by viper code with the state's address / 4 as a small int (so that no int is
allocated): a5 points to the arguments, an object o is the address (o - 1) * 2. They return a small int. The figure
beside a line is its cycles, estimated, with the wait for its result: host_tools/assembler/xtensa/costs.py.

State, byte offsets from the start of the scratch (its words), then Y words, then X words:
{state}
"""

STATE = words(
    "a2",
    ("x_words", "of the first pixel"),
    "weights",
    "y_words",
    "table",
    "y",
    ("channels", "left"),
    ("groups", "of 4 weights per channel"),
    ("y_step", "from pixel to pixel in y"),
    ("x_end", "end of X words: + 4 (columns), of a row - 4 (rows)"),
    ("rows_left", "of the tile"),
    ("x_row_gap", "bytes of X words from row to row, less those of a row's pixels"),
    ("segments", "0: columns"),
    ("segment_groups", "groups per segment"),
    ("segment_gap", "from the end of a segment's X words + 8 to the next"),
    ("pixel_gap", "from the last to the next pixel"),
    "clamp_min",
    "clamp_max",
    "y_zero_point",
    ("even_bytes", "0x00FF00FF"),
    ("bias_128", "0x7F807F80"),
    ("signs", "0x80008000"),
    ("flip", "0x80808080"),
    ("mask", "0x03FC03FC"),
    ("rows", "of the tile"),
    ("x_row", "bytes of X words from row to row"),
    ("source|first", "from where; word 0 of the channel, the long way"),
    ("to", "to where"),
    ("count", "groups of 4 inputs"),
    ("left", "bytes of padding"),
    ("run", "bytes of a run"),
    ("right", "bytes of padding"),
    ("between", "bytes between runs"),
    ("before", "bytes of padding"),
    ("after", "bytes of padding"),
    ("pixel_step", "from pixel to pixel"),
    ("row_pixels|in_bytes", "pixels per row; of `band` 0 where all is a multiple of 4"),
    ("tile_rows", "rows"),
    ("next_row", "from a row's end to the next"),
    ("runs", "side by side"),
    ("run_step", "from run to run"),
    ("runs_down", "one below the other"),
    ("down_step", "from the last run to the next down"),
    ("padding", "4 bytes"),
)

WIDEN = """
    Bytes to X words, from 100 to 104, 108 groups of 4 (at least 1). In place where the bytes end where the words do.
    In   a5 args: state
    Uses a2 state | a3 source | a4 to | a6 groups | a7 0x80808080 | a8 0x03FC03FC | a9 bytes | a10 x0, x2 | a11 x1, x3
    Cost 3 per input
"""
BAND = """
    The rows of the image that a tile sees, with their padding, as bytes: 144 rows of {112 left, 116 image, 120 right}
    from 100 to 104, after 128 and before 132 bytes of padding. Everything a multiple of 4 where 140 is 0, else any.
    In   a5 args: state
    Uses a2 state | a3 source | a4 to | a5 padding | a6 count | a7 end | a8 rows left | a9 bytes
    Cost 1 per byte where all is a multiple of 4, else 4
"""
COLUMNS = """
    X words of a tile's windows, one pixel after the other (im2col). A window is 160 times 152 runs of 116 bytes; the
    bytes are gathered in the second half of the memory of the X words and widened there.
    In   a5 args: state
    Uses a2 state | a3 pixel | a4 to | a5 bytes to | a6 rows left | a7 pixels left | a8 0x03FC03FC, run | a9 bytes
         a10 x0, x2; runs left | a11 x1, x3; runs down left | a12 window row | a13 bytes of a run | a14 groups
         a15 0x80808080
    Cost per pixel 20, 9 per run, 4 per byte, 12 per group of 4
"""
CONVOLVE = """
    All channels of a tile from X words: FORMAT.md eq. (2), (3); ref.conv_2d. `columns`: the windows lie one after the
    other; `rows`: a window is 44 segments of the padded image's rows.
    In   a5 args: state    Stack 4 state | 8 from the last segment to the next pixel | 12 segments
    Uses a2 state, clamp_max | a3 X words | a4 Y words | a5 Y words - 4; mask | a6 4 * word 0
         a7 multiplier, negative: the long way | a8 constant of the requantizer; left_shift + 256 * right_shift
         a9 acc * 4, q, y | a10 sign, scratch | a11 y | a12 end of X words | a13 groups
         a14 from pixel to pixel in y | a15 clamp_min, word before | m0, m1 X | m2, m3 Y    SAR e + 1
    Cost columns: 1 per product, 18 per pixel; rows: 6 more per segment, 5 per pixel; a channel: 3 per weight, 50
"""
FRAME = words("a1", "state", "pixel_gap", "segments", start=4)


def file() -> str:
    head = HEAD.format(requantizer=MEANING, state=described(STATE))
    return device_file(head, [widen(), band(), columns(), convolve(), driver("conv")], numbered(CONV), STATE)


def widen() -> Function:
    f = Function("widen", WIDEN)
    f.take_state()
    f.load(a3=STATE.source, a4=STATE.to, a6=STATE.count, a7=STATE.flip, a8=STATE.mask)
    f.ssai(16)
    with f.loop("a6", "GROUP"):
        x_words.group(f, "a3", "a4", ("a9", "a10", "a11"), "a7", "a8")
    f.done()
    return f


def band() -> Function:
    f = Function("band", BAND)
    f.take_state()
    f.load(a3=STATE.source, a4=STATE.to, a5=STATE.padding, a8=STATE.tile_rows, a6=STATE.before, a7=STATE.in_bytes)
    f.bnez("a7", "BYTES")
    f.title("words: rows of padding above, then row by row")
    _band(f, "_WORDS", 4, "WORDS_END")
    f.j("END")
    f.label("BYTES")
    _band(f, "_BYTES", 1, "END")
    f.done()
    return f


def _band(f: Function, suffix: str, size: int, end: str) -> None:
    load, store = (f.l32i, f.s32i) if size == 4 else (f.l8ui, f.s8i)

    def copy(label: str, source: str = "") -> None:
        """a6 bytes, of padding unless there is a source."""
        if size == 4:
            f.srli("a6", "a6", 2)
        with f.loopnez("a6", label):
            if source:
                load("a9", source, 0)
                f.addi(source, source, size)
            store("a9" if source else "a5", "a4", 0)
            f.addi("a4", "a4", size)

    copy(f"TOP{suffix}")
    f.beqz("a8", f"BOTTOM{suffix}")
    with f.times("a8", f"ROW{suffix}"):
        for field, label, source in ((STATE.left, "LEFT", ""), (STATE.run, "COPY", "a3"), (STATE.right, "RIGHT", "")):
            f.l32i("a6", field)
            copy(label + suffix, source)
        f.plus("a3", STATE.between, "a6")
    f.label(f"BOTTOM{suffix}")
    f.l32i("a6", STATE.after)
    copy(end)


def columns() -> Function:
    f = Function("columns", COLUMNS)
    f.take_state()
    f.load(a3=STATE.source, a4=STATE.to, a6=STATE.tile_rows, a13=STATE.run, a14=STATE.groups, a15=STATE.flip)
    f.ssai(16)
    with f.times("a6", "ROW"):
        f.l32i("a7", STATE.row_pixels)
        with f.times("a7", "PIXEL"):
            f.addx4("a5", "a14", "a4", note="the second half")
            f.mov("a12", "a3")
            f.l32i("a11", STATE.runs_down)
            with f.times("a11", "DOWN"):
                f.l32i("a10", STATE.runs)
                with f.times("a10", "RUN"):
                    f.mov("a8", "a12")
                    with f.loop("a13", "COPY"):
                        f.l8ui("a9", "a8", 0)
                        f.addi("a8", "a8", 1)
                        f.s8i("a9", "a5", 0)
                        f.addi("a5", "a5", 1)
                    f.plus("a12", STATE.run_step, "a9")
                f.plus("a12", STATE.down_step, "a9")
            f.addx4("a5", "a14", "a4")
            f.l32i("a8", STATE.mask)
            with f.loop("a14", "GROUP"):
                x_words.group(f, "a5", "a4", ("a9", "a10", "a11"), "a15", "a8")
            f.plus("a3", STATE.pixel_step, "a9")
        f.plus("a3", STATE.next_row, "a9")
    f.done()
    return f


def convolve() -> Function:
    f = Function("convolve", CONVOLVE)
    f.take_state()
    f.s32i("a2", FRAME.state)
    f.copy(FRAME.pixel_gap, STATE.pixel_gap, "a3")
    f.copy(FRAME.segments, STATE.segments, "a3")
    f.label("CHANNEL")
    _weights(f)
    _table_entry(f)
    _start(f)
    f.bnez("a9", "ROWS")
    _columns(f)
    f.label("NEXT")
    f.l32i("a2", FRAME.state)
    f.bump(STATE.channels, -1, "a9")
    f.beqz("a9", "END")
    f.j("CHANNEL")
    _rows(f)
    _long_way(f)
    f.label("END")
    f.done()
    return f


def _weights(f: Function) -> None:
    f.title("weights of the channel to Y words: bytes b = w + 128, + 0x7F80 and ^ 0x8000 give int16 w")
    f.load(a3=STATE.weights, a4=STATE.y_words, a13=STATE.groups)
    f.load(a5=STATE.even_bytes, a6=STATE.bias_128, a7=STATE.signs)
    f.srli("a8", "a13", 1)
    f.ssai(16)
    with f.loopnez("a8", "WEIGHTS"):
        _y_words(f, "a9", "a15", 0)
        _y_words(f, "a15", "a9", 1)
        f.addi("a3", "a3", 8)
        f.addi("a4", "a4", 16)
    f.bbci("a13", 0, "EVEN")
    _y_words(f, "a9", "a15", 0)
    f.addi("a3", "a3", 4)
    f.addi("a4", "a4", 8)
    f.mov("a15", "a9")
    f.label("EVEN")
    f.extui("a10", "a15", 16, 8, note="b[n - 2], 0")
    f.add("a10", "a10", "a6")
    f.xor("a10", "a10", "a7")
    f.s32i("a10", "a4", 0)
    f.s32i("a3", STATE.weights)


def _y_words(f: Function, word: str, last: str, i: int) -> None:
    """Four weights: word i at a3 to Y words 2 i, 2 i + 1 at a4; `last`: the four before."""
    pair = ("a10", "a11")
    f.l32i(word, "a3", 4 * i)
    f.src("a10", word, last, note="b[-2], b[-1], b0, b1")
    f.srli("a11", word, 8)
    f.and_("a10", "a10", "a5", note="b[-2], b0")
    f.and_("a11", "a11", "a5", note="b1, b3")
    f.each("add", pair, "a6")
    f.each("xor", pair, "a7")
    for k, r in enumerate(pair):
        f.s32i(r, "a4", 8 * i + 4 * k)


def _table_entry(f: Function) -> None:
    f.title("the channel's table entry")
    entry = channel("a12")
    f.load(a12=STATE.table, a10=entry.first, a7=entry.multiplier)
    f.l16ui("a8", entry.shifts)
    f.addi("a12", "a12", CHANNEL_BYTES)
    f.s32i("a12", STATE.table)
    f.slli("a6", "a10", 2)
    f.s32i("a10", STATE.first)
    f.bltz("a7", "LONG")
    f.srli("a9", "a8", 8)
    f.extui("a10", "a8", 0, 8)
    prepare(f, STATE.y_zero_point, "START")


def _start(f: Function) -> None:
    f.l32i("a3", STATE.x_words)
    f.addi("a3", "a3", -4)
    f.l32i("a5", STATE.y_words)
    f.addi("a5", "a5", -4)
    f.l32i("a11", STATE.y)
    f.addi("a9", "a11", 1)
    f.s32i("a9", STATE.y)
    f.load(a14=STATE.y_step, a12=STATE.x_end, a15=STATE.clamp_min, a9=STATE.segments)


def _first_words(f: Function, pointer: str, x: str, y: str) -> None:
    f.ldinc(x, pointer)
    f.ldinc(y, pointer)


def _dot(f: Function, label: str) -> None:
    """Four products per turn, each loading the word that is needed three instructions later."""
    with f.loop("a13", label):
        f.mula_dd_hh_ldinc("m2", "a4", "m0", "m2", note="x0 * b0")
        f.mula_dd_lh_ldinc("m0", "a3", "m0", "m3", note="x3 * b3")
        f.mula_dd_hl_ldinc("m3", "a4", "m1", "m3", note="x1 * b1")
        f.mula_dd_ll_ldinc("m1", "a3", "m1", "m2", note="x2 * b2")


def _output(f: Function, clamp_label: str, again: str) -> None:
    f.rsr_acclo("a9", note="acc * 4")
    f.bltz("a7", "SLOW")
    short(f, "a9", "a7", "a8", "a10")
    f.label(clamp_label)
    clamp(f, "a9", "a15", "a2")
    f.s8i("a9", "a11", 0)
    f.add("a11", "a11", "a14")
    f.bne("a3", "a12", again)


def _columns(f: Function) -> None:
    f.l32i("a2", STATE.clamp_max)
    _first_words(f, "a3", "m0", "m1")
    f.label("PIXEL")
    f.mov("a4", "a5")
    _first_words(f, "a4", "m2", "m3")
    f.wsr_acclo("a6")
    _dot(f, "DOT")
    _output(f, "CLAMP", "PIXEL")


def _rows(f: Function) -> None:
    state = STATE.at("a9")
    f.label("ROWS")
    f.copy(STATE.rows_left, STATE.rows, "a10")
    f.load(a13=STATE.segment_groups, a2=STATE.clamp_max)
    f.label("ROW_PIXEL")
    f.load(a9=FRAME.state, a10=state.segment_gap)
    f.l32i("a9", FRAME.segments)
    f.mov("a4", "a5")
    _first_words(f, "a4", "m2", "m3")
    f.wsr_acclo("a6")
    with f.times("a9", "SEGMENT"):
        _first_words(f, "a3", "m0", "m1")
        _dot(f, "ROW_DOT")
        f.add("a3", "a3", "a10")
    f.plus("a3", FRAME.pixel_gap, "a10")
    _output(f, "ROW_CLAMP", "ROW_PIXEL")
    f.l32i("a9", FRAME.state)
    f.plus("a3", state.x_row_gap, "a10")
    f.plus("a12", state.x_row, "a10")
    f.bump(state.rows_left, -1, "a10")
    f.bnez("a10", "ROW_PIXEL")
    f.j("NEXT")


def _long_way(f: Function) -> None:
    f.label("SLOW", note="eq. (2) in full: a = acc * 2^left_shift modulo 2^32, h from all 64 bits of a * multiplier")
    f.rsr_acchi("a4")
    f.ssai(2)
    f.src("a9", "a4", "a9")
    f.l32i("a4", FRAME.state)
    f.plus("a9", STATE.at("a4").first, "a4")
    f.ssl("a8")
    f.sll("a9", "a9")
    unmarked(f, "a4", "a7")
    high(f, "a9", "a4", "a10")
    shift_right(f, "a9", "a8", "a10", "a4")
    f.wsr_acchi("a6")
    f.l32i("a4", FRAME.state)
    f.plus("a9", STATE.at("a4").y_zero_point, "a4")
    f.l32i("a4", FRAME.segments)
    f.far("bnez", "a4", "CLAMP", over="SLOW_ROWS")
    f.j("ROW_CLAMP")
