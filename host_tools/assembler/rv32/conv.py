"""conv_2d: any kernel, stride, dilation, padding and number of channels, as a product of windows of four.

Here its outline: sizes, tiles of pixels, blocks of channels. conv_columns.py has x as columns, conv_products.py the
sums.
"""

from __future__ import annotations

from ...record import CONV
from .conv_columns import columns, copies
from .conv_products import ENTRY_BYTES, GROUP_BYTES, STREAM_HEAD, expand, products, requantize_all
from .requantize import byte_four_times
from .writer import Function, device_file

PIXELS = 3  # at a time
SLOTS = (
    "record image y constants columns stream line tile at pixels group0 block_left block groups k4 group_bytes"
    " column_bytes y_step low high in_tile out stream_at group left column end over_end expand zero step groups_left"
    " y_pitch"
)

DOC = """
    y = requantize(bias + sum((x - x_zero_point) * w)): FORMAT.md eq. (2), (3); reference: ref.conv_2d.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses products: ra t0 t1 t2 s0 s1 a0-a5 X, Y of two pairs of channels, three pixels | a6 a7 s2-s7 four lane words of
         each pair | s8 s9 x | s10 s11 t3 temporaries | t4 stream | t5 column | t6 C
         elsewhere: as each part says
    Stack {frame}
    Numbers x, w Q0 int8; lane word w0 + w1 * 2^16; T = sum of 4 products + C, C = 0x7F00 - 2^24: low lane + 0x7F00 in
         [0, 2^16), high lane - 256 in [-2^15, 2^15) for the windows of the first list (packed table: the host proves
         it); those of the second run as two of 2, which always fit. X += T; Y += T >> 16; low sum = X - (Y << 16).
         requantize: q = (acc << pre) * multiplier >> 32, Q0 with e + 1 more bits;
         y = (q + (q >> 31 & fix) + c) >> shift
    Cost 1.87 instructions per product, 2.25 in the second list; 11 per requantized output; a line's number: cycles if
         loads take 1 and 1 more where the next line needs them, taken branches 2 (counted, not measured)
"""


def file() -> str:
    return device_file(
        "conv_2d in RV32IMC assembler: two channels per multiplication.",
        conv_2d(),
        "kernels = {1: conv_2d}",
    )


def conv_2d() -> Function:
    f = Function("conv_2d", DOC, CONV, SLOTS)
    f.enter()
    _sizes(f)
    _outputs(f)
    _tiles(f)
    columns(f)
    _next_three(f, "COLUMNS3", "COLUMNS_DONE")
    f.label("COLUMNS_DONE")
    _blocks(f)
    expand(f)
    _advance_group(f, "a0", "a2")
    _expanded(f)
    products(f)
    requantize_all(f)
    _loops(f)
    copies(f)
    f.label("DONE")
    f.leave()
    return f


def _sizes(f: Function) -> None:
    f.title("Addresses and sizes.")
    f.keep(("x_offset", "image"), ("y_offset", "y"), ("scratch_offset", "columns"), constants=True)
    f.word("t1", "in_c", note="products per channel, to a multiple of 4")
    f.by_word("mul", "t1", "t2", "kernel_h", "kernel_w")
    f.addi("t1", "t1", 3)
    f.srli("t2", "t1", 2)
    f.slli("t1", "t2", 2)
    f.put("t1", "k4")
    f.addi("t3", "t2", 31, note=f"a group record: {GROUP_BYTES} bytes and a bit per window")
    f.srli("t3", "t3", 5)
    f.slli("t3", "t3", 2)
    f.addi("t3", "t3", GROUP_BYTES)
    f.put("t3", "group_bytes")
    f.slli("t3", "t1", 1, note="three pixels' columns")
    f.add("t3", "t3", "t1")
    f.put("t3", "column_bytes")
    f.word("t4", "tile")
    f.addi("t5", "t4", PIXELS - 1, note="columns of a tile: ceil(tile / 3) times that")
    f.li("t6", PIXELS)
    f.divu("t5", "t5", "t6")
    f.mul("t5", "t5", "t3")
    f.add("t0", "t0", "t5")
    f.put("t0", "stream")
    f.word("t5", "variant_form", note="groups per block")
    f.put("t5", "block")
    f.addi("t2", "t2", 1, note="a group's stream: 8 bytes, 36 per window and one more")
    f.li("t6", ENTRY_BYTES)
    f.mul("t2", "t2", "t6")
    f.addi("t2", "t2", STREAM_HEAD)
    f.mul("t2", "t2", "t5")
    f.add("t0", "t0", "t2")
    f.put("t0", "line")


def _outputs(f: Function) -> None:
    """Where outputs lie, how many there are and what clamps them; t4: the record's tile."""
    f.word("t0", "out_c")
    f.word("t1", "y_step", note="y_step, or out_c: from one pixel of y to the next")
    f.bne("t1", "zero", "A_PIECE")
    f.mv("t1", "t0")
    f.label("A_PIECE")
    f.put("t1", "y_step")
    f.put("t1", "y_pitch")
    f.addi("t1", "t0", 3)
    f.srli("t1", "t1", 2)
    f.put("t1", "groups")
    f.word("t0", "batches", note="pixels of y")
    f.by_word("mul", "t0", "t1", "out_h", "out_w")
    f.beq("t0", "zero", "NOTHING")
    f.put("t0", "pixels")
    f.words_to_slots(("clamp_min", "low"), ("clamp_max", "high"))
    byte_four_times(f, "x_zero_point", "zero")
    f.put("zero", "at")
    f.li("t0", 1, note="a tile of one pixel: three times the same pixel, y's step is 0")
    f.put("t0", "expand")
    f.bne("t4", "t0", "SEVERAL")
    f.put("zero", "y_step")
    f.li("t0", 0)
    f.label("SEVERAL")
    f.put("t0", "step")
    f.goto("TILES")
    f.label("NOTHING")
    f.goto("DONE")


def _tiles(f: Function) -> None:
    f.title("Tiles of consecutive pixels; of the last one what is left, but three at least.")
    f.label("TILES")
    f.get(t0="at", t1="pixels", t2="record")
    f.word("t2", "tile", "t2")
    f.sub("t3", "t1", "t0")
    f.bge("t3", "t2", "TILE_FULL")
    f.li("t2", PIXELS)
    f.bge("t3", "t2", "TILE_LEFT")
    f.addi("t0", "t1", -PIXELS)
    f.put("t0", "at")
    f.mv("t3", "t2")
    f.label("TILE_LEFT")
    f.mv("t2", "t3")
    f.label("TILE_FULL")
    f.put("t2", "tile")
    f.put("zero", "in_tile")
    _first_column(f)
    f.get("t0", "record", note="a later piece of an op that one tile covers finds its columns there")
    f.word("t0", "piece_count", "t0")
    f.beq("t0", "zero", "COLUMNS3")
    f.get(t0="tile", t1="pixels")
    f.bne("t0", "t1", "COLUMNS3")
    f.goto("COLUMNS_DONE")


def _first_column(f: Function) -> None:
    f.get("t0", "columns")
    f.put("t0", "column")


def _next_three(f: Function, again: str, done: str) -> None:
    """The next three pixels of the tile, to `again`; the last three overlap those before."""
    f.get(t0="column", t1="column_bytes")
    f.add("t0", "t0", "t1")
    f.put("t0", "column")
    f.get(t0="in_tile", t1="tile")
    f.addi("t0", "t0", PIXELS)
    f.bge("t0", "t1", done)
    f.addi("t2", "t1", -PIXELS)
    f.bge("t2", "t0", f"{again}_FULL")
    f.mv("t0", "t2")
    f.label(f"{again}_FULL")
    f.put("t0", "in_tile")
    f.goto(again)


def _blocks(f: Function) -> None:
    f.title("Blocks of groups of four channels, their weights as lane words in the stream.")
    f.get(t0="constants", t1="record")
    f.by_word("add", "t0", "t1", "packed_offset", base="t1")
    f.put("t0", "group0")
    f.get("t0", "groups")
    f.put("t0", "block_left")
    f.label("BLOCK_START")
    f.get(t0="block", t1="block_left")
    f.at_most("t0", "t1", "BLOCK_FULL")
    f.put("t0", "left")
    f.get("t1", "expand")
    f.bne("t1", "zero", "EXPAND_BLOCK")
    f.goto("EXPANDED")


def _expanded(f: Function) -> None:
    """The next group of the block; a1: how many are left."""
    f.addi("a1", "a1", -1)
    f.goto_unless("beq", "a1", "zero", "EXPAND_GROUP", "EXPANDED_NOW")
    f.get(t0="block", t1="groups", note="all groups fit one block: once is enough")
    f.slt("t0", "t0", "t1")
    f.put("t0", "expand")
    f.label("EXPANDED")
    f.put("zero", "in_tile")
    _first_column(f)


def _advance_group(f: Function, group: str, stream: str) -> None:
    """Both pointers to the next group; t0, t1 are lost."""
    f.by_slot("add", group, "t0", "group_bytes")
    f.get("t0", "k4")
    f.srli("t0", "t0", 2)
    f.addi("t0", "t0", 1)
    f.li("t1", ENTRY_BYTES)
    f.mul("t0", "t0", "t1")
    f.addi("t0", "t0", STREAM_HEAD)
    f.add(stream, stream, "t0")


def _loops(f: Function) -> None:
    pointers = (("a0", "group"), ("a1", "stream_at"))
    for r, slot in pointers:
        f.get(r, slot)
    _advance_group(f, "a0", "a1")
    for r, slot in pointers:
        f.put(r, slot)
    f.count_down("groups_left", "GROUP", "GROUPS_DONE")
    _next_three(f, "PIXELS3", "PIXELS_DONE")
    f.label("PIXELS_DONE")
    f.title("The next block of groups, the next tile.")
    f.put("a0", "group0")
    f.get(t0="block_left", t1="left")
    f.sub("t0", "t0", "t1")
    f.put("t0", "block_left")
    f.goto_unless("beq", "t0", "zero", "BLOCK_START", "TILE_DONE")
    f.get(t0="at", t1="tile")
    f.add("t0", "t0", "t1")
    f.get("t2", "pixels")
    f.bge("t0", "t2", "TILES_DONE")
    f.put("t0", "at")
    f.goto("TILES")
    f.label("TILES_DONE")
    f.goto("DONE")
