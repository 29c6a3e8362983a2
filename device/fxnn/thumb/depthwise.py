"""Depthwise convolutions of 3 x 3 in Thumb, any strides and paddings. See ref/depthwise.py for the meaning.

Written by host_tools/assembler/thumb: edit that.

Two output rows, tile_h apart, are computed at once: see thumb/conv.py for the arithmetic. Per input channel the rows
they see are packed to a plane of 16 words a row, placed so that the last window of a row ends at a multiple of 64.

State, 30 words at the start of the scratch, byte offsets:
   0 image: next channel
   4 second_row: from the first to the second row
   8 plane_first: plane, first input
  12 plane_window: plane, first window
  16 row_bytes: a row of the image
  20 in_c
  24 pack_bytes: of a row to pack
  28 segments: {1 both rows inside, 5 with odd columns, 2 the first, 3 the second, 4 none; rows}, 0 ends
  32 acc: accumulators
  36 lanes_end: end of lanes
  40 acc_end: end of accumulators
  44 stride: 4 * stride_w
  48 window_step: from the end of a row of windows to the next
  52 weights
  56 out_c
  60 channel: table
  64 fast: table
  68 channels: left
  72 relu: 1: negative accumulators give clamp_min
  76 clamp_min
  80 clamp_max
  84 y_zero_point
  88 y_step: from one output to the next
  92 depth_multiplier
  96 same_left: outputs left of the input channel
 100 lanes: {outputs, y, accumulators}
 104 gap: words' bytes from a packed row to the next
 108 plane
 112 plane_end: of it
 116 x_zero_point
"""

import micropython


@micropython.asm_thumb
def depthwise(r0):
    """
    The outputs of a tile, channel by channel: eq. (2), (3); reference: ref.depthwise_conv_2d.
    In   r0 *state
    Uses products: r0 w, temporary | r1-r3 inputs of two rows | r4 X | r5 Y | r6 plane | r7 accumulators
         r8-r12, lr w[0] to w[5] Q0; packing: r0, r1 two rows | r2-r5 temporary | r7 in_c
         requantize: as thumb.conv.convolve
    Stack 72: w[6] to w[8], first * 65537, first, temporary, lane, accumulators, flag or end, out_c, end, steps, state
    Bounds a 16-bit sum a flush: one a window (S), two (A), one a row (B), two a row (C), by the packed table's kind.
    Cost two outputs: S 58, A 62, B 65, C 81; 11 an input of two rows; requantize as convolve (counted).
    """
    mov(r1, r8)             # 1
    mov(r2, r9)             # 1
    mov(r3, r10)            # 1
    mov(r4, r11)            # 1
    push({r1, r2, r3, r4})  # 5
    data(2, 0xB08E)         # 1  sub sp,#56
    data(2, 0x900D)         # 2  str r0,[sp,#52]  ** state
    ldr(r1, [r0, 108])      # 2  plane
    ldr(r2, [r0, 112])      # 2  plane end
    ldr(r3, [r0, 116])      # 2  x zero point
    lsl(r4, r3, 16)         # 1
    add(r3, r3, r4)         # 1
    mov(r4, r3)             # 1
    mov(r5, r3)             # 1
    mov(r6, r3)             # 1
    label(CLEAR)  # 8 cycles 4 words of the plane
    data(2, 0xC178)         # 5  stm r1!,{r3,r4,r5,r6}
    cmp(r1, r2)             # 1
    bcc(CLEAR)              # 2
    label(CHANNEL)
    ldr(r1, [r0, 96])       # 2  same left
    sub(r1, 1)              # 1
    str(r1, [r0, 96])       # 2  same left
    bmi(PACK)               # 2
    b(PACKED)               # 2
    label(PACK)
    ldr(r1, [r0, 92])       # 2  depth multiplier
    sub(r1, 1)              # 1
    str(r1, [r0, 96])       # 2  same left
    ldr(r4, [r0, 0])        # 2  image
    data(2, 0x9407)         # 2  str r4,[sp,#28]  ** rows
    add(r4, 1)              # 1
    str(r4, [r0, 0])        # 2  next channel
    ldr(r1, [r0, 4])        # 2  second row
    ldr(r6, [r0, 8])        # 2  plane first
    data(2, 0x9608)         # 2  str r6,[sp,#32]  ** packed
    ldr(r7, [r0, 20])       # 2  in c
    ldr(r2, [r0, 24])       # 2  pack bytes
    mov(lr, r2)             # 1
    ldr(r3, [r0, 16])       # 2  row bytes
    sub(r3, r3, r2)         # 1
    data(2, 0x930B)         # 2  str r3,[sp,#44]  ** skip
    ldr(r2, [r0, 104])      # 2  gap
    mov(r9, r2)             # 1
    ldr(r2, [r0, 116])      # 2  x zero point
    mov(r12, r2)            # 1
    ldr(r5, [r0, 28])       # 2  segments
    label(SEGMENT)
    data(2, 0xCD18)         # 3  ldm r5!,{r3,r4}  ** kind, rows
    data(2, 0x9505)         # 2  str r5,[sp,#20]  ** segment
    cmp(r3, 0)              # 1
    beq(PACKED)             # 2
    mov(r11, r4)            # 1
    data(2, 0x9807)         # 2  ldr r0,[sp,#28]  ** rows
    data(2, 0x9E08)         # 2  ldr r6,[sp,#32]  ** packed
    data(2, 0x9C0B)         # 2  ldr r4,[sp,#44]  ** skip
    mov(r5, 0)              # 1
    cmp(r3, 2)              # 1
    beq(FIRST)              # 2
    bgt(NOT_BOTH)           # 2
    label(BOTH_ROW)
    mov(r2, lr)             # 1
    add(r2, r2, r0)         # 1
    mov(r10, r2)            # 1
    label(BOTH)  # 10.5 cycles two inputs
    data(2, 0x5742)         # 2  ldrsb r2,[r0,r5]
    data(2, 0x5643)         # 2  ldrsb r3,[r0,r1]
    lsl(r3, r3, 16)         # 1
    add(r2, r2, r3)         # 1  x[0] + x[1] * 2^16, Q0
    data(2, 0xC604)         # 2  stm r6!,{r2}
    add(r0, r0, r7)         # 1
    data(2, 0x5742)         # 2  ldrsb r2,[r0,r5]
    data(2, 0x5643)         # 2  ldrsb r3,[r0,r1]
    lsl(r3, r3, 16)         # 1
    add(r2, r2, r3)         # 1  x[0] + x[1] * 2^16, Q0
    data(2, 0xC604)         # 2  stm r6!,{r2}
    add(r0, r0, r7)         # 1
    data(2, 0x4550)         # 1  cmp r0,r10
    bne(BOTH)               # 2
    add(r0, r0, r4)         # 1
    data(2, 0x444E)         # 1  add r6,r9
    mov(r2, r11)            # 1
    sub(r2, 1)              # 1
    mov(r11, r2)            # 1
    bne(BOTH_ROW)           # 2
    label(SEGMENT_DONE)
    data(2, 0x9007)         # 2  str r0,[sp,#28]  ** rows
    data(2, 0x9608)         # 2  str r6,[sp,#32]  ** packed
    data(2, 0x9D05)         # 2  ldr r5,[sp,#20]  ** segment
    b(SEGMENT)              # 2
    label(FIRST)  # the second of the two rows is outside
    mov(r3, r12)            # 1
    lsl(r3, r3, 16)         # 1
    label(FIRST_ROW)
    mov(r2, lr)             # 1
    add(r2, r2, r0)         # 1
    mov(r10, r2)            # 1
    label(FIRST_LOOP)
    data(2, 0x5742)         # 2  ldrsb r2,[r0,r5]
    add(r2, r2, r3)         # 1
    data(2, 0xC604)         # 2  stm r6!,{r2}
    add(r0, r0, r7)         # 1
    data(2, 0x4550)         # 1  cmp r0,r10
    bne(FIRST_LOOP)         # 2
    add(r0, r0, r4)         # 1
    data(2, 0x444E)         # 1  add r6,r9
    mov(r2, r11)            # 1
    sub(r2, 1)              # 1
    mov(r11, r2)            # 1
    bne(FIRST_ROW)          # 2
    b(SEGMENT_DONE)         # 2
    label(NOT_BOTH)
    cmp(r3, 4)              # 1
    beq(NEITHER)            # 2
    bgt(ODD_COLUMNS)        # 2
    mov(r5, r12)            # 1
    label(SECOND_ROW)
    mov(r2, lr)             # 1
    add(r2, r2, r0)         # 1
    mov(r10, r2)            # 1
    label(SECOND)
    data(2, 0x5643)         # 2  ldrsb r3,[r0,r1]
    lsl(r3, r3, 16)         # 1
    add(r3, r3, r5)         # 1
    data(2, 0xC608)         # 2  stm r6!,{r3}
    add(r0, r0, r7)         # 1
    data(2, 0x4550)         # 1  cmp r0,r10
    bne(SECOND)             # 2
    add(r0, r0, r4)         # 1
    data(2, 0x444E)         # 1  add r6,r9
    mov(r2, r11)            # 1
    sub(r2, 1)              # 1
    mov(r11, r2)            # 1
    bne(SECOND_ROW)         # 2
    b(SEGMENT_DONE)         # 2
    label(ODD_COLUMNS)  # both rows inside
    data(2, 0x4577)         # 1  cmp r7,lr
    beq(SINGLE)             # 2
    label(ODD_ROW)
    mov(r2, lr)             # 1
    add(r2, r2, r0)         # 1
    mov(r10, r2)            # 1
    data(2, 0x5742)         # 2  ldrsb r2,[r0,r5]
    data(2, 0x5643)         # 2  ldrsb r3,[r0,r1]
    lsl(r3, r3, 16)         # 1
    add(r2, r2, r3)         # 1  x[0] + x[1] * 2^16, Q0
    data(2, 0xC604)         # 2  stm r6!,{r2}
    add(r0, r0, r7)         # 1
    label(ODD)
    data(2, 0x5742)         # 2  ldrsb r2,[r0,r5]
    data(2, 0x5643)         # 2  ldrsb r3,[r0,r1]
    lsl(r3, r3, 16)         # 1
    add(r2, r2, r3)         # 1  x[0] + x[1] * 2^16, Q0
    data(2, 0xC604)         # 2  stm r6!,{r2}
    add(r0, r0, r7)         # 1
    data(2, 0x5742)         # 2  ldrsb r2,[r0,r5]
    data(2, 0x5643)         # 2  ldrsb r3,[r0,r1]
    lsl(r3, r3, 16)         # 1
    add(r2, r2, r3)         # 1  x[0] + x[1] * 2^16, Q0
    data(2, 0xC604)         # 2  stm r6!,{r2}
    add(r0, r0, r7)         # 1
    data(2, 0x4550)         # 1  cmp r0,r10
    bne(ODD)                # 2
    add(r0, r0, r4)         # 1
    data(2, 0x444E)         # 1  add r6,r9
    mov(r2, r11)            # 1
    sub(r2, 1)              # 1
    mov(r11, r2)            # 1
    bne(ODD_ROW)            # 2
    b(SEGMENT_DONE)         # 2
    label(SINGLE)
    data(2, 0x5742)         # 2  ldrsb r2,[r0,r5]
    data(2, 0x5643)         # 2  ldrsb r3,[r0,r1]
    lsl(r3, r3, 16)         # 1
    add(r2, r2, r3)         # 1  x[0] + x[1] * 2^16, Q0
    data(2, 0xC604)         # 2  stm r6!,{r2}
    add(r0, r0, r7)         # 1
    add(r0, r0, r4)         # 1
    data(2, 0x444E)         # 1  add r6,r9
    mov(r2, r11)            # 1
    sub(r2, 1)              # 1
    mov(r11, r2)            # 1
    bne(SINGLE)             # 2
    b(SEGMENT_DONE)         # 2
    label(NEITHER)
    mov(r2, 64)             # 1
    add(r6, r6, r2)         # 1
    add(r0, r0, r4)         # 1
    data(2, 0x4470)         # 1  add r0,lr
    mov(r2, r11)            # 1
    sub(r2, 1)              # 1
    mov(r11, r2)            # 1
    bne(NEITHER)            # 2
    b(SEGMENT_DONE)         # 2
    label(PACKED)
    data(2, 0x980D)         # 2  ldr r0,[sp,#52]  ** state
    ldr(r1, [r0, 52])       # 2  weights
    add(r2, r1, 1)          # 1
    str(r2, [r0, 52])       # 2  of the next channel
    ldr(r7, [r0, 56])       # 2  out c
    mov(r6, 128)            # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    mov(r8, r2)             # 1
    add(r1, r1, r7)         # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    mov(r9, r2)             # 1
    add(r1, r1, r7)         # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    mov(r10, r2)            # 1
    add(r1, r1, r7)         # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    mov(r11, r2)            # 1
    add(r1, r1, r7)         # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    mov(r12, r2)            # 1
    add(r1, r1, r7)         # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    mov(lr, r2)             # 1
    add(r1, r1, r7)         # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    data(2, 0x9200)         # 2  str r2,[sp,#0]  ** w6
    add(r1, r1, r7)         # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    data(2, 0x9201)         # 2  str r2,[sp,#4]  ** w7
    add(r1, r1, r7)         # 1
    ldrb(r2, [r1, 0])       # 2
    sub(r2, r2, r6)         # 1  w + 128 to w, Q0
    data(2, 0x9202)         # 2  str r2,[sp,#8]  ** w8
    ldr(r1, [r0, 64])       # 2  fast
    ldr(r2, [r1, 0])        # 2  first
    data(2, 0x9204)         # 2  str r2,[sp,#16]  ** first
    lsl(r3, r2, 16)         # 1
    add(r3, r3, r2)         # 1
    data(2, 0x9303)         # 2  str r3,[sp,#12]  ** first twice
    ldr(r2, [r0, 40])       # 2  acc end
    data(2, 0x920A)         # 2  str r2,[sp,#40]  ** acc end
    ldr(r2, [r0, 44])       # 2  stride
    data(2, 0x920B)         # 2  str r2,[sp,#44]  ** stride
    ldr(r2, [r0, 48])       # 2  window step
    data(2, 0x920C)         # 2  str r2,[sp,#48]  ** window step
    ldrb(r2, [r1, 15])      # 2  kind
    ldr(r6, [r0, 12])       # 2  plane window
    ldr(r7, [r0, 32])       # 2  acc
    lsr(r2, r2, 1)          # 1  bits 1 and 2
    cmp(r2, 1)              # 1
    beq(ROW_B)              # 2
    bgt(WHOLE_WINDOW)       # 2
    label(ROW_C)  # two outputs; a row ends where r6 is a multiple of 64
    data(2, 0x9C03)         # 2  ldr r4,[sp,#12]  ** X
    data(2, 0x9D04)         # 2  ldr r5,[sp,#16]  ** Y
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    mov(r0, r8)             # 1
    mul(r1, r0)             # 1
    mov(r0, r9)             # 1
    mul(r2, r0)             # 1
    mov(r0, r10)            # 1
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r4, r4, r1)         # 1  X
    asr(r1, r1, 16)         # 1  borrow in C
    adc(r5, r1)             # 1  Y
    add(r4, r4, r3)         # 1  X
    asr(r3, r3, 16)         # 1  borrow in C
    adc(r5, r3)             # 1  Y
    add(r6, 52)             # 1
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    mov(r0, r11)            # 1
    mul(r1, r0)             # 1
    mov(r0, r12)            # 1
    mul(r2, r0)             # 1
    mov(r0, lr)             # 1
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r4, r4, r1)         # 1  X
    asr(r1, r1, 16)         # 1  borrow in C
    adc(r5, r1)             # 1  Y
    add(r4, r4, r3)         # 1  X
    asr(r3, r3, 16)         # 1  borrow in C
    adc(r5, r3)             # 1  Y
    add(r6, 52)             # 1
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** w6
    mul(r1, r0)             # 1
    data(2, 0x9801)         # 2  ldr r0,[sp,#4]  ** w7
    mul(r2, r0)             # 1
    data(2, 0x9802)         # 2  ldr r0,[sp,#8]  ** w8
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r4, r4, r1)         # 1  X
    asr(r1, r1, 16)         # 1  borrow in C
    adc(r5, r1)             # 1  Y
    add(r4, r4, r3)         # 1  X
    asr(r3, r3, 16)         # 1  borrow in C
    adc(r5, r3)             # 1  Y
    lsl(r0, r5, 16)         # 1
    sub(r4, r4, r0)         # 1  sum 0 = X - (Y << 16)
    data(2, 0xC730)         # 3  stm r7!,{r4,r5}
    sub(r6, 140)            # 1
    data(2, 0x980B)         # 2  ldr r0,[sp,#44]  ** stride
    add(r6, r6, r0)         # 1
    lsl(r0, r6, 26)         # 1  a multiple of 64?
    bne(ROW_C)              # 2
    data(2, 0x980C)         # 2  ldr r0,[sp,#48]  ** window step
    add(r6, r6, r0)         # 1
    data(2, 0x980A)         # 2  ldr r0,[sp,#40]  ** acc end
    cmp(r7, r0)             # 1
    bne(ROW_C)              # 2
    b(REQUANTIZE)           # 2
    label(ROW_B)  # two outputs; a row ends where r6 is a multiple of 64
    data(2, 0x9C03)         # 2  ldr r4,[sp,#12]  ** X
    data(2, 0x9D04)         # 2  ldr r5,[sp,#16]  ** Y
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    mov(r0, r8)             # 1
    mul(r1, r0)             # 1
    mov(r0, r9)             # 1
    mul(r2, r0)             # 1
    mov(r0, r10)            # 1
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r1, r1, r3)         # 1
    add(r4, r4, r1)         # 1  X
    asr(r1, r1, 16)         # 1  borrow in C
    adc(r5, r1)             # 1  Y
    add(r6, 52)             # 1
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    mov(r0, r11)            # 1
    mul(r1, r0)             # 1
    mov(r0, r12)            # 1
    mul(r2, r0)             # 1
    mov(r0, lr)             # 1
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r1, r1, r3)         # 1
    add(r4, r4, r1)         # 1  X
    asr(r1, r1, 16)         # 1  borrow in C
    adc(r5, r1)             # 1  Y
    add(r6, 52)             # 1
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** w6
    mul(r1, r0)             # 1
    data(2, 0x9801)         # 2  ldr r0,[sp,#4]  ** w7
    mul(r2, r0)             # 1
    data(2, 0x9802)         # 2  ldr r0,[sp,#8]  ** w8
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r1, r1, r3)         # 1
    add(r4, r4, r1)         # 1  X
    asr(r1, r1, 16)         # 1  borrow in C
    adc(r5, r1)             # 1  Y
    lsl(r0, r5, 16)         # 1
    sub(r4, r4, r0)         # 1  sum 0 = X - (Y << 16)
    data(2, 0xC730)         # 3  stm r7!,{r4,r5}
    sub(r6, 136)            # 1
    lsl(r0, r6, 26)         # 1  a multiple of 64?
    bne(ROW_B)              # 2
    data(2, 0x980C)         # 2  ldr r0,[sp,#48]  ** window step
    add(r6, r6, r0)         # 1
    data(2, 0x980A)         # 2  ldr r0,[sp,#40]  ** acc end
    cmp(r7, r0)             # 1
    bne(ROW_B)              # 2
    b(REQUANTIZE)           # 2
    label(WHOLE_WINDOW)
    cmp(r2, 3)              # 1
    beq(ROW_A)              # 2
    data(2, 0x9D02)         # 2  ldr r5,[sp,#8]  ** w8
    label(ROW_S)  # two outputs; a row ends where r6 is a multiple of 64
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    mov(r0, r8)             # 1
    mul(r1, r0)             # 1
    mov(r0, r9)             # 1
    mul(r2, r0)             # 1
    mov(r0, r10)            # 1
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r4, r1, r3)         # 1  row 0
    add(r6, 52)             # 1
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    mov(r0, r11)            # 1
    mul(r1, r0)             # 1
    mov(r0, r12)            # 1
    mul(r2, r0)             # 1
    mov(r0, lr)             # 1
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r1, r1, r3)         # 1
    add(r4, r4, r1)         # 1  rows 0 and 1
    add(r6, 52)             # 1
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** w6
    mul(r1, r0)             # 1
    data(2, 0x9801)         # 2  ldr r0,[sp,#4]  ** w7
    mul(r2, r0)             # 1
    mul(r3, r5)             # 1
    add(r1, r1, r2)         # 1
    add(r1, r1, r3)         # 1
    add(r1, r1, r4)         # 1
    data(2, 0xB20A)         # 1  sxth r2,r1  ** sum 0
    sub(r1, r1, r2)         # 1
    asr(r4, r1, 16)         # 1  sum 1
    data(2, 0x9804)         # 2  ldr r0,[sp,#16]  ** first
    add(r2, r2, r0)         # 1
    add(r4, r4, r0)         # 1
    data(2, 0xC714)         # 3  stm r7!,{r2,r4}
    sub(r6, 136)            # 1
    lsl(r0, r6, 26)         # 1  a multiple of 64?
    bne(ROW_S)              # 2
    data(2, 0x980C)         # 2  ldr r0,[sp,#48]  ** window step
    add(r6, r6, r0)         # 1
    data(2, 0x980A)         # 2  ldr r0,[sp,#40]  ** acc end
    cmp(r7, r0)             # 1
    bne(ROW_S)              # 2
    b(REQUANTIZE)           # 2
    label(ROW_A)  # two outputs; a row ends where r6 is a multiple of 64
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    mov(r0, r8)             # 1
    mul(r1, r0)             # 1
    mov(r0, r9)             # 1
    mul(r2, r0)             # 1
    mov(r0, r10)            # 1
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r4, r1, r3)         # 1  row 0
    add(r6, 52)             # 1
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    mov(r0, r11)            # 1
    mul(r1, r0)             # 1
    mov(r0, r12)            # 1
    mul(r2, r0)             # 1
    mov(r0, lr)             # 1
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r1, r1, r3)         # 1
    add(r1, r1, r4)         # 1
    data(2, 0x9C03)         # 2  ldr r4,[sp,#12]  ** X
    data(2, 0x9D04)         # 2  ldr r5,[sp,#16]  ** Y
    add(r4, r4, r1)         # 1  X
    asr(r1, r1, 16)         # 1  borrow in C
    adc(r5, r1)             # 1  Y
    add(r6, 52)             # 1
    data(2, 0xCE0E)         # 4  ldm r6!,{r1,r2,r3}  ** two pixels each, Q0
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** w6
    mul(r1, r0)             # 1
    data(2, 0x9801)         # 2  ldr r0,[sp,#4]  ** w7
    mul(r2, r0)             # 1
    data(2, 0x9802)         # 2  ldr r0,[sp,#8]  ** w8
    mul(r3, r0)             # 1
    add(r1, r1, r2)         # 1
    add(r1, r1, r3)         # 1
    add(r4, r4, r1)         # 1  X
    asr(r1, r1, 16)         # 1  borrow in C
    adc(r5, r1)             # 1  Y
    lsl(r0, r5, 16)         # 1
    sub(r4, r4, r0)         # 1  sum 0 = X - (Y << 16)
    data(2, 0xC730)         # 3  stm r7!,{r4,r5}
    sub(r6, 136)            # 1
    lsl(r0, r6, 26)         # 1  a multiple of 64?
    bne(ROW_A)              # 2
    data(2, 0x980C)         # 2  ldr r0,[sp,#48]  ** window step
    add(r6, r6, r0)         # 1
    data(2, 0x980A)         # 2  ldr r0,[sp,#40]  ** acc end
    cmp(r7, r0)             # 1
    bne(ROW_A)              # 2
    b(REQUANTIZE)           # 2
    label(REQUANTIZE)
    data(2, 0x980D)         # 2  ldr r0,[sp,#52]  ** state
    ldr(r1, [r0, 100])      # 2  lanes
    data(2, 0x9106)         # 2  str r1,[sp,#24]  ** lane
    ldr(r1, [r0, 88])       # 2  y step
    mov(r9, r1)             # 1
    data(2, 0x9109)         # 2  str r1,[sp,#36]  ** y step
    ldr(r1, [r0, 76])       # 2  clamp min
    mov(r10, r1)            # 1
    ldr(r1, [r0, 80])       # 2  clamp max
    mov(r11, r1)            # 1
    ldr(r5, [r0, 64])       # 2  fast
    ldrb(r2, [r5, 15])      # 2  kind
    lsr(r2, r2, 1)          # 1  bit 0: two multiplies
    bcs(FAST)               # 2
    b(EXACT)                # 2
    label(FAST)
    ldr(r2, [r0, 72])       # 2  relu
    data(2, 0x9208)         # 2  str r2,[sp,#32]  ** relu
    ldr(r2, [r5, 4])        # 2  c: rounding and zero point, s more bits than y
    mov(r8, r2)             # 1
    ldrb(r3, [r5, 14])      # 2  f
    mov(r2, 1)              # 1
    lsl(r2, r3)             # 1
    neg(r2, r2)             # 1
    data(2, 0x4442)         # 1  add r2,r8
    mov(lr, r2)             # 1  c - 2^f, for acc < 0
    ldrb(r3, [r5, 12])      # 2  s
    ldrb(r6, [r5, 13])      # 2  j
    ldrh(r1, [r5, 8])       # 2  m1
    mov(r7, 10)             # 1
    data(2, 0x5FEF)         # 2  ldrsh r7,[r5,r7]  ** m2, s16
    label(LANE)
    data(2, 0x9C06)         # 2  ldr r4,[sp,#24]  ** lane
    ldr(r5, [r4, 0])        # 2  outputs
    ldr(r2, [r4, 4])        # 2  y
    add(r0, r2, 1)          # 1
    str(r0, [r4, 4])        # 2  of the next channel
    ldr(r0, [r4, 8])        # 2  acc
    add(r4, 12)             # 1
    data(2, 0x9406)         # 2  str r4,[sp,#24]  ** lane
    cmp(r5, 0)              # 1
    beq(LANE_DONE)          # 2
    lsl(r4, r5, 3)          # 1
    add(r4, r4, r0)         # 1
    mov(r12, r4)            # 1  end
    neg(r5, r5)             # 1
    lsl(r5, r5, 29)         # 1
    lsr(r5, r5, 29)         # 1  blocks to skip
    lsl(r4, r5, 3)          # 1
    sub(r0, r0, r4)         # 1
    data(2, 0x9C08)         # 2  ldr r4,[sp,#32]  ** relu
    cmp(r4, 0)              # 1
    beq(SIGNED_LANE)        # 2
    b(RELU)                 # 2
    label(SIGNED_LANE)
    mov(r4, 26)             # 1
    mul(r4, r5)             # 1
    data(2, 0x44A7)         # 2  add pc,r4  ** pc: of the block after nop
    data(2, 0x46C0)         # 1  nop
    label(SIGNED)  # 16 cycles an output, 18 where the accumulator is negative
    ldr(r4, [r0, 0])        # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(MINUS0)             # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(HIGH0)              # 2
    label(PUT0)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 8])        # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(MINUS1)             # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(HIGH1)              # 2
    label(PUT1)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 16])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(MINUS2)             # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(HIGH2)              # 2
    label(PUT2)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 24])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(MINUS3)             # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(HIGH3)              # 2
    label(PUT3)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 32])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(MINUS4)             # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(HIGH4)              # 2
    label(PUT4)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 40])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(MINUS5)             # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(HIGH5)              # 2
    label(PUT5)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 48])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(MINUS6)             # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(HIGH6)              # 2
    label(PUT6)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 56])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(MINUS7)             # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(HIGH7)              # 2
    label(PUT7)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    add(r0, 64)             # 1
    data(2, 0x4560)         # 1  cmp r0,r12
    bne(SIGNED)             # 2
    label(LANE_DONE)
    data(2, 0x9C06)         # 2  ldr r4,[sp,#24]  ** lane
    data(2, 0x9D0D)         # 2  ldr r5,[sp,#52]  ** state
    ldr(r5, [r5, 36])       # 2  lanes end
    cmp(r4, r5)             # 1
    beq(LANES_DONE)         # 2
    b(LANE)                 # 2
    label(LANES_DONE)
    b(CHANNEL_DONE)         # 2
    label(MINUS0)
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4474)         # 1  add r4,lr
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(PUT0)               # 2
    mov(r4, r10)            # 1
    b(PUT0)                 # 2
    label(HIGH0)
    mov(r4, r11)            # 1
    b(PUT0)                 # 2
    label(MINUS1)
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4474)         # 1  add r4,lr
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(PUT1)               # 2
    mov(r4, r10)            # 1
    b(PUT1)                 # 2
    label(HIGH1)
    mov(r4, r11)            # 1
    b(PUT1)                 # 2
    label(MINUS2)
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4474)         # 1  add r4,lr
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(PUT2)               # 2
    mov(r4, r10)            # 1
    b(PUT2)                 # 2
    label(HIGH2)
    mov(r4, r11)            # 1
    b(PUT2)                 # 2
    label(MINUS3)
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4474)         # 1  add r4,lr
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(PUT3)               # 2
    mov(r4, r10)            # 1
    b(PUT3)                 # 2
    label(HIGH3)
    mov(r4, r11)            # 1
    b(PUT3)                 # 2
    label(MINUS4)
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4474)         # 1  add r4,lr
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(PUT4)               # 2
    mov(r4, r10)            # 1
    b(PUT4)                 # 2
    label(HIGH4)
    mov(r4, r11)            # 1
    b(PUT4)                 # 2
    label(MINUS5)
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4474)         # 1  add r4,lr
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(PUT5)               # 2
    mov(r4, r10)            # 1
    b(PUT5)                 # 2
    label(HIGH5)
    mov(r4, r11)            # 1
    b(PUT5)                 # 2
    label(MINUS6)
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4474)         # 1  add r4,lr
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(PUT6)               # 2
    mov(r4, r10)            # 1
    b(PUT6)                 # 2
    label(HIGH6)
    mov(r4, r11)            # 1
    b(PUT6)                 # 2
    label(MINUS7)
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4474)         # 1  add r4,lr
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(PUT7)               # 2
    mov(r4, r10)            # 1
    b(PUT7)                 # 2
    label(HIGH7)
    mov(r4, r11)            # 1
    b(PUT7)                 # 2
    label(RELU)
    mov(r4, 26)             # 1
    mul(r4, r5)             # 1
    data(2, 0x44A7)         # 2  add pc,r4  ** pc: of the block after nop
    data(2, 0x46C0)         # 1  nop
    label(POSITIVE)  # 16 cycles an output, 12 where the accumulator is negative
    ldr(r4, [r0, 0])        # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(ZERO0)              # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(TOP0)               # 2
    label(PUTZ0)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 8])        # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(ZERO1)              # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(TOP1)               # 2
    label(PUTZ1)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 16])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(ZERO2)              # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(TOP2)               # 2
    label(PUTZ2)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 24])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(ZERO3)              # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(TOP3)               # 2
    label(PUTZ3)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 32])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(ZERO4)              # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(TOP4)               # 2
    label(PUTZ4)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 40])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(ZERO5)              # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(TOP5)               # 2
    label(PUTZ5)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 48])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(ZERO6)              # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(TOP6)               # 2
    label(PUTZ6)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    ldr(r4, [r0, 56])       # 2  acc
    asr(r5, r4, 4)          # 1
    bmi(ZERO7)              # 2
    mul(r5, r7)             # 1
    asr(r5, r6)             # 1  (acc >> 4) * m2 >> j
    mul(r4, r1)             # 1
    add(r4, r4, r5)         # 1  + acc * m1
    data(2, 0x4444)         # 1  add r4,r8
    asr(r4, r3)             # 1  y, Q0
    data(2, 0x455C)         # 1  cmp r4,r11
    bgt(TOP7)               # 2
    label(PUTZ7)
    strb(r4, [r2, 0])       # 2
    data(2, 0x444A)         # 1  add r2,r9
    add(r0, 64)             # 1
    data(2, 0x4560)         # 1  cmp r0,r12
    bne(POSITIVE)           # 2
    b(LANE_DONE)            # 2
    label(ZERO0)
    mov(r4, r10)            # 1
    b(PUTZ0)                # 2
    label(TOP0)
    mov(r4, r11)            # 1
    b(PUTZ0)                # 2
    label(ZERO1)
    mov(r4, r10)            # 1
    b(PUTZ1)                # 2
    label(TOP1)
    mov(r4, r11)            # 1
    b(PUTZ1)                # 2
    label(ZERO2)
    mov(r4, r10)            # 1
    b(PUTZ2)                # 2
    label(TOP2)
    mov(r4, r11)            # 1
    b(PUTZ2)                # 2
    label(ZERO3)
    mov(r4, r10)            # 1
    b(PUTZ3)                # 2
    label(TOP3)
    mov(r4, r11)            # 1
    b(PUTZ3)                # 2
    label(ZERO4)
    mov(r4, r10)            # 1
    b(PUTZ4)                # 2
    label(TOP4)
    mov(r4, r11)            # 1
    b(PUTZ4)                # 2
    label(ZERO5)
    mov(r4, r10)            # 1
    b(PUTZ5)                # 2
    label(TOP5)
    mov(r4, r11)            # 1
    b(PUTZ5)                # 2
    label(ZERO6)
    mov(r4, r10)            # 1
    b(PUTZ6)                # 2
    label(TOP6)
    mov(r4, r11)            # 1
    b(PUTZ6)                # 2
    label(ZERO7)
    mov(r4, r10)            # 1
    b(PUTZ7)                # 2
    label(TOP7)
    mov(r4, r11)            # 1
    b(PUTZ7)                # 2
    label(CHANNEL_DONE)
    data(2, 0x980D)         # 2  ldr r0,[sp,#52]  ** state
    ldr(r1, [r0, 60])       # 2  channel
    add(r1, 12)             # 1
    str(r1, [r0, 60])       # 2  channel
    ldr(r1, [r0, 64])       # 2  fast
    add(r1, 16)             # 1
    str(r1, [r0, 64])       # 2  fast
    ldr(r1, [r0, 68])       # 2  channels
    sub(r1, 1)              # 1
    str(r1, [r0, 68])       # 2  channels
    beq(END)                # 2
    b(CHANNEL)              # 2
    label(EXACT)
    ldr(r5, [r0, 84])       # 2  y zero point
    mov(r9, r5)             # 1
    ldr(r5, [r0, 60])       # 2  channel
    ldrb(r1, [r5, 8])       # 2  left shift
    mov(r8, r1)             # 1
    ldrb(r7, [r5, 9])       # 2  right shift
    ldrh(r1, [r5, 4])       # 2  multiplier low
    ldrh(r3, [r5, 6])       # 2  multiplier high
    label(LANE_EXACT)
    data(2, 0x9C06)         # 2  ldr r4,[sp,#24]  ** lane
    ldr(r5, [r4, 0])        # 2  outputs
    ldr(r2, [r4, 4])        # 2  y
    mov(lr, r2)             # 1
    add(r2, 1)              # 1
    str(r2, [r4, 4])        # 2  of the next channel
    ldr(r0, [r4, 8])        # 2  acc
    mov(r12, r0)            # 1
    add(r4, 12)             # 1
    data(2, 0x9406)         # 2  str r4,[sp,#24]  ** lane
    mov(r4, 8)              # 1
    mul(r4, r5)             # 1
    add(r4, r4, r0)         # 1
    data(2, 0x9408)         # 2  str r4,[sp,#32]  ** end
    b(NEXT_EXACT)           # 2
    label(OUTPUT)  # eq. (2), (3), modulo 2^32
    ldr(r4, [r0, 0])        # 2  acc
    add(r0, 8)              # 1
    mov(r12, r0)            # 1
    mov(r6, r8)             # 1
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
    mov(r0, r4)             # 1
    mul(r0, r1)             # 1  high * m_low, signed
    asr(r2, r0, 15)         # 1  above 2^31
    add(r5, r5, r2)         # 1
    lsl(r0, r0, 17)         # 1
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
    cmp(r7, 0)              # 1
    beq(WHOLE)              # 2
    asr(r0, r4, 31)         # 1  -1 where acc < 0: half away from zero
    add(r4, r4, r0)         # 1
    sub(r0, r7, 1)          # 1
    asr(r4, r0)             # 1  one bit more than y, Q1
    add(r4, 1)              # 1
    asr(r4, r4, 1)          # 1
    label(WHOLE)
    data(2, 0x444C)         # 1  add r4,r9  ** + y_zero_point
    data(2, 0x4554)         # 1  cmp r4,r10
    bge(ABOVE)              # 2
    mov(r4, r10)            # 1
    label(ABOVE)
    data(2, 0x455C)         # 1  cmp r4,r11
    ble(BELOW)              # 2
    mov(r4, r11)            # 1
    label(BELOW)
    mov(r2, lr)             # 1
    strb(r4, [r2, 0])       # 2
    data(2, 0x9809)         # 2  ldr r0,[sp,#36]  ** y step
    add(r2, r2, r0)         # 1
    mov(lr, r2)             # 1
    label(NEXT_EXACT)
    mov(r0, r12)            # 1
    data(2, 0x9A08)         # 2  ldr r2,[sp,#32]  ** end
    cmp(r0, r2)             # 1
    bne(OUTPUT)             # 2
    data(2, 0x9C06)         # 2  ldr r4,[sp,#24]  ** lane
    data(2, 0x9D0D)         # 2  ldr r5,[sp,#52]  ** state
    ldr(r5, [r5, 36])       # 2  lanes end
    cmp(r4, r5)             # 1
    bne(LANE_EXACT)         # 2
    b(CHANNEL_DONE)         # 2
    label(END)
    data(2, 0xB00E)         # 1  add sp,#56
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
_STRIDE_H = const(17)
_STRIDE_W = const(18)
_PAD_TOP = const(21)
_PAD_LEFT = const(22)
_X_ZERO_POINT = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_DEPTH_MULTIPLIER = const(29)
_PACKED_OFFSET = const(30)
_TILE = const(31)
_Y_STEP = const(32)
_SCRATCH_OFFSET = const(7)
_S_IMAGE = const(0)
_S_SECOND_ROW = const(1)
_S_PLANE_FIRST = const(2)
_S_PLANE_WINDOW = const(3)
_S_ROW_BYTES = const(4)
_S_IN_C = const(5)
_S_PACK_BYTES = const(6)
_S_SEGMENTS = const(7)
_S_ACC = const(8)
_S_LANES_END = const(9)
_S_ACC_END = const(10)
_S_STRIDE = const(11)
_S_WINDOW_STEP = const(12)
_S_WEIGHTS = const(13)
_S_OUT_C = const(14)
_S_CHANNEL = const(15)
_S_FAST = const(16)
_S_CHANNELS = const(17)
_S_RELU = const(18)
_S_CLAMP_MIN = const(19)
_S_CLAMP_MAX = const(20)
_S_Y_ZERO_POINT = const(21)
_S_Y_STEP = const(22)
_S_DEPTH_MULTIPLIER = const(23)
_S_SAME_LEFT = const(24)
_S_LANES = const(25)
_S_GAP = const(26)
_S_PLANE = const(27)
_S_PLANE_END = const(28)
_S_X_ZERO_POINT = const(29)
_S_BYTES = const(120)


@micropython.viper
def depthwise_conv_2d(x: ptr8, y_: ptr8, w: ptr8):
    rec = ptr32(x)
    arena = int(y_)
    constants = int(w)
    s = ptr32(arena + rec[_SCRATCH_OFFSET])
    in_h = rec[_IN_H]
    in_w = rec[_IN_W]
    in_c = rec[_IN_C]
    out_h = rec[_OUT_H]
    out_w = rec[_OUT_W]
    out_c = rec[_Y_STEP]
    if out_c == 0:
        out_c = rec[_OUT_C]
    stride_h = rec[_STRIDE_H]
    stride_w = rec[_STRIDE_W]
    tile_h = rec[_TILE] >> 16
    tile_w = rec[_TILE] & 0xFFFF
    segments = ptr32(arena + rec[_SCRATCH_OFFSET] + _S_BYTES)
    plane = (arena + rec[_SCRATCH_OFFSET] + _S_BYTES + 48 + 63) & ~63
    plane_h = (tile_h - 1) * stride_h + 3
    acc = plane + plane_h * 64 + 8
    s[_S_ROW_BYTES] = in_w * in_c
    s[_S_IN_C] = in_c
    s[_S_ACC] = acc
    s[_S_STRIDE] = stride_w * 4
    s[_S_OUT_C] = rec[_OUT_C]
    s[_S_RELU] = 0
    if rec[_CLAMP_MIN] == rec[_Y_ZERO_POINT]:
        s[_S_RELU] = 1
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    s[_S_Y_ZERO_POINT] = rec[_Y_ZERO_POINT]
    s[_S_Y_STEP] = out_c
    s[_S_DEPTH_MULTIPLIER] = rec[_DEPTH_MULTIPLIER]
    s[_S_X_ZERO_POINT] = rec[_X_ZERO_POINT]
    image = arena + rec[_X_OFFSET]
    y = arena + rec[_Y_OFFSET]
    batch = rec[_BATCHES]
    while batch > 0:
        batch -= 1
        oy = 0
        while oy < out_h:
            iy = oy * stride_h - rec[_PAD_TOP]
            second = tile_h * stride_h
            ox = 0
            while ox < out_w:
                ix = ox * stride_w - rec[_PAD_LEFT]
                tw = tile_w
                if ox + tw > out_w:
                    tw = out_w - ox
                reach = (tw - 1) * stride_w + 3
                left = 0
                if ix < 0:
                    left = 0 - ix
                middle = in_w - ix - left
                if middle > reach - left:
                    middle = reach - left
                both = 1
                if middle & 1:
                    both = 5
                n = 0
                k = 0
                last = 0
                while n < plane_h:
                    mode = 4
                    r = iy + n
                    if r >= 0 and r < in_h:
                        mode = 2
                    r += second
                    if r >= 0 and r < in_h:
                        mode = 3 if mode == 4 else both
                    if middle <= 0:
                        mode = 4
                    if mode != last:
                        segments[k] = mode
                        segments[k + 1] = n
                        k += 2
                        last = mode
                    n += 1
                segments[k] = 0
                # the rows of each, from where it starts
                while k > 0:
                    k -= 2
                    r = n
                    n = segments[k + 1]
                    segments[k + 1] = r - n
                s[_S_IMAGE] = image + (iy * in_w + ix + left) * in_c
                s[_S_SECOND_ROW] = second * in_w * in_c
                s[_S_PLANE_WINDOW] = plane + 64 - tw * stride_w * 4
                s[_S_PLANE_FIRST] = int(s[_S_PLANE_WINDOW]) + left * 4
                s[_S_PACK_BYTES] = middle * in_c
                s[_S_GAP] = 64 - 4 * middle
                s[_S_PLANE] = plane
                s[_S_PLANE_END] = plane + plane_h * 64 + 8
                s[_S_SEGMENTS] = int(segments)
                s[_S_ACC_END] = acc + tile_h * tw * 8
                s[_S_WINDOW_STEP] = stride_h * 64 - tw * stride_w * 4
                s[_S_WEIGHTS] = constants + rec[_WEIGHTS_OFFSET]
                s[_S_CHANNEL] = constants + rec[_CHANNELS_OFFSET]
                s[_S_FAST] = constants + rec[_PACKED_OFFSET]
                s[_S_CHANNELS] = rec[_OUT_C]
                s[_S_SAME_LEFT] = 0
                lanes = ptr32(acc + tile_h * tile_w * 8)
                s[_S_LANES] = int(lanes)
                rows = tile_h
                if tw == out_w:
                    rows = 1
                k = 0
                while k < 2:
                    r = 0
                    while r < tile_h:
                        n = out_h - oy - k * tile_h - r
                        if rows == 1:
                            if n > tile_h:
                                n = tile_h
                        elif n > 1:
                            n = 1
                        if n < 0:
                            n = 0
                        lanes[0] = n * tw
                        lanes[1] = y + ((oy + k * tile_h + r) * out_w + ox) * out_c
                        lanes[2] = acc + r * tw * 8 + k * 4
                        lanes = ptr32(int(lanes) + 12)
                        r += 1
                        if rows == 1:
                            r = tile_h
                    k += 1
                s[_S_LANES_END] = int(lanes)
                depthwise(s)
                ox += tile_w
            oy += tile_h * 2
        image += in_h * in_w * in_c
        y += out_h * out_w * out_c


kernels = {2: depthwise_conv_2d}
