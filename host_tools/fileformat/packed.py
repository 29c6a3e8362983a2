"""Reads and validates a packed network (`models/FORMAT.md`); the host's own reader, sharing no code with the board's."""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from ..errors import ToolError
from ..record import BY_ID, BYTES, CONV, RECORD, WORDS, in_constants, variants
from ..record import PIECE as PIECE_WORDS
from . import extents

MAGIC = b"FXNN"
VERSION = 3
HEADER = struct.Struct("<4sHH8IHH13I")
OP = struct.Struct(f"<{WORDS}i")
PIECE = struct.Struct(f"<{len(PIECE_WORDS)}i")
TENSOR = struct.Struct("<IBBHIIfiii6I8x")
VARIABLE = struct.Struct("<IIII")  # arena_offset, bytes, value_offset (0: none), fill
HEADER_BYTES = 96
assert HEADER.size == HEADER_BYTES and OP.size == BYTES and TENSOR.size == 64

FAST_TARGETS = {0: "none", 1: "thumb", 2: "xtensa", 3: "rv32"}
FAST_TARGET_IDS = {name: id for id, name in FAST_TARGETS.items()}
DTYPES = {1: "int8", 2: "uint8", 3: "int16", 4: "int32", 5: "bool"}
ITEM_BYTES = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4, "bool": 1}
DTYPE_IDS = {name: id for id, name in DTYPES.items()}
REAL_BORDER = 1  # tensor flag: the trained model had real numbers here
SUMS_TAG = b"SUMS"  # the last bytes of a file with block sums
VARIABLE_FLAG = 2  # tensor flag: it keeps its value from one inference to the next


@dataclass(frozen=True)
class OpRecord:
    """One op: its 40 words as in FORMAT.md and the bytes of its constants."""

    index: int
    kernel: str
    name: str
    words: tuple[int, ...]
    constants: bytes = field(repr=False)
    calls: tuple[tuple[tuple[int, ...], bytes], ...] = field(repr=False)  # (words, constants) of each: a piece a call
    fast_target: str = "none"  # as of Packed

    @property
    def macs(self) -> int:
        return self.words[RECORD.macs]


@dataclass(frozen=True)
class TensorEntry:
    name: str
    dtype: str
    shape: tuple[int, ...]
    real_border: bool
    arena_offset: int
    bytes: int
    scale: float
    zero_point: int
    first_op: int
    last_op: int


@dataclass(frozen=True)
class Variable:
    """A piece of arena that keeps its bytes between inferences, and its first value."""

    arena_offset: int
    value: bytes = field(repr=False)


@dataclass(frozen=True)
class Packed:
    """A validated packed network. Sizes in bytes."""

    data: bytes = field(repr=False)
    resident_bytes: int
    records_bytes: int  # of those, header, op records and pieces: what stays in RAM when the constants do not
    pieces: int  # constants of large ops are cut into these, so that no kernel call's cross a block; 0: none is cut
    arena_bytes: int
    fast_target: str  # whose packed variants the records hold: a value of FAST_TARGETS
    ops: tuple[OpRecord, ...]
    tensors: tuple[TensorEntry, ...]
    input_count: int
    output_count: int
    labels: tuple[str, ...]
    metadata: dict
    selftest: tuple[bytes, ...] = field(repr=False)
    variables: tuple[Variable, ...] = ()

    @property
    def inputs(self) -> tuple[TensorEntry, ...]:
        return self.tensors[: self.input_count]

    @property
    def outputs(self) -> tuple[TensorEntry, ...]:
        return self.tensors[self.input_count : self.input_count + self.output_count]

    @property
    def name(self) -> str:
        return self.metadata.get("name", "model")


def crc32(data: bytes) -> int:
    """CRC-32 of a packed file's bytes 16 to its end, as its header holds it."""
    return zlib.crc32(memoryview(data)[16:])


def read(data: bytes, name: str = "model") -> Packed:
    """The packed network in `data`; `name` is the file's, for messages.

    Raises ToolError with the texts of FORMAT.md for every damage it lists, before anything is interpreted.
    """

    def refuse(text: str, fix: str = "convert the model again with `fxnn convert`") -> NoReturn:
        raise ToolError(f"{name}: model: {text}", fix=fix)

    if len(data) < HEADER_BYTES or data[:4] != MAGIC:
        refuse("not an fxnn file", "give a file made by `fxnn convert`")
    (_, version, header_bytes, total, crc, resident, arena, ops_at, op_count, tensors_at, tensor_count,
     input_count, output_count, labels_at, label_count, meta_at, meta_bytes, test_at, test_count,
     strings_at, strings_bytes, mask_low, mask_high, fast_target, variables_at, piece_count) = HEADER.unpack_from(data)  # fmt: skip
    if version != VERSION or header_bytes != HEADER_BYTES:
        older = "convert the model again with `fxnn convert`; `fxnn deploy` updates file and board"
        refuse(f"version {version}, need {VERSION}", older if version < VERSION else "made by a newer fxnn: update it")
    if len(data) != total:
        refuse(f"truncated, {len(data)} of {total} bytes", "copy the file again")
    if crc32(data) != crc:
        refuse("bad crc, copy it again", "the file is damaged: copy or convert it again")

    def inside(what: str, offset: int, size: int, limit: int, low: int = 0):
        if offset % 4 or offset < low or size < 0 or offset + size > limit:
            refuse(f"offset outside the file ({what})")

    kernel_mask = mask_low | mask_high << 32
    if fast_target not in FAST_TARGETS:
        refuse(f"fast target {fast_target} unknown, update fxnn", "this file was made by a newer fxnn: update it")
    for id in (k for k in range(64) if kernel_mask >> k & 1):
        if id not in BY_ID:
            refuse(f"kernel {id} unknown, update fxnn", "this file was made by a newer fxnn: update it")
    inside("ops", ops_at, op_count * OP.size, resident, HEADER_BYTES)
    inside("constants", resident, 0, total)
    pieces_at = ops_at + op_count * OP.size
    inside("pieces", pieces_at, piece_count * PIECE.size, resident)
    pieces_used = 0
    inside("tensors", tensors_at, tensor_count * TENSOR.size, total)
    inside("strings", strings_at, strings_bytes, total)
    if strings_bytes and data[strings_at + strings_bytes - 1]:
        refuse("offset outside the file (strings)")
    inside("labels", labels_at, 0, total)
    inside("metadata", meta_at, meta_bytes, total)
    inside("selftest", test_at, 0, total)
    if input_count + output_count > tensor_count:
        refuse("offset outside the file (tensors)")

    def string(offset: int) -> str:
        if not strings_at <= offset < strings_at + strings_bytes:
            refuse("offset outside the file (strings)")
        return data[offset : data.index(b"\0", offset)].decode(errors="replace")

    ops = []
    for i in range(op_count):
        words = OP.unpack_from(data, ops_at + i * OP.size)
        kernel = BY_ID.get(words[RECORD.kernel])
        if kernel is None:
            refuse(
                f"kernel {words[RECORD.kernel]} unknown, update fxnn", "this file was made by a newer fxnn: update it"
            )
        calls = [words]
        count = words[CONV.piece_count] if kernel.cuttable else 0
        if count:
            if count < 0:
                refuse("offset outside the file (pieces)")
            inside("pieces", pieces_at, (pieces_used + count) * PIECE.size, pieces_at + piece_count * PIECE.size)
            calls = [piece_words(words, data, pieces_at, pieces_used + n) for n in range(count)]
            pieces_used += count
        for call in (words, *calls):
            inside("constants", call[RECORD.const_offset], call[RECORD.const_bytes], resident, HEADER_BYTES)
            for word, operand in ((RECORD.x_offset, "x"), (RECORD.y_offset, "y"), (RECORD.x2_offset, "x2")):
                limit = call[RECORD.const_bytes] if in_constants(kernel.name, call, operand) else arena
                if not 0 <= call[word] <= limit:
                    refuse("offset outside the file (arena)")
        called = tuple((call, _constants(call, data)) for call in calls)
        for call, constants in called:
            outside = extents.problem(kernel.name, call, arena, FAST_TARGETS[fast_target], constants)
            if outside:
                refuse(f"offset outside the file ({outside})")
        if unknown := variants.problem(kernel.name, words, FAST_TARGETS[fast_target]):
            refuse(unknown, "convert the model again with `fxnn convert`, or update fxnn")
        ops.append(OpRecord(i, kernel.name, string(words[RECORD.name_offset]), words, b"".join(c for _, c in called), called,
                            FAST_TARGETS[fast_target]))  # fmt: skip

    tensors = []
    for i in range(tensor_count):
        (at, dtype, rank, flags, arena_at, size, scale, zero_point, first, last, *dims) = TENSOR.unpack_from(
            data, tensors_at + i * TENSOR.size
        )
        if dtype not in DTYPES or rank > 6:
            refuse("offset outside the file (tensors)")
        if arena_at + size > arena:
            refuse("offset outside the file (arena)")
        if math.prod(dims[:rank]) * ITEM_BYTES[DTYPES[dtype]] != size:
            refuse("offset outside the file (tensors)")
        tensors.append(
            TensorEntry(string(at), DTYPES[dtype], tuple(dims[:rank]), bool(flags & REAL_BORDER),
                        arena_at, size, scale, zero_point, first, last)
        )  # fmt: skip

    labels = data[labels_at:].split(b"\0", label_count)[:label_count] if label_count else []
    if len(labels) < label_count:
        refuse("offset outside the file (labels)")
    vector = sum(t.bytes for t in tensors[: input_count + output_count])
    if test_at + test_count * max(vector, 1) > total:
        refuse("offset outside the file (selftest)")
    try:
        metadata = json.loads(data[meta_at : meta_at + meta_bytes]) if meta_bytes else {}
        texts = tuple(label.decode() for label in labels)
        if not isinstance(metadata, dict):
            raise ValueError
    except ValueError:
        refuse("offset outside the file (metadata)")
    return Packed(
        data=data,
        resident_bytes=resident,
        records_bytes=pieces_at + piece_count * PIECE.size,
        pieces=pieces_used,
        arena_bytes=arena,
        fast_target=FAST_TARGETS[fast_target],
        ops=tuple(ops),
        tensors=tuple(tensors),
        input_count=input_count,
        output_count=output_count,
        labels=texts,
        metadata=metadata,
        selftest=tuple(data[test_at + i * vector : test_at + (i + 1) * vector] for i in range(test_count)),
        variables=_variables(data, variables_at, arena, inside) if variables_at else (),
    )


def piece_words(words: tuple[int, ...], data: bytes, pieces_at: int, entry: int) -> tuple[int, ...]:
    """The words of one call of an op that is cut: the record's, some replaced by the entry of its piece."""
    call = list(words)
    for word, value in zip(PIECE_WORDS, PIECE.unpack_from(data, pieces_at + entry * PIECE.size)):
        call[word] = value
    call[CONV.piece_count] = 0
    return tuple(call)


def _constants(words: tuple[int, ...], data: bytes) -> bytes:
    """The constants of one call."""
    at = words[RECORD.const_offset]
    return data[at : at + words[RECORD.const_bytes]]


def _variables(data: bytes, at: int, arena: int, inside) -> tuple[Variable, ...]:
    """The variables section; `inside` refuses what lies outside of the file or the arena."""
    inside("variables", at, 4, len(data), HEADER_BYTES)
    count = int.from_bytes(data[at : at + 4], "little")
    inside("variables", at, 4 + count * VARIABLE.size, len(data))
    variables = []
    for i in range(count):
        arena_at, size, value_at, fill = VARIABLE.unpack_from(data, at + 4 + i * VARIABLE.size)
        inside("variables", arena_at, size, arena)
        if value_at:
            inside("variables", value_at, size, len(data), HEADER_BYTES)
        variables.append(
            Variable(arena_at, data[value_at : value_at + size] if value_at else bytes([fill & 0xFF]) * size)
        )
    return tuple(variables)


def read_file(path: str | Path) -> Packed:
    """The packed network at `path`. ToolError if it is missing or damaged."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as e:
        raise ToolError(f"cannot read {path}", e.strerror or str(e), "give a file made by `fxnn convert`") from None
    return read(data, path.name)
