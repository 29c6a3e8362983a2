"""Fully connected with a byte per weight for the ESP32's MAC16, for few rows of inputs. See ref/dense.py for the
meaning, xtensa/conv.py for how assembler is called and for the requantizer.

Written by host_tools/assembler/xtensa: edit that.

Weights are stored for it (word 29 is 2): a half word holds c = w + 128 of an even input and, in its upper byte, b =
w of the next, so that as an int16 it is 256 b + c. With x1' = x1 - 127 and y0 = 256 x0 - x1', all of them int16,

    x1' (256 b + c) + y0 c = 256 (x1' b + x0 c)

is two products of a half word and of its lower byte: 256 * acc grows in the 40-bit accumulator, and 4 * acc = (256 *
acc >> 6) + 4 * (word 0 - 128 * sum(x0)), where word 0 holds what x1' leaves out. Where that may leave 32 bits the
multiplier's bit 31 is set, and the long way takes acc modulo 2^32.

State, byte offsets from the start of the scratch, then the inputs: of four (x1', x3'), (y0, y2):
   0 inputs
   4 fours                groups of 4 inputs
   8 prepared             where the prepared inputs are
  12 sixteens             groups of 16 inputs
  16 even_sum             -128 * sum(x0)
  20 weights
  24 table                channel table
  28 y
  32 channels
  36 low_bytes            0x00FF00FF
  40 y_zero_point
  44 clamp_min
  48 clamp_max
  52 rest                 inputs in the last group of 4, 0: all
"""

import micropython


@micropython.asm_xtensa
def spread(a2, a3, a4, a5):
    """
    A row of inputs as (x1', x3'), (y0, y2), and -128 * sum(x0). What follows up to a multiple of 16 is 0 already.
    In   a5 args: state
    Uses a2 state | a3 inputs | a4 to | a5 groups, inputs left | a6 sum | a7 bytes | a8 x0, x2 | a9 x1', x3' | a10 y
    Cost 5 per input
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    l32i(a3, a2, 0)                         # 1  inputs
    l32i(a4, a2, 8)                         # 1  prepared
    l32i(a5, a2, 4)                         # 2  fours
    movi(a6, 0)                             # 1
    loopnez(a5, GROUP)                      # 1
    l8ui(a8, a3, 0)                         # 2
    l8ui(a9, a3, 1)                         # 1
    sext(a8, a8, 7)                         # 1
    sext(a9, a9, 7)                         # 1
    add(a6, a6, a8)                         # 1
    addi(a9, a9, -127)                      # 1
    slli(a10, a8, 8)                        # 1
    sub(a10, a10, a9)                       # 1  -32768 to 32767
    s16i(a9, a4, 0)                         # 1
    s16i(a10, a4, 4)                        # 1
    l8ui(a8, a3, 2)                         # 2
    l8ui(a9, a3, 3)                         # 1
    sext(a8, a8, 7)                         # 1
    sext(a9, a9, 7)                         # 1
    add(a6, a6, a8)                         # 1
    addi(a9, a9, -127)                      # 1
    slli(a10, a8, 8)                        # 1
    sub(a10, a10, a9)                       # 1  -32768 to 32767
    s16i(a9, a4, 2)                         # 1
    s16i(a10, a4, 6)                        # 1
    addi(a3, a3, 4)                         # 1
    addi(a4, a4, 8)                         # 1
    label(GROUP)
    # one to three more; an x1' that is not there is 0, and its weight is
    l32i(a5, a2, 52)                        # 3  rest
    beqz(a5, SUM)                           # 1-4
    movi(a7, 0)                             # 1
    s32i(a7, a4, 0)                         # 1
    s32i(a7, a4, 4)                         # 1
    l8ui(a8, a3, 0)                         # 3
    sext(a8, a8, 7)                         # 1
    add(a6, a6, a8)                         # 1
    slli(a10, a8, 8)                        # 1
    addi(a5, a5, -1)                        # 1
    beqz(a5, FIRST)                         # 1-4
    l8ui(a9, a3, 1)                         # 3
    sext(a9, a9, 7)                         # 1
    addi(a9, a9, -127)                      # 1
    s16i(a9, a4, 0)                         # 1
    sub(a10, a10, a9)                       # 1
    label(FIRST)
    s16i(a10, a4, 4)                        # 1
    addi(a5, a5, -1)                        # 1
    bltz(a5, SUM)                           # 1-4
    beqz(a5, SUM)                           # 1-4
    l8ui(a8, a3, 2)                         # 3
    sext(a8, a8, 7)                         # 1
    add(a6, a6, a8)                         # 1
    slli(a10, a8, 8)                        # 1
    s16i(a10, a4, 6)                        # 1
    label(SUM)
    slli(a6, a6, 7)                         # 1
    neg(a6, a6)                             # 1
    s32i(a6, a2, 16)                        # 1  even sum
    movi(a2, 1)                             # 1


@micropython.asm_xtensa
def dense(a2, a3, a4, a5):
    """
    All channels of a prepared row: FORMAT.md eq. (2), (3); ref.fully_connected.
    In   a5 args: state    Stack 4 state | 8 2 y_zero_point + 1
    Uses a2 -128 * sum(x0) | a3 inputs, scratch | a4 weights | a5 inputs - 4
         a6 to a9 four weights each; a8, a9, a10 the accumulator's scratch | a10 c | a11 y | a12 0x00FF00FF
         a13 groups of 16 | a14 channels left | a15 channel table | m0 x1', x3' | m1 y0, y2
    Cost 25 for 16 products, 44 per channel
    """
    l32i(a2, a5, 0)                         # 3
    addi(a2, a2, -1)                        # 1
    add(a2, a2, a2)                         # 1
    s32i(a2, a1, 4)                         # 1  state
    l32i(a3, a2, 40)                        # 3  y zero point
    add(a3, a3, a3)                         # 1
    addi(a3, a3, 1)                         # 1
    s32i(a3, a1, 8)                         # 1  y constant
    l32i(a5, a2, 8)                         # 3  prepared
    addi(a5, a5, -4)                        # 1
    l32i(a4, a2, 20)                        # 1  weights
    l32i(a15, a2, 24)                       # 1  table
    l32i(a11, a2, 28)                       # 1  y
    l32i(a14, a2, 32)                       # 1  channels
    l32i(a12, a2, 36)                       # 1  low bytes
    l32i(a13, a2, 12)                       # 1  sixteens
    l32i(a2, a2, 16)                        # 1  even sum
    l32i(a6, a4, 0)                         # 1
    l32i(a7, a4, 4)                         # 1
    label(CHANNEL)
    movi(a10, 0)                            # 1
    wsr_acclo(a10)                          # 1
    wsr_acchi(a10)                          # 1
    mov(a3, a5)                             # 1
    ldinc(m0, a3)                           # 1
    ldinc(m1, a3)                           # 1
    loop(a13, DOT)                          # 1
    l32i(a8, a4, 8)                         # 1
    mula_da_ll(m0, a6)                      # 1  x1' * (256 b1 + c0)
    and_(a10, a6, a12)                      # 1
    mula_da_hh_ldinc(m0, a3, m0, a6)        # 1  x3' * (256 b3 + c2)
    mula_da_ll(m1, a10)                     # 1  y0 * c0
    mula_da_hh_ldinc(m1, a3, m1, a10)       # 1  y2 * c2
    l32i(a9, a4, 12)                        # 1
    mula_da_ll(m0, a7)                      # 1  x1' * (256 b1 + c0)
    and_(a10, a7, a12)                      # 1
    mula_da_hh_ldinc(m0, a3, m0, a7)        # 1  x3' * (256 b3 + c2)
    mula_da_ll(m1, a10)                     # 1  y0 * c0
    mula_da_hh_ldinc(m1, a3, m1, a10)       # 1  y2 * c2
    l32i(a6, a4, 16)                        # 1
    mula_da_ll(m0, a8)                      # 1  x1' * (256 b1 + c0)
    and_(a10, a8, a12)                      # 1
    mula_da_hh_ldinc(m0, a3, m0, a8)        # 1  x3' * (256 b3 + c2)
    mula_da_ll(m1, a10)                     # 1  y0 * c0
    mula_da_hh_ldinc(m1, a3, m1, a10)       # 1  y2 * c2
    l32i(a7, a4, 20)                        # 1
    mula_da_ll(m0, a9)                      # 1  x1' * (256 b1 + c0)
    and_(a10, a9, a12)                      # 1
    mula_da_hh_ldinc(m0, a3, m0, a9)        # 1  x3' * (256 b3 + c2)
    mula_da_ll(m1, a10)                     # 1  y0 * c0
    mula_da_hh_ldinc(m1, a3, m1, a10)       # 1  y2 * c2
    addi(a4, a4, 16)                        # 1
    label(DOT)
    rsr_acchi(a9)                           # 1
    rsr_acclo(a3)                           # 1
    ssai(6)                                 # 1
    src(a9, a9, a3)                         # 1
    l32i(a3, a15, 0)                        # 1  first
    l32i(a8, a15, 4)                        # 1  multiplier
    l16ui(a10, a15, 8)                      # 1  shifts
    add(a3, a3, a2)                         # 1
    addx4(a9, a3, a9)                       # 1  4 * acc
    bltz(a8, LONG)                          # 1-4
    extui(a3, a10, 0, 8)                    # 1
    bnez(a3, LONG)                          # 1-4
    srli(a10, a10, 8)                       # 1
    beqz(a10, LONG)                         # 1-4
    addi(a3, a10, -22)                      # 1
    bgez(a3, LONG_RIGHT)                    # 1-4
    l32i(a3, a1, 8)                         # 2  y constant
    ssl(a10)                                # 1
    sll(a3, a3)                             # 1
    addi(a3, a3, 1)                         # 1
    mulsh(a9, a9, a8)                       # 2  q, Q1
    srai(a8, a9, 31)                        # 1
    addx2(a9, a8, a9)                       # 1
    add(a9, a9, a3)                         # 1
    addi(a10, a10, 1)                       # 1
    ssr(a10)                                # 1
    sra(a9, a9)                             # 1
    label(CLAMP)
    l32i(a3, a1, 4)                         # 3  state
    l32i(a8, a3, 44)                        # 2  clamp min
    l32i(a10, a3, 48)                       # 1  clamp max
    max(a9, a9, a8)                         # 1
    min(a9, a9, a10)                        # 1
    s8i(a9, a11, 0)                         # 1
    addi(a11, a11, 1)                       # 1
    addi(a15, a15, 12)                      # 1
    addi(a14, a14, -1)                      # 1
    beqz(a14, END)                          # 1-4
    j(CHANNEL)                              # 4
    label(LONG_RIGHT)  # eq. (2) in full, as in xtensa.conv.convolve
    slli(a10, a10, 8)                       # 1
    label(LONG)
    rsr_acchi(a9)                           # 1
    rsr_acclo(a3)                           # 1
    ssai(8)                                 # 1
    src(a9, a9, a3)                         # 1
    l32i(a3, a15, 0)                        # 2  first
    add(a9, a9, a2)                         # 1
    add(a9, a9, a3)                         # 1  acc modulo 2^32
    ssl(a10)                                # 1
    sll(a9, a9)                             # 1
    slli(a8, a8, 1)                         # 1
    ssai(1)                                 # 1
    srl(a8, a8)                             # 1  the multiplier without its mark
    mull(a3, a9, a8)                        # 1
    mulsh(a9, a9, a8)                       # 1
    extui(a3, a3, 30, 2)                    # 1
    addi(a3, a3, 1)                         # 1
    srli(a3, a3, 1)                         # 1
    addx2(a9, a9, a3)                       # 1  h
    srli(a10, a10, 8)                       # 1
    beqz(a10, ZERO)                         # 1-4
    addi(a10, a10, -1)                      # 1
    ssr(a10)                                # 1
    srai(a3, a9, 31)                        # 1
    add(a9, a9, a3)                         # 1  h - (h < 0)
    sra(a9, a9)                             # 1
    addi(a9, a9, 1)                         # 1
    srai(a9, a9, 1)                         # 1
    label(ZERO)
    l32i(a3, a1, 4)                         # 3  state
    l32i(a3, a3, 40)                        # 3  y zero point
    add(a9, a9, a3)                         # 1
    j(CLAMP)                                # 4
    label(END)
    movi(a2, 1)                             # 1


_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_IN_H = const(9)
_IN_C = const(11)
_OUT_C = const(14)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_PACKED_OFFSET = const(30)
_Y_STEP = const(32)
_PIECE_COUNT = const(33)
_SCRATCH_OFFSET = const(7)
_S_INPUTS = const(0)
_S_FOURS = const(1)
_S_PREPARED = const(2)
_S_SIXTEENS = const(3)
_S_WEIGHTS = const(5)
_S_TABLE = const(6)
_S_Y = const(7)
_S_CHANNELS = const(8)
_S_LOW_BYTES = const(9)
_S_Y_ZERO_POINT = const(10)
_S_CLAMP_MIN = const(11)
_S_CLAMP_MAX = const(12)
_S_REST = const(13)
_STATE_BYTES = const(56)


@micropython.viper
def fully_connected(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.fully_connected. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    s = ptr32(arena + rec[_SCRATCH_OFFSET])
    state = int(s) >> 2
    size = rec[_IN_C]
    step = rec[_Y_STEP]
    if step == 0:
        step = rec[_OUT_C]
    rows = rec[_IN_H]
    fresh = rec[_PIECE_COUNT] == 0 or rows > 1
    s[_S_FOURS] = size >> 2
    s[_S_REST] = size & 3
    s[_S_PREPARED] = int(s) + _STATE_BYTES
    s[_S_SIXTEENS] = (size + 15) >> 4
    s[_S_WEIGHTS] = constants + rec[_WEIGHTS_OFFSET]
    s[_S_TABLE] = constants + rec[_PACKED_OFFSET]
    s[_S_CHANNELS] = rec[_OUT_C]
    s[_S_LOW_BYTES] = 0xFF00FF
    s[_S_Y_ZERO_POINT] = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    s[_S_CLAMP_MIN] = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    s[_S_CLAMP_MAX] = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    if fresh:
        to = ptr32(int(s) + _STATE_BYTES + (size >> 2) * 8)
        end = int(s) + _STATE_BYTES + ((size + 15) >> 4) * 32
        while int(to) < end:
            to[0] = 0
            to = ptr32(int(to) + 4)
    image = arena + rec[_X_OFFSET]
    y = arena + rec[_Y_OFFSET]
    while rows > 0:
        rows -= 1
        s[_S_INPUTS] = image
        s[_S_Y] = y
        if fresh:
            spread(state)
        dense(state)
        image += size
        y += step


kernels = {3: fully_connected}
