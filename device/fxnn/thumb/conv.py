"""Convolutions in Thumb: any kernel, strides, dilations, paddings and channels. See ref/conv.py for the meaning.

Written by host_tools/assembler/thumb: edit that.

The product of two pixels at once (the host makes sure of |x0 * w0 + x1 * w1| < 2^15, FORMAT.md, packed variant): words hold
x[pixel 0] + (x[pixel 1] << 16); muls by w[k] and w[k + 1] and their sum give both pixels' pair sums in one word, the
low one borrowing from the high one where it is negative. X sums the words modulo 2^32; asrs by 16 leaves the borrow in
the carry, adcs adds the high half, repaired, to Y. At the end sum1 = Y and sum0 = X - (Y << 16).

The driver cuts the output into tiles. pack() writes the tile's inputs as such words, for four pixels at a time:
(k: 0, 1) (k + 1: 0, 1) (k: 2, 3) (k + 1: 2, 3). convolve() then takes one output channel after the other. It widens
the channel's weights to words, or patches them, as differences, into code that build() has unrolled in the scratch:
there a weight is one instruction, adds or subs r1,#imm8. Nothing of that code outlives the call.

State, 34 words at the start of the scratch, byte offsets; pack's and band's come first, convolve reuses some:
   0 table: entries of 5 words {packed inputs of a group of 4 pixels, 0 ends; 4 pointers, later accumulators}
   4 entries | image_rows | channels: left to do
   8 to | y_zero_point: where packed inputs go, until convolve
  12 left: inputs of padding before a run
  16 run: inputs
  20 runs | bottom: a row; band: bytes of padding
  24 run_step: from run to run
  28 rows | top: band: bytes of padding
  32 row_step | skip: from row to row; band: from run to run
  36 right: inputs of padding after a run
  40 padding | unpacked: x_zero_point, pack: * 65537; where weights of four bits are unpacked, 0: they have eight
  44 entry_bytes: packed
  48 weights
  52 wide: widened weights or code
  56 wide_end: of them
  60 count: weights a channel
  64 channel: table
  68 fast: table
  72 relu: 1: negative accumulators give clamp_min
  76 run_bytes: widened
  80 gap: packed bytes between runs
  84 start: where a run starts in the unrolled loop, -1: patched code
  88 y_step: from one output to the next
  92 clamp_min
  96 clamp_max
 100 flip: 0x80808080
 104 lanes: four times {outputs, where they go}: the pixels 0 to 3 of the groups
"""

import sys
import micropython
from array import array

# Whether convolve may run code that it has patched: on the M0+, which has no caches (armv6m).
_patches = array("i", bytes(4))
_patches[0] = getattr(sys.implementation, "_mpy", 0) >> 10 & 15 == 4


@micropython.asm_thumb
def band(r0, r1, r2):
    """
    The part of the image that a tile sees, with its padding. FORMAT.md, window.
    In   r0 *to uint8[] | r1 *image | r2 *state    Uses r3 count, end | r4 padding | r5 byte | r7 rows | lr    Stack 0
    Cost 9 cycles a byte copied, 6 a byte of padding (counted).
    """
    ldr(r4, [r2, 40])       # 2  x_zero_point
    ldr(r3, [r2, 28])       # 2  top
    bl(FILL)                # 3
    ldr(r7, [r2, 4])        # 2  image rows
    b(LAST)                 # 2
    label(ROW)
    ldr(r3, [r2, 12])       # 2  left
    bl(FILL)                # 3
    ldr(r3, [r2, 16])       # 2  run
    add(r3, r3, r1)         # 1
    label(COPY)
    ldrb(r5, [r1, 0])       # 2
    strb(r5, [r0, 0])       # 2
    add(r1, 1)              # 1
    add(r0, 1)              # 1
    cmp(r1, r3)             # 1
    bne(COPY)               # 2
    ldr(r3, [r2, 32])       # 2  skip
    add(r1, r1, r3)         # 1
    ldr(r3, [r2, 36])       # 2  right
    bl(FILL)                # 3
    sub(r7, 1)              # 1
    label(LAST)
    cmp(r7, 0)              # 1
    bgt(ROW)                # 2
    ldr(r3, [r2, 20])       # 2  bottom
    bl(FILL)                # 3
    b(END)                  # 2
    label(FILL)  # r3 bytes of padding
    add(r3, r3, r0)         # 1
    b(TEST)                 # 2
    label(BYTE)
    strb(r4, [r0, 0])       # 2
    add(r0, 1)              # 1
    label(TEST)
    cmp(r0, r3)             # 1
    bne(BYTE)               # 2
    data(2, 0x4770)         # 2  bx lr
    label(END)
    mov(r0, 0)              # 1


@micropython.asm_thumb
def pack(r0):
    """
    Packs the inputs of a tile, four pixels (columns) or four rows (planes) at a time.
    In   r0 *state    Uses r1-r3, r7 pointers of the four | r0 index | r4, r5 inputs | r6 where they go | r8 state
         r9 entry | r10 rows left | r11 runs left | r12 row | lr end of run    Stack 16
    Cost 19 cycles an input of four pixels (counted); 23 where runs are of odd length.
    """
    mov(r1, r8)             # 1
    mov(r2, r9)             # 1
    mov(r3, r10)            # 1
    mov(r4, r11)            # 1
    push({r1, r2, r3, r4})  # 5
    mov(r8, r0)             # 1
    ldr(r4, [r0, 0])        # 2  table
    mov(r9, r4)             # 1
    label(ENTRY)
    mov(r0, r8)             # 1
    ldr(r6, [r0, 8])        # 2  to
    ldr(r4, [r0, 44])       # 2  entry bytes
    add(r4, r4, r6)         # 1
    str(r4, [r0, 8])        # 2  where the next entry goes
    ldr(r4, [r0, 12])       # 2  left
    bl(FILL)                # 3
    mov(r4, r9)             # 1
    add(r4, 4)              # 1
    data(2, 0xCC8E)         # 5  ldm r4!,{r1,r2,r3,r7}  ** pointers to inputs of the four
    mov(r9, r4)             # 1
    mov(r4, r8)             # 1
    ldr(r4, [r4, 28])       # 2  rows
    mov(r10, r4)            # 1
    mov(r0, 0)              # 1
    label(ROW)
    mov(r12, r0)            # 1
    mov(r4, r8)             # 1
    ldr(r4, [r4, 20])       # 2  runs
    mov(r11, r4)            # 1
    label(RUN)
    mov(r4, r8)             # 1
    ldr(r4, [r4, 16])       # 2  run
    add(r5, r4, r0)         # 1
    mov(lr, r5)             # 1
    data(2, 0x4570)         # 1  cmp r0,lr
    beq(NEXT)               # 2
    lsl(r4, r4, 31)         # 1  odd?
    bmi(ODD)                # 2
    label(PAIR)  # 19 cycles an input byte of four pixels
    data(2, 0x5644)         # 2  ldrsb r4,[r0,r1]
    data(2, 0x5685)         # 2  ldrsb r5,[r0,r2]
    lsl(r5, r5, 16)         # 1
    add(r4, r4, r5)         # 1  x[0] + x[1] * 2^16, Q0
    str(r4, [r6, 0])        # 2
    data(2, 0x56C4)         # 2  ldrsb r4,[r0,r3]
    data(2, 0x57C5)         # 2  ldrsb r5,[r0,r7]
    lsl(r5, r5, 16)         # 1
    add(r4, r4, r5)         # 1  x[0] + x[1] * 2^16, Q0
    str(r4, [r6, 8])        # 2
    add(r0, 1)              # 1
    data(2, 0x5644)         # 2  ldrsb r4,[r0,r1]
    data(2, 0x5685)         # 2  ldrsb r5,[r0,r2]
    lsl(r5, r5, 16)         # 1
    add(r4, r4, r5)         # 1  x[0] + x[1] * 2^16, Q0
    str(r4, [r6, 4])        # 2
    data(2, 0x56C4)         # 2  ldrsb r4,[r0,r3]
    data(2, 0x57C5)         # 2  ldrsb r5,[r0,r7]
    lsl(r5, r5, 16)         # 1
    add(r4, r4, r5)         # 1  x[0] + x[1] * 2^16, Q0
    str(r4, [r6, 12])       # 2
    add(r0, 1)              # 1
    add(r6, 16)             # 1
    data(2, 0x4570)         # 1  cmp r0,lr
    bne(PAIR)               # 2
    label(NEXT)
    mov(r4, r8)             # 1
    ldr(r5, [r4, 16])       # 2  run
    sub(r0, r0, r5)         # 1
    ldr(r5, [r4, 24])       # 2  run step
    add(r0, r0, r5)         # 1
    mov(r5, r11)            # 1
    sub(r5, 1)              # 1
    mov(r11, r5)            # 1
    bne(RUN)                # 2
    ldr(r5, [r4, 32])       # 2  row step
    mov(r0, r12)            # 1
    add(r0, r0, r5)         # 1
    mov(r5, r10)            # 1
    sub(r5, 1)              # 1
    mov(r10, r5)            # 1
    bne(ROW)                # 2
    ldr(r4, [r4, 36])       # 2  right
    bl(FILL)                # 3
    mov(r0, r8)             # 1
    ldr(r4, [r0, 4])        # 2  entries
    sub(r4, 1)              # 1
    str(r4, [r0, 4])        # 2  entries
    bne(ENTRY)              # 2
    b(END)                  # 2
    label(ODD)  # runs of odd length: words 0 and 1 of the four in turn
    data(2, 0x5644)         # 2  ldrsb r4,[r0,r1]
    data(2, 0x5685)         # 2  ldrsb r5,[r0,r2]
    lsl(r5, r5, 16)         # 1
    add(r4, r4, r5)         # 1  x[0] + x[1] * 2^16, Q0
    str(r4, [r6, 0])        # 2
    data(2, 0x56C4)         # 2  ldrsb r4,[r0,r3]
    data(2, 0x57C5)         # 2  ldrsb r5,[r0,r7]
    lsl(r5, r5, 16)         # 1
    add(r4, r4, r5)         # 1  x[0] + x[1] * 2^16, Q0
    str(r4, [r6, 8])        # 2
    add(r0, 1)              # 1
    lsl(r4, r6, 29)         # 1  word 1: the next four; they begin at a multiple of 8
    bpl(FIRST)              # 2
    add(r6, 8)              # 1
    label(FIRST)
    add(r6, 4)              # 1
    data(2, 0x4570)         # 1  cmp r0,lr
    bne(ODD)                # 2
    b(NEXT)                 # 2
    label(FILL)  # r4: inputs, even; r6: where to
    mov(r5, r8)             # 1
    ldr(r5, [r5, 40])       # 2  padding
    b(TEST)                 # 2
    label(WORDS)
    str(r5, [r6, 0])        # 2
    str(r5, [r6, 4])        # 2
    str(r5, [r6, 8])        # 2
    str(r5, [r6, 12])       # 2
    add(r6, 16)             # 1
    sub(r4, 2)              # 1
    label(TEST)
    cmp(r4, 0)              # 1
    bgt(WORDS)              # 2
    data(2, 0x4770)         # 2  bx lr
    label(END)
    mov(r0, 0)              # 1
    pop({r1, r2, r3, r4})   # 5
    mov(r8, r1)             # 1
    mov(r9, r2)             # 1
    mov(r10, r3)            # 1
    mov(r11, r4)            # 1


@micropython.asm_thumb
def build(r0):
    """
    Writes the code for the products of a group, of which convolve patches the weights in: TEMPLATE for every four,
    after a run add r0,r12 (what lies between runs) and nop, after the last bx lr.
    In   r0 *state    Uses r0 weights left in the run, times 4 | r1 template | r2 where to | r3-r5, r7 code
         r6 template | r12 state | lr weights left, times 4. The template is read, not run.    Stack 0
    Cost 44 cycles for 4 weights (counted).
    """
    data(2, 0x46C0)         # 1  nop
    data(2, 0x4679)         # 1  mov r1,pc  ** TEMPLATE
    b(START)                # 2
    label(TEMPLATE)  # 38 cycles for 16 products; the zeros become the differences of weights
    data(2, 0xC8CC)         # 5  ldm r0!,{r2,r3,r6,r7}
    add(r1, 0)              # 1  w
    mul(r2, r1)             # 1
    mul(r6, r1)             # 1
    add(r1, 0)              # 1  w
    mul(r3, r1)             # 1
    mul(r7, r1)             # 1
    add(r2, r2, r3)         # 1  pair sums of pixels 0, 1; 2, 3
    add(r6, r6, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0x44B1)         # 1  add r9,r6  ** X
    asr(r6, r6, 16)         # 1  borrow in C
    adc(r5, r6)             # 1  Y
    data(2, 0xC8CC)         # 5  ldm r0!,{r2,r3,r6,r7}
    add(r1, 0)              # 1  w
    mul(r2, r1)             # 1
    mul(r6, r1)             # 1
    add(r1, 0)              # 1  w
    mul(r3, r1)             # 1
    mul(r7, r1)             # 1
    add(r2, r2, r3)         # 1  pair sums of pixels 0, 1; 2, 3
    add(r6, r6, r7)         # 1
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0x44B1)         # 1  add r9,r6  ** X
    asr(r6, r6, 16)         # 1  borrow in C
    adc(r5, r6)             # 1  Y
    label(START)
    mov(r12, r0)            # 1
    ldr(r2, [r0, 52])       # 2  wide
    ldr(r4, [r0, 60])       # 2  count
    lsl(r4, r4, 2)          # 1
    mov(lr, r4)             # 1
    label(RUN)
    mov(r0, r12)            # 1
    ldr(r0, [r0, 76])       # 2  run bytes
    mov(r4, lr)             # 1
    sub(r4, r4, r0)         # 1
    mov(lr, r4)             # 1
    label(UNIT)  # 44 cycles for 4 weights
    mov(r6, r1)             # 1
    data(2, 0xCEB8)         # 5  ldm r6!,{r3,r4,r5,r7}
    data(2, 0xC2B8)         # 5  stm r2!,{r3,r4,r5,r7}
    data(2, 0xCEB8)         # 5  ldm r6!,{r3,r4,r5,r7}
    data(2, 0xC2B8)         # 5  stm r2!,{r3,r4,r5,r7}
    data(2, 0xCEB8)         # 5  ldm r6!,{r3,r4,r5,r7}
    data(2, 0xC2B8)         # 5  stm r2!,{r3,r4,r5,r7}
    data(2, 0xCE38)         # 4  ldm r6!,{r3,r4,r5}
    data(2, 0xC238)         # 4  stm r2!,{r3,r4,r5}
    sub(r0, 16)             # 1
    bne(UNIT)               # 2
    mov(r3, 68)             # 1
    lsl(r3, r3, 8)          # 1
    add(r3, 96)             # 1  the code of add r0,r12
    mov(r4, 70)             # 1
    lsl(r4, r4, 8)          # 1
    add(r4, 192)            # 1  the code of nop
    lsl(r4, r4, 16)         # 1
    add(r3, r3, r4)         # 1
    mov(r4, lr)             # 1
    cmp(r4, 0)              # 1
    bne(NEXT)               # 2
    mov(r3, 71)             # 1
    lsl(r3, r3, 8)          # 1
    add(r3, 112)            # 1  the code of bx lr
    label(NEXT)
    data(2, 0xC208)         # 2  stm r2!,{r3}
    cmp(r4, 0)              # 1
    bne(RUN)                # 2
    mov(r0, 0)              # 1


@micropython.asm_thumb
def convolve(r0):
    """
    The outputs of a tile, channel by channel: eq. (2), (3); reference: ref.conv_2d.
    In   r0 *state
    Uses products: r0 packed inputs | r1, r7 w Q0 | r2, r3 two pixels | r4, r5 Y | r6 widened weights | r8, r9 X
         r10, r11 X and Y at first | r12 entry | lr end of run
         patched: r1 w | r2, r3, r6, r7 four pixels | r12 bytes between runs | lr GROUP_DONE
         patching: r1 weights | r2, r5 w | r3 difference | r4 run | r6 code | r7, r8 opcodes
         requantize: r0 accumulators | r1 m1 (exact: low half of multiplier) | r2 y | r3 s (high half)
         r4-r6 temporary, r6 j | r7 m2 (right_shift) | r8 c (left_shift) | r9 y_step (y_zero_point) | r10, r11 clamps
         r12 end (accumulators) | lr c - 2^f (y)
    Stack 56: state, weights' words, start in the loop, run, their end, gap, lane, accumulators, flag or end, y_step
    Bounds |pair sum| < 2^15; X, Y, accumulators modulo 2^32; two multiplies: no overflow: the host proves it.
    Cost 21 cycles for 8 products, 36 a group of 4 outputs, 4.25 a weight and tile (four bits: 3.5 more), 12 to 18 an
         output requantized by two multiplies, 60 by four (counted). Patched: 19, 33, 10.25. In all 2.6 to 3.6 cycles
         per product (profile on the virtual Pico, MicroPython 1.25).
    """
    mov(r1, r8)             # 1
    mov(r2, r9)             # 1
    mov(r3, r10)            # 1
    mov(r4, r11)            # 1
    push({r1, r2, r3, r4})  # 5
    data(2, 0xB08A)         # 1  sub sp,#40
    data(2, 0x467B)         # 1  mov r3,pc  ** MAC
    b(SETUP)                # 2
    label(MAC)  # 21 cycles for 8 products, 4 x 2 pairs of inputs
    data(2, 0xCE82)         # 3  ldm r6!,{r1,r7}  ** w[k], w[k+1]
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4491)         # 1  add r9,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r5, r2)             # 1  Y
    data(2, 0xCE82)         # 3  ldm r6!,{r1,r7}  ** w[k], w[k+1]
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4491)         # 1  add r9,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r5, r2)             # 1  Y
    data(2, 0xCE82)         # 3  ldm r6!,{r1,r7}  ** w[k], w[k+1]
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4491)         # 1  add r9,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r5, r2)             # 1  Y
    data(2, 0xCE82)         # 3  ldm r6!,{r1,r7}  ** w[k], w[k+1]
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4491)         # 1  add r9,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r5, r2)             # 1  Y
    data(2, 0xCE82)         # 3  ldm r6!,{r1,r7}  ** w[k], w[k+1]
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4491)         # 1  add r9,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r5, r2)             # 1  Y
    data(2, 0xCE82)         # 3  ldm r6!,{r1,r7}  ** w[k], w[k+1]
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4491)         # 1  add r9,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r5, r2)             # 1  Y
    data(2, 0xCE82)         # 3  ldm r6!,{r1,r7}  ** w[k], w[k+1]
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4491)         # 1  add r9,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r5, r2)             # 1  Y
    data(2, 0xCE82)         # 3  ldm r6!,{r1,r7}  ** w[k], w[k+1]
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4490)         # 1  add r8,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r4, r2)             # 1  Y
    data(2, 0xC80C)         # 3  ldm r0!,{r2,r3}  ** x[k], x[k+1] of two pixels
    mul(r2, r1)             # 1
    mul(r3, r7)             # 1
    add(r2, r2, r3)         # 1  their pair sums
    data(2, 0x4491)         # 1  add r9,r2  ** X
    asr(r2, r2, 16)         # 1  borrow in C
    adc(r5, r2)             # 1  Y
    data(2, 0x4576)         # 1  cmp r6,lr
    bne(MAC)                # 2
    data(2, 0x9904)         # 2  ldr r1,[sp,#16]  ** weights end
    cmp(r6, r1)             # 1
    bne(NEXT_RUN)           # 2
    mov(r7, r12)            # 1
    mov(r1, r8)             # 1
    lsl(r2, r4, 16)         # 1
    sub(r1, r1, r2)         # 1  sum 0 = X - (Y << 16)
    mov(r2, r4)             # 1
    mov(r3, r9)             # 1
    lsl(r4, r5, 16)         # 1
    sub(r3, r3, r4)         # 1  sum 0 = X - (Y << 16)
    data(2, 0xC72E)         # 5  stm r7!,{r1,r2,r3,r5}  ** pixels 0 to 3
    label(GROUP)
    data(2, 0xCF01)         # 2  ldm r7!,{r0}  ** packed inputs
    cmp(r0, 0)              # 1
    beq(REQUANTIZE)         # 2
    mov(r12, r7)            # 1
    mov(r8, r10)            # 1
    mov(r9, r10)            # 1
    mov(r4, r11)            # 1
    mov(r5, r11)            # 1
    data(2, 0x9E01)         # 2  ldr r6,[sp,#4]  ** wide
    label(RUN)
    data(2, 0x9903)         # 2  ldr r1,[sp,#12]  ** run
    add(r1, r1, r6)         # 1
    mov(lr, r1)             # 1
    data(2, 0x9902)         # 2  ldr r1,[sp,#8]  ** start
    data(2, 0x468F)         # 2  mov pc,r1  ** into MAC
    label(NEXT_RUN)
    data(2, 0x9905)         # 2  ldr r1,[sp,#20]  ** gap
    add(r0, r0, r1)         # 1
    b(RUN)                  # 2
    label(SETUP)
    data(2, 0x9000)         # 2  str r0,[sp,#0]  ** state
    ldr(r1, [r0, 52])       # 2  wide
    data(2, 0x9101)         # 2  str r1,[sp,#4]  ** wide
    ldr(r2, [r0, 84])       # 2  start
    cmp(r2, 0)              # 1
    bge(LOOP)               # 2
    b(PATCHED)              # 2
    label(LOOP)
    add(r3, r3, r2)         # 1
    data(2, 0x9302)         # 2  str r3,[sp,#8]  ** start
    ldr(r1, [r0, 76])       # 2  run bytes
    data(2, 0x9103)         # 2  str r1,[sp,#12]  ** run
    ldr(r1, [r0, 80])       # 2  gap
    data(2, 0x9105)         # 2  str r1,[sp,#20]  ** gap
    label(CHANNEL)
    bl(WEIGHTS)             # 3
    ldr(r6, [r0, 52])       # 2  wide
    ldr(r7, [r0, 100])      # 2  flip
    mov(r0, r1)             # 1
    label(WIDEN)  # 17 cycles for 4 weights
    data(2, 0xC810)         # 2  ldm r0!,{r4}
    eor(r4, r7)             # 1  w + 128 to w, int8
    data(2, 0xB261)         # 1  sxtb r1,r4
    asr(r4, r4, 8)          # 1
    data(2, 0xB262)         # 1  sxtb r2,r4
    asr(r4, r4, 8)          # 1
    data(2, 0xB263)         # 1  sxtb r3,r4
    asr(r4, r4, 8)          # 1
    data(2, 0xC61E)         # 5  stm r6!,{r1,r2,r3,r4}
    data(2, 0x4560)         # 1  cmp r0,r12
    bne(WIDEN)              # 2
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** state
    ldr(r1, [r0, 68])       # 2  fast
    ldrb(r3, [r1, 15])      # 2  kind
    data(2, 0x9604)         # 2  str r6,[sp,#16]  ** weights end
    lsr(r3, r3, 4)          # 1  bit 3: split
    bcc(START)              # 2
    ldr(r7, [r0, 52])       # 2  wide
    label(SPLIT)  # 14 cycles a weight: w = max(w, -127) + (-1 or 0), the second a run after the first
    ldr(r2, [r7, 0])        # 2
    mov(r3, 127)            # 1
    add(r3, r3, r2)         # 1
    asr(r3, r3, 31)         # 1  -1 where w = -128
    data(2, 0xC608)         # 2  stm r6!,{r3}
    sub(r2, r2, r3)         # 1
    data(2, 0xC704)         # 2  stm r7!,{r2}
    ldr(r2, [r0, 56])       # 2  wide end
    cmp(r7, r2)             # 1
    bne(SPLIT)              # 2
    data(2, 0x9604)         # 2  str r6,[sp,#16]  ** weights end
    label(START)
    ldr(r1, [r1, 0])        # 2  first
    mov(r11, r1)            # 1
    lsl(r2, r1, 16)         # 1
    add(r1, r1, r2)         # 1
    mov(r10, r1)            # 1
    ldr(r7, [r0, 0])        # 2  table
    b(GROUP)                # 2
    label(REQUANTIZE)
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** state
    ldr(r1, [r0, 0])        # 2  table
    add(r1, 4)              # 1
    data(2, 0x9107)         # 2  str r1,[sp,#28]  ** acc
    mov(r1, r0)             # 1
    add(r1, 104)            # 1
    data(2, 0x9106)         # 2  str r1,[sp,#24]  ** lane
    ldr(r1, [r0, 88])       # 2  y step
    mov(r9, r1)             # 1
    data(2, 0x9109)         # 2  str r1,[sp,#36]  ** y step
    ldr(r1, [r0, 92])       # 2  clamp min
    mov(r10, r1)            # 1
    ldr(r1, [r0, 96])       # 2  clamp max
    mov(r11, r1)            # 1
    ldr(r5, [r0, 68])       # 2  fast
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
    add(r4, 8)              # 1
    data(2, 0x9406)         # 2  str r4,[sp,#24]  ** lane
    data(2, 0x9807)         # 2  ldr r0,[sp,#28]  ** acc
    add(r4, r0, 4)          # 1
    data(2, 0x9407)         # 2  str r4,[sp,#28]  ** acc
    cmp(r5, 0)              # 1
    beq(LANE_DONE)          # 2
    mov(r4, 20)             # 1
    mul(r4, r5)             # 1
    add(r4, r4, r0)         # 1
    mov(r12, r4)            # 1  end
    neg(r5, r5)             # 1
    lsl(r5, r5, 30)         # 1
    lsr(r5, r5, 30)         # 1  blocks to skip
    mov(r4, 20)             # 1
    mul(r4, r5)             # 1
    sub(r0, r0, r4)         # 1
    data(2, 0x9C08)         # 2  ldr r4,[sp,#32]  ** relu
    cmp(r4, 0)              # 1
    bne(RELU)               # 2
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
    ldr(r4, [r0, 20])       # 2  acc
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
    ldr(r4, [r0, 40])       # 2  acc
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
    ldr(r4, [r0, 60])       # 2  acc
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
    add(r0, 80)             # 1
    data(2, 0x4560)         # 1  cmp r0,r12
    bne(SIGNED)             # 2
    label(LANE_DONE)
    data(2, 0x9C06)         # 2  ldr r4,[sp,#24]  ** lane
    data(2, 0x9D00)         # 2  ldr r5,[sp,#0]  ** state
    sub(r4, r4, r5)         # 1
    cmp(r4, 136)            # 1
    bne(LANE)               # 2
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
    ldr(r4, [r0, 20])       # 2  acc
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
    ldr(r4, [r0, 40])       # 2  acc
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
    ldr(r4, [r0, 60])       # 2  acc
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
    add(r0, 80)             # 1
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
    label(WEIGHTS)  # r1: a channel's weights as bytes, r12: their end
    ldr(r1, [r0, 48])       # 2  weights
    ldr(r2, [r0, 60])       # 2  count
    ldr(r6, [r0, 40])       # 2  unpacked
    cmp(r6, 0)              # 1
    bne(UNPACK)             # 2
    add(r2, r2, r1)         # 1
    str(r2, [r0, 48])       # 2  weights
    mov(r12, r2)            # 1
    data(2, 0x4770)         # 2  bx lr
    label(UNPACK)
    add(r2, r2, r6)         # 1
    mov(r12, r2)            # 1
    mov(r2, 255)            # 1
    lsl(r3, r2, 16)         # 1
    add(r2, r2, r3)         # 1  0x00FF00FF
    mov(r3, 15)             # 1
    lsl(r4, r3, 8)          # 1
    add(r3, r3, r4)         # 1
    lsl(r4, r3, 16)         # 1
    add(r3, r3, r4)         # 1  0x0F0F0F0F
    lsl(r7, r3, 3)          # 1  120 four times
    label(NIBBLES)  # 28 cycles for 8 weights: w + 8 in four bits to w + 128
    ldrh(r4, [r1, 0])       # 2
    lsl(r5, r4, 8)          # 1
    orr(r4, r5)             # 1
    and_(r4, r2)            # 1  bytes, 16 bits apart
    lsl(r5, r4, 4)          # 1
    orr(r4, r5)             # 1
    and_(r4, r3)            # 1  w + 8, 8 bits apart
    add(r4, r4, r7)         # 1
    data(2, 0xC610)         # 2  stm r6!,{r4}
    ldrh(r4, [r1, 2])       # 2
    lsl(r5, r4, 8)          # 1
    orr(r4, r5)             # 1
    and_(r4, r2)            # 1  bytes, 16 bits apart
    lsl(r5, r4, 4)          # 1
    orr(r4, r5)             # 1
    and_(r4, r3)            # 1  w + 8, 8 bits apart
    add(r4, r4, r7)         # 1
    data(2, 0xC610)         # 2  stm r6!,{r4}
    add(r1, 4)              # 1
    data(2, 0x4566)         # 1  cmp r6,r12
    bcc(NIBBLES)            # 2
    str(r1, [r0, 48])       # 2  weights
    ldr(r1, [r0, 40])       # 2  unpacked
    data(2, 0x4770)         # 2  bx lr
    label(PATCHED)  # build()'s code, from the start of the widened weights; lr returns to GROUP_DONE
    data(2, 0x9102)         # 2  str r1,[sp,#8]  ** start
    label(PATCH_CHANNEL)
    bl(WEIGHTS)             # 3
    ldr(r6, [r0, 52])       # 2  wide
    mov(r7, 49)             # 1
    lsl(r7, r7, 8)          # 1  add r1,#0
    mov(r5, 8)              # 1
    lsl(r5, r5, 8)          # 1
    add(r5, r5, r7)         # 1
    mov(r8, r5)             # 1  sub r1,#0
    mov(r5, 128)            # 1  w = 0, where r1 starts
    label(PATCH_RUN)
    ldr(r4, [r0, 76])       # 2  run bytes
    lsr(r4, r4, 2)          # 1
    add(r4, r4, r1)         # 1
    mov(lr, r4)             # 1
    label(PATCH)  # 7 cycles a weight, 11 where it is less than the one before
    ldrb(r2, [r1, 0])       # 2
    sub(r3, r2, r5)         # 1
    bcc(LESS0)              # 2
    add(r3, r3, r7)         # 1  add r1,#difference
    label(STORE0)
    strh(r3, [r6, 2])       # 2
    ldrb(r5, [r1, 1])       # 2
    sub(r3, r5, r2)         # 1
    bcc(LESS1)              # 2
    add(r3, r3, r7)         # 1  add r1,#difference
    label(STORE1)
    strh(r3, [r6, 8])       # 2
    ldrb(r2, [r1, 2])       # 2
    sub(r3, r2, r5)         # 1
    bcc(LESS2)              # 2
    add(r3, r3, r7)         # 1  add r1,#difference
    label(STORE2)
    strh(r3, [r6, 32])      # 2
    ldrb(r5, [r1, 3])       # 2
    sub(r3, r5, r2)         # 1
    bcc(LESS3)              # 2
    add(r3, r3, r7)         # 1  add r1,#difference
    label(STORE3)
    strh(r3, [r6, 38])      # 2
    add(r1, 4)              # 1
    add(r6, 60)             # 1
    data(2, 0x4571)         # 1  cmp r1,lr
    bne(PATCH)              # 2
    add(r6, 4)              # 1  add r0,r12 and nop, after a run
    data(2, 0x4561)         # 1  cmp r1,r12
    bne(PATCH_RUN)          # 2
    ldr(r1, [r0, 68])       # 2  fast
    ldr(r1, [r1, 0])        # 2  first
    mov(r11, r1)            # 1
    lsl(r2, r1, 16)         # 1
    add(r1, r1, r2)         # 1
    mov(r10, r1)            # 1
    ldr(r1, [r0, 80])       # 2  gap
    mov(r12, r1)            # 1
    ldr(r7, [r0, 0])        # 2  table
    bl(NEXT_GROUP)          # 3
    label(GROUP_DONE)  # 33 cycles a group besides the products
    data(2, 0x9F01)         # 2  ldr r7,[sp,#4]  ** entry
    mov(r1, r8)             # 1
    lsl(r2, r4, 16)         # 1
    sub(r1, r1, r2)         # 1  sum 0 = X - (Y << 16)
    mov(r2, r4)             # 1
    mov(r3, r9)             # 1
    lsl(r4, r5, 16)         # 1
    sub(r3, r3, r4)         # 1  sum 0 = X - (Y << 16)
    data(2, 0xC72E)         # 5  stm r7!,{r1,r2,r3,r5}  ** pixels 0 to 3
    label(NEXT_GROUP)
    data(2, 0xCF01)         # 2  ldm r7!,{r0}  ** packed inputs
    cmp(r0, 0)              # 1
    beq(PATCHED_END)        # 2
    data(2, 0x9701)         # 2  str r7,[sp,#4]  ** entry
    mov(r8, r10)            # 1
    mov(r9, r10)            # 1
    mov(r4, r11)            # 1
    mov(r5, r11)            # 1
    mov(r1, 0)              # 1  w
    data(2, 0x9F02)         # 2  ldr r7,[sp,#8]  ** start
    data(2, 0x46BF)         # 2  mov pc,r7
    label(PATCHED_END)
    b(REQUANTIZE)           # 2
    label(LESS0)
    neg(r3, r3)             # 1
    data(2, 0x4443)         # 1  add r3,r8  ** sub r1,#difference
    b(STORE0)               # 2
    label(LESS1)
    neg(r3, r3)             # 1
    data(2, 0x4443)         # 1  add r3,r8  ** sub r1,#difference
    b(STORE1)               # 2
    label(LESS2)
    neg(r3, r3)             # 1
    data(2, 0x4443)         # 1  add r3,r8  ** sub r1,#difference
    b(STORE2)               # 2
    label(LESS3)
    neg(r3, r3)             # 1
    data(2, 0x4443)         # 1  add r3,r8  ** sub r1,#difference
    b(STORE3)               # 2
    label(CHANNEL_DONE)
    data(2, 0x9800)         # 2  ldr r0,[sp,#0]  ** state
    ldr(r1, [r0, 64])       # 2  channel
    add(r1, 12)             # 1
    str(r1, [r0, 64])       # 2  channel
    ldr(r1, [r0, 68])       # 2  fast
    add(r1, 16)             # 1
    str(r1, [r0, 68])       # 2  fast
    ldr(r1, [r0, 4])        # 2  channels
    sub(r1, 1)              # 1
    str(r1, [r0, 4])        # 2  channels
    beq(END)                # 2
    ldr(r1, [r0, 84])       # 2  start
    cmp(r1, 0)              # 1
    blt(PATCH_AGAIN)        # 2
    b(CHANNEL)              # 2
    label(PATCH_AGAIN)
    b(PATCH_CHANNEL)        # 2
    label(EXACT)
    ldr(r5, [r0, 8])        # 2  y zero point
    mov(r9, r5)             # 1
    ldr(r5, [r0, 64])       # 2  channel
    ldr(r1, [r0, 40])       # 2  unpacked
    cmp(r1, 0)              # 1
    beq(LONG)               # 2
    ldr(r5, [r0, 68])       # 2  the packed table holds what the short one has not
    label(LONG)
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
    add(r4, 8)              # 1
    data(2, 0x9406)         # 2  str r4,[sp,#24]  ** lane
    data(2, 0x9807)         # 2  ldr r0,[sp,#28]  ** acc
    mov(r12, r0)            # 1
    mov(r4, 20)             # 1
    mul(r4, r5)             # 1
    add(r4, r4, r0)         # 1
    data(2, 0x9408)         # 2  str r4,[sp,#32]  ** end
    add(r0, 4)              # 1
    data(2, 0x9007)         # 2  str r0,[sp,#28]  ** acc
    b(NEXT_EXACT)           # 2
    label(OUTPUT)  # eq. (2), (3), modulo 2^32
    ldr(r4, [r0, 0])        # 2  acc
    add(r0, 20)             # 1
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
    data(2, 0x9D00)         # 2  ldr r5,[sp,#0]  ** state
    sub(r4, r4, r5)         # 1
    cmp(r4, 136)            # 1
    bne(LANE_EXACT)         # 2
    b(CHANNEL_DONE)         # 2
    label(END)
    data(2, 0xB00A)         # 1  add sp,#40
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
_VARIANT_FORM = const(29)
_PACKED_OFFSET = const(30)
_TILE = const(31)
_Y_STEP = const(32)
_PIECE_COUNT = const(33)
_WEIGHTS_FORMAT = const(34)
_SCRATCH_OFFSET = const(7)
_S_TABLE = const(0)
_S_ENTRIES = const(1)
_S_IMAGE_ROWS = const(1)
_S_CHANNELS = const(1)
_S_TO = const(2)
_S_Y_ZERO_POINT = const(2)
_S_LEFT = const(3)
_S_RUN = const(4)
_S_RUNS = const(5)
_S_BOTTOM = const(5)
_S_RUN_STEP = const(6)
_S_ROWS = const(7)
_S_TOP = const(7)
_S_ROW_STEP = const(8)
_S_SKIP = const(8)
_S_RIGHT = const(9)
_S_PADDING = const(10)
_S_UNPACKED = const(10)
_S_ENTRY_BYTES = const(11)
_S_WEIGHTS = const(12)
_S_WIDE = const(13)
_S_WIDE_END = const(14)
_S_COUNT = const(15)
_S_CHANNEL = const(16)
_S_FAST = const(17)
_S_RELU = const(18)
_S_RUN_BYTES = const(19)
_S_GAP = const(20)
_S_START = const(21)
_S_Y_STEP = const(22)
_S_CLAMP_MIN = const(23)
_S_CLAMP_MAX = const(24)
_S_FLIP = const(25)
_S_LANES = const(26)
_S_BYTES = const(136)


@micropython.viper
def conv_2d(x: ptr8, y_: ptr8, w: ptr8):
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
    dilation_w = rec[_DILATION_W]
    zero = rec[_X_ZERO_POINT]
    planes = rec[_VARIANT_FORM] & 1
    batch = rec[_BATCHES]
    if rec[_VARIANT_FORM] & 2:
        in_w *= in_h * batch
        out_w = in_w
        in_h = 1
        out_h = 1
        batch = 1
    tile_h = rec[_TILE] >> 16
    tile_w = rec[_TILE] & 0xFFFF
    reach_h = (rec[_KERNEL_H] - 1) * rec[_DILATION_H] + 1
    reach_w = (rec[_KERNEL_W] - 1) * dilation_w + 1
    size = (rec[_KERNEL_H] * rec[_KERNEL_W] * in_c + 3) & ~3
    lanes_h = tile_h
    groups = (tile_h * tile_w + 3) >> 2
    plane_h = (tile_h - 1) * stride_h + reach_h
    plane_w = (tile_w - 1) * stride_w + reach_w
    entries = groups
    if planes:
        lanes_h = tile_h * 4
        groups = tile_h * tile_w
        entries = groups
        if plane_h > entries:
            entries = plane_h
    table = arena + rec[_SCRATCH_OFFSET] + _S_BYTES
    wide = table + 20 * (entries + 1)
    border = wide + 4 * size
    s[_S_GAP] = 0
    if rec[_VARIANT_FORM] & 4:
        border += 4 * size
        s[_S_GAP] = 0 - 8 * size
    n = 1
    if planes:
        n = rec[_KERNEL_H]
    if rec[_VARIANT_FORM] & 8:
        border = wide + 15 * size + 4 * n
    unpacked = 0
    if rec[_WEIGHTS_FORMAT]:
        unpacked = border
        border += (size + 7) & ~7
    n = border
    padded = 1
    if planes:
        n += plane_w * in_c
    elif (
        rec[_PAD_TOP] | rec[_PAD_LEFT] == 0
        and (out_h - 1) * stride_h + reach_h <= in_h
        and (out_w - 1) * stride_w + reach_w <= in_w
    ):
        padded = 0
    else:
        n += plane_h * plane_w * in_c
    columns = (n + 7) & ~7
    s[_S_TABLE] = table
    s[_S_WIDE] = wide
    s[_S_WIDE_END] = wide + 4 * size
    s[_S_COUNT] = size
    s[_S_RELU] = 0
    if rec[_CLAMP_MIN] == rec[_Y_ZERO_POINT]:
        s[_S_RELU] = 1
    s[_S_RUN_BYTES] = 4 * size
    n = 0 - size
    if planes:
        n = rec[_KERNEL_W] * in_c
        s[_S_RUN_BYTES] = 4 * n
        s[_S_GAP] = (rec[_DILATION_H] * plane_w * in_c - n) * 8
        n = 0 - n
    s[_S_START] = ((n >> 2) & 3) * 60
    s[_S_Y_STEP] = out_c
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    if rec[_VARIANT_FORM] & 8 and ptr32(_patches)[0]:
        s[_S_START] = -1
        build(s)
    n = 0x8080
    s[_S_FLIP] = (n << 16) + n
    if planes:
        x = ptr8(border)
        n = plane_w * in_c
        while n > 0:
            n -= 1
            x[n] = zero
    # A later piece of an op that one tile covers finds its inputs packed already.
    fresh = 1
    if rec[_PIECE_COUNT] > 0 and batch == 1 and tile_w >= out_w and lanes_h >= out_h:
        fresh = 0
    image = arena + rec[_X_OFFSET]
    y = arena + rec[_Y_OFFSET]
    while batch > 0:
        batch -= 1
        oy = 0
        while oy < out_h:
            iy = oy * stride_h - rec[_PAD_TOP]
            ox = 0
            while ox < out_w:
                ix = ox * stride_w - rec[_PAD_LEFT]
                tw = tile_w
                if ox + tw > out_w:
                    tw = out_w - ox
                step_w = (tw - 1) * stride_w + reach_w
                left = 0
                if ix < 0:
                    left = 0 - ix
                if left > step_w:
                    left = step_w
                middle = in_w - ix - left
                if middle > step_w - left:
                    middle = step_w - left
                if middle < 0:
                    middle = 0
                at = ptr32(table)
                if planes:
                    if tile_h == 1:
                        groups = tw
                    n = 0
                    while n < plane_h:
                        k = 0
                        while k < 4:
                            r = iy + k * tile_h * stride_h + n
                            k += 1
                            at[k] = border
                            if r >= 0 and r < in_h:
                                at[k] = image + (r * in_w + ix + left) * in_c
                        n += 1
                        at = ptr32(int(at) + 20)
                    s[_S_ENTRIES] = plane_h
                    s[_S_LEFT] = left * in_c
                    s[_S_RUN] = middle * in_c
                    s[_S_RUNS] = 1
                    s[_S_RUN_STEP] = 0
                    s[_S_ROWS] = 1
                    s[_S_RIGHT] = (plane_w - left - middle) * in_c
                    s[_S_ENTRY_BYTES] = plane_w * in_c * 8
                else:
                    th = tile_h
                    if oy + th > out_h:
                        th = out_h - oy
                    count = th * tw
                    groups = (count + 3) >> 2
                    base = image + (iy * in_w + ix) * in_c
                    row = in_w * in_c
                    if padded:
                        base = border
                        row = step_w * in_c
                        step_h = (th - 1) * stride_h + reach_h
                        top = 0
                        if iy < 0:
                            top = 0 - iy
                        if top > step_h:
                            top = step_h
                        n = in_h - iy - top
                        if n > step_h - top:
                            n = step_h - top
                        if n < 0:
                            n = 0
                        k = 0
                        if middle == 0:
                            top = step_h
                            n = 0
                        s[_S_IMAGE_ROWS] = n
                        s[_S_LEFT] = left * in_c
                        s[_S_RUN] = middle * in_c
                        s[_S_BOTTOM] = (step_h - top - n) * row
                        s[_S_TOP] = top * row
                        s[_S_SKIP] = (in_w - middle) * in_c
                        s[_S_RIGHT] = (step_w - left - middle) * in_c
                        s[_S_PADDING] = zero
                        if fresh:
                            band(border, image + ((iy + top) * in_w + ix + left) * in_c, s)
                    n = 0
                    k = 0
                    r = 0
                    to = table + 4
                    while k < 4:
                        at = ptr32(to + 4 * k)
                        k += 1
                        c = groups
                        while c > 0:
                            c -= 1
                            at[0] = base
                            if r < th:
                                at[0] = base + r * stride_h * row + n * stride_w * in_c
                            at = ptr32(int(at) + 20)
                            n += 1
                            if n == tw:
                                n = 0
                                r += 1
                    s[_S_ENTRIES] = groups
                    s[_S_LEFT] = 0
                    s[_S_RUN] = in_c
                    s[_S_RUNS] = rec[_KERNEL_W]
                    if dilation_w == 1:
                        s[_S_RUN] = in_c * rec[_KERNEL_W]
                        s[_S_RUNS] = 1
                    s[_S_RUN_STEP] = dilation_w * in_c
                    s[_S_ROWS] = rec[_KERNEL_H]
                    s[_S_ROW_STEP] = rec[_DILATION_H] * row
                    s[_S_RIGHT] = 0
                    s[_S_ENTRY_BYTES] = size * 8
                s[_S_TO] = columns
                s[_S_PADDING] = zero * 0x10001
                if fresh:
                    pack(s)
                at = ptr32(table)
                n = 0
                if planes:
                    r = 0
                    k = 0
                    while n < groups:
                        at[0] = columns + (r * stride_h * plane_w + k * stride_w) * in_c * 8
                        at = ptr32(int(at) + 20)
                        n += 1
                        k += 1
                        if k == tw:
                            k = 0
                            r += 1
                else:
                    while n < groups:
                        at[0] = columns + n * size * 8
                        at = ptr32(int(at) + 20)
                        n += 1
                at[0] = 0
                lanes = ptr32(int(s) + 4 * _S_LANES)
                k = 0
                to = y + (oy * out_w + ox) * out_c
                while k < 4:
                    if planes:
                        n = out_h - oy - k * tile_h
                        if n > tile_h:
                            n = tile_h
                        n *= tw
                    else:
                        n = count - k * groups
                        if n > groups:
                            n = groups
                    if n < 0:
                        n = 0
                    lanes[0] = n
                    lanes[1] = to
                    if planes:
                        to += tile_h * out_w * out_c
                    else:
                        to += groups * out_c
                    lanes = ptr32(int(lanes) + 8)
                    k += 1
                s[_S_CHANNELS] = rec[_OUT_C]
                s[_S_Y_ZERO_POINT] = rec[_Y_ZERO_POINT]
                s[_S_UNPACKED] = unpacked
                s[_S_WEIGHTS] = constants + rec[_WEIGHTS_OFFSET]
                s[_S_CHANNEL] = constants + rec[_CHANNELS_OFFSET]
                s[_S_FAST] = constants + rec[_PACKED_OFFSET]
                convolve(s)
                ox += tile_w
            oy += lanes_h
        image += in_h * in_w * in_c
        y += out_h * out_w * out_c


kernels = {1: conv_2d}
