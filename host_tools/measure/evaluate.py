"""Accuracy, measured: a network's answers to test data against the truth, and against another form of the network.

    network = open_network("digits.fxnn")           .fxnn, float or int8 .tflite, .keras, .h5, SavedModel
    data = datasets.read("test.npz", network.input_shapes)
    result = score(answers(network, data, "pico"), data)
    result["top1"]

`evaluate()` is all of it. Everything is plain dicts and arrays, for tables, JSON and the report page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..compiler.convert import convert
from ..errors import ToolError
from ..fileformat.packed import Packed, read, read_file
from ..fileformat.quantized_io import dequantize, frame_shape, quantize
from ..floats import float_graph
from ..ir import Graph
from ..quantizer import prepare
from ..readers import tflite
from ..readers.model import read_model
from ..targets import Target, open_target
from . import metrics
from .datasets import Dataset

_CUT_OFF = 0.1  # part of the inputs' values outside of their range, above which it looks like a mistake
_BATCH = 64  # samples that the float interpreter takes at once

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Network:
    """A network that can answer: packed (int8), or a float graph."""

    name: str
    form: Packed | Graph

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        if isinstance(self.form, Packed):
            return [t.shape for t in self.form.inputs]
        return [self.form.tensors[i].shape for i in self.form.inputs]

    @property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """Of one sample, without a leading batch of 1."""
        if isinstance(self.form, Packed):
            return [frame_shape(t) for t in self.form.outputs]
        shapes = [self.form.tensors[i].shape for i in self.form.outputs]
        return [s[1:] if s[:1] == (1,) else s for s in shapes]

    @property
    def labels(self) -> tuple[str, ...]:
        return self.form.labels if isinstance(self.form, Packed) else ()


def open_network(path: str | Path) -> Network:
    """The network at `path`, whatever its form; a full-int8 .tflite becomes a packed one."""
    path = Path(path)
    if path.is_file() and path.suffix.lower() == ".fxnn":
        return Network(path.name, read_file(path))
    data = read_model(path)
    graph = tflite.read(data, path.name)
    if prepare.is_quantized(graph):
        return Network(path.name, read(convert(data, path.stem, selftest=0).data, path.name))
    return Network(path.name, prepare.prepare(graph))


def answers(
    network: Network, data: Dataset, on: str | Target = "host", progress: Progress | None = None
) -> list[np.ndarray]:
    """The network's outputs for every sample, floats: float32 (N, ...) for each output.

    `on`: a target's name, or an open Target; a float graph always runs on the host.
    """
    count = len(data)
    if isinstance(network.form, Graph):
        parts = []
        for at in range(0, count, _BATCH):
            parts.append(float_graph.run(network.form, [x[at : at + _BATCH] for x in data.inputs]))
            if progress:
                progress(min(at + _BATCH, count))
        return [
            np.concatenate(column).reshape(count, *shape) for column, shape in zip(zip(*parts), network.output_shapes)
        ]
    packed = network.form
    raw = tuple(
        quantize(x, t.scale, t.zero_point, t.dtype).reshape(count, *frame_shape(t))
        for x, t in zip(data.inputs, packed.inputs)
    )
    if isinstance(on, str):
        with open_target(on) as target:
            target.fresh = True  # samples have nothing to do with each other
            outputs, _ = target.run(packed, raw, progress)
    else:
        on.fresh = True
        outputs, _ = on.run(packed, raw, progress)
    return [dequantize(y, t.scale, t.zero_point) for y, t in zip(outputs, packed.outputs)]


def task_of(data: Dataset, output_shape: tuple[int, ...], input_shape: tuple[int, ...]) -> str:
    """What the network is for, told by its data: "classify", "anomaly", "regress" or "compare"."""
    size = int(np.prod(output_shape))
    if data.targets is not None:
        return "regress"
    if data.labels is None:
        return "compare"
    if size == int(np.prod(input_shape)) and size > 1 and set(np.unique(data.labels)) <= {0, 1}:
        return "anomaly"
    return "classify"


def score(
    outputs: list[np.ndarray], data: Dataset, task: str = "auto", k: int = 3, names: tuple[str, ...] = ()
) -> dict:
    """The figures of one network's answers. `task` as task_of() says it, or "auto".

    classify: top1, topk, confusion, classes (a dict each). One output is the probability of class 1 (auc as well).
    anomaly: the score is the output itself (one number) or the mean squared error of reconstruction; auc; label 1 is odd.
    regress: mae, rmse, max_error, r2. compare: nothing but the number of samples.
    """
    y = outputs[0].reshape(len(data), -1)
    if task == "auto":
        task = task_of(data, y.shape[1:], data.inputs[0].shape[1:])
    result: dict = {"task": task, "samples": len(data)}
    if task == "anomaly":
        odd = _labels(data, task).astype(bool)
        if odd.all() or not odd.any():
            raise ToolError("the labels are all the same", "anomalies (1) and normal samples (0) are both needed")
        scores = y[:, 0] if y.shape[1] == 1 else ((y - data.inputs[0].reshape(len(data), -1)) ** 2).mean(1)
        result |= {
            "auc": metrics.auc(scores, odd),
            "mean_score": [float(scores[~odd].mean()), float(scores[odd].mean())],
        }
    elif task == "classify":
        labels = _labels(data, task)
        if y.shape[1] == 1:
            y = np.concatenate([1 - y, y], 1)
            if len(np.unique(labels)) == 2:
                result["auc"] = metrics.auc(y[:, 1], labels == 1)
        classes = y.shape[1]
        if labels.min() < 0 or labels.max() >= classes:
            low, high = int(labels.min()), int(labels.max())
            raise ToolError(f"labels from {low} to {high} for {classes} outputs", f"a label is the index of an output, 0 to {classes - 1}",
                            "subtract 1 from the labels" if (low, high) == (1, classes) else
                            "check the labels; for regression call the array `targets`")  # fmt: skip
        matrix = metrics.confusion(labels, y.argmax(1), classes)
        texts = (
            names
            if len(names) == classes
            else data.names
            if len(data.names) == classes
            else tuple(map(str, range(classes)))
        )
        result |= {
            "top1": float(np.trace(matrix) / len(data)), "correct": int(np.trace(matrix)),
            "k": min(k, classes), "topk": metrics.top_k(y, labels, k),
            "confusion": matrix.tolist(),
            "classes": [{"name": n, **row} for n, row in zip(texts, metrics.per_class(matrix))],
        }  # fmt: skip
    elif task == "regress":
        if data.targets is None:
            raise ToolError(
                "no targets to compare with", "the data has samples only", "add an array `targets` to the .npz file"
            )
        targets = data.targets.reshape(len(data), -1)
        if targets.shape != y.shape:
            raise ToolError(f"targets of shape {data.targets.shape}", f"the network's output is {outputs[0].shape}",
                            "give the targets in the output's shape")  # fmt: skip
        result |= metrics.regression(y, targets)
    return result


def _labels(data: Dataset, task: str) -> np.ndarray:
    if data.labels is None:
        raise ToolError(
            f"no labels to {task} by", "the data has samples only", "add an array `labels` to the .npz file"
        )
    return data.labels


def compare(outputs: list[np.ndarray], others: list[np.ndarray]) -> dict:
    """How far two forms of one network agree: sqnr_db, largest difference, and the part with the same best answer (where the
    output is a row of scores, not an image)."""
    y, z = (outputs[0].reshape(len(outputs[0]), -1), others[0].reshape(len(others[0]), -1))
    if y.shape != z.shape:
        raise ToolError(f"outputs of {y.shape[1]} and {z.shape[1]} values", "these are two different networks")
    result = {"sqnr_db": metrics.sqnr_db(y, z), "max_difference": float(np.abs(y - z).max())}
    if sum(d > 1 for d in outputs[0].shape[1:]) == 1:
        result["agreement"] = float((y.argmax(1) == z.argmax(1)).mean())
    return result


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(d for d in shape if d != 1)


def by_name(data: Dataset, labels: tuple[str, ...], outputs: int, task: str = "auto") -> Dataset:
    """The data with its class folders in the order of the network's labels. ToolError where they are others.

    labels: the network's, or none; outputs: how many numbers it answers with."""
    if not data.names or outputs == 1 or task not in ("auto", "classify") or data.names == labels:
        return data
    if set(data.names) <= set(labels):
        order = np.array([labels.index(name) for name in data.names])
        return replace(data, labels=order[data.labels], names=labels)
    if labels or len(data.names) != outputs:
        raise ToolError(f"{len(data.names)} classes by subfolder: {', '.join(data.names)}",
                        f"the network has {outputs} outputs" + (f": {', '.join(labels)}" if labels else ""),
                        "name a folder for each class after the network's labels" if labels else "give one folder per class")  # fmt: skip
    return data


def cut_off(network: Network, data: Dataset) -> list[str]:
    """Notes about data that the packed network's inputs cannot hold: most often it is not scaled as in training."""
    notes = []
    for t, x in zip(network.form.inputs if isinstance(network.form, Packed) else (), data.inputs):
        if t.dtype not in ("int8", "uint8", "int16"):
            continue
        limits = np.iinfo(t.dtype)
        low, high = ((v - t.zero_point) * t.scale for v in (limits.min, limits.max))
        part = float(((x < low - t.scale) | (x > high + t.scale)).mean())
        if part > _CUT_OFF:
            notes.append(f"{part:.0%} of the data lie outside of what the input can hold, {low:.3g} to {high:.3g} (the data: "
                         f"{x.min():.3g} to {x.max():.3g}). Is it scaled as the training data was?")  # fmt: skip
    return notes


def evaluate(network: Network, data: Dataset, on: str | Target = "host", against: Network | None = None, task: str = "auto",
             k: int = 3, progress: Progress | None = None) -> dict:  # fmt: skip
    """{"network", "on", "figures", and with `against`: "against", "against_figures", "compared"}."""
    if against is not None and [_bare(s) for s in against.input_shapes] != [_bare(s) for s in network.input_shapes]:
        raise ToolError(f"{network.name} and {against.name} are two different networks",
                        f"their inputs are {network.input_shapes} and {against.input_shapes}", "give two forms of one network")  # fmt: skip
    data = by_name(data, network.labels, int(np.prod(network.output_shapes[0])), task)
    outputs = answers(network, data, on, progress)
    names = network.labels or (against.labels if against else ())
    on_name = on if isinstance(on, str) else on.name
    result = {"network": network.name, "on": on_name, "figures": score(outputs, data, task, k, names)}
    if against is None and result["figures"]["task"] == "compare":
        raise ToolError("nothing to measure by", "the data has neither labels nor targets",
                        "add them to the .npz file, or give --against MODEL to compare answers")  # fmt: skip
    if against is not None:
        others = answers(against, data)
        compared = compare(outputs, others)
        if result["figures"]["task"] in ("anomaly", "regress"):  # the largest of such outputs is no answer
            compared.pop("agreement", None)
        result |= {
            "against": against.name,
            "against_figures": score(others, data, task, k, names),
            "compared": compared,
        }
    return result
