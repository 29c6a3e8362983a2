"""fully_connected with weights in pairs: two products a multiplication, for six channels at a time."""

from __future__ import annotations

from ...record import DENSE
from ..fields import words
from .macros import put, spread
from .requantize import CHANNEL, clamp, halves, high_mul, round_shift
from .writer import Function, described, device_file, driver, kernel

STATE = words(
    "r0", ("table", "of {alpha, beta, gamma}"), "inputs", "inputs_end", "table_end",
    ("six_after", "bytes from six channels' weights of this part to the next six's"), "sixes",
    ("pairs_after", "channels after the sixes, in pairs"), ("accumulators", "{X, Y} a pair of channels"),
    ("pairs", "of inputs in all, 0: not the first part; between pieces: whether the next goes backwards"),
    ("channels", "channel table"), "channel_pairs", "weights", ("outputs", "0: not the last part"), "y", "clamp_min",
    "clamp_max", ("entry", "where the unrolled loop is entered"), "y_zero_point",
    ("weights_after", "weights after the sixes"),
)  # fmt: skip
# A slot has two names where its first use ends before the other begins.
FRAME = words("sp", "state", "table_end", "acc", "unused", "table", "mac", "sixes|sum1", "six_after|zero", "y_end")
UNROLLED = 8  # pairs of inputs in the loop
# X and Y of three pairs of channels, and the registers that their words come in.
SUMS, LOADED = (("r8", "r11"), ("r9", "r12"), ("r10", "lr")), ("r1", "r2", "r3", "r4", "r5", "r7")
HEAD = f"""
Fully connected layers in Thumb: any numbers of inputs, outputs and rows. See ref/dense.py for the meaning.

A word T of weights holds bytes u = w + 128 of two channels and two inputs (FORMAT.md, weights in pairs). With
R = rev16(T) and, for inputs a0 and a1, beta = (a1 - 256 * a0) * 65537 and alpha = a0 - 256 * beta,

    alpha * T + beta * R = a0 * u(0, 0) + a1 * u(0, 1) + 2^16 * (a0 * u(1, 0) + a1 * u(1, 1))   (mod 2^32),

since (1 - 2^16) * (1 + 2^16) = 1. gamma = 0x7FFF - 2^16 - 128 * 65537 * (a0 + a1) takes the 128 away and leaves
(L0 + 0x7FFF) + 2^16 * (L1 - 1), L the sums of two products: -32512 <= L <= 32768, so the low half is in 0 to 65535 and
the high one fits 16 bits, whatever the weights. X sums these words, Y their high halves; for n pairs of inputs and
channels that start at f0 and f1, X starts at f0 + (f1 << 16) + 32769 * n and Y at f1 + n, and at the end
sum1 = Y, sum0 = X - (Y << 16).

The driver cuts the inputs into parts, or the channels into groups of sixes, as the scratch has room for. A group, or a
piece of an op that is cut, begins with the part whose table the last one has left, and takes the parts from there.

State, {STATE.size // 4} words at the start of the scratch, byte offsets:
{described(STATE)}
"""


@kernel("r0", "r1 r2 r3 r4", FRAME)
def dense(f: Function) -> None:
    """
    A row of outputs, or what a part of the inputs adds to it: eq. (2), (3); reference: ref.fully_connected.
    In   r0 *state
    Uses table: r1 x | r2 end | r3 128 * 65537 | r4, r5 a0, a1, alpha, beta | r6 temporary | r7 gamma | r12 constant
         lr where to
         products: r0 weights | r1, r5, r7 alpha, beta, gamma | r2, r3 two words | r4 temporary | r6 table
         r8, r9, r10 X | r11, r12, lr Y; r10 end of the table after the sixes
         requantize: r1, r3 halves of the multiplier | r4 accumulator | r0, r2, r5-r7 temporary | r8 accumulators | r9 y
         r10, r11 clamps | r12 channel
    Stack 52: state, end of table, accumulators, unused, table, jump, sixes or sum1, skip or y_zero_point, end of y
    Bounds as above; X, Y modulo 2^32.
    Cost 33 cycles for 12 products, 26 and 17 for 8 and 4 after the sixes; 25 a pair of inputs, 72 an output (counted).
    """
    f.str("r0", FRAME.state)
    f.mov("r3", "pc", note="MAC's address, which PREPARE makes an entry of")
    f.b("PREPARE")
    f.label("MAC", note="33 cycles for 12 products: 2 inputs, 6 channels")
    for _ in range(UNROLLED):
        _products(f, 3)
    f.beq("r6", FRAME.table_end, "SIX_DONE", via="r1").b("MAC")
    _table(f)
    _first_sums(f)
    _sixes(f)
    _after_the_sixes(f)
    _outputs(f)
    f.label("END")


def _products(f: Function, pairs: int) -> None:
    """Two inputs' products with `pairs` pairs of channels, as above."""
    f.ldm("r6", "r1 r5 r7", note="alpha, beta, gamma")
    for i, (x, y) in enumerate(SUMS[:pairs]):
        word = ("r2", "r3")[i % 2]
        if i % 2 == 0:
            f.ldm("r0", "r2 r3" if i + 1 < pairs else "r2", note="T")
        f.rev16("r4", word, note="R")
        f.mul(word, "r1").mul("r4", "r5")
        f.add(word, "r4").add(word, "r7", note="(L0 + 0x7FFF) + 2^16 * (L1 - 1)")
        f.add(x, word).asr(word, word, 16).add(y, word)


def _sums(f: Function, pairs: int, save: bool = False) -> None:
    """X and Y of pairs of channels from the accumulators, or back."""
    sums, loaded = sum(SUMS[:pairs], ()), LOADED[: 2 * pairs]
    f.ldr("r6", FRAME.acc)
    if save:
        f.mov(**dict(zip(loaded, sums, strict=True))).stm("r6", " ".join(loaded))
    else:
        f.ldm("r6", " ".join(loaded)).mov(**dict(zip(sums, loaded, strict=True)))


def _table(f: Function) -> None:
    """{alpha, beta, gamma} of each pair of inputs of this part; where there is an odd number, a1 of the last is 0."""
    f.label("PREPARE", note="25 cycles a pair of inputs").add("r3", STATE.entry, via="r1").str("r3", FRAME.mac)
    f.ldr(r1=STATE.inputs, r2=STATE.inputs_end)
    spread(f, "r6", STATE, table=FRAME.table)
    f.mov("lr", "r6")
    f.mov("r3", 128).lsl("r4", "r3", 16)
    f.lsl("r5", "r3", 8)
    f.add(r3="r4", r5=1, note="128 * 65537")
    f.neg("r5", "r5").mov("r12", "r5", note="0x7FFF - 2^16")
    f.sub("r2", 1)
    f.b("NEXT")
    f.label("PAIR")
    for i, a in enumerate(("r4", "r5")):
        f.mov("r5", i).ldrsb(a, "r1", "r5", note=f"a{i} Q0")
    f.label("TABLE").add("r1", 2)
    f.add("r6", "r4", "r5").mul("r6", "r3")
    f.mov("r7", "r12").sub("r7", "r6", note="gamma")
    f.lsl("r6", "r4", 8).sub("r5", "r6")
    f.lsl("r6", "r5", 16).add("r5", "r6", note="beta")
    f.lsl("r6", "r5", 8).sub("r4", "r6", note="alpha")
    f.mov("r6", "lr").stm("r6", "r4 r5 r7").mov("lr", "r6")
    f.label("NEXT").bcc("r1", "r2", "PAIR").bne("START")
    f.mov("r5", 0).ldrsb("r4", "r1", "r5", note="the last of an odd number")
    f.b("TABLE")


def _first_sums(f: Function) -> None:
    """Before the first part: X = f0 + (f1 << 16) + 32769 * n, Y = f1 + n."""
    f.label("START")
    spread(f, "r6", STATE, table_end=FRAME.table_end, accumulators=FRAME.acc)
    f.ldr("r7", STATE.pairs).beq("r7", 0, "SIXES")
    f.ldr(r1=STATE.channels, r2=STATE.channel_pairs)
    f.mov("r3", 1).lsl("r3", "r3", 15, note="2^15").add("r3", 1).mul("r3", "r7", note="32769 * n")
    with f.loop("FIRST", count="r2", note="15 cycles two channels"):
        f.ldr(r4=("r1", 0), r5=("r1", CHANNEL.size), note="f0, f1")
        f.add(r1=2 * CHANNEL.size, r4="r3")
        f.lsl("r0", "r5", 16).add("r4", "r0")
        f.add("r5", "r7").stm("r6", "r4 r5")
    f.ldr("r0", FRAME.state)


def _sixes(f: Function) -> None:
    """Six channels at a time through MAC, entered where as many rounds are left as the table has pairs, modulo 8."""
    f.label("SIXES")
    spread(f, "r1", STATE, sixes=FRAME.sixes, six_after=FRAME.six_after)
    f.ldr("r0", STATE.weights)
    f.b("NEXT_SIX")
    f.label("SIX")
    _sums(f, 3)
    f.ldr("r6", FRAME.table).mov("pc", FRAME.mac, via="r1", note="into MAC")
    f.label("SIX_DONE")
    _sums(f, 3, save=True)
    f.str("r6", FRAME.acc)
    f.add("r0", FRAME.six_after, via="r1")
    f.label("NEXT_SIX").step(FRAME.sixes, -1, "r1").bpl("SIX")


def _after_the_sixes(f: Function) -> None:
    """The last two or four channels, if any, in a loop of their own."""
    state = STATE.at("r1")
    f.ldr(r1=FRAME.state, r0=state.weights_after, r2=state.pairs_after)
    f.beq("r2", 1, "TWO").bcs("FOUR")
    f.b("DONE")
    for name, pairs, note in (("TWO", 1, "14 cycles for 4 products"), ("FOUR", 2, "23 cycles for 8 products")):
        f.label(name)
        _sums(f, pairs)
        f.fetch("r10", FRAME.table_end, "r6")
        f.ldr("r6", FRAME.table)
        with f.loop(f"{name}_MAC", until=("r6", "r10"), note=note):
            _products(f, pairs)
        _sums(f, pairs, save=True)
        if name == "TWO":
            f.b("DONE")
    f.label("DONE")


def _outputs(f: Function) -> None:
    """After the last part: sum1 = Y, sum0 = X - (Y << 16), requantized."""
    f.ldr(r0=FRAME.state, r2=STATE.outputs).beq("r2", 0, "END")
    spread(f, "r1", STATE, channels="r12", accumulators="r8", y="r9")
    f.add("r1", "r2").str("r1", FRAME.y_end)
    spread(f, "r1", STATE, clamp_min="r10", clamp_max="r11", y_zero_point=FRAME.zero)
    f.label("LOW", note="two channels").mov("r0", "r8").ldm("r0", "r4 r5").mov("r8", "r0")
    f.str("r5", FRAME.sum1)
    f.lsl("r5", "r5", 16).sub("r4", "r5", note="sum0 Q0")
    f.bl("OUTPUT").beq("END")
    f.ldr("r4", FRAME.sum1)
    f.bl("OUTPUT").bne("LOW")
    f.b("END")
    f.label("OUTPUT", note="eq. (2), (3), modulo 2^32").mov("r5", "r12")
    f.ldrb(r6=CHANNEL.left_shift, r7=CHANNEL.right_shift)
    f.ldrh(r1=CHANNEL.multiplier_low, r3=CHANNEL.multiplier_high)
    f.add("r5", CHANNEL.size).mov("r12", "r5")
    f.lsl("r4", "r6", note="acc << left_shift")
    halves(f, "r4", "r4", "r5")
    high_mul(f)
    round_shift(f, "r4", "r7", "r0")
    f.add("r4", FRAME.zero, via="r0")
    clamp(f, "r4", "r10", "r11")
    put(f, "r4", "r9", "r2")
    f.cmp("r2", FRAME.y_end, via="r0").bx("lr")


def file() -> str:
    one = Function("one", "r0", "")
    _products(one, 3)
    names = {"unrolled": UNROLLED, "mac_bytes": 2 * len(one.lines), "entry_bytes": 12}
    return device_file(HEAD, [dense(), driver("dense")], record={**DENSE.names, **names}, state=STATE)
