"""Reads and validates a packed network, models/FORMAT.md, in one pass: what runs stays in RAM, the rest is read on demand."""

import gc
import struct
from binascii import crc32
from micropython import const

_VERSION = const(2)
_HEADER_BYTES = const(96)
_OP_BYTES = const(160)
_TENSOR_BYTES = const(64)
_KERNEL_LAST = const(11)  # kernel ids are 1 to this
_CHUNK_BYTES = const(512)


def _refuse(section):
    raise ValueError("model: offset outside the file (%s)" % section)


def _unknown(id):
    raise ValueError("model: kernel %d unknown, update fxnn" % id)


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


def _allocate(arena_bytes, resident_bytes):
    """(arena, resident) as bytearrays, the larger first; None where they do not fit."""
    gc.collect()
    free = gc.mem_free() if hasattr(gc, "mem_free") else arena_bytes + resident_bytes
    if arena_bytes + resident_bytes > free:
        return None
    try:
        if arena_bytes < resident_bytes:
            resident = bytearray(resident_bytes)
            return bytearray(arena_bytes), resident
        arena = bytearray(arena_bytes)
        return arena, bytearray(resident_bytes)
    except MemoryError:
        return None


class File:
    """A validated packed network.

    `resident`: its first resident_bytes (records and constants), `arena`: the RAM it runs in. A path is opened again
    for what is read on demand; bytes are kept and, where `aligned(bytes)`, used in place.
    ValueError, MemoryError: the texts of FORMAT.md.
    """

    def __init__(self, source, aligned):
        self.path = None if isinstance(source, (bytes, bytearray, memoryview)) else source
        self._view = None
        self._open = None
        if self.path is None:
            self._view = memoryview(source)
            self._load(len(source), aligned(source))
        else:
            self._open = open(source, "rb")
            try:
                self._load(self._open.seek(0, 2), False)
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

    def string(self, offset):
        """The NUL-terminated string at an offset of the strings section."""
        text = b""
        while b"\0" not in text:
            more = bytes(self.read(offset + len(text), 32))
            if not more:
                _refuse("strings")
            text += more
        return text[: text.find(b"\0")].decode()

    def op(self, i):
        """The 40 words of op record i, signed."""
        return struct.unpack_from("<40i", self.resident, self.ops_offset + i * _OP_BYTES)

    def tensor(self, i):
        """Tensor entry i: (name_offset, dtype, rank, flags, arena_offset, bytes, scale, zero_point, first_op, last_op,
        6 of shape)."""
        return struct.unpack("<IBBHIIfiii6I", self.read(self.tensors_offset + i * _TENSOR_BYTES, _TENSOR_BYTES - 8))

    def _load(self, size, in_place):
        header = self.read(0, _HEADER_BYTES)
        if len(header) < _HEADER_BYTES or bytes(header[:4]) != b"FXNN":
            raise ValueError("model: not an fxnn file")
        (
            version,
            header_bytes,
            total,
            crc,
            resident_bytes,
            arena_bytes,
            ops,
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
            _,
        ) = struct.unpack("<HH8IHH13I", header[4:])
        if version != _VERSION or header_bytes != _HEADER_BYTES:
            raise ValueError("model: version %d, need %d" % (version, _VERSION))
        if size != total:
            raise ValueError("model: truncated, %d of %d bytes" % (size, total))
        self.ops_offset = ops

        # A damaged header may ask for anything: what does not fit is reported after the checksum.
        inside = _HEADER_BYTES <= resident_bytes <= total
        memory = None
        if inside:
            if in_place:
                gc.collect()
                memory = _allocate(arena_bytes, 0)
            else:
                memory = _allocate(arena_bytes, resident_bytes)
        at = _HEADER_BYTES
        sum32 = crc32(header[16:])
        if memory:
            self.arena, self.resident = memory
            if in_place:
                self.resident = self._view[:resident_bytes]
            else:
                view = memoryview(self.resident)
                view[:at] = header
                if self._open:
                    self._open.readinto(view[at:])
                else:
                    view[at:] = self._view[at:resident_bytes]
                sum32 = crc32(view[at:], sum32)
                at = resident_bytes
        if self._open:
            self._open.seek(at)
        while at < total:
            chunk = self._open.read(_CHUNK_BYTES) if self._open else self._view[at : at + _CHUNK_BYTES]
            if not chunk:
                break
            sum32 = crc32(chunk, sum32)
            at += len(chunk)
        if sum32 != crc:
            raise ValueError("model: bad crc, copy it again")
        if not inside:
            _refuse("constants")
        if not memory:
            need = arena_bytes + (0 if in_place else resident_bytes)
            gc.collect()  # the chunks read for the checksum
            free = gc.mem_free() if hasattr(gc, "mem_free") else 0
            raise MemoryError(
                "model: needs %d bytes, %d free, largest block %d" % (need, free, _largest_block(min(need, free)))
            )
        self._check(total, kernel_mask | kernel_mask_high << 32)

    def _check(self, total, kernel_mask):
        """Every section, record and tensor lies where the kernels and the reports may read and write."""
        for id in range(64):
            if kernel_mask >> id & 1 and not 1 <= id <= _KERNEL_LAST:
                _unknown(id)
        resident = len(self.resident)
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
        arena = len(self.arena)
        for i in range(self.op_count):
            words = self.op(i)
            id = words[0]
            if not 1 <= id <= _KERNEL_LAST:
                _unknown(id)
            self._check_name(words[1])
            offset = words[2]
            size = words[3]
            if offset & 3 or offset < _HEADER_BYTES or size < 0 or offset + size > resident:
                _refuse("constants")
            flags = words[23] if 7 <= id <= 9 else 0
            if not (
                0 <= words[5] <= (size if flags & 1 else arena)
                and 0 <= words[6] <= arena
                and 0 <= words[7] <= (size if flags & 2 else arena)
            ):
                _refuse("arena")
        if self.input_count + self.output_count > self.tensor_count:
            _refuse("tensors")
        vector = 0
        for i in range(self.tensor_count):
            words = self.tensor(i)
            self._check_name(words[0])
            if not 1 <= words[1] <= 2 or words[2] > 6:
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
