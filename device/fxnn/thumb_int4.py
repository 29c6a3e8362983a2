"""Fully connected layers with weights of four bits in Thumb: thumb_fc.dense, some blocks of six channels at a time.

Their weights are unpacked to words as thumb_fc takes them, of the inputs that its table has at a time. Their bytes
are u = w + 8 here, and inputs a = x + 128, as the short channel table wants them; so gamma takes 8 away, and sums of two
products, |L| <= 4080, fit all the more. Of four neighbours the pairs are inputs 0 and 2, then 1 and 3: those lie a byte
apart. See ref.fully_connected for the meaning, weights format 1.

Scratch: state | table of the inputs | weights of some blocks | their channel table | accumulators
"""

import micropython
from .thumb_fc import dense


@micropython.asm_thumb
def prepare(r0, r1, r2):
    """
    The table {alpha, beta, gamma} of inputs, two pairs for every four.
    In   r0 *to | r1 *x int8[] | r2 fours
    Uses r3 8 * 65537 | r4, r5 a0, a1, alpha, beta | r6 temporary | r7 gamma | r12 constant | lr    Stack 0
    Cost 51 cycles four inputs (counted).
    """
    mov(r3, 1)              # 1
    lsl(r4, r3, 15)         # 1
    add(r4, 1)              # 1
    neg(r4, r4)             # 1
    mov(r12, r4)            # 1
    lsl(r3, r3, 16)         # 1
    add(r3, 1)              # 1
    lsl(r3, r3, 3)          # 1
    b(NEXT)                 # 2
    label(FOUR)
    ldrb(r4, [r1, 0])       # 2
    ldrb(r5, [r1, 2])       # 2
    bl(PAIR)                # 3
    ldrb(r4, [r1, 1])       # 2
    ldrb(r5, [r1, 3])       # 2
    bl(PAIR)                # 3
    add(r1, 4)              # 1
    label(NEXT)
    sub(r2, 1)              # 1
    bpl(FOUR)               # 2
    b(END)                  # 2
    label(PAIR)
    mov(r7, 128)            # 1
    eor(r4, r7)             # 1
    eor(r5, r7)             # 1
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
    data(2, 0xC0B0)         # 4  stm r0!,{r4,r5,r7}
    data(2, 0x4770)         # 2  bx lr
    label(END)
    mov(r0, 0)              # 1


@micropython.asm_thumb
def unpack(r0, r1, r2, r3):
    """
    Weights of some blocks of six channels, the last of one to six, to words of two channels and two inputs, as thumb_fc
    takes them: u32[blocks][pairs][3, in the last less]; and the short channel table's entries to long ones.
    In   r0 *state of thumb_fc.dense, 40 the entries | r1 *weights of the first channel | r2 bytes from channel to channel
         r3 pairs of inputs * 64 + channels, at most 60
    Uses entries: r4 short | r5 long | r6 left | r7 temporary; r0 to | r1, r2 weights of two channels | r3 bytes from pair to pair | r4, r5 words | r6 temporary | r7 mask
         r8 bytes a channel | r9 channels left | r10 where the two channels start | r11 pairs * 4
         r12 end | lr next two channels' weights    Stack 20: channels behind the block
    Cost 21 cycles 8 weights, 21 an entry (counted).
    """
    mov(r4, r8)             # 1
    mov(r5, r9)             # 1
    mov(r6, r10)            # 1
    mov(r7, r11)            # 1
    push({r4, r5, r6, r7})  # 5
    data(2, 0xB081)         # 1  sub sp,#4
    ldr(r4, [r0, 40])       # 2
    ldr(r5, [r0, 36])       # 2
    lsl(r6, r3, 26)         # 1
    lsr(r6, r6, 26)         # 1
    label(ENTRY)
    ldr(r7, [r4, 0])        # 2
    str(r7, [r5, 0])        # 2
    ldrh(r7, [r4, 4])       # 2
    lsl(r7, r7, 15)         # 1
    str(r7, [r5, 4])        # 2
    ldrh(r7, [r4, 6])       # 2
    str(r7, [r5, 8])        # 2
    add(r4, 8)              # 1
    add(r5, 12)             # 1
    sub(r6, 1)              # 1
    bne(ENTRY)              # 2
    ldr(r0, [r0, 44])       # 2
    mov(r8, r2)             # 1
    lsr(r4, r3, 6)          # 1
    lsl(r4, r4, 2)          # 1
    mov(r11, r4)            # 1
    mov(r7, 15)             # 1
    lsl(r4, r7, 8)          # 1
    add(r7, r7, r4)         # 1
    lsl(r4, r7, 16)         # 1
    add(r7, r7, r4)         # 1
    lsl(r3, r3, 26)         # 1
    lsr(r3, r3, 26)         # 1
    label(BLOCK)  # r3 channels left
    mov(r10, r0)            # 1
    sub(r6, r3, 6)          # 1
    data(2, 0x9600)         # 2  str r6,[sp,#0]
    bmi(LAST)               # 2
    mov(r3, 6)              # 1
    label(LAST)
    mov(r9, r3)             # 1
    add(r3, 1)              # 1
    lsr(r3, r3, 1)          # 1
    lsl(r3, r3, 2)          # 1
    label(CHANNELS)
    mov(r0, r10)            # 1
    mov(r4, r11)            # 1
    lsr(r6, r3, 2)          # 1
    mul(r4, r6)             # 1
    add(r4, r4, r0)         # 1
    mov(r12, r4)            # 1
    mov(r2, r1)             # 1
    mov(r4, r9)             # 1
    cmp(r4, 1)              # 1
    beq(ALONE)              # 2  twice the same; its second outputs are not stored
    data(2, 0x4442)         # 1  add r2,r8
    label(ALONE)
    mov(r4, r2)             # 1
    data(2, 0x4444)         # 1  add r4,r8
    mov(lr, r4)             # 1
    label(FOUR)  # 21 cycles for four inputs, two channels
    ldrh(r4, [r1, 0])       # 2
    ldrh(r5, [r2, 0])       # 2
    lsl(r5, r5, 16)         # 1
    add(r5, r5, r4)         # 1
    lsr(r4, r5, 4)          # 1
    and_(r5, r7)            # 1
    and_(r4, r7)            # 1
    str(r5, [r0, 0])        # 2
    data(2, 0x50C4)         # 2  str r4,[r0,r3]
    add(r0, r0, r3)         # 1
    add(r0, r0, r3)         # 1
    add(r1, 2)              # 1
    add(r2, 2)              # 1
    data(2, 0x4560)         # 1  cmp r0,r12
    bne(FOUR)               # 2
    mov(r1, lr)             # 1
    mov(r6, r10)            # 1
    add(r6, 4)              # 1
    mov(r10, r6)            # 1
    mov(r6, r9)             # 1
    sub(r6, 2)              # 1
    mov(r9, r6)             # 1
    bgt(CHANNELS)           # 2
    sub(r0, 8)              # 1  the third pair's end is 8 behind that of the block; no block follows a shorter one
    data(2, 0x9B00)         # 2  ldr r3,[sp,#0]
    cmp(r3, 0)              # 1
    bgt(BLOCK)              # 2
    data(2, 0xB001)         # 1  add sp,#4
    mov(r0, 0)              # 1
    pop({r4, r5, r6, r7})   # 5
    mov(r8, r4)             # 1
    mov(r9, r5)             # 1
    mov(r10, r6)            # 1
    mov(r11, r7)            # 1


@micropython.viper
def fully_connected(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(int(y) + rec[7])
    inputs = rec[11]
    outputs = rec[14]
    pairs = (inputs + 3) >> 2 << 1
    bytes_ = (inputs + 7) >> 3 << 2
    part = rec[31] & 0xFFFF
    most = (rec[31] >> 16) * 6
    at = int(y) + rec[5]
    to = int(y) + rec[6]
    table = int(s) + 76
    weights = table + 12 * part
    channels = weights + 2 * part * most
    s[0] = table
    s[1] = at  # no inputs: the table is made
    s[2] = at
    s[4] = 0
    s[7] = channels + 12 * most
    s[9] = channels
    s[11] = weights
    s[14] = rec[25]
    s[15] = rec[26]
    s[17] = rec[24]
    skip = 0
    if rec[32] > 0:
        skip = rec[32] - outputs
    row = rec[9]
    # A later piece of an op that is cut finds the table as the first has left it.
    made = rec[33] > 0 and row == 1 and pairs <= part
    while row > 0:
        row -= 1
        first = 0
        while first < pairs:
            step = pairs - first
            if step > part:
                step = part
            if not made:
                left = inputs - first * 2
                fours = step >> 1
                if left < step * 2:
                    fours -= 1
                    # the last four, with -128, which is 0 as x + 128, behind the inputs
                    x = ptr8(weights)
                    n = 0
                    while n < 4:
                        x[n] = 128
                        if fours * 4 + n < left:
                            x[n] = ptr8(at)[first * 2 + fours * 4 + n]
                        n += 1
                    prepare(table + 24 * fours, weights, 1)
                prepare(table, at + first * 2, fours)
            s[3] = table + 12 * step
            s[16] = (0 - step & 7) * 54
            s[8] = 0
            if first == 0:
                s[8] = pairs
            c = 0
            while c < outputs:
                n = outputs - c
                if n > most:
                    n = most
                s[10] = int(w) + rec[28] + 8 * c
                unpack(s, int(w) + rec[27] + c * bytes_ + first, bytes_, step * 64 + n)
                k = (n + 1) >> 1
                s[10] = k
                s[5] = k // 3
                s[6] = k - s[5] * 3
                s[18] = weights + 12 * step * s[5]
                s[12] = 0
                s[13] = to + c
                if first + step == pairs:
                    s[12] = n
                if pairs > part:  # accumulators of all outputs, between the parts
                    s[7] = channels + 12 * most + 4 * c
                dense(s)
                c += n
            first += step
        at += inputs
        to += outputs + skip


kernels = {3: fully_connected}
