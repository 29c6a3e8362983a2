"""conv_2d in RV32IMC assembler: two channels per multiplication.

Written by host_tools/assembler/rv32: edit that. Assembler for RV32IMC (ESP32-C3, RP2350's Hazard3): rv32.
"""

import micropython


@micropython.asm_rv32
def conv_2d(a0, a1, a2):
    """
    y = requantize(bias + sum((x - x_zero_point) * w)): FORMAT.md eq. (2), (3); reference: ref.conv_2d.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses products: ra t0 t1 t2 s0 s1 a0-a5 X, Y of two pairs of channels, three pixels | a6 a7 s2-s7 four lane words of
         each pair | s8 s9 x | s10 s11 t3 temporaries | t4 stream | t5 column | t6 C
         elsewhere: as each part says
    Stack 192
    Numbers x, w Q0 int8; lane word w0 + w1 * 2^16; T = sum of 4 products + C, C = 0x7F00 - 2^24: low lane + 0x7F00 in
         [0, 2^16), high lane - 256 in [-2^15, 2^15) for the windows of the first list (packed table: the host proves
         it); those of the second run as two of 2, which always fit. X += T; Y += T >> 16; low sum = X - (Y << 16).
         requantize: q = (acc << pre) * multiplier >> 32, Q0 with e + 1 more bits;
         y = (q + (q >> 31 & fix) + c) >> shift
    Cost 1.87 instructions per product, 2.25 in the second list; 11 per requantized output; a line's number: cycles if
         loads take 1 and 1 more where the next line needs them, taken branches 2 (counted, not measured)
    """
    # A viper function gets (self, 3, 0, objects), an assembler one three addresses; no arena lies at 3.
    li(t3, 3)                         # 1
    bne(a1, t3, CALLED)               # 1-2
    li(t3, 1)                         # 1
    lw(t0, 0(a3))                     # 2  argument 0: a bytearray (type code 1) or a memoryview
    lw(a0, 12(t0))                    # 1  items
    lbu(t1, 4(t0))                    # 2
    beq(t1, t3, BYTES0)               # 1-2
    lw(t1, 4(t0))                     # 2  its offset: the upper 24 bits
    srli(t1, t1, 8)                   # 1
    c_add(a0, t1)                     # 1
    label(BYTES0)
    lw(t0, 4(a3))                     # 2  argument 1: a bytearray (type code 1) or a memoryview
    lw(a1, 12(t0))                    # 1  items
    lbu(t1, 4(t0))                    # 2
    beq(t1, t3, BYTES1)               # 1-2
    lw(t1, 4(t0))                     # 2  its offset: the upper 24 bits
    srli(t1, t1, 8)                   # 1
    c_add(a1, t1)                     # 1
    label(BYTES1)
    lw(t0, 8(a3))                     # 2  argument 2: a bytearray (type code 1) or a memoryview
    lw(a2, 12(t0))                    # 1  items
    lbu(t1, 4(t0))                    # 2
    beq(t1, t3, BYTES2)               # 1-2
    lw(t1, 4(t0))                     # 2  its offset: the upper 24 bits
    srli(t1, t1, 8)                   # 1
    c_add(a2, t1)                     # 1
    label(BYTES2)
    label(CALLED)
    addi(sp, sp, -192)                # 1
    sw(ra, 132(sp))                   # 1
    sw(s0, 136(sp))                   # 1
    sw(s1, 140(sp))                   # 1
    sw(s2, 144(sp))                   # 1
    sw(s3, 148(sp))                   # 1
    sw(s4, 152(sp))                   # 1
    sw(s5, 156(sp))                   # 1
    sw(s6, 160(sp))                   # 1
    sw(s7, 164(sp))                   # 1
    sw(s8, 168(sp))                   # 1
    sw(s9, 172(sp))                   # 1
    sw(s10, 176(sp))                  # 1
    sw(s11, 180(sp))                  # 1
    # Addresses and sizes.
    c_swsp(a0, 0)                     # 1
    c_swsp(a2, 12)                    # 1
    lw(t0, 20(a0))                    # 2
    c_add(t0, a1)                     # 1
    c_swsp(t0, 4)                     # 1
    lw(t0, 24(a0))                    # 2
    c_add(t0, a1)                     # 1
    c_swsp(t0, 8)                     # 1
    lw(t0, 28(a0))                    # 2
    c_add(t0, a1)                     # 1
    c_swsp(t0, 16)                    # 1
    lw(t1, 44(a0))                    # 1  products per channel, to a multiple of 4
    lw(t2, 60(a0))                    # 2
    mul(t1, t1, t2)                   # 1
    lw(t2, 64(a0))                    # 2
    mul(t1, t1, t2)                   # 1
    c_addi(t1, 3)                     # 1
    srli(t2, t1, 2)                   # 1
    slli(t1, t2, 2)                   # 1
    c_swsp(t1, 56)                    # 1
    addi(t3, t2, 31)                  # 1  a group record: 84 bytes and a bit per window
    srli(t3, t3, 5)                   # 1
    c_slli(t3, 2)                     # 1
    addi(t3, t3, 84)                  # 1
    c_swsp(t3, 60)                    # 1
    slli(t3, t1, 1)                   # 1  three pixels' columns
    c_add(t3, t1)                     # 1
    c_swsp(t3, 64)                    # 1
    lw(t4, 124(a0))                   # 2
    addi(t5, t4, 2)                   # 1  columns of a tile: ceil(tile / 3) times that
    li(t6, 3)                         # 1
    divu(t5, t5, t6)                  # 1
    mul(t5, t5, t3)                   # 1
    c_add(t0, t5)                     # 1
    c_swsp(t0, 20)                    # 1
    lw(t5, 116(a0))                   # 2  groups per block
    c_swsp(t5, 48)                    # 1
    c_addi(t2, 1)                     # 1  a group's stream: 8 bytes, 36 per window and one more
    li(t6, 36)                        # 1
    mul(t2, t2, t6)                   # 1
    c_addi(t2, 8)                     # 1
    mul(t2, t2, t5)                   # 1
    c_add(t0, t2)                     # 1
    c_swsp(t0, 24)                    # 1
    lw(t0, 56(a0))                    # 1
    lw(t1, 128(a0))                   # 2  y_step, or out_c: from one pixel of y to the next
    bne(t1, zero, A_PIECE)            # 1-2
    mv(t1, t0)                        # 1
    label(A_PIECE)
    c_swsp(t1, 68)                    # 1
    sw(t1, 128(sp))                   # 1
    addi(t1, t0, 3)                   # 1
    srli(t1, t1, 2)                   # 1
    c_swsp(t1, 52)                    # 1
    lw(t0, 32(a0))                    # 1  pixels of y
    lw(t1, 48(a0))                    # 2
    mul(t0, t0, t1)                   # 1
    lw(t1, 52(a0))                    # 2
    mul(t0, t0, t1)                   # 1
    beq(t0, zero, NOTHING)            # 1-2
    c_swsp(t0, 36)                    # 1
    lw(t0, 100(a0))                   # 2
    c_swsp(t0, 72)                    # 1
    lw(t0, 104(a0))                   # 2
    c_swsp(t0, 76)                    # 1
    lbu(t0, 92(a0))                   # 2  x_zero_point four times
    slli(t1, t0, 8)                   # 1
    or_(t0, t0, t1)                   # 1
    slli(t1, t0, 16)                  # 1
    or_(t0, t0, t1)                   # 1
    c_swsp(t0, 116)                   # 1
    c_swsp(zero, 32)                  # 1
    li(t0, 1)                         # 1  a tile of one pixel: three times the same pixel, y's step is 0
    c_swsp(t0, 112)                   # 1
    bne(t4, t0, SEVERAL)              # 1-2
    c_swsp(zero, 68)                  # 1
    li(t0, 0)                         # 1
    label(SEVERAL)
    c_swsp(t0, 120)                   # 1
    jal(zero, TILES)                  # 2
    label(NOTHING)
    jal(zero, DONE)                   # 2
    # Tiles of consecutive pixels; of the last one what is left, but three at least.
    label(TILES)
    c_lwsp(t0, 32)                    # 1
    c_lwsp(t1, 36)                    # 1
    c_lwsp(t2, 0)                     # 2
    lw(t2, 124(t2))                   # 1
    sub(t3, t1, t0)                   # 1
    bge(t3, t2, TILE_FULL)            # 1-2
    li(t2, 3)                         # 1
    bge(t3, t2, TILE_LEFT)            # 1-2
    addi(t0, t1, -3)                  # 1
    c_swsp(t0, 32)                    # 1
    mv(t3, t2)                        # 1
    label(TILE_LEFT)
    mv(t2, t3)                        # 1
    label(TILE_FULL)
    c_swsp(t2, 28)                    # 1
    c_swsp(zero, 80)                  # 1
    c_lwsp(t0, 16)                    # 2
    c_swsp(t0, 100)                   # 1
    c_lwsp(t0, 0)                     # 2  a later piece of an op that one tile covers finds its columns there
    lw(t0, 132(t0))                   # 2
    beq(t0, zero, COLUMNS3)           # 1-2
    c_lwsp(t0, 28)                    # 1
    c_lwsp(t1, 36)                    # 2
    bne(t0, t1, COLUMNS3)             # 1-2
    jal(zero, COLUMNS_DONE)           # 2
    # Three pixels' windows.
    # s0 record | s1 row of y, all batches | s2 ox | s3 pixels left | s4 column | s5 in_c | s6 in_w | s7 copy | s8 fill
    # | s9 iy | s10 kernel rows left | s11 x at iy, ix | a0 ix | a1 bytes of a kernel row | a2 dilation_h |
    # a3 columns left | a4 dilation_w | a5 to | a6 in_h | a7 from a kernel row to the next | ra dilation_w * in_c |
    # t0 from | t1 bytes | t2 t3 t4 temporary | t5 return | t6 0 where the columns are written to straight
    label(COLUMNS3)
    c_lwsp(s0, 0)                     # 1
    c_lwsp(t0, 80)                    # 1
    c_lwsp(t1, 32)                    # 2
    c_add(t0, t1)                     # 1
    lw(t1, 52(s0))                    # 2
    divu(s1, t0, t1)                  # 1
    mul(t2, s1, t1)                   # 1
    sub(s2, t0, t2)                   # 1
    li(s3, 3)                         # 1
    c_lwsp(s4, 100)                   # 1
    lw(s5, 44(s0))                    # 1
    lw(s6, 40(s0))                    # 1
    lw(a1, 64(s0))                    # 1
    lw(a2, 76(s0))                    # 1
    lw(a4, 80(s0))                    # 1
    lw(a6, 36(s0))                    # 1
    mul(a7, a2, s6)                   # 1
    mul(a7, a7, s5)                   # 1
    mul(ra, a4, s5)                   # 1
    label(PIXEL)
    lw(t0, 48(s0))                    # 1  oy and the batch
    mv(t1, s1)                        # 1
    li(t4, 0)                         # 1
    bltu(t1, t0, ONE_BATCH)           # 1-2
    divu(t2, t1, t0)                  # 1
    mul(t3, t2, t0)                   # 1
    sub(t1, t1, t3)                   # 1
    mul(t4, t2, a6)                   # 1
    label(ONE_BATCH)
    lw(t0, 68(s0))                    # 2  iy and ix of the window's first pixel
    mul(s9, t1, t0)                   # 1
    lw(t0, 84(s0))                    # 2
    sub(s9, s9, t0)                   # 1
    lw(t0, 72(s0))                    # 2
    mul(a0, s2, t0)                   # 1
    lw(t0, 88(s0))                    # 2
    sub(a0, a0, t0)                   # 1
    add(t0, s9, t4)                   # 1
    mul(t0, t0, s6)                   # 1
    c_add(t0, a0)                     # 1
    mul(t0, t0, s5)                   # 1
    c_lwsp(s11, 4)                    # 2
    c_add(s11, t0)                    # 1
    lw(s10, 60(s0))                   # 1
    lw(a1, 64(s0))                    # 2  dense rows that lie between the image's sides are copied whole
    add(t0, a0, a1)                   # 1
    slt(t1, s6, t0)                   # 1
    slt(t2, a0, zero)                 # 1
    or_(t1, t1, t2)                   # 1
    addi(t2, a4, -1)                  # 1
    or_(t3, t1, t2)                   # 1
    mul(a1, a1, s5)                   # 1
    # In whole words where in_c and x are multiples of 4; where a row is one, if not cut, in fours; else by bytes
    # through a line.
    c_lwsp(t6, 4)                     # 2
    or_(t6, t6, s5)                   # 1
    andi(t6, t6, 3)                   # 1
    la(s7, COPY_WORDS)                # 1
    la(s8, FILL_WORDS)                # 1
    mv(a5, s4)                        # 1
    beq(t6, zero, STRAIGHT)           # 1-2
    andi(t0, a1, 3)                   # 1
    or_(t0, t0, t3)                   # 1
    la(s7, COPY_FOURS)                # 1
    mv(t6, t0)                        # 1
    beq(t0, zero, STRAIGHT)           # 1-2
    la(s7, COPY_BYTES)                # 1
    la(s8, FILL_BYTES)                # 1
    c_lwsp(a5, 24)                    # 1
    label(STRAIGHT)
    bne(t3, zero, PIXELS_ROW)         # 1-2
    label(WHOLE_ROW)
    mv(t1, a1)                        # 1
    bgeu(s9, a6, WHOLE_OUTSIDE)       # 1-2
    mv(t0, s11)                       # 1
    jalr(t5, s7, 0)                   # 2
    label(WHOLE_NEXT)
    c_add(s9, a2)                     # 1
    c_add(s11, a7)                    # 1
    c_addi(s10, -1)                   # 1
    bne(s10, zero, WHOLE_ROW)         # 1-2
    jal(zero, GATHERED)               # 2
    label(WHOLE_OUTSIDE)
    jalr(t5, s8, 0)                   # 2
    jal(zero, WHOLE_NEXT)             # 2
    # Pixel by pixel.
    label(PIXELS_ROW)
    mv(t1, a1)                        # 1
    bgeu(s9, a6, ROW_OUTSIDE)         # 1-2
    lw(a3, 64(s0))                    # 1
    label(KERNEL_PIXEL)
    mv(t1, s5)                        # 1
    bgeu(a0, s6, OUTSIDE)             # 1-2
    mv(t0, s11)                       # 1
    jalr(t5, s7, 0)                   # 2
    label(PIXEL_DONE)
    c_add(a0, a4)                     # 1
    c_add(s11, ra)                    # 1
    c_addi(a3, -1)                    # 1
    bne(a3, zero, KERNEL_PIXEL)       # 1-2
    lw(a3, 64(s0))                    # 2  back to the row's first pixel
    mul(t0, a3, a4)                   # 1
    sub(a0, a0, t0)                   # 1
    mul(t0, a3, ra)                   # 1
    sub(s11, s11, t0)                 # 1
    label(PIXELS_NEXT)
    c_add(s9, a2)                     # 1
    c_add(s11, a7)                    # 1
    c_addi(s10, -1)                   # 1
    bne(s10, zero, PIXELS_ROW)        # 1-2
    jal(zero, GATHERED)               # 2
    label(OUTSIDE)
    jalr(t5, s8, 0)                   # 2
    jal(zero, PIXEL_DONE)             # 2
    label(ROW_OUTSIDE)
    jalr(t5, s8, 0)                   # 2
    jal(zero, PIXELS_NEXT)            # 2
    label(GATHERED)
    beq(t6, zero, SPREAD_DONE)        # 1-2
    # The line to the column.
    c_lwsp(t0, 24)                    # 1
    c_lwsp(t1, 56)                    # 2
    c_add(t1, t0)                     # 1
    mv(t3, s4)                        # 1
    label(SPREAD)
    lw(t2, 0(t0))                     # 1
    c_addi(t0, 4)                     # 1
    sw(t2, 0(t3))                     # 1
    c_addi(t3, 12)                    # 1
    bne(t0, t1, SPREAD)               # 1-2
    label(SPREAD_DONE)
    c_addi(s4, 4)                     # 1
    c_lwsp(t0, 120)                   # 2  the next pixel
    c_add(s2, t0)                     # 1
    lw(t0, 52(s0))                    # 2
    bne(s2, t0, SAME_ROW)             # 1-2
    li(s2, 0)                         # 1
    c_addi(s1, 1)                     # 1
    label(SAME_ROW)
    c_addi(s3, -1)                    # 1
    bne(s3, zero, PIXEL)              # 1-2
    # The next three; the last three of a tile overlap those before.
    c_lwsp(t0, 100)                   # 1
    c_lwsp(t1, 64)                    # 2
    c_add(t0, t1)                     # 1
    c_swsp(t0, 100)                   # 1
    c_lwsp(t0, 80)                    # 1
    c_lwsp(t1, 28)                    # 1
    c_addi(t0, 3)                     # 1
    bge(t0, t1, COLUMNS_DONE)         # 1-2
    addi(t2, t1, -3)                  # 1
    bge(t2, t0, COLUMNS3_FULL)        # 1-2
    mv(t0, t2)                        # 1
    label(COLUMNS3_FULL)
    c_swsp(t0, 80)                    # 1
    jal(zero, COLUMNS3)               # 2
    label(COLUMNS_DONE)
    # Blocks of groups of four channels, their weights as lane words in the stream.
    c_lwsp(t0, 12)                    # 1
    c_lwsp(t1, 0)                     # 2
    lw(t1, 120(t1))                   # 2
    c_add(t0, t1)                     # 1
    c_swsp(t0, 40)                    # 1
    c_lwsp(t0, 52)                    # 2
    c_swsp(t0, 44)                    # 1
    label(BLOCK_START)
    c_lwsp(t0, 48)                    # 1
    c_lwsp(t1, 44)                    # 2
    bge(t1, t0, BLOCK_FULL)           # 1-2
    mv(t0, t1)                        # 1
    label(BLOCK_FULL)
    c_swsp(t0, 96)                    # 1
    c_lwsp(t1, 112)                   # 2
    bne(t1, zero, EXPAND_BLOCK)       # 1-2
    jal(zero, EXPANDED)               # 2
    # Stream of a group: {end of the first list, of the second}, then entries of eight lane words and an offset: first
    # list: bytes from the entry before; second: from the column's start.
    # s0-s3 rows of w | s4 first list | s5 second | s6 12 * window | s7 that of the entry before | s8 bits | s9 bits at
    # | s10 128 * 65537 | s11 end of s6 | a0 group | a1 groups left | a2 stream | a3 32 windows | t0-t4 temporary
    label(EXPAND_BLOCK)
    mv(a1, t0)                        # 1
    c_lwsp(a0, 40)                    # 1
    c_lwsp(a2, 20)                    # 1
    li(s10, 8388736)                  # 1
    label(EXPAND_GROUP)
    c_lwsp(t0, 12)                    # 1
    c_lwsp(t1, 0)                     # 2
    lw(t1, 108(t1))                   # 2
    c_add(t0, t1)                     # 1
    c_lwsp(t1, 56)                    # 1
    c_lw(s0, 28(a0))                  # 2
    mul(s0, s0, t1)                   # 1
    c_add(s0, t0)                     # 1
    c_lw(s1, 44(a0))                  # 2
    mul(s1, s1, t1)                   # 1
    c_add(s1, t0)                     # 1
    lw(s2, 60(a0))                    # 2
    mul(s2, s2, t1)                   # 1
    c_add(s2, t0)                     # 1
    lw(s3, 76(a0))                    # 2
    mul(s3, s3, t1)                   # 1
    c_add(s3, t0)                     # 1
    srli(t2, t1, 2)                   # 1  K4 / 4 windows, 12 bytes of column each
    slli(t3, t1, 1)                   # 1
    add(s11, t3, t1)                  # 1
    lw(t3, 80(a0))                    # 2
    sub(t2, t2, t3)                   # 1  entries of the first list, to an even number
    andi(t4, t2, 1)                   # 1
    c_add(t4, t2)                     # 1
    li(t0, 36)                        # 1
    mul(t4, t4, t0)                   # 1
    addi(s4, a2, 8)                   # 1
    add(s5, s4, t4)                   # 1
    sw(s5, 0(a2))                     # 1
    mul(t3, t3, t0)                   # 1
    c_add(t3, s5)                     # 1
    sw(t3, 4(a2))                     # 1
    li(s6, 0)                         # 1
    li(s7, 0)                         # 1
    addi(s9, a0, 84)                  # 1
    label(WINDOWS32)
    lw(s8, 0(s9))                     # 1
    c_addi(s9, 4)                     # 1
    li(a3, 32)                        # 1
    label(WINDOW)
    andi(t0, s8, 1)                   # 1
    bne(t0, zero, OVER)               # 1-2
    mv(t4, s4)                        # 1
    addi(s4, s4, 36)                  # 1
    sub(t0, s6, s7)                   # 1
    mv(s7, s6)                        # 1
    jal(zero, ENTRY)                  # 2
    label(OVER)
    mv(t4, s5)                        # 1
    addi(s5, s5, 36)                  # 1
    mv(t0, s6)                        # 1
    label(ENTRY)
    sw(t0, 32(t4))                    # 1
    lbu(t0, 0(s0))                    # 1
    lbu(t1, 0(s1))                    # 1
    lbu(t2, 0(s2))                    # 1
    lbu(t3, 0(s3))                    # 1
    c_slli(t1, 16)                    # 1
    c_slli(t3, 16)                    # 1
    c_add(t0, t1)                     # 1
    c_add(t2, t3)                     # 1
    sub(t0, t0, s10)                  # 1
    sub(t2, t2, s10)                  # 1
    sw(t0, 0(t4))                     # 1
    sw(t2, 4(t4))                     # 1
    lbu(t0, 1(s0))                    # 1
    lbu(t1, 1(s1))                    # 1
    lbu(t2, 1(s2))                    # 1
    lbu(t3, 1(s3))                    # 1
    c_slli(t1, 16)                    # 1
    c_slli(t3, 16)                    # 1
    c_add(t0, t1)                     # 1
    c_add(t2, t3)                     # 1
    sub(t0, t0, s10)                  # 1
    sub(t2, t2, s10)                  # 1
    sw(t0, 8(t4))                     # 1
    sw(t2, 12(t4))                    # 1
    lbu(t0, 2(s0))                    # 1
    lbu(t1, 2(s1))                    # 1
    lbu(t2, 2(s2))                    # 1
    lbu(t3, 2(s3))                    # 1
    c_slli(t1, 16)                    # 1
    c_slli(t3, 16)                    # 1
    c_add(t0, t1)                     # 1
    c_add(t2, t3)                     # 1
    sub(t0, t0, s10)                  # 1
    sub(t2, t2, s10)                  # 1
    sw(t0, 16(t4))                    # 1
    sw(t2, 20(t4))                    # 1
    lbu(t0, 3(s0))                    # 1
    lbu(t1, 3(s1))                    # 1
    lbu(t2, 3(s2))                    # 1
    lbu(t3, 3(s3))                    # 1
    c_slli(t1, 16)                    # 1
    c_slli(t3, 16)                    # 1
    c_add(t0, t1)                     # 1
    c_add(t2, t3)                     # 1
    sub(t0, t0, s10)                  # 1
    sub(t2, t2, s10)                  # 1
    sw(t0, 24(t4))                    # 1
    sw(t2, 28(t4))                    # 1
    c_addi(s0, 4)                     # 1
    c_addi(s1, 4)                     # 1
    c_addi(s2, 4)                     # 1
    c_addi(s3, 4)                     # 1
    c_addi(s6, 12)                    # 1
    beq(s6, s11, WINDOWS_DONE)        # 1-2
    srli(s8, s8, 1)                   # 1
    c_addi(a3, -1)                    # 1
    bne(a3, zero, WINDOW)             # 1-2
    jal(zero, WINDOWS32)              # 2
    label(WINDOWS_DONE)
    lw(t0, 0(a2))                     # 2  an odd first list: one entry of nothing
    beq(s4, t0, EVEN)                 # 1-2
    sw(zero, 0(s4))                   # 1
    sw(zero, 4(s4))                   # 1
    sw(zero, 8(s4))                   # 1
    sw(zero, 12(s4))                  # 1
    sw(zero, 16(s4))                  # 1
    sw(zero, 20(s4))                  # 1
    sw(zero, 24(s4))                  # 1
    sw(zero, 28(s4))                  # 1
    sw(zero, 32(s4))                  # 1
    label(EVEN)
    c_lwsp(t0, 60)                    # 2
    c_add(a0, t0)                     # 1
    c_lwsp(t0, 56)                    # 2
    srli(t0, t0, 2)                   # 1
    c_addi(t0, 1)                     # 1
    li(t1, 36)                        # 1
    mul(t0, t0, t1)                   # 1
    c_addi(t0, 8)                     # 1
    c_add(a2, t0)                     # 1
    c_addi(a1, -1)                    # 1
    beq(a1, zero, EXPANDED_NOW)       # 1-2
    jal(zero, EXPAND_GROUP)           # 2
    label(EXPANDED_NOW)
    c_lwsp(t0, 48)                    # 1  all groups fit one block: once is enough
    c_lwsp(t1, 52)                    # 2
    slt(t0, t0, t1)                   # 1
    c_swsp(t0, 112)                   # 1
    label(EXPANDED)
    c_swsp(zero, 80)                  # 1
    c_lwsp(t0, 16)                    # 2
    c_swsp(t0, 100)                   # 1
    # Three pixels of y from here: t0.
    label(PIXELS3)
    c_lwsp(t0, 32)                    # 1
    c_lwsp(t1, 80)                    # 2
    c_add(t0, t1)                     # 1
    lw(t2, 128(sp))                   # 2
    mul(t0, t0, t2)                   # 1
    c_lwsp(t2, 8)                     # 2
    c_add(t0, t2)                     # 1
    c_swsp(t0, 84)                    # 1
    c_lwsp(t0, 40)                    # 2
    c_swsp(t0, 92)                    # 1
    c_lwsp(t0, 20)                    # 2
    c_swsp(t0, 88)                    # 1
    c_lwsp(t0, 96)                    # 2
    c_swsp(t0, 124)                   # 1
    # Four channels, three pixels.
    label(GROUP)
    c_lwsp(t4, 88)                    # 1
    c_lwsp(t5, 100)                   # 1
    lw(s8, 0(t4))                     # 1
    lw(s9, 4(t4))                     # 1
    c_swsp(s8, 104)                   # 1
    c_swsp(s9, 108)                   # 1
    c_addi(t4, 8)                     # 1
    c_lwsp(s10, 92)                   # 1
    li(t6, -16744704)                 # 1
    lw(ra, 0(s10))                    # 2
    mv(t1, ra)                        # 1
    mv(s0, ra)                        # 1
    lw(t0, 4(s10))                    # 2
    mv(t2, t0)                        # 1
    mv(s1, t0)                        # 1
    lw(a0, 8(s10))                    # 2
    mv(a2, a0)                        # 1
    mv(a4, a0)                        # 1
    lw(a1, 12(s10))                   # 2
    mv(a3, a1)                        # 1
    mv(a5, a1)                        # 1
    beq(t4, s8, SECOND_LIST)          # 1-2
    label(FIRST_LIST)
    lw(s10, 32(t4))                   # 1
    lw(a6, 0(t4))                     # 1
    lw(a7, 4(t4))                     # 1
    c_add(t5, s10)                    # 1
    lb(s8, 0(t5))                     # 1
    lw(s2, 8(t4))                     # 1
    lw(s3, 12(t4))                    # 1
    lw(s4, 16(t4))                    # 1
    lw(s5, 20(t4))                    # 1
    lw(s6, 24(t4))                    # 1
    lw(s7, 28(t4))                    # 1
    lb(s9, 1(t5))                     # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, a7, s8)                  # 1
    lb(s8, 2(t5))                     # 1
    mul(t3, s2, s9)                   # 1
    c_add(s10, t6)                    # 1
    c_add(s10, t3)                    # 1
    mul(t3, s3, s9)                   # 1
    lb(s9, 3(t5))                     # 1
    c_add(s11, t6)                    # 1
    c_add(s11, t3)                    # 1
    mul(t3, s4, s8)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s5, s8)                   # 1
    lb(s8, 4(t5))                     # 1
    c_add(s11, t3)                    # 1
    mul(t3, s6, s9)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s7, s9)                   # 1
    lb(s9, 5(t5))                     # 1
    c_add(ra, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(t0, s10)                    # 1
    c_add(s11, t3)                    # 1
    c_add(a0, s11)                    # 1
    srai(s11, s11, 16)                # 1
    c_add(a1, s11)                    # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, a7, s8)                  # 1
    lb(s8, 6(t5))                     # 1
    mul(t3, s2, s9)                   # 1
    c_add(s10, t6)                    # 1
    c_add(s10, t3)                    # 1
    mul(t3, s3, s9)                   # 1
    lb(s9, 7(t5))                     # 1
    c_add(s11, t6)                    # 1
    c_add(s11, t3)                    # 1
    mul(t3, s4, s8)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s5, s8)                   # 1
    lb(s8, 8(t5))                     # 1
    c_add(s11, t3)                    # 1
    mul(t3, s6, s9)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s7, s9)                   # 1
    lb(s9, 9(t5))                     # 1
    c_add(t1, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(t2, s10)                    # 1
    c_add(s11, t3)                    # 1
    c_add(a2, s11)                    # 1
    srai(s11, s11, 16)                # 1
    c_add(a3, s11)                    # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, a7, s8)                  # 1
    lb(s8, 10(t5))                    # 1
    mul(t3, s2, s9)                   # 1
    c_add(s10, t6)                    # 1
    c_add(s10, t3)                    # 1
    mul(t3, s3, s9)                   # 1
    lb(s9, 11(t5))                    # 1
    c_add(s11, t6)                    # 1
    c_add(s11, t3)                    # 1
    mul(t3, s4, s8)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s5, s8)                   # 1
    c_add(s11, t3)                    # 1
    mul(t3, s6, s9)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s7, s9)                   # 1
    c_add(s0, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(s1, s10)                    # 1
    c_add(s11, t3)                    # 1
    c_add(a4, s11)                    # 1
    srai(s11, s11, 16)                # 1
    c_add(a5, s11)                    # 1
    lw(s10, 68(t4))                   # 1
    lw(a6, 36(t4))                    # 1
    lw(a7, 40(t4))                    # 1
    c_add(t5, s10)                    # 1
    lb(s8, 0(t5))                     # 1
    lw(s2, 44(t4))                    # 1
    lw(s3, 48(t4))                    # 1
    lw(s4, 52(t4))                    # 1
    lw(s5, 56(t4))                    # 1
    lw(s6, 60(t4))                    # 1
    lw(s7, 64(t4))                    # 1
    lb(s9, 1(t5))                     # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, a7, s8)                  # 1
    lb(s8, 2(t5))                     # 1
    mul(t3, s2, s9)                   # 1
    c_add(s10, t6)                    # 1
    c_add(s10, t3)                    # 1
    mul(t3, s3, s9)                   # 1
    lb(s9, 3(t5))                     # 1
    c_add(s11, t6)                    # 1
    c_add(s11, t3)                    # 1
    mul(t3, s4, s8)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s5, s8)                   # 1
    lb(s8, 4(t5))                     # 1
    c_add(s11, t3)                    # 1
    mul(t3, s6, s9)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s7, s9)                   # 1
    lb(s9, 5(t5))                     # 1
    c_add(ra, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(t0, s10)                    # 1
    c_add(s11, t3)                    # 1
    c_add(a0, s11)                    # 1
    srai(s11, s11, 16)                # 1
    c_add(a1, s11)                    # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, a7, s8)                  # 1
    lb(s8, 6(t5))                     # 1
    mul(t3, s2, s9)                   # 1
    c_add(s10, t6)                    # 1
    c_add(s10, t3)                    # 1
    mul(t3, s3, s9)                   # 1
    lb(s9, 7(t5))                     # 1
    c_add(s11, t6)                    # 1
    c_add(s11, t3)                    # 1
    mul(t3, s4, s8)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s5, s8)                   # 1
    lb(s8, 8(t5))                     # 1
    c_add(s11, t3)                    # 1
    mul(t3, s6, s9)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s7, s9)                   # 1
    lb(s9, 9(t5))                     # 1
    c_add(t1, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(t2, s10)                    # 1
    c_add(s11, t3)                    # 1
    c_add(a2, s11)                    # 1
    srai(s11, s11, 16)                # 1
    c_add(a3, s11)                    # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, a7, s8)                  # 1
    lb(s8, 10(t5))                    # 1
    mul(t3, s2, s9)                   # 1
    c_add(s10, t6)                    # 1
    c_add(s10, t3)                    # 1
    mul(t3, s3, s9)                   # 1
    lb(s9, 11(t5))                    # 1
    c_add(s11, t6)                    # 1
    c_add(s11, t3)                    # 1
    mul(t3, s4, s8)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s5, s8)                   # 1
    c_add(s11, t3)                    # 1
    mul(t3, s6, s9)                   # 1
    c_add(s10, t3)                    # 1
    mul(t3, s7, s9)                   # 1
    c_add(s0, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(s1, s10)                    # 1
    c_add(s11, t3)                    # 1
    c_add(a4, s11)                    # 1
    srai(s11, s11, 16)                # 1
    c_add(a5, s11)                    # 1
    c_lwsp(s8, 104)                   # 1
    addi(t4, t4, 72)                  # 1
    bne(t4, s8, FIRST_LIST)           # 1-2
    label(SECOND_LIST)
    c_lwsp(s8, 108)                   # 2
    beq(t4, s8, SUMS)                 # 1-2
    c_lwsp(t3, 100)                   # 1
    label(SECOND)
    lw(t5, 32(t4))                    # 1
    lw(a6, 0(t4))                     # 1
    lw(a7, 4(t4))                     # 1
    lw(s2, 8(t4))                     # 1
    lw(s3, 12(t4))                    # 1
    lw(s4, 16(t4))                    # 1
    lw(s5, 20(t4))                    # 1
    lw(s6, 24(t4))                    # 1
    lw(s7, 28(t4))                    # 1
    c_add(t5, t3)                     # 1
    lb(s8, 0(t5))                     # 1
    lb(s9, 1(t5))                     # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, s2, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(ra, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(t0, s10)                    # 1
    mul(s10, a7, s8)                  # 1
    mul(s11, s3, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(a0, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(a1, s10)                    # 1
    lb(s8, 2(t5))                     # 1
    lb(s9, 3(t5))                     # 1
    mul(s10, s4, s8)                  # 1
    mul(s11, s6, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(ra, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(t0, s10)                    # 1
    mul(s10, s5, s8)                  # 1
    mul(s11, s7, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(a0, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(a1, s10)                    # 1
    lb(s8, 4(t5))                     # 1
    lb(s9, 5(t5))                     # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, s2, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(t1, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(t2, s10)                    # 1
    mul(s10, a7, s8)                  # 1
    mul(s11, s3, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(a2, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(a3, s10)                    # 1
    lb(s8, 6(t5))                     # 1
    lb(s9, 7(t5))                     # 1
    mul(s10, s4, s8)                  # 1
    mul(s11, s6, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(t1, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(t2, s10)                    # 1
    mul(s10, s5, s8)                  # 1
    mul(s11, s7, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(a2, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(a3, s10)                    # 1
    lb(s8, 8(t5))                     # 1
    lb(s9, 9(t5))                     # 1
    mul(s10, a6, s8)                  # 1
    mul(s11, s2, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(s0, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(s1, s10)                    # 1
    mul(s10, a7, s8)                  # 1
    mul(s11, s3, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(a4, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(a5, s10)                    # 1
    lb(s8, 10(t5))                    # 1
    lb(s9, 11(t5))                    # 1
    mul(s10, s4, s8)                  # 1
    mul(s11, s6, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(s0, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(s1, s10)                    # 1
    mul(s10, s5, s8)                  # 1
    mul(s11, s7, s9)                  # 1
    c_add(s10, t6)                    # 1
    c_add(s10, s11)                   # 1
    c_add(a4, s10)                    # 1
    srai(s10, s10, 16)                # 1
    c_add(a5, s10)                    # 1
    c_lwsp(s8, 108)                   # 1
    addi(t4, t4, 36)                  # 1
    bne(t4, s8, SECOND)               # 1-2
    label(SUMS)
    # The low sums: X - (Y << 16).
    # a6 multiplier | a7 c | s2 pre | s3 shift | s4 fix | s5 s6 clamps | s7 y | s8 its step | s9 temporary | s10 group
    slli(s9, t0, 16)                  # 1
    sub(ra, ra, s9)                   # 1
    slli(s9, t2, 16)                  # 1
    sub(t1, t1, s9)                   # 1
    slli(s9, s1, 16)                  # 1
    sub(s0, s0, s9)                   # 1
    slli(s9, a1, 16)                  # 1
    sub(a0, a0, s9)                   # 1
    slli(s9, a3, 16)                  # 1
    sub(a2, a2, s9)                   # 1
    slli(s9, a5, 16)                  # 1
    sub(a4, a4, s9)                   # 1
    c_lwsp(s10, 92)                   # 1
    c_lwsp(s5, 72)                    # 1
    c_lwsp(s6, 76)                    # 1
    c_lwsp(s8, 68)                    # 1
    c_lwsp(s7, 84)                    # 1
    lw(s9, 28(s10))                   # 1
    lw(a6, 16(s10))                   # 1
    lw(a7, 20(s10))                   # 1
    lbu(s2, 24(s10))                  # 1
    lbu(s3, 25(s10))                  # 1
    lb(s4, 26(s10))                   # 1
    c_add(s7, s9)                     # 1
    sll(ra, ra, s2)                   # 1
    mulh(ra, ra, a6)                  # 1
    srai(s9, ra, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(ra, s9)                     # 1
    c_add(ra, a7)                     # 1
    sra(ra, ra, s3)                   # 1
    blt(ra, s5, LOW00)                # 1-2
    blt(s6, ra, HIGH00)               # 1-2
    label(STORE00)
    sb(ra, 0(s7))                     # 1
    c_add(s7, s8)                     # 1
    sll(t1, t1, s2)                   # 1
    mulh(t1, t1, a6)                  # 1
    srai(s9, t1, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(t1, s9)                     # 1
    c_add(t1, a7)                     # 1
    sra(t1, t1, s3)                   # 1
    blt(t1, s5, LOW01)                # 1-2
    blt(s6, t1, HIGH01)               # 1-2
    label(STORE01)
    sb(t1, 0(s7))                     # 1
    c_add(s7, s8)                     # 1
    sll(s0, s0, s2)                   # 1
    mulh(s0, s0, a6)                  # 1
    srai(s9, s0, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(s0, s9)                     # 1
    c_add(s0, a7)                     # 1
    sra(s0, s0, s3)                   # 1
    blt(s0, s5, LOW02)                # 1-2
    blt(s6, s0, HIGH02)               # 1-2
    label(STORE02)
    sb(s0, 0(s7))                     # 1
    c_lwsp(s7, 84)                    # 1
    lw(s9, 44(s10))                   # 1
    lw(a6, 32(s10))                   # 1
    lw(a7, 36(s10))                   # 1
    lbu(s2, 40(s10))                  # 1
    lbu(s3, 41(s10))                  # 1
    lb(s4, 42(s10))                   # 1
    c_add(s7, s9)                     # 1
    sll(t0, t0, s2)                   # 1
    mulh(t0, t0, a6)                  # 1
    srai(s9, t0, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(t0, s9)                     # 1
    c_add(t0, a7)                     # 1
    sra(t0, t0, s3)                   # 1
    blt(t0, s5, LOW10)                # 1-2
    blt(s6, t0, HIGH10)               # 1-2
    label(STORE10)
    sb(t0, 0(s7))                     # 1
    c_add(s7, s8)                     # 1
    sll(t2, t2, s2)                   # 1
    mulh(t2, t2, a6)                  # 1
    srai(s9, t2, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(t2, s9)                     # 1
    c_add(t2, a7)                     # 1
    sra(t2, t2, s3)                   # 1
    blt(t2, s5, LOW11)                # 1-2
    blt(s6, t2, HIGH11)               # 1-2
    label(STORE11)
    sb(t2, 0(s7))                     # 1
    c_add(s7, s8)                     # 1
    sll(s1, s1, s2)                   # 1
    mulh(s1, s1, a6)                  # 1
    srai(s9, s1, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(s1, s9)                     # 1
    c_add(s1, a7)                     # 1
    sra(s1, s1, s3)                   # 1
    blt(s1, s5, LOW12)                # 1-2
    blt(s6, s1, HIGH12)               # 1-2
    label(STORE12)
    sb(s1, 0(s7))                     # 1
    c_lwsp(s7, 84)                    # 1
    lw(s9, 60(s10))                   # 1
    lw(a6, 48(s10))                   # 1
    lw(a7, 52(s10))                   # 1
    lbu(s2, 56(s10))                  # 1
    lbu(s3, 57(s10))                  # 1
    lb(s4, 58(s10))                   # 1
    c_add(s7, s9)                     # 1
    sll(a0, a0, s2)                   # 1
    mulh(a0, a0, a6)                  # 1
    srai(s9, a0, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(a0, s9)                     # 1
    c_add(a0, a7)                     # 1
    sra(a0, a0, s3)                   # 1
    blt(a0, s5, LOW20)                # 1-2
    blt(s6, a0, HIGH20)               # 1-2
    label(STORE20)
    sb(a0, 0(s7))                     # 1
    c_add(s7, s8)                     # 1
    sll(a2, a2, s2)                   # 1
    mulh(a2, a2, a6)                  # 1
    srai(s9, a2, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(a2, s9)                     # 1
    c_add(a2, a7)                     # 1
    sra(a2, a2, s3)                   # 1
    blt(a2, s5, LOW21)                # 1-2
    blt(s6, a2, HIGH21)               # 1-2
    label(STORE21)
    sb(a2, 0(s7))                     # 1
    c_add(s7, s8)                     # 1
    sll(a4, a4, s2)                   # 1
    mulh(a4, a4, a6)                  # 1
    srai(s9, a4, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(a4, s9)                     # 1
    c_add(a4, a7)                     # 1
    sra(a4, a4, s3)                   # 1
    blt(a4, s5, LOW22)                # 1-2
    blt(s6, a4, HIGH22)               # 1-2
    label(STORE22)
    sb(a4, 0(s7))                     # 1
    c_lwsp(s7, 84)                    # 1
    lw(s9, 76(s10))                   # 1
    lw(a6, 64(s10))                   # 1
    lw(a7, 68(s10))                   # 1
    lbu(s2, 72(s10))                  # 1
    lbu(s3, 73(s10))                  # 1
    lb(s4, 74(s10))                   # 1
    c_add(s7, s9)                     # 1
    sll(a1, a1, s2)                   # 1
    mulh(a1, a1, a6)                  # 1
    srai(s9, a1, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(a1, s9)                     # 1
    c_add(a1, a7)                     # 1
    sra(a1, a1, s3)                   # 1
    blt(a1, s5, LOW30)                # 1-2
    blt(s6, a1, HIGH30)               # 1-2
    label(STORE30)
    sb(a1, 0(s7))                     # 1
    c_add(s7, s8)                     # 1
    sll(a3, a3, s2)                   # 1
    mulh(a3, a3, a6)                  # 1
    srai(s9, a3, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(a3, s9)                     # 1
    c_add(a3, a7)                     # 1
    sra(a3, a3, s3)                   # 1
    blt(a3, s5, LOW31)                # 1-2
    blt(s6, a3, HIGH31)               # 1-2
    label(STORE31)
    sb(a3, 0(s7))                     # 1
    c_add(s7, s8)                     # 1
    sll(a5, a5, s2)                   # 1
    mulh(a5, a5, a6)                  # 1
    srai(s9, a5, 31)                  # 1
    and_(s9, s9, s4)                  # 1
    c_add(a5, s9)                     # 1
    c_add(a5, a7)                     # 1
    sra(a5, a5, s3)                   # 1
    blt(a5, s5, LOW32)                # 1-2
    blt(s6, a5, HIGH32)               # 1-2
    label(STORE32)
    sb(a5, 0(s7))                     # 1
    jal(zero, GROUP_DONE)             # 2
    label(LOW00)
    mv(ra, s5)                        # 1
    jal(zero, STORE00)                # 2
    label(HIGH00)
    mv(ra, s6)                        # 1
    jal(zero, STORE00)                # 2
    label(LOW01)
    mv(t1, s5)                        # 1
    jal(zero, STORE01)                # 2
    label(HIGH01)
    mv(t1, s6)                        # 1
    jal(zero, STORE01)                # 2
    label(LOW02)
    mv(s0, s5)                        # 1
    jal(zero, STORE02)                # 2
    label(HIGH02)
    mv(s0, s6)                        # 1
    jal(zero, STORE02)                # 2
    label(LOW10)
    mv(t0, s5)                        # 1
    jal(zero, STORE10)                # 2
    label(HIGH10)
    mv(t0, s6)                        # 1
    jal(zero, STORE10)                # 2
    label(LOW11)
    mv(t2, s5)                        # 1
    jal(zero, STORE11)                # 2
    label(HIGH11)
    mv(t2, s6)                        # 1
    jal(zero, STORE11)                # 2
    label(LOW12)
    mv(s1, s5)                        # 1
    jal(zero, STORE12)                # 2
    label(HIGH12)
    mv(s1, s6)                        # 1
    jal(zero, STORE12)                # 2
    label(LOW20)
    mv(a0, s5)                        # 1
    jal(zero, STORE20)                # 2
    label(HIGH20)
    mv(a0, s6)                        # 1
    jal(zero, STORE20)                # 2
    label(LOW21)
    mv(a2, s5)                        # 1
    jal(zero, STORE21)                # 2
    label(HIGH21)
    mv(a2, s6)                        # 1
    jal(zero, STORE21)                # 2
    label(LOW22)
    mv(a4, s5)                        # 1
    jal(zero, STORE22)                # 2
    label(HIGH22)
    mv(a4, s6)                        # 1
    jal(zero, STORE22)                # 2
    label(LOW30)
    mv(a1, s5)                        # 1
    jal(zero, STORE30)                # 2
    label(HIGH30)
    mv(a1, s6)                        # 1
    jal(zero, STORE30)                # 2
    label(LOW31)
    mv(a3, s5)                        # 1
    jal(zero, STORE31)                # 2
    label(HIGH31)
    mv(a3, s6)                        # 1
    jal(zero, STORE31)                # 2
    label(LOW32)
    mv(a5, s5)                        # 1
    jal(zero, STORE32)                # 2
    label(HIGH32)
    mv(a5, s6)                        # 1
    jal(zero, STORE32)                # 2
    label(GROUP_DONE)
    c_lwsp(a0, 92)                    # 1
    c_lwsp(a1, 88)                    # 1
    c_lwsp(t0, 60)                    # 2
    c_add(a0, t0)                     # 1
    c_lwsp(t0, 56)                    # 2
    srli(t0, t0, 2)                   # 1
    c_addi(t0, 1)                     # 1
    li(t1, 36)                        # 1
    mul(t0, t0, t1)                   # 1
    c_addi(t0, 8)                     # 1
    c_add(a1, t0)                     # 1
    c_swsp(a0, 92)                    # 1
    c_swsp(a1, 88)                    # 1
    c_lwsp(t0, 124)                   # 2
    c_addi(t0, -1)                    # 1
    c_swsp(t0, 124)                   # 1
    beq(t0, zero, GROUPS_DONE)        # 1-2
    jal(zero, GROUP)                  # 2
    label(GROUPS_DONE)
    c_lwsp(t0, 100)                   # 1
    c_lwsp(t1, 64)                    # 2
    c_add(t0, t1)                     # 1
    c_swsp(t0, 100)                   # 1
    c_lwsp(t0, 80)                    # 1
    c_lwsp(t1, 28)                    # 1
    c_addi(t0, 3)                     # 1
    bge(t0, t1, PIXELS_DONE)          # 1-2
    addi(t2, t1, -3)                  # 1
    bge(t2, t0, PIXELS3_FULL)         # 1-2
    mv(t0, t2)                        # 1
    label(PIXELS3_FULL)
    c_swsp(t0, 80)                    # 1
    jal(zero, PIXELS3)                # 2
    label(PIXELS_DONE)
    # The next block of groups, the next tile.
    c_swsp(a0, 40)                    # 1
    c_lwsp(t0, 44)                    # 1
    c_lwsp(t1, 96)                    # 2
    sub(t0, t0, t1)                   # 1
    c_swsp(t0, 44)                    # 1
    beq(t0, zero, TILE_DONE)          # 1-2
    jal(zero, BLOCK_START)            # 2
    label(TILE_DONE)
    c_lwsp(t0, 32)                    # 1
    c_lwsp(t1, 28)                    # 2
    c_add(t0, t1)                     # 1
    c_lwsp(t2, 36)                    # 2
    bge(t0, t2, TILES_DONE)           # 1-2
    c_swsp(t0, 32)                    # 1
    jal(zero, TILES)                  # 2
    label(TILES_DONE)
    jal(zero, DONE)                   # 2
    # x to a column: t1 bytes from t0 to a5, words 12 bytes apart there; t5 return.
    label(COPY_WORDS)
    li(t4, 16)                        # 1
    blt(t1, t4, COPY_REST)            # 1-2
    label(COPY16)
    lw(t2, 0(t0))                     # 1
    lw(t3, 4(t0))                     # 1
    c_addi(t1, -16)                   # 1
    sw(t2, 0(a5))                     # 1
    sw(t3, 12(a5))                    # 1
    lw(t2, 8(t0))                     # 1
    lw(t3, 12(t0))                    # 1
    c_addi(t0, 16)                    # 1
    sw(t2, 24(a5))                    # 1
    sw(t3, 36(a5))                    # 1
    addi(a5, a5, 48)                  # 1
    bge(t1, t4, COPY16)               # 1-2
    label(COPY_REST)
    beq(t1, zero, COPIED)             # 1-2
    label(COPY4)
    lw(t2, 0(t0))                     # 1
    c_addi(t0, 4)                     # 1
    c_addi(t1, -4)                    # 1
    sw(t2, 0(a5))                     # 1
    c_addi(a5, 12)                    # 1
    bne(t1, zero, COPY4)              # 1-2
    label(COPIED)
    jalr(zero, t5, 0)                 # 2
    label(FILL_WORDS)
    c_lwsp(t2, 116)                   # 2
    label(FILL4)
    sw(t2, 0(a5))                     # 1
    c_addi(t1, -4)                    # 1
    c_addi(a5, 12)                    # 1
    bne(t1, zero, FILL4)              # 1-2
    jalr(zero, t5, 0)                 # 2
    # The same from anywhere, t1 a multiple of 4.
    label(COPY_FOURS)
    lbu(t2, 0(t0))                    # 1
    lbu(t3, 1(t0))                    # 1
    lbu(t4, 2(t0))                    # 1
    sb(t2, 0(a5))                     # 1
    lbu(t2, 3(t0))                    # 1
    sb(t3, 1(a5))                     # 1
    sb(t4, 2(a5))                     # 1
    c_addi(t0, 4)                     # 1
    sb(t2, 3(a5))                     # 1
    c_addi(t1, -4)                    # 1
    c_addi(a5, 12)                    # 1
    bne(t1, zero, COPY_FOURS)         # 1-2
    jalr(zero, t5, 0)                 # 2
    # The same to the line, byte by byte.
    label(COPY_BYTES)
    li(t4, 4)                         # 1
    blt(t1, t4, BYTES_REST)           # 1-2
    label(BYTES4)
    lbu(t2, 0(t0))                    # 1
    lbu(t3, 1(t0))                    # 1
    c_addi(t1, -4)                    # 1
    sb(t2, 0(a5))                     # 1
    sb(t3, 1(a5))                     # 1
    lbu(t2, 2(t0))                    # 1
    lbu(t3, 3(t0))                    # 1
    c_addi(t0, 4)                     # 1
    sb(t2, 2(a5))                     # 1
    sb(t3, 3(a5))                     # 1
    c_addi(a5, 4)                     # 1
    bge(t1, t4, BYTES4)               # 1-2
    label(BYTES_REST)
    beq(t1, zero, COPIED)             # 1-2
    label(BYTE)
    lbu(t2, 0(t0))                    # 1
    c_addi(t0, 1)                     # 1
    c_addi(t1, -1)                    # 1
    sb(t2, 0(a5))                     # 1
    c_addi(a5, 1)                     # 1
    bne(t1, zero, BYTE)               # 1-2
    jalr(zero, t5, 0)                 # 2
    label(FILL_BYTES)
    c_lwsp(t2, 116)                   # 2
    label(FILL1)
    sb(t2, 0(a5))                     # 1
    c_addi(t1, -1)                    # 1
    c_addi(a5, 1)                     # 1
    bne(t1, zero, FILL1)              # 1-2
    jalr(zero, t5, 0)                 # 2
    label(DONE)
    lw(ra, 132(sp))                   # 1
    lw(s0, 136(sp))                   # 1
    lw(s1, 140(sp))                   # 1
    lw(s2, 144(sp))                   # 1
    lw(s3, 148(sp))                   # 1
    lw(s4, 152(sp))                   # 1
    lw(s5, 156(sp))                   # 1
    lw(s6, 160(sp))                   # 1
    lw(s7, 164(sp))                   # 1
    lw(s8, 168(sp))                   # 1
    lw(s9, 172(sp))                   # 1
    lw(s10, 176(sp))                  # 1
    lw(s11, 180(sp))                  # 1
    addi(sp, sp, 192)                 # 1
    li(a0, 1)                         # 1


kernels = {1: conv_2d}
