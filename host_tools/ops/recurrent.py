"""LSTM, SVDF and variables: what a network remembers from one inference to the next."""

from __future__ import annotations

import struct

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import int16 as fixed_point16
from ..arithmetic.float_lstm import CELL, HIDDEN, VARIANTS
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from .core import Lowering, Step, Unsupported, check_activation, lowers

_EXPORT = "export the model again with TFLiteConverter's full-integer quantization"
# Places of UNIDIRECTIONAL_SEQUENCE_LSTM's inputs (float_lstm.py has the rest). Gates as the kernel takes them.
_GATES = (("forget", 2, 6, 13), ("input", 1, 5, 12), ("cell", 3, 7, 14), ("output", 4, 8, 15))
MAX_PRODUCTS = 16384  # of one sum: 65535 * 255 * 2**14 fits the kernels' two halves


def factor(multiplier: int, shift: int) -> bytes:
    """8 bytes: {i32 multiplier, u8 left_shift, u8 right_shift, u16 0}."""
    return struct.pack("<iBBH", multiplier, *fixed_point.split_shift(shift), 0)


def wide_bias(value: np.ndarray) -> np.ndarray:
    """8 bytes each: {i32 value >> 16, u16 value & 65535, u16 0}. ToolError where a sum could leave 48 bits."""
    table = np.zeros(len(value), np.dtype([("high", "<i4"), ("low", "<u2"), ("zero", "<u2")]))
    table["high"], table["low"] = value >> 16, value & 0xFFFF
    return table


def check_wide(bias: np.ndarray, rows: np.ndarray) -> None:
    """Unsupported where |bias + sum(x * w)| could reach 2^47, for x of all int16; rows: int[channel, products]."""
    if (np.abs(bias) + (np.abs(rows.astype(np.int64)).sum(1) << 15) >= fixed_point16.ACC_LIMIT).any():
        raise Unsupported("its sums could leave 48 bits", _EXPORT)
    if rows.shape[1] > MAX_PRODUCTS:
        raise Unsupported(f"{rows.shape[1]} products a sum", f"use at most {MAX_PRODUCTS}")


def _constant(ctx: Lowering, op: Op, place: int, dtypes: tuple[str, ...], shape: tuple[int, ...]) -> Tensor:
    id = op.inputs[place] if place < len(op.inputs) else None
    if id is None:
        raise Unsupported(f"its input {place} is missing", _EXPORT)
    t = ctx.tensor(id)
    if not t.constant or t.dtype not in dtypes or t.data.shape != shape:
        raise Unsupported(f"'{id}' is no constant {' or '.join(dtypes)} of shape {shape}", _EXPORT)
    return t


def _weights(ctx: Lowering, op: Op, place: int, shape: tuple[int, ...], dtypes=("int8",)) -> Tensor:
    t = _constant(ctx, op, place, dtypes, shape)
    if t.quant is None or t.quant.per_channel or any(t.quant.zero_points):
        raise Unsupported(f"'{t.id}' is not symmetric with one scale", _EXPORT)
    return t


@lowers("UNIDIRECTIONAL_SEQUENCE_LSTM", checks=True)
@lowers("UNIDIRECTIONAL_SEQUENCE_LSTM", int16=True)
def lstm(ctx: Lowering, op: Op) -> None:
    """The layer over all its time steps; x int8 or int16, cell state int16. Kernel and constants: FORMAT.md, lstm."""
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    for t in (x, y):
        check_activation(t, ("int8", "int16"))
    if len(op.inputs) < 20 or len(x.shape) != 3 or len(y.shape) != 3 or x.dtype != y.dtype:
        raise Unsupported(f"its input {x.shape} and output {y.shape} are no sequences", _EXPORT)
    for name, places in VARIANTS.items():
        if any(p < len(op.inputs) and op.inputs[p] is not None for p in places):
            raise Unsupported(f"an LSTM with {name} (TFLM refuses it as well)", "use Keras' LSTM layer")
    hidden, cell = ctx.tensor(op.inputs[HIDDEN]), ctx.tensor(op.inputs[CELL])
    check_activation(hidden, (x.dtype,))
    check_activation(cell, ("int16",))
    time_major = op.attrs["time_major"]
    steps, batches = x.shape[:2] if time_major else x.shape[1::-1]
    inputs, units = x.shape[2], y.shape[2]
    if y.shape[:2] != x.shape[:2] or hidden.size != batches * units or cell.size != batches * units:
        raise Unsupported(f"its states {hidden.shape} and {cell.shape} do not fit {y.shape}", _EXPORT)
    if op.attrs["activation"] != "TANH":
        raise Unsupported(
            f"activation {op.attrs['activation']} of the cell gate (TFLM has tanh)", "use LSTM's own tanh"
        )
    wide = x.dtype == "int16"
    k = Constants()
    entries = b""
    for _, w_place, r_place, b_place in _GATES:
        bias_t = _constant(ctx, op, b_place, ("int64",) if wide else ("int32",), (units,))
        for v, place, count, bias in ((x, w_place, inputs, bias_t.data.astype(np.int64)), (hidden, r_place, units, 0)):
            w = _weights(ctx, op, place, (units, count))
            rows = w.data.astype(np.int64)
            multiplier, shift = fixed_point16.gate_multiplier(v.quant.scale, w.quant.scale)
            if wide:
                first = wide_bias(bias - (rows.sum(1) << 15))
                check_wide(np.broadcast_to(bias, (units,)), rows)
                scale = struct.pack("<iBBH", *fixed_point16.reduced_multiplier(multiplier, shift), 0, 0)
            else:
                first = (bias - (v.quant.zero_point + 128) * rows.sum(1)).astype("<i8").astype("<i4")
                scale = factor(multiplier, shift)
            entries += struct.pack("<ii", k.add(w.data.view(np.uint8) ^ 0x80), k.add(first)) + scale
    unit, size = fixed_point16.UNIT_SCALE, x.item_bytes
    products = [
        (unit, cell.quant.scale, cell.quant.scale),
        (unit, unit, cell.quant.scale),
        (unit, unit, hidden.quant.scale),
    ]
    tanh, tanh_shift = fixed_point16.cell_tanh_input(cell.quant.scale)
    by_step, by_batch = (batches, 1) if time_major else (1, steps)
    low, high = fixed_point16.limits(x.dtype)
    words = {
        8: batches, 9: steps, 10: inputs, 11: units,
        12: by_batch * inputs * size, 13: by_step * inputs * size, 14: by_batch * units * size, 15: by_step * units * size,
        16: size,
        19: k.add(entries),
        20: k.add(b"".join(factor(*fixed_point16.product_multiplier(*p)) for p in products)),
        21: k.add(fixed_point16.sigmoid_table().astype("<u2")),
        22: fixed_point16.cell_clip16(op.attrs["cell_clip"], cell.quant.scale),
        24: hidden.quant.zero_point, 25: low, 26: high, 27: tanh, 28: tanh_shift, 29: 0,
    }  # fmt: skip
    ctx.emit(Step("lstm", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data), scratch_bytes=8 * units + (inputs + units) * size,
                  macs=batches * steps * 4 * units * (inputs + units),
                  states={17: ctx.state(hidden), 18: ctx.state(cell)}))  # fmt: skip


@lowers("SVDF", checks=True)
def svdf(ctx: Lowering, op: Op) -> None:
    """One time step: int8 in and out, state and time weights int8 or int16. TFLM leaves the activation to the scales."""
    x, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    for t in (x, y):
        check_activation(t, ("int8",))
    if len(op.inputs) != 5 or op.inputs[3] is None:
        raise Unsupported("it has no bias (TFLM needs one)", _EXPORT)
    state = ctx.tensor(op.inputs[4])
    check_activation(state, ("int8", "int16"))
    rank = op.attrs["rank"]
    batches, inputs = x.shape
    filters, memory = ctx.tensor(op.inputs[2]).shape
    if filters % rank or y.shape != (batches, filters // rank) or state.shape != (batches, filters * memory):
        raise Unsupported(f"{filters} filters of rank {rank} and memory {memory} do not fit {y.shape}", _EXPORT)
    feature = _weights(ctx, op, 1, (filters, inputs))
    time = _weights(ctx, op, 2, (filters, memory), (state.dtype,))
    bias = _constant(ctx, op, 3, ("int32",), (filters // rank,))
    into, out = fixed_point16.svdf_multipliers(x.quant.scale, feature.quant.scale, state.quant.scale, time.quant.scale,
                                               y.quant.scale)  # fmt: skip
    k = Constants()
    first = -(x.quant.zero_point + 128) * feature.data.astype(np.int64).sum(1)
    words = {8: batches, 9: inputs, 10: filters, 11: rank, 12: memory, 13: state.item_bytes,
             15: k.add(first.astype("<i4")), 16: k.add(feature.data.view(np.uint8) ^ 0x80),
             17: k.add(time.data.astype("<i2" if state.dtype == "int16" else np.int8)),
             18: k.add(bias.data.astype("<i4")), 19: into[0], 22: state.quant.zero_point, 24: y.quant.zero_point,
             25: -128, 26: 127, 27: out[0]}  # fmt: skip
    words[20], words[21] = fixed_point.split_shift(into[1])
    words[28], words[29] = fixed_point.split_shift(out[1])
    ctx.emit(Step("svdf", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  macs=batches * filters * (inputs + memory), states={14: ctx.state(state)}))  # fmt: skip


_READ = "read "


def _copy(ctx: Lowering, name: str, source: str, target: str, size: int) -> Step:
    return Step("copy", name, source, target, dict(enumerate([1, 1, 1, size, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], 8)))


@lowers("READ_VARIABLE", checks=True)
@lowers("READ_VARIABLE", int16=True)
def read_variable(ctx: Lowering, op: Op) -> None:
    """A copy of the variable as it is now; drop_reads() takes it out where nobody would see the difference."""
    variable, y = ctx.tensor(op.inputs[0]), ctx.tensor(op.outputs[0])
    if variable.bytes != y.bytes:
        raise Unsupported(f"variable {variable.shape} is read as {y.shape}", _EXPORT)
    ctx.emit(_copy(ctx, _READ + op.name, ctx.state(variable), ctx.new_buffer(y), y.bytes))


@lowers("ASSIGN_VARIABLE", checks=True)
def assign_variable(ctx: Lowering, op: Op) -> None:
    variable, x = ctx.tensor(op.inputs[0]), ctx.tensor(op.inputs[1])
    if variable.bytes != x.bytes:
        raise Unsupported(f"variable {variable.shape} takes {x.shape}", _EXPORT)
    ctx.emit(_copy(ctx, op.name, ctx.activation(x), ctx.state(variable), x.bytes))


def drop_reads(steps: list[Step], variables: tuple[str, ...], kept: set[str]) -> list[Step]:
    """Steps without the copies of variables that are read up before the variable is written again.

    kept: buffers that are needed after the last step."""
    from dataclasses import replace

    for read in [s for s in steps if s.x in variables and s.y not in kept and s.name.startswith(_READ)]:
        at = steps.index(read)
        if [s for s in steps if s.y == read.y] != [read]:  # written in parts: a concatenation that starts with it
            continue
        users = [i for i, s in enumerate(steps) if read.y in s.reads]
        writes = [i for i, s in enumerate(steps) if i > at and (s.y == read.x or read.x in s.states.values())]
        if users and writes and max(users) > min(writes):
            continue
        for i in users:
            s = steps[i]
            swap = {read.y: read.x}
            steps[i] = replace(s, x=swap.get(s.x, s.x), x2=swap.get(s.x2, s.x2),
                               inplace=tuple(b for b in s.inplace if b != read.y))  # fmt: skip
        steps.remove(read)
    return steps
