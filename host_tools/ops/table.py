"""One row per op: everything that readers, passes, quantizer, lowering, refusals and the docs know about a kind.

    TABLE["ADD"].clamps                 # of one kind; row(kind) for one that may be unknown
    kinds("reshapes")                   # every kind whose column is set

Pure data: it imports nothing of ours. Functions stay in their rooms and are found by a name: the lowering in
ops/FAMILY.py by the kind that it registers with @lowers, the others by `floats` and `folds`. A new op is a row here, a
lowering in its family, a kernel in exact/ and in the device's backends: docs/ADDING.md adds one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOVED = ("int8", "bool", "int32", "int16")  # dtypes that an op takes which only moves bytes
Rule = str | tuple[float, int] | None
Columns = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """What is true of an op. `kind`: TensorFlow Lite's name; of a custom op "CUSTOM:" and its own."""

    kind: str
    family: str = ""  # ops/FAMILY.py lowers it; "" where nothing does
    layer: str = ""  # the layers of Keras, or calls of TensorFlow, that usually make it

    # the file: its options table in the schema, and the attributes that are read from it
    options: str = ""
    attributes: tuple[str, ...] = ()

    # what it takes
    dtypes: tuple[str, ...] = ("int8",)  # of the tensors of its general lowering, indices and constants apart
    int16: str = ""  # the family that lowers it where its activations are int16
    int32: str = ""  # likewise of unquantized integers
    indices: tuple[int, ...] = ()  # inputs that hold axes, shapes, indices or biases: int32
    weights: tuple[int, ...] = ()  # inputs that are weights and biases, floats of the float network
    out_axis: int | None = None  # the axis of its weights' output channels: set for linear ops
    int4: bool = False  # its weights may have four bits
    empty: bool = False  # its tensors may have no elements
    checks: bool = False  # its lowering looks at its tensors' types itself (states, biases of 64 bits)
    shape: str = ""  # of its output: "same", "size", "broadcast" (shapes.py); "": its lowering knows

    # what it does
    clamps: bool = False  # its kernels clamp what they write
    moves: int | None = None  # it only moves, or renames, the values of this input
    reshapes: bool = False  # its output is another name for its input's bytes
    table: bool = False  # of int8 it is a table of 256 bytes
    swaps: bool = False  # its kernel's function is that of its operands the other way round
    functions: Mapping[str, int] = field(default_factory=dict)  # kernel: number of the function there (FORMAT.md)
    resolved: bool = False  # a pass takes it out of the graph
    remembers: bool = False  # it has, or is about, a state from one inference to the next
    control: bool = False  # control flow
    tflm_bytes: int = 0  # of TensorFlow Lite Micro's OpData, on a 32-bit machine

    # what it means in floats
    numpy: str = ""  # numpy's function of its operands, element by element
    floats: str = ""  # the function of the float interpreter (floats/)
    folds: str = ""  # the function that computes it of constants (compiler/folding.py)
    of_shapes: bool = False  # it depends on no value, so that it is computed of activations, too
    aligned: bool = False  # constants among its operands count as one sample, and broadcast

    # how it is quantized: TensorFlow Lite's int8 specification
    rule: Rule = None  # "own" range, "same" as its operands', or the (scale, zero point) that its kernel dictates
    any_dtype: bool = False  # it takes, or makes, bool and int32 as well
    makes: str = ""  # the dtype of its output, where that is no scaled number
    homogeneous: bool = False  # f(s * x) = s * f(x) for s > 0, channel by channel
    unclipped: bool = False  # the range of what it reads is never clipped: the largest decides
    centred: bool = False  # exact only where the zero point of what it reads is 0
    island: bool = False  # quantized between a DEQUANTIZE and a QUANTIZE, which become a table (compiler/islands.py)
    floats_only: str = ""  # TFLM and LiteRT have it in floats only: the way out

    # what has no lowering
    refused: tuple[str, str] | None = None  # why, and what to do instead

    @property
    def linear(self) -> bool:
        """Whether it is a sum of products with constant weights."""
        return self.out_axis is not None

    @property
    def takes_activation(self) -> bool:
        """Whether a RELU after it can become its fused activation."""
        return self.linear or (self.clamps and "activation" in self.attributes)

    @property
    def lowered(self) -> bool:
        return bool(self.family)


IN_PYTHON = "compute it on the board, in Python, before or after the network"
_LOOPS = (
    "control flow is not supported",
    "Keras: LSTM becomes one op; write GRU, SimpleRNN and RNN with unroll=True; export without tf.while_loop and "
    "tf.cond",
)
_AS_TABLE = (
    "let TFLiteConverter quantize it: it leaves the op between a DEQUANTIZE and a QUANTIZE, and of one int8 tensor "
    "that becomes a table"
)
_FLOATS_IN_TFLM = ("TensorFlow Lite Micro has it for floats only", "divide without rounding, or " + IN_PYTHON)
_SIGNAL = ("it makes features of a signal, which is no part of a network here", IN_PYTHON)
_DETECTOR = "a detector's last step: do it on the board, in Python"
_UNQUANTIZED = "a layer that the converter could not quantize, between quantized ones"

_WINDOW = ("stride", "padding", "activation")
_CONV: Columns = {"attributes": (*_WINDOW, "dilation"), "indices": (2,), "weights": (1, 2),
                  "int16": "int16", "clamps": True, "rule": "own", "floats": "linear", "tflm_bytes": 56}  # fmt: skip
_POOL: Columns = {"options": "Pool2DOptions", "attributes": (*_WINDOW, "kernel"), "int16": "int16",
                  "clamps": True, "rule": "same", "homogeneous": True, "floats": "pool"}  # fmt: skip
_PAIR: Columns = {"shape": "broadcast", "aligned": True, "floats": "pair"}
_SUM: Columns = {**_PAIR, "attributes": ("activation",), "int16": "int16", "int32": "integer",
                 "clamps": True, "rule": "own", "any_dtype": True, "folds": "numbers"}  # fmt: skip
_EXTREME: Columns = {**_PAIR, "int16": "integer", "int32": "integer", "rule": "same", "any_dtype": True,
                     "folds": "numbers"}  # fmt: skip
_COMPARE: Columns = {**_PAIR, "dtypes": ("int8", "bool"), "int32": "integer", "rule": "own",
                     "any_dtype": True, "makes": "bool", "folds": "numbers"}  # fmt: skip
_LOGIC: Columns = {"dtypes": ("bool",), "rule": "own", "any_dtype": True, "folds": "numbers"}
_SELECT: Columns = {"dtypes": MOVED, "shape": "broadcast", "rule": "same", "any_dtype": True,
                    "aligned": True, "floats": "select", "folds": "where"}  # fmt: skip
_ONE: Columns = {"shape": "size", "table": True, "rule": "own"}
_CLAMP: Columns = {**_ONE, "floats": "clamp"}
_REAL: Columns = {"floats": "one", "rule": "own", "island": True}  # in TFLM of floats only
_MOVE: Columns = {"dtypes": MOVED, "rule": "same", "any_dtype": True}
_RENAME: Columns = {**_MOVE, "moves": 0, "reshapes": True, "shape": "size", "homogeneous": True,
                    "floats": "same_values", "folds": "reshape"}  # fmt: skip
_BLOCK: Columns = {**_MOVE, "attributes": ("block_size",)}
_RESIZE: Columns = {"attributes": ("align_corners", "half_pixel_centers"), "indices": (1,), "rule": "same",
                    "homogeneous": True}  # fmt: skip
_REDUCE: Columns = {"indices": (1,)}
_EXTREMES: Columns = {**_REDUCE, "rule": "same", "any_dtype": True, "folds": "reduced"}
_ANY_ALL: Columns = {**_REDUCE, "dtypes": ("bool",), "rule": "own", "any_dtype": True}
_ARG: Columns = {**_REDUCE, "dtypes": ("int8", "int32"), "rule": "own", "any_dtype": True, "makes": "int32",
                 "unclipped": True}  # fmt: skip

_ROWS = (
    # conv, depthwise, dense, pool, matmul
    Row("CONV_2D", "conv", "Conv2D, Conv1D, Dense on images", "Conv2DOptions", out_axis=0, int4=True, **_CONV),
    Row("TRANSPOSE_CONV", "conv", "Conv2DTranspose, Conv1DTranspose", "TransposeConvOptions", _WINDOW, int16="conv",
        checks=True, weights=(1, 3), out_axis=0, rule="own", floats="linear"),
    Row("DEPTHWISE_CONV_2D", "depthwise", "DepthwiseConv2D, SeparableConv2D", "DepthwiseConv2DOptions", out_axis=3,
        **_CONV),
    Row("FULLY_CONNECTED", "dense", "Dense", "FullyConnectedOptions", ("activation", "weights_format"), int16="int16",
        indices=(2,), weights=(1, 2), out_axis=0, int4=True, clamps=True, rule="own", floats="linear", tflm_bytes=44),
    Row("MAX_POOL_2D", "pool", "MaxPooling2D, MaxPooling1D", **_POOL),
    Row("AVERAGE_POOL_2D", "pool", "AveragePooling2D, AveragePooling1D", **_POOL),
    Row("BATCH_MATMUL", "matmul", "Dot, EinsumDense, MultiHeadAttention, tf.matmul", "BatchMatMulOptions",
        ("adj_x", "adj_y"), int16="matmul", checks=True, rule="own", floats="batch_matmul", aligned=True),
    # elementwise: two tensors
    Row("ADD", "elementwise", "Add, residual connections, BatchNormalization that was not folded", "AddOptions",
        numpy="add", functions={"pairwise_16": 1, "numbers": 7}, **_SUM),
    Row("SUB", "elementwise", "Subtract, Normalization", "SubOptions", numpy="subtract",
        functions={"pairwise_16": 2, "numbers": 8}, **_SUM),
    Row("MUL", "elementwise", "Multiply, Rescaling, BatchNormalization that was not folded, attention gates",
        "MulOptions", numpy="multiply", functions={"pairwise_16": 0, "numbers": 9}, **_SUM),
    Row("DIV", "elementwise", "Normalization, a Lambda layer with /", "DivOptions", ("activation",), int32="integer",
        clamps=True, numpy="divide", functions={"binary": 8, "numbers": 10}, folds="div", rule="own", **_PAIR),
    Row("SQUARED_DIFFERENCE", "elementwise", "LayerNormalization, tf.nn.moments", int16="int16", int32="integer",
        clamps=True, rule="own", functions={"binary": 6, "pairwise_16": 3, "numbers": 6}, shape="broadcast",
        aligned=True, floats="squared_difference"),
    Row("PRELU", "elementwise", "PReLU", int16="int16", clamps=True, rule="own", homogeneous=True, floats="prelu",
        aligned=True, shape="broadcast", functions={"binary": 7, "pairwise_16": 4}),
    Row("MAXIMUM", "elementwise", "Maximum, tf.maximum", numpy="maximum", functions={"binary": 0, "numbers": 0},
        **_EXTREME),
    Row("MINIMUM", "elementwise", "Minimum, tf.minimum", numpy="minimum", functions={"binary": 1, "numbers": 1},
        **_EXTREME),
    Row("EQUAL", "elementwise", "tf.equal, masks", numpy="equal", functions={"binary": 2, "numbers": 2}, **_COMPARE),
    Row("NOT_EQUAL", "elementwise", "tf.not_equal, masks", numpy="not_equal", functions={"binary": 3, "numbers": 3},
        **_COMPARE),
    Row("LESS", "elementwise", "x < y, masks", numpy="less", functions={"binary": 4, "numbers": 4}, **_COMPARE),
    Row("LESS_EQUAL", "elementwise", "x <= y, masks", numpy="less_equal", functions={"binary": 5, "numbers": 5},
        **_COMPARE),
    Row("GREATER", "elementwise", "x > y, masks", numpy="greater", swaps=True, functions={"binary": 4, "numbers": 4},
        **_COMPARE),
    Row("GREATER_EQUAL", "elementwise", "x >= y, masks", numpy="greater_equal", swaps=True,
        functions={"binary": 5, "numbers": 5}, **_COMPARE),
    Row("LOGICAL_AND", "elementwise", "tf.logical_and, masks", numpy="logical_and", makes="bool",
        functions={"binary": 1}, **_LOGIC, **_PAIR),
    Row("LOGICAL_OR", "elementwise", "tf.logical_or, masks", numpy="logical_or", makes="bool", functions={"binary": 0},
        **_LOGIC, **_PAIR),
    Row("SELECT", "elementwise", "tf.where, masks", **_SELECT),
    Row("SELECT_V2", "elementwise", "tf.where, masks", **_SELECT),
    # lookup: one tensor
    Row("RELU", "lookup", "ReLU, Activation('relu')", int16="int16", homogeneous=True, **_CLAMP),
    # TFLM ignores its output's scale
    Row("RELU6", "lookup", "ReLU(6), MobileNet", int16="int16", **{**_CLAMP, "rule": "same"}),
    Row("RELU_N1_TO_1", "lookup", "tf.clip_by_value(x, -1, 1)", **_CLAMP),
    Row("RELU_0_TO_1", "lookup", "tf.clip_by_value(x, 0, 1)", **_CLAMP),
    Row("LEAKY_RELU", "lookup", "LeakyReLU", "LeakyReluOptions", ("alpha",), int16="int16", homogeneous=True,
        floats="leaky_relu", **_ONE),
    Row("ELU", "lookup", "ELU, Activation('elu')", floats="elu", **_ONE),
    Row("GELU", "lookup", "Activation('gelu')", "GeluOptions", ("approximate",), floats="gelu", **_ONE),
    Row("HARD_SWISH", "lookup", "Activation('hard_swish'), MobileNetV3", floats="hard_swish", **_ONE),
    Row("LOGISTIC", "lookup", "Activation('sigmoid')", int16="int16", shape="size", table=True, rule=(1 / 256, -128),
        floats="logistic"),
    Row("TANH", "lookup", "Activation('tanh')", int16="int16", shape="size", table=True, rule=(1 / 128, 0),
        numpy="tanh", floats="one"),
    Row("EXP", "lookup", "tf.exp", numpy="exp", floats="one", **_ONE),
    Row("LOG", "lookup", "tf.math.log", numpy="log", floats="one", **_ONE),
    Row("ABS", "lookup", "abs(x), tf.abs", int16="int16", numpy="abs", floats="one", folds="numbers", **_ONE),
    Row("RSQRT", "lookup", "LayerNormalization, BatchNormalization that was not folded", int16="rows", floats="rsqrt",
        **_ONE),
    Row("SQRT", "lookup", "LayerNormalization, tf.sqrt", shape="size", table=True, numpy="sqrt", **_REAL),
    Row("NEG", "lookup", "-x, tf.negative, Lambda layers", shape="size", table=True, numpy="negative", folds="numbers",
        **_REAL),
    Row("LOGICAL_NOT", "lookup", "tf.logical_not, masks", shape="size", table=True, numpy="logical_not", makes="bool",
        floats="one_bool", **_LOGIC),
    Row("QUANTIZE", "lookup", _UNQUANTIZED, dtypes=("int8", "uint8"), int16="int16", floats="same_values",
        folds="quantize", **_ONE),
    # a pass makes it of what lies between DEQUANTIZE and QUANTIZE
    Row("TABLE", "lookup", "", shape="size", table=True),
    # rows, softmax
    Row("SOFTMAX", "softmax", "Softmax, Dense(activation='softmax')", "SoftmaxOptions", ("beta",), int16="int16",
        shape="same", rule=(1 / 256, -128), unclipped=True, floats="softmax"),
    Row("LOG_SOFTMAX", "rows", "tf.nn.log_softmax", shape="same", rule=(16 / 256, 127), unclipped=True,
        floats="log_softmax"),
    Row("L2_NORMALIZATION", "rows", "UnitNormalization, tf.math.l2_normalize", "L2NormOptions", ("activation",),
        shape="same", rule=(1 / 128, 0), floats="l2_normalization"),
    # reduce, integer
    Row("MEAN", "reduce", "GlobalAveragePooling, LayerNormalization, tf.reduce_mean", int16="int16", clamps=True,
        rule="own", homogeneous=True, floats="mean", **_REDUCE),
    Row("SUM", "reduce", "tf.reduce_sum, attention", int16="int16", clamps=True, rule="own", numpy="sum", floats="sum",
        folds="reduced", **_REDUCE),
    Row("REDUCE_MAX", "reduce", "GlobalMaxPooling, tf.reduce_max", homogeneous=True, numpy="max", floats="reduced",
        functions={"reduce": 0}, **_EXTREMES),
    Row("REDUCE_MIN", "reduce", "tf.reduce_min", numpy="min", floats="reduced", functions={"reduce": 1}, **_EXTREMES),
    Row("REDUCE_ALL", "reduce", "tf.reduce_all", numpy="all", floats="reduced", functions={"reduce": 1}, **_ANY_ALL),
    Row("REDUCE_ANY", "reduce", "tf.reduce_any", numpy="any", floats="reduced", functions={"reduce": 0}, **_ANY_ALL),
    Row("ARG_MAX", "reduce", "tf.argmax", numpy="argmax", floats="arg", functions={"arg": 0}, **_ARG),
    Row("ARG_MIN", "reduce", "tf.argmin", numpy="argmin", floats="arg", functions={"arg": 1}, **_ARG),
    Row("ADD_N", "reduce", "tf.add_n, Add of several", rule="own", floats="add_n"),
    Row("CUMSUM", "integer", "tf.cumsum", "CumsumOptions", ("exclusive", "reverse"), indices=(1,), shape="same",
        rule="own", centred=True, floats="cumsum"),
    Row("CAST", "integer", "tf.cast", dtypes=MOVED, shape="size", folds="cast"),
    # move
    Row("RESHAPE", "move", "Flatten, Reshape", indices=(1,), **_RENAME),
    Row("SQUEEZE", "move", "tf.squeeze, Conv1D", **_RENAME),
    Row("EXPAND_DIMS", "move", "tf.expand_dims, Conv1D", indices=(1,), **_RENAME),
    Row("TRANSPOSE", "move", "Permute, tf.transpose", indices=(1,), moves=0, floats="transpose", folds="transpose",
        **_MOVE),
    Row("SLICE", "move", "tf.slice", indices=(1, 2), moves=0, floats="slice", folds="slice", **_MOVE),
    Row("STRIDED_SLICE", "move", "Cropping, slicing x[:, a:b]", "StridedSliceOptions",
        ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset"), indices=(1, 2, 3), moves=0,
        floats="strided_slice", folds="strided_slice", **_MOVE),
    Row("SPLIT", "move", "tf.split, grouped convolutions", indices=(0,), moves=1, floats="split", folds="split",
        **_MOVE),
    Row("SPLIT_V", "move", "tf.split with sizes", indices=(1, 2), moves=0, floats="split_v", **_MOVE),
    Row("UNPACK", "move", "tf.unstack, RNNs with unroll=True", "UnpackOptions", ("axis",), moves=0, floats="unpack",
        folds="unpack", **_MOVE),
    Row("PACK", "move", "tf.stack", "PackOptions", ("axis",), floats="pack", folds="pack", aligned=True, **_MOVE),
    Row("CONCATENATION", "move", "Concatenate, skip connections", "ConcatenationOptions", ("activation", "axis"),
        empty=True, floats="concatenation", folds="concatenation", aligned=True, **_MOVE),
    Row("PAD", "move", "ZeroPadding2D, Conv2D with strides", dtypes=("int8", "int32"), int16="move", indices=(1,),
        empty=True, rule="same", any_dtype=True, homogeneous=True, floats="pad"),
    Row("PADV2", "move", "tf.pad with a value", dtypes=("int8", "int32"), int16="move", indices=(1,), empty=True,
        rule="same", any_dtype=True, floats="pad"),
    Row("FILL", "move", "tf.fill", indices=(0,), floats="fill", folds="fill", **_MOVE),
    Row("DYNAMIC_UPDATE_SLICE", "move", "tf.tensor_scatter_nd_update, a cache of keys and values", indices=(2,),
        floats="update_slice", **_MOVE),
    Row("TILE", "move", "tf.tile, RepeatVector", indices=(1,), floats="tile", folds="tile", **_MOVE),
    Row("BROADCAST_TO", "move", "tf.broadcast_to", indices=(1,), floats="broadcast_to", folds="broadcast_to", **_MOVE),
    Row("SPACE_TO_DEPTH", "move", "tf.nn.space_to_depth", "SpaceToDepthOptions", floats="space_to_depth", **_BLOCK),
    Row("DEPTH_TO_SPACE", "move", "tf.nn.depth_to_space", "DepthToSpaceOptions", floats="depth_to_space", **_BLOCK),
    Row("SPACE_TO_BATCH_ND", "move", "convolutions with dilation", indices=(1, 2), rule="same", any_dtype=True,
        floats="space_to_batch"),
    Row("BATCH_TO_SPACE_ND", "move", "convolutions with dilation", indices=(1, 2), rule="same", any_dtype=True,
        floats="batch_to_space"),
    # gather, resize
    Row("GATHER", "gather", "tf.gather, Embedding", "GatherOptions", ("axis", "batch_dims"), indices=(1,),
        floats="gather", folds="gather", **_MOVE),
    Row("GATHER_ND", "gather", "tf.gather_nd", indices=(1,), floats="gather_nd", **_MOVE),
    Row("EMBEDDING_LOOKUP", "gather", "Embedding", indices=(0,), rule="same", any_dtype=True, floats="embedding"),
    Row("REVERSE_V2", "gather", "tf.reverse, Bidirectional", indices=(1,), floats="reverse", **_MOVE),
    Row("MIRROR_PAD", "gather", "tf.pad(mode='REFLECT')", "MirrorPadOptions", ("mode",), indices=(1,), homogeneous=True,
        floats="mirror_pad", **_MOVE),
    Row("RESIZE_NEAREST_NEIGHBOR", "gather", "UpSampling2D", "ResizeNearestNeighborOptions", dtypes=MOVED,
        any_dtype=True, floats="nearest", **_RESIZE),
    Row("RESIZE_BILINEAR", "resize", "UpSampling2D(interpolation='bilinear'), Resizing", "ResizeBilinearOptions",
        floats="bilinear", **_RESIZE),
    # recurrent
    Row("UNIDIRECTIONAL_SEQUENCE_LSTM", "recurrent", "LSTM", "UnidirectionalSequenceLSTMOptions",
        ("activation", "cell_clip", "proj_clip", "time_major"), dtypes=("int8", "int16"), int16="recurrent",
        checks=True, weights=tuple(range(1, 24)), remembers=True, rule="own", floats="lstm"),
    Row("SVDF", "recurrent", "tf.keras' SVDF of keyword spotting", "SVDFOptions", ("activation", "rank"), checks=True,
        remembers=True),
    Row("READ_VARIABLE", "recurrent", "tf.Variable", int16="recurrent", checks=True, remembers=True),
    Row("ASSIGN_VARIABLE", "recurrent", "tf.Variable", dtypes=("int8", "int16"), checks=True, remembers=True),
    # what passes take out of a graph
    Row("DEQUANTIZE", "", _UNQUANTIZED, resolved=True, floats="same_values", folds="dequantize"),
    Row("CALL_ONCE", "", "tf.Variable", "CallOnceOptions", ("subgraph",), resolved=True, remembers=True),
    Row("VAR_HANDLE", "", "tf.Variable", "VarHandleOptions", ("variable",), resolved=True, remembers=True),
    Row("CUSTOM:CIRCULAR_BUFFER", "", "", resolved=True,
        refused=("it ends most inferences early, and remembers in between", "keep the last frames in a tf.Variable "
                 "(CONCATENATION and SLICE of READ_VARIABLE), or on the board, in Python")),
    # floats between DEQUANTIZE and QUANTIZE, and constants
    Row("SQUARE", "", "tf.square, x ** 2, LayerNormalization written by hand", numpy="square", folds="numbers",
        floats_only="multiply the tensor by itself, x * x; or: " + _AS_TABLE, **_REAL),
    Row("SIN", "", "positional encodings", numpy="sin", floats_only=_AS_TABLE, **_REAL),
    Row("COS", "", "positional encodings", numpy="cos", floats_only=_AS_TABLE, **_REAL),
    *(Row(kind, "", "tf.floor, tf.math.ceil, tf.round in a Lambda layer", numpy=numpy, floats_only=_AS_TABLE, **_REAL)
      for kind, numpy in (("FLOOR", "floor"), ("CEIL", "ceil"), ("ROUND", "rint"))),
    Row("FLOOR_DIV", "", "a Lambda layer with //", numpy="floor_divide", folds="numbers", refused=_FLOATS_IN_TFLM),
    Row("FLOOR_MOD", "", "a Lambda layer with %", numpy="mod", folds="numbers", refused=_FLOATS_IN_TFLM),
    Row("SHAPE", "", "tf.shape", folds="shape", of_shapes=True),
    Row("RANK", "", "tf.rank", folds="rank", of_shapes=True),
    Row("ZEROS_LIKE", "", "tf.zeros_like", folds="zeros_like", of_shapes=True),
    Row("RANGE", "", "tf.range", folds="range"),
    Row("BROADCAST_ARGS", "", "tf.broadcast_dynamic_shape", folds="broadcast_args"),
    Row("REDUCE_PROD", "", "tf.reduce_prod", numpy="prod", folds="reduced"),
    # what has no kernel here
    Row("WHILE", "", "LSTM, GRU, SimpleRNN, RNN, Bidirectional without unroll=True; tf.while_loop", "WhileOptions",
        ("subgraphs",), control=True, refused=_LOOPS),
    Row("IF", "", "tf.cond, a Python if on a tensor", control=True, refused=_LOOPS),
    Row("CALL", control=True, refused=_LOOPS),
    Row("STABLEHLO_WHILE", control=True, refused=_LOOPS),
    Row("CONV_3D", "", "Conv3D"),
    Row("L2_POOL_2D", "", "tf.sqrt(tf.nn.avg_pool(x ** 2)), torch.nn.LPPool2d",
        floats_only="write it as layers that are quantized each: x * x, AveragePooling2D, tf.sqrt"),
    Row("POW", "", "a Lambda layer with **", floats_only="x * x for squares, tf.sqrt for roots; or: " + _AS_TABLE),
    Row("ONE_HOT", "", "CategoryEncoding, tf.one_hot"),
    Row("TOPK_V2", "", "tf.math.top_k: pick the best on the board, in Python"),
    Row("REVERSE_SEQUENCE", "", "Bidirectional with masks"),
    Row("BIDIRECTIONAL_SEQUENCE_LSTM", "", "Bidirectional(LSTM)"),
    Row("HASHTABLE", "", "StringLookup, TextVectorization: keep them outside of the network"),
    *(Row(kind, "", _DETECTOR) for kind in ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5",
                                            "CUSTOM:TFLite_Detection_PostProcess")),
    Row("RFFT2D", "", "tf.signal.stft: compute features on the board, in Python", refused=_SIGNAL),
    *(Row(f"CUSTOM:Signal{name}", refused=_SIGNAL) for name in (
        "Rfft", "Irfft", "FftAutoScale", "Window", "Framer", "OverlapAdd", "Stacker", "Delay", "Energy", "FilterBank",
        "FilterBankLog", "PCAN", "FilterBankSquareRoot", "FilterBankSpectralSubtraction")),
    Row("CUSTOM:TFLM_DECODE", refused=("its weights are compressed", "export the model without weight compression; "
                                       "fxnn quantize --weights int4 makes them smaller")),
    Row("CUSTOM:ethos-u", refused=("it was compiled for Arm's Ethos-U",
                                   "convert the .tflite from before the Vela compiler")),
)  # fmt: skip

TABLE: Mapping[str, Row] = {row.kind: row for row in _ROWS}
assert len(TABLE) == len(_ROWS), "two rows for one kind"
LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_UNKNOWN = Row("")


def row(kind: str) -> Row:
    """The row of a kind; one in which nothing is set for a kind that the table does not have."""
    return TABLE.get(kind, _UNKNOWN)


def kinds(column: str) -> frozenset[str]:
    """Every kind in whose row the column (or property) is not what it is where nothing is set."""
    return frozenset(kind for kind, r in TABLE.items() if getattr(r, column) != getattr(_UNKNOWN, column))
