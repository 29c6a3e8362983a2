"""Writes the packed file of `models/FORMAT.md` from a program and its memory plan."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np

from ..fileformat.littlefs import position, room
from ..fileformat.packed import (
    DTYPE_IDS,
    FAST_TARGET_IDS,
    HEADER,
    HEADER_BYTES,
    MAGIC,
    OP,
    PIECE,
    REAL_BORDER,
    SUMS_TAG,
    TENSOR,
    VARIABLE,
    VARIABLE_FLAG,
    VERSION,
)
from ..ir import Quant
from ..memory.place import Placed, place
from ..memory.plan import Plan
from ..ops.core import Program, Step
from ..record import BY_NAME, CONV, RECORD, WORDS, view
from ..record.variants import variants

_CRC_OFFSET = 12


def pack(program: Program, plan: Plan, labels: tuple[str, ...] = (), metadata: dict | None = None,
         selftest: tuple[bytes, ...] = ()) -> bytes:  # fmt: skip
    """The file's bytes. `selftest`: per vector the raw bytes of all inputs, then of all outputs."""
    ops_offset = HEADER_BYTES
    piece_count, constants, placed = _place(program)
    resident = _constants_offset(program, piece_count) + len(constants)

    # tensors and strings: names are offsets in the file, so the table's size comes first
    tensors = _tensors(program, plan)
    tensors_offset = resident
    strings_offset = tensors_offset + TENSOR.size * len(tensors)
    strings = _Strings(strings_offset)
    tensor_bytes = b"".join(_tensor_entry(program, plan, id, strings) for id in tensors)
    records = [_op_record(program, plan, i, placed[i], strings) for i in range(len(program.steps))]
    op_bytes = b"".join(OP.pack(*words) for words in records)
    pieces = b"".join(_piece_entries(step, words, p) for step, words, p in zip(program.steps, records, placed))
    pieces += bytes(PIECE.size * piece_count - len(pieces))

    # the rest
    strings_raw = _padded(bytes(strings.data))
    labels_offset = strings_offset + len(strings_raw)
    labels_raw = _padded(b"".join(label.encode() + b"\0" for label in labels))
    metadata_offset = labels_offset + len(labels_raw)
    metadata_raw = json.dumps(metadata or {}, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    selftest_offset = metadata_offset + len(_padded(metadata_raw))
    selftest_raw = _padded(b"".join(selftest))
    variables_offset = selftest_offset + len(selftest_raw)
    variables_raw = _variables(program, plan, variables_offset)
    end = variables_offset + len(variables_raw)
    total_bytes = end + (_sums_bytes(end) if piece_count else 0)

    kernel_mask = 0
    for step in program.steps:
        kernel_mask |= 1 << BY_NAME[step.kernel].id
    header = HEADER.pack(
        MAGIC, VERSION, HEADER_BYTES, total_bytes, 0, resident, plan.arena_bytes,
        ops_offset, len(program.steps), tensors_offset, len(tensors),
        len(program.graph.inputs), len(program.graph.outputs),
        labels_offset, len(labels), metadata_offset, len(metadata_raw),
        selftest_offset, len(selftest), strings_offset, len(strings.data), kernel_mask & 0xFFFFFFFF, kernel_mask >> 32,
        FAST_TARGET_IDS[program.target], variables_offset if variables_raw else 0, piece_count,
    )  # fmt: skip
    file = bytearray(b"".join((header, op_bytes, pieces, constants, tensor_bytes, strings_raw, labels_raw,
                               _padded(metadata_raw), selftest_raw, variables_raw)))  # fmt: skip
    if piece_count:
        file += _block_sums(file)
    assert len(file) == total_bytes
    struct.pack_into("<I", file, _CRC_OFFSET, zlib.crc32(memoryview(file)[_CRC_OFFSET + 4 :]))
    return bytes(file)


def _sums_bytes(end: int) -> int:
    return 4 * position(end)[0] + 8


def _block_sums(file: bytearray) -> bytes:
    """The section after a file that is cut: for each littlefs block before the one in which the section starts, the CRC-32
    of the file from byte 16 to that block's end; their number; the tag."""
    sums, total, start, at = [], 0, _CRC_OFFSET + 4, 0
    for _ in range(position(len(file))[0]):
        at += room(at)
        total = zlib.crc32(memoryview(file)[start:at], total)
        start = at
        sums.append(total)
    return struct.pack(f"<{len(sums) + 1}I", *sums, len(sums)) + SUMS_TAG


def resident_bytes(program: Program) -> int:
    """Header, records, pieces and constants of the file."""
    piece_count, constants, _ = _place(program)
    return _constants_offset(program, piece_count) + len(constants)


def _constants_offset(program: Program, piece_count: int) -> int:
    return HEADER_BYTES + OP.size * len(program.steps) + PIECE.size * piece_count


def _place(program: Program) -> tuple[int, bytes, list[Placed]]:
    """(number of pieces, constants, where they lie): where depends on how many pieces there are, and the other way round."""
    piece_count = 0
    while True:
        constants, placed = place(program, _constants_offset(program, piece_count))
        needed = sum(len(p.pieces) for p in placed)
        if needed <= piece_count:  # entries left over are zeros
            return piece_count, constants, placed
        piece_count = needed


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 4)


def _variables(program: Program, plan: Plan, offset: int) -> bytes:
    """The variables section at `offset`: their places, then the first values that are no single byte."""
    if not program.variables:
        return b""
    values = b""
    entries = struct.pack("<I", len(program.variables))
    values_offset = offset + len(entries) + VARIABLE.size * len(program.variables)
    for id in program.variables:
        t = program.graph.tensors[id]
        at = fill = 0
        if t.initial is not None:
            at = values_offset + len(values)
            values += _padded(t.initial.astype(np.dtype(t.dtype).newbyteorder("<")).tobytes())
        elif t.dtype == "int8" and t.quant is not None:
            fill = t.quant.zero_point & 0xFF
        entries += VARIABLE.pack(plan.offsets[id], t.bytes, at, fill)
    return entries + values


class _Strings:
    """The strings section; the same string is stored once."""

    def __init__(self, offset: int):
        self.offset = offset
        self.data = bytearray()
        self.known: dict[str, int] = {}

    def add(self, text: str) -> int:
        if text not in self.known:
            self.known[text] = self.offset + len(self.data)
            self.data += text.encode().replace(b"\0", b"?") + b"\0"
        return self.known[text]


def _tensors(program: Program, plan: Plan) -> list[str]:
    """Tensor ids in the file's order: inputs, outputs, then the other activations, one a buffer."""
    border = [*program.graph.inputs, *program.graph.outputs]
    shown = {program.place[id] for id in border}
    written = {s.y for s in program.steps} | set(program.variables)
    # A tensor of which only some rows exist at a time (stripes) may reach beyond the arena: it is not listed.
    inside = {id for id in written if plan.offsets[id] + program.buffers[id].bytes <= plan.arena_bytes}
    return border + [id for id in program.buffers if id not in shown and id in inside]


def _tensor_entry(program: Program, plan: Plan, id: str, strings: _Strings) -> bytes:
    tensor = program.graph.tensors[id]
    buffer = program.place[id]
    first, last = plan.lifetimes[buffer]
    rank = len(tensor.shape)
    quant = tensor.quant or Quant((1.0,), (0,))  # int32 and bool: real = the number itself; a variable: bytes
    return TENSOR.pack(
        strings.add(id), DTYPE_IDS[tensor.dtype], rank, REAL_BORDER * tensor.real_border | VARIABLE_FLAG * tensor.variable,
        plan.offsets[buffer], tensor.bytes, quant.scale, quant.zero_point, first, last,
        *tensor.shape, *[0] * (6 - rank),
    )  # fmt: skip


def _op_record(program: Program, plan: Plan, index: int, placed: Placed, strings: _Strings) -> list[int]:
    step = program.steps[index]
    words = [0] * WORDS
    words[RECORD.kernel] = BY_NAME[step.kernel].id
    words[RECORD.name_offset] = strings.add(step.name)
    words[RECORD.const_offset] = placed.offset
    words[RECORD.const_bytes] = placed.bytes
    words[RECORD.macs] = step.macs
    words[RECORD.x_offset] = (plan.offsets[step.x] if isinstance(step.x, str) else step.x) + step.x_at
    words[RECORD.y_offset] = plan.offsets[step.y] + step.y_at
    if step.scratch_bytes:
        words[RECORD.scratch_offset] = plan.scratch[index]
    elif step.x2 is not None:
        words[RECORD.x2_offset] = (plan.offsets[step.x2] if isinstance(step.x2, str) else step.x2) + step.x2_at
    for word, value in step.words.items():
        words[word] = int(value)
    for word, id in step.states.items():
        words[word] = plan.offsets[id]
    if placed.pieces:
        for word, value in placed.pieces[0].words.items():
            words[word] = value
        words[CONV.y_step] = words[CONV.y_step] or words[CONV.out_c]
        words[CONV.piece_count] = len(placed.pieces)
    words[RECORD.variants] = variants(step.kernel, words, program.target)  # after all that it depends on
    return words


def _piece_entries(step: Step, words: list[int], placed: Placed) -> bytes:
    """FORMAT.md, pieces: the words that each call replaces."""
    entries = bytearray()
    record = view(step.kernel, words)
    for piece in placed.pieces:
        x = record.x_offset + (piece.first // record.depth_multiplier if step.kernel == "depthwise_conv_2d" else 0)
        entries += PIECE.pack(piece.offset, piece.bytes, x, record.y_offset + piece.first, piece.channels,
                              piece.words[CONV.weights_offset], piece.words[CONV.channels_offset],
                              piece.words.get(CONV.packed_offset, 0))  # fmt: skip
    return bytes(entries)
