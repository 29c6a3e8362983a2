"""Real numbers and raw bytes at a network's border: `.npz` files in and out, quantizing and dequantizing.

Inputs are arrays x0, x1, ... and outputs y0, y1, ..., each with a leading axis of N inferences, then the tensor's
shape without its batch of 1.
"""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ToolError
from ..record import in_constants, view
from .packed import Packed, TensorEntry


@dataclass(frozen=True)
class Batch:
    """N inferences' inputs: raw arrays, one a network input, shape (N, *frame_shape), dtype the tensor's."""

    arrays: tuple[np.ndarray, ...]
    real: bool  # the inputs came as real numbers, so the outputs are to be real numbers too

    def __len__(self) -> int:
        return len(self.arrays[0])


def frame_shape(tensor: TensorEntry) -> tuple[int, ...]:
    """The shape of one inference's tensor as users see it: without a leading batch of 1."""
    shape = tuple(tensor.shape)
    return shape[1:] if shape[:1] == (1,) else shape


def quantize(real: np.ndarray, scale: float, zero_point: int, dtype: str) -> np.ndarray:
    """q = round(real / scale) + zero_point, saturated; FORMAT.md eq. (1) solved for q.

    As TFLM's AffineQuantize (kernels/internal/reference/quantize.h) does it: the division in float32, halves
    rounded away from zero. Infinities saturate; NaN is the caller's to refuse.
    """
    with np.errstate(over="ignore"):
        quotient = (np.asarray(real).astype(np.float32) / np.float32(scale)).astype(np.float64)
    # In float64 the + 0.5 is exact, so 0.49999997 does not become 1 as it would in float32.
    rounded = np.trunc(np.abs(quotient) + 0.5) * np.sign(quotient)
    if dtype == "bool":
        return np.asarray(real) != 0
    limits = np.iinfo(dtype)
    return np.clip(rounded + zero_point, limits.min, limits.max).astype(dtype)


def dequantize(raw: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """real = scale * (q - zero_point) in float32: FORMAT.md eq. (1), TFLM's Dequantize."""
    return np.float32(scale) * (raw.astype(np.int32) - np.int32(zero_point)).astype(np.float32)


def input_limits(packed: Packed, tensor: TensorEntry) -> tuple[int, int]:
    """(least, most) raw value that an input may have, both included: all of its dtype, but an int32 input's indices
    stay inside what the network picks with them (0 to 99 where that cannot be told)."""
    if tensor.dtype == "bool":
        return 0, 1
    if tensor.dtype != "int32":
        limits = np.iinfo(tensor.dtype)
        return int(limits.min), int(limits.max)
    gathers = [
        view(op.kernel, op.words)
        for op in packed.ops
        if op.kernel == "gather" and not in_constants(op.kernel, op.words, "x2")
    ]
    picked = [r.rows for r in gathers if tensor.arena_offset <= r.x2_offset < tensor.arena_offset + tensor.bytes]  # fmt: skip
    return 0, min(picked, default=100) - 1


def check_inputs(arrays: dict[str, np.ndarray], packed: Packed, source: str) -> Batch:
    """The arrays x0, x1, ... of `source`, checked against the network's inputs and quantized where they are real."""
    wanted = [f"x{i}" for i in range(packed.input_count)]
    fix = "the network wants " + ", ".join(
        f"{name}: {tensor.dtype} or float, shape {_shape_text(frame_shape(tensor))}"
        for name, tensor in zip(wanted, packed.inputs)
    )
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise ToolError(f"{source}: no array {missing[0]}", f"it holds {', '.join(arrays) or 'nothing'}", fix)
    # Other names, such as labels, are for other tools.
    unknown = [name for name in arrays if re.fullmatch(r"x\d+", name) and name not in wanted]
    if unknown:
        raise ToolError(f"{source}: unexpected array {unknown[0]}", f"the network has {_inputs_text(packed)}", fix)

    real = {name: arrays[name].dtype.kind == "f" for name in wanted}
    if len(set(real.values())) > 1:
        raise ToolError(
            f"{source}: real and quantized inputs mixed",
            ", ".join(f"{name} is {arrays[name].dtype}" for name in wanted),
            "give all inputs as float, or all raw",
        )
    checked = []
    for name, tensor in zip(wanted, packed.inputs):
        array = arrays[name]
        shape = frame_shape(tensor)
        if array.ndim < 1 or array.shape[1:] != shape:
            raise ToolError(
                f"{source}: {name} has shape {array.shape}",
                f"input '{tensor.name}' needs {_shape_text(shape)}, N being the number of inferences",
                "add the leading axis: x0[None]" if array.shape == shape else fix,
            )
        if array.shape[0] == 0:
            raise ToolError(f"{source}: {name} holds no inference", f"its shape is {array.shape}", fix)
        if real[name]:
            if np.isnan(array).any():
                at = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
                raise ToolError(
                    f"{source}: {name}{list(at)} is not a number (NaN)", fix="remove the NaNs from the input"
                )
            array = quantize(array, tensor.scale, tensor.zero_point, tensor.dtype)
        elif array.dtype != np.dtype(tensor.dtype):
            raise ToolError(
                f"{source}: {name} has dtype {array.dtype}",
                f"input '{tensor.name}' takes {tensor.dtype} (raw) or float (then quantized)",
                f"use {name}.astype(np.float32) for real numbers, {name}.astype(np.{tensor.dtype}) for raw ones",
            )
        checked.append(np.ascontiguousarray(array))
    counts = {len(array) for array in checked}
    if len(counts) > 1:
        raise ToolError(
            f"{source}: the inputs differ in their number of inferences",
            ", ".join(f"{name}: {len(array)}" for name, array in zip(wanted, checked)),
            "give every input the same leading axis",
        )
    return Batch(tuple(checked), any(real.values()))


def read_inputs(path: str | Path, packed: Packed) -> Batch:
    """The batch in the .npz file at `path`."""
    path = Path(path)
    fix = "make it with numpy.savez(path, x0=...)"
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise ToolError(f"{path} is a single array", "a .npz file of arrays x0, x1, ... is needed", fix)
        with loaded as file:
            arrays = {name: file[name] for name in file.files}
    except OSError as e:
        raise ToolError(f"cannot read {path}", e.strerror or str(e), fix) from None
    except (ValueError, EOFError, AttributeError, zipfile.BadZipFile) as e:
        raise ToolError(f"{path} is not a .npz file", str(e).splitlines()[0] if str(e) else "", fix) from None
    return check_inputs(arrays, packed, path.name)


def present_outputs(outputs: list[np.ndarray], packed: Packed, real: bool) -> dict[str, np.ndarray]:
    """y0, y1, ... of raw outputs: as they are, or dequantized where the inputs were real numbers."""
    return {
        f"y{i}": dequantize(raw, tensor.scale, tensor.zero_point) if real else raw
        for i, (raw, tensor) in enumerate(zip(outputs, packed.outputs))
    }


def write_outputs(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes the arrays to the .npz file at `path`, which appears whole or not at all."""
    path = Path(path).resolve()
    if path.exists() and not path.is_file():
        raise ToolError(f"cannot write {path}", "it is no ordinary file", "name another file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    named: dict[str, Any] = dict(arrays)
    try:
        with open(temporary, "wb") as file:
            np.savez(file, **named)
        os.replace(temporary, path)
    except OSError as e:
        raise ToolError(
            f"cannot write {path}", e.strerror or str(e), "give a folder that exists and can be written"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def frames_to_bytes(batch: tuple[np.ndarray, ...]) -> bytes:
    """The raw bytes of all inputs of inference 0, then of inference 1, ...: the order the runner on the board reads."""
    return b"".join(array[i].tobytes() for i in range(len(batch[0])) for array in batch)


def _shape_text(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(["N", *map(str, shape)]) + ")"


def _inputs_text(packed: Packed) -> str:
    count = packed.input_count
    return "one input, x0" if count == 1 else f"{count} inputs, x0 to x{count - 1}"
