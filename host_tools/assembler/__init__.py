"""The assembler kernels, written from short descriptions: one package per instruction set, `python -m` each.

In a package: `isa` (operations, encodings, registers, cycles), `writer` (a kernel in the making), one description
per family of ops, and macros that several of them use. What they write is in device/fxnn, checked in and meant to be
read.
"""
