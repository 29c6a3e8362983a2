"""`fxnn quantize`: a model file and calibration data in, a packed network and a report out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..compiler.convert import Conversion, convert_graph, read_labels
from ..compiler.options import ConvertOptions
from ..errors import ToolError
from ..fileformat import packed
from ..files import write_atomically
from ..ir import Graph
from ..quantizer import Options, Quantized, prepare, quantize, requantize
from ..quantizer import metadata as describe
from ..readers import tflite
from ..readers.model import read_model
from . import datasets, evaluate
from .datasets import HOW_TO, Dataset

_CHECKED_MACS = 200_000_000  # the packed result is run on as many samples as these allow, 8 to 64

Data = str | Path | Mapping[str, np.ndarray] | None  # a path, "random", arrays as in a .npz file, none
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Done:
    """What `fxnn quantize` made. quantized: None where the model was quantized already.

    checked: evaluate.compare() of the packed file's integers with the float network, on calibration data.
    measured: whether there was data to measure with.
    """

    conversion: Conversion
    quantized: Quantized | None = field(repr=False)
    checked: dict | None
    notes: tuple[str, ...]
    measured: bool = True

    def lines(self) -> list[str]:
        """The report, for people."""
        if self.quantized is None:
            return ["the model is int8 already: it keeps its own scales and weights", *self.conversion.lines()]
        if not self.measured or self.checked is None:
            return [
                "the model's own scales; weights rounded to the nearest int4, nothing measured",
                *self.conversion.lines(),
            ]
        lines = self.quantized.lines()
        c = self.checked
        same = f", {c['agreement']:.1%} with the same best output" if "agreement" in c else ""
        lines.append(
            f"the packed integers against float, {c['samples']} calibration samples: {c['sqnr_db']:.1f} dB{same}"
        )
        return [*lines, *self.conversion.lines(), *(f"smaller still: {hint}" for hint in self.quantized.hints)]

    def as_dict(self) -> dict:
        """The report, for scripts."""
        network = packed.read(self.conversion.data)
        result = {
            "quantized": self.quantized is not None,
            "file_bytes": len(network.data),
            "resident_bytes": network.resident_bytes,
            "arena_bytes": network.arena_bytes,
            "notes": list(self.notes),
        }
        if self.quantized:
            q = self.quantized
            result |= {
                "samples": q.samples,
                "trials": [{"what": t.what, "error": t.error, "taken": t.taken} for t in q.trials],
                "sqnr_db": q.sqnr_db,
                "checked": self.checked,
                "hints": list(q.hints),
            }
        return result


def quantize_file(model: str | Path, data: Data, out: str | Path, options: Options | None = None,
                  packing: ConvertOptions | None = None, *, name: str | None = None, labels: str | Path | None = None,
                  pixels: str = "0..1", progress: Progress | None = None, **changes) -> Done:  # fmt: skip
    """As quantize_model; writes `out` at once or not at all. `labels`: a text file; `changes`: of `packing`, by name."""
    model, out = Path(model), Path(out).resolve()
    if out.exists() and out.samefile(model):
        raise ToolError(
            f"{model} would be overwritten by its own quantization", fix="name another output, such as model.fxnn"
        )
    texts = read_labels(Path(labels)) if labels else ()
    packing = replace(packing or ConvertOptions(), **changes)
    done = quantize_model(
        model, data, options, packing, name=name or out.stem, labels=texts, pixels=pixels, progress=progress
    )
    write_atomically(out, done.conversion.data)
    return done


def quantize_model(model: Path, data: Data, options: Options | None = None, packing: ConvertOptions | None = None, *,
                   name: str | None = None, labels: tuple[str, ...] = (), pixels: str = "0..1",
                   progress: Progress | None = None) -> Done:  # fmt: skip
    """Quantizes the model at `model` and packs it.

    `data`: arrays x0, ..., the path of some, "random" for noise, or None for a model that is int8 already. ToolError where model
    or data cannot be used, and naming every op that cannot run.
    """
    if model.suffix.lower() == ".fxnn":
        raise ToolError(
            f"{model} is packed already", "its weights are in the board's form", "give the model that it was made from"
        )
    options = options or Options()
    raw = read_model(model)
    graph = tflite.read(raw, model.name)
    pack = _Pack(name or model.stem, packing or ConvertOptions(), labels, model.name, hashlib.sha256(raw).hexdigest())
    fewer_bits = options.weights == "int4" or options.flash is not None
    if prepare.is_quantized(graph) and not fewer_bits:
        notes = ("--data is not used: the model is quantized already",) if data is not None else ()
        return Done(pack(graph), None, None, notes)
    return _quantized(graph, data, options, pixels, pack, progress)


@dataclass(frozen=True)
class _Pack:
    """convert_graph with all that does not change from one candidate to the next."""

    name: str
    options: ConvertOptions
    labels: tuple[str, ...]
    source: str
    sha256: str

    def __call__(self, graph: Graph, metadata: dict | None = None) -> Conversion:
        return convert_graph(graph, self.name, self.options, labels=self.labels, source=self.source,
                             sha256=self.sha256, metadata=metadata)  # fmt: skip


def _quantized(graph: Graph, data: Data, options: Options, pixels: str, pack: _Pack, progress) -> Done:
    int8 = prepare.is_quantized(graph)
    real = requantize.real_form(graph)[0] if int8 else prepare.prepare(graph)
    measured = data is not None
    if not measured and int8:
        options = replace(options, bias_correction="off", adaptive="off")
    elif not measured:
        raise ToolError(
            "calibration data is needed: --data FILE", "ranges of activations are measured, not guessed", HOW_TO
        )
    shapes = [real.tensors[i].shape for i in real.inputs]
    if data is not None and measured:
        dataset = _samples(data, shapes, pixels)
    else:
        dataset = _noise(graph)
    if not pack.labels and dataset.names and len(dataset.names) == real.tensors[real.outputs[0]].size:
        pack = replace(pack, labels=dataset.names)

    def size_of(candidate: Graph, metadata: dict) -> int:
        return len(pack(candidate, metadata).data)

    quantized = quantize(graph if int8 else real, list(dataset.inputs), options, progress, size_of)
    metadata = describe(quantized.samples, quantized.sqnr_db, [t.what for t in quantized.trials if t.taken])
    conversion = pack(quantized.graph, metadata)
    checked = _checked(conversion, real, dataset, progress)
    notes = dataset.notes
    if len(dataset) < 32:
        notes += (
            f"only {len(dataset)} calibration sample{'s' * (len(dataset) > 1)}: give 100 to 500 for ranges that hold",
        )
    return Done(conversion, quantized, checked, notes, measured)


def _samples(data: str | Path | Mapping[str, np.ndarray], shapes: list[tuple[int, ...]], pixels: str) -> Dataset:
    if isinstance(data, Mapping):
        return datasets.from_arrays(data, shapes, "data")
    return datasets.random(shapes) if str(data) == "random" else datasets.read(data, shapes, pixels)


def _noise(graph: Graph) -> Dataset:
    """Random samples over the whole range of an int8 model's inputs."""
    generator = np.random.default_rng(0)
    own = requantize.real_form(graph)[1].quants
    inputs = []
    for id, quant in ((i, own[i]) for i in requantize.real_form(graph)[0].inputs):
        raw = generator.integers(-128, 128, (64, *graph.tensors[id].shape))
        inputs.append(((raw - quant.zero_point) * quant.scale).astype(np.float32))
    note = ("no --data: the weights are rounded to the nearest int4, and nothing is measured. "
            "With calibration data they are rounded so that the outputs change least")  # fmt: skip
    return Dataset(tuple(inputs), notes=(note,))


def _checked(conversion: Conversion, real: Graph, dataset: Dataset, progress) -> dict:
    """The packed file on the host's exact kernels against the float network."""
    form = packed.read(conversion.data)
    macs = sum(op.macs for op in form.ops)
    some = dataset.first(int(np.clip(_CHECKED_MACS // max(macs, 1), 8, 64)))
    tick = progress and (lambda done: progress("checking the packed network", done, len(some)))
    got = evaluate.answers(evaluate.Network("packed", form), some, "host", tick)
    want = evaluate.answers(evaluate.Network("float", real), some)
    return {"samples": len(some), **evaluate.compare(got, want)}
