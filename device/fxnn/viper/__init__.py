"""The viper backend: finds the kernels, which lie in a module a family, so that a board loads what its network uses.

Same names, same contract and the same results as `ref`, bit for bit, on 32- and 64-bit machines.
`kernel(record, arena, constants)`: three buffers; record and constants are 4-aligned.

What every kernel here has to mind:
- viper's int is the machine word: 32-bit results are taken modulo 2^32 and sign-extended from 16-bit halves.
- ptr8 loads are unsigned, ptr32 loads are unsigned on 64-bit machines: a record's signed words fit 16 bits.
- A literal of 2^30 or more would be an object on a 32-bit machine: larger constants are composed by shifts.
- Names of words (`_IN_H = const(9)`) cost nothing, an import of const 15 bytes a module: the compiler knows it without.
- A call from viper to viper boxes its arguments: requantize is written out where it is needed.
- Thumb keeps two variables in registers, the first two arguments: hot loops reuse those.
"""

import micropython

# words of conv_2d, fully_connected: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_OUT_C = const(14)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_WEIGHTS_LAYOUT = const(29)
_PACKED_OFFSET = const(30)
_PIECE_COUNT = const(33)
_WEIGHTS_FORMAT = const(34)
# end of words of conv_2d, fully_connected


def kernel(id, words=None, target=0):
    """The function for a record of kernel `id`; imports its family. words: the record's 40."""
    if id == 3 and words and words[_WEIGHTS_LAYOUT] == 2:
        from . import dense_twos as family
    elif id == 3 and words and words[_WEIGHTS_LAYOUT]:
        from . import dense_pairs as family
    elif id <= 3 and words and words[_WEIGHTS_FORMAT]:
        from . import int4 as family
    elif id <= 3:
        from . import conv as family
    elif id <= 6:
        from . import pool as family
    elif id <= 9 or id == 11:
        from . import elementwise as family
    elif id == 10:
        from . import softmax as family
    elif id < 15 and id != 12:
        from . import reduce as family
    elif id == 15:
        from . import binary as family
    elif id == 17:
        from . import resize as family
    elif id == 18:
        from . import rows as family
    elif id < 32:
        from . import gather as family
    elif id < 34:
        from . import matmul as family
    elif id < 36:
        from . import recurrent as family
    elif id < 38:
        from . import int16_conv as family
    elif id < 45:
        from . import int16 as family
    else:
        from . import integer as family
    return family.kernels[id]


def record(view):
    """What the kernels of this backend take as a record, from its 160 bytes: the bytes themselves."""
    return view


@micropython.viper
def patch(record: ptr32, table: ptr32, entry: int, later: int):
    """Makes a record of `record` that of one piece of its op (FORMAT.md, pieces); const_offset and const_bytes no kernel reads."""
    at = 8 * entry
    record[_X_OFFSET] = table[at + 2]
    record[_Y_OFFSET] = table[at + 3]
    record[_OUT_C] = table[at + 4]
    record[_WEIGHTS_OFFSET] = table[at + 5]
    record[_CHANNELS_OFFSET] = table[at + 6]
    record[_PACKED_OFFSET] = table[at + 7]
    record[_PIECE_COUNT] = later


@micropython.viper
def aligned(buffer: ptr8) -> bool:
    """Whether the buffer starts at a multiple of 4, which the kernels need."""
    return (int(buffer) & 3) == 0
