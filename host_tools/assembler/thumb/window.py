"""depthwise_conv_2d of any window: a product at a time, which needs no form of the weights."""

from __future__ import annotations

from .macros import ARRAY, advance, counted, put, spread, state_array
from .records import words as record
from .requantize import CHANNEL, clamp, halves, high_mul, round_shift
from .writer import Function, device_file, driver, words

STATE = words(
    "r0", ("x", "first input"), ("weights", "first weight"), ("x_tap", "from tap to tap"),
    ("row_taps", "taps of a row, bytes"), ("x_row", "from row to row"), ("w_row", "of weights"), "rows", "out_c",
    "depth_multiplier", "x_zero_point", ("channels", "channel table"), "y", "clamp_min", "clamp_max", "y_zero_point",
)  # fmt: skip
FRAME = words("sp", "x", "weights", "of_this_x", "channels", "y", "state")
HEAD = "Depthwise convolutions of any window in Thumb, for records with no form for thumb_depthwise: ref.depthwise_conv_2d."
DOC = """
    The outputs of a pixel, channel by channel: eq. (2), (3); reference: ref.depthwise_conv_2d.
    In   r0 *state, of the part of the window that lies inside
    Uses r0 inputs | r1 weights | r2, r3 tap | r4, r5 x, w, temporary | r6 accumulator | r7 x_zero_point
         r8 from tap to tap | r9 out_c | r10 end of a row's taps | r11 rows left | r12 channel
         requantize: r1, r3 halves of the multiplier | r0, r2, r4-r7 temporary
    Stack 40: first input, first weight, outputs left of the input channel, channels left, y, state
    Bounds modulo 2^32.
    Cost 13 cycles a product, 17 a row of the window, 105 an output (counted).
"""


def pixel() -> Function:
    f = Function("pixel", "r0", DOC)
    state = STATE.at("r4")
    f.enter("r1 r2 r3 r4", FRAME)
    f.str("r0", FRAME.state)
    spread(f, "r1", STATE, x=FRAME.x, weights=FRAME.weights, depth_multiplier=FRAME.of_this_x, out_c=FRAME.channels)
    f.mov("r9", "r1")
    spread(f, "r1", STATE, y=FRAME.y, x_tap="r8", row_taps="r10", channels="r12")
    f.label("CHANNEL")
    f.ldr("r4", FRAME.state)
    f.ldr("r7", state.x_zero_point)
    f.fetch("r11", state.rows, "r1")
    f.mov("r5", "r12")
    f.ldr("r6", CHANNEL.first, note="acc Q0 = the bias")
    f.ldr("r0", FRAME.x)
    f.cmp("r1", 0)
    f.beq("REQUANTIZE")
    f.ldr("r1", FRAME.weights)
    with counted(f, "ROW", "r11", "r5"):
        f.mov("r2", 0)
        f.mov("r3", 0)
        with f.loop("TAP", until=("r2", "r10"), note="13 cycles a product"):
            f.ldrsb("r4", "r0", "r2")
            f.sub("r4", "r7", note="x - x_zero_point Q0")
            f.ldrb("r5", "r1", "r3")
            f.sub("r5", 128, note="w Q0, of w + 128")
            f.mul("r4", "r5")
            f.add("r6", "r4")
            f.add("r3", "r9")
            f.add("r2", "r8")
        f.ldr("r4", FRAME.state)
        advance(f, "r0", state.x_row, "r5")
        advance(f, "r1", state.w_row, "r5")
    _output(f)
    f.ldr("r0", FRAME.weights)
    f.add("r0", 1)
    f.str("r0", FRAME.weights)
    f.ldr("r1", FRAME.of_this_x)
    f.sub("r1", 1)
    f.bne("SAME")
    f.step(FRAME.x, 1, "r0")
    f.ldr("r1", STATE.at("r5").depth_multiplier)
    f.label("SAME")
    f.str("r1", FRAME.of_this_x)
    f.step(FRAME.channels, -1, "r1")
    f.bne("CHANNEL")
    f.leave()
    return f


def _output(f: Function) -> None:
    """y of acc in r6; r5 becomes the state."""
    f.label("REQUANTIZE", note="eq. (2), (3), modulo 2^32")
    f.mov("r5", "r12")
    f.ldrb("r2", CHANNEL.left_shift)
    f.lsl("r6", "r2")
    f.ldrb("r7", CHANNEL.right_shift)
    f.ldrh("r1", CHANNEL.multiplier_low)
    f.ldrh("r3", CHANNEL.multiplier_high)
    f.add("r5", CHANNEL.size)
    f.mov("r12", "r5")
    halves(f, "r6", "r4", "r5")
    high_mul(f)
    round_shift(f, "r4", "r7", "r0")
    state = STATE.at("r5")
    f.ldr("r5", FRAME.state)
    advance(f, "r4", state.y_zero_point, "r0")
    clamp(f, "r4", state.clamp_min, state.clamp_max, "r0")
    put(f, "r4", FRAME.y, "r2")


def file() -> str:
    parts = [state_array("pixel", STATE), pixel(), driver("window")]
    return device_file(HEAD, parts, ARRAY, record("window"), STATE)
