"""depthwise_conv_2d of any window for MAC16, two products per word: runs of a plane's words and of weights."""

from __future__ import annotations

from ...record import DEPTHWISE
from ..fields import words
from ..words import numbered
from . import planes
from .requantize import high, prepare, shift_right, short, unmarked
from .writer import CHANNEL_BYTES, Function, channel, described, device_file, driver

HEAD = """
Depthwise convolutions of any window for the ESP32's MAC16, two products a word. See ref/depthwise.py for the
meaning, xtensa/conv.py for how assembler is called, the requantizer and the long way, xtensa/depthwise.py for 3 x 3.

Written by host_tools/assembler/xtensa: edit that.

One channel at a time goes to a plane of its own in scratch, x + 128 as uint16, two of a line in a word, with its
padding. 4 * acc = 4 * bias - 4 * (x_zero_point + 128) * sum(w) + sum((x + 128) * 4 w). A window is runs of words
that lie one after the other: its lines (form 8), or, where the plane lies down its lines, its columns of words (8 +
2); what dilation skips in a run has weights of 0. Lines are rows, or columns (8 + 1). Where the stride in a line is
odd, every other window starts in the middle of a word: its weights lie one later, in a copy of their own.

State, byte offsets from the start of the scratch, then both copies of the weights, 4 w as int16, then the plane:
{state}
"""

STATE = words(
    "a2",
    "source",
    ("to", "where it goes in the plane"),
    ("lines", "to copy"),
    ("pairs", "of inputs per line"),
    ("x_step", "from input to input"),
    ("x_line", "from the last input of a line to the next line"),
    ("pitch", "from line to line in the plane"),
    "plane",
    "y",
    ("y_step", "from pixel to pixel of a line in y"),
    ("y_line", "from line to line in y"),
    ("out_lines", "lines of outputs"),
    ("before", "an input before the pairs"),
    ("after", "an input after them"),
    ("table", "channel table"),
    "weights",
    ("channels", "left"),
    ("w_step", "from weight to weight across the lines"),
    ("w_line", "from the last of those to the next"),
    "y_zero_point",
    ("x_zero", "x_zero_point + 128"),
    "depth_multiplier",
    ("outputs", "left of the input channel"),
    ("plane_words", "of all planes"),
    ("padding", "twice"),
    "clamp_min",
    "clamp_max",
    ("word_step", "from word to word of a line"),
    ("line_y", "y of the line"),
    ("line_bytes", "of a line in y"),
    ("line_end", "end of the line in y"),
    ("even_step", "from an even output to the next in the plane"),
    ("two_steps", "that and from an odd one"),
    ("line_step", "from line of outputs to line in the plane"),
    ("even_weight", "from weight to weight along the line, of even ones"),
    ("odd_weight", "of odd ones"),
    ("kernel_across", "weights across"),
    ("kernel_along", "weights along"),
    ("line", "in the plane"),
    ("copy1", "first copy of the weights - 4"),
    ("both_copies", "both copies - 8, added"),
    ("run_pairs", "words per run / 2"),
    ("runs", "less than 0: of an odd length"),
    ("run_step", "from a run's end to the next"),
    ("weight_step", "from weight to weight across"),
    ("first", "word 0, the long way"),
    ("copy2", "second copy of the weights"),
    ("plane_bytes", "where four channels are copied at a time"),
    ("planes_left", "of those still to come"),
    ("first_plane", "of those"),
)
FRAME = words("a1", "lines_left", "copy_left", start=4)

DOC = """
    All channels of some lines of outputs: FORMAT.md eq. (2), (3); ref.depthwise_conv_2d.
    In   a5 args: state    Stack 4 lines left | 8 lines to copy
    Uses a2 state | a7 multiplier, negative: the long way
         a8 constant of the requantizer; left_shift + 256 * right_shift
    Copying   a3 source | a4 to | a5 step | a6 an input after | a7 lines | a8 0x80 | a9, a10 inputs | a11 word
         a12 pairs | a13 from word to word | a14 an input before
    Four      a3 source | a4 line | a5 step | a6, a11, a12, a13 planes | a7 from word to word | a8, a14 masks
         a9, a10, a15 inputs
    Weights   a3 weight | a4, a5 where it goes | a6, a7 the column's | a8 from line to line | a9 w | a10 step
         a11 weights across | a12, a13 from column to column, in turn | a14 4 * sum(w) | a15 columns left
    Products  a3 the window's first word - 4 | a4 X words | a5 Y words | a6 4 * (bias and the like) | a9 acc * 4, q, y
         a10 runs left, scratch | a11 y | a12 Y words - 4 | a13 words per run / 2 | a14 from a run's end to the next
         a15 to the next output's | m0, m1 X | m2, m3 Y, in turn    SAR e + 1
    Cost 4.5 per input, 3 of four channels at a time; 9 per weight; 1 per product, 5 per run, 28 per output, 22 per
         line, 80 per channel
"""


def file() -> str:
    return device_file(HEAD.format(state=described(STATE)), [kernel(), driver("window")], numbered(DEPTHWISE), STATE)


def kernel() -> Function:
    f = Function("windows", DOC)
    f.take_state()
    planes.fill(f, STATE)
    f.label("CHANNEL")
    f.title("the channel's inputs, unless those of the channel before")
    f.l32i("a9", STATE.outputs)
    f.bnez("a9", "COPIED")
    f.l32i("a3", STATE.source)
    planes.next_input(f, STATE)
    _copy(f)
    f.label("COPIED")
    f.bump(STATE.outputs, -1, "a9")
    _weights(f)
    _table_entry(f)
    _lines(f)
    _window(f)
    _output(f)
    planes.next_channel(f, STATE)
    _long_way(f)
    _odd_runs(f)
    f.title("---- a word of the image is an input of four channels: to four planes, two inputs at a time")
    f.label("FOUR_CHANNELS")
    f.s32i("a7", FRAME.copy_left)
    f.l32i("a7", STATE.word_step)

    def next_of_lines() -> None:
        f.bump(FRAME.copy_left, -1, "a9")
        f.bnez("a9", "LINES_OF_FOUR")

    planes.four_channels(f, STATE, lambda f, register: f.add(register, register, "a7"), next_of_lines)
    f.label("END")
    f.done()
    return f


def _copy(f: Function) -> None:
    """One channel's inputs to the plane."""

    def step(f: Function, register: str) -> None:
        f.add(register, register, "a13")

    f.load(a4=STATE.to, a5=STATE.x_step, a12=STATE.pairs, a6=STATE.after)
    f.load(a13=STATE.word_step, a14=STATE.before)
    f.movi("a8", 128)
    with f.times("a7", "LINE"):
        f.mov("a11", "a4")
        f.beqz("a14", "PAIRS")
        planes.input_(f, "a11", 2, "a10")
        step(f, "a11")
        f.label("PAIRS")
        with f.loopnez("a12", "PAIR"):
            planes.pair(f, step)
        f.beqz("a6", "LINE_END")
        planes.input_(f, "a11", 0, "a9")
        f.label("LINE_END")
        planes.next_line(f, STATE)


def _weights(f: Function) -> None:
    f.title("weights, twice")
    f.l32i("a3", STATE.weights)
    f.addi("a9", "a3", 1)
    f.s32i("a9", STATE.weights)
    f.l32i("a6", STATE.copy1)
    f.addi("a6", "a6", 4)
    f.load(a7=STATE.copy2, a8=STATE.weight_step, a10=STATE.w_step, a11=STATE.kernel_across)
    f.load(a12=STATE.even_weight, a13=STATE.odd_weight, a15=STATE.kernel_along)
    f.movi("a14", 0)
    with f.times("a15", "WEIGHTS"):
        f.mov("a4", "a6")
        f.mov("a5", "a7")
        with f.loop("a11", "WEIGHT"):
            f.l8ui("a9", "a3", 0)
            f.add("a3", "a3", "a10")
            f.addi("a9", "a9", -128)
            f.slli("a9", "a9", 2)
            for copy in ("a4", "a5"):
                f.s16i("a9", copy, 0)
            f.each("add", ("a4", "a5"), "a8")
            f.add("a14", "a14", "a9")
        f.l32i("a9", STATE.w_line)
        f.add("a6", "a6", "a12")
        f.add("a7", "a7", "a13")
        f.add("a3", "a3", "a9")
        f.mov("a9", "a12")
        f.mov("a12", "a13")
        f.mov("a13", "a9")


def _table_entry(f: Function) -> None:
    f.title("the channel's table entry")
    entry = channel("a12")
    f.load(a12=STATE.table, a9=STATE.x_zero)
    f.l32i("a6", entry.first, note="bias")
    f.mull("a9", "a9", "a14")
    f.l32i("a7", entry.multiplier)
    f.l16ui("a8", entry.shifts)
    f.addi("a12", "a12", CHANNEL_BYTES)
    f.s32i("a12", STATE.table)
    f.srai("a10", "a9", 2)
    f.sub("a10", "a6", "a10")
    f.s32i("a10", STATE.first)
    f.slli("a6", "a10", 2)
    f.srli("a9", "a8", 8)
    f.extui("a10", "a8", 0, 8)
    f.bltz("a7", "LONG")
    prepare(f, STATE.y_zero_point, "START")


def _lines(f: Function) -> None:
    """Lines of outputs, and of each (label OUTPUTS) where its first window and its outputs are."""
    f.copy(FRAME.lines_left, STATE.out_lines, "a9")
    f.copy(STATE.line, STATE.plane, "a9", plus=-4)
    f.copy(STATE.line_y, STATE.y, "a9")
    f.load(a13=STATE.run_pairs, a14=STATE.run_step)
    f.label("OUTPUTS")
    f.load(a3=STATE.line, a9=STATE.line_step, a11=STATE.line_y)
    f.add("a9", "a3", "a9")
    f.s32i("a9", STATE.line)
    f.load(a9=STATE.line_bytes, a10=STATE.y_line)
    f.add("a9", "a11", "a9")
    f.s32i("a9", STATE.line_end)
    f.add("a10", "a11", "a10")
    f.s32i("a10", STATE.line_y)
    f.load(a12=STATE.copy1, a15=STATE.even_step)


def _word(f: Function, i: int, meanwhile: str = "") -> None:
    """Two products of m{i} and m{i + 2}, while the next words are loaded to the other two."""
    x, y, next_x, next_y = f"m{i}", f"m{i + 2}", f"m{1 - i}", f"m{3 - i}"
    if meanwhile:  # a run's last word: the next run's first is not the word after it
        f.emit("mula_dd_ll", (x, y))
        f.addi(meanwhile, meanwhile, 1)
    else:
        f.mula_dd_ll_ldinc(next_x, "a4", x, y)
    f.mula_dd_hh_ldinc(next_y, "a5", x, y)


def _run(f: Function, label: str, first: int = 0) -> None:
    """Words of a run, two per turn, the first of them in m{first}."""
    with f.loop("a13", label, "loop" if label == "EVEN_RUN" else "loopnez"):
        _word(f, first)
        _word(f, 1 - first)


def _next_run(f: Function, first: int) -> None:
    f.beqz("a10", "DONE")
    f.add("a4", "a4", "a14")
    f.ldinc(f"m{first}", "a4")


def _window(f: Function) -> None:
    f.label("OUTPUT")
    f.mov("a4", "a3")
    f.ldinc("m0", "a4")
    f.mov("a5", "a12")
    f.ldinc("m2", "a5")
    f.l32i("a10", STATE.runs)
    f.wsr_acclo("a6")
    f.bltz("a10", "ODD")
    f.label("EVEN")
    _run(f, "EVEN_RUN")
    f.addi("a10", "a10", -1)
    _next_run(f, 0)
    f.j("EVEN")


def _odd_runs(f: Function) -> None:
    """Runs of an odd length, whose first words are in m0 and m2, then in m1 and m3, in turn."""
    f.label("ODD")
    for first, label in ((0, "ODD_RUN"), (1, "TURNED_RUN")):
        _run(f, label, first)
        _word(f, first, meanwhile="a10")
        _next_run(f, 1 - first)
    f.j("ODD")


def _output(f: Function) -> None:
    f.label("DONE")
    f.rsr_acclo("a9", note="acc * 4")
    f.l32i("a4", STATE.clamp_min)
    f.bltz("a7", "SLOW")
    short(f, "a9", "a7", "a8", "a10", meanwhile=lambda: f.l32i("a5", STATE.clamp_max))
    f.label("CLAMP")
    f.max("a9", "a9", "a4")
    f.l32i("a4", STATE.y_step)
    f.min("a9", "a9", "a5")
    f.l32i("a10", STATE.both_copies)
    f.s8i("a9", "a11", 0)
    f.add("a11", "a11", "a4")
    f.l32i("a9", STATE.two_steps)
    f.sub("a12", "a10", "a12", note="the other copy")
    f.l32i("a10", STATE.line_end)
    f.add("a3", "a3", "a15")
    f.sub("a15", "a9", "a15")
    f.bne("a11", "a10", "OUTPUT")
    f.bump(FRAME.lines_left, -1, "a9")
    f.far("beqz", "a9", "OUTPUTS", over="NEXT")


def _long_way(f: Function) -> None:
    f.label("SLOW", note="eq. (2) in full, as in xtensa.conv.convolve")
    f.rsr_acchi("a4")
    f.ssai(2)
    f.src("a9", "a4", "a9")
    f.l32i("a4", STATE.first)
    f.ssl("a8")
    f.add("a9", "a9", "a4", note="acc modulo 2^32")
    f.sll("a9", "a9")
    unmarked(f, "a4", "a7")
    high(f, "a9", "a4", "a10")
    shift_right(f, "a9", "a8", "a10", "a4")
    f.wsr_acchi("a6")
    f.load(a10=STATE.y_zero_point, a4=STATE.clamp_min, a5=STATE.clamp_max)
    f.add("a9", "a9", "a10")
    f.j("CLAMP")
