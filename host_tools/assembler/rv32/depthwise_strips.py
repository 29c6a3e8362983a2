"""Strips down the columns of depthwise_conv_2d's plane: 3 x 3 with its rows in turn, 3 x 3 with strides, any kernel."""

from __future__ import annotations

from .isa import POOL
from .requantize import Slot, clamps
from .writer import Function

PIXEL, PITCH = 8, 128  # bytes of the plane: a pixel's eight channels, a row of 16 pixels
CHANNEL_BYTES = 16  # of the packed table: first, multiplier, c, pre, shift, fix, form
WEIGHT, VALUE = POOL[:9], POOL[9:18]
IP, OP, Q, T, MULTIPLIER, C, SHIFT, FIRST, STEP, END = POOL[18:28]


def strips(f: Function) -> None:
    for name, signed in (("SIGNED_STRIP", True), ("PLAIN_STRIP", False)):
        _rotating(f, name, signed)
    _strided(f)
    _any(f)


def _start(f: Function, name: str) -> None:
    """Input, output and end of a strip; the slots of both are moved on to the next."""
    f.label(name)
    f.get(IP, "strip")
    f.get(OP, "strip_out")
    f.get(END, "tile_h")
    f.mul(END, END, STEP)
    f.get(Q, "stride")
    f.add(Q, Q, IP)
    f.put(Q, "strip")
    f.add(END, END, OP)
    f.get(T, "y_step")
    f.add(T, T, OP)
    f.put(T, "strip_out")


def _done(f: Function, name: str) -> None:
    f.count_down("strips", name, f"{name}_CHANNEL_DONE", T)
    f.goto("CHANNEL_DONE")


def _at(row: int, column: int) -> int:
    return PITCH * row + PIXEL * column


def _rotating(f: Function, name: str, signed: bool) -> None:
    """3 x 3, stride_h 1, no clamp but int8's: each row of x is loaded once per strip, over the one no longer needed."""
    f.title("3 x 3 down a column, three outputs per turn" + ("." if signed else "; q as it is."))
    _start(f, name)
    for row in range(2):
        for column in range(3):
            f.lb(VALUE[3 * row + column], _at(row, column), IP)
    f.label(f"{name}_3")
    for turn in range(3):
        x = [VALUE[3 * ((turn + k // 3) % 3) + k % 3] for k in range(9)]  # of the window that starts at row `turn`
        for column in range(3):
            f.lb(x[6 + column], _at(turn + 2, column), IP)
        f.mul(Q, WEIGHT[0], x[0])
        f.mul(T, WEIGHT[1], x[1])
        f.add(Q, Q, FIRST)
        f.add(Q, Q, T)
        for k in range(2, 9):
            f.mul(T, WEIGHT[k], x[k])
            f.add(Q, Q, T)
        f.mulh(Q, Q, MULTIPLIER)
        if signed:
            f.srai(T, Q, 31)
            f.slli(T, T, 1)
            f.add(Q, Q, T)
        f.add(Q, Q, C)
        f.sra(Q, Q, SHIFT)
        f.srli(T, Q, 8)
        f.bne(T, "zero", f"{name}_OUT{turn}")
        f.label(f"{name}_IN{turn}")
        f.addi(Q, Q, -128)
        f.sb(Q, 0, OP)
        f.add(OP, OP, STEP)
        if turn < 2:
            f.beq(OP, END, f"{name}_DONE")
    f.addi(IP, IP, _at(3, 0))
    f.bne(OP, END, f"{name}_3")
    f.label(f"{name}_DONE")
    _done(f, name)
    for turn in range(3):
        f.label(f"{name}_OUT{turn}")
        f.srai(Q, Q, 31, note="below 0: 0, above 255: 255")
        f.xori(Q, Q, -1)
        f.andi(Q, Q, 255)
        f.goto(f"{name}_IN{turn}")


# Strips without rotation have registers left: fix, clamps, step of the plane.
SLOT = Slot(MULTIPLIER, C, "", SHIFT, VALUE[0], VALUE[1], VALUE[2], OP, T)
PLANE_STEP = VALUE[3]


def _wide(f: Function) -> None:
    f.lb(SLOT.fix, 14, Q)
    f.get(SLOT.low, "low")
    f.get(SLOT.high, "high")
    f.get(PLANE_STEP, "plane_step")
    f.get(STEP, "down")


def _finish(f: Function, name: str) -> None:
    """Requantizes and stores the sum; the next output of the strip, or the next strip."""
    late = SLOT.requantize(f, Q, name)
    f.add(OP, OP, STEP)
    f.add(IP, IP, PLANE_STEP)
    f.bne(OP, END, f"{name}_NEXT")
    _done(f, name)
    clamps(f, late)
    f.label(f"{name}_NEXT")
    f.goto(f"{name}_OUTPUT")


def _strided(f: Function) -> None:
    x = VALUE[4:6]
    f.title(
        f"3 x 3, any stride, any clamps: {SLOT.fix} fix | {SLOT.low} {SLOT.high} clamps | {PLANE_STEP} step of x | "
        f"{x[0]} {x[1]} x"
    )
    f.label("STRIDED_CHANNEL")
    _wide(f)
    _start(f, "STRIDES")
    f.label("STRIDES_OUTPUT")
    f.lb(x[0], 0, IP)
    f.mv(Q, FIRST)
    for k in range(9):
        if k < 8:
            f.lb(x[(k + 1) % 2], _at((k + 1) // 3, (k + 1) % 3), IP)
        f.mul(T, WEIGHT[k], x[k % 2])
        f.add(Q, Q, T)
    _finish(f, "STRIDES")


def _any(f: Function) -> None:
    x, w, row, rows, columns, taps, dx, dy = WEIGHT[:8]
    kernel_h, kernel_w, at = VALUE[4:7]
    f.title(
        f"Any kernel: {x} x | {w} w | {row} row of x | {rows} rows left | {columns} end of a row of w | {taps} w"
        f" | {dx} {dy} steps in x | rest as above"
    )
    f.label("ANY_CHANNEL")
    f.word(dx, "dilation_w", IP)
    f.slli(dx, dx, 3)
    f.word(dy, "dilation_h", IP)
    f.slli(dy, dy, 7)
    _wide(f)
    f.word(kernel_h, "kernel_h", IP)
    f.word(kernel_w, "kernel_w", IP)
    f.slli(kernel_w, kernel_w, 2)
    _start(f, "ANY")
    f.label("ANY_OUTPUT")
    f.mv(Q, FIRST)
    f.mv(row, IP)
    f.mv(rows, kernel_h)
    f.get(taps, "taps")
    f.label("ANY_ROW")
    f.mv(at, row)
    f.add(columns, taps, kernel_w)
    f.label("ANY_TAP")
    f.lb(x, 0, at)
    f.lw(w, 0, taps)
    f.add(at, at, dx)
    f.addi(taps, taps, 4)
    f.mul(T, x, w)
    f.add(Q, Q, T)
    f.bne(taps, columns, "ANY_TAP")
    f.add(row, row, dy)
    f.addi(rows, rows, -1)
    f.bne(rows, "zero", "ANY_ROW")
    _finish(f, "ANY")
