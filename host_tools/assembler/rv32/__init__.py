"""Writes device/fxnn/rv32_*.py: the RV32IMC kernels, unrolled and scheduled from one description each.

    python -m host_tools.assembler.rv32            write them
    python -m host_tools.assembler.rv32 --check    say whether they are up to date

What is written is plain @micropython.asm_rv32 source with its comments, meant to be read; edit the description.
"""
