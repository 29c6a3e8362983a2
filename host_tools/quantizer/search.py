"""The search: which ranges, what is equalized, corrected and rounded, is chosen by measuring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ToolError
from ..ir import MADE, READ, Graph, Quant, check
from . import build, equalize, mixed, ranges
from .build import Built, Recipe, Samples
from .emit import emit
from .groups import Groups, group
from .prepare import is_quantized, prepare
from .quantized import Options, Quantized, Trial, decibels, metadata
from .ranges import Statistics
from .requantize import Own, real_form

_MOST_BYTES = 1 << 30  # of float activations kept at once
PERCENTS = (99.9, 99.99)
WORTH_IT = 0.98  # a step stays if it brings the error below this part of what it was without

Progress = Callable[[str, int, int], None]  # what is being done, how much is done, of how much


def quantize(graph: Graph, inputs: list[np.ndarray], options: Options | None = None, progress: Progress | None = None,
             size_of: Callable[[Graph, dict], int] | None = None) -> Quantized:  # fmt: skip
    """The int8 form of a float graph. inputs: calibration data, one array (N, *shape) per network input.

    An int8 graph keeps its scales, and its weights where they do not become int4. size_of: bytes of the packed file of an
    int8 graph with what metadata() says of it; needed with options.flash. ToolError names every op that cannot be
    quantized, all at once, before anything is computed.
    """
    options, progress = options or Options(), progress or (lambda *_: None)
    if is_quantized(graph):
        return _Search(*real_form(graph), inputs, options, progress, size_of).run()
    return _Search(prepare(graph), None, inputs, options, progress, size_of).run()


@dataclass(frozen=True)
class _Data:
    """A float graph with its groups, and what calibration saw of it."""

    graph: Graph
    groups: Groups
    stats: dict[str, Statistics]
    samples: Samples


@dataclass(frozen=True)
class _Candidate:
    """What one recipe gave, and what it was built from."""

    built: Built
    recipe: Recipe
    data: _Data
    quants: dict[str, Quant]


class _Search:
    """Tries recipes; the best so far is `best`. `data`: of the graph as it is (False), and equalized (True)."""

    def __init__(self, graph: Graph, own: Own | None, inputs, options: Options, progress: Progress, size_of):
        self.options, self.progress, self.own, self.size_of = options, progress, own, size_of
        self.inputs = _thinned(graph, inputs, options.samples)
        self.count = len(self.inputs[0])
        self.plain = graph
        self.trials: list[Trial] = []
        self.data: dict[bool, _Data] = {}
        self._best: _Candidate | None = None

    @property
    def best(self) -> _Candidate:
        assert self._best is not None, "nothing was tried"
        return self._best

    def run(self) -> Quantized:
        options = self.options
        self._choose_ranges()
        if options.weights == "int4":
            self._int4({op.name: 4 for op in mixed.candidates(self.plain)}, "int4 weights")
        self._refine()
        if options.flash is not None and self._size() > options.flash:
            self._shrink(options.flash)
        built, recipe = self.best.built, self.best.recipe
        return Quantized(self._emitted(), self.best.data.graph, recipe, self._marked(recipe), built.error, built.noise, self.count,
                         built.adapted, tuple(self._hints()))  # fmt: skip

    def _hints(self) -> list[str]:
        return mixed.hints(self.plain, self.data[False].samples.real)

    def _choose_ranges(self) -> None:
        if self.own:
            self.data = {False: self._observe(self.plain, "looking at the data")}
            self._try("the model's own scales and weights", Recipe())
            return
        variants = {"off": (False,), "on": (True,), "auto": (False, True)}[self.options.equalize]
        self.data = {False: self._observe(self.plain, "calibrating")}
        if True in variants and equalize.pairs(self.plain):
            equalized = equalize.equalize(self.plain, self.data[False].samples.real)
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
        self._try(what, replace(self.best.recipe, bits=bits), always=True)

    def _refine(self) -> None:
        if self.own and not self.best.recipe.bits:
            return  # its weights are not ours to round
        for name, what in (("bias_correction", "bias correction"), ("adaptive", "adaptive rounding")):
            wanted = getattr(self.options, name)
            if wanted != "off" and not getattr(self.best.recipe, name):
                self._try(what, replace(self.best.recipe, **{name: True}), WORTH_IT, wanted == "on")

    def _shrink(self, allowed: int) -> None:
        """Weights to int4, the least sensitive first, until the file fits."""
        if self.options.weights == "int4":
            self._refuse_size(allowed)
        left, bits = self._size(), {}
        steps = mixed.order(self.plain, self._error_with)
        for step in steps:
            bits[step.name] = 4
            left -= step.saved_bytes
            if left > allowed and step is not steps[-1]:
                continue
            self.trials = [t for t in self.trials if not t.what.startswith("int4")]
            names = ", ".join(f"'{mixed.short(name)}'" for name in bits)
            self._int4(dict(bits), f"int4 weights of {len(bits)} ops: {names}")
            self._refine()
            left = self._size()  # the estimate is of constants only
            if left <= allowed:
                return
        self._refuse_size(allowed)

    def _error_with(self, name: str, done: int, total: int) -> float:
        data = self.best.data
        self.progress(f"how sensitive is '{mixed.short(name)}'", done, total)
        refined = {n: getattr(self.options, n) != "off" for n in ("bias_correction", "adaptive")}
        recipe = replace(self.best.recipe, bits={name: 4}, **refined)
        kept = self.own.weights if self.own else None
        return build.build(data.graph, data.groups, self.best.quants, data.samples, recipe, kept=kept).error

    def _emitted(self) -> Graph:
        best = self.best
        graph = emit(best.data.graph, best.data.groups, best.quants, best.built, real_borders=self.own is None)
        return check(graph, "emit", READ if self.own else MADE)  # what an int8 model brings is its own

    def _size(self) -> int:
        steps = [t.what for t in self._marked(self.best.recipe) if t.taken]
        assert self.size_of is not None, "options.flash needs size_of"
        return self.size_of(self._emitted(), metadata(self.count, decibels(self.best.built.error), steps))

    def _refuse_size(self, allowed: int) -> None:
        size = self._size()
        raise ToolError(
            f"the file would have {size:,} bytes, --flash allows {allowed:,}: {size - allowed:,} too many",
            "with every CONV_2D and FULLY_CONNECTED in int4",
            "\n".join(["what else would save:", *(f"  {h}" for h in self._hints())]),
        )

    def _methods(self) -> list[tuple[str, float]]:
        """(method, percent) of each that the options ask for."""
        wanted, percent = self.options.ranges, self.options.percent
        if wanted == "percentile":
            return [("percentile", percent or ranges.PERCENT)]
        found = []
        for method in ranges.METHODS if wanted == "auto" else (wanted,):
            several = PERCENTS if method == "percentile" else PERCENTS[-1:]
            found += [(method, p) for p in ((percent,) if percent else several)]
        return found

    def _observe(self, graph: Graph, what: str) -> _Data:
        grouped, groups = (graph, self.own.groups) if self.own else group(graph)
        total, done = len(grouped.ops) + len(grouped.inputs), 0

        def tick():
            nonlocal done
            done += 1
            self.progress(what, done, total)

        stats, kept = ranges.observe(grouped, groups, self.inputs, tick)
        return _Data(grouped, groups, stats, Samples(*Samples.split(self.count), kept))

    def _try(self, what: str, recipe: Recipe, part: float = 1.0, always: bool = False) -> None:
        data = self.data[recipe.equalize]
        quants = self.own.quants if self.own else ranges.quants(data.stats, data.groups, recipe.ranges, recipe.percent)
        done = 0

        def tick():
            nonlocal done
            done += 1
            self.progress(f"trying {what}", done, len(data.graph.ops))

        kept = self.own.weights if self.own else None
        built = build.build(data.graph, data.groups, quants, data.samples, recipe, tick, kept)
        self.trials.append(Trial(what, built.error, False))
        if always or self._best is None or built.error < part * self._best.built.error:
            self._best = _Candidate(built, recipe, data, quants)

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
                        "give x0, x1, ... in a .npz file, one per network input")  # fmt: skip
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
