"""Builds small .tflite files op by op, without TensorFlow: what the tests convert, and what TFLM and LiteRT run.

    b = Builder()
    x = b.input((1, 5, 5, 3), scale=0.1, zero_point=-3)
    w = b.constant(weights_s8, scale=[...], axis=0)          # OHWI; bias_s32 likewise
    y = b.conv_2d(x, w, bias, scale=0.2, zero_point=4, stride=(2, 2), activation="RELU")
    data = b.finish([y])

Every op method returns the index of its output tensor, whose shape it works out. Layouts as in the file format:
activations NHWC, CONV_2D weights OHWI, DEPTHWISE_CONV_2D weights 1HWO, FULLY_CONNECTED weights OI.
`op()` adds any other builtin op.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import flatbuffers
import numpy as np
import tflite

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3, "TANH": 4, "SIGN_BIT": 5}
PADDINGS = {"SAME": 0, "VALID": 1}
_ALIGNMENT = 16  # of every buffer, as TensorFlow's converter writes it; kernels read int32 in place
_SCHEMA_VERSION = 3


@dataclass
class TensorSpec:
    shape: tuple[int, ...]
    dtype: str
    name: str
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    data: np.ndarray | None = None
    variable: bool = False


@dataclass
class _OpSpec:
    code: int
    inputs: list[int]
    outputs: list[int]
    options_type: str | None
    options: dict = field(default_factory=dict)
    version: int = 1
    custom: str = ""  # the name of a custom op
    custom_options: bytes = b""


def window_output(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """Rows (or columns) of the output of a window op. Source: TFLM kernels/padding.h ComputeOutSize."""
    extent = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == "SAME" else (size + stride - extent) // stride


class Builder:
    """`initialization`: another Builder, whose ops a CALL_ONCE in front of everything runs."""

    def __init__(self, initialization: Builder | None = None):
        self.initialization = initialization
        self.tensors: list[TensorSpec] = []
        self.inputs: list[int] = []
        self._ops: list[_OpSpec] = []

    # ---------------------------------------------------------------- tensors

    def tensor(self, shape, dtype="int8", scale=None, zero_point=0, axis=0, data=None, name=None) -> int:
        """Adds a tensor. scale, zero_point: one number, or one for each index of `axis`; scale None: not quantized."""
        scales = () if scale is None else tuple(float(s) for s in np.atleast_1d(np.asarray(scale, np.float64)))
        zero_points = tuple(int(z) for z in np.atleast_1d(np.asarray(zero_point)))
        if len(zero_points) == 1:
            zero_points *= len(scales)
        name = name or f"t{len(self.tensors)}"
        self.tensors.append(
            TensorSpec(tuple(int(d) for d in shape), dtype, name, scales, zero_points if scales else (), axis, data)
        )
        return len(self.tensors) - 1

    def input(self, shape, dtype="int8", scale=None, zero_point=0, name=None) -> int:
        """Adds an input of the network."""
        self.inputs.append(self.tensor(shape, dtype, scale, zero_point, name=name or f"input{len(self.inputs)}"))
        return self.inputs[-1]

    def constant(self, data, scale=None, zero_point=0, axis=0, name=None) -> int:
        """Adds a constant tensor of the array's shape and dtype."""
        data = np.asarray(data)
        return self.tensor(data.shape, str(data.dtype), scale, zero_point, axis, data, name)

    def output(self, like: int, shape, scale=None, zero_point=None, name=None, dtype=None) -> int:
        """An output; its quantization is that of tensor `like` where none is given."""
        x = self.tensors[like]
        if scale is None:
            scale, zero_point = (x.scales or None), (x.zero_points or 0)
        return self.tensor(shape, dtype or x.dtype, scale, 0 if zero_point is None else zero_point, name=name)

    def variable(self, shape, dtype="int8", scale=None, zero_point=0, name=None) -> int:
        """Adds a tensor that keeps its value: a state of LSTM or SVDF."""
        index = self.tensor(shape, dtype, scale, zero_point, name=name)
        self.tensors[index].variable = True
        return index

    def handle(self, name: str) -> int:
        """VAR_HANDLE of a resource variable, for read_variable and assign_variable."""
        out = self.tensor((), "resource", name=f"handle of {name} {len(self.tensors)}")
        return self.op("VAR_HANDLE", [], [out], "VarHandleOptions", Container="", SharedName=name)[0]

    def read_variable(self, handle, shape, dtype="int8", scale=None, zero_point=0) -> int:
        return self.op(
            "READ_VARIABLE", [handle], [self.tensor(shape, dtype, scale, zero_point)], "ReadVariableOptions"
        )[0]

    def assign_variable(self, handle, x) -> None:
        self.op("ASSIGN_VARIABLE", [handle, x], [], "AssignVariableOptions")

    # -------------------------------------------------------------------- ops

    def lstm(self, x, input_weights, recurrent_weights, biases, hidden, cell, *, cell_clip=0.0, time_major=False, scale=None,
             zero_point=None) -> int:  # fmt: skip
        """UNIDIRECTIONAL_SEQUENCE_LSTM; lists of four tensors in the op's order of gates: input, forget, cell, output."""
        shape = self.tensors[x].shape
        y = self.output(hidden, (*shape[:2], self.tensors[recurrent_weights[0]].shape[0]), scale, zero_point)
        inputs = [
            x,
            *input_weights,
            *recurrent_weights,
            None,
            None,
            None,
            *biases,
            None,
            None,
            hidden,
            cell,
            *[None] * 4,
        ]
        self.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], "UnidirectionalSequenceLSTMOptions",
                FusedActivationFunction=ACTIVATIONS["TANH"], CellClip=float(cell_clip), ProjClip=0.0, TimeMajor=time_major,
                AsymmetricQuantizeInputs=False)  # fmt: skip
        return y

    def svdf(self, x, feature, time, bias, state, *, rank, scale, zero_point=0, activation="NONE") -> int:
        filters = self.tensors[feature].shape[0]
        y = self.output(x, (self.tensors[x].shape[0], filters // rank), scale, zero_point)
        self.op("SVDF", [x, feature, time, bias, state], [y], "SVDFOptions", Rank=rank,
                FusedActivationFunction=ACTIVATIONS[activation], AsymmetricQuantizeInputs=False)  # fmt: skip
        return y

    def batch_matmul(self, a, b, *, scale, zero_point=0, adj_x=False, adj_y=False) -> int:
        s, t = list(self.tensors[a].shape), list(self.tensors[b].shape)
        rows, columns = s[-1 if adj_x else -2], t[-2 if adj_y else -1]
        shape = (*np.broadcast_shapes(s[:-2], t[:-2]), rows, columns)
        y = self.output(a, shape, scale, zero_point)
        self.op(
            "BATCH_MATMUL", [a, b], [y], "BatchMatMulOptions", AdjX=adj_x, AdjY=adj_y, AsymmetricQuantizeInputs=False
        )
        return y

    def transpose_conv(self, x, w, bias=None, *, shape, scale, zero_point=0, stride=(1, 1), padding="SAME",
                       activation="NONE") -> int:  # fmt: skip
        """TRANSPOSE_CONV to the given output shape (NHWC); w is OHWI."""
        y = self.output(x, shape, scale, zero_point)
        self.op("TRANSPOSE_CONV", [self.constant(np.array(shape, np.int32)), w, x] + ([] if bias is None else [bias]), [y],
                "TransposeConvOptions", version=4, Padding=PADDINGS[padding], StrideH=stride[0], StrideW=stride[1],
                FusedActivationFunction=ACTIVATIONS[activation])  # fmt: skip
        return y

    def leaky_relu(self, x, alpha, *, scale=None, zero_point=None) -> int:
        y = self.output(x, self.tensors[x].shape, scale, zero_point)
        self.op("LEAKY_RELU", [x], [y], "LeakyReluOptions", Alpha=float(alpha))
        return y

    def op(self, kind: str, inputs, outputs, options_type: str | None = None, version: int = 1, **options) -> list[int]:
        """Adds any builtin op by its name in the schema (`SUB`), with the fields of its options table.

        options_type "SubOptions" with FusedActivationFunction=0; a list becomes a vector of int32. An input of -1
        (or None) is an optional one left out. Returns the outputs.
        """
        inputs = [-1 if i is None else i for i in inputs]
        code = getattr(tflite.BuiltinOperator, kind)
        self._ops.append(_OpSpec(code, inputs, list(outputs), options_type, options, version))
        return list(outputs)

    def custom(self, name: str, inputs, outputs, options: bytes = b"") -> list[int]:
        """Adds a custom op, with its options as it takes them (a flexbuffer). Returns the outputs."""
        self._ops.append(
            _OpSpec(
                tflite.BuiltinOperator.CUSTOM, list(inputs), list(outputs), None, custom=name, custom_options=options
            )
        )
        return list(outputs)

    def conv_2d(self, x, w, bias=None, *, scale, zero_point=0, stride=(1, 1), dilation=(1, 1), padding="SAME",
                activation="NONE", name=None) -> int:  # fmt: skip
        """CONV_2D; strides and dilations are (height, width)."""
        n, h, wd, _ = self.tensors[x].shape
        o, kh, kw, _ = self.tensors[w].shape
        shape = (
            n,
            window_output(h, kh, stride[0], dilation[0], padding),
            window_output(wd, kw, stride[1], dilation[1], padding),
            o,
        )
        y = self.output(x, shape, scale, zero_point, name)
        self.op("CONV_2D", [x, w] + ([] if bias is None else [bias]), [y], "Conv2DOptions",
                Padding=PADDINGS[padding], StrideH=stride[0], StrideW=stride[1], DilationHFactor=dilation[0],
                DilationWFactor=dilation[1], FusedActivationFunction=ACTIVATIONS[activation])  # fmt: skip
        return y

    def depthwise_conv_2d(self, x, w, bias=None, *, scale, zero_point=0, stride=(1, 1), dilation=(1, 1),
                          padding="SAME", activation="NONE", name=None) -> int:  # fmt: skip
        """DEPTHWISE_CONV_2D; the depth multiplier is out channels / in channels."""
        n, h, wd, c = self.tensors[x].shape
        _, kh, kw, o = self.tensors[w].shape
        shape = (
            n,
            window_output(h, kh, stride[0], dilation[0], padding),
            window_output(wd, kw, stride[1], dilation[1], padding),
            o,
        )
        y = self.output(x, shape, scale, zero_point, name)
        self.op("DEPTHWISE_CONV_2D", [x, w] + ([] if bias is None else [bias]), [y], "DepthwiseConv2DOptions",
                Padding=PADDINGS[padding], StrideH=stride[0], StrideW=stride[1], DilationHFactor=dilation[0],
                DilationWFactor=dilation[1], DepthMultiplier=o // c,
                FusedActivationFunction=ACTIVATIONS[activation])  # fmt: skip
        return y

    def fully_connected(self, x, w, bias=None, *, scale, zero_point=0, activation="NONE", keep_num_dims=False,
                        bias_slot=True, name=None) -> int:  # fmt: skip
        """FULLY_CONNECTED. Without a bias the op has a third input of -1 (bias_slot), or two inputs."""
        shape = self.tensors[x].shape
        units, depth = self.tensors[w].shape
        rows = int(np.prod(shape)) // depth
        y = self.output(x, shape[:-1] + (units,) if keep_num_dims else (rows, units), scale, zero_point, name)
        self.op("FULLY_CONNECTED", [x, w] + ([] if bias is None and not bias_slot else [bias]), [y],
                "FullyConnectedOptions", KeepNumDims=keep_num_dims,
                FusedActivationFunction=ACTIVATIONS[activation])  # fmt: skip
        return y

    def _pool(self, kind, x, kernel, stride, padding, activation, name) -> int:
        n, h, w, c = self.tensors[x].shape
        stride = stride or kernel
        shape = (
            n,
            window_output(h, kernel[0], stride[0], 1, padding),
            window_output(w, kernel[1], stride[1], 1, padding),
            c,
        )
        y = self.output(x, shape, name=name)
        self.op(kind, [x], [y], "Pool2DOptions", Padding=PADDINGS[padding], StrideH=stride[0], StrideW=stride[1],
                FilterHeight=kernel[0], FilterWidth=kernel[1],
                FusedActivationFunction=ACTIVATIONS[activation])  # fmt: skip
        return y

    def max_pool_2d(self, x, *, kernel, stride=None, padding="VALID", activation="NONE", name=None) -> int:
        return self._pool("MAX_POOL_2D", x, kernel, stride, padding, activation, name)

    def average_pool_2d(self, x, *, kernel, stride=None, padding="VALID", activation="NONE", name=None) -> int:
        return self._pool("AVERAGE_POOL_2D", x, kernel, stride, padding, activation, name)

    def mean(self, x, axes, *, scale, zero_point=0, keep_dims=False, name=None) -> int:
        """MEAN over `axes` (negative ones count from the end)."""
        shape = self.tensors[x].shape
        gone = {a % len(shape) for a in axes}
        out = [1 if i in gone else d for i, d in enumerate(shape) if keep_dims or i not in gone]
        y = self.output(x, out, scale, zero_point, name)
        self.op("MEAN", [x, self.constant(np.array(axes, np.int32))], [y], "ReducerOptions", KeepDims=keep_dims)
        return y

    def _pairwise(self, kind, options_type, a, b, scale, zero_point, activation, name) -> int:
        shape = np.broadcast_shapes(self.tensors[a].shape, self.tensors[b].shape)
        y = self.output(a, shape, scale, zero_point, name)
        self.op(kind, [a, b], [y], options_type, FusedActivationFunction=ACTIVATIONS[activation])
        return y

    def add(self, a, b, *, scale, zero_point=0, activation="NONE", name=None) -> int:
        return self._pairwise("ADD", "AddOptions", a, b, scale, zero_point, activation, name)

    def mul(self, a, b, *, scale, zero_point=0, activation="NONE", name=None) -> int:
        return self._pairwise("MUL", "MulOptions", a, b, scale, zero_point, activation, name)

    def sub(self, a, b, *, scale, zero_point=0, activation="NONE", name=None) -> int:
        """SUB, which fxnn refuses."""
        return self._pairwise("SUB", "SubOptions", a, b, scale, zero_point, activation, name)

    def concatenation(self, inputs, axis, *, scale=None, zero_point=None, activation="NONE", name=None) -> int:
        shape = list(self.tensors[inputs[0]].shape)
        shape[axis] = sum(self.tensors[i].shape[axis] for i in inputs)
        y = self.output(inputs[0], shape, scale, zero_point, name)
        self.op("CONCATENATION", inputs, [y], "ConcatenationOptions", Axis=axis,
                FusedActivationFunction=ACTIVATIONS[activation])  # fmt: skip
        return y

    def pad(self, x, paddings, *, name=None) -> int:
        """PAD with the zero point. paddings: a (before, after) pair for each dimension."""
        shape = [d + p[0] + p[1] for d, p in zip(self.tensors[x].shape, paddings)]
        y = self.output(x, shape, name=name)
        self.op("PAD", [x, self.constant(np.array(paddings, np.int32))], [y], "PadOptions")
        return y

    def pad_v2(self, x, paddings, value: int, *, name=None) -> int:
        """PADV2 with a raw int8 value in x's quantization."""
        shape = [d + p[0] + p[1] for d, p in zip(self.tensors[x].shape, paddings)]
        spec = self.tensors[x]
        value = self.constant(np.array(value, spec.dtype), spec.scales or None, spec.zero_points or 0)
        y = self.output(x, shape, name=name)
        self.op("PADV2", [x, self.constant(np.array(paddings, np.int32)), value], [y], "PadV2Options")
        return y

    def reshape(self, x, shape, *, as_input=True, name=None) -> int:
        """RESHAPE; the shape (one -1 allowed) as second input, as converters write it, or only as an option."""
        size = int(np.prod(self.tensors[x].shape))
        known = int(np.prod([d for d in shape if d != -1]))
        y = self.output(x, [size // known if d == -1 else d for d in shape], name=name)
        extra = [self.constant(np.array(shape, np.int32))] if as_input else []
        self.op("RESHAPE", [x] + extra, [y], "ReshapeOptions", NewShape=list(shape))
        return y

    def squeeze(self, x, axes=(), *, name=None) -> int:
        shape = self.tensors[x].shape
        gone = {a % len(shape) for a in axes} or {i for i, d in enumerate(shape) if d == 1}
        y = self.output(x, [d for i, d in enumerate(shape) if i not in gone], name=name)
        self.op("SQUEEZE", [x], [y], "SqueezeOptions", SqueezeDims=list(axes))
        return y

    def expand_dims(self, x, axis, *, name=None) -> int:
        shape = list(self.tensors[x].shape)
        shape.insert(axis if axis >= 0 else axis + len(shape) + 1, 1)
        y = self.output(x, shape, name=name)
        self.op("EXPAND_DIMS", [x, self.constant(np.array(axis, np.int32))], [y], "ExpandDimsOptions")
        return y

    def softmax(self, x, *, beta=1.0, scale=1 / 256, zero_point=-128, name=None) -> int:
        y = self.output(x, self.tensors[x].shape, scale, zero_point, name)
        self.op("SOFTMAX", [x], [y], "SoftmaxOptions", Beta=float(beta))
        return y

    def relu(self, x, *, scale=None, zero_point=None, name=None) -> int:
        return self.op("RELU", [x], [self.output(x, self.tensors[x].shape, scale, zero_point, name)])[0]

    def relu6(self, x, *, scale=None, zero_point=None, name=None) -> int:
        return self.op("RELU6", [x], [self.output(x, self.tensors[x].shape, scale, zero_point, name)])[0]

    def logistic(self, x, *, scale=1 / 256, zero_point=-128, name=None) -> int:
        return self.op("LOGISTIC", [x], [self.output(x, self.tensors[x].shape, scale, zero_point, name)])[0]

    def tanh(self, x, *, scale=1 / 128, zero_point=0, name=None) -> int:
        return self.op("TANH", [x], [self.output(x, self.tensors[x].shape, scale, zero_point, name)])[0]

    def quantize(self, x, *, scale, zero_point=0, dtype="int8", name=None) -> int:
        y = self.output(x, self.tensors[x].shape, scale, zero_point, name, dtype)
        self.op("QUANTIZE", [x], [y], "QuantizeOptions")
        return y

    def dequantize(self, x, *, name=None) -> int:
        y = self.tensor(self.tensors[x].shape, "float32", name=name)
        self.op("DEQUANTIZE", [x], [y], "DequantizeOptions")
        return y

    # ------------------------------------------------------------------- file

    def finish(self, outputs, description: str = "") -> bytes:
        """The .tflite file with these outputs."""
        if self.initialization is not None:
            self._ops.insert(
                0, _OpSpec(tflite.BuiltinOperator.CALL_ONCE, [], [], "CallOnceOptions", {"InitSubgraphIndex": 1})
            )
        b = flatbuffers.Builder(4096)
        graphs = [(self, list(outputs))] + ([(self.initialization, [])] if self.initialization else [])
        codes = sorted({(op.code, op.version, op.custom) for graph, _ in graphs for op in graph._ops})
        contents = [b""]
        offsets = [
            graph._subgraph(b, outs, codes, contents, "main" if graph is self else "init") for graph, outs in graphs
        ]
        buffer_offsets = []
        for content in contents:
            data = _bytes_vector(b, content) if content else None
            tflite.BufferStart(b)
            if data is not None:
                tflite.BufferAddData(b, data)
            buffer_offsets.append(tflite.BufferEnd(b))

        code_offsets = []
        for code, version, custom in codes:
            name = b.CreateString(custom) if custom else None
            tflite.OperatorCodeStart(b)
            if name is not None:
                tflite.OperatorCodeAddCustomCode(b, name)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(code, 127))  # an int8; 127 sends readers to the next
            tflite.OperatorCodeAddBuiltinCode(b, code)
            tflite.OperatorCodeAddVersion(b, version)
            code_offsets.append(tflite.OperatorCodeEnd(b))

        graph_offsets = _vector(b, offsets, "offset")
        all_codes, all_buffers = _vector(b, code_offsets, "offset"), _vector(b, buffer_offsets, "offset")
        text = b.CreateString(description)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, _SCHEMA_VERSION)
        tflite.ModelAddOperatorCodes(b, all_codes)
        tflite.ModelAddSubgraphs(b, graph_offsets)
        tflite.ModelAddDescription(b, text)
        tflite.ModelAddBuffers(b, all_buffers)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    def _subgraph(self, b: flatbuffers.Builder, outputs, codes, contents: list[bytes], name: str) -> int:
        """One subgraph; what its constants hold is appended to `contents`, the model's buffers."""
        tensor_offsets = []
        for t in self.tensors:
            tensor_name, shape = b.CreateString(t.name), _vector(b, t.shape, "int32")
            quantization = None
            if t.scales:
                scale, zero_point = _vector(b, t.scales, "float32"), _vector(b, t.zero_points, "int64")
                tflite.QuantizationParametersStart(b)
                tflite.QuantizationParametersAddScale(b, scale)
                tflite.QuantizationParametersAddZeroPoint(b, zero_point)
                tflite.QuantizationParametersAddQuantizedDimension(b, t.axis)
                quantization = tflite.QuantizationParametersEnd(b)
            if t.data is not None:
                contents.append(t.data.astype(t.data.dtype.newbyteorder("<")).tobytes())
            tflite.TensorStart(b)
            tflite.TensorAddShape(b, shape)
            tflite.TensorAddType(b, getattr(tflite.TensorType, t.dtype.upper()))
            tflite.TensorAddBuffer(b, len(contents) - 1 if t.data is not None else 0)
            tflite.TensorAddName(b, tensor_name)
            tflite.TensorAddIsVariable(b, t.variable)
            if quantization is not None:
                tflite.TensorAddQuantization(b, quantization)
            tensor_offsets.append(tflite.TensorEnd(b))

        op_offsets = []
        for op in self._ops:
            options = _options(b, op.options_type, op.options) if op.options_type else None
            raw = _bytes_vector(b, op.custom_options) if op.custom_options else None
            inputs, outs = _vector(b, op.inputs, "int32"), _vector(b, op.outputs, "int32")
            tflite.OperatorStart(b)
            tflite.OperatorAddOpcodeIndex(b, codes.index((op.code, op.version, op.custom)))
            tflite.OperatorAddInputs(b, inputs)
            tflite.OperatorAddOutputs(b, outs)
            if raw is not None:
                tflite.OperatorAddCustomOptions(b, raw)
            if options is not None:
                tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, op.options_type))
                tflite.OperatorAddBuiltinOptions(b, options)
            op_offsets.append(tflite.OperatorEnd(b))

        vectors = [_vector(b, v, kind) for v, kind in (
            (tensor_offsets, "offset"), (self.inputs, "int32"), (outputs, "int32"), (op_offsets, "offset"))]  # fmt: skip
        graph_name = b.CreateString(name)
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, vectors[0])
        tflite.SubGraphAddInputs(b, vectors[1])
        tflite.SubGraphAddOutputs(b, vectors[2])
        tflite.SubGraphAddOperators(b, vectors[3])
        tflite.SubGraphAddName(b, graph_name)
        return tflite.SubGraphEnd(b)


_ELEMENTS = {"int32": (4, "PrependInt32"), "int64": (8, "PrependInt64"), "float32": (4, "PrependFloat32"),
             "offset": (4, "PrependUOffsetTRelative")}  # fmt: skip


def _vector(b: flatbuffers.Builder, values, kind: str) -> int:
    size, prepend = _ELEMENTS[kind]
    b.StartVector(size, len(values), size)
    for value in reversed(list(values)):
        getattr(b, prepend)(value)
    return b.EndVector()


def _bytes_vector(b: flatbuffers.Builder, content: bytes) -> int:
    b.StartVector(1, len(content), _ALIGNMENT)
    b.head -= len(content)
    b.Bytes[b.head : b.head + len(content)] = content
    return b.EndVector()


def _options(b: flatbuffers.Builder, options_type: str, fields: dict) -> int:
    """An options table; fields by their names in the schema's accessors, lists as vectors of int32."""
    values = {k: _vector(b, v, "int32") if isinstance(v, (list, tuple)) else b.CreateString(v) if isinstance(v, str) else v
              for k, v in fields.items()}  # fmt: skip
    getattr(tflite, options_type + "Start")(b)
    for name, value in values.items():
        getattr(tflite, f"{options_type}Add{name}")(b, value)
    return getattr(tflite, options_type + "End")(b)
