"""Addition in Thumb, for operands without broadcast in the last dimension. See ref/elementwise.py."""

import micropython
from array import array

_state = array("i", bytes(36))
# The state of add_row, byte offsets:
#    0 multiplier
#    4 rounding: 2^(right_shift - 1) + (y_zero_point << right_shift)
#    8 right_shift
#   12 y
#   16 table1: of x1
#   20 table2: of x2
#   24 clamp_min
#   28 clamp_max
#   32 x1_end: end of x1

# Written by host_tools/assembler/thumb: edit that.


@micropython.asm_thumb
def add_row(r0, r1, r2):
    """
    y[i] = eq. (3) of table1[x1[i]] + table2[x2[i]]; reference: ref.add.
    In   r0 *x1 | r1 *x2 | r2 *state    Uses r2, r4-r6 temporary | r3, r7 tables | r8, r9 halves of the multiplier
         r10 2^14 | r11 rounding and zero point | r12 y | lr right_shift    Stack 32: clamps, end
    Bounds |acc| < 2^29 (FORMAT.md: operands times 2^20, each below 2^28), so the middle products fit 32 bits.
    Cost 55 cycles an element (counted).
    """
    mov(r4, r8)             # 1
    mov(r5, r9)             # 1
    mov(r6, r10)            # 1
    mov(r7, r11)            # 1
    push({r4, r5, r6, r7})  # 5
    data(2, 0xB084)         # 1  sub sp,#16
    ldr(r4, [r2, 32])       # 2  x1 end
    data(2, 0x9402)         # 2  str r4,[sp,#8]  ** x1 end
    ldr(r4, [r2, 24])       # 2  clamp min
    data(2, 0x9400)         # 2  str r4,[sp,#0]  ** clamp min
    ldr(r4, [r2, 28])       # 2  clamp max
    data(2, 0x9401)         # 2  str r4,[sp,#4]  ** clamp max
    ldr(r4, [r2, 0])        # 2  multiplier
    data(2, 0xB2A5)         # 1  uxth r5,r4
    mov(r8, r5)             # 1  low half of the multiplier
    lsr(r4, r4, 16)         # 1
    mov(r9, r4)             # 1  high half
    mov(r4, 1)              # 1
    lsl(r4, r4, 14)         # 1  2^14
    mov(r10, r4)            # 1
    ldr(r4, [r2, 4])        # 2  rounding
    mov(r11, r4)            # 1
    ldr(r4, [r2, 8])        # 2  right shift
    mov(lr, r4)             # 1
    ldr(r4, [r2, 12])       # 2  y
    mov(r12, r4)            # 1
    ldr(r3, [r2, 16])       # 2  table1
    ldr(r7, [r2, 20])       # 2  table2
    label(NEXT)
    ldrb(r4, [r0, 0])       # 2
    add(r0, 1)              # 1
    lsl(r4, r4, 2)          # 1
    data(2, 0x591C)         # 2  ldr r4,[r3,r4]  ** Q20, on the common scale
    ldrb(r5, [r1, 0])       # 2
    add(r1, 1)              # 1
    lsl(r5, r5, 2)          # 1
    data(2, 0x597D)         # 2  ldr r5,[r7,r5]  ** Q20, on the common scale
    add(r4, r4, r5)         # 1  acc, below 2^29
    data(2, 0xB225)         # 1  sxth r5,r4  ** acc = r4 * 2^16 + r5, both with their signs
    sub(r4, r4, r5)         # 1
    asr(r4, r4, 16)         # 1
    mov(r6, r8)             # 1
    mul(r6, r5)             # 1  low * m_low
    asr(r6, r6, 16)         # 1  units of 2^16 from here
    mov(r2, r9)             # 1
    mul(r5, r2)             # 1  low * m_high
    add(r6, r6, r5)         # 1
    mul(r2, r4)             # 1  high * m_high, units of 2^32
    mov(r5, r8)             # 1
    mul(r5, r4)             # 1  high * m_low
    add(r6, r6, r5)         # 1
    data(2, 0x4456)         # 1  add r6,r10  ** 2^30: eq. (2) rounds
    asr(r6, r6, 15)         # 1
    lsl(r2, r2, 1)          # 1  units of 2^31
    add(r2, r2, r6)         # 1  high_mul
    asr(r4, r2, 31)         # 1  -1 where it is negative: half away from zero
    add(r2, r2, r4)         # 1
    data(2, 0x445A)         # 1  add r2,r11
    mov(r4, lr)             # 1
    asr(r2, r4)             # 1
    data(2, 0x9C00)         # 2  ldr r4,[sp,#0]  ** clamp min
    cmp(r2, r4)             # 1
    bge(ABOVE)              # 2
    mov(r2, r4)             # 1
    label(ABOVE)
    data(2, 0x9C01)         # 2  ldr r4,[sp,#4]  ** clamp max
    cmp(r2, r4)             # 1
    ble(BELOW)              # 2
    mov(r2, r4)             # 1
    label(BELOW)
    mov(r4, r12)            # 1
    strb(r2, [r4, 0])       # 2
    add(r4, 1)              # 1
    mov(r12, r4)            # 1
    data(2, 0x9C02)         # 2  ldr r4,[sp,#8]  ** x1 end
    cmp(r0, r4)             # 1
    bne(NEXT)               # 2
    data(2, 0xB004)         # 1  add sp,#16
    mov(r0, 0)              # 1
    pop({r1, r2, r3, r4})   # 5
    mov(r8, r1)             # 1
    mov(r9, r2)             # 1
    mov(r10, r3)            # 1
    mov(r11, r4)            # 1


_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_DIMS = const(8)
_X1_STRIDES = const(12)
_X2_STRIDES = const(16)
_MULTIPLIER = const(20)
_RIGHT_SHIFT = const(22)
_FLAGS = const(23)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_TABLE1_OFFSET = const(27)
_TABLE2_OFFSET = const(28)
_S_MULTIPLIER = const(0)
_S_ROUNDING = const(1)
_S_RIGHT_SHIFT = const(2)
_S_Y = const(3)
_S_TABLE1 = const(4)
_S_TABLE2 = const(5)
_S_CLAMP_MIN = const(6)
_S_CLAMP_MAX = const(7)
_S_X1_END = const(8)


@micropython.viper
def add(x: ptr8, y: ptr8, w: ptr8):
    rec = ptr32(x)
    arena = int(y)
    constants = int(w)
    s = ptr32(_state)
    at1 = arena
    if rec[_FLAGS] & 1:
        at1 = constants
    at1 += rec[_X_OFFSET]
    at2 = arena
    if rec[_FLAGS] & 2:
        at2 = constants
    at2 += rec[_X2_OFFSET]
    to = arena + rec[_Y_OFFSET]
    n = rec[_DIMS + 3]
    right = rec[_RIGHT_SHIFT]
    s[_S_MULTIPLIER] = rec[_MULTIPLIER]
    s[_S_ROUNDING] = (1 << (right - 1)) + (rec[_Y_ZERO_POINT] << right)
    s[_S_RIGHT_SHIFT] = right
    s[_S_TABLE1] = constants + rec[_TABLE1_OFFSET]
    s[_S_TABLE2] = constants + rec[_TABLE2_OFFSET]
    s[_S_CLAMP_MIN] = rec[_CLAMP_MIN]
    s[_S_CLAMP_MAX] = rec[_CLAMP_MAX]
    i0 = 0
    while i0 < rec[_DIMS]:
        i1 = 0
        while i1 < rec[_DIMS + 1]:
            i2 = 0
            while i2 < rec[_DIMS + 2]:
                p1 = at1 + i0 * rec[_X1_STRIDES] + i1 * rec[_X1_STRIDES + 1] + i2 * rec[_X1_STRIDES + 2]
                s[_S_Y] = to
                s[_S_X1_END] = p1 + n
                add_row(p1, at2 + i0 * rec[_X2_STRIDES] + i1 * rec[_X2_STRIDES + 1] + i2 * rec[_X2_STRIDES + 2], s)
                to += n
                i2 += 1
            i1 += 1
        i0 += 1


kernels = {7: add}
