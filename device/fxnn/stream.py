"""Constants read from the file while the network runs, where neither RAM nor a mapped flash holds them."""

_REUSED_BYTES = 8192  # longer reads are hardly faster: what else there is keeps constants, which saves their reads


class Stream:
    """Two buffers: one keeps the first of the constants, the other is filled again and again with the rest, in file order.

    least: bytes of the longest kernel call's constants; room: for both buffers. MemoryError where that is not there.
    """

    def __init__(self, file, least, room):
        start = file.head_bytes
        end = file.resident_bytes
        room = min(room, end - start)
        reused = max(least, min(_REUSED_BYTES, room // 2))
        self.kept_start = self.kept_end = start
        self.kept = memoryview(b"")
        self.buffer = memoryview(bytearray(reused))
        size = room - reused
        while size > 1024:
            try:
                self.kept = memoryview(bytearray(size))
                break
            except MemoryError:
                size //= 2  # the heap is in pieces
        if self.kept:
            file.read_into(start, self.kept)
        self.kept_end = start + len(self.kept)
        self._end = end
        self._file = open(file.path, "rb")
        self.at = self.until = -1  # what the buffer will hold while the network is planned, holds while it runs
        self.reads = 0

    def unit(self, offset, size):
        """(where to read from, how much of it is needed or 0: nothing is read, view) for the next call's constants."""
        if not size:
            return 0, 0, self.buffer[:0]
        if offset + size <= self.kept_end:
            offset -= self.kept_start
            return 0, 0, self.kept[offset : offset + size]
        need = 0
        if not self.at <= offset <= offset + size <= self.until:
            self.at = offset
            self.until = min(offset + len(self.buffer), self._end)
            need = self.until - offset
            self.reads += 1
        offset -= self.at
        return self.at, need, self.buffer[offset : offset + size]

    def read(self, at, need):
        """Fills the buffer from the file; allocates nothing. OSError if the file has less than it had."""
        self._file.seek(at)
        if self._file.readinto(self.buffer) < need:
            raise OSError("model: file changed, load it again")
