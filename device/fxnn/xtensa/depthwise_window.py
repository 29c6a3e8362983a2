"""Depthwise convolutions of any window for the ESP32's MAC16, two products a word. See ref/depthwise.py for the
meaning, xtensa/conv.py for how assembler is called, the requantizer and the long way, xtensa/depthwise.py for 3 x 3.

Written by host_tools/assembler/xtensa: edit that.

One channel at a time goes to a plane of its own in scratch, x + 128 as uint16, two of a line in a word, with its
padding. 4 * acc = 4 * bias - 4 * (x_zero_point + 128) * sum(w) + sum((x + 128) * 4 w). A window is runs of words
that lie one after the other: its lines (form 8), or, where the plane lies down its lines, its columns of words (8 +
2); what dilation skips in a run has weights of 0. Lines are rows, or columns (8 + 1). Where the stride in a line is
odd, every other window starts in the middle of a word: its weights lie one later, in a copy of their own.

State, byte offsets from the start of the scratch, then both copies of the weights, 4 w as int16, then the plane:
   0 source
   4 to                   where it goes in the plane
   8 lines                to copy
  12 pairs                of inputs per line
  16 x_step               from input to input
  20 x_line               from the last input of a line to the next line
  24 pitch                from line to line in the plane
  28 plane
  32 y
  36 y_step               from pixel to pixel of a line in y
  40 y_line               from line to line in y
  44 out_lines            lines of outputs
  48 before               an input before the pairs
  52 after                an input after them
  56 table                channel table
  60 weights
  64 channels             left
  68 w_step               from weight to weight across the lines
  72 w_line               from the last of those to the next
  76 y_zero_point
  80 x_zero               x_zero_point + 128
  84 depth_multiplier
  88 outputs              left of the input channel
  92 plane_words          of all planes
  96 padding              twice
 100 clamp_min
 104 clamp_max
 108 word_step            from word to word of a line
 112 line_y               y of the line
 116 line_bytes           of a line in y
 120 line_end             end of the line in y
 124 even_step            from an even output to the next in the plane
 128 two_steps            that and from an odd one
 132 line_step            from line of outputs to line in the plane
 136 even_weight          from weight to weight along the line, of even ones
 140 odd_weight           of odd ones
 144 kernel_across        weights across
 148 kernel_along         weights along
 152 line                 in the plane
 156 copy1                first copy of the weights - 4
 160 both_copies          both copies - 8, added
 164 run_pairs            words per run / 2
 168 runs                 less than 0: of an odd length
 172 run_step             from a run's end to the next
 176 weight_step          from weight to weight across
 180 first                word 0, the long way
 184 copy2                second copy of the weights
 188 plane_bytes          where four channels are copied at a time
 192 planes_left          of those still to come
 196 first_plane          of those
"""

import micropython


@micropython.asm_xtensa
def windows(a2, a3, a4, a5):
    """
    All channels of some lines of outputs: FORMAT.md eq. (2), (3); ref.depthwise_conv_2d.
    In   a5 args: state    Stack 4 lines left | 8 lines to copy
    Uses a2 state | a7 multiplier, negative: the long way
         a8 constant of the requantizer; left_shift + 256 * right_shift
    Copying   a3 source | a4 to | a5 step | a6 an input after | a7 lines | a8 0x80 | a9, a10 inputs | a11 word
         a12 pairs | a13 from word to word | a14 an input before
    Four      a3 source | a4 line | a5 step | a6, a11, a12, a13 planes | a7 from word to word | a8, a14 masks
         a9, a10, a15 inputs
    Weights   a3 weight | a4, a5 where it goes | a6, a7 the column's | a8 from line to line | a9 w | a10 step
         a11 weights across | a12, a13 from column to column, in turn | a14 4 * sum(w) | a15 columns left
    Products  a3 the window's first word - 4 | a4 X words | a5 Y words | a6 4 * (bias and the like) | a9 acc * 4, q, y
         a10 runs left, scratch | a11 y | a12 Y words - 4 | a13 words per run / 2 | a14 from a run's end to the next
         a15 to the next output's | m0, m1 X | m2, m3 Y, in turn    SAR e + 1
    Cost 4.5 per input, 3 of four channels at a time; 9 per weight; 1 per product, 5 per run, 28 per output, 22 per
         line, 80 per channel
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 28)                        # 1  plane
    l32i(a4, a2, 92)                        # 2  plane words
    l32i(a5, a2, 96)                        # 1  padding
    loop(a4, FILL)                          # 1
    s32i(a5, a3, 0)                         # 1
    addi(a3, a3, 4)                         # 1
    label(FILL)
    label(CHANNEL)
    # the channel's inputs, unless those of the channel before
    l32i(a9, a2, 88)                        # 3  outputs
    bnez(a9, COPIED)                        # 1-4
    l32i(a3, a2, 0)                         # 3  source
    addi(a9, a3, 1)                         # 1
    s32i(a9, a2, 0)                         # 1  source
    l32i(a9, a2, 84)                        # 3  depth multiplier
    s32i(a9, a2, 88)                        # 1  outputs
    l32i(a7, a2, 8)                         # 1  lines
    l32i(a10, a2, 188)                      # 3  plane bytes
    beqz(a10, ONE)                          # 1-4
    # four channels at a time, if the four before are done
    l32i(a9, a2, 28)                        # 3  plane
    add(a9, a9, a10)                        # 1
    s32i(a9, a2, 28)                        # 1  plane
    l32i(a9, a2, 192)                       # 3  planes left
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 192)                       # 1  planes left
    bgez(a9, COPIED)                        # 1-4
    movi(a9, 3)                             # 1
    s32i(a9, a2, 192)                       # 1  planes left
    l32i(a9, a2, 196)                       # 3  first plane
    s32i(a9, a2, 28)                        # 1  plane
    beqz(a7, COPIED)                        # 1-4
    j(FOUR_CHANNELS)                        # 4
    label(ONE)
    beqz(a7, COPIED)                        # 1-4
    l32i(a4, a2, 4)                         # 1  to
    l32i(a5, a2, 16)                        # 1  x step
    l32i(a12, a2, 12)                       # 1  pairs
    l32i(a6, a2, 52)                        # 1  after
    l32i(a13, a2, 108)                      # 1  word step
    l32i(a14, a2, 48)                       # 1  before
    movi(a8, 128)                           # 1
    label(LINE)
    mov(a11, a4)                            # 1
    beqz(a14, PAIRS)                        # 1-4
    l8ui(a10, a3, 0)                        # 2
    add(a3, a3, a5)                         # 1
    xor(a10, a10, a8)                       # 1  x + 128
    s16i(a10, a11, 2)                       # 1
    add(a11, a11, a13)                      # 1
    label(PAIRS)
    loopnez(a12, PAIR)                      # 1
    l8ui(a9, a3, 0)                         # 1
    add(a3, a3, a5)                         # 1
    l8ui(a10, a3, 0)                        # 1
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a8)                         # 1  x + 128
    xor(a10, a10, a8)                       # 1  x + 128
    s16i(a9, a11, 0)                        # 1
    s16i(a10, a11, 2)                       # 1
    add(a11, a11, a13)                      # 1
    label(PAIR)
    beqz(a6, LINE_END)                      # 1-4
    l8ui(a9, a3, 0)                         # 2
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a8)                         # 1  x + 128
    s16i(a9, a11, 0)                        # 1
    label(LINE_END)
    l32i(a9, a2, 20)                        # 3  x line
    add(a3, a3, a9)                         # 1
    l32i(a9, a2, 24)                        # 3  pitch
    add(a4, a4, a9)                         # 1
    addi(a7, a7, -1)                        # 1
    bnez(a7, LINE)                          # 1-4
    label(COPIED)
    l32i(a9, a2, 88)                        # 3  outputs
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 88)                        # 1  outputs
    # weights, twice
    l32i(a3, a2, 60)                        # 3  weights
    addi(a9, a3, 1)                         # 1
    s32i(a9, a2, 60)                        # 1  weights
    l32i(a6, a2, 156)                       # 3  copy1
    addi(a6, a6, 4)                         # 1
    l32i(a7, a2, 184)                       # 1  copy2
    l32i(a8, a2, 176)                       # 1  weight step
    l32i(a10, a2, 68)                       # 1  w step
    l32i(a11, a2, 144)                      # 1  kernel across
    l32i(a12, a2, 136)                      # 1  even weight
    l32i(a13, a2, 140)                      # 1  odd weight
    l32i(a15, a2, 148)                      # 1  kernel along
    movi(a14, 0)                            # 1
    label(WEIGHTS)
    mov(a4, a6)                             # 1
    mov(a5, a7)                             # 1
    loop(a11, WEIGHT)                       # 1
    l8ui(a9, a3, 0)                         # 2
    add(a3, a3, a10)                        # 1
    addi(a9, a9, -128)                      # 1
    slli(a9, a9, 2)                         # 1
    s16i(a9, a4, 0)                         # 1
    s16i(a9, a5, 0)                         # 1
    add(a4, a4, a8)                         # 1
    add(a5, a5, a8)                         # 1
    add(a14, a14, a9)                       # 1
    label(WEIGHT)
    l32i(a9, a2, 72)                        # 1  w line
    add(a6, a6, a12)                        # 1
    add(a7, a7, a13)                        # 1
    add(a3, a3, a9)                         # 1
    mov(a9, a12)                            # 1
    mov(a12, a13)                           # 1
    mov(a13, a9)                            # 1
    addi(a15, a15, -1)                      # 1
    bnez(a15, WEIGHTS)                      # 1-4
    # the channel's table entry
    l32i(a12, a2, 56)                       # 2  table
    l32i(a9, a2, 80)                        # 1  x zero
    l32i(a6, a12, 0)                        # 1  bias
    mull(a9, a9, a14)                       # 1
    l32i(a7, a12, 4)                        # 1  multiplier
    l16ui(a8, a12, 8)                       # 1  shifts
    addi(a12, a12, 12)                      # 1
    s32i(a12, a2, 56)                       # 1  table
    srai(a10, a9, 2)                        # 1
    sub(a10, a6, a10)                       # 1
    s32i(a10, a2, 180)                      # 1  first
    slli(a6, a10, 2)                        # 1
    srli(a9, a8, 8)                         # 1
    extui(a10, a8, 0, 8)                    # 1
    bltz(a7, LONG)                          # 1-4
    bnez(a10, LONG)                         # 1-4
    beqz(a9, LONG)                          # 1-4
    addi(a10, a9, -22)                      # 1
    bgez(a10, LONG)                         # 1-4
    l32i(a10, a2, 76)                       # 2  y zero point
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
    l32i(a9, a2, 44)                        # 3  out lines
    s32i(a9, a1, 4)                         # 1  lines left
    l32i(a9, a2, 28)                        # 3  plane
    addi(a9, a9, -4)                        # 1
    s32i(a9, a2, 152)                       # 1  line
    l32i(a9, a2, 32)                        # 3  y
    s32i(a9, a2, 112)                       # 1  line y
    l32i(a13, a2, 164)                      # 1  run pairs
    l32i(a14, a2, 172)                      # 1  run step
    label(OUTPUTS)
    l32i(a3, a2, 152)                       # 1  line
    l32i(a9, a2, 132)                       # 2  line step
    l32i(a11, a2, 112)                      # 1  line y
    add(a9, a3, a9)                         # 1
    s32i(a9, a2, 152)                       # 1  line
    l32i(a9, a2, 116)                       # 2  line bytes
    l32i(a10, a2, 40)                       # 1  y line
    add(a9, a11, a9)                        # 1
    s32i(a9, a2, 120)                       # 1  line end
    add(a10, a11, a10)                      # 1
    s32i(a10, a2, 112)                      # 1  line y
    l32i(a12, a2, 156)                      # 1  copy1
    l32i(a15, a2, 124)                      # 1  even step
    label(OUTPUT)
    mov(a4, a3)                             # 1
    ldinc(m0, a4)                           # 1
    mov(a5, a12)                            # 1
    ldinc(m2, a5)                           # 1
    l32i(a10, a2, 168)                      # 2  runs
    wsr_acclo(a6)                           # 1
    bltz(a10, ODD)                          # 1-4
    label(EVEN)
    loop(a13, EVEN_RUN)                     # 1
    mula_dd_ll_ldinc(m1, a4, m0, m2)        # 1
    mula_dd_hh_ldinc(m3, a5, m0, m2)        # 3
    mula_dd_ll_ldinc(m0, a4, m1, m3)        # 1
    mula_dd_hh_ldinc(m2, a5, m1, m3)        # 3
    label(EVEN_RUN)
    addi(a10, a10, -1)                      # 1
    beqz(a10, DONE)                         # 1-4
    add(a4, a4, a14)                        # 1
    ldinc(m0, a4)                           # 1
    j(EVEN)                                 # 4
    label(DONE)
    rsr_acclo(a9)                           # 1  acc * 4
    l32i(a4, a2, 100)                       # 1  clamp min
    bltz(a7, SLOW)                          # 1-4
    mulsh(a9, a9, a7)                       # 1  q, Q1
    l32i(a5, a2, 104)                       # 1  clamp max
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a8)                         # 1
    sra(a9, a9)                             # 1
    label(CLAMP)
    max(a9, a9, a4)                         # 1
    l32i(a4, a2, 36)                        # 1  y step
    min(a9, a9, a5)                         # 1
    l32i(a10, a2, 160)                      # 1  both copies
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a4)                       # 1
    l32i(a9, a2, 128)                       # 1  two steps
    sub(a12, a10, a12)                      # 1  the other copy
    l32i(a10, a2, 120)                      # 1  line end
    add(a3, a3, a15)                        # 1
    sub(a15, a9, a15)                       # 1
    bne(a11, a10, OUTPUT)                   # 1-4
    l32i(a9, a1, 4)                         # 3  lines left
    addi(a9, a9, -1)                        # 1
    s32i(a9, a1, 4)                         # 1  lines left
    beqz(a9, NEXT)                          # 1-4
    j(OUTPUTS)                              # 4
    label(NEXT)
    l32i(a9, a2, 32)                        # 3  y
    addi(a9, a9, 1)                         # 1
    s32i(a9, a2, 32)                        # 1  y
    l32i(a9, a2, 64)                        # 3  channels
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 64)                        # 1  channels
    beqz(a9, END)                           # 1-4
    j(CHANNEL)                              # 4
    label(SLOW)  # eq. (2) in full, as in xtensa.conv.convolve
    rsr_acchi(a4)                           # 1
    ssai(2)                                 # 1
    src(a9, a4, a9)                         # 1
    l32i(a4, a2, 180)                       # 2  first
    ssl(a8)                                 # 1
    add(a9, a9, a4)                         # 1  acc modulo 2^32
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
    l32i(a10, a2, 76)                       # 1  y zero point
    l32i(a4, a2, 100)                       # 1  clamp min
    l32i(a5, a2, 104)                       # 1  clamp max
    add(a9, a9, a10)                        # 1
    j(CLAMP)                                # 4
    label(ODD)
    loopnez(a13, ODD_RUN)                   # 1
    mula_dd_ll_ldinc(m1, a4, m0, m2)        # 1
    mula_dd_hh_ldinc(m3, a5, m0, m2)        # 3
    mula_dd_ll_ldinc(m0, a4, m1, m3)        # 1
    mula_dd_hh_ldinc(m2, a5, m1, m3)        # 3
    label(ODD_RUN)
    mula_dd_ll(m0, m2)                      # 1
    addi(a10, a10, 1)                       # 1
    mula_dd_hh_ldinc(m3, a5, m0, m2)        # 1
    beqz(a10, DONE)                         # 1-4
    add(a4, a4, a14)                        # 1
    ldinc(m1, a4)                           # 2
    loopnez(a13, TURNED_RUN)                # 1
    mula_dd_ll_ldinc(m0, a4, m1, m3)        # 1
    mula_dd_hh_ldinc(m2, a5, m1, m3)        # 3
    mula_dd_ll_ldinc(m1, a4, m0, m2)        # 1
    mula_dd_hh_ldinc(m3, a5, m0, m2)        # 3
    label(TURNED_RUN)
    mula_dd_ll(m1, m3)                      # 1
    addi(a10, a10, 1)                       # 1
    mula_dd_hh_ldinc(m2, a5, m1, m3)        # 1
    beqz(a10, DONE)                         # 1-4
    add(a4, a4, a14)                        # 1
    ldinc(m0, a4)                           # 1
    j(ODD)                                  # 4
    # ---- a word of the image is an input of four channels: to four planes, two inputs at a time
    label(FOUR_CHANNELS)
    s32i(a7, a1, 8)                         # 1  copy left
    l32i(a7, a2, 108)                       # 1  word step
    l32i(a4, a2, 4)                         # 1  to
    l32i(a5, a2, 16)                        # 1  x step
    movi(a8, 255)                           # 1
    slli(a9, a8, 16)                        # 1
    or_(a8, a8, a9)                         # 1  0x00FF00FF
    movi(a14, 128)                          # 1
    slli(a9, a14, 8)                        # 1
    or_(a14, a14, a9)                       # 1
    slli(a9, a14, 16)                       # 1
    or_(a14, a14, a9)                       # 1  0x80808080
    ssai(16)                                # 1
    label(LINES_OF_FOUR)
    l32i(a10, a2, 188)                      # 2  plane bytes
    mov(a11, a4)                            # 1
    add(a12, a11, a10)                      # 1
    add(a13, a12, a10)                      # 1
    add(a6, a13, a10)                       # 1
    l32i(a9, a2, 48)                        # 3  before
    beqz(a9, PAIRS_OF_FOUR)                 # 1-4
    l32i(a9, a3, 0)                         # 2
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a14)                        # 1
    extui(a10, a9, 0, 8)                    # 1
    s16i(a10, a11, 2)                       # 1
    extui(a10, a9, 8, 8)                    # 1
    s16i(a10, a12, 2)                       # 1
    extui(a10, a9, 16, 8)                   # 1
    s16i(a10, a13, 2)                       # 1
    extui(a10, a9, 24, 8)                   # 1
    s16i(a10, a6, 2)                        # 1
    add(a11, a11, a7)                       # 1
    add(a12, a12, a7)                       # 1
    add(a13, a13, a7)                       # 1
    add(a6, a6, a7)                         # 1
    label(PAIRS_OF_FOUR)
    l32i(a15, a2, 12)                       # 3  pairs
    loopnez(a15, PAIR_OF_FOUR)              # 1
    l32i(a9, a3, 0)                         # 1  p
    add(a3, a3, a5)                         # 1
    l32i(a10, a3, 0)                        # 1  q
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a14)                        # 1
    xor(a10, a10, a14)                      # 1
    slli(a15, a9, 16)                       # 1
    src(a15, a10, a15)                      # 1  p0, p1, q0, q1
    extui(a10, a10, 16, 16)                 # 1
    src(a10, a10, a9)                       # 1  p2, p3, q2, q3
    and_(a9, a15, a8)                       # 1
    srli(a15, a15, 8)                       # 1
    s32i(a9, a11, 0)                        # 1  p0, q0
    and_(a15, a15, a8)                      # 1
    and_(a9, a10, a8)                       # 1
    s32i(a15, a12, 0)                       # 1  p1, q1
    srli(a10, a10, 8)                       # 1
    s32i(a9, a13, 0)                        # 1  p2, q2
    and_(a10, a10, a8)                      # 1
    s32i(a10, a6, 0)                        # 1  p3, q3
    add(a11, a11, a7)                       # 1
    add(a12, a12, a7)                       # 1
    add(a13, a13, a7)                       # 1
    add(a6, a6, a7)                         # 1
    label(PAIR_OF_FOUR)
    l32i(a9, a2, 52)                        # 3  after
    beqz(a9, LINE_OF_FOUR)                  # 1-4
    l32i(a9, a3, 0)                         # 2
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a14)                        # 1
    extui(a10, a9, 0, 8)                    # 1
    s16i(a10, a11, 0)                       # 1
    extui(a10, a9, 8, 8)                    # 1
    s16i(a10, a12, 0)                       # 1
    extui(a10, a9, 16, 8)                   # 1
    s16i(a10, a13, 0)                       # 1
    extui(a10, a9, 24, 8)                   # 1
    s16i(a10, a6, 0)                        # 1
    label(LINE_OF_FOUR)
    l32i(a9, a2, 20)                        # 2  x line
    l32i(a10, a2, 24)                       # 1  pitch
    add(a3, a3, a9)                         # 1
    add(a4, a4, a10)                        # 1
    l32i(a9, a1, 8)                         # 3  copy left
    addi(a9, a9, -1)                        # 1
    s32i(a9, a1, 8)                         # 1  copy left
    bnez(a9, LINES_OF_FOUR)                 # 1-4
    j(COPIED)                               # 4
    label(END)
    movi(a2, 1)                             # 1


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
_STRIDE_H = const(17)
_DILATION_H = const(19)
_PAD_TOP = const(21)
_X_ZERO_POINT = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_DEPTH_MULTIPLIER = const(29)
_PACKED_OFFSET = const(30)
_TILE = const(31)
_Y_STEP = const(32)
_SCRATCH_OFFSET = const(7)
_S_SOURCE = const(0)
_S_TO = const(1)
_S_LINES = const(2)
_S_PAIRS = const(3)
_S_X_STEP = const(4)
_S_X_LINE = const(5)
_S_PITCH = const(6)
_S_PLANE = const(7)
_S_Y = const(8)
_S_Y_STEP = const(9)
_S_Y_LINE = const(10)
_S_OUT_LINES = const(11)
_S_BEFORE = const(12)
_S_AFTER = const(13)
_S_TABLE = const(14)
_S_WEIGHTS = const(15)
_S_CHANNELS = const(16)
_S_W_STEP = const(17)
_S_W_LINE = const(18)
_S_Y_ZERO_POINT = const(19)
_S_X_ZERO = const(20)
_S_DEPTH_MULTIPLIER = const(21)
_S_OUTPUTS = const(22)
_S_PLANE_WORDS = const(23)
_S_PADDING = const(24)
_S_CLAMP_MIN = const(25)
_S_CLAMP_MAX = const(26)
_S_WORD_STEP = const(27)
_S_LINE_BYTES = const(29)
_S_EVEN_STEP = const(31)
_S_TWO_STEPS = const(32)
_S_LINE_STEP = const(33)
_S_EVEN_WEIGHT = const(34)
_S_ODD_WEIGHT = const(35)
_S_KERNEL_ACROSS = const(36)
_S_KERNEL_ALONG = const(37)
_S_COPY1 = const(39)
_S_BOTH_COPIES = const(40)
_S_RUN_PAIRS = const(41)
_S_RUNS = const(42)
_S_RUN_STEP = const(43)
_S_WEIGHT_STEP = const(44)
_S_COPY2 = const(46)
_S_PLANE_BYTES = const(47)
_S_PLANES_LEFT = const(48)
_S_FIRST_PLANE = const(49)
_STATE_BYTES = const(200)


@micropython.viper
def depthwise_conv_2d(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.depthwise_conv_2d. The arguments are record, arena, constants. Tile: lines at a time * 65536 + form."""
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    table = rec[_PACKED_OFFSET]  # of its own, or the one of all
    if table == rec[_WEIGHTS_OFFSET]:
        table = rec[_CHANNELS_OFFSET]
    s = ptr32(arena + rec[_SCRATCH_OFFSET])
    state = int(s) >> 2
    tile = rec[_TILE] >> 16
    form = rec[_TILE] & 15
    batches = rec[_BATCHES]
    in_c = rec[_IN_C]
    out_c = rec[_OUT_C]
    step = rec[_Y_STEP]
    if step == 0:
        step = out_c
    image = arena + rec[_X_OFFSET]
    y = arena + rec[_Y_OFFSET]
    # across: from line to line; along: in a line. at: the word of the record where across is rows, along columns
    across = 0
    along = 1
    if form & 1:
        across = 1
        along = 0
    in_across = rec[_IN_H + across]
    in_along = rec[_IN_H + along]
    out_across = rec[_OUT_H + across]
    out_along = rec[_OUT_H + along]
    kernel_across = rec[_KERNEL_H + across]
    kernel_along = rec[_KERNEL_H + along]
    stride_across = rec[_STRIDE_H + across]
    stride_along = rec[_STRIDE_H + along]
    reach_across = (kernel_across - 1) * rec[_DILATION_H + across] + 1
    dilation = rec[_DILATION_H + along]
    reach_along = (kernel_along - 1) * dilation + 1
    pad_across = rec[_PAD_TOP + across]
    pad_along = rec[_PAD_TOP + along]
    x_across = in_along * in_c
    x_along = in_c
    y_across = out_along * step
    y_along = step
    w_across = kernel_along * out_c
    w_along = out_c
    if form & 1:
        x_across = in_c
        x_along = in_across * in_c
        y_across = step
        y_along = out_across * step
        w_across = out_c
        w_along = kernel_across * out_c
    plane_along = (out_along - 1) * stride_along + reach_along
    wide = (plane_along + 1) >> 1
    high = (tile - 1) * stride_across + reach_across
    # word to word in a line, line to line, run to run; words a run, runs
    words = (reach_along + 1) >> 1
    if stride_along & 1:
        words = (reach_along >> 1) + 1
    runs = kernel_across
    pair = 4
    pitch = 4 * wide
    run = rec[_DILATION_H + across] * pitch
    even = 2 * dilation
    odd = even
    s[_S_WEIGHT_STEP] = 4 * words
    if form & 2:
        runs = words
        words = reach_across
        pair = 4 * high
        pitch = 4
        run = pair
        even = (dilation >> 1) * 4 * words
        odd = even
        if dilation & 1:
            even += 2
            odd += 4 * words - 2
        s[_S_WEIGHT_STEP] = 4 * rec[_DILATION_H + across]
    copies = int(s) + _STATE_BYTES
    # Where all windows start with a word no one reads the second copy, which may need one run more.
    plane = copies + (8 * runs + 4) * words
    second = copies + 4 * runs * words
    p = ptr32(copies)
    while int(p) < plane:
        p[0] = 0
        p = ptr32(int(p) + 4)
    # the second copy starts in the middle of a word
    s[_S_COPY2] = second + 2
    s[_S_COPY1] = copies - 4
    s[_S_BOTH_COPIES] = copies + second - 8
    if stride_along & 1 == 0:
        s[_S_BOTH_COPIES] = 2 * (copies - 4)
    s[_S_RUN_PAIRS] = words >> 1
    s[_S_RUNS] = runs
    s[_S_RUN_STEP] = run - 4 - 4 * words
    if words & 1:
        s[_S_RUNS] = 0 - runs
        s[_S_RUN_STEP] = run - 4 * words
    inputs = in_along
    if inputs > plane_along - pad_along:
        inputs = plane_along - pad_along
    s[_S_PAIRS] = (inputs - (pad_along & 1)) >> 1
    s[_S_BEFORE] = pad_along & 1
    s[_S_AFTER] = (inputs - (pad_along & 1)) & 1
    s[_S_X_STEP] = x_along
    s[_S_X_LINE] = x_across - inputs * x_along
    s[_S_PITCH] = pitch
    s[_S_FIRST_PLANE] = plane
    s[_S_PLANE_BYTES] = 0
    s[_S_Y_STEP] = y_along
    s[_S_Y_LINE] = y_across
    s[_S_W_STEP] = w_across
    s[_S_W_LINE] = w_along - kernel_across * w_across
    s[_S_Y_ZERO_POINT] = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    zero = (rec[_X_ZERO_POINT] + 128) & 255
    s[_S_X_ZERO] = zero
    s[_S_DEPTH_MULTIPLIER] = rec[_DEPTH_MULTIPLIER]
    s[_S_PLANE_WORDS] = high * wide + 4
    if rec[_TILE] & 16 and (image | in_c) & 3 == 0:
        s[_S_PLANE_BYTES] = 4 * high * wide
        s[_S_PLANE_WORDS] = 4 * high * wide + 4
    s[_S_PADDING] = zero + (zero << 16)
    s[_S_CLAMP_MIN] = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    s[_S_CLAMP_MAX] = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    s[_S_WORD_STEP] = pair
    s[_S_LINE_BYTES] = out_along * y_along
    s[_S_EVEN_STEP] = (stride_along >> 1) * pair
    s[_S_TWO_STEPS] = stride_along * pair
    s[_S_LINE_STEP] = stride_across * pitch
    s[_S_EVEN_WEIGHT] = even
    s[_S_ODD_WEIGHT] = odd
    s[_S_KERNEL_ACROSS] = kernel_across
    s[_S_KERNEL_ALONG] = kernel_along
    while batches > 0:
        batches -= 1
        first = 0
        while first < out_across:
            lines = tile
            if first + lines > out_across:
                lines = out_across - first
            plane_lines = (lines - 1) * stride_across + reach_across
            at = first * stride_across - pad_across
            above = 0
            if at < 0:
                above = 0 - at
            count = plane_lines - above
            if count > in_across - at - above:
                count = in_across - at - above
            if count < 0 or inputs <= 0:
                count = 0
            s[_S_SOURCE] = image + (at + above) * x_across
            s[_S_TO] = plane + above * pitch + (pad_along >> 1) * pair
            s[_S_LINES] = count
            s[_S_Y] = y + first * y_across
            s[_S_OUT_LINES] = lines
            s[_S_TABLE] = constants + table
            s[_S_WEIGHTS] = constants + rec[_WEIGHTS_OFFSET]
            s[_S_CHANNELS] = out_c
            s[_S_OUTPUTS] = 0
            s[_S_PLANE] = plane
            s[_S_PLANES_LEFT] = 0
            windows(state)
            first += tile
        image += rec[_IN_H] * rec[_IN_W] * in_c
        y += rec[_OUT_H] * rec[_OUT_W] * step


kernels = {2: depthwise_conv_2d}
