"""What a network keeps from one inference to the next; one that keeps nothing never loads this."""

import struct


def reset(file, arena):
    """Gives every variable its first value, in the arena. ValueError where it lies outside of it, or of the file."""
    at = file.variables_offset
    for _ in range(struct.unpack("<I", file.read(at, 4))[0]):
        place, size, value, fill = struct.unpack("<IIII", file.read(at + 4, 16))
        at += 16
        first = file.read(value, size) if value else bytes([fill & 255]) * size
        if place + size > len(arena) or len(first) < size:
            raise ValueError("model: offset outside the file (variables)")
        memoryview(arena)[place : place + size] = first
