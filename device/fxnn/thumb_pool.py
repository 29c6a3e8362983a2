"""Pools and mean in Thumb: any window, strides and paddings. See ref.max_pool_2d, ref.average_pool_2d and ref.mean.

Averages are divided by multiplying: for v = |sum| + floor(n / 2) < 2^24 and m = floor(2^24 / n), floor(v * m / 2^24) is
floor(v / n) or one less, which one comparison repairs; v * m < 2^32, since v <= 128.5 * n.
"""

import micropython
from array import array

# For pool, byte offsets: 0 first input     4 from one output's first input to the next's     8 outputs in the row
# 12 from tap to tap, also the channels     16 taps of a row, bytes     20 from row to row     24 rows     28 where y goes
# 32 n; 0: requantize; -1: maximum     36 m     40, 44 clamps     48 where sums start     52 multiplier     56 left_shift
# 60 right_shift     64 y_zero_point
_state = array("i", bytes(68))


@micropython.asm_thumb
def pool(r0):
    """
    Outputs of one row whose windows reach equally far: eq. (4); mean: eq. (2), (3). Reference: as above.
    In   r0 *state
    Uses r0 inputs | r1 end of a row's taps | r2 tap, temporary | r3 tap to tap | r4 input, sign, temporary
         r5 sum or maximum | r6 rows left, temporary | r7 row to row | r8 first input | r9 last channel | r10 y | r11 rows
         r12 multiplier and what follows it | lr channel
    Stack 64: state from word 1 to 12
    Bounds |sum| <= 128 * n, n < 2^16; mean modulo 2^32.
    Cost 7 cycles an input, maxima 8; 9 a row of taps, 45 an output, mean 75 (counted).
    """
    mov(r1, r8)             # 1
    mov(r2, r9)             # 1
    mov(r3, r10)            # 1
    mov(r4, r11)            # 1
    push({r1, r2, r3, r4})  # 5
    data(2, 0xB08C)         # 1  sub sp,#48
    mov(r1, sp)             # 1
    add(r0, 4)              # 1
    data(2, 0xC8FC)         # 7  ldm r0!,{r2,r3,r4,r5,r6,r7}
    data(2, 0xC1FC)         # 7  stm r1!,{r2,r3,r4,r5,r6,r7}
    data(2, 0xC8FC)         # 7  ldm r0!,{r2,r3,r4,r5,r6,r7}
    data(2, 0xC1FC)         # 7  stm r1!,{r2,r3,r4,r5,r6,r7}
    mov(r1, r0)             # 1
    sub(r1, 52)             # 1
    ldr(r1, [r1, 0])        # 2
    mov(r8, r1)             # 1
    mov(r12, r0)            # 1
    data(2, 0x9B02)         # 2  ldr r3,[sp,#8]
    data(2, 0x9903)         # 2  ldr r1,[sp,#12]
    data(2, 0x9F04)         # 2  ldr r7,[sp,#16]
    data(2, 0x9A06)         # 2  ldr r2,[sp,#24]
    mov(r10, r2)            # 1
    data(2, 0x9A05)         # 2  ldr r2,[sp,#20]
    mov(r11, r2)            # 1
    label(PIXEL)
    mov(r2, r8)             # 1
    mov(lr, r2)             # 1
    add(r2, r2, r3)         # 1
    mov(r9, r2)             # 1
    b(CHANNEL)              # 2
    label(TAP)  # 7 cycles an input
    data(2, 0x5684)         # 2  ldrsb r4,[r0,r2]
    add(r5, r5, r4)         # 1
    add(r2, r2, r3)         # 1
    cmp(r2, r1)             # 1
    bne(TAP)                # 2
    add(r0, r0, r7)         # 1
    sub(r6, 1)              # 1
    bne(ROW)                # 2
    data(2, 0x9E07)         # 2  ldr r6,[sp,#28]
    cmp(r6, 0)              # 1
    beq(REQUANTIZE)         # 2
    asr(r4, r5, 31)         # 1
    eor(r5, r4)             # 1
    sub(r5, r5, r4)         # 1
    lsr(r0, r6, 1)          # 1
    add(r5, r5, r0)         # 1
    data(2, 0x9A08)         # 2  ldr r2,[sp,#32]
    mul(r2, r5)             # 1
    lsr(r2, r2, 24)         # 1
    mov(r0, r2)             # 1
    mul(r0, r6)             # 1
    sub(r5, r5, r0)         # 1
    cmp(r5, r6)             # 1
    bcc(WHOLE)              # 2
    add(r2, 1)              # 1
    label(WHOLE)
    eor(r2, r4)             # 1
    sub(r5, r2, r4)         # 1
    label(PUT)
    data(2, 0x9A09)         # 2  ldr r2,[sp,#36]
    cmp(r5, r2)             # 1
    bge(ABOVE)              # 2
    mov(r5, r2)             # 1
    label(ABOVE)
    data(2, 0x9A0A)         # 2  ldr r2,[sp,#40]
    cmp(r5, r2)             # 1
    ble(BELOW)              # 2
    mov(r5, r2)             # 1
    label(BELOW)
    mov(r2, r10)            # 1
    strb(r5, [r2, 0])       # 2
    add(r2, 1)              # 1
    mov(r10, r2)            # 1
    mov(r2, lr)             # 1
    add(r2, 1)              # 1
    mov(lr, r2)             # 1
    data(2, 0x454A)         # 1  cmp r2,r9
    beq(NEXT)               # 2
    label(CHANNEL)
    mov(r0, lr)             # 1
    mov(r6, r11)            # 1
    data(2, 0x9D07)         # 2  ldr r5,[sp,#28]
    cmp(r5, 0)              # 1
    blt(MAX)                # 2
    data(2, 0x9D0B)         # 2  ldr r5,[sp,#44]
    label(ROW)
    mov(r2, 0)              # 1
    b(TAP)                  # 2
    label(MAX)
    mov(r5, 128)            # 1
    neg(r5, r5)             # 1
    label(MAX_ROW)
    mov(r2, 0)              # 1
    label(MAX_TAP)  # 8 cycles an input
    data(2, 0x5684)         # 2  ldrsb r4,[r0,r2]
    cmp(r4, r5)             # 1
    ble(LESS)               # 2
    mov(r5, r4)             # 1
    label(LESS)
    add(r2, r2, r3)         # 1
    cmp(r2, r1)             # 1
    bne(MAX_TAP)            # 2
    add(r0, r0, r7)         # 1
    sub(r6, 1)              # 1
    bne(MAX_ROW)            # 2
    b(PUT)                  # 2
    label(NEXT)
    data(2, 0x9A00)         # 2  ldr r2,[sp,#0]
    data(2, 0x4490)         # 1  add r8,r2
    data(2, 0x9A01)         # 2  ldr r2,[sp,#4]
    sub(r2, 1)              # 1
    data(2, 0x9201)         # 2  str r2,[sp,#4]
    bne(PIXEL)              # 2
    b(END)                  # 2
    label(REQUANTIZE)  # eq. (2), (3), modulo 2^32
    mov(r4, r12)            # 1
    ldrh(r1, [r4, 0])       # 2
    ldrh(r3, [r4, 2])       # 2
    ldr(r6, [r4, 4])        # 2
    ldr(r7, [r4, 8])        # 2
    lsl(r5, r6)             # 1
    asr(r4, r5, 16)         # 1
    data(2, 0xB2AD)         # 1  uxth r5,r5
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
    add(r5, r4, r6)         # 1
    sub(r7, 1)              # 1
    bmi(SHIFTED)            # 2
    asr(r0, r5, 31)         # 1
    add(r5, r5, r0)         # 1
    asr(r5, r7)             # 1
    add(r5, 1)              # 1
    asr(r5, r5, 1)          # 1
    label(SHIFTED)
    mov(r4, r12)            # 1
    ldr(r0, [r4, 12])       # 2
    add(r5, r5, r0)         # 1
    data(2, 0x9B02)         # 2  ldr r3,[sp,#8]
    data(2, 0x9903)         # 2  ldr r1,[sp,#12]
    data(2, 0x9F04)         # 2  ldr r7,[sp,#16]
    b(PUT)                  # 2
    label(END)
    data(2, 0xB00C)         # 1  add sp,#48
    mov(r0, 0)              # 1
    pop({r1, r2, r3, r4})   # 5
    mov(r8, r1)             # 1
    mov(r9, r2)             # 1
    mov(r10, r3)            # 1
    mov(r11, r4)            # 1


@micropython.viper
def pool_2d(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(_state)
    in_h = rec[9]
    in_w = rec[10]
    in_c = rec[11]
    out_w = rec[13]
    stride = rec[18]
    left = rec[22]
    s[1] = stride * in_c
    s[3] = in_c
    s[5] = in_w * in_c
    s[10] = rec[25]
    s[11] = rec[26]
    s[12] = 0
    if rec[0] == 4:
        s[8] = -1
    image = int(y) + rec[5]
    to = int(y) + rec[6]
    taps = 0
    batch = rec[8]
    while batch > 0:
        batch -= 1
        oy = 0
        while oy < rec[12]:
            iy = oy * rec[17] - rec[21]
            oy += 1
            ky = rec[15]
            if iy + ky > in_h:
                ky = in_h - iy
            if iy < 0:
                ky += iy
                iy = 0
            ox = 0
            while ox < out_w:
                ix = ox * stride - left
                kx = rec[16]
                count = 1
                if ix + kx > in_w:
                    kx = in_w - ix
                elif ix >= 0:
                    count = (in_w - kx - ix) // stride + 1
                    if count > out_w - ox:
                        count = out_w - ox
                if ix < 0:
                    kx += ix
                    ix = 0
                n = 0
                if ky > 0 and kx > 0:
                    n = ky * kx
                s[0] = image + (iy * in_w + ix) * in_c
                s[2] = count
                s[4] = kx * in_c
                s[6] = ky
                s[7] = to
                if kx == in_w:  # rows that lie one behind the other
                    s[4] = n * in_c
                    s[6] = 1
                if n != taps and n > 0 and rec[0] == 5:
                    taps = n
                    s[8] = n
                    s[9] = (1 << 24) // n
                if n > 0:
                    pool(s)
                else:
                    x = ptr8(to)
                    v = 0
                    if rec[0] == 4:
                        v = -128
                    if v < s[10]:
                        v = s[10]
                    if v > s[11]:
                        v = s[11]
                    while int(x) < to + in_c:
                        x[0] = v
                        x = ptr8(int(x) + 1)
                to += count * in_c
                ox += count
        image += in_h * in_w * in_c


@micropython.viper
def mean(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(_state)
    c = rec[12]
    s[1] = rec[11] * c
    s[3] = c
    s[4] = rec[11] * c
    s[5] = rec[10] * rec[11] * c
    s[6] = rec[9]
    s[7] = int(y) + rec[6]
    if rec[10] == 1:  # rows that lie one behind the other
        s[4] = rec[9] * rec[11] * c
        s[6] = 1
    s[8] = 0
    s[10] = rec[25]
    s[11] = rec[26]
    s[12] = rec[13] + (rec[9] * rec[11] << 7)
    n = rec[8]
    image = int(y) + rec[5]
    while n > 0:
        n -= 1
        s[0] = image
        s[2] = rec[10]
        s[13] = rec[14]
        s[14] = rec[15]
        s[15] = rec[16]
        s[16] = rec[24]
        pool(s)
        s[7] = s[7] + rec[10] * c
        image += rec[9] * s[5]


kernels = {4: pool_2d, 5: pool_2d, 6: mean}
