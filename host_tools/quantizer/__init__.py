"""From a float network to int8: which ranges, what is equalized, corrected and rounded, is chosen by measuring.

    quantized = quantize(graph, [images], Options())
    quantized.graph      int8, as a full-int8 .tflite reads
    quantized.trials     what was tried, and the error each gave

Deterministic: the same graph, data and options give the same integers (numpy's BLAS on the same machine).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import ToolError
from ..ir import Graph, check
from . import build, equalize, mixed, prepare, ranges, requantize
from .build import Built, Recipe, Samples

MOST_SAMPLES = 512
_MOST_BYTES = 1 << 30  # of float activations kept at once
PERCENTS = (99.9, 99.99)
WORTH_IT = 0.98  # a step stays if it brings the error below this part of what it was without

Progress = Callable[[str, int, int], None]  # what is being done, how much is done, of how much


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
        lines = [
            f"calibrated with {self.samples} sample{'s' * (self.samples > 1)}; what was tried, and the error of the outputs (noise / signal):"
        ]
        lines += [
            f"  {'*' if t.taken else ' '} {t.what:34} {t.error:.3%}  {decibels(t.error):5.1f} dB" for t in self.trials
        ]
        chosen = ", ".join(t.what for t in kept) or "minmax"
        return [*lines, f"chosen: {chosen}; signal to noise at the outputs {self.sqnr_db:.1f} dB"]


def decibels(error: float) -> float:
    return float(-10 * np.log10(max(error, 1e-12)))


def quantize(graph: Graph, inputs: list[np.ndarray], options: Options = Options(), progress: Progress | None = None,
             size_of: Callable[[Graph, dict], int] | None = None) -> Quantized:  # fmt: skip
    """The int8 form of a float graph. inputs: calibration data, one array (N, *shape) a network input.

    An int8 graph keeps its scales, and its weights where they do not become int4. size_of: bytes of the packed file of an
    int8 graph with what metadata() says of it; needed with options.flash. ToolError names every op that cannot be quantized, all at once, before anything
    is computed.
    """
    progress = progress or (lambda *_: None)
    if prepare.is_quantized(graph):
        return _Search(*requantize.real_form(graph), inputs, options, progress, size_of).run()
    return _Search(prepare.prepare(graph), None, inputs, options, progress, size_of).run()


def metadata(samples: int, sqnr_db: float, steps: list[str]) -> dict:
    """What the packed file keeps of it (FORMAT.md, metadata): it counts for --flash."""
    return {"quantizer": {"samples": samples, "sqnr_db": round(sqnr_db, 1), "steps": steps}}


class _Search:
    """Tries recipes; the best so far is `best`, with what it was built from."""

    def __init__(self, graph: Graph, own: requantize.Own | None, inputs, options: Options, progress: Progress, size_of):
        self.options, self.progress, self.own, self.size_of = options, progress, own, size_of
        self.inputs = _thinned(graph, inputs, options.samples)
        self.count = len(self.inputs[0])
        self.plain = graph
        self.trials: list[Trial] = []
        self.best: tuple[Built, Recipe, tuple] | None = None

    def run(self) -> Quantized:
        options = self.options
        self._choose_ranges()
        if options.weights == "int4":
            self._int4({op.name: 4 for op in mixed.candidates(self.plain)}, "int4 weights")
        self._refine()
        if options.flash is not None and self._size() > options.flash:
            self._shrink()
        built, recipe, (graph, groups, quants, _) = self.best
        return Quantized(
            self._emitted(), graph, recipe, self._marked(recipe), built.error, built.noise, self.count, built.adapted,
            tuple(mixed.hints(self.plain, self.data[False][3].real)),
        )  # fmt: skip

    def _choose_ranges(self) -> None:
        if self.own:
            self.data = {False: self._observe(self.plain, "looking at the data")}
            self._try("the model's own scales and weights", Recipe())
            return
        variants = {"off": (False,), "on": (True,), "auto": (False, True)}[self.options.equalize]
        self.data = {False: self._observe(self.plain, "calibrating")}
        if True in variants and equalize.pairs(self.plain):
            equalized = equalize.equalize(self.plain, self.data[False][3].real)
            self.data[True] = self._observe(equalized, "calibrating, equalized")
        elif True in variants:
            variants = (False,)
        for equal in variants:
            for method, percent in self._methods():
                label = method if method != "percentile" else f"percentile {percent:g}"
                what = f"ranges: {label}" + (", equalized" if equal else "")
                self._try(what, Recipe(ranges=method, percent=percent, equalize=equal))

    def _int4(self, bits: dict[str, int], what: str) -> None:
        """From here on with these ops' weights in fewer bits, whatever the error."""
        self._try(what, replace(self.best[1], bits=bits), always=True)

    def _refine(self) -> None:
        if self.own and not self.best[1].bits:
            return  # its weights are not ours to round
        for name, what in (("bias_correction", "bias correction"), ("adaptive", "adaptive rounding")):
            wanted = getattr(self.options, name)
            if wanted != "off" and not getattr(self.best[1], name):
                self._try(what, replace(self.best[1], **{name: True}), WORTH_IT, wanted == "on")

    def _shrink(self) -> None:
        """Weights to int4, the least sensitive first, until the file fits."""
        if self.options.weights == "int4":
            self._refuse_size()
        left, bits = self._size(), {}
        steps = mixed.order(self.plain, self._error_with)
        for step in steps:
            bits[step.name] = 4
            left -= step.saved_bytes
            if left > self.options.flash and step is not steps[-1]:
                continue
            self.trials = [t for t in self.trials if not t.what.startswith("int4")]
            names = ", ".join(f"'{mixed.short(name)}'" for name in bits)
            self._int4(dict(bits), f"int4 weights of {len(bits)} ops: {names}")
            self._refine()
            left = self._size()  # the estimate is of constants only
            if left <= self.options.flash:
                return
        self._refuse_size()

    def _error_with(self, name: str, done: int, total: int) -> float:
        graph, groups, quants, samples = self.best[2]
        self.progress(f"how sensitive is '{mixed.short(name)}'", done, total)
        refined = {n: getattr(self.options, n) != "off" for n in ("bias_correction", "adaptive")}
        recipe = replace(self.best[1], bits={name: 4}, **refined)
        return build.build(graph, groups, quants, samples, recipe, kept=self.own and self.own.weights).error

    def _emitted(self) -> Graph:
        built, _, (graph, groups, quants, _) = self.best
        return check(build.emit(graph, groups, quants, built, real_borders=self.own is None))

    def _size(self) -> int:
        built, recipe, _ = self.best
        steps = [t.what for t in self._marked(recipe) if t.taken]
        return self.size_of(self._emitted(), metadata(self.count, decibels(built.error), steps))

    def _refuse_size(self) -> None:
        raise ToolError(
            f"the file would have {self._size():,} bytes, --flash allows {self.options.flash:,}: "
            f"{self._size() - self.options.flash:,} too many",
            "with every CONV_2D and FULLY_CONNECTED in int4",
            "\n".join(
                ["what else would save:", *(f"  {h}" for h in mixed.hints(self.plain, self.data[False][3].real))]
            ),
        )

    def _methods(self) -> list[tuple[str, float]]:
        wanted, percent = self.options.ranges, self.options.percent
        every = [
            (m, p)
            for m in ranges.METHODS
            for p in ((percent,) if percent else PERCENTS if m == "percentile" else PERCENTS[-1:])
        ]
        return (
            [(m, p) for m, p in every if wanted in ("auto", m)]
            if wanted != "percentile" or percent
            else [("percentile", ranges.PERCENT)]
        )

    def _observe(self, graph: Graph, what: str):
        grouped, groups = (graph, self.own.groups) if self.own else ranges.group(graph)
        total, done = len(grouped.ops) + len(grouped.inputs), 0

        def tick():
            nonlocal done
            done += 1
            self.progress(what, done, total)

        stats, kept = ranges.observe(grouped, groups, self.inputs, tick)
        return grouped, groups, stats, Samples(*Samples.split(self.count), kept)

    def _try(self, what: str, recipe: Recipe, part: float = 1.0, always: bool = False) -> None:
        graph, groups, stats, samples = self.data[recipe.equalize]
        quants = self.own.quants if self.own else ranges.quants(stats, groups, recipe.ranges, recipe.percent)
        done = 0

        def tick():
            nonlocal done
            done += 1
            self.progress(f"trying {what}", done, len(graph.ops))

        built = build.build(graph, groups, quants, samples, recipe, tick, self.own and self.own.weights)
        self.trials.append(Trial(what, built.error, False))
        if always or self.best is None or built.error < part * self.best[0].error:
            self.best = built, recipe, (graph, groups, quants, samples)

    def _marked(self, recipe: Recipe) -> tuple[Trial, ...]:
        label = recipe.ranges if recipe.ranges != "percentile" else f"percentile {recipe.percent:g}"
        taken = {f"ranges: {label}" + (", equalized" if recipe.equalize else "")}
        taken |= {"bias correction"} if recipe.bias_correction else set()
        taken |= {"adaptive rounding"} if recipe.adaptive else set()
        return tuple(
            replace(t, taken=t.what in taken or t.what.startswith(("int4", "the model's"))) for t in self.trials
        )


def _thinned(graph: Graph, inputs: list[np.ndarray], most: int) -> list[np.ndarray]:
    """At most `most` samples, evenly spread, and no more than fit in memory with all their activations."""
    if len(inputs) != len(graph.inputs):
        raise ToolError(f"{len(inputs)} arrays of calibration data", f"the network has {len(graph.inputs)} inputs",
                        "give x0, x1, ... in a .npz file, one a network input")  # fmt: skip
    for id, x in zip(graph.inputs, inputs):
        shape = graph.tensors[id].shape
        if x.shape[1:] not in (shape, shape[1:] if shape[:1] == (1,) else shape):
            raise ToolError(f"calibration data of shape {x.shape}", f"the network's input '{id}' is {shape}",
                            f"give (N, {', '.join(map(str, shape[1:]))})")  # fmt: skip
        if len(x) > 1 and (x == x[:1]).all():
            raise ToolError(f"all {len(x)} samples of calibration data for '{id}' are the same", "no range can be measured",
                            "give real samples, of every kind that the network will meet")  # fmt: skip
    activations = 4 * sum(graph.tensors[i].size for op in graph.ops for i in op.outputs)
    count = len(inputs[0])
    wanted = max(1, min(count, most, _MOST_BYTES // max(activations, 1)))
    at = np.linspace(0, count - 1, wanted).round().astype(int)
    return [x[at] for x in inputs]
