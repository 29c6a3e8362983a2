"""Runs the networks of cases.bin one after the other, each with its inputs (tests/helpers/batch.py writes the file).

Per case a line: "@ 7 " and the outputs in base64, or "@ 7 error " and the exception.

Parameters: BACKEND. ARENA: arenas start with 0xA5 in every byte, and all of the arena is the answer. POISON: before each
op all that holds nothing anyone will read is overwritten; a table of u32 {op, first byte, end} follows the inputs.
"""

import binascii
import gc
import struct

import fxnn
import micropython
import parameters

BACKEND = parameters.BACKEND
ARENA = getattr(parameters, "ARENA", False)
POISON = getattr(parameters, "POISON", False)


def invoke(net):
    if net.backend == "ref":
        return net.invoke()
    micropython.heap_lock()  # native kernels allocate nothing: whatever did would end as a MemoryError
    try:
        net.invoke()
    finally:
        micropython.heap_unlock()


def invoke_poisoned(net, table):
    at = 0
    for number, (kernel, record, constants) in enumerate(net._ops):
        while at < len(table) and table[at] == number:
            low, high = table[at + 1], table[at + 2]
            memoryview(net.arena)[low:high] = b"\xa5" * (high - low)
            at += 3
        kernel(record, net.arena, constants)
    if at < len(table):
        raise ValueError("the poison for %d ops was not used" % (table[-3] - number))


def answer(model, data):
    """One inference after another, until the inputs are used up: those of a network with a state."""
    net = fxnn.load(model, backend=BACKEND)
    if ARENA:
        for i in range(len(net.arena)):
            net.arena[i] = 0xA5
        net.reset()
    at = 0
    out = b""
    while True:
        for tensor in net.inputs:
            tensor.data[:] = data[at : at + len(tensor.data)]
            at += len(tensor.data)
        if POISON:
            invoke_poisoned(net, struct.unpack("<%dI" % ((len(data) - at) // 4), data[at:]))
            at = len(data)
        else:
            invoke(net)
        out += b"".join([bytes(tensor.data) for tensor in net.outputs])
        if at >= len(data):
            return bytes(net.arena) if ARENA else out


def piece(file):
    size = file.read(4)
    return file.read(struct.unpack("<I", size)[0]) if len(size) == 4 else None


with open("cases.bin", "rb") as f:
    i = 0
    while True:
        model = piece(f)
        if model is None:
            break
        data = piece(f)
        try:
            print("@", i, binascii.b2a_base64(answer(model, data)).decode().strip())
        except Exception as e:
            print("@", i, "error", repr(e))
        model = data = None
        gc.collect()
        i += 1
