"""Depthwise convolutions for the ESP32's MAC16: any shape. See ref/depthwise.py for the meaning, xtensa/conv.py for
how assembler is called and for the requantizer.

Written by host_tools/assembler/xtensa: edit that.

One channel at a time goes to a plane of its own in scratch, x + 128 as uint16, with its padding: acc = bias -
(x_zero_point + 128) * sum(w) + sum((x + 128) * w). A plane's lines are the image's rows or, where those are short, its
columns. Forms: 3 x 3 without dilation and with a stride of 1 (form 1: rows, 2: columns) or of 2 (3, 4) in a line,
any from line to line; and all others, a product at a time (form 0: rows). xtensa/depthwise_window.py has more. Form + 16:
where words of the image are four channels of one input, four planes are made at a time.

State, byte offsets from the start of the scratch, then weights as int16 (form 0), then the plane:
   0 source
   4 to                   where it goes in the plane
   8 lines                to copy
  12 inputs               per line
  16 x_step               from input to input
  20 x_line               from the last input of a line to the next line
  24 pitch                bytes of a line of the plane
  28 plane
  32 y
  36 y_step               from pixel to pixel of a line in y
  40 y_line               from line to line in y
  44 out_lines            lines of outputs
  48 fours                outputs per line / 4
  52 rest                 outputs per line % 4
  56 table                channel table
  60 weights
  64 channels             left
  68 w_step               from weight to weight of a line
  72 w_line               from the last weight of a line to the next
  76 y_zero_point
  80 x_zero               x_zero_point + 128
  84 depth_multiplier
  88 outputs              left of the input channel
  92 plane_words          of all planes
  96 padding              twice
 100 clamp_min
 104 clamp_max
 108 form
 112 line_y               y of the line
 116 unused
 120 out_along            outputs per line
 124 step                 from output to output in the plane
 128 line_step            from line of outputs to line in the plane
 132 tap_step             from weight to weight in the plane
 136 tap_line             from weights' line to line in the plane
 140 kernel_lines         lines of weights
 144 kernel_along         weights per line
 148 taps                 int16 weights
 152 line                 in the plane
 156 pixels_left          outputs left of the line
 160 plane_bytes          where four channels are copied at a time
 164 planes_left          of those still to come
 168 first_plane          of those
 172 before               an input before the pairs
 176 pairs                of inputs per line
 180 after                an input after them
"""

import micropython


@micropython.asm_xtensa
def planes(a2, a3, a4, a5):
    """
    All channels of some lines of outputs: FORMAT.md eq. (2), (3); ref.depthwise_conv_2d.
    In   a5 args: state    Stack 4 state | 8 4 * (bias and the like) | 12 lines left
    Copying   a2 state | a3 source | a4 to | a5 step | a6 inputs | a7 lines | a8 0x80 | a9, a10 inputs | a11 line
    3 x 3     a2 from pixel to pixel in y | a3, a12, a13 the window's lines in the plane | a4 weights 0, 1 | a5 2, 3
         a6 4, 5 | a7 6, 7 | a8 8 | a9 q, y | a10 sign | a11 y | a14 multiplier | a15 constant of the requantizer
         m0, m1 first line | m2, m3 second and third, in turn; stride 2: lines and what comes next in turn
         SAR e + 1
    Others    a2 state | a3 pixel | a4 x | a5 w | a6 bias and the like | a7 multiplier
         a8 left_shift + 256 * right_shift | a9 acc, y | a10, a14 scratch | a11 y | a12 from x to x
         a13 weights per line | a15 lines of weights left
    Four      a3 source | a4 line | a5 step | a6, a11, a12, a13 planes | a7 lines | a8, a14 masks | a9, a10, a15 inputs
    Cost 5 per input, 3 of four channels at a time; 3 x 3: 20.5 per output, 30 per line, 120 per channel; stride 2: 20,
         46 of the last three; others: 5 per product, 8 per line of weights, 45 per output
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    s32i(a2, a1, 4)                         # 1  state
    l32i(a3, a2, 28)                        # 1  plane
    l32i(a4, a2, 92)                        # 2  plane words
    l32i(a5, a2, 96)                        # 1  padding
    loop(a4, FILL)                          # 1
    s32i(a5, a3, 0)                         # 1
    addi(a3, a3, 4)                         # 1
    label(FILL)
    label(CHANNEL)
    # the channel's inputs, unless those of the channel before
    l32i(a9, a2, 88)                        # 2  outputs
    l32i(a3, a2, 0)                         # 1  source
    beqz(a9, COPY)                          # 1-4
    j(COPIED)                               # 4
    label(COPY)
    addi(a9, a3, 1)                         # 1
    s32i(a9, a2, 0)                         # 1  source
    l32i(a9, a2, 84)                        # 3  depth multiplier
    s32i(a9, a2, 88)                        # 1  outputs
    l32i(a7, a2, 8)                         # 1  lines
    l32i(a10, a2, 160)                      # 3  plane bytes
    beqz(a10, ONE)                          # 1-4
    # four channels at a time, if the four before are done
    l32i(a9, a2, 28)                        # 3  plane
    add(a9, a9, a10)                        # 1
    s32i(a9, a2, 28)                        # 1  plane
    l32i(a9, a2, 164)                       # 3  planes left
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 164)                       # 1  planes left
    bgez(a9, COPIED)                        # 1-4
    movi(a9, 3)                             # 1
    s32i(a9, a2, 164)                       # 1  planes left
    l32i(a9, a2, 168)                       # 3  first plane
    s32i(a9, a2, 28)                        # 1  plane
    beqz(a7, COPIED)                        # 1-4
    j(FOUR_CHANNELS)                        # 4
    label(ONE)
    beqz(a7, COPIED)                        # 1-4
    l32i(a4, a2, 4)                         # 1  to
    l32i(a5, a2, 16)                        # 1  x step
    l32i(a6, a2, 12)                        # 2  inputs
    movi(a8, 128)                           # 1
    srli(a12, a6, 1)                        # 1
    label(LINE)
    mov(a11, a4)                            # 1
    loopnez(a12, PAIR)                      # 1
    l8ui(a9, a3, 0)                         # 1
    add(a3, a3, a5)                         # 1
    l8ui(a10, a3, 0)                        # 1
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a8)                         # 1  x + 128
    xor(a10, a10, a8)                       # 1  x + 128
    s16i(a9, a11, 0)                        # 1
    s16i(a10, a11, 2)                       # 1
    addi(a11, a11, 4)                       # 1
    label(PAIR)
    bbci(a6, 0, EVEN)                       # 1-4
    l8ui(a9, a3, 0)                         # 2
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a8)                         # 1  x + 128
    s16i(a9, a11, 0)                        # 1
    label(EVEN)
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
    l32i(a3, a2, 60)                        # 3  weights
    addi(a9, a3, 1)                         # 1
    s32i(a9, a2, 60)                        # 1  weights
    l32i(a9, a2, 108)                       # 3  form
    bnez(a9, NINE)                          # 1-4
    j(GENERAL)                              # 4
    label(NINE)
    # ---- 3 x 3
    l32i(a14, a2, 68)                       # 1  w step
    l32i(a15, a2, 72)                       # 1  w line
    l8ui(a4, a3, 0)                         # 1
    add(a3, a3, a14)                        # 1
    l8ui(a9, a3, 0)                         # 1
    add(a3, a3, a14)                        # 1
    l8ui(a5, a3, 0)                         # 1
    add(a3, a3, a15)                        # 1
    l8ui(a10, a3, 0)                        # 1
    add(a3, a3, a14)                        # 1
    l8ui(a6, a3, 0)                         # 1
    add(a3, a3, a14)                        # 1
    l8ui(a11, a3, 0)                        # 1
    add(a3, a3, a15)                        # 1
    l8ui(a7, a3, 0)                         # 1
    add(a3, a3, a14)                        # 1
    l8ui(a12, a3, 0)                        # 1
    add(a3, a3, a14)                        # 1
    l8ui(a8, a3, 0)                         # 1
    add(a13, a4, a9)                        # 1  sum of all w + 128
    add(a13, a13, a5)                       # 1
    add(a13, a13, a10)                      # 1
    add(a13, a13, a6)                       # 1
    add(a13, a13, a11)                      # 1
    add(a13, a13, a7)                       # 1
    add(a13, a13, a12)                      # 1
    add(a13, a13, a8)                       # 1
    addmi(a13, a13, -1280)                  # 1
    addi(a13, a13, 127)                     # 1
    addi(a13, a13, 1)                       # 1  sum of w: - 9 * 128
    # 4 w in halves: 4 * (w + 128) - 512, the low one without its sign
    movi(a14, -512)                         # 1
    addx4(a4, a4, a14)                      # 1
    addx4(a5, a5, a14)                      # 1
    addx4(a6, a6, a14)                      # 1
    addx4(a7, a7, a14)                      # 1
    addx4(a8, a8, a14)                      # 1
    addx4(a9, a9, a14)                      # 1
    addx4(a10, a10, a14)                    # 1
    addx4(a11, a11, a14)                    # 1
    addx4(a12, a12, a14)                    # 1
    slli(a9, a9, 16)                        # 1
    slli(a10, a10, 16)                      # 1
    slli(a11, a11, 16)                      # 1
    slli(a12, a12, 16)                      # 1
    extui(a4, a4, 0, 16)                    # 1
    extui(a5, a5, 0, 16)                    # 1
    extui(a6, a6, 0, 16)                    # 1
    extui(a7, a7, 0, 16)                    # 1
    or_(a4, a4, a9)                         # 1
    or_(a5, a5, a10)                        # 1
    or_(a6, a6, a11)                        # 1
    or_(a7, a7, a12)                        # 1
    l32i(a12, a2, 56)                       # 3  table
    l32i(a9, a12, 0)                        # 1  bias
    l32i(a14, a12, 4)                       # 1  multiplier
    l8ui(a10, a12, 9)                       # 1  e
    addi(a12, a12, 12)                      # 1
    s32i(a12, a2, 56)                       # 1  table
    l32i(a11, a2, 80)                       # 3  x zero
    mull(a11, a11, a13)                     # 2
    sub(a9, a9, a11)                        # 1
    slli(a9, a9, 2)                         # 1
    s32i(a9, a1, 8)                         # 1  first
    l32i(a15, a2, 76)                       # 2  y zero point
    ssl(a10)                                # 1
    add(a15, a15, a15)                      # 1
    addi(a15, a15, 1)                       # 1
    sll(a15, a15)                           # 1  (2 y_zero_point + 1) * 2^e
    addi(a15, a15, 1)                       # 1
    addi(a10, a10, 1)                       # 1
    ssr(a10)                                # 1
    l32i(a9, a2, 44)                        # 3  out lines
    s32i(a9, a1, 12)                        # 1  lines left
    l32i(a9, a2, 28)                        # 3  plane
    addi(a9, a9, -4)                        # 1
    s32i(a9, a2, 152)                       # 1  line
    l32i(a9, a2, 32)                        # 3  y
    s32i(a9, a2, 112)                       # 1  line y
    label(NINE_LINE)
    l32i(a2, a1, 4)                         # 3  state
    l32i(a3, a2, 152)                       # 1  line
    l32i(a9, a2, 24)                        # 1  pitch
    l32i(a11, a2, 112)                      # 1  line y
    l32i(a10, a2, 40)                       # 1  y line
    add(a12, a3, a9)                        # 1
    add(a13, a12, a9)                       # 1
    l32i(a9, a2, 128)                       # 1  line step
    add(a10, a11, a10)                      # 1
    s32i(a10, a2, 112)                      # 1  line y
    add(a9, a3, a9)                         # 1
    l32i(a10, a2, 108)                      # 2  form
    s32i(a9, a2, 152)                       # 1  line
    addi(a10, a10, -3)                      # 1
    bgez(a10, TWO)                          # 1-4
    l32i(a9, a2, 48)                        # 1  fours
    l32i(a2, a2, 36)                        # 1  y step
    ldinc(m0, a3)                           # 1
    ldinc(m1, a3)                           # 1
    ldinc(m2, a12)                          # 1
    ldinc(m3, a12)                          # 1
    loopnez(a9, FOUR)                       # 1
    # output 0
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_hl(a5, m2)                      # 1  w3
    mula_ad_lh(a6, m2)                      # 1  w4
    mula_ad_hl(a6, m3)                      # 1  w5
    mula_da_ll_ldinc(m2, a13, m0, a4)       # 1  w0
    mula_da_hh_ldinc(m3, a13, m0, a4)       # 1  w1
    mula_da_ll(m1, a5)                      # 1  w2
    mula_ad_ll(a7, m2)                      # 1  w6
    mula_ad_hh(a7, m2)                      # 1  w7
    mula_ad_ll(a8, m3)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # output 1
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_lh(a7, m2)                      # 1  w6
    mula_ad_hl(a7, m3)                      # 1  w7
    mula_ad_lh(a8, m3)                      # 1  w8
    mula_da_lh_lddec(m2, a12, m1, a4)       # 2  w1
    mula_da_hl_ldinc(m3, a12, m1, a5)       # 1  w2
    mula_ad_hh(a5, m2)                      # 1  w3
    mula_da_hl_ldinc(m2, a12, m0, a4)       # 1  w0
    ldinc(m0, a3)                           # 1
    mula_ad_ll(a6, m3)                      # 1  w4
    mula_ad_hh(a6, m3)                      # 1  w5
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # output 2
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_hl(a5, m3)                      # 1  w3
    mula_ad_lh(a6, m3)                      # 1  w4
    mula_ad_hl(a6, m2)                      # 1  w5
    mula_da_ll_ldinc(m2, a13, m1, a4)       # 1  w0
    mula_da_hh_lddec(m3, a13, m1, a4)       # 2  w1
    mula_da_ll(m0, a5)                      # 1  w2
    mula_ad_ll(a7, m3)                      # 1  w6
    mula_ad_hh(a7, m3)                      # 1  w7
    mula_ad_ll(a8, m2)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # output 3
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_lh(a7, m3)                      # 1  w6
    mula_ad_hl(a7, m2)                      # 1  w7
    mula_ad_lh(a8, m2)                      # 1  w8
    mula_da_lh_lddec(m3, a12, m0, a4)       # 2  w1
    mula_da_hl_ldinc(m2, a12, m0, a5)       # 1  w2
    mula_ad_hh(a5, m3)                      # 1  w3
    mula_da_hl_ldinc(m3, a12, m1, a4)       # 1  w0
    ldinc(m1, a3)                           # 1
    mula_ad_ll(a6, m2)                      # 1  w4
    mula_ad_hh(a6, m2)                      # 1  w5
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    label(FOUR)
    # up to three more
    l32i(a10, a1, 4)                        # 3  state
    l32i(a10, a10, 52)                      # 3  rest
    bnez(a10, REST)                         # 1-4
    j(NINE_END)                             # 4
    label(REST)
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_hl(a5, m2)                      # 1  w3
    mula_ad_lh(a6, m2)                      # 1  w4
    mula_ad_hl(a6, m3)                      # 1  w5
    mula_da_ll_ldinc(m2, a13, m0, a4)       # 1  w0
    mula_da_hh_ldinc(m3, a13, m0, a4)       # 1  w1
    mula_da_ll(m1, a5)                      # 1  w2
    mula_ad_ll(a7, m2)                      # 1  w6
    mula_ad_hh(a7, m2)                      # 1  w7
    mula_ad_ll(a8, m3)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    l32i(a10, a1, 4)                        # 3  state
    l32i(a10, a10, 52)                      # 3  rest
    addi(a10, a10, -1)                      # 1
    bnez(a10, SECOND)                       # 1-4
    j(NINE_END)                             # 4
    label(SECOND)
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_lh(a7, m2)                      # 1  w6
    mula_ad_hl(a7, m3)                      # 1  w7
    mula_ad_lh(a8, m3)                      # 1  w8
    mula_da_lh_lddec(m2, a12, m1, a4)       # 2  w1
    mula_da_hl_ldinc(m3, a12, m1, a5)       # 1  w2
    mula_ad_hh(a5, m2)                      # 1  w3
    mula_da_hl_ldinc(m2, a12, m0, a4)       # 1  w0
    ldinc(m0, a3)                           # 1
    mula_ad_ll(a6, m3)                      # 1  w4
    mula_ad_hh(a6, m3)                      # 1  w5
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    l32i(a10, a1, 4)                        # 3  state
    l32i(a10, a10, 52)                      # 3  rest
    addi(a10, a10, -2)                      # 1
    beqz(a10, NINE_END)                     # 1-4
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_hl(a5, m3)                      # 1  w3
    mula_ad_lh(a6, m3)                      # 1  w4
    mula_ad_hl(a6, m2)                      # 1  w5
    mula_da_ll_ldinc(m2, a13, m1, a4)       # 1  w0
    mula_da_hh_lddec(m3, a13, m1, a4)       # 2  w1
    mula_da_ll(m0, a5)                      # 1  w2
    mula_ad_ll(a7, m3)                      # 1  w6
    mula_ad_hh(a7, m3)                      # 1  w7
    mula_ad_ll(a8, m2)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    label(NINE_END)
    l32i(a9, a1, 12)                        # 3  lines left
    addi(a9, a9, -1)                        # 1
    s32i(a9, a1, 12)                        # 1  lines left
    beqz(a9, NEXT)                          # 1-4
    j(NINE_LINE)                            # 4
    label(NEXT)
    l32i(a2, a1, 4)                         # 3  state
    l32i(a9, a2, 32)                        # 3  y
    addi(a9, a9, 1)                         # 1
    s32i(a9, a2, 32)                        # 1  y
    l32i(a9, a2, 64)                        # 3  channels
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 64)                        # 1  channels
    beqz(a9, END)                           # 1-4
    j(CHANNEL)                              # 4
    # ---- 3 x 3, stride 2 in a line: an output's third column is the next one's first
    label(TWO)
    l32i(a9, a2, 48)                        # 1  fours
    l32i(a2, a2, 36)                        # 1  y step
    ldinc(m0, a3)                           # 1
    ldinc(m1, a12)                          # 1
    ldinc(m2, a13)                          # 1
    loopnez(a9, TWO_FOUR)                   # 1
    # lines in m0, m1, m2
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_da_ll_ldinc(m3, a3, m0, a4)        # 1  w0
    mula_da_hh_ldinc(m0, a12, m0, a4)       # 1  w1
    mula_da_lh(m1, a5)                      # 1  w3
    mula_da_hl_ldinc(m1, a13, m1, a6)       # 1  w4
    mula_ad_ll(a7, m2)                      # 1  w6
    mula_ad_hh(a7, m2)                      # 1  w7
    mula_ad_ll(a5, m3)                      # 1  w2
    mula_da_lh(m0, a6)                      # 1  w5
    mula_da_ll(m1, a8)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # lines in m3, m0, m1
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_da_lh_ldinc(m2, a3, m0, a5)        # 1  w3
    mula_ad_ll(a4, m3)                      # 1  w0
    mula_ad_hh(a4, m3)                      # 1  w1
    mula_da_hl_ldinc(m3, a12, m0, a6)       # 1  w4
    mula_da_ll_ldinc(m0, a13, m1, a7)       # 1  w6
    mula_da_hh(m1, a7)                      # 1  w7
    mula_ad_ll(a5, m2)                      # 1  w2
    mula_ad_hl(a6, m3)                      # 1  w5
    mula_da_ll(m0, a8)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # lines in m2, m3, m0
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_ll(a4, m2)                      # 1  w0
    mula_ad_hh(a4, m2)                      # 1  w1
    mula_ad_hl(a5, m3)                      # 1  w3
    mula_ad_lh(a6, m3)                      # 1  w4
    mula_da_ll_ldinc(m1, a3, m0, a7)        # 2  w6
    mula_da_hh_ldinc(m2, a12, m0, a7)       # 1  w7
    mula_da_ll_ldinc(m3, a13, m1, a5)       # 2  w2
    mula_ad_hl(a6, m2)                      # 1  w5
    mula_ad_ll(a8, m3)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # lines in m1, m2, m3
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_ad_hl(a5, m2)                      # 1  w3
    mula_ad_lh(a6, m2)                      # 1  w4
    mula_da_ll_ldinc(m0, a3, m1, a4)        # 1  w0
    mula_da_hh_ldinc(m1, a12, m1, a4)       # 1  w1
    mula_ad_ll(a7, m3)                      # 1  w6
    mula_ad_hh(a7, m3)                      # 1  w7
    mula_da_ll_ldinc(m2, a13, m0, a5)       # 2  w2
    mula_da_lh(m1, a6)                      # 1  w5
    mula_ad_ll(a8, m2)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    label(TWO_FOUR)
    # up to three more, each from its own words
    l32i(a10, a1, 4)                        # 3  state
    l32i(a10, a10, 52)                      # 3  rest
    loopnez(a10, TWO_REST)                  # 1
    l32i(a9, a1, 8)                         # 3  first
    wsr_acclo(a9)                           # 1
    mula_da_ll_ldinc(m3, a3, m0, a4)        # 1  w0
    mula_da_hh_ldinc(m0, a12, m0, a4)       # 1  w1
    mula_da_lh(m1, a5)                      # 1  w3
    mula_da_hl_ldinc(m1, a13, m1, a6)       # 1  w4
    mula_ad_ll(a7, m2)                      # 1  w6
    mula_ad_hh(a7, m2)                      # 1  w7
    mula_ad_ll(a5, m3)                      # 1  w2
    mula_da_lh(m0, a6)                      # 1  w5
    mula_da_ll(m1, a8)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2  q, Q1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    addi(a3, a3, -4)                        # 1
    ldinc(m0, a3)                           # 1
    addi(a12, a12, -4)                      # 1
    ldinc(m1, a12)                          # 1
    addi(a13, a13, -4)                      # 1
    ldinc(m2, a13)                          # 1
    label(TWO_REST)
    j(NINE_END)                             # 4
    # ---- any window; acc itself, modulo 2^32
    label(GENERAL)
    l32i(a4, a2, 148)                       # 1  taps
    l32i(a15, a2, 140)                      # 1  kernel lines
    l32i(a10, a2, 68)                       # 1  w step
    l32i(a12, a2, 72)                       # 1  w line
    l32i(a13, a2, 144)                      # 2  kernel along
    movi(a14, 0)                            # 1
    label(WEIGHTS)
    loop(a13, WEIGHT)                       # 1
    l8ui(a9, a3, 0)                         # 2
    add(a3, a3, a10)                        # 1
    addi(a9, a9, -128)                      # 1
    s16i(a9, a4, 0)                         # 1
    add(a14, a14, a9)                       # 1
    addi(a4, a4, 2)                         # 1
    label(WEIGHT)
    sub(a3, a3, a10)                        # 1
    add(a3, a3, a12)                        # 1
    addi(a15, a15, -1)                      # 1
    bnez(a15, WEIGHTS)                      # 1-4
    l32i(a4, a2, 56)                        # 3  table
    l32i(a6, a4, 0)                         # 1  bias
    l32i(a7, a4, 4)                         # 1  multiplier
    l16ui(a8, a4, 8)                        # 1  shifts
    addi(a4, a4, 12)                        # 1
    s32i(a4, a2, 56)                        # 1  table
    l32i(a9, a2, 80)                        # 3  x zero
    mull(a9, a9, a14)                       # 2
    sub(a6, a6, a9)                         # 1
    l32i(a9, a2, 44)                        # 3  out lines
    s32i(a9, a1, 12)                        # 1  lines left
    l32i(a3, a2, 28)                        # 3  plane
    s32i(a3, a2, 152)                       # 1  line
    l32i(a11, a2, 32)                       # 3  y
    s32i(a11, a2, 112)                      # 1  line y
    l32i(a12, a2, 132)                      # 1  tap step
    label(GENERAL_LINE)
    l32i(a3, a2, 152)                       # 1  line
    l32i(a11, a2, 112)                      # 1  line y
    l32i(a9, a2, 120)                       # 3  out along
    s32i(a9, a2, 156)                       # 1  pixels left
    label(GENERAL_PIXEL)
    mov(a4, a3)                             # 1
    l32i(a5, a2, 148)                       # 1  taps
    l32i(a15, a2, 140)                      # 1  kernel lines
    l32i(a14, a2, 136)                      # 1  tap line
    wsr_acclo(a6)                           # 1
    label(WINDOW)
    loop(a13, PRODUCT)                      # 1
    l16ui(a9, a4, 0)                        # 1
    l16si(a10, a5, 0)                       # 1
    add(a4, a4, a12)                        # 1
    addi(a5, a5, 2)                         # 1
    mula_aa_ll(a9, a10)                     # 1
    label(PRODUCT)
    add(a4, a4, a14)                        # 1
    addi(a15, a15, -1)                      # 1
    bnez(a15, WINDOW)                       # 1-4
    rsr_acclo(a9)                           # 1
    ssl(a8)                                 # 1
    sll(a9, a9)                             # 1
    mull(a10, a9, a7)                       # 1
    mulsh(a9, a9, a7)                       # 1
    extui(a10, a10, 30, 2)                  # 1
    addi(a10, a10, 1)                       # 1
    srli(a10, a10, 1)                       # 1
    addx2(a9, a9, a10)                      # 1  h
    srli(a10, a8, 8)                        # 1
    beqz(a10, ZERO)                         # 1-4
    addi(a10, a10, -1)                      # 1
    ssr(a10)                                # 1
    srai(a14, a9, 31)                       # 1
    add(a9, a9, a14)                        # 1  h - (h < 0)
    sra(a9, a9)                             # 1
    addi(a9, a9, 1)                         # 1
    srai(a9, a9, 1)                         # 1
    label(ZERO)
    l32i(a10, a2, 76)                       # 3  y zero point
    add(a9, a9, a10)                        # 1
    l32i(a10, a2, 100)                      # 2  clamp min
    l32i(a14, a2, 104)                      # 1  clamp max
    max(a9, a9, a10)                        # 1
    min(a9, a9, a14)                        # 1
    s8i(a9, a11, 0)                         # 1
    l32i(a10, a2, 36)                       # 3  y step
    add(a11, a11, a10)                      # 1
    l32i(a10, a2, 124)                      # 3  step
    add(a3, a3, a10)                        # 1
    l32i(a9, a2, 156)                       # 3  pixels left
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 156)                       # 1  pixels left
    bnez(a9, GENERAL_PIXEL)                 # 1-4
    l32i(a3, a2, 152)                       # 1  line
    l32i(a9, a2, 128)                       # 3  line step
    add(a3, a3, a9)                         # 1
    s32i(a3, a2, 152)                       # 1  line
    l32i(a11, a2, 112)                      # 1  line y
    l32i(a9, a2, 40)                        # 3  y line
    add(a11, a11, a9)                       # 1
    s32i(a11, a2, 112)                      # 1  line y
    l32i(a9, a1, 12)                        # 3  lines left
    addi(a9, a9, -1)                        # 1
    s32i(a9, a1, 12)                        # 1  lines left
    bnez(a9, GENERAL_LINE)                  # 1-4
    j(NEXT)                                 # 4
    # ---- a word of the image is an input of four channels: to four planes, two inputs at a time
    label(FOUR_CHANNELS)
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
    l32i(a10, a2, 160)                      # 2  plane bytes
    mov(a11, a4)                            # 1
    add(a12, a11, a10)                      # 1
    add(a13, a12, a10)                      # 1
    add(a6, a13, a10)                       # 1
    l32i(a9, a2, 172)                       # 3  before
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
    addi(a11, a11, 4)                       # 1
    addi(a12, a12, 4)                       # 1
    addi(a13, a13, 4)                       # 1
    addi(a6, a6, 4)                         # 1
    label(PAIRS_OF_FOUR)
    l32i(a15, a2, 176)                      # 3  pairs
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
    addi(a11, a11, 4)                       # 1
    addi(a12, a12, 4)                       # 1
    addi(a13, a13, 4)                       # 1
    addi(a6, a6, 4)                         # 1
    label(PAIR_OF_FOUR)
    l32i(a9, a2, 180)                       # 3  after
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
    addi(a7, a7, -1)                        # 1
    bnez(a7, LINES_OF_FOUR)                 # 1-4
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
_DEPTH_MULTIPLIER = const(29)
_PACKED_OFFSET = const(30)
_TILE = const(31)
_Y_STEP = const(32)
_SCRATCH_OFFSET = const(7)
_S_SOURCE = const(0)
_S_TO = const(1)
_S_LINES = const(2)
_S_INPUTS = const(3)
_S_X_STEP = const(4)
_S_X_LINE = const(5)
_S_PITCH = const(6)
_S_PLANE = const(7)
_S_Y = const(8)
_S_Y_STEP = const(9)
_S_Y_LINE = const(10)
_S_OUT_LINES = const(11)
_S_FOURS = const(12)
_S_REST = const(13)
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
_S_FORM = const(27)
_S_OUT_ALONG = const(30)
_S_STEP = const(31)
_S_LINE_STEP = const(32)
_S_TAP_STEP = const(33)
_S_TAP_LINE = const(34)
_S_KERNEL_LINES = const(35)
_S_KERNEL_ALONG = const(36)
_S_TAPS = const(37)
_S_PLANE_BYTES = const(40)
_S_PLANES_LEFT = const(41)
_S_FIRST_PLANE = const(42)
_S_BEFORE = const(43)
_S_PAIRS = const(44)
_S_AFTER = const(45)
_STATE_BYTES = const(184)


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
    # across: from line to line; along: in a line
    in_across = rec[_IN_H]
    in_along = rec[_IN_W]
    out_across = rec[_OUT_H]
    out_along = rec[_OUT_W]
    stride_across = rec[_STRIDE_H]
    stride_along = rec[_STRIDE_W]
    pad_across = rec[_PAD_TOP]
    pad_along = rec[_PAD_LEFT]
    x_across = in_along * in_c
    x_along = in_c
    y_across = out_along * step
    y_along = step
    s[_S_W_STEP] = out_c
    s[_S_W_LINE] = out_c
    if form == 2 or form == 4:
        in_across = rec[_IN_W]
        in_along = rec[_IN_H]
        out_across = rec[_OUT_W]
        out_along = rec[_OUT_H]
        stride_across = rec[_STRIDE_W]
        stride_along = rec[_STRIDE_H]
        pad_across = rec[_PAD_LEFT]
        pad_along = rec[_PAD_TOP]
        x_across = in_c
        x_along = in_across * in_c
        y_across = step
        y_along = out_across * step
        s[_S_W_STEP] = 3 * out_c
        s[_S_W_LINE] = 0 - 5 * out_c
    reach_across = (rec[_KERNEL_H] - 1) * rec[_DILATION_H] + 1
    plane_along = (out_along - 1) * stride_along + (rec[_KERNEL_W] - 1) * rec[_DILATION_W] + 1
    pitch = (2 * plane_along + 3) & -4
    weights = int(s) + _STATE_BYTES
    plane = weights + ((2 * rec[_KERNEL_H] * rec[_KERNEL_W] + 3) & -4)
    s[_S_INPUTS] = in_along
    if in_along > plane_along - pad_along:
        s[_S_INPUTS] = plane_along - pad_along
    s[_S_X_STEP] = x_along
    s[_S_X_LINE] = x_across - s[_S_INPUTS] * x_along
    s[_S_PITCH] = pitch
    s[_S_Y_STEP] = y_along
    s[_S_Y_LINE] = y_across
    s[_S_FOURS] = out_along >> 2
    s[_S_REST] = out_along & 3
    s[_S_Y_ZERO_POINT] = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    zero = (rec[_X_ZERO_POINT] + 128) & 255
    s[_S_X_ZERO] = zero
    s[_S_DEPTH_MULTIPLIER] = rec[_DEPTH_MULTIPLIER]
    s[_S_PADDING] = zero + (zero << 16)
    s[_S_FIRST_PLANE] = plane
    s[_S_BEFORE] = pad_along & 1
    s[_S_PAIRS] = (s[_S_INPUTS] - (pad_along & 1)) >> 1
    s[_S_AFTER] = (s[_S_INPUTS] - (pad_along & 1)) & 1
    four = rec[_TILE] & 16 and (image | in_c) & 3 == 0
    s[_S_CLAMP_MIN] = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    s[_S_CLAMP_MAX] = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    s[_S_FORM] = form
    s[_S_OUT_ALONG] = out_along
    s[_S_STEP] = 2 * stride_along
    s[_S_LINE_STEP] = stride_across * pitch
    s[_S_TAP_STEP] = 2 * rec[_DILATION_W]
    s[_S_TAP_LINE] = rec[_DILATION_H] * pitch - 2 * rec[_DILATION_W] * rec[_KERNEL_W]
    s[_S_KERNEL_LINES] = rec[_KERNEL_H]
    s[_S_KERNEL_ALONG] = rec[_KERNEL_W]
    s[_S_TAPS] = weights
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
            if count < 0 or s[_S_INPUTS] <= 0:
                count = 0
            s[_S_SOURCE] = image + (at + above) * x_across
            s[_S_TO] = plane + above * pitch + 2 * pad_along
            s[_S_PLANE] = plane
            s[_S_PLANE_WORDS] = (plane_lines * pitch >> 2) + 4
            s[_S_PLANE_BYTES] = 0
            s[_S_PLANES_LEFT] = 0
            if four:
                s[_S_TO] = plane + above * pitch + 4 * (pad_along >> 1)
                s[_S_PLANE_WORDS] = plane_lines * pitch + 4
                s[_S_PLANE_BYTES] = plane_lines * pitch
            s[_S_LINES] = count
            s[_S_Y] = y + first * y_across
            s[_S_OUT_LINES] = lines
            s[_S_TABLE] = constants + table
            s[_S_WEIGHTS] = constants + rec[_WEIGHTS_OFFSET]
            s[_S_CHANNELS] = out_c
            s[_S_OUTPUTS] = 0
            planes(state)
            first += tile
        image += rec[_IN_H] * rec[_IN_W] * in_c
        y += rec[_OUT_H] * rec[_OUT_W] * step


kernels = {2: depthwise_conv_2d}
