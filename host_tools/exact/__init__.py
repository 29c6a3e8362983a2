"""The host's exact kernels: what every backend must answer, in NumPy, bit for bit TensorFlow Lite Micro's results.

run.py    runs a packed network from its records, with the kernels of
FAMILY.py  a family of record.KERNELS: one function per kernel, of its name, `kernel(record, arena, constants)`
core.py   reading and writing tensors by a record's words, which the families share

record: a record.View, its 40 words by name; arena and constants: uint8 arrays. Equations are FORMAT.md's.
"""
