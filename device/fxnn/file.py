"""What a loaded network still asks of its file (models/FORMAT.md); loader.py reads and checks it."""

import os
import struct

from micropython import const

_TENSOR_BYTES = const(64)

# words: written by python -m host_tools.record
_KERNEL = const(0)
_PIECE_COUNT = const(33)
_OP_BYTES = const(160)
# end of words

# kernels: written by python -m host_tools.record
_CUTTABLE = const((1, 2, 3))  # their constants may be cut into pieces
# end of kernels


class File:
    """A packed network's file, its header's fields as attributes (loader.py).

    `head`: header, op records and pieces, in RAM or where they lie. `where` its constants are: "RAM", "flash", "streamed"
    or "in place" (bytes given, a ROM filesystem); `why` they are not in flash, where that was tried.
    A path is opened again for what is read on demand; bytes are kept.
    """

    def __init__(self, source):
        self.path = None
        if isinstance(source, str):
            # It is opened again, from whatever folder the program then is in.
            self.path = source if source[:1] == "/" else os.getcwd().rstrip("/") + "/" + source
        self.view = memoryview(source) if self.path is None else None
        self.open = None
        self.head = None
        self.where = None
        self.why = ""
        self.stream = None

    def read(self, offset, size):
        """Bytes of the file: a slice of the bytes given, or read from the path."""
        if self.view is not None:
            return self.view[offset : offset + size]
        f = self.open or open(self.path, "rb")
        try:
            f.seek(offset)
            return f.read(size)
        finally:
            if f is not self.open:
                f.close()

    def read_into(self, offset, buffer):
        """Fills the buffer from the file."""
        if self.view is not None:
            buffer[:] = self.view[offset : offset + len(buffer)]
            return
        with open(self.path, "rb") as f:
            f.seek(offset)
            if f.readinto(buffer) != len(buffer):
                raise OSError("model: file changed, load it again")

    def string(self, offset):
        """The NUL-terminated string at an offset of the strings section."""
        text = b""
        while b"\0" not in text:
            more = bytes(self.read(offset + len(text), 32))
            if not more:
                raise ValueError("model: offset outside the file (strings)")
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
        return words[_PIECE_COUNT] if words[_KERNEL] in _CUTTABLE else 0

    def tensor(self, i):
        """Tensor entry i: (name_offset, dtype, rank, flags, arena_offset, bytes, scale, zero_point, first_op, last_op,
        6 of shape)."""
        return struct.unpack("<IBBHIIfiii6I", self.read(self.tensors_offset + i * _TENSOR_BYTES, _TENSOR_BYTES - 8))
