"""Finds a file of a littlefs in the memory-mapped flash of an RP2, so that constants are used where they lie.

A file's block n holds 4096 - 4 * (ctz(n) + 1) bytes of it after pointers to earlier blocks, the first of which is to
block n - 1; block 0 holds 4096 (littlefs SPEC.md, CTZ skip-lists). The last block's number is what the firmware's own
littlefs reads when the last byte is asked for, on a second mount of the same flash behind a device that takes notes:
so the blocks are those of the file as it is now, never older ones.
"""

import os
import struct
from binascii import crc32

import rp2
from micropython import const

_BLOCK_BYTES = const(4096)
_XIP_BASE = const(0x10000000)


class _Notes:
    """The flash as a block device that cannot be written and remembers the last block read."""

    def __init__(self, flash):
        self.flash = flash
        self.block = 0

    def readblocks(self, block, buffer, offset=0):
        self.block = block
        self.flash.readblocks(block, buffer, offset)

    def writeblocks(self, block, buffer, offset=0):
        return -30  # EROFS

    def ioctl(self, op, arg):
        return self.flash.ioctl(op, arg) if 4 <= op <= 5 else None


def _index(offset):
    """(block of the file, byte in that block) of an offset in the file: littlefs' lfs_ctz_index."""
    i = offset // (_BLOCK_BYTES - 8)
    if i == 0:
        return 0, offset
    i = (offset - 4 * (_ones(i - 1) + 2)) // (_BLOCK_BYTES - 8)
    return i, offset - (_BLOCK_BYTES - 8) * i - 4 * _ones(i)


def _ones(n):
    count = 0
    while n:
        count += n & 1
        n >>= 1
    return count


def _window(flash):
    """The flash partition as a memoryview of the mapped flash, or None."""
    try:
        return memoryview(flash)  # 1.25 and newer
    except TypeError:
        pass
    import uctypes

    # The filesystem ends where the flash does; which of the possible sizes it has, its superblock tells.
    size = flash.ioctl(4, 0) * _BLOCK_BYTES
    block = bytearray(256)
    flash.readblocks(1, block, 0)
    for shift in range(20, 25):
        at = _XIP_BASE + (1 << shift) - size
        if size < 1 << shift and uctypes.bytearray_at(at + _BLOCK_BYTES, 256) == block:
            return memoryview(uctypes.bytearray_at(at, size))
    return None


class Mapped:
    """A file, by its path from the root, in the mapped flash. `problem`: None, or why it cannot be used there."""

    def __init__(self, path, size):
        self.problem = None
        self.flash = rp2.Flash()
        notes = _Notes(self.flash)
        try:
            fs = os.VfsLfs2(notes, readsize=32, progsize=32, lookahead=32)
        except OSError:
            self.problem = "the flash holds no littlefs"
            return
        if fs.statvfs("/")[0] != _BLOCK_BYTES:
            self.problem = "its littlefs has other blocks"
            return
        file = None
        for name in (path, path[path.find("/", 1) :]):  # the flash may be mounted in a folder
            try:
                file = fs.open(name, "rb")
                break
            except OSError:
                pass
        if not file:
            self.problem = "not on the flash's littlefs"
            return
        found = file.seek(0, 2)
        if found == size > 1024:  # smaller ones may lie among the names
            file.seek(size - 1)
            file.read(1)
        file.close()
        if found != size or size <= 1024:
            self.problem = "another file on the flash" if found != size else "too small"
            return
        self.view = _window(self.flash)
        if self.view is None:
            self.problem = "flash not mapped"
            return
        last = _index(size - 1)[0]
        blocks = bytearray(2 * last + 2)
        count = len(self.view) // _BLOCK_BYTES
        block = notes.block
        for n in range(last, -1, -1):
            if block >= count:
                self.problem = "blocks not found"
                return
            struct.pack_into("<H", blocks, 2 * n, block)
            block = struct.unpack_from("<I", self.view, block * _BLOCK_BYTES)[0]
        self.blocks = blocks
        self.size = size

    def get(self, offset, size):
        """A view of a piece of the file; None where it crosses from one block to the next."""
        i, at = _index(offset)
        if at + size > _BLOCK_BYTES:
            return None
        at += struct.unpack_from("<H", self.blocks, 2 * i)[0] * _BLOCK_BYTES
        return self.view[at : at + size]

    def check(self, crc, sums):
        """The first block of the file that is not as its checksum says; None: each is right.

        sums: a u32 for each block but the last ones, the CRC of the file from byte 16 to the block's end; crc: to the file's.
        """
        sum32 = offset = n = 0
        while offset < self.size:
            size = min(_BLOCK_BYTES - _index(offset)[1], self.size - offset)
            chunk = self.get(offset, size)
            offset += size
            sum32 = crc32(chunk if n else chunk[16:], sum32)
            n += 1
            if offset == self.size:
                want = crc
            elif 4 * n <= len(sums):
                want = struct.unpack_from("<I", sums, 4 * n - 4)[0]
            else:
                continue
            if sum32 != want:
                return n - 1
        return None
