"""Tensor: a network's input or output, a window into its arena, as device/fxnn/tensor.py and tensor_wide.py."""

from __future__ import annotations

import operator
from array import array
from collections.abc import Iterator

import numpy as np

from ..fileformat.packed import TensorEntry
from ..fileformat.quantized_io import quantize

_CODES = {"int8": "b", "uint8": "B", "bool": "B", "int16": "h", "int32": "i"}  # of array and, little-endian, of numpy


def text_shape(shape: tuple[int, ...]) -> str:
    """(8, 8, 1) as 8x8x1."""
    return "x".join(map(str, shape)) or "scalar"


class Tensor:
    """NHWC elements in the arena; real = scale * (element - zero_point), but int32 elements are integers, not scaled.

    t[:] = raw          bytes-like as it is, or integers in the dtype's range (numpy arrays too, of any shape)
    t[0], t[2:5]        an integer; an array of integers
    t.data              memoryview of the bytes: no copy
    t.quantize(reals), t.dequantize()
    """

    def __init__(self, entry: TensorEntry, data: memoryview):
        self.name = entry.name
        self.dtype = entry.dtype
        self.shape = entry.shape
        self.scale = entry.scale
        self.zero_point = entry.zero_point
        self.data = data
        self._code = _CODES[entry.dtype]
        self._values = np.frombuffer(data, "<" + self._code)
        self._limits = np.iinfo(self._values.dtype)

    def __repr__(self) -> str:
        shape = text_shape(self.shape)
        return f"<{self.dtype} {shape} scale={self.scale:g} zero_point={self.zero_point} '{self.name}'>"

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[int]:
        return iter(self._values.tolist())

    def __getitem__(self, key):
        if isinstance(key, slice):
            return array(self._code, self._values[key].tobytes())
        return int(self._values[key])

    def __setitem__(self, key, value) -> None:
        if not isinstance(key, slice):
            self._values[key] = self._checked(value)
            return
        into = self._values[key]
        if isinstance(value, Tensor) and into.itemsize == 1:
            value = value.data
        if isinstance(value, (bytes, bytearray, memoryview)):
            raw = bytes(value)
            self._need(len(raw), into.nbytes)
            into[:] = np.frombuffer(raw, into.dtype)
            return
        if isinstance(value, np.ndarray):
            value = value.reshape(-1).tolist()
        self._need(len(value), len(into))
        into[:] = [self._checked(q) for q in value]

    def _need(self, got: int, need: int) -> None:
        if got != need:
            raise ValueError(f"{self.name}: got {got} values, need {need} (shape {text_shape(self.shape)})")

    def _checked(self, q) -> int:
        q = operator.index(q)
        if not self._limits.min <= q <= self._limits.max:
            raise ValueError(f"{self.name}: {q} does not fit {self.dtype}")
        return q

    def quantize(self, reals) -> None:
        """Fills the tensor from floats, flat or nested: round(x / scale) + zero_point, saturated.

        In float32, as boards and the trained model do it, halves away from zero. ValueError for another number of values.
        """
        values = np.array(list(_flat(reals)), np.float64)
        self._need(len(values), len(self))
        if np.isnan(values).any():
            raise ValueError("cannot convert float NaN to integer")
        if self.dtype == "int32":  # float32 would lose integers from 2**24 on
            exact = values / self.scale
            exact = np.trunc(np.abs(exact) + 0.5) * np.sign(exact) + self.zero_point
            self._values[:] = np.clip(exact, self._limits.min, self._limits.max)
        else:
            self._values[:] = quantize(values, self.scale, self.zero_point, self._values.dtype.name)

    def dequantize(self) -> list:
        """The elements as floats, a flat list; of int32 the integers."""
        if self.dtype == "int32":
            return list(self)
        return [(q - self.zero_point) * self.scale for q in self]


def _flat(values) -> Iterator:
    """The numbers of an iterable, or of iterables nested to any depth."""
    if isinstance(values, str):
        raise ValueError("text given, need numbers")
    if isinstance(values, np.ndarray):
        yield from values.reshape(-1).tolist()
        return
    for value in values:
        if isinstance(value, np.ndarray) or not (isinstance(value, (int, float)) or hasattr(value, "__float__")):
            yield from _flat(value)
        else:
            yield value
