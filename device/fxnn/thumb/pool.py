"""Pools and mean in Thumb: any window, strides and paddings. See ref/pool.py, reduce.py.

Written by host_tools/assembler/thumb: edit that.

Averages are divided by multiplying: for v = |sum| + floor(n / 2) < 2^24 and m = floor(2^24 / n), floor(v * m / 2^24) is
floor(v / n) or one less, which one comparison repairs; v * m < 2^32, since v <= 128.5 * n.
"""

import micropython
from array import array

_state = array("i", bytes(68))
# The state of pool, byte offsets:
#    0 x: first input
#    4 x_step: from one output's first input to the next's
#    8 outputs: in the row
#   12 c: from tap to tap, also the channels
#   16 row_taps: taps of a row, bytes
#   20 x_row: from row to row
#   24 rows
#   28 y: where y goes
#   32 n: taps; 0: requantize; -1: maximum
#   36 reciprocal: m = floor(2^24 / n)
#   40 clamp_min
#   44 clamp_max
#   48 first: where sums start
#   52 multiplier
#   56 left_shift
#   60 right_shift
#   64 y_zero_point



@micropython.asm_thumb
def pool(r0):
    """
    Outputs of one row whose windows reach equally far: eq. (4); mean: eq. (2), (3). Reference: as above.
    In   r0 *state
    Uses r0 inputs | r1 end of a row's taps | r2 tap, temporary | r3 tap to tap | r4 input, sign, temporary
         r5 sum or maximum | r6 rows left, temporary | r7 row to row | r8 first input | r9 last channel | r10 y
         r11 rows | r12 multiplier and what follows it | lr channel
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
    ldr(r1, [r1, 0])        # 2  x
    mov(r8, r1)             # 1
    mov(r12, r0)            # 1
    data(2, 0x9B02)         # 2  ldr r3,[sp,#8]  ** c
    data(2, 0x9903)         # 2  ldr r1,[sp,#12]  ** row taps
    data(2, 0x9F04)         # 2  ldr r7,[sp,#16]  ** x row
    data(2, 0x9A06)         # 2  ldr r2,[sp,#24]  ** y
    mov(r10, r2)            # 1
    data(2, 0x9A05)         # 2  ldr r2,[sp,#20]  ** rows
    mov(r11, r2)            # 1
    label(PIXEL)
    mov(r2, r8)             # 1
    mov(lr, r2)             # 1
    add(r2, r2, r3)         # 1
    mov(r9, r2)             # 1
    b(CHANNEL)              # 2
    label(TAP)  # 7 cycles an input
    data(2, 0x5684)         # 2  ldrsb r4,[r0,r2]
    add(r5, r5, r4)         # 1  sum Q0
    add(r2, r2, r3)         # 1
    cmp(r2, r1)             # 1
    bne(TAP)                # 2
    add(r0, r0, r7)         # 1
    sub(r6, 1)              # 1
    bne(ROW)                # 2
    data(2, 0x9E07)         # 2  ldr r6,[sp,#28]  ** n
    cmp(r6, 0)              # 1
    beq(REQUANTIZE)         # 2
    asr(r4, r5, 31)         # 1  -1 where sum < 0
    eor(r5, r4)             # 1
    sub(r5, r5, r4)         # 1
    lsr(r0, r6, 1)          # 1
    add(r5, r5, r0)         # 1  v < 2^24
    data(2, 0x9A08)         # 2  ldr r2,[sp,#32]  ** m Q24
    mul(r2, r5)             # 1  < 2^32
    lsr(r2, r2, 24)         # 1  v / n, or one less
    mov(r0, r2)             # 1
    mul(r0, r6)             # 1
    sub(r5, r5, r0)         # 1  what is left
    cmp(r5, r6)             # 1
    bcc(WHOLE)              # 2
    add(r2, 1)              # 1
    label(WHOLE)
    eor(r2, r4)             # 1
    sub(r5, r2, r4)         # 1
    label(PUT)
    data(2, 0x9A09)         # 2  ldr r2,[sp,#36]  ** clamp min
    cmp(r5, r2)             # 1
    bge(ABOVE)              # 2
    mov(r5, r2)             # 1
    label(ABOVE)
    data(2, 0x9A0A)         # 2  ldr r2,[sp,#40]  ** clamp max
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
    data(2, 0x9D07)         # 2  ldr r5,[sp,#28]  ** n
    cmp(r5, 0)              # 1
    blt(MAX)                # 2
    data(2, 0x9D0B)         # 2  ldr r5,[sp,#44]  ** first
    label(ROW)
    mov(r2, 0)              # 1
    b(TAP)                  # 2
    label(MAX)
    mov(r5, 128)            # 1
    neg(r5, r5)             # 1  the least int8
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
    data(2, 0x9A00)         # 2  ldr r2,[sp,#0]  ** x step
    data(2, 0x4490)         # 1  add r8,r2
    data(2, 0x9A01)         # 2  ldr r2,[sp,#4]  ** outputs
    sub(r2, 1)              # 1
    data(2, 0x9201)         # 2  str r2,[sp,#4]  ** outputs
    bne(PIXEL)              # 2
    b(END)                  # 2
    label(REQUANTIZE)  # eq. (2), (3), modulo 2^32
    mov(r4, r12)            # 1
    ldrh(r1, [r4, 0])       # 2  low
    ldrh(r3, [r4, 2])       # 2  high
    ldr(r6, [r4, 4])        # 2  left shift
    ldr(r7, [r4, 8])        # 2  right shift
    lsl(r5, r6)             # 1  acc << left_shift
    asr(r4, r5, 16)         # 1  acc high, s16
    data(2, 0xB2AD)         # 1  uxth r5,r5  ** acc low, u16
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
    add(r5, r4, r6)         # 1
    sub(r7, 1)              # 1
    bmi(SHIFTED)            # 2
    asr(r0, r5, 31)         # 1  -1 where acc < 0: half away from zero
    add(r5, r5, r0)         # 1
    asr(r5, r7)             # 1  one bit more than y, Q1
    add(r5, 1)              # 1
    asr(r5, r5, 1)          # 1
    label(SHIFTED)
    mov(r4, r12)            # 1
    ldr(r0, [r4, 12])       # 2  y zero point
    add(r5, r5, r0)         # 1
    data(2, 0x9B02)         # 2  ldr r3,[sp,#8]  ** c
    data(2, 0x9903)         # 2  ldr r1,[sp,#12]  ** row taps
    data(2, 0x9F04)         # 2  ldr r7,[sp,#16]  ** x row
    b(PUT)                  # 2
    label(END)
    data(2, 0xB00C)         # 1  add sp,#48
    mov(r0, 0)              # 1
    pop({r1, r2, r3, r4})   # 5
    mov(r8, r1)             # 1
    mov(r9, r2)             # 1
    mov(r10, r3)            # 1
    mov(r11, r4)            # 1


_KERNEL = const(0)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_BATCHES = const(8)
_IN_H = const(9)
_IN_W = const(10)
_IN_C = const(11)
_OUT_H = const(12)
_OUT_W = const(13)
_KERNEL_H = const(15)
_KERNEL_W = const(16)
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_A = const(8)
_R1 = const(9)
_B = const(10)
_R2 = const(11)
_C = const(12)
_ACC_OFFSET = const(13)
_MULTIPLIER = const(14)
_LEFT_SHIFT = const(15)
_RIGHT_SHIFT = const(16)
_S_X = const(0)
_S_X_STEP = const(1)
_S_OUTPUTS = const(2)
_S_C = const(3)
_S_ROW_TAPS = const(4)
_S_X_ROW = const(5)
_S_ROWS = const(6)
_S_Y = const(7)
_S_N = const(8)
_S_RECIPROCAL = const(9)
_S_CLAMP_MIN = const(10)
_S_CLAMP_MAX = const(11)
_S_FIRST = const(12)
_S_MULTIPLIER = const(13)
_S_LEFT_SHIFT = const(14)
_S_RIGHT_SHIFT = const(15)
_S_Y_ZERO_POINT = const(16)


@micropython.viper
def pool_2d(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(_state)
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    out_w = rec[_OUT_W]
    stride = rec[_STRIDE_W]
    left = rec[_PAD_LEFT]
    s[_S_X_STEP] = stride * in_c
    s[_S_C] = in_c
    s[_S_X_ROW] = in_w * in_c
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    s[_S_FIRST] = 0
    if rec[_KERNEL] == 4:
        s[_S_N] = -1
    image = int(y) + rec[_X_OFFSET]
    to = int(y) + rec[_Y_OFFSET]
    taps = 0
    batch = rec[_BATCHES]
    while batch > 0:
        batch -= 1
        oy = 0
        while oy < rec[_OUT_H]:
            iy = oy * rec[_STRIDE_H] - rec[_PAD_TOP]
            oy += 1
            ky = rec[_KERNEL_H]
            if iy + ky > in_h:
                ky = in_h - iy
            if iy < 0:
                ky += iy
                iy = 0
            ox = 0
            while ox < out_w:
                ix = ox * stride - left
                kx = rec[_KERNEL_W]
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
                s[_S_X] = image + (iy * in_w + ix) * in_c
                s[_S_OUTPUTS] = count
                s[_S_ROW_TAPS] = kx * in_c
                s[_S_ROWS] = ky
                s[_S_Y] = to
                if kx == in_w:  # rows that lie one after the other
                    s[_S_ROW_TAPS] = n * in_c
                    s[_S_ROWS] = 1
                if n != taps and n > 0 and rec[_KERNEL] == 5:
                    taps = n
                    s[_S_N] = n
                    s[_S_RECIPROCAL] = (1 << 24) // n
                if n > 0:
                    pool(s)
                else:
                    x = ptr8(to)
                    v = 0
                    if rec[_KERNEL] == 4:
                        v = -128
                    if v < s[_S_CLAMP_MIN]:
                        v = s[_S_CLAMP_MIN]
                    if v > s[_S_CLAMP_MAX]:
                        v = s[_S_CLAMP_MAX]
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
    c = rec[_C]
    s[_S_X_STEP] = rec[_R2] * c
    s[_S_C] = c
    s[_S_ROW_TAPS] = rec[_R2] * c
    s[_S_X_ROW] = rec[_B] * rec[_R2] * c
    s[_S_ROWS] = rec[_R1]
    s[_S_Y] = int(y) + rec[_Y_OFFSET]
    if rec[_B] == 1:  # rows that lie one after the other
        s[_S_ROW_TAPS] = rec[_R1] * rec[_R2] * c
        s[_S_ROWS] = 1
    s[_S_N] = 0
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    s[_S_FIRST] = rec[_ACC_OFFSET] + (rec[_R1] * rec[_R2] << 7)
    n = rec[_A]
    image = int(y) + rec[_X_OFFSET]
    while n > 0:
        n -= 1
        s[_S_X] = image
        s[_S_OUTPUTS] = rec[_B]
        s[_S_MULTIPLIER] = rec[_MULTIPLIER]
        s[_S_LEFT_SHIFT] = rec[_LEFT_SHIFT]
        s[_S_RIGHT_SHIFT] = rec[_RIGHT_SHIFT]
        s[_S_Y_ZERO_POINT] = rec[_Y_ZERO_POINT]
        pool(s)
        s[_S_Y] = s[_S_Y] + rec[_B] * c
        image += rec[_R1] * s[_S_X_ROW]


kernels = {4: pool_2d, 5: pool_2d, 6: mean}
