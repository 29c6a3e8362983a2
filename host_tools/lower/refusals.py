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
    "L2_POOL_2D": "an op of tf.lite itself; TensorFlow Lite Micro and LiteRT have it for real numbers only",
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
