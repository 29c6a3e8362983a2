"""depthwise_conv_2d: eight channels of a padded tile side by side in scratch, then strips down its columns."""

from __future__ import annotations

from ...record import DEPTHWISE
from .depthwise_strips import CHANNEL_BYTES, PITCH, PIXEL, strips
from .isa import POOL
from .requantize import byte_four_times
from .writer import Function, device_file

SLOTS = (
    "record image y constants plane taps batch oy ox tile_h tile_w y_step strip_out from to rows columns channel left"
    " entry weights repeat strip out strips down low high zero reach_h reach_w in plane_step stride"
)
PIXEL_SHIFT, PITCH_SHIFT = PIXEL.bit_length() - 1, PITCH.bit_length() - 1

DOC = """
    y = requantize(bias + sum((x - x_zero_point) * w)): FORMAT.md eq. (2), (3); reference: ref.depthwise_conv_2d.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses 3x3, stride_h 1: ra t0 t1 t2 s0 s1 a0-a2 w * 2^pre | a3-a7 s2-s5 three rows of x, in turn | s6 x | s7 y
         s8 sum | s9 temporary | s10 multiplier | s11 c | t3 shift | t4 first * 2^pre | t5 step of y | t6 end of y
         elsewhere: as each part says
    Stack {frame}
    Numbers x, w Q0 int8; q = sum * 2^pre * multiplier >> 32; y + 128 = (q + 2 (q >> 31) + c) >> shift in 0..255
         (forms 1 and 2, where there are no narrower clamps; form 2 leaves 2 (q >> 31) out: right_shift 0, or a
         minimum at the zero point). Form 0: as rv32.conv. A plane of 16 pixels a row, 128 bytes, eight channels side
         by side, padding in it.
    Cost an output of 3x3: 33.3 instructions (form 1), 30.3 (form 2), 39 (strides); other kernels 7 per product and 6
         per row; 20 per strip, 0.9 to 2.5 per input
"""


def file() -> str:
    return device_file(
        "depthwise_conv_2d in RV32IMC assembler: strips down the columns of a padded tile.",
        depthwise_conv_2d(),
        "kernels = {2: depthwise_conv_2d}",
    )


def depthwise_conv_2d() -> Function:
    f = Function("depthwise_conv_2d", DOC, DEPTHWISE, SLOTS)
    f.enter()
    _setup(f)
    _tiles(f)
    _pack(f)
    _channels(f)
    strips(f)
    _loops(f)
    f.label("DONE")
    f.leave()
    return f


def _setup(f: Function) -> None:
    f.title("Addresses and sizes.")
    f.keep(("x_offset", "image"), ("y_offset", "y"), ("scratch_offset", "plane"), constants=True)
    for axis in "hw":
        f.word("t1", f"kernel_{axis}")
        f.word("t2", f"dilation_{axis}")
        f.addi("t1", "t1", -1)
        f.mul("t1", "t1", "t2")
        f.addi("t1", "t1", 1)
        f.put("t1", f"reach_{axis}")
    f.half("t2", "tile", upper=True, note="after the plane: the weights of a channel, where the kernel is not 3 x 3")
    f.addi("t2", "t2", -1)
    f.by_word("mul", "t2", "t3", "stride_h")
    f.get("t1", "reach_h")
    f.add("t1", "t1", "t2")
    f.slli("t1", "t1", PITCH_SHIFT)
    f.add("t0", "t0", "t1")
    f.put("t0", "taps")
    f.slli("t3", "t3", PITCH_SHIFT)
    f.put("t3", "plane_step")
    f.word("t3", "stride_w")
    f.slli("t3", "t3", PIXEL_SHIFT)
    f.put("t3", "stride")
    f.words_to_slots(("clamp_min", "low"), ("clamp_max", "high"))
    byte_four_times(f, "x_zero_point", "zero")
    f.y_step("y_step")
    f.word("t0", "batches")
    f.goto_unless("bne", "t0", "zero", "DONE", "IMAGES")
    f.put("t0", "batch")
    f.put("zero", "oy")


def _tiles(f: Function) -> None:
    f.title("Tiles. s0 record | t0-t6 temporary")
    f.label("TILE_ROW")
    f.put("zero", "ox")
    f.label("TILE")
    f.get("s0", "record")
    for axis, at in (("h", "oy"), ("w", "ox")):  # of the last one what is left
        f.word("t0", f"out_{axis}", "s0")
        f.get("t1", at)
        f.half("t2", "tile", axis == "h", "s0")
        f.sub("t0", "t0", "t1")
        f.at_most("t2", "t0", f"TILE_{axis.upper()}")
        f.put("t2", f"tile_{axis}")
    _inside(f)
    _addresses(f)


def _inside(f: Function) -> None:
    f.title("s1 s2 first row and column of x | s3 s4 rows and columns of the plane | s5-s8 those inside x: from, to")
    for axis, at, start, extent, low, high in (
        ("h", "oy", "s1", "s3", "s5", "s6"),
        ("w", "ox", "s2", "s4", "s7", "s8"),
    ):
        f.get("t0", at)
        f.word("t1", f"stride_{axis}", "s0")
        f.word("t2", "pad_top" if axis == "h" else "pad_left", "s0")
        f.mul("t0", "t0", "t1")
        f.sub(start, "t0", "t2")
        f.get("t0", f"tile_{axis}")
        f.addi("t0", "t0", -1)
        f.mul("t0", "t0", "t1")
        f.get("t1", f"reach_{axis}")
        f.add(extent, "t0", "t1")
        f.sub(low, "zero", start)
        _not_negative(f, low, f"LOW_{axis.upper()}")
        f.word("t0", f"in_{axis}", "s0")
        f.sub(high, "t0", start)
        f.at_most(high, extent, f"HIGH_{axis.upper()}")
    f.sub("t0", "s6", "s5")
    _not_negative(f, "t0", "ROWS_IN")
    f.sub("t1", "s8", "s7")
    _not_negative(f, "t1", "COLUMNS_IN")
    f.bne("t1", "zero", "SOME")
    f.li("t0", 0)
    f.label("SOME")
    f.put("t0", "rows")
    f.slli("t1", "t1", PIXEL_SHIFT)
    f.put("t1", "columns")


def _not_negative(f: Function, register: str, label: str) -> None:
    f.bge(register, "zero", label)
    f.li(register, 0)
    f.label(label)


def _addresses(f: Function) -> None:
    """Of a tile: where its inputs are and go, the plane full of padding, its first output, its channels' constants."""
    f.add("t0", "s1", "s5", note="from the image, ((iy + row) * in_w + ix + column) * in_c")
    f.by_word("mul", "t0", "t1", "in_w", base="s0")
    f.add("t0", "t0", "s2")
    f.add("t0", "t0", "s7")
    f.by_word("mul", "t0", "t1", "in_c", base="s0")
    f.by_slot("add", "t0", "t1", "image")
    f.put("t0", "from")
    f.get("t2", "plane")
    f.slli("t0", "s5", PITCH_SHIFT)
    f.add("t0", "t0", "t2")
    f.slli("t1", "s7", PIXEL_SHIFT)
    f.add("t0", "t0", "t1")
    f.put("t0", "to")
    f.slli("s3", "s3", PITCH_SHIFT, note="padding everywhere, once per tile")
    f.add("s3", "s3", "t2")
    f.get("t0", "zero")
    f.label("FILL")
    for i in range(8):
        f.sw("t0", 4 * i, "t2")
    f.addi("t2", "t2", 32)
    f.bne("t2", "s3", "FILL")
    f.get("t0", "oy", note="y of the tile's first pixel")
    f.by_word("mul", "t0", "t1", "out_w", base="s0")
    f.by_slot("add", "t0", "t2", "ox")
    f.by_slot("mul", "t0", "t2", "y_step")
    f.by_slot("add", "t0", "t3", "y")
    f.put("t0", "out")
    f.mul("t1", "t1", "t2")
    f.put("t1", "down")
    for name, slot in (("packed_offset", "entry"), ("weights_offset", "weights")):
        f.word("t0", name, "s0")
        if slot == "entry":
            f.get("t1", "constants")
        f.add("t0", "t0", "t1")
        f.put("t0", slot)
    f.word("t0", "out_c", "s0", note="channels of x: out_c / depth_multiplier, of a piece fewer than in_c")
    f.word("t1", "depth_multiplier", "s0")
    f.divu("t0", "t0", "t1")
    f.put("t0", "left")


def _pack(f: Function) -> None:
    f.title("Eight channels of x into the plane.")
    f.title(
        "s1 from | s2 to | s3 rows left | s4 bytes of a plane row | s5 end of it | s6 in_c | s7 in_w * in_c"
        " | s8 channels | a0 from | a1 to | t0-t6 a2 a3 temporary"
    )
    f.label("CHUNK")
    f.get(s0="record", s8="left")
    f.li("t0", 8)
    f.at_most("s8", "t0", "CHANNELS_LEFT")
    f.put("s8", "channel")
    f.get(s1="from", s2="to", s3="rows", s4="columns")
    f.word(s6="in_c", s7="in_w", base="s0")
    f.mul("s7", "s7", "s6")
    f.goto_unless("bne", "s3", "zero", "PACKED", "PACK_ROW")
    f.mv("a0", "s1")
    f.mv("a1", "s2")
    f.add("s5", "s2", "s4")
    f.bne("s8", "t0", "PACK_SOME")
    f.or_("t1", "s6", "s1")
    f.andi("t1", "t1", 3)
    f.bne("t1", "zero", "PACK8")

    def next_pixel(again: str) -> None:
        f.addi("a1", "a1", PIXEL)
        f.bne("a1", "s5", again)

    f.label("PACK_WORDS")
    f.lw("t1", 0, "a0")
    f.lw("t2", 4, "a0")
    f.add("a0", "a0", "s6")
    f.sw("t1", 0, "a1")
    f.sw("t2", 4, "a1")
    next_pixel("PACK_WORDS")
    f.label("PACK_NEXT")
    f.add("s1", "s1", "s7")
    f.addi("s2", "s2", PITCH)
    f.addi("s3", "s3", -1)
    f.bne("s3", "zero", "PACK_ROW")
    f.goto("PACKED")
    f.label("PACK8")
    for i in range(0, 8, 2):
        f.lbu("t1", i, "a0")
        f.lbu("t2", i + 1, "a0")
        f.sb("t1", i, "a1")
        f.sb("t2", i + 1, "a1")
    f.add("a0", "a0", "s6")
    next_pixel("PACK8")
    f.goto("PACK_NEXT")
    f.label("PACK_SOME")
    f.mv("a2", "a0")
    f.mv("a3", "a1")
    f.add("t3", "a1", "s8")
    f.label("PACK1")
    f.lbu("t1", 0, "a2")
    f.addi("a2", "a2", 1)
    f.sb("t1", 0, "a3")
    f.addi("a3", "a3", 1)
    f.bne("a3", "t3", "PACK1")
    f.add("a0", "a0", "s6")
    next_pixel("PACK_SOME")
    f.goto("PACK_NEXT")
    f.label("PACKED")
    f.bump("from", 8)
    f.get("t0", "plane")
    f.put("t0", "in")


def _channels(f: Function) -> None:
    """An output channel: its constants and weights in registers, then to the strips of its form."""
    weight, value = POOL[:9], POOL[9:18]
    ip, op, q, t, multiplier, c, shift, first, step, end = POOL[18:28]
    one = value[2]
    f.label("INPUT_CHANNEL")
    f.get("t0", "record")
    f.word("t0", "depth_multiplier", "t0")
    f.put("t0", "repeat")
    f.label("OUTPUT_CHANNEL")
    f.get(t, "tile_w", note="strips of this channel")
    f.put(t, "strips")
    f.get(t, "in")
    f.put(t, "strip")
    f.get(t, "out")
    f.put(t, "strip_out")
    f.get(ip, "record")
    f.get(q, "entry")
    f.lw(multiplier, 4, q)
    f.lw(c, 8, q)
    f.lbu(shift, 13, q)
    f.lbu(t, 12, q, note="pre")
    f.lw(first, 0, q)
    f.sll(first, first, t)
    f.word(step, "out_c", ip)
    f.get(op, "weights")
    f.title("Nine weights, or kernel_h * kernel_w words after the plane.")
    f.word(end, "kernel_h", ip)
    f.word(value[0], "kernel_w", ip)
    f.mul(value[1], end, value[0])
    f.li(value[2], 3)
    f.bne(end, value[2], "WEIGHTS_ANY")
    f.bne(value[0], value[2], "WEIGHTS_ANY")
    f.word(value[0], "dilation_h", ip)
    f.word(value[2], "dilation_w", ip)
    f.mul(value[0], value[0], value[2])
    f.li(one, 1)
    f.bne(value[0], one, "WEIGHTS_ANY")
    for w in weight:
        _weight(f, w, op, step, t)
    f.lbu(t, 15, q, note="form 0, or a stride: the strided strips")
    f.beq(t, "zero", "STRIDED")
    f.word(value[0], "stride_h", ip)
    f.bne(value[0], one, "STRIDED")
    f.get(step, "down")
    f.goto_unless("bne", t, one, "SIGNED_STRIP", "PLAIN")
    f.goto("PLAIN_STRIP")
    f.label("STRIDED")
    f.goto("STRIDED_CHANNEL")
    f.label("WEIGHTS_ANY")
    f.get(value[2], "taps")
    f.label("WEIGHT")
    _weight(f, value[0], op, step, t)
    f.sw(value[0], 0, value[2])
    f.addi(value[2], value[2], 4)
    f.addi(value[1], value[1], -1)
    f.bne(value[1], "zero", "WEIGHT")
    f.goto("ANY_CHANNEL")


def _weight(f: Function, to: str, at: str, step: str, pre: str) -> None:
    """to = the weight, int8 * 2^pre, of its byte w + 128."""
    f.lbu(to, 0, at)
    f.add(at, at, step)
    f.addi(to, to, -128)
    f.sll(to, to, pre)


def _loops(f: Function) -> None:
    f.title("The next channel of y, of x, the next eight; the next tile, the next image.")
    f.label("CHANNEL_DONE")
    f.bump("out", 1)
    f.bump("weights", 1)
    f.bump("entry", CHANNEL_BYTES)
    f.count_down("repeat", "OUTPUT_CHANNEL", "OUTPUT_CHANNEL_DONE")
    f.bump("in", 1)
    f.count_down("channel", "INPUT_CHANNEL", "INPUT_CHANNEL_DONE")
    f.bump("left", -8)
    f.goto_unless("bge", "zero", "t0", "CHUNK", "CHUNKS_DONE")
    f.get("t2", "record")
    for at, axis, again in (("ox", "w", "TILE"), ("oy", "h", "TILE_ROW")):
        f.get("t0", at)
        f.half("t1", "tile", axis == "h", "t2")
        f.add("t0", "t0", "t1")
        f.put("t0", at)
        f.word("t1", f"out_{axis}", "t2")
        f.goto_unless("bge", "t0", "t1", again, f"{again}S_DONE")
    f.get("t3", "y_step")
    f.word("t4", "in_c", "t2")
    for slot, size, pixel in (("image", ("in_h", "in_w"), "t4"), ("y", ("out_h", "out_w"), "t3")):
        f.word("t0", size[0], "t2")
        f.by_word("mul", "t0", "t1", size[1], base="t2")
        f.mul("t0", "t0", pixel)
        f.by_slot("add", "t0", "t1", slot)
        f.put("t0", slot)
    f.get("t0", "batch")
    f.addi("t0", "t0", -1)
    f.beq("t0", "zero", "DONE")
    f.goto("IMAGES")
