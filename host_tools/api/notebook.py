"""The commands as functions, for notebooks and scripts: paths or numpy arrays in, objects and arrays out.

Each raises ToolError where the command would end with its message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from ..compiler import convert as compiler
from ..compiler.options import ConvertOptions
from ..errors import ToolError
from ..fileformat import packed
from ..fileformat.quantized_io import check_inputs, present_outputs
from ..files import read_file, write_atomically
from ..measure import datasets, quantize_file
from ..measure import evaluate as measure
from ..quantizer import Options
from ..targets import open_target
from .network import Network

PathLike = str | os.PathLike[str]
Arrays = np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray]  # of one input, of all, by name as in a .npz file


def convert(model: PathLike | bytes, out: PathLike | None = None, *, name: str | None = None,
            labels: PathLike | Sequence[str] = (), options: ConvertOptions | None = None, **changes) -> compiler.Conversion:  # fmt: skip
    """The Conversion of a full-int8 .tflite: `.data` is the packed network, for fxnn.load, and `.lines()` say what it saved.

    `model`: a path or the file's bytes. `out`: where it is written too. `labels`: of the outputs in order, or a text file
    with one label per line. `options` and keywords, which change them: board, placing, prefer, ram, striped, selftest.

        fxnn.convert("net.tflite", "net.fxnn", board="esp32", ram=64 << 10)
    """
    if isinstance(model, bytes):
        path, data, source = None, model, ""
    else:
        path = Path(model)
        data, source = read_file(path), path.name
    name = name or (Path(out).stem if out is not None else path.stem if path else "model")
    done = compiler.convert(data, name, options, labels=_labels(labels), source=source, **changes)
    _write(out, done.data, path)
    return done


def quantize(model: PathLike, data: PathLike | Arrays | None, out: PathLike | None = None, *, name: str | None = None,
             labels: PathLike | Sequence[str] = (), pixels: str = "0..1", options: Options | None = None,
             packing: ConvertOptions | None = None, **changes) -> quantize_file.Done:  # fmt: skip
    """A float network made int8 and packed: `.conversion.data` is the packed network, `.lines()` say what was chosen.

    `model`: .keras, .h5, a SavedModel or .tflite. `data`: calibration samples as float arrays (N, ...) scaled as in
    training, or the path of some, or "random"; None for a model that is int8 already. `out`, `labels`: as of convert().
    Keywords: of the quantizer (ranges, percentile, equalize, bias_correction, adaptive, samples, weights, flash) and of
    convert() (board, placing, prefer, ram, striped, selftest).

        fxnn.quantize("net.keras", x_train[:200], "net.fxnn", weights="int4")
    """
    options, packing = options or Options(), packing or ConvertOptions()
    ours = {field.name for field in fields(Options)} & changes.keys()
    options = replace(options, **{name: changes.pop(name) for name in ours})
    packing = replace(packing, **changes)
    model = Path(model)
    name = name or (Path(out).stem if out is not None else model.stem)
    samples = os.fspath(data) if isinstance(data, (str, os.PathLike)) else None if data is None else _by_name(data)
    done = quantize_file.quantize_model(
        model, samples, options, packing, name=name, labels=_labels(labels), pixels=pixels
    )
    _write(out, done.conversion.data, model)
    return done


def evaluate(network: Network | PathLike | bytes, data: PathLike | Arrays, labels=None, *, targets=None, on: str = "host",
             against: PathLike | None = None, task: str = "auto", top: int = 3, count: int | None = None,
             pixels: str = "0..1") -> dict:  # fmt: skip
    """{"network", "on", "figures": accuracy on test data, and with `against` "against", "against_figures", "compared"}.

    `network`: a loaded one, a packed file, or any other form of it (.tflite, .keras). `data`: float arrays (N, ...), with
    `labels` (N,) or `targets` (N, ...), or the path of a .npz or folder that holds them. `on`: a target, as of run().
    `against`: another form of the network. `count`: only so many samples, evenly spread.

        fxnn.evaluate("net.fxnn", x_test, y_test, against="net.keras")["figures"]["top1"]
    """
    opened = _opened(network)
    other = measure.open_network(os.fspath(against)) if against is not None else None
    if isinstance(data, (str, os.PathLike)):
        dataset = datasets.read(os.fspath(data), opened.input_shapes, pixels, datasets.HOW_TO_TEST)
    else:
        arrays = _by_name(data)
        arrays |= {
            name: np.asarray(value) for name, value in (("labels", labels), ("targets", targets)) if value is not None
        }
        dataset = datasets.from_arrays(arrays, opened.input_shapes, "data")
    return measure.evaluate(opened, dataset.first(count), on, other, task, top)


def run(
    network: Network | PathLike | bytes, *inputs: np.ndarray, on: str = "host", reset: bool = False
) -> np.ndarray | tuple[np.ndarray, ...]:
    """The outputs for N inferences, an array (N, ...); a tuple of them where the network has several.

    `inputs`: an array (N, ...) for each of the network's; float in, float out; raw (the tensor's dtype) in, raw out.
    `on`: host, ref, unix, qemu-rv32, pico or a serial port. `reset`: forget the states before each inference.

        fxnn.run("net.fxnn", x_test, on="pico")
    """
    known = _packed(network)
    batch = check_inputs({f"x{i}": np.asarray(x) for i, x in enumerate(inputs)}, known, "inputs")
    with open_target(on) as target:
        target.fresh = reset
        outputs, _ = target.run(known, batch.arrays)
    shown = list(present_outputs(outputs, known, batch.real).values())
    return tuple(shown) if len(shown) > 1 else shown[0]


def report(network: PathLike, out: PathLike, *, data: PathLike | None = None, against: PathLike | None = None,
           on: str | None = "pico") -> Path:  # fmt: skip
    """Writes one self-contained HTML page about a packed file and returns its path: boards it fits, time per op, memory.

    `data`: path of test data, for the accuracy. `against`: the float model, for the noise of every op. `on`: the target
    whose time is measured; None: none is.

        fxnn.report("net.fxnn", "report.html", on=None)
    """
    from ..report import build, page

    path, out = Path(network), Path(out)
    facts = build.build(packed.read_file(path), on=on, path=path, data=None if data is None else Path(data),
                        against=None if against is None else Path(against))  # fmt: skip
    write_atomically(out.resolve(), page.render(facts).encode())
    return out


def _labels(labels: PathLike | Sequence[str]) -> tuple[str, ...]:
    return compiler.read_labels(Path(labels)) if isinstance(labels, (str, os.PathLike)) else tuple(labels)


def _write(out: PathLike | None, data: bytes, model: Path | None) -> None:
    if out is None:
        return
    out = Path(out).resolve()
    if model is not None and out.exists() and out.samefile(model):
        raise ToolError(f"{model} would be overwritten by its own conversion",
                        fix="name another output, such as model.fxnn")  # fmt: skip
    write_atomically(out, data)


def _by_name(data: Arrays) -> dict[str, np.ndarray]:
    """Arrays as a .npz file names them."""
    if isinstance(data, Mapping):
        return {name: np.asarray(value) for name, value in data.items()}
    arrays = [data] if isinstance(data, np.ndarray) else list(data)
    return {f"x{i}": np.asarray(value) for i, value in enumerate(arrays)}


def _packed(network: Network | PathLike | bytes) -> packed.Packed:
    if isinstance(network, Network):
        return network.file.packed
    return packed.read(network) if isinstance(network, bytes) else packed.read_file(os.fspath(network))


def _opened(network: Network | PathLike | bytes) -> measure.Network:
    if isinstance(network, (Network, bytes)):
        known = _packed(network)
        return measure.Network(known.name, known)
    return measure.open_network(os.fspath(network))
