"""The viper backend: finds the kernels, which lie in a module a family, so that a board loads what its network uses.

Same names, same contract and the same results as `ref`, bit for bit, on 32- and 64-bit machines.
`kernel(record, arena, constants)`: three buffers; record and constants are 4-aligned.

The files have the names of ref's, each family in one, but for what most networks that use the family do not need:
conv also has fully_connected in rows; of dense there are dense_pairs and dense_twos, by the layout of the weights; int4
has conv_2d and fully_connected with weights of four bits; binary has binary and select of elementwise; transpose_conv and
int16_conv (conv_2d_16, depthwise_conv_2d_16) are files of their own.

What every kernel here has to mind:
- viper's int is the machine word: 32-bit results are taken modulo 2^32 and sign-extended from 16-bit halves.
- ptr8 loads are unsigned, ptr32 loads are unsigned on 64-bit machines: a record's signed words fit 16 bits.
- A literal of 2^30 or more would be an object on a 32-bit machine: larger constants are composed by shifts.
- Names of words (`_IN_H = const(9)`) cost nothing, an import of const 15 bytes a module: the compiler knows it without.
- A call from viper to viper boxes its arguments: requantize is written out where it is needed.
- Thumb keeps two variables in registers, the first two arguments: hot loops reuse those.
"""

import sys

import micropython

# modules of viper: written by python -m host_tools.record
_MODULES = const(
    ".conv            .depthwise       .pool            .reduce          .elementwise     .move            "
    ".softmax         .lookup          .gather          .binary          .resize          .rows            "
    ".transpose_conv  .matmul          .recurrent       .int16_conv      .int16           .integer         "
    ".int4            .dense_pairs     .dense_twos      "
)
_WIDTH = const(17)
# end of modules of viper

# words of conv_2d, fully_connected: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_OUT_C = const(14)
_WEIGHTS_OFFSET = const(27)
_CHANNELS_OFFSET = const(28)
_PACKED_OFFSET = const(30)
_PIECE_COUNT = const(33)
# end of words of conv_2d, fully_connected


def find(id, variants, shift, package, modules):
    """The function for kernel `id` in the module that the word `variants` names from bit `shift` on; imports it.

    Where modules has no such number, or the module no such kernel, that of viper's module; ValueError where there is none.
    """
    end = (variants >> shift & 255) * _WIDTH
    name = modules[end - _WIDTH : end]  # empty for 0, too
    if name:
        name = package + name.rstrip()
        kernel = (sys.modules.get(name) or __import__(name, None, None, ("kernels",))).kernels.get(id)
        if kernel:
            return kernel
    if shift:
        return find(id, variants, 0, __name__, _MODULES)
    raise ValueError("model: variant %d of kernel %d unknown, update fxnn" % (variants & 255, id))


def kernel(id, variants):
    """The function for a record of kernel `id` whose word `variants` this is. ValueError where there is none."""
    return find(id, variants, 0, __name__, _MODULES)


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
