"""conv_2d's sums: weights of four channels as lane words in a stream, four products at a time, requantization."""

from __future__ import annotations

from .isa import POOL
from .requantize import SLOT_BYTES, Slot, clamps
from .writer import Function

CHANNELS, PIXELS, PAIRS = 4, 3, 2
# A group record: X0 Y0 X1 Y1, four slots, count of the windows over the bound; then a bit per window.
GROUP_SLOTS, GROUP_COUNT, GROUP_BYTES = 16, 80, 84
STREAM_HEAD = 8  # ends of both lists
ENTRY_BYTES = 36  # eight lane words and an offset
C = -(1 << 24) + 0x7F00

ACC, W, X, T = POOL[:12], POOL[12:20], POOL[20:22], POOL[22:25]
WP, XP, C_AT = POOL[25:28]


def lanes(pair: int, p: int) -> tuple[str, str]:
    """X and Y of channels 2 pair, 2 pair + 1 at pixel p."""
    return ACC[(PIXELS * pair + p) * 2], ACC[(PIXELS * pair + p) * 2 + 1]


def expand(f: Function) -> None:
    f.title(
        "Stream of a group: {end of the first list, of the second}, then entries of eight lane words and an offset: "
        "first list: bytes from the entry before; second: from the column's start."
    )
    f.title(
        "s0-s3 rows of w | s4 first list | s5 second | s6 12 * window | s7 that of the entry before | s8 bits "
        "| s9 bits at | s10 128 * 65537 | s11 end of s6 | a0 group | a1 groups left | a2 stream | a3 32 windows | t0-t4 temporary"
    )
    row = ("s0", "s1", "s2", "s3")
    f.label("EXPAND_BLOCK")
    f.mv("a1", "t0")
    f.get(a0="group0", a2="stream")
    f.li("s10", 128 * 65537)
    f.label("EXPAND_GROUP")
    f.get(t0="constants", t1="record")
    f.by_word("add", "t0", "t1", "weights_offset", base="t1")
    f.get("t1", "k4")
    for c in range(CHANNELS):
        f.lw(row[c], GROUP_SLOTS + SLOT_BYTES * c + 12, "a0")
        f.mul(row[c], row[c], "t1")
        f.add(row[c], row[c], "t0")
    _lists(f)
    f.label("WINDOWS32")
    f.lw("s8", 0, "s9")
    f.addi("s9", "s9", 4)
    f.li("a3", 32)
    f.label("WINDOW")
    f.andi("t0", "s8", 1)
    f.bne("t0", "zero", "OVER")
    f.mv("t4", "s4")
    f.addi("s4", "s4", ENTRY_BYTES)
    f.sub("t0", "s6", "s7")
    f.mv("s7", "s6")
    f.goto("ENTRY")
    f.label("OVER")
    f.mv("t4", "s5")
    f.addi("s5", "s5", ENTRY_BYTES)
    f.mv("t0", "s6")
    f.label("ENTRY")
    f.sw("t0", ENTRY_BYTES - 4, "t4")
    _lane_words(f, row)
    for c in range(CHANNELS):
        f.addi(row[c], row[c], 4)
    f.addi("s6", "s6", 12)
    f.beq("s6", "s11", "WINDOWS_DONE")
    f.srli("s8", "s8", 1)
    f.addi("a3", "a3", -1)
    f.bne("a3", "zero", "WINDOW")
    f.goto("WINDOWS32")
    f.label("WINDOWS_DONE")
    f.lw("t0", 0, "a2", note="an odd first list: one entry of nothing")
    f.beq("s4", "t0", "EVEN")
    for i in range(0, ENTRY_BYTES, 4):
        f.sw("zero", i, "s4")
    f.label("EVEN")


def _lists(f: Function) -> None:
    """Where both lists of a group start and end; t1: products per channel."""
    f.srli("t2", "t1", 2, note="K4 / 4 windows, 12 bytes of column each")
    f.slli("t3", "t1", 1)
    f.add("s11", "t3", "t1")
    f.lw("t3", GROUP_COUNT, "a0")
    f.sub("t2", "t2", "t3", note="entries of the first list, to an even number")
    f.andi("t4", "t2", 1)
    f.add("t4", "t4", "t2")
    f.li("t0", ENTRY_BYTES)
    f.mul("t4", "t4", "t0")
    f.addi("s4", "a2", STREAM_HEAD)
    f.add("s5", "s4", "t4")
    f.sw("s5", 0, "a2")
    f.mul("t3", "t3", "t0")
    f.add("t3", "t3", "s5")
    f.sw("t3", 4, "a2")
    f.li("s6", 0)
    f.li("s7", 0)
    f.addi("s9", "a0", GROUP_BYTES)


def _lane_words(f: Function, row: tuple[str, ...]) -> None:
    """w0 + w1 * 2^16 of both pairs of channels, four inputs: the bytes are w + 128, s10 takes the 128s away."""
    w = ("t0", "t1", "t2", "t3")
    for k in range(4):
        for c in range(CHANNELS):
            f.lbu(w[c], k, row[c])
        for c in (1, 3):
            f.slli(w[c], w[c], 16)
        for c in (0, 2):
            f.add(w[c], w[c], w[c + 1])
        for c in (0, 2):
            f.sub(w[c], w[c], "s10")
        for pair in range(PAIRS):
            f.sw(w[2 * pair], 8 * k + 4 * pair, "t4")


def products(f: Function) -> None:
    f.title("Three pixels of y from here: t0.")
    f.label("PIXELS3")
    f.get(t0="at", t1="in_tile")
    f.add("t0", "t0", "t1")
    f.by_slot("mul", "t0", "t2", "y_pitch")
    f.by_slot("add", "t0", "t2", "y")
    f.put("t0", "out")
    for slot, start in (("group", "group0"), ("stream_at", "stream"), ("groups_left", "left")):
        f.get("t0", start)
        f.put("t0", slot)
    f.title("Four channels, three pixels.")
    f.label("GROUP")
    f.get(WP, "stream_at")
    f.get(XP, "column")
    f.lw(X[0], 0, WP)
    f.lw(X[1], 4, WP)
    f.put(X[0], "end")
    f.put(X[1], "over_end")
    f.addi(WP, WP, STREAM_HEAD)
    f.get(T[0], "group")
    f.li(C_AT, C)
    for pair in range(PAIRS):
        for lane in range(2):
            first = lanes(pair, 0)[lane]
            f.lw(first, 8 * pair + 4 * lane, T[0])
            for p in range(1, PIXELS):
                f.mv(lanes(pair, p)[lane], first)
    f.beq(WP, X[0], "SECOND_LIST")
    f.label("FIRST_LIST")
    for u in range(2):
        _window4(f, ENTRY_BYTES * u)
    f.get(X[0], "end")
    f.addi(WP, WP, 2 * ENTRY_BYTES)
    f.bne(WP, X[0], "FIRST_LIST")
    f.label("SECOND_LIST")
    f.get(X[0], "over_end")
    f.beq(WP, X[0], "SUMS")
    f.get(T[2], "column")
    f.label("SECOND")
    _windows2(f)
    f.get(X[0], "over_end")
    f.addi(WP, WP, ENTRY_BYTES)
    f.bne(WP, X[0], "SECOND")
    f.label("SUMS")


def _gather(f: Function, t: str, x: str, y: str) -> None:
    """X += T; Y += T >> 16."""
    f.add(x, x, t)
    f.srai(t, t, 16)
    f.add(y, y, t)


def _window4(f: Function, at: int) -> None:
    """An entry of the first list: 4 products, 4 channels, 3 pixels. A load lies between a product and its use."""
    f.lw(T[0], at + 32, WP)
    f.lw(W[0], at, WP)
    f.lw(W[1], at + 4, WP)
    f.add(XP, XP, T[0])
    f.lb(X[0], 0, XP)
    for i in range(2, 8):
        f.lw(W[i], at + 4 * i, WP)
    f.lb(X[1], 1, XP)
    for p in range(PIXELS):

        def load(d: int, p: int = p) -> None:
            """Input d of this pixel's window; 4 and 5 are the next pixel's, if there is one."""
            if d < 4 or p + 1 < PIXELS:
                f.lb(X[d % 2], 4 * p + d, XP)

        for pair in range(PAIRS):
            f.mul(T[pair], W[pair], X[0])
        load(2)
        for d in range(1, 4):
            for pair in range(PAIRS):
                f.mul(T[2], W[2 * d + pair], X[d % 2])
                if pair:
                    load(d + 2)
                if d == 1:
                    f.add(T[pair], T[pair], C_AT)
                if (d, pair) != (3, 1):
                    f.add(T[pair], T[pair], T[2])
        _gather(f, T[0], *lanes(0, p))
        f.add(T[1], T[1], T[2])
        _gather(f, T[1], *lanes(1, p))


def _windows2(f: Function) -> None:
    """An entry of the second list: twice 2 products, 4 channels, 3 pixels."""
    f.lw(XP, 32, WP)
    for i, w in enumerate(W):
        f.lw(w, 4 * i, WP)
    f.add(XP, XP, T[2])
    for p in range(PIXELS):
        for half in range(2):
            for i in range(2):
                f.lb(X[i], 4 * p + 2 * half + i, XP)
            for pair in range(PAIRS):
                for i in range(2):
                    f.mul(T[i], W[4 * half + 2 * i + pair], X[i])
                f.add(T[0], T[0], C_AT)
                f.add(T[0], T[0], T[1])
                _gather(f, T[0], *lanes(pair, p))


def requantize_all(f: Function) -> None:
    free = [r for r in POOL if r not in ACC]
    slot, step, group = Slot(*free[:8], t=free[9]), free[8], free[10]
    f.title("The low sums: X - (Y << 16).")
    f.title(
        f"{slot.multiplier} multiplier | {slot.c} c | {slot.pre} pre | {slot.shift} shift | {slot.fix} fix"
        f" | {slot.low} {slot.high} clamps | {slot.out} y | {step} its step | {slot.t} temporary | {group} group"
    )
    for pair in range(PAIRS):
        for p in range(PIXELS):
            x, y = lanes(pair, p)
            f.slli(slot.t, y, 16)
            f.sub(x, x, slot.t)
    f.get(group, "group")
    f.get(slot.low, "low")
    f.get(slot.high, "high")
    f.get(step, "y_step")
    late = []
    for channel in range(CHANNELS):
        f.get(slot.out, "out")
        slot.load(f, GROUP_SLOTS + SLOT_BYTES * channel, group, f"channel={slot.t} multiplier c pre shift fix")
        f.add(slot.out, slot.out, slot.t)
        for p in range(PIXELS):
            late += slot.requantize(f, lanes(channel // 2, p)[channel % 2], f"{channel}{p}")
            if p + 1 < PIXELS:
                f.add(slot.out, slot.out, step)
    f.goto("GROUP_DONE")
    clamps(f, late)
    f.label("GROUP_DONE")
