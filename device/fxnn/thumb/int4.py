"""Fully connected layers with weights of four bits in Thumb, used where they lie: ref/dense.py, weights_format 1.

Written by host_tools/assembler/thumb: edit that.

A word T holds u = w + 8 of eight inputs of a channel, V = (T >> 4) & 0x0F0F0F0F the odd ones as bytes. For inputs
a = x + 128, let

    E0 = a4 + 2^16 * a0    E1 = a6 + 2^16 * a2    G0 = a5 + 2^16 * a1 - 16 * E0    G1 = a7 + 2^16 * a3 - 16 * E1
    beta = (E1 - 256 * E0) * 65537    alpha = E0 - 256 * beta, and the same of G0, G1: beta', alpha'

alpha * T + beta * rev16(T) is E0, E1, 2^16 * E0, 2^16 * E1 times the four bytes of T (mod 2^32; as in the dense kernel
of eight bits), in which the odd inputs count 16 times: what G takes away. So

    alpha * T + beta * rev16(T) + alpha' * V + beta' * rev16(V)
        = 2^16 * (a0 * u0 + ... + a7 * u7) + a4 * u4' + ...  (mod 2^32)

where the low half is four products, u0 to u3 times a4 to a7: at most 4 * 255 * 15 = 15300, so nothing is carried, and
the high half at most 30600. acc = k + sum(a * u) - 8 * sum(a). After the inputs a is 0.

The driver cuts the inputs into parts as the scratch has room for {alpha, beta, alpha', beta'} of eight inputs each.

State, 21 words at the start of the scratch, byte offsets:
   0 table
   4 table_end: its end
   8 inputs
  12 eights: of them
  16 last_eight: 1: and the eight at last_inputs
  20 weights
  24 weights_after: bytes from the end of a channel's part to the next channel's
  28 entries: of the short channel table
  32 entries_end: their end
  36 to_accumulators: 2 * accumulators - entries
  40 first: not 0: first part
  44 last: not 0: last part
  48 y: outputs
  52 clamp_min
  56 clamp_max
  60 y_zero_point
  64 correction: -8 * sum of the inputs' a
  68 entry: where the unrolled loop is entered
  72 last_inputs: the last eight inputs, 128 after them
  80 mask: 0x0F0F0F0F
Scratch: state | table | accumulators of all channels, where there are parts
"""

import micropython


@micropython.asm_thumb
def dense(r0):
    """
    A row of outputs, or what a part of the inputs adds to it: eq. (2), (3); reference: ref.fully_connected.
    In   r0 *state
    Uses products: r0 weights | r1 table, r9 its end | r2, r3 T, V | r4, r5 alpha, beta | r6 rev16 | r7 mask | r8 acc
         r10 entry, lr the last one's end | r11 y | r12 2 * accumulators - entries
         table: r1 x | r2 eights | r3-r6 E0, E1, F0, F1, alphas, betas | r7 128 * 65537 | r0 temporary, to | r12 to
         r8, r9 sums of E, F and of their high halves
         requantize: r4 acc | r1, r2, r5, r7 temporary | r6 *state
    Stack 24: state, where the loop is entered
    Bounds as above; acc modulo 2^32; multiplier Q16, at most 65535 * 65535 + 2^15 < 2^32.
    Cost 21 cycles 8 products, 3 every 32; 61 to 75 a channel; 61 eight inputs of the table (counted).
    """
    mov(r1, r8)             # 1
    mov(r2, r9)             # 1
    mov(r3, r10)            # 1
    mov(r4, r11)            # 1
    push({r1, r2, r3, r4})  # 5
    data(2, 0xB082)         # 1  sub sp,#8
    data(2, 0x9000)         # 2  str r0,[sp,#0]  ** state
    data(2, 0x467B)         # 1  mov r3,pc  ** MAC's address, which PREPARE makes an entry of
    b(PREPARE)              # 2
    label(MAC)  # 21 cycles 8 products
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xC930)         # 3  ldm r1!,{r4,r5}  ** alpha, beta
    lsr(r3, r2, 4)          # 1
    and_(r3, r7)            # 1  V
    data(2, 0xBA56)         # 1  rev16 r6,r2
    mul(r2, r4)             # 1
    mul(r6, r5)             # 1
    add(r2, r2, r6)         # 1
    data(2, 0xC930)         # 3  ldm r1!,{r4,r5}  ** alpha', beta'
    data(2, 0xBA5E)         # 1  rev16 r6,r3
    mul(r3, r4)             # 1
    mul(r6, r5)             # 1
    add(r2, r2, r3)         # 1
    add(r2, r2, r6)         # 1
    lsr(r2, r2, 16)         # 1  <= 30600
    data(2, 0x4490)         # 1  add r8,r2
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xC930)         # 3  ldm r1!,{r4,r5}  ** alpha, beta
    lsr(r3, r2, 4)          # 1
    and_(r3, r7)            # 1  V
    data(2, 0xBA56)         # 1  rev16 r6,r2
    mul(r2, r4)             # 1
    mul(r6, r5)             # 1
    add(r2, r2, r6)         # 1
    data(2, 0xC930)         # 3  ldm r1!,{r4,r5}  ** alpha', beta'
    data(2, 0xBA5E)         # 1  rev16 r6,r3
    mul(r3, r4)             # 1
    mul(r6, r5)             # 1
    add(r2, r2, r3)         # 1
    add(r2, r2, r6)         # 1
    lsr(r2, r2, 16)         # 1  <= 30600
    data(2, 0x4490)         # 1  add r8,r2
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xC930)         # 3  ldm r1!,{r4,r5}  ** alpha, beta
    lsr(r3, r2, 4)          # 1
    and_(r3, r7)            # 1  V
    data(2, 0xBA56)         # 1  rev16 r6,r2
    mul(r2, r4)             # 1
    mul(r6, r5)             # 1
    add(r2, r2, r6)         # 1
    data(2, 0xC930)         # 3  ldm r1!,{r4,r5}  ** alpha', beta'
    data(2, 0xBA5E)         # 1  rev16 r6,r3
    mul(r3, r4)             # 1
    mul(r6, r5)             # 1
    add(r2, r2, r3)         # 1
    add(r2, r2, r6)         # 1
    lsr(r2, r2, 16)         # 1  <= 30600
    data(2, 0x4490)         # 1  add r8,r2
    data(2, 0xC804)         # 2  ldm r0!,{r2}  ** T
    data(2, 0xC930)         # 3  ldm r1!,{r4,r5}  ** alpha, beta
    lsr(r3, r2, 4)          # 1
    and_(r3, r7)            # 1  V
    data(2, 0xBA56)         # 1  rev16 r6,r2
    mul(r2, r4)             # 1
    mul(r6, r5)             # 1
    add(r2, r2, r6)         # 1
    data(2, 0xC930)         # 3  ldm r1!,{r4,r5}  ** alpha', beta'
    data(2, 0xBA5E)         # 1  rev16 r6,r3
    mul(r3, r4)             # 1
    mul(r6, r5)             # 1
    add(r2, r2, r3)         # 1
    add(r2, r2, r6)         # 1
    lsr(r2, r2, 16)         # 1  <= 30600
    data(2, 0x4490)         # 1  add r8,r2
    data(2, 0x4549)         # 1  cmp r1,r9
    bne(MAC)                # 2
    data(2, 0x9E00)         # 2  ldr r6,[sp,#0]  ** state
    ldr(r1, [r6, 24])       # 2  weights after
    add(r0, r0, r1)         # 1
    mov(r4, r8)             # 1
    ldr(r5, [r6, 44])       # 2  last
    cmp(r5, 0)              # 1
    bne(OUTPUT)             # 2
    mov(r5, r10)            # 1
    data(2, 0x4465)         # 1  add r5,r12
    lsr(r5, r5, 1)          # 1
    str(r4, [r5, 0])        # 2
    b(NEXT)                 # 2
    label(OUTPUT)  # eq. (2), (3), modulo 2^32
    ldr(r5, [r6, 64])       # 2  correction
    add(r4, r4, r5)         # 1
    mov(r5, r10)            # 1
    ldrh(r2, [r5, 4])       # 2  multiplier
    ldrb(r1, [r5, 6])       # 2  left shift
    ldrb(r7, [r5, 7])       # 2  right shift
    lsl(r4, r1)             # 1  acc << left_shift
    data(2, 0xB2A5)         # 1  uxth r5,r4  ** acc low, u16
    asr(r4, r4, 16)         # 1  acc high, s16
    mul(r4, r2)             # 1
    mul(r5, r2)             # 1
    mov(r1, 1)              # 1
    lsl(r1, r1, 15)         # 1  2^15
    add(r5, r5, r1)         # 1
    lsr(r5, r5, 16)         # 1
    add(r4, r4, r5)         # 1  (acc * m + 2^15) >> 16
    sub(r7, 1)              # 1
    bmi(WHOLE)              # 2
    asr(r1, r4, 31)         # 1  -1 where acc < 0: half away from zero
    add(r4, r4, r1)         # 1
    asr(r4, r7)             # 1  one bit more than y, Q1
    add(r4, 1)              # 1
    asr(r4, r4, 1)          # 1
    label(WHOLE)
    ldr(r1, [r6, 60])       # 2  y zero point
    add(r4, r4, r1)         # 1
    ldr(r1, [r6, 52])       # 2  clamp min
    cmp(r4, r1)             # 1
    bge(ABOVE)              # 2
    mov(r4, r1)             # 1
    label(ABOVE)
    ldr(r1, [r6, 56])       # 2  clamp max
    cmp(r4, r1)             # 1
    ble(BELOW)              # 2
    mov(r4, r1)             # 1
    label(BELOW)
    mov(r1, r11)            # 1
    strb(r4, [r1, 0])       # 2
    add(r1, 1)              # 1
    mov(r11, r1)            # 1
    label(NEXT)
    mov(r5, r10)            # 1
    add(r5, 8)              # 1
    mov(r10, r5)            # 1
    data(2, 0x4575)         # 1  cmp r5,lr
    beq(END)                # 2
    label(CHANNEL)  # r6 *state
    ldr(r7, [r6, 80])       # 2  mask
    ldr(r1, [r6, 0])        # 2  table
    mov(r4, r10)            # 1
    ldr(r5, [r6, 40])       # 2  first
    cmp(r5, 0)              # 1
    bne(FIRST)              # 2
    data(2, 0x4464)         # 1  add r4,r12
    lsr(r4, r4, 1)          # 1
    label(FIRST)
    ldr(r4, [r4, 0])        # 2
    mov(r8, r4)             # 1
    data(2, 0x9D01)         # 2  ldr r5,[sp,#4]  ** mac
    data(2, 0x46AF)         # 2  mov pc,r5  ** into MAC
    label(PREPARE)
    ldr(r1, [r0, 68])       # 2  entry
    add(r3, r3, r1)         # 1
    data(2, 0x9301)         # 2  str r3,[sp,#4]  ** mac
    mov(r7, 128)            # 1
    lsl(r1, r7, 16)         # 1
    add(r7, r7, r1)         # 1
    mov(r1, 0)              # 1
    mov(r8, r1)             # 1
    mov(r9, r1)             # 1
    ldr(r1, [r0, 0])        # 2  table
    mov(r12, r1)            # 1
    ldr(r1, [r0, 8])        # 2  inputs
    ldr(r2, [r0, 12])       # 2  eights
    b(NEXT_EIGHT)           # 2
    label(EIGHT)  # 61 cycles eight inputs
    ldrb(r3, [r1, 0])       # 2
    ldrb(r0, [r1, 4])       # 2
    lsl(r3, r3, 16)         # 1
    add(r3, r3, r0)         # 1
    eor(r3, r7)             # 1  a4 + 2^16 * a0, a = x + 128
    ldrb(r4, [r1, 2])       # 2
    ldrb(r0, [r1, 6])       # 2
    lsl(r4, r4, 16)         # 1
    add(r4, r4, r0)         # 1
    eor(r4, r7)             # 1  a6 + 2^16 * a2, a = x + 128
    ldrb(r5, [r1, 1])       # 2
    ldrb(r0, [r1, 5])       # 2
    lsl(r5, r5, 16)         # 1
    add(r5, r5, r0)         # 1
    eor(r5, r7)             # 1  a5 + 2^16 * a1, a = x + 128
    ldrb(r6, [r1, 3])       # 2
    ldrb(r0, [r1, 7])       # 2
    lsl(r6, r6, 16)         # 1
    add(r6, r6, r0)         # 1
    eor(r6, r7)             # 1  a7 + 2^16 * a3, a = x + 128
    add(r0, r3, r4)         # 1
    add(r0, r0, r5)         # 1
    add(r0, r0, r6)         # 1
    data(2, 0x4480)         # 1  add r8,r0
    lsr(r0, r0, 16)         # 1
    data(2, 0x4481)         # 1  add r9,r0
    lsl(r0, r3, 4)          # 1
    sub(r5, r5, r0)         # 1  G = F - 16 * E
    lsl(r0, r4, 4)          # 1
    sub(r6, r6, r0)         # 1  G = F - 16 * E
    lsl(r0, r3, 8)          # 1
    sub(r4, r4, r0)         # 1
    lsl(r0, r4, 16)         # 1
    add(r4, r4, r0)         # 1  beta = (E1 - 256 * E0) * 65537
    lsl(r0, r4, 8)          # 1
    sub(r3, r3, r0)         # 1  alpha = E0 - 256 * beta
    lsl(r0, r5, 8)          # 1
    sub(r6, r6, r0)         # 1
    lsl(r0, r6, 16)         # 1
    add(r6, r6, r0)         # 1  beta = (E1 - 256 * E0) * 65537
    lsl(r0, r6, 8)          # 1
    sub(r5, r5, r0)         # 1  alpha = E0 - 256 * beta
    mov(r0, r12)            # 1
    data(2, 0xC078)         # 5  stm r0!,{r3,r4,r5,r6}
    mov(r12, r0)            # 1
    add(r1, 8)              # 1
    label(NEXT_EIGHT)
    sub(r2, 1)              # 1
    bpl(EIGHT)              # 2
    data(2, 0x9E00)         # 2  ldr r6,[sp,#0]  ** state
    ldr(r2, [r6, 16])       # 2  last eight
    mov(r0, 0)              # 1
    str(r0, [r6, 16])       # 2  last eight
    mov(r1, r6)             # 1
    add(r1, 72)             # 1
    cmp(r2, 0)              # 1
    bne(NEXT_EIGHT)         # 2
    mov(r1, r9)             # 1  sum of the high halves
    lsl(r2, r1, 16)         # 1
    sub(r1, r1, r2)         # 1
    mov(r3, r8)             # 1
    add(r3, r3, r1)         # 1  low halves + high halves
    lsl(r3, r3, 3)          # 1  8 * sum of a
    ldr(r4, [r6, 64])       # 2  correction
    sub(r4, r4, r3)         # 1
    str(r4, [r6, 64])       # 2  correction
    ldr(r0, [r6, 4])        # 2  table end
    mov(r9, r0)             # 1
    ldr(r0, [r6, 28])       # 2  entries
    mov(r10, r0)            # 1
    ldr(r0, [r6, 32])       # 2  entries end
    mov(lr, r0)             # 1
    ldr(r0, [r6, 36])       # 2  to accumulators
    mov(r12, r0)            # 1
    ldr(r0, [r6, 48])       # 2  y
    mov(r11, r0)            # 1
    ldr(r0, [r6, 20])       # 2  weights
    b(CHANNEL)              # 2
    label(END)
    data(2, 0xB002)         # 1  add sp,#8
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
_UNROLLED = const(4)
_MAC_BYTES = const(32)
_ENTRY_BYTES = const(16)
_LAST_INPUTS_AT = const(72)
_S_TABLE = const(0)
_S_TABLE_END = const(1)
_S_INPUTS = const(2)
_S_EIGHTS = const(3)
_S_LAST_EIGHT = const(4)
_S_WEIGHTS = const(5)
_S_WEIGHTS_AFTER = const(6)
_S_ENTRIES = const(7)
_S_ENTRIES_END = const(8)
_S_TO_ACCUMULATORS = const(9)
_S_FIRST = const(10)
_S_LAST = const(11)
_S_Y = const(12)
_S_CLAMP_MIN = const(13)
_S_CLAMP_MAX = const(14)
_S_Y_ZERO_POINT = const(15)
_S_CORRECTION = const(16)
_S_ENTRY = const(17)
_S_MASK = const(20)
_S_BYTES = const(84)


@micropython.viper
def fully_connected(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(int(y) + rec[_SCRATCH_OFFSET])
    inputs = rec[_IN_C]
    outputs = rec[_OUT_C]
    eights = (inputs + 7) >> 3
    part = ((rec[_TILE] & 0xFFFF) + 3) >> 2
    at = int(y) + rec[_X_OFFSET]
    to = int(y) + rec[_Y_OFFSET]
    table = int(s) + _S_BYTES
    entries = int(w) + rec[_CHANNELS_OFFSET]
    s[_S_TABLE] = table
    s[_S_ENTRIES] = entries
    s[_S_ENTRIES_END] = entries + 8 * outputs
    s[_S_TO_ACCUMULATORS] = 2 * (table + _ENTRY_BYTES * part) - entries
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    s[_S_Y_ZERO_POINT] = rec[_Y_ZERO_POINT]
    s[_S_MASK] = 0x0F0F0F0F
    x = ptr8(int(s) + _LAST_INPUTS_AT)
    row = rec[_IN_H]
    # A later piece of an op that is cut finds the table, and the inputs' sum, as the first has left them.
    made = rec[_PIECE_COUNT] > 0 and row == 1 and eights <= part
    while row > 0:
        row -= 1
        s[_S_Y] = to
        if not made:
            s[_S_CORRECTION] = 0
        first = 0
        while first < eights:
            step = eights - first
            if step > part:
                step = part
            s[_S_EIGHTS] = 0
            s[_S_LAST_EIGHT] = 0
            if not made:
                s[_S_INPUTS] = at + 8 * first
                left = inputs - 8 * first
                s[_S_EIGHTS] = step
                if left < 8 * step:
                    s[_S_EIGHTS] = step - 1
                    s[_S_LAST_EIGHT] = 1
                    left -= 8 * step - 8
                    n = 0
                    while n < 8:
                        x[n] = 128
                        if n < left:
                            x[n] = ptr8(at)[inputs - left + n]
                        n += 1
            s[_S_TABLE_END] = table + _ENTRY_BYTES * step
            s[_S_WEIGHTS] = int(w) + rec[_WEIGHTS_OFFSET] + 4 * first
            s[_S_WEIGHTS_AFTER] = 4 * (eights - step)
            s[_S_FIRST] = 0
            if first == 0:
                s[_S_FIRST] = 1
            s[_S_ENTRY] = (0 - step & _UNROLLED - 1) * _MAC_BYTES
            first += step
            s[_S_LAST] = 0
            if first == eights:
                s[_S_LAST] = 1
            dense(s)
        at += inputs
        to += outputs
        if rec[_Y_STEP] > 0:
            to += rec[_Y_STEP] - outputs


kernels = {3: fully_connected}
