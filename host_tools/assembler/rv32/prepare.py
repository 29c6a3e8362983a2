"""What the rv32 kernels (ESP32-C3, RP2350's RISC-V cores) need beyond the file's common part: a table of requantizers in
groups of channels (packed_table.py), tiles and scratch memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...record import BY_NAME, CONV, DENSE, DEPTHWISE, view
from ..layer import CHANNEL, Layer, Option, PackedVariant
from ..window import Window, in_tile, tile_halves
from .packed_table import ADDED, PRE, fits, in_groups, moved, reach, requantizer, slots_of, u32

# ---- conv_2d

_GROUP = 84


def conv_2d(layer: Layer) -> PackedVariant | None:
    """Four channels and three pixels at a time; their weights as lane words, and columns of a tile, in scratch."""
    window = layer.window
    if window.pointwise and window.pixels < 3:
        return fully_connected(layer)
    slots = slots_of(layer, 4)
    if slots is None:
        return None
    rows = layer.rows[slots["channel"]]  # [groups, 4, K4]
    windows = rows.reshape(len(slots), 4, -1, 4)
    over = ~np.all(fits(*reach(windows)), axis=1)  # [groups, windows]
    count = over.sum(1)
    sums = -(-(over.shape[1] - count) // 2) * 2 + 2 * count  # windows as the kernel adds them
    first = layer.first[slots["channel"]]
    head = np.zeros((len(slots), 4), np.int64)
    for pair in range(2):
        a, b = first[:, 2 * pair], first[:, 2 * pair + 1]
        head[:, 2 * pair] = a + (b << 16) - sums * ADDED
        head[:, 2 * pair + 1] = b + 256 * sums
    bits = np.zeros((len(slots), -(-over.shape[1] // 32) * 32), np.uint8)
    bits[:, : over.shape[1]] = over

    def record(group: int, first: int) -> bytes:
        bits_raw = np.packbits(bits[group], bitorder="little").tobytes()
        return u32(head[group]).tobytes() + moved(slots[group], first) + u32([count[group]]).tobytes() + bits_raw

    at = layer.constants.add(*in_groups(record, 4, len(layer.rows)))
    return PackedVariant(CONV.words(packed_offset=at), conv_options(window), 4)


def _padded_products(window: Window) -> int:
    """Products of an output, to a multiple of 4."""
    return -(-window.products // 4) * 4


def _groups(window: Window) -> int:
    """Groups of four channels."""
    return -(-window.out_c // 4)


def _conv_scratch(window: Window, block: int, tile: int) -> int:
    """Bytes of scratch: columns of a tile, streams of a block, and a line for what is copied byte by byte."""
    size = _padded_products(window)
    return -(-tile // 3) * 3 * size + block * (8 + 36 * (size // 4 + 1)) + size


def _conv_instructions(window: Window, block: int, tile: int) -> float:
    """About what the kernel executes."""
    size, groups = _padded_products(window), _groups(window)
    tiles = -(-window.pixels // tile)
    threes = tiles * -(-tile // 3)
    columns = threes * 3 * (size * (0.8 if window.in_c % 4 == 0 else 4.5) + 30 * window.kernel_h + 50)
    expand = (1 if block == groups else tiles) * groups * (16 * size + 90)
    return columns + expand + threes * (groups * (22.4 * size + 210) + -(-groups // block) * 40)


def conv_options(window: Window) -> tuple[Option, ...]:
    """Groups of channels per block, pixels per tile: the fastest first, none both larger and slower."""
    pixels, groups = window.pixels, _groups(window)
    tiles = (
        {1}
        if pixels < 3
        else {pixels} | {min(-(-(-(-pixels // n)) // 3) * 3, pixels) for n in range(1, min(pixels, 400) + 1)}
    )
    tiles |= {rows * window.out_w for rows in range(1, window.out_h) if rows * window.out_w % 3 == 0}
    blocks = {-(-groups // n) for n in range(1, groups + 1)}
    found = sorted((_conv_instructions(window, b, t), _conv_scratch(window, b, t), b, t) for b in blocks for t in tiles)
    options: list[Option] = []
    for _, scratch, block, tile in found:
        if not options or scratch < options[-1][0]:
            options.append((scratch, CONV.words(variant_form=block, tile=tile)))
    return tuple(options)


# ---- fully_connected

_DENSE_GROUP = 160
_ENTRY = 20


def _segments(window: Window) -> int:
    """Segments of 16 inputs."""
    return -(-window.in_c // 16)


def fully_connected(layer: Layer) -> PackedVariant | None:
    """Eight channels at a time, the weights where they lie; a table of the inputs in scratch."""
    slots = slots_of(layer, 8)
    if slots is None:
        return None
    window = layer.window
    rows = np.zeros((len(layer.rows), 16 * _segments(window)), np.int8)
    rows[:, : layer.rows.shape[1]] = layer.rows
    channel_fits = np.all(fits(*reach(rows.reshape(len(rows), -1, 4, 4))), axis=2)
    fit = np.all(channel_fits[slots["channel"]], axis=1)  # [groups, segments]
    sums = 8 * fit.shape[1] - 4 * fit.sum(1)  # a window as a whole, or in two
    first = layer.first[slots["channel"]] + 256 * sums[:, None]
    flags = np.zeros((len(slots), -(-fit.shape[1] // 4) * 4), np.uint8)
    flags[:, : fit.shape[1]] = ~fit

    def record(group: int, first_channel: int) -> bytes:
        return u32(first[group]).tobytes() + moved(slots[group], first_channel) + flags[group].tobytes()

    at = layer.constants.add(*in_groups(record, 8, len(layer.rows)))
    option = _dense_scratch(window), DENSE.words(variant_form=0)
    return PackedVariant(DENSE.words(packed_offset=at), (option,), 8)


def _dense_scratch(window: Window) -> int:
    return 4 * _ENTRY * _segments(window)


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


def depthwise_conv_2d(layer: Layer) -> PackedVariant | None:
    """A tile of eight channels with its padding in scratch, a strip of outputs down a column at a time."""
    window = layer.window
    options = depthwise_options(window)
    slots = slots_of(layer, 1) if options else None
    if slots is None:
        return None
    low, high = reach(layer.rows)
    table = np.zeros(len(layer.rows), _CHANNEL)
    for o, slot in enumerate(slots[:, 0]):
        table[o] = (0, slot["multiplier"], slot["c"], slot["pre"], slot["shift"], slot["fix"], 0)
        if layer.clamps == (-128, 127):
            c = int(slot["c"]) + (128 << int(slot["shift"]))
            q = (int(layer.first[o] + high[o]) << int(slot["pre"])) * int(slot["multiplier"]) >> 32
            if max(q, 0) + c < 1 << 31:
                table["c"][o] = c
                # A minimum at the zero point: what is below 0 gives it, rounded either way.
                table["form"][o] = 2 if slot["fix"] == 0 or layer.y_zero_point == -128 else 1
    if window.stride_h != 1 or not window.three_by_three:
        table["c"], table["form"] = slots["c"][:, 0], 0
    table["first"] = u32(layer.first).view("<i4")
    return PackedVariant(DEPTHWISE.words(packed_offset=layer.constants.add(table)), options)


def _depthwise_scratch(window: Window, tile_h: int) -> int:
    plane_h = (tile_h - 1) * window.stride_h + window.reach_h
    return plane_h * _PIXELS * 8 + (0 if window.three_by_three else 4 * window.kernel_h * window.kernel_w)


def _depthwise_instructions(window: Window, tile_h: int, tile_w: int) -> float:
    """About what the kernel executes."""
    w = window
    tiles = -(-w.out_h // tile_h) * -(-w.out_w // tile_w)
    plane_h, plane_w = w.seen(tile_h, tile_w)
    if w.three_by_three:
        output = 33 if w.stride_h == 1 else 39
    else:
        output = 25 + w.kernel_h * (6 + 7 * w.kernel_w)
    packed = plane_h * (10 + plane_w * (7 if w.in_c % 8 == 0 else 20)) / 8
    return w.batches * tiles * (40 * plane_h + w.in_c * packed + w.out_c * (70 + tile_w * (22 + tile_h * output)))


def depthwise_options(window: Window) -> tuple[Option, ...]:
    """The fastest first; none where a row of the window is longer than the plane's."""
    if window.reach_w > _PIXELS:
        return ()
    out_h, out_w = window.out_h, window.out_w
    across = -(-out_w // min(out_w, (_PIXELS - window.reach_w) // window.stride_w + 1))
    tile_w = -(-out_w // across)
    heights = sorted({-(-out_h // n) for n in range(1, out_h + 1)}, reverse=True)
    return tuple((_depthwise_scratch(window, h), DEPTHWISE.words(tile=in_tile(h, tile_w))) for h in heights)


# ---- the interface of targets.Target


options = None  # no stripes


def _dense(kernel: str, words: Sequence[int]) -> bool:
    """Whether the kernel of fully_connected runs a record; it takes a conv_2d of one or two pixels, too."""
    return kernel == "fully_connected" or kernel == "conv_2d" and not words[CONV.variant_form]


def scratch_bytes(kernel: str, words: Sequence[int]) -> int:
    """Bytes of scratch of a record with a packed variant."""
    window, r = Window.of(words), view(kernel, words)
    if _dense(kernel, words):
        return _dense_scratch(window)
    if kernel == "depthwise_conv_2d":
        return _depthwise_scratch(window, tile_halves(r.tile)[0])
    return _conv_scratch(window, r.variant_form, r.tile)


def constants(kernel: str, words: Sequence[int]) -> list[tuple[int, int]]:
    """(offset, bytes) of the packed variant's table; one that cannot be where the record's tile would not do."""
    window, r = Window.of(words), view(kernel, words)
    if kernel == "depthwise_conv_2d":
        tile_h, tile_w = tile_halves(r.tile)
        row = (tile_w - 1) * window.stride_w + window.reach_w
        return [(r.packed_offset, _CHANNEL.itemsize * r.out_c)] if tile_h > 0 < tile_w and row <= _PIXELS else [(-1, 0)]
    if _dense(kernel, words):
        # The last row is read to the end of its segment.
        read = (window.out_c - 1) * (-(-window.in_c // 4) * 4) + 16 * _segments(window)
        group = _DENSE_GROUP + -(-_segments(window) // 4) * 4
        return [(r.packed_offset, -(-window.out_c // 8) * group), (r.weights_offset, read)]
    if not (r.variant_form >= 1 and (r.tile == 1 or 3 <= r.tile <= window.pixels)):
        return [(-1, 0)]
    return [(r.packed_offset, _groups(window) * (_GROUP + -(-_padded_products(window) // 128) * 4))]


def order(kernel: str, words: Sequence[int]) -> tuple[Window, int, int] | None:
    """(window, band_h, tile_w) of the order in which the packed variant reads and writes; None: another."""
    window, r = Window.of(words), view(kernel, words)
    if kernel == "depthwise_conv_2d":
        return window, *tile_halves(r.tile)
    if kernel != "conv_2d" or _dense(kernel, words):
        return None
    tile, out_w = r.tile, window.out_w
    if window.pixels % tile in (1, 2) and tile > 2:  # the last tile reads some inputs again
        return None
    if window.pointwise:
        return window.in_a_row(), 1, tile
    if window.batches != 1:
        return None
    if tile % out_w == 0:
        return window, tile // out_w, out_w
    return (window, 1, tile) if out_w % tile == 0 else None


def cycles(kernel: str, words: Sequence[int]) -> float | None:
    """About the instructions that the packed variant executes, to choose between options."""
    window, r = Window.of(words), view(kernel, words)
    if kernel == "depthwise_conv_2d":
        return _depthwise_instructions(window, *tile_halves(r.tile))
    if kernel == "conv_2d" and not _dense(kernel, words):
        return _conv_instructions(window, r.variant_form, r.tile)
    return None


def how(kernel: str, words: Sequence[int]) -> str:
    """Nothing: these kernels have one way to run a record."""
    return ""


def why_not(kernel: str, words: Sequence[int], constants: bytes) -> str:
    """What keeps a record of weights in rows from a packed variant: its window, or the channel that has no requantizer."""
    if not BY_NAME[kernel].cuttable:
        return ""
    if kernel == "depthwise_conv_2d" and Window.of(words).reach_w > _PIXELS:
        return f"a window of more than {_PIXELS} columns"
    r = view(kernel, words)
    return _channel_in_the_way(kernel, words, constants) if constants and not r.weights_format else ""


def _channel_in_the_way(kernel: str, words: Sequence[int], constants: bytes) -> str:
    """Which channel has no requantizer, of a record without packed variant; "" where all have one, or weights are not in
    rows."""
    w, r = Window.of(words), view(kernel, words)
    depthwise = kernel == "depthwise_conv_2d"
    if kernel == "fully_connected" and r.weights_layout:
        return ""
    size = w.kernel_h * w.kernel_w if depthwise else w.products
    pitch = size if depthwise else -(-size // 4) * 4
    rows = np.frombuffer(constants, np.uint8, w.out_c * pitch, r.weights_offset).astype(np.int64) - 128
    rows = rows.reshape(size, w.out_c).T if depthwise else rows.reshape(w.out_c, pitch)[:, :size]
    table = np.frombuffer(constants, np.uint8, CHANNEL.itemsize * w.out_c, r.channels_offset).view(CHANNEL)
    low, high = reach(rows)
    # the first word leaves out that x counts from -128, and for depthwise its zero point
    first = table["k"].astype(np.int64) - rows.sum(1) * r.x_zero_point if depthwise else table["k"] + 128 * rows.sum(1)
    first = (first + (1 << 31)) % (1 << 32) - (1 << 31)
    for o, entry in enumerate(table):
        m, left, right = (int(entry[name]) for name in "mlr")
        ends = int(first[o] + low[o]), int(first[o] + high[o])
        if requantizer(m, left, right, *ends, r.y_zero_point, (r.clamp_min, r.clamp_max)) is None:
            if not -(1 << 31) <= ends[0] << left + PRE <= ends[1] << left + PRE < 1 << 31:
                shifted = f", shifted to the left by {left}" if left else ""
                return f"a sum may reach 2^29: channel {o}, {ends[0]:,} to {ends[1]:,}{shifted}"
            return f"a scale is far off: channel {o}, right_shift {right}, zero point {r.y_zero_point}"
    return ""
