"""Samples for calibration and evaluation: .npz, .npy or a folder, as floats in the network's shape, with labels.

.npz: x0, x1, ... (one per network input; the only array, or `x`, will do for one input), `labels` (integers) or
`targets` (floats, for regression). .npy: the samples alone. Folder: .npy files and images, in subfolders named
after the classes or not; images need Pillow. Integers are taken as numbers, not as quantized ones.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import ToolError

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm")
_LABELS = ("labels", "label", "y", "classes")
_TARGETS = ("targets", "target", "y0")
HOW_TO = """\
make some from your training data, in Python:
  import numpy as np
  np.savez("calibration.npz", x0=x_train[:200].astype(np.float32))
as the network gets them (scaled the same way); 100 to 500 samples of every kind it will meet.
A folder of .npy files or images works as well. `--data random` only shows that it runs: its accuracy means nothing"""
HOW_TO_TEST = """\
make some from your test data, in Python:
  import numpy as np
  np.savez("test.npz", x0=x_test.astype(np.float32), labels=y_test)
as the network gets them (scaled the same way); `targets` instead of `labels` for regression.
A folder with a folder of images for each class works as well"""


@dataclass(frozen=True)
class Dataset:
    """N samples. inputs: one float32 array (N, *shape) per network input; labels: int (N,); targets: float32 (N, ...).

    names: of the classes, where the data has them (subfolders). notes: what was assumed, for people.
    """

    inputs: tuple[np.ndarray, ...]
    labels: np.ndarray | None = None
    targets: np.ndarray | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs[0])

    def first(self, count: int | None) -> Dataset:
        """At most `count` samples, evenly spread over all."""
        if count is None or count >= len(self):
            return self
        at = np.linspace(0, len(self) - 1, count).round().astype(int)
        return replace(self, inputs=tuple(x[at] for x in self.inputs),
                       labels=None if self.labels is None else self.labels[at],
                       targets=None if self.targets is None else self.targets[at])  # fmt: skip


def read(path: str | Path, shapes: list[tuple[int, ...]], pixels: str = "0..1", how_to: str = HOW_TO) -> Dataset:
    """The samples at `path` for inputs of these shapes (a leading batch of 1 does not count).

    pixels: what black and white of an image become. ToolError names what does not fit; how_to: what it advises.
    """
    try:
        return _read(Path(path), shapes, pixels)
    except ToolError as e:
        raise e if e.fix != HOW_TO else ToolError(e.what, e.why, how_to) from None


def _read(path: Path, shapes: list[tuple[int, ...]], pixels: str) -> Dataset:
    if path.is_dir():
        return _folder(path, _frames(shapes), pixels)
    return from_arrays(_arrays(path), shapes, path.name)


def from_arrays(arrays: Mapping[str, np.ndarray], shapes: list[tuple[int, ...]], source: str) -> Dataset:
    """The samples in arrays called as in a .npz file, for inputs of these shapes; `source`: what messages call them."""
    arrays = dict(arrays)
    frames = _frames(shapes)
    names = [f"x{i}" for i in range(len(frames))]
    rest = [n for n in arrays if n not in (*_LABELS, *_TARGETS)]
    if len(frames) == 1 and names[0] not in arrays:
        given = "x" if "x" in rest else rest[0] if len(rest) == 1 else None
        if given is None:
            raise ToolError(f"{source}: no array x0", f"it holds {', '.join(arrays) or 'nothing'}", HOW_TO)
        arrays["x0"] = arrays[given]
    missing = [n for n in names if n not in arrays]
    if missing:
        raise ToolError(f"{source}: no array {missing[0]}", f"the network has {len(frames)} inputs: {', '.join(names)}",
                        f'np.savez("{source}", x0=..., x1=...)')  # fmt: skip
    inputs = tuple(_samples(arrays[n], frame, f"{source}: {n}") for n, frame in zip(names, frames))
    if len({len(x) for x in inputs}) > 1:
        raise ToolError(f"{source}: the inputs differ in their number of samples",
                        ", ".join(f"{n}: {len(x)}" for n, x in zip(names, inputs)), "give as many of each")  # fmt: skip
    labels, targets = None, None
    for name in (n for n in _LABELS if n in arrays):
        labels = _labels(arrays[name], len(inputs[0]), f"{source}: {name}")
        break
    for name in (n for n in _TARGETS if n in arrays):
        targets = np.asarray(arrays[name], np.float32)
        if len(targets) != len(inputs[0]):
            raise ToolError(f"{source}: {len(targets)} {name} for {len(inputs[0])} samples", fix="give one per sample")
        break
    notes = [_PIXELS.format(f"{source}: {n}", int(x.max())) for n, x in zip(names, inputs) if _raw_pixels(x)]
    return Dataset(inputs, labels, targets, notes=tuple(notes))


def _frames(shapes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The shapes of one sample: without a leading batch of 1."""
    return [s[1:] if s[:1] == (1,) else tuple(s) for s in shapes]


_PIXELS = "{} holds integers up to {}: taken as they are. If the network was trained on 0..1, divide them by 255"


def _raw_pixels(x: np.ndarray) -> bool:
    """Whether these look like pixels of 0 to 255 that nobody scaled: images of integers."""
    return x.ndim > 2 and 127 < x.max() <= 255 and x.min() >= 0 and bool((x == np.floor(x)).all())


def random(shapes: list[tuple[int, ...]], count: int = 64) -> Dataset:
    """Uniform numbers from 0 to 1: it runs, and says nothing about accuracy."""
    generator = np.random.default_rng(0)
    frames = _frames(shapes)
    note = ("--data random: the ranges come from noise, not from your data. The network will run and be WRONG; "
            "give it real calibration data before you use it")  # fmt: skip
    return Dataset(tuple(generator.random((count, *f), np.float32) for f in frames), notes=(note,))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"x0": loaded}
        with loaded as file:
            return {name: file[name] for name in file.files}
    except OSError as e:
        raise ToolError(f"cannot read {path}", e.strerror or str(e), HOW_TO) from None
    except (ValueError, EOFError, AttributeError, zipfile.BadZipFile) as e:
        objects = "Object arrays" in str(e)
        raise ToolError(f"{path} holds no numpy arrays", "its arrays hold Python objects, not numbers (rows of different length?)"
                        if objects else "it is neither .npz nor .npy", HOW_TO) from None  # fmt: skip


def _samples(array: np.ndarray, frame: tuple[int, ...], what: str) -> np.ndarray:
    """float32 (N, *frame); axes of 1 may be missing or in excess."""
    if array.dtype.kind not in "fiub":
        raise ToolError(f"{what} holds {array.dtype}", "numbers are needed", HOW_TO)

    def bare(shape):
        return tuple(d for d in shape if d != 1)

    if array.ndim < 1 or bare(array.shape[1:]) != bare(frame):
        size, one = int(np.prod(frame)), int(np.prod(array.shape[1:]))
        fix = ""
        if bare(array.shape) == bare(frame):
            fix = "add the leading axis: x[None]"
        elif array.ndim == 4 and bare(array.transpose(0, 2, 3, 1).shape[1:]) == bare(frame):
            fix = "the channels go last: x.transpose(0, 2, 3, 1)"
        elif array.ndim > 1 and one == size:
            fix = f"put them into the network's shape: x.reshape(-1, {', '.join(map(str, frame))})"
        elif array.ndim == 4 and len(frame) == 3:
            fix = f"resize the images to {frame[0]}x{frame[1]} and {frame[2]} channels, as for training"
        wanted = ", ".join(["N", *map(str, frame)])
        raise ToolError(f"{what} has shape {array.shape}", f"the network's input needs ({wanted})", fix or HOW_TO)
    if not len(array):
        raise ToolError(f"{what} holds no sample", f"its shape is {array.shape}", HOW_TO)
    samples = np.ascontiguousarray(array, np.float32).reshape(len(array), *frame)
    if not np.isfinite(samples).all():
        raise ToolError(f"{what} holds NaN or infinite numbers", fix="remove these samples")
    return samples


def _labels(array: np.ndarray, count: int, what: str) -> np.ndarray:
    if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "fiub":
        array = array.argmax(1)  # one-hot
    array = array.reshape(-1)
    if len(array) != count:
        raise ToolError(f"{what}: {len(array)} labels for {count} samples", fix="give one per sample")
    if array.dtype.kind not in "iub" and not (array.dtype.kind == "f" and (array == np.round(array)).all()):
        raise ToolError(f"{what} holds {array.dtype}", "a label is an integer: the index of the output",
                        "for regression call the array `targets`")  # fmt: skip
    return array.astype(np.int64)


def _folder(path: Path, frames: list[tuple[int, ...]], pixels: str) -> Dataset:
    """One sample a file (or a batch a .npy), in the order of names; subfolders are classes, by name."""
    if len(frames) != 1:
        raise ToolError(f"{path} is a folder", f"the network has {len(frames)} inputs", "give a .npz with x0, x1, ...")
    folders = sorted(p for p in path.iterdir() if p.is_dir() and _files(p))
    classes = folders if folders and not _files(path) else [path]
    parts, labels = [], []
    notes = []
    for index, folder in enumerate(classes):
        for file in _files(folder):
            part = _file(file, frames[0], pixels)
            parts.append(part)
            labels += [index] * len(part)
    if not parts:
        deeper = sorted(
            p.name for p in path.iterdir() if p.is_dir() and any(q.is_dir() and _files(q) for q in p.iterdir())
        )
        if deeper:
            raise ToolError(
                f"{path} holds no samples, but folders with folders of samples",
                ", ".join(deeper),
                f"give {path / deeper[0]}",
            )
        raise ToolError(f"{path} holds no samples", f"looked for .npy and {', '.join(IMAGES)}", HOW_TO)
    if any(f.suffix.lower() in IMAGES for c in classes for f in _files(c)):
        notes.append(f"images resized to {frames[0][1]}x{frames[0][0]}, pixels {pixels} (--pixels sets it)")
    named = tuple(f.name for f in classes) if classes == folders and folders else ()
    if named:
        notes.append(f"{len(named)} classes by subfolder: {', '.join(named)}")
    return Dataset((np.concatenate(parts),), np.array(labels) if named else None, names=named, notes=tuple(notes))


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in (".npy", *IMAGES))


def _file(path: Path, frame: tuple[int, ...], pixels: str) -> np.ndarray:
    if path.suffix.lower() == ".npy":
        array = _arrays(path)["x0"]
        one = tuple(d for d in array.shape if d != 1) == tuple(d for d in frame if d != 1)
        return _samples(array[None] if one else array, frame, str(path))
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        import sys

        raise ToolError(f"{path} is an image", "Pillow, which reads them, is not installed",
                        f"{sys.executable} -m pip install pillow; or save the pixels with numpy.save") from None  # fmt: skip
    if len(frame) != 3 or frame[2] not in (1, 3):
        raise ToolError(f"{path} is an image", f"the network's input is {frame}, not (height, width, 1 or 3)",
                        "save the samples as .npy")  # fmt: skip
    try:
        with Image.open(path) as image:
            image = image.convert("L" if frame[2] == 1 else "RGB")
            if image.size != (frame[1], frame[0]):
                image = image.resize((frame[1], frame[0]), Image.Resampling.BILINEAR)
            x = np.asarray(image, np.float32).reshape(1, *frame)
    except (OSError, UnidentifiedImageError) as e:
        raise ToolError(f"cannot read {path}", str(e), "is it an image?") from None
    low, high = {"0..1": (0, 1), "-1..1": (-1, 1), "0..255": (0, 255)}[pixels]
    return np.float32(low) + x * np.float32((high - low) / 255)
