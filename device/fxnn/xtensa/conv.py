"""Convolutions and fully connected for the ESP32's Xtensa LX6 and LX7 (MAC16): any shape. See ref/conv.py for the meaning.

Written by host_tools/assembler/xtensa: edit that.

MAC16 multiplies halves of 32-bit words into 40 bits and loads the next word in the same instruction. Activations
become X words, two uint16 4 * (x + 128) each; weights become Y words, two int16 each, one channel at a time, used for
all pixels of a tile. So acc * 4 = 4 * word 0 of the channel table + sum(X * Y). Where it may leave 32 bits the host
has set bit 31 of the multiplier: the long way then takes acc modulo 2^32 from the accumulator's 40 bits.

Of four inputs x0 to x3 the X words are (x3 low, x0 high), (x2, x1); of weights b0 to b3 the Y words are (b[-2], b0),
(b1, b3): the order in which masks and one funnel shift make them from bytes, and in which a word's two halves are used
one after the other, so that every load lies three instructions before its use. After the last come b[n-2] and a word
that is read and not used.

The requantizer, FORMAT.md eq. (2), (3), right shift e of 1 to 21: q = high word of 4 acc * multiplier = floor(acc *
multiplier / 2^30); y = (q + 2 * (q < 0 ? -1 : 0) + 1 + (2 * y_zero_point + 1) * 2^e) >> (e + 1): h = (q + 1) >> 1 is
eq. (2)'s, and h < 0 only where q < -1; for q = -1 both give 0. Other shifts and larger sums take the long way,
channel by channel.

Functions in assembler are called by viper code with the state's address / 4 as a small int (so that no int is
allocated): a5 points to the arguments, an object o is the address (o - 1) * 2. They return a small int. The figure
beside a line is its cycles, estimated, with the wait for its result: host_tools/assembler/xtensa/costs.py.

State, byte offsets from the start of the scratch (its words), then Y words, then X words:
   0 x_words              of the first pixel
   4 weights
   8 y_words
  12 table
  16 y
  20 channels             left
  24 groups               of 4 weights per channel
  28 y_step               from pixel to pixel in y
  32 x_end                end of X words: + 4 (columns), of a row - 4 (rows)
  36 rows_left            of the tile
  40 x_row_gap            bytes of X words from row to row, less those of a row's pixels
  44 segments             0: columns
  48 segment_groups       groups per segment
  52 segment_gap          from the end of a segment's X words + 8 to the next
  56 pixel_gap            from the last to the next pixel
  60 clamp_min
  64 clamp_max
  68 y_zero_point
  72 even_bytes           0x00FF00FF
  76 bias_128             0x7F807F80
  80 signs                0x80008000
  84 flip                 0x80808080
  88 mask                 0x03FC03FC
  92 rows                 of the tile
  96 x_row                bytes of X words from row to row
 100 source, first        from where; word 0 of the channel, the long way
 104 to                   to where
 108 count                groups of 4 inputs
 112 left                 bytes of padding
 116 run                  bytes of a run
 120 right                bytes of padding
 124 between              bytes between runs
 128 before               bytes of padding
 132 after                bytes of padding
 136 pixel_step           from pixel to pixel
 140 row_pixels, in_bytes pixels per row; of `band` 0 where all is a multiple of 4
 144 tile_rows            rows
 148 next_row             from a row's end to the next
 152 runs                 side by side
 156 run_step             from run to run
 160 runs_down            one below the other
 164 down_step            from the last run to the next down
 168 padding              4 bytes
"""

import micropython


@micropython.asm_xtensa
def widen(a2, a3, a4, a5):
    """
    Bytes to X words, from 100 to 104, 108 groups of 4 (at least 1). In place where the bytes end where the words do.
    In   a5 args: state
    Uses a2 state | a3 source | a4 to | a6 groups | a7 0x80808080 | a8 0x03FC03FC | a9 bytes | a10 x0, x2 | a11 x1, x3
    Cost 3 per input
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 100)                       # 1  source
    l32i(a4, a2, 104)                       # 1  to
    l32i(a6, a2, 108)                       # 1  count
    l32i(a7, a2, 84)                        # 1  flip
    l32i(a8, a2, 88)                        # 1  mask
    ssai(16)                                # 1
    loop(a6, GROUP)                         # 1
    l32i(a9, a3, 0)                         # 2
    addi(a3, a3, 4)                         # 1
    xor(a9, a9, a7)                         # 1  x + 128, uint8
    slli(a10, a9, 2)                        # 1
    srli(a11, a9, 6)                        # 1
    and_(a10, a10, a8)                      # 1  4 (x0 + 128), 4 (x2 + 128): at most 1020
    and_(a11, a11, a8)                      # 1  4 (x1 + 128), 4 (x3 + 128)
    src(a9, a10, a11)                       # 1  x3 low, x0 high
    src(a10, a11, a10)                      # 1  x2, x1
    s32i(a9, a4, 0)                         # 1
    s32i(a10, a4, 4)                        # 1
    addi(a4, a4, 8)                         # 1
    label(GROUP)
    movi(a2, 1)                             # 1


@micropython.asm_xtensa
def band(a2, a3, a4, a5):
    """
    The rows of the image that a tile sees, with their padding, as bytes: 144 rows of {112 left, 116 image, 120 right}
    from 100 to 104, after 128 and before 132 bytes of padding. Everything a multiple of 4 where 140 is 0, else any.
    In   a5 args: state
    Uses a2 state | a3 source | a4 to | a5 padding | a6 count | a7 end | a8 rows left | a9 bytes
    Cost 1 per byte where all is a multiple of 4, else 4
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 100)                       # 1  source
    l32i(a4, a2, 104)                       # 1  to
    l32i(a5, a2, 168)                       # 1  padding
    l32i(a8, a2, 144)                       # 1  tile rows
    l32i(a6, a2, 128)                       # 1  before
    l32i(a7, a2, 140)                       # 3  in bytes
    bnez(a7, BYTES)                         # 1-4
    # words: rows of padding above, then row by row
    srli(a6, a6, 2)                         # 1
    loopnez(a6, TOP_WORDS)                  # 1
    s32i(a5, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(TOP_WORDS)
    beqz(a8, BOTTOM_WORDS)                  # 1-4
    label(ROW_WORDS)
    l32i(a6, a2, 112)                       # 3  left
    srli(a6, a6, 2)                         # 1
    loopnez(a6, LEFT_WORDS)                 # 1
    s32i(a5, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(LEFT_WORDS)
    l32i(a6, a2, 116)                       # 3  run
    srli(a6, a6, 2)                         # 1
    loopnez(a6, COPY_WORDS)                 # 1
    l32i(a9, a3, 0)                         # 2
    addi(a3, a3, 4)                         # 1
    s32i(a9, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(COPY_WORDS)
    l32i(a6, a2, 120)                       # 3  right
    srli(a6, a6, 2)                         # 1
    loopnez(a6, RIGHT_WORDS)                # 1
    s32i(a5, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(RIGHT_WORDS)
    l32i(a6, a2, 124)                       # 3  between
    add(a3, a3, a6)                         # 1
    addi(a8, a8, -1)                        # 1
    bnez(a8, ROW_WORDS)                     # 1-4
    label(BOTTOM_WORDS)
    l32i(a6, a2, 132)                       # 3  after
    srli(a6, a6, 2)                         # 1
    loopnez(a6, WORDS_END)                  # 1
    s32i(a5, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(WORDS_END)
    j(END)                                  # 4
    label(BYTES)
    loopnez(a6, TOP_BYTES)                  # 1
    s8i(a5, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(TOP_BYTES)
    beqz(a8, BOTTOM_BYTES)                  # 1-4
    label(ROW_BYTES)
    l32i(a6, a2, 112)                       # 3  left
    loopnez(a6, LEFT_BYTES)                 # 1
    s8i(a5, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(LEFT_BYTES)
    l32i(a6, a2, 116)                       # 3  run
    loopnez(a6, COPY_BYTES)                 # 1
    l8ui(a9, a3, 0)                         # 2
    addi(a3, a3, 1)                         # 1
    s8i(a9, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(COPY_BYTES)
    l32i(a6, a2, 120)                       # 3  right
    loopnez(a6, RIGHT_BYTES)                # 1
    s8i(a5, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(RIGHT_BYTES)
    l32i(a6, a2, 124)                       # 3  between
    add(a3, a3, a6)                         # 1
    addi(a8, a8, -1)                        # 1
    bnez(a8, ROW_BYTES)                     # 1-4
    label(BOTTOM_BYTES)
    l32i(a6, a2, 132)                       # 3  after
    loopnez(a6, END)                        # 1
    s8i(a5, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(END)
    movi(a2, 1)                             # 1


@micropython.asm_xtensa
def columns(a2, a3, a4, a5):
    """
    X words of a tile's windows, one pixel after the other (im2col). A window is 160 times 152 runs of 116 bytes; the
    bytes are gathered in the second half of the memory of the X words and widened there.
    In   a5 args: state
    Uses a2 state | a3 pixel | a4 to | a5 bytes to | a6 rows left | a7 pixels left | a8 0x03FC03FC, run | a9 bytes
         a10 x0, x2; runs left | a11 x1, x3; runs down left | a12 window row | a13 bytes of a run | a14 groups
         a15 0x80808080
    Cost per pixel 20, 9 per run, 4 per byte, 12 per group of 4
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 100)                       # 1  source
    l32i(a4, a2, 104)                       # 1  to
    l32i(a6, a2, 144)                       # 1  tile rows
    l32i(a13, a2, 116)                      # 1  run
    l32i(a14, a2, 24)                       # 1  groups
    l32i(a15, a2, 84)                       # 1  flip
    ssai(16)                                # 1
    label(ROW)
    l32i(a7, a2, 140)                       # 1  row pixels
    label(PIXEL)
    addx4(a5, a14, a4)                      # 1  the second half
    mov(a12, a3)                            # 1
    l32i(a11, a2, 160)                      # 1  runs down
    label(DOWN)
    l32i(a10, a2, 152)                      # 1  runs
    label(RUN)
    mov(a8, a12)                            # 1
    loop(a13, COPY)                         # 1
    l8ui(a9, a8, 0)                         # 2
    addi(a8, a8, 1)                         # 1
    s8i(a9, a5, 0)                          # 1
    addi(a5, a5, 1)                         # 1
    label(COPY)
    l32i(a9, a2, 156)                       # 3  run step
    add(a12, a12, a9)                       # 1
    addi(a10, a10, -1)                      # 1
    bnez(a10, RUN)                          # 1-4
    l32i(a9, a2, 164)                       # 3  down step
    add(a12, a12, a9)                       # 1
    addi(a11, a11, -1)                      # 1
    bnez(a11, DOWN)                         # 1-4
    addx4(a5, a14, a4)                      # 1
    l32i(a8, a2, 88)                        # 1  mask
    loop(a14, GROUP)                        # 1
    l32i(a9, a5, 0)                         # 2
    addi(a5, a5, 4)                         # 1
    xor(a9, a9, a15)                        # 1  x + 128, uint8
    slli(a10, a9, 2)                        # 1
    srli(a11, a9, 6)                        # 1
    and_(a10, a10, a8)                      # 1  4 (x0 + 128), 4 (x2 + 128): at most 1020
    and_(a11, a11, a8)                      # 1  4 (x1 + 128), 4 (x3 + 128)
    src(a9, a10, a11)                       # 1  x3 low, x0 high
    src(a10, a11, a10)                      # 1  x2, x1
    s32i(a9, a4, 0)                         # 1
    s32i(a10, a4, 4)                        # 1
    addi(a4, a4, 8)                         # 1
    label(GROUP)
    l32i(a9, a2, 136)                       # 3  pixel step
    add(a3, a3, a9)                         # 1
    addi(a7, a7, -1)                        # 1
    bnez(a7, PIXEL)                         # 1-4
    l32i(a9, a2, 148)                       # 3  next row
    add(a3, a3, a9)                         # 1
    addi(a6, a6, -1)                        # 1
    bnez(a6, ROW)                           # 1-4
    movi(a2, 1)                             # 1


@micropython.asm_xtensa
def convolve(a2, a3, a4, a5):
    """
    All channels of a tile from X words: FORMAT.md eq. (2), (3); ref.conv_2d. `columns`: the windows lie one after the
    other; `rows`: a window is 44 segments of the padded image's rows.
    In   a5 args: state    Stack 4 state | 8 from the last segment to the next pixel | 12 segments
    Uses a2 state, clamp_max | a3 X words | a4 Y words | a5 Y words - 4; mask | a6 4 * word 0
         a7 multiplier, negative: the long way | a8 constant of the requantizer; left_shift + 256 * right_shift
         a9 acc * 4, q, y | a10 sign, scratch | a11 y | a12 end of X words | a13 groups
         a14 from pixel to pixel in y | a15 clamp_min, word before | m0, m1 X | m2, m3 Y    SAR e + 1
    Cost columns: 1 per product, 18 per pixel; rows: 6 more per segment, 5 per pixel; a channel: 3 per weight, 50
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    s32i(a2, a1, 4)                         # 1  state
    l32i(a3, a2, 56)                        # 3  pixel gap
    s32i(a3, a1, 8)                         # 1  pixel gap
    l32i(a3, a2, 44)                        # 3  segments
    s32i(a3, a1, 12)                        # 1  segments
    label(CHANNEL)
    # weights of the channel to Y words: bytes b = w + 128, + 0x7F80 and ^ 0x8000 give int16 w
    l32i(a3, a2, 4)                         # 1  weights
    l32i(a4, a2, 8)                         # 1  y words
    l32i(a13, a2, 24)                       # 1  groups
    l32i(a5, a2, 72)                        # 1  even bytes
    l32i(a6, a2, 76)                        # 1  bias 128
    l32i(a7, a2, 80)                        # 1  signs
    srli(a8, a13, 1)                        # 1
    ssai(16)                                # 1
    loopnez(a8, WEIGHTS)                    # 1
    l32i(a9, a3, 0)                         # 3
    src(a10, a9, a15)                       # 1  b[-2], b[-1], b0, b1
    srli(a11, a9, 8)                        # 1
    and_(a10, a10, a5)                      # 1  b[-2], b0
    and_(a11, a11, a5)                      # 1  b1, b3
    add(a10, a10, a6)                       # 1
    add(a11, a11, a6)                       # 1
    xor(a10, a10, a7)                       # 1
    xor(a11, a11, a7)                       # 1
    s32i(a10, a4, 0)                        # 1
    s32i(a11, a4, 4)                        # 1
    l32i(a15, a3, 4)                        # 3
    src(a10, a15, a9)                       # 1  b[-2], b[-1], b0, b1
    srli(a11, a15, 8)                       # 1
    and_(a10, a10, a5)                      # 1  b[-2], b0
    and_(a11, a11, a5)                      # 1  b1, b3
    add(a10, a10, a6)                       # 1
    add(a11, a11, a6)                       # 1
    xor(a10, a10, a7)                       # 1
    xor(a11, a11, a7)                       # 1
    s32i(a10, a4, 8)                        # 1
    s32i(a11, a4, 12)                       # 1
    addi(a3, a3, 8)                         # 1
    addi(a4, a4, 16)                        # 1
    label(WEIGHTS)
    bbci(a13, 0, EVEN)                      # 1-4
    l32i(a9, a3, 0)                         # 3
    src(a10, a9, a15)                       # 1  b[-2], b[-1], b0, b1
    srli(a11, a9, 8)                        # 1
    and_(a10, a10, a5)                      # 1  b[-2], b0
    and_(a11, a11, a5)                      # 1  b1, b3
    add(a10, a10, a6)                       # 1
    add(a11, a11, a6)                       # 1
    xor(a10, a10, a7)                       # 1
    xor(a11, a11, a7)                       # 1
    s32i(a10, a4, 0)                        # 1
    s32i(a11, a4, 4)                        # 1
    addi(a3, a3, 4)                         # 1
    addi(a4, a4, 8)                         # 1
    mov(a15, a9)                            # 1
    label(EVEN)
    extui(a10, a15, 16, 8)                  # 1  b[n - 2], 0
    add(a10, a10, a6)                       # 1
    xor(a10, a10, a7)                       # 1
    s32i(a10, a4, 0)                        # 1
    s32i(a3, a2, 4)                         # 1  weights
    # the channel's table entry
    l32i(a12, a2, 12)                       # 3  table
    l32i(a10, a12, 0)                       # 1  first
    l32i(a7, a12, 4)                        # 1  multiplier
    l16ui(a8, a12, 8)                       # 1  shifts
    addi(a12, a12, 12)                      # 1
    s32i(a12, a2, 12)                       # 1  table
    slli(a6, a10, 2)                        # 1
    s32i(a10, a2, 100)                      # 1  first
    bltz(a7, LONG)                          # 1-4
    srli(a9, a8, 8)                         # 1
    extui(a10, a8, 0, 8)                    # 1
    bnez(a10, LONG)                         # 1-4
    beqz(a9, LONG)                          # 1-4
    addi(a10, a9, -22)                      # 1
    bgez(a10, LONG)                         # 1-4
    l32i(a10, a2, 68)                       # 2  y zero point
    ssl(a9)                                 # 1
    add(a10, a10, a10)                      # 1
    addi(a10, a10, 1)                       # 1
    sll(a8, a10)                            # 1  (2 y_zero_point + 1) * 2^e
    addi(a8, a8, 1)                         # 1
    addi(a9, a9, 1)                         # 1
    ssr(a9)                                 # 1
    j(START)                                # 4
    label(LONG)
    movi(a6, 0)                             # 1  40 bits from 0 on
    wsr_acchi(a6)                           # 1
    movi(a9, 1)                             # 1
    slli(a9, a9, 31)                        # 1
    or_(a7, a7, a9)                         # 1
    label(START)
    l32i(a3, a2, 0)                         # 3  x words
    addi(a3, a3, -4)                        # 1
    l32i(a5, a2, 8)                         # 3  y words
    addi(a5, a5, -4)                        # 1
    l32i(a11, a2, 16)                       # 3  y
    addi(a9, a11, 1)                        # 1
    s32i(a9, a2, 16)                        # 1  y
    l32i(a14, a2, 28)                       # 1  y step
    l32i(a12, a2, 32)                       # 1  x end
    l32i(a15, a2, 60)                       # 1  clamp min
    l32i(a9, a2, 44)                        # 3  segments
    bnez(a9, ROWS)                          # 1-4
    l32i(a2, a2, 64)                        # 1  clamp max
    ldinc(m0, a3)                           # 1
    ldinc(m1, a3)                           # 1
    label(PIXEL)
    mov(a4, a5)                             # 1
    ldinc(m2, a4)                           # 1
    ldinc(m3, a4)                           # 1
    wsr_acclo(a6)                           # 1
    loop(a13, DOT)                          # 1
    mula_dd_hh_ldinc(m2, a4, m0, m2)        # 1  x0 * b0
    mula_dd_lh_ldinc(m0, a3, m0, m3)        # 1  x3 * b3
    mula_dd_hl_ldinc(m3, a4, m1, m3)        # 1  x1 * b1
    mula_dd_ll_ldinc(m1, a3, m1, m2)        # 1  x2 * b2
    label(DOT)
    rsr_acclo(a9)                           # 1  acc * 4
    bltz(a7, SLOW)                          # 1-4
    mulsh(a9, a9, a7)                       # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a8)                         # 1
    sra(a9, a9)                             # 1
    label(CLAMP)
    max(a9, a9, a15)                        # 1
    min(a9, a9, a2)                         # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a14)                      # 1
    bne(a3, a12, PIXEL)                     # 1-4
    label(NEXT)
    l32i(a2, a1, 4)                         # 3  state
    l32i(a9, a2, 20)                        # 3  channels
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 20)                        # 1  channels
    beqz(a9, END)                           # 1-4
    j(CHANNEL)                              # 4
    label(ROWS)
    l32i(a10, a2, 92)                       # 3  rows
    s32i(a10, a2, 36)                       # 1  rows left
    l32i(a13, a2, 48)                       # 1  segment groups
    l32i(a2, a2, 64)                        # 1  clamp max
    label(ROW_PIXEL)
    l32i(a9, a1, 4)                         # 3  state
    l32i(a10, a9, 52)                       # 1  segment gap
    l32i(a9, a1, 12)                        # 1  segments
    mov(a4, a5)                             # 1
    ldinc(m2, a4)                           # 1
    ldinc(m3, a4)                           # 1
    wsr_acclo(a6)                           # 1
    label(SEGMENT)
    ldinc(m0, a3)                           # 1
    ldinc(m1, a3)                           # 1
    loop(a13, ROW_DOT)                      # 1
    mula_dd_hh_ldinc(m2, a4, m0, m2)        # 1  x0 * b0
    mula_dd_lh_ldinc(m0, a3, m0, m3)        # 1  x3 * b3
    mula_dd_hl_ldinc(m3, a4, m1, m3)        # 1  x1 * b1
    mula_dd_ll_ldinc(m1, a3, m1, m2)        # 1  x2 * b2
    label(ROW_DOT)
    add(a3, a3, a10)                        # 1
    addi(a9, a9, -1)                        # 1
    bnez(a9, SEGMENT)                       # 1-4
    l32i(a10, a1, 8)                        # 3  pixel gap
    add(a3, a3, a10)                        # 1
    rsr_acclo(a9)                           # 1  acc * 4
    bltz(a7, SLOW)                          # 1-4
    mulsh(a9, a9, a7)                       # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a8)                         # 1
    sra(a9, a9)                             # 1
    label(ROW_CLAMP)
    max(a9, a9, a15)                        # 1
    min(a9, a9, a2)                         # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a14)                      # 1
    bne(a3, a12, ROW_PIXEL)                 # 1-4
    l32i(a9, a1, 4)                         # 3  state
    l32i(a10, a9, 40)                       # 3  x row gap
    add(a3, a3, a10)                        # 1
    l32i(a10, a9, 96)                       # 3  x row
    add(a12, a12, a10)                      # 1
    l32i(a10, a9, 36)                       # 3  rows left
    addi(a10, a10, -1)                      # 1
    s32i(a10, a9, 36)                       # 1  rows left
    bnez(a10, ROW_PIXEL)                    # 1-4
    j(NEXT)                                 # 4
    label(SLOW)  # eq. (2) in full: a = acc * 2^left_shift modulo 2^32, h from all 64 bits of a * multiplier
    rsr_acchi(a4)                           # 1
    ssai(2)                                 # 1
    src(a9, a4, a9)                         # 1
    l32i(a4, a1, 4)                         # 3  state
    l32i(a4, a4, 100)                       # 3  first
    add(a9, a9, a4)                         # 1
    ssl(a8)                                 # 1
    sll(a9, a9)                             # 1
    slli(a4, a7, 1)                         # 1
    ssai(1)                                 # 1
    srl(a4, a4)                             # 1  the multiplier without its mark
    mull(a10, a9, a4)                       # 1
    mulsh(a9, a9, a4)                       # 1
    extui(a10, a10, 30, 2)                  # 1
    addi(a10, a10, 1)                       # 1
    srli(a10, a10, 1)                       # 1
    addx2(a9, a9, a10)                      # 1  h
    srli(a10, a8, 8)                        # 1
    beqz(a10, ZERO)                         # 1-4
    addi(a10, a10, -1)                      # 1
    ssr(a10)                                # 1
    srai(a4, a9, 31)                        # 1
    add(a9, a9, a4)                         # 1  h - (h < 0)
    sra(a9, a9)                             # 1
    addi(a9, a9, 1)                         # 1
    srai(a9, a9, 1)                         # 1
    label(ZERO)
    wsr_acchi(a6)                           # 1
    l32i(a4, a1, 4)                         # 3  state
    l32i(a4, a4, 68)                        # 3  y zero point
    add(a9, a9, a4)                         # 1
    l32i(a4, a1, 12)                        # 3  segments
    bnez(a4, SLOW_ROWS)                     # 1-4
    j(CLAMP)                                # 4
    label(SLOW_ROWS)
    j(ROW_CLAMP)                            # 4
    label(END)
    movi(a2, 1)                             # 1


_KERNEL = const(0)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_BATCHES = const(8)
_IN_H = const(9)
_IN_W = const(10)
_IN_C = const(11)
_OUT_H = const(12)
_OUT_W = const(13)
_OUT_C = const(14)
_KERNEL_H = const(15)
_KERNEL_W = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_DILATION_H = const(19)
_DILATION_W = const(20)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_X_ZERO_POINT = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_VARIANT_FORM = const(29)
_PACKED_OFFSET = const(30)
_TILE = const(31)
_Y_STEP = const(32)
_PIECE_COUNT = const(33)
_SCRATCH_OFFSET = const(7)
_S_X_WORDS = const(0)
_S_WEIGHTS = const(1)
_S_Y_WORDS = const(2)
_S_TABLE = const(3)
_S_Y = const(4)
_S_CHANNELS = const(5)
_S_GROUPS = const(6)
_S_Y_STEP = const(7)
_S_X_END = const(8)
_S_X_ROW_GAP = const(10)
_S_SEGMENTS = const(11)
_S_SEGMENT_GROUPS = const(12)
_S_SEGMENT_GAP = const(13)
_S_PIXEL_GAP = const(14)
_S_CLAMP_MIN = const(15)
_S_CLAMP_MAX = const(16)
_S_Y_ZERO_POINT = const(17)
_S_EVEN_BYTES = const(18)
_S_BIAS_128 = const(19)
_S_SIGNS = const(20)
_S_FLIP = const(21)
_S_MASK = const(22)
_S_ROWS = const(23)
_S_X_ROW = const(24)
_S_SOURCE = const(25)
_S_TO = const(26)
_S_COUNT = const(27)
_S_LEFT = const(28)
_S_RUN = const(29)
_S_RIGHT = const(30)
_S_BETWEEN = const(31)
_S_BEFORE = const(32)
_S_AFTER = const(33)
_S_PIXEL_STEP = const(34)
_S_ROW_PIXELS = const(35)
_S_IN_BYTES = const(35)
_S_TILE_ROWS = const(36)
_S_NEXT_ROW = const(37)
_S_RUNS = const(38)
_S_RUN_STEP = const(39)
_S_RUNS_DOWN = const(40)
_S_DOWN_STEP = const(41)
_S_PADDING = const(42)
_STATE_BYTES = const(172)


@micropython.viper
def conv_2d(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.conv_2d. The arguments are record, arena, constants.

    Forms: 1 rows, 2 columns, 3 columns of an image taken as one row (1 x 1, strides 1, no padding; fully
    connected). A tile is tile_h rows of tile_w output pixels; form 3: tile_w pixels, tile_h * 65536 more.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    table = rec[_PACKED_OFFSET]  # of its own, or the one of all
    if table == rec[_WEIGHTS_OFFSET]:
        table = rec[_CHANNELS_OFFSET]
    s = ptr32(arena + rec[_SCRATCH_OFFSET])
    state = int(s) >> 2
    form = rec[_VARIANT_FORM]
    n_images = rec[_BATCHES]
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    out_h = rec[_OUT_H]
    out_w = rec[_OUT_W]
    out_c = rec[_Y_STEP]  # of all pieces, if the op is cut
    if out_c == 0:
        out_c = rec[_OUT_C]
    stride_h = rec[_STRIDE_H]
    stride_w = rec[_STRIDE_W]
    tile_h = rec[_TILE] >> 16
    tile_w = rec[_TILE] & 0xFFFF
    if rec[_KERNEL] == 3:  # fully connected: its word 29 is another's
        form = 2
        if in_c & 3 == 0:
            form = 3
    if form == 3:
        tile_w += tile_h << 16
        tile_h = 1
        out_w = n_images * out_h * out_w
        in_w = out_w
        out_h = in_h = n_images = 1
    size = rec[_KERNEL_H] * rec[_KERNEL_W] * in_c
    groups = (size + 3) >> 2
    zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    words = int(s) + _STATE_BYTES + 8 * groups + 8
    s[_S_Y_WORDS] = int(s) + _STATE_BYTES
    s[_S_GROUPS] = groups
    s[_S_Y_STEP] = out_c
    # A later piece of an op that one tile covers finds its X words made.
    fresh = rec[_PIECE_COUNT] == 0 or n_images > 1 or tile_h < out_h or tile_w < out_w
    s[_S_CLAMP_MIN] = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    s[_S_CLAMP_MAX] = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    s[_S_Y_ZERO_POINT] = zero
    s[_S_EVEN_BYTES] = 0xFF00FF
    v = 0x7F80
    s[_S_BIAS_128] = (v << 16) + v
    v = 0x8000
    s[_S_SIGNS] = (v << 16) + v
    v = 0x8080
    s[_S_FLIP] = (v << 16) + v
    s[_S_MASK] = 0x3FC03FC
    v = rec[_X_ZERO_POINT] & 0xFF
    v += v << 8
    s[_S_PADDING] = v + (v << 16)
    reach_h = (rec[_KERNEL_H] - 1) * rec[_DILATION_H] + 1
    reach_w = (rec[_KERNEL_W] - 1) * rec[_DILATION_W] + 1
    pad_top = rec[_PAD_TOP]
    pad_left = rec[_PAD_LEFT]
    padded = (
        pad_top > 0
        or pad_left > 0
        or (out_h - 1) * stride_h + reach_h > in_h
        or (out_w - 1) * stride_w + reach_w > in_w
    )
    unaligned = in_c & 3
    image = arena + rec[_X_OFFSET]
    y = arena + rec[_Y_OFFSET]
    while n_images > 0:
        n_images -= 1
        oy = 0
        while oy < out_h:
            rows = tile_h
            if oy + rows > out_h:
                rows = out_h - oy
            plane_h = (rows - 1) * stride_h + reach_h
            iy = oy * stride_h - pad_top
            ox = 0
            while ox < out_w:
                across = tile_w
                if ox + across > out_w:
                    across = out_w - ox
                plane_w = (across - 1) * stride_w + reach_w
                ix = ox * stride_w - pad_left
                plane = words  # of bytes, or where in the image
                pitch = in_w * in_c
                source = image + iy * pitch + ix * in_c
                if form == 1:
                    plane += plane_h * plane_w * in_c  # its second half
                elif form == 2:
                    plane += 8 * groups * rows * across + 8
                if padded:
                    pitch = plane_w * in_c
                    top = 0
                    if iy < 0:
                        top = 0 - iy
                    inside_h = plane_h - top
                    if iy + plane_h > in_h:
                        inside_h = in_h - iy - top
                    left = 0
                    if ix < 0:
                        left = 0 - ix
                    inside_w = plane_w - left
                    if ix + plane_w > in_w:
                        inside_w = in_w - ix - left
                    if inside_h <= 0 or inside_w <= 0:
                        inside_h = 0
                        top = plane_h
                    s[_S_SOURCE] = source + (top * in_w + left) * in_c
                    s[_S_TO] = plane
                    s[_S_LEFT] = left * in_c
                    s[_S_RUN] = inside_w * in_c
                    s[_S_RIGHT] = (plane_w - left - inside_w) * in_c
                    s[_S_BETWEEN] = (in_w - inside_w) * in_c
                    s[_S_BEFORE] = top * pitch
                    s[_S_AFTER] = (plane_h - top - inside_h) * pitch
                    s[_S_IN_BYTES] = unaligned
                    s[_S_TILE_ROWS] = inside_h
                    if fresh:
                        band(state)
                    source = plane
                s[_S_TO] = words
                s[_S_SOURCE] = source
                if form == 2:
                    s[_S_RUN] = in_c
                    s[_S_RUNS] = rec[_KERNEL_W]
                    s[_S_RUN_STEP] = rec[_DILATION_W] * in_c
                    s[_S_RUNS_DOWN] = rec[_KERNEL_H]
                    s[_S_DOWN_STEP] = rec[_DILATION_H] * pitch - rec[_KERNEL_W] * rec[_DILATION_W] * in_c
                    if rec[_DILATION_W] == 1:
                        s[_S_RUN] = rec[_KERNEL_W] * in_c
                        s[_S_RUNS] = 1
                        s[_S_RUN_STEP] = 0
                        s[_S_DOWN_STEP] = rec[_DILATION_H] * pitch
                    s[_S_PIXEL_STEP] = stride_w * in_c
                    s[_S_ROW_PIXELS] = across
                    s[_S_TILE_ROWS] = rows
                    s[_S_NEXT_ROW] = stride_h * pitch - across * stride_w * in_c
                    if fresh:
                        columns(state)
                else:
                    s[_S_COUNT] = plane_h * pitch >> 2
                    if form == 3:
                        s[_S_COUNT] = across * groups
                    if fresh:
                        widen(state)
                s[_S_X_WORDS] = words
                s[_S_WEIGHTS] = constants + rec[_WEIGHTS_OFFSET]
                s[_S_TABLE] = constants + table
                s[_S_Y] = y + (oy * out_w + ox) * out_c
                s[_S_CHANNELS] = rec[_OUT_C]
                s[_S_SEGMENTS] = 0
                s[_S_X_END] = words + 4 + 8 * groups * rows * across
                if form == 1:
                    pitch <<= 1
                    v = 2 * stride_w * in_c
                    s[_S_X_END] = words - 4 + across * v
                    s[_S_SEGMENTS] = rec[_KERNEL_H]
                    s[_S_SEGMENT_GROUPS] = rec[_KERNEL_W] * in_c >> 2
                    s[_S_SEGMENT_GAP] = rec[_DILATION_H] * pitch - 2 * rec[_KERNEL_W] * in_c - 8
                    s[_S_PIXEL_GAP] = v - rec[_KERNEL_H] * rec[_DILATION_H] * pitch
                    s[_S_ROWS] = rows
                    s[_S_X_ROW] = stride_h * pitch
                    s[_S_X_ROW_GAP] = stride_h * pitch - across * v
                convolve(state)
                ox += tile_w
            oy += tile_h
        image += in_h * in_w * in_c
        y += out_h * out_w * out_c


# A row of inputs is an image of one pixel.
kernels = {1: conv_2d, 3: conv_2d}
