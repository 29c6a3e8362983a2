"""Target `host`: the numpy kernels, in this process."""

from __future__ import annotations

import time

import numpy as np

from ..exact import run as exact
from ..fileformat.packed import Packed
from ..fileformat.quantized_io import frame_shape
from ..package.runner import Progress, RunStats
from .base import Target


class HostTarget(Target):
    name = "host"

    def run(self, packed: Packed, inputs: tuple[np.ndarray, ...], progress: Progress | None = None):
        start = time.perf_counter()
        results = []
        state = exact.first_state(packed)
        for n in range(len(inputs[0])):
            if self.fresh:
                state = exact.first_state(packed)
            results.append(
                exact.run(packed, [array[n].reshape(t.shape) for array, t in zip(inputs, packed.inputs)], state=state)
            )
            if progress:
                progress(n + 1)
        outputs = [
            np.stack([np.asarray(result[i]).reshape(frame_shape(tensor)) for result in results])
            for i, tensor in enumerate(packed.outputs)
        ]
        return outputs, RunStats("numpy", round((time.perf_counter() - start) * 1e6))
