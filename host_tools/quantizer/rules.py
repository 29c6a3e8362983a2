"""How each kind of op wants its tensors quantized: TensorFlow Lite's int8 specification (quantization_spec), as a table.

"own": the output has a range of its own. "same": the outputs share scale and zero point with every real operand that goes
in (the kernel moves bytes or compares them). A pair: the kernel's output has this scale and zero point, always.
Tensors that are no real numbers (bool, int32) have no scale, whatever the rule.
"""

from __future__ import annotations

from ..ir import Graph, Op

_OWN = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL", "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "ADD", "SUB", "MUL", "DIV", "SQUARED_DIFFERENCE", "ADD_N", "MEAN", "SUM", "PRELU",
    "QUANTIZE",  # between two int8 tensors
    "RELU", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "ELU", "GELU", "HARD_SWISH", "ABS", "EXP", "LOG", "RSQRT", "CUMSUM",
)  # fmt: skip
_SAME = (
    "RELU6",  # TFLM's kernel does not look at the output's scale
    "MAX_POOL_2D", "AVERAGE_POOL_2D", "REDUCE_MAX", "REDUCE_MIN", "MAXIMUM", "MINIMUM", "SELECT", "SELECT_V2",
    "CONCATENATION", "PACK", "UNPACK", "SPLIT", "SPLIT_V", "PAD", "PADV2", "MIRROR_PAD", "RESHAPE", "SQUEEZE", "EXPAND_DIMS",
    "TRANSPOSE", "SLICE", "STRIDED_SLICE", "GATHER", "GATHER_ND", "REVERSE_V2", "TILE", "BROADCAST_TO", "SPACE_TO_DEPTH",
    "DEPTH_TO_SPACE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR",
    "EMBEDDING_LOOKUP", "DYNAMIC_UPDATE_SLICE", "FILL",
)  # fmt: skip
# of real numbers only in TFLM: the host makes a table of 256 bytes of each (islands.py)
REAL_ONLY = ("CEIL", "COS", "FLOOR", "NEG", "ROUND", "SIN", "SQRT", "SQUARE")
# what comes out is bool or int32
COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
_UNSCALED = (*COMPARISONS, "ARG_MAX", "ARG_MIN", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT", "REDUCE_ALL", "REDUCE_ANY")

RULES: dict[str, str | tuple[float, int]] = {
    **dict.fromkeys((*_OWN, *REAL_ONLY, *_UNSCALED), "own"),
    **dict.fromkeys(_SAME, "same"),
    "SOFTMAX": (1 / 256, -128),
    "LOGISTIC": (1 / 256, -128),
    "TANH": (1 / 128, 0),
    "L2_NORMALIZATION": (1 / 128, 0),
    "LOG_SOFTMAX": (16 / 256, 127),
}
# ops that take, or make, bool and int32 as well
ANY_DTYPE = frozenset((*_UNSCALED, "ADD", "SUB", "MUL")) | frozenset(_SAME) - {"RELU6", "MAX_POOL_2D", "AVERAGE_POOL_2D",
                                                       "RESIZE_BILINEAR"}  # fmt: skip

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
# Real inputs that are no activations: weights and biases. (PADV2's value is one, in the input's scale.)
_WEIGHTS = {**dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), (1, 2)), "TRANSPOSE_CONV": (1, 3),
            LSTM: range(1, 24)}  # fmt: skip


def operands(graph: Graph, op: Op) -> list[int]:
    """Places among `op`'s inputs of the real numbers that it computes with, constants included, weights not.

    graph: in float, before anything is quantized.
    """
    weights = _WEIGHTS.get(op.kind, ())
    return [n for n, id in enumerate(op.inputs)
            if id is not None and n not in weights and graph.tensors[id].dtype == "float32"]  # fmt: skip


def real_outputs(graph: Graph, op: Op) -> list[str]:
    """The outputs of `op` that are real numbers (of the float graph)."""
    return [id for id in op.outputs if graph.tensors[id].dtype == "float32"]
