"""max_pool_2d, average_pool_2d and mean: the windows of a row of outputs, input by input."""

from __future__ import annotations

from ...record import POOL, REDUCTION
from ..fields import Fields, words
from .macros import put, state_array
from .requantize import clamp, halves, high_mul, round_shift
from .writer import Function, device_file, driver, kernel

HEAD = """
Pools and mean in Thumb: any window, strides and paddings. See ref/pool.py, reduce.py.

Averages are divided by multiplying: for v = |sum| + floor(n / 2) < 2^24 and m = floor(2^24 / n), floor(v * m / 2^24) is
floor(v / n) or one less, which one comparison repairs; v * m < 2^32, since v <= 128.5 * n.
"""
STATE = words(
    "r0", ("x", "first input"), ("x_step", "from one output's first input to the next's"), ("outputs", "in the row"),
    ("c", "from tap to tap, also the channels"), ("row_taps", "taps of a row, bytes"), ("x_row", "from row to row"),
    "rows", ("y", "where y goes"), ("n", "taps; 0: requantize; -1: maximum"), ("reciprocal", "m = floor(2^24 / n)"),
    "clamp_min", "clamp_max", ("first", "where sums start"), "multiplier", "left_shift", "right_shift", "y_zero_point",
)  # fmt: skip
FRAME = words("sp", *STATE.names()[1:13])
# What a mean needs besides: r12 is at the multiplier.
MULTIPLIER = Fields("r4", {"low": 0, "high": 2, "left_shift": 4, "right_shift": 8, "y_zero_point": 12}, 16)


@kernel("r0", "r1 r2 r3 r4", FRAME)
def pool(f: Function) -> None:
    """
    Outputs of one row whose windows reach equally far: eq. (4); mean: eq. (2), (3). Reference: as above.
    In   r0 *state
    Uses r0 inputs | r1 end of a row's taps | r2 tap, temporary | r3 tap to tap | r4 input, sign, temporary
         r5 sum or maximum | r6 rows left, temporary | r7 row to row | r8 first input | r9 last channel | r10 y
         r11 rows | r12 multiplier and what follows it | lr channel
    Stack 64: state from word 1 to 12
    Bounds |sum| <= 128 * n, n < 2^16; mean modulo 2^32.
    Cost 7 cycles an input, maxima 8; 9 a row of taps, 45 an output, mean 75 (counted).
    """
    f.mov("r1", "sp")
    f.add("r0", STATE.offset("x_step"))
    for _ in range(FRAME.size // 24):
        f.ldm("r0", "r2 r3 r4 r5 r6 r7").stm("r1", "r2 r3 r4 r5 r6 r7")
    f.mov("r1", "r0").sub("r1", STATE.offset("multiplier"))
    f.fetch("r8", STATE.at("r1").x, "r1")
    f.mov("r12", "r0")
    _steps(f)
    f.fetch("r2", r10=FRAME.y, r11=FRAME.rows)
    f.label("PIXEL").mov("r2", "r8").mov("lr", "r2")
    f.add("r2", "r3").mov("r9", "r2")
    f.b("CHANNEL")
    with f.loop("TAP", until=("r2", "r1"), note="7 cycles an input"):
        f.ldrsb("r4", "r0", "r2")
        f.add(r5="r4", r2="r3", note="sum Q0")
    _next_row(f, "ROW")
    f.ldr("r6", FRAME.n).beq("r6", 0, "REQUANTIZE")
    _average(f)
    f.label("PUT")
    clamp(f, "r5", FRAME.clamp_min, FRAME.clamp_max, "r2")
    put(f, "r5", "r10", "r2")
    f.step("lr", 1, "r2")
    f.beq("r2", "r9", "NEXT")
    f.label("CHANNEL").mov(r0="lr", r6="r11")
    f.ldr("r5", FRAME.n).blt("r5", 0, "MAX")
    f.ldr("r5", FRAME.first)
    f.label("ROW").mov("r2", 0).b("TAP")
    f.label("MAX").mov("r5", 128).neg("r5", "r5", note="the least int8")
    f.label("MAX_ROW").mov("r2", 0)
    with f.loop("MAX_TAP", until=("r2", "r1"), note="8 cycles an input"):
        f.ldrsb("r4", "r0", "r2")
        f.ble("r4", "r5", "LESS").mov("r5", "r4")
        f.label("LESS").add("r2", "r3")
    _next_row(f, "MAX_ROW")
    f.b("PUT")
    f.label("NEXT").add("r8", FRAME.x_step, via="r2")
    f.again("PIXEL", FRAME.outputs, "r2")
    f.b("END")
    _requantize(f)
    f.label("END")


def _steps(f: Function) -> None:
    f.ldr(r3=FRAME.c, r1=FRAME.row_taps, r7=FRAME.x_row)


def _next_row(f: Function, row: str) -> None:
    f.add("r0", "r7").sub("r6", 1).bne(row)


def _average(f: Function) -> None:
    """r5 = sum / n, half away from zero: the sign in r4, v = |sum| + n / 2, v * m as above."""
    f.asr("r4", "r5", 31, note="-1 where sum < 0").eor("r5", "r4").sub("r5", "r4")
    f.lsr("r0", "r6", 1).add("r5", "r0", note="v < 2^24")
    f.ldr("r2", FRAME.reciprocal, note="m Q24").mul("r2", "r5", note="< 2^32")
    f.lsr("r2", "r2", 24, note="v / n, or one less")
    f.mov("r0", "r2").mul("r0", "r6").sub("r5", "r0", note="what is left")
    f.bcc("r5", "r6", "WHOLE").add("r2", 1)
    f.label("WHOLE").eor("r2", "r4").sub("r5", "r2", "r4")


def _requantize(f: Function) -> None:
    """y of the mean's acc in r5; the steps again in their registers."""
    f.label("REQUANTIZE", note="eq. (2), (3), modulo 2^32").mov("r4", "r12")
    f.ldrh(r1=MULTIPLIER.low, r3=MULTIPLIER.high)
    f.ldr(r6=MULTIPLIER.left_shift, r7=MULTIPLIER.right_shift)
    f.lsl("r5", "r6", note="acc << left_shift")
    halves(f, "r5", "r4", "r5")
    high_mul(f, to="r5")
    round_shift(f, "r5", "r7", "r0", whole="SHIFTED")
    f.mov("r4", "r12")
    f.add("r5", MULTIPLIER.y_zero_point, via="r0")
    _steps(f)
    f.b("PUT")


def file() -> str:
    names = {**POOL.names, **REDUCTION.names}
    return device_file(HEAD, [pool(), driver("pool")], state_array(STATE, "pool"), names, STATE)
