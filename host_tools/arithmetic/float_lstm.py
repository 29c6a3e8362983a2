"""UNIDIRECTIONAL_SEQUENCE_LSTM in float, many samples at once, each from a state of zeros; see float_graph.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Places of its inputs: (weights of x, weights of the hidden state, biases), gates in the order input, forget, cell, output.
# micro/kernels/lstm_shared.h
GATES = ((1, 5, 12), (2, 6, 13), (3, 7, 14), (4, 8, 15))
HIDDEN, CELL = 18, 19
VARIANTS = {"peepholes": (9, 10, 11), "a projection": (16, 17), "layer normalization": (20, 21, 22, 23)}


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


def lstm(op, args, out, hidden: Callable = lambda h: h, cell: Callable = lambda c: c) -> np.ndarray:
    """y of one layer over its time steps: x (N, batches, steps, inputs), or time-major, as the op says.

    hidden, cell: what becomes of the two states after each step (rounding, looking at them). lstm_eval.cc, without
    peepholes, projection and layer normalization.
    """
    x = args[0].swapaxes(1, 2) if op.attrs["time_major"] else args[0]
    samples, batches, steps, inputs = x.shape
    own, back, bias = (np.concatenate([args[gate[i]] for gate in GATES]) for i in range(3))
    units = back.shape[1]
    sums = (x.reshape(-1, inputs) @ own.T + bias).reshape(samples * batches, steps, 4 * units)
    h = c = np.zeros((samples * batches, units), np.float32)
    y = np.empty((samples * batches, steps, units), np.float32)
    clip = op.attrs["cell_clip"]
    for t in range(steps):
        i, f, g, o = np.split(sums[:, t] + h @ back.T, 4, 1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        c = cell(np.clip(c, -clip, clip) if clip > 0 else c)
        h = hidden(_sigmoid(o) * np.tanh(c))
        y[:, t] = h
    y = y.reshape(samples, batches, steps, units)
    return (y.swapaxes(1, 2) if op.attrs["time_major"] else y).reshape(samples, *out.shape)
