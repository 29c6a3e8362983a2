"""Loads a packed network, models/FORMAT.md: checks all of it, then allocates, the largest first. Forgotten when it is done."""

import gc
import struct
import sys
from binascii import crc32

from micropython import const

_VERSION = const(3)
_HEADER_BYTES = const(96)
_TENSOR_BYTES = const(64)
_CHUNK_BYTES = const(1024)
# Heap of a 32-bit board that is kept free: for an op, a piece, an input or output besides what the file holds of it,
# for the kernels' code where none is loaded yet, and for the rest.
_OP_HEAP = const(128)
_PIECE_HEAP = const(64)
_TENSOR_HEAP = const(320)
_KERNELS_HEAP = const(20000)
_REST_HEAP = const(2048)

# words: written by python -m host_tools.record
_KERNEL = const(0)
_NAME_OFFSET = const(1)
_X_CONSTANT = const(1)
_CONST_OFFSET = const(2)
_X2_CONSTANT = const(2)
_CONST_BYTES = const(3)
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_X2_OFFSET = const(7)
_FLAGS = const(23)
_PIECE_BYTES = const(32)
_VARIANTS = const(39)
_OP_BYTES = const(160)
# end of words

# kernels: written by python -m host_tools.record
_KERNELS = const(((1, 19), (32, 46)))  # first and last of the ids that there are
_X_FLAG = const((7, 8, 9, 12, 15, 16, 33, 41, 46))  # bit 0 of `flags`: x lies in the constants
_X2_FLAG = const((7, 8, 12, 15, 16, 33, 41, 46))  # bit 1 of `flags`: x2 lies in the constants
_HOLD_OFFSETS = const((17, 18, 19))  # their constants hold offsets or indices
# end of kernels


def _refuse(section):
    raise ValueError("model: offset outside the file (%s)" % section)


def _known(id):
    for first, last in _KERNELS:
        if first <= id <= last:
            return True
    return False


def _unknown(id):
    raise ValueError("model: kernel %d unknown, update fxnn" % id)


def _free():
    """Bytes of the heap that are free, garbage collected; a large number where nobody can tell."""
    gc.collect()
    return gc.mem_free() if hasattr(gc, "mem_free") else 1 << 29


def _largest_block(limit):
    """Bytes of the largest block that can be allocated, to 1 % of limit; found by trying."""
    low = 0
    high = limit
    while high - low > limit // 128 + 16:
        middle = (low + high) // 2
        try:
            bytearray(middle)
            low = middle
        except MemoryError:
            high = middle
        gc.collect()
    return low


def _too_large(arena, rest):
    """The MemoryError for an arena and the `rest` that do not fit; with the arena that would."""
    free = _free()
    return MemoryError(
        "model: needs %d bytes, %d free, largest block %d; free some, or: fxnn convert --ram %d"
        % (arena + rest, free, _largest_block(min(arena + rest, free)), max(0, free - rest))
    )


def _block(size):
    """A bytearray, or None."""
    try:
        return bytearray(size)
    except MemoryError:
        return None


def load(file, arithmetic, arena, place):
    """(arena, ops) of a File: ops are (kernel, record, constants). Arguments as of fxnn.load.

    ValueError, MemoryError: the texts of FORMAT.md.
    """
    if arena is not None and not arithmetic.aligned(arena):
        raise ValueError("arena: does not start at a multiple of 4")
    if file.path is not None:
        f = open(file.path, "rb")
        try:
            file.view = memoryview(f)  # a ROM filesystem's file is memory
        except TypeError:
            file.open = f
    try:
        return _load(file, arithmetic, arena, place)
    finally:
        if file.open:
            file.open.close()
            file.open = None


def _load(file, arithmetic, arena, place):
    mapped = _read_header(file, place)
    if arena is not None and len(arena) < file.arena_bytes:
        raise ValueError("arena: %d bytes, need %d" % (len(arena), file.arena_bytes))
    view = file.view
    in_place = view is not None and arithmetic.aligned(view)
    reserve = _REST_HEAP + _OP_HEAP * file.op_count + _PIECE_HEAP * file.piece_count
    reserve += _TENSOR_HEAP * (file.input_count + file.output_count) + (0 if in_place else file.head_bytes)
    constants = file.resident_bytes - file.head_bytes
    need = 0 if arena else file.arena_bytes
    free = _free() - reserve
    if free < need:
        raise _too_large(need, reserve)
    if not [name for name in sys.modules if name.startswith("fxnn.viper.")]:
        free -= _KERNELS_HEAP
    ram = place != "stream" and not (mapped or in_place) and need + constants <= free
    memory = None
    try:
        if ram and constants > need:
            memory = _block(constants)
            ram = memory is not None
        if arena is None:
            arena = _block(need)
            if arena is None and memory:  # the heap is in areas: the arena is needed, the constants may do without RAM
                ram = memory = None
                gc.collect()
                arena = _block(need)
            if arena is None:
                raise MemoryError
        if ram and not memory:
            memory = _block(constants)
        if in_place:
            file.head = view[: file.head_bytes]
        elif view is not None:
            file.head = bytearray(view[: file.head_bytes])
        else:
            file.head = bytearray(file.head_bytes)
            file.read_into(0, file.head)
        _check(file)
        kernels = []
        for at in range(file.ops_offset, file.pieces_offset, _OP_BYTES):
            # a kernel's id is below 64, as _check knows: the record's first byte
            kernels.append(arithmetic.kernel(file.head[at], struct.unpack_from("<i", file.head, at + 4 * _VARIANTS)[0]))
        if in_place:
            file.where = "in place"
        elif mapped:
            file.where = "flash"
        elif memory is not None:
            file.where = "RAM"
            file.read_into(file.head_bytes, memory)
            memory = memoryview(memory)
        elif place == "ram":
            raise MemoryError
        else:
            file.where = "streamed"
            file.stream = _stream(file, reserve)
        return arena, _ops(file, arithmetic, kernels, mapped, memory)
    except MemoryError:
        least = 0 if mapped or in_place else constants if place == "ram" else _longest(file) if file.head else 0
        arena = memory = file.head = file.stream = None
        raise _too_large(need, least + reserve)


def _stream(file, reserve):
    """The Stream of a file: its buffers take what the metadata's ram_bytes leaves beside arena and records, else half
    the free heap; at least what the longest kernel call reads."""
    from .stream import Stream

    least = _longest(file)
    free = _free() - reserve
    budget = file.metadata().get("ram_bytes")
    room = min(free, budget - file.arena_bytes - reserve) if budget else free // 2
    return Stream(file, least, max(room, least))


def _ops(file, arithmetic, kernels, mapped, memory):
    """(kernel, record, constants) for each op."""
    stream = file.stream
    if stream or file.piece_count:
        from .pieces import Pieces, Streamed
    head = memoryview(file.head)
    table = head[file.pieces_offset : file.head_bytes]

    def copied(offset, size):
        view = memoryview(bytearray(size))
        file.read_into(offset, view)
        return view

    def constants(offset, size):
        # A view of constants in memory; a copy where they cannot be used in the flash.
        if memory is not None:
            return memory[offset - file.head_bytes : offset - file.head_bytes + size]
        if not mapped:
            return file.view[offset : offset + size]
        view = mapped.get(offset, size)
        return copied(offset, size) if view is None else view

    entry = 0
    for i, kernel in enumerate(kernels):
        words = file.op(i)
        at = file.ops_offset + _OP_BYTES * i
        record = head[at : at + _OP_BYTES]
        count = file.pieces(words)
        spans = _spans(file, words, entry)
        if count and not memory and not mapped and not stream:
            record = bytearray(record)  # it is patched, and not ours
        record = arithmetic.record(record)
        if words[_KERNEL] in _HOLD_OFFSETS and (mapped or stream):  # copied, so that nothing can change them
            where = copied(*spans[0])
        elif stream:
            kernel = Streamed(kernel, arithmetic.patch if count else None, table, entry, stream)
            where = [stream.unit(*span) for span in spans]
        elif count:
            kernel = Pieces(kernel, arithmetic.patch, table, entry)
            where = [constants(*span) for span in spans]
        else:
            where = constants(*spans[0])
        entry += count
        kernels[i] = (kernel, record, where)
    return kernels


def _read_header(file, place):
    """Header and checksum. The file in the mapped flash, or None; file.why says why not, where it was tried."""
    header = file.read(0, _HEADER_BYTES)
    if len(header) < _HEADER_BYTES or bytes(header[:4]) != b"FXNN":
        raise ValueError("model: not an fxnn file")
    (
        version,
        header_bytes,
        total,
        crc,
        file.resident_bytes,
        file.arena_bytes,
        file.ops_offset,
        file.op_count,
        file.tensors_offset,
        file.tensor_count,
        file.input_count,
        file.output_count,
        file.labels_offset,
        file.label_count,
        file.metadata_offset,
        file.metadata_bytes,
        file.selftest_offset,
        file.selftest_count,
        file.strings_offset,
        file.strings_bytes,
        file.kernel_mask,
        kernel_mask_high,
        _,  # fast_target: what it says is in each record's word
        file.variables_offset,
        file.piece_count,
    ) = struct.unpack("<HH8IHH13I", header[4:])
    file.kernel_mask |= kernel_mask_high << 32
    file.total_bytes = total
    if version != _VERSION or header_bytes != _HEADER_BYTES:
        raise ValueError("model: version %d, need %d" % (version, _VERSION))
    size = file.open.seek(0, 2) if file.view is None else len(file.view)
    if size != total:
        raise ValueError("model: truncated, %d of %d bytes" % (size, total))
    file.pieces_offset = file.ops_offset + file.op_count * _OP_BYTES
    file.head_bytes = file.pieces_offset + file.piece_count * _PIECE_BYTES
    mapped, block = None, ""
    if file.view is None and sys.platform == "rp2" and (place == "flash" or file.piece_count and place is None):
        mapped, block = _map(file, crc)
    elif place == "flash":
        file.why = "no mapped flash here"
    if not mapped and _crc(file) != crc:
        raise ValueError("model: bad crc, copy it again" + block)
    if not _HEADER_BYTES <= file.resident_bytes <= total:
        _refuse("constants")
    if file.head_bytes > file.resident_bytes:
        _refuse("pieces" if file.pieces_offset <= file.resident_bytes else "ops")
    return mapped


def _map(file, crc):
    """(the file in the mapped flash or None, which block is not as its checksum says: text, often empty)."""
    from . import forget
    from .flash import Mapped

    mapped = Mapped(file.path, file.total_bytes)
    file.why = mapped.problem or ""
    block = ""
    if not file.why:
        sums = _block_sums(file)
        wrong = mapped.check(crc, sums)
        if wrong is not None:
            if sums:
                block = " (block %d)" % wrong
            file.why = "other contents in the flash" + block
    forget("flash")
    return (None if file.why else mapped), block


def _block_sums(file):
    """The block sums at the end of the file; none in a file without."""
    tail = file.read(file.total_bytes - 8, 8)
    size = 4 * struct.unpack("<I", tail[:4])[0]
    if tail[4:] != b"SUMS" or size > file.total_bytes - 8:
        return b""
    return file.read(file.total_bytes - 8 - size, size)


def _crc(file):
    """The checksum of the file's bytes from 16 on."""
    if file.view is not None:
        return crc32(file.view[16:])
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    file.open.seek(16)
    sum32 = 0
    while True:
        size = file.open.readinto(buffer)
        if not size:
            return sum32
        sum32 = crc32(buffer if size == _CHUNK_BYTES else buffer[:size], sum32)


def _spans(file, words, entry):
    """(offset in the file, bytes) of an op's constants, for each of its calls; entry: its first of the pieces."""
    count = file.pieces(words)
    if not count:
        return [words[_CONST_OFFSET : _CONST_BYTES + 1]]
    at = file.pieces_offset
    return [struct.unpack_from("<2i", file.head, at + (entry + i) * _PIECE_BYTES) for i in range(count)]


def _longest(file):
    """Bytes of the longest constants of one kernel call."""
    longest = entry = 0
    for i in range(file.op_count):
        words = file.op(i)
        longest = max(longest, max([span[1] for span in _spans(file, words, entry)]))
        entry += file.pieces(words)
    return longest


def _check(file):
    """Every section, record and tensor lies where the kernels and the reports may read and write."""
    for id in range(64):
        if file.kernel_mask >> id & 1 and not _known(id):
            _unknown(id)
    resident = file.resident_bytes
    for section, offset, size, limit in (
        ("ops", file.ops_offset, file.op_count * _OP_BYTES, resident),
        ("tensors", file.tensors_offset, file.tensor_count * _TENSOR_BYTES, file.total_bytes),
        ("strings", file.strings_offset, file.strings_bytes, file.total_bytes),
        ("labels", file.labels_offset, file.label_count, file.total_bytes),
        ("metadata", file.metadata_offset, file.metadata_bytes, file.total_bytes),
    ):
        if offset & 3 or offset < _HEADER_BYTES or offset + size > limit:
            _refuse(section)
    if file.strings_bytes and file.read(file.strings_offset + file.strings_bytes - 1, 1)[0]:
        _refuse("strings")  # the last string is not terminated
    arena = file.arena_bytes
    entry = 0
    for i in range(file.op_count):
        words = file.op(i)
        id = words[_KERNEL]
        if not _known(id):
            _unknown(id)
        _check_name(file, words[_NAME_OFFSET])
        size = words[_CONST_BYTES]
        flags = words[_FLAGS]
        if not (
            0 <= words[_X_OFFSET] <= (size if flags & _X_CONSTANT and id in _X_FLAG else arena)
            and 0 <= words[_Y_OFFSET] <= arena
            and 0 <= words[_X2_OFFSET] <= (size if flags & _X2_CONSTANT and id in _X2_FLAG else arena)
        ):
            _refuse("arena")
        pieces = file.pieces(words)
        if not 0 <= pieces <= file.piece_count - entry:
            _refuse("pieces")
        for offset, size in _spans(file, words, entry):
            if offset & 3 or offset < _HEADER_BYTES or size < 0 or offset + size > resident:
                _refuse("constants")
        for n in range(entry, entry + pieces):
            x, y = struct.unpack_from("<2i", file.head, file.pieces_offset + n * _PIECE_BYTES + 8)
            if not (0 <= x <= arena and 0 <= y <= arena):
                _refuse("arena")
        entry += pieces
    if file.input_count + file.output_count > file.tensor_count:
        _refuse("tensors")
    vector = 0
    for i in range(file.tensor_count):
        name, dtype, rank, _, at, size, *_ = file.tensor(i)
        _check_name(file, name)
        if not 1 <= dtype <= 5 or rank > 6:
            _refuse("tensors")
        if at + size > arena:
            _refuse("arena")
        if i < file.input_count + file.output_count:
            vector += size
    if file.selftest_offset & 3 or file.selftest_offset + file.selftest_count * vector > file.total_bytes:
        _refuse("selftest")


def _check_name(file, offset):
    if not file.strings_offset <= offset < file.strings_offset + file.strings_bytes:
        _refuse("strings")
