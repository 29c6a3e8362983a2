"""What cannot be converted, all at once: by op, with its tensor and shape, why, where it comes from and what to do.

Ops of one kind with one way out are one group, so that a network of fifty such layers is told once.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ToolError
from ..ir import Graph, Op

_SHOWN = 6  # ops of a group that are named; the others are counted

# The layers of Keras (or calls of TensorFlow) that usually make an op.
LAYERS = {
    "WHILE": "LSTM, GRU, SimpleRNN, RNN, Bidirectional without unroll=True; tf.while_loop",
    "IF": "tf.cond, a Python if on a tensor",
    "DEQUANTIZE": "a layer that the converter could not quantize, between quantized ones",
    "QUANTIZE": "a layer that the converter could not quantize, between quantized ones",
    "CONV_2D": "Conv2D, Conv1D, Dense on images",
    "CONV_3D": "Conv3D",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D, SeparableConv2D",
    "TRANSPOSE_CONV": "Conv2DTranspose, Conv1DTranspose",
    "FULLY_CONNECTED": "Dense",
    "BATCH_MATMUL": "Dot, MultiHeadAttention, tf.matmul",
    "EINSUM": "EinsumDense, MultiHeadAttention",
    "MAX_POOL_2D": "MaxPooling2D, MaxPooling1D",
    "AVERAGE_POOL_2D": "AveragePooling2D, AveragePooling1D",
    "L2_POOL_2D": "tf.sqrt(tf.nn.avg_pool(x ** 2)), torch.nn.LPPool2d",
    "SQUARE": "tf.square, x ** 2, LayerNormalization written by hand",
    "NEG": "-x, tf.negative, Lambda layers",
    **dict.fromkeys(("FLOOR", "CEIL", "ROUND"), "tf.floor, tf.math.ceil, tf.round in a Lambda layer"),
    "SIN": "positional encodings",
    "COS": "positional encodings",
    "DYNAMIC_UPDATE_SLICE": "tf.tensor_scatter_nd_update, a cache of keys and values",
    "HARD_SWISH": "Activation('hard_swish'), MobileNetV3",
    "MEAN": "GlobalAveragePooling, LayerNormalization, tf.reduce_mean",
    "SUM": "tf.reduce_sum, attention",
    "ADD": "Add, residual connections, BatchNormalization that was not folded",
    "SUB": "Subtract, Normalization",
    "MUL": "Multiply, Rescaling, BatchNormalization that was not folded, attention gates",
    "DIV": "Normalization, a Lambda layer with /",
    "FLOOR_DIV": "a Lambda layer with //",
    "FLOOR_MOD": "a Lambda layer with %",
    "POW": "a Lambda layer with **",
    "RSQRT": "LayerNormalization, BatchNormalization that was not folded",
    "SQRT": "LayerNormalization, tf.sqrt",
    "SQUARED_DIFFERENCE": "LayerNormalization, tf.nn.moments",
    "SOFTMAX": "Softmax, Dense(activation='softmax')",
    "CONCATENATION": "Concatenate, skip connections",
    "RESHAPE": "Flatten, Reshape",
    "PAD": "ZeroPadding2D, Conv2D with strides",
    "STRIDED_SLICE": "Cropping, slicing x[:, a:b]",
    "SPLIT": "tf.split, grouped convolutions",
    "GATHER": "tf.gather, Embedding",
    "EMBEDDING_LOOKUP": "Embedding",
    "ONE_HOT": "CategoryEncoding, tf.one_hot",
    "TOPK_V2": "tf.math.top_k: pick the best on the board, in Python",
    "NON_MAX_SUPPRESSION_V4": "a detector's last step: do it on the board, in Python",
    "NON_MAX_SUPPRESSION_V5": "a detector's last step: do it on the board, in Python",
    "CUSTOM:TFLite_Detection_PostProcess": "a detector's last step: do it on the board, in Python",
    "RESIZE_BILINEAR": "UpSampling2D(interpolation='bilinear'), Resizing",
    "RESIZE_NEAREST_NEIGHBOR": "UpSampling2D",
    "REVERSE_SEQUENCE": "Bidirectional with masks",
    "CUMSUM": "tf.cumsum",
    "SELECT_V2": "tf.where, masks",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "LSTM",
    "BIDIRECTIONAL_SEQUENCE_LSTM": "Bidirectional(LSTM)",
    "RFFT2D": "tf.signal.stft: compute features on the board, in Python",
    "HASHTABLE": "StringLookup, TextVectorization: keep them outside of the network",
}


_IN_PYTHON = "compute it on the board, in Python, before or behind the network"
_LOOPS = ("Keras: LSTM becomes one op; write GRU, SimpleRNN and RNN with unroll=True; export without tf.while_loop and "
          "tf.cond")  # fmt: skip
_TABLE = ("let TFLiteConverter quantize it: it leaves the op between a DEQUANTIZE and a QUANTIZE, and of one int8 tensor that "
          "becomes a table")  # fmt: skip
_POOL = "write it as layers that are quantized each: x * x, AveragePooling2D, tf.sqrt"
# What neither TensorFlow Lite Micro nor LiteRT's reference kernels compute in int8 (tests/host/test_coverage.py asks them).
REAL_NUMBERS_ONLY = {
    "SQUARE": "multiply the tensor by itself, x * x; or: " + _TABLE,
    **dict.fromkeys(("SIN", "COS", "FLOOR", "CEIL", "ROUND"), _TABLE),
    "L2_POOL_2D": _POOL,
    "POW": "x * x for squares, tf.sqrt for roots; or: " + _TABLE,
}
# Ops that have no place here: why, and what to do instead.
_OTHERS = {
    **dict.fromkeys(("WHILE", "IF", "CALL", "STABLEHLO_WHILE"), ("control flow is not supported", _LOOPS)),
    **dict.fromkeys(("FLOOR_DIV", "FLOOR_MOD"), ("TensorFlow Lite Micro has it for real numbers only",
                                                 "divide without rounding, or " + _IN_PYTHON)),
    **dict.fromkeys(("RFFT2D", "CUSTOM:SignalRfft", "CUSTOM:SignalIrfft", "CUSTOM:SignalFftAutoScale", "CUSTOM:SignalWindow",
                     "CUSTOM:SignalFramer", "CUSTOM:SignalOverlapAdd", "CUSTOM:SignalStacker", "CUSTOM:SignalDelay",
                     "CUSTOM:SignalEnergy", "CUSTOM:SignalFilterBank", "CUSTOM:SignalFilterBankLog", "CUSTOM:SignalPCAN",
                     "CUSTOM:SignalFilterBankSquareRoot", "CUSTOM:SignalFilterBankSpectralSubtraction"),
                    ("it makes features of a signal, which is no part of a network here", _IN_PYTHON)),
    "CUSTOM:CIRCULAR_BUFFER": ("it ends most inferences early, and remembers in between",
                               "keep the last frames in a tf.Variable (CONCATENATION and SLICE of READ_VARIABLE), or on the "
                               "board, in Python"),
    "CUSTOM:TFLM_DECODE": ("its weights are compressed", "export the model without weight compression; fxnn quantize "
                           "--weights int4 makes them smaller"),
    "CUSTOM:ethos-u": ("it was compiled for Arm's Ethos-U", "convert the .tflite from before the Vela compiler"),
}  # fmt: skip
# The way out for a tensor of a type that an op does not have here; other types are those of a model that is not full int8.
OTHER_TYPE = {
    "int16": "quantize to int8 instead of 16x8: README's table of ops says which have int16",
    "int32": "cast it to int8, or " + _IN_PYTHON,
    "int64": "use int32",
    "bool": "cast it to int8",
}


def unknown(graph: Graph, op: Op, full_int8: str, supported: Sequence[str]) -> tuple[str, str]:
    """(why, fix) of an op of a kind that is never lowered."""
    real = next(
        (i for i in (*op.inputs, *op.outputs) if i in graph.tensors and graph.tensors[i].dtype.startswith("float")),
        None,
    )
    if op.kind in _OTHERS:
        return _OTHERS[op.kind]
    if op.kind.startswith("CUSTOM"):
        return "custom ops have no kernel here", "replace the layer by standard ones"
    if op.kind in ("QUANTIZE", "DEQUANTIZE"):
        return "real numbers inside the network", full_int8
    if op.kind in REAL_NUMBERS_ONLY and real is None:
        return "TensorFlow Lite Micro and LiteRT have it for real numbers only", REAL_NUMBERS_ONLY[op.kind]
    if real is not None:
        fix = _POOL if op.kind == "L2_POOL_2D" else full_int8
        return f"'{real}' is {graph.tensors[real].dtype}, and it is no table of one int8 tensor", fix
    return "no kernel for this op", "replace the layer by supported ones: " + ", ".join(
        k for k in supported if k != "TABLE"
    )


def explain(graph: Graph, refused: Sequence[tuple[Op, Exception]]) -> ToolError:
    """The error for the ops that cannot run; each has `why` and `fix`."""
    groups: dict[tuple[str, str], list[tuple[Op, Exception]]] = {}
    for op, e in refused:
        groups.setdefault((op.kind, e.fix), []).append((op, e))
    lines = []
    for (kind, fix), members in groups.items():
        for op, e in members[:_SHOWN]:
            lines.append(f"{kind} '{op.name}'{_tensor(graph, op)}: {e.why}")
        if len(members) > _SHOWN:
            lines.append(f"... and {len(members) - _SHOWN} more of {kind}")
        if kind in LAYERS:
            lines.append(f"    usually from: {LAYERS[kind]}")
        lines.append(f"    do: {fix}")
    count = len(refused)
    return ToolError(
        f"{graph.name}: {count} op{'s' if count > 1 else ''} cannot be converted",
        "\n  ".join(["", *lines]),
        "nothing was written",
    )


def _tensor(graph: Graph, op: Op) -> str:
    """The tensors that the op reads and writes: dtype and shape."""

    def text(id: str) -> str:
        t = graph.tensors[id]
        return f"{t.dtype} {'x'.join(map(str, t.shape)) or 'scalar'}"

    reads = [text(i) for i in op.inputs if i in graph.tensors and not graph.tensors[i].constant]
    writes = [text(i) for i in op.outputs if i in graph.tensors]
    return f" ({', '.join(reads)} -> {', '.join(writes)})" if reads else f" ({', '.join(writes)})" if writes else ""
