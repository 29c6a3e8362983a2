"""Depthwise convolutions for the ESP32's MAC16: any shape. See ref.depthwise_conv_2d for the meaning, xtensa_conv.py for
how assembler is called and for the requantizer.

One channel at a time goes to a plane of its own in scratch, x + 128 as uint16, with its padding: acc = bias -
(x_zero_point + 128) * sum(w) + sum((x + 128) * w). A plane's lines are the image's rows or, where those are short, its
columns. Forms: 3 x 3 without dilation and with a stride of 1 (form 1: rows, 2: columns) or of 2 (3, 4) in a line, any from
line to line; and all others, a product at a time (form 0: rows). xtensa_window.py has more. Form + 16: where words of the
image are four channels of one input, four planes are made at a time.

State, byte offsets from the start of the scratch, then weights as int16 (form 0), then the plane:
0 source     4 where it goes in the plane     8 lines to copy     12 inputs a line     16 from input to input
20 from the last input of a line to the next line     24 bytes a line of the plane     28 plane     32 y
36 from pixel to pixel of a line in y     40 from line to line in y     44 lines of outputs     48 outputs a line / 4
52 outputs a line % 4     56 channel table     60 weights     64 channels left     68 from weight to weight of a line
72 from the last weight of a line to the next     76 y_zero_point     80 x_zero_point + 128     84 depth_multiplier
88 outputs left of the input channel     92 words of the plane     96 padding, twice     100 clamp_min     104 clamp_max
108 form     112 y of the line     116 lines left     120 outputs a line     124 from output to output in the plane
128 from line of outputs to line in the plane     132 from weight to weight     136 from weights' line to line
140 lines of weights     144 weights a line     148 int16 weights     152 line in the plane     156 outputs left
160 bytes of a plane, where four channels are copied at a time     164 of those still to come     168 the first's
172 an input before the pairs     176 pairs of inputs a line     180 one behind them
"""

import micropython


@micropython.asm_xtensa
def planes(a2, a3, a4, a5):
    """
    All channels of some lines of outputs: FORMAT.md eq. (2), (3); ref.depthwise_conv_2d.
    In   a5 args: state    Stack 4 state | 8 4 * (bias and the like) | 12 lines left
    Copying   a2 state | a3 source | a4 to | a5 step | a6 inputs | a7 lines | a8 0x80 | a9, a10 inputs | a11 line
    3 x 3     a2 from pixel to pixel in y | a3, a12, a13 the window's lines in the plane | a4 weights 0, 1 | a5 2, 3 | a6 4, 5
         a7 6, 7 | a8 8 | a9 q, y | a10 sign | a11 y | a14 multiplier | a15 constant of the requantizer
         m0, m1 first line | m2, m3 second and third, in turn; stride 2: lines and what comes next in turn    SAR e + 1
    Others    a2 state | a3 pixel | a4 x | a5 w | a6 bias and the like | a7 multiplier | a8 left_shift + 256 * right_shift
         a9 acc, y | a10, a14 scratch | a11 y | a12 from x to x | a13 weights a line | a15 lines of weights left
    Four      a3 source | a4 line | a5 step | a6, a11, a12, a13 planes | a7 lines | a8, a14 masks | a9, a10, a15 inputs
    Cost 5 an input, 3 of four channels at a time; 3 x 3: 20.5 an output, 30 a line, 120 a channel; stride 2: 20, 46 of the last three; others: 5 a product, 8 a line of weights, 45 an output
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    s32i(a2, a1, 4)                         # 1
    l32i(a3, a2, 28)                        # 1
    l32i(a4, a2, 92)                        # 2
    l32i(a5, a2, 96)                        # 1
    loop(a4, FILL)                          # 1
    s32i(a5, a3, 0)                         # 1
    addi(a3, a3, 4)                         # 1
    label(FILL)
    label(CHANNEL)
    # the channel's inputs, unless those of the channel before
    l32i(a9, a2, 88)                        # 2
    l32i(a3, a2, 0)                         # 1
    beqz(a9, COPY)                          # 1-4
    j(COPIED)                               # 4
    label(COPY)
    addi(a9, a3, 1)                         # 1
    s32i(a9, a2, 0)                         # 1
    l32i(a9, a2, 84)                        # 3
    s32i(a9, a2, 88)                        # 1
    l32i(a7, a2, 8)                         # 1
    l32i(a10, a2, 160)                      # 3
    beqz(a10, ONE)                          # 1-4
    # four channels at a time, if the four before are done
    l32i(a9, a2, 28)                        # 3
    add(a9, a9, a10)                        # 1
    s32i(a9, a2, 28)                        # 1
    l32i(a9, a2, 164)                       # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 164)                       # 1
    bgez(a9, COPIED)                        # 1-4
    movi(a9, 3)                             # 1
    s32i(a9, a2, 164)                       # 1
    l32i(a9, a2, 168)                       # 3
    s32i(a9, a2, 28)                        # 1
    beqz(a7, COPIED)                        # 1-4
    j(FOUR_CHANNELS)                        # 4
    label(ONE)
    beqz(a7, COPIED)                        # 1-4
    l32i(a4, a2, 4)                         # 1
    l32i(a5, a2, 16)                        # 1
    l32i(a6, a2, 12)                        # 2
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
    xor(a10, a10, a8)                       # 1
    s16i(a9, a11, 0)                        # 1
    s16i(a10, a11, 2)                       # 1
    addi(a11, a11, 4)                       # 1
    label(PAIR)
    bbci(a6, 0, EVEN)                       # 1-4
    l8ui(a9, a3, 0)                         # 2
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a8)                         # 1
    s16i(a9, a11, 0)                        # 1
    label(EVEN)
    l32i(a9, a2, 20)                        # 3
    add(a3, a3, a9)                         # 1
    l32i(a9, a2, 24)                        # 3
    add(a4, a4, a9)                         # 1
    addi(a7, a7, -1)                        # 1
    bnez(a7, LINE)                          # 1-4
    label(COPIED)
    l32i(a9, a2, 88)                        # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 88)                        # 1
    l32i(a3, a2, 60)                        # 3
    addi(a9, a3, 1)                         # 1
    s32i(a9, a2, 60)                        # 1
    l32i(a9, a2, 108)                       # 3
    bnez(a9, NINE)                          # 1-4
    j(GENERAL)                              # 4
    # ---- 3 x 3
    label(NINE)
    l32i(a14, a2, 68)                       # 1
    l32i(a15, a2, 72)                       # 1
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
    # 4 w in halves: 4 * (w + 128) - 512, the low half's borrow taken by adding 0x10000 once more
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
    l32i(a12, a2, 56)                       # 3
    l32i(a9, a12, 0)                        # 1  bias
    l32i(a14, a12, 4)                       # 1
    l8ui(a10, a12, 9)                       # 1  e
    addi(a12, a12, 12)                      # 1
    s32i(a12, a2, 56)                       # 1
    l32i(a11, a2, 80)                       # 3
    mull(a11, a11, a13)                     # 2
    sub(a9, a9, a11)                        # 1
    slli(a9, a9, 2)                         # 1
    s32i(a9, a1, 8)                         # 1
    l32i(a15, a2, 76)                       # 2
    ssl(a10)                                # 1
    add(a15, a15, a15)                      # 1
    addi(a15, a15, 1)                       # 1
    sll(a15, a15)                           # 1
    addi(a15, a15, 1)                       # 1
    addi(a10, a10, 1)                       # 1
    ssr(a10)                                # 1
    l32i(a9, a2, 44)                        # 3
    s32i(a9, a1, 12)                        # 1
    l32i(a9, a2, 28)                        # 3
    addi(a9, a9, -4)                        # 1
    s32i(a9, a2, 152)                       # 1
    l32i(a9, a2, 32)                        # 3
    s32i(a9, a2, 112)                       # 1
    label(NINE_LINE)
    l32i(a2, a1, 4)                         # 3
    l32i(a3, a2, 152)                       # 1
    l32i(a9, a2, 24)                        # 1
    l32i(a11, a2, 112)                      # 1
    l32i(a10, a2, 40)                       # 1
    add(a12, a3, a9)                        # 1
    add(a13, a12, a9)                       # 1
    l32i(a9, a2, 128)                       # 1
    add(a10, a11, a10)                      # 1
    s32i(a10, a2, 112)                      # 1
    add(a9, a3, a9)                         # 1
    l32i(a10, a2, 108)                      # 2
    s32i(a9, a2, 152)                       # 1
    addi(a10, a10, -3)                      # 1
    bgez(a10, TWO)                          # 1-4
    l32i(a9, a2, 48)                        # 1
    l32i(a2, a2, 36)                        # 1
    ldinc(m0, a3)                           # 1
    ldinc(m1, a3)                           # 1
    ldinc(m2, a12)                          # 1
    ldinc(m3, a12)                          # 1
    loopnez(a9, FOUR)                       # 1
    # output 0: words 0 and 1 of each line
    l32i(a9, a1, 8)                         # 3
    wsr_acclo(a9)                           # 1
    mula_ad_hl(a5, m2)                      # 1  w3 * second line
    mula_ad_lh(a6, m2)                      # 1  w4
    mula_ad_hl(a6, m3)                      # 1  w5
    mula_da_ll_ldinc(m2, a13, m0, a4)       # 1  w0 * first line
    mula_da_hh_ldinc(m3, a13, m0, a4)       # 1  w1
    mula_da_ll(m1, a5)                      # 1  w2
    mula_ad_ll(a7, m2)                      # 1  w6 * third line
    mula_ad_hh(a7, m2)                      # 1  w7
    mula_ad_ll(a8, m3)                      # 1  w8
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # output 1
    l32i(a9, a1, 8)                         # 3
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
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # output 2: words 1 and 2
    l32i(a9, a1, 8)                         # 3
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
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # output 3
    l32i(a9, a1, 8)                         # 3
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
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    label(FOUR)
    # up to three more
    l32i(a10, a1, 4)                        # 3
    l32i(a10, a10, 52)                      # 3
    bnez(a10, REST)                         # 1-4
    j(NINE_END)                             # 4
    label(REST)
    l32i(a9, a1, 8)                         # 3
    wsr_acclo(a9)                           # 1
    mula_ad_hl(a5, m2)                      # 1
    mula_ad_lh(a6, m2)                      # 1
    mula_ad_hl(a6, m3)                      # 1
    mula_da_ll_ldinc(m2, a13, m0, a4)       # 1
    mula_da_hh_ldinc(m3, a13, m0, a4)       # 1
    mula_da_ll(m1, a5)                      # 1
    mula_ad_ll(a7, m2)                      # 1
    mula_ad_hh(a7, m2)                      # 1
    mula_ad_ll(a8, m3)                      # 1
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    l32i(a10, a1, 4)                        # 3
    l32i(a10, a10, 52)                      # 3
    addi(a10, a10, -1)                      # 1
    bnez(a10, SECOND)                       # 1-4
    j(NINE_END)                             # 4
    label(SECOND)
    l32i(a9, a1, 8)                         # 3
    wsr_acclo(a9)                           # 1
    mula_ad_lh(a7, m2)                      # 1
    mula_ad_hl(a7, m3)                      # 1
    mula_ad_lh(a8, m3)                      # 1
    mula_da_lh_lddec(m2, a12, m1, a4)       # 2
    mula_da_hl_ldinc(m3, a12, m1, a5)       # 1
    mula_ad_hh(a5, m2)                      # 1
    mula_da_hl_ldinc(m2, a12, m0, a4)       # 1
    ldinc(m0, a3)                           # 1
    mula_ad_ll(a6, m3)                      # 1
    mula_ad_hh(a6, m3)                      # 1
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    l32i(a10, a1, 4)                        # 3
    l32i(a10, a10, 52)                      # 3
    addi(a10, a10, -2)                      # 1
    beqz(a10, NINE_END)                     # 1-4
    l32i(a9, a1, 8)                         # 3
    wsr_acclo(a9)                           # 1
    mula_ad_hl(a5, m3)                      # 1
    mula_ad_lh(a6, m3)                      # 1
    mula_ad_hl(a6, m2)                      # 1
    mula_da_ll_ldinc(m2, a13, m1, a4)       # 1
    mula_da_hh_lddec(m3, a13, m1, a4)       # 2
    mula_da_ll(m0, a5)                      # 1
    mula_ad_ll(a7, m3)                      # 1
    mula_ad_hh(a7, m3)                      # 1
    mula_ad_ll(a8, m2)                      # 1
    rsr_acclo(a9)                           # 2
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    label(NINE_END)
    l32i(a9, a1, 12)                        # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a1, 12)                        # 1
    beqz(a9, NEXT)                          # 1-4
    j(NINE_LINE)                            # 4
    label(NEXT)
    l32i(a2, a1, 4)                         # 3
    l32i(a9, a2, 32)                        # 3
    addi(a9, a9, 1)                         # 1
    s32i(a9, a2, 32)                        # 1
    l32i(a9, a2, 64)                        # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 64)                        # 1
    beqz(a9, END)                           # 1-4
    j(CHANNEL)                              # 4
    # ---- 3 x 3, stride 2 in a line: an output's third column is the next one's first
    label(TWO)
    l32i(a9, a2, 48)                        # 1
    l32i(a2, a2, 36)                        # 1
    ldinc(m0, a3)                           # 1
    ldinc(m1, a12)                          # 1
    ldinc(m2, a13)                          # 1
    loopnez(a9, TWO_FOUR)                   # 1
    # lines in m0, m1, m2
    l32i(a9, a1, 8)                         # 3
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
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # lines in m3, m0, m1
    l32i(a9, a1, 8)                         # 3
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
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # lines in m2, m3, m0
    l32i(a9, a1, 8)                         # 3
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
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    # lines in m1, m2, m3
    l32i(a9, a1, 8)                         # 3
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
    mulsh(a9, a9, a14)                      # 2
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a15)                        # 1
    sra(a9, a9)                             # 1
    clamps(a9, a9, 7)                       # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a2)                       # 1
    label(TWO_FOUR)
    # up to three more, each from its own words
    l32i(a10, a1, 4)                        # 3
    l32i(a10, a10, 52)                      # 3
    loopnez(a10, TWO_REST)                  # 1
    l32i(a9, a1, 8)                         # 3
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
    mulsh(a9, a9, a14)                      # 2
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
    l32i(a4, a2, 148)                       # 1
    l32i(a15, a2, 140)                      # 1
    l32i(a10, a2, 68)                       # 1
    l32i(a12, a2, 72)                       # 1
    l32i(a13, a2, 144)                      # 2
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
    l32i(a4, a2, 56)                        # 3
    l32i(a6, a4, 0)                         # 1
    l32i(a7, a4, 4)                         # 1
    l16ui(a8, a4, 8)                        # 1
    addi(a4, a4, 12)                        # 1
    s32i(a4, a2, 56)                        # 1
    l32i(a9, a2, 80)                        # 3
    mull(a9, a9, a14)                       # 2
    sub(a6, a6, a9)                         # 1
    l32i(a9, a2, 44)                        # 3
    s32i(a9, a1, 12)                        # 1
    l32i(a3, a2, 28)                        # 3
    s32i(a3, a2, 152)                       # 1
    l32i(a11, a2, 32)                       # 3
    s32i(a11, a2, 112)                      # 1
    l32i(a12, a2, 132)                      # 1
    label(GENERAL_LINE)
    l32i(a3, a2, 152)                       # 1
    l32i(a11, a2, 112)                      # 1
    l32i(a9, a2, 120)                       # 3
    s32i(a9, a2, 156)                       # 1
    label(GENERAL_PIXEL)
    mov(a4, a3)                             # 1
    l32i(a5, a2, 148)                       # 1
    l32i(a15, a2, 140)                      # 1
    l32i(a14, a2, 136)                      # 1
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
    add(a9, a9, a14)                        # 1
    sra(a9, a9)                             # 1
    addi(a9, a9, 1)                         # 1
    srai(a9, a9, 1)                         # 1
    label(ZERO)
    l32i(a10, a2, 76)                       # 3
    add(a9, a9, a10)                        # 1
    l32i(a10, a2, 100)                      # 2
    l32i(a14, a2, 104)                      # 1
    max(a9, a9, a10)                        # 1
    min(a9, a9, a14)                        # 1
    s8i(a9, a11, 0)                         # 1
    l32i(a10, a2, 36)                       # 3
    add(a11, a11, a10)                      # 1
    l32i(a10, a2, 124)                      # 3
    add(a3, a3, a10)                        # 1
    l32i(a9, a2, 156)                       # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 156)                       # 1
    bnez(a9, GENERAL_PIXEL)                 # 1-4
    l32i(a3, a2, 152)                       # 1
    l32i(a9, a2, 128)                       # 3
    add(a3, a3, a9)                         # 1
    s32i(a3, a2, 152)                       # 1
    l32i(a11, a2, 112)                      # 1
    l32i(a9, a2, 40)                        # 3
    add(a11, a11, a9)                       # 1
    s32i(a11, a2, 112)                      # 1
    l32i(a9, a1, 12)                        # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a1, 12)                        # 1
    bnez(a9, GENERAL_LINE)                  # 1-4
    j(NEXT)                                 # 4
    # ---- a word of the image is an input of four channels: to four planes, two inputs at a time
    label(FOUR_CHANNELS)
    l32i(a4, a2, 4)                         # 1
    l32i(a5, a2, 16)                        # 1
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
    l32i(a10, a2, 160)                      # 2
    mov(a11, a4)                            # 1
    add(a12, a11, a10)                      # 1
    add(a13, a12, a10)                      # 1
    add(a6, a13, a10)                       # 1
    l32i(a9, a2, 172)                       # 3
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
    l32i(a15, a2, 176)                      # 3
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
    l32i(a9, a2, 180)                       # 3
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
    l32i(a9, a2, 20)                        # 2
    l32i(a10, a2, 24)                       # 1
    add(a3, a3, a9)                         # 1
    add(a4, a4, a10)                        # 1
    addi(a7, a7, -1)                        # 1
    bnez(a7, LINES_OF_FOUR)                 # 1-4
    j(COPIED)                               # 4
    label(END)
    movi(a2, 1)                             # 1


@micropython.viper
def depthwise_conv_2d(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.depthwise_conv_2d. The arguments are record, arena, constants. Word 31: lines at a time * 65536 + form."""
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    table = rec[30]  # of its own, or the one of all
    if table == rec[27]:
        table = rec[28]
    s = ptr32(arena + rec[7])
    state = int(s) >> 2
    tile = rec[31] >> 16
    form = rec[31] & 15
    batches = rec[8]
    in_c = rec[11]
    out_c = rec[14]
    step = rec[32]
    if step == 0:
        step = out_c
    image = arena + rec[5]
    y = arena + rec[6]
    # across: from line to line; along: in a line
    in_across = rec[9]
    in_along = rec[10]
    out_across = rec[12]
    out_along = rec[13]
    stride_across = rec[17]
    stride_along = rec[18]
    pad_across = rec[21]
    pad_along = rec[22]
    x_across = in_along * in_c
    x_along = in_c
    y_across = out_along * step
    y_along = step
    s[68 >> 2] = out_c
    s[72 >> 2] = out_c
    if form == 2 or form == 4:
        in_across = rec[10]
        in_along = rec[9]
        out_across = rec[13]
        out_along = rec[12]
        stride_across = rec[18]
        stride_along = rec[17]
        pad_across = rec[22]
        pad_along = rec[21]
        x_across = in_c
        x_along = in_across * in_c
        y_across = step
        y_along = out_across * step
        s[68 >> 2] = 3 * out_c
        s[72 >> 2] = 0 - 5 * out_c
    reach_across = (rec[15] - 1) * rec[19] + 1
    plane_along = (out_along - 1) * stride_along + (rec[16] - 1) * rec[20] + 1
    pitch = (2 * plane_along + 3) & -4
    weights = int(s) + 184
    plane = weights + ((2 * rec[15] * rec[16] + 3) & -4)
    s[12 >> 2] = in_along
    if in_along > plane_along - pad_along:
        s[12 >> 2] = plane_along - pad_along
    s[16 >> 2] = x_along
    s[20 >> 2] = x_across - s[12 >> 2] * x_along
    s[24 >> 2] = pitch
    s[36 >> 2] = y_along
    s[40 >> 2] = y_across
    s[48 >> 2] = out_along >> 2
    s[52 >> 2] = out_along & 3
    s[76 >> 2] = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    zero = (rec[23] + 128) & 255
    s[80 >> 2] = zero
    s[84 >> 2] = rec[29]
    s[96 >> 2] = zero + (zero << 16)
    s[168 >> 2] = plane
    s[172 >> 2] = pad_along & 1
    s[176 >> 2] = (s[12 >> 2] - (pad_along & 1)) >> 1
    s[180 >> 2] = (s[12 >> 2] - (pad_along & 1)) & 1
    four = rec[31] & 16 and (image | in_c) & 3 == 0
    s[100 >> 2] = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    s[104 >> 2] = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    s[108 >> 2] = form
    s[120 >> 2] = out_along
    s[124 >> 2] = 2 * stride_along
    s[128 >> 2] = stride_across * pitch
    s[132 >> 2] = 2 * rec[20]
    s[136 >> 2] = rec[19] * pitch - 2 * rec[20] * rec[16]
    s[140 >> 2] = rec[15]
    s[144 >> 2] = rec[16]
    s[148 >> 2] = weights
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
            if count < 0 or s[12 >> 2] <= 0:
                count = 0
            s[0] = image + (at + above) * x_across
            s[4 >> 2] = plane + above * pitch + 2 * pad_along
            s[28 >> 2] = plane
            s[92 >> 2] = (plane_lines * pitch >> 2) + 4
            s[160 >> 2] = 0
            s[164 >> 2] = 0
            if four:
                s[4 >> 2] = plane + above * pitch + 4 * (pad_along >> 1)
                s[92 >> 2] = plane_lines * pitch + 4
                s[160 >> 2] = plane_lines * pitch
            s[8 >> 2] = count
            s[32 >> 2] = y + first * y_across
            s[44 >> 2] = lines
            s[56 >> 2] = constants + table
            s[60 >> 2] = constants + rec[27]
            s[64 >> 2] = out_c
            s[88 >> 2] = 0
            planes(state)
            first += tile
        image += rec[9] * rec[10] * in_c
        y += rec[12] * rec[13] * step


kernels = {2: depthwise_conv_2d}
