"""How each kind of op wants its tensors quantized: TensorFlow Lite's int8 specification (quantization_spec), as a table.

"own": the output has a range of its own. "same": the output shares scale and zero point with every activation that goes
in (the kernel moves bytes or compares them). A pair: the kernel's output has this scale and zero point, always.
"""

from __future__ import annotations

RULES: dict[str, str | tuple[float, int]] = {
    "CONV_2D": "own",
    "DEPTHWISE_CONV_2D": "own",
    "FULLY_CONNECTED": "own",
    "ADD": "own",
    "MUL": "own",
    "MEAN": "own",
    "QUANTIZE": "own",  # between two int8 tensors
    "SUB": "own",
    "SUM": "own",
    "RELU": "own",
    "RELU_N1_TO_1": "own",
    "RELU_0_TO_1": "own",
    "LEAKY_RELU": "own",
    "ELU": "own",
    "GELU": "own",
    "HARD_SWISH": "own",
    "ABS": "own",
    "RELU6": "same",  # TFLM's kernel does not look at the output's scale
    "MAX_POOL_2D": "same",
    "AVERAGE_POOL_2D": "same",
    "CONCATENATION": "same",
    "PAD": "same",
    "PADV2": "same",
    "RESHAPE": "same",
    "SQUEEZE": "same",
    "EXPAND_DIMS": "same",
    "TRANSPOSE": "same",
    "SLICE": "same",
    "STRIDED_SLICE": "same",
    "RESIZE_NEAREST_NEIGHBOR": "same",
    "SOFTMAX": (1 / 256, -128),
    "LOGISTIC": (1 / 256, -128),
    "TANH": (1 / 128, 0),
}

# Inputs that are no activations: weights, biases, axes, shapes, paddings. (PADV2's value is one, in the input's scale.)
PARAMETERS = {
    "CONV_2D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "FULLY_CONNECTED": (1, 2),
    "MEAN": (1,),
    "SUM": (1,),
    "PAD": (1,),
    "PADV2": (1,),
    "RESHAPE": (1,),
    "SQUEEZE": (1,),
    "EXPAND_DIMS": (1,),
    "TRANSPOSE": (1,),
    "SLICE": (1, 2),
    "STRIDED_SLICE": (1, 2, 3),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
}
