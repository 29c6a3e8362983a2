"""Depthwise convolutions of any window for the ESP32's MAC16, two products a word. See ref.depthwise_conv_2d for the meaning,
xtensa_conv.py for how assembler is called, the requantizer and the long way, xtensa_depthwise.py for 3 x 3.

One channel at a time goes to a plane of its own in scratch, x + 128 as uint16, two of a line in a word, with its padding.
4 * acc = 4 * bias - 4 * (x_zero_point + 128) * sum(w) + sum((x + 128) * 4 w). A window is runs of words that lie one behind the
other: its lines (form 8), or, where the plane lies down its lines, its columns of words (8 + 2); what dilation skips in a
run has weights of 0. Lines are rows, or columns (8 + 1). Where the stride in a line is odd, every other window starts in
the middle of a word: its weights lie one later, in a copy of their own.

State, byte offsets from the start of the scratch, then both copies of the weights, 4 w as int16, then the plane:
0 source     4 where it goes in the plane     8 lines to copy     12 pairs of inputs a line     16 from input to input
20 from the last input of a line to the next line     24 from line to line in the plane     28 plane     32 y
36 from pixel to pixel of a line in y     40 from line to line in y     44 lines of outputs     48 an input before the pairs
52 one behind them     56 channel table     60 weights     64 channels left     68 from weight to weight across the lines
72 from the last of those to the next     76 y_zero_point     80 x_zero_point + 128     84 depth_multiplier
88 outputs left of the input channel     92 words of the plane     96 padding, twice     100 clamp_min     104 clamp_max
108 from word to word of a line     112 y of the line     116 bytes of a line in y     120 end of the line
124 from an even output to the next in the plane     128 that and from an odd one     132 from line of outputs to line in the plane
136, 140 from weight to weight along the line, in turn     144 weights across     148 weights along     152 line in the plane
156 first copy of the weights - 4     160 both copies - 8, added     164 words a run / 2     168 runs, less than 0: of an odd length
172 from a run's end to the next     176 from weight to weight across     180 word 0, the long way     184 second copy
188 bytes of a plane, where four channels are copied at a time     192 of those still to come     196 the first's
"""

import micropython


@micropython.asm_xtensa
def windows(a2, a3, a4, a5):
    """
    All channels of some lines of outputs: FORMAT.md eq. (2), (3); ref.depthwise_conv_2d.
    In   a5 args: state    Stack 4 lines left | 8 lines to copy
    Uses a2 state | a7 multiplier, negative: the long way | a8 constant of the requantizer; left_shift + 256 * right_shift
    Copying   a3 source | a4 to | a5 step | a6 an input behind | a7 lines | a8 0x80 | a9, a10 inputs | a11 word | a12 pairs
         a13 from word to word | a14 an input before
    Four      a3 source | a4 line | a5 step | a6, a11, a12, a13 planes | a7 from word to word | a8, a14 masks
         a9, a10, a15 inputs
    Weights   a3 weight | a4, a5 where it goes | a6, a7 the column's | a8 from line to line | a9 w | a10 step | a11 weights across
         a12, a13 from column to column, in turn | a14 4 * sum(w) | a15 columns left
    Products  a3 the window's first word - 4 | a4 X words | a5 Y words | a6 4 * (bias and the like) | a9 acc * 4, q, y
         a10 runs left, scratch | a11 y | a12 Y words - 4 | a13 words a run / 2 | a14 from a run's end to the next
         a15 to the next output's | m0, m1 X | m2, m3 Y, in turn    SAR e + 1
    Cost 4.5 an input, 3 of four channels at a time; 9 a weight; 1 a product, 5 a run, 28 an output, 22 a line, 80 a channel
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 28)                        # 1
    l32i(a4, a2, 92)                        # 2
    l32i(a5, a2, 96)                        # 1
    loop(a4, FILL)                          # 1
    s32i(a5, a3, 0)                         # 1
    addi(a3, a3, 4)                         # 1
    label(FILL)
    label(CHANNEL)
    # the channel's inputs, unless those of the channel before
    l32i(a9, a2, 88)                        # 3
    bnez(a9, COPIED)                        # 1-4
    l32i(a3, a2, 0)                         # 3
    addi(a9, a3, 1)                         # 1
    s32i(a9, a2, 0)                         # 1
    l32i(a9, a2, 84)                        # 3
    s32i(a9, a2, 88)                        # 1
    l32i(a7, a2, 8)                         # 1
    l32i(a10, a2, 188)                      # 3
    beqz(a10, ONE)                          # 1-4
    # four channels at a time, if the four before are done
    l32i(a9, a2, 28)                        # 3
    add(a9, a9, a10)                        # 1
    s32i(a9, a2, 28)                        # 1
    l32i(a9, a2, 192)                       # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 192)                       # 1
    bgez(a9, COPIED)                        # 1-4
    movi(a9, 3)                             # 1
    s32i(a9, a2, 192)                       # 1
    l32i(a9, a2, 196)                       # 3
    s32i(a9, a2, 28)                        # 1
    beqz(a7, COPIED)                        # 1-4
    j(FOUR_CHANNELS)                        # 4
    label(ONE)
    beqz(a7, COPIED)                        # 1-4
    l32i(a4, a2, 4)                         # 1
    l32i(a5, a2, 16)                        # 1
    l32i(a12, a2, 12)                       # 1
    l32i(a6, a2, 52)                        # 1
    l32i(a13, a2, 108)                      # 1
    l32i(a14, a2, 48)                       # 1
    movi(a8, 128)                           # 1
    label(LINE)
    mov(a11, a4)                            # 1
    beqz(a14, PAIRS)                        # 1-4
    l8ui(a10, a3, 0)                        # 2
    add(a3, a3, a5)                         # 1
    xor(a10, a10, a8)                       # 1
    s16i(a10, a11, 2)                       # 1
    add(a11, a11, a13)                      # 1
    label(PAIRS)
    loopnez(a12, PAIR)                      # 1
    l8ui(a9, a3, 0)                         # 1
    add(a3, a3, a5)                         # 1
    l8ui(a10, a3, 0)                        # 1
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a8)                         # 1  x + 128
    xor(a10, a10, a8)                       # 1
    s16i(a9, a11, 0)                        # 1
    s16i(a10, a11, 2)                       # 1
    add(a11, a11, a13)                      # 1
    label(PAIR)
    beqz(a6, LINE_END)                      # 1-4
    l8ui(a9, a3, 0)                         # 2
    add(a3, a3, a5)                         # 1
    xor(a9, a9, a8)                         # 1
    s16i(a9, a11, 0)                        # 1
    label(LINE_END)
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
    # weights, twice
    l32i(a3, a2, 60)                        # 3
    addi(a9, a3, 1)                         # 1
    s32i(a9, a2, 60)                        # 1
    l32i(a6, a2, 156)                       # 3
    addi(a6, a6, 4)                         # 1
    l32i(a7, a2, 184)                       # 1
    l32i(a8, a2, 176)                       # 1
    l32i(a10, a2, 68)                       # 1
    l32i(a11, a2, 144)                      # 1
    l32i(a12, a2, 136)                      # 1
    l32i(a13, a2, 140)                      # 1
    l32i(a15, a2, 148)                      # 1
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
    l32i(a9, a2, 72)                        # 1
    add(a6, a6, a12)                        # 1
    add(a7, a7, a13)                        # 1
    add(a3, a3, a9)                         # 1
    mov(a9, a12)                            # 1
    mov(a12, a13)                           # 1
    mov(a13, a9)                            # 1
    addi(a15, a15, -1)                      # 1
    bnez(a15, WEIGHTS)                      # 1-4
    # the channel's table entry
    l32i(a12, a2, 56)                       # 2
    l32i(a9, a2, 80)                        # 1
    l32i(a6, a12, 0)                        # 1
    mull(a9, a9, a14)                       # 1
    l32i(a7, a12, 4)                        # 1
    l16ui(a8, a12, 8)                       # 1
    addi(a12, a12, 12)                      # 1
    s32i(a12, a2, 56)                       # 1
    srai(a10, a9, 2)                        # 1
    sub(a10, a6, a10)                       # 1
    s32i(a10, a2, 180)                      # 1
    slli(a6, a10, 2)                        # 1
    srli(a9, a8, 8)                         # 1
    extui(a10, a8, 0, 8)                    # 1
    bltz(a7, LONG)                          # 1-4
    bnez(a10, LONG)                         # 1-4
    beqz(a9, LONG)                          # 1-4
    addi(a10, a9, -22)                      # 1
    bgez(a10, LONG)                         # 1-4
    l32i(a10, a2, 76)                       # 2
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
    l32i(a9, a2, 44)                        # 3
    s32i(a9, a1, 4)                         # 1
    l32i(a9, a2, 28)                        # 3
    addi(a9, a9, -4)                        # 1
    s32i(a9, a2, 152)                       # 1
    l32i(a9, a2, 32)                        # 3
    s32i(a9, a2, 112)                       # 1
    l32i(a13, a2, 164)                      # 1
    l32i(a14, a2, 172)                      # 1
    label(OUTPUTS)
    l32i(a3, a2, 152)                       # 1
    l32i(a9, a2, 132)                       # 2
    l32i(a11, a2, 112)                      # 1
    add(a9, a3, a9)                         # 1
    s32i(a9, a2, 152)                       # 1
    l32i(a9, a2, 116)                       # 2
    l32i(a10, a2, 40)                       # 1
    add(a9, a11, a9)                        # 1
    s32i(a9, a2, 120)                       # 1
    add(a10, a11, a10)                      # 1
    s32i(a10, a2, 112)                      # 1
    l32i(a12, a2, 156)                      # 1
    l32i(a15, a2, 124)                      # 1
    label(OUTPUT)
    mov(a4, a3)                             # 1
    ldinc(m0, a4)                           # 1
    mov(a5, a12)                            # 1
    ldinc(m2, a5)                           # 1
    l32i(a10, a2, 168)                      # 2
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
    l32i(a4, a2, 100)                       # 1
    bltz(a7, SLOW)                          # 1-4
    mulsh(a9, a9, a7)                       # 1  q, Q1
    l32i(a5, a2, 104)                       # 1
    srai(a10, a9, 31)                       # 1
    addx2(a9, a10, a9)                      # 1
    add(a9, a9, a8)                         # 1
    sra(a9, a9)                             # 1
    label(CLAMP)
    max(a9, a9, a4)                         # 1
    l32i(a4, a2, 36)                        # 1
    min(a9, a9, a5)                         # 1
    l32i(a10, a2, 160)                      # 1
    s8i(a9, a11, 0)                         # 1
    add(a11, a11, a4)                       # 1
    l32i(a9, a2, 128)                       # 1
    sub(a12, a10, a12)                      # 1  the other copy
    l32i(a10, a2, 120)                      # 1
    add(a3, a3, a15)                        # 1
    sub(a15, a9, a15)                       # 1
    bne(a11, a10, OUTPUT)                   # 1-4
    l32i(a9, a1, 4)                         # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a1, 4)                         # 1
    beqz(a9, NEXT)                          # 1-4
    j(OUTPUTS)                              # 4
    label(NEXT)
    l32i(a9, a2, 32)                        # 3
    addi(a9, a9, 1)                         # 1
    s32i(a9, a2, 32)                        # 1
    l32i(a9, a2, 64)                        # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a2, 64)                        # 1
    beqz(a9, END)                           # 1-4
    j(CHANNEL)                              # 4
    label(SLOW)  # eq. (2) in full, as in xtensa_conv.convolve
    rsr_acchi(a4)                           # 1
    ssai(2)                                 # 1
    src(a9, a4, a9)                         # 1
    l32i(a4, a2, 180)                       # 2
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
    add(a9, a9, a4)                         # 1
    sra(a9, a9)                             # 1
    addi(a9, a9, 1)                         # 1
    srai(a9, a9, 1)                         # 1
    label(ZERO)
    wsr_acchi(a6)                           # 1
    l32i(a10, a2, 76)                       # 1
    l32i(a4, a2, 100)                       # 1
    l32i(a5, a2, 104)                       # 1
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
    s32i(a7, a1, 8)                         # 1
    l32i(a7, a2, 108)                       # 1
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
    l32i(a10, a2, 188)                      # 2
    mov(a11, a4)                            # 1
    add(a12, a11, a10)                      # 1
    add(a13, a12, a10)                      # 1
    add(a6, a13, a10)                       # 1
    l32i(a9, a2, 48)                        # 3
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
    l32i(a15, a2, 12)                       # 3
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
    l32i(a9, a2, 52)                        # 3
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
    l32i(a9, a1, 8)                         # 3
    addi(a9, a9, -1)                        # 1
    s32i(a9, a1, 8)                         # 1
    bnez(a9, LINES_OF_FOUR)                 # 1-4
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
    # across: from line to line; along: in a line. at: the word of the record where across is rows, along columns
    across = 0
    along = 1
    if form & 1:
        across = 1
        along = 0
    in_across = rec[9 + across]
    in_along = rec[9 + along]
    out_across = rec[12 + across]
    out_along = rec[12 + along]
    kernel_across = rec[15 + across]
    kernel_along = rec[15 + along]
    stride_across = rec[17 + across]
    stride_along = rec[17 + along]
    reach_across = (kernel_across - 1) * rec[19 + across] + 1
    dilation = rec[19 + along]
    reach_along = (kernel_along - 1) * dilation + 1
    pad_across = rec[21 + across]
    pad_along = rec[21 + along]
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
    run = rec[19 + across] * pitch
    even = 2 * dilation
    odd = even
    s[176 >> 2] = 4 * words
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
        s[176 >> 2] = 4 * rec[19 + across]
    copies = int(s) + 200
    # Where all windows start with a word no one reads the second copy, which may need one run more.
    plane = copies + (8 * runs + 4) * words
    second = copies + 4 * runs * words
    p = ptr32(copies)
    while int(p) < plane:
        p[0] = 0
        p = ptr32(int(p) + 4)
    # the second copy starts in the middle of a word
    s[184 >> 2] = second + 2
    s[156 >> 2] = copies - 4
    s[160 >> 2] = copies + second - 8
    if stride_along & 1 == 0:
        s[160 >> 2] = 2 * (copies - 4)
    s[164 >> 2] = words >> 1
    s[168 >> 2] = runs
    s[172 >> 2] = run - 4 - 4 * words
    if words & 1:
        s[168 >> 2] = 0 - runs
        s[172 >> 2] = run - 4 * words
    inputs = in_along
    if inputs > plane_along - pad_along:
        inputs = plane_along - pad_along
    s[12 >> 2] = (inputs - (pad_along & 1)) >> 1
    s[48 >> 2] = pad_along & 1
    s[52 >> 2] = (inputs - (pad_along & 1)) & 1
    s[16 >> 2] = x_along
    s[20 >> 2] = x_across - inputs * x_along
    s[24 >> 2] = pitch
    s[196 >> 2] = plane
    s[188 >> 2] = 0
    s[36 >> 2] = y_along
    s[40 >> 2] = y_across
    s[68 >> 2] = w_across
    s[72 >> 2] = w_along - kernel_across * w_across
    s[76 >> 2] = ((rec[24] & 0xFFFF) ^ 0x8000) - 0x8000
    zero = (rec[23] + 128) & 255
    s[80 >> 2] = zero
    s[84 >> 2] = rec[29]
    s[92 >> 2] = high * wide + 4
    if rec[31] & 16 and (image | in_c) & 3 == 0:
        s[188 >> 2] = 4 * high * wide
        s[92 >> 2] = 4 * high * wide + 4
    s[96 >> 2] = zero + (zero << 16)
    s[100 >> 2] = ((rec[25] & 0xFFFF) ^ 0x8000) - 0x8000
    s[104 >> 2] = ((rec[26] & 0xFFFF) ^ 0x8000) - 0x8000
    s[108 >> 2] = pair
    s[116 >> 2] = out_along * y_along
    s[124 >> 2] = (stride_along >> 1) * pair
    s[128 >> 2] = stride_along * pair
    s[132 >> 2] = stride_across * pitch
    s[136 >> 2] = even
    s[140 >> 2] = odd
    s[144 >> 2] = kernel_across
    s[148 >> 2] = kernel_along
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
            s[0] = image + (at + above) * x_across
            s[4 >> 2] = plane + above * pitch + (pad_along >> 1) * pair
            s[8 >> 2] = count
            s[32 >> 2] = y + first * y_across
            s[44 >> 2] = lines
            s[56 >> 2] = constants + table
            s[60 >> 2] = constants + rec[27]
            s[64 >> 2] = out_c
            s[88 >> 2] = 0
            s[28 >> 2] = plane
            s[192 >> 2] = 0
            windows(state)
            first += tile
        image += rec[9] * rec[10] * in_c
        y += rec[12] * rec[13] * step


kernels = {2: depthwise_conv_2d}
