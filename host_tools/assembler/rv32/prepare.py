"""What the rv32 kernels (ESP32-C3, RP2350's RISC-V cores) need beyond the file's common part.

Requantizer of one channel, for accumulators a (FORMAT.md, fast form of rv32):

    q = (a << pre) * multiplier >> 32;  y = (q + (q >> 31 & fix) + c) >> shift

With pre = left_shift + 2, q is floor(a * 2^left_shift * multiplier / 2^30): one bit more than eq. (2)'s h = (q + 1) >> 1.
For right_shift = e > 0, RoundingDivideByPOT(h, e) = (h + 2^(e-1) - (h < 0)) >> e = (q + 1 + 2^e - 2 (q < -1)) >> (e + 1),
and q = -1 gives 0 with or without the last term; the zero point joins as zero_point << (e + 1). For e = 0 it is h.
Exact as long as a << pre and the sums fit an int32, which is proved from the weights.
"""

from __future__ import annotations

import numpy as np

from ..layer import CHANNEL, Fast, Layer

# Two lanes' sums of a window: [-_LOW, 65535 - _LOW] for the low lane, 256 higher than an int16 for the high one.
_LOW = 0x7F00
_C = _LOW - (1 << 24)  # what a kernel adds to every window of products
_PRE = 2


def requantizer(multiplier: int, left: int, right: int, low: int, high: int, zero: int, clamps: tuple[int, int]):
    """(multiplier, c, pre, shift, fix) equal to eq. (2), (3) for every accumulator in low..high; None if there is none."""
    ends = [_exact(a, multiplier, left, right) + zero for a in (low, high)]
    wraps = not -(1 << 31) <= low << left + _PRE <= high << left + _PRE < 1 << 31
    if not wraps:
        e = right
        c = 1 + ((1 << e) if e else 0) + (zero << (e + 1))
        fix = -2 if e else 0
        q = [(a << left + _PRE) * multiplier >> 32 for a in (low, high)]
        if -(1 << 31) <= min(q[0], 0) + fix + min(c, 0) and max(q[1], 0) + max(c, 0) < 1 << 31 and e < 31:
            return multiplier, c, left + _PRE, e + 1, fix
    if left == 0 or not wraps:  # rises with a: the same at both ends, the same everywhere
        y = [min(max(end, clamps[0]), clamps[1]) for end in ends]
        if y[0] == y[1]:
            return 0, 2 * y[0] + 1, 0, 1, 0
    return None


def _exact(a: int, multiplier: int, left: int, right: int) -> int:
    h = ((a << left) * multiplier + (1 << 30)) >> 31
    return h if right == 0 else (h + (1 << (right - 1)) - (h < 0)) >> right


def _reach(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest sum(x * w) over the last axis."""
    w = weights.astype(np.int64)
    return np.minimum(127 * w, -128 * w).sum(-1), np.maximum(127 * w, -128 * w).sum(-1)


def _fits(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether sums from low to high fit a lane."""
    return (low >= -_LOW) & (high <= 65535 - _LOW)


SLOT = np.dtype(
    [
        ("multiplier", "<i4"),
        ("c", "<i4"),
        ("pre", "u1"),
        ("shift", "u1"),
        ("fix", "i1"),
        ("zero", "u1"),
        ("channel", "<u4"),
    ]
)
assert SLOT.itemsize == 16


def _slots(layer: Layer, group: int) -> np.ndarray | None:
    """The requantizers in groups of `group` channels, the last channel again where there is none; None: one has none."""
    w = layer.words
    low, high = _reach(layer.rows)
    out = np.zeros(len(layer.rows), SLOT)
    for o, entry in enumerate(layer.channels):
        found = requantizer(int(entry["m"]), int(entry["l"]), int(entry["r"]), int(layer.first[o] + low[o]),
                            int(layer.first[o] + high[o]), w[24], (w[25], w[26]))  # fmt: skip
        if found is None:
            return None
        out[o] = (*found[:4], found[4], 0, o)
    return out[np.minimum(np.arange(-(-len(out) // group) * group), len(out) - 1)].reshape(-1, group)


def _moved(slots: np.ndarray, first: int) -> bytes:
    """A group's slots with channels counted from `first`."""
    out = slots.copy()
    out["channel"] -= first
    return out.tobytes()


def _in_groups(record, group: int, channels: int):
    """What Constants.add takes: the records of all groups, and those of output channels first to last - 1."""

    def part(first: int, last: int) -> np.ndarray:
        return np.frombuffer(b"".join(record(g, first) for g in range(first // group, -(-last // group))), np.uint8)

    return part(0, channels), part


def _u32(values) -> np.ndarray:
    return (np.asarray(values, np.int64) & 0xFFFFFFFF).astype("<u4")


# ---- conv_2d

_GROUP = 84


def conv_2d(layer: Layer) -> Fast | None:
    """Four channels and three pixels at a time; their weights as lane words, and columns of a tile, in scratch."""
    w = layer.list()
    if w[15:19] == [1, 1, 1, 1] and not (w[21] or w[22]) and _conv_sizes(w)[2] < 3:
        return fully_connected(layer)
    slots = _slots(layer, 4)
    if slots is None:
        return None
    rows = layer.rows[slots["channel"]]  # [groups, 4, K4]
    windows = rows.reshape(len(slots), 4, -1, 4)
    over = ~_fits(*_reach(windows)).all(1)  # [groups, windows]
    count = over.sum(1)
    sums = -(-(over.shape[1] - count) // 2) * 2 + 2 * count  # windows as the kernel adds them
    first = layer.first[slots["channel"]]
    head = np.zeros((len(slots), 4), np.int64)
    for pair in range(2):
        a, b = first[:, 2 * pair], first[:, 2 * pair + 1]
        head[:, 2 * pair] = a + (b << 16) - sums * _C
        head[:, 2 * pair + 1] = b + 256 * sums
    bits = np.zeros((len(slots), -(-over.shape[1] // 32) * 32), np.uint8)
    bits[:, : over.shape[1]] = over

    def record(group: int, first: int) -> bytes:
        bits_raw = np.packbits(bits[group], bitorder="little").tobytes()
        return _u32(head[group]).tobytes() + _moved(slots[group], first) + _u32([count[group]]).tobytes() + bits_raw

    at = layer.constants.add(*_in_groups(record, 4, len(layer.rows)))
    return Fast({30: at}, tuple((size, {29: block, 31: tile}) for size, block, tile in _conv_options(w)), 4)


def _conv_sizes(w) -> tuple[int, int, int]:
    """(products a channel to a multiple of 4, groups of channels, pixels of y)."""
    return -(-w[15] * w[16] * w[11] // 4) * 4, -(-w[14] // 4), w[8] * w[12] * w[13]


def conv_scratch(w, block: int, tile: int) -> int:
    """Bytes of scratch: columns of a tile, streams of a block, and a line for what is copied byte by byte."""
    size, _, _ = _conv_sizes(w)
    return -(-tile // 3) * 3 * size + block * (8 + 36 * (size // 4 + 1)) + size


def _conv_instructions(w, block: int, tile: int) -> float:
    """About what the kernel executes."""
    size, groups, pixels = _conv_sizes(w)
    tiles = -(-pixels // tile)
    threes = tiles * -(-tile // 3)
    columns = threes * 3 * (size * (0.8 if w[11] % 4 == 0 else 4.5) + 30 * w[15] + 50)
    expand = (1 if block == groups else tiles) * groups * (16 * size + 90)
    return columns + expand + threes * (groups * (22.4 * size + 210) + -(-groups // block) * 40)


def _conv_options(w) -> list[tuple[int, int, int]]:
    """(scratch bytes, groups of channels a block, pixels a tile), the fastest first, none both larger and slower."""
    size, groups, pixels = _conv_sizes(w)
    tiles = (
        {1}
        if pixels < 3
        else {pixels} | {min(-(-(-(-pixels // n)) // 3) * 3, pixels) for n in range(1, min(pixels, 400) + 1)}
    )
    tiles |= {rows * w[13] for rows in range(1, w[12]) if rows * w[13] % 3 == 0}
    blocks = {-(-groups // n) for n in range(1, groups + 1)}
    found = sorted((_conv_instructions(w, b, t), conv_scratch(w, b, t), b, t) for b in blocks for t in tiles)
    options, least = [], None
    for _, scratch, block, tile in found:
        if least is None or scratch < least:
            least = scratch
            options.append((scratch, block, tile))
    return options


# ---- fully_connected

_DENSE_GROUP = 160
_ENTRY = 20


def _segments(w) -> int:
    """Segments of 16 inputs."""
    return -(-w[11] // 16)


def fully_connected(layer: Layer) -> Fast | None:
    """Eight channels at a time, the weights where they lie; a table of the inputs in scratch."""
    slots = _slots(layer, 8)
    if slots is None:
        return None
    w = layer.list()
    rows = np.zeros((len(layer.rows), 16 * _segments(w)), np.int8)
    rows[:, : layer.rows.shape[1]] = layer.rows
    fits = _fits(*_reach(rows.reshape(len(rows), -1, 4, 4))).all(2)[slots["channel"]].all(1)  # [groups, segments]
    sums = 8 * fits.shape[1] - 4 * fits.sum(1)  # a window in one piece, or in two
    first = layer.first[slots["channel"]] + 256 * sums[:, None]
    flags = np.zeros((len(slots), -(-fits.shape[1] // 4) * 4), np.uint8)
    flags[:, : fits.shape[1]] = ~fits

    def record(group: int, first_channel: int) -> bytes:
        return _u32(first[group]).tobytes() + _moved(slots[group], first_channel) + flags[group].tobytes()

    at = layer.constants.add(*_in_groups(record, 8, len(layer.rows)))
    return Fast({30: at}, ((_dense_scratch(w), {29: 0}),), 8)


def _dense_scratch(w) -> int:
    return 4 * _ENTRY * _segments(w)


# ---- depthwise_conv_2d

_PIXELS = 16  # a row of the plane
_CHANNEL = np.dtype(
    [
        ("first", "<i4"),
        ("multiplier", "<i4"),
        ("c", "<i4"),
        ("pre", "u1"),
        ("shift", "u1"),
        ("fix", "i1"),
        ("form", "u1"),
    ]
)
assert _CHANNEL.itemsize == 16


def depthwise_conv_2d(layer: Layer) -> Fast | None:
    """A tile of eight channels with its padding in scratch, a strip of outputs down a column at a time."""
    w = layer.list()
    options = _depthwise_options(w)
    slots = _slots(layer, 1) if options else None
    if slots is None:
        return None
    low, high = _reach(layer.rows)
    table = np.zeros(len(layer.rows), _CHANNEL)
    for o, slot in enumerate(slots[:, 0]):
        table[o] = (*[0], slot["multiplier"], slot["c"], slot["pre"], slot["shift"], slot["fix"], 0)
        if (w[25], w[26]) == (-128, 127):
            c = int(slot["c"]) + (128 << int(slot["shift"]))
            q = (int(layer.first[o] + high[o]) << int(slot["pre"])) * int(slot["multiplier"]) >> 32
            if max(q, 0) + c < 1 << 31:
                table["c"][o] = c
                # A minimum at the zero point: what is below 0 gives it, rounded either way.
                table["form"][o] = 2 if slot["fix"] == 0 or w[24] == -128 else 1
    if w[17] != 1 or w[15:17] != [3, 3] or w[19:21] != [1, 1]:
        table["c"], table["form"] = slots["c"][:, 0], 0
    table["first"] = _u32(layer.first).view("<i4")
    return Fast({30: layer.constants.add(table)}, tuple((size, {31: tile}) for size, tile in options))


def _depthwise_reach(w) -> tuple[int, int]:
    return (w[15] - 1) * w[19] + 1, (w[16] - 1) * w[20] + 1


def _depthwise_scratch(w, tile_h: int) -> int:
    plane = (tile_h - 1) * w[17] + _depthwise_reach(w)[0]
    nine = list(w[15:17]) == [3, 3] and list(w[19:21]) == [1, 1]
    return plane * _PIXELS * 8 + (0 if nine else 4 * w[15] * w[16])


def _depthwise_instructions(w, tile_h: int, tile_w: int) -> float:
    """About what the kernel executes."""
    tiles = -(-w[12] // tile_h) * -(-w[13] // tile_w)
    reach = _depthwise_reach(w)
    plane_h, plane_w = (tile_h - 1) * w[17] + reach[0], (tile_w - 1) * w[18] + reach[1]
    nine = list(w[15:17]) == [3, 3] and list(w[19:21]) == [1, 1]
    output = (33 if w[17] == 1 else 39) if nine else 25 + w[15] * (6 + 7 * w[16])
    packed = plane_h * (10 + plane_w * (7 if w[11] % 8 == 0 else 20)) / 8
    return w[8] * tiles * (40 * plane_h + w[11] * packed + w[14] * (70 + tile_w * (22 + tile_h * output)))


def _depthwise_options(w) -> list[tuple[int, int]]:
    """(scratch bytes, tile_h << 16 | tile_w), the fastest first; none where a row of the window is longer than the plane's."""
    reach = _depthwise_reach(w)[1]
    if reach > _PIXELS:
        return []
    across = -(-w[13] // min(w[13], (_PIXELS - reach) // w[18] + 1))
    tile_w = -(-w[13] // across)
    heights = sorted({-(-w[12] // n) for n in range(1, w[12] + 1)}, reverse=True)
    return [(_depthwise_scratch(w, h), h << 16 | tile_w) for h in heights]


# ---- the interface of fast_forms.py


def scratch_bytes(kernel: str, words) -> int:
    """Bytes of scratch of a record with a fast form."""
    if kernel == "fully_connected" or kernel == "conv_2d" and not words[29]:
        return _dense_scratch(words)
    if kernel == "depthwise_conv_2d":
        return _depthwise_scratch(list(words), words[31] >> 16)
    return conv_scratch(words, words[29], words[31])


def constants(kernel: str, words) -> list[tuple[int, int]]:
    """(offset, bytes) of the fast table; one that cannot be where the record's tile would not do."""
    if kernel == "depthwise_conv_2d":
        tile_h, tile_w = words[31] >> 16, words[31] & 0xFFFF
        reach = (tile_w - 1) * words[18] + _depthwise_reach(words)[1]
        return [(words[30], 16 * words[14])] if tile_h > 0 < tile_w and reach <= _PIXELS else [(-1, 0)]
    if kernel == "fully_connected" or not words[29]:
        # The last row is read to the end of its segment.
        read = (words[14] - 1) * (-(-words[11] // 4) * 4) + 16 * _segments(words)
        return [(words[30], -(-words[14] // 8) * (_DENSE_GROUP + -(-_segments(words) // 4) * 4)), (words[27], read)]
    size, groups, pixels = _conv_sizes(words)
    block, tile = words[29], words[31]
    if not (block >= 1 and (tile == 1 or 3 <= tile <= pixels)):
        return [(-1, 0)]
    return [(words[30], groups * (_GROUP + -(-size // 128) * 4))]


def access(kernel: str, words):
    """(words, band_h, tile_w): the order in which the form reads and writes, as overlap.tiles_lag takes it; None: another."""
    if kernel == "depthwise_conv_2d":
        return words, words[31] >> 16, words[31] & 0xFFFF
    if kernel != "conv_2d" or not words[29]:
        return None
    _, _, pixels = _conv_sizes(words)
    tile, out_w = words[31], words[13]
    if pixels % tile in (1, 2) and tile > 2:  # the last tile reads some inputs again
        return None
    if list(words[15:19]) == [1, 1, 1, 1] and not (words[21] or words[22]):  # one row
        return [*words[:8], 1, 1, pixels, words[11], 1, pixels, *words[14:]], 1, tile
    if words[8] != 1:
        return None
    if tile % out_w == 0:
        return words, tile // out_w, out_w
    return (words, 1, tile) if out_w % tile == 0 else None


def cycles(kernel: str, words) -> float | None:
    """About the instructions that the form executes, to choose between options."""
    if kernel == "conv_2d" and words[29]:
        return _conv_instructions(words, words[29], words[31])
    if kernel == "depthwise_conv_2d":
        return _depthwise_instructions(words, words[31] >> 16, words[31] & 0xFFFF)
    return None


def why_not(kernel: str, words, constants: bytes) -> str:
    """Which channel has no requantizer, of a record of weights in rows without a fast form, or what else it has too much
    of; "" where it is neither."""
    w = list(words)
    if kernel not in ("conv_2d", "depthwise_conv_2d", "fully_connected") or w[30] or w[34]:
        return ""
    depthwise = kernel == "depthwise_conv_2d"
    if depthwise and _depthwise_reach(w)[1] > _PIXELS:
        return f"a window of more than {_PIXELS} columns"
    if not constants or kernel == "fully_connected" and w[29]:
        return ""
    size = w[15] * w[16] * (1 if depthwise else w[11])
    pitch = size if depthwise else -(-size // 4) * 4
    rows = np.frombuffer(constants, np.uint8, w[14] * pitch, w[27]).astype(np.int64) - 128
    rows = rows.reshape(size, w[14]).T if depthwise else rows.reshape(w[14], pitch)[:, :size]
    table = np.frombuffer(constants, np.uint8, 12 * w[14], w[28]).view(CHANNEL)
    low, high = _reach(rows)
    # word 0 leaves out that x counts from -128, and for depthwise its zero point
    first = table["k"].astype(np.int64) - rows.sum(1) * w[23] if depthwise else table["k"] + 128 * rows.sum(1)
    first = (first + (1 << 31)) % (1 << 32) - (1 << 31)
    for o, entry in enumerate(table):
        m, left, right = (int(entry[name]) for name in "mlr")
        ends = int(first[o] + low[o]), int(first[o] + high[o])
        if requantizer(m, left, right, *ends, w[24], (w[25], w[26])) is None:
            if not -(1 << 31) <= ends[0] << left + _PRE <= ends[1] << left + _PRE < 1 << 31:
                moved = f", shifted to the left by {left}" if left else ""
                return f"a sum may reach 2^29: channel {o}, {ends[0]:,} to {ends[1]:,}{moved}"
            return f"a scale is far off: channel {o}, right_shift {right}, zero point {w[24]}"
    return ""
