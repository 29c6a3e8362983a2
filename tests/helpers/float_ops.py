"""One small float model of every op: CASES[name](builder, x) -> y, or several, for x of shape (1, 7, 6, 4)."""

from __future__ import annotations

import numpy as np

F = np.float32


def r(*shape):
    """The same numbers for the same shape, whatever ran before."""
    return np.random.default_rng(shape).normal(size=shape).astype(F)


def window(kind, **options):
    def make(b, x):
        w = r(5, 3, 2, 4) if kind == "conv_2d" else r(1, 3, 2, 8)
        return getattr(b, kind)(
            x, b.constant(w), b.constant(r(w.shape[0] if kind == "conv_2d" else 8)), scale=None, **options
        )

    return make


def pool(kind, **options):
    return lambda b, x: getattr(b, kind)(x, **options)


CASES = {
    "conv": window("conv_2d", stride=(2, 1), padding="SAME", activation="RELU6"),
    "conv dilated": window("conv_2d", dilation=(2, 2), padding="VALID"),
    "depthwise": window("depthwise_conv_2d", stride=(1, 2), padding="SAME", activation="RELU"),
    "depthwise dilated": window("depthwise_conv_2d", dilation=(1, 2), padding="VALID", activation="RELU_N1_TO_1"),
    "dense": lambda b, x: b.fully_connected(
        b.reshape(x, (1, 7 * 6 * 4)), b.constant(r(9, 168)), b.constant(r(9)), scale=None
    ),
    "dense rows": lambda b, x: b.fully_connected(
        b.reshape(x, (42, 4)), b.constant(r(3, 4)), scale=None, bias_slot=False
    ),
    "max pool": pool("max_pool_2d", kernel=(3, 2), stride=(2, 2), padding="SAME"),
    "average pool": pool("average_pool_2d", kernel=(2, 3), stride=(1, 2), padding="SAME", activation="RELU"),
    "mean": lambda b, x: b.mean(x, (1, -2), scale=None),
    "mean of channels": lambda b, x: b.mean(x, (3,), scale=None, keep_dims=True),
    "add": lambda b, x: b.add(x, b.relu(x), scale=None, activation="RELU6"),
    "add constant": lambda b, x: b.add(x, b.constant(r(4)), scale=None),
    "add of other rank": lambda b, x: b.add(x, b.mean(x, (1, 2), scale=None), scale=None),
    "mul": lambda b, x: b.mul(b.constant(r(1, 1, 6, 1)), x, scale=None),
    "concatenation": lambda b, x: b.concatenation([x, b.constant(r(1, 7, 6, 2)), b.relu(x)], 3),
    "pad": lambda b, x: b.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))),
    "softmax": lambda b, x: b.softmax(x, beta=0.5, scale=None),
    "logistic": lambda b, x: b.logistic(x, scale=None),
    "tanh": lambda b, x: b.tanh(x, scale=None),
    "relu6": lambda b, x: b.relu6(x),
    "sub": lambda b, x: b.sub(b.constant(r(4)), x, scale=None, activation="RELU"),
    "sum": lambda b, x: b.op(
        "SUM", [x, b.constant(np.array([1, 3], np.int32))], [b.tensor((1, 6), "float32")], "ReducerOptions"
    )[0],
    "leaky relu": lambda b, x: b.op(
        "LEAKY_RELU", [x], [b.tensor((1, 7, 6, 4), "float32")], "LeakyReluOptions", Alpha=0.2
    )[0],
    "elu": lambda b, x: b.op("ELU", [x], [b.tensor((1, 7, 6, 4), "float32")])[0],
    "gelu": lambda b, x: b.op("GELU", [x], [b.tensor((1, 7, 6, 4), "float32")], "GeluOptions", Approximate=True)[0],
    "hard swish": lambda b, x: b.op("HARD_SWISH", [x], [b.tensor((1, 7, 6, 4), "float32")])[0],
    "abs": lambda b, x: b.op("ABS", [x], [b.tensor((1, 7, 6, 4), "float32")])[0],
    "transpose": lambda b, x: b.op(
        "TRANSPOSE", [x, b.constant(np.array([0, 3, 1, 2], np.int32))], [b.tensor((1, 4, 7, 6), "float32")]
    )[0],
    "slice": lambda b, x: b.op(
        "SLICE",
        [x, b.constant(np.array([0, 1, 2, 0], np.int32)), b.constant(np.array([1, 3, -1, 2], np.int32))],
        [b.tensor((1, 3, 4, 2), "float32")],
    )[0],  # fmt: skip
    "strided slice": lambda b, x: b.op(
        "STRIDED_SLICE",
        [x, *(b.constant(np.array(v, np.int32)) for v in ([0, 6, 0, 1], [1, 0, 6, 4], [1, -2, 1, 3]))],
        [b.tensor((1, 3, 6, 1), "float32")],
        "StridedSliceOptions",
        BeginMask=1,
        EndMask=1,
    )[0],  # fmt: skip
    "nearest": lambda b, x: b.op(
        "RESIZE_NEAREST_NEIGHBOR",
        [x, b.constant(np.array([3, 12], np.int32))],
        [b.tensor((1, 3, 12, 4), "float32")],
        "ResizeNearestNeighborOptions",
    )[0],  # fmt: skip
    "squeeze": lambda b, x: b.squeeze(b.expand_dims(x, 1), (1,)),
}


def ints(*values):
    return np.array(values, np.int32)


def o(kind, shape, *constants, options=None, dtype="float32", first=(), **fields):
    """A case of any op: the network's input (behind `first`, if given) and these constants in, one output of `shape`."""

    def make(b, x):
        inputs = [*(b.constant(c) for c in first), x, *(b.constant(c) for c in constants)]
        return b.op(kind, inputs, [b.tensor(shape, dtype)], options, **fields)[0]

    return make


def several(kind, shapes, *constants, options=None, first=(), **fields):
    """A case of an op with several outputs."""

    def make(b, x):
        inputs = [*(b.constant(c) for c in first), x, *(b.constant(c) for c in constants)]
        return b.op(kind, inputs, [b.tensor(s, "float32") for s in shapes], options, **fields)

    return make


def two(kind, shape=(1, 7, 6, 4), options=None, dtype="float32", other=lambda b, x: b.relu(x), **fields):
    """An op of the input and something made of it."""
    return lambda b, x: b.op(kind, [x, other(b, x)], [b.tensor(shape, dtype)], options, **fields)[0]


def chosen(b, x):
    """SELECT_V2 by a comparison: the larger of x and its mirror image in columns."""
    flipped = b.op("REVERSE_V2", [x, b.constant(ints(2))], [b.tensor((1, 7, 6, 4), "float32")])[0]
    where = b.op("GREATER", [x, flipped], [b.tensor((1, 7, 6, 4), "bool")], "GreaterOptions")[0]
    return b.op("SELECT_V2", [where, x, b.constant(r(4))], [b.tensor((1, 7, 6, 4), "float32")], "SelectV2Options")[0]


def positive(b, x):
    return b.add(b.op("ABS", [x], [b.tensor((1, 7, 6, 4), "float32")])[0], b.constant(np.array([1.5], F)), scale=None)


def transposed(stride, padding, shape):
    return lambda b, x: b.transpose_conv(x, b.constant(r(5, 3, 2, 4)), b.constant(r(5)), shape=shape, scale=None, stride=stride,
                                         padding=padding)  # fmt: skip


def attention(b, x):
    """softmax(x x') x: BATCH_MATMUL of two activations, then of one and a transposed one."""
    rows = b.reshape(x, (1, 42, 4))
    scores = b.batch_matmul(rows, rows, scale=None, adj_y=True)
    return b.batch_matmul(b.softmax(scores, scale=None), rows, scale=None)


def recurrent(time_major, cell_clip):
    """LSTM over the input's 7 rows, 24 numbers each, 5 units; time-major: as 7 steps of one batch."""

    def make(b, x):
        x = b.reshape(x, (7, 1, 24) if time_major else (1, 7, 24))
        own, back, bias = (
            [b.constant(F(s) * r(5, n, 1 + i)[..., 0]) for i in range(4)] for n, s in ((24, 0.1), (5, 0.3), (1, 0.2))
        )
        bias = [b.constant(r(5) * F(0.1 * i)) for i in range(4)]
        return b.lstm(x, own, back, bias, b.variable((1, 5), "float32"), b.variable((1, 5), "float32"), time_major=time_major,
                      cell_clip=cell_clip)  # fmt: skip

    return make


def one(kind, before=lambda b, x: x, options=None, **fields):
    return lambda b, x: b.op(kind, [before(b, x)], [b.tensor((1, 7, 6, 4), "float32")], options, **fields)[0]


CASES |= {
    "transpose conv": transposed((2, 2), "SAME", (1, 14, 12, 5)),
    "transpose conv valid": transposed((2, 1), "VALID", (1, 15, 7, 5)),
    "transpose conv odd": transposed((2, 3), "SAME", (1, 13, 16, 5)),
    "split": several("SPLIT", [(1, 7, 6, 2)] * 2, first=[np.array(3, np.int32)], options="SplitOptions", NumSplits=2),
    "split v": several(
        "SPLIT_V",
        [(1, 2, 6, 4), (1, 5, 6, 4)],
        ints(2, -1),
        np.array(1, np.int32),
        options="SplitVOptions",
        NumSplits=2,
    ),
    "unpack": several("UNPACK", [(1, 7, 4)] * 6, options="UnpackOptions", Num=6, Axis=2),
    "pack": lambda b, x: b.op(
        "PACK",
        [x, b.constant(r(1, 7, 6, 4)), b.relu(x)],
        [b.tensor((1, 7, 3, 6, 4), "float32")],
        "PackOptions",
        ValuesCount=3,
        Axis=2,
    )[0],  # fmt: skip
    "div": two("DIV", options="DivOptions", other=positive),
    "div by constant": o("DIV", (1, 7, 6, 4), np.array([3, -0.5, 2, 7], F), options="DivOptions"),
    "prelu": o("PRELU", (1, 7, 6, 4), r(1, 1, 4)),
    "maximum": o("MAXIMUM", (1, 7, 6, 4), r(4), options="MaximumMinimumOptions"),
    "minimum": two(
        "MINIMUM", options="MaximumMinimumOptions", other=lambda b, x: b.mean(x, (1, 2), scale=None, keep_dims=True)
    ),
    "squared difference": two(
        "SQUARED_DIFFERENCE",
        options="SquaredDifferenceOptions",
        other=lambda b, x: b.mean(x, (3,), scale=None, keep_dims=True),
    ),
    "batch matmul": attention,
    "batch matmul by constant": lambda b, x: b.batch_matmul(x, b.constant(r(4, 5)), scale=None),
    "reduce max": o("REDUCE_MAX", (1, 7, 4), ints(2), options="ReducerOptions"),
    "reduce min": o("REDUCE_MIN", (1, 7, 6, 1), ints(-1), options="ReducerOptions", KeepDims=True),
    "gather": o("GATHER", (1, 7, 3, 4), ints(5, 0, 0), options="GatherOptions", Axis=2),
    "gather nd": o("GATHER_ND", (2, 6, 4), np.array([[0, 3], [0, 6]], np.int32), options="GatherNdOptions"),
    "reverse": o("REVERSE_V2", (1, 7, 6, 4), ints(1), options="ReverseV2Options"),
    "tile": o("TILE", (1, 14, 6, 8), ints(1, 2, 1, 2), options="TileOptions"),
    "broadcast": o("BROADCAST_TO", (2, 7, 6, 4), ints(2, 7, 6, 4), options="BroadcastToOptions", version=2),
    "mirror pad": o(
        "MIRROR_PAD",
        (1, 9, 9, 4),
        np.array([[0, 0], [2, 0], [1, 2], [0, 0]], np.int32),
        options="MirrorPadOptions",
        Mode=0,
    ),
    "symmetric pad": o(
        "MIRROR_PAD",
        (1, 9, 9, 4),
        np.array([[0, 0], [2, 0], [1, 2], [0, 0]], np.int32),
        options="MirrorPadOptions",
        Mode=1,
    ),
    "space to depth": lambda b, x: b.op(
        "SPACE_TO_DEPTH",
        [b.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)))],
        [b.tensor((1, 4, 3, 16), "float32")],
        "SpaceToDepthOptions",
        BlockSize=2,
    )[0],  # fmt: skip
    "depth to space": o("DEPTH_TO_SPACE", (1, 14, 12, 1), options="DepthToSpaceOptions", BlockSize=2),
    "space to batch": o(
        "SPACE_TO_BATCH_ND",
        (6, 4, 2, 4),
        ints(2, 3),
        np.array([[1, 0], [0, 0]], np.int32),
        options="SpaceToBatchNDOptions",
    ),
    "batch to space": lambda b, x: b.op(
        "BATCH_TO_SPACE_ND",
        [b.reshape(x, (6, 7, 1, 4)), b.constant(ints(3, 2)), b.constant(np.array([[1, 2], [0, 0]], np.int32))],
        [b.tensor((1, 18, 2, 4), "float32")],
        "BatchToSpaceNDOptions",
    )[0],  # fmt: skip
    "bilinear": o("RESIZE_BILINEAR", (1, 14, 9, 4), ints(14, 9), options="ResizeBilinearOptions"),
    "bilinear, half pixels": o(
        "RESIZE_BILINEAR", (1, 14, 3, 4), ints(14, 3), options="ResizeBilinearOptions", HalfPixelCenters=True
    ),
    "bilinear, corners": o(
        "RESIZE_BILINEAR", (1, 4, 11, 4), ints(4, 11), options="ResizeBilinearOptions", AlignCorners=True
    ),
    "l2 normalization": o("L2_NORMALIZATION", (1, 7, 6, 4), options="L2NormOptions"),
    "log softmax": o("LOG_SOFTMAX", (1, 7, 6, 4), options="LogSoftmaxOptions"),
    "arg max": o("ARG_MAX", (1, 7, 6), np.array(3, np.int32), options="ArgMaxOptions", dtype="int32", OutputType=2),
    "select": chosen,
    "add n": lambda b, x: b.op(
        "ADD_N", [x, b.relu(x), b.tanh(x, scale=None)], [b.tensor((1, 7, 6, 4), "float32")], "AddNOptions"
    )[0],
    "cumsum": o("CUMSUM", (1, 7, 6, 4), ints(1), options="CumsumOptions", Exclusive=True, Reverse=True),
    "update slice": lambda b, x: b.op(
        "DYNAMIC_UPDATE_SLICE",
        [
            x,
            b.op(
                "SLICE",
                [x, b.constant(ints(0, 0, 0, 0)), b.constant(ints(1, 2, 3, 4))],
                [b.tensor((1, 2, 3, 4), "float32")],
            )[0],
            b.constant(ints(0, 3, 9, 0)),
        ],
        [b.tensor((1, 7, 6, 4), "float32")],
        "DynamicUpdateSliceOptions",
    )[0],  # fmt: skip
    "lstm": recurrent(False, 0.0),
    "lstm, time-major": recurrent(True, 0.8),
    "exp": one("EXP", options="ExpOptions"),
    "log": one("LOG", positive),
    "rsqrt": one("RSQRT", positive),
    "sqrt": one("SQRT", positive),
    "square": one("SQUARE", options="SquareOptions"),
    "neg": one("NEG", options="NegOptions"),
    "floor": one("FLOOR"),
    "ceil": one("CEIL"),
    "round": one("ROUND"),
    "sin": one("SIN"),
    "cos": one("COS", options="CosOptions"),
}
