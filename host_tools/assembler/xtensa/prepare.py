"""What the Xtensa kernels (ESP32, ESP32-S3) need beyond the file's common part: a form, a tile, scratch memory.

The kernels read the same weights and channel table as every other backend. They keep acc * 4 in 32 bits: a channel whose
accumulator can reach 2^29 is computed so that it does not (_tamed), or marked in a table of the kernels' own (_marked).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..layer import Fast, Layer

ROWS, COLUMNS, FLAT = 1, 2, 3  # word 29 (FORMAT.md)
_STATE_BYTES = 172
_BOUND = 1 << 29


def _tamed(layer: Layer) -> tuple[np.ndarray, list[int]]:
    """The channel table for the kernels, |acc| < 2^29 for every input; and the channels where that is not so.

    Sums of products lie between those of the worst inputs. A channel that reaches further, or whose shifts the kernels take
    the long way, but whose output is the same at both ends of its range (eq. (3) rises, so it is constant: converters give
    channels without weights a bias of 2^30), gets an entry that is easy to compute and has that output, too: a multiplier
    of 1/2, a right shift by which the whole range rounds to one number, and a word 0 in the middle of what rounds to it.
    """
    w = layer.rows.astype(np.int64)
    low = layer.first + np.minimum(127 * w, -128 * w).sum(1)
    high = layer.first + np.maximum(127 * w, -128 * w).sum(1)
    table, right = layer.channels, layer.channels["r"]
    far = (low <= -_BOUND) | (high >= _BOUND)
    zero, clamps, left = layer.words[24], (layer.words[25], layer.words[26]), []
    for o in np.flatnonzero(far | (layer.channels["l"] > 0) | (right < 1) | (right > 21)):
        width = int(high[o] - low[o])
        shift = max(1, (width + 2).bit_length())
        ends = [_output(int(acc), *(int(table[o][name]) for name in "mlr"), zero, clamps) for acc in (low[o], high[o])]
        first = (ends[0] - zero << shift + 1) - width // 2
        same = low[o] >= -(1 << 31) and high[o] < 1 << 31 and not table[o]["l"] and ends[0] == ends[1]
        again = {_output(acc, 1 << 30, 0, shift, zero, clamps) for acc in (first, first + width)}
        if not same or shift > 21 or max(-first, first + width) >= _BOUND or again != {ends[0]}:
            if far[o]:
                left.append(int(o))
            continue
        if table is layer.channels:
            table = table.copy()
        table[o] = ((int(table["k"][o]) + first - int(low[o])) & 0xFFFFFFFF, 1 << 30, 0, shift, 0)
    return table, left


def _marked(table: np.ndarray, channels: list[int]) -> np.ndarray:
    """The table with bit 31 of the multiplier set for those channels: the long way, modulo 2^32."""
    if not channels:
        return table
    table = table.copy()
    table["m"][channels] |= -(1 << 31)
    return table


def _output(acc: int, multiplier: int, left: int, right: int, zero: int, clamps: tuple[int, int]) -> int:
    """eq. (3), but for what wraps."""
    h = ((acc << left) * multiplier + (1 << 30)) >> 31
    return max(clamps[0], min(clamps[1], ((h + (1 << right >> 1) - (h < 0 and right > 0)) >> right) + zero))


def _add_table(layer: Layer, table: np.ndarray) -> int:
    """Word 30: where the kernels' own channel table is; the weights' offset where it is the one of all."""
    return layer.words[27] if table is layer.channels else layer.constants.add(table)


def _groups(w) -> int:
    """Groups of 4 products of an output."""
    return -(-w[15] * w[16] * w[11] // 4)


def _reach(w) -> tuple[int, int]:
    return (w[15] - 1) * w[19] + 1, (w[16] - 1) * w[20] + 1


def _padded(w) -> bool:
    """Whether any window reaches outside the image."""
    reach_h, reach_w = _reach(w)
    return bool(w[21] or w[22] or (w[12] - 1) * w[17] + reach_h > w[9] or (w[13] - 1) * w[18] + reach_w > w[10])


def _plane(w, tile_h: int, tile_w: int) -> tuple[int, int]:
    """(rows, columns) of the image that a tile sees."""
    reach_h, reach_w = _reach(w)
    return (tile_h - 1) * w[17] + reach_h, (tile_w - 1) * w[18] + reach_w


def conv_scratch(w, form: int, tile_h: int, tile_w: int) -> int:
    """Bytes: state, Y words, X words and what is read past their end, bytes of the padded image."""
    groups = _groups(w)
    size = _STATE_BYTES + 8 * groups + 8 + 8
    if form == FLAT:
        return size + 8 * groups * (tile_w + (tile_h << 16))
    plane_h, plane_w = _plane(w, tile_h, tile_w)
    if form == ROWS:
        return size + 2 * plane_h * (plane_w if _padded(w) else w[10]) * w[11]
    return size + 8 * groups * tile_h * tile_w + (plane_h * plane_w * w[11] if _padded(w) else 0)


def _conv_instructions(w, form: int, tile_h: int, tile_w: int) -> float:
    """About what a conv_2d or fully_connected takes."""
    groups, out_c = _groups(w), w[14]
    if form == FLAT:
        pixels = w[8] * w[12] * w[13]
        tiles, preparing, pixel = -(-pixels // tile_w), 12 * groups * pixels, 4 * groups + 18
    else:
        pixels = w[8] * w[12] * w[13]
        across, down = -(-w[13] // tile_w), -(-w[12] // tile_h)
        tiles = w[8] * across * down
        plane_h, plane_w = _plane(w, tile_h, tile_w)
        padding = tiles * plane_h * plane_w * w[11] * (4 if w[11] % 4 else 1) if _padded(w) else 0
        if form == ROWS:
            preparing = padding + 3 * tiles * plane_h * plane_w * w[11]
            pixel = 4 * groups + 23 + 6 * w[15]
        else:
            runs = w[15] * (w[16] if w[20] > 1 else 1)
            preparing = padding + pixels * (16 * groups + 9 * runs + 20)
            pixel = 4 * groups + 18
    return tiles * (out_c * (12 * groups + 60) + 1500) + preparing + pixels * out_c * pixel


def _forms(w) -> list[tuple[int, int, int]]:
    """(form, tile_h, tile_w): all that a record can have."""
    out_h, out_w = w[12], w[13]
    heights = {-(-out_h // n) for n in range(1, out_h + 1)}
    widths = {-(-out_w // n) for n in range(1, out_w + 1)}
    found = []
    if w[9:11] == w[12:14] and w[15:19] == [1, 1, 1, 1] and not w[21] and not w[22] and w[11] % 4 == 0:
        pixels = w[8] * out_h * out_w
        tiles = {-(-pixels // n) for n in range(1, min(pixels, 300) + 1)}
        found += [(FLAT, v >> 16, v & 0xFFFF) for v in tiles]
    else:
        found += [(COLUMNS, h, v) for h, v in {(h, out_w) for h in heights} | {(1, v) for v in widths}]
    if w[11] % 4 == 0 and w[20] == 1 and w[15] * w[16] > 1:
        found += [(ROWS, h, out_w) for h in heights]
    return [f for f in found if f[1] < 1 << 15 and f[2] < 1 << 16]


def _conv_options(w) -> list[tuple[float, int, int, int]]:
    """(instructions, scratch bytes, form, tile): every useful one, the fastest first, none that is slower and larger."""
    options = sorted(
        (_conv_instructions(w, f, h, v + (h << 16) if f == FLAT else v), conv_scratch(w, f, h, v), f, h << 16 | v)
        for f, h, v in _forms(w)
    )
    best = []
    for option in options:
        if not best or option[1] < best[-1][1]:
            best.append(option)
    return best


def conv_2d(layer: Layer) -> Fast | None:
    """MAC16: X words of the tile's inputs, Y words of one channel's weights at a time."""
    table = _marked(*_tamed(layer))
    options = tuple((size, {29: form, 31: tile}) for _, size, form, tile in _conv_options(layer.list()))
    return Fast({30: _add_table(layer, table)}, options) if options else None


def fully_connected(layer: Layer) -> Fast | None:
    """The same: each row of inputs is a pixel."""
    fast = conv_2d(layer)
    # Word 29 of fully_connected says how weights are stored: the form goes without saying.
    return fast and Fast(fast.words, tuple((size, {31: words[31]}) for size, words in fast.options))


# ---- depthwise_conv_2d

# Low half of word 31: a product at a time; 3 x 3 with a stride of 1 or 2 in a line; words of two, any window.
GENERAL, LINES_ARE_ROWS, LINES_ARE_COLUMNS, TWO_IN_ROWS, TWO_IN_COLUMNS = 0, 1, 2, 3, 4
WORDS, COLUMNS_FLAG, DOWN_FLAG = 8, 1, 2  # WORDS + flags: lines are columns; the window's words down the lines
FOUR = 16  # + any but GENERAL: planes of four channels at a time
_DEPTHWISE_STATE_BYTES = 184
_WINDOW_STATE_BYTES = 200


@dataclass(frozen=True)
class _Window:
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
    def of(cls, w, form: int) -> _Window:
        pairs = w[12:14], w[15:17], w[17:19], w[19:21]
        columns = form & COLUMNS_FLAG if form & WORDS else form & 15 in (LINES_ARE_COLUMNS, TWO_IN_COLUMNS)
        return cls(*(v for pair in pairs for v in (reversed(pair) if columns else pair)))

    @property
    def reach_across(self) -> int:
        return (self.kernel_across - 1) * self.dilation_across + 1

    @property
    def reach_along(self) -> int:
        return (self.kernel_along - 1) * self.dilation_along + 1

    def plane(self, lines: int) -> tuple[int, int]:
        """(lines, inputs a line) that so many lines of outputs see."""
        return (lines - 1) * self.stride_across + self.reach_across, (
            self.out_along - 1
        ) * self.stride_along + self.reach_along

    def runs(self, form: int) -> tuple[int, int]:
        """(runs of words of a window, words a run). With an odd stride every other window starts in the middle of a word."""
        words = self.reach_along // 2 + 1 if self.stride_along % 2 else (self.reach_along + 1) // 2
        return (words, self.reach_across) if form & DOWN_FLAG else (self.kernel_across, words)


def depthwise_scratch(w, form: int, lines: int) -> int:
    """Bytes: state, int16 weights, a plane of one channel and what is read past its end."""
    window = _Window.of(w, form)
    plane_lines, plane_along = window.plane(lines)
    plane = plane_lines * _padded4(2 * plane_along) * (4 if form & FOUR else 1) + 16
    if not form & WORDS:
        return _DEPTHWISE_STATE_BYTES + _padded4(2 * w[15] * w[16]) + plane
    runs, words = window.runs(form)
    return _WINDOW_STATE_BYTES + (8 * runs + 4) * words + plane + (4 * plane_lines if form & DOWN_FLAG else 0)


def _padded4(n: int) -> int:
    return -(-n // 4) * 4


def _short(layer: Layer, table: np.ndarray) -> bool:
    """Whether every channel can be requantized the short way: right shifts of 1 to 21, no other clamps."""
    left, right = table["l"], table["r"]
    w = layer.words
    return not left.any() and bool(((right >= 1) & (right <= 21)).all()) and (w[25], w[26]) == (-128, 127)


def _depthwise_instructions(w, form: int, lines: int) -> float:
    """About what a depthwise_conv_2d takes."""
    window = _Window.of(w, form)
    across, along = window.out_across, window.out_along
    tiles = -(-across // lines)
    copied_lines = across * window.stride_across + tiles * (window.reach_across - window.stride_across)
    copied = copied_lines * (3 * window.plane(1)[1] + 10 if form & FOUR else 4.5 * window.plane(1)[1] + 14)
    if form == GENERAL:
        channel, line, output = 60 + 7 * w[15] * w[16], 20, w[15] * (5 * w[16] + 8) + 45
    elif form & WORDS:
        runs, words = window.runs(form)
        channel, line = 80 + window.kernel_along * (12 + 9 * window.kernel_across), 22
        output = 28 + runs * (2 * words + 5)
    else:
        channel, line, output = 120, 30, 20.5
        if form & 15 in (TWO_IN_ROWS, TWO_IN_COLUMNS):
            line, output = 34 + 26 * (along % 4), 20
    return w[8] * (w[14] * (tiles * channel + copied + across * (along * output + line)) + 1000 * tiles)


def _depthwise_forms(w, short: bool, far: bool = False) -> list[tuple[int, int]]:
    """(form, lines at a time): all that a record can have. short: see _short; far: whether the table has marks."""
    forms = [WORDS, WORDS | COLUMNS_FLAG, WORDS | DOWN_FLAG, WORDS | COLUMNS_FLAG | DOWN_FLAG]
    if not far:
        forms.append(GENERAL)
    if short and w[15:17] == [3, 3] and w[19:21] == [1, 1]:
        rows, columns = {1: LINES_ARE_ROWS, 2: TWO_IN_ROWS}, {1: LINES_ARE_COLUMNS, 2: TWO_IN_COLUMNS}
        forms += [form for form in (rows.get(w[18]), columns.get(w[17])) if form]
    if w[11] % 4 == 0:
        forms += [form | FOUR for form in forms if form != GENERAL]
    lines = {form: _Window.of(w, form).out_across for form in forms}
    return [
        (form, h) for form, n in lines.items() for h in {-(-n // parts) for parts in range(1, n + 1)} if h < 1 << 15
    ]


def depthwise_conv_2d(layer: Layer) -> Fast | None:
    """MAC16 on the plane of one channel. Word 31: lines at a time * 65536 + form."""
    w = layer.list()
    table, far = _tamed(layer)
    options = []
    for _, size, form, lines in sorted(
        (_depthwise_instructions(w, f, n), depthwise_scratch(w, f, n), f, n)
        for f, n in _depthwise_forms(w, not far and _short(layer, table), bool(far))
    ):
        if not options or size < options[-1][0]:
            options.append((size, {31: lines << 16 | form}))
    return Fast({30: _add_table(layer, _marked(table, far))}, tuple(options)) if options else None


# ---- the interface


IN_TWOS = 2  # word 29 of fully_connected: how its weights are stored
_DENSE_STATE_BYTES = 56
_DENSE_ROWS = 5  # of more rows, one channel's weights unpacked for all of them are faster


def dense_scratch(w) -> int:
    """Bytes: state, a row of inputs prepared and what is read past its end."""
    return _DENSE_STATE_BYTES + 32 * -(-w[11] // 16) + 8


def in_twos(rows: np.ndarray) -> np.ndarray:
    """uint8[channels, inputs up to a multiple of 16] for int8 rows: w + 128 of even inputs, w itself of odd ones."""
    stored = np.zeros((len(rows), -(-rows.shape[1] // 16) * 16), np.int8)
    stored[:, : rows.shape[1]] = rows
    stored = stored.view(np.uint8).copy()
    stored[:, 0::2] ^= 128
    return stored


def fully_connected_stored(layer: Layer) -> Fast | None:
    """Few rows of inputs: two weights a multiplication, read where they lie. Word 0 of a channel is that of x - 127 at odd inputs."""
    w, k = layer.words, layer.constants
    if w[9] > _DENSE_ROWS:
        return None
    channels, far = _tamed(layer)
    rows = layer.rows[:, : w[11]]
    # _tamed has moved word 0 by as much as bias
    moved = channels["k"].astype(np.int64) - layer.channels["k"].astype(np.int64)
    channels = channels.copy()
    channels["k"] = moved + layer.first + 127 * rows[:, 1::2].astype(np.int64).sum(1) & 0xFFFFFFFF
    # The table behind the weights: the kernel reads up to 8 bytes past them.
    words = {27: k.add(in_twos(rows), lambda first, last: in_twos(rows[first:last])), 28: k.add(channels), 29: IN_TWOS}
    return Fast(
        {**words, 30: k.add(_marked(channels, far)) if far else words[28]}, ((dense_scratch(layer.list()), {31: 0}),)
    )


def _form(kernel: str, words) -> int:
    return words[29] if kernel == "conv_2d" else COLUMNS if words[11] % 4 else FLAT


def every_option(kernel: str, w, short: bool, far: bool = False) -> list[dict[int, int]]:
    """The words of every fast form that a record can have, for tests; none where it can have none. short, far: as above."""
    if kernel == "depthwise_conv_2d":
        return [{30: w[27], 31: n << 16 | f} for f, n in _depthwise_forms(w, short, far)]
    if kernel == "fully_connected" and w[29] == IN_TWOS:
        return [{30: w[28]}]
    return [{29: f if kernel == "conv_2d" else 0, 30: w[27], 31: h << 16 | v} for f, h, v in _forms(w)] if w[27] else []


def scratch_bytes(kernel: str, words) -> int:
    """Bytes of scratch of a record with a fast form."""
    if kernel == "depthwise_conv_2d":
        return depthwise_scratch(words, words[31] & 0xFFFF, words[31] >> 16)
    if kernel == "fully_connected" and words[29] == IN_TWOS:
        return dense_scratch(words)
    return conv_scratch(words, _form(kernel, words), words[31] >> 16, words[31] & 0xFFFF)


def constants(kernel: str, words) -> list[tuple[int, int]]:
    """What the fast forms read that not every backend reads: a channel table of their own."""
    return [] if words[30] in (words[27], words[28]) else [(words[30], 12 * words[14])]


def access(kernel: str, words):
    """(words, band_h, tile_w): the order in which the fast form reads and writes, as overlap.tiles_lag takes it."""
    high, low = words[31] >> 16, words[31] & 0xFFFF
    if kernel == "depthwise_conv_2d":
        columns = low & COLUMNS_FLAG if low & WORDS else low & 15 in (LINES_ARE_COLUMNS, TWO_IN_COLUMNS)
        return (words, words[12], high) if columns else (words, high, words[13])
    if kernel != "conv_2d":
        return None
    if words[29] != FLAT:
        return words, high, low
    pixels = words[8] * words[9] * words[10]
    return [*words[:8], 1, 1, pixels, words[11], 1, pixels, *words[14:]], 1, low + (high << 16)


def cycles(kernel: str, words) -> float:
    """About what the fast form takes, to choose between options."""
    high, low = words[31] >> 16, words[31] & 0xFFFF
    if kernel == "depthwise_conv_2d":
        return _depthwise_instructions(words, low, high)
    if kernel == "fully_connected" and words[29] == IN_TWOS:
        return words[9] * (words[11] * 5.0 + words[14] * (-(-words[11] // 16) * 25 + 44) + 500)
    form = _form(kernel, words)
    return _conv_instructions(words, form, high, low + (high << 16) if form == FLAT else low)


def how(kernel: str, words) -> str:
    """How these kernels run a record, where it is not the fastest way; "" where it is."""
    if kernel not in ("conv_2d", "depthwise_conv_2d", "fully_connected"):
        return ""
    if kernel == "depthwise_conv_2d" and words[31] & 0xFFFF == GENERAL:
        return f"a product at a time: dilation {words[19]}x{words[20]}"
    if words[30] not in (words[27], words[28]):
        return "channels whose sums may reach 2^29: exact modulo 2^32, or what their one output is"
    return ""
