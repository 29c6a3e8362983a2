"""fully_connected for few rows of inputs on MAC16: weights are multiplied where they are, two in a half word."""

from __future__ import annotations

from ...record import DENSE
from ..fields import words
from ..words import numbered
from .requantize import E_MAX, clamp, high, shift_right, unmarked
from .writer import CHANNEL_BYTES, Function, channel, described, device_file, driver

HEAD = """
Fully connected with a byte per weight for the ESP32's MAC16, for few rows of inputs. See ref/dense.py for the
meaning, xtensa/conv.py for how assembler is called and for the requantizer.

Written by host_tools/assembler/xtensa: edit that.

Weights are stored for it (word 29 is 2): a half word holds c = w + 128 of an even input and, in its upper byte, b =
w of the next, so that as an int16 it is 256 b + c. With x1' = x1 - 127 and y0 = 256 x0 - x1', all of them int16,

    x1' (256 b + c) + y0 c = 256 (x1' b + x0 c)

is two products of a half word and of its lower byte: 256 * acc grows in the 40-bit accumulator, and 4 * acc = (256 *
acc >> 6) + 4 * (word 0 - 128 * sum(x0)), where word 0 holds what x1' leaves out. Where that may leave 32 bits the
multiplier's bit 31 is set, and the long way takes acc modulo 2^32.

State, byte offsets from the start of the scratch, then the inputs: of four (x1', x3'), (y0, y2):
{state}
"""

STATE = words(
    "a2",
    "inputs",
    ("fours", "groups of 4 inputs"),
    ("prepared", "where the prepared inputs are"),
    ("sixteens", "groups of 16 inputs"),
    ("even_sum", "-128 * sum(x0)"),
    "weights",
    ("table", "channel table"),
    "y",
    "channels",
    ("low_bytes", "0x00FF00FF"),
    "y_zero_point",
    "clamp_min",
    "clamp_max",
    ("rest", "inputs in the last group of 4, 0: all"),
)
FRAME = words("a1", "state", "y_constant", start=4)

SPREAD = """
    A row of inputs as (x1', x3'), (y0, y2), and -128 * sum(x0). What follows up to a multiple of 16 is 0 already.
    In   a5 args: state
    Uses a2 state | a3 inputs | a4 to | a5 groups, inputs left | a6 sum | a7 bytes | a8 x0, x2 | a9 x1', x3' | a10 y
    Cost 5 per input
"""
DOT = """
    All channels of a prepared row: FORMAT.md eq. (2), (3); ref.fully_connected.
    In   a5 args: state    Stack 4 state | 8 2 y_zero_point + 1
    Uses a2 -128 * sum(x0) | a3 inputs, scratch | a4 weights | a5 inputs - 4
         a6 to a9 four weights each; a8, a9, a10 the accumulator's scratch | a10 c | a11 y | a12 0x00FF00FF
         a13 groups of 16 | a14 channels left | a15 channel table | m0 x1', x3' | m1 y0, y2
    Cost 25 for 16 products, 44 per channel
"""


def file() -> str:
    return device_file(
        HEAD.format(state=described(STATE)), [spread(), dense(), driver("dense")], numbered(DENSE), STATE
    )


def _even(f: Function, i: int) -> None:
    """a8 = x[i], added to the sum; a10 = 256 x[i]."""
    f.l8ui("a8", "a3", i)
    f.sext("a8", "a8", 7)
    f.add("a6", "a6", "a8")
    f.slli("a10", "a8", 8)


def spread() -> Function:
    f = Function("spread", SPREAD)
    f.take_state()
    f.load(a3=STATE.inputs, a4=STATE.prepared, a5=STATE.fours)
    f.movi("a6", 0)
    with f.loopnez("a5", "GROUP"):
        for i in (0, 2):  # x0 and x1, x2 and x3: an even one's instructions lie between an odd one's
            f.l8ui("a8", "a3", i)
            f.l8ui("a9", "a3", i + 1)
            f.sext("a8", "a8", 7)
            f.sext("a9", "a9", 7)
            f.add("a6", "a6", "a8")
            f.addi("a9", "a9", -127)
            f.slli("a10", "a8", 8)
            f.sub("a10", "a10", "a9", note="-32768 to 32767")
            f.s16i("a9", "a4", i)
            f.s16i("a10", "a4", 4 + i)
        f.addi("a3", "a3", 4)
        f.addi("a4", "a4", 8)
    f.title("one to three more; an x1' that is not there is 0, and its weight is")
    f.l32i("a5", STATE.rest)
    f.beqz("a5", "SUM")
    f.movi("a7", 0)
    f.s32i("a7", "a4", 0)
    f.s32i("a7", "a4", 4)
    _even(f, 0)
    f.addi("a5", "a5", -1)
    f.beqz("a5", "FIRST")
    f.l8ui("a9", "a3", 1)
    f.sext("a9", "a9", 7)
    f.addi("a9", "a9", -127)
    f.s16i("a9", "a4", 0)
    f.sub("a10", "a10", "a9")
    f.label("FIRST")
    f.s16i("a10", "a4", 4)
    f.addi("a5", "a5", -1)
    f.bltz("a5", "SUM")
    f.beqz("a5", "SUM")
    _even(f, 2)
    f.s16i("a10", "a4", 6)
    f.label("SUM")
    f.slli("a6", "a6", 7)
    f.neg("a6", "a6")
    f.s32i("a6", STATE.even_sum)
    f.done()
    return f


def dense() -> Function:
    f = Function("dense", DOT)
    entry = channel("a15")
    f.take_state()
    f.s32i("a2", FRAME.state)
    f.l32i("a3", STATE.y_zero_point)
    f.add("a3", "a3", "a3")
    f.addi("a3", "a3", 1)
    f.s32i("a3", FRAME.y_constant)
    f.l32i("a5", STATE.prepared)
    f.addi("a5", "a5", -4)
    f.load(a4=STATE.weights, a15=STATE.table, a11=STATE.y, a14=STATE.channels, a12=STATE.low_bytes)
    f.load(a13=STATE.sixteens, a2=STATE.even_sum)
    f.l32i("a6", "a4", 0)
    f.l32i("a7", "a4", 4)
    f.label("CHANNEL")
    _products(f)
    f.rsr_acchi("a9")
    f.rsr_acclo("a3")
    f.ssai(6)
    f.src("a9", "a9", "a3")
    f.load(a3=entry.first, a8=entry.multiplier)
    f.l16ui("a10", entry.shifts)
    f.add("a3", "a3", "a2")
    f.addx4("a9", "a3", "a9", note="4 * acc")
    f.bltz("a8", "LONG")
    f.extui("a3", "a10", 0, 8)
    f.bnez("a3", "LONG")
    f.srli("a10", "a10", 8)
    f.beqz("a10", "LONG")
    f.addi("a3", "a10", -(E_MAX + 1))
    f.bgez("a3", "LONG_RIGHT")
    _short(f)
    f.label("CLAMP")
    f.load(a3=FRAME.state, a8=STATE.at("a3").clamp_min, a10=STATE.at("a3").clamp_max)
    clamp(f, "a9", "a8", "a10")
    f.s8i("a9", "a11", 0)
    f.addi("a11", "a11", 1)
    f.addi("a15", "a15", CHANNEL_BYTES)
    f.addi("a14", "a14", -1)
    f.beqz("a14", "END")
    f.j("CHANNEL")
    _long_way(f)
    f.label("END")
    f.done()
    return f


def _products(f: Function) -> None:
    """256 * acc of a channel, 16 inputs per turn; the next weights are loaded two words ahead."""
    weight = ("a6", "a7", "a8", "a9")
    f.movi("a10", 0)
    f.wsr_acclo("a10")
    f.wsr_acchi("a10")
    f.mov("a3", "a5")
    f.ldinc("m0", "a3")
    f.ldinc("m1", "a3")
    with f.loop("a13", "DOT"):
        for i, w in enumerate(weight):
            f.l32i(weight[(i + 2) % 4], "a4", 8 + 4 * i)
            f.mula_da_ll("m0", w, note="x1' * (256 b1 + c0)")
            f.and_("a10", w, "a12")
            f.mula_da_hh_ldinc("m0", "a3", "m0", w, note="x3' * (256 b3 + c2)")
            f.mula_da_ll("m1", "a10", note="y0 * c0")
            f.mula_da_hh_ldinc("m1", "a3", "m1", "a10", note="y2 * c2")
        f.addi("a4", "a4", 16)


def _short(f: Function) -> None:
    """As requantize.short, with its constant made here: a10 right, a8 multiplier."""
    f.l32i("a3", FRAME.y_constant)
    f.ssl("a10")
    f.sll("a3", "a3")
    f.addi("a3", "a3", 1)
    f.mulsh("a9", "a9", "a8", note="q, Q1")
    f.srai("a8", "a9", 31)
    f.addx2("a9", "a8", "a9")
    f.add("a9", "a9", "a3")
    f.addi("a10", "a10", 1)
    f.ssr("a10")
    f.sra("a9", "a9")


def _long_way(f: Function) -> None:
    f.label("LONG_RIGHT", note="eq. (2) in full, as in xtensa.conv.convolve")
    f.slli("a10", "a10", 8)
    f.label("LONG")
    f.rsr_acchi("a9")
    f.rsr_acclo("a3")
    f.ssai(8)
    f.src("a9", "a9", "a3")
    f.l32i("a3", channel("a15").first)
    f.add("a9", "a9", "a2")
    f.add("a9", "a9", "a3", note="acc modulo 2^32")
    f.ssl("a10")
    f.sll("a9", "a9")
    unmarked(f, "a8", "a8")
    high(f, "a9", "a8", "a3")
    shift_right(f, "a9", "a10", "a10", "a3")
    f.l32i("a3", FRAME.state)
    f.plus("a9", STATE.at("a3").y_zero_point, "a3")
    f.j("CLAMP")
