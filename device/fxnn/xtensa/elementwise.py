"""add, lut and copy for the ESP32's Xtensa LX6 and LX7: rows of neighbours in assembler. See ref for the meaning.

Written by host_tools/assembler/xtensa: edit that.

xtensa/conv.py has how assembler is called, here with the numbers themselves, addresses below 2^30, and the requantizer.
"""

import micropython


@micropython.asm_xtensa
def add_row(a2, a3, a4, a5):
    """
    y = requantize(table1[x1] + table2[x2]) for n neighbours: FORMAT.md pairwise, eq. (2), (3); reference: ref.add.
    In   a5 args: record, x1, x2, y, table1, table2    left_shift 0, right_shift e of 1 to 21, |table entry| < 2^28
    Uses a2 record, x2's entry | a3 x1 | a4 x2 | a5 y | a6 table1 | a7 table2 | a8 multiplier | a9 constant
         a10 sum, q, y | a11 entry, sign | a12 clamp_min | a13 clamp_max | a14 n    SAR e + 1
    Cost 19 per output, 40
    """
    l32i(a2, a5, 0)                         # 1
    l32i(a3, a5, 4)                         # 1
    l32i(a4, a5, 8)                         # 1
    l32i(a6, a5, 16)                        # 1
    l32i(a7, a5, 20)                        # 1
    l32i(a5, a5, 12)                        # 1
    srai(a2, a2, 1)                         # 1
    srai(a3, a3, 1)                         # 1
    srai(a4, a4, 1)                         # 1
    srai(a5, a5, 1)                         # 1
    srai(a6, a6, 1)                         # 1
    srai(a7, a7, 1)                         # 1
    l32i(a8, a2, 80)                        # 1  multiplier
    l32i(a10, a2, 88)                       # 2  right_shift
    l32i(a9, a2, 96)                        # 1  y_zero_point
    ssl(a10)                                # 1
    add(a9, a9, a9)                         # 1
    addi(a9, a9, 1)                         # 1
    sll(a9, a9)                             # 1  (2 y_zero_point + 1) * 2^e
    addi(a9, a9, 1)                         # 1
    addi(a10, a10, 1)                       # 1
    ssr(a10)                                # 1
    l32i(a12, a2, 100)                      # 1  clamp_min
    l32i(a13, a2, 104)                      # 1  clamp_max
    l32i(a14, a2, 44)                       # 3  dims3
    loopnez(a14, OUTPUT)                    # 1
    l8ui(a10, a3, 0)                        # 1
    l8ui(a11, a4, 0)                        # 1
    addi(a3, a3, 1)                         # 1
    addx4(a10, a10, a6)                     # 1
    addx4(a11, a11, a7)                     # 1
    l32i(a10, a10, 0)                       # 1
    l32i(a11, a11, 0)                       # 2
    addi(a4, a4, 1)                         # 1
    add(a10, a10, a11)                      # 1
    slli(a10, a10, 2)                       # 1  4 * sum
    mulsh(a10, a10, a8)                     # 2  q, Q1
    srai(a11, a10, 31)                      # 1
    addx2(a10, a11, a10)                    # 1
    add(a10, a10, a9)                       # 1
    sra(a10, a10)                           # 1
    max(a10, a10, a12)                      # 1
    min(a10, a10, a13)                      # 1
    s8i(a10, a5, 0)                         # 1
    addi(a5, a5, 1)                         # 1
    label(OUTPUT)
    movi(a2, 1)                             # 1


@micropython.asm_xtensa
def look_up(a2, a3, a4, a5):
    """
    y[i] = table[x[i]] for n bytes; y may lie over x, from its start on: reference: ref.lut.
    In   a5 args: x, y, table, n
    Uses a2 x | a3 y | a4 table | a5 args, n / 4 | a6 n | a7 to a10 bytes
    Cost 4.5 per byte, 20
    """
    l32i(a2, a5, 0)                         # 1
    l32i(a3, a5, 4)                         # 1
    l32i(a4, a5, 8)                         # 1
    l32i(a6, a5, 12)                        # 1
    srai(a2, a2, 1)                         # 1
    srai(a3, a3, 1)                         # 1
    srai(a4, a4, 1)                         # 1
    srai(a6, a6, 1)                         # 1
    srli(a5, a6, 2)                         # 1
    loopnez(a5, FOUR)                       # 1
    l8ui(a7, a2, 0)                         # 1
    l8ui(a8, a2, 1)                         # 1
    l8ui(a9, a2, 2)                         # 1
    l8ui(a10, a2, 3)                        # 1
    add(a7, a7, a4)                         # 1
    add(a8, a8, a4)                         # 1
    add(a9, a9, a4)                         # 1
    add(a10, a10, a4)                       # 1
    l8ui(a7, a7, 0)                         # 1
    l8ui(a8, a8, 0)                         # 1
    l8ui(a9, a9, 0)                         # 1
    l8ui(a10, a10, 0)                       # 1
    s8i(a7, a3, 0)                          # 1
    s8i(a8, a3, 1)                          # 1
    s8i(a9, a3, 2)                          # 1
    s8i(a10, a3, 3)                         # 1
    addi(a2, a2, 4)                         # 1
    addi(a3, a3, 4)                         # 1
    label(FOUR)
    extui(a6, a6, 0, 2)                     # 1
    loopnez(a6, ONE)                        # 1
    l8ui(a7, a2, 0)                         # 2
    addi(a2, a2, 1)                         # 1
    add(a7, a7, a4)                         # 1
    l8ui(a7, a7, 0)                         # 3
    s8i(a7, a3, 0)                          # 1
    addi(a3, a3, 1)                         # 1
    label(ONE)
    movi(a2, 1)                             # 1


@micropython.asm_xtensa
def move(a2, a3, a4, a5):
    """
    y[i * y_step] = x[i * x_step] for n bytes, rising: reference: ref.copy. Words where steps are 1 and addresses allow.
    In   a5 args: x, y, n, x_step, y_step
    Uses a2 x | a3 y | a4 n, n & 3 | a5 args, y_step | a6 x_step | a7 byte, word | a8 n / 4
    Cost 4 per byte or word, 20
    """
    l32i(a2, a5, 0)                         # 1
    l32i(a3, a5, 4)                         # 1
    l32i(a4, a5, 8)                         # 1
    l32i(a6, a5, 12)                        # 1
    l32i(a5, a5, 16)                        # 1
    srai(a2, a2, 1)                         # 1
    srai(a3, a3, 1)                         # 1
    srai(a4, a4, 1)                         # 1
    srai(a6, a6, 1)                         # 1
    srai(a5, a5, 1)                         # 1
    addi(a7, a6, -1)                        # 1
    addi(a8, a5, -1)                        # 1
    or_(a7, a7, a8)                         # 1
    bnez(a7, BYTES)                         # 1-4
    or_(a8, a2, a3)                         # 1
    extui(a8, a8, 0, 2)                     # 1
    bnez(a8, BYTES)                         # 1-4
    srli(a8, a4, 2)                         # 1
    extui(a4, a4, 0, 2)                     # 1
    loopnez(a8, WORD)                       # 1
    l32i(a7, a2, 0)                         # 2
    addi(a2, a2, 4)                         # 1
    s32i(a7, a3, 0)                         # 1
    addi(a3, a3, 4)                         # 1
    label(WORD)
    label(BYTES)
    loopnez(a4, BYTE)                       # 1
    l8ui(a7, a2, 0)                         # 2
    add(a2, a2, a6)                         # 1
    s8i(a7, a3, 0)                          # 1
    add(a3, a3, a5)                         # 1
    label(BYTE)
    movi(a2, 1)                             # 1


_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_FLAGS = const(23)
_TABLE1_OFFSET = const(27)
_TABLE2_OFFSET = const(28)
_DIMS0 = const(8)
_DIMS1 = const(9)
_DIMS2 = const(10)
_DIMS3 = const(11)
_X1_STRIDES0 = const(12)
_X1_STRIDES1 = const(13)
_X1_STRIDES2 = const(14)
_X2_STRIDES0 = const(16)
_X2_STRIDES1 = const(17)
_X2_STRIDES2 = const(18)
_FILL_BYTES = const(20)
_FILL_VALUE = const(21)
_START = const(22)
_X_STRIDES0 = const(12)
_X_STRIDES1 = const(13)
_X_STRIDES2 = const(14)
_X_STRIDES3 = const(15)
_Y_STRIDES0 = const(16)
_Y_STRIDES1 = const(17)
_Y_STRIDES2 = const(18)
_Y_STRIDES3 = const(19)
_COUNT = const(8)
_TABLE_OFFSET = const(9)


@micropython.viper
def add(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.add. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    y = arena + rec[_Y_OFFSET]
    at1 = arena
    if rec[_FLAGS] & 1:
        at1 = constants
    at1 += rec[_X_OFFSET]
    at2 = arena
    if rec[_FLAGS] & 2:
        at2 = constants
    at2 += rec[_X2_OFFSET]
    i0 = 0
    while i0 < rec[_DIMS0]:
        i1 = 0
        while i1 < rec[_DIMS1]:
            i2 = 0
            while i2 < rec[_DIMS2]:
                x1 = at1 + i0 * rec[_X1_STRIDES0] + i1 * rec[_X1_STRIDES1] + i2 * rec[_X1_STRIDES2]
                x2 = at2 + i0 * rec[_X2_STRIDES0] + i1 * rec[_X2_STRIDES1] + i2 * rec[_X2_STRIDES2]
                add_row(int(rec), x1, x2, y, constants + rec[_TABLE1_OFFSET], constants + rec[_TABLE2_OFFSET])
                y += rec[_DIMS3]
                i2 += 1
            i1 += 1
        i0 += 1


@micropython.viper
def box(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.copy. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    at = arena
    if rec[_FLAGS] & 1:
        at = int(w)
    at += rec[_X_OFFSET]
    y = arena + rec[_Y_OFFSET]
    if rec[_FILL_BYTES]:
        move(int(rec) + 4 * _FILL_VALUE, y, rec[_FILL_BYTES], 0, 1)
    y += rec[_START]
    i0 = 0
    while i0 < rec[_DIMS0]:
        i1 = 0
        while i1 < rec[_DIMS1]:
            i2 = 0
            while i2 < rec[_DIMS2]:
                x1 = at + i0 * rec[_X_STRIDES0] + i1 * rec[_X_STRIDES1] + i2 * rec[_X_STRIDES2]
                move(
                    x1,
                    y + i0 * rec[_Y_STRIDES0] + i1 * rec[_Y_STRIDES1] + i2 * rec[_Y_STRIDES2],
                    rec[_DIMS3],
                    rec[_X_STRIDES3],
                    rec[_Y_STRIDES3],
                )
                i2 += 1
            i1 += 1
        i0 += 1


@micropython.viper
def lut(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.lut. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(acc)
    look_up(arena + rec[_X_OFFSET], arena + rec[_Y_OFFSET], int(w) + rec[_TABLE_OFFSET], rec[_COUNT])


kernels = {7: add, 9: box, 11: lut}
