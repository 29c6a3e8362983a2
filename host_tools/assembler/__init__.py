"""Assembler kernels, written from descriptions: one package per instruction set."""
