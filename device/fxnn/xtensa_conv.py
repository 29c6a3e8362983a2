"""Convolutions and fully connected for the ESP32's Xtensa LX6 and LX7 (MAC16): any shape. See ref.conv_2d for the meaning.

MAC16 multiplies halves of 32-bit words into 40 bits and loads the next word in the same instruction. Activations
become X words, two uint16 4 * (x + 128) each; weights become Y words, two int16 each, one channel at a time, used for
all pixels of a tile. So acc * 4 = 4 * word 0 of the channel table + sum(X * Y). Where it may leave 32 bits the host has set
bit 31 of the multiplier: the long way then takes acc modulo 2^32 from the accumulator's 40 bits.

Of four inputs x0 to x3 the X words are (x3 low, x0 high), (x2, x1); of weights b0 to b3 the Y words are (b[-2], b0),
(b1, b3): the order in which masks and one funnel shift make them from bytes, and in which a word's two halves are used
one after the other, so that every load lies three instructions before its use. After the last come b[n-2] and a word
that is read and not used.

The requantizer, FORMAT.md eq. (2), (3), right shift e of 1 to 21: q = high word of 4 acc * multiplier = floor(acc *
multiplier / 2^30); y = (q + 2 * (q < 0 ? -1 : 0) + 1 + (2 * y_zero_point + 1) * 2^e) >> (e + 1): h = (q + 1) >> 1 is
eq. (2)'s, and h < 0 only where q < -1; for q = -1 both give 0. Other shifts and larger sums take the long way, channel by
channel.

Functions in assembler are called by viper code with the state's address / 4 as a small int (so that no int is
allocated): a5 points to the arguments, an object o is the address (o - 1) * 2. They return a small int. The figure beside a
line is its cycles, estimated, with the wait for its result: host_tools/assembler/xtensa/costs.py.

State, byte offsets from the start of the scratch (32 words), then Y words, then X words:
0 X words of the first pixel     4 weights     8 Y words     12 channel table     16 y     20 channels left
24 groups of 4 weights a channel     28 from pixel to pixel in y     32 end of X words: + 4 (columns), of a row - 4 (rows)
36 rows left     40 bytes of X words from row to row, less those of a row's pixels     44 segments, 0: columns
48 groups a segment     52 from the end of a segment's X words + 8 to the next     56 from the last to the next pixel
60 clamp_min     64 clamp_max     68 y_zero_point     72 0x00FF00FF     76 0x7F807F80     80 0x80008000
84 0x80808080     88 0x03FC03FC     92 rows     96 bytes of X words from row to row
100 source; word 0, the long way     104 to     108 count     112 left bytes     116 bytes of a run     120 right bytes     124 between runs
128 bytes before     132 bytes behind     136 from pixel to pixel     140 pixels a row     144 rows     148 from row to row
152 runs     156 from run to run     160 runs down     164 from the last run to the next down     168 padding, 4 bytes
"""

import micropython


@micropython.asm_xtensa
def widen(a2, a3, a4, a5):
    """
    Bytes to X words, from 100 to 104, 108 groups of 4 (at least 1). In place where the bytes end where the words do.
    In   a5 args: state    Uses a2 state | a3 source | a4 to | a6 groups | a7 0x80808080 | a8 0x03FC03FC | a9 bytes
         a10 x0, x2 | a11 x1, x3    Cost 3 an input
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 100)                       # 1
    l32i(a4, a2, 104)                       # 1
    l32i(a6, a2, 108)                       # 1
    l32i(a7, a2, 84)                        # 1
    l32i(a8, a2, 88)                        # 1
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
    The rows of the image that a tile sees, with their padding, as bytes: 144 rows of {112 left, 116 image, 120 right} from
    100 to 104, after 128 and before 132 bytes of padding. Everything a multiple of 4 where 140 is 0, else any.
    In   a5 args: state    Uses a2 state | a3 source | a4 to | a5 padding | a6 count | a7 end | a8 rows left | a9 bytes
    Cost 1 a byte where all is a multiple of 4, else 4
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 100)                       # 1
    l32i(a4, a2, 104)                       # 1
    l32i(a5, a2, 168)                       # 1
    l32i(a8, a2, 144)                       # 1
    l32i(a6, a2, 128)                       # 1
    l32i(a7, a2, 140)                       # 3
    bnez(a7, BYTES)                         # 1-4
    # words: rows of padding above, then row by row
    srli(a6, a6, 2)                         # 1
    loopnez(a6, TOP)                        # 1
    s32i(a5, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(TOP)
    beqz(a8, BOTTOM)                        # 1-4
    label(ROW)
    l32i(a6, a2, 112)                       # 3
    srli(a6, a6, 2)                         # 1
    loopnez(a6, LEFT)                       # 1
    s32i(a5, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(LEFT)
    l32i(a6, a2, 116)                       # 3
    srli(a6, a6, 2)                         # 1
    loopnez(a6, COPY)                       # 1
    l32i(a9, a3, 0)                         # 2
    addi(a3, a3, 4)                         # 1
    s32i(a9, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(COPY)
    l32i(a6, a2, 120)                       # 3
    srli(a6, a6, 2)                         # 1
    loopnez(a6, RIGHT)                      # 1
    s32i(a5, a4, 0)                         # 1
    addi(a4, a4, 4)                         # 1
    label(RIGHT)
    l32i(a6, a2, 124)                       # 3
    add(a3, a3, a6)                         # 1
    addi(a8, a8, -1)                        # 1
    bnez(a8, ROW)                           # 1-4
    label(BOTTOM)
    l32i(a6, a2, 132)                       # 3
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
    l32i(a6, a2, 112)                       # 3
    loopnez(a6, LEFT_BYTES)                 # 1
    s8i(a5, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(LEFT_BYTES)
    l32i(a6, a2, 116)                       # 3
    loopnez(a6, COPY_BYTES)                 # 1
    l8ui(a9, a3, 0)                         # 2
    addi(a3, a3, 1)                         # 1
    s8i(a9, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(COPY_BYTES)
    l32i(a6, a2, 120)                       # 3
    loopnez(a6, RIGHT_BYTES)                # 1
    s8i(a5, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(RIGHT_BYTES)
    l32i(a6, a2, 124)                       # 3
    add(a3, a3, a6)                         # 1
    addi(a8, a8, -1)                        # 1
    bnez(a8, ROW_BYTES)                     # 1-4
    label(BOTTOM_BYTES)
    l32i(a6, a2, 132)                       # 3
    loopnez(a6, END)                        # 1
    s8i(a5, a4, 0)                          # 1
    addi(a4, a4, 1)                         # 1
    label(END)
    movi(a2, 1)                             # 1


@micropython.asm_xtensa
def columns(a2, a3, a4, a5):
    """
    X words of a tile's windows, one pixel after the other (im2col). A window is 160 times 152 runs of 116 bytes; the bytes
    are gathered in the second half of the place of the X words and widened there.
    In   a5 args: state    Uses a2 state | a3 pixel | a4 to | a5 bytes to | a6 rows left | a7 pixels left | a8 0x03FC03FC,
         run | a9 bytes | a10 x0, x2; runs left | a11 x1, x3; runs down left | a12 window row | a13 bytes of a run
         a14 groups | a15 0x80808080    Cost per pixel 9 a run, 4 a byte, 12 a group of 4, 20
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 100)                       # 1
    l32i(a4, a2, 104)                       # 1
    l32i(a6, a2, 144)                       # 1
    l32i(a13, a2, 116)                      # 1
    l32i(a14, a2, 24)                       # 1
    l32i(a15, a2, 84)                       # 1
    ssai(16)                                # 1
    label(ROW)
    l32i(a7, a2, 140)                       # 1
    label(PIXEL)
    addx4(a5, a14, a4)                      # 1
    mov(a12, a3)                            # 1
    l32i(a11, a2, 160)                      # 1
    label(DOWN)
    l32i(a10, a2, 152)                      # 1
    label(RUN)
    mov(a8, a12)                            # 1
    loop(a13, COPY)                         # 1
    l8ui(a9, a8, 0)                         # 2
    addi(a8, a8, 1)                         # 1
    s8i(a9, a5, 0)                          # 1
    addi(a5, a5, 1)                         # 1
    label(COPY)
    l32i(a9, a2, 156)                       # 3
    add(a12, a12, a9)                       # 1
    addi(a10, a10, -1)                      # 1
    bnez(a10, RUN)                          # 1-4
    l32i(a9, a2, 164)                       # 3
    add(a12, a12, a9)                       # 1
    addi(a11, a11, -1)                      # 1
    bnez(a11, DOWN)                         # 1-4
    addx4(a5, a14, a4)                      # 1
    l32i(a8, a2, 88)                        # 1
    loop(a14, GROUP)                        # 1
    l32i(a9, a5, 0)                         # 2
    addi(a5, a5, 4)                         # 1
    xor(a9, a9, a15)                        # 1
    slli(a10, a9, 2)                        # 1
    srli(a11, a9, 6)                        # 1
    and_(a10, a10, a8)                      # 1
    and_(a11, a11, a8)                      # 1
    src(a9, a10, a11)                       # 1
    src(a10, a11, a10)                      # 1
    s32i(a9, a4, 0)                         # 1
    s32i(a10, a4, 4)                        # 1
    addi(a4, a4, 8)                         # 1
    label(GROUP)
    l32i(a9, a2, 136)                       # 3
    add(a3, a3, a9)                         # 1
    addi(a7, a7, -1)                        # 1
    bnez(a7, PIXEL)                         # 1-4
    l32i(a9, a2, 148)                       # 3
    add(a3, a3, a9)                         # 1
    addi(a6, a6, -1)                        # 1
    bnez(a6, ROW)                           # 1-4
    movi(a2, 1)                             # 1


@micropython.asm_xtensa
def convolve(a2, a3, a4, a5):
    """
    All channels of a tile from X words: FORMAT.md eq. (2), (3); ref.conv_2d. `columns`: the windows lie one behind the other;
    `rows`: a window is 44 segments of the padded image's rows.
    In   a5 args: state    Stack 4 state | 8 from the last segment to the next pixel | 12 segments
    Uses a2 state, clamp_max | a3 X words | a4 Y words | a5 Y words - 4; mask | a6 4 * word 0 | a7 multiplier, negative: the
         long way | a8 constant of the requantizer; left_shift + 256 * right_shift | a9 acc * 4, q, y | a10 sign, scratch
         a11 y | a12 end of X words | a13 groups | a14 from pixel to pixel in y | a15 clamp_min, word before
         m0, m1 X | m2, m3 Y    SAR e + 1
    Cost columns: 1 a product, 18 a pixel; rows: 6 more a segment, 5 a pixel; a channel: 3 a weight, 50
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    s32i(a2, a1, 4)                         # 1
    l32i(a3, a2, 56)                        # 3
    s32i(a3, a1, 8)                         # 1
    l32i(a3, a2, 44)                        # 3
    s32i(a3, a1, 12)                        # 1
    label(CHANNEL)
    # weights of the channel to Y words: bytes b = w + 128, + 0x7F80 and ^ 0x8000 give int16 w
    l32i(a3, a2, 4)                         # 1
    l32i(a4, a2, 8)                         # 1
    l32i(a13, a2, 24)                       # 1
    l32i(a5, a2, 72)                        # 1
    l32i(a6, a2, 76)                        # 1
    l32i(a7, a2, 80)                        # 1
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
    src(a10, a15, a9)                       # 1
    srli(a11, a15, 8)                       # 1
    and_(a10, a10, a5)                      # 1
    and_(a11, a11, a5)                      # 1
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
    src(a10, a9, a15)                       # 1
    srli(a11, a9, 8)                        # 1
    and_(a10, a10, a5)                      # 1
    and_(a11, a11, a5)                      # 1
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
    s32i(a3, a2, 4)                         # 1
    # the channel's table entry
    l32i(a12, a2, 12)                       # 3
    l32i(a10, a12, 0)                       # 1
    l32i(a7, a12, 4)                        # 1
    l16ui(a8, a12, 8)                       # 1
    addi(a12, a12, 12)                      # 1
    s32i(a12, a2, 12)                       # 1
    slli(a6, a10, 2)                        # 1
    s32i(a10, a2, 100)                      # 1
    bltz(a7, LONG)                          # 1-4
    srli(a9, a8, 8)                         # 1
    extui(a10, a8, 0, 8)                    # 1
    bnez(a10, LONG)                         # 1-4
    beqz(a9, LONG)                          # 1-4
    addi(a10, a9, -22)                      # 1
    bgez(a10, LONG)                         # 1-4
    l32i(a10, a2, 68)                       # 2
    ssl(a9)                                 # 1
    add(a10, a10, a10)                      # 1
    addi(a10, a10, 1)                       # 1
    sll(a8, a10)                            # 1  (2 y_zero_point + 1) * 2^e
    addi(a8, a8, 1)                         # 1  < 2^30 in size, as is |q|
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
    l32i(a3, a2, 0)                         # 3
    addi(a3, a3, -4)                        # 1
    l32i(a5, a2, 8)                         # 3
    addi(a5, a5, -4)                        # 1
    l32i(a11, a2, 16)                       # 3
    addi(a9, a11, 1)                        # 1
    s32i(a9, a2, 16)                        # 1
    l32i(a14, a2, 28)                       # 1
    l32i(a12, a2, 32)                       # 1
    l32i(a15, a2, 60)                       # 1
    l32i(a9, a2, 44)                        # 3
    bnez(a9, ROWS)                          # 1-4
    l32i(a2, a2, 64)                        # 1
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
    l32i(a2, a1, 4)                         # 3
    l32i(a9, a2, 20)                        # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 20)                        # 1
    beqz(a9, END)                           # 1-4
    j(CHANNEL)                              # 4
    label(ROWS)
    l32i(a10, a2, 92)                       # 3
    s32i(a10, a2, 36)                       # 1
    l32i(a13, a2, 48)                       # 1
    l32i(a2, a2, 64)                        # 1
    label(ROW_PIXEL)
    l32i(a9, a1, 4)                         # 3
    l32i(a10, a9, 52)                       # 1
    l32i(a9, a1, 12)                        # 1
    mov(a4, a5)                             # 1
    ldinc(m2, a4)                           # 1
    ldinc(m3, a4)                           # 1
    wsr_acclo(a6)                           # 1
    label(SEGMENT)
    ldinc(m0, a3)                           # 1
    ldinc(m1, a3)                           # 1
    loop(a13, ROW_DOT)                      # 1
    mula_dd_hh_ldinc(m2, a4, m0, m2)        # 1
    mula_dd_lh_ldinc(m0, a3, m0, m3)        # 1
    mula_dd_hl_ldinc(m3, a4, m1, m3)        # 1
    mula_dd_ll_ldinc(m1, a3, m1, m2)        # 1
    label(ROW_DOT)
    add(a3, a3, a10)                        # 1
    addi(a9, a9, -1)                        # 1
    bnez(a9, SEGMENT)                       # 1-4
    l32i(a10, a1, 8)                        # 3
    add(a3, a3, a10)                        # 1
    rsr_acclo(a9)                           # 1
    bltz(a7, SLOW)                          # 1-4
    mulsh(a9, a9, a7)                       # 2
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
    l32i(a9, a1, 4)                         # 3
    l32i(a10, a9, 40)                       # 3
    add(a3, a3, a10)                        # 1
    l32i(a10, a9, 96)                       # 3
    add(a12, a12, a10)                      # 1
    l32i(a10, a9, 36)                       # 3
    addi(a10, a10, -1)                      # 1
    s32i(a10, a9, 36)                       # 1
    bnez(a10, ROW_PIXEL)                    # 1-4
    j(NEXT)                                 # 4
    label(SLOW)  # eq. (2) in full: a = acc * 2^left_shift modulo 2^32, h from all 64 bits of a * multiplier
    rsr_acchi(a4)                           # 1
    ssai(2)                                 # 1
    src(a9, a4, a9)                         # 1
    l32i(a4, a1, 4)                         # 3
    l32i(a4, a4, 100)                       # 3
    add(a9, a9, a4)                         # 1  + word 0
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
    addx2(a9, a9, a10)                      # 1  h = floor((a * multiplier + 2^30) / 2^31)
    srli(a10, a8, 8)                        # 1
    beqz(a10, ZERO)                         # 1-4
    addi(a10, a10, -1)                      # 1
    ssr(a10)                                # 1
    srai(a4, a9, 31)                        # 1
    add(a9, a9, a4)                         # 1  h - (h < 0): halves away from zero
    sra(a9, a9)                             # 1
    addi(a9, a9, 1)                         # 1
    srai(a9, a9, 1)                         # 1
    label(ZERO)
    wsr_acchi(a6)                           # 1
    l32i(a4, a1, 4)                         # 3
    l32i(a4, a4, 68)                        # 3
    add(a9, a9, a4)                         # 1
    l32i(a4, a1, 12)                        # 3
    bnez(a4, SLOW_ROWS)                     # 1-4
    j(CLAMP)                                # 4
    label(SLOW_ROWS)
    j(ROW_CLAMP)                            # 4
    label(END)
    movi(a2, 1)                             # 1


@micropython.viper
def conv_2d(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.conv_2d. The arguments are record, arena, constants.

    Forms (word 29): 1 rows, 2 columns, 3 columns of an image taken as one row (1 x 1, strides 1, no padding; fully
    connected). A tile (word 31) is tile_h rows of tile_w output pixels; form 3: tile_w pixels, tile_h * 65536 more.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    table = rec[30]  # of its own, or the one of all
    if table == rec[27]:
        table = rec[28]
    s = ptr32(arena + rec[7])
    state = int(s) >> 2
    form = rec[29]
    n_images = rec[8]
    in_h = rec[9]
    in_w = rec[10]
    in_c = rec[11]
    out_h = rec[12]
    out_w = rec[13]
    out_c = rec[32]  # of all pieces, if the op is cut
    if out_c == 0:
        out_c = rec[14]
    stride_h = rec[17]
    stride_w = rec[18]
    tile_h = rec[31] >> 16
    tile_w = rec[31] & 0xFFFF
    if rec[0] == 3:  # fully connected: its word 29 is another's
        form = 2
        if in_c & 3 == 0:
            form = 3
    if form == 3:
        tile_w += tile_h << 16
        tile_h = 1
        out_w = n_images * out_h * out_w
        in_w = out_w
        out_h = in_h = n_images = 1
    size = rec[15] * rec[16] * in_c
    groups = (size + 3) >> 2
    zero = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    words = int(s) + 172 + 8 * groups + 8
    s[8 >> 2] = int(s) + 172
    s[24 >> 2] = groups
    s[28 >> 2] = out_c
    # A later piece of an op that one tile covers finds its X words made.
    fresh = rec[33] == 0 or n_images > 1 or tile_h < out_h or tile_w < out_w
    s[60 >> 2] = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    s[64 >> 2] = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    s[68 >> 2] = zero
    s[72 >> 2] = 0xFF00FF
    v = 0x7F80
    s[76 >> 2] = (v << 16) + v
    v = 0x8000
    s[80 >> 2] = (v << 16) + v
    v = 0x8080
    s[84 >> 2] = (v << 16) + v
    s[88 >> 2] = 0x3FC03FC
    v = rec[23] & 0xFF
    v += v << 8
    s[168 >> 2] = v + (v << 16)
    reach_h = (rec[15] - 1) * rec[19] + 1
    reach_w = (rec[16] - 1) * rec[20] + 1
    pad_top = rec[21]
    pad_left = rec[22]
    padded = pad_top > 0 or pad_left > 0 or (out_h - 1) * stride_h + reach_h > in_h or (out_w - 1) * stride_w + reach_w > in_w
    unaligned = in_c & 3
    image = arena + rec[5]
    y = arena + rec[6]
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
                    s[100 >> 2] = source + (top * in_w + left) * in_c
                    s[104 >> 2] = plane
                    s[112 >> 2] = left * in_c
                    s[116 >> 2] = inside_w * in_c
                    s[120 >> 2] = (plane_w - left - inside_w) * in_c
                    s[124 >> 2] = (in_w - inside_w) * in_c
                    s[128 >> 2] = top * pitch
                    s[132 >> 2] = (plane_h - top - inside_h) * pitch
                    s[140 >> 2] = unaligned
                    s[144 >> 2] = inside_h
                    if fresh:
                        band(state)
                    source = plane
                s[104 >> 2] = words
                s[100 >> 2] = source
                if form == 2:
                    s[116 >> 2] = in_c
                    s[152 >> 2] = rec[16]
                    s[156 >> 2] = rec[20] * in_c
                    s[160 >> 2] = rec[15]
                    s[164 >> 2] = rec[19] * pitch - rec[16] * rec[20] * in_c
                    if rec[20] == 1:
                        s[116 >> 2] = rec[16] * in_c
                        s[152 >> 2] = 1
                        s[156 >> 2] = 0
                        s[164 >> 2] = rec[19] * pitch
                    s[136 >> 2] = stride_w * in_c
                    s[140 >> 2] = across
                    s[144 >> 2] = rows
                    s[148 >> 2] = stride_h * pitch - across * stride_w * in_c
                    if fresh:
                        columns(state)
                else:
                    s[108 >> 2] = plane_h * pitch >> 2
                    if form == 3:
                        s[108 >> 2] = across * groups
                    if fresh:
                        widen(state)
                s[0] = words
                s[4 >> 2] = constants + rec[27]
                s[12 >> 2] = constants + table
                s[16 >> 2] = y + (oy * out_w + ox) * out_c
                s[20 >> 2] = rec[14]
                s[44 >> 2] = 0
                s[32 >> 2] = words + 4 + 8 * groups * rows * across
                if form == 1:
                    pitch <<= 1
                    v = 2 * stride_w * in_c
                    s[32 >> 2] = words - 4 + across * v
                    s[44 >> 2] = rec[15]
                    s[48 >> 2] = rec[16] * in_c >> 2
                    s[52 >> 2] = rec[19] * pitch - 2 * rec[16] * in_c - 8
                    s[56 >> 2] = v - rec[15] * rec[19] * pitch
                    s[92 >> 2] = rows
                    s[96 >> 2] = stride_h * pitch
                    s[40 >> 2] = stride_h * pitch - across * v
                convolve(state)
                ox += tile_w
            oy += tile_h
        image += in_h * in_w * in_c
        y += out_h * out_w * out_c


# A row of inputs is an image of one pixel.
kernels = {1: conv_2d, 3: conv_2d}
