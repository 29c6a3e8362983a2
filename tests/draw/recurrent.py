"""Drawn ops that keep a state: LSTM, SVDF, tf.Variable and CIRCULAR_BUFFER, CALLS inferences in a row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flatbuffers import flexbuffers

from tests.draw.core import Source, quantization, rescaling
from tests.helpers.tflite_builder import Builder

CALLS = 3  # inferences in a row of a model with a state


def _gate_weights(s: Source, b: Builder, shape, like: list) -> int:
    """One gate's weights, of the scale that the first gate drew, or one near it."""
    scale = like[0] * 2.0 ** (s.integer(-16, 16) / 16)
    return b.constant(s.array(shape), float(np.float32(scale)))


def _uniform(s: Source, mild: bool, shape, dtype=np.int8, near: int = 0) -> np.ndarray:
    """As s.array(); `mild`: always uniform, so that not everything behind it is saturated."""
    if not mild:
        return s.array(shape, np.dtype(dtype), near=near)
    info = np.iinfo(dtype)
    return np.random.RandomState(s.integer(0, (1 << 32) - 1)).randint(info.min, info.max + 1, shape).astype(dtype)


def lstm(s: Source, b: Builder, x: list, dtype: str = "int8") -> int:
    """x's values and the states: int8 or int16; the sums mostly within Q3.12, so that not every gate is saturated."""
    wide = dtype == "int16"
    time_major = s.note(time_major=s.boolean())
    batches, steps = s.choice((1, 1, 2, 3)), s.integer(1, 4)
    inputs, units = s.integer(1, 9), s.choice((s.integer(1, 6), s.integer(1, 20)))
    shape = (steps, batches, inputs) if time_major else (batches, steps, inputs)
    zero = 0 if wide else s.zero_point()
    x_scale = s.scale(-16, -12) if wide else s.scale(-8, -4)
    source = b.input(shape, dtype, x_scale, zero)
    for _ in range(CALLS):
        x.append(s.array(shape, np.dtype(dtype), near=zero))
    h_scale = 2.0**-15 if wide else s.choice((2.0**-7, s.scale(-8, -6)))
    h_zero = 0 if wide else s.choice((0, s.zero_point()))
    hidden = b.variable((batches, units), dtype, h_scale, h_zero)
    power = s.choice((-11, -11, s.integer(-15, -8)))
    cell = b.variable((batches, units), "int16", 2.0**power)
    w_base, r_base = [s.scale(-11, -5)], [s.scale(-11, -5)]
    weights = [_gate_weights(s, b, (units, inputs), w_base) for _ in range(4)]
    recurrent = [_gate_weights(s, b, (units, units), r_base) for _ in range(4)]
    limit = s.choice((0, 1000, 1 << 20))
    biases = [
        b.constant(s.array((units,), np.int64, -limit, limit).astype(np.int64 if wide else np.int32),
                   float(np.float32(x_scale * b.tensors[w].scales[0])))
        for w in weights
    ]  # fmt: skip
    clip = s.choice((0.0, 0.0, 1.0, 10.0, 0.01))
    s.note(shape=shape, units=units, power=power, clip=clip, x=(x_scale, zero), h=(h_scale, h_zero))
    return b.lstm(source, weights, recurrent, biases, hidden, cell, cell_clip=clip, time_major=time_major)


def _svdf(s: Source, b: Builder, x: list) -> int:
    batches, inputs = s.choice((1, 1, 2)), s.integer(1, 20)
    rank, units, memory = s.choice((1, 2, 3)), s.choice((1, s.integer(2, 9))), s.integer(1, 10)
    state_dtype = s.choice(("int8", "int16"))
    quant = quantization(s, -8, -2)
    mild = s.integer(0, 3) > 0
    source = b.input((batches, inputs), **quant)
    for _ in range(CALLS):
        x.append(_uniform(s, mild, (batches, inputs), near=quant["zero_point"]))
    feature_scale = s.scale(-10, -5)
    into = rescaling(s, (-10, -7) if state_dtype == "int8" else (-5, -1), 24, least=-10 if mild else -20, most=6)
    state_scale = float(np.float32(quant["scale"] * feature_scale * 2.0**-into))
    state = b.variable((batches, rank * units * memory), state_dtype, state_scale,
                       0 if state_dtype == "int16" else s.choice((0, s.zero_point())))  # fmt: skip
    # TFLM holds the bias' scale against the product's, but only to 1e-5
    time_scale = s.scale(-10, -5) if state_dtype == "int8" else s.scale(-16, -12)
    feature = b.constant(_uniform(s, mild, (rank * units, inputs)), feature_scale)
    time = b.constant(_uniform(s, mild, (rank * units, memory), state_dtype), time_scale)
    product = float(np.float32(np.float32(state_scale) * np.float32(time_scale)))
    bias = b.constant(s.array((units,), np.int32, -1000, 1000), product)
    out = rescaling(s, *(((-9, -6), 22, -10) if state_dtype == "int8" else ((-22, -19), 31, -23)), most=6)
    y = {"scale": float(np.float32(product * 2.0**-out)), "zero_point": 5 if mild else s.zero_point()}
    s.note(x=(batches, inputs), rank=rank, units=units, memory=memory, state=state_dtype, into=into, out=out, y=y)
    return b.svdf(source, feature, time, bias, state, rank=rank, **y)


def _variables(s: Source, b: Builder, x: list) -> list[int]:
    """tf.Variable in streaming form: a window of the last frames moves on by one, its sum with the frame goes out.

    With first values from CALL_ONCE or without; TFLM then starts at the zero point.
    """
    frames, width = s.integer(2, 4), s.integer(1, 6)
    quant = quantization(s, -8, -2)
    source = b.input((1, width), **quant)
    for _ in range(CALLS):
        x.append(s.array((1, width), near=quant["zero_point"]))
    if s.note(initialized=s.boolean()):
        b.initialization = Builder()
        first = b.initialization.constant(s.array((frames, width), near=quant["zero_point"]), **quant)
        b.initialization.assign_variable(b.initialization.handle("window"), first)
    handle = b.handle("window")
    before = b.read_variable(handle, (frames, width), **quant)
    rest = b.tensor((frames - 1, width), "int8", quant["scale"], quant["zero_point"])
    b.op("SLICE", [before, b.constant(np.array([1, 0], np.int32)), b.constant(np.array([frames - 1, width], np.int32))], [rest],
         "SliceOptions")  # fmt: skip
    window = b.concatenation([rest, source], 0)
    b.assign_variable(handle, window)
    total = b.add(window, source, scale=float(np.float32(quant["scale"] * 2)), zero_point=s.zero_point())
    if s.note(read_late=s.boolean()):
        return [total, b.read_variable(b.handle("window"), (frames, width), **quant)]
    return [total, before]


def _circular_buffer(s: Source, b: Builder, x: list) -> int:
    """Streaming: the last rows, moved on by one a call; of 5 rows TFLM knows by itself that it runs at every call."""
    rows = s.choice((5, s.integer(2, 6)))
    shape, quant = (1, 1, s.integer(1, 3), s.integer(1, 5)), quantization(s, -8, -2)
    source = b.input(shape, **quant)
    for _ in range(CALLS):
        x.append(s.array(shape, near=quant["zero_point"]))
    options = b"" if rows == 5 and s.boolean() else bytes(flexbuffers.Dumps({"cycles_max": 1}))
    y = b.variable((1, rows, *shape[2:]), **quant)
    s.note(rows=rows, shape=shape, options=len(options))
    b.custom("CIRCULAR_BUFFER", [source], [y], options)
    return b.max_pool_2d(y, kernel=(2, 1), stride=(1, 1)) if s.boolean() else b.relu(y)


STATEFUL: dict[str, Callable] = {
    "lstm": lstm,
    "svdf": _svdf,
    "variables": _variables,
    "circular_buffer": _circular_buffer,
}
