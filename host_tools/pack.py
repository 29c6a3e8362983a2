"""Writes the packed file of `models/FORMAT.md` from a program and its memory plan."""

from __future__ import annotations

import json
import struct
import zlib

from .ir import Quant
from .lower import Program
from .packed import DTYPE_IDS, FAST_TARGET_IDS, HEADER, HEADER_BYTES, KERNEL_IDS, MAGIC, OP, REAL_BORDER, TENSOR, VERSION
from .plan import Plan

_CRC_OFFSET = 12
_LAST_WORD = 39


def pack(program: Program, plan: Plan, labels: tuple[str, ...] = (), metadata: dict | None = None,
         selftest: tuple[bytes, ...] = ()) -> bytes:  # fmt: skip
    """The file's bytes. `selftest`: per vector the raw bytes of all inputs, then of all outputs."""
    # op records and constants
    ops_offset = HEADER_BYTES
    constants_offset = ops_offset + OP.size * len(program.steps)
    constants = bytearray()
    const_offsets = []
    for step in program.steps:
        const_offsets.append(constants_offset + len(constants))
        constants += _padded(step.constants)
    resident_bytes = constants_offset + len(constants)

    # tensors and strings: names are offsets in the file, so the table's size comes first
    tensors = _tensors(program)
    tensors_offset = resident_bytes
    strings_offset = tensors_offset + TENSOR.size * len(tensors)
    strings = _Strings(strings_offset)
    tensor_bytes = b"".join(_tensor_entry(program, plan, id, strings) for id in tensors)
    op_bytes = b"".join(_op_record(program, plan, i, const_offsets[i], strings) for i in range(len(program.steps)))

    # the rest
    strings_raw = _padded(bytes(strings.data))
    labels_offset = strings_offset + len(strings_raw)
    labels_raw = _padded(b"".join(label.encode() + b"\0" for label in labels))
    metadata_offset = labels_offset + len(labels_raw)
    metadata_raw = json.dumps(metadata or {}, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    selftest_offset = metadata_offset + len(_padded(metadata_raw))
    selftest_raw = _padded(b"".join(selftest))
    total_bytes = selftest_offset + len(selftest_raw)

    kernel_mask = 0
    for step in program.steps:
        kernel_mask |= 1 << KERNEL_IDS[step.kernel]
    header = HEADER.pack(
        MAGIC, VERSION, HEADER_BYTES, total_bytes, 0, resident_bytes, plan.arena_bytes,
        ops_offset, len(program.steps), tensors_offset, len(tensors),
        len(program.graph.inputs), len(program.graph.outputs),
        labels_offset, len(labels), metadata_offset, len(metadata_raw),
        selftest_offset, len(selftest), strings_offset, len(strings.data), kernel_mask & 0xFFFFFFFF, kernel_mask >> 32,
        FAST_TARGET_IDS[program.target], 0, 0,
    )  # fmt: skip
    file = bytearray(b"".join((header, op_bytes, constants, tensor_bytes, strings_raw, labels_raw,
                               _padded(metadata_raw), selftest_raw)))  # fmt: skip
    assert len(file) == total_bytes
    struct.pack_into("<I", file, _CRC_OFFSET, zlib.crc32(memoryview(file)[_CRC_OFFSET + 4 :]))
    return bytes(file)


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 4)


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


def _tensors(program: Program) -> list[str]:
    """Tensor ids in the file's order: inputs, outputs, then the other activations, one a buffer."""
    border = [*program.graph.inputs, *program.graph.outputs]
    shown = {program.place[id] for id in border}
    return border + [id for id in program.buffers if id not in shown and any(id == s.y for s in program.steps)]


def _tensor_entry(program: Program, plan: Plan, id: str, strings: _Strings) -> bytes:
    tensor = program.graph.tensors[id]
    buffer = program.place[id]
    first, last = plan.lifetimes[buffer]
    rank = len(tensor.shape)
    quant = tensor.quant or Quant((1.0,), (0,))  # int32 and bool: real = the number itself
    return TENSOR.pack(
        strings.add(id), DTYPE_IDS[tensor.dtype], rank, REAL_BORDER if tensor.real_border else 0,
        plan.offsets[buffer], tensor.bytes, quant.scale, quant.zero_point, first, last,
        *tensor.shape, *[0] * (6 - rank),
    )  # fmt: skip


def _op_record(program: Program, plan: Plan, index: int, const_offset: int, strings: _Strings) -> bytes:
    step = program.steps[index]
    words = [0] * (_LAST_WORD + 1)
    words[0] = KERNEL_IDS[step.kernel]
    words[1] = strings.add(step.name)
    words[2] = const_offset
    words[3] = len(_padded(step.constants))
    words[4] = step.macs
    words[5] = (plan.offsets[step.x] if isinstance(step.x, str) else step.x) + step.x_at
    words[6] = plan.offsets[step.y] + step.y_at
    if step.scratch_bytes:
        words[7] = plan.scratch[index]
    elif step.x2 is not None:
        words[7] = (plan.offsets[step.x2] if isinstance(step.x2, str) else step.x2) + step.x2_at
    for word, value in step.words.items():
        words[word] = int(value)
    return OP.pack(*words)
