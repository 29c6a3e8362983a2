"""lut in RV32IMC assembler: four bytes at a time.

Written by host_tools/assembler/rv32: edit that. Assembler for RV32IMC (ESP32-C3, RP2350's Hazard3): rv32.
"""

import micropython


@micropython.asm_rv32
def lut(a0, a1, a2):
    """
    y[i] = table[x[i]]: reference: ref.lut.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses four bytes: a2 table | a3 x | a4 y | a6 end of fours | t0-t3 bytes
         elsewhere: a5 end of x
    Stack 64
    Cost 4.8 per byte, 60
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
    addi(sp, sp, -64)                 # 1
    c_swsp(ra, 0)                     # 1
    c_swsp(s0, 4)                     # 1
    c_swsp(s1, 8)                     # 1
    c_swsp(s2, 12)                    # 1
    c_swsp(s3, 16)                    # 1
    c_swsp(s4, 20)                    # 1
    c_swsp(s5, 24)                    # 1
    c_swsp(s6, 28)                    # 1
    c_swsp(s7, 32)                    # 1
    c_swsp(s8, 36)                    # 1
    c_swsp(s9, 40)                    # 1
    c_swsp(s10, 44)                   # 1
    c_swsp(s11, 48)                   # 1
    lw(t0, 36(a0))                    # 2
    c_add(a2, t0)                     # 1
    lw(t0, 20(a0))                    # 2
    add(a3, a1, t0)                   # 1
    lw(t0, 24(a0))                    # 2
    add(a4, a1, t0)                   # 1
    lw(t0, 32(a0))                    # 2
    add(a5, a3, t0)                   # 1
    andi(t0, t0, -4)                  # 1
    add(a6, a3, t0)                   # 1
    beq(a6, a3, ONES)                 # 1-2
    label(FOUR)
    lbu(t0, 0(a3))                    # 1
    lbu(t1, 1(a3))                    # 1
    lbu(t2, 2(a3))                    # 1
    lbu(t3, 3(a3))                    # 1
    c_add(t0, a2)                     # 1
    c_add(t1, a2)                     # 1
    c_add(t2, a2)                     # 1
    c_add(t3, a2)                     # 1
    lbu(t0, 0(t0))                    # 1
    lbu(t1, 0(t1))                    # 1
    lbu(t2, 0(t2))                    # 1
    lbu(t3, 0(t3))                    # 1
    sb(t0, 0(a4))                     # 1
    sb(t1, 1(a4))                     # 1
    sb(t2, 2(a4))                     # 1
    sb(t3, 3(a4))                     # 1
    c_addi(a3, 4)                     # 1
    c_addi(a4, 4)                     # 1
    bne(a3, a6, FOUR)                 # 1-2
    label(ONES)
    beq(a3, a5, DONE)                 # 1-2
    label(ONE)
    lbu(t0, 0(a3))                    # 1
    c_addi(a3, 1)                     # 1
    c_add(t0, a2)                     # 1
    lbu(t0, 0(t0))                    # 2
    sb(t0, 0(a4))                     # 1
    c_addi(a4, 1)                     # 1
    bne(a3, a5, ONE)                  # 1-2
    label(DONE)
    c_lwsp(ra, 0)                     # 1
    c_lwsp(s0, 4)                     # 1
    c_lwsp(s1, 8)                     # 1
    c_lwsp(s2, 12)                    # 1
    c_lwsp(s3, 16)                    # 1
    c_lwsp(s4, 20)                    # 1
    c_lwsp(s5, 24)                    # 1
    c_lwsp(s6, 28)                    # 1
    c_lwsp(s7, 32)                    # 1
    c_lwsp(s8, 36)                    # 1
    c_lwsp(s9, 40)                    # 1
    c_lwsp(s10, 44)                   # 1
    c_lwsp(s11, 48)                   # 1
    addi(sp, sp, 64)                  # 1
    li(a0, 1)                         # 1


kernels = {11: lut}
