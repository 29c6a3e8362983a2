"""depthwise_conv_2d of any window: a product at a time, which needs no form of the weights."""

from __future__ import annotations

from ...record import DEPTHWISE
from ..fields import words
from .macros import counted, put, spread, state_array
from .requantize import CHANNEL, clamp, halves, high_mul, round_shift
from .writer import Function, device_file, driver, kernel

HEAD = "Depthwise convolutions of any window in Thumb, for records with no packed variant: ref.depthwise_conv_2d."
STATE = words(
    "r0", ("x", "first input"), ("weights", "first weight"), ("x_tap", "from tap to tap"),
    ("row_taps", "taps of a row, bytes"), ("x_row", "from row to row"), ("w_row", "of weights"), "rows", "out_c",
    "depth_multiplier", "x_zero_point", ("channels", "channel table"), "y", "clamp_min", "clamp_max", "y_zero_point",
)  # fmt: skip
FRAME = words("sp", "x", "weights", "of_this_x", "channels", "y", "state")


@kernel("r0", "r1 r2 r3 r4", FRAME)
def pixel(f: Function) -> None:
    """
    The outputs of a pixel, channel by channel: eq. (2), (3); reference: ref.depthwise_conv_2d.
    In   r0 *state, of the part of the window that lies inside
    Uses r0 inputs | r1 weights | r2, r3 tap | r4, r5 x, w, temporary | r6 accumulator | r7 x_zero_point
         r8 from tap to tap | r9 out_c | r10 end of a row's taps | r11 rows left | r12 channel
         requantize: r1, r3 halves of the multiplier | r0, r2, r4-r7 temporary
    Stack 40: first input, first weight, outputs left of the input channel, channels left, y, state
    Bounds modulo 2^32.
    Cost 13 cycles a product, 17 a row of the window, 105 an output (counted).
    """
    f.str("r0", FRAME.state)
    spread(f, "r1", STATE, x=FRAME.x, weights=FRAME.weights, depth_multiplier=FRAME.of_this_x, out_c=FRAME.channels)
    f.mov("r9", "r1")
    spread(f, "r1", STATE, y=FRAME.y, x_tap="r8", row_taps="r10", channels="r12")
    f.label("CHANNEL")
    state = STATE.at("r4")
    f.ldr(r4=FRAME.state, r7=state.x_zero_point)
    f.fetch("r11", state.rows, "r1")
    f.mov("r5", "r12")
    f.ldr(r6=CHANNEL.first, r0=FRAME.x, note="acc Q0 = the bias")
    f.beq("r1", 0, "REQUANTIZE")
    f.ldr("r1", FRAME.weights)
    with counted(f, "ROW", "r11", "r5"):
        f.mov(r2=0, r3=0)
        with f.loop("TAP", until=("r2", "r10"), note="13 cycles a product"):
            f.ldrsb("r4", "r0", "r2").sub("r4", "r7", note="x - x_zero_point Q0")
            f.ldrb("r5", "r1", "r3").sub("r5", 128, note="w Q0, of w + 128")
            f.mul("r4", "r5")
            f.add(r6="r4", r3="r9", r2="r8", note="acc += x * w")
        f.ldr("r4", FRAME.state)
        f.add("r0", state.x_row, via="r5")
        f.add("r1", state.w_row, via="r5")
    f.label("REQUANTIZE", note="eq. (2), (3), modulo 2^32").mov("r5", "r12")
    f.ldrb("r2", CHANNEL.left_shift).lsl("r6", "r2", note="acc << left_shift")
    f.ldrb("r7", CHANNEL.right_shift)
    f.ldrh(r1=CHANNEL.multiplier_low, r3=CHANNEL.multiplier_high)
    f.add("r5", CHANNEL.size).mov("r12", "r5")
    halves(f, "r6", "r4", "r5")
    high_mul(f)
    round_shift(f, "r4", "r7", "r0")
    state = STATE.at("r5")
    f.ldr("r5", FRAME.state).add("r4", state.y_zero_point, via="r0")
    clamp(f, "r4", state.clamp_min, state.clamp_max, "r0")
    put(f, "r4", FRAME.y, "r2")
    f.step(FRAME.weights, 1, "r0")
    f.ldr("r1", FRAME.of_this_x)
    f.sub("r1", 1).bne("SAME")
    f.step(FRAME.x, 1, "r0")
    f.ldr("r1", state.depth_multiplier)
    f.label("SAME").str("r1", FRAME.of_this_x)
    f.again("CHANNEL", FRAME.channels, "r1")


def file() -> str:
    return device_file(HEAD, [pixel(), driver("window")], state_array(STATE, "pixel"), DEPTHWISE.names, STATE)
