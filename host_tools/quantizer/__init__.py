"""From a float network to int8: which ranges, what is equalized, corrected and rounded, is chosen by measuring.

    quantized = quantize(graph, [images], Options())
    quantized.graph      int8, as a full-int8 .tflite reads
    quantized.trials     what was tried, and the error each gave

Deterministic: the same graph, data and options give the same integers (numpy's BLAS on the same machine).
"""

from .quantized import MOST_SAMPLES, Options, Quantized, Trial, decibels, metadata
from .search import Progress, quantize

__all__ = ["MOST_SAMPLES", "Options", "Progress", "Quantized", "Trial", "decibels", "metadata", "quantize"]
