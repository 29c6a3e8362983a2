"""conv_2d's columns: the windows of three pixels in scratch, word j of pixel p at 12 j + 4 p."""

from __future__ import annotations

from .writer import Function

APART = 12  # bytes from one word of a column to the next: three pixels side by side


def columns(f: Function) -> None:
    f.title("Three pixels' windows.")
    f.title(
        "s0 record | s1 row of y, all batches | s2 ox | s3 pixels left | s4 column | s5 in_c "
        "| s6 in_w | s7 copy | s8 fill | s9 iy | s10 kernel rows left | s11 x at iy, ix | a0 ix | a1 bytes of a kernel "
        "row | a2 dilation_h | a3 columns left | a4 dilation_w | a5 to | a6 in_h | a7 from a kernel row to the next | "
        "ra dilation_w * in_c | t0 from | t1 bytes | t2 t3 t4 temporary | t5 return | t6 0 where the columns are "
        "written to straight"
    )
    f.label("COLUMNS3")
    _first(f)
    f.label("PIXEL")
    _window(f)
    _way(f)
    _whole_rows(f)
    _pixels(f)
    _spread(f)
    f.addi("s4", "s4", 4)
    f.get("t0", "step", note="the next pixel")
    f.add("s2", "s2", "t0")
    f.word("t0", "out_w", "s0")
    f.bne("s2", "t0", "SAME_ROW")
    f.li("s2", 0)
    f.addi("s1", "s1", 1)
    f.label("SAME_ROW")
    f.addi("s3", "s3", -1)
    f.bne("s3", "zero", "PIXEL")
    f.title("The next three; the last three of a tile overlap those before.")


def _first(f: Function) -> None:
    """Row and column of the first pixel, and what the record says of all."""
    f.get(s0="record", t0="in_tile", t1="at")
    f.add("t0", "t0", "t1")
    f.word("t1", "out_w", "s0")
    f.divu("s1", "t0", "t1")
    f.mul("t2", "s1", "t1")
    f.sub("s2", "t0", "t2")
    f.li("s3", 3)
    f.get("s4", "column")
    f.word(s5="in_c", s6="in_w", a1="kernel_w", a2="dilation_h", a4="dilation_w", a6="in_h", base="s0")
    f.mul("a7", "a2", "s6")
    f.mul("a7", "a7", "s5")
    f.mul("ra", "a4", "s5")


def _window(f: Function) -> None:
    """iy, ix and the address of the window's first input; s10 kernel rows left."""
    f.word("t0", "out_h", "s0", note="oy and the batch")
    f.mv("t1", "s1")
    f.li("t4", 0)
    f.bltu("t1", "t0", "ONE_BATCH")
    f.divu("t2", "t1", "t0")
    f.mul("t3", "t2", "t0")
    f.sub("t1", "t1", "t3")
    f.mul("t4", "t2", "a6")
    f.label("ONE_BATCH")
    f.word("t0", "stride_h", "s0", note="iy and ix of the window's first pixel")
    f.mul("s9", "t1", "t0")
    f.by_word("sub", "s9", "t0", "pad_top", base="s0")
    f.word("t0", "stride_w", "s0")
    f.mul("a0", "s2", "t0")
    f.by_word("sub", "a0", "t0", "pad_left", base="s0")
    f.add("t0", "s9", "t4")
    f.mul("t0", "t0", "s6")
    f.add("t0", "t0", "a0")
    f.mul("t0", "t0", "s5")
    f.get("s11", "image")
    f.add("s11", "s11", "t0")
    f.word("s10", "kernel_h", "s0")


def _way(f: Function) -> None:
    """How a window is copied: s7 and s8, the routines; a5, where to; t3 0 where its rows are copied whole."""
    f.word("a1", "kernel_w", "s0", note="dense rows that lie between the image's sides are copied whole")
    f.add("t0", "a0", "a1")
    f.slt("t1", "s6", "t0")
    f.slt("t2", "a0", "zero")
    f.or_("t1", "t1", "t2")
    f.addi("t2", "a4", -1)
    f.or_("t3", "t1", "t2")
    f.mul("a1", "a1", "s5")
    f.title(
        "In whole words where in_c and x are multiples of 4; where a row is one, if not cut, in fours; else by bytes "
        "through a line."
    )
    f.get("t6", "image")
    f.or_("t6", "t6", "s5")
    f.andi("t6", "t6", 3)
    f.la("s7", "COPY_WORDS")
    f.la("s8", "FILL_WORDS")
    f.mv("a5", "s4")
    f.beq("t6", "zero", "STRAIGHT")
    f.andi("t0", "a1", 3)
    f.or_("t0", "t0", "t3")
    f.la("s7", "COPY_FOURS")
    f.mv("t6", "t0")
    f.beq("t0", "zero", "STRAIGHT")
    f.la("s7", "COPY_BYTES")
    f.la("s8", "FILL_BYTES")
    f.get("a5", "line")
    f.label("STRAIGHT")


def _copy(f: Function) -> None:
    f.mv("t0", "s11")
    f.jalr("t5", "s7", 0)


def _outside(f: Function, label: str, back: str) -> None:
    f.label(label)
    f.jalr("t5", "s8", 0)
    f.goto(back)


def _next_row(f: Function, again: str) -> None:
    """The next kernel row, or to GATHERED."""
    f.add("s9", "s9", "a2")
    f.add("s11", "s11", "a7")
    f.addi("s10", "s10", -1)
    f.bne("s10", "zero", again)
    f.goto("GATHERED")


def _whole_rows(f: Function) -> None:
    f.bne("t3", "zero", "PIXELS_ROW")
    f.label("WHOLE_ROW")
    f.mv("t1", "a1")
    f.bgeu("s9", "a6", "WHOLE_OUTSIDE")
    _copy(f)
    f.label("WHOLE_NEXT")
    _next_row(f, "WHOLE_ROW")
    _outside(f, "WHOLE_OUTSIDE", "WHOLE_NEXT")


def _pixels(f: Function) -> None:
    f.title("Pixel by pixel.")
    f.label("PIXELS_ROW")
    f.mv("t1", "a1")
    f.bgeu("s9", "a6", "ROW_OUTSIDE")
    f.word("a3", "kernel_w", "s0")
    f.label("KERNEL_PIXEL")
    f.mv("t1", "s5")
    f.bgeu("a0", "s6", "OUTSIDE")
    _copy(f)
    f.label("PIXEL_DONE")
    f.add("a0", "a0", "a4")
    f.add("s11", "s11", "ra")
    f.addi("a3", "a3", -1)
    f.bne("a3", "zero", "KERNEL_PIXEL")
    f.word("a3", "kernel_w", "s0", note="back to the row's first pixel")
    for at, step in (("a0", "a4"), ("s11", "ra")):
        f.mul("t0", "a3", step)
        f.sub(at, at, "t0")
    f.label("PIXELS_NEXT")
    _next_row(f, "PIXELS_ROW")
    _outside(f, "OUTSIDE", "PIXEL_DONE")
    _outside(f, "ROW_OUTSIDE", "PIXELS_NEXT")
    f.label("GATHERED")


def _spread(f: Function) -> None:
    f.beq("t6", "zero", "SPREAD_DONE")
    f.title("The line to the column.")
    f.get(t0="line", t1="k4")
    f.add("t1", "t1", "t0")
    f.mv("t3", "s4")
    f.label("SPREAD")
    f.lw("t2", 0, "t0")
    f.addi("t0", "t0", 4)
    f.sw("t2", 0, "t3")
    f.addi("t3", "t3", APART)
    f.bne("t0", "t1", "SPREAD")
    f.label("SPREAD_DONE")


def copies(f: Function) -> None:
    """Subroutines: t1 bytes from t0, or of padding, to a5; t5 return."""
    f.title("x to a column: t1 bytes from t0 to a5, words 12 bytes apart there; t5 return.")
    f.label("COPY_WORDS")
    f.li("t4", 16)
    f.blt("t1", "t4", "COPY_REST")
    f.label("COPY16")
    f.lw("t2", 0, "t0")
    f.lw("t3", 4, "t0")
    f.addi("t1", "t1", -16)
    f.sw("t2", 0, "a5")
    f.sw("t3", APART, "a5")
    f.lw("t2", 8, "t0")
    f.lw("t3", 12, "t0")
    f.addi("t0", "t0", 16)
    f.sw("t2", 2 * APART, "a5")
    f.sw("t3", 3 * APART, "a5")
    f.addi("a5", "a5", 4 * APART)
    f.bge("t1", "t4", "COPY16")
    f.label("COPY_REST")
    f.beq("t1", "zero", "COPIED")
    _one_by_one(f, "COPY4", 4, APART)
    f.label("COPIED")
    _return(f)
    _fill(f, "FILL_WORDS", "FILL4", 4, APART)
    f.title("The same from anywhere, t1 a multiple of 4.")
    f.label("COPY_FOURS")
    f.lbu("t2", 0, "t0")
    f.lbu("t3", 1, "t0")
    f.lbu("t4", 2, "t0")
    f.sb("t2", 0, "a5")
    f.lbu("t2", 3, "t0")
    f.sb("t3", 1, "a5")
    f.sb("t4", 2, "a5")
    f.addi("t0", "t0", 4)
    f.sb("t2", 3, "a5")
    f.addi("t1", "t1", -4)
    f.addi("a5", "a5", APART)
    f.bne("t1", "zero", "COPY_FOURS")
    _return(f)
    f.title("The same to the line, byte by byte.")
    f.label("COPY_BYTES")
    f.li("t4", 4)
    f.blt("t1", "t4", "BYTES_REST")
    f.label("BYTES4")
    f.lbu("t2", 0, "t0")
    f.lbu("t3", 1, "t0")
    f.addi("t1", "t1", -4)
    f.sb("t2", 0, "a5")
    f.sb("t3", 1, "a5")
    f.lbu("t2", 2, "t0")
    f.lbu("t3", 3, "t0")
    f.addi("t0", "t0", 4)
    f.sb("t2", 2, "a5")
    f.sb("t3", 3, "a5")
    f.addi("a5", "a5", 4)
    f.bge("t1", "t4", "BYTES4")
    f.label("BYTES_REST")
    f.beq("t1", "zero", "COPIED")
    _one_by_one(f, "BYTE", 1, 1)
    _return(f)
    _fill(f, "FILL_BYTES", "FILL1", 1, 1)


def _return(f: Function) -> None:
    f.jalr("zero", "t5", 0)


def _one_by_one(f: Function, label: str, size: int, apart: int) -> None:
    """Words or bytes; t1 a multiple of the size, not 0."""
    load, store = (f.lw, f.sw) if size == 4 else (f.lbu, f.sb)
    f.label(label)
    load("t2", 0, "t0")
    f.addi("t0", "t0", size)
    f.addi("t1", "t1", -size)
    store("t2", 0, "a5")
    f.addi("a5", "a5", apart)
    f.bne("t1", "zero", label)


def _fill(f: Function, name: str, label: str, size: int, apart: int) -> None:
    f.label(name)
    f.get("t2", "zero")
    f.label(label)
    (f.sw if size == 4 else f.sb)("t2", 0, "a5")
    f.addi("t1", "t1", -size)
    f.addi("a5", "a5", apart)
    f.bne("t1", "zero", label)
    _return(f)
