"""What the Xtensa kernels (ESP32, ESP32-S3) need beyond the file's common part: an order, a tile, scratch memory.

The kernels read the same weights and channel table as every other backend, or a channel table of their own
(channel_table.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...record import BY_NAME, CONV, DENSE, DEPTHWISE, view
from ..layer import CHANNEL, Layer, Option, PackedVariant
from ..window import Window, in_tile, tile_halves
from .channel_table import marked, tamed

ROWS, COLUMNS, FLAT = 1, 2, 3  # word variant_form of conv_2d (FORMAT.md)
_STATE_BYTES = 172


def _add_table(layer: Layer, table: np.ndarray) -> int:
    """The word packed_offset: where the kernels' own channel table is; the weights' offset where it is the one of all."""
    return layer.words[CONV.weights_offset] if table is layer.channels else layer.constants.add(table)


# ---- conv_2d, and fully_connected of many rows of inputs


def _groups(window: Window) -> int:
    """Groups of 4 products of an output."""
    return -(-window.products // 4)


def _conv_scratch(window: Window, form: int, upper: int, lower: int) -> int:
    """Bytes: state, Y words, X words and what is read past their end, bytes of the padded image. upper, lower: the tile's
    halves, tile_h and tile_w; of FLAT those of a number of pixels."""
    groups = _groups(window)
    size = _STATE_BYTES + 8 * groups + 8 + 8
    if form == FLAT:
        return size + 8 * groups * in_tile(upper, lower)
    plane_h, plane_w = window.seen(upper, lower)
    if form == ROWS:
        return size + 2 * plane_h * (plane_w if window.padded else window.in_w) * window.in_c
    return size + 8 * groups * upper * lower + (plane_h * plane_w * window.in_c if window.padded else 0)


def _conv_instructions(window: Window, form: int, upper: int, lower: int) -> float:
    """About what a conv_2d or fully_connected takes."""
    w = window
    groups, out_c, pixels = _groups(w), w.out_c, w.pixels
    if form == FLAT:
        tiles, preparing, pixel = -(-pixels // in_tile(upper, lower)), 12 * groups * pixels, 4 * groups + 18
    else:
        tiles = w.batches * -(-w.out_w // lower) * -(-w.out_h // upper)
        plane_h, plane_w = w.seen(upper, lower)
        padding = tiles * plane_h * plane_w * w.in_c * (4 if w.in_c % 4 else 1) if w.padded else 0
        if form == ROWS:
            preparing = padding + 3 * tiles * plane_h * plane_w * w.in_c
            pixel = 4 * groups + 23 + 6 * w.kernel_h
        else:
            runs = w.kernel_h * (w.kernel_w if w.dilation_w > 1 else 1)
            preparing = padding + pixels * (16 * groups + 9 * runs + 20)
            pixel = 4 * groups + 18
    return tiles * (out_c * (12 * groups + 60) + 1500) + preparing + pixels * out_c * pixel


def _forms(window: Window) -> list[tuple[int, int, int]]:
    """(form, upper and lower half of the tile): all that a record can have."""
    w = window
    heights = {-(-w.out_h // n) for n in range(1, w.out_h + 1)}
    widths = {-(-w.out_w // n) for n in range(1, w.out_w + 1)}
    found = []
    if w.pointwise and w.in_c % 4 == 0:
        tiles = {-(-w.pixels // n) for n in range(1, min(w.pixels, 300) + 1)}
        found += [(FLAT, *tile_halves(pixels)) for pixels in tiles]
    else:
        found += [(COLUMNS, h, v) for h, v in {(h, w.out_w) for h in heights} | {(1, v) for v in widths}]
    if w.in_c % 4 == 0 and w.dilation_w == 1 and w.kernel_h * w.kernel_w > 1:
        found += [(ROWS, h, w.out_w) for h in heights]
    return [f for f in found if f[1] < 1 << 15 and f[2] < 1 << 16]


def _conv_options(window: Window) -> list[tuple[int, int, int]]:
    """(scratch bytes, form, tile): every useful one, the fastest first, none that is slower and larger."""
    options = sorted(
        (_conv_instructions(window, f, h, v), _conv_scratch(window, f, h, v), f, in_tile(h, v))
        for f, h, v in _forms(window)
    )
    best: list[tuple[int, int, int]] = []
    for _, size, form, tile in options:
        if not best or size < best[-1][0]:
            best.append((size, form, tile))
    return best


def conv_2d(layer: Layer) -> PackedVariant | None:
    """MAC16: X words of the tile's inputs, Y words of one channel's weights at a time."""
    table = marked(*tamed(layer))
    found = tuple((size, CONV.words(variant_form=f, tile=tile)) for size, f, tile in _conv_options(layer.window))
    return PackedVariant(CONV.words(packed_offset=_add_table(layer, table)), found) if found else None


def fully_connected(layer: Layer) -> PackedVariant | None:
    """The same: each row of inputs is a pixel. The form goes without saying: that word says how weights are stored."""
    table = marked(*tamed(layer))
    found = tuple((size, DENSE.words(tile=tile)) for size, _, tile in _conv_options(layer.window))
    return PackedVariant(DENSE.words(packed_offset=_add_table(layer, table)), found) if found else None


# ---- depthwise_conv_2d

# Lower half of the word tile: a product at a time; 3 x 3 with a stride of 1 or 2 in a line; words of two, any window.
GENERAL, LINES_ARE_ROWS, LINES_ARE_COLUMNS, TWO_IN_ROWS, TWO_IN_COLUMNS = 0, 1, 2, 3, 4
PAIRED, COLUMNS_FLAG, DOWN_FLAG = 8, 1, 2  # PAIRED + flags: lines are columns; the window's words down the lines
FOUR = 16  # + any but GENERAL: planes of four channels at a time
_DEPTHWISE_STATE_BYTES = 184
_WINDOW_STATE_BYTES = 200


def _lines_are_columns(form: int) -> bool:
    return bool(form & COLUMNS_FLAG) if form & PAIRED else form & 15 in (LINES_ARE_COLUMNS, TWO_IN_COLUMNS)


@dataclass(frozen=True)
class _Lines:
    """A depthwise window as a form sees it: along a line and across the lines."""

    out_across: int
    out_along: int
    kernel_across: int
    kernel_along: int
    stride_across: int
    stride_along: int
    dilation_across: int
    dilation_along: int

    @classmethod
    def of(cls, w: Window, form: int) -> _Lines:
        pairs = (
            (w.out_h, w.out_w),
            (w.kernel_h, w.kernel_w),
            (w.stride_h, w.stride_w),
            (w.dilation_h, w.dilation_w),
        )
        columns = _lines_are_columns(form)
        return cls(*(v for pair in pairs for v in (reversed(pair) if columns else pair)))

    @property
    def reach_across(self) -> int:
        return (self.kernel_across - 1) * self.dilation_across + 1

    @property
    def reach_along(self) -> int:
        return (self.kernel_along - 1) * self.dilation_along + 1

    def plane(self, lines: int) -> tuple[int, int]:
        """(lines, inputs per line) that so many lines of outputs see."""
        along = (self.out_along - 1) * self.stride_along + self.reach_along
        return (lines - 1) * self.stride_across + self.reach_across, along

    def runs(self, form: int) -> tuple[int, int]:
        """(runs of words of a window, words per run). With an odd stride every other window starts in the middle of a word."""
        words = self.reach_along // 2 + 1 if self.stride_along % 2 else (self.reach_along + 1) // 2
        return (words, self.reach_across) if form & DOWN_FLAG else (self.kernel_across, words)


def _depthwise_scratch(window: Window, form: int, lines: int) -> int:
    """Bytes: state, int16 weights, a plane of one channel and what is read past its end."""
    seen = _Lines.of(window, form)
    plane_lines, plane_along = seen.plane(lines)
    plane = plane_lines * _padded4(2 * plane_along) * (4 if form & FOUR else 1) + 16
    if not form & PAIRED:
        return _DEPTHWISE_STATE_BYTES + _padded4(2 * window.kernel_h * window.kernel_w) + plane
    runs, words = seen.runs(form)
    return _WINDOW_STATE_BYTES + (8 * runs + 4) * words + plane + (4 * plane_lines if form & DOWN_FLAG else 0)


def _padded4(n: int) -> int:
    return -(-n // 4) * 4


def _short(layer: Layer, table: np.ndarray) -> bool:
    """Whether every channel can be requantized the short way: right shifts of 1 to 21, no other clamps."""
    left, right = table["l"], table["r"]
    return not left.any() and bool(((right >= 1) & (right <= 21)).all()) and layer.clamps == (-128, 127)


def _depthwise_instructions(window: Window, form: int, lines: int) -> float:
    """About what a depthwise_conv_2d takes."""
    seen = _Lines.of(window, form)
    across, along = seen.out_across, seen.out_along
    tiles = -(-across // lines)
    copied_lines = across * seen.stride_across + tiles * (seen.reach_across - seen.stride_across)
    plane_along = seen.plane(1)[1]
    copied = copied_lines * (3 * plane_along + 10 if form & FOUR else 4.5 * plane_along + 14)
    if form == GENERAL:
        channel, line = 60 + 7 * window.kernel_h * window.kernel_w, 20
        output = window.kernel_h * (5 * window.kernel_w + 8) + 45
    elif form & PAIRED:
        runs, words = seen.runs(form)
        channel, line = 80 + seen.kernel_along * (12 + 9 * seen.kernel_across), 22
        output = 28 + runs * (2 * words + 5)
    else:
        channel, line, output = 120, 30, 20.5
        if form & 15 in (TWO_IN_ROWS, TWO_IN_COLUMNS):
            line, output = 34 + 26 * (along % 4), 20
    per_image = window.out_c * (tiles * channel + copied + across * (along * output + line)) + 1000 * tiles
    return window.batches * per_image


def _depthwise_forms(window: Window, short: bool, far: bool = False) -> list[tuple[int, int]]:
    """(form, lines at a time): all that a record can have. short: see _short; far: whether the table has marks."""
    forms = [PAIRED, PAIRED | COLUMNS_FLAG, PAIRED | DOWN_FLAG, PAIRED | COLUMNS_FLAG | DOWN_FLAG]
    if not far:
        forms.append(GENERAL)
    if short and window.three_by_three:
        rows, columns = {1: LINES_ARE_ROWS, 2: TWO_IN_ROWS}, {1: LINES_ARE_COLUMNS, 2: TWO_IN_COLUMNS}
        forms += [form for form in (rows.get(window.stride_w), columns.get(window.stride_h)) if form]
    if window.in_c % 4 == 0:
        forms += [form | FOUR for form in forms if form != GENERAL]
    lines = {form: _Lines.of(window, form).out_across for form in forms}
    return [
        (form, h) for form, n in lines.items() for h in {-(-n // parts) for parts in range(1, n + 1)} if h < 1 << 15
    ]


def depthwise_conv_2d(layer: Layer) -> PackedVariant | None:
    """MAC16 on the plane of one channel. The word tile: lines at a time * 65536 + form."""
    window = layer.window
    table, far = tamed(layer)
    found: list[Option] = []
    for _, size, form, lines in sorted(
        (_depthwise_instructions(window, f, n), _depthwise_scratch(window, f, n), f, n)
        for f, n in _depthwise_forms(window, not far and _short(layer, table), bool(far))
    ):
        if not found or size < found[-1][0]:
            found.append((size, DEPTHWISE.words(tile=in_tile(lines, form))))
    if not found:
        return None
    return PackedVariant(DEPTHWISE.words(packed_offset=_add_table(layer, marked(table, far))), tuple(found))


# ---- fully_connected of few rows of inputs


IN_TWOS = 2  # word weights_layout: how its weights are stored
_DENSE_STATE_BYTES = 56
_DENSE_ROWS = 5  # of more rows, one channel's weights unpacked for all of them are faster


def _dense_scratch(window: Window) -> int:
    """Bytes: state, a row of inputs prepared and what is read past its end."""
    return _DENSE_STATE_BYTES + 32 * -(-window.in_c // 16) + 8


def _in_twos(rows: np.ndarray) -> np.ndarray:
    """uint8[channels, inputs up to a multiple of 16] for int8 rows: w + 128 of even inputs, w itself of odd ones."""
    stored = np.zeros((len(rows), -(-rows.shape[1] // 16) * 16), np.int8)
    stored[:, : rows.shape[1]] = rows
    stored = stored.view(np.uint8).copy()
    stored[:, 0::2] ^= 128
    return stored


def fully_connected_stored(layer: Layer) -> PackedVariant | None:
    """Few rows of inputs: two weights a multiplication, read where they lie. The first word of a channel is that of
    x - 127 at odd inputs."""
    window, k = layer.window, layer.constants
    if window.in_h > _DENSE_ROWS:
        return None
    channels, far = tamed(layer)
    rows = layer.rows[:, : window.in_c]
    # tamed has moved the first word by as much as bias
    moved = channels["k"].astype(np.int64) - layer.channels["k"].astype(np.int64)
    channels = channels.copy()
    channels["k"] = moved + layer.first + 127 * rows[:, 1::2].astype(np.int64).sum(1) & 0xFFFFFFFF
    # The table after the weights: the kernel reads up to 8 bytes past them.
    weights_offset = k.add(_in_twos(rows), lambda first, last: _in_twos(rows[first:last]))
    channels_offset = k.add(channels)
    packed_offset = k.add(marked(channels, far)) if far else channels_offset
    words = DENSE.words(weights_offset=weights_offset, channels_offset=channels_offset, weights_layout=IN_TWOS,
                        packed_offset=packed_offset)  # fmt: skip
    return PackedVariant(words, ((_dense_scratch(window), DENSE.words(tile=0)),))


# ---- the interface of targets.Target


options = None  # no stripes


def _form(kernel: str, words: Sequence[int]) -> int:
    return words[CONV.variant_form] if kernel == "conv_2d" else COLUMNS if words[DENSE.in_c] % 4 else FLAT


def _in_twos_of(kernel: str, words: Sequence[int]) -> bool:
    return kernel == "fully_connected" and words[DENSE.weights_layout] == IN_TWOS


def every_option(kernel: str, words: Sequence[int], short: bool, far: bool = False) -> list[dict[int, int]]:
    """The words of every packed variant that a record can have, for tests; none where it can have none. short, far: as above."""
    window, r = Window.of(words), view(kernel, words)
    if kernel == "depthwise_conv_2d":
        return [
            DEPTHWISE.words(packed_offset=r.weights_offset, tile=in_tile(n, f))
            for f, n in _depthwise_forms(window, short, far)
        ]
    if _in_twos_of(kernel, words):
        return [DENSE.words(packed_offset=r.channels_offset)]
    if not r.weights_offset:
        return []
    return [
        CONV.words(packed_offset=r.weights_offset, variant_form=f if kernel == "conv_2d" else 0, tile=in_tile(h, v))
        for f, h, v in _forms(window)
    ]


def scratch_bytes(kernel: str, words: Sequence[int]) -> int:
    """Bytes of scratch of a record with a packed variant."""
    window = Window.of(words)
    upper, lower = tile_halves(view(kernel, words).tile)
    if kernel == "depthwise_conv_2d":
        return _depthwise_scratch(window, lower, upper)
    if _in_twos_of(kernel, words):
        return _dense_scratch(window)
    return _conv_scratch(window, _form(kernel, words), upper, lower)


def constants(kernel: str, words: Sequence[int]) -> list[tuple[int, int]]:
    """What the packed variants read that not every backend reads: a channel table of their own."""
    r = view(kernel, words)
    shared = r.packed_offset in (r.weights_offset, r.channels_offset)
    return [] if shared else [(r.packed_offset, CHANNEL.itemsize * r.out_c)]


def order(kernel: str, words: Sequence[int]) -> tuple[Window, int, int] | None:
    """(window, band_h, tile_w) of the order in which the packed variant reads and writes."""
    window = Window.of(words)
    upper, lower = tile_halves(view(kernel, words).tile)
    if kernel == "depthwise_conv_2d":
        return (window, window.out_h, upper) if _lines_are_columns(lower) else (window, upper, window.out_w)
    if kernel != "conv_2d":
        return None
    if words[CONV.variant_form] == FLAT:
        return window.in_a_row(), 1, in_tile(upper, lower)
    return window, upper, lower


def cycles(kernel: str, words: Sequence[int]) -> float:
    """About what the packed variant takes, to choose between options."""
    w = Window.of(words)
    upper, lower = tile_halves(view(kernel, words).tile)
    if kernel == "depthwise_conv_2d":
        return _depthwise_instructions(w, lower, upper)
    if _in_twos_of(kernel, words):
        return w.in_h * (w.in_c * 5.0 + w.out_c * (-(-w.in_c // 16) * 25 + 44) + 500)
    return _conv_instructions(w, _form(kernel, words), upper, lower)


def how(kernel: str, words: Sequence[int]) -> str:
    """How these kernels run a record, where it is not their fastest way; "" where it is."""
    if not BY_NAME[kernel].cuttable:
        return ""
    r = view(kernel, words)
    if kernel == "depthwise_conv_2d" and tile_halves(r.tile)[1] == GENERAL:
        return f"a product at a time: dilation {r.dilation_h}x{r.dilation_w}"
    if r.packed_offset not in (r.weights_offset, r.channels_offset):
        return "channels whose sums may reach 2^29: exact modulo 2^32, or what their one output is"
    return ""


def why_not(kernel: str, words: Sequence[int], constants: bytes) -> str:
    """Nothing that record/variants.py could not say."""
    return ""
