"""copy in RV32IMC assembler: words where addresses allow it.

Written by host_tools/assembler/rv32: edit that. Assembler for RV32IMC (ESP32-C3, RP2350's Hazard3): rv32.
"""

import micropython


@micropython.asm_rv32
def copy(a0, a1, a2):
    """
    A box of bytes from x to y, both with strides, y's bytes before it filled first: reference: ref.copy.
    In   a0 *record | a1 *arena | a2 *constants, or viper's (self, 3, 0, objects)
    Uses a row: a0 record | a3 x | a4 y | t0 bytes | t1 step of x | t2 of y | t3 byte or word | t4 end of words
         elsewhere: a5 y; t0-t4 and the rows' starts on the stack
    Stack 80
    Cost 6 per word where steps are 1 and addresses multiples of 4, else 7 per byte; 50 per row
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
    addi(sp, sp, -80)                 # 1
    c_swsp(ra, 24)                    # 1
    c_swsp(s0, 28)                    # 1
    c_swsp(s1, 32)                    # 1
    c_swsp(s2, 36)                    # 1
    c_swsp(s3, 40)                    # 1
    c_swsp(s4, 44)                    # 1
    c_swsp(s5, 48)                    # 1
    c_swsp(s6, 52)                    # 1
    c_swsp(s7, 56)                    # 1
    c_swsp(s8, 60)                    # 1
    c_swsp(s9, 64)                    # 1
    c_swsp(s10, 68)                   # 1
    c_swsp(s11, 72)                   # 1
    c_swsp(a0, 0)                     # 1
    lw(t0, 92(a0))                    # 2
    andi(t0, t0, 1)                   # 1
    mv(t1, a1)                        # 1
    beq(t0, zero, ARENA)              # 1-2
    mv(t1, a2)                        # 1
    label(ARENA)
    lw(t0, 20(a0))                    # 2
    c_add(t1, t0)                     # 1
    c_swsp(t1, 4)                     # 1
    c_lw(a5, 24(a0))                  # 2
    c_add(a5, a1)                     # 1
    # What is filled with one value
    lw(t1, 80(a0))                    # 1
    lw(t2, 84(a0))                    # 1
    mv(t0, a5)                        # 1
    c_add(t1, a5)                     # 1
    beq(t0, t1, FILLED)               # 1-2
    label(FILL)
    sb(t2, 0(t0))                     # 1
    c_addi(t0, 1)                     # 1
    bne(t0, t1, FILL)                 # 1-2
    label(FILLED)
    lw(t0, 88(a0))                    # 2
    c_add(a5, t0)                     # 1
    c_swsp(a5, 8)                     # 1
    # Three dimensions of rows, as in add
    lw(t0, 32(a0))                    # 2
    c_swsp(t0, 12)                    # 1
    bne(t0, zero, SOME0)              # 1-2
    jal(zero, DONE)                   # 2
    label(SOME0)
    lw(t0, 36(a0))                    # 2
    c_swsp(t0, 16)                    # 1
    bne(t0, zero, SOME1)              # 1-2
    jal(zero, DONE)                   # 2
    label(SOME1)
    lw(t0, 40(a0))                    # 2
    c_swsp(t0, 20)                    # 1
    bne(t0, zero, SOME2)              # 1-2
    jal(zero, DONE)                   # 2
    label(SOME2)
    label(ROW)
    c_lwsp(a0, 0)                     # 1
    c_lwsp(a3, 4)                     # 1
    c_lwsp(a4, 8)                     # 1
    lw(t0, 44(a0))                    # 1
    lw(t1, 60(a0))                    # 1
    lw(t2, 76(a0))                    # 1
    li(t3, 1)                         # 1
    bne(t1, t3, BYTES)                # 1-2
    bne(t2, t3, BYTES)                # 1-2
    or_(t3, a3, a4)                   # 1
    andi(t3, t3, 3)                   # 1
    bne(t3, zero, BYTES)              # 1-2
    andi(t4, t0, -4)                  # 1
    andi(t0, t0, 3)                   # 1
    c_add(t4, a4)                     # 1
    beq(t4, a4, BYTES)                # 1-2
    label(WORD)
    lw(t3, 0(a3))                     # 1
    c_addi(a3, 4)                     # 1
    sw(t3, 0(a4))                     # 1
    c_addi(a4, 4)                     # 1
    bne(a4, t4, WORD)                 # 1-2
    label(BYTES)
    beq(t0, zero, ROW_DONE)           # 1-2
    label(BYTE)
    lbu(t3, 0(a3))                    # 1
    c_add(a3, t1)                     # 1
    sb(t3, 0(a4))                     # 1
    c_add(a4, t2)                     # 1
    c_addi(t0, -1)                    # 1
    bne(t0, zero, BYTE)               # 1-2
    label(ROW_DONE)
    lw(t2, 56(a0))                    # 1
    lw(t3, 72(a0))                    # 1
    c_lwsp(t0, 4)                     # 2
    c_add(t0, t2)                     # 1
    c_swsp(t0, 4)                     # 1
    c_lwsp(t0, 8)                     # 2
    c_add(t0, t3)                     # 1
    c_swsp(t0, 8)                     # 1
    c_lwsp(t0, 20)                    # 2
    c_addi(t0, -1)                    # 1
    c_swsp(t0, 20)                    # 1
    beq(t0, zero, DIMENSION2)         # 1-2
    jal(zero, ROW)                    # 2
    label(DIMENSION2)
    lw(t0, 40(a0))                    # 2
    c_swsp(t0, 20)                    # 1
    mul(t1, t2, t0)                   # 1
    c_lwsp(t4, 4)                     # 2
    sub(t4, t4, t1)                   # 1
    c_swsp(t4, 4)                     # 1
    mul(t1, t3, t0)                   # 1
    c_lwsp(t4, 8)                     # 2
    sub(t4, t4, t1)                   # 1
    c_swsp(t4, 8)                     # 1
    lw(t2, 52(a0))                    # 1
    lw(t3, 68(a0))                    # 1
    c_lwsp(t0, 4)                     # 2
    c_add(t0, t2)                     # 1
    c_swsp(t0, 4)                     # 1
    c_lwsp(t0, 8)                     # 2
    c_add(t0, t3)                     # 1
    c_swsp(t0, 8)                     # 1
    c_lwsp(t0, 16)                    # 2
    c_addi(t0, -1)                    # 1
    c_swsp(t0, 16)                    # 1
    beq(t0, zero, DIMENSION1)         # 1-2
    jal(zero, ROW)                    # 2
    label(DIMENSION1)
    lw(t0, 36(a0))                    # 2
    c_swsp(t0, 16)                    # 1
    mul(t1, t2, t0)                   # 1
    c_lwsp(t4, 4)                     # 2
    sub(t4, t4, t1)                   # 1
    c_swsp(t4, 4)                     # 1
    mul(t1, t3, t0)                   # 1
    c_lwsp(t4, 8)                     # 2
    sub(t4, t4, t1)                   # 1
    c_swsp(t4, 8)                     # 1
    lw(t2, 48(a0))                    # 1
    lw(t3, 64(a0))                    # 1
    c_lwsp(t0, 4)                     # 2
    c_add(t0, t2)                     # 1
    c_swsp(t0, 4)                     # 1
    c_lwsp(t0, 8)                     # 2
    c_add(t0, t3)                     # 1
    c_swsp(t0, 8)                     # 1
    c_lwsp(t0, 12)                    # 2
    c_addi(t0, -1)                    # 1
    c_swsp(t0, 12)                    # 1
    beq(t0, zero, DIMENSION0)         # 1-2
    jal(zero, ROW)                    # 2
    label(DIMENSION0)
    label(DONE)
    c_lwsp(ra, 24)                    # 1
    c_lwsp(s0, 28)                    # 1
    c_lwsp(s1, 32)                    # 1
    c_lwsp(s2, 36)                    # 1
    c_lwsp(s3, 40)                    # 1
    c_lwsp(s4, 44)                    # 1
    c_lwsp(s5, 48)                    # 1
    c_lwsp(s6, 52)                    # 1
    c_lwsp(s7, 56)                    # 1
    c_lwsp(s8, 60)                    # 1
    c_lwsp(s9, 64)                    # 1
    c_lwsp(s10, 68)                   # 1
    c_lwsp(s11, 72)                   # 1
    addi(sp, sp, 80)                  # 1
    li(a0, 1)                         # 1


kernels = {9: copy}
