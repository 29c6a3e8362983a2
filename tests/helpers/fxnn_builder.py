"""Writes packed files (models/FORMAT.md) from Python ints, for tests: independent of the host's packer.

    Network(arena_bytes).op("lut", TABLE.words(x_offset=0, y_offset=64, count=64, table_offset=0), table).build()

Nothing is checked, so that malformed files can be built: `build(version=3)` replaces a header field,
`build(crc32=0)` the checksum, and the result is bytes to cut and patch.
"""

from __future__ import annotations

import json
import struct
import zlib

from host_tools.record import BY_ID, RECORD, WORDS
from host_tools.record.variants import variants

KERNEL_IDS = {
    "conv_2d": 1, "depthwise_conv_2d": 2, "fully_connected": 3, "max_pool_2d": 4, "average_pool_2d": 5, "mean": 6,
    "add": 7, "mul": 8, "copy": 9, "softmax": 10, "lut": 11, "gather": 12, "reduce": 13, "arg": 14,
    "binary": 15, "select": 16, "resize_bilinear": 17, "rows": 18, "channel_lut": 19,
}  # fmt: skip
HEADER_FIELDS = (
    "version", "header_bytes", "total_bytes", "crc32", "resident_bytes", "arena_bytes", "ops_offset", "op_count",
    "tensors_offset", "tensor_count", "input_count", "output_count", "labels_offset", "label_count", "metadata_offset",
    "metadata_bytes", "selftest_offset", "selftest_count", "strings_offset", "strings_bytes", "kernel_mask",
    "kernel_mask_high", "fast_target", "reserved", "piece_count",
)  # fmt: skip


def padded(raw: bytes) -> bytes:
    """raw with zeros up to a multiple of 4."""
    return bytes(raw) + bytes(-len(raw) % 4)


def channel_table(channels) -> bytes:
    """The channel table of (word 0, multiplier, left_shift, right_shift) tuples; word 0 is taken modulo 2^32."""
    return b"".join(struct.pack("<IiBBH", c[0] & 0xFFFFFFFF, *c[1:], 0) for c in channels)


def from_word(at: int, values) -> dict[int, int]:
    """{word: value} of a row of words from word `at` on: from_word(CONV.batches, (1, 8, 8)) has in_h and in_w, too."""
    return dict(enumerate(values, at))


class Network:
    """A packed network in the making. Ops and tensors are added in file order: inputs, outputs, others."""

    def __init__(self, arena_bytes: int, name: str = "test"):
        self.arena_bytes = arena_bytes
        self.metadata = {"name": name}
        self.labels: list[str] = []
        self.vectors: list[bytes] = []
        self.inputs = self.outputs = 0
        self._ops: list[tuple[str, dict[int, int], bytes]] = []
        self._tensors: list[tuple] = []

    def op(self, kernel, words: dict[int, int], constants: bytes = b"", name: str = "", macs: int = 0) -> Network:
        """Adds an op. kernel: a name or an id. words: by number, from x_offset on; those before it are filled in, and
        the word `variants`, as for a file of no target."""
        id = KERNEL_IDS.get(kernel, kernel)
        if id in BY_ID and RECORD.variants not in words:
            taken = variants(BY_ID[id].name, [words.get(i, 0) for i in range(WORDS)], "none")
            words = words | {RECORD.variants: taken}
        self._ops.append((name or f"op{len(self._ops)}", RECORD.words(kernel=id, macs=macs) | words, padded(constants)))
        return self

    def tensor(
        self, kind: str, offset: int, shape, name: str = "", scale=1.0, zero_point=0, dtype=1, first=-1, last=0
    ) -> Network:
        """Adds a tensor; kind is input, output or other."""
        size = 1
        for n in shape:
            size *= n
        self.inputs += kind == "input"
        self.outputs += kind == "output"
        dims = list(shape) + [0] * (6 - len(shape))
        self._tensors.append((name or kind, dtype, len(shape), 0, offset, size, scale, zero_point, first, last, *dims))
        return self

    def build(self, **header) -> bytes:
        """The file. Keyword arguments replace header fields; the checksum fits unless crc32 is one of them."""
        ops_offset = 96
        at = ops_offset + 160 * len(self._ops)
        constants_at = []
        for _, _, constants in self._ops:
            constants_at.append(at)
            at += len(constants)
        resident = tensors_offset = at
        strings_offset = tensors_offset + 64 * len(self._tensors)
        strings = b""
        records = tensors = b""
        for (name, words, constants), const_offset in zip(self._ops, constants_at):
            name_offset = strings_offset + len(strings)
            own = RECORD.words(name_offset=name_offset, const_offset=const_offset, const_bytes=len(constants))
            words = own | words
            strings += name.encode() + b"\0"
            # words may be given as u32 or i32
            records += struct.pack("<40I", *[words.get(i, 0) & 0xFFFFFFFF for i in range(WORDS)])
        for name, *fields in self._tensors:
            tensors += struct.pack("<IBBHIIfiii6I8x", strings_offset + len(strings), *fields)
            strings += name.encode() + b"\0"
        labels = b"".join(label.encode() + b"\0" for label in self.labels)
        metadata = json.dumps(self.metadata).encode() if self.metadata else b""
        labels_offset = strings_offset + len(padded(strings))
        metadata_offset = labels_offset + len(padded(labels))
        selftest_offset = metadata_offset + len(padded(metadata))
        body = records + b"".join(c for _, _, c in self._ops) + tensors + padded(strings) + padded(labels)
        body += padded(metadata) + padded(b"".join(self.vectors))
        mask = 0
        for _, words, _ in self._ops:
            kernel = words[RECORD.kernel]
            mask |= 1 << kernel if 0 <= kernel < 64 else 0
        fields = dict(zip(HEADER_FIELDS, (
            3, 96, 96 + len(body), 0, resident, self.arena_bytes, ops_offset, len(self._ops), tensors_offset,
            len(self._tensors), self.inputs, self.outputs, labels_offset, len(self.labels), metadata_offset,
            len(metadata), selftest_offset, len(self.vectors), strings_offset, len(strings), mask & 0xFFFFFFFF,
            mask >> 32, 0, 0, 0,
        )))  # fmt: skip
        fields.update(header)
        file = bytearray(struct.pack("<4sHH8IHH13I", b"FXNN", *fields.values()) + body)
        if "crc32" not in header:
            struct.pack_into("<I", file, 12, zlib.crc32(file[16:]))
        return bytes(file)
