"""Reads and validates a packed network, models/FORMAT.md: what runs stays in RAM or where it lies, the rest is read on demand."""

import gc
import struct
import sys
from binascii import crc32
from micropython import const

_VERSION = const(2)
_HEADER_BYTES = const(96)
_OP_BYTES = const(160)
_PIECE_BYTES = const(32)
_TENSOR_BYTES = const(64)
_KERNELS = ((1, 19),)  # first and last of the kernel ids
_CUTTABLE_LAST = const(3)  # of these, ids 1 to this may be cut into pieces
_CHUNK_BYTES = const(1024)


def _refuse(section):
    raise ValueError("model: offset outside the file (%s)" % section)


def _known(id):
    for first, last in _KERNELS:
        if first <= id <= last:
            return True
    return False


def _unknown(id):
    raise ValueError("model: kernel %d unknown, update fxnn" % id)


def free_bytes():
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


def too_large(need):
    """The MemoryError for `need` bytes that are not there."""
    free = free_bytes()
    return MemoryError(
        "model: needs %d bytes, %d free, largest block %d; free some, or: fxnn convert --ram %d"
        % (need, free, _largest_block(min(need, free)), free)
    )


class File:
    """A validated packed network.

    `head`: header, op records and pieces, in RAM or where they lie; `arena`: the RAM it runs in. `where` its constants
    are: "RAM", "flash", "streamed" or "in place" (bytes given, a ROM filesystem); `why` it is not flash, where that was tried.
    A path is opened again for what is read on demand; bytes are kept and, where `aligned(bytes)`, used in place.
    ValueError, MemoryError: the texts of FORMAT.md.
    """

    def __init__(self, source, aligned, arena, place):
        self.path = None if isinstance(source, (bytes, bytearray, memoryview)) else source
        self.where = None
        self.why = ""
        self.stream = None
        self.arena = arena
        self._view = None
        self._open = None
        self._mapped = None
        self._ram = None
        self._place = place
        if self.path is None:
            self._view = memoryview(source)
            self._in_place = aligned(source)
            self._read(len(source))
            return
        self._in_place = False
        self._open = open(source, "rb")
        try:
            self._view = memoryview(self._open)  # a ROM filesystem's file is memory
        except TypeError:
            pass
        try:
            if self._view is not None:
                self._in_place = aligned(self._view)
            self._read(self._open.seek(0, 2) if self._view is None else len(self._view))
        finally:
            self._open.close()
            self._open = None

    def read(self, offset, size):
        """Bytes of the file: a slice of the bytes given, or read from the path."""
        if self._view is not None:
            return self._view[offset : offset + size]
        f = self._open or open(self.path, "rb")
        try:
            f.seek(offset)
            return f.read(size)
        finally:
            if f is not self._open:
                f.close()

    def read_into(self, offset, buffer):
        """Fills the buffer from the file."""
        if self._view is not None:
            buffer[:] = self._view[offset : offset + len(buffer)]
            return
        with open(self.path, "rb") as f:
            f.seek(offset)
            if f.readinto(buffer) != len(buffer):
                raise OSError("model: file changed")

    def string(self, offset):
        """The NUL-terminated string at an offset of the strings section."""
        text = b""
        while b"\0" not in text:
            more = bytes(self.read(offset + len(text), 32))
            if not more:
                _refuse("strings")
            text += more
        return text[: text.find(b"\0")].decode()

    def metadata(self):
        """What the file says about itself, a dict; read from the file at each use."""
        if not self.metadata_bytes:
            return {}
        from json import loads

        return loads(bytes(self.read(self.metadata_offset, self.metadata_bytes)).decode())

    def op(self, i):
        """The 40 words of op record i, signed."""
        return struct.unpack_from("<40i", self.head, self.ops_offset + i * _OP_BYTES)

    def pieces(self, words):
        """How many pieces an op's constants are cut into; 0: they are not."""
        return words[33] if words[0] <= _CUTTABLE_LAST else 0

    def spans(self, words, entry):
        """(offset in the file, bytes) of an op's constants, for each of its calls; entry: its first of the pieces."""
        count = self.pieces(words)
        if not count:
            return [words[2:4]]
        at = self.pieces_offset
        return [struct.unpack_from("<2i", self.head, at + (entry + i) * _PIECE_BYTES) for i in range(count)]

    def tensor(self, i):
        """Tensor entry i: (name_offset, dtype, rank, flags, arena_offset, bytes, scale, zero_point, first_op, last_op,
        6 of shape)."""
        return struct.unpack("<IBBHIIfiii6I", self.read(self.tensors_offset + i * _TENSOR_BYTES, _TENSOR_BYTES - 8))

    def _read(self, size):
        """Header, checksum, records; nothing large is allocated."""
        header = self.read(0, _HEADER_BYTES)
        if len(header) < _HEADER_BYTES or bytes(header[:4]) != b"FXNN":
            raise ValueError("model: not an fxnn file")
        (
            version,
            header_bytes,
            total,
            crc,
            self.resident_bytes,
            self.arena_bytes,
            self.ops_offset,
            self.op_count,
            self.tensors_offset,
            self.tensor_count,
            self.input_count,
            self.output_count,
            self.labels_offset,
            self.label_count,
            self.metadata_offset,
            self.metadata_bytes,
            self.selftest_offset,
            self.selftest_count,
            self.strings_offset,
            self.strings_bytes,
            kernel_mask,
            kernel_mask_high,
            self.fast_target,
            _,
            self.piece_count,
        ) = struct.unpack("<HH8IHH13I", header[4:])
        if version != _VERSION or header_bytes != _HEADER_BYTES:
            raise ValueError("model: version %d, need %d" % (version, _VERSION))
        if size != total:
            raise ValueError("model: truncated, %d of %d bytes" % (size, total))
        self.pieces_offset = self.ops_offset + self.op_count * _OP_BYTES
        self.head_bytes = self.pieces_offset + self.piece_count * _PIECE_BYTES
        place = self._place
        if self._view is None and sys.platform == "rp2" and (place == "flash" or self.piece_count and place is None):
            self._map(total, crc)
        elif place == "flash":
            self.why = "no mapped flash here"
        if not self._mapped and self._crc(self._chunks(total)) != crc:
            raise ValueError("model: bad crc, copy it again")
        if not _HEADER_BYTES <= self.resident_bytes <= total:
            _refuse("constants")
        if self.head_bytes > self.resident_bytes:
            _refuse("pieces" if self.pieces_offset <= self.resident_bytes else "ops")
        need = self.head_bytes + (0 if self.arena else self.arena_bytes)
        if need > free_bytes():
            raise too_large(need)
        if self._in_place:
            self.head = self._view[: self.head_bytes]
        elif self._view is not None:
            self.head = bytearray(self._view[: self.head_bytes])
        else:
            self.head = self.read(0, self.head_bytes)
        self._check(total, kernel_mask | kernel_mask_high << 32)

    def _map(self, total, crc):
        """Looks for the file in the mapped flash; what is found there has the right checksum."""
        from .flash import Mapped

        mapped = Mapped(self.path, total)
        self.why = mapped.problem
        if not self.why and self._crc(mapped.chunks()) != crc:
            self.why = "other contents in the flash"
        if not self.why:
            self._mapped = mapped
        del sys.modules["fxnn.flash"]  # its code is garbage when loading is done

    def _crc(self, chunks):
        """The checksum of the file's bytes from 16 on."""
        sum32 = 0
        skip = 16
        for chunk in chunks:
            sum32 = crc32(chunk[skip:], sum32)
            skip = 0
        return sum32

    def _chunks(self, total):
        if self._view is not None:
            yield self._view
            return
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        self._open.seek(0)
        while True:
            size = self._open.readinto(buffer)
            if not size:
                return
            yield buffer if size == _CHUNK_BYTES else buffer[:size]

    def allocate(self, reserve):
        """The arena, and the constants to where they are used from. `reserve`: bytes that loading takes besides."""
        arena = 0 if self.arena else self.arena_bytes
        constants = self.resident_bytes - self.head_bytes
        free = free_bytes() - reserve
        ram = self._place != "stream" and not (self._mapped or self._in_place) and arena + constants <= free
        try:
            if ram and constants > arena:
                self._ram = _block(constants)
                ram = self._ram is not None
            if arena:
                self.arena = _block(arena)
                if self.arena is None and ram:  # the heap is in pieces: the arena is needed, the constants may do without
                    self._ram = None
                    ram = False
                    gc.collect()
                    self.arena = _block(arena)
                if self.arena is None:
                    raise MemoryError
            if ram and self._ram is None:
                self._ram = _block(constants)
            if self._in_place:
                self.where = "in place"
            elif self._mapped:
                self.where = "flash"
            elif self._ram is not None:
                self.where = "RAM"
                self.read_into(self.head_bytes, self._ram)
                self._ram = memoryview(self._ram)
            elif self._place == "ram":
                raise MemoryError
            else:
                from .stream import Stream

                self.where = "streamed"
                self.stream = Stream(self, reserve)
        except MemoryError:
            least = constants if self._place == "ram" else self.longest_span() if not (self._mapped or self._in_place) else 0
            self._ram = None
            raise too_large(self.arena_bytes + least + reserve)

    def longest_span(self):
        """Bytes of the longest constants of one kernel call."""
        longest = entry = 0
        for i in range(self.op_count):
            words = self.op(i)
            longest = max(longest, max([span[1] for span in self.spans(words, entry)]))
            entry += self.pieces(words)
        return longest

    def constants(self, offset, size):
        """A view of constants that are in memory; a copy where they cannot be used in place."""
        if self._in_place:
            return self._view[offset : offset + size]
        if self._ram is not None:
            offset -= self.head_bytes
            return self._ram[offset : offset + size]
        view = self._mapped.get(offset, size)
        if view is None:
            view = memoryview(bytearray(size))
            self.read_into(offset, view)
        return view

    def _check(self, total, kernel_mask):
        """Every section, record and tensor lies where the kernels and the reports may read and write."""
        for id in range(64):
            if kernel_mask >> id & 1 and not _known(id):
                _unknown(id)
        resident = self.resident_bytes
        for section, offset, size, limit in (
            ("ops", self.ops_offset, self.op_count * _OP_BYTES, resident),
            ("tensors", self.tensors_offset, self.tensor_count * _TENSOR_BYTES, total),
            ("strings", self.strings_offset, self.strings_bytes, total),
            ("labels", self.labels_offset, self.label_count, total),
            ("metadata", self.metadata_offset, self.metadata_bytes, total),
        ):
            if offset & 3 or offset < _HEADER_BYTES or offset + size > limit:
                _refuse(section)
        if self.strings_bytes and self.read(self.strings_offset + self.strings_bytes - 1, 1)[0]:
            _refuse("strings")  # the last string is not terminated
        arena = self.arena_bytes
        entry = 0
        for i in range(self.op_count):
            words = self.op(i)
            id = words[0]
            if not _known(id):
                _unknown(id)
            self._check_name(words[1])
            flags = words[23] if 6 < id < 32 else 0
            size = words[3]
            if not (
                0 <= words[5] <= (size if flags & 1 else arena)
                and 0 <= words[6] <= arena
                and 0 <= words[7] <= (size if flags & 2 else arena)
            ):
                _refuse("arena")
            pieces = self.pieces(words)
            if not 0 <= pieces <= self.piece_count - entry:
                _refuse("pieces")
            for offset, size in self.spans(words, entry):
                if offset & 3 or offset < _HEADER_BYTES or size < 0 or offset + size > resident:
                    _refuse("constants")
            for n in range(entry, entry + pieces):
                x, y = struct.unpack_from("<2i", self.head, self.pieces_offset + n * _PIECE_BYTES + 8)
                if not (0 <= x <= arena and 0 <= y <= arena):
                    _refuse("arena")
            entry += pieces
        if self.input_count + self.output_count > self.tensor_count:
            _refuse("tensors")
        vector = 0
        for i in range(self.tensor_count):
            words = self.tensor(i)
            self._check_name(words[0])
            if not 1 <= words[1] <= 5 or words[2] > 6:
                _refuse("tensors")
            if words[4] + words[5] > arena:
                _refuse("arena")
            if i < self.input_count + self.output_count:
                vector += words[5]
        if self.selftest_offset & 3 or self.selftest_offset + self.selftest_count * vector > total:
            _refuse("selftest")

    def _check_name(self, offset):
        if not self.strings_offset <= offset < self.strings_offset + self.strings_bytes:
            _refuse("strings")


def _block(size):
    """A bytearray, or None."""
    try:
        return bytearray(size)
    except MemoryError:
        return None
