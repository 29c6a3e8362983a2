"""Planes of the depthwise kernels: padded inputs of one channel, or of four at a time, as uint16 x + 128 in scratch.

Registers: a2 state, a3 source, a4 line in the plane, a5 from input to input, a7 lines left.
"""

from __future__ import annotations

from collections.abc import Callable

from ..fields import Fields
from .writer import Function

STEP = Callable[[Function, str], object]  # a register to the next word of a line


def fill(f: Function, state: Fields) -> None:
    """The plane, or four, full of padding."""
    f.load(a3=state.plane, a4=state.plane_words, a5=state.padding)
    with f.loop("a4", "FILL"):
        f.s32i("a5", "a3", 0)
        f.addi("a3", "a3", 4)


def next_input(f: Function, state: Fields) -> None:
    """The next input channel: to COPIED where its plane is made, FOUR_CHANNELS where four are due, else on (ONE)."""
    f.addi("a9", "a3", 1)
    f.s32i("a9", state.source)
    f.copy(state.outputs, state.depth_multiplier, "a9")
    f.load(a7=state.lines, a10=state.plane_bytes)
    f.beqz("a10", "ONE")
    f.title("four channels at a time, if the four before are done")
    f.bump(state.plane, "a10", "a9")
    f.bump(state.planes_left, -1, "a9")
    f.bgez("a9", "COPIED")
    f.movi("a9", 3)
    f.s32i("a9", state.planes_left)
    f.copy(state.plane, state.first_plane, "a9")
    f.beqz("a7", "COPIED")
    f.j("FOUR_CHANNELS")
    f.label("ONE")
    f.beqz("a7", "COPIED")


def input_(f: Function, to: str, offset: int, t: str) -> None:
    """An input to the half word at `to`; a8: 0x80."""
    f.l8ui(t, "a3", 0)
    f.add("a3", "a3", "a5")
    f.xor(t, t, "a8", note="x + 128")
    f.s16i(t, to, offset)


def pair(f: Function, step: STEP) -> None:
    """Two inputs to the word at a11, which moves on."""
    for r in ("a9", "a10"):
        f.l8ui(r, "a3", 0)
        f.add("a3", "a3", "a5")
    for r in ("a9", "a10"):
        f.xor(r, r, "a8", note="x + 128")
    for offset, r in ((0, "a9"), (2, "a10")):
        f.s16i(r, "a11", offset)
    step(f, "a11")


def next_line(f: Function, state: Fields) -> None:
    f.plus("a3", state.x_line, "a9")
    f.plus("a4", state.pitch, "a9")


PLANES = ("a11", "a12", "a13", "a6")  # the word of a line in each of four planes


def four_channels(f: Function, state: Fields, step: STEP, next_of_lines: Callable[[], None]) -> None:
    """Lines of words of the image, an input of four channels each, to four planes. To COPIED.

    step: from word to word of a line; next_of_lines: counts a line, back to LINES_OF_FOUR while there are more.
    """
    f.load(a4=state.to, a5=state.x_step)
    f.movi("a8", 255)
    f.slli("a9", "a8", 16)
    f.or_("a8", "a8", "a9", note="0x00FF00FF")
    f.movi("a14", 128)
    for shift in (8, 16):
        f.slli("a9", "a14", shift)
        f.or_("a14", "a14", "a9", note="0x80808080" if shift == 16 else "")
    f.ssai(16)
    f.label("LINES_OF_FOUR")
    f.l32i("a10", state.plane_bytes)
    f.mov("a11", "a4")
    for plane, before in zip(PLANES[1:], PLANES):
        f.add(plane, before, "a10")
    f.l32i("a9", state.before)
    f.beqz("a9", "PAIRS_OF_FOUR")
    _input_of_four(f, 2)
    for plane in PLANES:
        step(f, plane)
    f.label("PAIRS_OF_FOUR")
    f.l32i("a15", state.pairs)
    with f.loopnez("a15", "PAIR_OF_FOUR"):
        _pair_of_four(f)
        for plane in PLANES:
            step(f, plane)
    f.l32i("a9", state.after)
    f.beqz("a9", "LINE_OF_FOUR")
    _input_of_four(f, 0)
    f.label("LINE_OF_FOUR")
    f.load(a9=state.x_line, a10=state.pitch)
    f.add("a3", "a3", "a9")
    f.add("a4", "a4", "a10")
    next_of_lines()
    f.j("COPIED")


def _input_of_four(f: Function, offset: int) -> None:
    f.l32i("a9", "a3", 0)
    f.add("a3", "a3", "a5")
    f.xor("a9", "a9", "a14")
    for i, plane in enumerate(PLANES):
        f.extui("a10", "a9", 8 * i, 8)
        f.s16i("a10", plane, offset)


def _pair_of_four(f: Function) -> None:
    """Inputs p and q of four channels: a word to each plane."""
    p, q, t = "a9", "a10", "a15"
    f.l32i(p, "a3", 0, note="p")
    f.add("a3", "a3", "a5")
    f.l32i(q, "a3", 0, note="q")
    f.add("a3", "a3", "a5")
    f.xor(p, p, "a14")
    f.xor(q, q, "a14")
    f.slli(t, p, 16)
    f.src(t, q, t, note="p0, p1, q0, q1")
    f.extui(q, q, 16, 16)
    f.src(q, q, p, note="p2, p3, q2, q3")
    f.and_(p, t, "a8")
    f.srli(t, t, 8)
    f.s32i(p, PLANES[0], 0, note="p0, q0")
    f.and_(t, t, "a8")
    f.and_(p, q, "a8")
    f.s32i(t, PLANES[1], 0, note="p1, q1")
    f.srli(q, q, 8)
    f.s32i(p, PLANES[2], 0, note="p2, q2")
    f.and_(q, q, "a8")
    f.s32i(q, PLANES[3], 0, note="p3, q3")


def next_channel(f: Function, state: Fields) -> None:
    """The next output channel, to CHANNEL, or to END."""
    f.bump(state.y, 1, "a9")
    f.bump(state.channels, -1, "a9")
    f.beqz("a9", "END")
    f.j("CHANNEL")
