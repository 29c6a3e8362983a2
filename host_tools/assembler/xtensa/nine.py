"""3 x 3 along a line of depthwise_conv_2d's plane: nine products per output, whose loads are the next outputs' inputs.

Weights 0 to 8 lie in halves of a4 to a8; m0 to m3 hold two inputs each of the window's lines, at a3, a12 and a13. A
product is of a half of one and a half of the other, and may load the word that its line needs next.
"""

from __future__ import annotations

import re

from ..fields import Fields
from .requantize import rounding, short
from .writer import CHANNEL_BYTES, RIGHT_SHIFT_AT, Function, channel

LINE = {"first": "a3", "second": "a12", "third": "a13"}
WEIGHT = [(f"a{4 + k // 2}", "lh"[k % 2]) for k in range(9)]

# Products of an output, in order: weight * half of a word; "m2=third+", with one or alone: m2 = that line's next word
# ("-": the one before).
# Stride 1, four outputs: words 0 and 1 of each line, then one half later, and the same with the words' roles turned.
STRIDE_1 = (
    "w3*m2l w4*m2h w5*m3l w0*m0l,m2=third+ w1*m0h,m3=third+ w2*m1l w6*m2l w7*m2h w8*m3l",
    "w6*m2h w7*m3l w8*m3h w1*m1l,m2=second- w2*m1h,m3=second+ w3*m2h w0*m0h,m2=second+ m0=first+ w4*m3l w5*m3h",
    "w3*m3l w4*m3h w5*m2l w0*m1l,m2=third+ w1*m1h,m3=third- w2*m0l w6*m3l w7*m3h w8*m2l",
    "w6*m3h w7*m2l w8*m2h w1*m0l,m3=second- w2*m0h,m2=second+ w3*m3h w0*m1h,m3=second+ m1=first+ w4*m2l w5*m2h",
)
# Stride 2, four outputs: the lines' words are in m0, m1, m2; then m3, m0, m1; m2, m3, m0; m1, m2, m3.
STRIDE_2 = (
    "w0*m0l,m3=first+ w1*m0h,m0=second+ w3*m1l w4*m1h,m1=third+ w6*m2l w7*m2h w2*m3l w5*m0l w8*m1l",
    "w3*m0l,m2=first+ w0*m3l w1*m3h w4*m0h,m3=second+ w6*m1l,m0=third+ w7*m1h w2*m2l w5*m3l w8*m0l",
    "w0*m2l w1*m2h w3*m3l w4*m3h w6*m0l,m1=first+ w7*m0h,m2=second+ w2*m1l,m3=third+ w5*m2l w8*m3l",
    "w3*m2l w4*m2h w0*m1l,m0=first+ w1*m1h,m1=second+ w6*m3l w7*m3h w2*m0l,m2=third+ w5*m1l w8*m2l",
)
PRODUCT = re.compile(r"(?:w(?P<k>\d)\*(?P<m>m\d)(?P<half>[lh]))?,?(?:(?P<to>m\d)=(?P<line>\w+)(?P<way>[+-]))?")


def product(f: Function, text: str) -> None:
    """One item of the tables: acc += weight * input, and a word loaded."""
    found = PRODUCT.fullmatch(text)
    assert found, f"no item of the tables: {text}"
    load, loaded = "", ()
    if found["to"]:
        load, loaded = {"+": "ldinc", "-": "lddec"}[found["way"]], (found["to"], LINE[found["line"]])
    if not found["k"]:
        f.emit(load, loaded)
        return
    weight, half = WEIGHT[int(found["k"])]
    if found["m"] in ("m0", "m1"):
        op, operands = f"mula_da_{found['half']}{half}", (found["m"], weight)
    else:
        op, operands = f"mula_ad_{half}{found['half']}", (weight, found["m"])
    f.emit(op + (f"_{load}" if load else ""), (*loaded, *operands), f"w{found['k']}")


def output(f: Function, products: str, frame: Fields, last: bool = False) -> None:
    """An output to a11, which moves on unless it is the last: clamps are int8's."""
    f.l32i("a9", frame.first)
    f.wsr_acclo("a9")
    for text in products.split():
        product(f, text)
    f.rsr_acclo("a9")
    short(f, "a9", "a14", "a15", "a10")
    f.clamps("a9", "a9", 7)
    f.s8i("a9", "a11", 0)
    if not last:
        f.add("a11", "a11", "a2")


def weights(f: Function, state: Fields) -> None:
    """Nine weights at a3 to halves of a4 to a8, 4 w as int16; a13: their sum."""
    f.load(a14=state.w_step, a15=state.w_line)
    low, odd = [f"a{r}" for r in range(4, 9)], [f"a{r}" for r in range(9, 13)]
    w = [odd[k // 2] if k % 2 else low[k // 2] for k in range(9)]
    for k, r in enumerate(w):
        f.l8ui(r, "a3", 0)
        if k < 8:
            f.add("a3", "a3", "a15" if k % 3 == 2 else "a14")
    for k in range(1, 9):
        f.add("a13", w[0] if k == 1 else "a13", w[k], note="sum of all w + 128" if k == 1 else "")
    f.addmi("a13", "a13", -1280)
    f.addi("a13", "a13", 127)
    f.addi("a13", "a13", 1, note="sum of w: - 9 * 128")
    f.title("4 w in halves: 4 * (w + 128) - 512, the low one without its sign")
    f.movi("a14", -512)
    f.each("addx4", (*low, *odd), "a14")
    f.each("slli", odd, 16)
    f.each("extui", low[:4], 0, 16)
    for r, upper in zip(low, odd):
        f.or_(r, r, upper)


def constants(f: Function, state: Fields, frame: Fields) -> None:
    """The channel's first sum, 4 * (bias - x_zero * sum(w)), on the stack; a14 multiplier, a15 constant, SAR e + 1."""
    entry = channel("a12")
    f.l32i("a12", state.table)
    f.l32i("a9", entry.first, note="bias")
    f.l32i("a14", entry.multiplier)
    f.l8ui("a10", "a12", RIGHT_SHIFT_AT, note="e")
    f.addi("a12", "a12", CHANNEL_BYTES)
    f.s32i("a12", state.table)
    f.l32i("a11", state.x_zero)
    f.mull("a11", "a11", "a13")
    f.sub("a9", "a9", "a11")
    f.slli("a9", "a9", 2)
    f.s32i("a9", frame.first)
    f.l32i("a15", state.y_zero_point)
    rounding(f, "a15", "a15", "a10")


def start(f: Function, state: Fields, frame: Fields) -> None:
    """Lines of outputs, and of each (label NINE_LINE) the window's lines; to TWO where the stride is 2."""
    f.copy(frame.lines_left, state.out_lines, "a9")
    f.copy(state.line, state.plane, "a9", plus=-4)
    f.copy(state.line_y, state.y, "a9")
    f.label("NINE_LINE")
    f.load(a2=frame.state, a3=state.line, a9=state.pitch, a11=state.line_y, a10=state.y_line)
    f.add("a12", "a3", "a9")
    f.add("a13", "a12", "a9")
    f.l32i("a9", state.line_step)
    f.add("a10", "a11", "a10")
    f.s32i("a10", state.line_y)
    f.add("a9", "a3", "a9")
    f.l32i("a10", state.form)
    f.s32i("a9", state.line)
    f.addi("a10", "a10", -3)
    f.bgez("a10", "TWO")


def _counts(f: Function, state: Fields) -> None:
    f.load(a9=state.fours, a2=state.y_step)


def stride_1(f: Function, state: Fields, frame: Fields) -> None:
    _counts(f, state)
    for m, line in (("m0", "first"), ("m1", "first"), ("m2", "second"), ("m3", "second")):
        f.ldinc(m, LINE[line])
    with f.loopnez("a9", "FOUR"):
        for i, products in enumerate(STRIDE_1):
            f.title(f"output {i}")
            output(f, products, frame)
    f.title("up to three more")

    def rest() -> None:
        """a10: outputs per line % 4."""
        f.l32i("a10", frame.state)
        f.l32i("a10", state.at("a10").rest)

    rest()
    f.far("bnez", "a10", "NINE_END", over="REST")
    output(f, STRIDE_1[0], frame)
    rest()
    f.addi("a10", "a10", -1)
    f.far("bnez", "a10", "NINE_END", over="SECOND")
    output(f, STRIDE_1[1], frame)
    rest()
    f.addi("a10", "a10", -2)
    f.beqz("a10", "NINE_END")
    output(f, STRIDE_1[2], frame, last=True)
    f.label("NINE_END")
    f.bump(frame.lines_left, -1, "a9")
    f.beqz("a9", "NEXT")
    f.j("NINE_LINE")


def stride_2(f: Function, state: Fields, frame: Fields) -> None:
    lines = (("m0", "a3"), ("m1", "a12"), ("m2", "a13"))
    f.label("TWO")
    _counts(f, state)
    for m, line in lines:
        f.ldinc(m, line)
    with f.loopnez("a9", "TWO_FOUR"):
        for products, held in zip(STRIDE_2, ("m0, m1, m2", "m3, m0, m1", "m2, m3, m0", "m1, m2, m3")):
            f.title(f"lines in {held}")
            output(f, products, frame)
    f.title("up to three more, each from its own words")
    f.l32i("a10", frame.state)
    f.l32i("a10", state.at("a10").rest)
    with f.loopnez("a10", "TWO_REST"):
        output(f, STRIDE_2[0], frame)
        for m, line in lines:
            f.addi(line, line, -4)
            f.ldinc(m, line)
    f.j("NINE_END")
