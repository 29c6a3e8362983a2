"""What the thumb kernels (RP2040 and other ARMs) need beyond the file's common part: a table of short requantizers
(packed_table.py), weights in pairs, tiles and scratch memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...record import BY_NAME, CONV, DENSE, DEPTHWISE, view
from ..layer import Layer, Option, PackedVariant
from ..window import Window, in_tile, tile_halves
from .packed_table import ENTRY, SPLIT, depthwise_kinds, split, table

# ---- depthwise_conv_2d

_PLANE_COLUMNS = 16  # words a row of the plane
_DEPTHWISE_STATE = 168 + 60 + 8  # state, alignment to 64, what the last row has beyond 16 columns
_WINDOW = 3  # rows and columns of the only window it takes
_MOST_STRIDE_W = _PLANE_COLUMNS - _WINDOW  # so that a row of the plane has two windows


def _depthwise_scratch(window: Window, tile_h: int, tile_w: int) -> int:
    """Bytes of scratch of the packed depthwise_conv_2d: state, plane, accumulators, a list of output rows."""
    lists = 24 if tile_w >= window.out_w else 24 * tile_h  # one entry a lane where a tile's rows follow each other
    plane_h = (tile_h - 1) * window.stride_h + _WINDOW
    return _DEPTHWISE_STATE + plane_h * 4 * _PLANE_COLUMNS + tile_h * tile_w * 8 + lists


def _depthwise_options(window: Window) -> tuple[Option, ...]:
    """The fastest first: tiles as wide as the plane's rows allow."""
    out_h, out_w, stride = window.out_h, window.out_w, window.stride_w
    across = -(-out_w // min(out_w, (_PLANE_COLUMNS - _WINDOW) // stride + 1, _PLANE_COLUMNS // stride))
    tile_w = -(-out_w // across)
    heights = sorted({-(-out_h // (2 * n)) for n in range(1, out_h + 1)}, reverse=True)
    return tuple((_depthwise_scratch(window, h, tile_w), DEPTHWISE.words(tile=in_tile(h, tile_w))) for h in heights)


def _depthwise_cycles(window: Window, tile_h: int, tile_w: int) -> float:
    """About what the packed depthwise_conv_2d takes."""
    tiles = -(-window.out_h // (2 * tile_h)) * -(-window.out_w // tile_w)
    plane = ((tile_h - 1) * window.stride_h + _WINDOW) * ((tile_w - 1) * window.stride_w + _WINDOW)
    return tiles * (4000 + window.out_c * (300 + 12 * plane + tile_h * tile_w * (70 + 40)))


def depthwise_conv_2d(layer: Layer) -> PackedVariant | None:
    """3 x 3 windows, a plane of one channel in scratch."""
    w = layer.window
    if not w.three_by_three or w.stride_w > _MOST_STRIDE_W:
        return None
    kinds = depthwise_kinds(layer.rows.reshape(len(layer.rows), 3, 3), w.stride_w)
    if kinds is None:
        return None
    entries = table(layer)
    entries["kind"] |= kinds
    return PackedVariant(DEPTHWISE.words(packed_offset=layer.constants.add(entries)), _depthwise_options(w))


# ---- conv_2d

_STATE_BYTES = 136
PLANES, FLAT, TWO_RUNS, PATCHED = 1, 2, 4, 8  # bits of the word variant_form


def _padded_products(window: Window) -> int:
    """Products of an output, to a multiple of 4."""
    return -(-window.products // 4) * 4


def _conv_scratch(window: Window, four_bits: bool, form: int, tile_h: int, tile_w: int) -> int:
    """Bytes of scratch of the packed conv_2d (FORMAT.md, conv_2d)."""
    size = _padded_products(window)
    plane_h, plane_w = window.seen(tile_h, tile_w)
    if form & PLANES:
        groups = tile_h * tile_w
        entries = max(groups, plane_h)
        border, columns = plane_w * window.in_c, plane_h * plane_w * window.in_c * 8
    else:
        entries = groups = -(-tile_h * tile_w // 4)
        border, columns = plane_h * plane_w * window.in_c if window.padded else 0, groups * size * 8
    weights = (8 if form & TWO_RUNS else 4) * size
    if form & PATCHED:  # code instead of weights: 60 bytes for 4, 4 for the end of a run
        weights = 15 * size + 4 * (window.kernel_h if form & PLANES else 1)
    if four_bits:  # a channel's weights of four bits as bytes
        weights += -(-size // 8) * 8
    return _STATE_BYTES + 20 * (entries + 1) + weights + border + 8 + columns


def _conv_cycles(window: Window, form: int, tile_h: int, tile_w: int) -> float:
    """About what the packed conv_2d takes."""
    size = _padded_products(window)
    out_h, out_w, out_c = window.out_h, window.out_w, window.out_c
    plane_h, plane_w = window.seen(tile_h, tile_w)
    widths = [min(tile_w, out_w - x) for x in range(0, out_w, tile_w)]
    if form & PLANES:
        tiles = -(-out_h // (4 * tile_h)) * len(widths)
        groups = -(-out_h // (4 * tile_h)) * tile_h * out_w
        packing = tiles * plane_h * (plane_w * window.in_c * 19 + 200)
    else:
        heights = [min(tile_h, out_h - y) for y in range(0, out_h, tile_h)]
        tiles = len(heights) * len(widths)
        groups = sum(-(-h * v // 4) for h in heights for v in widths)
        packing = groups * (size * 19 + 40 * window.kernel_h + 200)
    runs = window.kernel_h if form & PLANES else 1
    if form & PATCHED:
        group, channel, packing = size * 9.5 + 33 + 2 * runs, size * 10.25 + 300, packing + size * 11
    else:
        group, channel = size * 10.7 + 23 + 13 * runs, size * 4.25 + 300
    return tiles * (out_c * channel + 2500) + out_c * groups * group + packing


def _conv_options(window: Window, four_bits: bool, two_runs: bool) -> tuple[Option, ...]:
    """Every useful tile in every form, the fastest first."""
    form = TWO_RUNS if two_runs else 0
    if window.pointwise:
        form, window = form | FLAT, window.in_a_row()
    out_h, out_w, row = window.out_h, window.out_w, window.kernel_w * window.in_c
    parts = [-(-out_w // n) for n in range(1, min(out_w, 200) + 1)]
    widths = {-(-part // 4) * 4 for part in parts} | set(parts)
    found = {(form, 1, min(w, out_w)) for w in widths} | {(form, -(-out_h // n), out_w) for n in range(1, out_h + 1)}
    in_planes = window.kernel_h * window.kernel_w > 1 and window.in_c % 2 == 0 and row % 4 == 0 and row >= 16
    if not two_runs and in_planes and window.dilation_w == 1:
        found |= {(PLANES, 1, min(w, out_w)) for w in widths}
        found |= {(PLANES, -(-out_h // (4 * n)), out_w) for n in range(1, out_h + 1)}
    if not two_runs:
        found |= {(form | PATCHED, h, w) for form, h, w in found}
    return tuple(
        (size, CONV.words(variant_form=form, tile=tile))
        for _, size, form, tile in sorted(
            (_conv_cycles(window, form, h, w), _conv_scratch(window, four_bits, form, h, w), form, in_tile(h, w))
            for form, h, w in found
        )
    )


def conv_2d(layer: Layer) -> PackedVariant:
    """Two pixels a multiplication; a tile of columns or planes in scratch."""
    entries = table(layer)
    two_runs = split(layer.rows)
    entries["kind"] |= np.where(two_runs, SPLIT, 0).astype(np.uint8)
    at = layer.constants.add(entries)
    return PackedVariant(CONV.words(packed_offset=at), _conv_options(layer.window, False, bool(two_runs.any())))


def conv_2d_int4(layer: Layer) -> PackedVariant:
    """As conv_2d, a channel's weights of four bits unpacked in scratch before they are used. Where a channel has no short
    requantizer, its entry holds the multiplier and the shifts where the channel table has them."""
    entries = table(layer)
    for entry, channel in zip(entries, layer.channels):
        if not entry["kind"]:
            entry["c"], entry["m1"] = channel["m"], int(channel["l"]) | int(channel["r"]) << 8
    at = layer.constants.add(entries)
    return PackedVariant(CONV.words(packed_offset=at), _conv_options(layer.window, True, False))


# ---- fully_connected

IN_PAIRS = 1  # word weights_layout: how its weights are stored
_PAIRS_AT_A_TIME = 168  # of inputs: 12 bytes each


def fully_connected_stored(layer: Layer) -> PackedVariant:
    """Weights in pairs, instead of rows, with the channel table that belongs to them; a table of inputs in scratch."""
    w, k = layer.window, layer.constants
    channels = np.zeros(-(-len(layer.rows) // 2) * 2, layer.channels.dtype)
    channels[: len(layer.rows)] = layer.channels
    channels["k"][: len(layer.rows)] = layer.first & 0xFFFFFFFF
    rows = layer.rows[:, : w.in_c]
    weights_offset = k.add(_in_pairs(rows), lambda first, last: _in_pairs(rows[first:last]))
    channels_offset = k.add(channels, lambda first, last: channels[first : last + (last - first) % 2])
    words = DENSE.words(weights_offset=weights_offset, channels_offset=channels_offset, weights_layout=IN_PAIRS,
                        packed_offset=channels_offset)  # fmt: skip
    pairs = -(-w.in_c // 2)
    # A part of the inputs, or a group of channels, costs a call; 2 kB of scratch are a lot to a network that needs little.
    # Pieces of a cut layer make the table once, if it holds all inputs; parts every time, but for one (thumb/dense.py).
    blocks = -(-len(channels) // 6)
    fewest = max(2, -(-pairs // _PAIRS_AT_A_TIME))
    cuts = [(pairs, -(-blocks // n)) for n in range(-(-blocks // 16), -(-blocks // 16) + 8)]
    cuts += [(-(-pairs // n), blocks) for n in range(fewest, fewest + 16)]
    tiles = [in_tile(c, part) for part, c in dict.fromkeys(cuts)]
    return PackedVariant(words, tuple((_pairs_scratch(w, tile), DENSE.words(tile=tile)) for tile in tiles), 2)


def _in_pairs(rows: np.ndarray) -> bytes:
    """Weights int8[channels, inputs] as FORMAT.md stores them in pairs."""
    channels, inputs = -(-rows.shape[0] // 2), -(-rows.shape[1] // 2)
    padded = np.full((2 * channels, 2 * inputs), 128, np.uint8)
    padded[: rows.shape[0], : rows.shape[1]] = rows.view(np.uint8) ^ 0x80
    words = padded.reshape(channels, 2, inputs, 2).transpose(0, 2, 1, 3)
    return b"".join(words[c : c + 3].transpose(1, 0, 2, 3).tobytes() for c in range(0, channels, 3))


def _pairs_scratch(window: Window, tile: int) -> int:
    """Bytes: state, a table of pairs of inputs, accumulators of blocks of six channels."""
    blocks, pairs = tile_halves(tile)
    return 76 + 12 * pairs + 8 * min(3 * blocks, -(-window.out_c // 2))


def fully_connected_int4(layer: Layer) -> PackedVariant:
    """Weights and channels as they are; a table of some eights of inputs in scratch."""
    w = layer.window
    eights = -(-w.in_c // 8)
    parts = sorted({-(-eights // n) for n in range(1, min(eights, 40) + 1)}, reverse=True)  # a part costs a call
    useful: list[Option] = []
    for part in parts:
        size = _eights_scratch(w, 4 * part)
        if not useful or size < useful[-1][0]:
            useful.append((size, DENSE.words(tile=4 * part)))
    return PackedVariant(DENSE.words(packed_offset=layer.words[DENSE.channels_offset]), tuple(useful))


def _eights_scratch(window: Window, tile: int) -> int:
    """Bytes: state, a table of eights of inputs; accumulators of all channels where the inputs come in parts."""
    part = tile_halves(tile)[1] + 3 >> 2
    return 84 + 16 * part + (4 * window.out_c if 8 * part < window.in_c else 0)


# ---- the interface of targets.Target


def scratch_bytes(kernel: str, words: Sequence[int]) -> int:
    """Bytes of scratch of a record with a packed variant."""
    window, r = Window.of(words), view(kernel, words)
    if kernel == "depthwise_conv_2d":
        return _depthwise_scratch(window, *tile_halves(r.tile))
    if kernel == "fully_connected":
        return _eights_scratch(window, r.tile) if r.weights_format else _pairs_scratch(window, r.tile)
    window = window.in_a_row() if r.variant_form & FLAT else window
    return _conv_scratch(window, bool(r.weights_format), r.variant_form, *tile_halves(r.tile))


def constants(kernel: str, words: Sequence[int]) -> list[tuple[int, int]]:
    """(offset, bytes) of the packed variant's table."""
    r = view(kernel, words)
    return [] if kernel == "fully_connected" else [(r.packed_offset, ENTRY.itemsize * r.out_c)]


def order(kernel: str, words: Sequence[int]) -> tuple[Window, int, int] | None:
    """(window, band_h, tile_w) of the order in which the packed variant reads and writes."""
    window, r = Window.of(words), view(kernel, words)
    tile_h, tile_w = tile_halves(r.tile)
    if kernel == "depthwise_conv_2d":
        return window, 2 * tile_h, tile_w
    if kernel != "conv_2d":
        return None
    window = window.in_a_row() if r.variant_form & FLAT else window
    return window, tile_h * (4 if r.variant_form & PLANES else 1), tile_w


def options(kernel: str, words: Sequence[int]) -> tuple[Option, ...]:
    """The options of a record that has the packed variant, for other rows than it was made for (stripes)."""
    window, r = Window.of(words), view(kernel, words)
    if kernel == "depthwise_conv_2d":
        return _depthwise_options(window)
    return _conv_options(window, bool(r.weights_format), bool(r.variant_form & TWO_RUNS))


def cycles(kernel: str, words: Sequence[int]) -> float | None:
    """About what the packed variant takes, to choose between options."""
    window, r = Window.of(words), view(kernel, words)
    if kernel == "depthwise_conv_2d":
        return _depthwise_cycles(window, *tile_halves(r.tile))
    if kernel == "conv_2d":
        window = window.in_a_row() if r.variant_form & FLAT else window
        return _conv_cycles(window, r.variant_form, *tile_halves(r.tile))
    return None


def how(kernel: str, words: Sequence[int]) -> str:
    """How these kernels run a record, where it is not their fastest way; "" where it is."""
    if not BY_NAME[kernel].cuttable:
        return ""
    r = view(kernel, words)
    if r.packed_offset:
        twice = kernel == "conv_2d" and r.variant_form & TWO_RUNS
        return "some channels twice: neighbouring weights of -128" if twice else ""
    if not Window.of(words).three_by_three:
        return f"a tap at a time: window {r.kernel_h}x{r.kernel_w}, dilation {r.dilation_h}x{r.dilation_w}"
    return "a tap at a time: " + ("wide strides" if r.stride_w > _MOST_STRIDE_W else "neighbouring weights of -128")


def why_not(kernel: str, words: Sequence[int], constants: bytes) -> str:
    """Nothing that record/variants.py could not say."""
    return ""
