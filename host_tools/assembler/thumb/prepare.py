"""What the thumb kernels (RP2040 and other ARMs) need beyond the file's common part: proofs of a short requantizer, and tiles.

Two-multiply requantizer of one channel, for accumulators a (FORMAT.md, fast table):

    y = (a * m1 + (((a >> 4) * m2) >> j) - (a < 0 ? 2^F : 0) + c) >> s

It rises with a, so it equals eq. (2) and (3) for every reachable a if it does on both sides of each of the at most
255 places where eq. (3) steps. `a * m1` and the sums may wrap: only their end must fit an int32.
"""

from __future__ import annotations

import numpy as np

from ..layer import Fast, Layer

_T = 4
_TRIALS = (0, 1, -1, 2, -2, 3, -3, 5, -5, 8, -8)
ENTRY = np.dtype(
    [
        ("first", "<i4"),
        ("c", "<i4"),
        ("m1", "<u2"),
        ("m2", "<i2"),
        ("s", "u1"),
        ("j", "u1"),
        ("f", "u1"),
        ("kind", "u1"),
    ]
)
assert ENTRY.itemsize == 16


def _exact(a: np.ndarray, multiplier: int, right: int) -> np.ndarray:
    """eq. (2) without left shift, for |a| < 2^31."""
    h = (a * multiplier + (1 << 30)) >> 31
    return h if right == 0 else (h + (1 << (right - 1)) - (h < 0)) >> right


def _steps(multiplier: int, right: int, least: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(first a with eq. (2) >= i, i) for i in least to most."""
    i = np.arange(least, most + 1, dtype=np.int64)
    near = np.round((i - 0.5) * (2.0 ** (31 + right) / multiplier))
    near = np.clip(near, -(2.0**31), 2.0**31).astype(np.int64)
    candidates = near[:, None] + np.arange(-4, 5)
    first = (_exact(candidates, multiplier, right) >= i[:, None]).argmax(1)
    return candidates[np.arange(len(i)), first], i


def two_multiply(multiplier: int, left: int, right: int, low: int, high: int, zero: int, clamps: tuple[int, int]):
    """{m1, m2, c, s, j, f} that equal eq. (2), (3) for every accumulator in low..high, or None.

    Where the least output is the zero point, the kernels take negative accumulators for it without computing.
    """
    if left or low < -(1 << 31) or high >= 1 << 31 or not clamps[0] <= zero <= clamps[1]:
        return None  # (the kernels clamp what is not negative above only, the rest below)
    ends = np.array([low, high], np.int64)
    y = np.clip(_exact(ends, multiplier, right) + zero, *clamps)
    if y[0] == y[1]:
        return dict(m1=0, m2=0, c=2 * int(y[0]) + 1, s=1, j=10, f=0)
    if right == 0 or multiplier == 0:
        return None
    positive = clamps[0] == zero
    if positive:
        low = max(low, 0)
    steps, i = _steps(multiplier, right, 1 if positive else clamps[0] - zero + 1, clamps[1] - zero)
    if positive:
        steps, i = np.append(steps, 0), np.append(i, 0)
    steps = np.clip(steps, low, high + 1)
    reached, left_out = steps <= high, steps > low
    reach = max(-low, high, 1)
    for f in range(min(15, 31 - right), 4, -1):
        if reach * (multiplier / 2**31) * 2**f + (256 << (right + f)) >= 2**31:
            continue
        s = right + f
        real = multiplier * 2.0 ** (f - 31)
        m1 = round(real)
        for j in (12, 11, 10):
            for trial in _TRIALS:
                m2 = round((real - m1) * 2 ** (_T + j)) + trial
                if abs(m2) > 32767 or (abs(m2) >> j) + 1 >= m1 or abs(m2) * ((reach >> _T) + 1) >= 1 << 31:
                    continue

                def value(a):
                    return a * m1 + (((a >> _T) * m2) >> j) - np.where(a < 0, 1 << f, 0)

                least = int(((i << s) - value(steps))[reached].max(initial=-(1 << 40)))
                most = int(((i << s) - value(steps - 1))[left_out].min(initial=1 << 40)) - 1
                if least > most:
                    continue
                c = (
                    (max(least, most - 2) + min(most, least + 2)) // 2
                    if most - least > 1 << 32
                    else (least + most) // 2
                )
                c += zero << s
                end = value(np.array([low, high], np.int64)) + c
                if -(1 << 31) <= c < 1 << 31 and -(1 << 31) <= end[0] and end[1] < 1 << 31:
                    return dict(m1=m1, m2=m2, c=c, s=s, j=j, f=f)
        if f <= 31 - right - 4:
            break
    return None


def _table(layer: Layer) -> np.ndarray:
    """The fast table of FORMAT.md."""
    w = layer.words
    return table(layer.first, layer.rows, layer.channels, w[24], (w[25], w[26]))


def table(
    first: np.ndarray, weights: np.ndarray, channels: np.ndarray, zero: int, clamps: tuple[int, int]
) -> np.ndarray:
    """The fast table. first: bias - x_zero_point * sum(w); weights: int8[channels, products]; channels: channel table."""
    w = weights.astype(np.int64)
    low = first + np.minimum(127 * w, -128 * w).sum(1)
    high = first + np.maximum(127 * w, -128 * w).sum(1)
    out = np.zeros(len(first), ENTRY)
    out["first"] = (first & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    for o in range(len(first)):
        entry = two_multiply(
            int(channels["m"][o]), int(channels["l"][o]), int(channels["r"][o]), int(low[o]), int(high[o]), zero, clamps
        )
        if entry:
            for name, value in entry.items():
                out[name][o] = value
            out["kind"][o] = 1
    return out


SPLIT = 8  # kind, bit 3; in word 29: SPLIT_FORM


def split(weights: np.ndarray) -> np.ndarray:
    """Per row: whether two neighbours (columns 2i, 2i + 1) both are -128, so that their sum of products can be 2^15.

    thumb/conv.py multiplies such rows in two runs, by max(w, -127) and by what is left of w, -1 or 0.
    """
    lowest = weights[:, : weights.shape[1] // 2 * 2] == -128
    return (lowest[:, 0::2] & lowest[:, 1::2]).any(1)


# ---- depthwise_conv_2d

_PLANE_COLUMNS = 16  # words a row of the plane
_DEPTHWISE_STATE = 168 + 60 + 8  # state, alignment to 64, what the last row has beyond 16 columns


def _fit16(weights: np.ndarray) -> np.ndarray:
    """Whether sum(x * w) over the last axis is in -32767 to 32767 for every x: the upper half of a word may lend 1."""
    w = weights.astype(np.int64)
    return (np.maximum(127 * w, -128 * w).sum(-1) < 1 << 15) & (np.minimum(127 * w, -128 * w).sum(-1) > -(1 << 15))


def depthwise_kinds(weights: np.ndarray, stride_w: int) -> np.ndarray | None:
    """What bits 1 and 2 of `kind` hold, for weights [channels, 3, 3]; None: two neighbours are -128."""
    if ((weights[:, :, 0] == -128) & (weights[:, :, 1] == -128)).any():
        return None
    if stride_w != 1:
        return np.zeros(len(weights), np.uint8)
    rows, whole = _fit16(weights).all(-1), _fit16(weights.reshape(-1, 9))
    two = rows & _fit16(weights[:, :2].reshape(-1, 6))
    return np.where(whole, 4, np.where(two, 6, np.where(rows, 2, 0))).astype(np.uint8)


def depthwise_scratch(w, tile_h: int, tile_w: int) -> int:
    """Bytes of scratch of the fast depthwise_conv_2d: state, plane, accumulators, a list of output rows."""
    lists = 24 if tile_w >= w[13] else 24 * tile_h  # one entry a lane where a tile's rows follow each other
    return _DEPTHWISE_STATE + ((tile_h - 1) * w[17] + 3) * 64 + tile_h * tile_w * 8 + lists


def depthwise_options(w) -> list[tuple[int, int]]:
    """(scratch bytes, tile_h << 16 | tile_w), the fastest first. w: the record's words."""
    out_h, out_w = w[12], w[13]
    across = -(-out_w // min(out_w, (_PLANE_COLUMNS - 3) // w[18] + 1, _PLANE_COLUMNS // w[18]))
    tile_w = -(-out_w // across)
    heights = sorted({-(-out_h // (2 * n)) for n in range(1, out_h + 1)}, reverse=True)
    return [(depthwise_scratch(w, h, tile_w), h << 16 | tile_w) for h in heights]


# ---- tiles of conv_2d

STATE_BYTES = 136
PLANES, FLAT, SPLIT_FORM, PATCHED = 1, 2, 4, 8  # bits of word 29


def conv_scratch(w, form: int, tile_h: int, tile_w: int) -> int:
    """Bytes of scratch of the fast conv_2d (FORMAT.md, conv_2d). w: the record's words."""
    size = -(-w[15] * w[16] * w[11] // 4) * 4
    reach_h, reach_w = (w[15] - 1) * w[19] + 1, (w[16] - 1) * w[20] + 1
    plane_h, plane_w = (tile_h - 1) * w[17] + reach_h, (tile_w - 1) * w[18] + reach_w
    if form & PLANES:
        groups = tile_h * tile_w
        entries = max(groups, plane_h)
        border, columns = plane_w * w[11], plane_h * plane_w * w[11] * 8
    else:
        entries = groups = -(-tile_h * tile_w // 4)
        inside = (
            not (w[21] or w[22]) and (w[12] - 1) * w[17] + reach_h <= w[9] and (w[13] - 1) * w[18] + reach_w <= w[10]
        )
        border, columns = 0 if inside else plane_h * plane_w * w[11], groups * size * 8
    weights = (8 if form & SPLIT_FORM else 4) * size
    if form & PATCHED:  # code instead of weights: 60 bytes for 4, 4 for the end of a run
        weights = 15 * size + 4 * (w[15] if form & PLANES else 1)
    if w[34]:  # a channel's weights of four bits as bytes
        weights += -(-size // 8) * 8
    return STATE_BYTES + 20 * (entries + 1) + weights + border + 8 + columns


def _conv_cycles(w, form: int, tile_h: int, tile_w: int) -> float:
    """About what the fast conv_2d takes."""
    size = -(-w[15] * w[16] * w[11] // 4) * 4
    out_h, out_w, out_c = w[12:15]
    reach_h, reach_w = (w[15] - 1) * w[19] + 1, (w[16] - 1) * w[20] + 1
    plane_h, plane_w = (tile_h - 1) * w[17] + reach_h, (tile_w - 1) * w[18] + reach_w
    widths = [min(tile_w, out_w - x) for x in range(0, out_w, tile_w)]
    if form & PLANES:
        tiles = -(-out_h // (4 * tile_h)) * len(widths)
        groups = -(-out_h // (4 * tile_h)) * tile_h * out_w
        packing = tiles * plane_h * (plane_w * w[11] * 19 + 200)
    else:
        heights = [min(tile_h, out_h - y) for y in range(0, out_h, tile_h)]
        tiles = len(heights) * len(widths)
        groups = sum(-(-h * v // 4) for h in heights for v in widths)
        packing = groups * (size * 19 + 40 * w[15] + 200)
    runs = w[15] if form & PLANES else 1
    if form & PATCHED:
        group, channel, packing = size * 9.5 + 33 + 2 * runs, size * 10.25 + 300, packing + size * 11
    else:
        group, channel = size * 10.7 + 23 + 13 * runs, size * 4.25 + 300
    return tiles * (out_c * channel + 2500) + out_c * groups * group + packing


def flat(w) -> list[int]:
    """The words of a 1 x 1 convolution as of an image of one row: any number of pixels is then a tile."""
    pixels = w[8] * w[9] * w[10]
    return [*w[:8], 1, 1, pixels, w[11], 1, pixels, *w[14:]]


def conv_tiles(w, split: bool) -> list[tuple[float, int, int, int]]:
    """(about cycles, scratch bytes, form, tile_h << 16 | tile_w): every useful tile, the fastest first."""
    form = SPLIT_FORM if split else 0
    if w[15:19] == [1, 1, 1, 1] and not w[21] and not w[22]:
        form, w = form | FLAT, flat(w)
    out_h, out_w = w[12], w[13]
    widths = {-(-(-(-out_w // n)) // 4) * 4 for n in range(1, min(out_w, 200) + 1)} | {
        -(-out_w // n) for n in range(1, min(out_w, 200) + 1)
    }
    heights = {-(-out_h // n) for n in range(1, out_h + 1)}
    found = {(form, 1, min(v, out_w)) for v in widths} | {(form, h, out_w) for h in heights}
    if (
        not split
        and w[15] * w[16] > 1
        and w[11] % 2 == 0
        and w[16] * w[11] % 4 == 0
        and w[16] * w[11] >= 16
        and w[20] == 1
    ):
        found |= {(1, 1, min(v, out_w)) for v in widths} | {
            (1, -(-out_h // (4 * n)), out_w) for n in range(1, out_h + 1)
        }
    if not split:
        found |= {(p | PATCHED, h, v) for p, h, v in found}
    return sorted((_conv_cycles(w, p, h, v), conv_scratch(w, p, h, v), p, h << 16 | v) for p, h, v in found)


# ---- the forms


def conv_2d(layer: Layer) -> Fast | None:
    """Two pixels a multiplication; a tile of columns or planes in scratch."""
    entries = _table(layer)
    two_runs = split(layer.rows)
    entries["kind"] |= np.where(two_runs, SPLIT, 0).astype(np.uint8)
    at = layer.constants.add(entries)
    tiles = conv_tiles(layer.list(), two_runs.any())
    return Fast({30: at}, tuple((size, {29: form, 31: tile}) for _, size, form, tile in tiles))


def conv_2d_int4(layer: Layer) -> Fast:
    """As conv_2d, a channel's weights of four bits unpacked in scratch before they are used. Where a channel has no short
    requantizer, its entry holds the multiplier and the shifts where the channel table has them."""
    entries = _table(layer)
    for entry, channel in zip(entries, layer.channels):
        if not entry["kind"]:
            entry["c"], entry["m1"] = channel["m"], int(channel["l"]) | int(channel["r"]) << 8
    at = layer.constants.add(entries)
    tiles = conv_tiles(layer.list(), False)
    return Fast({30: at}, tuple((size, {29: form, 31: tile}) for _, size, form, tile in tiles))


def depthwise_conv_2d(layer: Layer) -> Fast | None:
    """3 x 3 windows, a plane of one channel in scratch."""
    w = layer.words
    if (w[15], w[16], w[19], w[20]) != (3, 3, 1, 1) or w[18] > 13:
        return None
    kinds = depthwise_kinds(layer.rows.reshape(len(layer.rows), 3, 3), w[18])
    if kinds is None:
        return None
    entries = _table(layer)
    entries["kind"] |= kinds
    at = layer.constants.add(entries)
    return Fast({30: at}, tuple((size, {31: tile}) for size, tile in depthwise_options(layer.list())))


_FULLY_CONNECTED_PAIRS = 168  # of inputs at a time: 12 bytes each


def fully_connected_stored(layer: Layer) -> Fast:
    """Weights in pairs, instead of rows, with the channel table that belongs to them; a table of inputs in scratch."""
    w, k = layer.words, layer.constants
    channels = np.zeros(-(-len(layer.rows) // 2) * 2, layer.channels.dtype)
    channels[: len(layer.rows)] = layer.channels
    channels["k"][: len(layer.rows)] = layer.first & 0xFFFFFFFF
    rows = layer.rows[:, : w[11]]
    words = {
        27: k.add(in_pairs(rows), lambda first, last: np.frombuffer(in_pairs(rows[first:last]), np.uint8)),
        28: k.add(channels, lambda first, last: channels[first : last + (last - first) % 2]),
        29: 1,
    }
    pairs = -(-w[11] // 2)
    # A part of the inputs, or a group of channels, costs a call; 2 kB of scratch are a lot to a network that needs little.
    # Pieces of a cut layer make the table once, if it holds all inputs; parts every time, but for one (thumb/dense.py).
    blocks = -(-len(channels) // 6)
    fewest = max(2, -(-pairs // _FULLY_CONNECTED_PAIRS))
    cuts = [(pairs, -(-blocks // n)) for n in range(-(-blocks // 16), -(-blocks // 16) + 8)]
    cuts += [(-(-pairs // n), blocks) for n in range(fewest, fewest + 16)]
    options = tuple(
        (fully_connected_scratch(layer.list(), c << 16 | part), {31: c << 16 | part}) for part, c in dict.fromkeys(cuts)
    )
    return Fast({**words, 30: words[28]}, options, 2)


def fully_connected_int4(layer: Layer) -> Fast:
    """Weights and channels as they are; a table of some eights of inputs in scratch."""
    w = layer.words
    eights = -(-w[11] // 8)
    parts = sorted({-(-eights // n) for n in range(1, min(eights, 40) + 1)}, reverse=True)  # a part costs a call
    useful: list[tuple[int, dict[int, int]]] = []
    for part in parts:
        size = fully_connected_scratch(layer.list(), 4 * part)
        if not useful or size < useful[-1][0]:
            useful.append((size, {31: 4 * part}))
    return Fast({30: w[28]}, tuple(useful))


def in_pairs(rows: np.ndarray) -> bytes:
    """Weights int8[channels, inputs] as FORMAT.md stores them in pairs."""
    channels, inputs = -(-rows.shape[0] // 2), -(-rows.shape[1] // 2)
    padded = np.full((2 * channels, 2 * inputs), 128, np.uint8)
    padded[: rows.shape[0], : rows.shape[1]] = rows.view(np.uint8) ^ 0x80
    words = padded.reshape(channels, 2, inputs, 2).transpose(0, 2, 1, 3)
    return b"".join(words[c : c + 3].transpose(1, 0, 2, 3).tobytes() for c in range(0, channels, 3))


def fully_connected_scratch(w, tile: int) -> int:
    """Bytes of scratch of the fast fully_connected: state, a table of pairs of inputs, accumulators of blocks of six."""
    if w[34]:  # of eights of inputs; accumulators of all channels where the inputs come in parts
        part = (tile & 0xFFFF) + 3 >> 2
        return 84 + 16 * part + (4 * w[14] if 8 * part < w[11] else 0)
    return 76 + 12 * (tile & 0xFFFF) + 8 * min(3 * (tile >> 16), -(-w[14] // 2))


def scratch_bytes(kernel: str, words) -> int:
    """Bytes of scratch of a record with a fast form."""
    tile = words[31] >> 16, words[31] & 0xFFFF
    if kernel == "depthwise_conv_2d":
        return depthwise_scratch(words, *tile)
    if kernel == "fully_connected":
        return fully_connected_scratch(words, words[31])
    return conv_scratch(flat(words) if words[29] & FLAT else words, words[29], *tile)


def constants(kernel: str, words) -> list[tuple[int, int]]:
    """(offset, bytes) of the fast table."""
    return [] if kernel == "fully_connected" else [(words[30], 16 * words[14])]


def access(kernel: str, words):
    """(words, band_h, tile_w): the order in which the fast form reads and writes, as overlap.tiles_lag takes it."""
    tile_h, tile_w = words[31] >> 16, words[31] & 0xFFFF
    if kernel == "depthwise_conv_2d":
        return words, 2 * tile_h, tile_w
    if kernel != "conv_2d":
        return None
    return (flat(words) if words[29] & 2 else words), tile_h * (4 if words[29] & 1 else 1), tile_w


def options(kernel: str, words) -> tuple:
    """The options of a record that has the fast form, for other rows than it was made for (stripes)."""
    if kernel == "depthwise_conv_2d":
        return tuple((size, {31: tile}) for size, tile in depthwise_options(words))
    tiles = conv_tiles(words, bool(words[29] & SPLIT_FORM))
    return tuple((size, {29: form, 31: tile}) for _, size, form, tile in tiles)


def cycles(kernel: str, words) -> float | None:
    """About what the fast form takes, to choose between options."""
    tile_h, tile_w = words[31] >> 16, words[31] & 0xFFFF
    if kernel == "conv_2d":
        return _conv_cycles(flat(words) if words[29] & FLAT else words, words[29], tile_h, tile_w)
    if kernel != "depthwise_conv_2d":
        return None
    out_h, out_w, out_c = words[12:15]
    tiles = -(-out_h // (2 * tile_h)) * -(-out_w // tile_w)
    plane = ((tile_h - 1) * words[17] + 3) * ((tile_w - 1) * words[18] + 3)
    return tiles * (4000 + out_c * (300 + 12 * plane + tile_h * tile_w * (70 + 40)))


def how(kernel: str, words) -> str:
    """How these kernels run a record, where it is not the fastest way; "" where it is."""
    if kernel == "conv_2d" and words[29] & SPLIT_FORM:
        return "some channels twice: neighbouring weights of -128"
    if kernel != "depthwise_conv_2d" or words[30]:
        return ""
    if (words[15], words[16], words[19], words[20]) != (3, 3, 1, 1):
        return f"a tap at a time: window {words[15]}x{words[16]}, dilation {words[19]}x{words[20]}"
    return "a tap at a time: " + ("wide strides" if words[18] > 13 else "neighbouring weights of -128")
