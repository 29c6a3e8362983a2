"""LSTM, SVDF and variables: what a network remembers from one inference to the next."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np

from ..arithmetic import fixed_point
from ..arithmetic import int16 as fixed_point16
from ..arithmetic.float_lstm import CELL, HIDDEN, VARIANTS
from ..assembler.constants import Constants
from ..ir import Op, Tensor
from ..record import BOX, LSTM, SVDF
from .core import Lowering, Step, Unsupported, check_activation, lowers
from .int16_weights import check_wide, wide_bias
from .weights import offset_binary

_EXPORT = "export the model again with TFLiteConverter's full-integer quantization"
# Inputs of UNIDIRECTIONAL_SEQUENCE_LSTM: weights of x, of the hidden state, bias (float_lstm.py has the rest). In the
# order of the kernel's gates: forget, input, cell, output.
_GATES = ((2, 6, 13), (1, 5, 12), (3, 7, 14), (4, 8, 15))


def _factor(multiplier: int, shift: int) -> bytes:
    """8 bytes: {i32 multiplier, u8 left_shift, u8 right_shift, u16 0}."""
    return struct.pack("<iBBH", multiplier, *fixed_point.split_shift(shift), 0)


def _constant(ctx: Lowering, op: Op, n: int, dtypes: tuple[str, ...], shape: tuple[int, ...]) -> Tensor:
    t = ctx.input(op, n)
    if t.data is None or t.dtype not in dtypes or t.data.shape != shape:
        raise Unsupported(f"'{t.id}' is no constant {' or '.join(dtypes)} of shape {shape}", _EXPORT)
    return t


def _weights(ctx: Lowering, op: Op, n: int, shape: tuple[int, ...], dtypes: tuple[str, ...] = ("int8",)) -> Tensor:
    t = _constant(ctx, op, n, dtypes, shape)
    if t.quant is None or t.quant.per_channel or any(t.quant.zero_points):
        raise Unsupported(f"'{t.id}' is not symmetric with one scale", _EXPORT)
    return t


@lowers("UNIDIRECTIONAL_SEQUENCE_LSTM")
@lowers("UNIDIRECTIONAL_SEQUENCE_LSTM", int16=True)
def lstm(ctx: Lowering, op: Op) -> None:
    """The layer over all its time steps; x int8 or int16, cell state int16. Kernel and constants: FORMAT.md, lstm."""
    x, y = ctx.one(op)
    _check_lstm(op, x, y)
    hidden, cell = ctx.input(op, HIDDEN), ctx.input(op, CELL)
    check_activation(hidden, (x.dtype,))
    check_activation(cell, ("int16",))
    time_major = op.attrs["time_major"]
    steps, batches = x.shape[:2] if time_major else x.shape[1::-1]
    inputs, units = x.shape[2], y.shape[2]
    if y.shape[:2] != x.shape[:2] or hidden.size != batches * units or cell.size != batches * units:
        raise Unsupported(f"its states {hidden.shape} and {cell.shape} do not fit {y.shape}", _EXPORT)
    k = Constants()
    entries = b"".join(_gate(ctx, op, k, gate, hidden) for gate in _GATES)
    unit, size = fixed_point16.UNIT_SCALE, x.item_bytes
    products = [(unit, cell.scale, cell.scale), (unit, unit, cell.scale), (unit, unit, hidden.scale)]
    tanh, tanh_shift = fixed_point16.cell_tanh_input(cell.scale)
    by_step, by_batch = (batches, 1) if time_major else (1, steps)
    low, high = fixed_point16.limits(x.dtype)
    words = LSTM.words(
        batches=batches, steps=steps, inputs=inputs, units=units,
        x_batch_stride=by_batch * inputs * size, x_step_stride=by_step * inputs * size,
        y_batch_stride=by_batch * units * size, y_step_stride=by_step * units * size, element_bytes=size,
        gates_offset=k.add(entries),
        products_offset=k.add(b"".join(_factor(*fixed_point16.product_multiplier(*p)) for p in products)),
        sigmoid_offset=k.add(fixed_point16.sigmoid_table().astype("<u2")),
        cell_clamp=fixed_point16.cell_clip16(op.attrs["cell_clip"], cell.scale),
        y_zero_point=hidden.zero_point, clamp_min=low, clamp_max=high, tanh_multiplier=tanh,
        tanh_right_shift=tanh_shift, logistic_cell=0)  # fmt: skip
    ctx.emit(Step("lstm", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  scratch_bytes=8 * units + (inputs + units) * size,
                  macs=batches * steps * 4 * units * (inputs + units),
                  states={LSTM.hidden_offset: ctx.state(hidden), LSTM.cell_offset: ctx.state(cell)}))  # fmt: skip


def _check_lstm(op: Op, x: Tensor, y: Tensor) -> None:
    """Unsupported unless it is an LSTM as Keras has it, of sequences."""
    for t in (x, y):
        check_activation(t, ("int8", "int16"))
    if len(op.inputs) < 20 or len(x.shape) != 3 or len(y.shape) != 3 or x.dtype != y.dtype:
        raise Unsupported(f"its input {x.shape} and output {y.shape} are no sequences", _EXPORT)
    for name, inputs in VARIANTS.items():
        if any(n < len(op.inputs) and op.inputs[n] is not None for n in inputs):
            raise Unsupported(f"an LSTM with {name} (TFLM refuses it as well)", "use Keras' LSTM layer")
    if op.attrs["activation"] != "TANH":
        raise Unsupported(
            f"activation {op.attrs['activation']} of the cell gate (TFLM has tanh)", "use LSTM's own tanh"
        )


def _gate(ctx: Lowering, op: Op, k: Constants, gate: tuple[int, int, int], hidden: Tensor) -> bytes:
    """A gate's two entries of 16 bytes (FORMAT.md, lstm): of x, and of the hidden state. Weights and sums go into k."""
    x, units = ctx.input(op, 0), ctx.output(op).shape[2]
    wide = x.dtype == "int16"
    of_x, of_hidden, bias_input = gate
    bias = _constant(ctx, op, bias_input, ("int64",) if wide else ("int32",), (units,)).values.astype(np.int64)
    entries = b""
    for v, n, count, added in ((x, of_x, x.shape[2], bias), (hidden, of_hidden, units, np.zeros_like(bias))):
        w = _weights(ctx, op, n, (units, count))
        rows = w.values.astype(np.int64)
        multiplier, shift = fixed_point16.gate_multiplier(v.scale, w.scale)
        if wide:
            first = wide_bias(added - (rows.sum(1) << 15))
            check_wide(added, rows)
            scale = struct.pack("<iBBH", *fixed_point16.reduced_multiplier(multiplier, shift), 0, 0)
        else:
            first = (added - (v.zero_point + 128) * rows.sum(1)).astype("<i8").astype("<i4")
            scale = _factor(multiplier, shift)
        entries += struct.pack("<ii", k.add(offset_binary(w.values)), k.add(first)) + scale
    return entries


@lowers("SVDF")
def svdf(ctx: Lowering, op: Op) -> None:
    """One time step: int8 in and out, state and time weights int8 or int16. The scales clamp, as in TFLM."""
    x, y = ctx.one(op)
    for t in (x, y):
        check_activation(t, ("int8",))
    if len(op.inputs) != 5 or op.inputs[3] is None:
        raise Unsupported("it has no bias (TFLM needs one)", _EXPORT)
    state = ctx.input(op, 4)
    check_activation(state, ("int8", "int16"))
    rank = op.attrs["rank"]
    batches, inputs = x.shape
    filters, memory = ctx.input(op, 2).shape
    if filters % rank or y.shape != (batches, filters // rank) or state.shape != (batches, filters * memory):
        raise Unsupported(f"{filters} filters of rank {rank} and memory {memory} do not fit {y.shape}", _EXPORT)
    feature = _weights(ctx, op, 1, (filters, inputs))
    time = _weights(ctx, op, 2, (filters, memory), (state.dtype,))
    bias = _constant(ctx, op, 3, ("int32",), (filters // rank,))
    into, out = fixed_point16.svdf_multipliers(x.scale, feature.scale, state.scale, time.scale, y.scale)
    left, right = fixed_point.split_shift(into[1])
    y_left, y_right = fixed_point.split_shift(out[1])
    k = Constants()
    first = -(x.zero_point + 128) * feature.values.astype(np.int64).sum(1)
    words = SVDF.words(
        batches=batches, inputs=inputs, filters=filters, rank=rank, memory=memory, element_bytes=state.item_bytes,
        sums_offset=k.add(first.astype("<i4")), features_offset=k.add(offset_binary(feature.values)),
        time_offset=k.add(time.values.astype("<i2" if state.dtype == "int16" else np.int8)),
        bias_offset=k.add(bias.values.astype("<i4")), multiplier=into[0], left_shift=left, right_shift=right,
        state_zero_point=state.zero_point, y_zero_point=y.zero_point, clamp_min=-128, clamp_max=127,
        y_multiplier=out[0], y_left_shift=y_left, y_right_shift=y_right)  # fmt: skip
    ctx.emit(Step("svdf", op.name, ctx.activation(x), ctx.new_buffer(y), words, bytes(k.data),
                  macs=batches * filters * (inputs + memory),
                  states={SVDF.state_offset: ctx.state(state)}))  # fmt: skip


_READ = "read "


def _copy(name: str, source: str, target: str, size: int) -> Step:
    words = BOX.words(dims=(1, 1, 1, size), x_strides=(0, 0, 0, 1), y_strides=(0, 0, 0, 1))
    return Step("copy", name, source, target, words)


@lowers("READ_VARIABLE")
@lowers("READ_VARIABLE", int16=True)
def read_variable(ctx: Lowering, op: Op) -> None:
    """A copy of the variable as it is now; drop_reads() takes it out where nobody would see the difference."""
    variable, y = ctx.one(op)
    if variable.bytes != y.bytes:
        raise Unsupported(f"variable {variable.shape} is read as {y.shape}", _EXPORT)
    ctx.emit(_copy(_READ + op.name, ctx.state(variable), ctx.new_buffer(y), y.bytes))


@lowers("ASSIGN_VARIABLE")
def assign_variable(ctx: Lowering, op: Op) -> None:
    variable, x, _ = ctx.two(op)
    if variable.bytes != x.bytes:
        raise Unsupported(f"variable {variable.shape} takes {x.shape}", _EXPORT)
    ctx.emit(_copy(op.name, ctx.activation(x), ctx.state(variable), x.bytes))


def drop_reads(steps: list[Step], variables: tuple[str, ...], kept: set[str]) -> list[Step]:
    """Steps without the copies of variables whose last reader comes before the variable is written again.

    kept: buffers that are needed after the last step."""
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
            swap: dict[str | int | None, str | int] = {read.y: read.x}
            steps[i] = replace(s, x=swap.get(s.x, s.x), x2=swap.get(s.x2, s.x2),
                               inplace=tuple(b for b in s.inplace if b != read.y))  # fmt: skip
        steps.remove(read)
    return steps
