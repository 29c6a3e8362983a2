"""Element by element in Thumb: lookup tables, copies of boxes, mul. See ref/lookup.py, move.py, elementwise.py.

Written by host_tools/assembler/thumb: edit that.

Blocks of bytes are read before they are written, in rising order: the plan may have laid y over x for that order.

State, byte offsets:
   0 boxes: dimension 0
   4 planes: dimension 1
   8 rows: dimension 2
  12 row: elements of a row
  16 x_step: x: bytes from an element to the next
  20 x_after_row: from the end of a row to what follows
  24 x_after_plane: of dimension 2
  28 x_after_box: of dimension 1
  32 y_step: the same of y, or of mul's x2
  36 y_after_row
  40 y_after_plane
  44 y_after_box
  48 neighbours: not 0: rows of neighbours, in x and in y
  52 m0: mul: multiplier = m1 * 2^16 + m0, Q31: m0 in -2^15 to 2^15 - 1
  56 m1: <= 2^15
  60 right_shift
  64 rounding: 2^(right_shift - 1) + (y_zero_point << right_shift)
  68 clamp_min
  72 clamp_max
  76 y
  80 minus_z1: -zero points
  84 minus_z2
  88 planes_again: as planes
"""

import micropython
from array import array

_state = array("i", bytes(92))


@micropython.asm_thumb
def table(r0, r1, r2, r3):
    """
    y[i] = table[x[i]], raw bytes; reference: ref.lut.
    In   r0 *x | r1 *y | r2 *table u8[256] | r3 bytes    Uses r4, r5 temporary    Stack 0
    Cost 53 cycles eight bytes, 12 each of the up to seven before them (counted).
    """
    mov(r4, 7)              # 1
    and_(r4, r3)            # 1
    beq(EIGHTS)             # 2
    label(ONE)  # 12 cycles a byte
    ldrb(r5, [r0, 0])       # 2
    data(2, 0x5D55)         # 2  ldrb r5,[r2,r5]  ** table[x]
    strb(r5, [r1, 0])       # 2
    add(r0, 1)              # 1
    add(r1, 1)              # 1
    sub(r4, 1)              # 1
    bne(ONE)                # 2
    label(EIGHTS)
    lsr(r3, r3, 3)          # 1
    beq(END)                # 2
    label(EIGHT)  # 53 cycles eight bytes
    ldrb(r4, [r0, 0])       # 2
    data(2, 0x5D14)         # 2  ldrb r4,[r2,r4]  ** table[x]
    strb(r4, [r1, 0])       # 2
    ldrb(r4, [r0, 1])       # 2
    data(2, 0x5D14)         # 2  ldrb r4,[r2,r4]  ** table[x]
    strb(r4, [r1, 1])       # 2
    ldrb(r4, [r0, 2])       # 2
    data(2, 0x5D14)         # 2  ldrb r4,[r2,r4]  ** table[x]
    strb(r4, [r1, 2])       # 2
    ldrb(r4, [r0, 3])       # 2
    data(2, 0x5D14)         # 2  ldrb r4,[r2,r4]  ** table[x]
    strb(r4, [r1, 3])       # 2
    ldrb(r4, [r0, 4])       # 2
    data(2, 0x5D14)         # 2  ldrb r4,[r2,r4]  ** table[x]
    strb(r4, [r1, 4])       # 2
    ldrb(r4, [r0, 5])       # 2
    data(2, 0x5D14)         # 2  ldrb r4,[r2,r4]  ** table[x]
    strb(r4, [r1, 5])       # 2
    ldrb(r4, [r0, 6])       # 2
    data(2, 0x5D14)         # 2  ldrb r4,[r2,r4]  ** table[x]
    strb(r4, [r1, 6])       # 2
    ldrb(r4, [r0, 7])       # 2
    data(2, 0x5D14)         # 2  ldrb r4,[r2,r4]  ** table[x]
    strb(r4, [r1, 7])       # 2
    add(r0, 8)              # 1
    add(r1, 8)              # 1
    sub(r3, 1)              # 1
    bne(EIGHT)              # 2
    label(END)
    mov(r0, 0)              # 1


@micropython.asm_thumb
def tables(r0, r1, r2):
    """
    y[a, b, c] = table[which[b]][x[a, b, c]], none of the dimensions 0; reference: ref.lookup.channel_lut.
    In   r0 *x | r1 *y | r2 *{which u16[b], tables, a, end of which, c}
    Uses r2, r3 which, its end | r4 table, temporary | r5, r7 bytes left, c | r6 temporary | r12 planes left | lr tables
    Stack 4
    Cost 11 cycles a byte, 9 an index (counted).
    """
    data(2, 0xB081)         # 1  sub sp,#4
    data(2, 0x9200)         # 2  str r2,[sp,#0]  ** state
    ldr(r4, [r2, 8])        # 2  a
    mov(r12, r4)            # 1
    ldr(r4, [r2, 4])        # 2  tables
    mov(lr, r4)             # 1
    ldr(r7, [r2, 16])       # 2  c
    label(PLANE)
    data(2, 0x9C00)         # 2  ldr r4,[sp,#0]  ** state
    ldr(r2, [r4, 0])        # 2  which
    ldr(r3, [r4, 12])       # 2  which end
    label(INDEX)  # 20 cycles where it has one byte
    ldrh(r4, [r2, 0])       # 2  which
    add(r2, 2)              # 1
    lsl(r4, r4, 8)          # 1  256 bytes a table
    data(2, 0x4474)         # 1  add r4,lr
    mov(r5, r7)             # 1  c
    label(BYTE)  # 11 cycles
    ldrb(r6, [r0, 0])       # 2
    add(r0, 1)              # 1
    data(2, 0x5DA6)         # 2  ldrb r6,[r4,r6]  ** table[x]
    strb(r6, [r1, 0])       # 2
    add(r1, 1)              # 1
    sub(r5, 1)              # 1
    bne(BYTE)               # 2
    cmp(r2, r3)             # 1
    bne(INDEX)              # 2
    mov(r4, r12)            # 1
    sub(r4, 1)              # 1
    mov(r12, r4)            # 1
    bne(PLANE)              # 2
    data(2, 0xB001)         # 1  add sp,#4
    mov(r0, 0)              # 1


@micropython.asm_thumb
def fill(r0, r1, r2):
    """
    y[i] = value; reference: ref.copy.
    In   r0 *y | r1 value, 0 to 255 | r2 bytes    Uses r1, r3-r5 value four times | r3 temporary    Stack 0
    Cost 8 cycles 16 bytes (counted).
    """
    lsl(r3, r1, 8)          # 1
    orr(r1, r3)             # 1
    lsl(r3, r1, 16)         # 1
    orr(r1, r3)             # 1
    b(HEAD)                 # 2
    label(BYTE)  # 9 cycles a byte, until y is a multiple of 4
    strb(r1, [r0, 0])       # 2
    add(r0, 1)              # 1
    sub(r2, 1)              # 1
    label(HEAD)
    cmp(r2, 0)              # 1
    beq(END)                # 2
    lsl(r3, r0, 30)         # 1  bits 0 and 1 of y
    bne(BYTE)               # 2
    sub(r2, 16)             # 1
    bmi(AFTER)              # 2
    mov(r3, r1)             # 1
    mov(r4, r1)             # 1
    mov(r5, r1)             # 1
    label(WORDS)  # 8 cycles 16 bytes
    data(2, 0xC03A)         # 5  stm r0!,{r1,r3,r4,r5}
    sub(r2, 16)             # 1
    bpl(WORDS)              # 2
    label(AFTER)
    add(r2, 16)             # 1
    beq(END)                # 2
    label(LAST)  # 6 cycles a byte
    strb(r1, [r0, 0])       # 2
    add(r0, 1)              # 1
    sub(r2, 1)              # 1
    bne(LAST)               # 2
    label(END)
    mov(r0, 0)              # 1


@micropython.asm_thumb
def box(r0, r1, r2):
    """
    A box of four dimensions, none of them 0; reference: ref.copy.
    In   r0 *state | r1 *x | r2 *y
    Uses r3 bytes left | r4-r7 bytes and words | r4, r5 steps | r0, r6 temporary | r8, r9 from row to row
         r10 *state | r11, r12, lr what is left of dimensions 2, 1, 0    Stack 16
    Cost 13 cycles 16 bytes where x and y are words apart, 5.25 a byte where not, 6.75 with steps; about 40 a row
         (counted).
    """
    mov(r4, r8)             # 1
    mov(r5, r9)             # 1
    mov(r6, r10)            # 1
    mov(r7, r11)            # 1
    push({r4, r5, r6, r7})  # 5
    mov(r10, r0)            # 1
    ldr(r3, [r0, 20])       # 2  x after row
    mov(r8, r3)             # 1
    ldr(r3, [r0, 36])       # 2  y after row
    mov(r9, r3)             # 1
    ldr(r3, [r0, 0])        # 2  boxes
    mov(lr, r3)             # 1
    label(BOX)
    ldr(r3, [r0, 4])        # 2  planes
    mov(r12, r3)            # 1
    label(PLANE)
    ldr(r3, [r0, 8])        # 2  rows
    mov(r11, r3)            # 1
    label(ROW)
    mov(r0, r10)            # 1
    ldr(r3, [r0, 12])       # 2  row
    ldr(r4, [r0, 16])       # 2  x step
    ldr(r5, [r0, 32])       # 2  y step
    ldr(r6, [r0, 48])       # 2  neighbours
    cmp(r6, 0)              # 1
    beq(STEPS)              # 2
    cmp(r3, 4)              # 1
    bcc(REST)               # 2
    mov(r6, r1)             # 1
    eor(r6, r2)             # 1
    lsl(r6, r6, 30)         # 1  do they lie alike
    bne(APART)              # 2
    b(HEAD)                 # 2
    label(BYTE)  # 13 cycles a byte
    ldrb(r6, [r1, 0])       # 2
    strb(r6, [r2, 0])       # 2
    add(r1, 1)              # 1
    add(r2, 1)              # 1
    sub(r3, 1)              # 1
    label(HEAD)
    lsl(r6, r2, 30)         # 1  bits 0 and 1 of y
    bne(BYTE)               # 2
    sub(r3, 16)             # 1
    bmi(WORDS)              # 2
    label(SIXTEEN)  # 13 cycles 16 bytes
    data(2, 0xC9F0)         # 5  ldm r1!,{r4,r5,r6,r7}
    data(2, 0xC2F0)         # 5  stm r2!,{r4,r5,r6,r7}
    sub(r3, 16)             # 1
    bpl(SIXTEEN)            # 2
    label(WORDS)
    add(r3, 12)             # 1  16 - 4: whole words left, less one
    bmi(AFTER)              # 2
    label(WORD)  # 7 cycles 4 bytes
    data(2, 0xC910)         # 2  ldm r1!,{r4}
    data(2, 0xC210)         # 2  stm r2!,{r4}
    sub(r3, 4)              # 1
    bpl(WORD)               # 2
    b(AFTER)                # 2
    label(APART)  # x and y apart by no multiple of 4
    sub(r3, 4)              # 1
    label(FOUR)  # 21 cycles 4 bytes
    ldrb(r4, [r1, 0])       # 2
    ldrb(r5, [r1, 1])       # 2
    ldrb(r6, [r1, 2])       # 2
    ldrb(r7, [r1, 3])       # 2
    strb(r4, [r2, 0])       # 2
    strb(r5, [r2, 1])       # 2
    strb(r6, [r2, 2])       # 2
    strb(r7, [r2, 3])       # 2
    add(r1, 4)              # 1
    add(r2, 4)              # 1
    sub(r3, 4)              # 1
    bpl(FOUR)               # 2
    label(AFTER)
    mov(r4, 1)              # 1  steps of what is left of neighbours
    mov(r5, 1)              # 1
    b(FEW)                  # 2
    label(STEPS)
    sub(r3, 4)              # 1
    bmi(FEW)                # 2
    label(STEP)  # 27 cycles 4 bytes
    ldrb(r6, [r1, 0])       # 2
    strb(r6, [r2, 0])       # 2
    add(r1, r1, r4)         # 1
    add(r2, r2, r5)         # 1
    ldrb(r6, [r1, 0])       # 2
    strb(r6, [r2, 0])       # 2
    add(r1, r1, r4)         # 1
    add(r2, r2, r5)         # 1
    ldrb(r6, [r1, 0])       # 2
    strb(r6, [r2, 0])       # 2
    add(r1, r1, r4)         # 1
    add(r2, r2, r5)         # 1
    ldrb(r6, [r1, 0])       # 2
    strb(r6, [r2, 0])       # 2
    add(r1, r1, r4)         # 1
    add(r2, r2, r5)         # 1
    sub(r3, 4)              # 1
    bpl(STEP)               # 2
    label(FEW)
    add(r3, 4)              # 1
    beq(ROW_DONE)           # 2
    label(REST)  # 9 cycles a byte
    ldrb(r6, [r1, 0])       # 2
    strb(r6, [r2, 0])       # 2
    add(r1, r1, r4)         # 1
    add(r2, r2, r5)         # 1
    sub(r3, 1)              # 1
    bne(REST)               # 2
    label(ROW_DONE)
    data(2, 0x4441)         # 1  add r1,r8
    data(2, 0x444A)         # 1  add r2,r9
    mov(r3, r11)            # 1
    sub(r3, 1)              # 1
    mov(r11, r3)            # 1
    bne(ROW)                # 2
    mov(r0, r10)            # 1
    ldr(r3, [r0, 24])       # 2  x after plane
    add(r1, r1, r3)         # 1
    ldr(r3, [r0, 40])       # 2  y after plane
    add(r2, r2, r3)         # 1
    mov(r3, r12)            # 1
    sub(r3, 1)              # 1
    mov(r12, r3)            # 1
    bne(PLANE)              # 2
    ldr(r3, [r0, 28])       # 2  x after box
    add(r1, r1, r3)         # 1
    ldr(r3, [r0, 44])       # 2  y after box
    add(r2, r2, r3)         # 1
    mov(r3, lr)             # 1
    sub(r3, 1)              # 1
    mov(lr, r3)             # 1
    bne(BOX)                # 2
    mov(r0, 0)              # 1
    pop({r4, r5, r6, r7})   # 5
    mov(r8, r4)             # 1
    mov(r9, r5)             # 1
    mov(r10, r6)            # 1
    mov(r11, r7)            # 1


@micropython.asm_thumb
def product(r0, r1, r2):
    """
    y[i] = eq. (3) of (x1[i] - z1) * (x2[i] - z2), none of the dimensions 0; reference: ref.mul.
    In   r0 *state | r1 *x1 | r2 *x2
    Uses r0 0, *state | r3 y, r12 its end in this row | r4, r5 temporary | r6, r7 m0, m1 | r8, r9 -zero points
         r10 2^14 | r11 rounding and zero point | lr right_shift
    Stack 40: state, steps, clamps, rows left
    Bounds |acc| <= 65025, so |acc * m0| and |acc * m1| <= 2130739200 and with 2^14 + 2^15 less than 2^31: exact is
         (acc * m1 + (acc * m0 >> 16) + 2^14) >> 15, for 2^30 of eq. (2) is 2^14 * 2^16.
    Cost 44 cycles an element, 28 a row (counted).
    """
    mov(r4, r8)             # 1
    mov(r5, r9)             # 1
    mov(r6, r10)            # 1
    mov(r7, r11)            # 1
    push({r4, r5, r6, r7})  # 5
    data(2, 0xB086)         # 1  sub sp,#24
    data(2, 0x9000)         # 2  str r0,[sp,#0]  ** state
    ldr(r3, [r0, 16])       # 2  x step
    data(2, 0x9301)         # 2  str r3,[sp,#4]  ** x step
    ldr(r3, [r0, 32])       # 2  y step
    data(2, 0x9302)         # 2  str r3,[sp,#8]  ** x2 step
    ldr(r3, [r0, 68])       # 2  clamp min
    data(2, 0x9303)         # 2  str r3,[sp,#12]  ** clamp min
    ldr(r3, [r0, 72])       # 2  clamp max
    data(2, 0x9304)         # 2  str r3,[sp,#16]  ** clamp max
    ldr(r3, [r0, 80])       # 2  minus z1
    mov(r8, r3)             # 1
    ldr(r3, [r0, 84])       # 2  minus z2
    mov(r9, r3)             # 1
    ldr(r3, [r0, 64])       # 2  rounding
    mov(r11, r3)            # 1
    ldr(r3, [r0, 60])       # 2  right shift
    mov(lr, r3)             # 1
    mov(r3, 1)              # 1
    lsl(r3, r3, 14)         # 1  2^14
    mov(r10, r3)            # 1
    ldr(r6, [r0, 52])       # 2  m0
    ldr(r7, [r0, 56])       # 2  m1
    ldr(r3, [r0, 76])       # 2  y
    label(PLANE)
    ldr(r4, [r0, 8])        # 2  rows
    data(2, 0x9405)         # 2  str r4,[sp,#20]  ** rows
    label(ROW)
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** state
    ldr(r4, [r0, 12])       # 2  row
    add(r4, r4, r3)         # 1
    mov(r12, r4)            # 1  end of y in this row
    mov(r0, 0)              # 1
    label(NEXT)  # 44 cycles an element
    data(2, 0x560C)         # 2  ldrsb r4,[r1,r0]
    data(2, 0x9D01)         # 2  ldr r5,[sp,#4]  ** x step
    add(r1, r1, r5)         # 1
    data(2, 0x5615)         # 2  ldrsb r5,[r2,r0]
    data(2, 0x4444)         # 1  add r4,r8  ** x1 - z1, x2 - z2 Q0
    data(2, 0x444D)         # 1  add r5,r9
    mul(r4, r5)             # 1  |acc| <= 255 * 255
    data(2, 0x9D02)         # 2  ldr r5,[sp,#8]  ** x2 step
    add(r2, r2, r5)         # 1
    mov(r5, r6)             # 1
    mul(r5, r4)             # 1  acc * m0
    asr(r5, r5, 16)         # 1
    mul(r4, r7)             # 1  acc * m1, units of 2^16
    add(r4, r4, r5)         # 1
    data(2, 0x4454)         # 1  add r4,r10  ** 2^30: eq. (2) rounds
    asr(r4, r4, 15)         # 1  high_mul
    asr(r5, r4, 31)         # 1  -1 where it is negative: half away from zero
    add(r4, r4, r5)         # 1
    data(2, 0x445C)         # 1  add r4,r11
    mov(r5, lr)             # 1
    asr(r4, r5)             # 1
    data(2, 0x9D03)         # 2  ldr r5,[sp,#12]  ** clamp min
    cmp(r4, r5)             # 1
    bge(ABOVE)              # 2
    mov(r4, r5)             # 1
    label(ABOVE)
    data(2, 0x9D04)         # 2  ldr r5,[sp,#16]  ** clamp max
    cmp(r4, r5)             # 1
    ble(BELOW)              # 2
    mov(r4, r5)             # 1
    label(BELOW)
    strb(r4, [r3, 0])       # 2
    add(r3, 1)              # 1
    data(2, 0x4563)         # 1  cmp r3,r12
    bne(NEXT)               # 2
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** state
    ldr(r4, [r0, 20])       # 2  x after row
    add(r1, r1, r4)         # 1
    ldr(r4, [r0, 36])       # 2  y after row
    add(r2, r2, r4)         # 1
    data(2, 0x9C05)         # 2  ldr r4,[sp,#20]  ** rows
    sub(r4, 1)              # 1
    data(2, 0x9405)         # 2  str r4,[sp,#20]  ** rows
    bne(ROW)                # 2
    ldr(r4, [r0, 24])       # 2  x after plane
    add(r1, r1, r4)         # 1
    ldr(r4, [r0, 40])       # 2  y after plane
    add(r2, r2, r4)         # 1
    ldr(r4, [r0, 4])        # 2  planes
    sub(r4, 1)              # 1
    str(r4, [r0, 4])        # 2  planes
    bne(PLANE)              # 2
    ldr(r4, [r0, 28])       # 2  x after box
    add(r1, r1, r4)         # 1
    ldr(r4, [r0, 44])       # 2  y after box
    add(r2, r2, r4)         # 1
    ldr(r4, [r0, 88])       # 2  planes again
    str(r4, [r0, 4])        # 2  planes
    ldr(r4, [r0, 0])        # 2  boxes
    sub(r4, 1)              # 1
    str(r4, [r0, 0])        # 2  boxes
    bne(PLANE)              # 2
    data(2, 0xB006)         # 1  add sp,#24
    mov(r0, 0)              # 1
    pop({r4, r5, r6, r7})   # 5
    mov(r8, r4)             # 1
    mov(r9, r5)             # 1
    mov(r10, r6)            # 1
    mov(r11, r7)            # 1


_T_WHICH = const(0)
_T_TABLES = const(1)
_T_A = const(2)
_T_WHICH_END = const(3)
_T_C = const(4)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_DIMS = const(8)
_MULTIPLIER = const(20)
_RIGHT_SHIFT = const(22)
_FLAGS = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_X1_ZERO_POINT = const(27)
_X2_ZERO_POINT = const(28)
_X_STRIDES = const(12)
_FILL_BYTES = const(20)
_FILL_VALUE = const(21)
_START = const(22)
_COUNT = const(8)
_TABLE_OFFSET = const(9)
_A = const(8)
_B = const(9)
_C = const(10)
_TABLES_OFFSET = const(11)
_WHICH_OFFSET = const(12)
_S_X_STEP = const(4)
_S_X_AFTER_ROW = const(5)
_S_X_AFTER_PLANE = const(6)
_S_X_AFTER_BOX = const(7)
_S_Y_STEP = const(8)
_S_NEIGHBOURS = const(12)
_S_M0 = const(13)
_S_M1 = const(14)
_S_RIGHT_SHIFT = const(15)
_S_ROUNDING = const(16)
_S_CLAMP_MIN = const(17)
_S_CLAMP_MAX = const(18)
_S_Y = const(19)
_S_MINUS_Z1 = const(20)
_S_MINUS_Z2 = const(21)
_S_PLANES_AGAIN = const(22)


@micropython.viper
def lut(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    table(int(y) + rec[_X_OFFSET], int(y) + rec[_Y_OFFSET], int(w) + rec[_TABLE_OFFSET], rec[_COUNT])


@micropython.viper
def channel_lut(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(_state)
    at = int(y)
    if rec[_FLAGS] & 1:
        at = int(w)
    s[_T_WHICH] = int(w) + rec[_WHICH_OFFSET]
    s[_T_TABLES] = int(w) + rec[_TABLES_OFFSET]
    s[_T_A] = rec[_A]
    s[_T_WHICH_END] = s[_T_WHICH] + 2 * rec[_B]
    s[_T_C] = rec[_C]
    if rec[_A] * rec[_B] * rec[_C]:
        tables(at + rec[_X_OFFSET], int(y) + rec[_Y_OFFSET], s)


@micropython.viper
def walk(rec: ptr32, s: ptr32) -> int:
    """The state's first twelve words, from a record's dimensions and strides; 0 where a dimension is 0."""
    n = 1
    i = 0
    while i < 4:
        n *= rec[_DIMS + i]
        s[i] = rec[_DIMS + i]  # boxes, planes, rows, row
        i += 1
    i = 0
    while i < 8:
        k = _X_STRIDES + (i & 4)
        s[_S_X_STEP + i] = rec[k + 3]
        s[_S_X_AFTER_ROW + i] = rec[k + 2] - rec[_DIMS + 3] * rec[k + 3]
        s[_S_X_AFTER_PLANE + i] = rec[k + 1] - rec[_DIMS + 2] * rec[k + 2]
        s[_S_X_AFTER_BOX + i] = rec[k] - rec[_DIMS + 1] * rec[k + 1]
        i += 4
    s[_S_PLANES_AGAIN] = rec[_DIMS + 1]
    return n


@micropython.viper
def copy(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(_state)
    at = int(y)
    if rec[_FLAGS] & 1:
        at = int(w)
    to = int(y) + rec[_Y_OFFSET]
    if rec[_FILL_BYTES] > 0:
        fill(to, rec[_FILL_VALUE], rec[_FILL_BYTES])
    if int(walk(rec, s)):
        s[_S_NEIGHBOURS] = 0
        if s[_S_X_STEP] == 1 == s[_S_Y_STEP]:
            s[_S_NEIGHBOURS] = 1
        box(s, at + rec[_X_OFFSET], to + rec[_START])


@micropython.viper
def mul(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    s = ptr32(_state)
    at1 = int(y)
    if rec[_FLAGS] & 1:
        at1 = int(w)
    at2 = int(y)
    if rec[_FLAGS] & 2:
        at2 = int(w)
    right = rec[_RIGHT_SHIFT]
    high = (rec[_MULTIPLIER] >> 16) + (rec[_MULTIPLIER] >> 15 & 1)
    s[_S_M0] = rec[_MULTIPLIER] - (high << 16)
    s[_S_M1] = high
    s[_S_RIGHT_SHIFT] = right
    s[_S_ROUNDING] = (1 << (right - 1)) + (rec[_Y_ZERO_POINT] << right)
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    s[_S_Y] = int(y) + rec[_Y_OFFSET]
    s[_S_MINUS_Z1] = 0 - rec[_X1_ZERO_POINT]
    s[_S_MINUS_Z2] = 0 - rec[_X2_ZERO_POINT]
    if int(walk(rec, s)):
        product(s, at1 + rec[_X_OFFSET], at2 + rec[_X2_OFFSET])


kernels = {8: mul, 9: copy, 11: lut, 19: channel_lut}
