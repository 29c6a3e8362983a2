"""Fully connected layers in Thumb: any numbers of inputs, outputs and rows. See ref.fully_connected for the meaning.

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

State, 19 words at the start of the scratch, byte offsets: 0 table of {alpha, beta, gamma}     4 inputs, 8 their end
12 end of the table     16 bytes from six channels' weights of this part to the next six's     20 sixes
24 channels behind the sixes, in pairs     28 accumulators {X, Y} a pair of channels     32 pairs of inputs in all, 0:
not the first part; between pieces: whether the next goes backwards     36 channel table     40 pairs of channels
44 weights     48 outputs, 0: not the last part     52 outputs     56, 60 clamps
64 where the unrolled loop is entered     68 y_zero_point     72 weights behind the sixes
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
         r8, r9, r10 X | r11, r12, lr Y; r10 end of the table behind the sixes
         requantize: r1, r3 halves of the multiplier | r4 accumulator | r0, r2, r5-r7 temporary | r8 accumulators | r9 y
         r10, r11 clamps | r12 channel
    Stack 52: state, end of table, accumulators, unused, table, jump, sixes or sum1, skip or y_zero_point, end of y
    Bounds as above; X, Y modulo 2^32.
    Cost 33 cycles for 12 products, 26 and 17 for 8 and 4 behind the sixes; 25 a pair of inputs, 72 an output (counted).
    """
    mov(r1, r8)             # 1
    mov(r2, r9)             # 1
    mov(r3, r10)            # 1
    mov(r4, r11)            # 1
    push({r1, r2, r3, r4})  # 5
    data(2, 0xB089)         # 1  sub sp,#36
    data(2, 0x9000)         # 2  str r0,[sp,#0]
    data(2, 0x467B)         # 1  mov r3,pc
    b(PREPARE)              # 2
    label(MAC)  # 33 cycles for 12 products: 2 inputs, 6 channels
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4492)         # 1  add r10,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4496)         # 1  add lr,r2
    data(2, 0x9901)         # 2  ldr r1,[sp,#4]
    cmp(r6, r1)             # 1
    beq(SIX_DONE)           # 2
    b(MAC)                  # 2
    label(PREPARE)  # 25 cycles a pair of inputs
    ldr(r1, [r0, 64])       # 2
    add(r3, r3, r1)         # 1
    data(2, 0x9305)         # 2  str r3,[sp,#20]
    ldr(r1, [r0, 4])        # 2
    ldr(r2, [r0, 8])        # 2
    ldr(r6, [r0, 0])        # 2
    data(2, 0x9604)         # 2  str r6,[sp,#16]
    mov(lr, r6)             # 1
    mov(r3, 128)            # 1
    lsl(r4, r3, 16)         # 1
    lsl(r5, r3, 8)          # 1
    add(r3, r3, r4)         # 1
    add(r5, 1)              # 1
    neg(r5, r5)             # 1
    mov(r12, r5)            # 1
    sub(r2, 1)              # 1
    b(NEXT)                 # 2
    label(PAIR)
    mov(r5, 0)              # 1
    data(2, 0x574C)         # 2  ldrsb r4,[r1,r5]
    mov(r5, 1)              # 1
    data(2, 0x574D)         # 2  ldrsb r5,[r1,r5]
    label(TABLE)
    add(r1, 2)              # 1
    add(r6, r4, r5)         # 1
    mul(r6, r3)             # 1
    mov(r7, r12)            # 1
    sub(r7, r7, r6)         # 1
    lsl(r6, r4, 8)          # 1
    sub(r5, r5, r6)         # 1
    lsl(r6, r5, 16)         # 1
    add(r5, r5, r6)         # 1
    lsl(r6, r5, 8)          # 1
    sub(r4, r4, r6)         # 1
    mov(r6, lr)             # 1
    data(2, 0xC6B0)         # 4  stm r6!,{r4,r5,r7}
    mov(lr, r6)             # 1
    label(NEXT)
    cmp(r1, r2)             # 1
    bcc(PAIR)               # 2
    bne(START)              # 2
    mov(r5, 0)              # 1
    data(2, 0x574C)         # 2  ldrsb r4,[r1,r5]
    b(TABLE)                # 2
    label(START)
    ldr(r6, [r0, 12])       # 2
    data(2, 0x9601)         # 2  str r6,[sp,#4]
    ldr(r6, [r0, 28])       # 2
    data(2, 0x9602)         # 2  str r6,[sp,#8]
    ldr(r7, [r0, 32])       # 2
    cmp(r7, 0)              # 1
    beq(SIXES)              # 2
    ldr(r1, [r0, 36])       # 2
    ldr(r2, [r0, 40])       # 2
    mov(r3, 1)              # 1
    lsl(r3, r3, 15)         # 1
    add(r3, 1)              # 1
    mul(r3, r7)             # 1
    label(FIRST)  # 15 cycles two channels
    ldr(r4, [r1, 0])        # 2
    ldr(r5, [r1, 12])       # 2
    add(r1, 24)             # 1
    add(r4, r4, r3)         # 1
    lsl(r0, r5, 16)         # 1
    add(r4, r4, r0)         # 1
    add(r5, r5, r7)         # 1
    data(2, 0xC630)         # 3  stm r6!,{r4,r5}
    sub(r2, 1)              # 1
    bne(FIRST)              # 2
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]
    label(SIXES)
    ldr(r1, [r0, 20])       # 2
    data(2, 0x9106)         # 2  str r1,[sp,#24]
    ldr(r1, [r0, 16])       # 2
    data(2, 0x9107)         # 2  str r1,[sp,#28]
    ldr(r0, [r0, 44])       # 2
    b(NEXT_SIX)             # 2
    label(SIX)
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]
    data(2, 0xCEBE)         # 7  ldm r6!,{r1,r2,r3,r4,r5,r7}
    mov(r8, r1)             # 1
    mov(r11, r2)            # 1
    mov(r9, r3)             # 1
    mov(r12, r4)            # 1
    mov(r10, r5)            # 1
    mov(lr, r7)             # 1
    data(2, 0x9E04)         # 2  ldr r6,[sp,#16]
    data(2, 0x9905)         # 2  ldr r1,[sp,#20]
    data(2, 0x468F)         # 2  mov pc,r1
    label(SIX_DONE)
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]
    mov(r1, r8)             # 1
    mov(r2, r11)            # 1
    mov(r3, r9)             # 1
    mov(r4, r12)            # 1
    mov(r5, r10)            # 1
    mov(r7, lr)             # 1
    data(2, 0xC6BE)         # 7  stm r6!,{r1,r2,r3,r4,r5,r7}
    data(2, 0x9602)         # 2  str r6,[sp,#8]
    data(2, 0x9907)         # 2  ldr r1,[sp,#28]
    add(r0, r0, r1)         # 1
    label(NEXT_SIX)
    data(2, 0x9906)         # 2  ldr r1,[sp,#24]
    sub(r1, 1)              # 1
    data(2, 0x9106)         # 2  str r1,[sp,#24]
    bpl(SIX)                # 2
    data(2, 0x9900)         # 2  ldr r1,[sp,#0]
    ldr(r0, [r1, 72])       # 2
    ldr(r2, [r1, 24])       # 2
    cmp(r2, 1)              # 1
    beq(TWO)                # 2
    bcs(FOUR)               # 2
    b(DONE)                 # 2
    label(TWO)
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]
    data(2, 0xCE06)         # 3  ldm r6!,{r1,r2}
    mov(r8, r1)             # 1
    mov(r11, r2)            # 1
    data(2, 0x9E01)         # 2  ldr r6,[sp,#4]
    mov(r10, r6)            # 1
    data(2, 0x9E04)         # 2  ldr r6,[sp,#16]
    label(TWO_MAC)  # 14 cycles for 4 products
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC804)         # 2  ldm r0!,{r2}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0x4556)         # 1  cmp r6,r10
    bne(TWO_MAC)            # 2
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]
    mov(r1, r8)             # 1
    mov(r2, r11)            # 1
    data(2, 0xC606)         # 3  stm r6!,{r1,r2}
    b(DONE)                 # 2
    label(FOUR)
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]
    data(2, 0xCE1E)         # 5  ldm r6!,{r1,r2,r3,r4}
    mov(r8, r1)             # 1
    mov(r11, r2)            # 1
    mov(r9, r3)             # 1
    mov(r12, r4)            # 1
    data(2, 0x9E01)         # 2  ldr r6,[sp,#4]
    mov(r10, r6)            # 1
    data(2, 0x9E04)         # 2  ldr r6,[sp,#16]
    label(FOUR_MAC)  # 23 cycles for 8 products
    data(2, 0xCEA2)         # 4  ldm r6!,{r1,r5,r7}
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}
    data(2, 0xBA54)         # 1  rev16 r4,r2
    mul(r2, r1)             # 1
    mul(r4, r5)             # 1
    add(r2, r2, r4)         # 1
    add(r2, r2, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2
    asr(r2, r2, 16)         # 1
    data(2, 0x4493)         # 1  add r11,r2
    data(2, 0xBA5C)         # 1  rev16 r4,r3
    mul(r3, r1)             # 1
    mul(r4, r5)             # 1
    add(r3, r3, r4)         # 1
    add(r3, r3, r7)         # 1
    data(2, 0x4499)         # 1  add r9,r3
    asr(r3, r3, 16)         # 1
    data(2, 0x449C)         # 1  add r12,r3
    data(2, 0x4556)         # 1  cmp r6,r10
    bne(FOUR_MAC)           # 2
    data(2, 0x9E02)         # 2  ldr r6,[sp,#8]
    mov(r1, r8)             # 1
    mov(r2, r11)            # 1
    mov(r3, r9)             # 1
    mov(r4, r12)            # 1
    data(2, 0xC61E)         # 5  stm r6!,{r1,r2,r3,r4}
    label(DONE)
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]
    ldr(r2, [r0, 48])       # 2
    cmp(r2, 0)              # 1
    beq(END)                # 2
    ldr(r1, [r0, 36])       # 2
    mov(r12, r1)            # 1
    ldr(r1, [r0, 28])       # 2
    mov(r8, r1)             # 1
    ldr(r1, [r0, 52])       # 2
    mov(r9, r1)             # 1
    add(r1, r1, r2)         # 1
    data(2, 0x9108)         # 2  str r1,[sp,#32]
    ldr(r1, [r0, 56])       # 2
    mov(r10, r1)            # 1
    ldr(r1, [r0, 60])       # 2
    mov(r11, r1)            # 1
    ldr(r1, [r0, 68])       # 2
    data(2, 0x9107)         # 2  str r1,[sp,#28]
    label(LOW)
    mov(r0, r8)             # 1
    data(2, 0xC830)         # 3  ldm r0!,{r4,r5}
    mov(r8, r0)             # 1
    data(2, 0x9506)         # 2  str r5,[sp,#24]
    lsl(r5, r5, 16)         # 1
    sub(r4, r4, r5)         # 1
    bl(OUTPUT)              # 3
    beq(END)                # 2
    data(2, 0x9C06)         # 2  ldr r4,[sp,#24]
    bl(OUTPUT)              # 3
    bne(LOW)                # 2
    b(END)                  # 2
    label(OUTPUT)  # eq. (2), (3), modulo 2^32
    mov(r5, r12)            # 1
    ldrb(r6, [r5, 8])       # 2
    ldrb(r7, [r5, 9])       # 2
    ldrh(r1, [r5, 4])       # 2
    ldrh(r3, [r5, 6])       # 2
    add(r5, 12)             # 1
    mov(r12, r5)            # 1
    lsl(r4, r6)             # 1
    data(2, 0xB2A5)         # 1  uxth r5,r4
    asr(r4, r4, 16)         # 1
    mov(r6, r5)             # 1
    mul(r6, r1)             # 1
    lsr(r6, r6, 16)         # 1
    mul(r5, r3)             # 1
    lsl(r0, r5, 17)         # 1
    lsr(r0, r0, 17)         # 1
    add(r6, r6, r0)         # 1
    lsr(r5, r5, 15)         # 1
    mul(r1, r4)             # 1
    asr(r2, r1, 15)         # 1
    add(r5, r5, r2)         # 1
    lsl(r0, r1, 17)         # 1
    lsr(r0, r0, 17)         # 1
    add(r6, r6, r0)         # 1
    mul(r4, r3)             # 1
    lsl(r4, r4, 1)          # 1
    add(r4, r4, r5)         # 1
    mov(r0, 1)              # 1
    lsl(r0, r0, 14)         # 1
    add(r6, r6, r0)         # 1
    lsr(r6, r6, 15)         # 1
    add(r4, r4, r6)         # 1
    sub(r7, 1)              # 1
    bmi(WHOLE)              # 2
    asr(r0, r4, 31)         # 1
    add(r4, r4, r0)         # 1
    asr(r4, r7)             # 1
    add(r4, 1)              # 1
    asr(r4, r4, 1)          # 1
    label(WHOLE)
    data(2, 0x9807)         # 2  ldr r0,[sp,#28]
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
    data(2, 0x9808)         # 2  ldr r0,[sp,#32]
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


@micropython.viper
def fully_connected(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(int(y) + rec[7])
    inputs = rec[11]
    outputs = rec[14]
    pairs = (inputs + 1) >> 1
    part = rec[31] & 0xFFFF
    most = rec[31] >> 16
    at = int(y) + rec[5]
    to = int(y) + rec[6]
    table = int(s) + 76
    s[0] = table
    s[7] = table + 12 * part
    s[14] = rec[25]
    s[15] = rec[26]
    s[17] = rec[24]
    skip = 0
    if rec[32] > 0:
        skip = rec[32] - outputs
    parts = (pairs + part - 1) // part
    # The part whose table the scratch holds is the next channels' first: every other time the parts come backwards.
    # A later piece of an op that is cut finds the table as the piece before has left it.
    made = 0
    back = 0
    row = rec[9]
    if rec[33] > 0 and row == 1:
        made = 1
        back = s[8]
    while row > 0:
        row -= 1
        weights = int(w) + rec[27]
        s[9] = int(w) + rec[28]
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
            s[5] = sixes
            s[6] = rest
            s[10] = sixes * 3 + rest
            s[8] = pairs
            s[12] = 0
            s[13] = to
            behind = weights + 12 * pairs * sixes
            k = parts
            while k > 0:
                k -= 1
                first = k * part
                if not back:
                    first = (parts - 1 - k) * part
                step = part
                s[2] = at + first * 2 + step * 2
                if first + step >= pairs:
                    step = pairs - first
                    s[2] = at + inputs
                s[1] = at + first * 2
                if made:
                    s[1] = s[2]
                    made = 0
                if k == 0:
                    s[12] = n
                s[3] = table + 12 * step
                s[4] = 12 * (pairs - step)
                s[11] = weights + 12 * first
                s[16] = (0 - step & 7) * 54
                s[18] = behind + 4 * rest * first
                dense(s)
                s[8] = 0
            made = 1
            back ^= 1
            to += n
            left -= n
            weights = behind
            channels -= s[10]
            s[9] = s[9] + 12 * n
        made = 0
        at += inputs
        to += skip
    s[8] = back


kernels = {3: fully_connected}
