"""A model of one op for every op that TFLM's Python package registers, in each type: what it runs, fxnn must convert.

MODELS[kind](d) -> the .tflite, of activations of type d ("int8", "int16", "int32", "bool"); REGISTERED names them all.
tests/host/ops/test_coverage.py runs them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.helpers.tflite_builder import Builder

# python/tflite_micro/python_ops_resolver.cc; the schema's names
REGISTERED = """ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS
BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV
DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND
GREATER GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT
LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE
READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT
SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE
STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE
ZEROS_LIKE""".split()
# Of these no model of one op is made here: variables, recurrent layers (tests/draw/recurrent.py), control flow. Beside them it
# registers custom ops: the signal library's, CIRCULAR_BUFFER, TFLM_DECODE, TFLite_Detection_PostProcess, ethos-u.
ELSEWHERE = (
    "ASSIGN_VARIABLE",
    "CALL_ONCE",
    "IF",
    "READ_VARIABLE",
    "SVDF",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "VAR_HANDLE",
    "WHILE",
)
SHAPE = (1, 4, 4, 4)
_SCALES = {"int8": 0.05, "int16": 2.0**-12}


class _Model(Builder):
    """A Builder that knows the type of its activations."""

    def __init__(self, dtype: str):
        super().__init__()
        self.dtype = dtype

    def x(self, shape=SHAPE, dtype: str | None = None) -> int:
        dtype = dtype or self.dtype
        return self.input(shape, dtype, _SCALES.get(dtype), 3 if dtype == "int8" else 0)

    def y(
        self, shape=SHAPE, scale: float | None = None, zero_point: int | None = None, dtype: str | None = None
    ) -> int:
        dtype = dtype or self.dtype
        zero = (3 if dtype == "int8" else 0) if zero_point is None else zero_point
        return self.tensor(shape, dtype, (scale or _SCALES[dtype]) if dtype in _SCALES else None, zero)

    def c(self, values, dtype: str | None = None) -> int:
        """A constant of the activations' type and scale."""
        dtype = dtype or self.dtype
        return self.constant(np.asarray(values).astype(dtype), _SCALES.get(dtype), 3 if dtype == "int8" else 0)

    def i(self, values, dtype=np.int32) -> int:
        return self.constant(np.asarray(values, dtype))

    def weights(self, *shape, axis=0) -> int:
        n = shape[axis]
        values = np.arange(np.prod(shape)).reshape(shape) % 255 - 127
        return self.constant(values.astype(np.int8), [0.01] * n, axis=axis)

    def bias(self, n: int) -> int:
        return self.constant(np.arange(n).astype(np.int64 if self.dtype == "int16" else np.int32),
                             [0.01 * _SCALES.get(self.dtype, 1)] * n)  # fmt: skip


MODELS: dict[str, Callable[[str], bytes]] = {}


def _model(*kinds: str):
    def register(function):
        for kind in kinds:

            def make(dtype, kind=kind):
                m = _Model(dtype)
                made = function(m, kind)
                return m.finish(made if isinstance(made, list) else [made])

            MODELS[kind] = make
        return function

    return register


def _camel(kind: str) -> str:
    return "".join(w.title() for w in kind.split("_")) + "Options"


@_model("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "HARD_SWISH", "LOG", "NEG", "RELU", "RELU6", "ROUND", "SIN", "SQRT",
        "SQUARE", "ZEROS_LIKE")  # fmt: skip
def _unary(m, kind):
    return m.op(kind, [m.x()], [m.y()])[0]


@_model("RSQRT")
def _rsqrt(m, kind):
    """Of what is not negative."""
    return m.op(kind, [m.relu(m.x())], [m.y()])[0]


@_model("LEAKY_RELU")
def _leaky(m, kind):
    return m.op(kind, [m.x()], [m.y()], "LeakyReluOptions", Alpha=0.1)[0]


@_model("LOGISTIC", "TANH", "SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION")
def _fixed(m, kind):
    fixed = {"LOGISTIC": (1 / 256, -128), "SOFTMAX": (1 / 256, -128), "LOG_SOFTMAX": (16 / 256, 127)}.get(
        kind, (1 / 128, 0)
    )
    scale = fixed if m.dtype == "int8" else (2.0**-15, 0)
    options = {"SOFTMAX": ("SoftmaxOptions", {"Beta": 1.0}), "LOG_SOFTMAX": ("LogSoftmaxOptions", {}),
               "L2_NORMALIZATION": ("L2NormOptions", {})}.get(kind, (None, {}))  # fmt: skip
    return m.op(kind, [m.x()], [m.y(SHAPE, *scale)], options[0], **options[1])[0]


@_model(
    "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD", "PRELU", "ADD_N"
)
def _binary(m, kind):
    options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions",
               "MAXIMUM": "MaximumMinimumOptions", "MINIMUM": "MaximumMinimumOptions"}.get(kind)  # fmt: skip
    x = m.x()
    z = (
        m.c(np.full((1, 1, 4), 50), "int8" if m.dtype == "int16" else None) if kind in ("DIV", "PRELU") else m.x()
    )  # DIV by what is not 0
    if kind == "ADD_N":
        return m.op(kind, [x, z, m.x()], [m.y()], "AddNOptions")[0]
    # of DIV a scale at which TFLM does not shift by more than 31 bits, which C leaves undefined
    return m.op(kind, [x, z], [m.y(SHAPE, 2.0**-9 if kind == "DIV" and m.dtype == "int8" else None)], options)[0]


@_model("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "LOGICAL_AND", "LOGICAL_OR")
def _compare(m, kind):
    return m.op(kind, [m.x(), m.x()], [m.tensor(SHAPE, "bool")], _camel(kind))[0]


@_model("LOGICAL_NOT")
def _not(m, kind):
    return m.op(kind, [m.x()], [m.tensor(SHAPE, "bool")], _camel(kind))[0]


@_model("SELECT_V2")
def _select(m, kind):
    return m.op(kind, [m.x(dtype="bool"), m.x(), m.x()], [m.y()], "SelectV2Options")[0]


@_model("ARG_MAX", "ARG_MIN")
def _arg(m, kind):
    return m.op(kind, [m.x(), m.i([3])], [m.tensor((1, 4, 4), "int32")], _camel(kind), OutputType=2)[0]


@_model("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL")
def _reduce(m, kind):
    return m.op(kind, [m.x(), m.i([1, 2])], [m.y((1, 1, 1, 4))], "ReducerOptions", KeepDims=True)[0]


@_model("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")
def _pool(m, kind):
    return m._pool(kind, m.x(), (2, 2), None, "VALID", "NONE", None)


@_model("CONV_2D")
def _conv(m, kind):
    return m.conv_2d(m.x(), m.weights(5, 3, 3, 4), m.bias(5), scale=0.5 if m.dtype == "int8" else 2.0**-10)


@_model("DEPTHWISE_CONV_2D")
def _depthwise(m, kind):
    return m.depthwise_conv_2d(
        m.x(), m.weights(1, 3, 3, 4, axis=3), m.bias(4), scale=0.5 if m.dtype == "int8" else 2.0**-10
    )


@_model("FULLY_CONNECTED")
def _dense(m, kind):
    return m.fully_connected(m.x((2, 16)), m.weights(3, 16), m.bias(3), scale=0.5 if m.dtype == "int8" else 2.0**-10)


@_model("TRANSPOSE_CONV")
def _transpose_conv(m, kind):
    return m.transpose_conv(m.x(), m.weights(5, 3, 3, 4), m.bias(5), shape=(1, 8, 8, 5), stride=(2, 2),
                            scale=0.5 if m.dtype == "int8" else 2.0**-10)  # fmt: skip


@_model("BATCH_MATMUL")
def _matmul(m, kind):
    return m.batch_matmul(m.x((2, 3, 4)), m.x((2, 4, 5)), scale=0.1 if m.dtype == "int8" else 2.0**-10)


@_model("BATCH_TO_SPACE_ND")
def _to_space(m, kind):
    return m.op(
        kind, [m.x((4, 2, 2, 3)), m.i([2, 2]), m.i([[0, 1], [0, 0]])], [m.y((1, 3, 4, 3))], "BatchToSpaceNDOptions"
    )[0]


@_model("SPACE_TO_BATCH_ND")
def _to_batch(m, kind):
    return m.op(kind, [m.x(), m.i([2, 2]), m.i([[0, 0], [0, 0]])], [m.y((4, 2, 2, 4))], "SpaceToBatchNDOptions")[0]


@_model("SPACE_TO_DEPTH", "DEPTH_TO_SPACE")
def _depth(m, kind):
    y = (1, 2, 2, 16) if kind == "SPACE_TO_DEPTH" else (1, 8, 8, 1)
    return m.op(
        kind,
        [m.x()],
        [m.y(y)],
        "".join(w.title() if w != "TO" else "To" for w in kind.split("_")) + "Options",
        BlockSize=2,
    )[0]


@_model("BROADCAST_TO")
def _broadcast(m, kind):
    return m.op(kind, [m.x((1, 4, 1, 4)), m.i([2, 4, 3, 4])], [m.y((2, 4, 3, 4))], "BroadcastToOptions")[0]


@_model("CAST")
def _cast(m, kind):
    return m.op(kind, [m.x()], [m.y(dtype="int8" if m.dtype in ("bool", "int32") else "int32")], "CastOptions")[0]


@_model("CONCATENATION")
def _concatenation(m, kind):
    return m.op(kind, [m.x(), m.x()], [m.y((1, 4, 8, 4))], "ConcatenationOptions", Axis=2)[0]


@_model("CUMSUM")
def _cumsum(m, kind):
    return m.op(kind, [m.x(), m.i(2)], [m.y()], "CumsumOptions")[0]


@_model("DEQUANTIZE")
def _dequantize(m, kind):
    return m.op(kind, [m.x()], [m.tensor(SHAPE, "float32")], "DequantizeOptions")[0]


@_model("DYNAMIC_UPDATE_SLICE")
def _update(m, kind):
    return m.op(kind, [m.x(), m.x((1, 2, 3, 4)), m.i([0, 1, 1, 0])], [m.y()], "DynamicUpdateSliceOptions")[0]


@_model("EMBEDDING_LOOKUP")
def _embedding(m, kind):
    return m.op(kind, [m.input((3,), "int32"), m.c(np.arange(40).reshape(10, 4))], [m.y((3, 4))])[0]


@_model("EXPAND_DIMS")
def _expand(m, kind):
    return m.expand_dims(m.x(), 1)


@_model("FILL")
def _fill(m, kind):
    return m.op(kind, [m.i([2, 3]), m.x(())], [m.y((2, 3))], "FillOptions")[0]


@_model("GATHER")
def _gather(m, kind):
    return m.op(kind, [m.x(), m.i([2, 0])], [m.y((1, 2, 4, 4))], "GatherOptions", Axis=1)[0]


@_model("GATHER_ND")
def _gather_nd(m, kind):
    return m.op(kind, [m.x(), m.i([[0, 1], [0, 3]])], [m.y((2, 4, 4))], "GatherNdOptions")[0]


@_model("MIRROR_PAD")
def _mirror(m, kind):
    return m.op(kind, [m.x(), m.i([[0, 0], [1, 2], [0, 1], [0, 0]])], [m.y((1, 7, 5, 4))], "MirrorPadOptions", Mode=0)[
        0
    ]


@_model("PACK")
def _pack(m, kind):
    return m.op(kind, [m.x((4, 3)), m.x((4, 3))], [m.y((4, 2, 3))], "PackOptions", Axis=1, ValuesCount=2)[0]


@_model("PAD", "PADV2")
def _pad(m, kind):
    value = [] if kind == "PAD" else [m.c(7)]
    return m.op(kind, [m.x(), m.i([[0, 0], [1, 2], [0, 1], [0, 0]]), *value], [m.y((1, 7, 5, 4))],
                "PadOptions" if kind == "PAD" else "PadV2Options")[0]  # fmt: skip


@_model("QUANTIZE")
def _quantize(m, kind):
    return m.op(kind, [m.x()], [m.y(SHAPE, 0.1, -4, "int8")], "QuantizeOptions")[0]


@_model("RESHAPE")
def _reshape(m, kind):
    return m.reshape(m.x(), (4, 16))


@_model("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def _resize(m, kind):
    return m.op(kind, [m.x(), m.i([8, 6])], [m.y((1, 8, 6, 4))], _camel(kind))[0]


@_model("REVERSE_V2")
def _reverse(m, kind):
    return m.op(kind, [m.x(), m.i([1])], [m.y()], "ReverseV2Options")[0]


@_model("SHAPE")
def _shape(m, kind):
    return m.op(kind, [m.x()], [m.tensor((4,), "int32")], "ShapeOptions", OutType=2)[0]


@_model("SLICE")
def _slice(m, kind):
    return m.op(kind, [m.x(), m.i([0, 1, 0, 0]), m.i([1, 2, 4, 3])], [m.y((1, 2, 4, 3))], "SliceOptions")[0]


@_model("STRIDED_SLICE")
def _strided(m, kind):
    return m.op(
        kind,
        [m.x(), m.i([0, 0, 1, 0]), m.i([1, 4, 4, 4]), m.i([1, 2, 1, 1])],
        [m.y((1, 2, 3, 4))],
        "StridedSliceOptions",
    )[0]


@_model("SPLIT")
def _split(m, kind):
    return m.op(kind, [m.i(2), m.x()], [m.y((1, 4, 2, 4)), m.y((1, 4, 2, 4))], "SplitOptions", NumSplits=2)


@_model("SPLIT_V")
def _split_v(m, kind):
    return m.op(
        kind, [m.x(), m.i([1, 3]), m.i(2)], [m.y((1, 4, 1, 4)), m.y((1, 4, 3, 4))], "SplitVOptions", NumSplits=2
    )


@_model("SQUEEZE")
def _squeeze(m, kind):
    return m.squeeze(m.x(), (0,))


@_model("TRANSPOSE")
def _transpose(m, kind):
    return m.op(kind, [m.x((1, 2, 3, 4)), m.i([0, 2, 3, 1])], [m.y((1, 3, 4, 2))], "TransposeOptions")[0]


@_model("UNPACK")
def _unpack(m, kind):
    return m.op(kind, [m.x((3, 2))], [m.y((2,)) for _ in range(3)], "UnpackOptions", Axis=0, Num=3)


@_model("BROADCAST_ARGS")
def _args(m, kind):
    """Of constants: it aborts where shapes do not fit. The shape is used, so that something remains."""
    shape = m.op(kind, [m.i([2, 1]), m.i([1, 3])], [m.tensor((2,), "int32")])[0]
    return m.op("BROADCAST_TO", [m.x((1, 3)), shape], [m.y((2, 3))], "BroadcastToOptions")[0]


def inputs(tflite: bytes, seed: int = 1) -> list[np.ndarray]:
    """Random raw inputs; of int32 0 to 9."""
    from host_tools.measure.oracle import Oracle

    random, made = np.random.default_rng(seed), []
    oracle = Oracle(tflite, prefer="tflm")
    for shape, dtype in zip(oracle.input_shapes, oracle.input_dtypes):
        if dtype == bool:  # noqa: E721  (a dtype, which equals the type)
            made.append(random.integers(0, 2, shape).astype(bool))
        elif dtype in (np.int8, np.int16):
            info = np.iinfo(dtype)
            made.append(random.integers(info.min, info.max + 1, shape).astype(dtype))
        else:
            made.append(random.integers(0, 10, shape).astype(dtype))
    return made
