"""fully_connected with weights of four bits, used where they lie: eight products in four multiplications."""

from __future__ import annotations

from ...record import DENSE
from ..fields import words
from .macros import put, spread
from .requantize import SHORT_CHANNEL, clamp, halves, round_shift
from .writer import Function, described, device_file, driver, kernel

STATE = words(
    "r0", "table", ("table_end", "its end"), "inputs", ("eights", "of them"),
    ("last_eight", "1: and the eight at last_inputs"), "weights",
    ("weights_after", "bytes from the end of a channel's part to the next channel's"),
    ("entries", "of the short channel table"), ("entries_end", "their end"),
    ("to_accumulators", "2 * accumulators - entries"), ("first", "not 0: first part"), ("last", "not 0: last part"),
    ("y", "outputs"), "clamp_min", "clamp_max", "y_zero_point", ("correction", "-8 * sum of the inputs' a"),
    ("entry", "where the unrolled loop is entered"), ("last_inputs*2", "the last eight inputs, 128 after them"),
    ("mask", "0x0F0F0F0F"),
)  # fmt: skip
STATE6 = STATE.at("r6")
FRAME = words("sp", "state", "mac")
UNROLLED = 4  # eights of inputs in the loop
E, F = ("r3", "r4"), ("r5", "r6")
HEAD = f"""
Fully connected layers with weights of four bits in Thumb, used where they lie: ref/dense.py, weights_format 1.

A word T holds u = w + 8 of eight inputs of a channel, V = (T >> 4) & 0x0F0F0F0F the odd ones as bytes. For inputs
a = x + 128, let

    E0 = a4 + 2^16 * a0    E1 = a6 + 2^16 * a2    G0 = a5 + 2^16 * a1 - 16 * E0    G1 = a7 + 2^16 * a3 - 16 * E1
    beta = (E1 - 256 * E0) * 65537    alpha = E0 - 256 * beta, and the same of G0, G1: beta', alpha'

alpha * T + beta * rev16(T) is E0, E1, 2^16 * E0, 2^16 * E1 times the four bytes of T (mod 2^32; as in the dense kernel
of eight bits), in which the odd inputs count 16 times: what G takes away. So

    alpha * T + beta * rev16(T) + alpha' * V + beta' * rev16(V)
        = 2^16 * (a0 * u0 + ... + a7 * u7) + a4 * u4' + ...  (mod 2^32)

where the low half is four products, u0 to u3 times a4 to a7: at most 4 * 255 * 15 = 15300, so nothing is carried, and
the high half at most 30600. acc = k + sum(a * u) - 8 * sum(a). After the inputs a is 0.

The driver cuts the inputs into parts as the scratch has room for {{alpha, beta, alpha', beta'}} of eight inputs each.

State, {STATE.size // 4} words at the start of the scratch, byte offsets:
{described(STATE)}
Scratch: state | table | accumulators of all channels, where there are parts
"""


@kernel("r0", "r1 r2 r3 r4", FRAME)
def dense(f: Function) -> None:
    """
    A row of outputs, or what a part of the inputs adds to it: eq. (2), (3); reference: ref.fully_connected.
    In   r0 *state
    Uses products: r0 weights | r1 table, r9 its end | r2, r3 T, V | r4, r5 alpha, beta | r6 rev16 | r7 mask | r8 acc
         r10 entry, lr the last one's end | r11 y | r12 2 * accumulators - entries
         table: r1 x | r2 eights | r3-r6 E0, E1, F0, F1, alphas, betas | r7 128 * 65537 | r0 temporary, to | r12 to
         r8, r9 sums of E, F and of their high halves
         requantize: r4 acc | r1, r2, r5, r7 temporary | r6 *state
    Stack 24: state, where the loop is entered
    Bounds as above; acc modulo 2^32; multiplier Q16, at most 65535 * 65535 + 2^15 < 2^32.
    Cost 21 cycles 8 products, 3 every 32; 61 to 75 a channel; 61 eight inputs of the table (counted).
    """
    f.str("r0", FRAME.state)
    f.mov("r3", "pc", note="MAC's address, which PREPARE makes an entry of")
    f.b("PREPARE")
    with f.loop("MAC", until=("r1", "r9"), note="21 cycles 8 products"):
        for _ in range(UNROLLED):
            _products(f)
    _channel_done(f)
    _output(f)
    _next_channel(f)
    _table(f)
    _inputs_done(f)
    f.label("END")


def _products(f: Function) -> None:
    """acc += eight products: the high half of T's and V's parts, as above."""
    f.ldm("r0", "r2", note="T")
    f.ldm("r1", "r4 r5", note="alpha, beta")
    f.lsr("r3", "r2", 4).and_("r3", "r7", note="V")
    f.rev16("r6", "r2").mul(r2="r4", r6="r5")
    f.add("r2", "r6")
    f.ldm("r1", "r4 r5", note="alpha', beta'")
    f.rev16("r6", "r3").mul(r3="r4", r6="r5")
    f.add("r2", "r3").add("r2", "r6")
    f.lsr("r2", "r2", 16, note="<= 30600").add("r8", "r2")


def _channel_done(f: Function) -> None:
    """After a part that is not the last, acc goes to the accumulators."""
    f.ldr("r6", FRAME.state)
    f.add("r0", STATE6.weights_after, via="r1")
    f.mov("r4", "r8")
    f.ldr("r5", STATE6.last).bne("r5", 0, "OUTPUT")
    f.mov("r5", "r10")
    _accumulator(f, "r5")
    f.str("r4", "r5", 0)
    f.b("NEXT")


def _accumulator(f: Function, entry: str) -> None:
    """An entry of eight bytes to its accumulator of four."""
    f.add(entry, "r12").lsr(entry, entry, 1)


def _output(f: Function) -> None:
    """acc of all inputs in r4, less 8 * sum(a), by a multiplier of 16 bits, Q16."""
    f.label("OUTPUT", note="eq. (2), (3), modulo 2^32").add("r4", STATE6.correction, via="r5")
    f.mov("r5", "r10")
    f.ldrh("r2", SHORT_CHANNEL.multiplier)
    f.ldrb(r1=SHORT_CHANNEL.left_shift, r7=SHORT_CHANNEL.right_shift)
    f.lsl("r4", "r1", note="acc << left_shift")
    halves(f, "r4", "r4", "r5")
    f.mul(r4="r2", r5="r2")
    f.mov("r1", 1).lsl("r1", "r1", 15, note="2^15").add("r5", "r1")
    f.lsr("r5", "r5", 16).add("r4", "r5", note="(acc * m + 2^15) >> 16")
    round_shift(f, "r4", "r7", "r1")
    f.add("r4", STATE6.y_zero_point, via="r1")
    clamp(f, "r4", STATE6.clamp_min, STATE6.clamp_max, "r1")
    put(f, "r4", "r11", "r1")
    f.label("NEXT").step("r10", SHORT_CHANNEL.size, "r5").beq("r5", "lr", "END")


def _next_channel(f: Function) -> None:
    """acc starts at the entry's k in the first part, at the accumulator in others; then into the loop."""
    f.label("CHANNEL", note="r6 *state").ldr(r7=STATE6.mask, r1=STATE6.table)
    f.mov("r4", "r10")
    f.ldr("r5", STATE6.first).bne("r5", 0, "FIRST")
    _accumulator(f, "r4")
    f.label("FIRST").fetch("r8", ("r4", 0), "r4")
    f.mov("pc", FRAME.mac, via="r5", note="into MAC")


def _table(f: Function) -> None:
    """{alpha, beta, alpha', beta'} of eight inputs each, and the sum of their a: of E + F, both halves."""
    f.label("PREPARE").add("r3", STATE.entry, via="r1").str("r3", FRAME.mac)
    f.mov("r7", 128).twice("r7", "r1")
    f.mov(r1=0, r8="r1", r9="r1")
    spread(f, "r1", STATE, table="r12", inputs="r1")
    f.ldr("r2", STATE.eights)
    f.b("NEXT_EIGHT")
    f.label("EIGHT", note="61 cycles eight inputs")
    for to, i in zip(E + F, (0, 2, 1, 3), strict=True):
        f.ldrb(to, "r1", i).ldrb("r0", "r1", i + 4)
        f.lsl(to, to, 16).add(to, "r0")
        f.eor(to, "r7", note=f"a{i + 4} + 2^16 * a{i}, a = x + 128")
    f.add("r0", *E).add("r0", F[0]).add("r0", F[1])
    f.add("r8", "r0").lsr("r0", "r0", 16).add("r9", "r0")
    for e, g in zip(E, F, strict=True):
        f.lsl("r0", e, 4).sub(g, "r0", note="G = F - 16 * E")
    for e0, e1 in (E, F):
        f.lsl("r0", e0, 8).sub(e1, "r0")
        f.lsl("r0", e1, 16).add(e1, "r0", note="beta = (E1 - 256 * E0) * 65537")
        f.lsl("r0", e1, 8).sub(e0, "r0", note="alpha = E0 - 256 * beta")
    f.mov("r0", "r12").stm("r0", "r3 r4 r5 r6").mov("r12", "r0")
    f.add("r1", 8)
    f.label("NEXT_EIGHT").sub("r2", 1).bpl("EIGHT")


def _inputs_done(f: Function) -> None:
    """Once more for the last eight inputs, where the state has them; the sum of a, and on to the channels."""
    f.ldr(r6=FRAME.state, r2=STATE6.last_eight)
    f.mov("r0", 0).str("r0", STATE6.last_eight)
    f.mov("r1", "r6").add("r1", STATE.offset("last_inputs"))
    f.bne("r2", 0, "NEXT_EIGHT")
    f.mov("r1", "r9", note="sum of the high halves").lsl("r2", "r1", 16).sub("r1", "r2")
    f.mov("r3", "r8").add("r3", "r1", note="low halves + high halves")
    f.lsl("r3", "r3", 3, note="8 * sum of a")
    f.ldr("r4", STATE6.correction).sub("r4", "r3").str("r4", STATE6.correction)
    spread(f, "r0", STATE6, table_end="r9", entries="r10", entries_end="lr", to_accumulators="r12", y="r11")
    f.ldr("r0", STATE6.weights).b("CHANNEL")


def file() -> str:
    one = Function("one", "r0", "")
    _products(one)
    names = {"unrolled": UNROLLED, "mac_bytes": 2 * len(one.lines), "entry_bytes": 16}
    names["last_inputs_at"] = STATE.offset("last_inputs")
    return device_file(HEAD, [dense(), driver("int4")], record={**DENSE.names, **names}, state=STATE)
