"""Depthwise convolutions of any window in Thumb, for records that have no form for thumb_depthwise. See
ref.depthwise_conv_2d for the meaning."""

import micropython
from array import array

# For pixel, byte offsets: 0 first input     4 first weight     8 from tap to tap     12 taps of a row, bytes
# 16, 20 from row to row: inputs, weights     24 rows     28 out_c     32 depth_multiplier     36 x_zero_point
# 40 channel table     44 y     48, 52 clamps     56 y_zero_point
_state = array("i", bytes(60))


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
    data(2, 0x9005)         # 2  str r0,[sp,#20]
    ldr(r1, [r0, 0])        # 2
    data(2, 0x9100)         # 2  str r1,[sp,#0]
    ldr(r1, [r0, 4])        # 2
    data(2, 0x9101)         # 2  str r1,[sp,#4]
    ldr(r1, [r0, 32])       # 2
    data(2, 0x9102)         # 2  str r1,[sp,#8]
    ldr(r1, [r0, 28])       # 2
    data(2, 0x9103)         # 2  str r1,[sp,#12]
    mov(r9, r1)             # 1
    ldr(r1, [r0, 44])       # 2
    data(2, 0x9104)         # 2  str r1,[sp,#16]
    ldr(r1, [r0, 8])        # 2
    mov(r8, r1)             # 1
    ldr(r1, [r0, 12])       # 2
    mov(r10, r1)            # 1
    ldr(r1, [r0, 40])       # 2
    mov(r12, r1)            # 1
    label(CHANNEL)
    data(2, 0x9C05)         # 2  ldr r4,[sp,#20]
    ldr(r7, [r4, 36])       # 2
    ldr(r1, [r4, 24])       # 2
    mov(r11, r1)            # 1
    mov(r5, r12)            # 1
    ldr(r6, [r5, 0])        # 2
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]
    cmp(r1, 0)              # 1
    beq(REQUANTIZE)         # 2
    data(2, 0x9901)         # 2  ldr r1,[sp,#4]
    label(ROW)
    mov(r2, 0)              # 1
    mov(r3, 0)              # 1
    label(TAP)  # 13 cycles a product
    data(2, 0x5684)         # 2  ldrsb r4,[r0,r2]
    sub(r4, r4, r7)         # 1
    data(2, 0x5CCD)         # 2  ldrb r5,[r1,r3]
    sub(r5, 128)            # 1
    mul(r4, r5)             # 1
    add(r6, r6, r4)         # 1
    data(2, 0x444B)         # 1  add r3,r9
    data(2, 0x4442)         # 1  add r2,r8
    data(2, 0x4552)         # 1  cmp r2,r10
    bne(TAP)                # 2
    data(2, 0x9C05)         # 2  ldr r4,[sp,#20]
    ldr(r5, [r4, 16])       # 2
    add(r0, r0, r5)         # 1
    ldr(r5, [r4, 20])       # 2
    add(r1, r1, r5)         # 1
    mov(r5, r11)            # 1
    sub(r5, 1)              # 1
    mov(r11, r5)            # 1
    bne(ROW)                # 2
    label(REQUANTIZE)  # eq. (2), (3), modulo 2^32
    mov(r5, r12)            # 1
    ldrb(r2, [r5, 8])       # 2
    lsl(r6, r2)             # 1
    ldrb(r7, [r5, 9])       # 2
    ldrh(r1, [r5, 4])       # 2
    ldrh(r3, [r5, 6])       # 2
    add(r5, 12)             # 1
    mov(r12, r5)            # 1
    asr(r4, r6, 16)         # 1
    data(2, 0xB2B5)         # 1  uxth r5,r6
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
    data(2, 0x9D05)         # 2  ldr r5,[sp,#20]
    ldr(r0, [r5, 56])       # 2
    add(r4, r4, r0)         # 1
    ldr(r0, [r5, 48])       # 2
    cmp(r4, r0)             # 1
    bge(ABOVE)              # 2
    mov(r4, r0)             # 1
    label(ABOVE)
    ldr(r0, [r5, 52])       # 2
    cmp(r4, r0)             # 1
    ble(BELOW)              # 2
    mov(r4, r0)             # 1
    label(BELOW)
    data(2, 0x9A04)         # 2  ldr r2,[sp,#16]
    strb(r4, [r2, 0])       # 2
    add(r2, 1)              # 1
    data(2, 0x9204)         # 2  str r2,[sp,#16]
    data(2, 0x9801)         # 2  ldr r0,[sp,#4]
    add(r0, 1)              # 1
    data(2, 0x9001)         # 2  str r0,[sp,#4]
    data(2, 0x9902)         # 2  ldr r1,[sp,#8]
    sub(r1, 1)              # 1
    bne(SAME)               # 2
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]
    add(r0, 1)              # 1
    data(2, 0x9000)         # 2  str r0,[sp,#0]
    ldr(r1, [r5, 32])       # 2
    label(SAME)
    data(2, 0x9102)         # 2  str r1,[sp,#8]
    data(2, 0x9903)         # 2  ldr r1,[sp,#12]
    sub(r1, 1)              # 1
    data(2, 0x9103)         # 2  str r1,[sp,#12]
    bne(CHANNEL)            # 2
    data(2, 0xB006)         # 1  add sp,#24
    mov(r0, 0)              # 1
    pop({r1, r2, r3, r4})   # 5
    mov(r8, r1)             # 1
    mov(r9, r2)             # 1
    mov(r10, r3)            # 1
    mov(r11, r4)            # 1


@micropython.viper
def depthwise_conv_2d(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(_state)
    in_h = rec[9]
    in_w = rec[10]
    in_c = rec[11]
    out_c = rec[14]
    dilation_h = rec[19]
    dilation_w = rec[20]
    step = rec[32]
    if step == 0:
        step = out_c
    weights = int(w) + rec[27]
    s[2] = dilation_w * in_c
    s[4] = dilation_h * in_w * in_c
    s[5] = rec[16] * out_c
    s[7] = out_c
    s[8] = rec[29]
    s[9] = rec[23]
    s[10] = int(w) + rec[28]
    s[11] = int(y) + rec[6]
    s[12] = rec[25]
    s[13] = rec[26]
    s[14] = rec[24]
    image = int(y) + rec[5]
    n = rec[8]
    while n > 0:
        n -= 1
        iy0 = 0 - rec[21]
        oy = rec[12]
        while oy > 0:
            oy -= 1
            first = weights
            iy = iy0
            ky = rec[15]
            while iy < 0 and ky > 0:
                iy += dilation_h
                first += s[5]
                ky -= 1
            v = iy + (ky - 1) * dilation_h
            while v >= in_h and ky > 0:
                v -= dilation_h
                ky -= 1
            ix0 = 0 - rec[22]
            ox = rec[13]
            while ox > 0:
                ox -= 1
                at = first
                ix = ix0
                kx = rec[16]
                while ix < 0 and kx > 0:
                    ix += dilation_w
                    at += out_c
                    kx -= 1
                v = ix + (kx - 1) * dilation_w
                while v >= in_w and kx > 0:
                    v -= dilation_w
                    kx -= 1
                s[0] = image + (iy * in_w + ix) * in_c
                s[1] = at
                s[3] = kx * s[2]
                s[6] = ky
                if kx <= 0:
                    s[6] = 0
                pixel(s)
                s[11] = s[11] + step
                ix0 += rec[18]
            iy0 += rec[17]
        image += in_h * in_w * in_c


kernels = {2: depthwise_conv_2d}
