"""Reads a .tflite file into the IR. No TensorFlow: only its flatbuffer schema (PyPI `tflite`)."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import tflite

from ..errors import ToolError
from ..ir import Graph, Op, Quant, Tensor, check

_DTYPES = {value: name.lower() for name, value in vars(tflite.TensorType).items() if not name.startswith("_")}
_NUMPY = {"int8", "uint8", "int16", "int32", "int64", "float32", "float16", "bool"}
_ACTIVATIONS = {value: name for name, value in vars(tflite.ActivationFunctionType).items() if not name.startswith("_")}
_PADDINGS = {tflite.Padding.SAME: "SAME", tflite.Padding.VALID: "VALID"}


def _window(o) -> dict:
    return {
        "stride": (o.StrideH(), o.StrideW()),
        "padding": _PADDINGS[o.Padding()],
        "activation": _ACTIVATIONS[o.FusedActivationFunction()],
    }


def _conv(o) -> dict:
    return {**_window(o), "dilation": (o.DilationHFactor(), o.DilationWFactor())}


def _pool(o) -> dict:
    return {**_window(o), "kernel": (o.FilterHeight(), o.FilterWidth())}


def _activation(o) -> dict:
    return {"activation": _ACTIVATIONS[o.FusedActivationFunction()]}


def _strided_slice(o) -> dict:
    names = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset")
    return {name: getattr(o, name)() for name in names}


def _resize(o) -> dict:
    return {"align_corners": o.AlignCorners(), "half_pixel_centers": o.HalfPixelCenters()}


def _block(o) -> dict:
    return {"block_size": o.BlockSize()}


_MIRRORS = {tflite.MirrorPadMode.REFLECT: "REFLECT", tflite.MirrorPadMode.SYMMETRIC: "SYMMETRIC"}


# op kind -> (options table, its attributes). A kind that is not here has no attributes that we use.
_OPTIONS = {
    "CONV_2D": (tflite.Conv2DOptions, _conv),
    "DEPTHWISE_CONV_2D": (tflite.DepthwiseConv2DOptions, _conv),
    "FULLY_CONNECTED": (
        tflite.FullyConnectedOptions,
        lambda o: {**_activation(o), "weights_format": o.WeightsFormat()},
    ),
    "MAX_POOL_2D": (tflite.Pool2DOptions, _pool),
    "AVERAGE_POOL_2D": (tflite.Pool2DOptions, _pool),
    "ADD": (tflite.AddOptions, _activation),
    "MUL": (tflite.MulOptions, _activation),
    "CONCATENATION": (tflite.ConcatenationOptions, lambda o: {**_activation(o), "axis": o.Axis()}),
    "SOFTMAX": (tflite.SoftmaxOptions, lambda o: {"beta": o.Beta()}),
    "STRIDED_SLICE": (tflite.StridedSliceOptions, _strided_slice),
    "PACK": (tflite.PackOptions, lambda o: {"axis": o.Axis()}),
    "UNPACK": (tflite.UnpackOptions, lambda o: {"axis": o.Axis()}),
    "SUB": (tflite.SubOptions, _activation),
    "DIV": (tflite.DivOptions, _activation),
    "L2_NORMALIZATION": (tflite.L2NormOptions, _activation),
    "LEAKY_RELU": (tflite.LeakyReluOptions, lambda o: {"alpha": o.Alpha()}),
    "GELU": (tflite.GeluOptions, lambda o: {"approximate": o.Approximate()}),
    "GATHER": (tflite.GatherOptions, lambda o: {"axis": o.Axis(), "batch_dims": o.BatchDims()}),
    "MIRROR_PAD": (tflite.MirrorPadOptions, lambda o: {"mode": _MIRRORS[o.Mode()]}),
    "RESIZE_BILINEAR": (tflite.ResizeBilinearOptions, _resize),
    "RESIZE_NEAREST_NEIGHBOR": (tflite.ResizeNearestNeighborOptions, _resize),
    "SPACE_TO_DEPTH": (tflite.SpaceToDepthOptions, _block),
    "DEPTH_TO_SPACE": (tflite.DepthToSpaceOptions, _block),
    "CUMSUM": (tflite.CumsumOptions, lambda o: {"exclusive": o.Exclusive(), "reverse": o.Reverse()}),
    "TRANSPOSE_CONV": (
        tflite.TransposeConvOptions,
        lambda o: {
            "stride": (o.StrideH(), o.StrideW()),
            "padding": _PADDINGS[o.Padding()],
            "activation": _ACTIVATIONS[o.FusedActivationFunction()],
        },
    ),
    "BATCH_MATMUL": (tflite.BatchMatMulOptions, lambda o: {"adj_x": o.AdjX(), "adj_y": o.AdjY()}),
    "SVDF": (tflite.SVDFOptions, lambda o: {**_activation(o), "rank": o.Rank()}),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        tflite.UnidirectionalSequenceLSTMOptions,
        lambda o: {
            **_activation(o),
            "cell_clip": o.CellClip(),
            "proj_clip": o.ProjClip(),
            "time_major": o.TimeMajor(),
        },
    ),
    "WHILE": (tflite.WhileOptions, lambda o: {"subgraphs": (o.CondSubgraphIndex(), o.BodySubgraphIndex())}),
    "CALL_ONCE": (tflite.CallOnceOptions, lambda o: {"subgraph": o.InitSubgraphIndex()}),
    "VAR_HANDLE": (
        tflite.VarHandleOptions,
        lambda o: {"variable": "/".join((s or b"").decode(errors="replace") for s in (o.Container(), o.SharedName()))},
    ),
}


# A flatbuffer table without fields, behind its vtable: every option has the schema's default.
_NO_FIELDS = bytearray(b"\x04\x00\x04\x00\x04\x00\x00\x00")


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
    model = tflite.Model.GetRootAsModel(data, 0)
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
    if builtin == tflite.BuiltinOperator.CUSTOM:
        kind = f"CUSTOM:{(code.CustomCode() or b'').decode(errors='replace')}"
    else:
        kind = tflite.opcode2name(builtin)
    attrs = {}
    if kind in _OPTIONS:
        table, fields = _OPTIONS[kind]
        options = table()
        if op.BuiltinOptions() is not None:
            options.Init(op.BuiltinOptions().Bytes, op.BuiltinOptions().Pos)
        else:
            options.Init(_NO_FIELDS, len(_NO_FIELDS) - 4)
        attrs = fields(options)
    elif builtin == tflite.BuiltinOperator.CUSTOM and op.CustomOptionsLength():
        attrs = {"options": op.CustomOptionsAsNumpy().tobytes()}
    inputs = tuple(None if i < 0 else ids[i] for i in _ints(op.InputsAsNumpy()))
    outputs = tuple(ids[i] for i in _ints(op.OutputsAsNumpy()))
    name = outputs[0] if outputs else f"{kind.lower()}_{index}"
    return Op(kind, name, inputs, outputs, MappingProxyType(attrs))
