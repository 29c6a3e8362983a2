"""Weights to integers: scales per channel, and which way each weight is rounded.

Adaptive rounding minimizes what AdaRound does (Nagel et al., "Up or Down? Adaptive Rounding for Post-Training
Quantization", 2020): the squared error of the op's sums over calibration data, (q * s - t)' H (q * s - t) with
H = sum(x x') over the inputs x that the quantized network has there, and t the weights that answer best to them.
It is solved not by gradients but on the lattice: each weight in turn rounded and its error handed to those that
follow, by the Cholesky factor of H^-1 (Frantar et al., "GPTQ", 2022), then sweeps that move one weight by one step
wherever that lowers the error. numpy, float64, no random numbers.
"""

from __future__ import annotations

import numpy as np

_DAMPING = 0.01  # of H's mean diagonal: inputs that calibration never saw keep their weights
_SWEEPS = 3
_CLIPS = np.linspace(0.55, 1, 19)
_BIAS_LIMIT = 2.0**30


def limit(bits: int) -> int:
    """The largest weight: -127..127 for int8 (TFLite's narrow range), -7..7 for int4."""
    return (1 << (bits - 1)) - 1


def scales(
    rows: np.ndarray, bits: int, bias: np.ndarray, x_scale: float, power: np.ndarray | None = None
) -> np.ndarray:
    """A float32 scale for each row (output channel) of weights.

    The largest weight fits; at few bits the scale of least squared error, weighed by the mean squares `power` of the
    inputs. A channel whose bias would leave int32 gets a larger one.
    """
    largest = np.abs(rows).max(1)
    best = largest / limit(bits)
    if bits < 8:
        trials = np.stack([largest * f / limit(bits) for f in _CLIPS])
        safe = np.maximum(trials, 1e-30)[:, :, None]
        q = np.clip(np.round(rows / safe), -limit(bits), limit(bits))
        errors = ((q * safe - rows) ** 2 * (1 if power is None else power)).sum(2)
        best = trials[errors.argmin(0), np.arange(len(rows))]
    best = np.where(best > 0, best, np.abs(bias) / limit(bits) + 1e-6)
    return np.maximum(best, np.abs(bias) / (x_scale * _BIAS_LIMIT)).astype(np.float32)


def nearest(rows: np.ndarray, scale: np.ndarray, bits: int) -> np.ndarray:
    """The nearest integers, int8."""
    return np.clip(np.round(rows / scale[:, None]), -limit(bits), limit(bits)).astype(np.int8)


def adaptive(rows: np.ndarray, scale: np.ndarray, bits: int, x_quantized: np.ndarray, x_real: np.ndarray,
             centred: bool) -> np.ndarray:  # fmt: skip
    """Integers that make the op's sums over calibration data least wrong, int8.

    x_quantized, x_real: the op's inputs in the quantized and in the float network, (samples, K), or (samples, rows, K)
    where every row has inputs of its own (depthwise). centred: the bias takes what is wrong on average.
    """
    own = x_quantized.ndim == 3
    a, b = (np.moveaxis(x, 0, 1) if own else x[None] for x in (x_quantized, x_real))  # [G, samples, K]
    a, b = a.astype(np.float64), b.astype(np.float64)
    if centred:
        a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    transposed = a.swapaxes(1, 2)
    h, cross = transposed @ a, transposed @ b  # [G, K, K]
    size = h.shape[-1]
    damping = _DAMPING * np.trace(h, axis1=1, axis2=2) / size + 1e-12
    eye = damping[:, None, None] * np.eye(size)
    h = h + eye
    w = rows.astype(np.float64)
    wanted = (cross + eye) @ (w[:, :, None] if own else w.T[None])
    target = np.linalg.solve(h, wanted)
    target = target[:, :, 0] if own else target[0].T
    return _lattice(target, scale.astype(np.float64)[:, None], h, limit(bits)).astype(np.int8)


def _lattice(target: np.ndarray, s: np.ndarray, h: np.ndarray, top: int) -> np.ndarray:
    """Integers q, |q| <= top, with a small (q * s - target)' h (q * s - target); target (rows, K), h (1 or rows, K, K)."""
    size = target.shape[1]
    factor = np.linalg.cholesky(np.linalg.inv(h)).swapaxes(1, 2)  # upper: inv(h) = factor' factor
    t, q = target.copy(), np.zeros_like(target)
    for j in range(size):
        q[:, j] = np.clip(np.round(t[:, j] / s[:, 0]), -top, top)
        error = (t[:, j] - q[:, j] * s[:, 0]) / factor[:, j, j]
        t[:, j + 1 :] -= error[:, None] * factor[:, j, j + 1 :]
    wrong = q * s - target
    gradient = (wrong[:, None, :] @ h)[:, 0] if len(h) > 1 else wrong @ h[0]
    for _ in range(_SWEEPS):
        for j in range(size):
            step = -np.round(gradient[:, j] / (s[:, 0] * h[:, j, j]))
            step = np.clip(q[:, j] + step, -top, top) - q[:, j]
            q[:, j] += step
            gradient += (step * s[:, 0])[:, None] * h[:, j]
    return q
