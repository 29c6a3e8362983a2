"""The float meaning of each op: functions by the names that the op table's column `floats` has.

Each is (op, arguments, output Tensor) -> array, or a list of arrays where the op has several outputs. Activations have an
axis of N samples in front of their shape, constants have not, but for operands of the table's `aligned` ops (N = 1 there).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..ir import ACTIVATIONS

Meaning = Callable[..., "np.ndarray | list[np.ndarray]"]
FUNCTIONS: dict[str, Meaning] = {}


def meaning(function: Meaning) -> Meaning:
    """Registers a function by its name."""
    FUNCTIONS[function.__name__.strip("_")] = function
    return function


def ints(array) -> list[int]:
    return [int(v) for v in np.reshape(array, -1)]


def activate(x: np.ndarray, activation: str) -> np.ndarray:
    """A fused activation, in place where x is not read-only."""
    low, high = ACTIVATIONS[activation]
    return x if low is None else np.clip(x, low, high, out=x)


def aligned(args: list[np.ndarray], rank: int) -> list[np.ndarray]:
    """After the samples' axis come dimensions of 1, so that shapes of different rank broadcast."""
    return [x.reshape(len(x), *[1] * (rank + 1 - x.ndim), *x.shape[1:]) for x in args]
