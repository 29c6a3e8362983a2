"""Reads a .tflite file into the IR. No TensorFlow: only its flatbuffer schema (PyPI `tflite`)."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import tflite

from ..errors import ToolError
from ..ir import Graph, Op, Quant, Tensor, check
from ..ops.table import Row, row

schema: Any = tflite  # its names hide its modules of the same names, which type checkers take for them

_DTYPES = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
_NUMPY = {"int8", "uint8", "int16", "int32", "int64", "float32", "float16", "bool"}
_ACTIVATIONS = {value: name for name, value in vars(schema.ActivationFunctionType).items() if not name.startswith("_")}
_PADDINGS = {schema.Padding.SAME: "SAME", schema.Padding.VALID: "VALID"}
_MIRRORS = {schema.MirrorPadMode.REFLECT: "REFLECT", schema.MirrorPadMode.SYMMETRIC: "SYMMETRIC"}

# attribute of the IR: its value in an options table, where that is not the field of the same name (adj_x: AdjX)
_FIELDS: dict[str, Callable[[Any], object]] = {
    "stride": lambda o: (o.StrideH(), o.StrideW()),
    "dilation": lambda o: (o.DilationHFactor(), o.DilationWFactor()),
    "kernel": lambda o: (o.FilterHeight(), o.FilterWidth()),
    "padding": lambda o: _PADDINGS[o.Padding()],
    "activation": lambda o: _ACTIVATIONS[o.FusedActivationFunction()],
    "mode": lambda o: _MIRRORS[o.Mode()],
    "subgraph": lambda o: o.InitSubgraphIndex(),
    "subgraphs": lambda o: (o.CondSubgraphIndex(), o.BodySubgraphIndex()),
    "variable": lambda o: "/".join((s or b"").decode(errors="replace") for s in (o.Container(), o.SharedName())),
}


# A flatbuffer table without fields, after its vtable: every option has the schema's default.
_NO_FIELDS = bytearray(b"\x04\x00\x04\x00\x04\x00\x00\x00")


def attributes(r: Row, table: Any) -> dict[str, object]:
    """The attributes of an op of this row, by its options table of the file; None: it has the schema's defaults."""
    options = getattr(schema, r.options)()
    if table is not None:
        options.Init(table.Bytes, table.Pos)
    else:
        options.Init(_NO_FIELDS, len(_NO_FIELDS) - 4)
    return {name: _field(options, name) for name in r.attributes}


def _field(options: Any, attribute: str) -> object:
    if attribute in _FIELDS:
        return _FIELDS[attribute](options)
    return getattr(options, "".join(word[0].upper() + word[1:] for word in attribute.split("_")))()


def read(data: bytes, name: str) -> Graph:
    """The first subgraph of a .tflite file as a Graph named `name`; those that its CALL_ONCE ops run are in their `graph`,
    those of WHILE in its `condition` and `body`.

    Raises ToolError for what is not a .tflite file or has a form no microcontroller runtime takes
    (dynamic shapes, custom buffers outside the file).
    """
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ToolError(
            f"{name} is not a .tflite file", "the TFL3 mark is missing", "give the file that TFLiteConverter wrote"
        )
    try:
        return check(_read(data, name))
    except ToolError:
        raise
    except Exception as e:  # a damaged flatbuffer fails anywhere, in any way
        raise ToolError(
            f"{name} cannot be read", f"{type(e).__name__}: {e}", "the file looks damaged: export it again"
        ) from e


def _read(data: bytes, name: str) -> Graph:
    model = schema.Model.GetRootAsModel(data, 0)
    return _subgraph(model, 0, name)


def _subgraph(model, index: int, name: str) -> Graph:
    sub = model.Subgraphs(index)
    ids = _unique([(sub.Tensors(i).Name() or b"").decode(errors="replace") for i in range(sub.TensorsLength())])
    tensors = {ids[i]: _tensor(model, sub.Tensors(i), ids[i]) for i in range(sub.TensorsLength())}
    ops = []
    for i in range(sub.OperatorsLength()):
        op = _op(model, sub.Operators(i), ids, i)
        if op.kind == "CALL_ONCE" and index == 0:  # one inside another has nowhere to run, here as in TFLM
            op = op.with_attrs(graph=_subgraph(model, op.attrs["subgraph"], f"{name}, initialization"))
        elif op.kind == "WHILE" and index == 0 and all(0 < i < model.SubgraphsLength() for i in op.attrs["subgraphs"]):
            condition, body = (_subgraph(model, i, f"{name}, loop") for i in op.attrs["subgraphs"])
            op = op.with_attrs(condition=condition, body=body)
        ops.append(op)
    return Graph(
        name=name,
        tensors=MappingProxyType(tensors),
        ops=tuple(ops),
        inputs=tuple(ids[i] for i in _ints(sub.InputsAsNumpy())),
        outputs=tuple(ids[i] for i in _ints(sub.OutputsAsNumpy())),
    )


def _ints(array) -> list[int]:
    return [] if isinstance(array, int) else [int(i) for i in array]  # an empty vector reads as 0


def _unique(names: list[str]) -> list[str]:
    seen: set[str] = set()
    result = []
    for i, name in enumerate(names):
        name = name or f"tensor_{i}"
        while name in seen:
            name = f"{name}#{i}"
        seen.add(name)
        result.append(name)
    return result


def _tensor(model, t, id: str) -> Tensor:
    shape = tuple(_ints(t.ShapeAsNumpy()))
    dtype = _DTYPES[t.Type()]
    q = t.Quantization()
    quant = None
    if q is not None and q.ScaleLength():
        zero_points = _ints(q.ZeroPointAsNumpy()) or [0] * q.ScaleLength()
        quant = Quant(tuple(float(s) for s in q.ScaleAsNumpy()), tuple(zero_points), q.QuantizedDimension())
    buffer = model.Buffers(t.Buffer())
    raw = buffer.DataAsNumpy() if buffer.DataLength() else None
    values = None
    if raw is not None and dtype in _NUMPY:
        values = np.frombuffer(raw.tobytes(), np.dtype(dtype).newbyteorder("<")).reshape(shape)
    elif raw is not None:
        values = np.frombuffer(raw.tobytes(), np.uint8)  # int4 and the like: kept, refused later by its dtype
    return Tensor(id, shape, dtype, quant, values, variable=bool(t.IsVariable()) and values is None)


def _op(model, op, ids: list[str], index: int) -> Op:
    code = model.OperatorCodes(op.OpcodeIndex())
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # the old field holds codes up to 127 only
    if builtin == schema.BuiltinOperator.CUSTOM:
        kind = f"CUSTOM:{(code.CustomCode() or b'').decode(errors='replace')}"
    else:
        kind = schema.opcode2name(builtin)
    attrs: dict[str, object] = {}
    if row(kind).options:
        attrs = attributes(row(kind), op.BuiltinOptions())
    elif builtin == schema.BuiltinOperator.CUSTOM and op.CustomOptionsLength():
        attrs = {"options": op.CustomOptionsAsNumpy().tobytes()}
    inputs = tuple(None if i < 0 else ids[i] for i in _ints(op.InputsAsNumpy()))
    outputs = tuple(ids[i] for i in _ints(op.OutputsAsNumpy()))
    name = outputs[0] if outputs else f"{kind.lower()}_{index}"
    return Op(kind, name, inputs, outputs, MappingProxyType(attrs))
