"""depthwise_conv_2d for MAC16: 3 x 3 windows along the lines of a plane, and any window a product at a time."""

from __future__ import annotations

from ...record import DEPTHWISE
from ..fields import words
from ..words import numbered
from . import nine, planes
from .requantize import clamp, high, shift_right
from .writer import CHANNEL_BYTES, Function, channel, described, device_file, driver

HEAD = """
Depthwise convolutions for the ESP32's MAC16: any shape. See ref/depthwise.py for the meaning, xtensa/conv.py for
how assembler is called and for the requantizer.

Written by host_tools/assembler/xtensa: edit that.

One channel at a time goes to a plane of its own in scratch, x + 128 as uint16, with its padding: acc = bias -
(x_zero_point + 128) * sum(w) + sum((x + 128) * w). A plane's lines are the image's rows or, where those are short, its
columns. Forms: 3 x 3 without dilation and with a stride of 1 (form 1: rows, 2: columns) or of 2 (3, 4) in a line,
any from line to line; and all others, a product at a time (form 0: rows). xtensa/depthwise_window.py has more. Form + 16:
where words of the image are four channels of one input, four planes are made at a time.

State, byte offsets from the start of the scratch, then weights as int16 (form 0), then the plane:
{state}
"""

STATE = words(
    "a2",
    "source",
    ("to", "where it goes in the plane"),
    ("lines", "to copy"),
    ("inputs", "per line"),
    ("x_step", "from input to input"),
    ("x_line", "from the last input of a line to the next line"),
    ("pitch", "bytes of a line of the plane"),
    "plane",
    "y",
    ("y_step", "from pixel to pixel of a line in y"),
    ("y_line", "from line to line in y"),
    ("out_lines", "lines of outputs"),
    ("fours", "outputs per line / 4"),
    ("rest", "outputs per line % 4"),
    ("table", "channel table"),
    "weights",
    ("channels", "left"),
    ("w_step", "from weight to weight of a line"),
    ("w_line", "from the last weight of a line to the next"),
    "y_zero_point",
    ("x_zero", "x_zero_point + 128"),
    "depth_multiplier",
    ("outputs", "left of the input channel"),
    ("plane_words", "of all planes"),
    ("padding", "twice"),
    "clamp_min",
    "clamp_max",
    "form",
    ("line_y", "y of the line"),
    "unused",
    ("out_along", "outputs per line"),
    ("step", "from output to output in the plane"),
    ("line_step", "from line of outputs to line in the plane"),
    ("tap_step", "from weight to weight in the plane"),
    ("tap_line", "from weights' line to line in the plane"),
    ("kernel_lines", "lines of weights"),
    ("kernel_along", "weights per line"),
    ("taps", "int16 weights"),
    ("line", "in the plane"),
    ("pixels_left", "outputs left of the line"),
    ("plane_bytes", "where four channels are copied at a time"),
    ("planes_left", "of those still to come"),
    ("first_plane", "of those"),
    ("before", "an input before the pairs"),
    ("pairs", "of inputs per line"),
    ("after", "an input after them"),
)
FRAME = words("a1", "state", "first", "lines_left", start=4)

DOC = """
    All channels of some lines of outputs: FORMAT.md eq. (2), (3); ref.depthwise_conv_2d.
    In   a5 args: state    Stack 4 state | 8 4 * (bias and the like) | 12 lines left
    Copying   a2 state | a3 source | a4 to | a5 step | a6 inputs | a7 lines | a8 0x80 | a9, a10 inputs | a11 line
    3 x 3     a2 from pixel to pixel in y | a3, a12, a13 the window's lines in the plane | a4 weights 0, 1 | a5 2, 3
         a6 4, 5 | a7 6, 7 | a8 8 | a9 q, y | a10 sign | a11 y | a14 multiplier | a15 constant of the requantizer
         m0, m1 first line | m2, m3 second and third, in turn; stride 2: lines and what comes next in turn
         SAR e + 1
    Others    a2 state | a3 pixel | a4 x | a5 w | a6 bias and the like | a7 multiplier
         a8 left_shift + 256 * right_shift | a9 acc, y | a10, a14 scratch | a11 y | a12 from x to x
         a13 weights per line | a15 lines of weights left
    Four      a3 source | a4 line | a5 step | a6, a11, a12, a13 planes | a7 lines | a8, a14 masks | a9, a10, a15 inputs
    Cost 5 per input, 3 of four channels at a time; 3 x 3: 20.5 per output, 30 per line, 120 per channel; stride 2: 20,
         46 of the last three; others: 5 per product, 8 per line of weights, 45 per output
"""


def file() -> str:
    return device_file(HEAD.format(state=described(STATE)), [kernel(), driver("depthwise")], numbered(DEPTHWISE), STATE)


def kernel() -> Function:
    f = Function("planes", DOC)
    f.take_state()
    f.s32i("a2", FRAME.state)
    planes.fill(f, STATE)
    f.label("CHANNEL")
    f.title("the channel's inputs, unless those of the channel before")
    f.load(a9=STATE.outputs, a3=STATE.source)
    f.far("beqz", "a9", "COPIED", over="COPY")
    planes.next_input(f, STATE)
    _copy(f)
    f.label("COPIED")
    f.bump(STATE.outputs, -1, "a9")
    f.l32i("a3", STATE.weights)
    f.addi("a9", "a3", 1)
    f.s32i("a9", STATE.weights)
    f.l32i("a9", STATE.form)
    f.far("bnez", "a9", "GENERAL", over="NINE")
    f.title("---- 3 x 3")
    nine.weights(f, STATE)
    nine.constants(f, STATE, FRAME)
    nine.start(f, STATE, FRAME)
    nine.stride_1(f, STATE, FRAME)
    f.label("NEXT")
    f.l32i("a2", FRAME.state)
    planes.next_channel(f, STATE)
    f.title("---- 3 x 3, stride 2 in a line: an output's third column is the next one's first")
    nine.stride_2(f, STATE, FRAME)
    f.title("---- any window; acc itself, modulo 2^32")
    _general(f)
    f.title("---- a word of the image is an input of four channels: to four planes, two inputs at a time")
    f.label("FOUR_CHANNELS")

    def next_of_lines() -> None:
        f.addi("a7", "a7", -1)
        f.bnez("a7", "LINES_OF_FOUR")

    planes.four_channels(f, STATE, _step, next_of_lines)
    f.label("END")
    f.done()
    return f


def _step(f: Function, register: str) -> None:
    f.addi(register, register, 4)


def _copy(f: Function) -> None:
    """One channel's inputs to the plane."""
    f.load(a4=STATE.to, a5=STATE.x_step, a6=STATE.inputs)
    f.movi("a8", 128)
    f.srli("a12", "a6", 1)
    with f.times("a7", "LINE"):
        f.mov("a11", "a4")
        with f.loopnez("a12", "PAIR"):
            planes.pair(f, _step)
        f.bbci("a6", 0, "EVEN")
        planes.input_(f, "a11", 0, "a9")
        f.label("EVEN")
        planes.next_line(f, STATE)


def _general(f: Function) -> None:
    f.label("GENERAL")
    _int16_weights(f)
    _bias(f)
    f.copy(FRAME.lines_left, STATE.out_lines, "a9")
    f.copy(STATE.line, STATE.plane, "a3")
    f.copy(STATE.line_y, STATE.y, "a11")
    f.l32i("a12", STATE.tap_step)
    f.label("GENERAL_LINE")
    f.load(a3=STATE.line, a11=STATE.line_y, a9=STATE.out_along)
    f.s32i("a9", STATE.pixels_left)
    f.label("GENERAL_PIXEL")
    f.mov("a4", "a3")
    f.load(a5=STATE.taps, a15=STATE.kernel_lines, a14=STATE.tap_line)
    f.wsr_acclo("a6")
    with f.times("a15", "WINDOW"):
        with f.loop("a13", "PRODUCT"):
            f.l16ui("a9", "a4", 0)
            f.l16si("a10", "a5", 0)
            f.add("a4", "a4", "a12")
            f.addi("a5", "a5", 2)
            f.mula_aa_ll("a9", "a10")
        f.add("a4", "a4", "a14")
    f.rsr_acclo("a9")
    f.ssl("a8")
    f.sll("a9", "a9")
    high(f, "a9", "a7", "a10")
    shift_right(f, "a9", "a8", "a10", "a14")
    f.plus("a9", STATE.y_zero_point, "a10")
    f.load(a10=STATE.clamp_min, a14=STATE.clamp_max)
    clamp(f, "a9", "a10", "a14")
    f.s8i("a9", "a11", 0)
    f.plus("a11", STATE.y_step, "a10")
    f.plus("a3", STATE.step, "a10")
    f.bump(STATE.pixels_left, -1, "a9")
    f.bnez("a9", "GENERAL_PIXEL")
    for r, at, step in (("a3", STATE.line, STATE.line_step), ("a11", STATE.line_y, STATE.y_line)):
        f.l32i(r, at)
        f.plus(r, step, "a9")
        f.s32i(r, at)
    f.bump(FRAME.lines_left, -1, "a9")
    f.bnez("a9", "GENERAL_LINE")
    f.j("NEXT")


def _int16_weights(f: Function) -> None:
    """The channel's weights to int16; a14: their sum."""
    f.load(a4=STATE.taps, a15=STATE.kernel_lines, a10=STATE.w_step, a12=STATE.w_line, a13=STATE.kernel_along)
    f.movi("a14", 0)
    with f.times("a15", "WEIGHTS"):
        with f.loop("a13", "WEIGHT"):
            f.l8ui("a9", "a3", 0)
            f.add("a3", "a3", "a10")
            f.addi("a9", "a9", -128)
            f.s16i("a9", "a4", 0)
            f.add("a14", "a14", "a9")
            f.addi("a4", "a4", 2)
        f.sub("a3", "a3", "a10")
        f.add("a3", "a3", "a12")


def _bias(f: Function) -> None:
    """a6 = bias - x_zero * sum(w), a7 multiplier, a8 shifts; the table's next entry."""
    entry = channel("a4")
    f.l32i("a4", STATE.table)
    f.l32i("a6", entry.first, note="bias")
    f.l32i("a7", entry.multiplier)
    f.l16ui("a8", entry.shifts)
    f.addi("a4", "a4", CHANNEL_BYTES)
    f.s32i("a4", STATE.table)
    f.l32i("a9", STATE.x_zero)
    f.mull("a9", "a9", "a14")
    f.sub("a6", "a6", "a9")
