"""Where a file's bytes lie in littlefs' blocks (littlefs SPEC.md, CTZ skip-lists): the same for every file.

Block n of a file starts with ctz(n) + 1 pointers of 4 bytes to earlier ones, block 0 with none.
"""

from __future__ import annotations

BLOCK_BYTES = 4096  # of the stock filesystem on RP2 boards (ports/rp2/modules/_boot.py)


def position(offset: int) -> tuple[int, int]:
    """(block of the file, byte in that block) of an offset in the file: littlefs' lfs_ctz_index."""
    i = offset // (BLOCK_BYTES - 8)
    if i == 0:
        return 0, offset
    i = (offset - 4 * ((i - 1).bit_count() + 2)) // (BLOCK_BYTES - 8)
    return i, offset - (BLOCK_BYTES - 8) * i - 4 * i.bit_count()


def room(offset: int) -> int:
    """Bytes from an offset in a file to the end of its block."""
    return BLOCK_BYTES - position(offset)[1]
