"""Fully connected layers in Thumb: any numbers of inputs, outputs and rows. See ref/dense.py for the meaning.

Written by host_tools/assembler/thumb: edit that.

A word T of weights holds bytes u = w + 128 of two channels and two inputs (FORMAT.md, weights in pairs). With
R = rev16(T) and, for inputs a0 and a1, beta = (a1 - 256 * a0) * 65537 and alpha = a0 - 256 * beta,

    alpha * T + beta * R = a0 * u(0, 0) + a1 * u(0, 1) + 2^16 * (a0 * u(1, 0) + a1 * u(1, 1))   (mod 2^32),

since (1 - 2^16) * (1 + 2^16) = 1. gamma = 0x7FFF - 2^16 - 128 * 65537 * (a0 + a1) takes the 128 away and leaves
(L0 + 0x7FFF) + 2^16 * (L1 - 1), L the sums of two products: -32512 <= L <= 32768, so the low half is in 0 to 65535 and
the high one fits 16 bits, whatever the weights. X sums these words, Y their high halves; for n pairs of inputs and
channels that start at f0 and f1, X starts at f0 + (f1 << 16) + 32769 * n and Y at f1 + n, and at the end
sum1 = Y, sum0 = X - (Y << 16).

The driver cuts the inputs into parts, or the channels into groups of sixes, as the scratch has room for. A group, or a
piece of an op that is cut, begins with the part whose table the last one has left, and takes the parts from there.

State, 19 words at the start of the scratch, byte offsets:
   0 table: of {alpha, beta, gamma}
   4 inputs
   8 inputs_end
  12 table_end
  16 six_after: bytes from six channels' weights of this part to the next six's
  20 sixes
  24 pairs_after: channels after the sixes, in pairs
  28 accumulators: {X, Y} a pair of channels
  32 pairs: of inputs in all, 0: not the first part; between pieces: whether the next goes backwards
  36 channels: channel table
  40 channel_pairs
  44 weights
  48 outputs: 0: not the last part
  52 y
  56 clamp_min
  60 clamp_max
  64 entry: where the unrolled loop is entered
  68 y_zero_point
  72 weights_after: weights after the sixes
"""

import micropython


@micropython.asm_thumb
def dense(r0):
    """
    A row of outputs, or what a part of the inputs adds to it: eq. (2), (3); reference: ref.fully_connected.
    In   r0 *state
    Uses table: r1 x | r2 end | r3 128 * 65537 | r4, r5 a0, a1, alpha, beta | r6 temporary | r7 gamma | r12 constant
         lr where to
         products: r0 weights | r1, r5, r7 alpha, beta, gamma | r2, r3 two words | r4 temporary | r6 table
         r8, r9, r10 X | r11, r12, lr Y; r10 end of the table after the sixes
         requantize: r1, r3 halves of the multiplier | r4 accumulator | r0, r2, r5-r7 temporary | r8 accumulators | r9 y
         r10, r11 clamps | r12 channel
    Stack 52: state, end of table, accumulators, unused, table, jump, sixes or sum1, skip or y_zero_point, end of y
    Bounds as above; X, Y modulo 2^32.
    Cost 33 cycles for 12 products, 26 and 17 for 8 and 4 after the sixes; 25 a pair of inputs, 72 an output (counted).
    """
    mov(r1, r8)             # 1
    mov(r2, r9)             # 1
    mov(r3, r10)            # 1
    mov(r4, r11)            # 1
    push({r1, r2, r3, r4})  # 5
    data(2, 0xB089)         # 1  sub sp,#36
    data(2, 0x9000)         # 2  str r0,[sp,#0]  ** state
    data(2, 0x467B)         # 1  mov r3,pc  ** MAC's address, which PREPARE makes an entry of
    b(PREPARE)              # 2
    label(MAC)  # 33 cycles for 12 products: 2 inputs, 6 channels
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0x9901)         # 2  ldr r1,[sp,#4]  ** table end
    cmp(r6, r1)             # 1
    beq(SIX_DONE)           # 2
    b(MAC)                  # 2
    label(PREPARE)  # 25 cycles a pair of inputs
    ldr(r1, [r0, 64])       # 2  entry
    add(r3, r3, r1)         # 1
    data(2, 0x9305)         # 2  str r3,[sp,#20]  ** mac
    ldr(r1, [r0, 4])        # 2  inputs
    ldr(r2, [r0, 8])        # 2  inputs end
    ldr(r6, [r0, 0])        # 2  table
    data(2, 0x9604)         # 2  str r6,[sp,#16]  ** table
    mov(lr, r6)             # 1
    mov(r3, 128)            # 1
    lsl(r4, r3, 16)         # 1
    lsl(r5, r3, 8)          # 1
    add(r3, r3, r4)         # 1  128 * 65537
    add(r5, 1)              # 1
    neg(r5, r5)             # 1
    mov(r12, r5)            # 1  0x7FFF - 2^16
    sub(r2, 1)              # 1
    b(NEXT)                 # 2
    label(PAIR)
    mov(r5, 0)              # 1
    data(2, 0x574C)         # 2  ldrsb r4,[r1,r5]  ** a0 Q0
    mov(r5, 1)              # 1
    data(2, 0x574D)         # 2  ldrsb r5,[r1,r5]  ** a1 Q0
    label(TABLE)
    add(r1, 2)              # 1
    add(r6, r4, r5)         # 1
    mul(r6, r3)             # 1
    mov(r7, r12)            # 1
    sub(r7, r7, r6)         # 1  gamma
    lsl(r6, r4, 8)          # 1
    sub(r5, r5, r6)         # 1
    lsl(r6, r5, 16)         # 1
    add(r5, r5, r6)         # 1  beta
    lsl(r6, r5, 8)          # 1
    sub(r4, r4, r6)         # 1  alpha
    mov(r6, lr)             # 1
    data(2, 0xC6B0)         # 4  stm r6!,{r4,r5,r7}
    mov(lr, r6)             # 1
    label(NEXT)
    cmp(r1, r2)             # 1
    bcc(PAIR)               # 2
    bne(START)              # 2
    mov(r5, 0)              # 1
    data(2, 0x574C)         # 2  ldrsb r4,[r1,r5]  ** the last of an odd number
    b(TABLE)                # 2
    label(START)
    ldr(r6, [r0, 12])       # 2  table end
    data(2, 0x9601)         # 2  str r6,[sp,#4]  ** table end
    ldr(r6, [r0, 28])       # 2  accumulators
    data(2, 0x9602)         # 2  str r6,[sp,#8]  ** acc
    ldr(r7, [r0, 32])       # 2  pairs
    cmp(r7, 0)              # 1
    beq(SIXES)              # 2
    ldr(r1, [r0, 36])       # 2  channels
    ldr(r2, [r0, 40])       # 2  channel pairs
    mov(r3, 1)              # 1
    lsl(r3, r3, 15)         # 1  2^15
    add(r3, 1)              # 1
    mul(r3, r7)             # 1  32769 * n
    label(FIRST)  # 15 cycles two channels
    ldr(r4, [r1, 0])        # 2  f0, f1
    ldr(r5, [r1, 12])       # 2
    add(r1, 24)             # 1
    add(r4, r4, r3)         # 1
    lsl(r0, r5, 16)         # 1
    add(r4, r4, r0)         # 1
    add(r5, r5, r7)         # 1
    data(2, 0xC630)         # 3  stm r6!,{r4,r5}
    sub(r2, 1)              # 1
    bne(FIRST)              # 2
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** state
    label(SIXES)
    ldr(r1, [r0, 20])       # 2  sixes
    data(2, 0x9106)         # 2  str r1,[sp,#24]  ** sixes
    ldr(r1, [r0, 16])       # 2  six after
    data(2, 0x9107)         # 2  str r1,[sp,#28]  ** six after
    ldr(r0, [r0, 44])       # 2  weights
    b(NEXT_SIX)             # 2
    label(SIX)
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]  ** acc
    data(2, 0xCEBE)         # 7  ldm r6!,{r1,r2,r3,r4,r5,r7}
    mov(r8, r1)             # 1
    mov(r11, r2)            # 1
    mov(r9, r3)             # 1
    mov(r12, r4)            # 1
    mov(r10, r5)            # 1
    mov(lr, r7)             # 1
    data(2, 0x9E04)         # 2  ldr r6,[sp,#16]  ** table
    data(2, 0x9905)         # 2  ldr r1,[sp,#20]  ** mac
    data(2, 0x468F)         # 2  mov pc,r1  ** into MAC
    label(SIX_DONE)
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]  ** acc
    mov(r1, r8)             # 1
    mov(r2, r11)            # 1
    mov(r3, r9)             # 1
    mov(r4, r12)            # 1
    mov(r5, r10)            # 1
    mov(r7, lr)             # 1
    data(2, 0xC6BE)         # 7  stm r6!,{r1,r2,r3,r4,r5,r7}
    data(2, 0x9602)         # 2  str r6,[sp,#8]  ** acc
    data(2, 0x9907)         # 2  ldr r1,[sp,#28]  ** six after
    add(r0, r0, r1)         # 1
    label(NEXT_SIX)
    data(2, 0x9906)         # 2  ldr r1,[sp,#24]  ** sixes
    sub(r1, 1)              # 1
    data(2, 0x9106)         # 2  str r1,[sp,#24]  ** sixes
    bpl(SIX)                # 2
    data(2, 0x9900)         # 2  ldr r1,[sp,#0]  ** state
    ldr(r0, [r1, 72])       # 2  weights after
    ldr(r2, [r1, 24])       # 2  pairs after
    cmp(r2, 1)              # 1
    beq(TWO)                # 2
    bcs(FOUR)               # 2
    b(DONE)                 # 2
    label(TWO)
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]  ** acc
    data(2, 0xCE06)         # 3  ldm r6!,{r1,r2}
    mov(r8, r1)             # 1
    mov(r11, r2)            # 1
    data(2, 0x9E01)         # 2  ldr r6,[sp,#4]  ** table end
    mov(r10, r6)            # 1
    data(2, 0x9E04)         # 2  ldr r6,[sp,#16]  ** table
    label(TWO_MAC)  # 14 cycles for 4 products
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0x4556)         # 1  cmp r6,r10
    bne(TWO_MAC)            # 2
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]  ** acc
    mov(r1, r8)             # 1
    mov(r2, r11)            # 1
    data(2, 0xC606)         # 3  stm r6!,{r1,r2}
    b(DONE)                 # 2
    label(FOUR)
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]  ** acc
    data(2, 0xCE1E)         # 5  ldm r6!,{r1,r2,r3,r4}
    mov(r8, r1)             # 1
    mov(r11, r2)            # 1
    mov(r9, r3)             # 1
    mov(r12, r4)            # 1
    data(2, 0x9E01)         # 2  ldr r6,[sp,#4]  ** table end
    mov(r10, r6)            # 1
    data(2, 0x9E04)         # 2  ldr r6,[sp,#16]  ** table
    label(FOUR_MAC)  # 23 cycles for 8 products
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}  ** alpha, beta, gamma
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** T
    data(2, 0xBA54)         # 1  rev16 r4,r2  ** R
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3  ** R
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1  (L0 + 0x7FFF) + 2^16 * (L1 - 1)
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0x4556)         # 1  cmp r6,r10
    bne(FOUR_MAC)           # 2
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]  ** acc
    mov(r1, r8)             # 1
    mov(r2, r11)            # 1
    mov(r3, r9)             # 1
    mov(r4, r12)            # 1
    data(2, 0xC61E)         # 5  stm r6!,{r1,r2,r3,r4}
    label(DONE)
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** state
    ldr(r2, [r0, 48])       # 2  outputs
    cmp(r2, 0)              # 1
    beq(END)                # 2
    ldr(r1, [r0, 36])       # 2  channels
    mov(r12, r1)            # 1
    ldr(r1, [r0, 28])       # 2  accumulators
    mov(r8, r1)             # 1
    ldr(r1, [r0, 52])       # 2  y
    mov(r9, r1)             # 1
    add(r1, r1, r2)         # 1
    data(2, 0x9108)         # 2  str r1,[sp,#32]  ** y end
    ldr(r1, [r0, 56])       # 2  clamp min
    mov(r10, r1)            # 1
    ldr(r1, [r0, 60])       # 2  clamp max
    mov(r11, r1)            # 1
    ldr(r1, [r0, 68])       # 2  y zero point
    data(2, 0x9107)         # 2  str r1,[sp,#28]  ** zero
    label(LOW)  # two channels
    mov(r0, r8)             # 1
    data(2, 0xC830)         # 3  ldm r0!,{r4,r5}
    mov(r8, r0)             # 1
    data(2, 0x9506)         # 2  str r5,[sp,#24]  ** sum1
    lsl(r5, r5, 16)         # 1
    sub(r4, r4, r5)         # 1  sum0 Q0
    bl(OUTPUT)              # 3
    beq(END)                # 2
    data(2, 0x9C06)         # 2  ldr r4,[sp,#24]  ** sum1
    bl(OUTPUT)              # 3
    bne(LOW)                # 2
    b(END)                  # 2
    label(OUTPUT)  # eq. (2), (3), modulo 2^32
    mov(r5, r12)            # 1
    ldrb(r6, [r5, 8])       # 2  left shift
    ldrb(r7, [r5, 9])       # 2  right shift
    ldrh(r1, [r5, 4])       # 2  multiplier low
    ldrh(r3, [r5, 6])       # 2  multiplier high
    add(r5, 12)             # 1
    mov(r12, r5)            # 1
    lsl(r4, r6)             # 1  acc << left_shift
    data(2, 0xB2A5)         # 1  uxth r5,r4  ** acc low, u16
    asr(r4, r4, 16)         # 1  acc high, s16
    mov(r6, r5)             # 1
    mul(r6, r1)             # 1  low * m_low
    lsr(r6, r6, 16)         # 1  units of 2^16 from here
    mul(r5, r3)             # 1  low * m_high
    lsl(r0, r5, 17)         # 1
    lsr(r0, r0, 17)         # 1  15 bits below 2^31
    add(r6, r6, r0)         # 1
    lsr(r5, r5, 15)         # 1  and above
    mul(r1, r4)             # 1  high * m_low, signed
    asr(r2, r1, 15)         # 1  above 2^31
    add(r5, r5, r2)         # 1
    lsl(r0, r1, 17)         # 1
    lsr(r0, r0, 17)         # 1  15 bits below 2^31
    add(r6, r6, r0)         # 1
    mul(r4, r3)             # 1  high * m_high, units of 2^32
    lsl(r4, r4, 1)          # 1  units of 2^31 from here
    add(r4, r4, r5)         # 1
    mov(r0, 1)              # 1
    lsl(r0, r0, 14)         # 1  2^30: eq. (2) rounds
    add(r6, r6, r0)         # 1
    lsr(r6, r6, 15)         # 1  the carry
    add(r4, r4, r6)         # 1
    sub(r7, 1)              # 1
    bmi(WHOLE)              # 2
    asr(r0, r4, 31)         # 1  -1 where acc < 0: half away from zero
    add(r4, r4, r0)         # 1
    asr(r4, r7)             # 1  one bit more than y, Q1
    add(r4, 1)              # 1
    asr(r4, r4, 1)          # 1
    label(WHOLE)
    data(2, 0x9807)         # 2  ldr r0,[sp,#28]  ** zero
    add(r4, r4, r0)         # 1
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(ABOVE)              # 2
    mov(r4, r10)            # 1
    label(ABOVE)
    data(2, 0x455C)         # 1  cmp r4,r11
    ble(BELOW)              # 2
    mov(r4, r11)            # 1
    label(BELOW)
    mov(r2, r9)             # 1
    strb(r4, [r2, 0])       # 2
    add(r2, 1)              # 1
    mov(r9, r2)             # 1
    data(2, 0x9808)         # 2  ldr r0,[sp,#32]  ** y end
    cmp(r2, r0)             # 1
    data(2, 0x4770)         # 2  bx lr
    label(END)
    data(2, 0xB009)         # 1  add sp,#36
    mov(r0, 0)              # 1
    pop({r1, r2, r3, r4})   # 5
    mov(r8, r1)             # 1
    mov(r9, r2)             # 1
    mov(r10, r3)            # 1
    mov(r11, r4)            # 1


_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_IN_H = const(9)
_IN_C = const(11)
_OUT_C = const(14)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_TILE = const(31)
_Y_STEP = const(32)
_PIECE_COUNT = const(33)
_SCRATCH_OFFSET = const(7)
_UNROLLED = const(8)
_MAC_BYTES = const(54)
_ENTRY_BYTES = const(12)
_S_TABLE = const(0)
_S_INPUTS = const(1)
_S_INPUTS_END = const(2)
_S_TABLE_END = const(3)
_S_SIX_AFTER = const(4)
_S_SIXES = const(5)
_S_PAIRS_AFTER = const(6)
_S_ACCUMULATORS = const(7)
_S_PAIRS = const(8)
_S_CHANNELS = const(9)
_S_CHANNEL_PAIRS = const(10)
_S_WEIGHTS = const(11)
_S_OUTPUTS = const(12)
_S_Y = const(13)
_S_CLAMP_MIN = const(14)
_S_CLAMP_MAX = const(15)
_S_ENTRY = const(16)
_S_Y_ZERO_POINT = const(17)
_S_WEIGHTS_AFTER = const(18)
_S_BYTES = const(76)


@micropython.viper
def fully_connected(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(int(y) + rec[_SCRATCH_OFFSET])
    inputs = rec[_IN_C]
    outputs = rec[_OUT_C]
    pairs = (inputs + 1) >> 1
    part = rec[_TILE] & 0xFFFF
    most = rec[_TILE] >> 16
    at = int(y) + rec[_X_OFFSET]
    to = int(y) + rec[_Y_OFFSET]
    table = int(s) + _S_BYTES
    s[_S_TABLE] = table
    s[_S_ACCUMULATORS] = table + _ENTRY_BYTES * part
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    s[_S_Y_ZERO_POINT] = rec[_Y_ZERO_POINT]
    skip = 0
    if rec[_Y_STEP] > 0:
        skip = rec[_Y_STEP] - outputs
    parts = (pairs + part - 1) // part
    # The part whose table the scratch holds is the next channels' first: every other time the parts come backwards.
    # A later piece of an op that is cut finds the table as the piece before has left it.
    made = 0
    back = 0
    row = rec[_IN_H]
    if rec[_PIECE_COUNT] > 0 and row == 1:
        made = 1
        back = s[_S_PAIRS]
    while row > 0:
        row -= 1
        weights = int(w) + rec[_WEIGHTS_OFFSET]
        s[_S_CHANNELS] = int(w) + rec[_CHANNELS_OFFSET]
        channels = (outputs + 1) >> 1
        left = outputs
        while left > 0:
            sixes = channels // 3
            rest = channels - sixes * 3
            n = left
            if channels > most * 3:
                sixes = most
                rest = 0
                n = most * 6
            s[_S_SIXES] = sixes
            s[_S_PAIRS_AFTER] = rest
            s[_S_CHANNEL_PAIRS] = sixes * 3 + rest
            s[_S_PAIRS] = pairs
            s[_S_OUTPUTS] = 0
            s[_S_Y] = to
            after = weights + 12 * pairs * sixes
            k = parts
            while k > 0:
                k -= 1
                first = k * part
                if not back:
                    first = (parts - 1 - k) * part
                step = part
                s[_S_INPUTS_END] = at + first * 2 + step * 2
                if first + step >= pairs:
                    step = pairs - first
                    s[_S_INPUTS_END] = at + inputs
                s[_S_INPUTS] = at + first * 2
                if made:
                    s[_S_INPUTS] = s[_S_INPUTS_END]
                    made = 0
                if k == 0:
                    s[_S_OUTPUTS] = n
                s[_S_TABLE_END] = table + _ENTRY_BYTES * step
                s[_S_SIX_AFTER] = 12 * (pairs - step)
                s[_S_WEIGHTS] = weights + 12 * first
                s[_S_ENTRY] = (0 - step & _UNROLLED - 1) * _MAC_BYTES
                s[_S_WEIGHTS_AFTER] = after + 4 * rest * first
                dense(s)
                s[_S_PAIRS] = 0
            made = 1
            back ^= 1
            to += n
            left -= n
            weights = after
            channels -= s[_S_CHANNEL_PAIRS]
            s[_S_CHANNELS] = s[_S_CHANNELS] + 12 * n
        made = 0
        at += inputs
        to += skip
    s[_S_PAIRS] = back


kernels = {3: fully_connected}
