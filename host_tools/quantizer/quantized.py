"""What the quantizer is asked for, and what it gives: options, the trials, the int8 graph."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..ir import Graph
from .build import Recipe

MOST_SAMPLES = 512


@dataclass(frozen=True)
class Options:
    """Each step "auto" (tried, kept if it lowers the measured error), "on" or "off". ranges: "auto" or one of METHODS."""

    ranges: str = "auto"
    percent: float | None = None
    equalize: str = "auto"
    bias_correction: str = "auto"
    adaptive: str = "auto"
    samples: int = MOST_SAMPLES
    weights: str = "int8"  # or "int4": all of CONV_2D and FULLY_CONNECTED
    flash: int | None = (
        None  # bytes: as many of their weights become int4 as the file has to shrink, the least sensitive first
    )


@dataclass(frozen=True)
class Trial:
    """One thing that was tried, and the relative error of the outputs it gave on the calibration samples."""

    what: str
    error: float
    taken: bool


@dataclass(frozen=True)
class Quantized:
    graph: Graph
    real: Graph  # the float graph it was made from, prepared: same tensor names
    recipe: Recipe
    trials: tuple[Trial, ...]
    error: float
    noise: dict[str, float] = field(repr=False)
    samples: int = 0
    adapted: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()  # what pruning or a smaller input would save

    @property
    def sqnr_db(self) -> float:
        """Signal to quantization noise at the outputs (before a softmax), decibels."""
        return decibels(self.error)

    def lines(self) -> list[str]:
        """The report, for people."""
        kept = [t for t in self.trials if t.taken]
        many = "s" if self.samples > 1 else ""
        lines = [
            f"calibrated with {self.samples} sample{many}; what was tried, and the error of the outputs (noise / signal):",
            *(
                f"  {'*' if t.taken else ' '} {t.what:34} {t.error:.3%}  {decibels(t.error):5.1f} dB"
                for t in self.trials
            ),
        ]
        chosen = ", ".join(t.what for t in kept) or "minmax"
        return [*lines, f"chosen: {chosen}; signal to noise at the outputs {self.sqnr_db:.1f} dB"]


def decibels(error: float) -> float:
    return float(-10 * np.log10(max(error, 1e-12)))


def metadata(samples: int, sqnr_db: float, steps: list[str]) -> dict:
    """What the packed file keeps of it (FORMAT.md, metadata): it counts for --flash."""
    return {"quantizer": {"samples": samples, "sqnr_db": round(sqnr_db, 1), "steps": steps}}
