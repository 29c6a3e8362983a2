"""Depthwise convolutions of any window in Thumb, for records with no packed variant: ref.depthwise_conv_2d."""

import micropython
from array import array

_state = array("i", bytes(60))
# The state of pixel, byte offsets:
#    0 x: first input
#    4 weights: first weight
#    8 x_tap: from tap to tap
#   12 row_taps: taps of a row, bytes
#   16 x_row: from row to row
#   20 w_row: of weights
#   24 rows
#   28 out_c
#   32 depth_multiplier
#   36 x_zero_point
#   40 channels: channel table
#   44 y
#   48 clamp_min
#   52 clamp_max
#   56 y_zero_point

# Written by host_tools/assembler/thumb: edit that.


@micropython.asm_thumb
def pixel(r0):
    """
    The outputs of a pixel, channel by channel: eq. (2), (3); reference: ref.depthwise_conv_2d.
    In   r0 *state, of the part of the window that lies inside
    Uses r0 inputs | r1 weights | r2, r3 tap | r4, r5 x, w, temporary | r6 accumulator | r7 x_zero_point
         r8 from tap to tap | r9 out_c | r10 end of a row's taps | r11 rows left | r12 channel
         requantize: r1, r3 halves of the multiplier | r0, r2, r4-r7 temporary
    Stack 40: first input, first weight, outputs left of the input channel, channels left, y, state
    Bounds modulo 2^32.
    Cost 13 cycles a product, 17 a row of the window, 105 an output (counted).
    """
    mov(r1, r8)             # 1
    mov(r2, r9)             # 1
    mov(r3, r10)            # 1
    mov(r4, r11)            # 1
    push({r1, r2, r3, r4})  # 5
    data(2, 0xB086)         # 1  sub sp,#24
    data(2, 0x9005)         # 2  str r0,[sp,#20]  ** state
    ldr(r1, [r0, 0])        # 2  x
    data(2, 0x9100)         # 2  str r1,[sp,#0]  ** x
    ldr(r1, [r0, 4])        # 2  weights
    data(2, 0x9101)         # 2  str r1,[sp,#4]  ** weights
    ldr(r1, [r0, 32])       # 2  depth multiplier
    data(2, 0x9102)         # 2  str r1,[sp,#8]  ** of this x
    ldr(r1, [r0, 28])       # 2  out c
    data(2, 0x9103)         # 2  str r1,[sp,#12]  ** channels
    mov(r9, r1)             # 1
    ldr(r1, [r0, 44])       # 2  y
    data(2, 0x9104)         # 2  str r1,[sp,#16]  ** y
    ldr(r1, [r0, 8])        # 2  x tap
    mov(r8, r1)             # 1
    ldr(r1, [r0, 12])       # 2  row taps
    mov(r10, r1)            # 1
    ldr(r1, [r0, 40])       # 2  channels
    mov(r12, r1)            # 1
    label(CHANNEL)
    data(2, 0x9C05)         # 2  ldr r4,[sp,#20]  ** state
    ldr(r7, [r4, 36])       # 2  x zero point
    ldr(r1, [r4, 24])       # 2  rows
    mov(r11, r1)            # 1
    mov(r5, r12)            # 1
    ldr(r6, [r5, 0])        # 2  acc Q0 = the bias
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** x
    cmp(r1, 0)              # 1
    beq(REQUANTIZE)         # 2
    data(2, 0x9901)         # 2  ldr r1,[sp,#4]  ** weights
    label(ROW)
    mov(r2, 0)              # 1
    mov(r3, 0)              # 1
    label(TAP)  # 13 cycles a product
    data(2, 0x5684)         # 2  ldrsb r4,[r0,r2]
    sub(r4, r4, r7)         # 1  x - x_zero_point Q0
    data(2, 0x5CCD)         # 2  ldrb r5,[r1,r3]
    sub(r5, 128)            # 1  w Q0, of w + 128
    mul(r4, r5)             # 1
    add(r6, r6, r4)         # 1  acc += x * w
    data(2, 0x444B)         # 1  add r3,r9
    data(2, 0x4442)         # 1  add r2,r8
    data(2, 0x4552)         # 1  cmp r2,r10
    bne(TAP)                # 2
    data(2, 0x9C05)         # 2  ldr r4,[sp,#20]  ** state
    ldr(r5, [r4, 16])       # 2  x row
    add(r0, r0, r5)         # 1
    ldr(r5, [r4, 20])       # 2  w row
    add(r1, r1, r5)         # 1
    mov(r5, r11)            # 1
    sub(r5, 1)              # 1
    mov(r11, r5)            # 1
    bne(ROW)                # 2
    label(REQUANTIZE)  # eq. (2), (3), modulo 2^32
    mov(r5, r12)            # 1
    ldrb(r2, [r5, 8])       # 2  left shift
    lsl(r6, r2)             # 1  acc << left_shift
    ldrb(r7, [r5, 9])       # 2  right shift
    ldrh(r1, [r5, 4])       # 2  multiplier low
    ldrh(r3, [r5, 6])       # 2  multiplier high
    add(r5, 12)             # 1
    mov(r12, r5)            # 1
    asr(r4, r6, 16)         # 1  acc high, s16
    data(2, 0xB2B5)         # 1  uxth r5,r6  ** acc low, u16
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
    data(2, 0x9D05)         # 2  ldr r5,[sp,#20]  ** state
    ldr(r0, [r5, 56])       # 2  y zero point
    add(r4, r4, r0)         # 1
    ldr(r0, [r5, 48])       # 2  clamp min
    cmp(r4, r0)             # 1
    bge(ABOVE)              # 2
    mov(r4, r0)             # 1
    label(ABOVE)
    ldr(r0, [r5, 52])       # 2  clamp max
    cmp(r4, r0)             # 1
    ble(BELOW)              # 2
    mov(r4, r0)             # 1
    label(BELOW)
    data(2, 0x9A04)         # 2  ldr r2,[sp,#16]  ** y
    strb(r4, [r2, 0])       # 2
    add(r2, 1)              # 1
    data(2, 0x9204)         # 2  str r2,[sp,#16]  ** y
    data(2, 0x9801)         # 2  ldr r0,[sp,#4]  ** weights
    add(r0, 1)              # 1
    data(2, 0x9001)         # 2  str r0,[sp,#4]  ** weights
    data(2, 0x9902)         # 2  ldr r1,[sp,#8]  ** of this x
    sub(r1, 1)              # 1
    bne(SAME)               # 2
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** x
    add(r0, 1)              # 1
    data(2, 0x9000)         # 2  str r0,[sp,#0]  ** x
    ldr(r1, [r5, 32])       # 2  depth multiplier
    label(SAME)
    data(2, 0x9102)         # 2  str r1,[sp,#8]  ** of this x
    data(2, 0x9903)         # 2  ldr r1,[sp,#12]  ** channels
    sub(r1, 1)              # 1
    data(2, 0x9103)         # 2  str r1,[sp,#12]  ** channels
    bne(CHANNEL)            # 2
    data(2, 0xB006)         # 1  add sp,#24
    mov(r0, 0)              # 1
    pop({r1, r2, r3, r4})   # 5
    mov(r8, r1)             # 1
    mov(r9, r2)             # 1
    mov(r10, r3)            # 1
    mov(r11, r4)            # 1


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
_Y_STEP = const(32)
_S_X = const(0)
_S_WEIGHTS = const(1)
_S_X_TAP = const(2)
_S_ROW_TAPS = const(3)
_S_X_ROW = const(4)
_S_W_ROW = const(5)
_S_ROWS = const(6)
_S_OUT_C = const(7)
_S_DEPTH_MULTIPLIER = const(8)
_S_X_ZERO_POINT = const(9)
_S_CHANNELS = const(10)
_S_Y = const(11)
_S_CLAMP_MIN = const(12)
_S_CLAMP_MAX = const(13)
_S_Y_ZERO_POINT = const(14)


@micropython.viper
def depthwise_conv_2d(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(_state)
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    out_c = rec[_OUT_C]
    dilation_h = rec[_DILATION_H]
    dilation_w = rec[_DILATION_W]
    step = rec[_Y_STEP]
    if step == 0:
        step = out_c
    weights = int(w) + rec[_WEIGHTS_OFFSET]
    s[_S_X_TAP] = dilation_w * in_c
    s[_S_X_ROW] = dilation_h * in_w * in_c
    s[_S_W_ROW] = rec[_KERNEL_W] * out_c
    s[_S_OUT_C] = out_c
    s[_S_DEPTH_MULTIPLIER] = rec[_DEPTH_MULTIPLIER]
    s[_S_X_ZERO_POINT] = rec[_X_ZERO_POINT]
    s[_S_CHANNELS] = int(w) + rec[_CHANNELS_OFFSET]
    s[_S_Y] = int(y) + rec[_Y_OFFSET]
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    s[_S_Y_ZERO_POINT] = rec[_Y_ZERO_POINT]
    image = int(y) + rec[_X_OFFSET]
    n = rec[_BATCHES]
    while n > 0:
        n -= 1
        iy0 = 0 - rec[_PAD_TOP]
        oy = rec[_OUT_H]
        while oy > 0:
            oy -= 1
            first = weights
            iy = iy0
            ky = rec[_KERNEL_H]
            while iy < 0 and ky > 0:
                iy += dilation_h
                first += s[_S_W_ROW]
                ky -= 1
            v = iy + (ky - 1) * dilation_h
            while v >= in_h and ky > 0:
                v -= dilation_h
                ky -= 1
            ix0 = 0 - rec[_PAD_LEFT]
            ox = rec[_OUT_W]
            while ox > 0:
                ox -= 1
                at = first
                ix = ix0
                kx = rec[_KERNEL_W]
                while ix < 0 and kx > 0:
                    ix += dilation_w
                    at += out_c
                    kx -= 1
                v = ix + (kx - 1) * dilation_w
                while v >= in_w and kx > 0:
                    v -= dilation_w
                    kx -= 1
                s[_S_X] = image + (iy * in_w + ix) * in_c
                s[_S_WEIGHTS] = at
                s[_S_ROW_TAPS] = kx * s[_S_X_TAP]
                s[_S_ROWS] = ky
                if kx <= 0:
                    s[_S_ROWS] = 0
                pixel(s)
                s[_S_Y] = s[_S_Y] + step
                ix0 += rec[_STRIDE_W]
            iy0 += rec[_STRIDE_H]
        image += in_h * in_w * in_c


kernels = {2: depthwise_conv_2d}
