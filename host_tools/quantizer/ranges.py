"""Which floats an activation's 256 steps span: statistics over calibration data, and four ways to choose from them.

Tensors that have to share one scale are one group (groups.py) with one range. A range always holds 0, which int8
has to represent exactly (padding, gemmlowp's quantization.md). A network's outputs, and what goes into a SOFTMAX,
keep their whole range under every method: clipped, the largest score would tie with the second largest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arithmetic.fixed_point import affine_quantize
from ..errors import ToolError
from ..floats import float_graph
from ..ir import Graph, Quant, Tensor
from .groups import Groups

BINS = 2048
LEVELS = 255  # steps of int8
PERCENT = 99.99
METHODS = ("minmax", "percentile", "mse", "kl")
_FRACTIONS = np.unique(np.append(np.linspace(0.2, 1, 81), 255 / 256))
_KL_FRACTIONS = np.linspace(0.15, 1, 69)
_MIN_SPAN = 1e-6  # an activation that is always 0 gets this range: its scale stays a normal float32


@dataclass(frozen=True)
class Statistics:
    """What a group's tensors held: extremes, and a histogram of BINS between them: counts, and the mean in each bin."""

    low: float
    high: float
    counts: np.ndarray
    values: np.ndarray


def observe(
    graph: Graph, groups: Groups, inputs: list[np.ndarray], tick=lambda: None
) -> tuple[dict[str, Statistics], dict]:
    """(group -> Statistics, activation id -> its values for all samples) from two looks at one float run."""
    kept: dict[str, np.ndarray] = {}
    members: dict[str, list[np.ndarray]] = {}

    def keep(id: str, x: np.ndarray) -> None:
        kept[id] = x
        tick()
        if x.dtype != np.float32:
            return
        if not np.isfinite(x).all():
            raise ToolError(f"{graph.name}: '{id}' overflows in float", "its values are infinite or NaN",
                            "check the calibration data: is it scaled as the training data was?")  # fmt: skip
        members.setdefault(groups.of.get(id, id), []).append(x)

    float_graph.run(graph, inputs, keep)
    for id, at in groups.constants.items():
        members.setdefault(at, []).append(graph.tensors[id].values.astype(np.float32))
    result = {}
    for at, arrays in members.items():
        low, high = float(min(a.min() for a in arrays)), float(max(a.max() for a in arrays))
        counts, sums = np.zeros(BINS), np.zeros(BINS)
        step = (high - low) / BINS or 1.0
        for a in arrays:
            flat = a.reshape(-1)
            bins = np.minimum(((flat - np.float32(low)) * np.float32(1 / step)).astype(np.int32), BINS - 1)
            counts += np.bincount(bins, minlength=BINS)
            sums += np.bincount(bins, flat, BINS)
        result[at] = Statistics(low, high, counts, sums / np.maximum(counts, 1))
    return result, kept


def affine(low: float, high: float) -> Quant:
    """Scale (a float32) and zero point of int8 whose 256 steps hold [low, high] and 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32(max(high - low, _MIN_SPAN) / LEVELS))
    return Quant((scale,), (int(np.clip(round(-128 - low / scale), -128, 127)),))


def quants(stats: dict[str, Statistics], groups: Groups, method: str, percent: float = PERCENT) -> dict[str, Quant]:
    """Group -> Quant by one of METHODS."""
    result = {}
    for at, s in stats.items():
        if at in groups.fixed:
            scale, zero_point = groups.fixed[at]
            result[at] = Quant((scale,), (zero_point,))
        elif at in groups.symmetric:
            largest = max(max(map(abs, span(s, method, percent))), _MIN_SPAN)
            result[at] = Quant((float(np.float32(largest / 127)),), (0,))
        else:
            result[at] = affine(*span(s, "minmax" if at in groups.whole else method, percent))
    return result


def span(s: Statistics, method: str, percent: float = PERCENT) -> tuple[float, float]:
    """(low, high) of one group by one of METHODS."""
    low, high = min(s.low, 0.0), max(s.high, 0.0)
    if method == "minmax" or high - low < _MIN_SPAN:
        return low, high
    return {"percentile": _percentile, "mse": _mse, "kl": _kl}[method](s, low, high, percent)


def _percentile(s: Statistics, low: float, high: float, percent: float) -> tuple[float, float]:
    """All but (100 - percent) % of the values, half of them at either end."""
    tail = (100 - percent) / 200
    share = np.cumsum(s.counts) / s.counts.sum()
    first, last = np.searchsorted(share, tail), np.searchsorted(share, 1 - tail)
    step = (s.high - s.low) / BINS
    return min(max(low, s.low + first * step), 0.0), max(min(high, s.low + (last + 1) * step), 0.0)


def _mse(s: Statistics, low: float, high: float, percent: float) -> tuple[float, float]:
    """The range of least mean squared error, rounding and clipping together: both ends shrunk, then each by itself."""
    used = s.counts > 0
    values, counts = s.values[used], s.counts[used]

    def error(a: float, b: float) -> float:
        quant = affine(a, b)
        q = np.clip(np.round(values / quant.scale) + quant.zero_point, -128, 127)
        return float((counts * ((q - quant.zero_point) * quant.scale - values) ** 2).sum())

    best = min((error(f * low, f * high), -f) for f in _FRACTIONS)[1]
    low, high = -best * low, -best * high
    for _ in range(2):
        if low < 0:
            low *= -min((error(f * low, high), -f) for f in _FRACTIONS)[1]
        if high > 0:
            high *= -min((error(low, f * high), -f) for f in _FRACTIONS)[1]
    return low, high


def _kl(s: Statistics, low: float, high: float, percent: float) -> tuple[float, float]:
    """The range that loses least information: the Kullback-Leibler divergence of the histogram, what is outside counted
    at the ends, from itself with as many steps as int8 has (Migacz, "8-bit Inference with TensorRT", 2017)."""
    step = (s.high - s.low) / BINS
    edges = s.low + step * (np.arange(BINS) + 0.5)
    counts = np.where((edges - step / 2 <= 0) & (edges + step / 2 >= 0), 0, s.counts)  # exact 0 loses nothing anyway
    if not counts.any():
        return low, high
    best = (np.inf, 1.0)
    for f in _KL_FRACTIONS:
        quant = affine(f * low, f * high)
        q = np.clip(np.round(edges / quant.scale) + quant.zero_point, -128, 127).astype(int) + 128
        inside = (edges >= f * low) & (edges <= f * high)
        if not inside.any():
            continue
        clipped = np.where(inside, counts, 0)
        reference = clipped.copy()
        first, last = np.flatnonzero(inside)[[0, -1]]
        reference[first] += counts[:first].sum()
        reference[last] += counts[last + 1 :].sum()
        filled = inside & (counts > 0)
        share = np.bincount(q[inside], clipped[inside], 256) / np.maximum(np.bincount(q[filled], minlength=256), 1)
        model = np.where(filled, share[q], 0)
        p, m = reference[reference > 0] / reference.sum(), model[reference > 0] / max(model.sum(), 1)
        divergence = float((p * np.log(p / np.maximum(m, 1e-9))).sum())
        best = min(best, (divergence, -f))
    return -best[1] * low, -best[1] * high


def quantize_constant(tensor: Tensor, quant: Quant | None = None) -> Tensor:
    """An operand (of ADD, MUL, CONCATENATION, PADV2) as int8: in the given quantization, or in its own range."""
    data = tensor.values.astype(np.float32)
    quant = quant or affine(float(data.min()), float(data.max()))
    return replace(
        tensor, dtype="int8", quant=quant, data=affine_quantize(data, quant.scale, quant.zero_point, np.int8)
    )
